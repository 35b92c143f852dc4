//! Calls that end before all items are done.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use manyhands::{CancelToken, Job, OnFailure, Processes};

use crate::fixtures::{assert_is_usable, job, kill_itself};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    a_stop_gives_the_lowest_failing_item_and_finishes_those_before_it,
    a_stop_does_not_wait_for_items_after_the_failing_one,
    a_worker_that_dies_stops_a_call_that_is_to_stop,
    a_panic_of_the_callback_goes_on_and_the_pool_stays_usable,
    a_break_of_the_callback_ends_the_call,
    a_cancelled_call_finishes_the_items_in_hand_and_keeps_their_results,
    a_token_that_is_cancelled_before_lets_nothing_start,
    a_call_that_is_over_its_deadline_ends,
];

fn stop<T>(items: &[T], workers: usize) -> Job<'_, T, Processes> {
    job(items, workers).on_failure(OnFailure::Stop)
}

fn a_stop_gives_the_lowest_failing_item_and_finishes_those_before_it() {
    let items: Vec<usize> = (0..200).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let outcome = stop(&items, workers)
            .chunk_size(1)
            .shared(&log)
            .try_run(|log: &Log, &n: &usize| match n {
                // Item 2 is at work when 5 fails, wherever they are not queued behind each other.
                2 if log.wait_for(Duration::from_millis(300), |log| log.has("failed")) => Ok(n),
                5 => {
                    log.add("failed");
                    Err("five".to_owned())
                }
                n if n > 5 && n % 5 == 0 => Err(format!("{n}")),
                n => Ok(n),
            })
            .unwrap();
        let failure = &outcome.failures()[0];
        assert_eq!((failure.index, failure.error().map(String::as_str)), (5, Some("five")), "{workers} workers");
        assert_eq!(outcome.iter().map(|(index, &n)| (index, n)).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(|n| (n, n)));
        assert_eq!(outcome.failures().len(), 1);
        assert_eq!(outcome.unfinished().collect::<Vec<_>>(), (6..200).collect::<Vec<_>>());
        assert_is_usable(workers);
    });
}

fn a_stop_does_not_wait_for_items_after_the_failing_one() {
    let items: Vec<usize> = (0..200).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let begun = Instant::now();
        let outcome = stop(&items, workers)
            .chunk_size(1)
            .shared(&(log.clone(), workers))
            .try_run(|(log, workers): &(Log, usize), &n: &usize| {
                if n > 5 {
                    log.add("sleeping");
                    std::thread::sleep(Duration::from_secs(30));
                }
                let others_sleep = |log: &Log| log.lines().len() >= workers - 1;
                match n {
                    5 if log.wait_for(Duration::from_secs(20), others_sleep) => Err("five".to_owned()),
                    5 => Err("no item slept".to_owned()),
                    n => Ok(n),
                }
            })
            .unwrap();
        let took = begun.elapsed();
        let failure = &outcome.failures()[0];
        assert_eq!((failure.index, failure.error().map(String::as_str)), (5, Some("five")), "{workers} workers");
        assert_eq!(outcome.tally().succeeded, 5);
        assert!(took < Duration::from_secs(5), "{workers} workers: {took:?}");
        assert_is_usable(workers);
    });
}

fn a_worker_that_dies_stops_a_call_that_is_to_stop() {
    let items: Vec<usize> = (0..100).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 7, 100] {
            let work = stop(&items, workers).chunk_size(chunk_size);
            let error = work.run(|&n| if n % 30 == 20 { kill_itself() } else { n }).unwrap().into_result().unwrap_err();
            let failure = error.into_failure().unwrap();
            assert!(failure.is_lost() && failure.index == 20 && failure.attempts == 2, "{workers}: {failure:?}");
        }
        assert_is_usable(workers);
    });
}

fn a_panic_of_the_callback_goes_on_and_the_pool_stays_usable() {
    let items: Vec<usize> = (0..1000).collect();
    for_worker_counts(|workers| {
        for ordered in [true, false] {
            let mut handed_on = 0;
            let callback = |_, _| {
                handed_on += 1;
                assert_ne!(handed_on, 10, "the callback is tired");
                ControlFlow::Continue(())
            };
            let work = job(&items, workers).map(|&n: &usize| n);
            let run = || if ordered { work.for_each_ordered(callback) } else { work.for_each(callback) };
            let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert!(payload.downcast_ref::<String>().unwrap().contains("the callback is tired"));
            assert_eq!(handed_on, 10);
            assert_is_usable(workers);
        }
    });
}

fn a_break_of_the_callback_ends_the_call() {
    let items: Vec<usize> = (0..100_000).collect();
    for_worker_counts(|workers| {
        let mut handed_on = Vec::new();
        let tally = job(&items, workers)
            .map(|&n: &usize| n * 3)
            .for_each_ordered(|index, answer| {
                handed_on.push((index, answer.unwrap()));
                if index == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(handed_on, (0..=20).map(|n| (n, n * 3)).collect::<Vec<_>>());
        assert_eq!((tally.succeeded, tally.cancelled), (21, items.len() - 21));
        assert_is_usable(workers);
    });
}

fn a_cancelled_call_finishes_the_items_in_hand_and_keeps_their_results() {
    let items: Vec<usize> = (0..2000).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let token = CancelToken::new();
        let mut handed_on = BTreeSet::new();
        let tally = job(&items, workers)
            .cancel_token(&token)
            .shared(&log)
            .map(|log: &Log, &n: &usize| {
                log.add(&format!("begun {n}"));
                std::thread::sleep(Duration::from_millis(1)); // Work, so that some is in hand.
                log.add(&format!("ended {n}"));
                n
            })
            .for_each(|index, answer| {
                assert_eq!(answer.unwrap(), index);
                handed_on.insert(index);
                if handed_on.len() == 3 {
                    token.cancel();
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(log.after("begun"), log.after("ended"), "no item is broken off");
        assert_eq!(log.after("ended"), handed_on.iter().copied().collect::<Vec<_>>(), "no answer is lost");
        assert_eq!((tally.succeeded, tally.succeeded + tally.cancelled), (handed_on.len(), items.len()));
        assert!(tally.cancelled > 0);
        assert_is_usable(workers);
    });
}

fn a_token_that_is_cancelled_before_lets_nothing_start() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let token = CancelToken::new();
        token.cancel();
        let items = [1, 2, 3];
        let outcome = job(&items, workers)
            .cancel_token(&token)
            .shared(&log)
            .run(|log: &Log, n: &i32| log.add(&format!("{n}")))
            .unwrap();
        assert_eq!((outcome.tally().cancelled, outcome.tally().succeeded), (3, 0));
        assert_eq!(log.lines(), [""; 0]);
    });
}

/// Items in hand finish; those after them do not begin.
fn a_call_that_is_over_its_deadline_ends() {
    let items: Vec<usize> = (0..100_000).collect();
    for_worker_counts(|workers| {
        let token = CancelToken::new().with_time_limit(Duration::from_millis(100));
        let outcome = job(&items, workers)
            .cancel_token(&token)
            .run(|&n: &usize| {
                std::thread::sleep(Duration::from_millis(2)); // Work: 200 s of it, in all.
                n
            })
            .unwrap();
        let tally = *outcome.tally();
        assert_eq!(tally.succeeded + tally.cancelled, items.len());
        assert!(tally.cancelled > 0 && outcome.iter().all(|(index, &n)| index == n));
        assert_is_usable(workers);
    });
}
