//! loom's locks and atomics behind the names and signatures of the real ones.

pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use loom::thread_local;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

const NO_POISON: &str = "no panic passes through a lock in a model";

/// Padding does not matter to a model.
#[derive(Debug, Default)]
pub(crate) struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// loom's mutex with parking_lot's signature.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(loom::sync::Mutex<T>);

/// The guard is an option so that a condition variable can take loom's guard by value and put it back.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T: ?Sized>(Option<loom::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().expect(NO_POISON)
    }
}

impl<T: ?Sized> Mutex<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect(NO_POISON)))
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_ref().expect("a guard is whole outside of a wait")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("a guard is whole outside of a wait")
    }
}

/// loom's condition variable with parking_lot's signature.
#[derive(Debug, Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }
    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("a guard is whole outside of a wait");
        guard.0 = Some(self.0.wait(held).expect(NO_POISON));
    }
    /// The model's time stands still: a timed wait is a wait, so a model must not need the time to be up.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _time: Duration) {
        self.wait(guard);
    }
    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A clock that stands still, so that every run of a model takes the same turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instant;

impl Instant {
    pub(crate) fn now() -> Self {
        Self
    }
    pub(crate) fn elapsed(self) -> Duration {
        Duration::ZERO
    }
}

/// loom's reader-writer lock with parking_lot's signature.
#[derive(Debug, Default)]
pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::RwLock::new(value))
    }
    pub(crate) fn read(&self) -> loom::sync::RwLockReadGuard<'_, T> {
        self.0.read().expect(NO_POISON)
    }
    pub(crate) fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
        self.0.write().expect(NO_POISON)
    }
}

/// A value made at its first use in each execution of a model.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        loom::lazy_static! {
            $(#[$about])*
            static ref $name: $kind = $value;
        }
    };
}
pub(crate) use global;

/// Starts a modelled thread.
pub(crate) fn spawn(_name: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    loom::thread::spawn(body);
    Ok(())
}

/// Adds to a word, and puts that before every later [`look`] of this thread in the eyes of all threads.
///
/// The model has no SeqCst operations of full strength, but it has the fence.
pub(crate) fn announce(word: &AtomicUsize, count: usize) {
    word.fetch_add(count, Ordering::AcqRel);
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// Subtracts from a word, as [`announce`] adds to it.
pub(crate) fn withdraw(word: &AtomicUsize, count: usize) {
    word.fetch_sub(count, Ordering::AcqRel);
    loom::sync::atomic::fence(Ordering::SeqCst);
}

/// Reads a word that is announced on.
pub(crate) fn look(word: &AtomicUsize) -> usize {
    word.load(Ordering::Acquire)
}

loom::lazy_static! {
    static ref THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);
}

loom::thread_local! {
    static INDEX: usize = THREADS_SEEN.fetch_add(1, Ordering::Relaxed);
}

/// A small number for this thread: the first thread of an execution that asks is 0, the next 1.
pub(crate) fn thread_index() -> usize {
    INDEX.with(|index| *index)
}

/// loom's cell: it fails the model when an access is not ordered after the one before it.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T: ?Sized>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

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
