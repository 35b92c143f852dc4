//! Calls inside of calls: no deadlock, and no more threads than the budget.

use std::collections::HashSet;
use std::sync::Mutex;
use std::thread;

use crate::modes::my_turn;
use manyhands::{
    Job, LocalMode, ParallelConfig, Serial, Threads,
    config::{override_parallel_config, parallel_config},
    parallel_map,
};

#[test]
fn nested_calls_give_the_right_results_at_any_depth_and_width() {
    fn tree(depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        parallel_map(Threads, &[depth - 1; 3], |&below| tree(below)).unwrap().iter().sum()
    }
    assert_eq!(tree(5), 243);
    let outer: Vec<usize> = (0..40).collect();
    for workers in [1, 2, 5] {
        let sums = Job::new(&outer)
            .workers(workers)
            .chunk_size(1)
            .run(|&n| {
                let inner: Vec<usize> = (0..n * 20).collect();
                Job::new(&inner).workers(4).chunk_size(3).run(|m| m + n).unwrap().into_result().unwrap().len()
            })
            .unwrap();
        assert_eq!(sums.into_result().unwrap(), outer.iter().map(|n| n * 20).collect::<Vec<_>>());
    }
}

#[test]
fn nested_calls_start_no_more_threads_than_the_budget() {
    // A process of its own would be cleaner; the bound below is generous enough for tests that run beside this one,
    // which ask for up to 16 workers from outside.
    let threads = Mutex::new(HashSet::new());
    let outer: Vec<usize> = (0..32).collect();
    let note = || {
        threads.lock().unwrap().insert(thread::current().id());
    };
    Job::new(&outer)
        .workers(2)
        .run(|_| {
            let inner: Vec<usize> = (0..64).collect();
            Job::new(&inner).workers(500).chunk_size(1).run(|_| note()).unwrap().into_result().unwrap();
        })
        .unwrap()
        .into_result()
        .unwrap();
    assert!(threads.into_inner().unwrap().len() <= 17);
}

#[test]
fn modes_nest_in_each_other() {
    let items: Vec<usize> = (0..20).collect();
    for outer in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        for inner in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
            let sums = Job::new(&items)
                .mode(outer)
                .workers(3)
                .run(|&n| parallel_map(inner, &items, |m| m * n).unwrap().iter().sum::<usize>())
                .unwrap();
            assert_eq!(sums.into_result().unwrap(), items.iter().map(|n| n * 190).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_call_from_inside_rayon_works() {
    use rayon::prelude::*;
    let sums: Vec<usize> = (0..64_usize)
        .into_par_iter()
        .map(|n| parallel_map(Threads, &[n; 100], |m| m + 1).unwrap().iter().sum())
        .collect();
    assert!(sums.iter().enumerate().all(|(n, &sum)| sum == 100 * (n + 1)));
}

#[test]
fn many_calls_at_once_from_outside_all_end() {
    thread::scope(|scope| {
        for caller in 0..12_usize {
            scope.spawn(move || {
                let items: Vec<usize> = (0..2000).collect();
                for _ in 0..20 {
                    let values =
                        Job::new(&items).workers(3).chunk_size(7).run(|n| n + caller).unwrap().into_result().unwrap();
                    assert!(values.iter().enumerate().all(|(idx, &value)| value == idx + caller));
                }
            });
        }
    });
}

#[test]
fn items_of_one_call_may_wait_for_items_of_another() {
    let _turn = my_turn();
    // With one set of threads for both, the second call would never start.
    let (send, receive) = std::sync::mpsc::channel::<usize>();
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        scope.spawn(|| {
            let received = Job::new(&[(); 16])
                .workers(16)
                .chunk_size(1)
                .run(|()| receive.lock().unwrap().recv().unwrap())
                .unwrap();
            assert_eq!(received.into_result().unwrap().len(), 16);
        });
        let numbers: Vec<usize> = (0..16).collect();
        Job::new(&numbers).workers(16).chunk_size(1).run(|&n| send.send(n).unwrap()).unwrap().into_result().unwrap();
    });
}

#[test]
fn workers_inherit_the_config_of_their_caller() {
    let config = ParallelConfig::builder().max_workers_cpu(11).build().unwrap();
    let executor = manyhands::ParallelExecutor::new(config.clone());
    for mode in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        for _ in 0..3 {
            let seen = executor.job(&[0; 4]).mode(mode).run(|_| parallel_config().max_workers_cpu().get()).unwrap();
            assert_eq!(seen.into_result().unwrap(), [11; 4], "an executor's config reaches its items");
        }
    }
    let _guard = override_parallel_config(config);
    let seen = parallel_map(Threads, &[0; 50], |_| parallel_config().max_workers_cpu().get()).unwrap();
    assert!(seen.iter().all(|&workers| workers == 11));
    let nested = parallel_map(Threads, &[0; 4], |_| {
        parallel_map(Serial, &[0; 4], |_| parallel_config().max_workers_cpu().get()).unwrap()
    });
    assert!(nested.unwrap().concat().iter().all(|&workers| workers == 11));
}
