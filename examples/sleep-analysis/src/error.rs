//! What can be wrong with an input: each message names the value and the way out.

use std::path::{Path, PathBuf};

use consumer_support::OutFolderError;
use consumer_support::input::{InputError, OverBudget};
use serde::{Deserialize, Serialize};

/// A result whose error is a [`SleepError`].
pub type SleepResult<T> = Result<T, SleepError>;

/// Why an operation has no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum SleepError {
    /// A setting is missing or invalid: window, step, method, rate, no signals.
    #[error("{0}")]
    Config(String),
    /// A time range is empty: its start is not before its end.
    #[error("{0}")]
    Range(String),
    /// A signal's samples cannot be used for the operation.
    #[error("signal {signal:?}: {reason}")]
    Signal {
        /// The signal's name.
        signal: String,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A file cannot be read or written, or its content is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, where (row, byte), and the way out.
        reason: String,
    },
    /// A file holds, claims or unpacks to more than is read, in bytes, columns, values or annotations.
    #[error("{}: {over}", path.display())]
    FileOverBudget {
        /// The file.
        path: PathBuf,
        /// What there is too much of, and the way out.
        over: OverBudget,
    },
    /// A grid over the signals would have far more points than their samples justify.
    #[error("a grid from {} to {}: {over}", date(*first_ns), date(*last_ns))]
    GridOverBudget {
        /// The first point, nanoseconds since 1970-01-01 UTC: a stray time shows here or at the last one.
        first_ns: i64,
        /// The last point or the end, nanoseconds since 1970-01-01 UTC.
        last_ns: i64,
        /// What there is too much of, and the way out.
        over: OverBudget,
    },
}

/// A time as people read it.
fn date(time_ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(time_ns.into()).map_or_else(|_| format!("{time_ns} ns"), |time| time.to_string())
}

/// A name or folder that cannot be written to.
impl From<OutFolderError> for SleepError {
    fn from(error: OutFolderError) -> Self {
        Self::Config(error.to_string())
    }
}

impl SleepError {
    /// What is wrong with a file that is read.
    pub(crate) fn input(path: &Path, error: InputError) -> Self {
        let path = path.to_path_buf();
        match error {
            InputError::OverBudget(over) => Self::FileOverBudget { path, over },
            error => Self::File { path, reason: error.to_string() },
        }
    }

    /// The error without the path where it is of this file, for a message that names it already.
    #[must_use]
    pub fn without_path(&self, file: &Path) -> String {
        match self {
            Self::File { path, reason } if path == file => reason.clone(),
            Self::FileOverBudget { path, over } if path == file => over.to_string(),
            other => other.to_string(),
        }
    }
}
