//! The bytes of a network's input, made by a rule or read from a file.

use std::path::Path;

use crate::picture::Picture;

/// Pixels of a block's side.
const BLOCK: usize = 16;

/// Blocks of one colour each, from SplitMix64: the top 8 bits of three numbers in a row are R, G and B of a block.
pub(super) fn blocks(size: usize, seed: u64) -> Vec<u8> {
    let blocks_per_row = size.div_ceil(BLOCK);
    let mut state = seed;
    let colours: Vec<[u8; 3]> =
        (0..blocks_per_row * blocks_per_row).map(|_| [(); 3].map(|()| (split_mix(&mut state) >> 56) as u8)).collect();
    pixels(size, |x, y| colours[y / BLOCK * blocks_per_row + x / BLOCK])
}

/// Stripes that bend and become narrower, others in each channel.
pub(super) fn wave(size: usize) -> Vec<u8> {
    let level = |x: usize, y: usize, channel: usize| {
        (((channel + 1) * x * x + 3 * x * y + (5 - channel) * y * y) / size % 256) as u8
    };
    pixels(size, |x, y| [0, 1, 2].map(|channel| level(x, y, channel)))
}

/// The pixels of a picture that has this size.
pub(super) fn png(path: &Path, size: usize) -> Result<Vec<u8>, String> {
    let picture = Picture::read(path).map_err(|error| error.to_string())?;
    if (picture.width(), picture.height()) != (size, size) {
        let (width, height) = (picture.width(), picture.height());
        return Err(format!("has {width} x {height} pixels where {size} x {size} are needed; give another picture"));
    }
    Ok(picture.rgb().to_vec())
}

fn pixels(size: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let positions = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
    positions.flat_map(|(x, y)| colour(x, y)).collect()
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_waves_are_those_of_their_rules() {
        let blocks = blocks(40, 1_234_567);
        // The first numbers of SplitMix64 for this seed begin with the bytes 59, 2c, 88, 3f, e3.
        let at = |x: usize, y: usize| &blocks[(y * 40 + x) * 3..][..3];
        assert_eq!(at(0, 0), [0x59, 0x2c, 0x88]);
        assert_eq!(at(15, 15), at(0, 0));
        assert_eq!(at(16, 0)[..2], [0x3f, 0xe3]);
        assert_ne!(at(0, 16), at(16, 0));
        assert_eq!(blocks.len(), 40 * 40 * 3);

        let wave = wave(10);
        // (2 * 49 + 3 * 7 * 9 + 4 * 81) / 10 of x = 7, y = 9 and G.
        assert_eq!(wave[(9 * 10 + 7) * 3 + 1], 61);
        assert_eq!(wave.len(), 300);
    }
}
