//! TensorFlow Lite files, as far as networks of 32-bit numbers for one picture need it: weights of 16 bits are widened, sparse ones filled,
//! and what no asked output needs is not read.
//!
//! Promises: no bytes make it panic. Leaves to others: whether the file is the one that was meant.

use std::collections::HashMap;

use tract_tflite::tflite::{
    ActivationFunctionType, BuiltinOperator, DimensionType, Model, Operator, Padding, SubGraph, Tensor, TensorType,
    root_as_model,
};

use super::NetworkError;
use super::graph::{Activation, Graph, Operation, Shape, Window};

/// The graph of these outputs, by index.
pub(super) fn graph(bytes: &[u8], outputs: &[usize]) -> Result<Graph, NetworkError> {
    let model = root_as_model(bytes).map_err(NetworkError::file)?;
    File::open(model)?.graph(outputs)
}

/// The parts of a file that a graph is made from.
struct File<'a> {
    model: Model<'a>,
    part: SubGraph<'a>,
    operators: Vec<(BuiltinOperator, Operator<'a>)>,
    /// Which operator makes a tensor.
    maker: HashMap<usize, usize>,
}

fn missing(what: &str) -> NetworkError {
    NetworkError::file(format!("it has no {what}"))
}

impl<'a> File<'a> {
    fn open(model: Model<'a>) -> Result<Self, NetworkError> {
        let parts = model.subgraphs().filter(|parts| !parts.is_empty()).ok_or_else(|| missing("graph"))?;
        let part = parts.get(0);
        let codes = model.operator_codes().ok_or_else(|| missing("operator codes"))?;
        let mut operators = Vec::new();
        let mut maker = HashMap::new();
        for operator in part.operators().ok_or_else(|| missing("operators"))? {
            let index = operator.opcode_index() as usize;
            let code = (index < codes.len()).then(|| codes.get(index)).ok_or_else(|| missing("code of an operator"))?;
            let builtin = code.builtin_code().max(BuiltinOperator(i32::from(code.deprecated_builtin_code())));
            for output in operator.outputs().into_iter().flatten() {
                maker.insert(position(output)?, operators.len());
            }
            operators.push((builtin, operator));
        }
        Ok(Self { model, part, operators, maker })
    }

    fn graph(&self, outputs: &[usize]) -> Result<Graph, NetworkError> {
        let input = self.part.inputs().filter(|inputs| !inputs.is_empty()).ok_or_else(|| missing("input"))?.get(0);
        let input = position(input)?;
        if self.tensor(input)?.type_() != TensorType::FLOAT32 {
            return Err(NetworkError::file("its input is not of 32-bit numbers"));
        }
        let asked = self.outputs(outputs)?;
        let mut graph = Graph::new(self.shape(input)?)?;
        let mut results = HashMap::from([(input, 0)]);
        for index in self.needed(&asked)? {
            let (kind, operator) = &self.operators[index];
            let made = Translation { file: self, graph: &mut graph, results: &results, operator }.add(*kind)?;
            let output = ids(operator.outputs())?.first().copied().ok_or_else(|| missing("output of an operator"))?;
            let (stated, shape) = (self.shape(output)?, graph.shape(made));
            if stated != shape {
                return Err(NetworkError::shape(
                    name(*kind),
                    format!("the file says its result is {stated:?}, and it is {shape:?}"),
                ));
            }
            results.insert(output, made);
        }
        let made = asked.iter().map(|output| results.get(output).copied().ok_or_else(|| missing("maker of an output")));
        graph.outputs = made.collect::<Result<_, _>>()?;
        Ok(graph)
    }

    fn outputs(&self, indices: &[usize]) -> Result<Vec<usize>, NetworkError> {
        let all = ids(self.part.outputs())?;
        let available = all.len();
        indices
            .iter()
            .map(|&index| all.get(index).copied().ok_or(NetworkError::NoSuchOutput { index, available }))
            .collect()
    }

