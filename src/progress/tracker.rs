//! Counts finished items on any thread, and takes snapshots of the counts. It draws nothing; `estimate.rs` estimates
//! the time left.
//!
//! Counting changes one padded word that few threads share, and reads no clock. The thread that takes a snapshot does
//! the rest: it sums up, reads the clock and updates the estimate.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::progress::estimate::{Estimator, Eta, float};
use crate::sync::{self, AtomicU64, CachePadded, Instant, Mutex, Ordering};

/// Counts finished items on any number of threads and gives snapshots: counts, items per second, time left. For loops
/// of your own; a [`Job`](crate::Job) has [`Progress`](crate::Progress).
///
/// The total may be unknown, and may grow. Count an item when it is finished, not when it starts.
///
/// # Cost
/// A count takes some nanoseconds, a snapshot some hundred. A tracker has 2 KiB.
///
/// # Concurrency
/// Counting is one relaxed atomic addition to a word that few threads share: no lock, no clock. It orders no other
/// memory: a thread that sees an item in a snapshot does not necessarily see the item's result.
///
/// Snapshots exclude each other by a lock that counting never takes. Of two snapshots of one tracker, the later one has
/// no smaller count and no smaller elapsed time, on whatever threads they are taken. A snapshot that is taken while
/// other threads count has, for each word, its value at some moment during the call. It is exact when it is taken after
/// all counting threads have been joined.
///
/// The estimate of the time left uses the earlier snapshots. Ten or more of them, spread over the run, let it follow a
/// changing speed; with a single snapshot it is the plain mean.
///
/// ```
/// use manyhands::progress::ItemStatus;
/// use manyhands::ProgressTracker;
/// use std::time::Duration;
///
/// let tracker = ProgressTracker::with_total(10);
/// tracker.count(ItemStatus::Resumed, 2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| (0..3).for_each(|_| tracker.tick()));
///     scope.spawn(|| tracker.count(ItemStatus::Failed, 1));
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
    /// The number of items, or `UNKNOWN`.
    total: AtomicU64,
    begun: Instant,
    /// Guards what later snapshots need, and orders snapshots.
    seen: Mutex<Seen>,
}

/// What became of a finished item. As text: `succeeded`, `failed`, `skipped`, `resumed`.
///
/// ```
/// use manyhands::progress::ItemStatus;
///
/// assert_eq!(ItemStatus::Resumed.to_string(), "resumed");
/// assert_eq!("failed".parse(), Ok(ItemStatus::Failed));
/// assert_eq!(
///     "broken".parse::<ItemStatus>().unwrap_err().to_string(),
///     r#""broken" is no item status; use succeeded, failed, skipped or resumed"#
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ItemStatus {
    /// This run computed it, and it has a value.
    Succeeded,
    /// This run computed it, and it has no value.
    Failed,
    /// It is left out: it is not computed, and will not be.
    Skipped,
    /// An earlier run computed it.
    Resumed,
}

/// The counts of a [`ProgressTracker`] at one moment.
///
/// Its `Display` is one line: `6/10 (60%), 1 failed, 0.50 items/s, 3s to 21s left`.
///
/// ```
/// use manyhands::progress::ItemStatus;
/// use manyhands::ProgressTracker;
/// use std::time::Duration;
///
/// let tracker = ProgressTracker::with_total(4);
/// tracker.count(ItemStatus::Succeeded, 3);
/// tracker.count(ItemStatus::Skipped, 1);
/// let snapshot = tracker.snapshot_at(Duration::from_secs(2));
/// assert_eq!((snapshot.succeeded, snapshot.skipped, snapshot.total), (3, 1, Some(4)));
/// assert_eq!(snapshot.to_string(), "4/4 (100%), 1.50 items/s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrackerSnapshot {
    /// Items that this run computed and that have a value.
    pub succeeded: u64,
    /// Items that this run computed and that have no value.
    pub failed: u64,
    /// Items that were left out.
    pub skipped: u64,
    /// Items that an earlier run computed.
    pub resumed: u64,
    /// All items, `None` while unknown. Never less than [`done`](Self::done).
    pub total: Option<u64>,
    /// Time since the tracker was made.
    pub elapsed: Duration,
    estimator: Estimator,
}

