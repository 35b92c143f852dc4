//! The executor's ways into processes: a map, and sets of unlike tasks.

use std::process;

use manyhands::{Cause, ParallelConfig, ParallelExecutor, ProcessTaskSet, Processes, SharedSlice, job::WorkerExit};

use crate::harness::{drills, for_worker_counts};

drills![
    unlike_tasks_give_their_results_in_the_order_in_which_they_were_added,
    a_task_that_dies_fails_by_its_name_and_no_other_does,
    an_executor_maps_in_processes_under_its_config,
];

fn executor(workers: usize) -> ParallelExecutor {
    ParallelExecutor::new(ParallelConfig::builder().max_workers_cpu(workers).build().unwrap())
}

fn length((samples, _): &(Vec<f32>, String)) -> u64 {
    samples.len() as u64
}

fn total(numbers: &SharedSlice<u64>) -> u64 {
    numbers.iter().sum()
}

fn own_pid(_: &()) -> u64 {
    u64::from(process::id())
}

fn unlike_tasks_give_their_results_in_the_order_in_which_they_were_added() {
    let numbers = SharedSlice::copy_of(&[1_u64, 2, 3, 4]).unwrap();
    for_worker_counts(|workers| {
        let mut tasks = ProcessTaskSet::new();
        tasks.add("length", length, (vec![0.5; 4], "lead II".to_owned()));
        tasks.add("total", total, numbers.view(1..));
        tasks.add("closure", |&(a, b): &(u32, u8)| u64::from(a) * u64::from(b), (1000, 7));
        tasks.add("pid", own_pid, ());
        assert_eq!((tasks.len(), tasks.is_empty()), (4, false));
        let answers = executor(workers).submit_tasks(&tasks).unwrap().into_result().unwrap();
        assert_eq!(answers[..3], [4, 9, 7000]);
        assert_ne!(answers[3], own_pid(&()));
    });
}

fn a_task_that_dies_fails_by_its_name_and_no_other_does() {
    for_worker_counts(|workers| {
        let mut tasks = ProcessTaskSet::new().mode(Processes::new().at_most_once());
        for n in 0..10 {
            tasks.add(format!("task {n}"), |&n: &u64| if n == 4 { process::exit(9) } else { n }, n);
        }
        let outcome = executor(workers).submit_tasks(&tasks).unwrap();
        let failure = &outcome.failures()[0];
        assert_eq!((failure.index, failure.key.as_deref()), (4, Some("task 4")));
        assert!(matches!(&failure.cause, Cause::Lost(worker) if worker.exit == WorkerExit::Exit(9)), "{failure}");
        assert_eq!(outcome.tally().succeeded, 9);
    });
}

fn an_executor_maps_in_processes_under_its_config() {
    let items: Vec<usize> = (0..100).collect();
    for_worker_counts(|workers| {
        let pids = executor(workers).map_processes(&items, |_: &usize| process::id()).unwrap();
        assert!(pids.iter().all(|&pid| pid != process::id()));
        assert!(pids.iter().collect::<std::collections::BTreeSet<_>>().len() <= workers);
    });
}
