//! Threads: spawn, join, yield, and a small index for each.

use std::cell::Cell;

use crate::sync::backend;
use crate::sync::backend::{AtomicUsize, IS_MODELLED, Ordering, thread_local};

/// A thread that was started by [`spawn`]. Dropping the handle detaches the thread.
///
/// ```
/// use manyhands::sync::{JoinHandle, spawn};
///
/// let squares: Vec<JoinHandle<u32>> = (1..4).map(|n| spawn(move || n * n)).collect();
/// let squares: Vec<u32> = squares.into_iter().map(|thread| thread.join().unwrap()).collect();
/// assert_eq!(squares, [1, 4, 9]);
/// ```
#[derive(Debug)]
pub struct JoinHandle<T>(backend::JoinHandle<T>);

impl<T> JoinHandle<T> {
    /// Waits for the thread's end, and returns its result.
    ///
    /// ```
    /// let failed = manyhands::sync::spawn(|| assert_eq!(1, 2)).join();
    /// assert!(failed.is_err());
    /// ```
    ///
    /// # Errors
    /// The payload, when the thread panicked. Under a checker a panic in any thread fails the whole model instead.
    pub fn join(self) -> std::thread::Result<T> {
        self.0.join()
    }
}

/// Starts a thread. It ends on its own unless its handle is joined.
///
/// ```
/// let answer = manyhands::sync::spawn(|| 6 * 7);
/// assert_eq!(answer.join().unwrap(), 42);
/// ```
///
/// # Panics
/// When the system cannot start a thread.
pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    JoinHandle(backend::Builder::new().spawn(body).expect("the system can start a thread"))
}

/// The stack size of a thread, in bytes. A checker's threads have a size of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StackSize {
    /// What std gives a thread: 2 MiB, or `RUST_MIN_STACK`. For threads that run none of the caller's code.
    Usual,
    /// This many.
    Bytes(usize),
}

impl StackSize {
    fn builder(self) -> backend::Builder {
        match self {
            Self::Bytes(bytes) if !IS_MODELLED => backend::Builder::new().stack_size(bytes),
            _ => backend::Builder::new(),
        }
    }
}

/// [`spawn`] for a thread with a name.
///
/// # Errors
/// When the system cannot start a thread.
///
/// For threads whose owner waits for their end: the journal's writer, the thread of a stream, the one of signals. An
/// error is passed to the user, unlike in [`spawn`], because such a thread is started deep inside of a call.
pub(crate) fn spawn_owned<T: Send + 'static>(
    name: String,
    stack_size: StackSize,
    body: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    stack_size.builder().name(name).spawn(body).map(JoinHandle)
}

/// Starts a named thread that is not joined; its owner tracks its work in other ways.
///
/// # Errors
/// When the system cannot start a thread.
///
/// For threads that outlive a call or end on their own: those of the pools, the one that draws progress, the starter of
/// worker processes, and the flusher of a worker's outbox.
pub(crate) fn spawn_named(name: String, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    backend::Builder::new().name(name).spawn(body).map(drop)
}

/// Lets other threads run, if any is ready.
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

/// Sleeps for this long. In a model, where time stands still, it yields.
pub(crate) fn nap(time: std::time::Duration) {
    if IS_MODELLED {
        yield_now();
    } else if !time.is_zero() {
        std::thread::sleep(time);
    }
}

/// The index of a thread that has none yet.
const UNKNOWN: usize = usize::MAX;

// Constant initial values need no check at each access. A checker's values start anew in each execution.
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
static THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);
#[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(UNKNOWN) };
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
crate::sync::backend::global! {
    static THREADS_SEEN: AtomicUsize = AtomicUsize::new(0);
}
#[cfg(any(manyhands_loom, manyhands_shuttle))]
thread_local! {
    static INDEX: Cell<usize> = Cell::new(UNKNOWN);
}

/// A small index of this thread, to choose one of a few stripes: the first thread that calls this is 0, the next 1.
///
/// An index is not reused when its thread ends. After the first call in a thread it costs one thread-local read.
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

/// Apart from `thread_index`, so that its usual path stays short enough to be inlined.
#[cold]
fn first_index(index: &Cell<usize>) -> usize {
    // Relaxed: the indices must be different, and order nothing else.
    let new = THREADS_SEEN.fetch_add(1, Ordering::Relaxed);
    index.set(new);
    new
}
