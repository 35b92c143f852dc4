//! Finds the times at which this process did not run, for the calls that limit the time of items.
//!
//! Promise: no item is killed for time in which the process that watches it was stopped, also where the calling thread
//! was in a callback or in the iterator of a stream meanwhile. For that the thread of `spawner.rs` looks at the clock
//! every 20 ms while such a call runs, and each such call looks before it judges.

use std::time::Duration;

use crate::primitives::pauses::Pauses;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, ProcessMark, nanos, per_process};

/// The spawner's thread looks this often.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

per_process! {
    /// The pauses of this process while it was watched. A forked child has none, whatever its parent does meanwhile.
    static PAUSES: Mutex<Pauses> = Mutex::new(Pauses::default());
}

per_process! {
    /// How many calls of this process want to know.
    static WATCHERS: AtomicUsize = AtomicUsize::new(0);
}

/// A call that limits the time of items. While one exists, pauses are found. It belongs to the process that makes the
/// call.
#[derive(Debug)]
pub(in crate::backend::process) struct PauseWatch(ProcessMark);

impl PauseWatch {
    /// Begins to look for pauses. The spawner's thread has to be woken afterwards.
    pub(super) fn begin() -> Self {
        // Relaxed: passes no data; the spawner's thread is woken after it, through its lock.
        WATCHERS.fetch_add(1, Ordering::Relaxed);
        Self(ProcessMark::current())
    }

    /// The pauses until now.
    pub(in crate::backend::process) fn pauses(&self) -> MutexGuard<'static, Pauses> {
        look()
    }
}

impl Drop for PauseWatch {
    fn drop(&mut self) {
        if !self.0.is_current() {
            return; // a forked child has counted none of its parent's calls
        }
        let mut pauses = PAUSES.lock();
        if WATCHERS.fetch_sub(1, Ordering::Relaxed) == 1 {
            pauses.rest();
        }
    }
}

/// Whether a call wants to know.
pub(super) fn is_watched() -> bool {
    WATCHERS.load(Ordering::Relaxed) > 0
}

/// This process runs now.
pub(super) fn look() -> MutexGuard<'static, Pauses> {
    let mut pauses = PAUSES.lock();
    if is_watched() {
        pauses.look(nanos());
    }
    pauses
}
