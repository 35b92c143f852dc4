//! Settings: those that cannot be are refused by value, and none lets an item run in the calling process.

use std::process;
use std::time::Duration;

use manyhands::{
    AnyMode, Error, Job, ParallelConfig, ParallelExecutor, Processes, config::override_parallel_config, parallel_map,
};

use manyhands_test_support::processes::children;

use crate::fixtures::{job, pid};
use crate::harness::{drills, for_worker_counts};

drills![
    limits_of_zero_are_refused,
    no_workers_and_no_chunks_are_refused,
    no_item_runs_in_the_calling_process,
    no_item_runs_in_the_calling_process_when_processing_in_parallel_is_disabled,
    the_mode_can_be_chosen_by_name,
];

fn refused(mode: Processes) -> Error {
    Job::new(&[1, 2, 3]).mode(mode).workers(2).run(pid).unwrap_err()
}

fn assert_is_refusal(error: &Error) {
    assert!(error.is_config(), "{error}");
    assert!(error.to_string().split(' ').any(|word| word == "0"), "{error} names the value");
    assert!(["use ", "give "].iter().any(|way_out| error.to_string().contains(way_out)), "{error} names a way out");
    assert!(children(process::id()).is_empty(), "nothing was started");
}

fn limits_of_zero_are_refused() {
    for mode in [
        Processes::new().memory_limit(0),
        Processes::new().recycle_after(0),
        Processes::new().recycle_above(0),
        Processes::new().time_limit(Duration::from_secs(1)).recycle_after(0),
    ] {
        assert_is_refusal(&refused(mode));
    }
    let error = refused(Processes::new().time_limit(Duration::ZERO));
    assert!(error.is_config() && error.to_string().contains("time limit of 0"), "{error}");
}

fn no_workers_and_no_chunks_are_refused() {
    assert_is_refusal(&Job::new(&[1, 2]).mode(Processes::new()).workers(0).run(pid).unwrap_err());
    assert_is_refusal(&Job::new(&[1, 2]).mode(Processes::new()).chunk_size(0).run(pid).unwrap_err());
}

fn assert_all_ran_elsewhere(pids: &[u32]) {
    assert!(!pids.is_empty() && !pids.contains(&process::id()), "{pids:?}");
}

fn no_item_runs_in_the_calling_process() {
    assert_all_ran_elsewhere(&parallel_map(Processes::new(), &[0], pid).unwrap());
    assert_all_ran_elsewhere(&parallel_map(Processes::new(), &[0; 100], pid).unwrap());
    for_worker_counts(|workers| {
        for n_items in [1, 2, 100] {
            let items = vec![0; n_items];
            assert_all_ran_elsewhere(&job(&items, workers).run(pid).unwrap().into_result().unwrap());
            let mode = AnyMode::Processes(Processes::new());
            let outcome = Job::new(&items).mode(mode).workers(workers).run(pid).unwrap();
            assert_all_ran_elsewhere(&outcome.into_result().unwrap());
        }
    });
}

fn no_item_runs_in_the_calling_process_when_processing_in_parallel_is_disabled() {
    let disabled = ParallelConfig::builder().enabled(false).serial_below_items(1_000_000).build().unwrap();
    for_worker_counts(|workers| {
        let executor = ParallelExecutor::new(disabled.clone());
        let outcome = executor.job(&[0; 100]).mode(Processes::new()).workers(workers).run(pid).unwrap();
        assert_eq!(outcome.tally().workers, 1);
        let pids = outcome.into_result().unwrap();
        assert_all_ran_elsewhere(&pids);
        assert!(pids.iter().all(|pid| *pid == pids[0]), "one worker");
        let _guard = override_parallel_config(disabled.clone());
        assert_all_ran_elsewhere(&job(&[0; 100], workers).run(pid).unwrap().into_result().unwrap());
        assert_all_ran_elsewhere(&parallel_map(Processes::new(), &[0], pid).unwrap());
    });
}

fn the_mode_can_be_chosen_by_name() {
    let mode: AnyMode = "processes".parse().unwrap();
    assert_eq!((mode, mode.to_string().as_str()), (AnyMode::Processes(Processes::new()), "processes"));
    assert_all_ran_elsewhere(&parallel_map(mode, &[0; 10], pid).unwrap());
}
