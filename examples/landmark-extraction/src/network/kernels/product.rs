//! Points times weights: what every convolution comes down to, once its window's numbers lie side by side.
//!
//! Promises: each sum starts with the bias and takes the inputs in order, one rounding for each, so that the bits depend neither on the
//! registers nor on how the points are cut into blocks. Leaves to others: where the points' numbers come from.

use std::cell::RefCell;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::registers::{Kernel, Processor, Registers};

/// Weights in the order in which the loops read them, and what happens to each sum.
#[derive(Debug)]
pub(crate) struct Weights {
    n_inputs: usize,
    n_outputs: usize,
    lanes: usize,
    /// Panels of two registers of outputs, the last one perhaps of one; in each the inputs in order.
    panels: Stored,
    /// 0 behind the outputs, up to the width of the panels.
    bias: Vec<f32>,
    finish: Finish,
}

/// Numbers that start where a line of the processor's cache does.
#[derive(Debug)]
struct Aligned {
    numbers: Vec<f32>,
    start: usize,
}

impl Aligned {
    const LINE: usize = 64;

    fn with_capacity(n: usize) -> Self {
        let mut numbers = Vec::<f32>::with_capacity(n + Self::LINE / size_of::<f32>());
        // Vectors of numbers lie where numbers may, so that few are enough. None, should the platform not tell, costs speed only.
        let start = numbers.as_ptr().align_offset(Self::LINE).min(Self::LINE / size_of::<f32>());
        numbers.resize(start, 0.0);
        Self { numbers, start }
    }

    fn as_slice(&self) -> &[f32] {
        &self.numbers[self.start..]
    }

    /// So many of the numbers, whatever they are.
    fn first(&mut self, n: usize) -> &mut [f32] {
        if self.numbers.len() < self.start + n {
            *self = Self::with_capacity(n);
            self.numbers.resize(self.start + n, 0.0);
        }
        &mut self.numbers[self.start..][..n]
    }
}

/// Numbers of 16 bits, where these are exact: half the memory, and half the way from there.
#[derive(Debug)]
enum Stored {
    Full(Aligned),
    Half(Vec<f16>),
}

thread_local! {
    /// The panel that a thread works with, widened.
    static WIDENED: RefCell<Aligned> = RefCell::new(Aligned::with_capacity(0));
}

impl Stored {
    /// So few numbers stay near the processor, and widening them for each block of points would take longer than reading them.
    const FEW: usize = 16 << 10;

    /// `numbers` has `n`, which are those of `weights` in another order, and zeros.
    fn new(numbers: impl Iterator<Item = f32>, n: usize, weights: &[f32]) -> Self {
        let is_exact = |number: &f32| f16::from_f32(*number).to_f32().to_bits() == number.to_bits();
        if n > Self::FEW && weights.iter().all(is_exact) {
            let mut half = Vec::with_capacity(n);
            half.extend(numbers.map(f16::from_f32));
            return Self::Half(half);
        }
        let mut full = Aligned::with_capacity(n);
        full.numbers.extend(numbers);
        Self::Full(full)
    }

    /// Calls a function with these of the numbers.
    fn with(&self, range: Range<usize>, function: impl FnOnce(&[f32])) {
        match self {
            Self::Full(numbers) => function(&numbers.as_slice()[range]),
            Self::Half(numbers) => WIDENED.with_borrow_mut(|widened| {
                let widened = widened.first(range.len());
                numbers[range].convert_to_f32_slice(widened);
                function(widened);
            }),
        }
    }
}

/// What is done to a sum, with the numbers of each output in the order of the panels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finish {
    None,
    Relu,
    Relu6,
    /// Factors of negative numbers, one for each output, and 0 up to a whole register.
    Prelu(Vec<f32>),
}

impl Finish {
    /// Negative numbers times the factor of their channel.
    pub(crate) fn prelu(slopes: &[f32]) -> Self {
        let mut padded = slopes.to_vec();
        padded.resize(slopes.len().next_multiple_of(16), 0.0);
        Self::Prelu(padded)
    }

