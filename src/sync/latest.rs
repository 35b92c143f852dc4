//! A value that is replaced rarely and read without a lock.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The newest of some values that live as long as the program; nothing at first.
///
/// A reader takes no lock, so a child that was forked while another thread replaced the value reads either of the two.
/// Never part of a model.
#[derive(Debug)]
pub(crate) struct Latest<T: 'static>(AtomicPtr<T>);

impl<T> Latest<T> {
    /// No value yet.
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// The value that was stored last.
    pub(crate) fn load(&self) -> Option<&'static T> {
        // Acquire: pairs with the release in `store`, so that the value is read as it was made.
        // SAFETY: the pointer is null or came from a `&'static T`.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Replaces the value.
    pub(crate) fn store(&self, value: &'static T)
    where
        T: Sync,
    {
        self.0.store(std::ptr::from_ref(value).cast_mut(), Ordering::Release);
    }
}
