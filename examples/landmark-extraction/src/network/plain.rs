//! A graph in the operations of tract alone, optimised by tract: what runs where the kernels of this program do not, and what their answers
//! are compared with.

use tract_core::internal::*;
use tract_core::ops::array::{Pad, PadMode, TypedConcat};
use tract_core::ops::binary::TypedBinOp;
use tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PaddingSpec, PoolSpec};
use tract_core::ops::math::{Add, Max, Min, Mul};
use tract_core::ops::nn::{CoordTransformer, DataFormat, Interpolator, Nearest, Reduce, Reducer, Resize};

use super::graph::{Activation, Graph, Node, Operation, Shape, Window};

/// The model of this graph: one input and the asked outputs, each of one batch, rows, columns, channels.
pub(super) fn model(graph: Graph) -> TractResult<TypedModel> {
    wired(graph)?.into_optimized()
}

/// The same as it stands, before tract puts faster operations in the place of these.
pub(super) fn wired(graph: Graph) -> TractResult<TypedModel> {
    let mut builder = Builder { model: TypedModel::default(), n_nodes: 0 };
    let input = builder.model.add_source("input", f32::fact(dimensions(graph.input())))?;
    let shapes: Vec<Shape> = graph.nodes.iter().map(|node| node.shape).collect();
    let mut results = vec![input];
    for node in graph.nodes.into_iter().skip(1) {
        let inputs: Vec<_> = node.inputs.iter().map(|&input| (results[input], shapes[input])).collect();
        results.push(builder.add(node, &inputs)?);
    }
    let outputs: Vec<_> = graph.outputs.iter().map(|&output| results[output]).collect();
    builder.model.select_output_outlets(&outputs)?;
    Ok(builder.model)
}

fn dimensions(shape: Shape) -> [usize; 4] {
    [1, shape.height, shape.width, shape.channels]
}

struct Builder {
    model: TypedModel,
    n_nodes: usize,
}

impl Builder {
    fn name(&mut self, what: &str) -> String {
        self.n_nodes += 1;
        format!("{what} {}", self.n_nodes)
    }

    fn wire(&mut self, operation: impl Into<Box<dyn TypedOp>>, inputs: &[OutletId]) -> TractResult<OutletId> {
        let name = self.name("node");
        Ok(self.model.wire_node(name, operation, inputs)?[0])
    }

    fn constant(&mut self, shape: &[usize], values: &[f32]) -> TractResult<OutletId> {
        let name = self.name("constant");
        self.model.add_const(name, Tensor::from_shape(shape, values)?)
    }

    /// One number for each channel.
    fn per_channel(&mut self, values: &[f32]) -> TractResult<OutletId> {
        self.constant(&[1, 1, 1, values.len()], values)
    }

    fn add(&mut self, node: Node, inputs: &[(OutletId, Shape)]) -> TractResult<OutletId> {
        let all: Vec<OutletId> = inputs.iter().map(|input| input.0).collect();
        let (x, shape) = inputs[0];
        match node.operation {
            Operation::Input => Ok(x),
            Operation::Convolution { window, weights, bias } => {
                let form = [bias.len(), window.kernel.0, window.kernel.1, shape.channels];
                self.convolution(x, shape, &window, (&form, &weights), &bias, 1)
            }
            Operation::Depthwise { window, weights, bias } => {
                let form = [1, window.kernel.0, window.kernel.1, shape.channels];
                self.convolution(x, shape, &window, (&form, &weights), &bias, shape.channels)
            }
            Operation::Activate(activation) => self.activate(x, &activation),
            Operation::Add => self.wire(TypedBinOp(Box::new(Add), None), &all),
            Operation::Pad { before, after } => {
                let pads = [(0, 0), (before[0], after[0]), (before[1], after[1]), (before[2], after[2])];
                self.wire(Pad { pads: pads.to_vec(), mode: PadMode::default() }, &[x])
            }
            Operation::MaxPool => {
                let window = Window::valid((2, 2), (2, 2));
                let pool_spec = pool_spec(&window, shape.channels, shape.channels);
                self.wire(MaxPool { pool_spec, with_index_outputs: None }, &[x])
            }
            Operation::Double => self.double(x),
            Operation::DepthToSpace { block } => self.depth_to_space(x, shape, block),
            Operation::Mean => {
                // As a sum and a factor: the engine's own mean was seen to round to integers.
                let sum = self.wire(Reduce::new(tvec!(1, 2), Reducer::Sum), &[x])?;
                let factor = self.per_channel(&vec![1.0 / shape.points() as f32; shape.channels])?;
                self.wire(TypedBinOp(Box::new(Mul), None), &[sum, factor])
            }
            Operation::Sigmoid => self.wire(tract_core::ops::nn::sigmoid(), &[x]),
            Operation::Concatenate => self.wire(TypedConcat { axis: 2 }, &all),
            Operation::Reshape(to) => self.reshape(x, &dimensions(shape), &dimensions(to)),
        }
    }