    /// The operators that these tensors need, in the file's order, without those that only widen or fill weights.
    fn needed(&self, tensors: &[usize]) -> Result<Vec<usize>, NetworkError> {
        let mut is_needed = vec![false; self.operators.len()];
        let mut open = tensors.to_vec();
        while let Some(tensor) = open.pop() {
            let Some(&index) = self.maker.get(&tensor) else { continue };
            let (kind, operator) = &self.operators[index];
            let is_weights = [BuiltinOperator::DEQUANTIZE, BuiltinOperator::DENSIFY].contains(kind);
            if !is_weights && !std::mem::replace(&mut is_needed[index], true) {
                open.extend(ids(operator.inputs())?);
            }
        }
        Ok((0..is_needed.len()).filter(|&index| is_needed[index]).collect())
    }

    fn tensor(&self, id: usize) -> Result<Tensor<'a>, NetworkError> {
        let tensors = self.part.tensors().filter(|tensors| id < tensors.len());
        Ok(tensors.ok_or_else(|| missing(&format!("tensor {id}")))?.get(id))
    }

    fn dimensions(&self, id: usize) -> Result<Vec<usize>, NetworkError> {
        self.tensor(id)?.shape().into_iter().flatten().map(position).collect()
    }

    /// One batch; a shape of fewer dimensions has one row, and perhaps one column.
    fn shape(&self, id: usize) -> Result<Shape, NetworkError> {
        match self.dimensions(id)?[..] {
            [1, height, width, channels] => Ok(Shape::new(height, width, channels)),
            [1, width, channels] => Ok(Shape::new(1, width, channels)),
            [1, channels] => Ok(Shape::new(1, 1, channels)),
            ref other => Err(NetworkError::file(format!(
                "tensor {id} has the shape {other:?}, and one of one picture is needed"
            ))),
        }
    }

    fn data(&self, tensor: &Tensor<'a>) -> Result<&'a [u8], NetworkError> {
        let index = tensor.buffer() as usize;
        let buffer = self.model.buffers().filter(|buffers| index < buffers.len()).map(|buffers| buffers.get(index));
        Ok(buffer.and_then(|buffer| buffer.data()).ok_or_else(|| missing("numbers of a constant"))?.bytes())
    }

    /// The numbers of a constant, through what widens and fills it.
    fn constant(&self, id: usize) -> Result<Vec<f32>, NetworkError> {
        let mut source = id;
        // As many steps as there are operators at most, so that a circle ends.
        for _ in 0..=self.operators.len() {
            let Some(&index) = self.maker.get(&source) else { return self.numbers(source, id) };
            let (kind, operator) = &self.operators[index];
            match *kind {
                BuiltinOperator::DEQUANTIZE | BuiltinOperator::DENSIFY => {
                    source = *ids(operator.inputs())?.first().ok_or_else(|| missing("input of an operator"))?;
                }
                _ => break,
            }
        }
        Err(NetworkError::file(format!("tensor {id} is not a constant")))
    }

    fn numbers(&self, source: usize, id: usize) -> Result<Vec<f32>, NetworkError> {
        let tensor = self.tensor(source)?;
        let bytes = self.data(&tensor)?;
        let numbers: Vec<f32> = match tensor.type_() {
            TensorType::FLOAT32 => bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            TensorType::FLOAT16 => {
                bytes.as_chunks().0.iter().map(|two| half::f16::from_le_bytes(*two).to_f32()).collect()
            }
            other => {
                return Err(NetworkError::file(format!("tensor {source} is of the type {other:?}, not of numbers")));
            }
        };
        let dimensions = self.dimensions(id)?;
        let numbers = if tensor.sparsity().is_some() { filled(&tensor, &numbers, &dimensions)? } else { numbers };
        let expected = dimensions.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
        match expected == Some(numbers.len()) {
            true => Ok(numbers),
            false => Err(NetworkError::file(format!(
                "tensor {id} of the shape {dimensions:?} has {} numbers",
                numbers.len()
            ))),
        }
    }

    fn integers(&self, id: usize) -> Result<Vec<i32>, NetworkError> {
        let tensor = self.tensor(id)?;
        match tensor.type_() {
            TensorType::INT32 => {
                Ok(self.data(&tensor)?.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four)).collect())
            }
            other => Err(NetworkError::file(format!("tensor {id} is of the type {other:?}, not of integers"))),
        }
    }
}

