//! Workers that are replaced on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process;

use manyhands::Processes;

use crate::fixtures::{Act, assert_failed_alone, assert_is_usable, doubles_but, job, perform, pid};
use crate::harness::{drills, for_worker_counts};

drills![
    no_worker_does_more_items_than_it_is_recycled_after,
    workers_that_are_recycled_lose_no_item,
    a_worker_that_leaks_is_recycled,
    calls_that_recycle_leave_no_more_idle_workers_than_one_call,
];

fn no_worker_does_more_items_than_it_is_recycled_after() {
    for_worker_counts(|workers| {
        let items = vec![0; 50 * workers];
        let outcome = job(&items, workers).mode(Processes::new().recycle_after(7)).run(pid).unwrap();
        let tally = *outcome.tally();
        let mut done = BTreeMap::new();
        outcome.into_result().unwrap().into_iter().for_each(|pid| *done.entry(pid).or_insert(0) += 1);
        assert!(done.values().all(|&n_items| n_items <= 7), "{workers} workers: {done:?}");
        // The last of each worker need not be replaced any more.
        assert!(tally.recycled_workers + workers >= done.len(), "{tally:?}");
        assert!(tally.recycled_workers > 0 && tally.lost_workers == 0, "{tally:?}");
        assert_is_usable(workers);
    });
}

fn workers_that_are_recycled_lose_no_item() {
    let items = doubles_but(200, &[(5, Act::Panic), (77, Act::KillItself), (78, Act::Exit(1))]);
    for_worker_counts(|workers| {
        for chunk_size in [1, 3, 50] {
            for after in [1, 2, 10] {
                let job = job(&items, workers).mode(Processes::new().recycle_after(after)).chunk_size(chunk_size);
                let outcome = job.run(perform).unwrap();
                assert_failed_alone(&outcome, &[5, 77, 78]);
                assert_eq!(outcome.tally().lost_workers, 4, "recycling is no loss");
                assert!(outcome.tally().recycled_workers > 0);
            }
        }
    });
}

fn a_worker_that_leaks_is_recycled() {
    const MIB: usize = 1 << 20;
    let items = [0; 60];
    for_worker_counts(|workers| {
        let mode = Processes::new().recycle_above(100 << 20);
        let outcome = job(&items, workers).mode(mode).chunk_size(1).run(leaking).unwrap();
        let tally = *outcome.tally();
        let answers = outcome.into_result().unwrap();
        let most = answers.iter().map(|(_, in_memory)| *in_memory).max().unwrap();
        assert!(most < 200 * MIB, "{} MiB", most / MIB);
        let processes: BTreeSet<u32> = answers.iter().map(|(pid, _)| *pid).collect();
        // A few workers that share 60 leaks of 10 MiB cannot all stay below 100 MiB.
        if workers < 6 {
            assert!(tally.recycled_workers > 0 && processes.len() > workers, "{tally:?} {processes:?}");
        }
        assert_eq!(tally.lost_workers, 0);
    });
}

fn calls_that_recycle_leave_no_more_idle_workers_than_one_call() {
    for_worker_counts(|workers| {
        Processes::end_idle_workers();
        for _ in 0..4 {
            let outcome = job(&[0; 12], workers).mode(Processes::new().recycle_after(2)).run(pid).unwrap();
            assert_eq!(outcome.tally().succeeded, 12);
        }
        let idle = Processes::end_idle_workers();
        assert!(idle <= workers, "{idle} idle workers after calls with {workers}");
    });
}

/// Leaks ten MiB; gives its process and what that has in memory.
fn leaking(_: &i32) -> (u32, usize) {
    std::mem::forget(std::hint::black_box(vec![1_u8; 10 << 20]));
    let pages: usize = fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    (process::id(), pages * rustix::param::page_size())
}
