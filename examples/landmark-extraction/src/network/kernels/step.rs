//! One step of a network: several of its operations, done in one go while their numbers are near the processor.

use std::cell::RefCell;
use std::ops::Range;

use super::depthwise::{Depthwise, Part};
use super::gather::gather;
use super::pointwise;
use super::product::{Finish, Skip, Weights};
use super::registers::{Kernel, Processor, Registers};
use crate::network::graph::{Shape, Window};

/// What a step does.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each step of a network, and most are of the largest kind"
)]
pub(crate) enum Work {
    /// Inputs: the points, and what is added to the sums.
    Convolve {
        front: Front,
        weights: Weights,
    },
    /// Inputs: the points.
    Depthwise(Depthwise),
    /// Inputs: one or two of the same shape.
    Sum(Finish),
    /// Inputs: the points, and what is added to the result.
    Double(Finish),
    LargestOfFour,
    Mean,
    Sigmoid,
    DepthToSpace(usize),
    Pad([usize; 3]),
    /// Inputs: any number of them.
    Concatenate,
    /// Inputs: one.
    Copy,
}

/// What makes the points of a product from the step's input.
#[derive(Debug)]
pub(crate) enum Front {
    /// They are its points.
    None,
    /// A convolution of each channel alone.
    Depthwise(Depthwise),
    /// A product, then a convolution of each channel alone.
    Expanded { expand: Weights, depthwise: Depthwise },
    /// They are the windows of its input.
    Gather(Window),
}

/// A step with the shapes that it was made for.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) work: Work,
    pub(crate) inputs: Vec<Shape>,
    pub(crate) output: Shape,
    pub(crate) processor: Processor,
}

thread_local! {
    /// Each thread keeps its own, as large as the largest block was.
    static BETWEEN: RefCell<Between> = const { RefCell::new(Between { points: Vec::new(), wide: Vec::new() }) };
}

/// The numbers between two operations of a step.
struct Between {
    points: Vec<f32>,
    /// Rows of an expanded input.
    wide: Vec<f32>,
}

/// So many numbers of any value.
fn grown(numbers: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if numbers.len() < n {
        numbers.resize(n, 0.0);
    }
    &mut numbers[..n]
}

impl Step {
    pub(crate) fn name(&self) -> &'static str {
        match &self.work {
            Work::Convolve { front: Front::None, .. } => "product",
            Work::Convolve { front: Front::Depthwise(_), .. } => "depthwise and product",
            Work::Convolve { front: Front::Expanded { .. }, .. } => "product, depthwise and product",
            Work::Convolve { front: Front::Gather(_), .. } => "convolution",
            Work::Depthwise(_) => "depthwise",
            Work::Sum(_) => "sum",
            Work::Double(_) => "doubling",
            Work::LargestOfFour => "largest of four",
            Work::Mean => "mean",
            Work::Sigmoid => "sigmoid",
            Work::DepthToSpace(_) => "depth to space",
            Work::Pad(_) => "padding",
            Work::Concatenate => "concatenation",
            Work::Copy => "copy",
        }
    }

    /// Writes every number of `out`, which has as many as `output` says; `inputs` are as long as theirs say.
    pub(crate) fn run(&self, inputs: &[&[f32]], out: &mut [f32]) {
        debug_assert!(inputs.iter().map(|input| input.len()).eq(self.inputs.iter().map(|shape| shape.volume())));
        match &self.work {
            Work::Sigmoid => pointwise::sigmoid(inputs[0], out),
            Work::DepthToSpace(block) => pointwise::depth_to_space(inputs[0], self.inputs[0], *block, out),
            Work::Pad(before) => pointwise::pad(inputs[0], (self.inputs[0], self.output), *before, out),
            Work::Copy | Work::Concatenate => concatenate(inputs, out),
            Work::Convolve { front, weights } => {
                let skip = inputs.get(1).map(|numbers| Skip { numbers, channels: self.inputs[1].channels });
                let convolution = Convolution { step: self, input: inputs[0], front, weights, skip };
                match front {
                    Front::None => convolution.of_points(out),
                    _ => BETWEEN.with_borrow_mut(|between| convolution.of_rows(between, out)),
                }
            }
            Work::Depthwise(depthwise) => depthwise.rows(self.processor, whole(inputs[0]), 0..self.output.height, out),
            Work::Sum(_) | Work::Double(_) | Work::LargestOfFour | Work::Mean => {
                self.processor.run(Task { step: self, inputs, out })
            }
        }
    }
}

/// An input that is all there.
fn whole(numbers: &[f32]) -> Part<'_> {
    Part { numbers, first_row: 0 }
}

fn concatenate(inputs: &[&[f32]], mut out: &mut [f32]) {
    for input in inputs {
        let part;
        (part, out) = out.split_at_mut(input.len());
        part.copy_from_slice(input);
    }
}

