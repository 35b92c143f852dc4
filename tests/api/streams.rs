//! Results delivered as they finish, or in order, without keeping them.

use std::ops::ControlFlow::{Break, Continue};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use crate::modes::{for_every_way, my_turn};
use manyhands::{Job, OnFailure};

#[test]
fn every_result_is_delivered_once() {
    let items: Vec<usize> = (0..700).collect();
    for_every_way(|way| {
        let mut seen = vec![0; items.len()];
        let tally = way
            .job(&items)
            .on_failure(OnFailure::Continue)
            .try_map(|&n| if n % 10 == 3 { Err(n) } else { Ok(n) })
            .for_each(|index, answer| {
                seen[index] += 1;
                match answer {
                    Ok(value) => assert_eq!(value, index),
                    Err(failure) => assert_eq!((failure.index, failure.error()), (index, Some(&index))),
                }
                Continue(())
            })
            .unwrap();
        assert!(seen.iter().all(|&count| count == 1), "{way:?}");
        assert_eq!((tally.succeeded, tally.failed, tally.cancelled), (630, 70, 0));
    });
}

#[test]
fn an_ordered_stream_is_in_order_also_with_a_cost_hint() {
    let items: Vec<u64> = (0..700).map(|n| n * 31 % 97).collect();
    for_every_way(|way| {
        for by_cost in [false, true] {
            let job = way.job(&items).window(40);
            let job = if by_cost { job.cost(|&n| n) } else { job };
            let mut next = 0;
            job.map(|&n| n)
                .for_each_ordered(|index, answer| {
                    assert_eq!((index, answer.unwrap()), (next, items[next]));
                    next += 1;
                    Continue(())
                })
                .unwrap();
            assert_eq!(next, items.len());
        }
    });
}

#[test]
fn an_ordered_stream_delivers_what_serial_delivers_up_to_the_failure() {
    let items: Vec<usize> = (0..300).collect();
    for_every_way(|way| {
        let mut delivered = Vec::new();
        let tally = way
            .job(&items)
            .try_map(|&n| if n == 111 || n == 205 { Err(()) } else { Ok(n) })
            .for_each_ordered(|index, answer| {
                delivered.push((index, answer.is_ok()));
                Continue(())
            })
            .unwrap();
        let expected: Vec<_> = (0..112).map(|idx| (idx, idx != 111)).collect();
        assert_eq!(delivered, expected, "{way:?}");
        assert_eq!((tally.succeeded, tally.failed, tally.cancelled), (111, 1, 188));
    });
}

#[test]
fn a_failure_far_ahead_takes_no_earlier_result_with_it() {
    let _turn = my_turn();
    // Item 0 goes on only when item 40 has failed, so the failure is reported first.
    let items: Vec<usize> = (0..50).collect();
    let (fail, failed) = mpsc::channel::<()>();
    let (fail, failed) = (std::sync::Mutex::new(Some(fail)), std::sync::Mutex::new(failed));
    let mut delivered = Vec::new();
    let work = Job::new(&items).workers(2).chunk_size(1).try_map(|&n| {
        if n == 0 {
            let _ = failed.lock().unwrap().recv();
        }
        if n == 40 {
            fail.lock().unwrap().take();
            return Err(());
        }
        Ok(())
    });
    work.for_each(|index, answer| {
        delivered.push((index, answer.is_ok()));
        Continue(())
    })
    .unwrap();
    delivered.sort_unstable();
    assert!(delivered.contains(&(0, true)) && delivered.contains(&(40, false)));
    assert_eq!(delivered.iter().filter(|(index, _)| *index <= 40).count(), 41);
}

#[test]
fn nothing_is_delivered_after_a_break() {
    let items: Vec<usize> = (0..100_000).collect();
    for_every_way(|way| {
        for ordered in [false, true] {
            let mut calls = 0;
            let mut callback = |_, _: Result<(), _>| {
                calls += 1;
                if calls == 7 { Break(()) } else { Continue(()) }
            };
            let work = way.job(&items).window(300).map(|_| ());
            let tally =
                if ordered { work.for_each_ordered(&mut callback) } else { work.for_each(&mut callback) }.unwrap();
            assert_eq!((calls, tally.succeeded), (7, 7), "{way:?}");
            assert_eq!(tally.cancelled, items.len() - 7);
        }
    });
}

#[test]
fn a_slow_item_holds_the_others_within_the_window() {
    let _turn = my_turn();
    // Item 0 waits until the run can do no more without it; then the window is what has been started.
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let release = std::sync::Mutex::new(Some(release));
    let furthest = AtomicUsize::new(0);
    let items: Vec<usize> = (0..10_000).collect();
    let mut delivered = 0;
    Job::new(&items)
        .workers(2)
        .chunk_size(1)
        .window(25)
        .map(|&n| {
            if n == 0 {
                let _ = released.lock().unwrap().recv();
            } else if furthest.fetch_max(n, Ordering::SeqCst).max(n) == 24 {
                release.lock().unwrap().take();
            }
            if n < 25 {
                return furthest.load(Ordering::SeqCst);
            }
            n
        })
        .for_each_ordered(|index, answer| {
            if index == 0 {
                assert_eq!(answer.unwrap(), 24, "no item beyond the window was started while item 0 was unfinished");
            }
            delivered += 1;
            Continue(())
        })
        .unwrap();
    assert_eq!(delivered, 10_000);
}

