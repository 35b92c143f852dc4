//! When a failed item is tried again: the user's choice, and the arithmetic behind it. Pure.

use std::time::Duration;

use crate::config_error::ConfigError;
use crate::record::FailureKind;

/// How often failed items are tried again, which of them, and after how long.
///
/// An item that waits to be tried again holds nobody up: its worker goes on with others. Time limits are per attempt. Only
/// what is still wrong after the last attempt is a failure, for [`OnFailure`](crate::OnFailure) too.
///
/// A function that is tried again must be able to run twice on the same item. Where a worker process died, the second try that
/// its item gets anyway is one of these.
///
/// ```
/// use manyhands::{FailureKind, Job, Retry};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    times: u32,
    backoff: Duration,
    longest: Duration,
    only: Option<Vec<FailureKind>>,
}

impl Retry {
    /// Each failed item is tried up to so many times more, at once.
    #[must_use]
    pub fn times(times: u32) -> Self {
        Self { times, backoff: Duration::ZERO, longest: Duration::from_secs(3600), only: None }
    }

    /// So long an item waits before its second attempt, twice as long before its third, and so on, up to
    /// [`backoff_at_most`](Retry::backoff_at_most).
    #[must_use]
    pub fn backoff(self, first: Duration) -> Self {
        Self { backoff: first, ..self }
    }

    /// An item never waits longer than this; without it, an hour.
    #[must_use]
    pub fn backoff_at_most(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Only failures of these kinds are tried again; without it, all are.
    ///
    /// ```
    /// use manyhands::{FailureKind, Job, Retry};
    /// let retry = Retry::times(5).only([FailureKind::Lost, FailureKind::TimeLimit]);
    /// let error = Job::new(&[1]).retry(retry).try_run(|_| Err::<(), _>("wrong for ever")).unwrap().into_result().unwrap_err();
    /// assert_eq!(error.failure().unwrap().attempts, 1);
    /// ```
    #[must_use]
    pub fn only(self, kinds: impl IntoIterator<Item = FailureKind>) -> Self {
        Self { only: Some(kinds.into_iter().collect()), ..self }
    }

    /// Refuses what cannot be.
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

    /// How long to wait before the next attempt, after a failure of this kind in attempt number `attempt`, counted from 1;
    /// `None` when there is none.
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
    fn waits_double_up_to_the_longest_and_end_after_so_many_times() {
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
    fn other_kinds_are_not_tried_again() {
        let retry = Retry::times(1).only([FailureKind::Lost]);
        assert_eq!(retry.after(FailureKind::Error, 1), None);
        assert_eq!(retry.after(FailureKind::Lost, 1), Some(Duration::ZERO));
    }

    #[test]
    fn retries_that_make_no_sense_are_refused() {
        for kinds in [&[][..], &[FailureKind::Cancelled]] {
            assert!(
                Retry::times(1).only(kinds.iter().copied()).check().unwrap_err().to_string().starts_with("a retry of"),
                "{kinds:?}"
            );
        }
    }
}