/// With this many stripes, threads rarely share one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };
const UNKNOWN: u64 = u64::MAX;

/// The counts of the threads of one stripe.
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
    estimator: Estimator,
}

// Relaxed throughout: no other memory depends on the counts.
impl ProgressTracker {
    /// A tracker of an unknown number of items. Its clock starts now.
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

    /// A tracker of this many items; `u64::MAX` means unknown. Its clock starts now.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::with_total(4);
    /// tracker.tick();
    /// assert_eq!(tracker.snapshot().percent(), Some(25.0));
    /// ```
    #[must_use]
    pub fn with_total(total: u64) -> Self {
        Self {
            stripes: std::array::from_fn(|_| CachePadded::new(Stripe::default())),
            total: AtomicU64::new(total),
            begun: Instant::now(),
            seen: Mutex::new(Seen::default()),
        }
    }

    /// Sets the number of all items.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.set_total(4);
    /// assert_eq!(tracker.snapshot().total, Some(4));
    /// ```
    pub fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Adds to the number of all items; from an unknown number, starts at zero.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.grow_total(3); // one folder was read
    /// tracker.grow_total(5); // and the next
    /// assert_eq!(tracker.snapshot().total, Some(8));
    /// ```
    pub fn grow_total(&self, more: u64) {
        let grown = |total| Some(if total == UNKNOWN { more } else { more.saturating_add(total) });
        // `grown` never gives `None`, so this cannot fail.
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
    }

    /// Counts one item that succeeded.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.tick();
    /// assert_eq!(tracker.snapshot().succeeded, 1);
    /// ```
    #[inline]
    pub fn tick(&self) {
        self.count(ItemStatus::Succeeded, 1);
    }

    /// Counts finished items of one status. Costs some nanoseconds.
    ///
    /// ```
    /// use manyhands::progress::ItemStatus;
    /// use manyhands::ProgressTracker;
    ///
    /// let tracker = ProgressTracker::with_total(9);
    /// tracker.count(ItemStatus::Resumed, 3);
    /// assert_eq!((tracker.snapshot().resumed, tracker.snapshot().done()), (3, 3));
    /// ```
    #[inline]
    pub fn count(&self, status: ItemStatus, n_items: u64) {
        let stripe = &self.stripes[sync::thread_index() % STRIPES];
        stripe.of(status).fetch_add(n_items, Ordering::Relaxed);
    }

    /// The counts now. Reads the clock once and each word once: some hundred nanoseconds.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::with_total(2);
    /// tracker.tick();
    /// assert!(tracker.snapshot().to_string().starts_with("1/2 (50%)"));
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> TrackerSnapshot {
        self.snapshot_at(self.begun.elapsed())
    }

    /// The counts, with a clock of the caller's, such as that of a replay. A time before that of an earlier snapshot is
    /// replaced by that one's.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let tracker = manyhands::ProgressTracker::with_total(8);
    /// tracker.tick();
    /// let snapshot = tracker.snapshot_at(Duration::from_secs(4));
    /// assert_eq!((snapshot.elapsed, snapshot.items_per_second()), (Duration::from_secs(4), 0.25));
    /// ```
    #[must_use]
    pub fn snapshot_at(&self, elapsed: Duration) -> TrackerSnapshot {
        let mut seen = self.seen.lock();
        // Counts are read under the lock: it orders the reads of each word, and no word ever shrinks. So a later snapshot
        // cannot find less.
        let [succeeded, failed, skipped, resumed] = self.counts();
        seen.elapsed = seen.elapsed.max(elapsed);
        let elapsed = seen.elapsed;
        seen.estimator.observe(elapsed, succeeded + failed);
        let estimator = seen.estimator;
        let known = Some(self.total.load(Ordering::Relaxed)).filter(|&total| total != UNKNOWN);
        drop(seen); // only after the total is read, or a later snapshot could have an older total
        let total = known.map(|total| total.max(succeeded + failed + skipped + resumed));
        TrackerSnapshot { succeeded, failed, skipped, resumed, total, elapsed, estimator }
    }

