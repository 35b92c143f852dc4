//! One item's failure is named, and takes no other item's answer with it.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::modes::for_every_way;
use manyhands::{Cause, Job, OnFailure, Threads, parallel_map, try_parallel_map};

#[test]
fn a_panicking_item_fails_alone() {
    let items: Vec<u32> = (0..50).collect();
    for_every_way(|way| {
        let outcome = way.job(&items).on_failure(OnFailure::Continue).run(|&n| assert_ne!(n, 5, "five")).unwrap();
        assert_eq!(outcome.failures().len(), 1);
        let failure = &outcome.failures()[0];
        assert_eq!((failure.index, failure.attempts), (5, 1));
        assert!(matches!(&failure.cause, Cause::Panic(message) if message.contains("five")), "{failure}");
        assert_eq!(outcome.tally().succeeded, 49);
        assert!(outcome.get(5).is_none() && outcome.get(6).is_some());
    });
}

#[test]
fn the_failure_with_the_lowest_index_is_returned_and_items_before_it_are_finished() {
    let items: Vec<usize> = (0..500).collect();
    for_every_way(|way| {
        let finished = AtomicUsize::new(0);
        let outcome = way
            .job(&items)
            .try_run(|&n| {
                if n >= 100 && n % 50 == 0 {
                    return Err(format!("bad {n}"));
                }
                if n < 100 {
                    finished.fetch_add(1, Ordering::Relaxed);
                }
                Ok(n)
            })
            .unwrap();
        assert_eq!(finished.into_inner(), 100, "{way:?}");
        assert_eq!(outcome.unfinished().collect::<Vec<_>>(), (101..500).collect::<Vec<_>>());
        let failure = outcome.into_result().unwrap_err().into_failure().unwrap();
        assert_eq!((failure.index, failure.cause), (100, Cause::Error("bad 100".to_owned())));
    });
}

#[test]
fn a_stop_really_stops() {
    let items: Vec<usize> = (0..1_000_000).collect();
    let started = AtomicUsize::new(0);
    let error = try_parallel_map(Threads, &items, |&n| {
        started.fetch_add(1, Ordering::Relaxed);
        if n == 10 { Err("ten") } else { Ok(()) }
    })
    .unwrap_err();
    assert_eq!(error.failure().unwrap().index, 10);
    assert!(started.into_inner() < 100_000);
}

#[test]
fn a_lone_worker_runs_nothing_after_the_failure_that_stops_it() {
    let items: Vec<usize> = (0..2000).collect();
    for_every_way(|way| {
        let started = AtomicUsize::new(0);
        let outcome = way
            .job(&items)
            .workers(1)
            .try_run(|&n| {
                started.fetch_add(1, Ordering::Relaxed);
                if n == 700 { Err(()) } else { Ok(()) }
            })
            .unwrap();
        assert_eq!((started.into_inner(), outcome.tally().succeeded), (701, 700), "{way:?}");
    });
}

#[test]
fn values_that_are_discarded_are_dropped_once_each() {
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Counted {
        fn new() -> Self {
            ALIVE.fetch_add(1, Ordering::SeqCst);
            Self
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            ALIVE.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let items: Vec<u32> = (0..2000).collect();
    for_every_way(|way| {
        for policy in [OnFailure::Stop, OnFailure::Continue, OnFailure::StopAfter(3)] {
            let outcome = way
                .job(&items)
                .on_failure(policy)
                .run(|&n| {
                    assert!(n % 400 != 399, "on purpose");
                    Counted::new()
                })
                .unwrap();
            assert_eq!(ALIVE.load(Ordering::SeqCst), outcome.tally().succeeded, "{way:?} {policy:?}");
            drop(outcome);
            assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
        }
        let caught = std::panic::catch_unwind(|| {
            let progress = manyhands::Progress::callback(|_| panic!("in the callback"));
            way.job(&items).progress(progress).run(|_| Counted::new())
        });
        assert!(caught.is_err());
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "{way:?}: a panicking callback loses no value");
    });
}

#[test]
fn a_failure_carries_its_key_and_how_long_it_took() {
    let outcome = Job::new(&["a", "b"])
        .key(|name| format!("channel {name}"))
        .on_failure(OnFailure::Continue)
        .try_run(|&name| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            if name == "b" { Err("flat") } else { Ok(()) }
        })
        .unwrap();
    let failure = &outcome.failures()[0];
    assert_eq!(failure.to_string(), "item 1 (\"channel b\") failed: flat");
    assert!(failure.elapsed >= std::time::Duration::from_millis(2));
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_fails_its_item_and_no_other() {
    struct Trap;
    impl Drop for Trap {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("sprung"));
        }
    }
    let items: Vec<u32> = (0..40).collect();
    for_every_way(|way| {
        let outcome = way
            .job(&items)
            .on_failure(OnFailure::Continue)
            .run(|&n| {
                if n == 9 {
                    std::panic::panic_any(Trap)
                }
            })
            .unwrap();
        assert_eq!((outcome.tally().succeeded, outcome.failures()[0].index), (39, 9), "{way:?}");
        let error = way.job(&items).worker_state(|| std::panic::panic_any(Trap)).run(|_: &mut (), n| *n).unwrap_err();
        assert!(error.is_worker_state());
    });
}

#[test]
fn a_panic_without_a_text_is_reported_as_such() {
    let error = parallel_map(Threads, &[1, 2, 3], |&n: &i32| std::panic::panic_any(n)).unwrap_err();
    assert_eq!(error.to_string(), "item 0 panicked: a panic without a message");
    assert!(error.is_panic() && error.is_item() && !error.is_config());
}

#[test]
fn results_name_every_item() {
    let results = Job::new(&[1, 0, 2, 3]).run(|n| 6 / n).unwrap().into_results();
    assert_eq!(results[0].as_ref().unwrap(), &6);
    assert!(results[1].as_ref().unwrap_err().is_panic());
    assert!(results[2].as_ref().unwrap_err().is_cancelled());
    assert_eq!(results[3].as_ref().unwrap_err().to_string(), "item 3 was not finished: the run ended before");
}
