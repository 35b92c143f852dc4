//! The lock behind both public ones: the value, guarded by the protocol, over words of either kind.
//!
//! `protocol.rs` decides when a reader or writer may enter, and `words.rs` holds the words that it decides on. This
//! file adds the value and the guards that hand it out. `plain.rs` and `striped.rs` wrap it as
//! [`RwLock`](super::RwLock) and [`StripedRwLock`](super::StripedRwLock), whose methods compile to these.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use crate::primitives::lock::protocol::{LEAVE, LEAVE_AND_TALLY, Protocol};
use crate::primitives::lock::words::Words;
use crate::sync::{AtomicU64, UnsafeCell, const_unless_modelled};

/// A value that readers share and a writer has alone.
pub(crate) struct RawLock<T: ?Sized, W> {
    protocol: Protocol<W>,
    /// Lent as `&T` while a reader is inside, and as `&mut T` while the one writer is. The protocol never lets both in.
    value: UnsafeCell<T>,
}

// SAFETY: the lock owns the value, so it may be sent wherever the value may.
unsafe impl<T: ?Sized + Send, W: Words> Send for RawLock<T, W> {}
// SAFETY: the lock admits many `&T` at once, which needs Sync, or one `&mut T` in any thread, which needs Send.
unsafe impl<T: ?Sized + Send + Sync, W: Words> Sync for RawLock<T, W> {}

impl<T, W: Words> RawLock<T, W> {
    const_unless_modelled! {
        /// Allocates nothing. A constant outside of models.
        pub(super) fn new(value: T) -> Self {
            Self { protocol: Protocol::new(), value: UnsafeCell::new(value) }
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, W: Words> RawLock<T, W> {
    /// Panics, without being inside, when 32 768 readers are on the word of this thread.
    #[inline]
    pub(super) fn read(&self) -> ReadGuard<'_, T, W> {
        ReadGuard { lock: self, stripe: self.protocol.enter() }
    }

    #[inline]
    pub(super) fn try_read(&self) -> Option<ReadGuard<'_, T, W>> {
        self.protocol.try_enter().map(|stripe| ReadGuard { lock: self, stripe })
    }

    #[inline]
    pub(super) fn write(&self) -> WriteGuard<'_, T, W> {
        self.protocol.lock();
        WriteGuard { lock: self }
    }

    #[inline]
    pub(super) fn try_write(&self) -> Option<WriteGuard<'_, T, W>> {
        self.protocol.try_lock().then(|| WriteGuard { lock: self })
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` means that no guard is alive.
        unsafe { self.value.exclusive() }
    }

    /// The number of readers that left with [`ReaderCount::add`].
    pub(super) fn tally(&self) -> u64 {
        self.protocol.tally()
    }

    /// The number of writers that have announced themselves, and whether readers wait in line: for models.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(super) fn announced(&self) -> (u64, bool) {
        self.protocol.announced()
    }
}

/// A reader inside of the lock. Two words, so that it is returned in registers.
pub(super) struct ReadGuard<'l, T: ?Sized, W: Words> {
    lock: &'l RawLock<T, W>,
    /// The word on which this reader counted itself in, and where it counts itself out.
    stripe: &'l AtomicU64,
}

impl<T: ?Sized, W: Words> Deref for ReadGuard<'_, T, W> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this reader is inside, so no writer has the value while the guard lives.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, W: Words> Drop for ReadGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.leave(self.stripe, LEAVE);
    }
}

impl<'l, T: ?Sized, W: Words> ReadGuard<'l, T, W> {
    /// Turns into a guard that can count this visit. A plain guard has no room for that: with a third word it would no
    /// longer be returned in registers.
    #[inline]
    pub(super) fn counting(self) -> CountingReadGuard<'l, T, W> {
        let Self { lock, stripe } = *ManuallyDrop::new(self);
        CountingReadGuard { lock, stripe, how_to_leave: LEAVE }
    }
}

/// A reader inside of the lock that may add one to the lock's tally in the same step that leaves the lock.
///
/// The cache counts its hits so: the step is needed anyway, and the tally costs nothing more.
pub(crate) struct CountingReadGuard<'l, T: ?Sized, W: Words> {
    lock: &'l RawLock<T, W>,
    stripe: &'l AtomicU64,
    /// What to add to the stripe: `LEAVE` or `LEAVE_AND_TALLY`.
    how_to_leave: u64,
}

impl<T: ?Sized, W: Words> CountingReadGuard<'_, T, W> {
    /// The value, and the means to count this visit.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&T, ReaderCount<'_>) {
        // SAFETY: this reader is inside, so no writer has the value while the guard lives.
        let value = unsafe { self.lock.value.shared() };
        (value, ReaderCount { how_to_leave: &mut self.how_to_leave })
    }
}

impl<T: ?Sized, W: Words> Drop for CountingReadGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.leave(self.stripe, self.how_to_leave);
    }
}

/// Counts a reader when it leaves, or not.
pub(crate) struct ReaderCount<'v> {
    how_to_leave: &'v mut u64,
}

impl ReaderCount<'_> {
    /// Counts this visit when it ends.
    #[inline]
    pub(crate) fn add(self) {
        *self.how_to_leave = LEAVE_AND_TALLY;
    }
}

/// The one writer inside of the lock.
pub(super) struct WriteGuard<'l, T: ?Sized, W: Words> {
    lock: &'l RawLock<T, W>,
}

impl<T: ?Sized, W: Words> Deref for WriteGuard<'_, T, W> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this writer is alone inside while the guard lives, and lends the value through the guard only.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, W: Words> DerefMut for WriteGuard<'_, T, W> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.lock.value.exclusive() }
    }
}

impl<T: ?Sized, W: Words> Drop for WriteGuard<'_, T, W> {
    #[inline]
    fn drop(&mut self) {
        self.lock.protocol.unlock();
    }
}
