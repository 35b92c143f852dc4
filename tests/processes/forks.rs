//! A program forks, before, during and after its calls. Parent and child each get right results; neither waits for a
//! thread or a worker of the other, or ends one.

use std::io::Read;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use manyhands::config::{parallel_config, set_parallel_config};
use manyhands::{AnyMode, Job, Journal, LocalMode, OnFailure, ParallelConfig, Processes, ThreadSafeCache};
use manyhands_test_support::fork::{exit_at_once, exit_code, fork, fork_bare};
use manyhands_test_support::processes::children;
use manyhands_test_support::wait::wait_until;

use crate::fixtures::job;
use crate::harness::drills;
use crate::parents::{Parent, command};

drills![
    a_child_makes_calls_of_its_own_in_every_mode,
    a_child_that_is_forked_while_other_threads_make_calls_makes_its_own,
    parent_and_child_share_neither_workers_nor_results,
    an_item_forks_children_that_make_calls,
    a_child_that_comes_back_from_an_item_ends_and_answers_nothing,
    a_child_that_comes_back_from_the_maker_of_a_state_ends_and_answers_nothing,
    a_child_that_comes_back_from_a_callback_leaves_the_call_to_its_parent,
    a_child_that_comes_back_from_an_iterator_leaves_the_call_to_its_parent,
    the_results_of_a_parents_run_end_with_an_error_in_a_child,
    a_journal_stays_its_writers,
    a_key_that_the_parent_computes_is_computed_by_the_child,
    the_config_of_a_process_reaches_its_children_while_it_is_changed,
    workers_end_with_their_parent_although_a_forked_child_outlives_it,
    a_child_that_is_forked_while_a_call_limits_times_looks_at_no_clock,
    what_stands_in_the_buffers_of_a_program_is_not_printed_again_by_a_child_that_comes_back,
];

fn square(n: &u64) -> u64 {
    n * n
}

/// An item that takes long enough for others to take part.
fn slow_square(n: &u64) -> u64 {
    thread::sleep(Duration::from_micros(300));
    n * n
}

const MODES: [&str; 4] = ["serial", "threads", "io", "processes"];

fn mode(name: &str) -> AnyMode {
    name.parse().unwrap()
}

/// One call in each mode, and one of each kind of stream.
fn assert_all_modes_work() {
    let items: Vec<u64> = (0..40).collect();
    let squares: Vec<u64> = items.iter().map(square).collect();
    for name in MODES {
        let outcome = Job::new(&items).mode(mode(name)).workers(3).chunk_size(1).run(slow_square as fn(&u64) -> u64);
        assert_eq!(outcome.unwrap().into_result().unwrap(), squares, "{name}");
        let stream =
            Job::over(0..40).mode(mode(name)).workers(3).map(slow_square as fn(&u64) -> u64).ordered().unwrap();
        let values: Vec<u64> = stream.map(|result| result.unwrap().1.unwrap()).collect();
        assert_eq!(values, squares, "{name}");
        let handle = Job::over(0..40).mode(mode(name)).workers(3).map(square as fn(&u64) -> u64).spawn().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(handle).unwrap().into_result().unwrap(), squares, "{name}");
    }
}

fn a_child_makes_calls_of_its_own_in_every_mode() {
    assert_all_modes_work();
    for _ in 0..3 {
        let child = fork(|| {
            assert_all_modes_work();
            fork(assert_all_modes_work).assert_success(); // a child of the child
            assert_all_modes_work();
            assert!(Processes::end_idle_workers() > 0, "the child's workers are its own");
        });
        assert_all_modes_work();
        child.assert_success();
    }
    assert_all_modes_work();
}

