//! The operations of a graph, put together into steps that read their inputs once.
//!
//! Promises: a step computes what its operations say; the order of sums within one number may differ where a doubling and a product change
//! places. Leaves to others: to run the steps.

use std::mem::take;

use super::graph::{Activation, Graph, Operation, Shape};
use super::kernels::{Depthwise, Finish, Front, Processor, Step, Weights, Work};

/// A step, the positions in the graph of the results that it reads, and that of the one it makes.
pub(super) struct Planned {
    pub(super) step: Step,
    pub(super) inputs: Vec<usize>,
    pub(super) position: usize,
}

/// The steps of a graph, in an order in which they can run, and the positions of the results that are asked for.
/// `near` is how many bytes of a result stay near the processor.
pub(super) fn steps(graph: Graph, processor: Processor, near: usize) -> (Vec<Planned>, Vec<usize>) {
    let mut graph = graph;
    fold_padding(&mut graph);
    let mut graph = graph.without_unused();
    multiply_before_doubling(&mut graph);
    let mut planner =
        Planner { is_done: vec![false; graph.nodes.len()], n_readers: n_readers(&graph), graph, processor, near };
    let last = planner.graph.nodes.len();
    let mut steps: Vec<_> = (1..last).rev().filter_map(|position| planner.step(position)).collect();
    steps.reverse();
    (steps, planner.graph.outputs)
}

/// How many operations read each result; that it is asked for counts as one.
fn n_readers(graph: &Graph) -> Vec<usize> {
    let mut n_readers = vec![0; graph.nodes.len()];
    let read = graph.nodes.iter().flat_map(|node| &node.inputs).chain(&graph.outputs);
    read.for_each(|&position| n_readers[position] += 1);
    n_readers
}

/// Zeros around the input of a convolution become part of its window.
fn fold_padding(graph: &mut Graph) {
    for position in 1..graph.nodes.len() {
        let [input] = graph.nodes[position].inputs[..] else { continue };
        let Operation::Pad { before: [top, left, 0], after: [bottom, right, 0] } = graph.nodes[input].operation else {
            continue;
        };
        let from = graph.nodes[input].inputs[0];
        let node = &mut graph.nodes[position];
        if let Operation::Convolution { window, .. } | Operation::Depthwise { window, .. } = &mut node.operation {
            window.before = (window.before.0 + top, window.before.1 + left);
            window.after = (window.after.0 + bottom, window.after.1 + right);
            node.inputs = vec![from];
        }
    }
}

/// A product of each point of a doubled picture is the doubled picture of the products, which are a quarter as many: the weights of the
/// old points add up to 1, so the bias stays.
fn multiply_before_doubling(graph: &mut Graph) {
    let n_readers = n_readers(graph);
    for position in 1..graph.nodes.len() {
        let [input] = graph.nodes[position].inputs[..] else { continue };
        let is_product =
            matches!(&graph.nodes[position].operation, Operation::Convolution { window, .. } if window.is_pointwise());
        if is_product && n_readers[input] == 1 && graph.nodes[input].operation == Operation::Double {
            let small = graph.shape(graph.nodes[input].inputs[0]);
            graph.nodes[input].shape = Shape { channels: graph.shape(position).channels, ..small };
            graph.nodes[input].operation = std::mem::replace(&mut graph.nodes[position].operation, Operation::Double);
        }
    }
}

struct Planner {
    graph: Graph,
    n_readers: Vec<usize>,
    /// Operations that are part of a step behind them.
    is_done: Vec<bool>,
    processor: Processor,
    near: usize,
}

impl Planner {
    /// The step that ends with this operation, and as many before it as can be part of it.
    fn step(&mut self, position: usize) -> Option<Planned> {
        if self.is_done[position] {
            return None;
        }
        let core = self.core_of(position);
        self.is_done[core] = true;
        let finish = self.finish_of(position, core);
        let (work, inputs) = match self.graph.nodes[core].operation {
            Operation::Add => self.sum(self.graph.nodes[core].inputs.clone(), finish),
            _ => self.core(core, finish, None),
        };
        let shapes = inputs.iter().map(|&input| self.graph.shape(input)).collect();
        let step = Step { work, inputs: shapes, output: self.graph.shape(position), processor: self.processor };
        Some(Planned { step, inputs, position })
    }

    /// Whether only one operation reads a result, which none needs outside of its step.
    fn has_one_reader(&self, position: usize) -> bool {
        self.n_readers[position] == 1 && !self.is_done[position] && position > 0
    }

    /// The operation whose numbers an activation changes, if it can do that itself; else the operation asked for.
    fn core_of(&self, position: usize) -> usize {
        let node = &self.graph.nodes[position];
        let Operation::Activate(_) = node.operation else { return position };
        let before = node.inputs[0];
        let takes_activation = matches!(
            self.graph.nodes[before].operation,
            Operation::Convolution { .. } | Operation::Depthwise { .. } | Operation::Add | Operation::Double
        );
        if takes_activation && self.has_one_reader(before) { before } else { position }
    }

    /// What an operation does to the numbers of its core.
    fn finish_of(&self, position: usize, core: usize) -> Finish {
        match &self.graph.nodes[position].operation {
            Operation::Activate(activation) if position != core => finish(activation),
            _ => Finish::None,
        }
    }

