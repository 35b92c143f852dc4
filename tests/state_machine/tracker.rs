//! The tracker in one thread: totals that are unknown, set and grown, times that go anywhere, and numbers that stay sane.

use std::time::Duration;

use manyhands::{
    ProgressTracker,
    progress::{ItemStatus, TrackerSnapshot},
};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

prop_state_machine! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn a_tracker_says_what_a_list_of_all_that_happened_says(sequential 1..60 => Tracks);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Tick,
    Count(ItemStatus, u64),
    SetTotal(u64),
    GrowTotal(u64),
    /// A snapshot at this time, which may lie before that of the last one.
    Look(Duration),
}

/// More than any run has, and little enough that all steps of a test together stay countable.
const MANY: u64 = 1 << 50;
const UNKNOWN: u64 = u64::MAX;
const ENDINGS: [ItemStatus; 4] = [ItemStatus::Succeeded, ItemStatus::Failed, ItemStatus::Skipped, ItemStatus::Resumed];

fn step() -> impl Strategy<Value = Step> {
    let n_items = || prop_oneof![4 => 0..50_u64, 1 => 0..MANY];
    let total = prop_oneof![4 => 0..500_u64, 1 => 0..MANY, 1 => Just(UNKNOWN)];
    let time = prop_oneof![
        3 => (0..100_000_u64).prop_map(Duration::from_millis),
        1 => (0..1000_u64).prop_map(Duration::from_nanos),
        1 => any::<u32>().prop_map(|seconds| Duration::from_secs(seconds.into())),
        1 => Just(Duration::ZERO),
    ];
    prop_oneof![
        20 => Just(Step::Tick),
        40 => (prop::sample::select(&ENDINGS[..]), n_items()).prop_map(|(ending, n_items)| Step::Count(ending, n_items)),
        10 => total.prop_map(Step::SetTotal),
        10 => n_items().prop_map(Step::GrowTotal),
        60 => time.prop_map(Step::Look),
        1 => Just(Step::Look(Duration::MAX)),
        1 => Just(Step::GrowTotal(u64::MAX - 1)),
    ]
}

/// The tracker in plain words.
#[derive(Debug, Clone, Default)]
struct Model {
    endings: [u64; 4],
    total: Option<u64>,
    /// The latest time at which anybody has looked.
    latest: Duration,
    n_computed_when_looked_at: u64,
    /// Whether items were computed between two looks at different times, which is what an estimate rests on.
    has_pace: bool,
}

impl Model {
    fn computed(&self) -> u64 {
        self.endings[0] + self.endings[1]
    }

    fn done(&self) -> u64 {
        self.endings.iter().sum()
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        let total = prop_oneof![Just(None), (0..300_u64).prop_map(Some)];
        total.prop_map(|total| Self { total, ..Self::default() }).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        step().boxed()
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        match *step {
            Step::Tick => model.endings[0] += 1,
            Step::Count(ending, n_items) => {
                model.endings[ENDINGS.iter().position(|one| *one == ending).unwrap()] += n_items
            }
            Step::SetTotal(total) => model.total = Some(total).filter(|&total| total != UNKNOWN),
            Step::GrowTotal(more) => {
                let grown = model.total.map_or(more, |total| total.saturating_add(more));
                model.total = Some(grown).filter(|&total| total != UNKNOWN);
            }
            Step::Look(time) => {
                model.latest = model.latest.max(time);
                model.has_pace |= model.computed() > model.n_computed_when_looked_at && !model.latest.is_zero();
                model.n_computed_when_looked_at = model.computed();
            }
        }
        model
    }
}

struct Tracks;

impl StateMachineTest for Tracks {
    type SystemUnderTest = ProgressTracker;
    type Reference = Model;

    fn init_test(model: &Model) -> ProgressTracker {
        model.total.map_or_else(ProgressTracker::new, ProgressTracker::with_total)
    }

    fn apply(tracker: ProgressTracker, model: &Model, step: Step) -> ProgressTracker {
        match step {
            Step::Tick => tracker.tick(),
            Step::Count(ending, n_items) => tracker.count(ending, n_items),
            Step::SetTotal(total) => tracker.set_total(total),
            Step::GrowTotal(more) => tracker.grow_total(more),
            Step::Look(time) => {
                let shot = tracker.snapshot_at(time);
                agrees(&shot, model);
                is_sane(&shot, model);
            }
        }
        tracker
    }
}

/// Counts, total and time are those of the model, so none of them ever goes backwards.
fn agrees(shot: &TrackerSnapshot, model: &Model) {
    assert_eq!([shot.succeeded, shot.failed, shot.skipped, shot.resumed], model.endings);
    assert_eq!((shot.done(), shot.computed()), (model.done(), model.computed()));
    assert_eq!(shot.total, model.total.map(|total| total.max(model.done())));
    assert_eq!(shot.elapsed, model.latest);
}

/// Shares are shares, rates are numbers, and an estimate is there when something is known and zero when nothing is left.
fn is_sane(shot: &TrackerSnapshot, model: &Model) {
    let is_share = |share: f64| (0.0..=100.0).contains(&share);
    assert_eq!(shot.percent().is_some(), shot.total.is_some());
    assert!(shot.percent().is_none_or(is_share));
    assert_eq!(shot.success_rate().is_some(), shot.computed() > 0);
    assert!(shot.success_rate().is_none_or(is_share));
    let rate = shot.items_per_second();
    assert!(rate.is_finite() && rate >= 0.0, "{rate}");
    assert_eq!(rate > 0.0, shot.computed() > 0 && !shot.elapsed.is_zero());

    let is_done = shot.total == Some(shot.done());
    let says_done = shot.percent() == Some(100.0);
    assert!(if says_done { is_done || is_nearly_done(shot) } else { !is_done }, "{shot:?}");
    assert_eq!(shot.eta().is_some(), is_done || shot.total.is_some() && model.has_pace);
    if let Some(eta) = shot.eta() {
        assert!(eta.at_least <= eta.likely && eta.likely <= eta.at_most, "{eta:?}");
        assert!(!is_done || eta.at_most.is_zero(), "nothing is left, and takes {eta:?}");
    }
    assert!(!shot.to_string().contains("NaN") && !shot.to_string().contains("inf"), "{shot}");
}

/// A share of so many items that a double rounds it to all of them.
fn is_nearly_done(shot: &TrackerSnapshot) -> bool {
    shot.total.is_some_and(|total| total - shot.done() <= total >> 50)
}
