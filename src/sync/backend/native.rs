//! The real parts: parking_lot's locks, std's atomics and threads, crossbeam's padding. The counterpart is
//! `modelled.rs`.

pub use std::hint::spin_loop;
pub use std::sync::Arc;
pub use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering, fence,
};
pub use std::thread_local;
pub use std::time::Instant;

pub(in crate::sync) use parking_lot::{Condvar, Mutex, MutexGuard};
pub(in crate::sync) use std::thread::{Builder, JoinHandle, yield_now};

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use parking_lot::RwLock;

/// A value made at its first use and kept for the life of the process.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$about])*
        static $name: std::sync::LazyLock<$kind> = std::sync::LazyLock::new(|| $value);
    };
}
pub(crate) use global;

/// An array of padded words at zero. Constant, so that it may be part of a `static`.
macro_rules! words_at_zero {
    ($n:expr) => {
        [const { $crate::sync::CachePadded::new($crate::sync::AtomicU64::new(0)) }; $n]
    };
}
pub(crate) use words_at_zero;
