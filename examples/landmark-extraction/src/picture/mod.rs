//! A frame's pixels: read from PNG or JPEG, and sampled for a network.
//!
//! A file is taken only if it is whole. One that ends early, or whose check sums do not fit, is *torn*, even where every row could be
//! decoded. Sizes are compared with a limit before memory is taken.

mod error;
mod grid;
mod input;
mod jpeg_file;
mod png_file;
mod png_stream;
mod reading;
mod sampling;

pub use error::PictureError;
pub use input::{Range, to_input};
pub use reading::PictureLimits;
pub use sampling::{Border, Square, sample};

/// A picture of 8-bit RGB pixels, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture of these bytes, R G B of each pixel; `None` when their number is not `width * height * 3`, or when it is 0.
    #[must_use]
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        let bytes = width.checked_mul(height)?.checked_mul(3)?;
        (bytes > 0 && rgb.len() == bytes).then_some(Self { width, height, rgb })
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// R G B of each pixel, row by row.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}
