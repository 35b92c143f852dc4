//! The tracker: snapshots never go back, on whatever threads they are taken, and the last one is exact.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use manyhands::{
    ProgressTracker,
    progress::{ItemStatus, TrackerSnapshot},
};

use crate::scenario::{scenario, together};

const ENDINGS: [ItemStatus; 4] = [ItemStatus::Succeeded, ItemStatus::Failed, ItemStatus::Skipped, ItemStatus::Resumed];
/// More than a tracker has words, so that some count on the same one.
const WORKERS: usize = 33;
const EACH: u64 = 4000;

#[test]
fn a_snapshot_that_is_taken_later_shows_no_less() {
    scenario("tracker", |rng| {
        let tracker = ProgressTracker::new();
        let (latest, n_at_work) = (Mutex::new(tracker.snapshot()), AtomicUsize::new(WORKERS));
        let n_uses = together(WORKERS + 2, rng, |thread, rng| {
            if thread >= WORKERS {
                return watch(&tracker, &latest, &n_at_work);
            }
            for item in 0..EACH {
                if item % 100 == 0 {
                    tracker.grow_total(100);
                }
                tracker.count(ENDINGS[thread % 3], 1);
                rng.yield_one_in(2000);
            }
            n_at_work.fetch_sub(1, Ordering::SeqCst);
            EACH
        });
        let last = tracker.snapshot();
        let each = [last.succeeded, last.failed, last.skipped, last.resumed];
        let all = WORKERS as u64 * EACH;
        assert_eq!((each, last.total), ([all / 3, all / 3, all / 3, 0], Some(all)));
        assert_eq!((last.percent(), last.eta().map(|eta| eta.at_most.is_zero())), (Some(100.0), Some(true)));
        n_uses
    });
}

/// Takes snapshots as long as anybody counts, each compared with one that was there before it began.
fn watch(tracker: &ProgressTracker, latest: &Mutex<TrackerSnapshot>, n_at_work: &AtomicUsize) -> u64 {
    let mut n_looks = 0;
    while n_at_work.load(Ordering::SeqCst) > 0 {
        let before = *latest.lock().unwrap();
        let now = tracker.snapshot();
        assert_not_before(&now, &before);
        *latest.lock().unwrap() = now;
        n_looks += 1;
    }
    n_looks
}

fn assert_not_before(now: &TrackerSnapshot, before: &TrackerSnapshot) {
    let counts = |shot: &TrackerSnapshot| [shot.succeeded, shot.failed, shot.skipped, shot.resumed];
    for (now, before) in counts(now).into_iter().zip(counts(before)) {
        assert!(now >= before, "{now} after {before}");
    }
    assert!(now.elapsed >= before.elapsed);
    assert!(now.total >= before.total && now.total.is_none_or(|total| total >= now.done()));
    assert!(now.percent().is_none_or(|percent| (0.0..=100.0).contains(&percent)));
}
