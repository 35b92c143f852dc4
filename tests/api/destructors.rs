//! Destructors that panic: each costs the value that it belongs to, and the run says so in a warning.

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::task::{Context, Waker};
use std::time::Duration;

use manyhands::job::{FailureKind, Task};
use manyhands::{
    Cause, Error, ItemFailure, Job, LocalMode, OnFailure, ParallelExecutor, Progress, Retry, Serial, Threads, Work,
    try_parallel_map,
};

use crate::modes::{Way, for_every_way, my_turn};

/// Panics when it is dropped, if it is told to; counts those that are alive.
#[derive(Debug)]
struct Fragile<'a> {
    number: usize,
    breaks: bool,
    alive: &'a AtomicUsize,
}

impl<'a> Fragile<'a> {
    fn new(number: usize, breaks: bool, alive: &'a AtomicUsize) -> Self {
        alive.fetch_add(1, Ordering::SeqCst);
        Self { number, breaks, alive }
    }
}

impl Drop for Fragile<'_> {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
        if self.breaks {
            resume_unwind(Box::new(format!("{} broke", self.number))); // without the message of the panic hook
        }
    }
}

fn texts(warnings: &[Error]) -> Vec<String> {
    assert!(warnings.iter().all(Error::is_destructor));
    let mut texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

#[test]
fn items_of_a_stream_whose_destructors_panic_cost_no_result() {
    let alive = AtomicUsize::new(0);
    let items = || (0..200).map(|n| Fragile::new(n, [20, 21, 150].contains(&n), &alive));
    let expected = [150, 20, 21].map(|n| format!("the destructor of item {n} panicked: {n} broke"));
    for_every_way(|way| {
        let outcome = way.job_over(items()).window(4).run(|item| item.number).unwrap();
        assert_eq!(texts(outcome.warnings()), expected, "{way:?}");
        assert_eq!(outcome.into_result().unwrap(), (0..200).collect::<Vec<_>>(), "{way:?}");
        let mut delivered = 0;
        let error = way.job_over(items()).window(4).map(|item| item.number).for_each_ordered(|_, _| {
            delivered += 1;
            Continue(())
        });
        assert!(error.unwrap_err().is_destructor() && delivered == 200, "{way:?}: {delivered}");
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{way:?}");
    });
}

#[test]
fn items_are_named_by_their_index_also_where_others_were_finished_before() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        let items = (0..60).map(|n| Fragile::new(n, n % 10 == 3 || n % 10 == 4, &alive));
        let job = way.job_over(items).window(7).done_if(|item| item.number % 2 == 0);
        let outcome = job.run(|item| item.number).unwrap();
        let broken = (0..60).filter(|n| n % 10 == 3 || n % 10 == 4);
        let mut expected: Vec<String> =
            broken.map(|n| format!("the destructor of item {n} panicked: {n} broke")).collect();
        expected.sort();
        assert_eq!(texts(outcome.warnings()), expected, "{way:?}");
        assert_eq!((outcome.tally().succeeded, outcome.tally().done_before), (30, 30));
    });
}

#[test]
fn items_that_were_not_run_are_dropped_one_by_one() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        let items = (0..40).map(|n| Fragile::new(n, n % 2 == 1, &alive));
        let outcome = way.job_over(items).window(8).try_run(|item| if item.number == 3 { Err("no") } else { Ok(()) });
        let outcome = outcome.unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (3, 3), "{way:?}");
        assert!(texts(outcome.warnings()).contains(&"the destructor of item 1 panicked: 1 broke".to_owned()));
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{way:?}");
    });
}

#[test]
fn states_whose_destructors_panic_cost_no_result() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        let items: Vec<usize> = (0..50).collect();
        let outcome = way.job(&items).worker_state(|| Fragile::new(7, true, &alive)).run(|_, n| *n).unwrap();
        let warnings = texts(outcome.warnings());
        assert!(!warnings.is_empty() && warnings.len() <= way.workers, "{way:?}: {warnings:?}");
        assert_eq!(warnings[0], "the destructor of a worker's state panicked: 7 broke");
        assert_eq!(outcome.into_result().unwrap(), items, "{way:?}");
    });
}

