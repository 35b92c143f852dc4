//! The bounded queue between the thread of a run and the consumer of its results. One producer, one consumer; each may
//! leave at any time.
//!
//! The consumer takes everything that is queued at once, so under load neither the lock nor a wakeup is paid per
//! result. At most half of the capacity is in the queue; the other half is the batch that the consumer took before.
//!
//! Promise: no wakeup is lost, the end is returned once, and values are dropped without the lock held. The loom models
//! of `tests/loom` check the first two. `run_feed.rs` owns both ends.
//!
//! With a capacity of 8 the limit is 4. The producer pushes 4 values and waits; the consumer swaps the 4 for its empty
//! batch, and the producer pushes 4 more while the batch is used: 8 values at most. With a capacity of 1 the limit is
//! 1, and the batch is empty by the time the consumer takes the next.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::task::{Context, Poll, Waker};

use crate::panics::{drop_each_logged, drop_logged};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// A bounded queue of `T`, followed by one `End`.
pub(crate) struct Queue<T, End> {
    state: Mutex<QueueState<T, End>>,
    /// Notified when there is something to take. Only the consumer waits here.
    not_empty: Condvar,
    /// Notified when there is space, or when the consumer has left. Only the producer waits here.
    not_full: Condvar,
    /// The most values that may be queued.
    limit: usize,
}

struct QueueState<T, End> {
    queued: VecDeque<T>,
    phase: Phase<End>,
    /// The waker of a consumer that polls; `Some` only while there is nothing to take.
    waker: Option<Waker>,
}

enum Phase<End> {
    /// Both sides are present.
    Open,
    /// The producer has left with this end, which is not taken yet.
    Ended(End),
    /// The producer has left and its end was taken.
    EndTaken,
    /// The consumer has left: no value is taken any more.
    ReceiverGone,
}

/// The result of taking from the queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<End> {
    /// The batch holds at least one value.
    Batch,
    /// All values were taken before; this is the producer's end.
    End(End),
    /// The end was taken before.
    Nothing,
}

impl<T, End> Queue<T, End> {
    /// An open queue. `capacity` bounds the queued values and the values of a batch together.
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        let state = QueueState { queued: VecDeque::new(), phase: Phase::Open, waker: None };
        Self {
            state: Mutex::new(state),
            not_empty: Condvar::new(),
            not_full: Condvar::new(),
            limit: capacity.get().div_ceil(2),
        }
    }

    /// Waits for space and adds a value. Breaks when the consumer has left.
    ///
    /// Costs one lock. Only a push into an empty queue wakes the consumer: one that finds values there has no reason to
    /// wait.
    pub(crate) fn push(&self, value: T) -> ControlFlow<()> {
        let mut state = self.state.lock();
        while matches!(state.phase, Phase::Open) && state.queued.len() >= self.limit {
            self.not_full.wait(&mut state);
        }
        if !matches!(state.phase, Phase::Open) {
            drop(state);
            drop_logged(value); // without the lock; no one is there who could be told of a panic
            return ControlFlow::Break(());
        }
        let was_empty = state.queued.is_empty();
        state.queued.push_back(value);
        if was_empty {
            self.wake_consumer(state);
        }
        ControlFlow::Continue(())
    }

    /// The producer leaves, with this end.
    ///
    /// Called once. Values that are queued are still taken, before the end.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::ReceiverGone) {
            drop(state);
            drop_logged(end); // as in `push`
            return;
        }
        state.phase = Phase::Ended(end);
        self.wake_consumer(state);
    }

    /// Waits until there is something, and moves all queued values into the batch, which is empty.
    ///
    /// The two lists are swapped, so a batch costs one lock and no allocation once both have grown.
    pub(crate) fn take(&self, batch: &mut VecDeque<T>) -> Taken<End> {
        let mut state = self.state.lock();
        loop {
            match state.take(batch) {
                Some(taken) => return self.wake_producer(state, taken),
                None => self.not_empty.wait(&mut state),
            }
        }
    }

    /// [`take`](Self::take) for a future: leaves a waker where there is nothing yet.
    ///
    /// Checks and leaves the waker under one lock, so a push between the two cannot be missed.
    pub(crate) fn poll_take(&self, batch: &mut VecDeque<T>, context: &Context<'_>) -> Poll<Taken<End>> {
        // Cloned, and the earlier one dropped, without the lock: a waker runs the executor's code.
        let mut waker = Some(context.waker().clone());
        let mut state = self.state.lock();
        if let Some(taken) = state.take(batch) {
            return Poll::Ready(self.wake_producer(state, taken));
        }
        std::mem::swap(&mut state.waker, &mut waker);
        Poll::Pending
    }

    /// The consumer leaves: queued values are dropped, and the producer's next push breaks.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::ReceiverGone);
        let (queued, waker) = (std::mem::take(&mut state.queued), state.waker.take());
        drop(state);
        self.not_full.notify_one();
        // Their destructors are the caller's code, so without the lock. The consumer has left, so a panic of one is dropped.
        drop_each_logged(queued);
        drop_logged(phase);
        drop_logged(waker);
    }

    /// Wakes the consumer, a waiting thread or a polled future.
    fn wake_consumer(&self, mut state: MutexGuard<'_, QueueState<T, End>>) {
        let waker = state.waker.take();
        drop(state);
        self.not_empty.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes the producer after a batch was taken: it may wait for space.
    fn wake_producer(&self, state: MutexGuard<'_, QueueState<T, End>>, taken: Taken<End>) -> Taken<End> {
        drop(state);
        if matches!(taken, Taken::Batch) {
            self.not_full.notify_one();
        }
        taken
    }
}

