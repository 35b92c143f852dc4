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
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

// A panic poisons the checkers' locks; loom's even by a panic in another thread, as std sees loom's threads as one. The real
// locks have no poison, so it is ignored here.

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

/// The checker's mutex with parking_lot's signature.
#[derive(Debug, Default)]
pub(in crate::sync) struct Mutex<T: ?Sized>(checker::sync::Mutex<T>);

/// The guard is an option so that a condition variable can take the checker's guard by value and put it back.
#[derive(Debug)]
pub(in crate::sync) struct MutexGuard<'a, T: ?Sized>(Option<checker::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(in crate::sync) fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }
    pub(in crate::sync) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Mutex<T> {
    pub(in crate::sync) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
    pub(in crate::sync) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
    pub(in crate::sync) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let guard = match self.0.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard(Some(guard)))
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_ref().expect("a guard is whole outside of a wait")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("a guard is whole outside of a wait")
    }
}

/// The checker's condition variable with parking_lot's signature.
#[derive(Debug, Default)]
pub(in crate::sync) struct Condvar(checker::sync::Condvar);

impl Condvar {
    pub(in crate::sync) fn new() -> Self {
        Self(checker::sync::Condvar::new())
    }
    pub(in crate::sync) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("a guard is whole outside of a wait");
        guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }
    /// Time stands still in a model: a timed wait is a wait, so a model must not depend on the end of the time limit.
    pub(in crate::sync) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _time: Duration) -> NeverTimedOut {
        self.wait(guard);
        NeverTimedOut
    }
    pub(in crate::sync) fn notify_one(&self) {
        self.0.notify_one();
    }
    pub(in crate::sync) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// The result of a timed wait.
pub(in crate::sync) struct NeverTimedOut;

impl NeverTimedOut {
    pub(in crate::sync) fn timed_out(self) -> bool {
        false
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
    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, time: Duration) -> Self {
        Self(self.0 + time)
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

/// The checker's reader-writer lock with parking_lot's signature.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(checker::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(checker::sync::RwLock::new(value))
    }
    pub(crate) fn read(&self) -> checker::sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn write(&self) -> checker::sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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
