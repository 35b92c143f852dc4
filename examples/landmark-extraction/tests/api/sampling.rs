//! Squares are sampled to the bytes of OpenCV, and no square is refused.

use landmark_extraction::picture::{Border, Picture, Square, sample};
use sha2::{Digest, Sha256};

struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn between(&mut self, width: f32, low: f32) -> f32 {
        (self.next() >> 40) as f32 / 16_777_216.0 * width + low
    }
}

#[test]
fn eighty_squares_of_any_size_place_and_rotation_have_the_bytes_of_opencv() {
    let mut random = SplitMix64(7);
    let pixels = (0..53 * 37 * 3).map(|_| (random.next() >> 56) as u8).collect();
    let picture = Picture::new(53, 37, pixels).unwrap();
    let mut hash = Sha256::new();
    for index in 0..80 {
        let size = [16, 48, 65, 128][index % 4];
        let border = [Border::Zero, Border::Replicate][index / 4 % 2];
        let center = (random.between(100.0, -23.5), random.between(80.0, -21.5));
        let sides = (random.between(90.0, 0.5), random.between(90.0, 0.5));
        let square = Square { center, size: sides, rotation: random.between(8.0, -4.0) };
        hash.update(sample(&picture, square, size, border));
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    // Of `warpPerspective` in OpenCV 4.10.0, with the same numbers.
    assert_eq!(found, "d102a57284e2e774444ed9e5e8eea342c2ee40f4291ff439290e5d5f109e8aaa");
}

#[test]
fn squares_of_any_numbers_give_bytes_and_replicated_ones_only_the_pixels_that_there_are() {
    const NUMBERS: [f32; 9] = [0.0, 1.0, -3.5, 1e-30, 1e9, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let one_pixel = Picture::new(1, 1, vec![10, 20, 30]).unwrap();
    for x in NUMBERS {
        for side in NUMBERS {
            for rotation in NUMBERS {
                let square = Square { center: (x, 0.5), size: (side, side), rotation };
                let sampled = sample(&one_pixel, square, 3, Border::Replicate);
                assert_eq!(sampled, [10, 20, 30].repeat(9), "{square:?}");
                assert_eq!(sample(&one_pixel, square, 3, Border::Zero).len(), 27);
            }
        }
    }
    assert!(
        sample(&one_pixel, Square { center: (0.0, 0.0), size: (1.0, 1.0), rotation: 0.0 }, 0, Border::Zero).is_empty()
    );
}
