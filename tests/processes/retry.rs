//! Failed items are tried again in worker processes, whatever they failed of.

use std::collections::BTreeMap;
use std::time::Duration;

use manyhands::{CancelToken, OnFailure, Processes, Progress, Retry, job::FailureKind};

use crate::fixtures::{assert_is_usable, job, kill_itself, sleep_for_ever};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    an_item_that_fails_at_first_has_its_value_in_the_end,
    an_item_whose_workers_die_is_begun_as_often_as_was_asked_for,
    an_item_whose_time_is_up_is_tried_again,
    a_stop_after_some_failures_counts_those_that_stay,
    a_cancelled_run_does_not_wait_for_a_back_off,
    items_in_hand_stay_within_the_memory_budget_also_when_tried_again,
];

/// Records that an item starts; returns the attempt number, from 1.
fn begin(log: &Log, item: usize) -> usize {
    log.add(&format!("{item}"));
    log.after("").iter().filter(|&&begun| begun == item).count()
}

fn begun(log: &Log) -> BTreeMap<usize, usize> {
    let mut times = BTreeMap::new();
    log.after("").into_iter().for_each(|item| *times.entry(item).or_default() += 1);
    times
}

fn an_item_that_fails_at_first_has_its_value_in_the_end() {
    let items: Vec<usize> = (0..60).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 7, 60] {
            let (log, _folder) = Log::new();
            let job = job(&items, workers).chunk_size(chunk_size).retry(Retry::times(2)).shared(&log);
            let outcome = job
                .try_run(|log: &Log, &n: &usize| {
                    let attempt = begin(log, n);
                    assert!(n % 20 != 5 || attempt > 1, "on purpose");
                    if n % 20 == 3 && attempt < 3 { Err("busy".to_owned()) } else { Ok(n * 2) }
                })
                .unwrap();
            assert_eq!(outcome.tally().retries, 9);
            assert_eq!(outcome.into_result().unwrap(), items.iter().map(|n| n * 2).collect::<Vec<_>>());
            let times = |n: usize| if n % 20 == 3 { 3 } else { 1 + usize::from(n % 20 == 5) };
            assert_eq!(begun(&log), items.iter().map(|&n| (n, times(n))).collect(), "{workers}, {chunk_size}");
        }
    });
}

fn an_item_whose_workers_die_is_begun_as_often_as_was_asked_for() {
    let items: Vec<usize> = (0..20).collect();
    for_worker_counts(|workers| {
        // Without a retry, and with one, the item gets two chances; from then on each retry is one more.
        for (times, attempts) in [(0, 2), (1, 2), (2, 3), (3, 4)] {
            let (log, _folder) = Log::new();
            let outcome = job(&items, workers)
                .retry(Retry::times(times))
                .shared(&log)
                .run(|log: &Log, &n: &usize| {
                    begin(log, n);
                    if n == 5 { kill_itself() } else { n }
                })
                .unwrap();
            let failure = &outcome.failures()[0];
            assert!(failure.is_lost() && failure.index == 5 && outcome.failures().len() == 1, "{failure}");
            assert_eq!((failure.attempts, begun(&log)[&5]), (attempts, attempts as usize), "{times} times");
            assert_eq!(outcome.tally().lost_workers, attempts as usize);
        }
        assert_is_usable(workers);
    });
}

fn an_item_whose_time_is_up_is_tried_again() {
    let items: Vec<usize> = (0..20).collect();
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let mode = Processes::new().time_limit(Duration::from_millis(60));
        let retry = Retry::times(1).only([FailureKind::TimeLimit]).backoff(Duration::from_millis(1));
        let outcome = job(&items, workers)
            .mode(mode)
            .retry(retry)
            .shared(&log)
            .run(|log: &Log, &n: &usize| {
                let attempt = begin(log, n);
                if n == 4 && attempt == 1 || n == 9 { sleep_for_ever() } else { n }
            })
            .unwrap();
        let failures: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
        assert_eq!(failures, [(9, 2)]);
        assert!(outcome.failures()[0].is_time_limit());
        assert_eq!((outcome.get(4), outcome.tally().retries, outcome.tally().succeeded), (Some(&4), 2, 19));
    });
}

fn a_stop_after_some_failures_counts_those_that_stay() {
    let items: Vec<usize> = (0..100).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 13] {
            let (log, _folder) = Log::new();
            let outcome = job(&items, workers)
                .chunk_size(chunk_size)
                .on_failure(OnFailure::StopAfter(2))
                .retry(Retry::times(1))
                .shared(&log)
                .try_run(|log: &Log, &n: &usize| match n % 10 {
                    3 if log.is_first(&format!("failed{n}")) => Err(n),
                    7 if n > 30 => Err(n),
                    _ => Ok(n),
                })
                .unwrap();
            let failed: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.attempts)).collect();
            assert_eq!(failed, [(37, 2), (47, 2)], "{workers} workers, chunks of {chunk_size}");
            assert_eq!((outcome.tally().succeeded, outcome.tally().cancelled), (46, 52));
        }
    });
}

fn a_cancelled_run_does_not_wait_for_a_back_off() {
    let items: Vec<usize> = (0..10).collect();
    for_worker_counts(|workers| {
        let cancel = CancelToken::new();
        let outcome = job(&items, workers)
            .cancel_token(&cancel)
            .retry(Retry::times(1).backoff(Duration::from_secs(3000)))
            .progress(Progress::callback(|snapshot| {
                if (snapshot.retries, snapshot.done) == (1, 9) {
                    cancel.cancel();
                }
            }))
            .try_run(|&n: &usize| if n == 3 { Err(n) } else { Ok(n) })
            .unwrap();
        assert_eq!(outcome.unfinished().collect::<Vec<_>>(), [3]);
        assert_eq!(outcome.tally().succeeded, 9);
    });
}

/// Each item notes that it begins and ends; what is begun and not ended never needs more than there is, but for one alone.
fn items_in_hand_stay_within_the_memory_budget_also_when_tried_again() {
    let items: Vec<u64> = (0..60).map(|n| n * 37 % 13).chain([40, 40]).collect();
    for_worker_counts(|workers| {
        for chunk_size in [0, 1, 5] {
            let (log, _folder) = Log::new();
            let job = job(&items, workers).cost(|&cost| cost).memory_budget(20).retry(Retry::times(1));
            let job = if chunk_size == 0 { job } else { job.chunk_size(chunk_size) };
            let outcome = job
                .shared(&log)
                .try_run(|log: &Log, &cost: &u64| {
                    log.add(&format!("+{cost}"));
                    std::thread::yield_now();
                    log.add(&format!("-{cost}"));
                    if cost == 11 && log.is_first("failed") { Err(cost) } else { Ok(cost) }
                })
                .unwrap();
            assert_eq!(outcome.into_result().unwrap(), items);
            let mut in_hand: Vec<u64> = Vec::new();
            for line in log.lines() {
                let cost: u64 = line[1..].parse().unwrap();
                if line.starts_with('+') {
                    in_hand.push(cost);
                } else {
                    let at = in_hand.iter().position(|&held| held == cost).unwrap();
                    in_hand.swap_remove(at);
                }
                assert!(in_hand.iter().sum::<u64>() <= 20 || in_hand.len() == 1, "{workers} workers: {in_hand:?}");
            }
        }
    });
}
