//! Locks for many readers and one writer, and a value that lives behind one.
//!
//! `protocol.rs` says who may enter when, `words.rs` on which words they meet; here the value is handed out.
//!
//! There is no poisoning: a panic releases the lock, and what it leaves in the value is for the next holder to see.

mod protocol;
mod synchronized;
mod words;

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

pub use synchronized::Synchronized;
pub use words::{LockWords, Sharded, Single};

use crate::sync::{AtomicU64, UnsafeCell, const_unless_modelled};
use protocol::{LEAVE, LEAVE_AND_TALLY, Protocol};

/// A lock for many readers or one writer: once a writer has announced itself, no later reader enters before it.
///
/// `W` are the words that readers and writers meet on: [`Single`] in [`RwLock`], [`Sharded`] in [`StripedRwLock`].
///
/// # Concurrency
/// Reading costs two atomic read-modify-write operations, on the readers' word; writing two on the writers' word, and a look
/// at each of the readers' words. Neither takes an internal lock while nobody is in the way. Who finds somebody in the way
/// looks again for some microseconds, leaves the processor to others now and then, and at last waits in line and sleeps; the
/// line is served in the order of arrival, so neither readers nor writers starve. The `try_` forms never wait.
///
/// Taking the lock again in the thread that holds it hangs, when it is for writing or when a writer waits in between. A
/// panic under a guard releases the lock. A guard that is forgotten keeps the lock for ever. Guards may be sent to other
/// threads.
///
/// # Panics
/// Reading panics when 32 768 readers are inside on one word.
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
/// ```
pub struct RwLockOf<T: ?Sized, W: LockWords = Single> {
    protocol: Protocol<W>,
    value: UnsafeCell<T>,
}

/// A lock for many readers or one writer whose readers share one word. See [`RwLockOf`] for what it promises.
///
/// ```
/// assert!(size_of::<manyhands::RwLock<u64>>() <= 80);
/// ```
pub type RwLock<T> = RwLockOf<T, Single>;

/// An [`RwLock`] whose readers count themselves on one of sixteen padded words, chosen by thread: reading in many threads at
/// once shares nothing, and costs what it costs alone.
///
/// In exchange a write looks at sixteen cache lines more, and the lock takes 2.4 KB. On two cores that made a write 8 % dearer
/// than one of [`RwLock`], and still cheaper than one of parking_lot's lock; reading in two threads took a ninth of the time
/// (benches/records/2026-11-26-lock.md). The lines of many cores are further away, so it is worth it where many threads read
/// all the time and write now and then.
///
/// ```
/// static LIMIT: manyhands::StripedRwLock<u32> = manyhands::StripedRwLock::new(5);
/// assert_eq!(*LIMIT.read(), 5);
/// *LIMIT.write() += 1;
/// assert_eq!(*LIMIT.read(), 6);
/// ```
pub type StripedRwLock<T> = RwLockOf<T, Sharded>;

// SAFETY: the lock owns the value, so it may be sent wherever the value may.
unsafe impl<T: ?Sized + Send, W: LockWords> Send for RwLockOf<T, W> {}
// SAFETY: the lock admits many `&T` at once, which wants Sync, or one `&mut T` in any thread, which wants Send.
unsafe impl<T: ?Sized + Send + Sync, W: LockWords> Sync for RwLockOf<T, W> {}

impl<T, W: LockWords> RwLockOf<T, W> {
    const_unless_modelled! {
        /// A lock around a value.
        pub fn new(value: T) -> Self {
            Self { protocol: Protocol::new(), value: UnsafeCell::new(value) }
        }
    }

    /// The value, when nobody can be waiting for it any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, W: LockWords> RwLockOf<T, W> {
    /// Waits for the writers that came before, and gives the value to look at.
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T, W> {
        RwLockReadGuard { lock: self, stripe: self.protocol.enter() }
    }

    /// The value to look at, unless a writer is inside or waiting, or at this moment trying.
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T, W>> {
        self.protocol.try_enter().map(|stripe| RwLockReadGuard { lock: self, stripe })
    }

