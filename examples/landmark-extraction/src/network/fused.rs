//! The steps of a graph as operations of tract, which holds their results, and runs them in order.

use std::sync::Arc;

use tract_core::internal::*;

use super::fuse::steps;
use super::graph::{Graph, Shape};
use super::kernels::{Processor, Step};
use super::spare;

/// The model of this graph: one input and the asked outputs, each of one batch, rows, columns, channels.
pub(super) fn model(graph: Graph, processor: Processor) -> TractResult<TypedModel> {
    model_with(graph, processor, NEAR)
}

/// A result of more bytes does not stay near the processor until the next step reads it.
const NEAR: usize = 640 << 10;

/// The same, with another [`NEAR`].
pub(super) fn model_with(graph: Graph, processor: Processor, near: usize) -> TractResult<TypedModel> {
    let mut model = TypedModel::default();
    let input = graph.input();
    let (steps, outputs) = steps(graph, processor, near);
    let mut results = HashMap::from([(0, model.add_source("input", f32::fact(dimensions(input)))?)]);
    for planned in steps {
        let inputs: TVec<OutletId> = planned.inputs.iter().map(|input| results[input]).collect();
        let name = format!("{} {}", planned.step.name(), planned.position);
        let result = model.wire_node(name, StepOperation(Arc::new(planned.step)), &inputs)?[0];
        results.insert(planned.position, result);
    }
    let outputs: Vec<OutletId> = outputs.iter().map(|output| results[output]).collect();
    model.select_output_outlets(&outputs)?;
    Ok(model)
}

fn dimensions(shape: Shape) -> [usize; 4] {
    [1, shape.height, shape.width, shape.channels]
}

/// A step, shared by all copies of a model.
#[derive(Clone, Debug)]
struct StepOperation(Arc<Step>);

impl PartialEq for StepOperation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StepOperation {}

impl Op for StepOperation {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl EvalOp for StepOperation {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let numbers =
            inputs.iter().map(|input| input.try_as_plain_ram()?.as_slice::<f32>()).collect::<TractResult<TVec<_>>>()?;
        let mut out = spare::take(&dimensions(self.0.output))?;
        self.0.run(&numbers, out.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
        drop(numbers);
        inputs.into_iter().for_each(spare::keep);
        Ok(tvec!(out.into_tvalue()))
    }
}

impl TypedOp for StepOperation {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let expected = self.0.inputs.iter().map(|&shape| f32::fact(dimensions(shape)));
        ensure!(inputs.len() == self.0.inputs.len(), "{} inputs of a step of {}", inputs.len(), self.0.inputs.len());
        for (input, expected) in inputs.iter().zip(expected) {
            ensure!(input.shape == expected.shape, "an input of {:?} to a step of {:?}", input.shape, expected.shape);
        }
        Ok(tvec!(f32::fact(dimensions(self.0.output))))
    }

    as_op!();
}
