//! One computation under way for a missing key (a *single flight*): its result, and the wait for it.
//!
//! `compute.rs` starts and completes flights. `primitives/compute_context.rs` finds out whether a wait would never end.

use crate::primitives::compute_context::{Computation, Wait};
use crate::sync::{Condvar, Mutex, ProcessMark};

/// A value that is being computed.
///
/// Made for every miss that computes: one allocation, besides the one of the computation. It lives as long as its
/// leader, the table or a waiting caller holds it: also after an `insert` has taken it out of the table, so that the
/// callers that wait get their value.
#[derive(Debug)]
pub(crate) struct Flight<V> {
    /// The process whose thread computes.
    process: ProcessMark,
    /// The run of the leading caller's function, for the search for cycles.
    computation: std::sync::Arc<Computation>,
    /// Leaves `UnderWay` once, and then never changes.
    state: Mutex<FlightState<V>>,
    /// Notified when the state leaves `UnderWay`.
    ended: Condvar,
}

/// The phases of a flight.
#[derive(Debug)]
enum FlightState<V> {
    UnderWay,
    /// The value, which each waiting caller clones.
    Completed(V),
    /// The computation panicked or failed: waiting callers try again.
    Failed,
}

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WaitResult<V> {
    Completed(V),
    Failed,
    /// The wait would never end, as the computation waits for this caller. So it did not begin.
    Cycle,
}

impl<V> Flight<V> {
    /// Whether a thread of this process computes the value. In a forked child the thread of an earlier flight is missing.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.process.is_current()
    }

    pub(crate) fn new(computation: std::sync::Arc<Computation>) -> Self {
        Self {
            process: ProcessMark::current(),
            computation,
            state: Mutex::new(FlightState::UnderWay),
            ended: Condvar::new(),
        }
    }

    /// Hands the value to all callers that wait.
    pub(crate) fn complete(&self, value: V) {
        *self.state.lock() = FlightState::Completed(value);
        self.ended.notify_all();
    }

    /// Makes all callers that wait try again.
    pub(crate) fn fail(&self) {
        *self.state.lock() = FlightState::Failed;
        self.ended.notify_all();
    }
}

impl<V: Clone> Flight<V> {
    /// Waits for the end of the flight, unless that would never come.
    ///
    /// One condition variable for all callers that wait: each wakes once, clones the value, and leaves. Panics when the
    /// clone panics; the other callers still get theirs.
    pub(crate) fn wait(&self) -> WaitResult<V> {
        match Wait::begin(&self.computation) {
            Some(_wait) => self.wait_for_value(),
            None => WaitResult::Cycle,
        }
    }

    fn wait_for_value(&self) -> WaitResult<V> {
        let mut state = self.state.lock();
        loop {
            match &*state {
                FlightState::UnderWay => self.ended.wait(&mut state),
                // Cloned under the flight's lock: the value's `Clone` must not wait for this flight.
                FlightState::Completed(value) => return WaitResult::Completed(value.clone()),
                FlightState::Failed => return WaitResult::Failed,
            }
        }
    }
}
