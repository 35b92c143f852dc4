//! Streams with drives made by hand: what comes to the one who asks, and what is left when nobody asks any more.

use std::future::Future;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::failure::Cause;
use crate::primitives::cancel::CancelToken;
use crate::run::end::RunReport;
use crate::stream::*;
use crate::tally::Tally;

type Drive = Box<dyn FnOnce(&mut Hand<'_, usize, String>) -> Result<RunReport, Error<String>> + Send>;

fn capacity(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("a queue holds something")
}

fn failure(index: usize) -> ItemFailure<String> {
    ItemFailure { attempts: 1, cause: Cause::Error("odd".to_owned()), ..ItemFailure::cancelled(index) }
}

/// Hands on ten times each index, or a failure where it is odd and `odd_fails`.
fn count_to(n_items: usize, odd_fails: bool) -> Drive {
    Box::new(move |hand| {
        let mut tally = Tally { items: n_items, ..Tally::default() };
        for index in 0..n_items {
            let fails = odd_fails && index % 2 == 1;
            let answer = if fails { Err(failure(index)) } else { Ok(index * 10) };
            if hand(index, answer).is_break() {
                break;
            }
            *if fails { &mut tally.failed } else { &mut tally.succeeded } += 1;
        }
        Ok(RunReport { tally, ..RunReport::default() })
    })
}

fn answers(n: usize, drive: Drive) -> Results<usize, String> {
    Results::start(capacity(n), CancelToken::new(), drive)
}

fn running(n: usize, drive: Drive) -> JobHandle<usize, String> {
    JobHandle::start(capacity(n), CancelToken::new(), drive)
}

/// What a plain program does with a future.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn every_answer_comes_in_the_order_of_the_drive_and_then_the_tally() {
    for n in [1, 2, 3, 64] {
        let mut answers = answers(n, count_to(1000, false));
        assert!(answers.tally().is_none());
        for expected in 0..1000 {
            assert_eq!(answers.next().unwrap().unwrap(), (expected, Ok(expected * 10)));
        }
        assert!(answers.next().is_none() && answers.next().is_none());
        assert_eq!(answers.tally().unwrap().succeeded, 1000);
    }
}

