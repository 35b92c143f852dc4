//! The queue between the thread that drives a run and the one that takes its answers: bounded, with one thread at each end,
//! and either of them may leave at any time.
//!
//! Whoever takes gets all that is there at once, so that under load neither the lock nor a wake-up is paid for each answer. At
//! most half of the capacity lies in the queue, and at most the other half in what was taken from it.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::task::{Context, Poll, Waker};

use crate::sync::{Condvar, Mutex, MutexGuard};

/// `T` is what travels, `End` what is said once, after the last of it.
pub(crate) struct Queue<T, End> {
    state: Mutex<State<T, End>>,
    /// Told when there is something to take, under `state`'s lock or after it. Only the taker waits here.
    news: Condvar,
    /// Told when there is room again, or nobody left to make room for. Only the giver waits here.
    room: Condvar,
    /// How many may lie in the queue.
    limit: usize,
}

struct State<T, End> {
    lying: VecDeque<T>,
    phase: Phase<End>,
    /// Whom to wake in place of a thread that waits for `news`. There only while nothing is to be taken.
    waker: Option<Waker>,
}

enum Phase<End> {
    /// Both sides are there.
    Open,
    /// The giver has left, and this is what it said.
    Ended(End),
    /// What the giver said was taken.
    Told,
    /// The taker has left: nothing that is given now will be taken.
    Deserted,
}

/// What the taker finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken<End> {
    /// Something was put into the batch.
    Batch,
    /// All was taken, and this is what the giver said in the end.
    End(End),
    /// Even the end was taken before.
    Nothing,
}

impl<T, End> Queue<T, End> {
    /// An open queue that holds at most this much, what is taken and not yet used included.
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        let state = State { lying: VecDeque::new(), phase: Phase::Open, waker: None };
        Self { state: Mutex::new(state), news: Condvar::new(), room: Condvar::new(), limit: capacity.get().div_ceil(2) }
    }

    /// Waits for room and puts this there; a break when the taker has left.
    pub(crate) fn give(&self, one: T) -> ControlFlow<()> {
        // What cannot be given is dropped when the lock is free again: a parameter outlives every local.
        let mut state = self.state.lock();
        while matches!(state.phase, Phase::Open) && state.lying.len() >= self.limit {
            self.room.wait(&mut state);
        }
        if !matches!(state.phase, Phase::Open) {
            return ControlFlow::Break(());
        }
        let is_news = state.lying.is_empty();
        state.lying.push_back(one);
        if is_news {
            self.tell(state);
        }
        ControlFlow::Continue(())
    }

    /// The giver leaves, and says this.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Deserted) {
            return; // with `end` dropped after the lock, as in `give`
        }
        state.phase = Phase::Ended(end);
        self.tell(state);
    }

    /// Waits until there is something, and moves all of it into the batch, which is empty.
    pub(crate) fn take(&self, batch: &mut VecDeque<T>) -> Taken<End> {
        let mut state = self.state.lock();
        loop {
            match state.take(batch) {
                Some(taken) => return self.make_room(state, taken),
                None => self.news.wait(&mut state),
            }
        }
    }

    /// [`take`](Self::take) that waits in the way of futures.
    pub(crate) fn poll_take(&self, batch: &mut VecDeque<T>, context: &Context<'_>) -> Poll<Taken<End>> {
        // Cloned, and an earlier one dropped, without the lock: a waker is code of somebody else.
        let mut waker = Some(context.waker().clone());
        let mut state = self.state.lock();
        if let Some(taken) = state.take(batch) {
            return Poll::Ready(self.make_room(state, taken));
        }
        std::mem::swap(&mut state.waker, &mut waker);
        Poll::Pending
    }

    /// The taker leaves: what lies there is dropped, and the giver learns of it.
    pub(crate) fn desert(&self) {
        let mut state = self.state.lock();
        let phase = std::mem::replace(&mut state.phase, Phase::Deserted);
        let (lying, waker) = (std::mem::take(&mut state.lying), state.waker.take());
        drop(state);
        self.room.notify_one();
        drop((lying, phase, waker)); // all of them code of others, so without the lock
    }

    /// Tells the taker, whichever way it waits.
    fn tell(&self, mut state: MutexGuard<'_, State<T, End>>) {
        let waker = state.waker.take();
        drop(state);
        self.news.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Tells the giver that there is room, where it may have waited for some.
    fn make_room(&self, state: MutexGuard<'_, State<T, End>>, taken: Taken<End>) -> Taken<End> {
        drop(state);
        if matches!(taken, Taken::Batch) {
            self.room.notify_one();
        }
        taken
    }
}

impl<T, End> State<T, End> {
    /// What there is to take; none while there is nothing yet.
    fn take(&mut self, batch: &mut VecDeque<T>) -> Option<Taken<End>> {
        if !self.lying.is_empty() {
            debug_assert!(batch.is_empty(), "a batch is used up before the next is taken");
            std::mem::swap(&mut self.lying, batch); // the storage of both is used for ever
            return Some(Taken::Batch);
        }
        match std::mem::replace(&mut self.phase, Phase::Told) {
            Phase::Ended(end) => Some(Taken::End(end)),
            Phase::Told => Some(Taken::Nothing),
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
    fn all_that_is_there_is_taken_at_once_and_then_the_end_once() {
        let (queue, mut batch) = (queue(4), VecDeque::new());
        assert!(queue.give(1).is_continue() && queue.give(2).is_continue());
        assert_eq!((queue.take(&mut batch), &batch), (Taken::Batch, &VecDeque::from([1, 2])));
        batch.clear();
        assert!(queue.give(3).is_continue());
        queue.end("over");
        assert_eq!((queue.take(&mut batch), &batch), (Taken::Batch, &VecDeque::from([3])));
        batch.clear();
        assert_eq!(queue.take(&mut batch), Taken::End("over"));
        assert_eq!(queue.take(&mut batch), Taken::Nothing);
    }

    #[test]
    fn what_lies_there_and_what_was_taken_are_no_more_than_the_capacity() {
        for capacity in 1..20 {
            let limit = queue(capacity).limit;
            let taken = limit - 1; // of a batch, one is in use already
            assert!(limit >= 1 && limit + taken <= capacity, "{capacity}");
        }
    }

    #[test]
    fn one_who_left_is_given_nothing_and_told_nothing() {
        let queue = queue(1);
        assert!(queue.give(1).is_continue());
        queue.desert(); // although the queue is full
        assert!(queue.give(2).is_break());
        queue.end("over");
        assert!(queue.state.lock().lying.is_empty());
    }

    #[test]
    fn an_end_that_nobody_takes_is_dropped_with_the_desertion() {
        let (queue, end) = (Queue::<usize, _>::new(NonZeroUsize::MIN), std::sync::Arc::new(()));
        queue.end(std::sync::Arc::clone(&end));
        queue.desert();
        assert_eq!(std::sync::Arc::strong_count(&end), 1);
    }

    #[test]
    fn a_look_that_finds_nothing_leaves_a_waker_that_the_next_news_takes() {
        let (queue, mut batch) = (queue(4), VecDeque::new());
        let context = Context::from_waker(Waker::noop());
        assert!(queue.poll_take(&mut batch, &context).is_pending());
        assert!(queue.state.lock().waker.is_some());
        assert!(queue.give(1).is_continue());
        assert!(queue.state.lock().waker.is_none());
        assert_eq!(queue.poll_take(&mut batch, &context), Poll::Ready(Taken::Batch));
    }
}
