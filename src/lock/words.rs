//! The words that readers and writers of a lock meet on: few bytes in the plain form, padded and many in the striped one.

use std::fmt;

use crate::sync::{self, AtomicU64, CachePadded};

/// The words of a lock: [`OneWord`] or [`ManyWords`]. Sealed.
pub trait LockWords: private::Words + fmt::Debug + Send + Sync + 'static {}

pub(super) mod private {
    use super::AtomicU64;

    pub trait Words: Default {
        /// Where writers announce themselves.
        fn gate(&self) -> &AtomicU64;
        /// Where this thread counts itself in as a reader.
        fn own_stripe(&self) -> &AtomicU64;
        /// What holds of all words that readers count themselves on.
        fn all_stripes(&self, holds: impl FnMut(&AtomicU64) -> bool) -> bool;
    }
}

/// All readers count themselves on one word.
#[derive(Default)]
pub struct OneWord {
    stripe: AtomicU64,
    gate: AtomicU64,
}

/// Enough that the threads of a machine of this size rarely meet on one.
const STRIPES: usize = if sync::IS_MODELLED { 2 } else { 16 };

/// Readers count themselves on one of sixteen padded words.
#[derive(Default)]
pub struct ManyWords {
    stripes: [CachePadded<AtomicU64>; STRIPES],
    gate: CachePadded<AtomicU64>,
}

impl LockWords for OneWord {}
impl LockWords for ManyWords {}

impl private::Words for OneWord {
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

impl private::Words for ManyWords {
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

impl fmt::Debug for OneWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneWord")
    }
}

impl fmt::Debug for ManyWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManyWords")
    }
}
