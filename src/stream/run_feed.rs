//! The thread of a run, and the end of the queue at which its answers come out.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, ready};

use crate::backend::thread_pool;
use crate::config::{self, ParallelConfig, override_parallel_config};
use crate::error::Error;
use crate::outcome::Tally;
use crate::primitives::cancel::CancelToken;
use crate::run::persistence::RunReport;
use crate::stream::queue::{Queue, Taken};
use crate::stream::{Answer, Coming, Hand};
use crate::sync::{Arc, JoinHandle, spawn_owned};

/// A run in a thread of its own, as seen by the one that takes its answers.
pub(crate) struct RunFeed<R, E> {
    queue: Arc<Queue<Answer<R, E>, StreamEnd<E>>>,
    /// What was taken from the queue and not yet asked for.
    batch: VecDeque<Answer<R, E>>,
    /// Ends this run and nothing else.
    cancel: CancelToken,
    /// The run's thread, until its end was seen.
    thread: Option<JoinHandle<()>>,
    /// What the run did, once it is over.
    tally: Option<Tally>,
}

/// What a drive came to: what it returned, or what it panicked with.
type StreamEnd<E> = Result<Result<RunReport, Error<E>>, Box<dyn Any + Send>>;

impl<R: Send + 'static, E: Send + 'static> RunFeed<R, E> {
    /// Starts the drive, in the surroundings of this thread.
    pub(crate) fn start<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        let thread_context = ThreadContext::here();
        Self::start_bare(capacity, cancel, move |hand| thread_context.around(|| drive(hand)))
    }

    /// [`start`](Self::start) in no surroundings: what these are made of is no part of a model.
    pub(crate) fn start_bare<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        let queue = Arc::new(Queue::new(capacity));
        let theirs = Arc::clone(&queue);
        let body = move || {
            let hand = &mut |index, answer| theirs.give((index, answer));
            // Nothing that the drive may leave half done is looked at after a panic: it goes with it.
            let ending = catch_unwind(AssertUnwindSafe(|| drive(hand)));
            theirs.end(ending);
        };
        let thread = match spawn_owned("manyhands stream".to_owned(), body) {
            Ok(thread) => Some(thread),
            Err(error) => {
                queue.end(Ok(Err(Error::worker_state(format!("the system has no thread to give: {error}")))));
                None
            }
        };
        Self { queue, batch: VecDeque::new(), cancel, thread, tally: None }
    }
}

impl<R, E> RunFeed<R, E> {
    /// Waits for the next answer; none when there will be no more.
    pub(crate) fn next(&mut self) -> Option<Coming<R, E>> {
        loop {
            if let Some(answer) = self.batch.pop_front() {
                return Some(Ok(answer));
            }
            match self.queue.take(&mut self.batch) {
                Taken::Batch => {}
                Taken::End(ending) => return self.last(ending),
                Taken::Nothing => return None,
            }
        }
    }

    /// [`next`](Self::next) in the way of futures.
    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<Coming<R, E>>> {
        loop {
            if let Some(answer) = self.batch.pop_front() {
                return Poll::Ready(Some(Ok(answer)));
            }
            match ready!(self.queue.poll_take(&mut self.batch, context)) {
                Taken::Batch => {}
                Taken::End(ending) => return Poll::Ready(self.last(ending)),
                Taken::Nothing => return Poll::Ready(None),
            }
        }
    }

    /// Calls `use_up` with each answer that is there; gives what the run came to, if that is all there will be.
    ///
    /// # Panics
    /// When asked once more after that.
    pub(crate) fn poll_all(
        &mut self,
        context: &Context<'_>,
        use_up: impl FnMut(Answer<R, E>),
    ) -> Poll<Result<RunReport, Error<E>>> {
        match ready!(self.queue.poll_take(&mut self.batch, context)) {
            Taken::Batch => {
                self.batch.drain(..).for_each(use_up);
                // The executor's other tasks have their turn, however fast answers come.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Taken::End(ending) => Poll::Ready(self.end(ending)),
            Taken::Nothing => panic!("the future was polled again after it was done"),
        }
    }

    /// Puts an answer back that was taken already.
    pub(crate) fn put_back(&mut self, answer: Answer<R, E>) {
        self.batch.push_back(answer);
    }

    /// What the run did, once it is over.
    pub(crate) fn tally(&self) -> Option<&Tally> {
        self.tally.as_ref()
    }

    /// Asks the run to stop, and takes no more of its answers.
    pub(crate) fn break_off(&self) {
        self.cancel.cancel();
        self.queue.desert();
    }

    /// Waits until the run's thread has ended.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // What the drive panics with comes through the queue, and goes nowhere when nobody takes that any more.
            let _ = thread.join();
        }
    }

    /// What comes after the last answer: what went wrong with the run, or beside it.
    fn last(&mut self, ending: StreamEnd<E>) -> Option<Coming<R, E>> {
        match self.end(ending) {
            Ok(ended) => ended.warnings.into_iter().next().map(|trouble| Err(trouble.widen())),
            Err(error) => Some(Err(error)),
        }
    }

    fn end(&mut self, ending: StreamEnd<E>) -> Result<RunReport, Error<E>> {
        self.join(); // it has nothing left to do
        let ended = ending.unwrap_or_else(|payload| resume_unwind(payload))?;
        self.tally = Some(ended.tally);
        Ok(ended)
    }
}

impl<R, E> fmt::Debug for RunFeed<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFeed").field("cancel", &self.cancel).field("tally", &self.tally).finish_non_exhaustive()
    }
}

/// What a thread has about it that a run in it depends on, carried over to another thread, so that a run does not change with
/// the way in which its answers are asked for.
struct ThreadContext {
    config: ParallelConfig,
    /// Whether it works on an item of another call, whose workers it is to share then.
    is_worker_thread: bool,
    subscriber: tracing::Dispatch,
    span: tracing::Span,
}

impl ThreadContext {
    fn here() -> Self {
        Self {
            config: config::parallel_config(),
            is_worker_thread: thread_pool::is_worker_thread(),
            subscriber: tracing::dispatcher::get_default(Clone::clone),
            span: tracing::Span::current(),
        }
    }

    fn around<A>(self, work: impl FnOnce() -> A) -> A {
        let _config = override_parallel_config(self.config);
        let in_worker = || if self.is_worker_thread { thread_pool::in_worker(work) } else { work() };
        tracing::dispatcher::with_default(&self.subscriber, || self.span.in_scope(in_worker))
    }
}
