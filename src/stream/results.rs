//! Results as an iterator.

use std::fmt;
use std::iter::FusedIterator;
use std::num::NonZeroUsize;

use crate::error::Error;
use crate::never::Never;
use crate::primitives::cancel::CancelToken;
use crate::run::end::RunReport;
use crate::stream::run_feed::RunFeed;
use crate::stream::{Hand, NextResult};
use crate::tally::Tally;

/// The answers of a run that goes on meanwhile: an iterator over each item's index and its value or failure.
///
/// The run has begun when this is there, and works ahead until a window of answers is untaken. An error in place of an answer
/// is about the run itself and the last that comes: the one that [`Work::run`](crate::Work::run) would give, or else the first of
/// [`Outcome::warnings`](crate::Outcome::warnings), after which all answers have come nonetheless and there is a tally.
///
/// # Concurrency
/// `next` waits for the next answer. After the last one, nothing that the run started is alive. Dropping it earlier breaks the
/// run off and waits for that: items in hand finish, nothing new starts. An input that makes its iterator wait is waited for too, so
/// what ends that wait, such as the other end of a channel, must not be dropped after the answers. Leaking it (`mem::forget`) leaves a thread that waits
/// for ever. When the input's iterator or a callback of the job panics, the panic goes on in `next`, once; there is nothing
/// after it.
///
/// ```
/// use manyhands::{Results, Error};
///
/// fn sum(mut lengths: Results<u64, String>) -> Result<u64, Error<String>> {
///     let mut sum = 0;
///     for answer in &mut lengths {
///         let (index, length) = answer?;
///         sum += length.unwrap_or_else(|failure| panic!("item {index}: {failure}"));
///     }
///     assert!(lengths.tally().is_some());
///     Ok(sum)
/// }
/// # let _ = sum;
/// ```
#[must_use = "dropping the answers breaks the run off"]
pub struct Results<R, E = Never> {
    feed: RunFeed<R, E>,
}

impl<R: Send + 'static, E: Send + 'static> Results<R, E> {
    /// Starts the drive. At most `capacity` answers are ready and untaken at a time; `cancel` ends this run and nothing else.
    pub(crate) fn start<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: RunFeed::start(capacity, cancel, drive) }
    }

    /// [`start`](Self::start) for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn start_bare<D>(capacity: NonZeroUsize, cancel: CancelToken, drive: D) -> Self
    where
        D: FnOnce(&mut Hand<'_, R, E>) -> Result<RunReport, Error<E>> + Send + 'static,
    {
        Self { feed: RunFeed::start_bare(capacity, cancel, drive) }
    }
}

impl<R, E> Results<R, E> {
    /// What the run did and what it cost; none before the end, or when the run itself had an error.
    ///
    /// ```
    /// use manyhands::Answers;
    ///
    /// fn count(mut answers: Results<u64>) -> usize {
    ///     assert!(answers.tally().is_none());
    ///     answers.by_ref().for_each(drop);
    ///     answers.tally().map_or(0, |tally| tally.succeeded)
    /// }
    /// # let _ = count;
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
        self.feed.break_off();
        self.feed.join();
    }
}

impl<R, E> fmt::Debug for Results<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("feed", &self.feed).finish()
    }
}
