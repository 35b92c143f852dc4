//! A value that lives behind a lock and is used through closures alone.

use std::fmt;

use crate::sync::{Mutex, const_unless_modelled};

/// A value behind its lock, used through a closure, so that a guard cannot be forgotten or held too long.
///
/// # Concurrency
/// The closure runs under the lock, and must not use the same value again. No order of arrival is promised.
/// A panic in it releases the lock and passes on; what it left in the value is what the next one sees.
///
/// ```
/// static NAMES: manyhands::Synchronized<Vec<&str>> = manyhands::Synchronized::new(Vec::new());
/// std::thread::scope(|scope| {
///     for name in ["a", "b"] {
///         scope.spawn(move || NAMES.with(|names| names.push(name)));
///     }
/// });
/// assert_eq!(NAMES.replace(Vec::new()).len(), 2);
/// ```
#[derive(Default)]
pub struct Synchronized<T: ?Sized> {
    value: Mutex<T>,
}

impl<T> Synchronized<T> {
    const_unless_modelled! {
        /// A value behind a lock of its own.
        pub fn new(value: T) -> Self {
            Self { value: Mutex::new(value) }
        }
    }

    /// The value, when nobody can be waiting for it any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// Puts another value in its place; gives back the old one.
    pub fn replace(&self, value: T) -> T {
        self.with(|place| std::mem::replace(place, value))
    }
}

impl<T: ?Sized> Synchronized<T> {
    /// The value, without a wait: whoever has it to itself needs none.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Runs a closure on the value, alone.
    pub fn with<A>(&self, act: impl FnOnce(&mut T) -> A) -> A {
        act(&mut self.value.lock())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Synchronized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Synchronized");
        match self.value.try_lock() {
            Some(value) => shown.field("value", &&*value).finish(),
            None => shown.finish_non_exhaustive(),
        }
    }
}
