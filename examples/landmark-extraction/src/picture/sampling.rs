//! A square of bytes from a rectangle of a picture.
//!
//! Promises: the bytes of the reference, which rounds points to 1/32 pixel and mixes four neighbours with integer weights; any numbers
//! may be given for the rectangle. Leaves to others: which points are looked at (`grid`).

use super::Picture;
use super::grid::{BLOCK, Grid};

/// A rectangle in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square {
    /// Its centre, in pixels.
    pub center: (f32, f32),
    /// Its width and height, in pixels.
    pub size: (f32, f32),
    /// Its rotation in radians; a positive one turns the x axis towards the y axis.
    pub rotation: f32,
}

/// What a pixel outside of the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Black.
    Zero,
    /// The nearest pixel of the picture.
    Replicate,
}

/// Stretches a rectangle of the picture to `size` by `size` pixels: R G B of each, row by row.
///
/// The pixel in column x and row y looks at the point `(x/size - 1/2, y/size - 1/2)` of the rectangle, where its centre is (0, 0) and
/// its sides are 1. An index is a coordinate: there is no shift by half a pixel. Points beyond the numbers of an `i32`, in 1/32 pixels,
/// are moved to its range, so infinite or undefined numbers give the border's pixels and never fail.
///
/// Costs about 4 ns per pixel inside of the picture.
///
/// ```
/// use landmark_extraction::picture::{Border, Picture, Square, sample};
///
/// let picture = Picture::new(2, 1, vec![0, 0, 0, 100, 200, 50]).unwrap();
/// let square = Square { center: (1.5, 0.5), size: (2.0, 1.0), rotation: 0.0 };
/// assert_eq!(sample(&picture, square, 1, Border::Zero), [50, 100, 25]); // the one pixel looks half-way between the two
/// ```
#[must_use]
pub fn sample(picture: &Picture, square: Square, size: usize, border: Border) -> Vec<u8> {
    let grid = Grid::new(square, size);
    let mut sampled = vec![0; size * size * 3];
    for (row, pixels) in sampled.chunks_exact_mut((size * 3).max(1)).enumerate() {
        for (block, pixels) in pixels.chunks_mut(BLOCK * 3).enumerate() {
            let points = grid.points(row, block * BLOCK);
            for ((pixel, x), y) in pixels.chunks_exact_mut(3).zip(points.x).zip(points.y) {
                pixel.copy_from_slice(&picture.mixed((x, y), border));
            }
        }
    }
    sampled
}

/// R, G and B in one number, 21 bits apart: a sum of bytes with weights that add up to 1024 needs 18.
type Lanes = u64;
const LANE: u32 = 21;
const ROUNDING: Lanes = 512 | 512 << LANE | 512 << (2 * LANE);

/// Of a number whose lowest bytes are R, G and B.
fn lanes(rgb: u64) -> Lanes {
    rgb & 0xff | (rgb & 0xff00) << (LANE - 8) | (rgb & 0xff_0000) << (2 * LANE - 16)
}

impl Picture {
    /// The pixel at a point in 1/32 pixels, mixed from its four neighbours.
    #[inline]
    fn mixed(&self, (x32, y32): (i32, i32), border: Border) -> [u8; 3] {
        let (x, y) = (x32 >> 5, y32 >> 5);
        let [right, below] = [x32, y32].map(|point| Lanes::from(point.cast_unsigned() & 31));
        let [[p00, p01], [p10, p11]] = self.inner_neighbours(x, y).unwrap_or_else(|| self.neighbours(x, y, border));
        let left_column = p00 * (32 - below) + p10 * below;
        let right_column = p01 * (32 - below) + p11 * below;
        let sum = left_column * (32 - right) + right_column * right + ROUNDING;
        [sum >> 10, sum >> (LANE + 10), sum >> (2 * LANE + 10)].map(|lane| lane as u8)
    }

    /// The pixels (x, y), (x + 1, y) above those one row below; `None` unless eight bytes of both rows can be read from the first on, as
    /// they can in all of the picture but its last pixels.
    #[inline]
    fn inner_neighbours(&self, x: i32, y: i32) -> Option<[[Lanes; 2]; 2]> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x + 1 >= self.width || y + 1 >= self.height {
            return None;
        }
        let upper = (y * self.width + x) * 3;
        let eight = |at: usize| self.rgb.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        Some([eight(upper)?, eight(upper + self.width * 3)?].map(|pixels| [lanes(pixels), lanes(pixels >> 24)]))
    }

    #[cold]
    fn neighbours(&self, x: i32, y: i32, border: Border) -> [[Lanes; 2]; 2] {
        let is_far =
            |index: i32, length: usize| index < -1 || usize::try_from(index).is_ok_and(|index| index >= length);
        if border == Border::Zero && (is_far(x, self.width) || is_far(y, self.height)) {
            return [[0; 2]; 2];
        }
        [y, y + 1].map(|y| [x, x + 1].map(|x| self.neighbour(x, y, border)))
    }

    /// One pixel, which may lie outside.
    fn neighbour(&self, x: i32, y: i32, border: Border) -> Lanes {
        let (inner_x, inner_y) = (nearest(x, self.width), nearest(y, self.height));
        let is_inside = i64::from(x) == inner_x as i64 && i64::from(y) == inner_y as i64;
        if !is_inside && border == Border::Zero {
            return 0;
        }
        let at = (inner_y * self.width + inner_x) * 3;
        lanes(u64::from(self.rgb[at]) | u64::from(self.rgb[at + 1]) << 8 | u64::from(self.rgb[at + 2]) << 16)
    }
}

/// The index of `0..length` that is nearest.
fn nearest(index: i32, length: usize) -> usize {
    usize::try_from(index).unwrap_or(0).min(length - 1)
}
