//! A neural network, ready to run: read from a TensorFlow Lite file or written down layer by layer, and run by tract.
//!
//! tract holds the results of a network's steps and runs them in order. Most steps are operations of this module, which do several of the
//! network's operations at once, in the processor's widest registers ([`Kernels::Own`]); where the processor has none of these, they are
//! tract's own ([`Kernels::Tract`]).
//!
//! Promises: the same bits for the same input, on every thread and however many there are, since one input is handled by one thread.
//! Leaves to others: which networks there are, and what their numbers mean.

mod error;
#[cfg(target_arch = "x86_64")]
mod fuse;
#[cfg(target_arch = "x86_64")]
mod fused;
mod graph;
#[cfg(target_arch = "x86_64")]
mod kernels;
mod layers;
mod plain;
#[cfg(target_arch = "x86_64")]
mod spare;
mod tflite;

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tract_core::internal::{
    EvalContext, IntoRunnable as _, TValue, TVec, Tensor, TractResult, TypedModel, TypedNode, TypedSimplePlan, tvec,
};
use tract_core::ops::OpState;

pub use error::NetworkError;
pub use layers::Layer;

use graph::{Graph, Shape};

/// Which loops do a network's arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernels {
    /// Those of this program, for AVX-512 or AVX2.
    Own,
    /// Those of tract, for all processors.
    Tract,
}

impl Kernels {
    /// The fastest ones that this processor can run.
    #[must_use]
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if kernels::Processor::detect().is_some() {
            return Self::Own;
        }
        Self::Tract
    }
}

/// A neural network with its weights. Clones share them, and several threads may run one at once.
#[derive(Clone, Debug)]
pub struct Network {
    plan: Arc<TypedSimplePlan>,
    input: Shape,
}

/// How long one step of a network took.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepTime {
    /// What it does, and its position in the network.
    pub step: String,
    /// Rows, columns and channels of its result.
    pub result: [usize; 3],
    /// How long it took.
    pub time: Duration,
}

impl Network {
    /// The network of a TensorFlow Lite file; `outputs` are the indices of those that [`run`](Self::run) gives, in that order. What only
    /// other outputs need is left out. Nothing of `bytes` is kept.
    ///
    /// # Errors
    /// Bytes that are no such file, an operator that is not supported, an output that is not there.
    pub fn from_tflite(bytes: &[u8], outputs: &[usize]) -> Result<Self, NetworkError> {
        Self::from_tflite_with(bytes, outputs, Kernels::best())
    }

    /// The same, with loops of choice. Where the processor lacks what [`Kernels::Own`] needs, those of tract run.
    ///
    /// # Errors
    /// As [`from_tflite`](Self::from_tflite).
    pub fn from_tflite_with(bytes: &[u8], outputs: &[usize], kernels: Kernels) -> Result<Self, NetworkError> {
        Self::from_graph(tflite::graph(bytes, outputs)?, kernels)
    }

    /// A network for squares of `input_size` points with three channels, of these layers; `outputs` are the positions of those whose
    /// results [`run`](Self::run) gives, in that order.
    ///
    /// # Errors
    /// A layer that does not fit what it reads, an output that is not there.
    ///
    /// ```
    /// use landmark_extraction::network::{Layer, Network};
    ///
    /// let dense = Layer::Dense { weights: vec![1.0; 12], bias: vec![0.5], relu: false };
    /// let sum = Network::from_layers(2, &[dense], &[0])?;
    /// assert_eq!(sum.run(&[1.0; 12])?, [[12.5]]);
    /// # Ok::<(), landmark_extraction::network::NetworkError>(())
    /// ```
    pub fn from_layers(input_size: usize, layers: &[Layer], outputs: &[usize]) -> Result<Self, NetworkError> {
        Self::from_layers_with(input_size, layers, outputs, Kernels::best())
    }

    /// The same, with loops of choice. Where the processor lacks what [`Kernels::Own`] needs, those of tract run.
    ///
    /// # Errors
    /// As [`from_layers`](Self::from_layers).
    pub fn from_layers_with(
        input_size: usize,
        layers: &[Layer],
        outputs: &[usize],
        kernels: Kernels,
    ) -> Result<Self, NetworkError> {
        Self::from_graph(layers::graph(Shape::new(input_size, input_size, 3), layers, outputs)?, kernels)
    }

    fn from_graph(graph: Graph, kernels: Kernels) -> Result<Self, NetworkError> {
        let graph = graph.without_unused();
        let input = graph.input();
        let model = model(graph, kernels).and_then(TypedModel::into_runnable);
        let plan = model.map_err(|error| NetworkError::engine(&error))?;
        Ok(Self { plan, input })
    }

    /// The side of the square that it takes.
    #[must_use]
    pub fn input_size(&self) -> usize {
        self.input.width
    }

    /// Runs it on one square: `input_size * input_size * 3` numbers, row by row, R G B. Gives each output's numbers.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, NetworkError> {
        let results = self.tensor(input)?.and_then(|input| self.plan.run(tvec!(input)));
        results.and_then(|results| numbers(&results)).map_err(|error| NetworkError::engine(&error))
    }

    /// Runs it once as [`run`](Self::run) does, and gives the time of each step, in the order in which they ran.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn profile(&self, input: &[f32]) -> Result<Vec<StepTime>, NetworkError> {
        let mut times = Vec::new();
        let mut timed = |context: &EvalContext<'_>,
                         _: Option<&mut (dyn OpState + 'static)>,
                         node: &TypedNode,
                         inputs: TVec<TValue>| {
            let start = Instant::now();
            let results = node.op.eval(context, inputs);
            times.push((node.id, start.elapsed()));
            results
        };
        let ran = self.tensor(input)?.and_then(|input| self.plan.spawn()?.run_plan_with_eval(tvec!(input), &mut timed));
        ran.map_err(|error| NetworkError::engine(&error))?;
        let step = |(id, time): (usize, Duration)| {
            let node = self.plan.model().node(id);
            let shape = node
                .outputs
                .first()
                .and_then(|output| output.fact.shape.as_concrete().map(<[usize]>::to_vec))
                .unwrap_or_default();
            let result = std::array::from_fn(|k| shape.get(k + 1).copied().unwrap_or(1));
            StepTime { step: node.name.clone(), result, time }
        };
        Ok(times.into_iter().map(step).collect())
    }

    fn tensor(&self, input: &[f32]) -> Result<TractResult<TValue>, NetworkError> {
        let Shape { height, width, channels } = self.input;
        match input.len() == self.input.volume() {
            true => Ok(Tensor::from_shape(&[1, height, width, channels], input).map(TValue::from)),
            false => Err(NetworkError::WrongInput { got: input.len(), expected: self.input.volume() }),
        }
    }
}

fn model(graph: Graph, kernels: Kernels) -> TractResult<TypedModel> {
    #[cfg(target_arch = "x86_64")]
    if let (Kernels::Own, Some(processor)) = (kernels, kernels::Processor::detect()) {
        return fused::model(graph, processor);
    }
    let _ = kernels;
    plain::model(graph)
}

fn numbers(results: &[TValue]) -> TractResult<Vec<Vec<f32>>> {
    results.iter().map(|result| Ok(result.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())).collect()
}
