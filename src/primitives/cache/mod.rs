//! A cache that many threads share: look up, or compute once and keep.
//!
//! # The protocol of a missing key
//!
//! 1. Look up the key under the shard's read lock. A value is a hit; anything else is a miss.
//! 2. Look again under the write lock. A value that came meanwhile is returned. If the key has a *flight*, which is a
//!    computation of this key by another caller, wait for it. Otherwise store a new flight at the key; this caller
//!    leads it.
//! 3. Compute, with no lock held.
//! 4. Under the write lock, take the flight out, and if it was still this one, store the value at the key. `insert`,
//!    `remove` and `clear` take the flight out first, and so win over the computation.
//! 5. Hand the value to all callers that wait for the flight, whether or not it was stored.
//!
//! A panic or an error takes the flight out, if it is still there, and sends the waiting callers back to step 2, where
//! one of them computes. A caller whose wait would never end (`primitives/compute_context.rs` finds that out) does not
//! wait: [`ThreadSafeCache::try_get_or_compute`] returns an error, [`ThreadSafeCache::get_or_compute`] computes in
//! place and stores nothing.
//!
//! No lock is held while a caller's function runs, except for `Hash`, `Eq` and `Clone` of keys and values, and the
//! closure of [`ThreadSafeCache::with`]. These must not use the cache; if an `Eq` panics, the key's destructor must not
//! use it either. A computed value is cloned once, and once more for the callers that wait for it.
//!
//! # Files
//!
//! | file | holds |
//! |---|---|
//! | `lookup.rs` | [`ThreadSafeCache`]: shards, look-ups (step 1), insert, remove |
//! | `compute.rs` | steps 2 to 5 |
//! | `flight.rs` | one computation under way, and the wait for it |
//! | `table.rs` | one shard: values and flights |
//! | `bounded.rs`, `s3_fifo.rs` | the values of a shard with a bound, and the eviction policy |
//! | `reentrancy.rs` | refuses a use of the cache from inside of its own `with` |
//! | `hasher.rs`, `stats.rs` | the default hasher; the statistics |

mod bounded;
mod compute;
mod flight;
mod hasher;
mod lookup;
mod reentrancy;
mod s3_fifo;
mod stats;
mod table;

pub use compute::ComputeError;
pub use hasher::{FastHash, FastHasher};
pub use lookup::ThreadSafeCache;
pub use stats::CacheStats;
