//! Items that come one after another, in worker processes.

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use manyhands::config::override_parallel_config;
use manyhands::{AnyMode, CancelToken, Job, OnFailure, ParallelConfig, Processes, Retry};

use crate::fixtures::{assert_is_usable, kill_itself};
use crate::harness::{assert_no_leak, drills, for_worker_counts};
use crate::log::Log;

drills![
    results_are_delivered_while_the_iterator_blocks,
    a_time_limit_holds_while_the_iterator_blocks,
    a_cancellation_ends_the_results_of_a_stream_while_the_iterator_blocks,
    results_and_failures_come_at_once_from_an_iterator_that_is_slower_than_the_workers,
    without_kept_threads_the_reading_thread_ends_with_its_call,
    what_came_is_under_way_before_the_iterator_is_asked_again,
    more_items_than_a_window_come_and_each_is_delivered_once,
    an_item_that_kills_its_worker_fails_alone,
    an_endless_input_ends_with_a_break,
    a_time_limit_holds_while_a_slow_input_always_has_the_caller_at_work,
    once_a_failure_has_ended_the_run_nothing_more_is_asked_for,
    an_iterator_that_panics_ends_the_run_with_its_panic,
    results_come_when_they_are_asked_for,
    a_future_has_the_outcome_that_a_run_has,
];

fn over<'a, T, I>(items: I, workers: usize) -> Job<'a, T, Processes>
where
    T: Send + Sync + 'a,
    I: Iterator<Item = T> + Send + 'a,
{
    Job::over(items).mode(Processes::new()).workers(workers)
}

fn more_items_than_a_window_come_and_each_is_delivered_once() {
    for_worker_counts(|workers| {
        for window in [1, 2, 10, 99, 100, 101] {
            for ordered in [false, true] {
                let mut seen = Vec::new();
                let mut take = |index, answer: Result<usize, _>| {
                    seen.push((index, answer.unwrap()));
                    Continue(())
                };
                let work = over(0..100_usize, workers).window(window).map(|&n: &usize| n * 3);
                let tally = if ordered { work.for_each_ordered(&mut take) } else { work.for_each(&mut take) }.unwrap();
                assert!(!ordered || seen.is_sorted());
                seen.sort_unstable();
                assert_eq!(seen, (0..100).map(|n| (n, n * 3)).collect::<Vec<_>>(), "{workers}, window {window}");
                assert_eq!((tally.items, tally.succeeded, tally.cancelled), (100, 100, 0));
            }
        }
        let empty = over(std::iter::empty::<u8>(), workers).run(|&n: &u8| n).unwrap();
        assert!(empty.is_empty());
    });
}

fn a_time_limit_holds_while_a_slow_input_always_has_the_caller_at_work() {
    // Slower than the caller's own pace of looking at the time: it is never done with one item before it has an answer to take.
    let slowly = (0_usize..400).inspect(|_| std::thread::sleep(Duration::from_millis(25)));
    let mode = Processes::new().time_limit(Duration::from_millis(200));
    let job = Job::over(slowly).mode(mode).workers(2).chunk_size(1).on_failure(OnFailure::Continue);
    let work = job.map(|&n: &usize| {
        loop {
            match n {
                0 => std::thread::park(),
                n => return n,
            }
        }
    });
    let mut failed = None;
    let tally = work.for_each(|index, answer| match answer {
        Ok(_) => Continue(()),
        Err(failure) => {
            failed = Some((index, failure.is_time_limit()));
            Break(())
        }
    });
    let tally = tally.unwrap();
    assert_eq!((failed, tally.failed), (Some((0, true)), 1));
    assert!(tally.items < 300, "it was seen when {} items had come", tally.items);
    assert_is_usable(2);
}

fn an_item_that_kills_its_worker_fails_alone() {
    for_worker_counts(|workers| {
        for window in [1, 8, 1000] {
            let job = over(0..60_usize, workers).window(window).on_failure(OnFailure::Continue);
            let outcome = job.run(|&n: &usize| if n % 25 == 20 { kill_itself() } else { n }).unwrap();
            let failed: Vec<_> = outcome.failures().iter().map(|failure| (failure.index, failure.is_lost())).collect();
            assert_eq!(failed, [(20, true), (45, true)], "{workers} workers, window {window}");
            assert!(outcome.iter().all(|(index, &n)| index == n) && outcome.tally().succeeded == 58);
            assert_eq!(outcome.tally().lost_workers, 4);
        }
        assert_is_usable(workers);
    });
}

