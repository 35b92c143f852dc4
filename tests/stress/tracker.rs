//! The tracker: snapshots never go back, on whatever threads they are taken, and the last one is exact.

use std::sync::Mutex;

use manyhands::{Ending, ProgressTracker, TrackerSnapshot};

use crate::play::{scenario, together};

const ENDINGS: [Ending; 4] = [Ending::Succeeded, Ending::Failed, Ending::Skipped, Ending::Resumed];
const WORKERS: usize = 3;
const EACH: u64 = 2000;

#[test]
fn a_snapshot_that_is_taken_later_shows_no_less() {
    scenario("tracker", |dice| {
        let tracker = ProgressTracker::new();
        let latest = Mutex::new(tracker.snapshot());
        let n_uses = together(WORKERS + 2, dice, |thread, dice| {
            if thread >= WORKERS {
                return watch(&tracker, &latest);
            }
            for item in 0..EACH {
                if item % 100 == 0 {
                    tracker.grow_total(100);
                }
                tracker.count(ENDINGS[thread], 1);
                dice.yield_one_in(500);
            }
            EACH
        });
        let last = tracker.snapshot();
        let each = [last.succeeded, last.failed, last.skipped, last.resumed];
        assert_eq!((each, last.total), ([EACH, EACH, EACH, 0], Some(WORKERS as u64 * EACH)));
        assert_eq!((last.percent(), last.eta().map(|eta| eta.at_most.is_zero())), (Some(100.0), Some(true)));
        n_uses
    });
}

/// Takes snapshots until everything is done, each compared with one that anybody took before it began.
fn watch(tracker: &ProgressTracker, latest: &Mutex<TrackerSnapshot>) -> u64 {
    for n_looks in 1.. {
        let before = *latest.lock().unwrap();
        let now = tracker.snapshot();
        assert_not_before(&now, &before);
        *latest.lock().unwrap() = now;
        if now.done() == WORKERS as u64 * EACH {
            return n_looks;
        }
    }
    unreachable!("the count of looks does not end")
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