    /// For sums of these outputs; `from` is the first of them.
    #[inline(always)]
    pub(crate) fn apply<R: Registers>(&self, registers: R, sums: R::Vector, from: usize) -> R::Vector {
        let zero = registers.splat(0.0);
        match self {
            Self::None => sums,
            Self::Relu => registers.max(sums, zero),
            Self::Relu6 => registers.min(registers.max(sums, zero), registers.splat(6.0)),
            Self::Prelu(slopes) => {
                let negative = registers.min(sums, zero);
                registers.mul_add(negative, registers.load(&slopes[from..]), registers.max(sums, zero))
            }
        }
    }
}

/// Numbers that are added to the sums, one point after the other: as many channels as there are, at most the outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skip<'a> {
    pub(crate) numbers: &'a [f32],
    pub(crate) channels: usize,
}

impl<'a> Skip<'a> {
    /// The numbers from this point on.
    #[inline(always)]
    pub(crate) fn at_point(self, point: usize) -> Self {
        Self { numbers: &self.numbers[point * self.channels..], ..self }
    }
}

impl Weights {
    /// From weights as output, input; `lanes` are the numbers of a register.
    pub(crate) fn new(weights: &[f32], bias: &[f32], finish: Finish, lanes: usize) -> Self {
        let n_outputs = bias.len();
        let n_inputs = weights.len() / n_outputs;
        let width = n_outputs.next_multiple_of(lanes);
        let in_order = panels(n_outputs, lanes).flat_map(|panel| {
            let outputs = panel.first..panel.first + panel.width;
            (0..n_inputs).flat_map(move |input| outputs.clone().map(move |output| (output, input)))
        });
        let weight = |(output, input)| if output < n_outputs { weights[output * n_inputs + input] } else { 0.0 };
        let panels = Stored::new(in_order.map(weight), width * n_inputs, weights);
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(width, 0.0);
        Self { n_inputs, n_outputs, lanes, panels, bias: padded_bias, finish }
    }

    pub(crate) fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    pub(crate) fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The outputs of these points, which have `n_inputs` numbers each, side by side, into `out`.
    pub(crate) fn multiply(&self, processor: Processor, points: &[f32], skip: Option<Skip<'_>>, out: &mut [f32]) {
        match processor {
            Processor::Wide(registers) => self.multiply_in(registers, points, skip, out),
            Processor::Medium(registers) => self.multiply_in(registers, points, skip, out),
        }
    }

    fn multiply_in<R: Registers>(&self, registers: R, points: &[f32], skip: Option<Skip<'_>>, out: &mut [f32]) {
        let mut start = 0;
        for place in panels(self.n_outputs, self.lanes) {
            let end = start + place.width * self.n_inputs;
            self.panels.with(start..end, |numbers| {
                let panel = Panel { weights: self, first: place.first, numbers, points, skip };
                match place.width == 2 * R::LANES {
                    true => panel.all_points::<R, 2>(registers, out),
                    false => panel.all_points::<R, 1>(registers, out),
                }
            });
            start = end;
        }
    }
}

/// The outputs of a panel.
struct Place {
    first: usize,
    width: usize,
}

/// Where each panel's outputs are: pairs of registers, then one register if that is enough for the rest.
fn panels(n_outputs: usize, lanes: usize) -> impl Iterator<Item = Place> {
    (0..n_outputs).step_by(2 * lanes).map(move |first| {
        let width = if n_outputs - first > lanes { 2 * lanes } else { lanes };
        Place { first, width }
    })
}

/// The outputs of one panel.
struct Panel<'a> {
    weights: &'a Weights,
    first: usize,
    numbers: &'a [f32],
    points: &'a [f32],
    skip: Option<Skip<'a>>,
}

