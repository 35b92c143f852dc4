//! Streams over run bodies that the tests write: what the consumer gets, and what is left when it leaves.

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

type Body = Box<dyn FnOnce(&mut Emit<'_, usize, String>) -> Result<RunReport, Error<String>> + Send>;

fn capacity(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("a queue holds something")
}

fn failure(index: usize) -> ItemFailure<String> {
    ItemFailure { attempts: 1, cause: Cause::Error("odd".to_owned()), ..ItemFailure::cancelled(index) }
}

/// Emits ten times each index, or a failure where it is odd and `odd_fails`.
fn count_to(n_items: usize, odd_fails: bool) -> Body {
    Box::new(move |emit| {
        let mut tally = Tally { items: n_items, ..Tally::default() };
        for index in 0..n_items {
            let fails = odd_fails && index % 2 == 1;
            let result = if fails { Err(failure(index)) } else { Ok(index * 10) };
            if emit(index, result).is_break() {
                break;
            }
            *if fails { &mut tally.failed } else { &mut tally.succeeded } += 1;
        }
        Ok(RunReport { tally, ..RunReport::default() })
    })
}

fn results(n: usize, body: Body) -> Results<usize, String> {
    Results::start(capacity(n), CancelToken::new(), body)
}

fn handle(n: usize, body: Body) -> JobHandle<usize, String> {
    JobHandle::start(capacity(n), CancelToken::new(), body)
}

/// Polls a future in this thread until it is ready.
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
fn every_result_comes_in_the_order_of_the_body_and_then_the_tally() {
    for n in [1, 2, 3, 64] {
        let mut results = results(n, count_to(1000, false));
        assert!(results.tally().is_none());
        for expected in 0..1000 {
            assert_eq!(results.next().unwrap().unwrap(), (expected, Ok(expected * 10)));
        }
        assert!(results.next().is_none() && results.next().is_none());
        assert_eq!(results.tally().unwrap().succeeded, 1000);
    }
}

#[test]
fn failures_are_results() {
    let failed = results(4, count_to(6, true)).filter_map(|result| result.unwrap().1.err());
    assert_eq!(failed.map(|failure| failure.index).collect::<Vec<_>>(), [1, 3, 5]);
}

#[test]
fn an_error_of_the_run_is_the_last_item() {
    let body: Body = Box::new(|emit| {
        let _ = emit(0, Ok(1));
        Err(Error::config("no such setting"))
    });
    let mut results = results(4, body);
    assert_eq!(results.next().unwrap().unwrap(), (0, Ok(1)));
    assert!(results.next().unwrap().unwrap_err().is_config());
    assert!(results.next().is_none() && results.tally().is_none());
}

#[test]
fn a_panic_of_the_body_is_raised_once_in_the_consumer() {
    let body: Body = Box::new(|emit| {
        let _ = emit(0, Ok(1));
        panic!("the input is broken")
    });
    let mut results = results(4, body);
    assert!(results.next().unwrap().is_ok());
    let payload = catch_unwind(AssertUnwindSafe(|| results.next())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the input is broken"));
    assert!(results.next().is_none());
}

#[test]
fn no_more_results_than_the_capacity_are_ahead_of_the_consumer() {
    for n in [1, 2, 3, 8, 9] {
        let emitted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&emitted);
        let body: Body = Box::new(move |emit| {
            for index in 0..200 {
                // Counted before it is emitted: the body may wait with one result.
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = emit(index, Ok(index));
            }
            Ok(RunReport::default())
        });
        let mut results = results(n, body);
        for taken in 1..=200 {
            let _ = results.next().unwrap().unwrap().1.unwrap();
            thread::yield_now();
            let ahead = emitted.load(Ordering::SeqCst) - taken;
            assert!(ahead <= n + 1, "{ahead} are ahead of {taken} with a capacity of {n}");
        }
    }
}

#[test]
fn dropping_the_results_cancels_the_run_and_waits_for_its_end() {
    let token = CancelToken::new();
    let (seen, run_token) = (Arc::new(AtomicUsize::new(0)), token.clone());
    let count = Arc::clone(&seen);
    let body: Body = Box::new(move |emit| {
        let endless = (0..).take_while(|&index| emit(index, Ok(index)).is_continue());
        let emitted = endless.count();
        assert!(run_token.is_cancelled());
        thread::sleep(Duration::from_millis(20));
        count.store(emitted, Ordering::SeqCst);
        Ok(RunReport::default())
    });
    let mut results = Results::start(capacity(4), token.clone(), body);
    assert!(results.next().unwrap().is_ok());
    drop(results);
    assert!(token.is_cancelled());
    assert!(seen.load(Ordering::SeqCst) >= 1, "the body had returned before the drop did");
}

/// A value whose copies are counted.
fn counted(lives: &Arc<()>) -> Arc<()> {
    Arc::clone(lives)
}

#[test]
fn every_result_is_dropped_exactly_once_however_the_stream_ends() {
    for n_taken in [0, 1, 3, 7] {
        let lives = Arc::new(());
        let producer = Arc::clone(&lives);
        let body = move |emit: &mut Emit<'_, Arc<()>, String>| {
            for index in 0..8 {
                if emit(index, Ok(counted(&producer))).is_break() {
                    break;
                }
            }
            Ok(RunReport::default())
        };
        let mut results = Results::start(capacity(3), CancelToken::new(), body);
        let taken: Vec<_> = results.by_ref().take(n_taken).map(|result| result.unwrap().1.unwrap()).collect();
        drop(results);
        assert_eq!(Arc::strong_count(&lives), 1 + n_taken);
        drop(taken);
    }
}

