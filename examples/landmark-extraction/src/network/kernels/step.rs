//! One step of a network: several of its operations, done in one go while their numbers are near the processor.

use std::cell::RefCell;
use std::ops::Range;

use super::depthwise::Depthwise;
use super::gather::gather;
use super::pointwise;
use super::product::{Finish, Skip, Weights};
use super::registers::{Kernel, Processor, Registers};
use crate::network::graph::{Shape, Window};

/// What a step does.
#[derive(Debug)]
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
    /// The points between two operations of a step. Each thread keeps its own, as large as the largest block was.
    static BETWEEN: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Step {
    pub(crate) fn name(&self) -> &'static str {
        match &self.work {
            Work::Convolve { front: Front::None, .. } => "product",
            Work::Convolve { front: Front::Depthwise(_), .. } => "depthwise and product",
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
            Work::Depthwise(depthwise) => depthwise.rows(self.processor, inputs[0], 0..self.output.height, out),
            Work::Sum(_) | Work::Double(_) | Work::LargestOfFour | Work::Mean => {
                self.processor.run(Task { step: self, inputs, out })
            }
        }
    }
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
            let skip = self.skip.map(|skip| skip.from_point(k * block));
            self.weights.multiply(self.step.processor, &self.input[k * block * self.weights.n_inputs()..], skip, out);
        }
    }

    /// Blocks of whole rows.
    fn of_rows(&self, between: &mut Vec<f32>, out: &mut [f32]) {
        let Shape { height, width, channels } = self.step.output;
        let n_blocks = height.div_ceil((self.points_at_once() / width).clamp(1, height));
        let block = height.div_ceil(n_blocks);
        let row = width * self.weights.n_inputs();
        if between.len() < block * row {
            between.resize(block * row, 0.0);
        }
        for (k, out) in out.chunks_mut(block * width * channels).enumerate() {
            let rows = k * block..(k * block + block).min(height);
            let points = &mut between[..rows.len() * row];
            self.rows(rows, points);
            let skip = self.skip.map(|skip| skip.from_point(k * block * width));
            self.weights.multiply(self.step.processor, points, skip, out);
        }
    }

    /// The points of these rows.
    fn rows(&self, rows: Range<usize>, points: &mut [f32]) {
        match self.front {
            Front::None => {}
            Front::Depthwise(depthwise) => depthwise.rows(self.step.processor, self.input, rows, points),
            Front::Gather(window) => {
                gather(self.input, self.step.inputs[0], window, (rows, self.step.output.width), points)
            }
        }
    }
}