    fn counts(&self) -> [u64; 4] {
        ItemStatus::ALL.map(|status| self.stripes.iter().map(|stripe| stripe.of(status).load(Ordering::Relaxed)).sum())
    }
}

impl Default for ProgressTracker {
    fn default() -> Self {
        Self::new()
    }
}

impl Stripe {
    fn of(&self, status: ItemStatus) -> &AtomicU64 {
        match status {
            ItemStatus::Succeeded => &self.succeeded,
            ItemStatus::Failed => &self.failed,
            ItemStatus::Skipped => &self.skipped,
            ItemStatus::Resumed => &self.resumed,
        }
    }
}

impl ItemStatus {
    const ALL: [Self; 4] = [Self::Succeeded, Self::Failed, Self::Skipped, Self::Resumed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Resumed => "resumed",
        }
    }
}

impl fmt::Display for ItemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ItemStatus {
    type Err = UnknownItemStatus;

    fn from_str(text: &str) -> Result<Self, UnknownItemStatus> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| UnknownItemStatus(text.to_owned()))
    }
}

/// A text that is no [`ItemStatus`].
///
/// ```
/// let error = "broken".parse::<manyhands::progress::ItemStatus>().unwrap_err();
/// assert!(error.to_string().contains("broken"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownItemStatus(String);

impl fmt::Display for UnknownItemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no item status; use succeeded, failed, skipped or resumed", self.0)
    }
}

impl std::error::Error for UnknownItemStatus {}

impl TrackerSnapshot {
    /// Finished items of every status.
    ///
    /// ```
    /// use manyhands::progress::ItemStatus;
    /// use manyhands::ProgressTracker;
    ///
    /// let tracker = ProgressTracker::new();
    /// tracker.count(ItemStatus::Failed, 1);
    /// tracker.count(ItemStatus::Resumed, 2);
    /// assert_eq!((tracker.snapshot().done(), tracker.snapshot().computed()), (3, 1));
    /// ```
    #[must_use]
    pub fn done(&self) -> u64 {
        self.computed() + self.skipped + self.resumed
    }

    /// Items that this run computed: those that succeeded and those that failed. Rates and estimates count these alone.
    ///
    /// ```
    /// use manyhands::progress::ItemStatus;
    /// use manyhands::ProgressTracker;
    ///
    /// let tracker = ProgressTracker::with_total(10);
    /// tracker.count(ItemStatus::Resumed, 4);
    /// tracker.count(ItemStatus::Skipped, 1);
    /// tracker.count(ItemStatus::Succeeded, 2);
    /// tracker.count(ItemStatus::Failed, 1);
    /// let snapshot = tracker.snapshot();
    /// assert_eq!((snapshot.computed(), snapshot.done()), (3, 8));
    /// ```
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.succeeded + self.failed
    }

    /// The share of items that are finished, 0 to 100; 100 for a run without items, `None` while the total is unknown.
    /// Falls when the total grows.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::with_total(4);
    /// tracker.tick();
    /// assert_eq!(tracker.snapshot().percent(), Some(25.0));
    /// tracker.grow_total(6);
    /// assert_eq!(tracker.snapshot().percent(), Some(10.0));
    /// ```
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        self.total.map(|total| percent(self.done(), total))
    }

    /// The share of computed items that succeeded, 0 to 100; `None` before the first.
    ///
    /// ```
    /// use manyhands::progress::ItemStatus;
    /// use manyhands::ProgressTracker;
    ///
    /// let tracker = ProgressTracker::new();
    /// assert_eq!(tracker.snapshot().success_rate(), None);
    /// tracker.count(ItemStatus::Succeeded, 3);
    /// tracker.count(ItemStatus::Failed, 1);
    /// assert_eq!(tracker.snapshot().success_rate(), Some(75.0));
    /// ```
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        (self.computed() > 0).then(|| percent(self.succeeded, self.computed()))
    }

    /// Items computed per second since the tracker was made; 0 while no time has passed.
    ///
    /// ```
    /// let tracker = manyhands::ProgressTracker::new();
    /// tracker.tick();
    /// assert_eq!(tracker.snapshot_at(std::time::Duration::from_secs(2)).items_per_second(), 0.5);
    /// ```
    #[must_use]
    pub fn items_per_second(&self) -> f64 {
        if self.elapsed.is_zero() { 0.0 } else { float(self.computed()) / self.elapsed.as_secs_f64() }
    }

    /// An estimate of the time left; `None` while the total is unknown or no item was computed.
    ///
    /// It uses the items that this run computed: resumed and skipped items count neither as work done nor as work left.
    /// Recent items have more weight than early ones.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let tracker = manyhands::ProgressTracker::with_total(4);
    /// assert_eq!(tracker.snapshot().eta(), None);
    /// tracker.tick();
    /// let eta = tracker.snapshot_at(Duration::from_secs(2)).eta().unwrap();
    /// assert_eq!(eta.likely, Duration::from_secs(6));
    /// ```
    #[must_use]
    pub fn eta(&self) -> Option<Eta> {
        self.estimator.eta(self.elapsed, self.total? - self.done())
    }
}