/// Numbers of a table whose rows are compressed, with 0 where there is none.
fn filled(tensor: &Tensor<'_>, numbers: &[f32], dimensions: &[usize]) -> Result<Vec<f32>, NetworkError> {
    let unsupported = || NetworkError::file("a sparse constant is not one of compressed rows");
    let sparsity = tensor.sparsity().ok_or_else(unsupported)?;
    let in_order = sparsity.traversal_order().is_some_and(|order| order.iter().eq(0..dimensions.len() as i32));
    let in_blocks = sparsity.block_map().is_some_and(|map| !map.is_empty());
    let formats = sparsity.dim_metadata().ok_or_else(unsupported)?;
    let (Some(&n_columns), true) = (dimensions.last(), in_order && !in_blocks && formats.len() == dimensions.len())
    else {
        return Err(unsupported());
    };
    let last = formats.get(formats.len() - 1);
    let is_dense = |index: usize| formats.get(index).format() == DimensionType::DENSE;
    if last.format() != DimensionType::SPARSE_CSR || !(0..formats.len() - 1).all(is_dense) {
        return Err(unsupported());
    }
    let volume = dimensions.iter().try_fold(1_usize, |product, &n| product.checked_mul(n)).filter(|&n| n <= 1 << 24);
    let volume = volume.filter(|&volume| volume > 0).ok_or_else(unsupported)?;
    let narrow = |values: Option<Vec<usize>>, wide: Option<Vec<usize>>| values.or(wide).ok_or_else(unsupported);
    let bytes = |vector: Option<tract_tflite::tflite::Uint8Vector<'_>>| {
        Some(vector?.values()?.iter().map(usize::from).collect())
    };
    let pairs = |vector: Option<tract_tflite::tflite::Uint16Vector<'_>>| {
        Some(vector?.values()?.iter().map(usize::from).collect())
    };
    let starts: Vec<usize> =
        narrow(bytes(last.array_segments_as_uint_8_vector()), pairs(last.array_segments_as_uint_16_vector()))?;
    let columns: Vec<usize> =
        narrow(bytes(last.array_indices_as_uint_8_vector()), pairs(last.array_indices_as_uint_16_vector()))?;
    if starts.len() != volume / n_columns + 1 || columns.len() > numbers.len() {
        return Err(unsupported());
    }
    let mut dense = vec![0.0; volume];
    for (row, ends) in starts.windows(2).enumerate() {
        let places = columns.get(ends[0]..ends[1]).ok_or_else(unsupported)?;
        for (&column, &number) in places.iter().zip(&numbers[ends[0]..]) {
            *dense[row * n_columns..][..n_columns].get_mut(column).ok_or_else(unsupported)? = number;
        }
    }
    Ok(dense)
}

/// An index or a length of the file.
fn position(value: i32) -> Result<usize, NetworkError> {
    usize::try_from(value).map_err(|_| NetworkError::file(format!("{value} where a length or an index is needed")))
}

fn ids<'a>(list: Option<impl IntoIterator<Item = i32> + 'a>) -> Result<Vec<usize>, NetworkError> {
    // -1 stands for an input that is left out.
    list.into_iter().flatten().filter(|&id| id != -1).map(position).collect()
}

fn name(kind: BuiltinOperator) -> String {
    kind.variant_name().map_or_else(|| format!("number {}", kind.0), str::to_owned)
}

/// One operator on its way into the graph.
struct Translation<'t, 'a> {
    file: &'t File<'a>,
    graph: &'t mut Graph,
    /// Positions in the graph of the tensors that are made.
    results: &'t HashMap<usize, usize>,
    operator: &'t Operator<'a>,
}

