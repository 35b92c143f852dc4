//! The tracker: counts that add up, snapshots that never go backwards, and estimates measured on golden traces.

use std::io::Write as _;
use std::sync::{Barrier, mpsc};
use std::thread;
use std::time::Duration;

use manyhands::{
    ProgressTracker,
    progress::{ItemStatus, TrackerSnapshot},
};
use proptest::prelude::*;
use serde_json::Value;

#[test]
fn counts_of_many_threads_add_up() {
    // More threads than a tracker has words, so that some count on the same one.
    const THREADS: u64 = 32;
    let tracker = ProgressTracker::with_total(THREADS * 40_000);
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                together.wait();
                for n in 0..20_000 {
                    tracker.tick();
                    tracker.count(if n % 5 == 0 { ItemStatus::Failed } else { ItemStatus::Skipped }, 1);
                }
            });
        }
    });
    let snapshot = tracker.snapshot();
    let per_thread = [snapshot.succeeded, snapshot.failed, snapshot.skipped].map(|count| count / THREADS);
    assert_eq!((per_thread, snapshot.done()), ([20_000, 4_000, 16_000], THREADS * 40_000));
    assert_eq!((snapshot.percent(), snapshot.eta().unwrap().likely), (Some(100.0), Duration::ZERO));
}

#[test]
fn snapshots_never_go_backwards_while_four_threads_count() {
    let tracker = ProgressTracker::with_total(4 * 20_000);
    let together = Barrier::new(6);
    // Two observers pass one line of snapshots to and fro, so each snapshot is taken after the one before it was seen.
    let (first_asks, second_hears) = mpsc::channel::<TrackerSnapshot>();
    let (second_asks, first_hears) = mpsc::channel();
    let observe = |hears: &mpsc::Receiver<TrackerSnapshot>, asks: mpsc::Sender<TrackerSnapshot>| {
        let mut n_seen = 0;
        while let Ok(before) = hears.recv() {
            let now = tracker.snapshot();
            assert_not_before(&now, &before);
            n_seen += 1;
            if before.done() == 4 * 20_000 || asks.send(now).is_err() {
                break;
            }
        }
        n_seen
    };
    thread::scope(|scope| {
        for worker in 0..4 {
            let (tracker, together) = (&tracker, &together);
            scope.spawn(move || {
                together.wait();
                let ending =
                    [ItemStatus::Succeeded, ItemStatus::Failed, ItemStatus::Skipped, ItemStatus::Resumed][worker];
                (0..20_000).for_each(|_| tracker.count(ending, 1));
            });
        }
        let (observe, together) = (&observe, &together);
        second_asks.send(tracker.snapshot()).unwrap();
        let first = scope.spawn(move || {
            together.wait();
            observe(&first_hears, first_asks)
        });
        let second = scope.spawn(move || {
            together.wait();
            observe(&second_hears, second_asks)
        });
        assert!(first.join().unwrap() + second.join().unwrap() >= 2);
    });
    assert_eq!(tracker.snapshot().done(), 4 * 20_000);
}

fn assert_not_before(now: &TrackerSnapshot, before: &TrackerSnapshot) {
    let counts = |shot: &TrackerSnapshot| [shot.succeeded, shot.failed, shot.skipped, shot.resumed, shot.done()];
    for (now, before) in counts(now).into_iter().zip(counts(before)) {
        assert!(now >= before, "{now} after {before}");
    }
    assert!(now.elapsed >= before.elapsed);
}

/// What can be done to a tracker.
#[derive(Debug, Clone, Copy)]
enum Step {
    Count(ItemStatus, u64),
    SetTotal(u64),
    Grow(u64),
    /// A snapshot at this millisecond, which may lie before that of the last one.
    Look(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let ending =
        prop::sample::select(vec![ItemStatus::Succeeded, ItemStatus::Failed, ItemStatus::Skipped, ItemStatus::Resumed]);
    prop_oneof![
        4 => (ending, 0_u64..50).prop_map(|(ending, n_items)| Step::Count(ending, n_items)),
        1 => (0_u64..500).prop_map(Step::SetTotal),
        1 => (0_u64..100).prop_map(Step::Grow),
        4 => (0_u64..100_000).prop_map(Step::Look),
    ]
}

/// A tracker in plain words.
#[derive(Debug, Default)]
struct Plain {
    endings: Vec<(ItemStatus, u64)>,
    total: Option<u64>,
    latest: u64,
}

impl Plain {
    fn n_items(&self, endings: &[ItemStatus]) -> u64 {
        self.endings.iter().filter(|(ending, _)| endings.contains(ending)).map(|&(_, n_items)| n_items).sum()
    }

