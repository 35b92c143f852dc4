//! Counters that any thread may change: one word, or a striped counter for hot paths.
//!
//! They count and nothing else: `progress/tracker.rs` adds time and rates.

use std::fmt;

use crate::sync::{self, AtomicU64, CachePadded, Ordering, const_unless_modelled, words_at_zero};

/// A counter that threads share, in one atomic word.
///
/// # Concurrency
/// Each operation is one relaxed atomic step, and none blocks. Counting orders nothing else: a thread that reads a
/// count may not conclude that it sees what was written before the counting. Wraps around beyond `u64::MAX`, and below
/// 0.
///
/// # Cost
/// Some 2 ns in one thread. Threads that count at once wait for each other's cache line: two took 13 ns a count on two
/// cores (benches/records/2026-11-26-counter.md). For hot paths take [`StripedCounter`].
///
/// ```
/// static EPOCHS: manyhands::AtomicCounter = manyhands::AtomicCounter::new();
/// EPOCHS.increment();
/// EPOCHS.add(9);
/// assert_eq!(EPOCHS.decrement(), 9);
/// assert_eq!(EPOCHS.reset(), 9);
/// assert_eq!(EPOCHS.value(), 0);
/// ```
#[derive(Debug, Default)]
pub struct AtomicCounter {
    count: AtomicU64,
}

// Relaxed throughout: a count is a number, and publishes no other data.
impl AtomicCounter {
    const_unless_modelled! {
        /// A counter at 0.
        ///
        /// May be the initial value of a `static`, except in a model. The counter takes 8 bytes.
        ///
        /// ```
        /// use manyhands::AtomicCounter;
        ///
        /// static SKIPPED: AtomicCounter = AtomicCounter::new();
        /// for n in [3, -1, 4, -1] {
        ///     if n < 0 {
        ///         SKIPPED.increment();
        ///     }
        /// }
        /// assert_eq!(SKIPPED.value(), 2);
        /// ```
        #[must_use]
        pub fn new() -> Self {
            Self { count: AtomicU64::new(0) }
        }
    }

    /// Adds one; returns the new count. Of threads that count at once, each gets a number of its own.
    ///
    /// ```
    /// let counter = manyhands::AtomicCounter::new();
    /// assert_eq!((counter.increment(), counter.increment()), (1, 2));
    /// ```
    pub fn increment(&self) -> u64 {
        self.add(1)
    }

    /// Subtracts one; returns the new count. Below 0 it wraps around.
    ///
    /// ```
    /// let counter = manyhands::AtomicCounter::from(2);
    /// assert_eq!(counter.decrement(), 1);
    /// ```
    pub fn decrement(&self) -> u64 {
        self.count.fetch_sub(1, Ordering::Relaxed).wrapping_sub(1)
    }

    /// Adds this many; returns the new count.
    ///
    /// ```
    /// let samples = manyhands::AtomicCounter::new();
    /// assert_eq!((samples.add(3000), samples.add(3000)), (3000, 6000));
    /// ```
    pub fn add(&self, count: u64) -> u64 {
        self.count.fetch_add(count, Ordering::Relaxed).wrapping_add(count)
    }

