//! When a line or a warning is due, as arithmetic over times that the caller passes in. No clock, no threads, no
//! output.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::primitives::pauses::Pauses;
use crate::progress::run_status::{ChunkInHand, View};

/// Decides when the next line is due: after so many items or so much time, whichever comes first.
///
/// With `every_items` of 100, and asked at 99, 103, 150 and 570 items before the time is up, it is due at 103 and 570.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heartbeat {
    every_items: Option<u64>,
    every: Duration,
    last_done: u64,
    last_age: Duration,
}

impl Heartbeat {
    /// With `every_items` of 0, only time decides.
    pub(super) fn new(every_items: u64, every: Duration) -> Self {
        let every_items = (every_items > 0).then_some(every_items);
        Self { every_items, every, last_done: 0, last_age: Duration::ZERO }
    }

    /// True when a line is due; it then counts as written. Several missed lines become one.
    pub(super) fn is_due(&mut self, age: Duration, done: u64) -> bool {
        // Items are counted from 0, not from the last line: lines at 100, 200, 300, however late the caller asks.
        let has_enough_items = self.every_items.is_some_and(|n_items| done / n_items > self.last_done / n_items);
        let is_due = has_enough_items || age.saturating_sub(self.last_age) >= self.every;
        if is_due {
            (self.last_done, self.last_age) = (done, age);
        }
        is_due
    }
}

/// Finds chunks that have been in hand for suspiciously long, each of them once.
///
/// A chunk is late once it has been in hand for longer than both `at_least` and ten times the mean item time for each
/// of its items. With `at_least` of 30 s and a mean of 6 s, the limit is 60 s for one item and 180 s for a chunk of
/// three.
#[derive(Debug)]
pub(super) struct Stalls {
    at_least: Duration,
    /// The numbers of the chunks that were reported and are still in hand.
    reported: BTreeSet<u64>,
    /// When this program did not run: no chunk is late for that.
    pauses: Pauses,
}

/// An item is late after this many times the mean time.
const LATE_FACTOR: u32 = 10;

impl Stalls {
    /// Reports no chunk that has been in hand for less than this; with `Duration::MAX`, none at all.
    pub(super) fn new(at_least: Duration) -> Self {
        Self { at_least, reported: BTreeSet::new(), pauses: Pauses::default() }
    }

    /// The program runs at this time. Called at regular intervals, so that a long one is known to be a pause.
    pub(super) fn look(&mut self, view: &View) {
        self.pauses.look(nanoseconds(view.age));
    }

    /// The late chunks that were not reported before, the oldest first.
    ///
    /// Cost: a pass over the chunks in hand, and one more for each chunk that was reported and is still there. A
    /// retried item is a new chunk and can be reported again.
    pub(super) fn new_ones(&mut self, view: &View) -> Vec<ChunkInHand> {
        self.reported.retain(|number| view.in_hand.iter().any(|chunk| chunk.number == *number));
        let now = nanoseconds(view.age);
        let observed = |chunk: &ChunkInHand| {
            let since = now.saturating_sub(nanoseconds(view.time_in_hand(chunk)));
            Duration::from_nanos(self.pauses.observed(since, now))
        };
        let is_stalled = |chunk: &&ChunkInHand| observed(chunk) > self.limit(view, chunk.n_items);
        let stalled: Vec<ChunkInHand> = view.in_hand.iter().filter(is_stalled).copied().collect();
        stalled.into_iter().filter(|chunk| self.reported.insert(chunk.number)).collect()
    }

