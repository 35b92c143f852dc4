//! One computation under way for a missing key: who waits for it, what became of it, and whether waiting would be for ever.
//!
//! Whether it would be for ever is the affair of `computation.rs`.

use crate::primitives::compute_context::{Computation, Wait};
use crate::sync::{Condvar, Mutex};

/// A value that is being computed.
#[derive(Debug)]
pub(crate) struct Flight<V> {
    computation: std::sync::Arc<Computation>,
    state: Mutex<State<V>>,
    landed: Condvar,
}

/// The phases of a flight. Guarded by its lock.
#[derive(Debug)]
enum State<V> {
    UnderWay,
    /// The value, for those who wait.
    Landed(V),
    /// The computation panicked or failed: whoever waits tries again.
    Failed,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited<V> {
    Landed(V),
    Failed,
    /// Waiting would be for ever: the computation waits for this caller.
    Cycle,
}

impl<V> Flight<V> {
    pub(crate) fn new(computation: std::sync::Arc<Computation>) -> Self {
        Self { computation, state: Mutex::new(State::UnderWay), landed: Condvar::new() }
    }

    /// Hands the value to all who wait.
    pub(crate) fn complete(&self, value: V) {
        *self.state.lock() = State::Landed(value);
        self.landed.notify_all();
    }

    /// Sends all who wait to try again.
    pub(crate) fn fail(&self) {
        *self.state.lock() = State::Failed;
        self.landed.notify_all();
    }
}

impl<V: Clone> Flight<V> {
    /// Waits for the end of the flight, unless that would be for ever.
    pub(crate) fn wait(&self) -> Waited<V> {
        match Wait::begin(&self.computation) {
            Some(_wait) => self.wait_for_value(),
            None => Waited::Cycle,
        }
    }

    fn wait_for_value(&self) -> Waited<V> {
        let mut state = self.state.lock();
        loop {
            match &*state {
                State::UnderWay => self.landed.wait(&mut state),
                // The clone is made under the flight's lock: a caller's `Clone` must not wait for this flight.
                State::Landed(value) => return Waited::Landed(value.clone()),
                State::Failed => return Waited::Failed,
            }
        }
    }
}
