//! A network as a list of operations, each of which names those that it reads: what a file and a list of layers become, before an engine
//! gets it.
//!
//! Promises: every shape was checked when its operation was added, so those who run a graph need no checks. Leaves to others: how fast.

use super::NetworkError;

/// The largest side, and the most channels, of an intermediate result.
const LARGEST_SIDE: usize = 1 << 16;

/// The most numbers of an intermediate result or of a kernel.
const LARGEST_VOLUME: usize = 1 << 24;

/// Rows, columns and channels of one intermediate result. Its numbers lie row by row, the channels of a point side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Shape {
    pub(crate) fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// How many numbers it has.
    pub(crate) fn volume(self) -> usize {
        self.height * self.width * self.channels
    }

    /// How many points.
    pub(crate) fn points(self) -> usize {
        self.height * self.width
    }

    fn is_usable(self) -> bool {
        let sides = [self.height, self.width, self.channels];
        sides.iter().all(|&side| (1..=LARGEST_SIDE).contains(&side))
            && sides
                .iter()
                .try_fold(1_usize, |product, &side| product.checked_mul(side))
                .is_some_and(|n| n <= LARGEST_VOLUME)
    }
}

/// A window that slides over the rows and columns: its size, its step, and how many zeros stand before and behind the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    pub(crate) before: (usize, usize),
    pub(crate) after: (usize, usize),
}

impl Window {
    /// A window without zeros around the input.
    pub(crate) fn valid(kernel: (usize, usize), stride: (usize, usize)) -> Self {
        Self { kernel, stride, before: (0, 0), after: (0, 0) }
    }

    /// The window that gives `ceil(n / stride)` places: of an odd number of zeros the smaller half comes first.
    pub(crate) fn same(kernel: (usize, usize), stride: (usize, usize), input: Shape) -> Self {
        let total = |n: usize, kernel: usize, stride: usize| {
            let stride = stride.max(1);
            ((n.div_ceil(stride).saturating_sub(1)) * stride + kernel).saturating_sub(n)
        };
        let rows = total(input.height, kernel.0, stride.0);
        let columns = total(input.width, kernel.1, stride.1);
        let before = (rows / 2, columns / 2);
        Self { kernel, stride, before, after: (rows - before.0, columns - before.1) }
    }

    /// Whether each place is one point of the input, so that the window changes nothing.
    pub(crate) fn is_pointwise(&self) -> bool {
        *self == Self::valid((1, 1), (1, 1))
    }

    fn places(n: usize, kernel: usize, stride: usize, zeros: usize) -> Option<usize> {
        let room = n.checked_add(zeros)?.checked_sub(kernel)?;
        (kernel > 0 && kernel <= 64 && zeros <= 128 && (1..=64).contains(&stride)).then(|| room / stride + 1)
    }

    fn output(&self, input: Shape, channels: usize) -> Option<Shape> {
        let height = Self::places(input.height, self.kernel.0, self.stride.0, self.before.0 + self.after.0)?;
        let width = Self::places(input.width, self.kernel.1, self.stride.1, self.before.1 + self.after.1)?;
        Some(Shape { height, width, channels })
    }
}

/// What is done to each number after an operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Activation {
    /// Negative numbers become 0.
    Relu,
    /// The same, and numbers above 6 become 6.
    Relu6,
    /// Negative numbers are multiplied with the number of their channel.
    Prelu(Vec<f32>),
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// What the network is given.
    Input,
    /// A sum over a window and all channels; `weights` as output channel, row, column, input channel.
    Convolution { window: Window, weights: Vec<f32>, bias: Vec<f32> },
    /// A sum over a window, each channel alone; `weights` as row, column, channel.
    Depthwise { window: Window, weights: Vec<f32>, bias: Vec<f32> },
    /// Each number alone.
    Activate(Activation),
    /// The sum of two results of the same shape.
    Add,
    /// Zeros before and behind the rows, columns and channels.
    Pad { before: [usize; 3], after: [usize; 3] },
    /// The largest number of each 2 by 2 points.
    MaxPool,
    /// Twice as many rows and columns, linear between the points' centres.
    Double,
    /// Blocks of channels become squares of points with this side.
    DepthToSpace { block: usize },
    /// The mean over all points, of each channel.
    Mean,
    /// `1 / (1 + exp(-v))` of each number.
    Sigmoid,
    /// The points of several results of one row, one after the other.
    Concatenate,
    /// The same numbers under another shape.
    Reshape(Shape),
}

impl Operation {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Convolution { .. } => "convolution",
            Self::Depthwise { .. } => "depthwise convolution",
            Self::Activate(_) => "activation",
            Self::Add => "sum",
            Self::Pad { .. } => "padding",
            Self::MaxPool => "largest of 2 by 2",
            Self::Double => "doubling",
            Self::DepthToSpace { .. } => "depth to space",
            Self::Mean => "mean",
            Self::Sigmoid => "sigmoid",
            Self::Concatenate => "concatenation",
            Self::Reshape(_) => "reshaping",
        }
    }
}

/// An operation, what it reads, and the shape of its result.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) operation: Operation,
    /// Positions of earlier nodes.
    pub(crate) inputs: Vec<usize>,
    pub(crate) shape: Shape,
}

/// Operations in an order in which they can run; the first one is the input.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    /// Positions of the results that are asked for.
    pub(crate) outputs: Vec<usize>,
}

