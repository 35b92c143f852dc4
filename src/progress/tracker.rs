//! Counts what ends, on any thread, and tells how far that is. Draws nothing and knows no terminal; how long the rest takes
//! is `estimate.rs`.
//!
//! Counting touches one padded word of the thread's own and reads no clock. All else (summing up, the time, the estimate)
//! is done by whoever takes a snapshot.

use std::fmt;
use std::time::Duration;

use crate::progress::estimate::{Eta, Pace, float};
use crate::sync::{self, AtomicU64, CachePadded, Instant, Mutex, Ordering};

/// Counts items as they end, on any number of threads, and gives snapshots: counts, items per second, time left.
///
/// The total may be unknown, and may grow. Count an item when it has ended, not when it starts.
///
/// # Concurrency
/// Counting is one relaxed atomic step on a word that few threads share: some nanoseconds, no lock, no clock. It orders
/// nothing else: whoever sees an item in a snapshot may not conclude that its result is visible.
///
/// Snapshots exclude each other by a lock that counting never takes. Of two snapshots of one tracker the later one has no
/// smaller count and no smaller elapsed time, on whatever threads they are taken. A snapshot that is taken while others count
/// holds, for each word, what had been counted at some moment during the taking. It is exact once counting has ended and is
/// known to have ended, such as by a join.
///
/// The estimate of the time left remembers what earlier snapshots saw. Taking them regularly, some ten or more in a run,
/// lets it follow a changing pace; from a single one it is the plain mean. 2 KiB.
///
/// ```
/// use manyhands::{Ending, ProgressTracker};
/// use std::time::Duration;
///
/// let tracker = ProgressTracker::with_total(10);
/// tracker.count(Ending::Resumed, 2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| (0..3).for_each(|_| tracker.tick()));
///     scope.spawn(|| tracker.count(Ending::Failed, 1));
/// });
/// let snapshot = tracker.snapshot_at(Duration::from_secs(8));
/// assert_eq!((snapshot.done(), snapshot.total, snapshot.percent()), (6, Some(10), Some(60.0)));
/// assert_eq!(snapshot.success_rate(), Some(75.0));
/// assert_eq!(snapshot.items_per_second(), 0.5); // the two resumed items took no time
/// assert_eq!(snapshot.eta().unwrap().likely, Duration::from_secs(8));
/// assert_eq!(snapshot.to_string(), "6/10 (60%), 1 failed, 0.50 items/s, 3s to 21s left");
/// ```
#[derive(Debug)]
pub struct ProgressTracker {
    stripes: [CachePadded<Stripe>; STRIPES],
    /// How many items there are, or `UNKNOWN`.
    total: AtomicU64,
    begun: Instant,
    /// Guards what snapshots remember, and gives them an order.
    seen: Mutex<Seen>,
}

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// It was computed and has a value.
    Succeeded,
    /// It was computed and has none.
    Failed,
    /// It was not computed, and will not be.
    Skipped,
    /// An earlier run had computed it.
    Resumed,
}

/// How far a tracked run is.
///
/// Shown as one line: `6/10 (60%), 1 failed, 0.50 items/s, 3s to 21s left`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrackerSnapshot {
    /// Items that were computed and have a value.
    pub succeeded: u64,
    /// Items that were computed and have none.
    pub failed: u64,
    /// Items that were left out.
    pub skipped: u64,
    /// Items that an earlier run had computed.
    pub resumed: u64,
    /// All items, as far as they are known; never less than are done.
    pub total: Option<u64>,
    /// Since the tracker was made.
    pub elapsed: Duration,
    pace: Pace,
}

/// Enough that the threads of a machine of this size rarely meet on one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };
const UNKNOWN: u64 = u64::MAX;

/// What ended in the threads of one stripe.
#[derive(Debug, Default)]
struct Stripe {
    succeeded: AtomicU64,
    failed: AtomicU64,
    skipped: AtomicU64,
    resumed: AtomicU64,
}

#[derive(Debug, Default)]
struct Seen {
    elapsed: Duration,
    pace: Pace,
}