#[test]
fn values_beyond_the_failure_that_stops_a_run_are_dropped_one_by_one() {
    let items: Vec<usize> = (0..40).collect();
    for is_delivered in [false, true] {
        let (alive, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let retry = Retry::times(1).only([FailureKind::Panic]);
        let job = Job::new(&items).workers(2).chunk_size(1);
        let job = if is_delivered { job.retry(retry) } else { job };
        // Item 0 fails when the other worker has done the last item, so all other values are discarded.
        let outcome = job.try_run(|&n| {
            if n == 0 {
                while done.load(Ordering::SeqCst) < 39 {
                    std::thread::yield_now();
                }
                return Err("stop");
            }
            done.fetch_add(1, Ordering::SeqCst);
            Ok(Fragile::new(n, n % 8 == 5, &alive))
        });
        let outcome = outcome.unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (0, 0));
        let expected =
            [13, 21, 29, 37, 5].map(|n| format!("the destructor of the value of item {n} panicked: {n} broke"));
        assert_eq!(texts(outcome.warnings()), expected, "delivered: {is_delivered}");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn the_error_of_an_attempt_that_is_retried_costs_nothing_else() {
    let alive = AtomicUsize::new(0);
    let items: Vec<usize> = (0..30).collect();
    for_every_way(|way| {
        let attempts = AtomicUsize::new(0);
        let work = way.job(&items).retry(Retry::times(2)).try_map(|&n| {
            if n == 11 && attempts.fetch_add(1, Ordering::SeqCst) < 2 {
                return Err(Fragile::new(n, true, &alive));
            }
            Ok(n)
        });
        let outcome = work.run().expect("the call has an outcome");
        let expected = ["the destructor of the error of item 11 panicked: 11 broke"; 2];
        assert_eq!(texts(outcome.warnings()), expected, "{way:?}");
        assert_eq!((outcome.tally().succeeded, outcome.tally().retries), (30, 2), "{way:?}");
    });
}

#[test]
fn an_iterator_whose_destructor_panics_costs_no_result() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        let held = Fragile::new(9, true, &alive);
        let items = (0..20).map(move |n| {
            let held = &held;
            n + held.number - 9
        });
        let outcome = way.job_over(items).run(|n| n + 1).unwrap();
        let expected = ["the destructor of the iterator over the items panicked: 9 broke"];
        assert_eq!(texts(outcome.warnings()), expected, "{way:?}");
        assert_eq!(outcome.into_result().unwrap(), (1..21).collect::<Vec<_>>());
    });
}

/// Gives an item, and another one when the first is dropped, which happens at the end of a run that ends with it.
fn one_and_a_late_one<'a>(held: Fragile<'a>, late_breaks: bool) -> impl Iterator<Item = Late<'a>> + Send {
    let (dropped, is_dropped) = channel();
    let mut dropped = Some(dropped);
    (0..2).map(move |n| {
        let held = &held;
        if n == 1 {
            is_dropped.recv_timeout(Duration::from_secs(60)).expect("the first item is dropped at the end of the run");
        }
        Late { _item: Fragile::new(n, n == 1 && late_breaks, held.alive), dropped: dropped.take() }
    })
}

/// An item that may say when it is dropped.
struct Late<'a> {
    _item: Fragile<'a>,
    dropped: Option<Sender<()>>,
}

impl Drop for Late<'_> {
    fn drop(&mut self) {
        self.dropped.take().map(|dropped| dropped.send(()));
    }
}

