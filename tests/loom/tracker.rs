//! The tracker: what is counted, and what snapshots on several threads may say of it.

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use manyhands::{ProgressTracker, progress::ItemStatus};

const SECOND: Duration = Duration::from_secs(1);

/// Proves: what three threads counted, two of them on one word, is in the snapshot after their joins, each under its own
/// ending. Leaves out: the endings that are counted in the same way.
#[test]
fn what_was_counted_before_a_join_is_in_the_snapshot() {
    crate::check(3, || {
        let tracker = Arc::new(ProgressTracker::with_total(8));
        let count = |ending| {
            let tracker = Arc::clone(&tracker);
            thread::spawn(move || {
                tracker.tick();
                tracker.count(ending, 2);
            })
        };
        let others = [count(ItemStatus::Failed), count(ItemStatus::Resumed)];
        tracker.tick();
        for other in others {
            other.join().unwrap();
        }
        let snapshot = tracker.snapshot_at(SECOND);
        assert_eq!((snapshot.succeeded, snapshot.failed, snapshot.skipped, snapshot.resumed), (3, 2, 0, 2));
    });
}

/// Proves: of two snapshots, taken on two threads while a third one counts, the one with the greater time has no smaller
/// count. Leaves out: a third snapshot.
#[test]
fn of_two_snapshots_the_later_one_has_no_smaller_count() {
    crate::check(3, || {
        let tracker = Arc::new(ProgressTracker::with_total(8));
        let (for_counts, for_snapshot) = (Arc::clone(&tracker), Arc::clone(&tracker));
        let counts = thread::spawn(move || for_counts.tick());
        let late = thread::spawn(move || for_snapshot.snapshot_at(2 * SECOND));
        let own = tracker.snapshot_at(SECOND);
        let late = late.join().unwrap();
        // A thread that asks at 1 s and gets 2 s came after the one that asked at 2 s.
        match own.elapsed == SECOND {
            true => assert!(own.done() <= late.done(), "the earlier one saw more"),
            false => assert!(late.done() <= own.done(), "the later one saw less"),
        }
        counts.join().unwrap();
    });
}

/// Proves: no snapshot makes the time go backwards for those after it, on whatever threads they were taken. Leaves out: the
/// clock, which stands still here; times are handed in.
#[test]
fn time_goes_backwards_for_no_thread() {
    crate::check(3, || {
        let tracker = Arc::new(ProgressTracker::with_total(8));
        let other = Arc::clone(&tracker);
        let late = thread::spawn(move || other.snapshot_at(2 * SECOND).elapsed);
        let own = tracker.snapshot_at(SECOND).elapsed;
        assert_eq!(late.join().unwrap(), 2 * SECOND);
        assert!(own >= SECOND);
        assert_eq!(tracker.snapshot_at(Duration::ZERO).elapsed, 2 * SECOND);
    });
}

/// Proves: totals that grow on two threads at once all count, from an unknown total on. Leaves out: a total that is set
/// meanwhile, where the last word holds.
#[test]
fn totals_that_grow_at_once_all_count() {
    crate::check(4, || {
        let tracker = Arc::new(ProgressTracker::new());
        let other = Arc::clone(&tracker);
        let grows = thread::spawn(move || {
            other.grow_total(3);
            other.tick();
        });
        tracker.grow_total(5);
        let known = tracker.snapshot_at(SECOND).total;
        assert!([Some(5), Some(8)].contains(&known), "{known:?}");
        grows.join().unwrap();
        let snapshot = tracker.snapshot_at(SECOND);
        assert_eq!((snapshot.total, snapshot.done()), (Some(8), 1));
    });
}

/// Proves: an item that is counted under one ending while another thread counts on the same word under another shows in
/// every snapshot no more often than it was counted. Leaves out: more than one snapshot meanwhile.
#[test]
fn no_snapshot_shows_what_no_thread_counted() {
    crate::check(3, || {
        let tracker = Arc::new(ProgressTracker::with_total(2));
        let other = Arc::clone(&tracker);
        let counts = thread::spawn(move || {
            other.count(ItemStatus::Failed, 1);
            other.tick();
        });
        let meanwhile = tracker.snapshot_at(SECOND);
        assert!(meanwhile.succeeded <= 1 && meanwhile.failed <= 1 && meanwhile.skipped + meanwhile.resumed == 0);
        assert_eq!(meanwhile.total, Some(2));
        counts.join().unwrap();
        let after = tracker.snapshot_at(SECOND);
        assert!(after.succeeded == 1 && after.failed == 1);
    });
}
