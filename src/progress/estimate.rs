//! The estimate of the time left, as arithmetic over times and counts that the caller passes in. No clock, no threads.
//!
//! The estimate is the rest times the mean time per item, where item number `n` (from 1) has the weight `n - 1/2 + 4`.
//! So the first few items have almost equal weight, which keeps an early estimate steady, and later recent items weigh
//! more, which follows a run whose items grow or shrink. The weights need no time constant that would have to be chosen
//! for each run, and the weighted mean of equal times is that time from the first item on, so the start needs no
//! correction.
//!
//! The tests compare it on recorded traces with a plain mean, windows and exponential averages.

use std::fmt;
use std::time::Duration;

/// An estimate of the time left in a run: a best guess, and a range around it.
///
/// Its `Display` is one time, or the range while it is wide.
///
/// ```
/// use manyhands::ProgressTracker;
/// use std::time::Duration;
///
/// let tracker = ProgressTracker::with_total(100);
/// tracker.tick();
/// let early = tracker.snapshot_at(Duration::from_secs(2)).eta().unwrap();
/// assert_eq!(early.to_string(), "44s to 14m 32s");
/// assert_eq!(early.likely, Duration::from_secs(198));
/// assert!(early.at_least < early.likely && early.likely < early.at_most);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eta {
    /// The best guess.
    pub likely: Duration,
    /// The lower end of a range that includes the true time in about four of five cases, when the times of items are
    /// independent and distributed exponentially. It cannot foresee a change, such as larger
    /// files later in the list.
    pub at_least: Duration,
    /// The upper end of the range; see [`at_least`](Self::at_least).
    pub at_most: Duration,
}

impl Eta {
    pub(super) const NOTHING: Self = Self { likely: Duration::ZERO, at_least: Duration::ZERO, at_most: Duration::ZERO };

    /// True when the range is so wide that a single time would mislead.
    pub(super) fn is_wide(self) -> bool {
        self.at_most / 2 > self.at_least
    }
}

impl fmt::Display for Eta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, likely, to] = [self.at_least, self.likely, self.at_most].map(short);
        if self.is_wide() && from != to { write!(f, "{from} to {to}") } else { f.write_str(&likely) }
    }
}

