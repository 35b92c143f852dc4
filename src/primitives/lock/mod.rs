//! Locks for many readers and one writer, and a value that lives behind a mutex.
//!
//! | file | holds |
//! |---|---|
//! | `plain.rs`, `striped.rs` | the public locks and guards: thin wrappers |
//! | `traits.rs` | the traits that both implement alike |
//! | `raw.rs` | the value and the guards, over words of either kind |
//! | `protocol.rs` | when a reader or writer may enter, without the value |
//! | `words.rs` | the words that the protocol works on: one for all readers, or sixteen |
//! | `synchronized.rs` | [`Synchronized`], which is built on `sync::Mutex` instead |
//!
//! There is no poisoning: a panic releases the lock, and the next holder sees the value as the panic left it.

mod plain;
mod protocol;
mod raw;
mod striped;
mod synchronized;
mod traits;
mod words;

pub use plain::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use striped::{StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard};
pub use synchronized::Synchronized;
