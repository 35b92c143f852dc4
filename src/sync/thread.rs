//! Threads: start, join, step aside, and a small number for each.

use std::cell::Cell;

use crate::sync::backend;
use crate::sync::{AtomicUsize, Ordering, thread_local};

/// A thread that was started by [`spawn`].
#[derive(Debug)]
pub struct JoinHandle<T>(backend::JoinHandle<T>);

impl<T> JoinHandle<T> {
    /// Waits for the thread's end, and gives its answer.
    ///
    /// # Errors
    /// The payload, when the thread panicked. Under a checker a panic in any thread fails the whole model instead.
    pub fn join(self) -> std::thread::Result<T> {
        self.0.join()
    }
}

/// Starts a thread. Nobody waits for it unless its handle is joined.
///
/// ```
/// let answer = manyhands::sync::spawn(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// ```
///
/// # Panics
/// When the system has no thread to give.
pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    JoinHandle(backend::Builder::new().spawn(body).expect("the system has a thread to give"))
}

/// [`spawn`] for a thread with a name, where the system may have none to give.
pub(crate) fn spawn_owned<T: Send + 'static>(
    name: String,
    body: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    backend::Builder::new().name(name).spawn(body).map(JoinHandle)
}

/// Starts a named thread that nobody joins; its owner keeps count of what it does.
pub(crate) fn spawn_named(name: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    backend::Builder::new().name(name).spawn(body).map(drop)
}

/// Lets other threads run, if any wants to.
///
/// ```
/// use manyhands::sync::{Arc, AtomicBool, Ordering, spawn, yield_now};
///
/// let is_done = Arc::new(AtomicBool::new(false));
/// let theirs = Arc::clone(&is_done);
/// let other = spawn(move || theirs.store(true, Ordering::Release));
/// while !is_done.load(Ordering::Acquire) {
///     yield_now();
/// }
/// # other.join().unwrap();
/// ```
pub fn yield_now() {
    backend::yield_now();
}

/// Lets time pass. In a model there is none.
pub(crate) fn nap(time: std::time::Duration) {
    if crate::sync::IS_MODELLED {
        yield_now();
    } else if !time.is_zero() {
        std::thread::sleep(time);
    }
}

/// The number of a thread that has not asked for one.
const UNKNOWN: usize = usize::MAX;

// With constant beginnings nothing has to be asked for at each access; what a checker has begins anew in each execution.
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
static THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(UNKNOWN) };
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
crate::sync::global! {
    static THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
thread_local! {
    static INDEX: Cell<usize> = Cell::new(UNKNOWN);
}

/// A small number for this thread, for choosing one of a few words to write to: the first thread that asks is 0, the next 1.
/// A number is not given again when its thread ends.
///
/// ```
/// use manyhands::sync::{spawn, thread_index};
///
/// let own = thread_index();
/// assert_eq!(thread_index(), own);
/// assert_ne!(spawn(thread_index).join().unwrap(), own);
/// ```
#[inline]
#[must_use]
pub fn thread_index() -> usize {
    INDEX.with(|index| match index.get() {
        UNKNOWN => first_index(index),
        known => known,
    })
}

#[cold]
fn first_index(index: &Cell<usize>) -> usize {
    // Relaxed: the numbers are told apart, and say nothing else.
    let new = THREADS_SEEN.fetch_add(1, Ordering::Relaxed);
    index.set(new);
    new
}
