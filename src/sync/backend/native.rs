//! The real parts: std's atomics and threads, crossbeam's padding. The counterpart is `modelled.rs`; locks are in
//! `locks.rs`, over either.

pub use std::hint::spin_loop;
pub use std::sync::Arc;
pub use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering, fence,
};
pub use std::thread_local;
pub use std::time::Instant;

pub(in crate::sync) use std::thread::{Builder, JoinHandle, yield_now};

pub(crate) use crossbeam_utils::CachePadded;

/// A value made at its first use in each process.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$about])*
        static $name: $crate::sync::PerProcess<$kind> = $crate::sync::PerProcess::new(|| $value);
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