proptest::proptest! {
    #![proptest_config(manyhands_test_support::property::config(64))]
    #[test]
    fn streams_deliver_what_a_run_gives_whatever_the_order_of_work(
        items in proptest::collection::vec(0_u16..30, 0..200),
        workers in 1_usize..6,
        by_cost: bool,
        stops: bool,
    ) {
        let policy = if stops { OnFailure::Stop } else { OnFailure::Continue };
        let job = || {
            let job = Job::new(&items).workers(workers).on_failure(policy);
            (if by_cost { job.cost(|&n| u64::from(n)) } else { job }).try_map(|&n| if n == 7 { Err(n) } else { Ok(n) })
        };
        let outcome = job().run().unwrap();
        let expected: Vec<_> = outcome.into_results().into_iter().enumerate().filter(|(_, answer)| !matches!(answer, Err(failure) if failure.is_cancelled())).map(|(idx, answer)| (idx, answer.is_ok())).collect();
        let mut ordered = Vec::new();
        let tally = job().for_each_ordered(|idx, answer| { ordered.push((idx, answer.is_ok())); Continue(()) }).unwrap();
        // With a stop and a cost hint, results that come before the failure in input order, and after it in the order of
        // work, may have been delivered before it was known.
        if by_cost && stops {
            proptest::prop_assert!(expected.iter().all(|answer| ordered.contains(answer)));
        } else {
            proptest::prop_assert_eq!(&ordered, &expected);
        }
        proptest::prop_assert!(ordered.is_sorted());
        proptest::prop_assert_eq!((tally.succeeded, tally.failed), (ordered.iter().filter(|(_, ok)| *ok).count(), ordered.iter().filter(|(_, ok)| !ok).count()));
        let mut unordered = Vec::new();
        let tally = job().for_each(|idx, answer| { unordered.push((idx, answer.is_ok())); Continue(()) }).unwrap();
        proptest::prop_assert!(expected.iter().all(|answer| unordered.contains(answer)));
        proptest::prop_assert_eq!(tally.succeeded + tally.failed, unordered.len());
    }
}

#[test]
fn a_chunk_never_reaches_beyond_the_window() {
    let _turn = my_turn();
    // Chunks of 7 in a window of 10: the second chunk may hold three items only, or item 10 starts beside item 0.
    let (release, released) = mpsc::channel::<()>();
    let (release, released) = (std::sync::Mutex::new(Some(release)), std::sync::Mutex::new(released));
    let is_first_done = std::sync::atomic::AtomicBool::new(false);
    let items: Vec<usize> = (0..100).collect();
    Job::new(&items)
        .workers(2)
        .chunk_size(7)
        .window(10)
        .map(|&n| match n {
            0 => {
                let _ = released.lock().unwrap().recv();
                std::thread::yield_now();
                is_first_done.store(true, Ordering::SeqCst);
                true
            }
            9 => release.lock().unwrap().take().is_some(),
            n => n < 10 || is_first_done.load(Ordering::SeqCst),
        })
        .for_each_ordered(|index, answer| {
            assert!(answer.unwrap(), "item {index} was started while item 0 was unfinished");
            Continue(())
        })
        .unwrap();
}

#[test]
fn a_panicking_callback_reaches_the_caller_and_never_hangs() {
    let items: Vec<usize> = (0..5000).collect();
    for_every_way(|way| {
        for ordered in [false, true] {
            let caught = std::panic::catch_unwind(|| {
                let work = way.job(&items).map(|&n| n);
                let callback = |index, _| {
                    assert_ne!(index, 40, "callback");
                    Continue(())
                };
                if ordered { work.for_each_ordered(callback) } else { work.for_each(callback) }
            });
            assert!(caught.is_err(), "{way:?}");
        }
    });
}

#[test]
fn results_are_delivered_while_an_item_waits_for_that_though_other_calls_have_all_threads() {
    let _turn = my_turn();
    const OTHERS: usize = 8;
    let (begun, have_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let may_end = Mutex::new(may_end);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let others = Job::new(&[(); OTHERS]).workers(OTHERS).chunk_size(1);
            others
                .run(|()| (begun.send(()).unwrap(), may_end.lock().unwrap().recv().unwrap()))
                .unwrap()
                .into_result()
                .unwrap();
        });
        have_begun.iter().take(OTHERS).for_each(drop);
        let (go_on, may_go_on) = mpsc::channel();
        let may_go_on = Mutex::new(may_go_on);
        let mut passed = 0;
        // Item 1 runs while item 0 is delivered.
        Job::new(&[0, 1])
            .workers(2)
            .chunk_size(1)
            .map(|&n| {
                if n == 1 {
                    may_go_on.lock().unwrap().recv().unwrap()
                }
            })
            .for_each(|_, _| {
                passed += 1;
                go_on.send(()).unwrap();
                Continue(())
            })
            .unwrap();
        assert_eq!(passed, 2);
        (0..OTHERS).for_each(|_| end.send(()).unwrap());
    });
}
