//! A mutex and a condition variable without poison, over those of std or of a checker.
//!
//! A panic poisons both kinds of mutex; loom's even by a panic in another thread, as std sees loom's threads as one. This
//! crate's state is whole whenever a lock is free, so poison is ignored.
//!
//! Std's locks, because they are words of their owner's memory and nothing else. A lock that keeps its waiting threads in a
//! table of the process breaks in a forked child: the table names threads that the child does not have, and their memory
//! becomes that of new threads.

#[cfg(any(manyhands_loom, manyhands_shuttle))]
use crate::sync::backend::checker::sync;
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
use std::sync;

use std::ops::{Deref, DerefMut};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use crate::sync::backend::const_unless_modelled;

/// A mutex without poison.
#[derive(Debug, Default)]
pub(in crate::sync) struct Mutex<T: ?Sized> {
    #[cfg(manyhands_tsan)]
    edge: Edge,
    inner: sync::Mutex<T>,
}

/// The guard is an option so that a condition variable can take the inner guard by value and put it back.
#[derive(Debug)]
pub(in crate::sync) struct MutexGuard<'a, T: ?Sized> {
    #[cfg(manyhands_tsan)]
    edge: &'a Edge,
    inner: Option<sync::MutexGuard<'a, T>>,
}

/// What ThreadSanitizer sees of a lock: std is built without it, so it cannot see that one unlock comes before the next lock.
#[cfg(manyhands_tsan)]
#[derive(Debug, Default)]
struct Edge(std::sync::atomic::AtomicU32);

#[cfg(manyhands_tsan)]
impl Edge {
    /// Right after a lock.
    fn acquire(&self) {
        self.0.load(std::sync::atomic::Ordering::Acquire);
    }

    /// Right before an unlock. A read and a write in one, so that all earlier ones are before the next lock too.
    fn release(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Release);
    }
}

#[cfg(manyhands_tsan)]
impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.edge.release();
    }
}

impl<T> Mutex<T> {
    const_unless_modelled! {
        #[inline]
        pub(in crate::sync) fn new(value: T) -> Self {
            Self {
                #[cfg(manyhands_tsan)]
                edge: Edge(std::sync::atomic::AtomicU32::new(0)),
                inner: sync::Mutex::new(value),
            }
        }
    }

    pub(in crate::sync) fn into_inner(self) -> T {
        self.inner.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Mutex<T> {
    #[inline]
    pub(in crate::sync) fn lock(&self) -> MutexGuard<'_, T> {
        self.guard(self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[inline]
    fn guard<'a>(&'a self, inner: sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        #[cfg(manyhands_tsan)]
        self.edge.acquire();
        MutexGuard {
            #[cfg(manyhands_tsan)]
            edge: &self.edge,
            inner: Some(inner),
        }
    }

    pub(in crate::sync) fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(in crate::sync) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let guard = match self.inner.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(self.guard(guard))
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("a guard is whole outside of a wait")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("a guard is whole outside of a wait")
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub(in crate::sync) struct Condvar(sync::Condvar);

impl Condvar {
    const_unless_modelled! {
        #[inline]
        pub(in crate::sync) fn new() -> Self {
            Self(sync::Condvar::new())
        }
    }

    pub(in crate::sync) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        #[cfg(manyhands_tsan)]
        guard.edge.release();
        let held = guard.inner.take().expect("a guard is whole outside of a wait");
        guard.inner = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
        #[cfg(manyhands_tsan)]
        guard.edge.acquire();
    }

    /// Waits for so long at most; true when the time is up. A time beyond the clock is no limit.
    #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
    pub(in crate::sync) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> bool {
        #[cfg(manyhands_tsan)]
        guard.edge.release();
        let held = guard.inner.take().expect("a guard is whole outside of a wait");
        let (held, timeout) = self.0.wait_timeout(held, time).unwrap_or_else(PoisonError::into_inner);
        guard.inner = Some(held);
        #[cfg(manyhands_tsan)]
        guard.edge.acquire();
        timeout.timed_out()
    }

    /// Time stands still in a model: a timed wait is a wait, so a model must not depend on the end of the time limit.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(in crate::sync) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _time: Duration) -> bool {
        self.wait(guard);
        false
    }

    #[inline]
    pub(in crate::sync) fn notify_one(&self) {
        self.0.notify_one();
    }

    #[inline]
    pub(in crate::sync) fn notify_all(&self) {
        self.0.notify_all();
    }
}