fn an_endless_input_ends_with_a_break() {
    for_worker_counts(|workers| {
        for ordered in [false, true] {
            let mut passed = 0;
            let mut take = |_, _: Result<usize, _>| {
                passed += 1;
                if passed == 500 { Break(()) } else { Continue(()) }
            };
            let work = over(0_usize.., workers).window(40).map(|&n: &usize| n);
            let tally = if ordered { work.for_each_ordered(&mut take) } else { work.for_each(&mut take) }.unwrap();
            assert_eq!((passed, tally.succeeded), (500, 500));
        }
        assert_is_usable(workers);
    });
}

fn once_a_failure_has_ended_the_run_nothing_more_is_asked_for() {
    for_worker_counts(|workers| {
        let items = (0..10).chain(std::iter::from_fn(|| panic!("asked for more")));
        let work = over(items, workers).window(10).try_map(|&n: &usize| if n == 0 { Err(n) } else { Ok(n) });
        let mut reached = Vec::new();
        let tally = work.for_each_ordered(|index, answer| {
            reached.push((index, answer.is_ok()));
            Continue(())
        });
        assert_eq!((reached, tally.unwrap().failed), (vec![(0, false)], 1));
    });
}

fn an_iterator_that_panics_ends_the_run_with_its_panic() {
    for_worker_counts(|workers| {
        for at in [0, 1, 5, 40] {
            let items = (0..50).inspect(|&n| assert_ne!(n, at, "in the iterator"));
            let work = over(items, workers).window(3).map(|&n: &usize| n);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                work.for_each(|index, _| {
                    assert!(index < at);
                    Continue(())
                })
            }));
            assert!(caught.unwrap_err().downcast_ref::<String>().unwrap().contains("in the iterator"));
        }
        assert_is_usable(workers);
    });
}

fn results_come_when_they_are_asked_for() {
    for_worker_counts(|workers| {
        for ordered in [false, true] {
            let (log, _folder) = Log::new();
            let job = over(0_usize.., workers).window(6).retry(Retry::times(1)).shared(std::sync::Arc::new(log));
            let work = job.try_map(|log: &Log, &n: &usize| match n % 5 {
                2 if log.is_first(&format!("failed{n}")) => Err(n),
                4 if log.is_first(&format!("killed{n}")) => kill_itself(),
                _ => Ok(n),
            });
            let answers = if ordered { work.ordered() } else { work.as_completed() }.unwrap();
            let mut seen: Vec<_> = answers.take(12).map(Result::unwrap).collect();
            assert!(seen.iter().all(|(index, answer)| answer == &Ok(*index)));
            if !ordered {
                seen.sort_unstable_by_key(|(index, _)| *index);
                seen.dedup_by_key(|(index, _)| *index);
            }
            assert!(seen.len() == 12 && seen.is_sorted_by_key(|(index, _)| *index));
            assert!(!ordered || seen[11].0 == 11);
        }
    });
}

fn a_future_has_the_outcome_that_a_run_has() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for_worker_counts(|workers| {
        let work = || over(0..80_usize, workers).window(16).try_map(|&n: &usize| if n == 50 { Err(n) } else { Ok(n) });
        let (future, run) = (runtime.block_on(work().spawn().unwrap()).unwrap(), work().run().unwrap());
        assert!(future.iter().eq(run.iter()) && future.tally().succeeded == 50);
        assert_eq!(future.failures()[0].index, 50);
    });
}

fn what_came_is_under_way_before_the_iterator_is_asked_again() {
    for_worker_counts(|workers| {
        let (log, _folder) = Log::new();
        let theirs = log.clone();
        let items = (0..12_usize).inspect(move |&n| {
            std::thread::sleep(Duration::from_millis(2)); // longer than one turn of reading
            let has_begun = |log: &Log| log.has(&format!("begun {}", n - 1));
            assert!(n == 0 || theirs.wait_for(Duration::from_secs(10), has_begun), "item {} waits for {n}", n - 1);
        });
        let job = Job::over(items).mode(Processes::new()).workers(workers).shared(&log);
        let outcome = job.run(|log: &Log, n: &usize| log.add(&format!("begun {n}"))).unwrap();
        assert_eq!(outcome.tally().succeeded, 12);
    });
}

/// Gives `first` items at once, and `None` when the drill lets it go, at the latest after a minute.
fn blocks_after(first: usize, go: Receiver<()>) -> impl Iterator<Item = usize> + Send {
    (0..first).chain(std::iter::from_fn(move || {
        let _ = go.recv_timeout(Duration::from_secs(60));
        None
    }))
}

