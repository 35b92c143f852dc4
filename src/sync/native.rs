//! The real locks and atomics: parking_lot, std and crossbeam.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::thread_local;
pub(crate) use std::time::Instant;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use parking_lot::{Condvar, Mutex, RwLock};

/// A value made at its first use and kept for the life of the process.
macro_rules! global {
    ($(#[$about:meta])* static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$about])*
        static $name: std::sync::LazyLock<$kind> = std::sync::LazyLock::new(|| $value);
    };
}
pub(crate) use global;

/// Starts a named thread that nobody joins; its owner keeps count of what it does.
pub(crate) fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name).spawn(body).map(drop)
}

/// Adds to a word, and puts that before every later [`look`] of this thread in the eyes of all threads.
#[inline]
pub(crate) fn announce(word: &AtomicUsize, count: usize) {
    // SeqCst, here and in `look`: of two threads that each announce on one word and then look at the other's, at least one
    // sees the other, because all SeqCst operations have one order. On x86-64 the announcing instruction does it alone.
    word.fetch_add(count, Ordering::SeqCst);
}

/// Subtracts from a word, as [`announce`] adds to it. Releases what was done before.
#[inline]
pub(crate) fn withdraw(word: &AtomicUsize, count: usize) {
    word.fetch_sub(count, Ordering::SeqCst); // see `announce`
}

/// Reads a word that is announced on. Acquires what was done before the value was written.
#[inline]
pub(crate) fn look(word: &AtomicUsize) -> usize {
    word.load(Ordering::SeqCst) // see `announce`
}

static THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);

std::thread_local! {
    static INDEX: usize = THREADS_SEEN.fetch_add(1, Ordering::Relaxed);
}

/// A small number for this thread: the first thread that asks is 0, the next 1.
#[inline]
pub(crate) fn thread_index() -> usize {
    // A thread that is ending may have lost its number; any will do.
    INDEX.try_with(|index| *index).unwrap_or(0)
}

/// A value that a protocol guards.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }
    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// The value to look at.
    ///
    /// # Safety
    /// Nobody changes the value while the reference lives.
    pub(crate) unsafe fn shared(&self) -> &T {
        // SAFETY: the caller's promise.
        unsafe { &*self.0.get() }
    }

    /// The value to change.
    ///
    /// # Safety
    /// Nobody else has the value while the reference lives.
    #[expect(clippy::mut_from_ref, reason = "that is what the cell is for")]
    pub(crate) unsafe fn exclusive(&self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}
