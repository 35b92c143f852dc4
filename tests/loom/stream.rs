//! Streams: a run's thread that gives answers, and the one that takes them, as an iterator or as a future.

use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::Arc as RealArc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex};
use manyhands::modelled_parts::{Driven, Hand, results, running};
use manyhands::{CancelToken, Tally};

/// Gives the indices up to this one, and says so.
fn count_to(n_items: usize) -> impl FnOnce(&mut Hand<'_>) -> Driven + Send + 'static {
    move |hand| {
        let mut tally = Tally::default();
        tally.items = n_items;
        tally.succeeded = (0..n_items).take_while(|&index| hand(index, Ok(index * 10)).is_continue()).count();
        Ok(tally)
    }
}

/// Gives answers until the consumer wants no more, and asserts that the run is cancelled by then.
fn until_cancelled(token: &CancelToken) -> impl FnOnce(&mut Hand<'_>) -> Driven + Send + 'static {
    let token = token.clone();
    move |hand| {
        let mut index = 0;
        while hand(index, Ok(index)) == ControlFlow::Continue(()) {
            index += 1;
        }
        assert!(token.is_cancelled(), "it was stopped without a request");
        Ok(Tally::default())
    }
}

/// Lets a thread of the model wait until a future wakes it.
#[derive(Default)]
struct ThreadWaker {
    is_woken: Mutex<bool>,
    wakes: Condvar,
}

impl Wake for ThreadWaker {
    fn wake(self: RealArc<Self>) {
        *self.is_woken.lock().unwrap() = true;
        self.wakes.notify_one();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let wakes = RealArc::new(ThreadWaker::default());
    let waker = Waker::from(RealArc::clone(&wakes));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut is_woken = wakes.is_woken.lock().unwrap();
        while !*is_woken {
            is_woken = wakes.wakes.wait(is_woken).unwrap();
        }
        *is_woken = false;
    }
}

fn assert_all_come(capacity: usize, n_items: usize) {
    let mut results = results(capacity, &CancelToken::new(), count_to(n_items));
    for expected in 0..n_items {
        assert_eq!(results.next().unwrap().unwrap(), (expected, Ok(expected * 10)));
    }
    assert!(results.next().is_none() && results.next().is_none());
    assert_eq!(results.tally().unwrap().succeeded, n_items);
}

/// Proves: with room for one, each answer comes once and in order, the end comes after them, and a thread that waits, for an answer
/// or for room, is woken. Leaves out: more than three answers.
#[test]
fn every_answer_comes_through_a_queue_for_one() {
    crate::check(3, || assert_all_come(1, 3));
}

/// Proves: the same where several lie in the queue and are taken at once. Leaves out: wider queues.
#[test]
fn every_answer_comes_through_a_queue_for_several() {
    crate::check(3, || assert_all_come(3, 4));
}

/// Proves: dropping the answers at any time ends a run that waits for room, or is about to, and returns when its
/// thread is over. Leaves out: a drive that ignores the stop.
#[test]
fn dropping_the_answers_ends_a_run_that_waits_for_room() {
    crate::check(3, || {
        let token = CancelToken::new();
        let mut results = results(1, &token, until_cancelled(&token));
        assert_eq!(results.next().unwrap().unwrap(), (0, Ok(0)));
        drop(results);
    });
}

/// Proves: the same when nothing was taken at all. Leaves out: as above.
#[test]
fn dropping_untouched_answers_ends_the_run() {
    crate::check(3, || {
        let token = CancelToken::new();
        drop(results(1, &token, until_cancelled(&token)));
    });
}

/// Proves: a future is woken for each answer and for the end, and has all of them in its outcome. Leaves out: executors that
/// poll without being woken.
#[test]
fn a_future_is_woken_until_it_is_done() {
    crate::check(2, || {
        let outcome = block_on(running(1, &CancelToken::new(), count_to(2))).unwrap();
        assert_eq!(outcome.into_result().unwrap(), [0, 10]);
    });
}

/// Proves: an executor that asks for one answer after another is woken for each. Leaves out: more than two answers.
#[test]
fn an_executor_is_woken_for_each_answer() {
    crate::check(3, || {
        let mut results = running(1, &CancelToken::new(), count_to(2)).results();
        for expected in 0..2 {
            assert_eq!(block_on(results.next()).unwrap().unwrap().0, expected);
        }
        assert!(block_on(results.next()).is_none());
    });
}

/// Proves: when a future has moved to another task, that one is woken, whatever the first one was given. Leaves out: a third
/// task.
#[test]
fn the_task_that_asked_last_is_woken() {
    crate::check(3, || {
        let mut running = running(1, &CancelToken::new(), count_to(1));
        let earlier = Waker::from(RealArc::new(ThreadWaker::default()));
        match Pin::new(&mut running).poll(&mut Context::from_waker(&earlier)) {
            Poll::Ready(outcome) => assert_eq!(outcome.unwrap().into_result().unwrap(), [0]),
            Poll::Pending => assert_eq!(block_on(running).unwrap().into_result().unwrap(), [0]),
        }
    });
}

/// Proves: dropping a future that was polled or not ends its run, although no thread waits for that. Leaves out: as above.
#[test]
fn dropping_a_future_ends_its_run() {
    crate::check(3, || {
        let token = CancelToken::new();
        let mut running = running(1, &token, until_cancelled(&token));
        let waker = Waker::from(RealArc::new(ThreadWaker::default()));
        assert!(Pin::new(&mut running).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(running);
    });
}

/// Proves: a panic of the drive comes out where the answers are taken, after the answers before it, and once. Leaves out:
/// panics under a lock, of which there are none.
#[test]
fn a_panic_of_the_run_reaches_the_consumer() {
    crate::check_no_deeper(2, || {
        let drive = |hand: &mut Hand<'_>| {
            let _ = hand(0, Ok(0));
            std::panic::resume_unwind(Box::new("on purpose"))
        };
        let mut results = results(1, &CancelToken::new(), drive);
        assert_eq!(results.next().unwrap().unwrap().0, 0);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| results.next()));
        assert!(caught.is_err());
        assert!(results.next().is_none());
    });
}
