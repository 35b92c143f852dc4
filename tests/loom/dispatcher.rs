//! Whole calls: the dispatcher, its workers and the caller that gathers, on a pool of the model's own.

use std::cell::{Cell, RefCell};
use std::ops::{ControlFlow, Range};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use manyhands::modelled_parts::{Call, Pool, as_an_item};
use manyhands::{CancelToken, Error, Outcome};

type Answer = Result<Outcome<usize, &'static str>, Error<&'static str>>;

const NO_REFUSAL: &str = "every worker has its state";
const FOUR_ITEMS: Call =
    Call { n_items: 4, workers: 2, chunk: 1, window: usize::MAX, failure_limit: None, budget: None, retries: 0 };

/// Items as loom sees them: a second claim of one, or a look at one without a hand-over, is a causality violation.
struct Items(Vec<UnsafeCell<bool>>);

// SAFETY: each cell is only reached through loom, which runs one thread at a time and reports every race.
unsafe impl Sync for Items {}

impl Items {
    fn new(call: Call) -> Self {
        Self((0..call.n_items).map(|_| UnsafeCell::new(false)).collect())
    }

    /// Works on an item, as it may only be done once.
    fn work(&self, item: usize) -> usize {
        // SAFETY: as for `Sync`.
        let before = self.0[item].with_mut(|done| unsafe { std::mem::replace(&mut *done, true) });
        assert!(!before, "item {item} was claimed twice");
        item * 10
    }

    fn is_done(&self, item: usize) -> bool {
        // SAFETY: as for `Sync`.
        self.0[item].with(|done| unsafe { *done })
    }
}

/// Runs a call whose workers are all sure to begin.
fn run(call: Call, items: &Items, cancel: &CancelToken, fails: &[usize]) -> (Answer, Vec<usize>) {
    let pool = Pool::new();
    let reported = RefCell::new(Vec::new());
    let work = |item| {
        let value = items.work(item);
        if fails.contains(&item) { Err("on purpose") } else { Ok(value) }
    };
    let on_report = |range: Range<usize>| reported.borrow_mut().extend(range);
    let answer = call.run(&pool, cancel, || Ok(()), work, on_report);
    let mut reported = reported.into_inner();
    reported.sort_unstable();
    (answer, reported)
}

fn assert_whole(call: Call, items: &Items, (answer, reported): (Answer, Vec<usize>)) {
    let expected: Vec<usize> = (0..call.n_items).collect();
    assert_eq!(reported, expected);
    assert!(expected.iter().all(|&item| items.is_done(item)));
    let values: Vec<usize> = expected.iter().map(|item| item * 10).collect();
    assert_eq!(answer.expect(NO_REFUSAL).into_result().expect("no item fails"), values);
}

/// Proves: with two helpers at the dispatcher and the caller gathering, each position is claimed and reported exactly once, what
/// a worker wrote is seen by the caller after the end, and no wake-up that the end needs is lost. Leaves out: measured
/// chunk lengths and the timed look at quick chunks, since time stands still here.
#[test]
fn each_position_is_claimed_and_reported_exactly_once() {
    crate::check(2, || {
        let items = Items::new(FOUR_ITEMS);
        assert_whole(FOUR_ITEMS, &items, run(FOUR_ITEMS, &items, &CancelToken::new(), &[]));
    });
}

/// Proves: the same for a caller that is in another call's item and so works itself, beside one helper. Leaves out: the
/// call around it.
#[test]
fn a_caller_that_works_itself_shares_the_positions_with_its_helper() {
    crate::check(2, || {
        let items = Items::new(FOUR_ITEMS);
        assert_whole(FOUR_ITEMS, &items, as_an_item(|| run(FOUR_ITEMS, &items, &CancelToken::new(), &[])));
    });
}