fn a_child_that_is_forked_while_other_threads_make_calls_makes_its_own() {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in ["threads", "io", "processes"] {
            let is_over = &is_over;
            scope.spawn(move || {
                let items: Vec<u64> = (0..200).collect();
                while !is_over.load(Ordering::Relaxed) {
                    let outcome = Job::new(&items).mode(mode(name)).workers(2).chunk_size(1);
                    let values = outcome.run(square as fn(&u64) -> u64).unwrap().into_result().unwrap();
                    assert!(values.iter().zip(&items).all(|(value, n)| *value == n * n));
                }
            });
        }
        let children: Vec<_> = (0..12)
            .map(|_| {
                thread::sleep(Duration::from_millis(2)); // lets the calls come to other places
                fork(|| {
                    let items: Vec<u64> = (0..50).collect();
                    for name in MODES {
                        for _ in 0..3 {
                            let job = Job::new(&items).mode(mode(name)).workers(2).chunk_size(1);
                            let values = job.run(square as fn(&u64) -> u64).unwrap().into_result().unwrap();
                            assert!(values.iter().zip(&items).all(|(value, n)| *value == n * n), "{name}");
                        }
                    }
                })
            })
            .collect();
        let ended = catch_unwind(AssertUnwindSafe(|| children.into_iter().for_each(|child| child.assert_success())));
        is_over.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
}

fn parent_and_child_share_neither_workers_nor_results() {
    let calls = |add: u64, rounds: usize| {
        let items: Vec<u64> = (0..64).map(|n| n + add).collect();
        for _ in 0..rounds {
            let outcome = job(&items, 2).chunk_size(8).on_failure(OnFailure::Continue).run(|n: &u64| n * 2).unwrap();
            assert!(outcome.failures().is_empty(), "{:?}", outcome.failures()[0]);
            let values = outcome.into_result().unwrap();
            assert!(values.iter().zip(&items).all(|(value, n)| *value == n * 2), "{:?}", &values[..2]);
        }
    };
    calls(0, 3);
    let child = fork(|| calls(1_000_000, 250));
    calls(0, 250);
    child.assert_success();
    calls(0, 3);
}

fn an_item_forks_children_that_make_calls() {
    let items: Vec<u64> = (0..4).collect();
    for name in MODES {
        let fork_and_call: fn(&u64) -> u64 = |n| {
            let child = fork(|| {
                let items: Vec<u64> = (0..30).collect();
                for name in MODES {
                    let job = Job::new(&items).mode(mode(name)).workers(2).chunk_size(1);
                    let values = job.run(square as fn(&u64) -> u64).unwrap().into_result().unwrap();
                    assert!(values.iter().zip(&items).all(|(value, n)| *value == n * n), "{name}");
                }
            });
            child.assert_success();
            n * n
        };
        let outcome = Job::new(&items).mode(mode(name)).workers(2).chunk_size(1).run(fork_and_call);
        assert_eq!(outcome.unwrap().into_result().unwrap(), [0, 1, 4, 9], "{name}");
    }
}

fn a_child_that_comes_back_from_an_item_ends_and_answers_nothing() {
    let items: Vec<u64> = (0..2).collect();
    for name in MODES {
        let fork_and_return: fn(&u64) -> (u64, i32) = |n| match fork_bare() {
            0 => (*n, 0),
            child => (*n, exit_code(child)),
        };
        let run = || Job::new(&items).mode(mode(name)).workers(2).run(fork_and_return).unwrap().into_result().unwrap();
        // In the calling thread of this program, a child comes back to here, as a panic.
        let parent = std::process::id();
        let result = catch_unwind(run);
        if std::process::id() != parent {
            exit_at_once(if result.is_err() { 101 } else { 1 });
        }
        let expected: Vec<(u64, i32)> = items.iter().map(|n| (*n, 101)).collect();
        assert_eq!(result.unwrap(), expected, "{name}");
    }
}

fn a_child_that_comes_back_from_the_maker_of_a_state_ends_and_answers_nothing() {
    fn fork_and_return() -> i32 {
        match fork_bare() {
            0 => 0,
            child => exit_code(child),
        }
    }
    for _ in 0..10 {
        let job = Job::new(&[1_u64, 2, 3]).mode(Processes::new().recycle_after(3)).workers(1);
        let outcome = job.worker_state(fork_and_return).run(|code: &mut i32, n: &u64| (*code, *n)).unwrap();
        assert_eq!(outcome.into_result().unwrap(), [(101, 1), (101, 2), (101, 3)]);
    }
}

