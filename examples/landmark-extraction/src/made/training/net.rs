//! A network that can be trained: its forward pass, and the derivatives of a loss with respect to every weight.

use super::product::{Steps, add_product};
use crate::made::arithmetic::Random;
use crate::made::plan::{Plan, Shape};

/// Weights of one layer: `fan_in` rows of `channels_out`, then the biases.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Params {
    /// By row and column of the kernel, channel in, channel out.
    pub(crate) weights: Vec<f32>,
    /// One for each channel out.
    pub(crate) bias: Vec<f32>,
}

impl Params {
    /// All zero.
    pub(crate) fn zero(shape: &Shape) -> Self {
        Self { weights: vec![0.0; shape.n_weights()], bias: vec![0.0; shape.channels_out] }
    }

    /// Adds others of the same shape.
    pub(crate) fn add(&mut self, other: &Self) {
        self.weights.iter_mut().zip(&other.weights).for_each(|(sum, value)| *sum += value);
        self.bias.iter_mut().zip(&other.bias).for_each(|(sum, value)| *sum += value);
    }
}

/// A network and its weights.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    shapes: Vec<Shape>,
    n_stages: usize,
    /// One for each of the plan's shapes.
    pub(crate) params: Vec<Params>,
}

/// What a forward pass leaves for the backward pass.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The input of each layer, spread out: a row of `fan_in` numbers for each pixel that comes out.
    patches: Vec<Vec<f32>>,
    /// What came out of each layer.
    values: Vec<Vec<f32>>,
}

impl Net {
    /// A network whose weights are random: of mean 0 and, before a ReLU, of variance 2 / `fan_in`.
    pub(crate) fn random(plan: &Plan, random: &mut Random) -> Self {
        let shapes = plan.shapes();
        let params = shapes.iter().map(|shape| {
            let reach = (if shape.relu { 6.0 } else { 0.3 } / shape.fan_in() as f32).sqrt();
            let weights = (0..shape.n_weights()).map(|_| random.between(-reach, reach)).collect();
            Params { weights, ..Params::zero(shape) }
        });
        Self { params: params.collect(), shapes, n_stages: plan.stages.len() }
    }

    /// A network of these weights.
    #[cfg(test)]
    pub(crate) fn of(plan: &Plan, params: Vec<Params>) -> Self {
        Self { shapes: plan.shapes(), n_stages: plan.stages.len(), params }
    }

    /// A zero for each weight.
    pub(crate) fn zeros(&self) -> Vec<Params> {
        self.shapes.iter().map(Params::zero).collect()
    }

    /// Runs the network. Its outputs are then in `trace`.
    pub(crate) fn forward(&self, input: &[f32], trace: &mut Trace) {
        trace.patches.resize(self.shapes.len(), Vec::new());
        trace.values.resize(self.shapes.len(), Vec::new());
        for (index, (shape, params)) in self.shapes.iter().zip(&self.params).enumerate() {
            let (before, rest) = trace.values.split_at_mut(index);
            let source = self.source(index).map_or(input, |source| &before[source]);
            let patches = &mut trace.patches[index];
            spread(source, shape, patches);
            let n_pixels = shape.side_out() * shape.side_out();
            let values = &mut rest[0];
            values.clear();
            (0..n_pixels).for_each(|_| values.extend_from_slice(&params.bias));
            let steps = Steps { row: shape.fan_in(), column: 1 };
            add_product(patches, steps, &params.weights, values, [n_pixels, shape.fan_in(), shape.channels_out]);
            if shape.relu {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
        }
    }

    /// The outputs of the last forward pass.
    pub(crate) fn outputs<'a>(&self, trace: &'a Trace) -> Vec<&'a [f32]> {
        trace.values[self.n_stages..].iter().map(Vec::as_slice).collect()
    }

    /// The weights by channel out, which a backward pass reads.
    pub(crate) fn turned(&self) -> Vec<Vec<f32>> {
        let turn = |(shape, params): (&Shape, &Params)| transposed(&params.weights, shape.channels_out);
        self.shapes.iter().zip(&self.params).map(turn).collect()
    }

    /// Adds the derivatives with respect to the weights, given those with respect to the outputs.
    pub(crate) fn backward(&self, turned: &[Vec<f32>], trace: &Trace, by_head: &[Vec<f32>], by_weight: &mut [Params]) {
        let mut by_value: Vec<Vec<f32>> = trace.values.iter().map(|values| vec![0.0; values.len()]).collect();
        by_value[self.n_stages..].iter_mut().zip(by_head).for_each(|(all, head)| all.copy_from_slice(head));
        for (index, shape) in self.shapes.iter().enumerate().rev() {
            let mut slope = std::mem::take(&mut by_value[index]);
            if shape.relu {
                let values = trace.values[index].iter();
                slope.iter_mut().zip(values).filter(|(_, value)| **value <= 0.0).for_each(|(slope, _)| *slope = 0.0);
            }
            let sums = &mut by_weight[index];
            for line in slope.chunks_exact(shape.channels_out) {
                sums.bias.iter_mut().zip(line).for_each(|(sum, value)| *sum += value);
            }
            let (n_pixels, fan_in, channels) =
                (shape.side_out() * shape.side_out(), shape.fan_in(), shape.channels_out);
            let by_number = Steps { row: 1, column: fan_in };
            add_product(&trace.patches[index], by_number, &slope, &mut sums.weights, [fan_in, n_pixels, channels]);
            if let Some(source) = self.source(index) {
                let mut patches = vec![0.0; n_pixels * fan_in];
                let steps = Steps { row: channels, column: 1 };
                add_product(&slope, steps, &turned[index], &mut patches, [n_pixels, channels, fan_in]);
                gather(&patches, shape, &mut by_value[source]);
            }
        }
    }

    /// Which layer a layer reads; `None` is the input. The outputs all read the last layer.
    fn source(&self, index: usize) -> Option<usize> {
        index.min(self.n_stages).checked_sub(1)
    }
}

