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
///
/// ```
/// use manyhands::sync::{Mutex, MutexGuard};
///
/// fn add_twice(mut values: MutexGuard<'_, Vec<i32>>, value: i32) {
///     values.extend([value; 2]);
/// } // the guard is dropped here, which leaves the lock
///
/// let values = Mutex::new(Vec::new());
/// add_twice(values.lock(), 5);
/// assert_eq!(*values.lock(), [5, 5]);
/// ```
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct MutexGuard<'l, T: ?Sized>(backend::MutexGuard<'l, T>);

impl<T> Mutex<T> {
    const_unless_modelled! {
        /// A lock around a value.
        ///
        /// May be the initial value of a `static`, except in a model. Allocates nothing.
        ///
        /// ```
        /// use manyhands::sync::Mutex;
        ///
        /// static NAMES: Mutex<Vec<&str>> = Mutex::new(Vec::new());
        /// NAMES.lock().push("night 1");
        /// assert_eq!(*NAMES.lock(), ["night 1"]);
        /// ```
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
        ///
        /// May be the initial value of a `static` next to its lock, except in a model.
        ///
        /// ```
        /// use manyhands::sync::{Condvar, Mutex};
        ///
        /// static N_DONE: Mutex<u32> = Mutex::new(0);
        /// static COUNTED: Condvar = Condvar::new();
        ///
        /// let worker = std::thread::spawn(|| {
        ///     *N_DONE.lock() += 1;
        ///     COUNTED.notify_one();
        /// });
        /// let mut n_done = N_DONE.lock();
        /// while *n_done < 1 {
        ///     COUNTED.wait(&mut n_done);
        /// }
        /// # drop(n_done);
        /// # worker.join().unwrap();
        /// ```
        #[must_use]
        #[inline]
        pub fn new() -> Self {
            Self(backend::Condvar::new())
        }
    }

    /// Leaves the lock, waits until it is woken, and takes the lock again.
    ///
    /// Leaving and waiting are one step: a notification that is made after the lock was left is not missed. The value
    /// may have changed meanwhile, so a reference into it must be taken anew.
    ///
    /// ```
    /// use manyhands::sync::{Arc, Condvar, Mutex, spawn};
    ///
    /// let queue = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    /// let theirs = Arc::clone(&queue);
    /// let producer = spawn(move || {
    ///     theirs.0.lock().push(7);
    ///     theirs.1.notify_one();
    /// });
    /// let mut items = queue.0.lock();
    /// while items.is_empty() {
    ///     queue.1.wait(&mut items); // the producer takes the lock meanwhile
    /// }
    /// assert_eq!(*items, [7]);
    /// # drop(items);
    /// # producer.join().unwrap();
    /// ```
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.0.wait(&mut guard.0);
    }

    /// [`wait`](Self::wait), for this long at most; true when the time limit ended the wait. In a model it never does.
    ///
    /// Look at the condition, not only at the result: a change and the end of the time may come together.
    ///
    /// ```
    /// use manyhands::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (result, has_come) = (Mutex::new(None::<u32>), Condvar::new());
    /// let mut value = result.lock();
    /// while value.is_none() {
    ///     let is_time_up = has_come.wait_for(&mut value, Duration::from_millis(1));
    ///     if is_time_up {
    ///         break; // no thread has written a result
    ///     }
    /// }
    /// assert_eq!(*value, None);
    /// ```
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> bool {
        self.0.wait_for(&mut guard.0, time)
    }

    /// Wakes one waiting thread, if there is any.
    ///
    /// Enough where each change lets one thread go on, and all threads wait for the same kind of change.
    ///
    /// ```
    /// use manyhands::sync::{Condvar, Mutex};
    ///
    /// let (items, added) = (Mutex::new(Vec::new()), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     let consumer = scope.spawn(|| {
    ///         let mut items = items.lock();
    ///         while items.is_empty() {
    ///             added.wait(&mut items);
    ///         }
    ///         items.pop()
    ///     });
    ///     items.lock().push(7);
    ///     added.notify_one();
    ///     assert_eq!(consumer.join().unwrap(), Some(7));
    /// });
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    ///
    /// For a change that lets several threads go on, and where threads wait for different conditions on one variable.
    /// Each woken thread takes the lock in turn.
    ///
    /// ```
    /// use manyhands::sync::{Condvar, Mutex};
    ///
    /// let (is_open, opened) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     for _ in 0..3 {
    ///         scope.spawn(|| {
    ///             let mut is_open = is_open.lock();
    ///             while !*is_open {
    ///                 opened.wait(&mut is_open);
    ///             }
    ///         });
    ///     }
    ///     *is_open.lock() = true;
    ///     opened.notify_all(); // with `notify_one` two threads might wait for ever
    /// });
    /// ```
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
