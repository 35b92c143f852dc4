//! [`Tally`]: the counts and times of a run. Plain data; `run/gatherer.rs` fills it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The counts and times of a run. `Display` writes them as one line.
///
/// Counts of items are those of a serial run in every mode. Workers, chunks and times differ from mode to mode and run
/// to run.
///
/// ```
/// let outcome = manyhands::Job::new(&[1, 2, 3]).run(|n| n + 1)?;
/// let tally = outcome.tally();
/// assert_eq!((tally.items, tally.succeeded, tally.failed, tally.cancelled), (3, 3, 0, 0));
/// assert!(tally.workers >= 1);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// Items of the call.
    pub items: usize,
    /// Items that have a value.
    pub succeeded: usize,
    /// Items that failed, for any reason: an error, a panic, a lost worker, a limit, or a value that could not be encoded.
    pub failed: usize,
    /// Items, succeeded or failed, whose results came from the journal of an earlier run.
    #[serde(default)]
    pub resumed: usize,
    /// Items that [`Job::done_if`](crate::Job::done_if) skipped. They have no value.
    #[serde(default)]
    pub done_before: usize,
    /// Retries of failed items, over all items.
    #[serde(default)]
    pub retries: usize,
    /// Items that were never finished.
    pub cancelled: usize,
    /// True when the run ended before its input, so that the number of remaining items is unknown. Only of
    /// [`Job::over`](crate::Job::over), after a cancellation, a failure or a callback that ended the run.
    #[serde(default)]
    pub is_cut_short: bool,
    /// Workers that took part; 1 when the call ran in the calling thread.
    pub workers: usize,
    /// Worker processes that died during the call.
    #[serde(default)]
    pub lost_workers: usize,
    /// Worker processes that were replaced on purpose: by a limit of the mode, or because the program or an item has changed
    /// directory, environment or user since the last call.
    #[serde(default)]
    pub recycled_workers: usize,
    /// Chunks that workers reported.
    pub chunks: usize,
    /// Time from the start of the run to the end of its last item, without opening a journal and writing a report.
    pub wall: Duration,
    /// Time that workers spent in the function, summed over workers.
    pub busy: Duration,
}

/// The tally in one line. Counts that are 0 are left out.
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
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (count, what) in [(self.lost_workers, "lost"), (self.recycled_workers, "recycled")] {
            if count > 0 {
                write!(f, ", {count} {} {what}", workers(count))?;
            }
        }
        write!(f, "; {} {}, {:.3?}", self.workers, workers(self.workers), self.wall)
    }
}

fn workers(count: usize) -> &'static str {
    if count == 1 { "worker" } else { "workers" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_one_line_without_what_is_zero() {
        let wall = Duration::from_millis(1500);
        let tally = Tally { items: 4, succeeded: 3, failed: 1, retries: 2, workers: 2, wall, ..Tally::default() };
        assert_eq!(tally.to_string(), "3 of 4 items succeeded, 1 failed, 2 retried; 2 workers, 1.500s");
        let lost = Tally { items: 2, succeeded: 1, failed: 1, lost_workers: 1, workers: 2, wall, ..Tally::default() };
        assert_eq!(lost.to_string(), "1 of 2 items succeeded, 1 failed, 1 worker lost; 2 workers, 1.500s");
        let tally = Tally { items: 1, succeeded: 1, workers: 1, is_cut_short: true, ..Tally::default() };
        assert_eq!(tally.to_string(), "1 of 1 or more items succeeded; 1 worker, 0.000ns");
    }
}
