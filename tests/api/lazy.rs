//! Items that come one after another, in every mode.

use std::cell::Cell;
use std::collections::HashSet;
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use manyhands::config::{override_parallel_config, parallel_config};
use manyhands::{CancelToken, Job, LocalMode, OnFailure, ParallelConfig, Progress, Retry};

use crate::modes::{Way, for_every_way, my_turn};

#[test]
fn more_items_than_a_window_come_and_each_is_delivered_once() {
    for window in [1, 2, 10, 99, 100, 101] {
        for_every_way(|way| {
            for ordered in [false, true] {
                let mut seen = Vec::new();
                let mut take = |index, answer: Result<usize, _>| {
                    seen.push((index, answer.unwrap()));
                    Continue(())
                };
                let work = way.job_over(0..100_usize).window(window).map(|&n| n * 3);
                let tally = if ordered { work.for_each_ordered(&mut take) } else { work.for_each(&mut take) }.unwrap();
                assert!(!ordered || seen.is_sorted(), "{way:?}");
                seen.sort_unstable();
                assert_eq!(seen, (0..100).map(|n| (n, n * 3)).collect::<Vec<_>>(), "{way:?}, window {window}");
                assert_eq!((tally.items, tally.succeeded, tally.cancelled), (100, 100, 0));
            }
            let values = way.job_over(0..100_usize).window(window).run(|&n| n * 3).unwrap().into_result().unwrap();
            assert_eq!(values, (0..100).map(|n| n * 3).collect::<Vec<_>>());
        });
    }
}

#[test]
fn no_items_at_all_are_no_trouble() {
    for_every_way(|way| {
        let outcome = way.job_over(std::iter::empty::<u8>()).run(|&n| n).unwrap();
        assert!(outcome.is_empty() && outcome.is_complete(), "{way:?}");
    });
}

#[test]
fn an_iterator_that_panics_ends_the_run_with_its_panic() {
    for_every_way(|way| {
        for at in [0, 1, 5, 40] {
            let mut seen = HashSet::new();
            let items = (0..50).inspect(|&n| assert_ne!(n, at, "in the iterator"));
            let work = way.job_over(items).window(3).map(|&n| n);
            let caught = catch_unwind(AssertUnwindSafe(|| {
                work.for_each(|index, _| {
                    assert!(seen.insert(index));
                    Continue(())
                })
            }));
            let payload = caught.unwrap_err();
            assert!(payload.downcast_ref::<String>().unwrap().contains("in the iterator"), "{way:?}");
            assert!(seen.iter().all(|&index| index < at));
        }
    });
}

/// Counts how often it is asked.
fn counted(asked: &AtomicUsize) -> impl Iterator<Item = usize> {
    (0..).inspect(|_| _ = asked.fetch_add(1, Ordering::SeqCst))
}

#[test]
fn an_endless_iterator_is_asked_no_more_than_a_window_ahead() {
    for_every_way(|way| {
        for ordered in [false, true] {
            let (asked, passed) = (AtomicUsize::new(0), Cell::new(0));
            let work = way.job_over(counted(&asked)).window(20).map(|&n| n);
            let mut take = |_, _: Result<usize, _>| {
                let asked = asked.load(Ordering::SeqCst);
                assert!(asked <= passed.get() + 20, "{asked} asked, {} passed", passed.get());
                passed.set(passed.get() + 1);
                if passed.get() == 300 { Break(()) } else { Continue(()) }
            };
            let tally = if ordered { work.for_each_ordered(&mut take) } else { work.for_each(&mut take) }.unwrap();
            assert_eq!((passed.get(), tally.succeeded), (300, 300), "{way:?}");
        }
    });
}

