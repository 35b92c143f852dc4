//! From a PNG file's bytes to a picture.

use std::io::Cursor;

use png::{ColorType, DecodeOptions, Decoder, DecodingError, Limits, Transformations};

use super::png_stream::{Chunk, SIGNATURE, chunks, repacked};
use super::{Picture, PictureError, PictureLimits};

pub(super) fn decode(bytes: &[u8], limits: PictureLimits) -> Result<Picture, PictureError> {
    let chunks = chunks(bytes)?;
    let header = Header::of(&chunks)?;
    limits.require(header.width, header.height)?;
    let file = repacked(&chunks, header.unpacked_bytes())?;
    rows(&file).map_err(|error| PictureError::torn(format!("cannot be decoded: {error}")))
}

/// The bytes of a file up to the end of its sizes.
pub(super) const START: u64 = 24;

/// The sizes that a PNG file claims in its first [`START`] bytes; `None` where it does not begin like one.
pub(super) fn claimed_size(start: &[u8]) -> Option<(u64, u64)> {
    let (length_and_kind, sizes) = start.strip_prefix(&SIGNATURE)?.split_first_chunk::<8>()?;
    let (width, height) = sizes.split_first_chunk()?;
    let is_header = length_and_kind.ends_with(b"IHDR");
    is_header.then_some((number(*width), number(*height.first_chunk()?)))
}

fn number(bytes: [u8; 4]) -> u64 {
    u64::from(u32::from_be_bytes(bytes))
}

/// What the IHDR chunk says.
struct Header {
    width: u64,
    height: u64,
    bits_per_pixel: u64,
    is_interlaced: bool,
}

impl Header {
    fn of(chunks: &[Chunk<'_>]) -> Result<Self, PictureError> {
        let data = chunks.first().filter(|chunk| chunk.kind == *b"IHDR").and_then(|chunk| chunk.data.first_chunk());
        let Some([w0, w1, w2, w3, h0, h1, h2, h3, depth, colour, _, _, interlacing]) = data.copied() else {
            return Err(PictureError::torn("does not begin with a header"));
        };
        let channels = match (colour, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (4, 8 | 16) => 2,
            (2, 8 | 16) => 3,
            (6, 8 | 16) => 4,
            _ => return Err(PictureError::torn(format!("its header says colour type {colour} with {depth} bits"))),
        };
        Ok(Self {
            width: number([w0, w1, w2, w3]),
            height: number([h0, h1, h2, h3]),
            bits_per_pixel: channels * u64::from(depth),
            is_interlaced: interlacing != 0,
        })
    }

    /// Rows as they are stored, each behind the byte of its filter.
    fn unpacked_bytes(&self) -> u64 {
        /// First column and row of each pass, and the steps to the next ones.
        const PASSES: [[u64; 4]; 7] =
            [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
        let rows = |width: u64, height: u64| match width {
            0 => 0,
            _ => height * (1 + (width * self.bits_per_pixel).div_ceil(8)),
        };
        if !self.is_interlaced {
            return rows(self.width, self.height);
        }
        let count = |length: u64, first: u64, step: u64| length.saturating_sub(first).div_ceil(step);
        PASSES.iter().map(|[x, y, dx, dy]| rows(count(self.width, *x, *dx), count(self.height, *y, *dy))).sum()
    }
}

/// The picture of a file whose pixels are known to be whole.
fn rows(file: &[u8]) -> Result<Picture, DecodingError> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(file), options);
    decoder.set_limits(Limits { bytes: usize::MAX }); // The header was compared with ours.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?];
    let frame = reader.next_frame(&mut pixels)?;
    let (width, height) = (frame.width as usize, frame.height as usize);
    Picture::new(width, height, to_rgb(pixels, frame.color_type)).ok_or(DecodingError::LimitsExceeded)
}

/// Grey is repeated, transparency dropped.
fn to_rgb(pixels: Vec<u8>, colour: ColorType) -> Vec<u8> {
    match colour {
        ColorType::Rgb | ColorType::Indexed => pixels,
        ColorType::Grayscale => pixels.into_iter().flat_map(|grey| [grey; 3]).collect(),
        ColorType::GrayscaleAlpha => pixels.chunks_exact(2).flat_map(|pixel| [pixel[0]; 3]).collect(),
        ColorType::Rgba => pixels.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
    }
}
