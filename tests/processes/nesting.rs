//! Calls inside of items: each worker has its share of the cores, and processes start no processes.

use std::process;

use manyhands::{
    Job, Processes, Threads,
    config::{parallel_config, usable_cores},
    parallel_map,
};
use manyhands_test_support::processes::children;

use crate::fixtures::job;
use crate::harness::{drills, for_worker_counts};
use crate::parents::{Parent, command};

drills![
    a_call_with_threads_works_inside_of_a_worker,
    a_call_with_processes_inside_of_a_worker_stays_in_it,
    a_worker_may_use_its_share_of_the_cores,
    a_worker_tells_other_libraries_its_share_of_the_cores,
    a_worker_leaves_alone_what_the_parent_set_for_other_libraries,
    a_program_of_this_kind_that_an_item_starts_is_no_worker,
];

fn share(workers: usize) -> usize {
    (usable_cores().get() / workers).max(1)
}

fn a_call_with_threads_works_inside_of_a_worker() {
    let items: Vec<u64> = (0..50).collect();
    for_worker_counts(|workers| {
        let sums = job(&items, workers).run(|&n: &u64| {
            let inner: Vec<u64> = (0..500).collect();
            let few = parallel_map(Threads, &inner, |m| m + n).unwrap().iter().sum::<u64>();
            let many = Job::new(&inner).workers(8).chunk_size(1).run(|m| m + n).unwrap().into_result().unwrap();
            (few, many.iter().sum::<u64>())
        });
        let expected = |n: u64| 500 * 499 / 2 + 500 * n;
        let sums = sums.unwrap().into_result().unwrap();
        assert!(sums.iter().zip(0..).all(|(sum, n)| *sum == (expected(n), expected(n))));
    });
}

fn a_call_with_processes_inside_of_a_worker_stays_in_it() {
    let items: Vec<u64> = (0..20).collect();
    for_worker_counts(|workers| {
        let answers = job(&items, workers).run(|&n: &u64| {
            let inner: Vec<u64> = (0..30).collect();
            let nested = Job::new(&inner).mode(Processes::new()).workers(4).run(|m: &u64| (process::id(), m * 2));
            let (pids, values): (Vec<u32>, Vec<u64>) = nested.unwrap().into_result().unwrap().into_iter().unzip();
            assert_eq!(values, (0..30).map(|m| m * 2).collect::<Vec<_>>());
            (n, pids.iter().all(|pid| *pid == process::id()), children(process::id()).len(), process::id())
        });
        for (n, stayed, n_children, pid) in answers.unwrap().into_result().unwrap() {
            assert!(stayed && n_children == 0, "item {n}: {n_children} children");
            assert_ne!(pid, process::id());
        }
    });
}

fn budget(_: &i32) -> usize {
    parallel_config().max_workers_cpu().get()
}

fn a_worker_may_use_its_share_of_the_cores() {
    let items = [0; 50];
    for_worker_counts(|workers| {
        let seen = job(&items, workers).run(budget).unwrap().into_result().unwrap();
        assert!(seen.iter().all(|&budget| budget == share(workers)), "{workers} workers: {seen:?}");
    });
    for workers in [1, 2, 16, 1, 2] {
        let seen = job(&items, workers).run(budget).unwrap().into_result().unwrap();
        assert!(seen.iter().all(|&budget| budget == share(workers)), "{workers} kept workers: {seen:?}");
    }
}

const VARIABLE: &str = "OMP_NUM_THREADS";

/// A parent that prints what its workers find.
pub(crate) fn print_threads(arguments: &[String]) {
    let workers = arguments[0].parse().unwrap();
    let seen = job(&[0; 50], workers).run(|_: &i32| std::env::var(VARIABLE).ok()).unwrap().into_result().unwrap();
    assert!(seen.iter().all(|found| *found == seen[0]), "{seen:?}");
    println!("{}", seen[0].as_deref().unwrap_or("nothing"));
}

fn a_worker_tells_other_libraries_its_share_of_the_cores() {
    for_worker_counts(|workers| {
        let mut command = command("prints-threads", &[&workers.to_string()]);
        command.env_remove(VARIABLE);
        let (status, stdout, stderr) = Parent::start(command).end();
        assert!(status.is_success(), "{stderr}");
        assert_eq!(stdout.trim_end(), share(workers).to_string());
    });
}

fn a_worker_leaves_alone_what_the_parent_set_for_other_libraries() {
    for_worker_counts(|workers| {
        let mut command = command("prints-threads", &[&workers.to_string()]);
        command.env(VARIABLE, "5");
        let (status, stdout, stderr) = Parent::start(command).end();
        assert!(status.is_success(), "{stderr}");
        assert_eq!(stdout.trim_end(), "5");
    });
}

fn a_program_of_this_kind_that_an_item_starts_is_no_worker() {
    for_worker_counts(|workers| {
        let start = |_: &usize| {
            let started = command("reports", &["1"]).output().unwrap();
            (started.status.success(), String::from_utf8(started.stdout).unwrap())
        };
        let items = [0_usize; 3];
        for (is_well, said) in job(&items, workers).run(start).unwrap().into_result().unwrap() {
            assert!(is_well && said == "50 values\n", "{said}");
        }
    });
}