#[test]
fn once_a_failure_has_ended_the_run_nothing_more_is_asked_for() {
    for_every_way(|way| {
        // All within one window, so that nothing but the failure ends the asking. What lies before it has come.
        let items = (0..10).chain(std::iter::from_fn(|| panic!("asked for more")));
        let items = items.take_while(|_| true);
        let mut reached = Vec::new();
        let work = way.job_over(items).window(10).try_map(|&n: &usize| if n == 0 { Err("stop") } else { Ok(n) });
        let tally = work.for_each_ordered(|index, answer| {
            reached.push((index, answer.is_ok()));
            Continue(())
        });
        assert_eq!((reached, tally.unwrap().failed), (vec![(0, false)], 1), "{way:?}");
    });
}

#[test]
fn a_stop_gives_what_a_plain_loop_gives() {
    for_every_way(|way| {
        for (policy, last) in [(OnFailure::Stop, 13), (OnFailure::StopAfter(3), 33)] {
            let compute = |&n: &usize| if n % 10 == 3 && n > 5 { Err(n) } else { Ok(n) };
            let outcome = way.job_over(0..).window(16).on_failure(policy).try_run(compute).unwrap();
            let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
            assert_eq!(failed, (13..=last).step_by(10).collect::<Vec<_>>(), "{way:?} {policy:?}");
            let done: Vec<usize> = outcome.iter().map(|(_, &n)| n).collect();
            assert_eq!(done, (0..last).filter(|n| n % 10 != 3 || *n < 5).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_cancelled_run_over_an_endless_iterator_ends() {
    for_every_way(|way| {
        let cancel = CancelToken::new();
        let outcome = way.job_over(0..).window(9).cancel_token(&cancel).run(|&n: &usize| {
            if n == 100 {
                cancel.cancel();
            }
            n
        });
        let outcome = outcome.unwrap();
        assert!(outcome.len() >= 100 && outcome.iter().all(|(index, &n)| index == n), "{way:?}");
    });
}

#[test]
fn a_run_that_ends_before_its_input_is_never_taken_for_a_whole_one() {
    for_every_way(|way| {
        // The window lets each item in when the one before it is done, so that none is unfinished when the run ends.
        let cancel = CancelToken::new();
        let job = || way.job_over(0..6).window(1).chunk_size(1);
        let outcome = job().cancel_token(&cancel).run(|&n: &usize| {
            if n == 2 {
                cancel.cancel();
            }
            n
        });
        let outcome = outcome.unwrap();
        assert!((3..6).contains(&outcome.len()) && outcome.iter().count() == 3, "{way:?}: {outcome:?}");
        assert!(outcome.tally().is_cut_short && !outcome.is_complete(), "{way:?}");
        let error = outcome.into_result().unwrap_err();
        assert!(
            error.failure().is_some_and(|failure| failure.index == 3 && failure.is_cancelled()),
            "{way:?}: {error}"
        );

        let tally = job().map(|&n: &usize| n).for_each(|index, _| if index == 2 { Break(()) } else { Continue(()) });
        assert!(tally.unwrap().is_cut_short, "{way:?}");
        let stopped = job().try_run(|&n: &usize| if n == 2 { Err(n) } else { Ok(n) }).unwrap();
        assert!(stopped.tally().is_cut_short && stopped.len() == 3, "{way:?}: {stopped:?}");
        let whole = job().run(|&n: &usize| n).unwrap();
        assert!(!whole.tally().is_cut_short && whole.is_complete() && whole.into_result().is_ok(), "{way:?}");
    });
}

#[test]
fn one_slow_item_keeps_no_others_in_memory() {
    let _turn = my_turn();
    // Item 0 goes on when the callback has seen thousands of others; how many items are alive then is bounded all the same.
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    struct Counted(usize);
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (go_on, may_go_on) = channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let items = (0..20_000).map(|n| {
        MOST.fetch_max(ALIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Counted(n)
    });
    let mut passed = 0;
    let work = Job::over(items).workers(2).window(50).map(|item| {
        if item.0 == 0 {
            may_go_on.lock().unwrap().recv().unwrap();
        }
    });
    work.for_each(|_, _| {
        passed += 1;
        if passed == 19_000 {
            go_on.send(()).unwrap();
        }
        Continue(())
    })
    .unwrap();
    assert_eq!((passed, ALIVE.load(Ordering::SeqCst)), (20_000, 0));
    assert!(MOST.load(Ordering::SeqCst) <= 200, "{} at a time", MOST.load(Ordering::SeqCst));
}

#[test]
fn progress_learns_the_total_and_ends_at_it() {
    for_every_way(|way| {
        for ordered in [false, true] {
            let mut last = None;
            let progress = Progress::callback(|snapshot| last = Some((snapshot.done, snapshot.total)));
            let job = way.job_over(0..100_usize).window(30).progress(progress).done_if(|n| n % 3 == 0);
            let work = job.map(|&n| n);
            let pass = |_, _| Continue(());
            let tally = if ordered { work.for_each_ordered(pass) } else { work.for_each(pass) }.unwrap();
            assert_eq!((tally.done_before, tally.succeeded, tally.items), (34, 66, 100));
            assert_eq!(last, Some((100, 100)), "{way:?}, ordered: {ordered}");
        }
    });
}

#[test]
fn results_dropped_early_end_the_work_and_its_threads() {
    let alive = Arc::new(());
    for workers in [1, 2, 7] {
        for ordered in [false, true] {
            let held = Arc::clone(&alive);
            let work = Job::over(0_usize..).workers(workers).window(5).map(move |&n| (n, Arc::strong_count(&held)).0);
            let mut answers = if ordered { work.ordered() } else { work.as_completed() }.unwrap();
            assert!(answers.by_ref().take(20).all(|answer| answer.unwrap().1.is_ok()));
            drop(answers);
            assert_eq!(Arc::strong_count(&alive), 1, "the function is gone with its threads' use of it");
        }
    }
}

#[test]
fn a_future_has_the_outcome_that_a_run_has() {
    let _turn = my_turn();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for window in [1, 7, 1000] {
        let work = || {
            // Where there is room, item 9 is done before item 3 fails.
            let (done, is_done) = channel();
            let (done, is_done) = (Mutex::new(Some(done)), Mutex::new(is_done));
            let compute = move |&n: &usize| match n {
                3 if window > 6 => is_done.lock().unwrap().recv().map_or(Err(n), |()| Err(n)),
                3 => Err(n),
                9 => Ok(done.lock().unwrap().take().map_or(n, |_| n)),
                n => Ok(n),
            };
            Job::over(0..200_usize).workers(3).chunk_size(1).window(window).try_map(compute)
        };
        let expected = work().run().unwrap();
        let outcome = runtime.block_on(work().spawn().unwrap()).unwrap();
        let failures = |outcome: &manyhands::Outcome<usize, usize>| -> Vec<usize> {
            outcome.failures().iter().map(|failure| failure.index).collect()
        };
        assert_eq!(failures(&outcome), failures(&expected));
        assert!(outcome.iter().eq(expected.iter()), "values beyond the failure are dropped");
    }
}

/// Gives `first` items at once, and `None` when the test lets it go, at the latest after a minute.
fn blocks_after(first: usize, go: Receiver<()>) -> impl Iterator<Item = usize> + Send {
    (0..first).chain(std::iter::from_fn(move || {
        let _ = go.recv_timeout(Duration::from_secs(60));
        None
    }))
}

/// [`for_every_way`] where the iterator is read in a thread of its own.
fn for_every_way_with_a_reader(mut check: impl FnMut(Way)) {
    for_every_way(|way| {
        if way.mode != LocalMode::Serial && [0, 5].contains(&way.chunk_size) {
            check(way);
        }
    });
}

/// [`blocks_after`], which says when it blocks.
fn blocks_and_says_so(first: usize, go: Receiver<()>) -> (impl Iterator<Item = usize> + Send, Blocks) {
    let (blocks, is_blocked) = channel();
    let (mut items, mut n_asked) = (blocks_after(first, go), 0);
    let items = std::iter::from_fn(move || {
        n_asked += 1;
        if n_asked > first {
            let _ = blocks.send(());
        }
        items.next()
    });
    (items, Blocks(Mutex::new(is_blocked)))
}

/// Lets an item wait until the iterator blocks.
struct Blocks(Mutex<Receiver<()>>);

impl Blocks {
    fn wait(&self) {
        let received = self.0.lock().unwrap().recv_timeout(Duration::from_secs(20));
        received.expect("the iterator is asked for more while this item is under way");
    }
}

#[test]
fn results_are_delivered_while_the_iterator_blocks() {
    for_every_way_with_a_reader(|way| {
        for ordered in [false, true] {
            let (go, wait) = channel();
            let (items, blocks) = blocks_and_says_so(7, wait);
            let (mut passed, began) = (0, Instant::now());
            let work = way.job_over(items).map(|&n| {
                if n == 6 {
                    blocks.wait()
                }
            });
            // The iterator returns only once the last result is here.
            let take = |_, _: Result<(), _>| {
                passed += 1;
                if passed == 7 {
                    go.send(()).unwrap();
                }
                Continue(())
            };
            let tally = if ordered { work.for_each_ordered(take) } else { work.for_each(take) }.unwrap();
            assert_eq!((passed, tally.succeeded), (7, 7), "{way:?}");
            assert!(began.elapsed() < Duration::from_secs(50), "{way:?}: the iterator was waited for");
        }
    });
}

#[test]
fn a_break_of_the_callback_ends_the_run_when_the_iterator_returns() {
    for_every_way_with_a_reader(|way| {
        let (go, wait) = channel();
        let (items, blocks) = blocks_and_says_so(3, wait);
        let work = way.job_over(items).map(|&n| {
            if n == 2 {
                blocks.wait()
            }
        });
        let tally = work.for_each_ordered(|index, _| {
            if index < 2 {
                return Continue(());
            }
            go.send(()).unwrap();
            Break(())
        });
        assert_eq!(tally.unwrap().succeeded, 3, "{way:?}");
    });
}

#[test]
fn a_cancellation_ends_the_results_of_a_stream_while_the_iterator_blocks() {
    // In serial mode, too: a stream reads its iterator in a thread that owns it, in every mode.
    for_every_way(|way| {
        let (go, wait) = channel();
        let cancel = CancelToken::new();
        let began = Instant::now();
        let work = way.job_over(blocks_after(4, wait)).cancel_token(&cancel).map(|&n| n);
        let mut results = work.ordered().unwrap();
        for index in 0..4 {
            assert_eq!(results.next().unwrap().unwrap(), (index, Ok(index)), "{way:?}");
        }
        cancel.cancel();
        assert!(results.next().is_none(), "{way:?}");
        assert_eq!(results.tally().unwrap().succeeded, 4);
        assert!(began.elapsed() < Duration::from_secs(50), "{way:?}: the iterator was waited for");
        drop(go);
    });
}

#[test]
fn results_are_dropped_at_once_while_the_iterator_blocks() {
    /// Tells when it is dropped.
    struct Told(Sender<()>);
    impl Drop for Told {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    for_every_way_with_a_reader(|way| {
        let ((go, wait), (told, dropped), began) = (channel(), channel(), Instant::now());
        let told = Told(told);
        let items = blocks_after(1, wait).inspect(move |_| _ = &told);
        let mut results = way.job_over(items).map(|&n| n).as_completed().unwrap();
        assert_eq!(results.next().unwrap().unwrap(), (0, Ok(0)));
        drop(results);
        assert!(began.elapsed() < Duration::from_secs(50), "{way:?}: the iterator was waited for");
        assert!(dropped.try_recv().is_err(), "{way:?}: the iterator is called, so it is alive");
        drop(go);
        dropped.recv_timeout(Duration::from_secs(50)).expect("the iterator is dropped when it returns");
    });
}

#[test]
fn in_serial_mode_the_iterator_is_read_in_the_calling_thread() {
    let here = std::thread::current().id();
    let items = (0..9).inspect(|_| assert_eq!(std::thread::current().id(), here));
    let outcome = Job::over(items).mode(LocalMode::Serial).run(|&n: &usize| n).unwrap();
    assert_eq!(outcome.tally().succeeded, 9);
}

#[test]
fn in_serial_mode_each_item_is_delivered_before_the_next_one_is_asked_for() {
    for ordered in [false, true] {
        let passed = AtomicUsize::new(0);
        let items = (0..200).inspect(|&n| assert_eq!(passed.load(Ordering::SeqCst), n, "asked for too early"));
        let take = |_, _: Result<usize, _>| {
            passed.fetch_add(1, Ordering::SeqCst);
            Continue(())
        };
        let work = Job::over(items).mode(LocalMode::Serial).map(|&n: &usize| n);
        let tally = if ordered { work.for_each_ordered(take) } else { work.for_each(take) }.unwrap();
        assert_eq!(tally.succeeded, 200);
    }
}

#[test]
fn in_serial_mode_items_go_on_while_another_one_waits_to_be_tried_again() {
    let retry = Retry::times(1).backoff(Duration::from_millis(700));
    let n_tries = AtomicUsize::new(0);
    let mut order = Vec::new();
    let work = Job::over(0..200_usize)
        .mode(LocalMode::Serial)
        .retry(retry)
        .try_map(|&n| if n == 0 && n_tries.fetch_add(1, Ordering::SeqCst) == 0 { Err("not yet") } else { Ok(n) });
    let tally = work.for_each(|index, result| {
        assert!(result.is_ok());
        order.push(index);
        Continue(())
    });
    assert_eq!(tally.unwrap().succeeded, 200);
    assert_eq!(order.last(), Some(&0), "all others were quicker than the wait of the first item: {order:?}");
}

#[test]
fn a_callback_that_breaks_or_panics_is_dropped_before_the_run_waits_for_the_iterator() {
    for_every_way_with_a_reader(|way| {
        for panics in [false, true] {
            let (sender, receiver) = channel();
            sender.send(0_usize).unwrap();
            let work = way.job_over(receiver.into_iter()).map(|&n: &usize| n);
            let mut n_results = 0;
            let run = AssertUnwindSafe(|| {
                work.for_each(move |_, result| {
                    sender.send(result.unwrap() + 1).unwrap();
                    n_results += 1;
                    assert!(n_results < 5 || !panics, "on purpose");
                    if n_results < 5 { Continue(()) } else { Break(()) }
                })
            });
            match catch_unwind(run) {
                Ok(tally) => assert!(!panics && tally.unwrap().succeeded >= 5),
                Err(_) => assert!(panics),
            }
        }
    });
}

#[test]
fn an_iterator_sees_the_config_of_the_call() {
    let config = ParallelConfig::builder().max_workers_cpu(9).build().unwrap();
    let _config = override_parallel_config(config.clone());
    let items = (0..5).inspect(|_| assert_eq!(parallel_config(), config));
    assert_eq!(Job::over(items).workers(2).run(|&n: &usize| n).unwrap().tally().succeeded, 5);
}

#[test]
fn what_came_is_delivered_before_the_iterator_must_go_on() {
    for_every_way_with_a_reader(|way| {
        for ordered in [false, true] {
            let (passed, has_passed) = channel();
            let is_late = &AtomicBool::new(false);
            // Each item but the first comes once the result of the one before it was delivered.
            let items = (0..6_usize).inspect(move |&n| {
                if n > 0 && has_passed.recv_timeout(Duration::from_secs(10)) != Ok(n - 1) {
                    is_late.store(true, Ordering::SeqCst);
                }
            });
            let take = |index, _: Result<usize, _>| {
                passed.send(index).unwrap();
                Continue(())
            };
            let work = way.job_over(items).map(|&n| n);
            let tally = if ordered { work.for_each_ordered(take) } else { work.for_each(take) }.unwrap();
            assert_eq!((tally.succeeded, is_late.load(Ordering::SeqCst)), (6, false), "{way:?}, ordered: {ordered}");
        }
    });
}

#[test]
fn a_cancelled_run_ends_when_its_iterator_returns_and_asks_for_nothing_beyond_its_window() {
    for_every_way_with_a_reader(|way| {
        let ((go, wait), cancel) = (channel(), CancelToken::new());
        let (asked, mut passed) = (AtomicUsize::new(0), 0);
        let (items, blocks) = blocks_and_says_so(3, wait);
        let items = items.chain(3..100).inspect(|_| _ = asked.fetch_add(1, Ordering::SeqCst));
        let work = way.job_over(items).window(4).cancel_token(&cancel).map(|&n| {
            if n == 2 {
                blocks.wait()
            }
        });
        let tally = work.for_each(|_, _| {
            passed += 1;
            if passed == 3 {
                cancel.cancel();
                go.send(()).unwrap();
            }
            Continue(())
        });
        let (tally, asked) = (tally.unwrap(), asked.load(Ordering::SeqCst));
        assert!((3..=7).contains(&tally.succeeded) && tally.is_cut_short, "{way:?}: {tally:?}");
        assert!(asked <= 7, "{way:?}: {asked} items were asked for");
    });
}

#[test]
fn a_future_is_done_while_the_iterator_of_its_cancelled_run_blocks() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for_every_way_with_a_reader(|way| {
        let ((go, wait), cancel, began) = (channel(), CancelToken::new(), Instant::now());
        let theirs = cancel.clone();
        let (items, blocks) = blocks_and_says_so(3, wait);
        let work = way.job_over(items).cancel_token(&cancel).map(move |&n| {
            if n == 2 {
                blocks.wait();
                theirs.cancel();
            }
            n
        });
        let outcome = runtime.block_on(work.spawn().unwrap()).unwrap();
        assert!(outcome.iter().all(|(index, &n)| index == n) && outcome.tally().is_cut_short, "{way:?}");
        assert!(began.elapsed() < Duration::from_secs(50), "{way:?}: the iterator was waited for");
        drop(go);
    });
}

#[test]
fn a_panic_of_the_iterator_is_raised_where_the_results_of_a_stream_are_taken() {
    for_every_way(|way| {
        for at in [0, 1, 40] {
            let items = (0..50).inspect(move |&n| assert_ne!(n, at, "in the iterator"));
            let mut results = way.job_over(items).window(3).map(|&n| n).ordered().unwrap();
            let mut n_passed = 0;
            let caught = loop {
                match catch_unwind(AssertUnwindSafe(|| results.next())) {
                    Ok(result) => assert_eq!(result.unwrap().unwrap(), (n_passed, Ok(n_passed))),
                    Err(payload) => break payload,
                }
                n_passed += 1;
            };
            assert!(caught.downcast_ref::<String>().unwrap().contains("in the iterator"), "{way:?}");
            assert!(n_passed <= at && results.next().is_none(), "{way:?}: {n_passed} results before {at}");
        }
    });
}

#[test]
fn a_panic_of_the_iterator_after_the_end_of_the_run_ends_nothing() {
    /// A payload that cannot be dropped without a panic.
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            resume_unwind(Box::new("the payload broke"));
        }
    }
    for_every_way_with_a_reader(|way| {
        let (go, wait) = channel();
        let has_panicked = &AtomicBool::new(false);
        let items = Announces::one(go).chain(std::iter::from_fn(move || {
            wait.recv_timeout(Duration::from_secs(60)).expect("the run drops its item when it has ended");
            has_panicked.store(true, Ordering::SeqCst);
            resume_unwind(Box::new(Fragile))
        }));
        let tally = way.job_over(items).map(|_| ()).for_each(|_, _| Break(())).unwrap();
        assert_eq!((tally.succeeded, tally.is_cut_short), (1, true), "{way:?}");
        assert!(has_panicked.load(Ordering::SeqCst), "{way:?}: the run waits for the iterator that it borrows");
    });
}

/// An item that says when it is dropped.
struct Announces(Sender<()>);

impl Announces {
    fn one(dropped: Sender<()>) -> impl Iterator<Item = Self> + Send {
        std::iter::once(Self(dropped))
    }
}

impl Drop for Announces {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
