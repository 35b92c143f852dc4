//! Counters that any thread may count on. No formatting, no time.

use std::fmt;

use crate::sync::{self, AtomicU64, CachePadded, Ordering, const_unless_modelled, words_at_zero};

/// A counter in one word.
///
/// # Concurrency
/// Each operation is one atomic step; none blocks. Counting orders nothing else: whoever reads a count may not conclude that
/// what was done before the counting is visible. Wraps around beyond `u64::MAX`, and below 0.
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

// Relaxed throughout: a count says how many, and hands over nothing else.
impl AtomicCounter {
    const_unless_modelled! {
        /// A counter at 0.
        #[must_use]
        pub fn new() -> Self {
            Self { count: AtomicU64::new(0) }
        }
    }

    /// Counts one up; gives the new count.
    pub fn increment(&self) -> u64 {
        self.add(1)
    }

    /// Counts one down; gives the new count.
    pub fn decrement(&self) -> u64 {
        self.count.fetch_sub(1, Ordering::Relaxed).wrapping_sub(1)
    }

    /// Counts this many up; gives the new count.
    pub fn add(&self, count: u64) -> u64 {
        self.count.fetch_add(count, Ordering::Relaxed).wrapping_add(count)
    }

    /// The count.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Sets the count to 0; gives what it was. No count is lost between the two.
    pub fn reset(&self) -> u64 {
        self.count.swap(0, Ordering::Relaxed)
    }
}

/// Enough that the threads of a machine of this size rarely meet on one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// A counter for hot paths: each thread counts on a padded word of its own, so counting in many threads costs what an
/// unshared counter costs, and reading adds the words up.
///
/// # Concurrency
/// As [`AtomicCounter`], but a value is a sum that is read word by word: exact when nobody counts meanwhile, and else
/// somewhere between what was counted before and after the reading. 2 KiB.
///
/// ```
/// let ticks = manyhands::StripedCounter::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..100).for_each(|_| ticks.increment()));
///     }
/// });
/// assert_eq!(ticks.value(), 400);
/// ```
pub struct StripedCounter {
    stripes: [CachePadded<AtomicU64>; STRIPES],
}

impl StripedCounter {
    const_unless_modelled! {
        /// A counter at 0.
        #[must_use]
        pub fn new() -> Self {
            Self { stripes: words_at_zero!(STRIPES) }
        }
    }

    /// Counts one up.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts one down.
    pub fn decrement(&self) {
        self.add(u64::MAX); // -1, modulo 2^64, as the sum is taken
    }

    /// Counts this many up.
    pub fn add(&self, count: u64) {
        // Relaxed: see `AtomicCounter`.
        self.stripes[sync::thread_index() % STRIPES].fetch_add(count, Ordering::Relaxed);
    }

    /// The sum of all words.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.stripes.iter().map(|stripe| stripe.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    /// Sets all words to 0; gives their sum. Each count is either in this sum or still there; none is lost.
    pub fn reset(&self) -> u64 {
        self.stripes.iter().map(|stripe| stripe.swap(0, Ordering::Relaxed)).fold(0, u64::wrapping_add)
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
