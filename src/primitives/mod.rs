//! Building blocks that threads share. All are built on `sync`, and so are model-checked.
//!
//! | file | holds |
//! |---|---|
//! | `cache/` | `ThreadSafeCache`: look up, or compute once and keep |
//! | `lock/` | `RwLock`, `StripedRwLock`, `Synchronized` |
//! | `counter.rs` | `AtomicCounter`, `StripedCounter` |
//! | `cancel.rs` | `CancelToken` |
//! | `pauses.rs` | `Pauses`: times at which an observer did not run |
//! | `compute_context.rs` | `ComputeContext`: detects cycles among the cache's computations |

pub(crate) mod cache;
pub(crate) mod cancel;
pub(crate) mod compute_context;
pub(crate) mod counter;
pub(crate) mod lock;
pub(crate) mod pauses;
