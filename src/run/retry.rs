//! [`Retry`]: when a failed item is retried, and after how long. Pure. The gatherer applies it; backends wait and run the item
//! again.

use std::time::Duration;

use crate::config_error::ConfigError;
use crate::record::FailureKind;

/// How often failed items are retried, which of them, and after how long.
///
/// While an item waits for its next attempt, its worker runs other items. Time limits are per attempt. Only an item
/// that fails its last attempt counts as a failure, for [`OnFailure`](crate::OnFailure) too.
///
/// The function must be able to run twice on the same item. The second attempt that an item gets after the death of its
/// worker process counts as one of the retries. Cost: with a retry, each result travels to the calling thread.
///
/// ```
/// use manyhands::{Job, Retry, job::FailureKind};
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::Duration;
///
/// let calls = AtomicU32::new(0);
/// let flaky = |n: &u32| match calls.fetch_add(1, Ordering::Relaxed) {
///     0 => Err("the server is busy"),
///     _ => Ok(*n),
/// };
/// let retry = Retry::times(2).backoff(Duration::from_millis(1)).only([FailureKind::Error]);
/// let outcome = Job::new(&[7]).retry(retry).try_run(flaky)?;
/// assert_eq!(outcome.tally().retries, 1);
/// assert_eq!(outcome.into_result()?, [7]);
/// # Ok::<(), manyhands::Error<&str>>(())
/// ```
///
/// Which attempt follows which failure, for 3 retries, a backoff of 1 s, and at most 3 s:
///
/// | the item fails in attempt | it waits | then |
/// |---|---|---|
/// | 1 | 1 s | attempt 2 |
/// | 2 | 2 s | attempt 3 |
/// | 3 | 3 s, not 4 s | attempt 4 |
/// | 4 | | a failure with `attempts` 4 |
///
/// # Limits
/// The wait is the same for all items and has no random part: items that fail together are retried together. A run that
/// is cancelled, or ended by its callback, does not wait for retries: their items count as cancelled. While an item of
/// a stream waits, up to 4096 items that were read with it stay in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a retry does nothing until it is passed to Job::retry"]
pub struct Retry {
    times: u32,
    backoff: Duration,
    longest: Duration,
    only: Option<Vec<FailureKind>>,
}

impl Retry {
    /// Retries each failed item up to `times` times, without a wait.
    ///
    /// ```
    /// use manyhands::{Job, Retry};
    /// let outcome = Job::new(&[1]).retry(Retry::times(2)).try_run(|_| Err::<(), _>("busy"))?;
    /// assert_eq!(outcome.failures()[0].attempts, 3);
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn times(times: u32) -> Self {
        Self { times, backoff: Duration::ZERO, longest: Duration::from_secs(3600), only: None }
    }

    /// Waits `first` before an item's second attempt, twice as long before its third, and so on, up to
    /// [`backoff_at_most`](Retry::backoff_at_most).
    ///
    /// ```
    /// use manyhands::{Job, Retry};
    /// use std::time::{Duration, Instant};
    /// let (start, wait) = (Instant::now(), Duration::from_millis(5));
    /// let outcome = Job::new(&[1]).retry(Retry::times(2).backoff(wait)).try_run(|_| Err::<(), _>("busy"))?;
    /// assert!(start.elapsed() >= 3 * wait); // 5 ms, then 10 ms
    /// assert_eq!(outcome.tally().retries, 2);
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn backoff(self, first: Duration) -> Self {
        Self { backoff: first, ..self }
    }

    /// The longest wait before an attempt; without this, an hour.
    ///
    /// ```
    /// use manyhands::{Job, Retry};
    /// use std::time::Duration;
    /// let retry = Retry::times(3).backoff(Duration::from_secs(60)).backoff_at_most(Duration::ZERO);
    /// let outcome = Job::new(&[1]).retry(retry).try_run(|_| Err::<(), _>("busy"))?; // at once
    /// assert_eq!(outcome.tally().retries, 3);
    /// # Ok::<(), manyhands::Error<&str>>(())
    /// ```
    pub fn backoff_at_most(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Retries only failures of these kinds; without this, all. No kind at all, and [`FailureKind::Cancelled`], are
    /// configuration errors of the run.
    ///
    /// ```
    /// use manyhands::{Job, Retry, job::FailureKind};
    /// let retry = Retry::times(5).only([FailureKind::Lost, FailureKind::TimeLimit]);
    /// let error = Job::new(&[1]).retry(retry).try_run(|_| Err::<(), _>("always fails")).unwrap().into_result().unwrap_err();
    /// assert_eq!(error.failure().unwrap().attempts, 1);
    /// ```
    pub fn only(self, kinds: impl IntoIterator<Item = FailureKind>) -> Self {
        Self { only: Some(kinds.into_iter().collect()), ..self }
    }

    /// An error for kinds that cannot be retried.
    ///
    /// Called by `job/settings.rs` before anything starts.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match &self.only {
            Some(kinds) if kinds.is_empty() => {
                Err(ConfigError::new("a retry of no kind of failure asked for; name one, or leave `only` out"))
            }
            Some(kinds) if kinds.contains(&FailureKind::Cancelled) => {
                Err(ConfigError::new("a retry of cancelled items asked for; they are left because the run ends"))
            }
            _ => Ok(()),
        }
    }

    /// The wait before the next attempt, after a failure of this kind in attempt number `attempt`, counted from 1;
    /// `None` when there is no next attempt.
    ///
    /// The doubling ends after 31 steps and saturates, so that no attempt number overflows.
    pub(crate) fn after(&self, kind: FailureKind, attempt: u32) -> Option<Duration> {
        let is_of_kind = self.only.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        if attempt > self.times || !is_of_kind {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(31);
        Some(self.backoff.saturating_mul(1 << doublings).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end_after_the_last_retry() {
        let retry = Retry::times(4).backoff(Duration::from_secs(10)).backoff_at_most(Duration::from_secs(30));
        let waits: Vec<_> =
            (1..6).map(|attempt| retry.after(FailureKind::Panic, attempt).map(|time| time.as_secs())).collect();
        assert_eq!(waits, [Some(10), Some(20), Some(30), Some(30), None]);
        assert_eq!(
            Retry::times(u32::MAX).backoff(Duration::MAX).after(FailureKind::Error, 4_000_000_000).unwrap().as_secs(),
            3600
        );
    }

    #[test]
    fn other_kinds_are_not_retried() {
        let retry = Retry::times(1).only([FailureKind::Lost]);
        assert_eq!(retry.after(FailureKind::Error, 1), None);
        assert_eq!(retry.after(FailureKind::Lost, 1), Some(Duration::ZERO));
    }

    #[test]
    fn invalid_retries_are_refused() {
        for kinds in [&[][..], &[FailureKind::Cancelled]] {
            assert!(
                Retry::times(1).only(kinds.iter().copied()).check().unwrap_err().to_string().starts_with("a retry of"),
                "{kinds:?}"
            );
        }
    }
}
