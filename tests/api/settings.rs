//! Settings that cannot be are refused by value, before anything runs.

use crate::modes::for_every_way;
use manyhands::{
    AnyMode, Job, LocalMode, OnFailure, ParallelConfig, ParallelExecutor, Progress, TaskSet, Threads, Workers,
};

#[test]
fn zero_workers_chunks_and_windows_are_refused() {
    let ran = || unreachable!("nothing runs with a setting that cannot be");
    let refused = [
        Job::new(&[1]).workers(0).run(|_| ran()).unwrap_err(),
        Job::new(&[1]).workers(Workers::Share(0.0)).run(|_| ran()).unwrap_err(),
        Job::new(&[1]).chunk_size(0).run(|_| ran()).unwrap_err(),
        Job::new(&[1]).on_failure(OnFailure::StopAfter(0)).run(|_| ran()).unwrap_err(),
        Job::new(&[1])
            .window(0)
            .map(|_| ran())
            .for_each_ordered(|_, _| std::ops::ControlFlow::Continue(()))
            .unwrap_err(),
    ];
    for error in refused {
        assert!(error.is_config(), "{error}");
        assert!(error.to_string().contains("use "), "{error} names a way out");
    }
}

#[test]
fn progress_counts_finished_items_and_ends_at_the_total() {
    let items: Vec<usize> = (0..1000).collect();
    for_every_way(|way| {
        let mut snapshots = Vec::new();
        let progress = Progress::callback(|snapshot| snapshots.push(*snapshot));
        way.job(&items).progress(progress).run(|n| n + 1).unwrap().into_result().unwrap();
        assert!(snapshots.is_sorted_by_key(|snapshot| snapshot.done));
        let last = snapshots.last().unwrap();
        assert_eq!((last.done, last.failed, last.total), (1000, 0, 1000));
    });
}

#[test]
fn progress_tells_the_end_also_of_what_never_began() {
    let token = manyhands::CancelToken::new();
    token.cancel();
    for_every_way(|way| {
        for items in [&[] as &[u8], &[1, 2, 3]] {
            let mut last = None;
            let progress = Progress::callback(|snapshot| last = Some((snapshot.done, snapshot.total)));
            way.job(items).cancel_token(&token).progress(progress).run(|n| *n).unwrap().iter().for_each(drop);
            assert_eq!(last, Some((0, items.len())));
        }
    });
}

#[test]
fn a_config_can_mute_progress() {
    let config = ParallelConfig::builder().enable_progress(false).build().unwrap();
    let muted = ParallelExecutor::new(config.clone());
    muted.map_with_progress(&[1, 2], |n| n + 1, |_, _| unreachable!("muted")).unwrap();
    let progress = Progress::callback(|_| unreachable!("muted"));
    ParallelExecutor::new(config).job(&[1, 2, 3]).progress(progress).run(|n| n + 1).unwrap().into_result().unwrap();
}

#[test]
fn a_config_that_is_not_enabled_stays_in_the_calling_thread() {
    let config = ParallelConfig::builder().enabled(false).build().unwrap();
    let here = std::thread::current().id();
    let items: Vec<u32> = (0..1000).collect();
    let outcome = ParallelExecutor::new(config)
        .job(&items)
        .workers(4)
        .chunk_size(1)
        .run(|_| std::thread::current().id())
        .unwrap();
    assert_eq!(outcome.tally().workers, 1);
    assert!(outcome.into_result().unwrap().iter().all(|&thread| thread == here));
}

#[test]
fn modes_are_known_by_name() {
    for name in ["serial", "threads", "io"] {
        assert_eq!(name.parse::<LocalMode>().unwrap().to_string(), name);
        assert_eq!(name.parse::<AnyMode>().unwrap().to_string(), name);
    }
    assert!("processes".parse::<LocalMode>().is_err(), "a local mode stays in this process");
    let error = "gpu".parse::<LocalMode>().unwrap_err();
    assert_eq!(error.to_string(), "mode \"gpu\" is not known; use one of serial, threads, io");
    assert!("gpu".parse::<AnyMode>().unwrap_err().to_string().starts_with(&error.to_string()));
}

#[test]
#[cfg(feature = "processes")]
fn processes_are_known_by_name() {
    let mode = "processes".parse::<AnyMode>().unwrap();
    assert_eq!((mode, mode.to_string()), (AnyMode::Processes(manyhands::Processes::new()), "processes".to_owned()));
    let error = "gpu".parse::<AnyMode>().unwrap_err();
    assert_eq!(error.to_string(), "mode \"gpu\" is not known; use one of serial, threads, io, processes");
}

#[test]
fn a_function_without_captures_runs_in_any_mode() {
    fn scaled(factor: &u32, n: &u32) -> u32 {
        factor * n
    }
    for mode in [AnyMode::Serial, AnyMode::Threads, AnyMode::IoThreads] {
        let outcome = Job::new(&[1, 2, 3]).mode(mode).shared(&4).run(scaled).unwrap();
        assert_eq!(outcome.into_result().unwrap(), [4, 8, 12]);
        let with_arc = Job::new(&[1]).mode(mode).shared(std::sync::Arc::new(2)).run(scaled).unwrap();
        assert_eq!(with_arc.into_result().unwrap(), [2]);
    }
}

#[test]
fn a_failed_task_is_named_and_the_others_are_done() {
    let mut tasks = TaskSet::new();
    tasks.add("whole", |n: &i32| n + 1, 1);
    tasks.add("torn", |text: &String| text.parse::<i32>().unwrap(), "x".to_owned());
    tasks.add("last", |values: &[i32; 2]| values.iter().sum(), [3, 4]);
    let outcome = ParallelExecutor::default().submit_tasks(&tasks).unwrap();
    assert_eq!(outcome.failures()[0].key.as_deref(), Some("torn"));
    assert_eq!(outcome.into_options(), [Some(2), None, Some(7)]);
}

#[test]
fn map_with_progress_shows_every_result_and_gives_them_in_order() {
    let items: Vec<usize> = (0..300).collect();
    let mut shown = vec![0; 300];
    let executor = ParallelExecutor::default();
    let values = executor.map_with_progress(&items, |n| n * 2, |index, &value| shown[index] = value).unwrap();
    assert_eq!(values, shown);
    let error = executor.map_with_progress(&[2, 1, 0, 0], |n| 2 / n, |_, _| {}).unwrap_err();
    assert_eq!(error.failure().unwrap().index, 2);
}

#[test]
fn a_small_call_that_is_known_to_be_quick_wakes_no_thread() {
    let here = std::thread::current().id();
    let items = [1, 2, 3, 4];
    let tiny = |_: &i32| std::thread::current().id();
    // A busy machine may hold one call up for so long that helpers are woken; it does not do so each time.
    let stays_here = |_: &i32| Job::new(&items).mode(Threads).run(tiny).unwrap().into_result().unwrap() == [here; 4];
    assert!((0..200).filter(stays_here).count() > 50);
}