impl Translation<'_, '_> {
    fn add(mut self, kind: BuiltinOperator) -> Result<usize, NetworkError> {
        let options = || missing(&format!("options of {}", name(kind)));
        let refused = || NetworkError::UnsupportedOperator(format!("{} with these options", name(kind)));
        match kind {
            BuiltinOperator::CONV_2D => {
                let options = self.operator.builtin_options_as_conv_2_doptions().ok_or_else(options)?;
                if (options.dilation_h_factor(), options.dilation_w_factor()) != (1, 1) {
                    return Err(refused());
                }
                let stride = (position(options.stride_h())?, position(options.stride_w())?);
                let (window, weights, bias) = self.weights(stride, options.padding(), 0)?;
                let sum = self.push(Operation::Convolution { window, weights, bias })?;
                self.activated(sum, options.fused_activation_function())
            }
            BuiltinOperator::DEPTHWISE_CONV_2D => {
                let options = self.operator.builtin_options_as_depthwise_conv_2_doptions().ok_or_else(options)?;
                if (options.dilation_h_factor(), options.dilation_w_factor(), options.depth_multiplier()) != (1, 1, 1) {
                    return Err(refused());
                }
                let stride = (position(options.stride_h())?, position(options.stride_w())?);
                let (window, weights, bias) = self.weights(stride, options.padding(), 3)?;
                let sum = self.push(Operation::Depthwise { window, weights, bias })?;
                self.activated(sum, options.fused_activation_function())
            }
            BuiltinOperator::FULLY_CONNECTED => {
                let options = self.operator.builtin_options_as_fully_connected_options().ok_or_else(options)?;
                let sum = self.fully_connected()?;
                self.activated(sum, options.fused_activation_function())
            }
            BuiltinOperator::MAX_POOL_2D => {
                let options = self.operator.builtin_options_as_pool_2_doptions().ok_or_else(options)?;
                let sides = [options.filter_height(), options.filter_width(), options.stride_h(), options.stride_w()];
                if sides != [2; 4] {
                    return Err(refused());
                }
                let largest = self.push(Operation::MaxPool)?;
                self.activated(largest, options.fused_activation_function())
            }
            BuiltinOperator::ADD => {
                let options = self.operator.builtin_options_as_add_options();
                let sum = self.graph.push(Operation::Add, &[self.result(0)?, self.result(1)?])?;
                self.activated(
                    sum,
                    options.map_or(ActivationFunctionType::NONE, |options| options.fused_activation_function()),
                )
            }
            BuiltinOperator::CONCATENATION => {
                let options = self.operator.builtin_options_as_concatenation_options().ok_or_else(options)?;
                let n_inputs = ids(self.operator.inputs())?.len();
                let inputs = (0..n_inputs).map(|index| self.result(index)).collect::<Result<Vec<_>, _>>()?;
                if options.axis() != 1 || options.fused_activation_function() != ActivationFunctionType::NONE {
                    return Err(refused());
                }
                self.graph.push(Operation::Concatenate, &inputs)
            }
            BuiltinOperator::RESIZE_BILINEAR => {
                let options = self.operator.builtin_options_as_resize_bilinear_options().ok_or_else(options)?;
                match options.half_pixel_centers() && !options.align_corners() {
                    true => self.push(Operation::Double),
                    false => Err(refused()),
                }
            }
            BuiltinOperator::MEAN => match self.file.integers(self.tensor(1)?)?[..] {
                [1, 2] => self.push(Operation::Mean),
                _ => Err(refused()),
            },
            BuiltinOperator::DEPTH_TO_SPACE => {
                let options = self.operator.builtin_options_as_depth_to_space_options().ok_or_else(options)?;
                self.push(Operation::DepthToSpace { block: position(options.block_size())? })
            }
            BuiltinOperator::PAD => self.pad(),
            BuiltinOperator::PRELU => {
                let slopes = self.file.constant(self.tensor(1)?)?;
                self.push(Operation::Activate(Activation::Prelu(slopes)))
            }
            BuiltinOperator::RELU => self.push(Operation::Activate(Activation::Relu)),
            BuiltinOperator::RELU6 => self.push(Operation::Activate(Activation::Relu6)),
            BuiltinOperator::LOGISTIC => self.push(Operation::Sigmoid),
            BuiltinOperator::RESHAPE => {
                let output =
                    ids(self.operator.outputs())?.first().copied().ok_or_else(|| missing("output of RESHAPE"))?;
                self.push(Operation::Reshape(self.file.shape(output)?))
            }
            other => Err(NetworkError::UnsupportedOperator(name(other))),
        }
    }