/// The steps that read their inputs once and are no convolutions.
struct Task<'a> {
    step: &'a Step,
    inputs: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<R: Registers>(self, registers: R) {
        let (input, other) = (self.inputs[0], self.inputs.get(1).copied());
        let (shape, out) = (self.step.inputs[0], self.out);
        match &self.step.work {
            Work::Sum(finish) => pointwise::sum(registers, input, other, shape.channels, finish, out),
            Work::Double(finish) => pointwise::double(registers, input, shape, finish, other, out),
            Work::LargestOfFour => pointwise::largest_of_four(registers, input, shape, out),
            Work::Mean => pointwise::mean(registers, input, shape, out),
            _ => {}
        }
    }
}

/// A product and where its points come from.
struct Convolution<'a> {
    step: &'a Step,
    input: &'a [f32],
    front: &'a Front,
    weights: &'a Weights,
    skip: Option<Skip<'a>>,
}

impl Convolution<'_> {
    /// As many points at once as stay near while the weights pass by; or, of many weights, as many as let each weight be read once.
    fn points_at_once(&self) -> usize {
        const NEAREST: usize = 24 << 10;
        const NEAR: usize = 256 << 10;
        let bytes_of_point = self.weights.n_inputs() * size_of::<f32>();
        let bytes_of_weights = bytes_of_point * self.weights.n_outputs();
        let room = if bytes_of_weights <= 2 * NEAREST { NEAREST } else { NEAR };
        (room / bytes_of_point).max(12)
    }

    fn of_points(&self, out: &mut [f32]) {
        let n_points = self.step.output.points();
        let n_blocks = n_points.div_ceil(self.points_at_once());
        let block = n_points.div_ceil(n_blocks).next_multiple_of(12);
        for (k, out) in out.chunks_mut(block * self.weights.n_outputs()).enumerate() {
            let skip = self.skip.map(|skip| skip.at_point(k * block));
            self.weights.multiply(self.step.processor, &self.input[k * block * self.weights.n_inputs()..], skip, out);
        }
    }

    /// Blocks of whole rows.
    fn of_rows(&self, between: &mut Between, out: &mut [f32]) {
        const FEWEST_POINTS: usize = 48;
        let Shape { height, width, channels } = self.step.output;
        let at_once = self.points_at_once().max(FEWEST_POINTS);
        let n_blocks = height.div_ceil((at_once / width).clamp(1, height));
        let block = height.div_ceil(n_blocks);
        let mut expanded = 0..0;
        for (k, out) in out.chunks_mut(block * width * channels).enumerate() {
            let rows = k * block..(k * block + block).min(height);
            let n_points = rows.len() * width;
            self.points(rows, &mut expanded, between);
            let skip = self.skip.map(|skip| skip.at_point(k * block * width));
            let points = &between.points[..n_points * self.weights.n_inputs()];
            self.weights.multiply(self.step.processor, points, skip, out);
        }
    }

    /// The points of these rows of the output; `expanded` are the rows of the expanded input that are there.
    fn points(&self, rows: Range<usize>, expanded: &mut Range<usize>, between: &mut Between) {
        let processor = self.step.processor;
        let width = self.step.output.width;
        let points = grown(&mut between.points, rows.len() * width * self.weights.n_inputs());
        match self.front {
            Front::None => {}
            Front::Depthwise(depthwise) => depthwise.rows(processor, whole(self.input), rows, points),
            Front::Expanded { expand, depthwise } => {
                let needed = depthwise.rows_of_input(rows.clone());
                self.expand(expand, needed.clone(), expanded, &mut between.wide);
                let part = Part { numbers: &between.wide, first_row: needed.start };
                depthwise.rows(processor, part, rows, points);
            }
            Front::Gather(window) => gather(self.input, self.step.inputs[0], window, (rows, width), points),
        }
    }

    /// Makes the rows of the expanded input that are needed and not there yet. They lie behind each other, from the first needed one on.
    fn expand(&self, expand: &Weights, needed: Range<usize>, there: &mut Range<usize>, wide: &mut Vec<f32>) {
        let Shape { width, channels, .. } = self.step.inputs[0];
        let row = width * expand.n_outputs();
        let n_kept = there.end.saturating_sub(needed.start).min(needed.len());
        if n_kept > 0 {
            let from = needed.start - there.start;
            wide.copy_within(from * row..(from + n_kept) * row, 0);
        }
        let out = &mut grown(wide, needed.len() * row)[n_kept * row..];
        let input = &self.input[(needed.start + n_kept) * width * channels..needed.end * width * channels];
        expand.multiply(self.step.processor, input, None, out);
        *there = needed;
    }
}
