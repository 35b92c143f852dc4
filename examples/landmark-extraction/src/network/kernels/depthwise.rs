//! Convolutions of each channel alone.
//!
//! Promises: each sum starts with the bias and takes the window's places in order, one rounding for each; places outside the input are left
//! out. Leaves to others: which rows are asked for at once.

use std::ops::Range;

use super::product::Finish;
use super::registers::{Kernel, Processor, Registers};
use crate::network::graph::{Shape, Window};

/// The weights of each place of the window, with 0 behind the channels up to a whole register.
#[derive(Debug)]
pub(crate) struct Depthwise {
    window: Window,
    input: Shape,
    output: Shape,
    /// Channels up to a whole register.
    width: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
    finish: Finish,
}

/// Rows of an input from this one on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) numbers: &'a [f32],
    pub(crate) first_row: usize,
}

impl Depthwise {
    /// From weights as row, column, channel; `lanes` are the numbers of a register.
    pub(crate) fn new(
        window: Window,
        (input, output): (Shape, Shape),
        weights: &[f32],
        bias: &[f32],
        finish: Finish,
        lanes: usize,
    ) -> Self {
        let width = input.channels.next_multiple_of(lanes);
        let padded = |numbers: &[f32]| {
            let mut numbers = numbers.to_vec();
            numbers.resize(width, 0.0);
            numbers
        };
        let weights = weights.chunks(input.channels).flat_map(padded).collect();
        Self { window, input, output, width, weights, bias: padded(bias), finish }
    }

    /// The rows of the input that these rows of the output need.
    pub(crate) fn rows_of_input(&self, rows: Range<usize>) -> Range<usize> {
        let Range { start, end } = rows;
        let (last, first_row) = self.rows_of_window(end - 1);
        self.rows_of_window(start).1..first_row + last.len()
    }

    /// These rows of the output, from the input, or from a part of it that begins with `first_row`.
    pub(crate) fn rows(&self, processor: Processor, input: Part<'_>, rows: Range<usize>, out: &mut [f32]) {
        match (self.window.kernel.1, self.window.stride.1) {
            (3, 1) => processor.run(Rows::<3, 1> { depthwise: self, input, rows, out }),
            (3, 2) => processor.run(Rows::<3, 2> { depthwise: self, input, rows, out }),
            (5, 1) => processor.run(Rows::<5, 1> { depthwise: self, input, rows, out }),
            (5, 2) => processor.run(Rows::<5, 2> { depthwise: self, input, rows, out }),
            _ => processor.run(Rows::<0, 0> { depthwise: self, input, rows, out }),
        }
    }

    /// One row with a window of `K` columns that steps by `S`: most columns side by side, those at the edges alone.
    #[inline(always)]
    fn row<R: Registers, const K: usize, const S: usize>(
        &self,
        registers: R,
        input: Part<'_>,
        y: usize,
        out: &mut [f32],
    ) {
        let inside = self.inside();
        self.columns(registers, input, y, 0..inside.start, out);
        self.columns(registers, input, y, inside.end..self.output.width, out);
        // Sums of that many columns, their inputs and one weight fit into the registers.
        let n_columns = inside.len();
        match (R::LANES, S) {
            (16, 1) if n_columns >= 8 => self.in_tiles::<R, K, S, 8>(registers, input, y, inside, out),
            _ if n_columns >= 4 => self.in_tiles::<R, K, S, 4>(registers, input, y, inside, out),
            _ => self.columns(registers, input, y, inside, out),
        }
    }

    /// The columns whose windows lie inside the input.
    #[inline(always)]
    fn inside(&self) -> Range<usize> {
        let (kernel, stride, before) = (self.window.kernel.1, self.window.stride.1, self.window.before.1);
        let start = before.div_ceil(stride);
        let end = (self.input.width + before).checked_sub(kernel).map_or(0, |room| room / stride + 1);
        let start = start.min(self.output.width);
        start..end.clamp(start, self.output.width)
    }

    /// The rows of the window that lie inside the input, and the input's row of the first one.
    #[inline(always)]
    fn rows_of_window(&self, y: usize) -> (Range<usize>, usize) {
        let from = y * self.window.stride.0;
        let before = self.window.before.0;
        let start = before.saturating_sub(from).min(self.window.kernel.0);
        let end = (self.input.height + before).saturating_sub(from).clamp(start, self.window.kernel.0);
        (start..end, (from + start).saturating_sub(before))
    }

