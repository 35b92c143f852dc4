//! Locks for many readers and one writer, and a value that lives behind one.
//!
//! Both locks are one protocol. Readers count themselves on a *stripe*, a padded word of their own in the striped form; a
//! writer announces itself, waits its turn, and then until every stripe is empty.
//!
//! - A reader counts itself, then looks for an announced writer. A writer announces itself, then looks at the stripes. Both
//!   steps are ordered by [`sync::announce`] and [`sync::look`], so at least one of the two sees the other.
//! - A reader that sees a writer takes itself back and waits in line: it goes in when every writer that came before it is
//!   done, and every writer that comes after it waits for it. So neither side starves, and the order is that of arrival.
//! - A reader that leaves and sees a writer wakes it. The writer looks at the stripes under the lock of the line, and the
//!   reader wakes under the same lock, so that no wake-up falls between the look and the wait.
//!
//! There is no poisoning: a panic releases the lock, and what it leaves in the value is for the next holder to see.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::sync::{self, AtomicUsize, CachePadded, Condvar, Mutex, UnsafeCell};

/// A lock for many readers or one writer, in the order of arrival: no reader enters before a writer that came first.
///
/// `STRIPES` is the number of words that readers count themselves on: one in [`RwLock`], where all readers share it, and many
/// in [`StripedRwLock`].
///
/// # Concurrency
/// Reading costs two atomic read-modify-write operations on the readers' word. Writing takes an internal lock, and looks at
/// every stripe. Taking the lock again in the thread that holds it hangs when a writer waits in between. A panic under a
/// guard releases the lock. Memory: a padded word (128 bytes) per stripe and one more.
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
pub struct RwLockOf<T: ?Sized, const STRIPES: usize> {
    raw: RawLock<STRIPES>,
    value: UnsafeCell<T>,
}

/// A lock for many readers or one writer, in the order of arrival; readers share one word. See [`RwLockOf`].
pub type RwLock<T> = RwLockOf<T, 1>;

/// A [`RwLock`] whose readers count themselves on words of their own: reading in many threads at once shares nothing and
/// costs what an unshared counter costs. In exchange a write looks at 16 cache lines instead of one, and the lock takes a
/// little over 2 KiB.
///
/// ```
/// let lock = manyhands::StripedRwLock::new(5);
/// assert_eq!(*lock.read(), 5);
/// *lock.write() += 1;
/// assert_eq!(lock.into_inner(), 6);
/// ```
pub type StripedRwLock<T> = RwLockOf<T, { if cfg!(manyhands_loom) { 2 } else { 16 } }>;

// SAFETY: the lock owns the value, so it may be sent wherever the value may.
unsafe impl<T: ?Sized + Send, const STRIPES: usize> Send for RwLockOf<T, STRIPES> {}
// SAFETY: the lock admits many `&T` at once, which wants Sync, or one `&mut T` in any thread, which wants Send.
unsafe impl<T: ?Sized + Send + Sync, const STRIPES: usize> Sync for RwLockOf<T, STRIPES> {}

impl<T, const STRIPES: usize> RwLockOf<T, STRIPES> {
    /// A lock around a value.
    pub fn new(value: T) -> Self {
        Self { raw: RawLock::new(), value: UnsafeCell::new(value) }
    }

    /// The value, when nobody can be waiting for it any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, const STRIPES: usize> RwLockOf<T, STRIPES> {
    /// Waits for the writers that came before, and gives the value to look at.
    pub fn read(&self) -> RwLockReadGuard<'_, T, STRIPES> {
        RwLockReadGuard { lock: self, stripe: self.raw.enter() }
    }

    /// The value to look at, unless a writer is inside or waiting.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T, STRIPES>> {
        self.raw.try_enter().map(|stripe| RwLockReadGuard { lock: self, stripe })
    }

    /// Waits for the readers and writers that came before, and gives the value to change.
    pub fn write(&self) -> RwLockWriteGuard<'_, T, STRIPES> {
        self.raw.lock();
        RwLockWriteGuard { lock: self }
    }

    /// The value to change, unless anybody is inside or waiting.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T, STRIPES>> {
        self.raw.try_lock().then(|| RwLockWriteGuard { lock: self })
    }

    /// The value to change, without a wait: whoever has the lock to itself needs none.
    pub fn get_mut(&mut self) -> &mut T {
        // SAFETY: `&mut self` says that no guard is alive.
        unsafe { self.value.exclusive() }
    }
}

