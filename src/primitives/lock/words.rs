//! The words that readers and writers of a lock meet on: few bytes in the plain form, padded and many in the striped one.

use std::fmt;

use crate::sync::{self, AtomicU64, CachePadded, words_at_zero};

/// The words of a lock: [`Single`] or [`Sharded`]. Sealed.
pub trait LockWords: private::Words + fmt::Debug + Send + Sync + 'static {}

pub(crate) mod private {
    use super::AtomicU64;

    pub trait Words: Sized {
        /// Words at zero, for a new lock.
        #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
        const AT_ZERO: Self;
        /// Words at zero, for a new lock.
        #[cfg(any(manyhands_loom, manyhands_shuttle))]
        fn at_zero() -> Self;
        /// Where writers announce themselves.
        fn gate(&self) -> &AtomicU64;
        /// Where this thread counts itself in as a reader.
        fn own_stripe(&self) -> &AtomicU64;
        /// What holds of all words that readers count themselves on.
        fn all_stripes(&self, holds: impl FnMut(&AtomicU64) -> bool) -> bool;
    }
}

/// What a new lock has: a constant where that may be, so that a lock may be a `static`.
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
pub struct Single {
    stripe: AtomicU64,
    gate: AtomicU64,
}

/// Enough that the threads of a machine of this size rarely meet on one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// Readers count themselves on one of sixteen padded words.
pub struct Sharded {
    stripes: [CachePadded<AtomicU64>; STRIPES],
    gate: CachePadded<AtomicU64>,
}

impl LockWords for Single {}
impl LockWords for Sharded {}

impl private::Words for Single {
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

impl private::Words for Sharded {
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

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Single")
    }
}

impl fmt::Debug for Sharded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sharded")
    }
}
