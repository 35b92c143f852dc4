//! A value that lives behind a mutex and is used through closures only.

use std::fmt;

use crate::sync::{Mutex, const_unless_modelled};

/// A value behind its lock, used through a closure, so that a guard cannot be forgotten or held too long.
///
/// One thread at a time, readers too; for many readers take [`RwLock`](crate::RwLock).
///
/// # Concurrency
/// The closure runs under the lock, and must not use the same value again: that hangs. Waiting threads enter in no
/// promised order. A panic in the closure releases the lock and passes on; the next user sees the value as the panic
/// left it. In a forked child, a value that another thread used at the fork stays locked: that thread is not there to
/// leave it.
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
        ///
        /// ```
        /// static TOTAL: manyhands::Synchronized<f64> = manyhands::Synchronized::new(0.0);
        /// TOTAL.with(|total| *total += 1.5);
        /// assert_eq!(TOTAL.replace(0.0), 1.5);
        /// ```
        pub fn new(value: T) -> Self {
            Self { value: Mutex::new(value) }
        }
    }

    /// The value. The lock is owned, so nothing is waited for.
    ///
    /// ```
    /// let best = manyhands::Synchronized::new(1);
    /// best.with(|best| *best = 7.max(*best));
    /// assert_eq!(best.into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    /// Stores another value; returns the old one.
    ///
    /// ```
    /// let list = manyhands::Synchronized::new(vec![1, 2]);
    /// assert_eq!(list.replace(Vec::new()), [1, 2]);
    /// ```
    pub fn replace(&self, value: T) -> T {
        self.with(|place| std::mem::replace(place, value))
    }
}

impl<T: ?Sized> Synchronized<T> {
    /// The value to change, without a wait: what is borrowed mutably is used by no other thread.
    ///
    /// ```
    /// let mut names = manyhands::Synchronized::new(vec!["a"]);
    /// names.get_mut().push("b");
    /// assert_eq!(names.into_inner(), ["a", "b"]);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Runs a closure on the value under the lock, and returns the closure's result.
    ///
    /// ```
    /// let names = manyhands::Synchronized::new(vec!["b", "a"]);
    /// names.with(|names| names.sort());
    /// assert_eq!(names.with(|names| names.join(", ")), "a, b");
    /// ```
    pub fn with<A>(&self, act: impl FnOnce(&mut T) -> A) -> A {
        act(&mut self.value.lock())
    }
}

impl<T> From<T> for Synchronized<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Shows the value, unless the lock is taken; never waits.
impl<T: ?Sized + fmt::Debug> fmt::Debug for Synchronized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Synchronized");
        match self.value.try_lock() {
            Some(value) => shown.field("value", &&*value).finish(),
            None => shown.finish_non_exhaustive(),
        }
    }
}
