//! From a JPEG file's bytes to a picture.
//!
//! The decoder fills what is missing with grey unless it is strict, and even then it overlooks an end within the last rows. So the
//! markers are followed here up to the one that ends the picture.

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Picture, PictureError, PictureLimits};

/// The marker that begins a file, and the first byte of the next one.
pub(super) const SIGNATURE: [u8; 3] = [0xff, 0xd8, 0xff];
/// The longest side that the format knows.
const LONGEST_SIDE: usize = 65_535;

pub(super) fn decode(bytes: &[u8], limits: PictureLimits) -> Result<Picture, PictureError> {
    require_end(bytes)?;
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(LONGEST_SIDE)
        .set_max_height(LONGEST_SIDE)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(picture_error)?;
    let info = decoder.info().ok_or_else(|| PictureError::torn("has no header"))?;
    limits.require(u64::from(info.width), u64::from(info.height))?;
    let rgb = decoder.decode().map_err(picture_error)?;
    Picture::new(usize::from(info.width), usize::from(info.height), rgb)
        .ok_or_else(|| PictureError::Unsupported { kind: "a JPEG file of unusual colours".to_owned() })
}

fn picture_error(error: DecodeErrors) -> PictureError {
    match error {
        DecodeErrors::Unsupported(scheme) => PictureError::Unsupported { kind: format!("a JPEG file ({scheme:?})") },
        other => PictureError::torn(format!("cannot be decoded: {other}")),
    }
}

/// Follows the markers from the first to EOI, over the data of each scan.
fn require_end(bytes: &[u8]) -> Result<(), PictureError> {
    let ends_early = || PictureError::torn("ends before its last marker");
    let mut at = 2;
    loop {
        let (marker, behind) = next_marker(bytes, at).ok_or_else(ends_early)?;
        at = match marker {
            END_OF_IMAGE => return Ok(()),
            0x00 | 0x01 | 0xd0..=0xd8 => behind, // A byte of data, or a marker without a segment.
            _ => behind + segment_length(bytes, behind).ok_or_else(ends_early)?,
        };
    }
}

const END_OF_IMAGE: u8 = 0xd9;

/// The first marker from here on, and where its segment begins. Data between markers is passed over.
fn next_marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let first = at + bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
    let code = first + bytes.get(first..)?.iter().position(|byte| *byte != 0xff)?;
    Some((bytes[code], code + 1))
}

fn segment_length(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes.get(at..)?.first_chunk().map(|length| usize::from(u16::from_be_bytes(*length)))?;
    Some(length.max(2))
}
