//! What is in hand at the same time stays within the memory budget, in every mode.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use manyhands::Retry;

use crate::modes::for_every_way;

#[test]
fn items_in_hand_stay_within_the_budget_and_one_that_is_over_it_runs_alone() {
    let items: Vec<u64> = (0..120).map(|n| n * 37 % 13).chain([40, 41, 0]).collect();
    for_every_way(|way| {
        for retries in [false, true] {
            let (in_use, failed) = (AtomicU64::new(0), Mutex::new(HashSet::new()));
            let job = way.job(&items).cost(|&cost| cost).memory_budget(20);
            let job = if retries { job.retry(Retry::times(1)) } else { job };
            let outcome = job.try_run(|&cost| {
                let before = in_use.fetch_add(cost, Ordering::SeqCst);
                // Items that need nothing may be there beside the one that needs too much.
                assert!(
                    before + cost <= 20 || before == 0 && cost >= 40 || before >= 40 && cost == 0,
                    "{before} {cost}"
                );
                std::thread::yield_now();
                in_use.fetch_sub(cost, Ordering::SeqCst);
                let fails = retries && cost % 5 == 1 && failed.lock().unwrap().insert(cost);
                if fails { Err(cost) } else { Ok(cost) }
            });
            let outcome = outcome.unwrap();
            assert_eq!(outcome.tally().retries, if retries { 4 } else { 0 }, "{way:?}");
            assert_eq!(outcome.into_result().unwrap(), items);
        }
    });
}