impl Panel<'_> {
    /// As many points at once as waste the fewest sums. The last ones may be done twice.
    fn all_points<R: Registers, const W: usize>(&self, registers: R, out: &mut [f32]) {
        let n_points = out.len() / self.weights.n_outputs;
        match points_at_once::<R>(n_points) {
            12 => registers.run(Tiles::<W, 12> { panel: self, n_points, out }),
            8 => registers.run(Tiles::<W, 8> { panel: self, n_points, out }),
            6 => registers.run(Tiles::<W, 6> { panel: self, n_points, out }),
            4 => registers.run(Tiles::<W, 4> { panel: self, n_points, out }),
            _ => registers.run(Tiles::<W, 1> { panel: self, n_points, out }),
        }
    }

    #[inline(always)]
    fn tile<R: Registers, const W: usize, const M: usize>(&self, registers: R, start: usize, out: &mut [f32]) {
        let sums = self.sums::<R, W, M>(registers, start);
        let n_outputs = self.weights.n_outputs;
        for (m, sums) in sums.into_iter().enumerate() {
            let out = &mut out[(start + m) * n_outputs..][..n_outputs];
            for (w, mut sum) in sums.into_iter().enumerate() {
                let first = self.first + w * R::LANES;
                if let Some(skip) = self.skip
                    && first < skip.channels
                {
                    let point = &skip.numbers[(start + m) * skip.channels..][..skip.channels];
                    sum = registers.add(sum, registers.load_part(&point[first..]));
                }
                let sum = self.weights.finish.apply(registers, sum, first);
                match first + R::LANES <= n_outputs {
                    true => registers.store(sum, &mut out[first..]),
                    false => registers.store_part(sum, &mut out[first..]),
                }
            }
        }
    }

    /// The sums of `M` points and `W` registers of outputs.
    #[inline(always)]
    fn sums<R: Registers, const W: usize, const M: usize>(&self, registers: R, start: usize) -> [[R::Vector; W]; M] {
        let n_inputs = self.weights.n_inputs;
        let mut sums = [[registers.splat(0.0); W]; M];
        for sums in &mut sums {
            for (w, sum) in sums.iter_mut().enumerate() {
                *sum = registers.load(&self.weights.bias[self.first + w * R::LANES..]);
            }
        }
        let mut rows = [self.points; M];
        for (m, row) in rows.iter_mut().enumerate() {
            *row = &self.points[(start + m) * n_inputs..][..n_inputs];
        }
        // One input at a time. Several at once let the compiler read all points' numbers first, which are more than the registers take.
        for input in 0..n_inputs {
            let weights = &self.numbers[input * W * R::LANES..][..W * R::LANES];
            step::<R, W, M>(registers, &mut sums, weights, &rows, input);
        }
        sums
    }
}

/// All points, `M` at a time, of a panel of `W` registers.
struct Tiles<'a, const W: usize, const M: usize> {
    panel: &'a Panel<'a>,
    n_points: usize,
    out: &'a mut [f32],
}

impl<const W: usize, const M: usize> Kernel for Tiles<'_, W, M> {
    type Output = ();

    #[inline(always)]
    fn run<R: Registers>(self, registers: R) {
        if M > R::POINTS {
            return; // Never chosen, and so not compiled.
        }
        for start in (0..self.n_points).step_by(M) {
            self.panel.tile::<R, W, M>(registers, start.min(self.n_points - M), self.out);
        }
    }
}

/// Adds one input of each point.
#[inline(always)]
fn step<R: Registers, const W: usize, const M: usize>(
    registers: R,
    sums: &mut [[R::Vector; W]; M],
    weights: &[f32],
    rows: &[&[f32]; M],
    input: usize,
) {
    let mut vectors = [registers.splat(0.0); W];
    for (w, vector) in vectors.iter_mut().enumerate() {
        *vector = registers.load(&weights[w * R::LANES..]);
    }
    for (sums, row) in sums.iter_mut().zip(rows) {
        let number = registers.splat(row[input]);
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = registers.mul_add(number, vector, *sum);
        }
    }
}

/// How many points are added up at once: the number that does the fewest sums twice and reads the weights least often.
fn points_at_once<R: Registers>(n_points: usize) -> usize {
    /// Reading the weights costs about as much as the sums of this many points.
    const READING: usize = 2;
    let choices = [12, 8, 6, 4, 1].into_iter().filter(|&m| m <= n_points && m <= R::POINTS);
    choices.min_by_key(|m| n_points.div_ceil(*m) * (m + READING)).unwrap_or(1)
}
