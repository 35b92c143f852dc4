//! Times at which an observer did not run, so that what it observes is not blamed for them. Pure: the caller passes the
//! times in.
//!
//! A program that is stopped (by a debugger, a batch system, `kill -STOP`) sees afterwards that the clock has gone on.
//! An observer that looks at regular intervals finds a pause as two looks that lie far apart, and takes the pause off
//! the time that something else has taken meanwhile. A suspended machine needs none of this: the steady clock does not
//! run then.

//! All pauses count, however many there were. Old ones are merged, so memory stays bounded: with a pause each minute
//! for a month, the time of an item that began within a merged pause is known to a twentieth of its age, and the others to
//! the nanosecond. What is not known is taken as a pause, so no item is blamed for one.

/// Looks that lie further apart than this have a pause between them, in nanoseconds.
///
/// An observer looks every 20 to 100 ms. On a busy machine it may run that much later without having been stopped;
/// then it credits a time in which it observed nothing, which does no harm.
const PAUSE_NANOS: u64 = 250_000_000;
/// Where there are more pauses, two neighbours are merged.
const MOST: usize = 256;

/// The pauses of one observer, in nanoseconds of any one clock.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// The last look; `None` before the first.
    last: Option<u64>,
    /// In the order of time.
    pauses: Vec<Pause>,
}

/// A pause, or several with the times between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pause {
    start: u64,
    end: u64,
    /// How long the observer did not run in this time.
    paused: u64,
}

impl Pauses {
    /// The observer runs at this time. A time before that of the last look is none.
    pub(crate) fn look(&mut self, now: u64) {
        let last = self.last.get_or_insert(now);
        if now.saturating_sub(*last) > PAUSE_NANOS {
            self.pauses.push(Pause { start: *last, end: now, paused: now - *last });
            if self.pauses.len() > MOST {
                merge_two(&mut self.pauses, now);
            }
        }
        *last = now.max(*last);
    }

    /// The observer stops looking: the time until its next look is no pause.
    pub(crate) fn rest(&mut self) {
        self.last = None;
    }

    /// The time between these moments in which the observer ran.
    ///
    /// Of merged pauses that began before `since` all that can lie behind it counts as paused.
    pub(crate) fn observed(&self, since: u64, now: u64) -> u64 {
        let paused = |pause: &Pause| pause.paused.min(pause.end.min(now).saturating_sub(pause.start.max(since)));
        now.saturating_sub(since).saturating_sub(self.pauses.iter().map(paused).sum())
    }
}

/// Merges the two neighbours that are the closest together for their age: the older pauses are, the less of when they
/// were is remembered.
fn merge_two(pauses: &mut Vec<Pause>, now: u64) {
    let length_and_age = |pair: &[Pause]| (u128::from(pair[1].end - pair[0].start), u128::from(now - pair[0].start));
    let pairs = pauses.windows(2).map(length_and_age).enumerate();
    let closest =
        pairs.min_by(|(_, (length, age)), (_, (other, others_age))| (length * others_age).cmp(&(other * age)));
    if let Some((idx, _)) = closest {
        let later = pauses.remove(idx + 1);
        let merged = &mut pauses[idx];
        *merged = Pause { start: merged.start, end: later.end, paused: merged.paused + later.paused };
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
    fn a_rest_is_no_pause() {
        let mut pauses = Pauses::default();
        pauses.look(0);
        pauses.rest();
        pauses.look(10_000 * MS);
        assert_eq!(pauses.observed(0, 10_000 * MS), 10_000 * MS);
    }

    #[test]
    fn old_pauses_count_in_bounded_memory() {
        const MINUTE: u64 = 60_000 * MS;
        let mut pauses = Pauses::default();
        let n_minutes = 30 * 24 * 60;
        // Each minute it runs for 30 s and is stopped for 30 s.
        for minute in 0..n_minutes {
            pauses.look(minute * MINUTE);
            pauses.last = Some(minute * MINUTE + MINUTE / 2); // as after looks every 20 ms
        }
        assert_eq!(pauses.pauses.len(), MOST);
        let now = n_minutes * MINUTE - MINUTE / 2;
        let ran_since = |since: u64| (now - since).div_ceil(MINUTE) * (MINUTE / 2);
        for minute in (0..n_minutes).rev().step_by(97) {
            let since = minute * MINUTE;
            let (observed, ran, age) = (pauses.observed(since, now), ran_since(since), now - since);
            assert!(observed <= ran, "{minute}: {observed} of {ran} is blamed for a pause");
            assert!(ran - observed <= age / 20, "{minute}: {observed} of {ran} is given too much time");
        }
        for minute in [0, n_minutes - 1, n_minutes - 2] {
            assert_eq!(pauses.observed(minute * MINUTE, now), ran_since(minute * MINUTE), "{minute}");
        }
    }
}