    /// Waits for the readers and writers that came before, and gives the value to change.
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T, W> {
        self.protocol.lock();
        RwLockWriteGuard { lock: self }
    }

    /// The value to change, unless anybody is inside or waiting, or at this moment trying.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T, W>> {
        self.protocol.try_lock().then(|| RwLockWriteGuard { lock: self })
    }

    /// How many visits were tallied.
    pub(crate) fn tally(&self) -> u64 {
        self.protocol.tally()
    }

    /// How many writers have announced themselves, and whether readers wait in line: a door for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn announced(&self) -> (u64, bool) {
        self.protocol.announced()
    }

    /// The value to change, without a wait: whoever has the lock to itself needs none.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` says that no guard is alive.
        unsafe { self.value.exclusive() }
    }
}

/// The value of an [`RwLock`] to look at, or with [`Sharded`] of a [`StripedRwLock`]; leaves the lock when it is dropped.
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockReadGuard<'l, T: ?Sized, W: LockWords = Single> {
    lock: &'l RwLockOf<T, W>,
    stripe: &'l AtomicU64,
}

/// A reader's stay that may be tallied: the lock is left, and one added to its tally, in one step.
pub(crate) struct CountingReadGuard<'l, T: ?Sized, W: LockWords> {
    lock: &'l RwLockOf<T, W>,
    stripe: &'l AtomicU64,
    how_to_leave: u64,
}

impl<'l, T: ?Sized, W: LockWords> RwLockReadGuard<'l, T, W> {
    /// Goes on as a visit. A guard has no room for what only a visit needs: it would not fit into two registers any more.
    #[inline]
    pub(crate) fn counting(self) -> CountingReadGuard<'l, T, W> {
        let Self { lock, stripe } = *ManuallyDrop::new(self);
        CountingReadGuard { lock, stripe, how_to_leave: LEAVE }
    }
}

impl<T: ?Sized, W: LockWords> CountingReadGuard<'_, T, W> {
    /// The value, and what is to be told should the visit be tallied.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&T, Tally<'_>) {
        // SAFETY: this reader is inside, so no writer has the value while the visit lasts.
        let value = unsafe { self.lock.value.shared() };
        (value, Tally { how_to_leave: &mut self.how_to_leave })
    }
}

/// The tally, as one visit has it.
pub(crate) struct Tally<'v> {
    how_to_leave: &'v mut u64,
}

impl Tally<'_> {
    /// Counts this visit, when it ends.
    #[inline]
    pub(crate) fn add(self) {
        *self.how_to_leave = LEAVE_AND_TALLY;
    }
}

impl<T: ?Sized, W: LockWords> Drop for CountingReadGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.leave(self.stripe, self.how_to_leave);
    }
}

/// The value of an [`RwLock`] to change, or with [`Sharded`] of a [`StripedRwLock`]; leaves the lock when it is dropped.
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockWriteGuard<'l, T: ?Sized, W: LockWords = Single> {
    lock: &'l RwLockOf<T, W>,
}

impl<T: ?Sized, W: LockWords> Deref for RwLockReadGuard<'_, T, W> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this reader is inside, so no writer has the value while the guard lives.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, W: LockWords> Deref for RwLockWriteGuard<'_, T, W> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this writer is alone inside while the guard lives, and lends the value through it alone.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, W: LockWords> DerefMut for RwLockWriteGuard<'_, T, W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.lock.value.exclusive() }
    }
}

impl<T: ?Sized, W: LockWords> Drop for RwLockReadGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.leave(self.stripe, LEAVE);
    }
}

impl<T: ?Sized, W: LockWords> Drop for RwLockWriteGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.unlock();
    }
}

impl<T: ?Sized + fmt::Debug, W: LockWords> fmt::Debug for RwLockOf<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(value) => shown.field("value", &&*value).finish(),
            None => shown.finish_non_exhaustive(),
        }
    }
}

impl<T: ?Sized + fmt::Debug, W: LockWords> fmt::Debug for RwLockReadGuard<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug, W: LockWords> fmt::Debug for RwLockWriteGuard<'_, T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Default, W: LockWords> Default for RwLockOf<T, W> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
