//! Tracker, counters and token with six threads.

use manyhands::sync::{Arc, model};
use manyhands::{CancelToken, ProgressTracker, counter::StripedCounter, progress::ItemStatus};

use crate::{join_all, start_all};

/// Proves: snapshots by two of six threads never go backwards, and the last holds all that was counted. Leaves out: memory
/// orderings; that a reader of the later snapshot has seen the earlier one.
#[test]
fn snapshots_never_go_backwards() {
    model(|| {
        let tracker = Arc::new(ProgressTracker::with_total(8));
        let act = |tracker: &ProgressTracker, number: usize| {
            if number < 4 {
                tracker.tick();
                tracker.count(ItemStatus::Failed, 1);
                return;
            }
            let (first, second) = (tracker.snapshot(), tracker.snapshot());
            assert!(first.succeeded <= second.succeeded && first.failed <= second.failed);
        };
        join_all(start_all(6, &tracker, act));
        let end = tracker.snapshot();
        assert_eq!((end.succeeded, end.failed, end.total), (4, 4, Some(8)));
    });
}

/// Proves: no count of five threads on two stripes is lost to a reset. Leaves out: memory orderings.
#[test]
fn no_count_is_lost_to_a_reset() {
    model(|| {
        let counter = Arc::new(StripedCounter::new());
        let act = |counter: &StripedCounter, number: usize| match number {
            0 => counter.reset(),
            _ => {
                counter.add(2);
                counter.decrement();
                0
            }
        };
        let taken = join_all(start_all(5, &counter, act)).into_iter().fold(0, u64::wrapping_add);
        assert_eq!(taken.wrapping_add(counter.value()), 4);
    });
}

/// Proves: a thread that asks after a child was seen cancelled by its parent sees it too, over four generations. Leaves out: memory
/// orderings, and deadlines.
#[test]
fn a_cancellation_reaches_four_generations_and_stays() {
    model(|| {
        let token = Arc::new(CancelToken::new());
        let act = |token: &CancelToken, number: usize| {
            if number == 0 {
                token.cancel();
                return;
            }
            let youngest = token.child().child().child();
            let early = youngest.is_cancelled();
            assert!(!early || youngest.child().is_cancelled(), "a cancellation was undone");
        };
        join_all(start_all(5, &token, act));
        assert!(token.child().is_cancelled());
    });
}
