//! [`StripedRwLock`]: the large lock, whose readers share nothing. Its small counterpart is in `plain.rs`. The cache's
//! shards are such locks, and count their hits through [`StripedRwLockReadGuard::counting`].

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::primitives::lock::raw::{CountingReadGuard, RawLock, ReadGuard, WriteGuard};
use crate::primitives::lock::traits::lock_traits;
use crate::primitives::lock::words::Sharded;
use crate::sync::const_unless_modelled;

/// An [`RwLock`](crate::RwLock) whose readers count themselves on one of sixteen padded words, chosen by thread:
/// reading in many threads at once shares nothing, and costs what it costs alone.
///
/// In exchange a write looks at sixteen more cache lines, and the lock takes 2.4 KB. On two cores that made a write 8 %
/// more expensive than one of [`RwLock`](crate::RwLock), and still cheaper than one of parking_lot's lock; reading in
/// two threads took a ninth of the time (benches/records/2026-11-26-lock.md). With many cores the lines are further
/// away, so it pays where many threads read all the time and write now and then.
///
/// # Concurrency
/// As [`RwLock`](crate::RwLock): waiting threads enter in the order of arrival, there is no poisoning, and in a forked
/// child a lock stays held that another thread held at the fork.
///
/// # Panics
/// Reading panics when 32 768 readers are inside at once on one of the sixteen words.
///
/// ```
/// static LIMIT: manyhands::lock::StripedRwLock<u32> = manyhands::lock::StripedRwLock::new(5);
/// assert_eq!(*LIMIT.read(), 5);
/// *LIMIT.write() += 1;
/// assert_eq!(*LIMIT.read(), 6);
/// ```
pub struct StripedRwLock<T: ?Sized>(RawLock<T, Sharded>);

impl<T> StripedRwLock<T> {
    const_unless_modelled! {
        /// A lock around a value. It takes 2.4 KB, whatever the value.
        ///
        /// ```
        /// static GAIN: manyhands::lock::StripedRwLock<f64> = manyhands::lock::StripedRwLock::new(1.0);
        /// assert_eq!(*GAIN.read(), 1.0);
        /// ```
        pub fn new(value: T) -> Self {
            Self(RawLock::new(value))
        }
    }

    /// The value. The lock is owned, so no guard is alive and nothing is waited for.
    ///
    /// ```
    /// assert_eq!(manyhands::lock::StripedRwLock::new("night 1").into_inner(), "night 1");
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> StripedRwLock<T> {
    /// Waits for the writers that came before, and returns the value to read.
    ///
    /// ```
    /// let rates = manyhands::lock::StripedRwLock::new([128, 256]);
    /// let of_threads: Vec<u32> = std::thread::scope(|scope| {
    ///     let readers = [0, 1].map(|channel| scope.spawn({ let rates = &rates; move || rates.read()[channel] }));
    ///     readers.map(|reader| reader.join().unwrap()).into()
    /// });
    /// assert_eq!(of_threads, [128, 256]);
    /// ```
    #[inline]
    pub fn read(&self) -> StripedRwLockReadGuard<'_, T> {
        StripedRwLockReadGuard(self.0.read())
    }

    /// The value to read, or `None` when a writer is inside, waits, or tries to enter at this moment.
    ///
    /// ```
    /// let lock = manyhands::lock::StripedRwLock::new(1);
    /// let writing = lock.write();
    /// assert!(lock.try_read().is_none());
    /// drop(writing);
    /// assert_eq!(lock.try_read().map(|value| *value), Some(1));
    /// ```
    #[inline]
    pub fn try_read(&self) -> Option<StripedRwLockReadGuard<'_, T>> {
        self.0.try_read().map(StripedRwLockReadGuard)
    }

    /// Waits for the readers and writers that came before, and returns the value to change.
    ///
    /// ```
    /// let lock = manyhands::lock::StripedRwLock::new(1);
    /// *lock.write() += 1;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    #[inline]
    pub fn write(&self) -> StripedRwLockWriteGuard<'_, T> {
        StripedRwLockWriteGuard(self.0.write())
    }

    /// The value to change, or `None` when a reader or writer is inside, waits, or tries to enter at this moment.
    ///
    /// ```
    /// let lock = manyhands::lock::StripedRwLock::new(1);
    /// let reading = lock.read();
    /// assert!(lock.try_write().is_none());
    /// drop(reading);
    /// assert!(lock.try_write().is_some());
    /// ```
    #[inline]
    pub fn try_write(&self) -> Option<StripedRwLockWriteGuard<'_, T>> {
        self.0.try_write().map(StripedRwLockWriteGuard)
    }

    /// The value to change, without a wait: a lock that is borrowed mutably has no guards.
    ///
    /// ```
    /// let mut lock = manyhands::lock::StripedRwLock::new(1);
    /// *lock.get_mut() = 2;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// The number of visits that were counted, modulo 2^48 per word.
    pub(crate) fn tally(&self) -> u64 {
        self.0.tally()
    }
}

/// The value of a [`StripedRwLock`] to read. Dropping the guard leaves the lock.
///
/// ```
/// let lock = manyhands::lock::StripedRwLock::new(String::from("night 1"));
/// let name: manyhands::lock::StripedRwLockReadGuard<'_, String> = lock.read();
/// assert_eq!(name.len(), 7);
/// ```
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct StripedRwLockReadGuard<'l, T: ?Sized>(ReadGuard<'l, T, Sharded>);

impl<'l, T: ?Sized> StripedRwLockReadGuard<'l, T> {
    /// Turns into a guard that can count this visit in the lock's tally.
    #[inline]
    pub(crate) fn counting(self) -> CountingReadGuard<'l, T, Sharded> {
        self.0.counting()
    }
}

/// The value of a [`StripedRwLock`] to change. Dropping the guard leaves the lock.
///
/// ```
/// let lock = manyhands::lock::StripedRwLock::new(vec![1]);
/// let mut values: manyhands::lock::StripedRwLockWriteGuard<'_, Vec<i32>> = lock.write();
/// values.push(2);
/// drop(values);
/// assert_eq!(*lock.read(), [1, 2]);
/// ```
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct StripedRwLockWriteGuard<'l, T: ?Sized>(WriteGuard<'l, T, Sharded>);

lock_traits!(StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard);