fn a_child_that_comes_back_from_a_callback_leaves_the_call_to_its_parent() {
    for name in MODES {
        let (parent, n_children) = (std::process::id(), AtomicUsize::new(0));
        let run = || {
            let mut sum = 0;
            let work = Job::over(0..30_u64).mode(mode(name)).workers(2).chunk_size(1).map(square as fn(&u64) -> u64);
            let tally = work.for_each(|index, result| {
                sum += result.unwrap();
                if index == 15 {
                    let child = fork_bare();
                    if child != 0 {
                        n_children.fetch_add(1, Ordering::Relaxed);
                        assert_eq!(exit_code(child), 101);
                    }
                }
                ControlFlow::Continue(())
            });
            (tally.unwrap().succeeded, sum)
        };
        let result = catch_unwind(AssertUnwindSafe(run));
        if std::process::id() != parent {
            exit_at_once(if result.is_err() { 101 } else { 1 });
        }
        assert_eq!(result.unwrap(), (30, (0..30).map(|n| n * n).sum()), "{name}");
        assert_eq!(n_children.load(Ordering::Relaxed), 1);
    }
}

/// Forks a child at number 15, and waits until that one has ended because its run is in the parent.
fn forks_in_between(n_children: &Arc<AtomicUsize>) -> impl Iterator<Item = u64> + Send + 'static {
    let n_children = Arc::clone(n_children);
    (0..30).inspect(move |&n| {
        if n != 15 {
            return;
        }
        let child = fork_bare();
        if child != 0 {
            n_children.fetch_add(1, Ordering::Relaxed);
            assert_eq!(exit_code(child), 101);
        }
    })
}

fn a_child_that_comes_back_from_an_iterator_leaves_the_call_to_its_parent() {
    let squares: Vec<u64> = (0..30).map(|n| n * n).collect();
    for name in MODES {
        for way in ["run", "ordered", "spawn"] {
            let (parent, n_children) = (std::process::id(), Arc::new(AtomicUsize::new(0)));
            let work = || {
                let job = Job::over(forks_in_between(&n_children)).mode(mode(name)).workers(2).window(8);
                job.map(square as fn(&u64) -> u64)
            };
            let run = || match way {
                "ordered" => work().ordered().unwrap().map(|result| result.unwrap().1.unwrap()).collect(),
                "spawn" => {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(work().spawn().unwrap()).unwrap().into_result().unwrap()
                }
                _ => work().run().unwrap().into_result().unwrap(),
            };
            // In serial mode the calling thread reads, so a child comes back to here, as a panic.
            let result: Result<Vec<u64>, _> = catch_unwind(AssertUnwindSafe(run));
            if std::process::id() != parent {
                exit_at_once(if result.is_err() { 101 } else { 1 });
            }
            assert_eq!(result.unwrap(), squares, "{name}, {way}");
            assert_eq!(n_children.load(Ordering::Relaxed), 1, "{name}, {way}");
        }
    }
}

fn the_results_of_a_parents_run_end_with_an_error_in_a_child() {
    for name in MODES {
        let work = || Job::over(0..2000_u64).mode(mode(name)).workers(2).map(square as fn(&u64) -> u64);
        let (mut results, handle) = (work().ordered().unwrap(), work().spawn().unwrap());
        let mut handle = Some(handle);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = results.next().unwrap().unwrap().1.unwrap();
        let child = fork(|| {
            let last = results.by_ref().find_map(Result::err).expect("the run is not in this process");
            assert!(last.is_worker_state() && last.to_string().contains("forked"), "{last}");
            assert!(results.next().is_none());
            drop(std::mem::replace(&mut results, work().ordered().unwrap()));
            assert_eq!(results.next().unwrap().unwrap().1.unwrap(), 0, "a run of the child's own");
            let error = runtime.block_on(handle.take().unwrap()).unwrap_err();
            assert!(error.to_string().contains("forked"), "{error}");
        });
        child.assert_success();
        let rest: u64 = results.map(|result| result.unwrap().1.unwrap()).sum();
        let all = runtime.block_on(handle.take().unwrap()).unwrap().into_result().unwrap();
        assert_eq!(first + rest, all.iter().sum::<u64>(), "{name}: the parent's runs go on");
    }
}

