//! What can be wrong with a journal, and the way out of it. Plain data.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is wrong with a journal.
///
/// ```
/// use manyhands::{JournalError, JournalReader};
///
/// let problem = JournalReader::open("no such journal").unwrap_err();
/// assert!(matches!(problem, JournalError::NotFound { .. }));
/// assert_eq!(problem.to_string(), "no such journal does not exist");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JournalError {
    /// Another run writes this journal.
    Locked {
        /// The journal.
        path: PathBuf,
        /// Who writes it, and since when.
        holder: String,
    },
    /// The file, or the folder that it is to be in, is not there.
    NotFound {
        /// What is not there.
        path: PathBuf,
    },
    /// The file is no journal.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The journal was written by a later version of this crate.
    Newer {
        /// The journal.
        path: PathBuf,
        /// The version of its tables.
        found: u32,
        /// The latest version that is known here.
        known: u32,
    },
    /// The journal is damaged.
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file or its folder may not be written to.
    ReadOnly {
        /// The journal.
        path: PathBuf,
    },
    /// There is no room left for the journal: the disk, a quota or the largest size of a file is reached.
    Full {
        /// The journal.
        path: PathBuf,
    },
    /// What the answers depend on is another than recorded.
    Changed {
        /// The version, the configuration or one of its fields, or the fingerprint of an item.
        what: String,
        /// What was recorded.
        recorded: String,
        /// What it is now.
        now: String,
    },
    /// Two items have the same key.
    DuplicateKey {
        /// The key.
        key: String,
        /// The place of the first item that has it.
        first: usize,
        /// The place of the second.
        second: usize,
    },
    /// Neither the journal nor the job was told how to tell an item's key.
    NoKeys,
    /// The configuration cannot be written as JSON.
    Configuration(String),
    /// A recorded value is not of the type that the function returns now.
    Value {
        /// The item's key.
        key: String,
        /// The type.
        kind: &'static str,
        /// Why it cannot be read.
        why: String,
    },
    /// An answer cannot be written down, so the next run will compute it again.
    Unwritable {
        /// The item's key.
        key: String,
        /// Why its type's serde code refused.
        why: String,
    },
    /// The system refused something else.
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        detail: String,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path, holder } => {
                write!(f, "{} is being written by {holder}; wait for its end, or use another path", path.display())
            }
            Self::NotFound { path } => write!(f, "{} does not exist", path.display()),
            Self::Foreign { path } => write!(f, "{} is no journal; use another path", path.display()),
            Self::Newer { path, found, known } => write!(
                f,
                "{} has tables of version {found}, and this program knows those up to {known}; use a newer program, or \
                 another path",
                path.display()
            ),
            Self::Corrupt { path, detail } => write!(
                f,
                "{} is damaged ({detail}); move it away to begin anew, or restore a copy of it",
                path.display()
            ),
            Self::ReadOnly { path } => {
                write!(f, "{} or its folder may not be written to; allow it, or use another path", path.display())
            }
            Self::Full { path } => {
                write!(f, "no room is left to write {}; make some, and run again to resume", path.display())
            }
            Self::Changed { what, recorded, now } => write!(
                f,
                "{what} is {now} and was {recorded} when the journal was written; set it back, use another path, or allow \
                 OnChange::Recompute"
            ),
            Self::DuplicateKey { key, first, second } => {
                write!(f, "items {first} and {second} have the same key {key:?}; give each its own")
            }
            Self::NoKeys => f.write_str("a journal needs a key for each item; use Journal::key or Job::key"),
            Self::Configuration(why) => {
                write!(f, "the journal's configuration has no JSON ({why}); give it plain fields")
            }
            Self::Value { key, kind, why } => write!(
                f,
                "the recorded value of {key:?} is no {kind}: {why}; give the journal another version, or let the function \
                 return what it did"
            ),
            Self::Unwritable { key, why } => write!(
                f,
                "the value of {key:?} cannot be written down: {why}; the next run will compute it again, unless the \
                 function returns another type"
            ),
            Self::Io { path, detail } => write!(f, "{} cannot be used: {detail}", path.display()),
        }
    }
}

impl std::error::Error for JournalError {}

impl JournalError {
    /// A success was recorded without its value.
    pub(crate) fn no_value<R>(key: &str) -> Self {
        Self::Value { key: key.to_owned(), kind: std::any::type_name::<R>(), why: "none was kept".to_owned() }
    }

    /// What the system's error means for a journal.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => Self::Full { path },
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { path },
            ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::Io { path, detail: error.to_string() },
        }
    }
}