/// The value of a [`RwLock`] to look at; leaves the lock when it is dropped.
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockReadGuard<'l, T: ?Sized, const STRIPES: usize> {
    lock: &'l RwLockOf<T, STRIPES>,
    stripe: &'l AtomicUsize,
}

/// The value of a [`RwLock`] to change; leaves the lock when it is dropped.
#[must_use = "the lock is left as soon as the guard is dropped"]
pub struct RwLockWriteGuard<'l, T: ?Sized, const STRIPES: usize> {
    lock: &'l RwLockOf<T, STRIPES>,
}

impl<T: ?Sized, const STRIPES: usize> Deref for RwLockReadGuard<'_, T, STRIPES> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this reader is inside, so no writer has the value while the guard lives.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, const STRIPES: usize> Deref for RwLockWriteGuard<'_, T, STRIPES> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this writer is alone inside while the guard lives, and lends the value through it alone.
        unsafe { self.lock.value.shared() }
    }
}

impl<T: ?Sized, const STRIPES: usize> DerefMut for RwLockWriteGuard<'_, T, STRIPES> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.lock.value.exclusive() }
    }
}

impl<T: ?Sized, const STRIPES: usize> Drop for RwLockReadGuard<'_, T, STRIPES> {
    fn drop(&mut self) {
        self.lock.raw.leave(self.stripe);
    }
}

impl<T: ?Sized, const STRIPES: usize> Drop for RwLockWriteGuard<'_, T, STRIPES> {
    fn drop(&mut self) {
        self.lock.raw.unlock();
    }
}

/// The protocol, without the value.
struct RawLock<const STRIPES: usize> {
    /// Readers inside, and for a moment those that are about to take themselves back.
    stripes: [CachePadded<AtomicUsize>; STRIPES],
    /// Writers that have arrived and not left.
    announced: CachePadded<AtomicUsize>,
    line: Mutex<Line>,
    /// Everybody in line waits here.
    moved: Condvar,
}

/// Who waits for whom. Guarded by the lock of the line.
#[derive(Default)]
struct Line {
    /// The number of the next writer to arrive.
    next_writer: u64,
    /// Writers that have left. The writer with this number is the next one in.
    writers_done: u64,
    /// Readers in line, by the number of the writer that arrives next after them.
    readers: BTreeMap<u64, usize>,
}

impl Line {
    /// True when the writer with this number has nobody before it.
    fn is_turn_of(&self, writer: u64) -> bool {
        self.writers_done == writer && self.readers.first_key_value().is_none_or(|(&before, _)| before > writer)
    }
}

impl<const STRIPES: usize> RawLock<STRIPES> {
    fn new() -> Self {
        let word = || CachePadded::new(AtomicUsize::new(0));
        let stripes = std::array::from_fn(|_| word());
        Self { stripes, announced: word(), line: Mutex::new(Line::default()), moved: Condvar::new() }
    }

    fn stripe(&self) -> &AtomicUsize {
        // With one stripe there is nothing to choose, and the thread need not be asked who it is.
        if STRIPES == 1 { &self.stripes[0] } else { &self.stripes[sync::thread_index() % STRIPES] }
    }

    /// Counts a reader in, unless a writer has announced itself.
    fn try_enter(&self) -> Option<&AtomicUsize> {
        let stripe = self.stripe();
        sync::announce(stripe, 1); // pairs with the writer's look at the stripes in `wait_until_empty`
        if sync::look(&self.announced) == 0 {
            return Some(stripe);
        }
        self.leave(stripe);
        None
    }

    fn enter(&self) -> &AtomicUsize {
        self.try_enter().unwrap_or_else(|| self.enter_in_line())
    }