#[test]
fn what_an_iterator_gives_after_the_end_of_the_run_is_dropped_and_its_panic_named() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        if way.mode == LocalMode::Serial {
            return; // the iterator is not asked for a second item
        }
        for (item_breaks, iterator_breaks, expected) in [
            (true, false, "the destructor of item 1 panicked: 1 broke"),
            (true, true, "the destructor of item 1 panicked: 1 broke"),
            (false, true, "the destructor of the iterator over the items panicked: 9 broke"),
        ] {
            let items = one_and_a_late_one(Fragile::new(9, iterator_breaks, &alive), item_breaks);
            let mut n_passed = 0;
            let error = way.job_over(items).map(|_| ()).for_each(|_, _| {
                n_passed += 1;
                Break(())
            });
            let error = error.unwrap_err();
            assert!(error.is_destructor() && n_passed == 1, "{way:?}: {error}");
            assert_eq!(error.to_string(), expected, "{way:?}");
            assert_eq!(alive.load(Ordering::SeqCst), 0, "{way:?}: the run returns before all is dropped");
        }
    });
}

#[test]
fn what_an_iterator_gives_after_its_results_were_dropped_breaks_nothing() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    /// Says when the iterator is dropped, which comes last.
    struct Last(Sender<()>);
    impl Drop for Last {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    for mode in [LocalMode::Serial, LocalMode::Threads, LocalMode::IoThreads] {
        let ((go, wait), (last, is_over)) = (channel::<()>(), channel());
        let (last, held) = (Last(last), Fragile::new(9, true, &ALIVE));
        let items = (0..2).map(move |n| {
            let _held = (&held, &last);
            if n == 1 {
                wait.recv_timeout(Duration::from_secs(60)).expect("the test lets it go");
            }
            Fragile::new(n, n == 1, &ALIVE)
        });
        let mut results = Job::over(items).mode(mode).workers(2).map(|item| item.number).ordered().unwrap();
        assert_eq!(results.next().unwrap().unwrap(), (0, Ok(0)), "{mode}");
        drop(results);
        go.send(()).unwrap();
        is_over.recv_timeout(Duration::from_secs(50)).expect("the iterator is dropped when it returns");
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "{mode}");
    }
}

#[test]
fn a_panic_of_the_iterator_is_raised_though_items_that_were_read_break_too() {
    let alive = AtomicUsize::new(0);
    for_every_way(|way| {
        let items = (0..50).map(|n| match n {
            17 => resume_unwind(Box::new("no more")),
            n => Fragile::new(n, true, &alive),
        });
        let caught = catch_unwind(AssertUnwindSafe(|| way.job_over(items).run(|item| item.number)));
        assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "no more", "{way:?}");
        assert_eq!(alive.load(Ordering::SeqCst), 0, "{way:?}");
    });
}

#[test]
fn results_that_break_end_their_stream_as_others_do() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    let held = Arc::new(());
    for ordered in [false, true] {
        for taken in [0, 1, 9] {
            let theirs = Arc::clone(&held);
            let compute = move |&n: &usize| (Fragile::new(n, true, &ALIVE), Arc::strong_count(&theirs)).0;
            let work = Job::over(0_usize..).workers(2).window(6).on_failure(OnFailure::Continue).map(compute);
            let mut results = if ordered { work.ordered() } else { work.as_completed() }.unwrap();
            for _ in 0..taken {
                std::mem::forget(results.next());
            }
            drop(results);
            assert_eq!(ALIVE.swap(0, Ordering::SeqCst), taken, "all others are dropped, ordered: {ordered}");
            assert_eq!(Arc::strong_count(&held), 1, "the run has ended");
        }
    }
}

#[test]
fn a_handle_that_is_dropped_drops_its_results_one_by_one() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    let (done, is_done) = std::sync::mpsc::channel();
    let compute = move |&n: &usize| {
        done.send(n).unwrap_or_default(); // the test may be over
        Fragile::new(n, true, &ALIVE)
    };
    let mut handle = Job::over(0_usize..).workers(2).window(6).map(compute).spawn().unwrap();
    is_done.iter().take(4).for_each(drop);
    let mut context = Context::from_waker(Waker::noop());
    while !ALIVE.load(Ordering::SeqCst).ge(&12) {
        assert!(Pin::new(&mut handle).poll(&mut context).is_pending());
        std::thread::yield_now();
    }
    drop(handle);
    let is_over = || ALIVE.load(Ordering::SeqCst) == 0;
    while !is_over() {
        std::thread::yield_now(); // the run's thread ends by itself
    }
}

