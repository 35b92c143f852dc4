//! Building blocks that threads share: locks, a cache, counters, a cancellation token, and who computes for whom.

pub(crate) mod cache;
pub(crate) mod cancel;
pub(crate) mod compute_context;
pub(crate) mod counter;
pub(crate) mod lock;