    fn convolution(
        &mut self,
        x: OutletId,
        shape: Shape,
        window: &Window,
        (form, weights): (&[usize; 4], &[f32]),
        bias: &[f32],
        group: usize,
    ) -> TractResult<OutletId> {
        let kernel = self.constant(form, weights)?;
        let n_outputs = bias.len();
        let name = self.name("constant");
        let bias = self.model.add_const(name, tensor1(bias))?;
        let pool_spec = pool_spec(window, shape.channels, n_outputs);
        self.wire(Conv { pool_spec, kernel_fmt: KernelFormat::OHWI, group, q_params: None }, &[x, kernel, bias])
    }

    fn activate(&mut self, x: OutletId, activation: &Activation) -> TractResult<OutletId> {
        let zero = self.per_channel(&[0.0])?;
        let positive = self.wire(TypedBinOp(Box::new(Max), None), &[x, zero])?;
        match activation {
            Activation::Relu => Ok(positive),
            Activation::Relu6 => {
                let six = self.per_channel(&[6.0])?;
                self.wire(TypedBinOp(Box::new(Min), None), &[positive, six])
            }
            Activation::Prelu(slopes) => {
                let negative = self.wire(TypedBinOp(Box::new(Min), None), &[x, zero])?;
                let slopes = self.per_channel(slopes)?;
                let scaled = self.wire(TypedBinOp(Box::new(Mul), None), &[negative, slopes])?;
                self.wire(TypedBinOp(Box::new(Add), None), &[positive, scaled])
            }
        }
    }

    fn double(&mut self, x: OutletId) -> TractResult<OutletId> {
        let name = self.name("constant");
        let scales = self.model.add_const(name, tensor1(&[1.0_f32, 2.0, 2.0, 1.0]))?;
        let operation = Resize {
            coord_transformer: CoordTransformer::HalfPixel,
            interpolator: Interpolator::Linear,
            nearest: Nearest::Floor,
            optional_scales_input: Some(1),
            optional_sizes_input: None,
        };
        self.wire(operation, &[x, scales])
    }

    fn depth_to_space(&mut self, x: OutletId, shape: Shape, block: usize) -> TractResult<OutletId> {
        let Shape { height, width, channels } = shape;
        let each = channels / (block * block);
        let apart = self.reshape(x, &dimensions(shape), &[1, height, width, block, block, each])?;
        let moved = self.wire(AxisOp::Move(3, 2), &[apart])?;
        let from = [1, height, block, width, block, each];
        self.reshape(moved, &from, &[1, height * block, width * block, each])
    }

    fn reshape(&mut self, x: OutletId, from: &[usize], to: &[usize]) -> TractResult<OutletId> {
        let dimensions = |shape: &[usize]| shape.iter().map(|n| n.to_dim()).collect::<TVec<TDim>>();
        self.wire(AxisOp::Reshape(0, dimensions(from), dimensions(to)), &[x])
    }
}

fn pool_spec(window: &Window, input_channels: usize, output_channels: usize) -> PoolSpec {
    let pair = |pair: (usize, usize)| tvec!(pair.0, pair.1);
    PoolSpec {
        data_format: DataFormat::NHWC,
        kernel_shape: pair(window.kernel),
        padding: PaddingSpec::Explicit(pair(window.before), pair(window.after)),
        dilations: None,
        strides: Some(pair(window.stride)),
        input_channels,
        output_channels,
    }
}
