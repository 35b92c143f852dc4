//! The statistics of a cache, and the counters of its rarer events.
//!
//! Hits are counted by the shards' locks (`lock/raw.rs`), in the step by which a reader leaves; inserts and evictions
//! by the tables, under their locks; misses, computations and cycles here.

use std::fmt;

use crate::sync::{self, AtomicU64, CachePadded, Ordering};

/// What a cache has counted since it was made.
///
/// Exact when no other thread uses the cache meanwhile. Otherwise each count is one that held at some moment between
/// the begin and the end of [`stats`](crate::ThreadSafeCache::stats), not all at the same moment.
///
/// ```
/// let cache = manyhands::ThreadSafeCache::new();
/// (0..4).for_each(|n| _ = cache.get_or_compute(n % 2, || n));
/// let stats = cache.stats();
/// assert_eq!(stats.to_string(), "2 hits, 2 misses (50.0 %), 2 computed, 2 entries, 0 evicted");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Look-ups that found a value.
    pub hits: u64,
    /// Look-ups that found none, also those that then waited for another caller's computation.
    pub misses: u64,
    /// Computations that were started, never more than misses. When all look-ups go through `get_or_compute`, the cache
    /// saved `misses - computes` computations by waiting, and `hits` by keeping.
    pub computes: u64,
    /// Values that were stored: by `insert`, or by a computation.
    pub inserts: u64,
    /// Values that were evicted because the cache was full.
    pub evictions: u64,
    /// Look-ups whose wait would never have ended.
    pub cycles: u64,
    /// Values in the cache now.
    pub entries: usize,
}

impl CacheStats {
    /// Hits among look-ups, in percent; 0 when nothing was looked up.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// assert_eq!(cache.stats().hit_rate(), 0.0);
    /// (0..4).for_each(|_| _ = cache.get_or_compute(1, || 1));
    /// assert_eq!(cache.stats().hit_rate(), 75.0);
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a percentage to display")]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { 100.0 * self.hits as f64 / lookups as f64 }
    }
}

/// One line; cycles are named only where there were any.
impl fmt::Display for CacheStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, misses, computes, evictions, cycles, entries, .. } = self;
        let rate = self.hit_rate();
        write!(
            f,
            "{hits} hits, {misses} misses ({rate:.1} %), {computes} computed, {entries} entries, {evictions} evicted"
        )?;
        if *cycles > 0 { write!(f, ", {cycles} cycles") } else { Ok(()) }
    }
}

/// An event that is counted here. Its number is its place on a stripe.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Miss,
    Compute,
    Cycle,
}

/// Enough that the threads of a machine of this size rarely share one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// A counter for each kind of event.
#[derive(Debug, Default)]
pub(crate) struct EventCounters {
    /// Chosen by [`sync::thread_index`], each on a cache line of its own. A count is the sum of its places on all
    /// stripes.
    stripes: [CachePadded<[AtomicU64; 3]>; STRIPES],
}

impl EventCounters {
    #[inline]
    pub(crate) fn add(&self, event: Event) {
        let stripe = &self.stripes[sync::thread_index() % STRIPES];
        // Release: pairs with `sum`.
        stripe[event as usize].fetch_add(1, Ordering::Release);
    }

    pub(crate) fn sum(&self, event: Event) -> u64 {
        // Acquire: a thread that sees a computation counted also sees its miss, which was counted before it.
        self.stripes.iter().map(|stripe| stripe[event as usize].load(Ordering::Acquire)).sum()
    }
}
