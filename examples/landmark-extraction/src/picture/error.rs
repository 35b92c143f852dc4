//! Why a file gives no picture.

use consumer_support::input::InputError;

/// Why a file gives no picture. The text belongs behind the file's name, such as `frame_0007.png: is torn: has no bytes; ..`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The file is not whole.
    #[error("is torn: {reason}; write or copy it again")]
    Torn {
        /// What is missing, or does not fit.
        reason: String,
    },
    /// The picture has more pixels than the limit.
    #[error("has {width} x {height} pixels where at most {limit} are read; make it smaller")]
    TooLarge {
        /// Pixels in a row.
        width: u64,
        /// Rows.
        height: u64,
        /// The most pixels that are read.
        limit: u64,
    },
    /// The file is of another kind than PNG and JPEG, or of a variety that is not read.
    #[error("is {kind}, which is not read; store it as 8-bit PNG")]
    Unsupported {
        /// What it is.
        kind: String,
    },
    /// The file cannot be read at all.
    #[error(transparent)]
    Io(#[from] InputError),
}

impl PictureError {
    pub(super) fn torn(reason: impl Into<String>) -> Self {
        Self::Torn { reason: reason.into() }
    }
}
