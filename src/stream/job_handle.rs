//! [`JobHandle`], a future of a run's outcome, and [`AsyncResults`], its results one by one. Any executor can poll them: they
//! depend on none. Their counterpart for threads is `results.rs`; `run_feed.rs` does the work of both.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::Error;
use crate::never::Never;
use crate::outcome::Outcome;
use crate::primitives::cancel::CancelToken;
use crate::run::collected::Collected;
use crate::run::end::RunReport;
use crate::stream::run_feed::RunFeed;
use crate::stream::{Emit, NextResult};
use crate::tally::Tally;

/// A run in another thread: a future of its [`Outcome`].
///
/// [`Work::spawn`](crate::Work::spawn) returns it. The run has started by then, and continues until a
/// [`window`](crate::Job::window) of results waits for a poll, so let an executor poll the handle while you do other work. Use
/// [`results`](Self::results) to get results one by one instead of an outcome that holds all of them.
///
/// # Errors
/// The future's output is the error that [`Work::run`](crate::Work::run) would return.
///
/// # Panics
/// A panic of the input's iterator or of a callback of the job is raised in `poll`. Polling again after the output was
/// returned panics too.
///
/// # Concurrency
/// Polling never waits for an item. When the output is returned, nothing that the run started is alive, except for a
/// thread whose call of the input's `next` has not returned (see [`Job::over`](crate::Job::over)). Dropping the
/// handle earlier cancels the run and does not wait: items in hand finish in the background, and nothing new starts.
///
/// ```
/// use manyhands::{Error, Job, stream::JobHandle};
///
/// async fn sum(handle: JobHandle<u64>) -> Result<u64, Error> {
///     let squares = handle.await?.into_result()?;
///     Ok(squares.iter().sum())
/// }
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(runtime.block_on(sum(Job::over(1..=3).map(|n| n * n).spawn()?))?, 14);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "dropping the handle cancels the run; await it"]
pub struct JobHandle<R, E = Never> {
    feed: Detached<R, E>,
    collected: Collected<R, E>,
}

/// The results of a run in another thread, for async code: each item's index and its value or failure.
///
/// [`JobHandle::results`] returns it. Polling, dropping and panics are as described at [`JobHandle`]. An `Err` item is about the
/// run itself and the last item, as of [`Results`](crate::stream::Results).
///
/// ```
/// use manyhands::{Error, Job, stream::AsyncResults};
///
/// async fn sum(mut lengths: AsyncResults<usize>) -> Result<usize, Error> {
///     let mut sum = 0;
///     while let Some(result) = lengths.next().await {
///         let (index, length) = result?;
///         sum += length.unwrap_or_else(|failure| panic!("item {index}: {failure:?}"));
///     }
///     assert_eq!(lengths.tally().unwrap().succeeded, 2);
///     Ok(sum)
/// }
/// let results = Job::over(["a", "bcd"]).map(|text| text.len()).spawn()?.results();
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// assert_eq!(runtime.block_on(sum(results))?, 4);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "dropping the results cancels the run"]
pub struct AsyncResults<R, E = Never> {
    feed: Detached<R, E>,
}

/// A feed whose drop cancels the run and does not wait for it.
///
/// The thread goes on to the end of its items in hand and then drops its end of the queue.
struct Detached<R, E>(RunFeed<R, E>);

impl<R, E> Drop for Detached<R, E> {
    fn drop(&mut self) {
        // Not joined: that would block the executor's thread for as long as an item takes.
        self.0.abort();
    }
}

impl<R: Send + 'static, E: Send + 'static> JobHandle<R, E> {
    /// Starts the run's body. At most `capacity` results wait for the consumer; `cancel` ends this run and no other.
    pub(crate) fn start<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: Detached(RunFeed::start(capacity, cancel, body)), collected: Collected::default() }
    }

    /// [`start`](Self::start) for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn start_bare<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: Detached(RunFeed::start_bare(capacity, cancel, body)), collected: Collected::default() }
    }
}

impl<R, E> JobHandle<R, E> {
    /// The number of results that the handle holds.
    #[cfg(test)]
    pub(super) fn n_collected(&self) -> usize {
        self.collected.len()
    }

    /// The results one by one, instead of an outcome that holds all of them. Results that the handle has collected come
    /// first.
    ///
    /// ```
    /// use manyhands::Job;
    ///
    /// let mut results = Job::over([10, 20]).map(|n| n + 1).spawn()?.results();
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let (index, value) = runtime.block_on(results.next()).unwrap()?;
    /// assert_eq!((index, value.unwrap()), (0, 11));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn results(self) -> AsyncResults<R, E> {
        let Self { mut feed, collected } = self;
        collected.into_results().for_each(|result| feed.0.put_back(result));
        AsyncResults { feed }
    }
}

impl<R, E> AsyncResults<R, E> {
    /// Polls for the next result: `Ready(None)` when there will be no more. For code that implements a stream of its
    /// own; in an `async` function use [`next`](Self::next).
    ///
    /// ```
    /// use manyhands::Job;
    /// use std::future::poll_fn;
    ///
    /// let mut results = Job::over([1, 2]).map(|n| n * 10).spawn()?.results();
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let mut next = || runtime.block_on(poll_fn(|context| results.poll_next(context)));
    /// assert_eq!(next().unwrap()?.1.unwrap(), 10);
    /// assert_eq!(next().unwrap()?.1.unwrap(), 20);
    /// assert!(next().is_none());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<NextResult<R, E>>> {
        self.feed.0.poll_next(context)
    }

    /// A future of the next result; `None` when there will be no more. Dropping that future loses no result: the next
    /// call returns it.
    ///
    /// ```
    /// let mut results = manyhands::Job::over([7]).map(|n| n + 1).spawn()?.results();
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// assert_eq!(runtime.block_on(results.next()).unwrap()?.1.unwrap(), 8);
    /// assert!(runtime.block_on(results.next()).is_none());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[expect(clippy::should_implement_trait, reason = "the async form of an iterator's `next`")]
    pub fn next(&mut self) -> impl Future<Output = Option<NextResult<R, E>>> {
        poll_fn(|context| self.poll_next(context))
    }

    /// The tally of the run; `None` before the last result was taken, and when the run itself had an error.
    ///
    /// ```
    /// let mut results = manyhands::Job::over([7]).map(|n| n + 1).spawn()?.results();
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// while runtime.block_on(results.next()).is_some() {}
    /// assert_eq!(results.tally().unwrap().succeeded, 1);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        self.feed.0.tally()
    }
}

impl<R, E> Future for JobHandle<R, E> {
    type Output = Result<Outcome<R, E>, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { feed, collected } = &mut *self;
        let report = ready!(feed.0.poll_all(context, |(index, result)| collected.add(index, result)))?;
        Poll::Ready(Ok(std::mem::take(collected).into_outcome(report)))
    }
}

/// No field is ever pinned.
impl<R, E> Unpin for JobHandle<R, E> {}

impl<R, E> fmt::Debug for JobHandle<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle").field("feed", &self.feed.0).finish_non_exhaustive()
    }
}

impl<R, E> fmt::Debug for AsyncResults<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResults").field("feed", &self.feed.0).finish()
    }
}