    #[cold]
    fn enter_in_line(&self) -> &AtomicUsize {
        let mut line = self.line.lock();
        let before = line.next_writer;
        *line.readers.entry(before).or_insert(0) += 1;
        while line.writers_done < before {
            self.moved.wait(&mut line);
        }
        // Under the line's lock no writer after this reader can be looking at the stripes: it waits for the entry below.
        let stripe = self.stripe();
        sync::announce(stripe, 1);
        if let Some(readers) = line.readers.get_mut(&before) {
            *readers -= 1;
            if *readers == 0 {
                line.readers.remove(&before);
                self.moved.notify_all();
            }
        }
        stripe
    }

    fn leave(&self, stripe: &AtomicUsize) {
        sync::withdraw(stripe, 1); // pairs with `wait_until_empty`: what the reader saw stays before what the writer does
        if sync::look(&self.announced) > 0 {
            self.wake_line();
        }
    }

    #[cold]
    fn wake_line(&self) {
        let _line = self.line.lock();
        self.moved.notify_all();
    }

    fn lock(&self) {
        let mut line = self.line.lock();
        let number = line.next_writer;
        line.next_writer += 1;
        sync::announce(&self.announced, 1);
        while !(line.is_turn_of(number) && self.is_empty()) {
            self.moved.wait(&mut line);
        }
    }

    fn try_lock(&self) -> bool {
        let mut line = self.line.lock();
        let number = line.next_writer;
        if !line.is_turn_of(number) {
            return false;
        }
        sync::announce(&self.announced, 1);
        if self.is_empty() {
            line.next_writer += 1;
            return true;
        }
        // A reader that saw this writer may be on its way into the line; it finds nobody before it and goes in.
        sync::withdraw(&self.announced, 1);
        self.moved.notify_all();
        false
    }

    fn unlock(&self) {
        let mut line = self.line.lock();
        line.writers_done += 1;
        sync::withdraw(&self.announced, 1);
        self.moved.notify_all();
    }

    /// True when no reader is inside. Acquire within: what the readers saw came before.
    fn is_empty(&self) -> bool {
        self.stripes.iter().all(|stripe| sync::look(stripe) == 0)
    }
}

/// A value behind its lock, used through a closure, so that a guard cannot be forgotten or held too long.
///
/// # Concurrency
/// The closure runs under the lock: it waits for its turn in the order of arrival and must not use the same value again.
/// A panic in it releases the lock and passes on; what it left in the value is what the next one sees.
///
/// ```
/// let log = manyhands::Synchronized::new(Vec::new());
/// std::thread::scope(|scope| {
///     for name in ["a", "b"] {
///         let log = &log;
///         scope.spawn(move || log.with(|names| names.push(name)));
///     }
/// });
/// assert_eq!(log.into_inner().len(), 2);
/// ```
#[derive(Default)]
pub struct Synchronized<T: ?Sized> {
    value: Mutex<T>,
}

impl<T> Synchronized<T> {
    /// A value behind a lock of its own.
    pub fn new(value: T) -> Self {
        Self { value: Mutex::new(value) }
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
    /// Runs a closure on the value, alone.
    pub fn with<A>(&self, act: impl FnOnce(&mut T) -> A) -> A {
        act(&mut self.value.lock())
    }
}

impl<T: ?Sized + fmt::Debug, const STRIPES: usize> fmt::Debug for RwLockOf<T, STRIPES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(value) => shown.field("value", &&*value).finish(),
            None => shown.finish_non_exhaustive(),
        }
    }
}

impl<T: ?Sized + fmt::Debug, const STRIPES: usize> fmt::Debug for RwLockReadGuard<'_, T, STRIPES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug, const STRIPES: usize> fmt::Debug for RwLockWriteGuard<'_, T, STRIPES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> fmt::Debug for Synchronized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Synchronized").finish_non_exhaustive()
    }
}

impl<T: Default, const STRIPES: usize> Default for RwLockOf<T, STRIPES> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
