//! The parts of a model checker, loom or shuttle, behind the names and signatures of the real ones in `native.rs`.

#[cfg(manyhands_loom)]
pub(crate) use loom as checker;
#[cfg(manyhands_shuttle)]
pub(crate) use shuttle as checker;

pub use checker::hint::spin_loop;
pub use checker::sync::Arc;
pub use checker::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
    Ordering, fence,
};
pub use checker::thread_local;

pub(in crate::sync) use checker::thread::{Builder, JoinHandle, yield_now};

use std::ops::{Add, Deref, DerefMut, Sub};
use std::time::Duration;

/// Without padding, which does not matter to a model.
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A clock that stands still, so that every run of a model takes the same branches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The only moment there is.
    #[must_use]
    pub fn now() -> Self {
        Self(Duration::ZERO)
    }
    /// Always zero.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().duration_since(self)
    }
    /// This much later; `None` beyond the end of the clock.
    #[must_use]
    pub fn checked_add(self, time: Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }
    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

/// A value made at its first use in each execution of a model.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $crate::sync::checker::lazy_static! {
            $(#[$about])*
            static ref $name: $kind = $value;
        }
    };
}
pub(crate) use global;

/// An array of words at zero.
macro_rules! words_at_zero {
    ($n:expr) => {
        std::array::from_fn::<_, { $n }, _>(|_| $crate::sync::CachePadded::new($crate::sync::AtomicU64::new(0)))
    };
}
pub(crate) use words_at_zero;