#[test]
fn failures_are_answers() {
    let failed = answers(4, count_to(6, true)).filter_map(|answer| answer.unwrap().1.err());
    assert_eq!(failed.map(|failure| failure.index).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn an_error_of_the_run_is_the_last_that_comes() {
    let drive: Drive = Box::new(|hand| {
        let _ = hand(0, Ok(1));
        Err(Error::config("no such setting"))
    });
    let mut answers = answers(4, drive);
    assert_eq!(answers.next().unwrap().unwrap(), (0, Ok(1)));
    assert!(answers.next().unwrap().unwrap_err().is_config());
    assert!(answers.next().is_none() && answers.tally().is_none());
}

#[test]
fn a_panic_of_the_drive_goes_on_where_the_answers_are_taken_once() {
    let drive: Drive = Box::new(|hand| {
        let _ = hand(0, Ok(1));
        panic!("the input is broken")
    });
    let mut answers = answers(4, drive);
    assert!(answers.next().unwrap().is_ok());
    let payload = catch_unwind(AssertUnwindSafe(|| answers.next())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the input is broken"));
    assert!(answers.next().is_none());
}

#[test]
fn no_more_answers_than_the_capacity_are_ahead_of_the_one_who_takes() {
    for n in [1, 2, 3, 8, 9] {
        let handed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&handed);
        let drive: Drive = Box::new(move |hand| {
            for index in 0..200 {
                // Counted before it is given: one may be in the hand of a drive that waits.
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = hand(index, Ok(index));
            }
            Ok(RunReport::default())
        });
        let mut answers = answers(n, drive);
        for taken in 1..=200 {
            let _ = answers.next().unwrap().unwrap().1.unwrap();
            thread::yield_now();
            let ahead = handed.load(Ordering::SeqCst) - taken;
            assert!(ahead <= n + 1, "{ahead} are ahead of {taken} with a capacity of {n}");
        }
    }
}

#[test]
fn dropping_the_answers_cancels_the_run_and_waits_for_its_end() {
    let token = CancelToken::new();
    let (seen, run_token) = (Arc::new(AtomicUsize::new(0)), token.clone());
    let told = Arc::clone(&seen);
    let drive: Drive = Box::new(move |hand| {
        let endless = (0..).take_while(|&index| hand(index, Ok(index)).is_continue());
        let handed = endless.count();
        assert!(run_token.is_cancelled());
        thread::sleep(Duration::from_millis(20));
        told.store(handed, Ordering::SeqCst);
        Ok(RunReport::default())
    });
    let mut answers = Results::start(capacity(4), token.clone(), drive);
    assert!(answers.next().unwrap().is_ok());
    drop(answers);
    assert!(token.is_cancelled());
    assert!(seen.load(Ordering::SeqCst) >= 1, "the drive was over before the drop was");
}

/// A value that is counted while it lives.
fn counted(lives: &Arc<()>) -> Arc<()> {
    Arc::clone(lives)
}

#[test]
fn every_answer_is_dropped_exactly_once_however_the_stream_ends() {
    for n_taken in [0, 1, 3, 7] {
        let lives = Arc::new(());
        let theirs = Arc::clone(&lives);
        let drive = move |hand: &mut Hand<'_, Arc<()>, String>| {
            for index in 0..8 {
                if hand(index, Ok(counted(&theirs))).is_break() {
                    break;
                }
            }
            Ok(RunReport::default())
        };
        let mut answers = Results::start(capacity(3), CancelToken::new(), drive);
        let taken: Vec<_> = answers.by_ref().take(n_taken).map(|answer| answer.unwrap().1.unwrap()).collect();
        drop(answers);
        assert_eq!(Arc::strong_count(&lives), 1 + n_taken);
        drop(taken);
    }
}

#[test]
fn forgotten_answers_leave_a_thread_that_waits_and_nothing_else() {
    let (tell, told) = mpsc::channel();
    let drive: Drive = Box::new(move |hand| {
        let _ = hand(0, Ok(0));
        tell.send(()).unwrap();
        let _ = hand(1, Ok(1));
        let _ = hand(2, Ok(2));
        unreachable!("nobody makes room");
    });
    std::mem::forget(answers(1, drive));
    told.recv().unwrap();
}

#[test]
fn a_future_gives_values_by_index_and_failures_in_order() {
    let shuffled: Drive = Box::new(|hand| {
        for index in [3, 1, 0, 4, 2] {
            let _ = hand(index, if index % 2 == 1 { Err(failure(index)) } else { Ok(index * 10) });
        }
        Ok(RunReport {
            tally: Tally { items: 7, succeeded: 3, failed: 2, cancelled: 2, ..Tally::default() },
            ..RunReport::default()
        })
    });
    let outcome = block_on(running(2, shuffled)).unwrap();
    assert_eq!(outcome.failures().iter().map(|failure| failure.index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(outcome.unfinished().collect::<Vec<_>>(), [5, 6]);
    assert_eq!(outcome.into_options(), [Some(0), None, Some(20), None, Some(40), None, None]);
}

#[test]
fn a_future_of_a_whole_run_gives_all_values() {
    let outcome = block_on(running(16, count_to(10_000, false))).unwrap();
    assert!(outcome.is_complete());
    assert_eq!(outcome.into_result().unwrap(), (0..10_000).map(|index| index * 10).collect::<Vec<_>>());
    assert!(block_on(running(1, count_to(0, false))).unwrap().is_empty());
}

#[test]
fn a_last_failure_is_part_of_an_outcome_that_was_cut_off() {
    let drive: Drive = Box::new(|hand| {
        let _ = hand(2, Err(failure(2)));
        Ok(RunReport::default())
    });
    let outcome = block_on(running(1, drive)).unwrap();
    assert_eq!((outcome.len(), outcome.failures()[0].index), (3, 2));
}

#[test]
fn a_future_gives_the_error_of_the_run_and_its_panic() {
    let refused: Drive = Box::new(|_| Err(Error::config("no such setting")));
    assert!(block_on(running(1, refused)).unwrap_err().is_config());
    let broken: Drive = Box::new(|_| panic!("the input is broken"));
    let payload = catch_unwind(AssertUnwindSafe(|| block_on(running(1, broken)))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the input is broken"));
}

#[test]
fn answers_come_one_by_one_to_an_executor() {
    let mut answers = running(2, count_to(100, true)).results();
    block_on(async {
        for expected in 0..100 {
            assert_eq!(answers.next().await.unwrap().unwrap().0, expected);
        }
        assert!(answers.next().await.is_none() && answers.next().await.is_none());
    });
    assert_eq!(answers.tally().unwrap().failed, 50);
}

#[test]
fn what_a_future_has_gathered_is_not_lost_to_the_answers() {
    let (go_on, gate) = mpsc::channel::<()>();
    let drive: Drive = Box::new(move |hand| {
        let _ = hand(1, Err(failure(1)));
        let _ = hand(0, Ok(0));
        gate.recv().unwrap();
        let _ = hand(2, Ok(20));
        Ok(RunReport::default())
    });
    let mut running = running(64, drive);
    let polled_until_there_is_nothing = |running: &mut JobHandle<usize, String>| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(running).poll(&mut context).is_pending());
    };
    while running.gathered() < 2 {
        polled_until_there_is_nothing(&mut running);
    }
    go_on.send(()).unwrap();
    let mut answers = running.results();
    let rest: Vec<_> = block_on(async {
        let mut rest = Vec::new();
        while let Some(answer) = answers.next().await {
            rest.push(answer.unwrap().0);
        }
        rest
    });
    assert_eq!(rest, [0, 1, 2]);
}

#[test]
fn dropping_a_future_cancels_and_does_not_wait() {
    let token = CancelToken::new();
    let (go_on, gate) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let drive: Drive = Box::new(move |hand| {
        gate.recv().unwrap();
        tell.send(hand(0, Ok(0)) == ControlFlow::Break(())).unwrap();
        Ok(RunReport::default())
    });
    drop(JobHandle::start(capacity(4), token.clone(), drive)); // while the drive is at an item that has not ended
    assert!(token.is_cancelled());
    go_on.send(()).unwrap();
    assert!(told.recv().unwrap(), "the drive hears that nobody wants more");
}

#[test]
fn a_run_sees_the_config_of_the_thread_that_started_it() {
    let config = crate::ParallelConfig::builder().max_workers_cpu(3).build().unwrap();
    let _guard = crate::config::override_parallel_config(config);
    let drive: Drive = Box::new(|hand| {
        let _ = hand(0, Ok(crate::config::parallel_config().max_workers_cpu().get()));
        let _ = hand(1, Ok(usize::from(crate::backend::thread_pool::is_worker_thread())));
        Ok(RunReport::default())
    });
    let answers = crate::backend::thread_pool::in_worker(|| answers(4, drive));
    assert_eq!(answers.map(|answer| answer.unwrap().1.unwrap()).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn a_slow_run_lets_an_executor_do_other_things() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let drive: Drive = Box::new(|hand| {
        for index in 0..5 {
            thread::sleep(Duration::from_millis(5));
            let _ = hand(index, Ok(index));
        }
        Ok(RunReport { tally: Tally { items: 5, succeeded: 5, ..Tally::default() }, ..RunReport::default() })
    });
    let (outcome, n_ticks) = runtime.block_on(async {
        let ticks = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            5
        };
        tokio::join!(running(1, drive), ticks)
    });
    assert_eq!((outcome.unwrap().into_result().unwrap(), n_ticks), (vec![0, 1, 2, 3, 4], 5));
}

#[test]
fn a_task_of_tokio_may_move_between_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let task = runtime.spawn(async {
        let mut answers = running(3, count_to(500, false)).results();
        let mut sum = 0;
        while let Some(answer) = answers.next().await {
            sum += answer.unwrap().1.unwrap();
            tokio::task::yield_now().await;
        }
        sum
    });
    assert_eq!(runtime.block_on(task).unwrap(), (0..500).map(|index| index * 10).sum::<usize>());
}

#[test]
fn a_waker_that_is_replaced_is_not_kept() {
    struct Idle;
    impl Wake for Idle {
        fn wake(self: Arc<Self>) {}
    }
    let (go_on, gate) = mpsc::channel::<()>();
    let drive: Drive = Box::new(move |_| {
        let _ = gate.recv();
        Ok(RunReport::default())
    });
    let mut answers = running(1, drive).results();
    let mut poll_with_a_new_waker = || -> Weak<Idle> {
        let idle = Arc::new(Idle);
        let waker = Waker::from(Arc::clone(&idle));
        assert!(answers.poll_next(&mut Context::from_waker(&waker)).is_pending());
        Arc::downgrade(&idle)
    };
    let (first, second) = (poll_with_a_new_waker(), poll_with_a_new_waker());
    assert!(first.upgrade().is_none() && second.upgrade().is_some());
    drop(go_on);
    drop(answers);
    assert!(second.upgrade().is_none());
}