    /// The count.
    ///
    /// ```
    /// assert_eq!(manyhands::AtomicCounter::from(7).value(), 7);
    /// ```
    #[must_use]
    pub fn value(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Sets the count to 0; returns what it was. One atomic step, so no count is lost between the two.
    ///
    /// ```
    /// let counter = manyhands::AtomicCounter::from(7);
    /// assert_eq!((counter.reset(), counter.value()), (7, 0));
    /// ```
    pub fn reset(&self) -> u64 {
        self.count.swap(0, Ordering::Relaxed)
    }
}

impl From<u64> for AtomicCounter {
    /// A counter that starts at this count.
    fn from(count: u64) -> Self {
        Self { count: AtomicU64::new(count) }
    }
}

/// Shows the count.
///
/// ```
/// assert_eq!(format!("{} items", manyhands::AtomicCounter::from(7)), "7 items");
/// ```
impl fmt::Display for AtomicCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// Enough that the threads of a machine of this size rarely share one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// A counter for hot paths: each thread counts on a padded word of its own, so counting in many threads costs what an
/// unshared counter costs, and reading adds the words up.
///
/// # Concurrency
/// As [`AtomicCounter`], but a value is a sum that is read word by word: exact when no thread counts meanwhile, and
/// otherwise between the counts before and after the read.
///
/// # Cost
/// A count takes some 3 ns, in one thread or many (benches/records/2026-11-26-counter.md). The counter takes 2 KiB, and
/// reading it costs sixteen loads.
///
/// ```
/// let ticks = manyhands::counter::StripedCounter::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..100).for_each(|_| ticks.increment()));
///     }
/// });
/// assert_eq!(ticks.value(), 400);
/// ```
pub struct StripedCounter {
    /// Chosen by [`sync::thread_index`], each on a cache line of its own. The count is their sum modulo 2^64; a single
    /// word may be "negative", as one thread may count up and another down.
    stripes: [CachePadded<AtomicU64>; STRIPES],
}

impl StripedCounter {
    const_unless_modelled! {
        /// A counter at 0.
        ///
        /// May be the initial value of a `static`, except in a model. Allocates nothing.
        ///
        /// ```
        /// use manyhands::counter::StripedCounter;
        ///
        /// static SAMPLES: StripedCounter = StripedCounter::new();
        /// std::thread::scope(|scope| {
        ///     scope.spawn(|| SAMPLES.add(3000));
        ///     scope.spawn(|| SAMPLES.add(1000));
        /// });
        /// assert_eq!(SAMPLES.value(), 4000);
        /// ```
        #[must_use]
        pub fn new() -> Self {
            Self { stripes: words_at_zero!(STRIPES) }
        }
    }

    /// Adds one.
    ///
    /// ```
    /// let counter = manyhands::counter::StripedCounter::new();
    /// counter.increment();
    /// assert_eq!(counter.value(), 1);
    /// ```
    pub fn increment(&self) {
        self.add(1);
    }

    /// Subtracts one.
    ///
    /// ```
    /// let open = manyhands::counter::StripedCounter::new();
    /// open.add(3);
    /// open.decrement();
    /// assert_eq!(open.value(), 2);
    /// ```
    pub fn decrement(&self) {
        self.add(u64::MAX); // -1, modulo 2^64, as the sum is taken
    }

    /// Adds this many.
    ///
    /// ```
    /// let samples = manyhands::counter::StripedCounter::new();
    /// samples.add(3000);
    /// assert_eq!(samples.value(), 3000);
    /// ```
    pub fn add(&self, count: u64) {
        // Relaxed: see `AtomicCounter`.
        self.stripes[sync::thread_index() % STRIPES].fetch_add(count, Ordering::Relaxed);
    }

    /// The count, as the sum of all words.
    ///
    /// ```
    /// assert_eq!(manyhands::counter::StripedCounter::new().value(), 0);
    /// ```
    #[must_use]
    pub fn value(&self) -> u64 {
        self.stripes.iter().map(|stripe| stripe.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    /// Sets all words to 0; returns their sum. Each count is either in this sum or still in the counter; none is lost.
    ///
    /// ```
    /// let counter = manyhands::counter::StripedCounter::new();
    /// counter.add(7);
    /// assert_eq!((counter.reset(), counter.value()), (7, 0));
    /// ```
    pub fn reset(&self) -> u64 {
        self.stripes.iter().map(|stripe| stripe.swap(0, Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

/// Shows the count.
impl fmt::Display for StripedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl fmt::Debug for StripedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripedCounter").field("value", &self.value()).finish()
    }
}

impl Default for StripedCounter {
    fn default() -> Self {
        Self::new()
    }
}