    /// A sum: part of the convolution or doubling that makes one of its numbers, if there is one.
    fn sum(&mut self, inputs: Vec<usize>, finish: Finish) -> (Work, Vec<usize>) {
        let pairs = [(inputs[1], inputs[0]), (inputs[0], inputs[1])];
        for (made, skip) in pairs.into_iter().filter(|&(made, _)| self.has_one_reader(made)) {
            let core = self.core_of(made);
            match self.graph.nodes[core].operation {
                Operation::Convolution { .. } if core == made => {
                    self.is_done[made] = true;
                    let skip = self.without_padding(skip);
                    return self.core(made, finish, Some(skip));
                }
                Operation::Double if finish == Finish::None => {
                    self.is_done[made] = true;
                    self.is_done[core] = true;
                    let inner = self.finish_of(made, core);
                    return (Work::Double(inner), vec![self.graph.nodes[core].inputs[0], skip]);
                }
                _ => {}
            }
        }
        (Work::Sum(finish), inputs)
    }

    /// Zeros behind the channels of what is added change nothing.
    fn without_padding(&mut self, position: usize) -> usize {
        match self.graph.nodes[position].operation {
            Operation::Pad { before: [0, 0, 0], after: [0, 0, _] } if self.has_one_reader(position) => {
                self.is_done[position] = true;
                self.graph.nodes[position].inputs[0]
            }
            _ => position,
        }
    }

    fn core(&mut self, position: usize, finish: Finish, skip: Option<usize>) -> (Work, Vec<usize>) {
        let mut inputs = self.graph.nodes[position].inputs.clone();
        let work = match &mut self.graph.nodes[position].operation {
            Operation::Convolution { window, weights, bias } => {
                let window = *window;
                let weights = Weights::new(&take(weights), &take(bias), finish, self.processor.lanes());
                let front = match window.is_pointwise() {
                    true => self.front(&mut inputs[0]),
                    false => Front::Gather(window),
                };
                inputs.extend(skip);
                Work::Convolve { front, weights }
            }
            Operation::Depthwise { .. } => Work::Depthwise(self.depthwise(position, finish)),
            Operation::Double => Work::Double(finish),
            Operation::MaxPool => Work::LargestOfFour,
            Operation::Mean => Work::Mean,
            Operation::Sigmoid => Work::Sigmoid,
            Operation::DepthToSpace { block } => Work::DepthToSpace(*block),
            Operation::Pad { before, .. } => Work::Pad(*before),
            Operation::Concatenate => Work::Concatenate,
            Operation::Activate(activation) => Work::Sum(self::finish(activation)),
            Operation::Input | Operation::Add | Operation::Reshape(_) => Work::Copy,
        };
        (work, inputs)
    }

    /// The convolution of each channel alone that makes the points of a product, whose input then takes their place.
    fn front(&mut self, input: &mut usize) -> Front {
        let core = self.core_of(*input);
        let is_depthwise = matches!(self.graph.nodes[core].operation, Operation::Depthwise { .. });
        if !is_depthwise || !self.has_one_reader(*input) {
            return Front::None;
        }
        let finish = self.finish_of(*input, core);
        self.is_done[*input] = true;
        self.is_done[core] = true;
        *input = self.graph.nodes[core].inputs[0];
        let depthwise = self.depthwise(core, finish);
        match self.expansion(input) {
            Some(expand) => Front::Expanded { expand, depthwise },
            None => Front::Depthwise(depthwise),
        }
    }

    /// The product that makes the input of a convolution of each channel alone, if its results are too many to stay near the processor.
    fn expansion(&mut self, input: &mut usize) -> Option<Weights> {
        let core = self.core_of(*input);
        let is_large = self.graph.shape(*input).volume() * size_of::<f32>() > self.near;
        if !is_large || !self.has_one_reader(*input) {
            return None;
        }
        let finish = self.finish_of(*input, core);
        let node = &mut self.graph.nodes[core];
        let Operation::Convolution { window, weights, bias } = &mut node.operation else { return None };
        if !window.is_pointwise() {
            return None;
        }
        let expand = Weights::new(&take(weights), &take(bias), finish, self.processor.lanes());
        let from = node.inputs[0];
        self.is_done[*input] = true;
        self.is_done[core] = true;
        *input = from;
        Some(expand)
    }

    fn depthwise(&mut self, position: usize, finish: Finish) -> Depthwise {
        let shapes = (self.graph.shape(self.graph.nodes[position].inputs[0]), self.graph.shape(position));
        let lanes = self.processor.lanes();
        match &mut self.graph.nodes[position].operation {
            Operation::Depthwise { window, weights, bias } => {
                Depthwise::new(*window, shapes, &take(weights), &take(bias), finish, lanes)
            }
            _ => unreachable!("asked for convolutions of each channel only"),
        }
    }
}

fn finish(activation: &Activation) -> Finish {
    match activation {
        Activation::Relu => Finish::Relu,
        Activation::Relu6 => Finish::Relu6,
        Activation::Prelu(slopes) => Finish::prelu(slopes),
    }
}
