//! Runs the caller's closures. A panic in one of them is caught, ends the run in order, and is raised again at its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::panics::into_message;

/// The first panic of a caller's closure. After it no other closure runs.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    panic: Option<Box<dyn Any + Send>>,
}

impl Callbacks {
    /// Runs a closure, unless an earlier one panicked; `None` where it did not run or panicked.
    pub(crate) fn run<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        if self.has_panicked() {
            return None;
        }
        self.run_always(closure)
    }

    /// Runs a closure also after an earlier panic. Of two panics the first is kept.
    pub(crate) fn run_always<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        match catch_unwind(AssertUnwindSafe(closure)) {
            Ok(value) => Some(value),
            Err(payload) if self.has_panicked() => {
                into_message(payload);
                None
            }
            Err(payload) => {
                self.panic = Some(payload);
                None
            }
        }
    }

    /// Whether a closure has panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.panic.is_some()
    }

    /// Raises the panic again, if there was one.
    ///
    /// # Panics
    /// With the payload of the first panic.
    pub(crate) fn rethrow(&mut self) {
        if let Some(payload) = self.panic.take() {
            resume_unwind(payload);
        }
    }
}