// Relaxed throughout: counts say how many, and hand over nothing else.
impl ProgressTracker {
    /// A tracker of a run whose length is not known yet. Its time begins now.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.tick();
    /// let snapshot = tracker.snapshot();
    /// assert_eq!((snapshot.done(), snapshot.percent(), snapshot.eta()), (1, None, None));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_total(UNKNOWN)
    }

    /// A tracker of a run of this many items (`u64::MAX` counts as unknown). Its time begins now.
    #[must_use]
    pub fn with_total(total: u64) -> Self {
        Self {
            stripes: std::array::from_fn(|_| CachePadded::new(Stripe::default())),
            total: AtomicU64::new(total),
            begun: Instant::now(),
            seen: Mutex::new(Seen::default()),
        }
    }

    /// Says how many items there are in all.
    pub fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Says that there are so many more items; the first of a run whose length was unknown.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.grow_total(3); // one folder was read
    /// tracker.grow_total(5); // and the next
    /// assert_eq!(tracker.snapshot().total, Some(8));
    /// ```
    pub fn grow_total(&self, more: u64) {
        let grown = |total| Some(if total == UNKNOWN { more } else { more.saturating_add(total) });
        // `grown` always has an answer, so this cannot fail.
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
    }

    /// Counts one item that succeeded.
    #[inline]
    pub fn tick(&self) {
        self.count(Ending::Succeeded, 1);
    }

    /// Counts items that ended in this way.
    #[inline]
    pub fn count(&self, ending: Ending, n_items: u64) {
        let stripe = &self.stripes[sync::thread_index() % STRIPES];
        stripe.of(ending).fetch_add(n_items, Ordering::Relaxed);
    }

    /// How far the run is now. Costs one look at the clock and one read of each word: some hundred nanoseconds.
    #[must_use]
    pub fn snapshot(&self) -> TrackerSnapshot {
        self.snapshot_at(self.begun.elapsed())
    }

    /// How far the run is, by a clock of the caller's, such as a replay's. A time before that of an earlier snapshot is taken
    /// as that one's.
    #[must_use]
    pub fn snapshot_at(&self, elapsed: Duration) -> TrackerSnapshot {
        let mut seen = self.seen.lock();
        // Counts are read under the lock: it orders the readings of each word, and no word ever shrinks. So a later
        // snapshot cannot find less.
        let [succeeded, failed, skipped, resumed] = self.counts();
        seen.elapsed = seen.elapsed.max(elapsed);
        let elapsed = seen.elapsed;
        seen.pace.observe(elapsed, succeeded + failed);
        let pace = seen.pace;
        let known = Some(self.total.load(Ordering::Relaxed)).filter(|&total| total != UNKNOWN);
        drop(seen); // not before the total is read, or a later snapshot could have an older one
        let total = known.map(|total| total.max(succeeded + failed + skipped + resumed));
        TrackerSnapshot { succeeded, failed, skipped, resumed, total, elapsed, pace }
    }

    fn counts(&self) -> [u64; 4] {
        const ENDINGS: [Ending; 4] = [Ending::Succeeded, Ending::Failed, Ending::Skipped, Ending::Resumed];
        ENDINGS.map(|ending| self.stripes.iter().map(|stripe| stripe.of(ending).load(Ordering::Relaxed)).sum())
    }
}

impl Default for ProgressTracker {
    fn default() -> Self {
        Self::new()
    }
}

impl Stripe {
    fn of(&self, ending: Ending) -> &AtomicU64 {
        match ending {
            Ending::Succeeded => &self.succeeded,
            Ending::Failed => &self.failed,
            Ending::Skipped => &self.skipped,
            Ending::Resumed => &self.resumed,
        }
    }
}

impl TrackerSnapshot {
    /// Items that have ended, in whatever way.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.computed() + self.skipped + self.resumed
    }

    /// Items that this run computed: those that succeeded or failed.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.succeeded + self.failed
    }

    /// The share of items that have ended, 0 to 100; 100 for a run without items, none while the total is unknown. Falls
    /// when the total grows.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        self.total.map(|total| percent(self.done(), total))
    }

    /// The share of computed items that succeeded, 0 to 100; none before the first.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        (self.computed() > 0).then(|| percent(self.succeeded, self.computed()))
    }

    /// Items computed per second since the tracker was made; 0 while no time has passed.
    #[must_use]
    pub fn items_per_second(&self) -> f64 {
        if self.elapsed.is_zero() { 0.0 } else { float(self.computed()) / self.elapsed.as_secs_f64() }
    }

    /// How long the rest takes; none while the total is unknown or nothing was computed.
    ///
    /// It rests on the items that this run computed: resumed and skipped ones count neither as work done nor as work to do.
    /// Recent items have more weight than early ones.
    #[must_use]
    pub fn eta(&self) -> Option<Eta> {
        self.pace.eta(self.elapsed, self.total? - self.done())
    }
}

/// All is 100, and nothing is more, also where counts are beyond what a product of floats tells apart (2^46).
fn percent(part: u64, whole: u64) -> f64 {
    if part == whole { 100.0 } else { (100.0 * float(part) / float(whole)).min(100.0) }
}

