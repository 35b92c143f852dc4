//! A token that asks running work to stop, when somebody says so or when the time is up. Holds no threads and no signal
//! handlers: a deadline is looked at when the token is asked.

use std::time::Duration;

use crate::sync::{Arc, AtomicU8, Ordering, WallClock};

/// Asks every run that it was given to, to stop: items in hand finish, nothing new starts.
///
/// Clones are the same token. A child is cancelled with its parent, and can be cancelled alone. A child may have a deadline
/// besides; it is also held to the deadlines of those it descends from.
///
/// # Concurrency
/// Any thread may cancel and ask, at any time; neither blocks. Asking costs one relaxed load per generation, and where there
/// is a deadline that has not passed, one look at the clock (some 20 to 50 ns). Cancellation hands over no data.
///
/// ```
/// use manyhands::{CancelToken, Job};
///
/// let token = CancelToken::new();
/// token.cancel();
/// let outcome = Job::new(&[1, 2, 3]).cancel_token(&token).run(|n| n * 2)?;
/// assert_eq!(outcome.unfinished().count(), 3);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    generation: Arc<Generation>,
}

/// Why a token is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// Somebody called [`CancelToken::cancel`], on the token or on one that it descends from.
    Requested,
    /// The deadline of the token, or of one that it descends from, has passed.
    Deadline,
}

#[derive(Debug, Default)]
struct Generation {
    /// One of the states below. Leaves `RUNNING` once, and never comes back.
    state: AtomicU8,
    /// The nearest of its own deadline and those it descends from, so that asking reads one clock once.
    deadline: Option<WallClock>,
    parent: Option<Arc<Generation>>,
}

const RUNNING: u8 = 0;
const ASKED: u8 = 1;
const LATE: u8 = 2;

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and whose own cancellation leaves this one as it is.
    ///
    /// ```
    /// let night = manyhands::CancelToken::new();
    /// let subject = night.child();
    /// subject.cancel();
    /// assert!(subject.is_cancelled() && !night.is_cancelled());
    /// ```
    #[must_use]
    pub fn child(&self) -> Self {
        self.descend(self.generation.deadline)
    }

    /// A [`child`](Self::child) that is cancelled when this moment comes, if nothing cancels it before. A moment that has
    /// passed cancels it at once.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let night = manyhands::CancelToken::new();
    /// let by_noon = night.with_deadline(Instant::now() + Duration::from_secs(3600));
    /// assert!(!by_noon.is_cancelled());
    /// night.cancel();
    /// assert!(by_noon.is_cancelled());
    /// ```
    #[must_use]
    pub fn with_deadline(&self, deadline: WallClock) -> Self {
        let inherited = self.generation.deadline;
        self.descend(Some(inherited.map_or(deadline, |inherited| inherited.min(deadline))))
    }

    /// A [`child`](Self::child) that is cancelled this long from now, if nothing cancels it before. A time beyond what the
    /// clock can tell is no limit.
    ///
    /// ```
    /// use manyhands::{CancelReason, CancelToken, Job};
    /// use std::time::Duration;
    ///
    /// let token = CancelToken::new().with_time_limit(Duration::ZERO);
    /// let outcome = Job::new(&[1, 2, 3]).cancel_token(&token).run(|n| n * 2)?;
    /// assert_eq!(outcome.tally().cancelled, 3);
    /// assert_eq!(token.cancel_reason(), Some(CancelReason::Deadline));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn with_time_limit(&self, limit: Duration) -> Self {
        match WallClock::now().checked_add(limit) {
            Some(deadline) => self.with_deadline(deadline),
            None => self.child(),
        }
    }

    /// The moment at which the token is cancelled at the latest: the nearest of its own deadline and those of the tokens
    /// that it descends from.
    ///
    /// ```
    /// let token = manyhands::CancelToken::new();
    /// let noon = std::time::Instant::now();
    /// assert_eq!(token.deadline(), None);
    /// assert_eq!(token.with_deadline(noon).child().deadline(), Some(noon));
    /// ```
    #[must_use]
    pub fn deadline(&self) -> Option<WallClock> {
        self.generation.deadline
    }

    /// Asks for the stop. Asking again changes nothing.
    pub fn cancel(&self) {
        self.generation.leave_running(ASKED);
    }

    /// True once this token or one that it descends from was cancelled, or its deadline has passed. Never false again.
    #[must_use]
    #[inline] // Asked before each item, from code that is compiled in the caller's crate.
    pub fn is_cancelled(&self) -> bool {
        self.generation.state() != RUNNING
    }

    /// Why the token is cancelled; none while it is not. A token's own reason comes before its parent's, and the first that
    /// was seen stays.
    ///
    /// ```
    /// use manyhands::{CancelReason, CancelToken};
    ///
    /// let token = CancelToken::new();
    /// assert_eq!(token.cancel_reason(), None);
    /// token.cancel();
    /// assert_eq!(token.cancel_reason(), Some(CancelReason::Requested));
    /// ```
    #[must_use]
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        match self.generation.state() {
            RUNNING => None,
            LATE => Some(CancelReason::Deadline),
            _ => Some(CancelReason::Requested),
        }
    }

    fn descend(&self, deadline: Option<WallClock>) -> Self {
        let parent = Some(Arc::clone(&self.generation));
        Self { generation: Arc::new(Generation { state: AtomicU8::new(RUNNING), deadline, parent }) }
    }
}