/// 100 for all, and never more, even for counts whose products exceed the precision of floats (2^46).
fn percent(part: u64, whole: u64) -> f64 {
    if part == whole { 100.0 } else { (100.0 * float(part) / float(whole)).min(100.0) }
}

impl fmt::Display for TrackerSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.total, self.percent()) {
            // Rounded down, so that 100% always means all.
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
    fn each_status_is_counted_as_itself() {
        let tracker = ProgressTracker::with_total(20);
        for (status, n_items) in
            [(ItemStatus::Succeeded, 1), (ItemStatus::Failed, 2), (ItemStatus::Skipped, 3), (ItemStatus::Resumed, 4)]
        {
            tracker.count(status, n_items);
        }
        let snapshot = tracker.snapshot();
        assert_eq!((snapshot.succeeded, snapshot.failed, snapshot.skipped, snapshot.resumed), (1, 2, 3, 4));
        assert_eq!((snapshot.done(), snapshot.computed(), snapshot.percent()), (10, 3, Some(50.0)));
    }

    #[test]
    fn resumed_and_skipped_items_leave_rate_and_estimate_as_they_are() {
        let (plain, resumed) = (ProgressTracker::with_total(10), ProgressTracker::with_total(1010));
        resumed.count(ItemStatus::Resumed, 900);
        resumed.count(ItemStatus::Skipped, 100);
        for tracker in [&plain, &resumed] {
            tracker.count(ItemStatus::Succeeded, 4);
        }
        let [plain, resumed] = [plain, resumed].map(|tracker| tracker.snapshot_at(8 * SECOND));
        assert_eq!(plain.items_per_second(), resumed.items_per_second());
        assert_eq!(plain.eta(), resumed.eta());
        assert_eq!(plain.eta().unwrap().likely, 12 * SECOND);
    }

    #[test]
    fn a_total_may_be_unknown_set_grown_and_exceeded() {
        let tracker = ProgressTracker::new();
        tracker.count(ItemStatus::Succeeded, 5);
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
            tracker.count(ItemStatus::Succeeded, total);
            let snapshot = tracker.snapshot_at(SECOND);
            assert_eq!((snapshot.percent(), snapshot.success_rate()), (Some(100.0), Some(100.0)));
        }
    }

    #[test]
    fn elapsed_time_never_decreases() {
        let tracker = ProgressTracker::with_total(4);
        tracker.tick();
        assert_eq!(tracker.snapshot_at(2 * SECOND).elapsed, 2 * SECOND);
        tracker.tick();
        let earlier = tracker.snapshot_at(SECOND);
        assert_eq!((earlier.elapsed, earlier.done()), (2 * SECOND, 2));
        assert_eq!(earlier.eta().unwrap().likely, 2 * SECOND);
    }

    #[test]
    fn a_line_rounds_the_percentage_down() {
        let tracker = ProgressTracker::with_total(1000);
        tracker.count(ItemStatus::Succeeded, 999);
        assert!(tracker.snapshot_at(SECOND).to_string().starts_with("999/1000 (99%), 999.00 items/s, "));
    }
}
