//! Why a sample has no array.

use std::io;
use std::path::{Path, PathBuf};

/// Why a sample has no array. It is tried again on the next run.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There is no such folder.
    #[error("folder missing")]
    FolderMissing,
    /// The folder holds no PNG file, and no JPEG file either.
    #[error("no frames")]
    NoFrames,
    /// No frame could be read.
    #[error("no readable frame")]
    NoReadableFrame,
    /// The system refuses to read a folder or a file: that says nothing about the frame, so it is no torn one.
    #[error("{} cannot be read: {reason}; once it can be, run the same command again", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// The error of the system.
        reason: String,
    },
    /// A network refused a frame.
    #[error("{}: {reason}", path.display())]
    Network {
        /// The frame.
        path: PathBuf,
        /// The network's error.
        reason: String,
    },
    /// The array cannot be written: a disk that is full, for instance.
    #[error("its array is not written: {0}")]
    Output(io::Error),
}

impl SampleError {
    pub(super) fn unreadable(path: &Path, error: &impl std::fmt::Display) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: error.to_string() }
    }
}
