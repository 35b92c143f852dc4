//! What can be wrong with an input: each message names the value and the way out.

use std::path::PathBuf;

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
}
