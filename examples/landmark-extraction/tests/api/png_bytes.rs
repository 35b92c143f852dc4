//! PNG files made by hand, so that each kind, and each way to be torn, can be had.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// What an IHDR chunk says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: u8,
    pub(crate) colour: u8,
    pub(crate) is_interlaced: bool,
}

impl Kind {
    pub(crate) fn rgb(width: usize, height: usize) -> Self {
        Self { width, height, depth: 8, colour: 2, is_interlaced: false }
    }

    pub(crate) fn channels(self) -> usize {
        [1, 0, 3, 1, 2, 0, 4][usize::from(self.colour)]
    }

    pub(crate) fn header(self) -> Vec<u8> {
        let mut data = Vec::new();
        for side in [self.width, self.height] {
            data.extend(u32::try_from(side).unwrap().to_be_bytes());
        }
        data.extend([self.depth, self.colour, 0, 0, u8::from(self.is_interlaced)]);
        chunk(*b"IHDR", &data)
    }

    /// The rows as they are stored, without filters; `sample(x, y, channel)` is a number of `depth` bits.
    pub(crate) fn rows(self, sample: impl Fn(usize, usize, usize) -> u16) -> Vec<u8> {
        let passes: &[[usize; 4]] = if self.is_interlaced {
            &[[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]]
        } else {
            &[[0, 0, 1, 1]]
        };
        let mut rows = Vec::new();
        for [first_x, first_y, step_x, step_y] in passes.iter().copied() {
            let columns: Vec<usize> = (first_x..self.width).step_by(step_x).collect();
            for y in (first_y..self.height).step_by(step_y).filter(|_| !columns.is_empty()) {
                rows.push(0);
                let samples = columns.iter().flat_map(|x| (0..self.channels()).map(move |channel| (*x, channel)));
                rows.extend(packed(samples.map(|(x, channel)| sample(x, y, channel)), self.depth));
            }
        }
        rows
    }
}

fn packed(samples: impl Iterator<Item = u16>, depth: u8) -> Vec<u8> {
    let bits: Vec<bool> = samples.flat_map(|sample| (0..depth).rev().map(move |bit| sample >> bit & 1 == 1)).collect();
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << (7 - at)))
        .collect()
}

pub(crate) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(crate) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [&kind, data].concat();
    let mut crc = Crc::new();
    crc.update(&checked);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, &checked[..], &crc.sum().to_be_bytes()].concat()
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of these chunks between the header and IEND.
pub(crate) fn file(kind: Kind, between: &[Vec<u8>]) -> Vec<u8> {
    [SIGNATURE, &kind.header(), &between.concat(), &chunk(*b"IEND", &[])].concat()
}

/// A whole file of 8-bit RGB with these pixels.
pub(crate) fn rgb_file(width: usize, height: usize, rgb: impl Fn(usize, usize, usize) -> u8) -> Vec<u8> {
    let kind = Kind::rgb(width, height);
    let rows = kind.rows(|x, y, channel| u16::from(rgb(x, y, channel)));
    file(kind, &[chunk(*b"IDAT", &zlib(&rows))])
}
