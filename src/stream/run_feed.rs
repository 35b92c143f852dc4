//! A run in a thread of its own, and the consumer's end of its queue.
//!
//! [`RunFeed`] starts the thread, takes results from `queue.rs`, and joins the thread once the run has ended. `results.rs` is
//! an iterator over it, `job_handle.rs` a future. Promise: the run sees the config, the worker status and the `tracing`
//! span of the thread that started it; a panic of the run is raised in the consumer, once. In a forked child, which has no
//! such thread, the results end with an error, and nothing is waited for.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, ready};

use crate::config;
use crate::error::Error;
use crate::panics::{Held, drop_each_logged};
use crate::primitives::cancel::CancelToken;
use crate::run::end::RunReport;
use crate::run::thread_context::ThreadContext;
use crate::stream::queue::{Queue, Taken};
use crate::stream::{Emit, IndexedResult, NextResult};
use crate::sync::{Arc, JoinHandle, ProcessMark, StackSize, end_forked_child, spawn_owned};
use crate::tally::Tally;

/// A run in a thread of its own, as its consumer sees it.
pub(crate) struct RunFeed<R, E> {
    queue: Arc<Queue<IndexedResult<R, E>, StreamEnd<E>>>,
    /// Results that were taken from the queue and not consumed yet.
    batch: VecDeque<IndexedResult<R, E>>,
    /// Ends this run and nothing else.
    cancel: CancelToken,
    /// Where the run's thread is.
    process: ProcessMark,
    /// Whether the consumer in a forked child was told that the run is not there.
    is_lost: bool,
    /// The run's thread, until it was joined.
    thread: Option<JoinHandle<()>>,
    /// The tally of a run that has ended.
    tally: Option<Tally>,
}

/// How the run's body ended: its return value, or its panic.
///
/// It comes last through the queue, so the consumer sees all results before it, and a panic is raised in the consumer.
type StreamEnd<E> = Result<Result<RunReport, Error<E>>, Box<dyn Any + Send>>;

impl<R: Send + 'static, E: Send + 'static> RunFeed<R, E> {
    /// Starts the run's body in a new thread, with the config and the `tracing` span of this thread.
    pub(crate) fn start<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        let thread_context = ThreadContext::here();
        Self::start_bare(capacity, cancel, move |emit| thread_context.scope(|| body(emit)))
    }

    /// [`start`](Self::start) without the context of this thread, which models leave out.
    ///
    /// If the thread cannot be started, the queue ends with that error, so the caller handles it like any error of a run.
    pub(crate) fn start_bare<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        let queue = Arc::new(Queue::new(capacity));
        let producer = Arc::clone(&queue);
        let process = ProcessMark::current();
        let body = Held::new(body); // also where no thread can be started
        let thread_body = move || {
            let emit = &mut |index, result| producer.push((index, result));
            let body = body.into_inner();
            // Unwind safe: the body owns its state, and nothing reads that state after a panic.
            let end = catch_unwind(AssertUnwindSafe(|| body(emit)));
            if !process.is_current() {
                end_forked_child(); // an item or a callback has forked it: its consumer is in the parent
            }
            producer.end(end);
        };
        let stack_size = StackSize::Bytes(config::current().thread_stack_size());
        let thread = match spawn_owned("manyhands stream".to_owned(), stack_size, thread_body) {
            Ok(thread) => Some(thread),
            Err(error) => {
                queue.end(Ok(Err(Error::worker_state(format!("no thread could be started for the run: {error}")))));
                None
            }
        };
        Self { queue, batch: VecDeque::new(), cancel, process, is_lost: false, thread, tally: None }
    }
}

impl<R, E> RunFeed<R, E> {
    /// Waits for the next result; `None` when there will be no more.
    pub(crate) fn next(&mut self) -> Option<NextResult<R, E>> {
        loop {
            if let Some(result) = self.batch.pop_front() {
                return Some(Ok(result));
            }
            if !self.process.is_current() {
                return self.forked();
            }
            match self.queue.take(&mut self.batch) {
                Taken::Batch => {}
                Taken::End(end) => return self.last(end),
                Taken::Nothing => return None,
            }
        }
    }