fn a_journal_stays_its_writers() {
    let folder = tempfile::tempdir().unwrap();
    let (path, parent) = (folder.path().join("a.journal"), std::process::id());
    let lock = folder.path().join("a.journal.lock");
    let run = || {
        let work = Job::new(&[1_u64, 2, 3, 4]).mode(LocalMode::Serial).chunk_size(1).map(square);
        let work = work.journal(Journal::at(&path).key(u64::to_string).commit_every(Duration::ZERO));
        let mut has_forked = false;
        work.for_each(|_, _| {
            if !std::mem::replace(&mut has_forked, true) {
                let child = fork_bare();
                if child != 0 {
                    assert_eq!(exit_code(child), 101); // after it has dropped its copy of the journal
                    assert!(lock.exists(), "the child has removed the lock of its parent");
                }
            }
            ControlFlow::Continue(())
        })
    };
    let result = catch_unwind(AssertUnwindSafe(run));
    if std::process::id() != parent {
        exit_at_once(if result.is_err() { 101 } else { 1 });
    }
    assert_eq!(result.unwrap().unwrap().succeeded, 4);
    let status = manyhands::journal::JournalReader::open(&path).unwrap().status().unwrap();
    assert_eq!(status.succeeded, 4);
    assert!(!lock.exists());
}

fn a_key_that_the_parent_computes_is_computed_by_the_child() {
    let cache = ThreadSafeCache::new();
    let ((started, has_started), (go_on, may_go_on)) = (channel(), channel::<()>());
    thread::scope(|scope| {
        let cache = &cache;
        let computing = scope.spawn(move || {
            cache.get_or_compute(7, || {
                started.send(()).unwrap();
                may_go_on.recv().unwrap();
                49
            })
        });
        has_started.recv().unwrap();
        fork(|| assert_eq!(cache.get_or_compute(7, || 50), 50)).assert_success();
        go_on.send(()).unwrap();
        assert_eq!(computing.join().unwrap(), 49);
    });
    fork(|| assert_eq!(cache.get_or_compute(7, || 50), 49)).assert_success();
}

fn the_config_of_a_process_reaches_its_children_while_it_is_changed() {
    let before = parallel_config();
    let with = |chunk_size| ParallelConfig::builder().chunk_size(chunk_size).build().unwrap();
    set_parallel_config(with(11));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                set_parallel_config(with(11));
                set_parallel_config(with(12));
            }
        });
        for _ in 0..30 {
            let child = fork(|| {
                let size = parallel_config().chunk_size().unwrap().get();
                assert!(size == 11 || size == 12, "{size}");
                set_parallel_config(with(13));
                assert_eq!(parallel_config().chunk_size().unwrap().get(), 13);
            });
            let result = catch_unwind(AssertUnwindSafe(|| child.assert_success()));
            is_over.store(result.is_err(), Ordering::Relaxed);
            result.unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    set_parallel_config(before);
}

