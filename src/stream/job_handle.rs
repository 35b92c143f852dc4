//! A run as a future, and its answers as they come in the way of futures. Polled by any executor; knows none.

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
use crate::stream::{Hand, NextResult};
use crate::tally::Tally;

/// A run that goes on in threads of its own: a future of its outcome.
///
/// The run has begun when this is there. It works ahead until a window of answers waits for the future to be polled, so let an
/// executor poll it. Where answers are wanted one by one, [`answers`](Self::answers) gives them instead of the outcome.
///
/// # Concurrency
/// Polling never waits for an item. Once the future is done, nothing that the run started is alive. Dropping it earlier breaks
/// the run off and waits for nothing: items in hand finish meanwhile, nothing new starts. When the input's iterator or a callback
/// of the job panics, the panic goes on in `poll`.
///
/// ```
/// use manyhands::{Error, JobHandle};
///
/// async fn sum(running: JobHandle<u64>) -> Result<u64, Error> {
///     let lengths = running.await?.into_result()?;
///     Ok(lengths.iter().sum())
/// }
/// # let _ = sum;
/// ```
#[must_use = "dropping it breaks the run off; await it"]
pub struct JobHandle<R, E = Never> {
    feed: Unattended<R, E>,
    collected: Collected<R, E>,
}

/// The answers of a run that goes on meanwhile, for an executor to ask for: each item's index and its value or failure.
///
/// Given by [`JobHandle::answers`]. What is said there of polling, dropping and panics holds here. An error in place of an
/// answer is about the run itself and the last that comes, as of [`Results`](crate::Answers).
///
/// ```
/// use manyhands::{AsyncResults, Error};
///
/// async fn sum(mut lengths: AsyncResults<u64, String>) -> Result<u64, Error<String>> {
///     let mut sum = 0;
///     while let Some(answer) = lengths.next().await {
///         let (index, length) = answer?;
///         sum += length.unwrap_or_else(|failure| panic!("item {index}: {failure}"));
///     }
///     assert!(lengths.tally().is_some());
///     Ok(sum)
/// }
/// # let _ = sum;
/// ```
#[must_use = "dropping the answers breaks the run off"]
pub struct AsyncResults<R, E = Never> {
    feed: Unattended<R, E>,
}

/// A feed that is left to end by itself.
struct Unattended<R, E>(RunFeed<R, E>);

impl<R, E> Drop for Unattended<R, E> {
    fn drop(&mut self) {
        // Not joined: an executor's thread is no place to wait for an item.
        self.0.break_off();
    }
}

impl<R: Send + 'static, E: Send + 'static> JobHandle<R, E> {
    /// Starts the drive. At most `capacity` answers are ready and untaken at a time; `cancel` ends this run and nothing else.
    pub(crate) fn start<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: Unattended(RunFeed::start(capacity, cancel, drive)), collected: Collected::default() }
    }

    /// [`start`](Self::start) for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn start_bare<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: Unattended(RunFeed::start_bare(capacity, cancel, drive)), collected: Collected::default() }
    }
}

impl<R, E> JobHandle<R, E> {
    /// How many answers it holds.
    #[cfg(test)]
    pub(super) fn gathered(&self) -> usize {
        self.collected.len()
    }

    /// The answers one by one, instead of an outcome that holds all of them.
    ///
    /// ```
    /// async fn first(running: manyhands::JobHandle<u64>) -> Option<usize> {
    ///     let (index, _value) = running.results().next().await?.ok()?;
    ///     Some(index)
    /// }
    /// # let _ = first;
    /// ```
    pub fn results(self) -> AsyncResults<R, E> {
        let Self { mut feed, collected } = self;
        collected.into_results().for_each(|answer| feed.0.put_back(answer));
        AsyncResults { feed }
    }
}

impl<R, E> AsyncResults<R, E> {
    /// The next answer, as soon as it is there; none when there will be no more.
    ///
    /// ```
    /// use std::task::Poll;
    ///
    /// let take_all = |mut answers: manyhands::AsyncResults<u64>| {
    ///     std::future::poll_fn(move |context| loop {
    ///         match answers.poll_next(context) {
    ///             Poll::Ready(None) => return Poll::Ready(answers.tally().copied()),
    ///             Poll::Ready(Some(answer)) => drop(answer),
    ///             Poll::Pending => return Poll::Pending,
    ///         }
    ///     })
    /// };
    /// # let _ = take_all;
    /// ```
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<NextResult<R, E>>> {
        self.feed.0.poll_next(context)
    }

    /// A future of the next answer. Dropping that future loses nothing: the answer is there for whoever asks next.
    #[expect(clippy::should_implement_trait, reason = "what an iterator's `next` is, in the way of futures")]
    pub fn next(&mut self) -> impl Future<Output = Option<NextResult<R, E>>> {
        poll_fn(|context| self.poll_next(context))
    }

    /// What the run did and what it cost; none before the end, or when the run itself had an error.
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        self.feed.0.tally()
    }
}

impl<R, E> Future for JobHandle<R, E> {
    type Output = Result<Outcome<R, E>, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { feed, collected } = &mut *self;
        let ended = ready!(feed.0.poll_all(context, |answer| collected.add(answer.0, answer.1)))?;
        Poll::Ready(Ok(std::mem::take(collected).into_outcome(ended)))
    }
}

/// Nothing in it is ever pinned.
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