/// A time in its two largest units, rounded down: `45s`, `1m 5s`, `25h 1m`.
pub(super) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Estimates the time left from the moments at which it was asked. Constant memory.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Estimator {
    /// Twice the weighted seconds of the intervals up to `closed`.
    weighted_seconds: f64,
    /// Where the newest interval begins.
    closed: Moment,
    /// Where the newest interval ends: the last moment at which items had been added.
    newest: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Moment {
    time: Duration,
    n_items: u64,
}

/// The weight of the first item, less one half.
const HEAD_START: f64 = 4.0;
/// The weight of the newest interval until the next one follows. It may end in the middle of a burst (workers that
/// started together finish together), and then has all of the burst's time and only some of its items.
const NEWEST: f64 = 0.25;

impl Estimator {
    /// Records that so many items are finished at this time. Neither may be less than before.
    pub(super) fn observe(&mut self, time: Duration, n_items: u64) {
        if n_items == self.newest.n_items {
            return;
        }
        if time > self.newest.time {
            self.weighted_seconds += self.newest_seconds();
            self.closed = self.newest;
        }
        self.newest = Moment { time, n_items };
    }

    /// The time for `left` further items, asked at this time; `None` before the first item.
    pub(super) fn eta(&self, now: Duration, left: u64) -> Option<Eta> {
        if left == 0 {
            return Some(Eta::NOTHING);
        }
        let likely = self.seconds_left(now, float(left))?;
        // The relative error of a mean of exponential times with these weights, and of the sum of those to come.
        let error = (4.0 / (3.0 * float(self.newest.n_items)) + 1.0 / float(left)).sqrt();
        let spread = (1.28 * error).exp(); // 1.28 deviations to each side are four fifths of a normal distribution
        let [at_least, likely, at_most] = [likely / spread, likely, likely * spread]
            .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        Some(Eta { likely, at_least, at_most })
    }

    /// Counts down from the last moment with new items. When the next item is overdue, assumes that it arrives now,
    /// with half of it still to do.
    fn seconds_left(&self, now: Duration, left: f64) -> Option<f64> {
        let since = now.saturating_sub(self.newest.time).as_secs_f64();
        let counted_down = left * self.seconds_per_item()? - since;
        let mut with_next = *self;
        with_next.observe(now, self.newest.n_items + 1);
        Some(counted_down.max((left - 0.5) * with_next.seconds_per_item()?))
    }

    fn seconds_per_item(&self) -> Option<f64> {
        let closed = weight(self.closed.n_items);
        let seconds = self.weighted_seconds + NEWEST * self.newest_seconds();
        let weights = closed + NEWEST * (weight(self.newest.n_items) - closed);
        (seconds > 0.0).then(|| seconds / weights)
    }

    /// Twice the weighted seconds of the newest interval, its items being spread evenly.
    fn newest_seconds(&self) -> f64 {
        let (from, to) = (self.closed, self.newest);
        (to.time - from.time).as_secs_f64() * (float(from.n_items) + float(to.n_items) + 2.0 * HEAD_START)
    }
}

/// Twice the weights of the first `n_items` items together.
fn weight(n_items: u64) -> f64 {
    float(n_items) * (float(n_items) + 2.0 * HEAD_START)
}

/// Exact up to 2^53 items.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn pace(moments: &[(f64, u64)]) -> Estimator {
        let mut pace = Estimator::default();
        moments.iter().for_each(|&(time, n_items)| pace.observe(seconds(time), n_items));
        pace
    }

    fn likely(pace: &Estimator, now: f64, left: u64) -> f64 {
        pace.eta(seconds(now), left).unwrap().likely.as_secs_f64()
    }

    #[test]
    fn nothing_done_tells_nothing_and_nothing_left_takes_no_time() {
        assert_eq!(pace(&[]).eta(seconds(5.0), 3), None);
        assert_eq!(pace(&[(0.0, 2)]).eta(seconds(0.0), 3), None, "items that took no time tell nothing");
        assert_eq!(pace(&[]).eta(seconds(5.0), 0), Some(Eta::NOTHING));
    }

    #[test]
    fn a_constant_pace_is_found_whenever_it_is_looked_at() {
        for moments in [&[(2.0, 1)][..], &[(2.0, 1), (4.0, 2), (20.0, 10)], &[(8.0, 4), (10.0, 5)], &[(1e6, 500_000)]] {
            let &(now, _) = moments.last().unwrap();
            let estimate = likely(&pace(moments), now, 7);
            assert!((estimate - 14.0).abs() < 1e-6, "{moments:?} {estimate}");
        }
    }

    #[test]
    fn items_of_one_moment_are_one_observation() {
        let (apart, together) = (pace(&[(1.0, 1), (1.0, 2), (2.0, 3), (2.0, 4)]), pace(&[(1.0, 2), (2.0, 4)]));
        assert_eq!(likely(&apart, 2.0, 6), likely(&together, 2.0, 6));
    }

    #[test]
    fn a_run_that_slows_down_is_followed() {
        let halved = pace(&[(10.0, 10), (30.0, 20), (50.0, 30)]);
        let mean = 50.0 / 30.0;
        let estimate = likely(&halved, 50.0, 1);
        assert!(mean < estimate && estimate < 2.0, "{estimate}");
    }

    #[test]
    fn asking_again_counts_down_and_never_says_done() {
        let steady = pace(&[(1.0, 1), (2.0, 2), (3.0, 3)]);
        assert_eq!(likely(&steady, 3.25, 4), 3.75);
        assert!(likely(&steady, 3.9, 1) > 0.0 && likely(&steady, 60.0, 1) > 0.4);
    }

    #[test]
    fn an_item_that_is_overdue_lengthens_the_estimate() {
        let steady = pace(&[(1.0, 1), (2.0, 2), (3.0, 3)]);
        let estimates = [4.0, 8.0, 16.0, 100.0].map(|now| likely(&steady, now, 10));
        assert!(estimates.is_sorted() && estimates[3] > 60.0, "{estimates:?}");
    }

    #[test]
    fn the_range_narrows_as_items_come() {
        let width = |n_items| {
            let eta = pace(&[(1.0, n_items)]).eta(seconds(1.0), 1000).unwrap();
            assert!(eta.at_least <= eta.likely && eta.likely <= eta.at_most);
            eta.at_most.as_secs_f64() / eta.at_least.as_secs_f64()
        };
        assert!(width(1) > 10.0 && width(10) < width(2) && width(1000) < 1.2);
    }

    #[test]
    fn a_narrow_range_is_shown_as_one_time() {
        let eta = pace(&[(1000.0, 1000)]).eta(seconds(1000.0), 1000).unwrap();
        assert_eq!(eta.to_string(), "16m 40s");
        assert_eq!(pace(&[(0.001, 1)]).eta(seconds(0.001), 3).unwrap().to_string(), "0s", "both ends read the same");
    }

    #[test]
    fn an_estimate_beyond_all_time_is_the_longest_time() {
        let eta = Estimator { newest: Moment { time: Duration::MAX, n_items: 1 }, ..Estimator::default() };
        assert_eq!(eta.eta(Duration::MAX, u64::MAX).unwrap().at_most, Duration::MAX);
    }

    #[test]
    fn short_times_read_as_the_golden_ones() {
        let Some(cases) = golden::cases("batch/eta_format.json") else { return };
        for case in cases {
            let time = case["seconds"].as_f64().unwrap();
            // The reference rounds below a minute, which is how it comes to say "60s"; here all is cut off.
            let is_rounded_there = [1.5, 59.6].contains(&time);
            let expected = if is_rounded_there { format!("{}s", time.floor()) } else { text_of(&case["text"]) };
            assert_eq!(short(seconds(time)), expected, "{time}");
        }
    }

    fn text_of(value: &serde_json::Value) -> String {
        value.as_str().unwrap().to_string()
    }
}