fn results_are_delivered_while_the_iterator_blocks() {
    for_worker_counts(|workers| {
        let ((go, wait), began) = (channel(), Instant::now());
        let mut passed = 0;
        // The iterator returns only once the last result is here.
        let tally = over(blocks_after(7, wait), workers).map(|&n: &usize| n).for_each(|_, _| {
            passed += 1;
            if passed == 7 {
                go.send(()).unwrap();
            }
            Continue(())
        });
        assert_eq!((passed, tally.unwrap().succeeded), (7, 7));
        assert!(began.elapsed() < Duration::from_secs(20), "the iterator was waited for");
    });
}

fn a_time_limit_holds_while_the_iterator_blocks() {
    let ((go, wait), began) = (channel(), Instant::now());
    let mode = Processes::new().time_limit(Duration::from_millis(100));
    let job = Job::over(blocks_after(2, wait)).mode(mode).workers(2).chunk_size(1).on_failure(OnFailure::Continue);
    let work = job.map(|&n: &usize| {
        loop {
            match n {
                1 => std::thread::park(),
                _ => return,
            }
        }
    });
    let tally = work.for_each(|index, answer| {
        assert_eq!(answer.is_err_and(|failure| failure.is_time_limit()), index == 1);
        if index == 1 {
            go.send(()).unwrap();
        }
        Continue(())
    });
    assert_eq!(tally.unwrap().failed, 1);
    assert!(began.elapsed() < Duration::from_secs(20), "the iterator was waited for");
}

fn a_cancellation_ends_the_results_of_a_stream_while_the_iterator_blocks() {
    let ((go, wait), began) = (channel(), Instant::now());
    let cancel = CancelToken::new();
    let work = over(blocks_after(3, wait), 2).cancel_token(&cancel).map(|&n: &usize| n);
    let mut results = work.ordered().unwrap();
    assert!((0..3).all(|index| results.next().unwrap().unwrap() == (index, Ok(index))));
    cancel.cancel();
    assert!(results.next().is_none());
    assert!(began.elapsed() < Duration::from_secs(20), "the iterator was waited for");
    drop(go);
}

fn results_and_failures_come_at_once_from_an_iterator_that_is_slower_than_the_workers() {
    let (passed, has_passed) = channel();
    let came_late = &AtomicUsize::new(0);
    // Each item comes 300 ms after the result of the one before it was delivered. All others than item 1, which hangs until
    // its time is up, and whose failure comes before item 4.
    let items = (0..5_usize).inspect(move |&n| {
        let n_awaited = [0, 1, 0, 1, 2][n];
        for _ in 0..n_awaited {
            if has_passed.recv_timeout(Duration::from_secs(10)).is_err() {
                came_late.fetch_add(1, Ordering::SeqCst);
            }
        }
        std::thread::sleep(Duration::from_millis(300));
    });
    let mode = Processes::new().time_limit(Duration::from_millis(150));
    let job = Job::over(items).mode(mode).workers(8).on_failure(OnFailure::Continue);
    let work = job.map(|&n: &usize| {
        loop {
            match n {
                1 => std::thread::park(),
                n => return n,
            }
        }
    });
    let mut failed = Vec::new();
    let tally = work.for_each(|index, result| {
        failed.extend(result.err().map(|failure| (index, failure.is_time_limit())));
        let _ = passed.send(index);
        Continue(())
    });
    assert_eq!((tally.unwrap().succeeded, failed), (4, vec![(1, true)]));
    assert_eq!(came_late.load(Ordering::SeqCst), 0, "the iterator waited for results of earlier items in vain");
}

fn without_kept_threads_the_reading_thread_ends_with_its_call() {
    for name in ["threads", "io", "processes"] {
        let mode: AnyMode = name.parse().unwrap();
        // Of a stack size that no kept thread has, so that one that stayed would be new.
        let config = ParallelConfig::builder().keep_threads(false).thread_stack_size(3 << 20).build().unwrap();
        let work = || Job::over(0..40_u64).mode(mode).workers(2).map(triple as fn(&u64) -> u64);
        assert_no_leak("a call", || {
            let _config = override_parallel_config(config.clone());
            assert_eq!(work().run().unwrap().tally().succeeded, 40);
            assert_eq!(work().ordered().unwrap().count(), 40);
        });
    }
}

fn triple(n: &u64) -> u64 {
    n * 3
}
