//! Which points of a picture the pixels of a sampled square look at.
//!
//! Promises: the points are those of OpenCV's perspective warp, to the last of their 1/32 pixels. OpenCV finds them through a matrix in
//! binary64 whose rounding noise decides the points half-way between two steps, so every operation here stands in OpenCV's order and
//! none may be fused or left out. Leaves to others: the pixels.

use super::Square;

/// Points are found for this many pixels of a row at a time, as the origin that their numbers are rounded from moves along with them.
pub(super) const BLOCK: usize = 64;
/// Steps to a pixel.
pub(super) const STEPS: i32 = 32;

/// Maps pixels of the sampled square to points of the picture.
#[derive(Debug)]
pub(super) struct Grid {
    matrix: [f64; 9],
    x_ends: (f64, f64),
    y_ends: (f64, f64),
}

impl Grid {
    /// Points beyond the ends, in 1/32 pixels, and undefined ones are moved to an end.
    pub(super) fn new(square: Square, size: usize, x_ends: (i32, i32), y_ends: (i32, i32)) -> Self {
        let [x_ends, y_ends] = [x_ends, y_ends].map(|(low, high)| (f64::from(low), f64::from(high)));
        Self { matrix: inverse(to_square(corners(square), size as f32)), x_ends, y_ends }
    }

    /// The points of the pixels from `column` on in `row`, in 1/32 pixels.
    pub(super) fn points(&self, row: usize, column: usize) -> Points {
        let [n0, n1, n2, n3, n4, n5, n6, n7, n8] = self.matrix;
        let (e, y) = (column as f64, row as f64);
        let (x_start, y_start, w_start) = (n0 * e + n1 * y + n2, n3 * e + n4 * y + n5, n6 * e + n7 * y + n8);
        let mut points = Points { x: [0; BLOCK], y: [0; BLOCK] };
        for i in 0..BLOCK {
            let f = f64::from(i as i32);
            let k = f64::from(STEPS) / (w_start + n6 * f);
            points.x[i] = round((x_start + n0 * f) * k, self.x_ends);
            points.y[i] = round((y_start + n3 * f) * k, self.y_ends);
        }
        points
    }
}

/// Points of a block, in 1/32 pixels.
pub(super) struct Points {
    pub(super) x: [i32; BLOCK],
    pub(super) y: [i32; BLOCK],
}

/// Half to even, by adding a number whose neighbours are 1 apart; the sum's low bits are the integer. This is one addition where
/// `round_ties_even` is a call on processors without SSE4.1.
fn round(value: f64, (low, high): (f64, f64)) -> i32 {
    const ONE_APART: f64 = 6_755_399_441_055_744.0; // 1.5 * 2^52
    let bounded = if value > low { value } else { low }; // NaN is not greater.
    let bounded = if bounded < high { bounded } else { high };
    (bounded + ONE_APART).to_bits() as i32
}

/// The corners that become lower left, upper left, upper right and lower right of the sampled square; binary32, left to right.
fn corners(square: Square) -> [(f32, f32); 4] {
    let Square { center: (cx, cy), size: (w, h), rotation } = square;
    let degrees = (f64::from(rotation * 180.0) / std::f64::consts::PI) as f32;
    let angle = f64::from(degrees) * std::f64::consts::PI / 180.0;
    let (c, s) = (angle.cos() as f32 * 0.5, angle.sin() as f32 * 0.5);
    let first = (cx - s * h - c * w, cy + c * h - s * w);
    let second = (cx + s * h - c * w, cy - c * h - s * w);
    let opposite = |(x, y): (f32, f32)| (2.0 * cx - x, 2.0 * cy - y);
    [first, second, opposite(first), opposite(second)]
}

/// The perspective matrix from the corners to the sampled square, by rows.
fn to_square(corners: [(f32, f32); 4], size: f32) -> [f64; 9] {
    let targets = [(0.0, size), (0.0, 0.0), (size, 0.0), (size, size)];
    let mut a = [[0.0; 8]; 8];
    let mut b = [0.0; 8];
    for (i, ((x, y), (p, q))) in corners.into_iter().zip(targets).enumerate() {
        let [x64, y64] = [x, y].map(f64::from);
        a[i] = [x64, y64, 1.0, 0.0, 0.0, 0.0, f64::from(-x * p), f64::from(-y * p)];
        a[i + 4] = [0.0, 0.0, 0.0, x64, y64, 1.0, f64::from(-x * q), f64::from(-y * q)];
        (b[i], b[i + 4]) = (f64::from(p), f64::from(q));
    }
    solve(&mut a, &mut b);
    let [m0, m1, m2, m3, m4, m5, m6, m7] = b;
    [m0, m1, m2, m3, m4, m5, m6, m7, 1.0]
}

/// Gaussian elimination with the largest pivot of each column, the first of equals; the solution replaces `b`.
fn solve(a: &mut [[f64; 8]; 8], b: &mut [f64; 8]) {
    for i in 0..8 {
        let pivot = (i + 1..8).fold(i, |best, j| if a[j][i].abs() > a[best][i].abs() { j } else { best });
        a.swap(i, pivot);
        b.swap(i, pivot);
        let g = -1.0 / a[i][i];
        let upper = a[i];
        for j in i + 1..8 {
            let m = a[j][i] * g;
            for k in i + 1..8 {
                a[j][k] += m * upper[k];
            }
            b[j] += m * b[i];
        }
    }
    for i in (0..8).rev() {
        let known = (i + 1..8).fold(b[i], |rest, k| rest - a[i][k] * b[k]);
        b[i] = known / a[i][i];
    }
}

/// By cofactors.
fn inverse(m: [f64; 9]) -> [f64; 9] {
    let [m0, m1, m2, m3, m4, m5, m6, m7, m8] = m;
    let d = 1.0 / (m0 * (m4 * m8 - m5 * m7) - m1 * (m3 * m8 - m5 * m6) + m2 * (m3 * m7 - m4 * m6));
    [
        (m4 * m8 - m5 * m7) * d,
        (m2 * m7 - m1 * m8) * d,
        (m1 * m5 - m2 * m4) * d,
        (m5 * m6 - m3 * m8) * d,
        (m0 * m8 - m2 * m6) * d,
        (m2 * m3 - m0 * m5) * d,
        (m3 * m7 - m4 * m6) * d,
        (m1 * m6 - m0 * m7) * d,
        (m0 * m4 - m1 * m3) * d,
    ]
}