    /// `T` columns at once, the last ones perhaps twice.
    #[inline(always)]
    fn in_tiles<R: Registers, const K: usize, const S: usize, const T: usize>(
        &self,
        registers: R,
        input: Part<'_>,
        y: usize,
        inside: Range<usize>,
        out: &mut [f32],
    ) {
        let channels = self.input.channels;
        for x in inside.clone().step_by(T) {
            let x = x.min(inside.end - T);
            for channel in (0..channels).step_by(R::LANES) {
                match channel + R::LANES <= channels {
                    true => self.tile::<R, K, S, T, true>(registers, input, (y, x, channel), out),
                    false => self.tile::<R, K, S, T, false>(registers, input, (y, x, channel), out),
                }
            }
        }
    }

    #[inline(always)]
    fn tile<R: Registers, const K: usize, const S: usize, const T: usize, const WHOLE: bool>(
        &self,
        registers: R,
        input: Part<'_>,
        (y, x, channel): (usize, usize, usize),
        out: &mut [f32],
    ) {
        let channels = self.input.channels;
        let (window_rows, first_row) = self.rows_of_window(y);
        let mut sums = [registers.load(&self.bias[channel..]); T];
        for (row, input_row) in window_rows.zip(first_row..) {
            let first = ((input_row - input.first_row) * self.input.width + x * S - self.window.before.1) * channels;
            let inputs = &input.numbers[first..];
            let mut loaded = [registers.splat(0.0); 16];
            for (j, loaded) in loaded.iter_mut().enumerate().take((T - 1) * S + K) {
                *loaded = match WHOLE {
                    true => registers.load(&inputs[j * channels + channel..]),
                    false => registers.load_part(&inputs[j * channels + channel..(j + 1) * channels]),
                };
            }
            for k in 0..K {
                let weights = registers.load(&self.weights[(row * K + k) * self.width + channel..]);
                for (t, sum) in sums.iter_mut().enumerate() {
                    *sum = registers.mul_add(loaded[t * S + k], weights, *sum);
                }
            }
        }
        for (t, sum) in sums.into_iter().enumerate() {
            let sum = self.finish.apply(registers, sum, channel);
            match WHOLE {
                true => registers.store(sum, &mut out[(x + t) * channels + channel..]),
                false => registers.store_part(sum, &mut out[(x + t) * channels + channel..(x + t + 1) * channels]),
            }
        }
    }

    /// Columns one by one, with what of the window lies inside the input.
    #[inline(always)]
    fn columns<R: Registers>(&self, registers: R, input: Part<'_>, y: usize, columns: Range<usize>, out: &mut [f32]) {
        let channels = self.input.channels;
        let (kernel, stride, before) = (self.window.kernel.1, self.window.stride.1, self.window.before.1);
        let (window_rows, first_row) = self.rows_of_window(y);
        for x in columns {
            let from = x * stride;
            let start = before.saturating_sub(from).min(kernel);
            let end = (self.input.width + before).saturating_sub(from).clamp(start, kernel);
            let first_column = (from + start).saturating_sub(before);
            for channel in (0..channels).step_by(R::LANES) {
                let mut sum = registers.load(&self.bias[channel..]);
                for (row, input_row) in window_rows.clone().zip(first_row..) {
                    for (k, input_column) in (start..end).zip(first_column..) {
                        let point = &input.numbers
                            [((input_row - input.first_row) * self.input.width + input_column) * channels..]
                            [..channels];
                        let weights = registers.load(&self.weights[(row * kernel + k) * self.width + channel..]);
                        sum = registers.mul_add(registers.load_part(&point[channel..]), weights, sum);
                    }
                }
                let sum = self.finish.apply(registers, sum, channel);
                registers.store_part(sum, &mut out[x * channels + channel..(x + 1) * channels]);
            }
        }
    }
}

/// Some rows with a window of `K` columns that steps by `S`; 0 stands for any.
struct Rows<'a, const K: usize, const S: usize> {
    depthwise: &'a Depthwise,
    input: Part<'a>,
    rows: Range<usize>,
    out: &'a mut [f32],
}

impl<const K: usize, const S: usize> Kernel for Rows<'_, K, S> {
    type Output = ();

    #[inline(always)]
    fn run<R: Registers>(self, registers: R) {
        let Shape { width, channels, .. } = self.depthwise.output;
        for (y, out) in self.rows.zip(self.out.chunks_exact_mut(width * channels)) {
            match K {
                0 => self.depthwise.columns(registers, self.input, y, 0..width, out),
                _ => self.depthwise.row::<R, K, S>(registers, self.input, y, out),
            }
        }
    }
}
