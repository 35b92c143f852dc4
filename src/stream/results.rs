//! [`Results`]: the results of a run as an iterator. Its counterpart for executors is `job_handle.rs`; `run_feed.rs` does the
//! work of both.

use std::fmt;
use std::iter::FusedIterator;
use std::num::NonZeroUsize;

use crate::error::Error;
use crate::never::Never;
use crate::primitives::cancel::CancelToken;
use crate::run::end::RunReport;
use crate::stream::run_feed::RunFeed;
use crate::stream::{Emit, NextResult};
use crate::tally::Tally;

/// The results of a run in another thread: an iterator over each item's index and its value or failure.
///
/// [`Work::ordered`](crate::Work::ordered) and [`Work::as_completed`](crate::Work::as_completed) return it. The run has
/// started by then. It continues until a [`window`](crate::Job::window) of results waits for `next`.
///
/// An `Err` item is about the run itself, and is the last item. It is the error that [`Work::run`](crate::Work::run)
/// would return, or else the first of [`Outcome::warnings`](crate::Outcome::warnings); after a warning all results were
/// returned, and there is a tally. A cancelled run, by Ctrl+C for instance, ends the iterator early without an `Err`: its
/// [`tally`](Self::tally) then counts items that were not finished. So read a stream by `for result in &mut results`, and
/// look at the tally before the results are used as all of them.
///
/// Cost: a thread per stream, and a queue whose lock is paid once per batch of results.
///
/// # Concurrency
/// `next` waits for the next result. After the last one, nothing that the run started is alive. Dropping the iterator
/// earlier cancels the run and waits for its end: items in hand finish, and nothing new starts. An input iterator that
/// blocks is not waited for: the thread that reads it ends when it returns. Leaking the iterator (`mem::forget`) leaves a
/// thread that waits for ever. A panic of the input's iterator or of a callback of the job is raised in `next`, once; no
/// item follows it.
///
/// ```
/// use manyhands::{Error, Job, stream::Results};
///
/// fn sum(mut lengths: Results<usize>) -> Result<usize, Error> {
///     let mut sum = 0;
///     for result in &mut lengths {
///         let (index, length) = result?;
///         sum += length.unwrap_or_else(|failure| panic!("item {index}: {failure:?}"));
///     }
///     assert_eq!(lengths.tally().unwrap().succeeded, 2);
///     Ok(sum)
/// }
/// assert_eq!(sum(Job::over(["a", "bcd"]).map(|text| text.len()).ordered()?)?, 4);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "dropping the results cancels the run"]
pub struct Results<R, E = Never> {
    feed: RunFeed<R, E>,
}

impl<R: Send + 'static, E: Send + 'static> Results<R, E> {
    /// Starts the run's body. At most `capacity` results wait for the consumer; `cancel` ends this run and no other.
    pub(crate) fn start<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: RunFeed::start(capacity, cancel, body) }
    }

    /// [`start`](Self::start) for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn start_bare<B>(capacity: NonZeroUsize, cancel: CancelToken, body: B) -> Self
    where
        B: FnOnce(&mut Emit<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: RunFeed::start_bare(capacity, cancel, body) }
    }
}

impl<R, E> Results<R, E> {
    /// The tally of the run; `None` before the last result was taken, and when the run itself had an error.
    ///
    /// ```
    /// let mut results = manyhands::Job::over(0_u32..3).map(|n| n + 1).ordered()?;
    /// assert!(results.tally().is_none());
    /// results.by_ref().for_each(drop);
    /// assert_eq!(results.tally().unwrap().succeeded, 3);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn tally(&self) -> Option<&Tally> {
        self.feed.tally()
    }
}

impl<R, E> Iterator for Results<R, E> {
    type Item = NextResult<R, E>;

    fn next(&mut self) -> Option<Self::Item> {
        self.feed.next()
    }
}

impl<R, E> FusedIterator for Results<R, E> {}

impl<R, E> Drop for Results<R, E> {
    fn drop(&mut self) {
        self.feed.abort();
        self.feed.join();
    }
}

impl<R, E> fmt::Debug for Results<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("feed", &self.feed).finish()
    }
}