/// One after the other, so that a long line of descent needs no deep stack.
impl Drop for Generation {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(Ok(mut generation)) = next.map(Arc::try_unwrap) {
            next = generation.parent.take();
        }
    }
}

impl Generation {
    /// The state of the nearest generation that is cancelled; looks at the clock when there is none.
    #[inline] // The usual token has neither parent nor deadline, and is asked before each item.
    fn state(&self) -> u8 {
        // Relaxed: see `state_in_line`.
        let own = self.state.load(Ordering::Relaxed);
        let is_alone = self.parent.is_none() && self.deadline.is_none();
        if own != RUNNING || is_alone { own } else { self.state_in_line() }
    }

    fn state_in_line(&self) -> u8 {
        let mut next = Some(self);
        while let Some(generation) = next {
            // Relaxed: the state hands over no data; a worker that sees it an item later is as good.
            let state = generation.state.load(Ordering::Relaxed);
            if state != RUNNING {
                // Kept as this one's own, so that it stays the reason, should somebody else find the time to be up.
                return self.leave_running(state);
            }
            next = generation.parent.as_deref();
        }
        match self.deadline {
            Some(deadline) if WallClock::now() >= deadline => self.leave_running(LATE),
            _ => RUNNING,
        }
    }

    /// Cancels for this reason unless there is one already; gives the reason that holds. Later questions find it without
    /// a look at the clock.
    fn leave_running(&self, reason: u8) -> u8 {
        // Relaxed: see `state_in_line`. One step of one word, so that of two reasons the first stays.
        match self.state.compare_exchange(RUNNING, reason, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => reason,
            Err(earlier) => earlier,
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_deadline_that_has_passed_cancels_and_says_so() {
        let token = CancelToken::new();
        let late = token.with_deadline(WallClock::now());
        assert!(late.is_cancelled() && late.child().is_cancelled() && late.clone().is_cancelled());
        assert_eq!(late.cancel_reason(), Some(CancelReason::Deadline));
        assert!(!token.is_cancelled(), "a child's deadline is not its parent's");
        assert_eq!(token.with_time_limit(Duration::ZERO).cancel_reason(), Some(CancelReason::Deadline));
    }

    #[test]
    fn a_deadline_to_come_cancels_nothing_yet() {
        let token = CancelToken::new().with_time_limit(HOUR);
        assert_eq!((token.is_cancelled(), token.cancel_reason()), (false, None));
        token.cancel();
        assert_eq!(token.cancel_reason(), Some(CancelReason::Requested));
    }

    #[test]
    fn the_nearest_deadline_of_all_generations_holds() {
        let soon = WallClock::now() + HOUR;
        let night = CancelToken::new().with_deadline(soon);
        assert_eq!(night.with_deadline(soon + HOUR).deadline(), Some(soon));
        assert_eq!(night.with_deadline(soon - HOUR / 2).child().deadline(), Some(soon - HOUR / 2));
        assert_eq!(night.with_time_limit(Duration::MAX).deadline(), Some(soon), "a time beyond the clock is no limit");
        let passed = CancelToken::new().with_deadline(WallClock::now());
        assert!(passed.with_deadline(soon).is_cancelled(), "a later deadline does not lift an earlier one");
    }

    #[test]
    fn a_token_may_descend_from_very_many() {
        let oldest = CancelToken::new();
        let youngest = (0..300_000).fold(oldest.clone(), |token, _| token.child());
        oldest.cancel();
        assert!(youngest.is_cancelled());
        drop(youngest);
    }

    #[test]
    fn the_first_reason_stays() {
        let late = CancelToken::new().with_time_limit(Duration::ZERO);
        assert!(late.is_cancelled());
        late.cancel();
        assert_eq!(late.cancel_reason(), Some(CancelReason::Deadline));
        let asked = CancelToken::new();
        let child = asked.with_time_limit(Duration::ZERO);
        asked.cancel();
        assert_eq!(
            child.cancel_reason(),
            Some(CancelReason::Requested),
            "the stop was asked for before anybody saw the time"
        );
    }

    #[test]
    fn a_reason_that_was_seen_through_a_parent_is_not_replaced_by_a_later_stop() {
        let parent = CancelToken::new().with_time_limit(Duration::ZERO);
        let child = parent.child();
        assert_eq!([&parent, &child].map(CancelToken::cancel_reason), [Some(CancelReason::Deadline); 2]);
        child.cancel();
        assert_eq!(child.cancel_reason(), Some(CancelReason::Deadline));
    }
}