/// Proves: with a window of 1 every claim but the oldest waits, and each is woken when the window moves on. Leaves out: a
/// callback that is slow to take answers.
#[test]
fn claims_wait_for_a_window_of_one_and_go_on() {
    crate::check(2, || {
        let call = Call { n_items: 3, window: 1, ..FOUR_ITEMS };
        let items = Items::new(call);
        assert_whole(call, &items, run(call, &items, &CancelToken::new(), &[]));
    });
}

/// Proves: under a budget for one item no two run at once, and the worker that waits for the other's report is woken by it. Leaves
/// out: items that need more than there is, and parts of chunks, which the drills cover.
#[test]
fn claims_wait_for_the_budget_and_go_on() {
    crate::check(2, || {
        let call = Call { n_items: 3, budget: Some(1), ..FOUR_ITEMS };
        let (items, in_hand) = (Items::new(call), AtomicUsize::new(0));
        let work = |item| {
            assert_eq!(in_hand.fetch_add(1, Ordering::SeqCst), 0, "two items are in hand");
            let value = items.work(item);
            in_hand.fetch_sub(1, Ordering::SeqCst);
            Ok(value)
        };
        let answer = call.run(&Pool::new(), &CancelToken::new(), || Ok(()), work, drop);
        assert_eq!(answer.expect(NO_REFUSAL).into_result().expect("no item fails"), [0, 10, 20]);
    });
}

/// Proves: an item that failed is begun once more, whichever worker is at work, waiting or about to leave when the caller says so,
/// and the call ends after that. Leaves out: back-offs, since time stands still here.
#[test]
fn a_failed_item_is_begun_again_before_the_end() {
    crate::check(2, || {
        let call = Call { n_items: 2, retries: 1, ..FOUR_ITEMS };
        let begun = AtomicUsize::new(0);
        let work =
            |item| if item == 1 && begun.fetch_add(1, Ordering::SeqCst) == 0 { Err("at first") } else { Ok(item) };
        let mut values = Vec::new();
        let mut hand = |_, answer: Result<usize, _>| {
            values.push(answer.expect("no item fails for good"));
            ControlFlow::Continue(())
        };
        let tally = call.deliver(&Pool::new(), work, &mut hand).expect("every worker begins");
        values.sort_unstable();
        assert_eq!((values, tally.retries, begun.load(Ordering::SeqCst)), (vec![0, 1], 1, 2));
    });
}

/// Proves: when a failure ends the call while others claim, every position below the failed one is done, the failure is the
/// serial one, and the end is reached. Leaves out: several failures at once, which the gatherer's own tests cover.
#[test]
fn a_failure_ends_the_call_and_all_below_it_is_done() {
    crate::check(2, || _ = stop_at_a_failure(Call { failure_limit: Some(1), ..FOUR_ITEMS }));
}

/// Proves: the same with a window of 2, where the end must also wake those that wait for room. Leaves out: wider windows.
#[test]
fn a_failure_wakes_those_that_wait_for_room() {
    crate::check(2, || _ = stop_at_a_failure(Call { failure_limit: Some(1), window: 2, ..FOUR_ITEMS }));
}

/// Proves: with a window of 1 nothing above the failure runs at all: the fence has sunk before the window moves on. Leaves
/// out: wider windows, where others may be ahead of the failure already.
#[test]
fn behind_a_window_of_one_nothing_above_a_failure_runs() {
    crate::check(1, || {
        let items = stop_at_a_failure(Call { failure_limit: Some(1), window: 1, n_items: 3, ..FOUR_ITEMS });
        assert!(!items.is_done(2));
    });
}

/// Proves: the same when it takes two failures to end the call, which only the caller can count. Leaves out: wider windows.
#[test]
fn behind_a_window_of_one_nothing_above_the_last_failure_runs() {
    crate::check(1, || {
        let call = Call { failure_limit: Some(2), window: 1, n_items: 3, ..FOUR_ITEMS };
        let items = Items::new(call);
        let (answer, reported) = run(call, &items, &CancelToken::new(), &[0, 1]);
        assert_eq!(reported, [0, 1]);
        assert!(!items.is_done(2));
        assert_eq!(answer.expect(NO_REFUSAL).tally().failed, 2);
    });
}