    fn agrees_with(&self, shot: &TrackerSnapshot) {
        let [succeeded, failed, skipped, resumed] =
            [ItemStatus::Succeeded, ItemStatus::Failed, ItemStatus::Skipped, ItemStatus::Resumed]
                .map(|ending| self.n_items(&[ending]));
        assert_eq!((shot.succeeded, shot.failed, shot.skipped, shot.resumed), (succeeded, failed, skipped, resumed));
        let done = succeeded + failed + skipped + resumed;
        assert_eq!((shot.done(), shot.computed()), (done, succeeded + failed));
        assert_eq!(shot.elapsed, Duration::from_millis(self.latest));
        let total = self.total.map(|total| total.max(done));
        assert_eq!(shot.total, total);
        assert!(shot.percent().is_none_or(|percent| (0.0..=100.0).contains(&percent)));
        let is_known = total.is_some_and(|total| total == done || self.latest > 0 && succeeded + failed > 0);
        // Items that took no measurable time say nothing about the rate.
        assert!(shot.eta().is_none() || is_known);
        if let Some(eta) = shot.eta() {
            assert!(eta.at_least <= eta.likely && eta.likely <= eta.at_most);
            assert_eq!(eta.likely.is_zero(), total == Some(done), "{eta:?} {shot:?}");
        }
    }
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn any_sequence_of_steps_is_counted_as_a_list_would_count_it(steps in prop::collection::vec(step(), 0..60)) {
        let (tracker, mut plain) = (ProgressTracker::new(), Plain::default());
        for step in steps {
            match step {
                Step::Count(ending, n_items) => {
                    tracker.count(ending, n_items);
                    plain.endings.push((ending, n_items));
                }
                Step::SetTotal(total) => {
                    tracker.set_total(total);
                    plain.total = Some(total);
                }
                Step::Grow(more) => {
                    tracker.grow_total(more);
                    plain.total = Some(plain.total.unwrap_or(0) + more);
                }
                Step::Look(time) => {
                    plain.latest = plain.latest.max(time);
                    plain.agrees_with(&tracker.snapshot_at(Duration::from_millis(time)));
                }
            }
        }
        plain.agrees_with(&tracker.snapshot_at(Duration::ZERO));
    }
}

/// The estimators that the golden data gives for comparison.
const LISTED: [&str; 4] = ["window10", "window10_over_workers", "mean_rate", "ema_0.3"];
/// The error of the best of them over all golden traces, of which those that are here are two thirds.
const BEST_OF_ALL_TRACES: f64 = 0.151;

#[test]
fn estimates_on_golden_traces_are_nearer_than_those_of_every_listed_estimator() {
    let Some(traces) = replayed_traces() else { return };
    for trace in &traces {
        let listed = LISTED.map(|name| mean(trace.points.iter().filter_map(|point| point.listed(name))));
        println!("{}: ours {:.4}; where listed {LISTED:?} {listed:.4?}", trace.id, mean(trace.ours()));
    }
    let points = || traces.iter().flat_map(|trace| &trace.points);
    for name in LISTED {
        // At the same points, so that an estimator gains nothing by being silent at a hard one.
        let ours = mean(points().filter(|point| point.listed(name).is_some()).map(|point| point.ours));
        let theirs = mean(points().filter_map(|point| point.listed(name)));
        println!("at its points: ours {ours:.4}, {name} {theirs:.4}");
        assert!(ours < theirs, "ours {ours}, {name} {theirs}");
    }
    let (ours, mean_rate) = (mean(points().map(|point| point.ours)), mean(points().map(|point| point.mean_rate)));
    println!("after every item: ours {ours:.4}, mean rate {mean_rate:.4}");
    assert!(ours < mean_rate && ours < BEST_OF_ALL_TRACES, "ours {ours}, mean rate {mean_rate}");
}

#[test]
fn estimates_on_constant_golden_traces_are_within_two_percent() {
    let Some(traces) = replayed_traces() else { return };
    let constant: Vec<&Trace> = traces.iter().filter(|trace| trace.is_constant).collect();
    assert!(!constant.is_empty());
    for trace in constant {
        let error = mean(trace.ours());
        let listed = mean(trace.points.iter().filter(|point| point.listed.is_some()).map(|point| point.ours));
        assert!(
            error < 0.02 && listed < 0.02,
            "{}: {error} after every item, {listed} where others are listed",
            trace.id
        );
    }
}

#[test]
fn rate_and_percent_on_golden_traces_are_the_golden_ones() {
    let Some(golden) = golden_cases() else { return };
    for case in &golden {
        for expected in case["expect"].as_array().unwrap() {
            let n_items = expected["k"].as_u64().unwrap();
            let tracker = ProgressTracker::with_total(case["total"].as_u64().unwrap());
            tracker.count(ItemStatus::Failed, n_items);
            let time = case["events"][usize::try_from(n_items).unwrap() - 1][0].as_f64().unwrap();
            let snapshot = tracker.snapshot_at(Duration::from_secs_f64(time));
            assert_near(snapshot.items_per_second(), &expected["throughput"]);
            assert_near(snapshot.percent().unwrap(), &expected["percent"]);
        }
    }
}

fn assert_near(ours: f64, golden: &Value) {
    let golden = golden.as_f64().unwrap();
    assert!((ours - golden).abs() <= 1e-12 * golden.abs(), "{ours} is not {golden}");
}

/// A golden trace, and how far off estimates are on it between a tenth and nine tenths of its items.
struct Trace {
    id: String,
    is_constant: bool,
    points: Vec<Point>,
}

/// The errors after one item, as shares of the whole run.
struct Point {
    ours: f64,
    mean_rate: f64,
    /// Per estimator in the order of `LISTED`, for the items that the golden data lists.
    listed: Option<[Option<f64>; 4]>,
}

impl Point {
    fn listed(&self, name: &str) -> Option<f64> {
        let place = LISTED.iter().position(|listed| *listed == name).unwrap();
        self.listed.and_then(|errors| errors[place])
    }
}

impl Trace {
    /// Counts each item at its time and asks after each, also between items of one moment.
    fn replay(case: &Value) -> Self {
        let total = case["total"].as_u64().unwrap();
        let events = case["events"].as_array().unwrap();
        let end = events.last().unwrap()[0].as_f64().unwrap();
        let tracker = ProgressTracker::with_total(total);
        let mut points = Vec::new();
        for (n_items, event) in (1_u64..).zip(events) {
            tracker.count(if event[2] == true { ItemStatus::Succeeded } else { ItemStatus::Failed }, 1);
            let time = event[0].as_f64().unwrap();
            let eta = tracker.snapshot_at(Duration::from_secs_f64(time)).eta().unwrap();
            let error = |estimate: f64| (estimate - (end - time)).abs() / end;
            let expected = case["expect"].as_array().unwrap().iter().find(|expected| expected["k"] == n_items);
            points.push(Point {
                ours: error(eta.likely.as_secs_f64()),
                mean_rate: error((total - n_items) as f64 * time / n_items as f64),
                listed: expected.map(|expected| LISTED.map(|name| expected[name].as_f64().map(error))),
            });
        }
        let points = points.into_iter().zip(1..).filter(|(_, n)| (total..=9 * total).contains(&(10 * n)));
        Self {
            id: case["id"].as_str().unwrap().to_string(),
            is_constant: events.iter().all(|event| event[1] == events[0][1]),
            points: points.map(|(point, _)| point).collect(),
        }
    }

    fn ours(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|point| point.ours)
    }
}

fn replayed_traces() -> Option<Vec<Trace>> {
    let cases = golden_cases()?;
    let long = cases.iter().filter(|case| case["total"].as_u64().unwrap() >= 12);
    Some(long.map(Trace::replay).collect())
}

/// The golden traces, or none and a loud line where they are absent. With `MANYHANDS_REQUIRE_SHARED` set, absence is a
/// failure.
fn golden_cases() -> Option<Vec<Value>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/golden/batch/eta.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        assert!(std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_none(), "golden traces are required and absent");
        // Not `eprintln`, which a test that passes keeps to itself.
        writeln!(std::io::stderr(), "SKIPPED: golden traces are absent, so no estimate was compared")
            .expect("the terminal takes a line");
        return None;
    };
    let golden: Value = serde_json::from_str(&text).unwrap();
    Some(golden["cases"].as_array().unwrap().clone())
}

fn mean(errors: impl Iterator<Item = f64>) -> f64 {
    let errors: Vec<f64> = errors.collect();
    errors.iter().sum::<f64>() / errors.len() as f64
}
