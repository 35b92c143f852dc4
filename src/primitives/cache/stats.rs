//! What a cache has seen. Hits are counted by the shards' locks, where a reader that leaves counts itself out anyway, and what
//! was put in and taken out by the shards themselves, under their locks; all else here.

use crate::sync::{self, AtomicU64, CachePadded, Ordering};

/// What a cache has seen since it was made. Sums are exact when nobody uses the cache meanwhile, and else each is a count
/// between those at the begin and at the end of the asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Look-ups that found a value.
    pub hits: u64,
    /// Look-ups that did not; also those that then waited for somebody else's computation.
    pub misses: u64,
    /// Computations that were started, never more than misses. `misses - computes` look-ups through `get_or_compute` were
    /// spared one, when all look-ups go through it.
    pub computes: u64,
    /// Values that were kept: by `insert`, or by a computation.
    pub inserts: u64,
    /// Values that had to go because the cache was full.
    pub evictions: u64,
    /// Look-ups whose wait would have been for ever.
    pub cycles: u64,
    /// Values in the cache now.
    pub entries: usize,
}

impl CacheStats {
    /// Hits among look-ups, in percent; 0 when nothing was looked up.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for the eye")]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { 100.0 * self.hits as f64 / lookups as f64 }
    }
}

/// Something that is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happened {
    PositionFailure,
    Compute,
    Cycle,
}

const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// The counts, on stripes that few threads share.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    stripes: [CachePadded<[AtomicU64; 3]>; STRIPES],
}

impl Counts {
    #[inline]
    pub(crate) fn add(&self, what: Happened) {
        let stripe = &self.stripes[sync::thread_index() % STRIPES];
        // Release: pairs with `sum`.
        stripe[what as usize].fetch_add(1, Ordering::Release);
    }

    pub(crate) fn sum(&self, what: Happened) -> u64 {
        // Acquire: whoever sees a computation counted sees the miss that it was made for, which was counted before.
        self.stripes.iter().map(|stripe| stripe[what as usize].load(Ordering::Acquire)).sum()
    }
}
