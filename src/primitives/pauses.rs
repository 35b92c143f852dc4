//! Times at which an observer did not run, so that what it observes is not blamed for them. Pure: the caller passes the
//! times in.
//!
//! A program that is stopped (by a debugger, a batch system, `kill -STOP`) sees afterwards that the clock has gone on.
//! An observer that looks at regular intervals finds a pause as two looks that lie far apart, and takes the pause off
//! the time that something else has taken meanwhile. A suspended machine needs none of this: the steady clock does not
//! run then.

use std::collections::VecDeque;
use std::ops::Range;

/// Looks that lie further apart than this have a pause between them, in nanoseconds.
///
/// An observer looks every 20 to 100 ms. On a busy machine it may run that much later without having been stopped;
/// then it credits a time in which it observed nothing, which does no harm.
const PAUSE_NANOS: u64 = 250_000_000;
/// More pauses are not remembered: the oldest is forgotten.
const MOST: usize = 256;

/// The pauses of one observer, in nanoseconds of any one clock.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// The last look; `None` before the first.
    last: Option<u64>,
    /// In the order of time.
    pauses: VecDeque<Range<u64>>,
}

impl Pauses {
    /// The observer runs at this time. A time before that of the last look is none.
    pub(crate) fn look(&mut self, now: u64) {
        let last = self.last.get_or_insert(now);
        if now.saturating_sub(*last) > PAUSE_NANOS {
            if self.pauses.len() == MOST {
                self.pauses.pop_front();
            }
            self.pauses.push_back(*last..now);
        }
        *last = now.max(*last);
    }

    /// The observer stops looking: the time until its next look is no pause.
    pub(crate) fn rest(&mut self) {
        self.last = None;
    }

    /// The time between these moments in which the observer ran.
    pub(crate) fn observed(&self, since: u64, now: u64) -> u64 {
        let paused = |pause: &Range<u64>| pause.end.min(now).saturating_sub(pause.start.max(since));
        now.saturating_sub(since).saturating_sub(self.pauses.iter().map(paused).sum())
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn time_between_two_looks_that_lie_far_apart_is_not_observed() {
        let mut pauses = Pauses::default();
        for look in [1000, 1020, 1100, 5100, 5120, 9000] {
            pauses.look(look * MS);
        }
        let observed = |since, now| pauses.observed(since * MS, now * MS) / MS;
        assert_eq!(observed(1000, 1100), 100);
        assert_eq!(observed(1000, 9000), 120, "two pauses");
        assert_eq!(observed(2000, 5110), 10, "it began in a pause");
        assert_eq!(observed(1050, 3000), 50, "it ended in a pause");
        assert_eq!(observed(9000, 9500), 500);
        assert_eq!(observed(500, 100), 0);
    }

    #[test]
    fn a_rest_is_no_pause_and_old_pauses_are_forgotten() {
        let mut pauses = Pauses::default();
        pauses.look(0);
        pauses.rest();
        pauses.look(10_000 * MS);
        assert_eq!(pauses.observed(0, 10_000 * MS), 10_000 * MS);
        for n in 11..1000 {
            pauses.look(n * 1000 * MS);
        }
        assert_eq!(pauses.pauses.len(), MOST);
        assert_eq!(pauses.observed(999_000 * MS - 1, 999_000 * MS), 0);
    }
}
