//! Workers are kept from call to call.

use std::collections::BTreeSet;
use std::process;
use std::thread;
use std::time::Duration;

use manyhands::{Job, Processes};
use manyhands_test_support::processes::children;
use manyhands_test_support::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::{Act, assert_is_usable, doubles_but, job, perform, pid};
use crate::harness::{drills, for_worker_counts};

drills![
    a_second_call_starts_no_process,
    a_call_with_another_function_and_other_types_starts_no_process,
    a_dead_worker_is_replaced_and_the_others_are_kept,
    end_idle_workers_ends_them_all_and_counts_them,
    calls_from_many_threads_at_once_all_end,
    an_empty_call_ends_at_once,
    idle_workers_that_were_killed_are_no_loss_of_the_next_call,
    an_idle_worker_that_was_killed_is_no_loss_where_it_takes_the_place_of_a_recycled_one,
];

fn a_second_call_starts_no_process() {
    for_worker_counts(|workers| {
        let items = vec![0; 100 * workers];
        job(&items, workers).run(pid).unwrap().into_result().unwrap();
        let first = children(process::id());
        assert_eq!(first.len(), workers);
        for _ in 0..3 {
            let pids = job(&items, workers).run(pid).unwrap().into_result().unwrap();
            assert_eq!(children(process::id()), first);
            assert!(pids.iter().all(|pid| first.iter().any(|process| process.pid == *pid)));
        }
    });
}

fn a_call_with_another_function_and_other_types_starts_no_process() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        let first = children(process::id());
        let words: Vec<String> = (0..100).map(|n| "x".repeat(n)).collect();
        let lengths = job(&words, workers).run(String::len).unwrap().into_result().unwrap();
        assert_eq!(lengths, (0..100).collect::<Vec<_>>());
        assert_eq!(children(process::id()), first);
    });
}

fn a_dead_worker_is_replaced_and_the_others_are_kept() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        let before = children(process::id());
        let outcome = job(&doubles_but(50, &[(5, Act::KillItself)]), workers).run(perform).unwrap();
        let after = children(process::id());
        let n_lost = before.difference(&after).count();
        assert!(n_lost <= outcome.tally().lost_workers, "{before:?} {after:?}");
        assert!(after.len() <= workers);
        assert_is_usable(workers);
    });
}

fn end_idle_workers_ends_them_all_and_counts_them() {
    for_worker_counts(|workers| {
        assert_is_usable(workers);
        assert_eq!(children(process::id()).len(), workers);
        assert_eq!(Processes::end_idle_workers(), workers);
        assert_eq!((children(process::id()).len(), Processes::end_idle_workers()), (0, 0));
        assert_is_usable(workers);
    });
}

fn calls_from_many_threads_at_once_all_end() {
    for_worker_counts(|workers| {
        thread::scope(|scope| {
            for caller in 0..4_u64 {
                scope.spawn(move || {
                    let items: Vec<(u64, u64)> = (0..100).map(|n| (n, caller)).collect();
                    for _ in 0..5 {
                        let values = job(&items, workers).run(|(n, caller)| n * 10 + caller).unwrap();
                        let expected: Vec<u64> = (0..100).map(|n| n * 10 + caller).collect();
                        assert_eq!(values.into_result().unwrap(), expected);
                    }
                });
            }
        });
        let pids: BTreeSet<_> = children(process::id());
        assert!(pids.len() <= 4 * workers, "{pids:?}");
    });
}

fn an_empty_call_ends_at_once() {
    for_worker_counts(|workers| {
        let outcome = Job::new(&[] as &[u64]).mode(Processes::new()).workers(workers).run(|n| *n).unwrap();
        assert!(outcome.is_empty() && outcome.is_complete());
    });
}

fn idle_workers_that_were_killed_are_no_loss_of_the_next_call() {
    for_worker_counts(|workers| {
        job(&vec![0; 100 * workers], workers).run(pid).unwrap().into_result().unwrap();
        for process in children(process::id()) {
            kill_process(Pid::from_raw(process.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
            wait_until("an idle worker is dead", Duration::from_secs(10), || !process.is_alive());
        }
        let outcome = job(&[1_u64], 1).run(|n| n + 1).unwrap();
        assert_eq!((outcome.get(0), outcome.tally().lost_workers), (Some(&2), 0));
        assert_is_usable(workers);
    });
}

fn an_idle_worker_that_was_killed_is_no_loss_where_it_takes_the_place_of_a_recycled_one() {
    // Two calls at once, each with a worker of its own; both are of the kind that a call with one worker takes.
    let slow = |_: &u64| {
        thread::sleep(Duration::from_millis(100));
        process::id()
    };
    let one_call = || job(&[0_u64], 1).run(slow).unwrap().into_result().unwrap()[0];
    let at_once =
        || thread::scope(|scope| [scope.spawn(one_call), scope.spawn(one_call)].map(|call| call.join().unwrap()));
    let pids = std::iter::repeat_with(at_once).take(50).find(|pids| pids[0] != pids[1]).expect("two calls overlap");
    // The one that worked last is taken first.
    let next = one_call();
    let other = children(process::id()).into_iter().find(|process| process.pid != next && pids.contains(&process.pid));
    let other = other.expect("the other one is idle");
    kill_process(Pid::from_raw(other.pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    wait_until("an idle worker is dead", Duration::from_secs(10), || !other.is_alive());
    let outcome = job(&[0; 50], 1).mode(Processes::new().recycle_after(10)).chunk_size(1).run(pid).unwrap();
    assert_eq!((outcome.get(0), outcome.tally().lost_workers), (Some(&next), 0), "{:?}", outcome.tally());
    assert!(outcome.is_complete() && outcome.tally().recycled_workers > 0);
}
