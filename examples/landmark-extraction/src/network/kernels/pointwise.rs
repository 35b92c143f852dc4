//! The operations that are no convolutions: each reads its inputs once.

use super::product::Finish;
use super::registers::Registers;
use crate::network::graph::Shape;

/// Each number plus another one, and what is done to the sum. Without another one, only the latter.
#[inline(always)]
pub(crate) fn sum<R: Registers>(
    registers: R,
    a: &[f32],
    b: Option<&[f32]>,
    channels: usize,
    finish: &Finish,
    out: &mut [f32],
) {
    for (point, out) in out.chunks_exact_mut(channels).enumerate() {
        let a = &a[point * channels..][..channels];
        let b = b.map(|b| &b[point * channels..][..channels]);
        for channel in (0..channels).step_by(R::LANES) {
            let mut sum = registers.load_part(&a[channel..]);
            if let Some(b) = b {
                sum = registers.add(sum, registers.load_part(&b[channel..]));
            }
            registers.store_part(finish.apply(registers, sum, channel), &mut out[channel..]);
        }
    }
}

/// The largest of each 2 by 2 points.
#[inline(always)]
pub(crate) fn largest_of_four<R: Registers>(registers: R, input: &[f32], shape: Shape, out: &mut [f32]) {
    let Shape { width, channels, .. } = shape;
    let row = width * channels;
    let places = out.len() / channels;
    for (place, out) in (0..places).zip(out.chunks_exact_mut(channels)) {
        let (y, x) = (place / (width / 2), place % (width / 2));
        let upper = &input[2 * y * row + 2 * x * channels..][..2 * channels];
        let lower = &input[(2 * y + 1) * row + 2 * x * channels..][..2 * channels];
        for channel in (0..channels).step_by(R::LANES) {
            let largest = |pair: &[f32]| {
                let left = registers.load_part(&pair[channel..channels]);
                registers.max(left, registers.load_part(&pair[channels + channel..]))
            };
            registers.store_part(registers.max(largest(upper), largest(lower)), &mut out[channel..]);
        }
    }
}

/// Twice as many rows and columns. A new point lies a quarter of the way from one old one to the next: three parts of the nearer one and one
/// part of the other; at the edges both are the same. Then `finish`, then the numbers of `skip`.
#[inline(always)]
pub(crate) fn double<R: Registers>(
    registers: R,
    input: &[f32],
    shape: Shape,
    finish: &Finish,
    skip: Option<&[f32]>,
    out: &mut [f32],
) {
    let Shape { height, width, channels } = shape;
    let point = |y: usize, x: usize| &input[(y * width + x) * channels..][..channels];
    for (y, out) in out.chunks_exact_mut(2 * width * channels).enumerate() {
        let (near_row, far_row) = nearest(y, height);
        for (x, out) in out.chunks_exact_mut(channels).enumerate() {
            let (near, far) = nearest(x, width);
            let corners = [point(near_row, near), point(near_row, far), point(far_row, near), point(far_row, far)];
            let skip = skip.map(|skip| &skip[(y * 2 * width + x) * channels..][..channels]);
            for channel in (0..channels).step_by(R::LANES) {
                let [a, b, c, d] = corners.map(|corner| registers.load_part(&corner[channel..]));
                let between = |near, far| {
                    registers.mul_add(near, registers.splat(0.75), registers.mul(far, registers.splat(0.25)))
                };
                let mut sum = finish.apply(registers, between(between(a, b), between(c, d)), channel);
                if let Some(skip) = skip {
                    sum = registers.add(sum, registers.load_part(&skip[channel..]));
                }
                registers.store_part(sum, &mut out[channel..]);
            }
        }
    }
}

/// The old position that is nearest to a new one, and the second nearest.
#[inline(always)]
fn nearest(new: usize, n_old: usize) -> (usize, usize) {
    let near = new / 2;
    let far = if new.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(n_old - 1) };
    (near, far)
}

/// The mean over all points: sums in order, then times one over their number.
#[inline(always)]
pub(crate) fn mean<R: Registers>(registers: R, input: &[f32], shape: Shape, out: &mut [f32]) {
    let factor = registers.splat(1.0 / shape.points() as f32);
    for channel in (0..shape.channels).step_by(R::LANES) {
        let mut sum = registers.splat(0.0);
        for point in input.chunks_exact(shape.channels) {
            sum = registers.add(sum, registers.load_part(&point[channel..]));
        }
        registers.store_part(registers.mul(sum, factor), &mut out[channel..]);
    }
}

/// Blocks of channels become squares of points.
pub(crate) fn depth_to_space(input: &[f32], shape: Shape, block: usize, out: &mut [f32]) {
    let run = shape.channels / block;
    let row = shape.width * run;
    for (place, point) in input.chunks_exact(shape.channels).enumerate() {
        let (y, x) = (place / shape.width, place % shape.width);
        for (i, numbers) in point.chunks_exact(run).enumerate() {
            out[(y * block + i) * row + x * run..][..run].copy_from_slice(numbers);
        }
    }
}

/// Zeros before and behind.
pub(crate) fn pad(input: &[f32], (from, to): (Shape, Shape), before: [usize; 3], out: &mut [f32]) {
    out.fill(0.0);
    for (place, point) in input.chunks_exact(from.channels).enumerate() {
        let (y, x) = (place / from.width + before[0], place % from.width + before[1]);
        let start = (y * to.width + x) * to.channels + before[2];
        out[start..start + from.channels].copy_from_slice(point);
    }
}

/// `1 / (1 + exp(-v))` of each number.
pub(crate) fn sigmoid(input: &[f32], out: &mut [f32]) {
    for (value, out) in input.iter().zip(out) {
        *out = 1.0 / (1.0 + (-value).exp());
    }
}
