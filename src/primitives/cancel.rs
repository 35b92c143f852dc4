//! A token that stops running work, on request or at a deadline.
//!
//! It starts no thread and installs no signal handler: the clock is read when the token is queried. `signals.rs`
//! cancels tokens on Ctrl+C; the backends query them before each item.

use std::fmt;
use std::time::Duration;

use crate::sync::{Arc, AtomicU8, Ordering, WallClock};

/// Stops every run that it was given to: items that have started finish, and no other item starts.
///
/// Clones are the same token. A child is cancelled with its parent, and can be cancelled alone. A child may have a
/// deadline of its own; the deadlines of its ancestors hold for it, too.
///
/// # Concurrency
/// Any thread may cancel and query, at any time; neither blocks. A query costs one relaxed load per generation, and
/// where there is a deadline that has not passed, one read of the clock (some 20 to 50 ns). Cancellation publishes no
/// other data: a thread that sees it may not conclude that it sees what the cancelling thread wrote before.
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

/// Why a token is cancelled: see [`CancelToken::cancel_reason`].
///
/// ```
/// use manyhands::job::CancelReason;
///
/// assert_eq!(CancelReason::Requested.to_string(), "cancellation was requested");
/// assert_eq!(CancelReason::Deadline.to_string(), "the deadline has passed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelReason {
    /// [`CancelToken::cancel`] was called, on the token or on an ancestor.
    Requested,
    /// The deadline of the token, or of an ancestor, has passed.
    Deadline,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "cancellation was requested",
            Self::Deadline => "the deadline has passed",
        })
    }
}

/// The state that all clones of a token share. Its children hold it as their parent.
///
/// A token, its child and its grandchild are three generations in a line. A query of the grandchild reads up to three
/// states, and then one clock; once it has found a reason, it keeps it as its own, and later queries read one state.
/// Memory: one allocation per generation, none per clone.
#[derive(Debug, Default)]
struct Generation {
    /// One of the states below. Leaves `RUNNING` once, and then never changes. May still be `RUNNING` while an ancestor
    /// is cancelled; the next query copies the ancestor's reason here.
    state: AtomicU8,
    /// The nearest of its own deadline and those of its ancestors, so that a query reads the clock once.
    deadline: Option<WallClock>,
    parent: Option<Arc<Generation>>,
}

const RUNNING: u8 = 0;
const REQUESTED: u8 = 1;
const DEADLINE_PASSED: u8 = 2;

impl CancelToken {
    /// A token that is not cancelled, and has no deadline.
    ///
    /// ```
    /// assert!(!manyhands::CancelToken::new().is_cancelled());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and can be cancelled without it.
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

    /// A [`child`](Self::child) that is cancelled at this moment at the latest. A moment that has passed cancels it at
    /// once.
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

    /// A [`child`](Self::child) that is cancelled this long from now at the latest. A time that the clock cannot
    /// represent is no limit.
    ///
    /// ```
    /// use manyhands::job::CancelReason;
    /// use manyhands::{CancelToken, Job};
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

    /// The moment at which the token is cancelled at the latest: the nearest of its own deadline and those of its
    /// ancestors.
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

    /// Cancels the token, its clones and its descendants. A second call changes nothing.
    ///
    /// Returns at once: it does not wait for the runs to end.
    ///
    /// ```
    /// let token = manyhands::CancelToken::new();
    /// let same = token.clone();
    /// token.cancel();
    /// assert!(same.is_cancelled());
    /// ```
    pub fn cancel(&self) {
        self.generation.leave_running(REQUESTED);
    }

    /// True once this token or an ancestor was cancelled, or a deadline of theirs has passed. Never false again.
    ///
    /// A function that runs long may query it and end early.
    ///
    /// ```
    /// let token = manyhands::CancelToken::new();
    /// let steps = (0..100).take_while(|step| {
    ///     if *step == 3 {
    ///         token.cancel(); // in a program: another thread, or Ctrl+C
    ///     }
    ///     !token.is_cancelled()
    /// });
    /// assert_eq!(steps.count(), 3);
    /// ```
    #[must_use]
    #[inline] // Called before each item, from code that is compiled in the caller's crate.
    pub fn is_cancelled(&self) -> bool {
        self.generation.state() != RUNNING
    }

    /// Why the token is cancelled; `None` while it is not. A token's own reason wins over its parent's, and the first
    /// reason that a query saw stays.
    ///
    /// ```
    /// use manyhands::job::CancelReason;
    /// use manyhands::CancelToken;
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
            DEADLINE_PASSED => Some(CancelReason::Deadline),
            _ => Some(CancelReason::Requested),
        }
    }

    /// The only place that makes a generation with a parent. `deadline` includes those of the ancestors already.
    fn descend(&self, deadline: Option<WallClock>) -> Self {
        let parent = Some(Arc::clone(&self.generation));
        Self { generation: Arc::new(Generation { state: AtomicU8::new(RUNNING), deadline, parent }) }
    }
}

/// Drops the ancestors in a loop, so that a long line of descent needs no deep stack.
impl Drop for Generation {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(Ok(mut generation)) = next.map(Arc::try_unwrap) {
            next = generation.parent.take();
        }
    }
}

impl Generation {
    /// The state of the nearest generation that is cancelled; reads the clock when there is none.
    #[inline] // The usual token has neither parent nor deadline, and is queried before each item.
    fn state(&self) -> u8 {
        // Relaxed: see `state_in_line`.
        let own = self.state.load(Ordering::Relaxed);
        let is_alone = self.parent.is_none() && self.deadline.is_none();
        if own != RUNNING || is_alone { own } else { self.state_in_line() }
    }

    /// The own state comes first, then the parent's and so on; the deadline is asked last, since only it needs the
    /// clock. Cost: one relaxed load per generation, and a read of the clock where there is a deadline.
    fn state_in_line(&self) -> u8 {
        let mut next = Some(self);
        while let Some(generation) = next {
            // Relaxed: the state publishes no data, and a worker may see it an item later.
            let state = generation.state.load(Ordering::Relaxed);
            if state != RUNNING {
                // Stored as this generation's own, so that it stays the reason even if another thread sees the deadline
                // pass.
                return self.leave_running(state);
            }
            next = generation.parent.as_deref();
        }
        match self.deadline {
            Some(deadline) if WallClock::now() >= deadline => self.leave_running(DEADLINE_PASSED),
            _ => RUNNING,
        }
    }

    /// Cancels for this reason unless there is one already; returns the reason that holds. Later queries find it
    /// without reading the clock.
    fn leave_running(&self, reason: u8) -> u8 {
        // Relaxed: see `state_in_line`. One atomic step, so that of two reasons the first stays.
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
        let requested = CancelToken::new();
        let child = requested.with_time_limit(Duration::ZERO);
        requested.cancel();
        assert_eq!(
            child.cancel_reason(),
            Some(CancelReason::Requested),
            "the request came before any query saw the deadline"
        );
    }

    #[test]
    fn a_reason_that_was_seen_through_a_parent_is_not_replaced_by_a_later_request() {
        let parent = CancelToken::new().with_time_limit(Duration::ZERO);
        let child = parent.child();
        assert_eq!([&parent, &child].map(CancelToken::cancel_reason), [Some(CancelReason::Deadline); 2]);
        child.cancel();
        assert_eq!(child.cancel_reason(), Some(CancelReason::Deadline));
    }
}
