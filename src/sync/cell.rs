//! A cell for a value that a protocol guards: std's, and under loom one that fails the model when an access is not ordered
//! after the one before it.

#[cfg(manyhands_loom)]
use loom::cell::UnsafeCell as InnerUnsafeCell;
#[cfg(not(manyhands_loom))]
use std::cell::UnsafeCell as InnerUnsafeCell;

use super::const_unless_modelled;

/// A value that a protocol guards.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T: ?Sized>(InnerUnsafeCell<T>);

impl<T> UnsafeCell<T> {
    const_unless_modelled! {
        pub(crate) fn new(value: T) -> Self {
            Self(InnerUnsafeCell::new(value))
        }
    }
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(not(manyhands_loom))]
impl<T: ?Sized> UnsafeCell<T> {
    /// The value to look at.
    ///
    /// # Safety
    /// Nobody changes the value while the reference lives.
    #[inline]
    pub(crate) unsafe fn shared(&self) -> &T {
        // SAFETY: the caller's promise.
        unsafe { &*self.0.get() }
    }

    /// The value to change.
    ///
    /// # Safety
    /// Nobody else has the value while the reference lives.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "that is what the cell is for")]
    pub(crate) unsafe fn exclusive(&self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}

#[cfg(manyhands_loom)]
impl<T: ?Sized> UnsafeCell<T> {
    /// # Safety
    /// Nobody changes the value while the reference lives.
    pub(crate) unsafe fn shared(&self) -> &T {
        // SAFETY: the caller's promise, checked by loom as far as the moment of this access.
        self.0.with(|value| unsafe { &*value })
    }

    /// # Safety
    /// Nobody else has the value while the reference lives.
    pub(crate) unsafe fn exclusive(&self) -> &mut T {
        // SAFETY: the caller's promise, checked by loom as far as the moment of this access.
        self.0.with_mut(|value| unsafe { &mut *value })
    }
}