impl Graph {
    /// A graph that has its input only.
    pub(crate) fn new(input: Shape) -> Result<Self, NetworkError> {
        if !input.is_usable() {
            return Err(NetworkError::shape("the input", format!("{input:?} has no numbers, or too many")));
        }
        Ok(Self {
            nodes: vec![Node { operation: Operation::Input, inputs: Vec::new(), shape: input }],
            outputs: Vec::new(),
        })
    }

    pub(crate) fn input(&self) -> Shape {
        self.nodes[0].shape
    }

    pub(crate) fn shape(&self, position: usize) -> Shape {
        self.nodes[position].shape
    }

    /// Adds an operation, and gives its position.
    pub(crate) fn push(&mut self, operation: Operation, inputs: &[usize]) -> Result<usize, NetworkError> {
        let shapes = self.shapes(&operation, inputs)?;
        let fits = output_shape(&operation, &shapes).filter(|shape| shape.is_usable());
        let Some(shape) = fits else {
            return Err(NetworkError::shape(operation.name(), format!("its input is {shapes:?}")));
        };
        self.nodes.push(Node { operation, inputs: inputs.to_vec(), shape });
        Ok(self.nodes.len() - 1)
    }

    fn shapes(&self, operation: &Operation, inputs: &[usize]) -> Result<Vec<Shape>, NetworkError> {
        let known = |&position: &usize| self.nodes.get(position).map(|node| node.shape);
        let found: Option<Vec<_>> = inputs.iter().map(known).collect();
        found.ok_or_else(|| NetworkError::shape(operation.name(), "it reads what comes later"))
    }

    /// The graph without what none of its outputs needs. Positions change.
    pub(crate) fn without_unused(self) -> Self {
        let mut is_used = vec![false; self.nodes.len()];
        is_used[0] = true;
        for &output in &self.outputs {
            is_used[output] = true;
        }
        for position in (0..self.nodes.len()).rev().filter(|&position| is_used[position]).collect::<Vec<_>>() {
            mark(&self.nodes, position, &mut is_used);
        }
        let mut moved = vec![0; self.nodes.len()];
        let mut nodes = Vec::new();
        for (position, mut node) in self.nodes.into_iter().enumerate().filter(|(position, _)| is_used[*position]) {
            moved[position] = nodes.len();
            node.inputs.iter_mut().for_each(|input| *input = moved[*input]);
            nodes.push(node);
        }
        Self { nodes, outputs: self.outputs.into_iter().map(|output| moved[output]).collect() }
    }
}

/// Marks what a node reads, and what that reads.
fn mark(nodes: &[Node], position: usize, is_used: &mut [bool]) {
    let mut open = vec![position];
    while let Some(position) = open.pop() {
        for &input in &nodes[position].inputs {
            if !std::mem::replace(&mut is_used[input], true) {
                open.push(input);
            }
        }
    }
}

/// The shape of the result; `None` where operation and inputs do not fit.
fn output_shape(operation: &Operation, inputs: &[Shape]) -> Option<Shape> {
    use Operation as Op;
    if let Op::Concatenate = operation {
        return concatenated(inputs);
    }
    if let Op::Add = operation {
        let [a, b] = inputs.try_into().ok()?;
        return (a == b).then_some(a);
    }
    let [input]: [Shape; 1] = inputs.try_into().ok()?;
    let of = |n: usize, each: usize| n.checked_mul(each).filter(|&n| n <= LARGEST_VOLUME);
    match operation {
        Op::Convolution { window, weights, bias } => {
            let taps = of(of(window.kernel.0, window.kernel.1)?, input.channels)?;
            let fits = of(bias.len(), taps)? == weights.len() && !bias.is_empty();
            fits.then(|| window.output(input, bias.len()))?
        }
        Op::Depthwise { window, weights, bias } => {
            let fits =
                bias.len() == input.channels && of(of(window.kernel.0, window.kernel.1)?, bias.len())? == weights.len();
            fits.then(|| window.output(input, input.channels))?
        }
        Op::Activate(Activation::Prelu(slopes)) => (slopes.len() == input.channels).then_some(input),
        Op::Activate(_) | Op::Sigmoid => Some(input),
        Op::Pad { before, after } => {
            let side = |n: usize, k: usize| n.checked_add(before[k])?.checked_add(after[k]);
            Some(Shape::new(side(input.height, 0)?, side(input.width, 1)?, side(input.channels, 2)?))
        }
        Op::MaxPool => {
            let is_even = input.height.is_multiple_of(2) && input.width.is_multiple_of(2);
            is_even.then(|| Shape::new(input.height / 2, input.width / 2, input.channels))
        }
        Op::Double => Some(Shape::new(input.height * 2, input.width * 2, input.channels)),
        Op::DepthToSpace { block } => {
            let each = block.checked_mul(*block).filter(|&each| each > 0 && input.channels.is_multiple_of(each))?;
            Some(Shape::new(of(input.height, *block)?, of(input.width, *block)?, input.channels / each))
        }
        Op::Mean => Some(Shape::new(1, 1, input.channels)),
        Op::Reshape(shape) => (shape.is_usable() && shape.volume() == input.volume()).then_some(*shape),
        Op::Input | Op::Concatenate | Op::Add => None,
    }
}

/// Several results of one row and the same channels.
fn concatenated(inputs: &[Shape]) -> Option<Shape> {
    let first = inputs.first()?;
    let fits = inputs.iter().all(|shape| shape.height == 1 && shape.channels == first.channels);
    let width = inputs.iter().map(|shape| shape.width).try_fold(0_usize, usize::checked_add)?;
    fits.then_some(Shape { height: 1, width, channels: first.channels })
}