    fn tensor(&self, index: usize) -> Result<usize, NetworkError> {
        ids(self.operator.inputs())?
            .get(index)
            .copied()
            .ok_or_else(|| missing(&format!("input {index} of an operator")))
    }

    fn result(&self, index: usize) -> Result<usize, NetworkError> {
        let tensor = self.tensor(index)?;
        self.results
            .get(&tensor)
            .copied()
            .ok_or_else(|| NetworkError::file(format!("tensor {tensor} is read before it is made")))
    }

    /// An operation that reads the first input.
    fn push(&mut self, operation: Operation) -> Result<usize, NetworkError> {
        let input = self.result(0)?;
        self.graph.push(operation, &[input])
    }

    fn activated(&mut self, result: usize, function: ActivationFunctionType) -> Result<usize, NetworkError> {
        let activation = match function {
            ActivationFunctionType::NONE => return Ok(result),
            ActivationFunctionType::RELU => Activation::Relu,
            ActivationFunctionType::RELU6 => Activation::Relu6,
            other => return Err(NetworkError::UnsupportedOperator(format!("{other:?}"))),
        };
        self.graph.push(Operation::Activate(activation), &[result])
    }

    /// Window, weights and bias of a convolution; `sums` is the dimension of the kernel that has one number for each sum.
    fn weights(
        &self,
        stride: (usize, usize),
        padding: Padding,
        sums: usize,
    ) -> Result<(Window, Vec<f32>, Vec<f32>), NetworkError> {
        let id = self.tensor(1)?;
        let form = self.file.dimensions(id)?;
        let [_, rows, columns, _] = form[..] else {
            return Err(NetworkError::file("a kernel without four dimensions"));
        };
        let window = match padding {
            Padding::SAME => Window::same((rows, columns), stride, self.graph.shape(self.result(0)?)),
            _ => Window::valid((rows, columns), stride),
        };
        Ok((window, self.file.constant(id)?, self.bias(form[sums])?))
    }

    fn bias(&self, n_outputs: usize) -> Result<Vec<f32>, NetworkError> {
        match self.tensor(2) {
            Ok(id) => self.file.constant(id),
            Err(_) => Ok(vec![0.0; n_outputs]),
        }
    }

    fn fully_connected(&mut self) -> Result<usize, NetworkError> {
        let id = self.tensor(1)?;
        let [n_outputs, _] = self.file.dimensions(id)?[..] else {
            return Err(NetworkError::file("weights without two dimensions"));
        };
        let (weights, bias) = (self.file.constant(id)?, self.bias(n_outputs)?);
        let input = self.result(0)?;
        let shape = self.graph.shape(input);
        let flat = match shape.points() {
            1 => input,
            _ => self.graph.push(Operation::Reshape(Shape::new(1, 1, shape.volume())), &[input])?,
        };
        self.graph.push(Operation::Convolution { window: Window::valid((1, 1), (1, 1)), weights, bias }, &[flat])
    }

    fn pad(&mut self) -> Result<usize, NetworkError> {
        let sides = self.file.integers(self.tensor(1)?)?.into_iter().map(position).collect::<Result<Vec<_>, _>>()?;
        let [0, 0, top, bottom, left, right, front, behind] = sides[..] else {
            return Err(NetworkError::UnsupportedOperator(format!("PAD of {sides:?}")));
        };
        self.push(Operation::Pad { before: [top, left, front], after: [bottom, right, behind] })
    }
}
