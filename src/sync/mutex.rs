//! A lock for one thread at a time, and a place to wait under it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::sync::{backend, const_unless_modelled};

/// A lock for one thread at a time, without poison: a panic under the guard releases it, and what it left in the value is for
/// the next one to see.
///
/// # Concurrency
/// `lock` waits until the lock is free; no order of arrival is promised. Taking it again in the thread that holds it hangs.
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

/// The value of a [`Mutex`]; leaves the lock when it is dropped.
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

    /// The value, when nobody can be waiting for it any more.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// The value, without a wait: whoever has the lock to itself needs none.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// The lock, unless somebody has it.
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

/// A place to wait for something that is written under a [`Mutex`]. Always wait in a loop that looks again: a wait may end
/// without a reason.
///
/// # Concurrency
/// Write under the lock and wake after that: a wake-up then falls either before the look of the one who waits, or into its
/// wait. Whoever is woken has the lock again before it goes on.
///
/// ```
/// use manyhands::sync::{Arc, Condvar, Mutex, spawn};
///
/// let (is_ready, told) = (Mutex::new(false), Condvar::new());
/// let door = Arc::new((is_ready, told));
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
        /// A place where nobody waits.
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

    /// [`wait`](Self::wait), but no longer than this; true when the time was up. In a model it never is.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> bool {
        self.0.wait_for(&mut guard.0, time).timed_out()
    }

    /// Wakes one of those who wait.
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all who wait.
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