    /// [`next`](Self::next) for a future: never waits.
    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<NextResult<R, E>>> {
        loop {
            if let Some(result) = self.batch.pop_front() {
                return Poll::Ready(Some(Ok(result)));
            }
            if !self.process.is_current() {
                return Poll::Ready(self.forked());
            }
            match ready!(self.queue.poll_take(&mut self.batch, context)) {
                Taken::Batch => {}
                Taken::End(end) => return Poll::Ready(self.last(end)),
                Taken::Nothing => return Poll::Ready(None),
            }
        }
    }

    /// Calls `consume` with each result that is ready. Ready with the run's report once the run has ended.
    ///
    /// # Panics
    /// When it is polled again after it was ready, or with the panic of the run.
    pub(crate) fn poll_all(
        &mut self,
        context: &Context<'_>,
        consume: impl FnMut(IndexedResult<R, E>),
    ) -> Poll<Result<RunReport, Error<E>>> {
        if !self.process.is_current() {
            return Poll::Ready(Err(not_here()));
        }
        match ready!(self.queue.poll_take(&mut self.batch, context)) {
            Taken::Batch => {
                self.batch.drain(..).for_each(consume);
                // Yields, so that the executor can run other tasks however fast results are produced.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Taken::End(end) => Poll::Ready(self.end(end)),
            Taken::Nothing => panic!("the future was polled again after it was done"),
        }
    }

    /// Puts back a result that was consumed before.
    ///
    /// Only before the first `next`, while the batch is empty or holds results that were put back.
    pub(crate) fn put_back(&mut self, result: IndexedResult<R, E>) {
        self.batch.push_back(result);
    }

    /// The tally of a run that has ended.
    pub(crate) fn tally(&self) -> Option<&Tally> {
        self.tally.as_ref()
    }

    /// Cancels the run, and takes no more of its results. Does not wait.
    ///
    /// Both steps are needed: the token ends the items that have not started, and the closed queue a run that waits for
    /// space.
    ///
    /// The results that were taken and not consumed are dropped here, one by one: a panic of a destructor must keep no
    /// thread from being joined, and two of them would abort.
    pub(crate) fn abort(&mut self) {
        self.cancel.cancel();
        if self.process.is_current() {
            self.queue.close();
        }
        drop_each_logged(self.batch.drain(..));
    }

    /// Waits until the run's thread has ended.
    pub(crate) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            if !self.process.is_current() {
                return std::mem::forget(thread);
            }
            // A panic of the body comes through the queue. It is lost where the consumer has left.
            let _ = thread.join();
        }
    }

    /// The item after the last result in a forked child.
    fn forked(&mut self) -> Option<NextResult<R, E>> {
        (!std::mem::replace(&mut self.is_lost, true)).then(|| Err(not_here()))
    }

    /// The item after the last result: the error of the run, or its first warning.
    fn last(&mut self, end: StreamEnd<E>) -> Option<NextResult<R, E>> {
        match self.end(end) {
            Ok(report) => report.warnings.into_iter().next().map(|warning| Err(warning.widen())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Joins the thread and keeps the tally. Raises the panic of the run, if it had one.
    fn end(&mut self, end: StreamEnd<E>) -> Result<RunReport, Error<E>> {
        self.join(); // the thread has nothing left to do
        let report = end.unwrap_or_else(|payload| resume_unwind(payload))?;
        self.tally = Some(report.tally);
        Ok(report)
    }
}

/// The error of a run that a forked child has inherited from its parent.
fn not_here<E>() -> Error<E> {
    Error::worker_state(
        "this process was forked while the run was in progress, and the run goes on in its parent alone; start a run here",
    )
}

impl<R, E> fmt::Debug for RunFeed<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFeed").field("cancel", &self.cancel).field("tally", &self.tally).finish_non_exhaustive()
    }
}
