//! [`Mutex`] and [`Condvar`] over the real ones or a checker's, with one signature and without poison.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::sync::backend;
use crate::sync::backend::const_unless_modelled;

/// A lock for one thread at a time, without poison: a panic under the guard releases it, and the next holder sees the
/// value as the panic left it.
///
/// # Concurrency
/// `lock` waits until the lock is free; no order of arrival is promised. Taking it again in the thread that holds it
/// hangs.
///
/// ```
/// use manyhands::sync::{Arc, Mutex, spawn};
///
/// let names = Arc::new(Mutex::new(vec!["a"]));
/// let theirs = Arc::clone(&names);
/// spawn(move || theirs.lock().push("b")).join().unwrap();
/// assert_eq!(*names.lock(), ["a", "b"]);
/// ```
#[derive(Default)]
pub struct Mutex<T: ?Sized>(backend::Mutex<T>);

/// The value of a [`Mutex`]. Dropping the guard leaves the lock.
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct MutexGuard<'l, T: ?Sized>(backend::MutexGuard<'l, T>);

impl<T> Mutex<T> {
    const_unless_modelled! {
        /// A lock around a value.
        #[inline]
        pub fn new(value: T) -> Self {
            Self(backend::Mutex::new(value))
        }
    }

    /// The value. The lock is owned, so no guard is alive and nothing is waited for.
    ///
    /// ```
    /// assert_eq!(manyhands::sync::Mutex::new(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    ///
    /// ```
    /// let total = manyhands::sync::Mutex::new(1);
    /// *total.lock() += 1;
    /// assert_eq!(*total.lock(), 2);
    /// ```
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// The value, without a wait: a lock that is borrowed mutably has no guards.
    ///
    /// ```
    /// let mut names = manyhands::sync::Mutex::new(vec!["a"]);
    /// names.get_mut().push("b");
    /// assert_eq!(names.lock().len(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// The value, or `None` when the lock is taken. Never waits.
    ///
    /// ```
    /// let total = manyhands::sync::Mutex::new(1);
    /// let held = total.lock();
    /// assert!(total.try_lock().is_none());
    /// # drop(held);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().map(MutexGuard)
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A condition variable: threads wait on it for a condition that is written under a [`Mutex`].
///
/// Always wait in a loop that checks the condition again: a wait may end without a reason.
///
/// # Concurrency
/// Change the condition under the lock and notify after that: the notification then comes either before the waiting
/// thread checks the condition, or during its wait. A woken thread has the lock again before it goes on.
///
/// ```
/// use manyhands::sync::{Arc, Condvar, Mutex, spawn};
///
/// let door = Arc::new((Mutex::new(false), Condvar::new()));
/// let theirs = Arc::clone(&door);
/// let other = spawn(move || {
///     *theirs.0.lock() = true;
///     theirs.1.notify_one();
/// });
/// let mut is_ready = door.0.lock();
/// while !*is_ready {
///     door.1.wait(&mut is_ready);
/// }
/// # drop(is_ready);
/// # other.join().unwrap();
/// ```
#[derive(Default)]
pub struct Condvar(backend::Condvar);

impl Condvar {
    const_unless_modelled! {
        /// A condition variable on which no thread waits.
        #[must_use]
        #[inline]
        pub fn new() -> Self {
            Self(backend::Condvar::new())
        }
    }

    /// Leaves the lock, waits until it is woken, and takes the lock again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.0.wait(&mut guard.0);
    }

    /// [`wait`](Self::wait), for this long at most; true when the time limit ended the wait. In a model it never does.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> bool {
        self.0.wait_for(&mut guard.0, time).timed_out()
    }

    /// Wakes one waiting thread, if there is any.
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    #[inline]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mutex");
        match self.try_lock() {
            Some(value) => shown.field("value", &&*value).finish(),
            None => shown.finish_non_exhaustive(),
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