impl fmt::Display for TrackerSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.total, self.percent()) {
            // Cut off, so that 100 is said of nothing unfinished.
            (Some(total), Some(percent)) => write!(f, "{}/{total} ({}%)", self.done(), percent.floor())?,
            _ => write!(f, "{} done", self.done())?,
        }
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        write!(f, ", {:.2} items/s", self.items_per_second())?;
        match self.eta() {
            Some(eta) if self.total > Some(self.done()) => write!(f, ", {eta} left"),
            _ => Ok(()),
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_ending_is_counted_as_itself() {
        let tracker = ProgressTracker::with_total(20);
        for (ending, n_items) in
            [(Ending::Succeeded, 1), (Ending::Failed, 2), (Ending::Skipped, 3), (Ending::Resumed, 4)]
        {
            tracker.count(ending, n_items);
        }
        let snapshot = tracker.snapshot();
        assert_eq!((snapshot.succeeded, snapshot.failed, snapshot.skipped, snapshot.resumed), (1, 2, 3, 4));
        assert_eq!((snapshot.done(), snapshot.computed(), snapshot.percent()), (10, 3, Some(50.0)));
    }

    #[test]
    fn resumed_and_skipped_items_leave_rate_and_estimate_as_they_are() {
        let (plain, resumed) = (ProgressTracker::with_total(10), ProgressTracker::with_total(1010));
        resumed.count(Ending::Resumed, 900);
        resumed.count(Ending::Skipped, 100);
        for tracker in [&plain, &resumed] {
            tracker.count(Ending::Succeeded, 4);
        }
        let [plain, resumed] = [plain, resumed].map(|tracker| tracker.snapshot_at(8 * SECOND));
        assert_eq!(plain.items_per_second(), resumed.items_per_second());
        assert_eq!(plain.eta(), resumed.eta());
        assert_eq!(plain.eta().unwrap().likely, 12 * SECOND);
    }

    #[test]
    fn a_total_may_be_unknown_set_grown_and_exceeded() {
        let tracker = ProgressTracker::new();
        tracker.count(Ending::Succeeded, 5);
        let unknown = tracker.snapshot_at(SECOND);
        assert_eq!((unknown.total, unknown.percent(), unknown.eta()), (None, None, None));
        assert_eq!(unknown.to_string(), "5 done, 5.00 items/s");
        tracker.grow_total(2);
        assert_eq!(tracker.snapshot_at(SECOND).total, Some(5), "a total is never less than what is done");
        tracker.grow_total(8);
        assert_eq!(tracker.snapshot_at(SECOND).percent(), Some(50.0));
        tracker.set_total(20);
        assert_eq!(tracker.snapshot_at(SECOND).percent(), Some(25.0));
        tracker.grow_total(u64::MAX - 1);
        assert_eq!(tracker.snapshot_at(SECOND).total, None, "more than can be counted is unknown");
    }

    #[test]
    fn a_run_without_items_is_done() {
        let snapshot = ProgressTracker::with_total(0).snapshot_at(SECOND);
        assert_eq!((snapshot.percent(), snapshot.success_rate()), (Some(100.0), None));
        assert_eq!(snapshot.eta().unwrap().likely, Duration::ZERO);
        assert_eq!(snapshot.to_string(), "0/0 (100%), 0.00 items/s");
    }

    #[test]
    fn all_of_very_many_items_are_100_percent_and_no_more() {
        for total in [885_832_596_938_318, 510_200_118_953_033, u64::MAX - 1] {
            let tracker = ProgressTracker::with_total(total);
            tracker.count(Ending::Succeeded, total);
            let snapshot = tracker.snapshot_at(SECOND);
            assert_eq!((snapshot.percent(), snapshot.success_rate()), (Some(100.0), Some(100.0)));
        }
    }

    #[test]
    fn time_never_goes_backwards() {
        let tracker = ProgressTracker::with_total(4);
        tracker.tick();
        assert_eq!(tracker.snapshot_at(2 * SECOND).elapsed, 2 * SECOND);
        tracker.tick();
        let earlier = tracker.snapshot_at(SECOND);
        assert_eq!((earlier.elapsed, earlier.done()), (2 * SECOND, 2));
        assert_eq!(earlier.eta().unwrap().likely, 2 * SECOND);
    }

    #[test]
    fn a_line_says_100_percent_of_nothing_unfinished() {
        let tracker = ProgressTracker::with_total(1000);
        tracker.count(Ending::Succeeded, 999);
        assert!(tracker.snapshot_at(SECOND).to_string().starts_with("999/1000 (99%), 999.00 items/s, "));
    }
}
