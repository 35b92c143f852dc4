//! Where a run's progress goes: the target that the program sets. `tracker.rs` counts for programs that do the work
//! themselves, `estimate.rs` says how long the rest takes.

mod estimate;
mod tracker;

use std::fmt;
use std::time::Duration;

pub use estimate::Eta;
pub use tracker::{Ending, ProgressTracker, TrackerSnapshot};

/// How far a run is. Counts are of finished items, never of started ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Items that have a value or have failed.
    pub done: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// All items of the call.
    pub total: usize,
    /// Since the call began.
    pub elapsed: Duration,
}

impl Snapshot {
    /// The share of items that are finished, 0 to 100; 100 for a call without items.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for the eye")]
    pub fn percent(&self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * self.done as f64 / self.total as f64 }
    }
}

/// Where a run's progress goes.
///
/// # Concurrency
/// A callback runs in the calling thread, never in a worker: it may borrow, and a slow one delays the next report but
/// no work. It is `Send`, so that a job with progress is. If it panics, the run is stopped, what has run is put away, and the panic goes on in the calling thread.
///
/// ```
/// use manyhands::{Job, Progress};
///
/// let mut last = 0.0;
/// let progress = Progress::callback(|snapshot| last = snapshot.percent());
/// Job::new(&[1, 2, 3]).progress(progress).run(|n| n * 2)?.into_values()?;
/// assert_eq!(last, 100.0);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub struct Progress<'a> {
    callback: Box<dyn FnMut(&Snapshot) + Send + 'a>,
}

impl<'a> Progress<'a> {
    /// Calls a function with a snapshot whenever workers have reported, and once at the end.
    pub fn callback(callback: impl FnMut(&Snapshot) + Send + 'a) -> Self {
        Self { callback: Box::new(callback) }
    }

    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        (self.callback)(snapshot);
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