impl<T, End> QueueState<T, End> {
    /// Takes what there is; `None` while there is nothing yet.
    fn take(&mut self, batch: &mut VecDeque<T>) -> Option<Taken<End>> {
        if !self.queued.is_empty() {
            debug_assert!(batch.is_empty(), "a batch is used up before the next is taken");
            std::mem::swap(&mut self.queued, batch); // both allocations are reused
            return Some(Taken::Batch);
        }
        match std::mem::replace(&mut self.phase, Phase::EndTaken) {
            Phase::Ended(end) => Some(Taken::End(end)),
            Phase::EndTaken => Some(Taken::Nothing),
            open => {
                self.phase = open;
                None
            }
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn queue(capacity: usize) -> Queue<usize, &'static str> {
        Queue::new(NonZeroUsize::new(capacity).expect("a queue holds something"))
    }

    #[test]
    fn queued_values_are_taken_at_once_and_then_the_end_once() {
        let (queue, mut batch) = (queue(4), VecDeque::new());
        assert!(queue.push(1).is_continue() && queue.push(2).is_continue());
        assert_eq!((queue.take(&mut batch), &batch), (Taken::Batch, &VecDeque::from([1, 2])));
        batch.clear();
        assert!(queue.push(3).is_continue());
        queue.end("over");
        assert_eq!((queue.take(&mut batch), &batch), (Taken::Batch, &VecDeque::from([3])));
        batch.clear();
        assert_eq!(queue.take(&mut batch), Taken::End("over"));
        assert_eq!(queue.take(&mut batch), Taken::Nothing);
    }

    #[test]
    fn queued_and_taken_values_together_fit_the_capacity() {
        for capacity in 1..20 {
            let limit = queue(capacity).limit;
            let taken = limit - 1; // the consumer has used one of the batch
            assert!(limit >= 1 && limit + taken <= capacity, "{capacity}");
        }
    }

    #[test]
    fn nothing_is_queued_after_the_consumer_has_left() {
        let queue = queue(1);
        assert!(queue.push(1).is_continue());
        queue.close(); // although the queue is full
        assert!(queue.push(2).is_break());
        queue.end("over");
        assert!(queue.state.lock().queued.is_empty());
    }

    #[test]
    fn an_end_that_is_not_taken_is_dropped_when_the_consumer_leaves() {
        let (queue, end) = (Queue::<usize, _>::new(NonZeroUsize::MIN), std::sync::Arc::new(()));
        queue.end(std::sync::Arc::clone(&end));
        queue.close();
        assert_eq!(std::sync::Arc::strong_count(&end), 1);
    }

    #[test]
    fn a_pending_poll_leaves_a_waker_that_the_next_push_wakes() {
        let (queue, mut batch) = (queue(4), VecDeque::new());
        let context = Context::from_waker(Waker::noop());
        assert!(queue.poll_take(&mut batch, &context).is_pending());
        assert!(queue.state.lock().waker.is_some());
        assert!(queue.push(1).is_continue());
        assert!(queue.state.lock().waker.is_none());
        assert_eq!(queue.poll_take(&mut batch, &context), Poll::Ready(Taken::Batch));
    }
}