/// Has idle workers and a forked child that outlives it; ends when it is let go or killed.
pub(crate) fn be_outlived(_: &[String]) {
    job(&[0; 40], 2).run(crate::fixtures::pid).unwrap().into_result().unwrap();
    match fork_bare() {
        0 => loop {
            thread::sleep(Duration::from_secs(1000));
        },
        child => println!("{child}"),
    }
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn workers_end_with_their_parent_although_a_forked_child_outlives_it() {
    for is_killed in [true, false] {
        let mut parent = Parent::start(command("forks", &[]));
        let child: u32 = parent.line().trim().parse().unwrap();
        let (children, workers): (Vec<_>, Vec<_>) = parent.workers().into_iter().partition(|one| one.pid == child);
        assert_eq!((children.len(), workers.len()), (1, 2));
        if is_killed {
            parent.kill();
        } else {
            parent.let_go();
            parent.ended_within(Duration::from_secs(10));
        }
        for worker in workers {
            wait_until("a worker ends with its parent", Duration::from_secs(10), || !worker.is_alive());
        }
        assert!(children[0].is_alive(), "the forked child outlives its parent");
        let pid = rustix::process::Pid::from_raw(child.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}

/// How often the threads of this process have gone to sleep so far.
fn n_sleeps() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: it writes all of the struct, for which zeros are valid too.
    unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init().ru_nvcsw
    }
}

/// The parent's thread that starts workers wakes every 20 ms while a call of it limits times; that of a child does so only
/// for calls of its own.
fn a_child_that_is_forked_while_a_call_limits_times_looks_at_no_clock() {
    Processes::end_idle_workers();
    thread::scope(|scope| {
        let limited = scope.spawn(|| {
            let mode = Processes::new().time_limit(Duration::from_secs(60));
            job(&[1500_u64], 1).mode(mode).run(|millis: &u64| thread::sleep(Duration::from_millis(*millis))).unwrap()
        });
        wait_until("the call has a worker", Duration::from_secs(20), || !children(std::process::id()).is_empty());
        let child = fork(|| {
            crate::fixtures::assert_is_usable(1);
            let before = n_sleeps();
            thread::sleep(Duration::from_millis(500));
            let n_sleeps = n_sleeps() - before;
            assert!(n_sleeps < 10, "{n_sleeps} times in half a second");
        });
        child.assert_success();
        assert_eq!(limited.join().unwrap().tally().succeeded, 1);
    });
}

/// Prints pieces of a line in items, which each fork a child that comes back.
pub(crate) fn print_pieces(_: &[String]) {
    let print_and_fork: fn(&u64) -> i32 = |_| {
        print!("piece ");
        match fork_bare() {
            0 => 0,
            child => exit_code(child),
        }
    };
    let parent = std::process::id();
    let run = || {
        let codes = Job::new(&[1, 2]).mode(LocalMode::Threads).workers(2).chunk_size(1).run(print_and_fork);
        assert_eq!(codes.unwrap().into_result().unwrap(), [101, 101]);
        let stream = Job::over(0..1).mode(LocalMode::Serial).map(print_and_fork).ordered().unwrap();
        assert_eq!(stream.map(|result| result.unwrap().1.unwrap()).collect::<Vec<_>>(), [101]);
        // An iterator with a thread of its own; and a worker, whose prints go to stderr.
        let items = (0..1_u64).map(move |n| print_and_fork(&n));
        let stream = Job::over(items).mode(LocalMode::Threads).map(|code: &i32| *code).ordered().unwrap();
        assert_eq!(stream.map(|result| result.unwrap().1.unwrap()).collect::<Vec<_>>(), [101]);
        let codes = Job::new(&[1]).mode(Processes::new()).workers(1).run(print_and_fork);
        assert_eq!(codes.unwrap().into_result().unwrap(), [101]);
    };
    // In the calling thread, a child comes back to here, as a panic.
    if catch_unwind(run).is_err() {
        exit_at_once(if std::process::id() == parent { 1 } else { 101 });
    }
}

fn what_stands_in_the_buffers_of_a_program_is_not_printed_again_by_a_child_that_comes_back() {
    let (exit, said, stderr) = Parent::start(command("prints-pieces", &[])).end();
    assert!(exit.is_success(), "{exit}, and on stderr {stderr:?}");
    assert_eq!(said, "piece piece piece piece ");
    assert_eq!(stderr.matches("piece ").count(), 1, "of the worker: {stderr}");
    assert!(stderr.contains("forked inside of a call"), "a child of a worker says why it ends: {stderr}");
}
