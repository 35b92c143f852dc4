//! Networks that are written down layer by layer, with their weights.

use super::NetworkError;
use super::graph::{Activation, Graph, Operation, Shape, Window};

/// One layer of a network that is written down, not read from a file. Each reads the one before it; the first reads the input.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// A convolution with zeros around its input, so that there are `ceil(n / stride)` rows and columns; of an odd number of zeros the
    /// smaller half comes first.
    Conv {
        /// Rows and columns of the kernel.
        kernel: (usize, usize),
        /// The step, down and across.
        stride: usize,
        /// Whether each channel is handled alone.
        depthwise: bool,
        /// As output channel, row, column, input channel; of a depthwise one as row, column, channel.
        weights: Vec<f32>,
        /// One number for each output channel.
        bias: Vec<f32>,
        /// Whether negative results become 0.
        relu: bool,
    },
    /// Every output from every number of the input, which is read row by row with the channels of a point side by side.
    Dense {
        /// As output, input.
        weights: Vec<f32>,
        /// One number for each output.
        bias: Vec<f32>,
        /// Whether negative results become 0.
        relu: bool,
    },
    /// The largest of each 2 by 2 points, each channel alone. Rows and columns must be even.
    MaxPool,
    /// The mean over all points, each channel alone.
    Mean,
    /// `1 / (1 + exp(-v))` of each number.
    Sigmoid,
    /// The output of an earlier layer again, so that the layers behind go on from there: how a network gets several heads.
    Again(usize),
}

/// The graph of these layers.
pub(super) fn graph(input: Shape, layers: &[Layer], outputs: &[usize]) -> Result<Graph, NetworkError> {
    let mut graph = Graph::new(input)?;
    let mut positions = Vec::new();
    let mut last = 0;
    for (index, layer) in layers.iter().enumerate() {
        last = add(&mut graph, layer, last, &positions).map_err(|error| named(error, index))?;
        positions.push(last);
    }
    let available = layers.len();
    let position =
        |&index: &usize| positions.get(index).copied().ok_or(NetworkError::NoSuchOutput { index, available });
    graph.outputs = outputs.iter().map(position).collect::<Result<_, _>>()?;
    Ok(graph)
}

fn named(error: NetworkError, index: usize) -> NetworkError {
    match error {
        NetworkError::Shape { layer, reason } => NetworkError::shape(format!("layer {index} ({layer})"), reason),
        other => other,
    }
}

fn add(graph: &mut Graph, layer: &Layer, last: usize, positions: &[usize]) -> Result<usize, NetworkError> {
    match layer {
        Layer::Conv { kernel, stride, depthwise, weights, bias, relu } => {
            let window = Window::same(*kernel, (*stride, *stride), graph.shape(last));
            let (weights, bias) = (weights.clone().into(), bias.clone());
            let sum = match depthwise {
                true => graph.push(Operation::Depthwise { window, weights, bias }, &[last])?,
                false => graph.push(Operation::Convolution { window, weights, bias }, &[last])?,
            };
            activated(graph, sum, *relu)
        }
        Layer::Dense { weights, bias, relu } => {
            let flat = Shape::new(1, 1, graph.shape(last).volume());
            let flat = graph.push(Operation::Reshape(flat), &[last])?;
            let window = Window::valid((1, 1), (1, 1));
            let sum = Operation::Convolution { window, weights: weights.clone().into(), bias: bias.clone() };
            let sum = graph.push(sum, &[flat])?;
            activated(graph, sum, *relu)
        }
        Layer::MaxPool => graph.push(Operation::MaxPool, &[last]),
        Layer::Mean => graph.push(Operation::Mean, &[last]),
        Layer::Sigmoid => graph.push(Operation::Sigmoid, &[last]),
        Layer::Again(index) => {
            let known = positions.get(*index).copied();
            known.ok_or_else(|| NetworkError::shape("again", format!("layer {index} does not come earlier")))
        }
    }
}

fn activated(graph: &mut Graph, sum: usize, relu: bool) -> Result<usize, NetworkError> {
    match relu {
        true => graph.push(Operation::Activate(Activation::Relu), &[sum]),
        false => Ok(sum),
    }
}
