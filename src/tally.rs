//! What a run did and what it cost, as counts and times. Plain data.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a run did and what it cost. Unlike values and failures, it differs from mode to mode and from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// The items of the call.
    pub items: usize,
    /// Items that have a value.
    pub succeeded: usize,
    /// Items whose function failed.
    pub failed: usize,
    /// Items of both kinds that an earlier run had finished, by its journal.
    #[serde(default)]
    pub resumed: usize,
    /// Items that were done before, as [`Job::done_if`](crate::Job::done_if) said. They have no value here.
    #[serde(default)]
    pub done_before: usize,
    /// How often a failed item was tried again.
    #[serde(default)]
    pub retries: usize,
    /// Items that were never finished.
    pub cancelled: usize,
    /// True when the run ended before its input did, so that nobody knows how many more items would have come: only of
    /// [`Job::over`](crate::Job::over), after a cancellation, a failure or a callback that ended it.
    #[serde(default)]
    pub is_cut_short: bool,
    /// Workers that took part: 1 when the call ran in the calling thread.
    pub workers: usize,
    /// Workers that died in the call: processes only.
    #[serde(default)]
    pub lost_workers: usize,
    /// Workers that were replaced on purpose: processes only.
    #[serde(default)]
    pub recycled_workers: usize,
    /// Chunks that workers reported.
    pub chunks: usize,
    /// From the call to its outcome.
    pub wall: Duration,
    /// Time that workers spent in the function, summed over workers.
    pub busy: Duration,
}

/// One line that sums the run up: counts that are 0 are left out.
///
/// ```
/// use manyhands::{Job, OnFailure};
///
/// let outcome = Job::new(&[1, 0, 2]).on_failure(OnFailure::Continue).run(|n| 6 / n)?;
/// let line = outcome.tally().to_string();
/// assert!(line.starts_with("2 of 3 items succeeded, 1 failed; "), "{line}");
/// # Ok::<(), manyhands::Error>(())
/// ```
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.is_cut_short { " or more" } else { "" };
        write!(f, "{} of {}{more} items succeeded", self.succeeded, self.items)?;
        for (count, what) in [
            (self.failed, "failed"),
            (self.cancelled, "not finished"),
            (self.resumed, "resumed from an earlier run"),
            (self.done_before, "done before"),
            (self.retries, "retried"),
            (self.lost_workers, "workers lost"),
            (self.recycled_workers, "workers recycled"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        let workers = if self.workers == 1 { "worker" } else { "workers" };
        write!(f, "; {} {workers}, {:.3?}", self.workers, self.wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_one_line_without_what_is_zero() {
        let wall = Duration::from_millis(1500);
        let tally = Tally { items: 4, succeeded: 3, failed: 1, retries: 2, workers: 2, wall, ..Tally::default() };
        assert_eq!(tally.to_string(), "3 of 4 items succeeded, 1 failed, 2 retried; 2 workers, 1.500s");
        let tally = Tally { items: 1, succeeded: 1, workers: 1, is_cut_short: true, ..Tally::default() };
        assert_eq!(tally.to_string(), "1 of 1 or more items succeeded; 1 worker, 0.000ns");
    }
}