/// Calls `copy` with each run of numbers that a pixel reads: its place among the patches, its place in the input, its length.
///
/// With SAME padding, an odd row or column of padding is on the right or at the bottom.
fn for_each_run(shape: &Shape, mut copy: impl FnMut(usize, usize, usize)) {
    let (side, side_out, channels) = (shape.side, shape.side_out(), shape.channels_in);
    let padding = ((side_out - 1) * shape.stride + shape.kernel).saturating_sub(side) / 2;
    for pixel in 0..side_out * side_out {
        let (y, x) = (pixel / side_out * shape.stride, pixel % side_out * shape.stride);
        let columns = x.max(padding)..(x + shape.kernel).min(side + padding);
        for row in y.max(padding)..(y + shape.kernel).min(side + padding) {
            let tap = (row - y) * shape.kernel + columns.start - x;
            let place = (row - padding) * side + columns.start - padding;
            copy(pixel * shape.fan_in() + tap * channels, place * channels, columns.len() * channels);
        }
    }
}

fn spread(source: &[f32], shape: &Shape, patches: &mut Vec<f32>) {
    patches.clear();
    patches.resize(shape.side_out() * shape.side_out() * shape.fan_in(), 0.0);
    for_each_run(shape, |to, from, len| patches[to..to + len].copy_from_slice(&source[from..from + len]));
}

fn gather(patches: &[f32], shape: &Shape, sums: &mut [f32]) {
    for_each_run(shape, |from, to, len| {
        sums[to..to + len].iter_mut().zip(&patches[from..from + len]).for_each(|(sum, value)| *sum += value);
    });
}

fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| matrix.iter().skip(column).step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::plan::Stage;

    const SMALL: Plan = Plan {
        name: "small",
        input_size: 6,
        stages: &[
            Stage::Conv { stride: 2, channels: 4 },
            Stage::Conv { stride: 1, channels: 9 },
            Stage::Dense { units: 5 },
        ],
        heads: &[3, 1],
    };

    /// The sum of the outputs times fixed factors.
    fn loss(net: &Net, input: &[f32], factors: &[Vec<f32>]) -> f64 {
        let mut trace = Trace::default();
        net.forward(input, &mut trace);
        let of_head = |(head, factors): (usize, &Vec<f32>)| -> f64 {
            net.outputs(&trace)[head].iter().zip(factors).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        factors.iter().enumerate().map(of_head).sum()
    }

    #[test]
    fn derivatives_agree_with_differences() {
        let random = &mut Random::of(&[11]);
        let net = Net::random(&SMALL, random);
        let input: Vec<f32> = (0..6 * 6 * 3).map(|_| random.between(-1.0, 1.0)).collect();
        let factors = vec![vec![0.5, -1.0, 2.0], vec![1.5]];
        let mut trace = Trace::default();
        net.forward(&input, &mut trace);
        let mut slopes = net.zeros();
        net.backward(&net.turned(), &trace, &factors, &mut slopes);
        let mut seen = 0;
        for (layer, slopes) in slopes.iter().enumerate() {
            let difference = |change: &dyn Fn(&mut Params, f32)| {
                let at = |step: f32| {
                    let mut changed = net.clone();
                    change(&mut changed.params[layer], step);
                    loss(&changed, &input, &factors)
                };
                (at(1e-3) - at(-1e-3)) / 2e-3
            };
            let is_near = |difference: f64, slope: f64| (difference - slope).abs() < 0.02 * slope.abs() + 1e-3;
            for (index, slope) in slopes.weights.iter().map(|&slope| f64::from(slope)).enumerate().step_by(7) {
                let difference = difference(&|params, step| params.weights[index] += step);
                assert!(is_near(difference, slope), "weight {index} of {layer}: {difference} {slope}");
                seen += usize::from(slope.abs() > 1e-3);
            }
            let (difference, slope) = (difference(&|params, step| params.bias[0] += step), f64::from(slopes.bias[0]));
            assert!(is_near(difference, slope), "bias of {layer}: {difference} {slope}");
        }
        assert!(seen > 50, "only {seen} derivatives are not 0");
    }
}
