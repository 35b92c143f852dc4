//! The numbers of each window, side by side: what makes a convolution a product.

use std::ops::Range;

use crate::network::graph::{Shape, Window};

/// Copies the windows of these rows of the output: for each place row by row, its window as row, column, channel, with 0 outside the input.
#[inline(always)]
pub(crate) fn gather(
    input: &[f32],
    shape: Shape,
    window: &Window,
    (rows, width): (Range<usize>, usize),
    out: &mut [f32],
) {
    let run = window.kernel.1 * shape.channels;
    let places = rows.flat_map(|y| (0..width).map(move |x| (y, x)));
    for ((y, x), out) in places.zip(out.chunks_exact_mut(window.kernel.0 * run)) {
        let (from_row, from_column) = (y * window.stride.0, x * window.stride.1);
        let is_inside =
            from_column >= window.before.1 && from_column + window.kernel.1 <= shape.width + window.before.1;
        for (k, out) in out.chunks_exact_mut(run).enumerate() {
            let row = (from_row + k).checked_sub(window.before.0).filter(|&row| row < shape.height);
            let Some(row) = row.map(|row| &input[row * shape.width * shape.channels..][..shape.width * shape.channels])
            else {
                out.fill(0.0);
                continue;
            };
            match is_inside {
                true => copy(out, &row[(from_column - window.before.1) * shape.channels..][..run]),
                false => copy_with_edges(out, row, shape, from_column, window.before.1),
            }
        }
    }
}

/// The lengths that the first layers have are written out, since a copy of unknown length is a call.
#[inline(always)]
fn copy(out: &mut [f32], from: &[f32]) {
    match out.len() {
        9 => out[..9].copy_from_slice(&from[..9]),
        15 => out[..15].copy_from_slice(&from[..15]),
        _ => out.copy_from_slice(from),
    }
}

fn copy_with_edges(out: &mut [f32], row: &[f32], shape: Shape, from_column: usize, before: usize) {
    for (k, out) in out.chunks_exact_mut(shape.channels).enumerate() {
        match (from_column + k).checked_sub(before).filter(|&column| column < shape.width) {
            Some(column) => out.copy_from_slice(&row[column * shape.channels..][..shape.channels]),
            None => out.fill(0.0),
        }
    }
}
