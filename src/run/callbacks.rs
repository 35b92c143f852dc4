//! Runs the caller's closures. A panic in one of them is caught, ends the run in order, and is raised again at its end.
//!
//! Without this, a panic in a progress callback would unwind through a backend whose workers still write into the
//! caller's slots, or past a journal that has not committed its last rows.
//!
//! The gatherer owns the one [`Callbacks`] of a run. Which closure goes which way:
//!
//! | closure | method | after an earlier panic |
//! |---|---|---|
//! | progress callback, key function for events, iterator of a stream, `done_if` on a stream | `run` | does not run |
//! | the steps of the delivery, with the key function for failures | `run_always` | run, but `RunLoop::deliver` has stopped the caller's callback first |
//! | key function and `done_if`, before the backend starts | neither | their panic unwinds at once |
//!
//! Unwind safety is asserted: the closures belong to the caller, and the payload is raised there in the end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::panics::into_message;
use crate::sync::ProcessMark;

/// The first panic of a caller's closure. After it no other closure runs.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    /// The process of the run. A closure that forks and returns in the child ends the run there.
    process: ProcessMark,
    panic: Option<Box<dyn Any + Send>>,
}

impl Callbacks {
    /// Runs a closure, unless an earlier one panicked; `None` where it did not run or panicked.
    ///
    /// Cost without a panic: a look at an `Option` and a call through `catch_unwind`.
    pub(crate) fn run<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        if self.has_panicked() {
            return None;
        }
        self.run_always(closure)
    }

    /// Runs a closure also after an earlier panic. Of two panics the first is kept.
    ///
    /// The payload of a second panic is dropped, and a panic in that drop is swallowed: one run raises one panic.
    pub(crate) fn run_always<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        let result = catch_unwind(AssertUnwindSafe(closure));
        self.process.assert_current();
        match result {
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
    /// Called once, at the end of a run, when the backend has returned and journal and report are closed. A second call
    /// does nothing.
    ///
    /// # Panics
    /// With the payload of the first panic.
    pub(crate) fn rethrow(&mut self) {
        if let Some(payload) = self.panic.take() {
            resume_unwind(payload);
        }
    }
}
