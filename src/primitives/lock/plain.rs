//! [`RwLock`]: the small lock, whose readers share one word. Its counterpart with striped readers is in `striped.rs`.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::primitives::lock::raw::{RawLock, ReadGuard, WriteGuard};
use crate::primitives::lock::traits::lock_traits;
use crate::primitives::lock::words::Single;
use crate::sync::const_unless_modelled;

/// A lock for many readers or one writer: once a writer has announced itself, no later reader enters before it.
///
/// It takes 72 bytes beside the value. Where many threads read all the time,
/// [`StripedRwLock`](crate::lock::StripedRwLock) is faster and larger.
///
/// # Concurrency
/// An uncontended read costs two atomic read-modify-write operations on the readers' word. An uncontended write costs
/// two on the writers' word and one look at the readers' word. A thread that finds the lock taken looks again for some
/// microseconds, yields the processor now and then, and at last waits in line and sleeps. The line is served in the
/// order of arrival, so neither readers nor writers starve. The `try_` methods never wait.
///
/// Taking the lock again in the thread that holds it hangs, when either of the two is a write or when a writer waits in
/// between. There is no poisoning: a panic under a guard releases the lock, and the next holder sees the value as the
/// panic left it. A guard that is forgotten keeps the lock for ever. Guards may be sent to other threads. In a forked
/// child, a lock that another thread held at the fork stays held: that thread is not there to leave it.
///
/// # Panics
/// Reading panics when 32 768 readers are inside at once.
///
/// ```
/// let lock = manyhands::RwLock::new(vec![1, 2]);
/// {
///     let (first, second) = (lock.read(), lock.read());
///     assert_eq!(first.len(), second.len());
///     assert!(lock.try_write().is_none());
/// }
/// lock.write().push(3);
/// assert_eq!(lock.into_inner(), [1, 2, 3]);
/// assert!(size_of::<manyhands::RwLock<()>>() <= 72);
/// ```
pub struct RwLock<T: ?Sized>(RawLock<T, Single>);

impl<T> RwLock<T> {
    const_unless_modelled! {
        /// A lock around a value.
        ///
        /// ```
        /// static LIMIT: manyhands::RwLock<u32> = manyhands::RwLock::new(5);
        /// assert_eq!(*LIMIT.read(), 5);
        /// ```
        pub fn new(value: T) -> Self {
            Self(RawLock::new(value))
        }
    }

    /// The value. The lock is owned, so no guard is alive and nothing is waited for.
    ///
    /// ```
    /// assert_eq!(manyhands::RwLock::new("night 1").into_inner(), "night 1");
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits for the writers that came before, and returns the value to read.
    ///
    /// ```
    /// let lock = manyhands::RwLock::new([1, 2]);
    /// assert_eq!(lock.read().len(), 2);
    /// ```
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard(self.0.read())
    }

    /// The value to read, or `None` when a writer is inside, waits, or tries to enter at this moment.
    ///
    /// ```
    /// let lock = manyhands::RwLock::new(1);
    /// let writing = lock.write();
    /// assert!(lock.try_read().is_none());
    /// drop(writing);
    /// assert_eq!(lock.try_read().map(|value| *value), Some(1));
    /// ```
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read().map(RwLockReadGuard)
    }

    /// Waits for the readers and writers that came before, and returns the value to change.
    ///
    /// ```
    /// let lock = manyhands::RwLock::new(1);
    /// *lock.write() += 1;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write())
    }

    /// The value to change, or `None` when a reader or writer is inside, waits, or tries to enter at this moment.
    ///
    /// ```
    /// let lock = manyhands::RwLock::new(1);
    /// let reading = lock.read();
    /// assert!(lock.try_write().is_none());
    /// drop(reading);
    /// assert!(lock.try_write().is_some());
    /// ```
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write().map(RwLockWriteGuard)
    }

    /// The value to change, without a wait: a lock that is borrowed mutably has no guards.
    ///
    /// ```
    /// let mut lock = manyhands::RwLock::new(1);
    /// *lock.get_mut() = 2;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// The number of writers that have announced themselves, and whether readers wait in line: for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn announced(&self) -> (u64, bool) {
        self.0.announced()
    }
}

/// The value of an [`RwLock`] to read. Dropping the guard leaves the lock.
///
/// ```
/// let lock = manyhands::RwLock::new(String::from("night 1"));
/// fn length(name: manyhands::lock::RwLockReadGuard<'_, String>) -> usize {
///     name.len()
/// }
/// assert_eq!(length(lock.read()), 7);
/// ```
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockReadGuard<'l, T: ?Sized>(ReadGuard<'l, T, Single>);

/// The value of an [`RwLock`] to change. Dropping the guard leaves the lock.
///
/// ```
/// let lock = manyhands::RwLock::new(Vec::new());
/// fn add_twice(mut values: manyhands::lock::RwLockWriteGuard<'_, Vec<i32>>, value: i32) {
///     values.extend([value; 2]);
/// }
/// add_twice(lock.write(), 5);
/// assert_eq!(*lock.read(), [5, 5]);
/// ```
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockWriteGuard<'l, T: ?Sized>(WriteGuard<'l, T, Single>);

lock_traits!(RwLock, RwLockReadGuard, RwLockWriteGuard);
