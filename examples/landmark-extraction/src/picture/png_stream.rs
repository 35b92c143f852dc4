//! A PNG file taken apart: its chunks, each with a check sum that fits, and its pixels, unpacked once and to their end.
//!
//! The decoder of the crate `png` forgives what makes a file torn here: wrong check sums of ancillary chunks, a stream of pixels without
//! its own check sum at the end, a missing IEND. So the file is checked here, and the decoder is given a file of its own that holds
//! nothing but the critical chunks, with the pixels already unpacked (as deflate's stored blocks).

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::PictureError;

pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The most bytes of a stored block.
const BLOCK: usize = 65_535;
/// The header of a zlib stream, and of each of its stored blocks.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];
const BLOCK_HEADER: usize = 5;
const FINAL_BLOCK: [u8; BLOCK_HEADER] = [1, 0, 0, 0xff, 0xff];

/// A chunk whose check sum fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) kind: [u8; 4],
    pub(super) data: &'a [u8],
}

/// The chunks from the first to IEND.
pub(super) fn chunks(bytes: &[u8]) -> Result<Vec<Chunk<'_>>, PictureError> {
    let mut rest =
        bytes.strip_prefix(&SIGNATURE).ok_or_else(|| PictureError::torn("begins neither as PNG nor as JPEG"))?;
    let mut chunks = Vec::new();
    loop {
        let at = bytes.len() - rest.len();
        if rest.is_empty() {
            return Err(PictureError::torn("ends without an IEND chunk"));
        }
        let (chunk, later) = first_chunk(rest, at)?;
        chunks.push(chunk);
        if chunk.kind == *b"IEND" {
            return Ok(chunks);
        }
        rest = later;
    }
}

fn first_chunk(bytes: &[u8], at: usize) -> Result<(Chunk<'_>, &[u8]), PictureError> {
    let ends_early = || PictureError::torn(format!("ends within the chunk at byte {at}"));
    let (length, rest) = bytes.split_first_chunk().ok_or_else(ends_early)?;
    let (kind, _) = rest.split_first_chunk().ok_or_else(ends_early)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (checked, rest) = rest.split_at_checked(length.saturating_add(4)).ok_or_else(ends_early)?;
    let (sum, rest) = rest.split_first_chunk().ok_or_else(ends_early)?;
    let mut crc = Crc::new();
    crc.update(checked);
    if crc.sum() != u32::from_be_bytes(*sum) {
        let kind = kind.escape_ascii();
        return Err(PictureError::torn(format!("the check sum of chunk {kind} at byte {at} does not fit")));
    }
    Ok((Chunk { kind: *kind, data: &checked[4..] }, rest))
}

/// A file of the critical chunks, with the pixels as they are when unpacked, `n_bytes` of them. Its check sums are not filled in.
pub(super) fn repacked(chunks: &[Chunk<'_>], n_bytes: u64) -> Result<Vec<u8>, PictureError> {
    let mut file = SIGNATURE.to_vec();
    let without_sum = |file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]| {
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend([0; 4]);
    };
    for chunk in chunks.iter().filter(|chunk| matches!(&chunk.kind, b"IHDR" | b"PLTE")) {
        without_sum(&mut file, chunk.kind, chunk.data);
    }
    without_sum(&mut file, *b"IDAT", &ZLIB_HEADER);
    let mut pixels =
        Pixels::new(chunks.iter().filter(|chunk| chunk.kind == *b"IDAT").map(|chunk| chunk.data).collect());
    let mut left = n_bytes;
    let mut block = vec![0; BLOCK_HEADER + BLOCK];
    while left > 0 {
        let length = left.min(BLOCK as u64) as u16;
        let block = &mut block[..BLOCK_HEADER + usize::from(length)];
        block[1..3].copy_from_slice(&length.to_le_bytes());
        block[3..5].copy_from_slice(&(!length).to_le_bytes());
        if pixels.fill(&mut block[BLOCK_HEADER..])? < usize::from(length) {
            return Err(PictureError::torn("its pixels end early"));
        }
        without_sum(&mut file, *b"IDAT", block);
        left -= u64::from(length);
    }
    pixels.require_end(&mut block)?;
    without_sum(&mut file, *b"IDAT", &[&FINAL_BLOCK[..], &[0; 4]].concat());
    without_sum(&mut file, *b"IEND", &[]);
    Ok(file)
}

/// The stream of pixels in the IDAT chunks.
struct Pixels<'a> {
    stream: Decompress,
    input: &'a [u8],
    later: std::vec::IntoIter<&'a [u8]>,
    has_ended: bool,
}

impl<'a> Pixels<'a> {
    fn new(chunks: Vec<&'a [u8]>) -> Self {
        Self { stream: Decompress::new(true), input: &[], later: chunks.into_iter(), has_ended: false }
    }

    /// Fills the buffer unless the stream ends before; gives how much was filled. The stream's end is reached only when its check sum fits.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, PictureError> {
        let mut filled = 0;
        while filled < buffer.len() && !self.has_ended {
            if self.input.is_empty() {
                self.input = self.later.by_ref().find(|chunk| !chunk.is_empty()).unwrap_or_default();
            }
            let (n_in, n_out) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(self.input, &mut buffer[filled..], FlushDecompress::None)
                .map_err(|_| PictureError::torn("its pixels cannot be unpacked, or their check sum does not fit"))?;
            let (n_in, n_out) = (self.stream.total_in() - n_in, self.stream.total_out() - n_out);
            self.has_ended = status == Status::StreamEnd;
            if n_in == 0 && n_out == 0 && !self.has_ended {
                return Err(PictureError::torn("its pixels end early"));
            }
            self.input = &self.input[n_in as usize..];
            filled += n_out as usize;
        }
        Ok(filled)
    }

    /// The rows are there; the stream may hold a little more, but must come to its end.
    fn require_end(&mut self, scratch: &mut [u8]) -> Result<(), PictureError> {
        self.fill(scratch)?;
        if self.has_ended { Ok(()) } else { Err(PictureError::torn("it holds far more pixels than its header says")) }
    }
}
