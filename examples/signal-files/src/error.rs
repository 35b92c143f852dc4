//! What can be wrong with a recording: each message names the file, the value and the way out.

use std::io;
use std::path::{Path, PathBuf};

use consumer_support::input::{InputError, OverBudget};
use serde::{Deserialize, Serialize};

/// Why a recording cannot be read or written.
///
/// ```
/// use signal_files::{FileError, SignalFile};
///
/// let error = SignalFile::open("absent.edf").unwrap_err();
/// assert!(matches!(&error, FileError::File { path, .. } if path.ends_with("absent.edf")));
/// assert!(error.to_string().starts_with("absent.edf: cannot be opened"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read or written, or its content is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, where (byte, line, channel), and the way out.
        reason: String,
    },
    /// The file holds or claims more than is read, in bytes, values or annotations.
    #[error("{}: {over}", path.display())]
    OverBudget {
        /// The file.
        path: PathBuf,
        /// What there is too much of, and the way out.
        over: OverBudget,
    },
    /// The caller's request cannot be met: a channel that does not exist, a block of the wrong shape, a rate that no record holds.
    #[error("{0}")]
    Request(String),
    /// The caller's function that takes blocks returned this to end the reading.
    #[error("{0}")]
    Taker(String),
}

impl FileError {
    pub(crate) fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.into() }
    }

    pub(crate) fn input(path: &Path, error: InputError) -> Self {
        let path = path.to_path_buf();
        match error {
            InputError::OverBudget(over) => Self::OverBudget { path, over },
            error => Self::File { path, reason: error.to_string() },
        }
    }

    /// What a failed write says: the functions that write atomically name the path in front, as does this error.
    pub(crate) fn unwritten(path: &Path, error: &io::Error) -> Self {
        let message = error.to_string();
        let reason = message.strip_prefix(&format!("{} was not written: ", path.display())).unwrap_or(&message);
        Self::file(path, format!("cannot be written: {reason}; check the folder, its permissions and the free space"))
    }
}

/// A value, or what is wrong and the way out; the path is added where the file is known.
pub(crate) type Checked<T> = Result<T, String>;

/// What is wrong, before the path of the file is added.
#[derive(Debug)]
pub(crate) enum Fault {
    Reason(String),
    Input(InputError),
    /// An error that says all already.
    Whole(FileError),
}

impl Fault {
    pub(crate) fn of(self, path: &Path) -> FileError {
        match self {
            Self::Reason(reason) => FileError::file(path, reason),
            Self::Input(error) => FileError::input(path, error),
            Self::Whole(error) => error,
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<InputError> for Fault {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<OverBudget> for Fault {
    fn from(over: OverBudget) -> Self {
        Self::Input(over.into())
    }
}

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        Self::Whole(error)
    }
}

pub(crate) fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}; check the disk and the rights, or copy the file again")
}

pub(crate) fn to_usize(size: u64) -> Checked<usize> {
    usize::try_from(size).map_err(|_| format!("needs {size} bytes at once, beyond what this machine can address"))
}