#[test]
fn forgotten_results_leave_a_thread_that_waits_and_nothing_else() {
    let (sender, receiver) = mpsc::channel();
    let body: Body = Box::new(move |emit| {
        let _ = emit(0, Ok(0));
        sender.send(()).unwrap();
        let _ = emit(1, Ok(1));
        let _ = emit(2, Ok(2));
        unreachable!("the consumer takes nothing");
    });
    std::mem::forget(results(1, body));
    receiver.recv().unwrap();
}

#[test]
fn a_future_returns_values_by_index_and_failures_in_order() {
    let shuffled: Body = Box::new(|emit| {
        for index in [3, 1, 0, 4, 2] {
            let _ = emit(index, if index % 2 == 1 { Err(failure(index)) } else { Ok(index * 10) });
        }
        Ok(RunReport {
            tally: Tally { items: 7, succeeded: 3, failed: 2, cancelled: 2, ..Tally::default() },
            ..RunReport::default()
        })
    });
    let outcome = block_on(handle(2, shuffled)).unwrap();
    assert_eq!(outcome.failures().iter().map(|failure| failure.index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(outcome.unfinished().collect::<Vec<_>>(), [5, 6]);
    assert_eq!(outcome.into_options(), [Some(0), None, Some(20), None, Some(40), None, None]);
}

#[test]
fn a_future_of_a_whole_run_returns_all_values() {
    let outcome = block_on(handle(16, count_to(10_000, false))).unwrap();
    assert!(outcome.is_complete());
    assert_eq!(outcome.into_result().unwrap(), (0..10_000).map(|index| index * 10).collect::<Vec<_>>());
    assert!(block_on(handle(1, count_to(0, false))).unwrap().is_empty());
}

#[test]
fn a_last_failure_is_part_of_an_outcome_that_was_cut_short() {
    let body: Body = Box::new(|emit| {
        let _ = emit(2, Err(failure(2)));
        Ok(RunReport::default())
    });
    let outcome = block_on(handle(1, body)).unwrap();
    assert_eq!((outcome.len(), outcome.failures()[0].index), (3, 2));
}

#[test]
fn a_future_returns_the_error_of_the_run_and_raises_its_panic() {
    let refused: Body = Box::new(|_| Err(Error::config("no such setting")));
    assert!(block_on(handle(1, refused)).unwrap_err().is_config());
    let broken: Body = Box::new(|_| panic!("the input is broken"));
    let payload = catch_unwind(AssertUnwindSafe(|| block_on(handle(1, broken)))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the input is broken"));
}

#[test]
fn an_executor_gets_results_one_by_one() {
    let mut results = handle(2, count_to(100, true)).results();
    block_on(async {
        for expected in 0..100 {
            assert_eq!(results.next().await.unwrap().unwrap().0, expected);
        }
        assert!(results.next().await.is_none() && results.next().await.is_none());
    });
    assert_eq!(results.tally().unwrap().failed, 50);
}

#[test]
fn results_that_a_future_has_collected_come_first_and_in_order() {
    let (go_on, gate) = mpsc::channel::<()>();
    let body: Body = Box::new(move |emit| {
        let _ = emit(1, Err(failure(1)));
        let _ = emit(0, Ok(0));
        let _ = emit(2, Ok(20));
        gate.recv().unwrap();
        let _ = emit(3, Ok(30));
        Ok(RunReport::default())
    });
    let mut handle = handle(64, body);
    let poll_until_pending = |handle: &mut JobHandle<usize, String>| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(handle).poll(&mut context).is_pending());
    };
    while handle.n_collected() < 3 {
        poll_until_pending(&mut handle);
    }
    go_on.send(()).unwrap();
    let mut results = handle.results();
    let rest: Vec<_> = block_on(async {
        let mut rest = Vec::new();
        while let Some(result) = results.next().await {
            rest.push(result.unwrap().0);
        }
        rest
    });
    assert_eq!(rest, [0, 1, 2, 3], "in input order, failures among them");
}

#[test]
fn dropping_a_future_cancels_and_does_not_wait() {
    let token = CancelToken::new();
    let (go_on, gate) = mpsc::channel::<()>();
    let (sender, receiver) = mpsc::channel();
    let body: Body = Box::new(move |emit| {
        gate.recv().unwrap();
        sender.send(emit(0, Ok(0)) == ControlFlow::Break(())).unwrap();
        Ok(RunReport::default())
    });
    drop(JobHandle::start(capacity(4), token.clone(), body)); // while the body is at an item that has not ended
    assert!(token.is_cancelled());
    go_on.send(()).unwrap();
    assert!(receiver.recv().unwrap(), "the body learns that the consumer has left");
}

#[test]
fn a_run_sees_the_config_of_the_thread_that_started_it() {
    let config = crate::ParallelConfig::builder().max_workers_cpu(3).build().unwrap();
    let _guard = crate::config::override_parallel_config(config);
    let body: Body = Box::new(|emit| {
        let _ = emit(0, Ok(crate::config::parallel_config().max_workers_cpu().get()));
        let _ = emit(1, Ok(usize::from(crate::backend::thread_pool::is_worker_thread())));
        Ok(RunReport::default())
    });
    let results = crate::backend::thread_pool::in_worker(|| results(4, body));
    assert_eq!(results.map(|result| result.unwrap().1.unwrap()).collect::<Vec<_>>(), [3, 1]);
}

#[test]
fn a_slow_run_lets_an_executor_run_other_tasks() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let body: Body = Box::new(|emit| {
        for index in 0..5 {
            thread::sleep(Duration::from_millis(5));
            let _ = emit(index, Ok(index));
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
        tokio::join!(handle(1, body), ticks)
    });
    assert_eq!((outcome.unwrap().into_result().unwrap(), n_ticks), (vec![0, 1, 2, 3, 4], 5));
}

#[test]
fn a_task_of_tokio_may_move_between_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let task = runtime.spawn(async {
        let mut results = handle(3, count_to(500, false)).results();
        let mut sum = 0;
        while let Some(result) = results.next().await {
            sum += result.unwrap().1.unwrap();
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
    let body: Body = Box::new(move |_| {
        let _ = gate.recv();
        Ok(RunReport::default())
    });
    let mut results = handle(1, body).results();
    let mut poll_with_a_new_waker = || -> Weak<Idle> {
        let idle = Arc::new(Idle);
        let waker = Waker::from(Arc::clone(&idle));
        assert!(results.poll_next(&mut Context::from_waker(&waker)).is_pending());
        Arc::downgrade(&idle)
    };
    let (first, second) = (poll_with_a_new_waker(), poll_with_a_new_waker());
    assert!(first.upgrade().is_none() && second.upgrade().is_some());
    drop(go_on);
    drop(results);
    assert!(second.upgrade().is_none());
}