#[cfg(feature = "reports")]
#[test]
fn a_run_with_a_destructor_that_panicked_has_the_report_of_a_whole_run() {
    let (alive, folder) = (AtomicUsize::new(0), tempfile::tempdir().unwrap());
    let items = (0..20).map(|n| Fragile::new(n, n == 5, &alive));
    let work = Job::over(items).window(2).map(|item| item.number).report(manyhands::Report::at(folder.path()));
    assert!(work.for_each(|_, _| Continue(())).unwrap_err().is_destructor());
    let summary = std::fs::read_to_string(folder.path().join("summary.json")).unwrap();
    assert!(summary.contains(r#""ended_by": "last_item""#) && summary.contains(r#""succeeded": 20"#), "{summary}");
}

#[test]
fn closures_whose_captures_break_cost_no_result() {
    let alive = AtomicUsize::new(0);
    let fragile = |n| Fragile::new(n, true, &alive);
    let items: Vec<usize> = (0..20).collect();
    let expected = |n: usize| format!("the destructor of a closure of the job panicked: {n} broke");
    for_every_way(|way| {
        let held = fragile(1);
        let outcome = way
            .job(&items)
            .run(move |n| {
                let held = &held;
                n + held.number
            })
            .unwrap();
        assert_eq!(texts(outcome.warnings()), [expected(1)], "{way:?}");
        assert_eq!(outcome.into_result().unwrap(), (1..21).collect::<Vec<_>>());
        let held = fragile(2);
        let progress = Progress::callback(move |_| {
            let held = &held;
            assert_eq!(held.number, 2)
        });
        let outcome = way.job(&items).progress(progress).run(|n| *n).unwrap();
        assert_eq!(texts(outcome.warnings()), [expected(2)], "{way:?}");
        let held = fragile(3);
        let job = way.job_over(0..20).key(move |n| {
            let held = &held;
            (n + held.number).to_string()
        });
        let mut delivered = 0;
        let error = job
            .retry(Retry::times(1))
            .map(|n| *n)
            .for_each(|_, _| {
                delivered += 1;
                Continue(())
            })
            .unwrap_err();
        assert_eq!((error.to_string(), delivered), (expected(3), 20), "{way:?}");
    });
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn the_panic_of_a_callback_is_raised_though_its_captures_break_too() {
    let alive = AtomicUsize::new(0);
    let items: Vec<usize> = (0..20).collect();
    for_every_way(|way| {
        for is_delivered in [false, true] {
            let held = Fragile::new(1, true, &alive);
            let progress = Progress::callback(move |_| {
                let held = &held;
                resume_unwind(Box::new(held.number))
            });
            let job = way.job(&items).progress(progress);
            let job = if is_delivered { job.retry(Retry::times(1)) } else { job };
            let caught = catch_unwind(AssertUnwindSafe(|| job.run(|n| *n)));
            assert_eq!(*caught.unwrap_err().downcast::<usize>().unwrap(), 1, "{way:?}, delivered: {is_delivered}");
        }
    });
}

/// The closure that panics in a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Panics {
    Progress,
    /// The callback of `for_each`, or the loop over the results of a stream.
    Callback,
    Key,
}

/// How the results of a run are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Taken {
    Run,
    ForEach,
    ForEachOrdered,
    ForEachResult,
    ForEachResultOrdered,
    Ordered,
    AsCompleted,
    Future,
    AsyncResults,
}

const ALL_TAKEN: [Taken; 9] = [
    Taken::Run,
    Taken::ForEach,
    Taken::ForEachOrdered,
    Taken::ForEachResult,
    Taken::ForEachResultOrdered,
    Taken::Ordered,
    Taken::AsCompleted,
    Taken::Future,
    Taken::AsyncResults,
];

static ITEMS: [usize; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

type FragileResult = Result<Fragile<'static>, ItemFailure<Fragile<'static>>>;

/// Drops a result without a panic.
fn defuse(result: FragileResult) {
    match result.map_err(|failure| failure.cause) {
        Ok(mut value) | Err(Cause::Error(mut value)) => value.breaks = false,
        Err(cause) => panic!("{cause:?}"),
    }
}

/// Takes results in one of the ways, and panics at the third where `panics` is the callback.
fn take<K>(taken: Taken, panics: Panics, work: Work<'static, usize, LocalMode, K>)
where
    K: Task<usize, Output = Fragile<'static>, Error = Fragile<'static>> + Send + 'static,
    LocalMode: manyhands::Mode<usize, K>,
{
    let mut n_seen = 0;
    let mut see = |result| {
        defuse(result);
        n_seen += 1;
        if panics == Panics::Callback && n_seen == 3 {
            resume_unwind(Box::new(Panics::Callback));
        }
        Continue(())
    };
    let ended = match taken {
        Taken::Run => work.run().map(|_| ()).err(),
        Taken::ForEach => work.for_each(|_, result| see(result)).err(),
        Taken::ForEachOrdered => work.for_each_ordered(|_, result| see(result)).err(),
        Taken::ForEachResult => work.for_each_result(|delivered| see(delivered.result)).err(),
        Taken::ForEachResultOrdered => work.for_each_result_ordered(|delivered| see(delivered.result)).err(),
        Taken::Ordered | Taken::AsCompleted => {
            let results = if taken == Taken::Ordered { work.ordered() } else { work.as_completed() };
            for result in results.expect("the settings are valid") {
                assert!(see(result.expect("a result").1).is_continue());
            }
            None
        }
        Taken::Future => {
            let mut handle = work.spawn().expect("the settings are valid");
            let mut context = Context::from_waker(Waker::noop());
            while Pin::new(&mut handle).poll(&mut context).is_pending() {
                std::thread::yield_now();
            }
            None
        }
        Taken::AsyncResults => {
            let mut results = work.spawn().expect("the settings are valid").results();
            let mut context = Context::from_waker(Waker::noop());
            loop {
                match results.poll_next(&mut context) {
                    std::task::Poll::Ready(Some(result)) => {
                        assert!(see(result.expect("a result").1).is_continue())
                    }
                    std::task::Poll::Ready(None) => break None,
                    std::task::Poll::Pending => std::thread::yield_now(),
                }
            }
        }
    };
    panic!("the run has ended without the panic of a closure, with an error: {}", ended.is_some());
}

/// Runs a job of which one closure panics while all results break that were not handed out by then.
fn assert_its_panic_is_raised(way: Way, panics: Panics, taken: Taken, input: &str, alive: &'static AtomicUsize) {
    let job = if input == "stream" { way.job_over(0..12) } else { way.job(&ITEMS) };
    let job = if input == "delivered" { job.retry(Retry::times(1).only([FailureKind::Panic])) } else { job };
    let progress = move |snapshot: &manyhands::progress::Snapshot| {
        if panics == Panics::Progress && snapshot.done >= 6 {
            resume_unwind(Box::new(Panics::Progress));
        }
    };
    let key = move |_: &usize| match panics {
        Panics::Key => resume_unwind(Box::new(Panics::Key)),
        _ => String::new(),
    };
    let compute = move |&n: &usize| {
        let fragile = Fragile::new(n, true, alive);
        if [8, 9].contains(&n) { Err(fragile) } else { Ok(fragile) }
    };
    let job = job.on_failure(OnFailure::Continue).key(key).progress(Progress::callback(progress));
    let work = job.try_map(compute);
    let caught = catch_unwind(AssertUnwindSafe(|| take(taken, panics, work)));
    let what = format!("{way:?} {panics:?} {taken:?} {input}");
    let raised = *caught.unwrap_err().downcast::<Panics>().unwrap_or_else(|_| panic!("another panic: {what}"));
    assert_eq!(raised, panics, "{what}");
    while alive.load(Ordering::SeqCst) > 0 {
        std::thread::yield_now(); // the thread of a future ends by itself; a value that leaks hangs here
    }
}

#[test]
fn the_panic_of_a_closure_is_raised_though_results_that_were_not_handed_out_break() {
    let alive: &'static AtomicUsize = Box::leak(Box::default());
    for_every_way(|way| {
        if way.workers > 3 || way.mode == LocalMode::IoThreads && way.chunk_size > 1 {
            return; // enough ways
        }
        for taken in ALL_TAKEN {
            for input in ["slice", "delivered", "stream"] {
                for panics in [Panics::Progress, Panics::Callback, Panics::Key] {
                    if panics != Panics::Callback || ![Taken::Run, Taken::Future].contains(&taken) {
                        assert_its_panic_is_raised(way, panics, taken, input, alive);
                    }
                }
            }
        }
    });
}

#[test]
fn values_of_an_outcome_are_dropped_one_by_one_and_replace_no_error() {
    let alive = AtomicUsize::new(0);
    let items: Vec<usize> = (0..20).collect();
    let compute = |&n: &usize| {
        let fragile = Fragile::new(n, true, &alive);
        if n % 10 == 9 { Err(fragile) } else { Ok(fragile) }
    };
    let failed_item = |error: Error<Fragile<'_>>| {
        let failure = error.into_failure().expect("an item failed");
        let index = failure.index;
        defuse_error(failure);
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        index
    };
    for is_delivered in [false, true] {
        let run = || {
            let job = Job::new(&items).workers(3).on_failure(OnFailure::Continue);
            let job = if is_delivered { job.retry(Retry::times(1).only([FailureKind::Panic])) } else { job };
            job.try_run(compute).expect("the call has an outcome")
        };
        drop(run());
        assert_eq!(alive.load(Ordering::SeqCst), 0, "delivered: {is_delivered}");
        assert_eq!(failed_item(run().into_result().expect_err("items failed")), 9);
        let options = run().into_options();
        assert_eq!(alive.load(Ordering::SeqCst), 18, "the program has the values, and no failure is left");
        options.into_iter().flatten().for_each(|mut value| value.breaks = false);
    }
    assert_eq!(failed_item(try_parallel_map(Threads, &items, compute).expect_err("items failed")), 9);
    assert_eq!(failed_item(try_parallel_map(Serial, &items, compute).expect_err("items failed")), 9);
    let panics_at_9 = |&n: &usize| match n {
        9 => resume_unwind(Box::new("nine")),
        n => Fragile::new(n, true, &alive),
    };
    let executor = ParallelExecutor::default();
    for error in [
        executor.map_threads(&items, panics_at_9).err(),
        executor.map_with_progress(&items, panics_at_9, |_, _| {}).err(),
    ] {
        assert_eq!(error.expect("an item failed").to_string(), "item 9 panicked: nine");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    }
    let caught = catch_unwind(AssertUnwindSafe(|| {
        executor.map_with_progress(&items, |&n| Fragile::new(n, true, &alive), |_, _| resume_unwind(Box::new("show")))
    }));
    assert_eq!(*caught.err().unwrap().downcast::<&str>().unwrap(), "show");
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

fn defuse_error(failure: ItemFailure<Fragile<'_>>) {
    match failure.cause {
        Cause::Error(mut value) => value.breaks = false,
        cause => panic!("{cause:?}"),
    }
}

#[test]
fn an_error_of_the_call_is_returned_though_values_and_closures_break() {
    let _turn = my_turn();
    let alive = AtomicUsize::new(0);
    let items: Vec<usize> = (0..20).collect();
    for is_delivered in [false, true] {
        let (n_states, n_values) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (states, values, alive_now) = (&n_states, &n_values, &alive);
        let [in_state, in_function, in_key] = [1, 2, 3].map(|n| Fragile::new(n, true, &alive));
        // The second worker has no state, once the first has made three values; then the first goes on.
        let make_state = move || {
            let _held = &in_state;
            if states.fetch_add(1, Ordering::SeqCst) == 0 {
                return Ok(());
            }
            while values.load(Ordering::SeqCst) < 3 {
                std::thread::yield_now();
            }
            Err("no state")
        };
        let compute = move |(): &mut (), &n: &usize| {
            let _held = &in_function;
            while values.load(Ordering::SeqCst) >= 3 && states.load(Ordering::SeqCst) < 2 {
                std::thread::yield_now();
            }
            values.fetch_add(1, Ordering::SeqCst);
            Fragile::new(n, true, alive_now)
        };
        let job = Job::new(&items).workers(2).chunk_size(1).key(move |n| {
            let held = &in_key;
            (n + held.number).to_string()
        });
        let job = if is_delivered { job.retry(Retry::times(1).only([FailureKind::Panic])) } else { job };
        let error = job.try_worker_state(make_state).run(compute).expect_err("a state is missing");
        assert!(error.to_string().contains("no state"), "{error}");
        assert_eq!(alive.load(Ordering::SeqCst), 0, "delivered: {is_delivered}");
    }
    let [in_function, in_key, in_progress] = [1, 2, 3].map(|n| Fragile::new(n, true, &alive));
    let job = Job::new(&items).chunk_size(0).progress(Progress::callback(move |_| _ = &in_progress));
    let job = job.key(move |n| {
        let held = &in_key;
        (n + held.number).to_string()
    });
    let refused = job.run(move |n| {
        let held = &in_function;
        n + held.number
    });
    assert!(refused.unwrap_err().is_config());
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

#[test]
fn closures_that_all_break_are_a_warning_each() {
    let alive = AtomicUsize::new(0);
    let items: Vec<usize> = (0..20).collect();
    let expected = |n: usize| format!("the destructor of a closure of the job panicked: {n} broke");
    for_every_way(|way| {
        let [shared, in_state, in_function, in_key, in_progress] =
            [1, 2, 3, 4, 5].map(|n| Fragile::new(n, true, &alive));
        let job = way.job(&items).shared(Box::new(shared)).worker_state(move |shared: &Fragile<'_>| {
            let held = &in_state;
            shared.number + held.number
        });
        let job = job.progress(Progress::callback(move |_| _ = &in_progress));
        let job = job.key(move |n| {
            let held = &in_key;
            (n + held.number).to_string()
        });
        let outcome = job.run(move |state, n| {
            let held = &in_function;
            n + *state + held.number
        });
        let outcome = outcome.unwrap();
        assert_eq!(texts(outcome.warnings()), [1, 2, 3, 4, 5].map(expected), "{way:?}");
        assert_eq!(outcome.into_result().unwrap(), (6..26).collect::<Vec<_>>());
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn callbacks_whose_captures_break_get_all_results() {
    let (alive, n_seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let items: Vec<usize> = (0..20).collect();
    let expected = "the destructor of a closure of the job panicked: 7 broke";
    for_every_way(|way| {
        let see = || {
            let (held, n_seen) = (Fragile::new(7, true, &alive), &n_seen);
            move || {
                let held = &held;
                n_seen.fetch_add(held.number, Ordering::SeqCst);
                Continue(())
            }
        };
        let [one, two, three, four] = [see(), see(), see(), see()];
        let work = || way.job(&items).map(|n| *n);
        for error in [
            work().for_each(move |_, _| one()).unwrap_err(),
            work().for_each_ordered(move |_, _| two()).unwrap_err(),
            work().for_each_result(move |_| three()).unwrap_err(),
            work().for_each_result_ordered(move |_| four()).unwrap_err(),
        ] {
            assert!(error.is_destructor() && error.to_string() == expected, "{way:?}: {error}");
        }
        assert_eq!(n_seen.swap(0, Ordering::SeqCst), 4 * 7 * 20, "{way:?}");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
    });
}
