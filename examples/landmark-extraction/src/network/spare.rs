//! Results that no later step reads, kept for results of the same size: a network would else ask the system for megabytes at each step, which
//! costs more than some steps.
//!
//! Promises: a thread keeps at most [`MOST_BYTES`]. Leaves to others: to write every number of what they take.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use tract_core::internal::{IntoArcTensor as _, TValue, Tensor, TractResult};

/// What a thread keeps at most.
const MOST_BYTES: usize = 8 << 20;

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { tensors: VecDeque::new(), bytes: 0 }) };
}

/// The ones kept last are at the back.
struct Spare {
    tensors: VecDeque<Tensor>,
    bytes: usize,
}

/// A tensor of numbers of any value.
pub(super) fn take(shape: &[usize; 4]) -> TractResult<Tensor> {
    let n_numbers: usize = shape.iter().product();
    let mut tensor = match SPARE.with_borrow_mut(|spare| spare.take(n_numbers)) {
        Some(mut tensor) => {
            tensor.set_shape(shape)?;
            tensor
        }
        None => Tensor::zero::<f32>(shape)?,
    };
    if cfg!(debug_assertions) {
        // What is not written, a test finds.
        tensor.fill_t(f32::NAN)?;
    }
    Ok(tensor)
}

/// Keeps a value, if no other step needs it.
pub(super) fn keep(value: TValue) {
    if let Ok(tensor) = Arc::try_unwrap(value.into_arc_tensor()) {
        SPARE.with_borrow_mut(|spare| spare.keep(tensor));
    }
}

impl Spare {
    fn take(&mut self, n_numbers: usize) -> Option<Tensor> {
        let position = self.tensors.iter().rposition(|tensor| tensor.len() == n_numbers)?;
        self.bytes -= n_numbers * size_of::<f32>();
        self.tensors.remove(position)
    }

    fn keep(&mut self, tensor: Tensor) {
        self.bytes += tensor.len() * size_of::<f32>();
        self.tensors.push_back(tensor);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.tensors.pop_front() else { break };
            self.bytes -= oldest.len() * size_of::<f32>();
        }
    }
}
