//! What can be wrong with a capture, a table, a limit or a setting: each error names the value and what to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A result whose error is a [`BatchError`].
pub type BatchResult<T> = Result<T, BatchError>;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A capture cannot be measured: no samples, a sample that is not a number, a rate that is not above zero.
    #[error("the capture cannot be measured: {0}")]
    Capture(String),
    /// A file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A table lacks a column, or has one of unlike length or a repeated name.
    #[error("the table cannot be used: {0}")]
    Table(String),
    /// A name that is not known, such as that of a metric in a file of limits.
    #[error("there is no {what} {name:?}; {way_out}")]
    Unknown {
        /// What it should be, such as `metric`.
        what: String,
        /// What was given.
        name: String,
        /// The nearest name, or all of them.
        way_out: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{setting} = {value}: {reason}")]
    Setting {
        /// Its name, such as `threshold`.
        setting: String,
        /// Its value, as text.
        value: String,
        /// Why not, and the way out.
        reason: String,
    },
}
