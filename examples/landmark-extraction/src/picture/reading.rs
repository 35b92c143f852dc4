//! From a file to a picture: which decoder takes it, and how large it may be.

use std::io::Read as _;
use std::path::Path;

use consumer_support::input::{Budget, InputError, open_regular, read_whole};

use super::{Picture, PictureError, jpeg_file, png_file};

/// How large a picture may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLimits {
    /// The most pixels that a picture may have. Reading takes up to fifteen bytes for each.
    pub pixels: u64,
}

impl PictureLimits {
    /// 50 million pixels, six times those of a 4K frame.
    pub const STANDARD: Self = Self { pixels: 50_000_000 };

    /// Both sizes are those that a file's header claims.
    pub(super) fn require(self, width: u64, height: u64) -> Result<(), PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::torn(format!("its header says {width} x {height} pixels")));
        }
        if width.saturating_mul(height) > self.pixels {
            return Err(PictureError::TooLarge { width, height, limit: self.pixels });
        }
        Ok(())
    }
}

impl Picture {
    /// Reads a PNG or JPEG file with the standard limits; see [`decode`](Self::decode).
    ///
    /// # Errors
    /// Those of `decode`, and [`PictureError::Io`] for what is no regular file, cannot be read, or has more than 512 MB.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, PictureError> {
        Self::read_within(path, PictureLimits::STANDARD)
    }

    /// Reads a PNG or JPEG file within these limits. A PNG file that claims more is refused before the rest of it is read.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_within(path: impl AsRef<Path>, limits: PictureLimits) -> Result<Self, PictureError> {
        let (file, _) = open_regular(&path)?;
        let mut start = Vec::new();
        file.take(png_file::START).read_to_end(&mut start).map_err(InputError::Io)?;
        if let Some((width, height)) = png_file::claimed_size(&start) {
            limits.require(width, height)?;
        }
        Self::decode_within(&read_whole(path, Budget::STANDARD.whole_file_bytes)?, limits)
    }

    /// The picture of a PNG or JPEG file's bytes, with the standard limits; the first bytes tell which it is.
    ///
    /// PNG of every kind becomes 8-bit RGB: of 16 bits the high byte is kept, 1, 2 and 4 bits of grey are spread over 0 to 255, a palette
    /// is looked up, grey is repeated. Transparency is dropped, never blended. Gamma, profiles, orientation and all other ancillary chunks
    /// are ignored, but their check sums must fit. What follows the IEND chunk is not looked at. JPEG is read where it has 8 bits per
    /// sample and is Huffman-coded: grey, YCbCr, RGB, CMYK and YCCK, baseline or progressive.
    ///
    /// # Errors
    /// [`PictureError::Torn`], [`PictureError::TooLarge`] and [`PictureError::Unsupported`].
    ///
    /// ```
    /// use landmark_extraction::picture::Picture;
    ///
    /// let error = Picture::decode(b"").unwrap_err();
    /// assert_eq!(error.to_string(), "is torn: has no bytes; write or copy it again");
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, PictureError> {
        Self::decode_within(bytes, PictureLimits::STANDARD)
    }

    /// The picture of a PNG or JPEG file's bytes within these limits.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn decode_within(bytes: &[u8], limits: PictureLimits) -> Result<Self, PictureError> {
        if bytes.is_empty() {
            return Err(PictureError::torn("has no bytes"));
        }
        if bytes.starts_with(&jpeg_file::SIGNATURE) {
            return jpeg_file::decode(bytes, limits);
        }
        match other_kind(bytes) {
            Some(kind) => Err(PictureError::Unsupported { kind: kind.to_owned() }),
            None => png_file::decode(bytes, limits),
        }
    }
}

/// What the first bytes say, if it is one of the usual formats that are not read.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 6] = [
        (b"GIF8", "a GIF file"),
        (b"BM", "a BMP file"),
        (b"II*\0", "a TIFF file"),
        (b"MM\0*", "a TIFF file"),
        (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
        (b"\xff\x0a", "a JPEG XL file"),
    ];
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let known = KINDS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, kind)| *kind);
    known.or_else(|| is_webp.then_some("a WebP file"))
}
