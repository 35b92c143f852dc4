//! The words on which readers and writers of a lock meet: 16 bytes in the plain form, padded and many in the striped
//! one.
//!
//! `protocol.rs` is written once, over the trait here. It alone gives the words their meaning.

use crate::sync::{self, AtomicU64, CachePadded, words_at_zero};

/// The words of a lock.
///
/// A reader must leave on the word that it entered on: a guard may be sent to a thread with another stripe.
pub(crate) trait Words: Sized + Send + Sync + 'static {
    /// Words at zero, for a new lock.
    #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
    const AT_ZERO: Self;
    /// Words at zero, for a new lock.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    fn at_zero() -> Self;
    /// The word on which writers announce themselves.
    fn gate(&self) -> &AtomicU64;
    /// The word on which this thread counts itself in as a reader.
    fn own_stripe(&self) -> &AtomicU64;
    /// True when `holds` is true of each word on which readers count themselves. Stops at the first where it is not.
    fn all_stripes(&self, holds: impl FnMut(&AtomicU64) -> bool) -> bool;
}

/// The initial words: a constant, except in a model, so that a lock may be a `static`.
macro_rules! at_zero {
    ($words:expr) => {
        #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
        const AT_ZERO: Self = $words;
        #[cfg(any(manyhands_loom, manyhands_shuttle))]
        fn at_zero() -> Self {
            $words
        }
    };
}

/// All readers count themselves on one word.
pub(crate) struct Single {
    stripe: AtomicU64,
    gate: AtomicU64,
}

/// Enough that the threads of a machine of this size rarely share one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// Readers count themselves on one of sixteen words.
pub(crate) struct Sharded {
    /// Chosen by [`sync::thread_index`]. Each has a cache line of its own, so that readers in different threads do not
    /// slow each other down.
    stripes: [CachePadded<AtomicU64>; STRIPES],
    /// Each reader looks at it, and only writers change it: padded, so that no reader's count shares its line.
    gate: CachePadded<AtomicU64>,
}

impl Words for Single {
    at_zero!(Self { stripe: AtomicU64::new(0), gate: AtomicU64::new(0) });
    #[inline]
    fn gate(&self) -> &AtomicU64 {
        &self.gate
    }
    #[inline]
    fn own_stripe(&self) -> &AtomicU64 {
        &self.stripe
    }
    #[inline]
    fn all_stripes(&self, mut holds: impl FnMut(&AtomicU64) -> bool) -> bool {
        holds(&self.stripe)
    }
}

impl Words for Sharded {
    at_zero!(Self { stripes: words_at_zero!(STRIPES), gate: CachePadded::new(AtomicU64::new(0)) });
    #[inline]
    fn gate(&self) -> &AtomicU64 {
        &self.gate
    }
    #[inline]
    fn own_stripe(&self) -> &AtomicU64 {
        &self.stripes[sync::thread_index() % STRIPES]
    }
    #[inline]
    fn all_stripes(&self, mut holds: impl FnMut(&AtomicU64) -> bool) -> bool {
        self.stripes.iter().all(|stripe| holds(stripe))
    }
}