/// Proves: when the caller's own part panics, workers that wait for a window of 1 are woken, and the call ends with the
/// panic. Leaves out: wider windows, where no worker waits.
#[test]
fn a_panic_of_the_callers_part_leaves_no_worker_waiting() {
    crate::check(1, || {
        let call = Call { n_items: 3, window: 1, ..FOUR_ITEMS };
        let items = Items::new(call);
        let pool = Pool::new();
        let on_report = |_| std::panic::resume_unwind(Box::new("on purpose"));
        let call = || call.run(&pool, &CancelToken::new(), || Ok(()), |item| Ok(items.work(item)), on_report);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"on purpose"));
        assert!(items.is_done(0) && !items.is_done(2));
    });
}

fn stop_at_a_failure(call: Call) -> Items {
    let items = Items::new(call);
    let (answer, reported) = run(call, &items, &CancelToken::new(), &[1]);
    assert_eq!(reported[..2], [0, 1]);
    assert!(items.is_done(0) && items.is_done(1));
    let outcome = answer.expect(NO_REFUSAL);
    let failed: Vec<usize> =
        outcome.failures().iter().filter(|failure| !failure.is_cancelled()).map(|failure| failure.index).collect();
    assert_eq!(failed, [1]);
    assert_eq!(outcome.iter().collect::<Vec<_>>(), [(0, &0)]);
    items
}

/// Proves: whenever a cancellation comes, the call ends without waiting for the time to be up, and what it reports as done
/// is done. Leaves out: how many items a worker runs before it sees the cancellation; relaxed promises no number.
#[test]
fn a_cancelled_call_ends_whenever_the_cancellation_comes() {
    crate::check(1, || cancel_meanwhile(Call { n_items: 2, ..FOUR_ITEMS }));
}

/// Proves: the same for workers that wait for a window of 1. Leaves out: wider windows.
#[test]
fn a_cancelled_call_wakes_those_that_wait_for_room() {
    crate::check(1, || cancel_meanwhile(Call { n_items: 2, window: 1, ..FOUR_ITEMS }));
}

fn cancel_meanwhile(call: Call) {
    let cancel = CancelToken::new();
    let canceller = cancel.clone();
    thread::spawn(move || canceller.cancel());
    let items = Items::new(call);
    let (answer, reported) = run(call, &items, &cancel, &[]);
    let outcome = answer.expect(NO_REFUSAL);
    assert_eq!(outcome.iter().map(|(item, _)| item).collect::<Vec<_>>(), reported);
    assert!(reported.iter().all(|&item| items.is_done(item)));
    assert_eq!(outcome.tally().succeeded + outcome.tally().cancelled, call.n_items);
}

/// Proves: a worker whose state cannot be made ends the call with its reason, whatever the other one does meanwhile, and
/// no worker is left waiting for room. Leaves out: states whose destructors panic.
#[test]
fn a_worker_without_its_state_ends_the_call() {
    for window in [usize::MAX, 1] {
        crate::check(2, move || {
            let call = Call { n_items: 2, window, ..FOUR_ITEMS };
            let items = Items::new(call);
            let begun = Arc::new(loom::sync::atomic::AtomicUsize::new(0));
            let begin = || match begun.fetch_add(1, loom::sync::atomic::Ordering::Relaxed) {
                0 => Err("no model file"),
                _ => Ok(()),
            };
            let reports = Cell::new(0);
            let work = |item| Ok(items.work(item));
            let count = |range: Range<usize>| reports.set(reports.get() + range.len());
            let answer = call.run(&Pool::new(), &CancelToken::new(), begin, work, count);
            let error = answer.unwrap_err();
            assert!(error.is_worker_state() && error.to_string().contains("no model file"), "{error}");
            assert!(reports.get() < call.n_items, "the claim of the worker without a state goes undone");
        });
    }
}