    /// Only the start of the chunk is known, so the limit is that of all its items together.
    fn limit(&self, view: &View, n_items: usize) -> Duration {
        let mean = view.mean_item_time.unwrap_or(Duration::ZERO);
        let n_items = u32::try_from(n_items).unwrap_or(u32::MAX);
        self.at_least.max(mean.saturating_mul(LATE_FACTOR).saturating_mul(n_items))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::progress::run_status::RunStatus;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_line_is_due_when_enough_time_has_passed_since_the_last() {
        let mut heartbeat = Heartbeat::new(0, 10 * SECOND);
        let due: Vec<u32> = (0..40).filter(|&second| heartbeat.is_due(second * SECOND, 1_000)).collect();
        assert_eq!(due, [10, 20, 30]);
        assert!(
            heartbeat.is_due(500 * SECOND, 1_000) && !heartbeat.is_due(501 * SECOND, 1_000),
            "what was missed is not made up"
        );
    }

    #[test]
    fn a_line_is_due_at_each_round_number_of_items() {
        let mut heartbeat = Heartbeat::new(100, Duration::MAX);
        let due: Vec<u64> = [0, 99, 103, 150, 199, 200, 570, 599, 600]
            .into_iter()
            .filter(|&done| heartbeat.is_due(SECOND, done))
            .collect();
        assert_eq!(due, [103, 200, 570, 600]);
    }

    #[test]
    fn items_and_time_both_bring_a_line() {
        let mut heartbeat = Heartbeat::new(100, 10 * SECOND);
        assert!(
            heartbeat.is_due(SECOND, 100) && !heartbeat.is_due(10 * SECOND, 150),
            "the time runs from the last line"
        );
        assert!(heartbeat.is_due(11 * SECOND, 150) && heartbeat.is_due(12 * SECOND, 200));
    }

    #[test]
    fn a_stalled_chunk_is_reported_once_and_its_next_attempt_again() {
        let (status, mut stalls) = (RunStatus::new(Some(9)), Stalls::new(30 * SECOND));
        let reported = |stalls: &mut Stalls, second: u32| -> Vec<usize> {
            stalls.new_ones(&status.view_at(second * SECOND)).iter().map(|chunk| chunk.first).collect()
        };
        let first = status.begin_at(Duration::ZERO, 4, 1);
        let _second = status.begin_at(5 * SECOND, 7, 1);
        assert!(reported(&mut stalls, 30).is_empty(), "the limit itself is not too long");
        assert_eq!(reported(&mut stalls, 31), [4]);
        assert!(reported(&mut stalls, 35).is_empty());
        assert_eq!(reported(&mut stalls, 60), [7], "a stalled chunk does not hide another");
        status.end_at(61 * SECOND, first);
        let _retried = status.begin_at(61 * SECOND, 4, 1);
        assert!(reported(&mut stalls, 62).is_empty());
        assert_eq!(reported(&mut stalls, 1000), [4], "a further attempt is one more item in hand");
        assert_eq!(stalls.reported.len(), 2, "finished chunks are not remembered");
    }

    #[test]
    fn slow_items_and_long_chunks_have_more_patience() {
        let (status, mut stalls) = (RunStatus::new(Some(99)), Stalls::new(30 * SECOND));
        let done = status.begin_at(Duration::ZERO, 0, 2);
        status.end_at(12 * SECOND, done); // 6 seconds each
        let _one = status.begin_at(12 * SECOND, 2, 1);
        let _three = status.begin_at(12 * SECOND, 3, 3);
        assert_eq!(stalls.new_ones(&status.view_at(72 * SECOND)), []);
        assert_eq!(
            stalls.new_ones(&status.view_at(73 * SECOND)).len(),
            1,
            "the single item has taken ten times the mean"
        );
        assert_eq!(stalls.new_ones(&status.view_at(193 * SECOND)).len(), 1);
    }

    #[test]
    fn a_chunk_is_not_late_for_the_time_in_which_the_program_was_stopped() {
        let (status, mut stalls) = (RunStatus::new(Some(9)), Stalls::new(30 * SECOND));
        let _slow = status.begin_at(SECOND, 0, 1);
        for tenth in [10, 11, 3611, 3612, 3613] {
            stalls.look(&status.view_at(tenth * SECOND / 10));
        }
        assert_eq!(stalls.new_ones(&status.view_at(390 * SECOND)), []);
        assert_eq!(stalls.new_ones(&status.view_at(392 * SECOND)).len(), 1, "360 seconds do not count");
    }

    #[test]
    fn warnings_can_be_turned_off() {
        let (status, mut stalls) = (RunStatus::new(Some(1)), Stalls::new(Duration::MAX));
        let _forever = status.begin_at(Duration::ZERO, 0, 1);
        assert_eq!(stalls.new_ones(&status.view_at(Duration::MAX)), []);
    }
}
