//! Which process this is, and values of which each process has its own.
//!
//! `fork` copies the memory of a process and one of its threads. In the child, every lock that another thread held stays
//! held, every thread that was waited for is missing, and every descriptor still leads to what the parent talks with. So
//! what this crate keeps between calls (threads, worker processes, numbers, the graph of waits) belongs to the process
//! that made it: [`PerProcess`] compares at each look, and in a child begins anew. The parent's value stays where it is,
//! unseen: it is neither locked nor changed nor dropped. What belongs to one call or one owner keeps a [`ProcessMark`]
//! and asks it before it waits for a thread, ends a process, or removes a file.
//!
//! The mark is a word on a page that the kernel clears in a forked child (`MADV_WIPEONFORK`): a look costs two loads. It
//! sees every kind of `fork` and `clone`, also one that gives the child its parent's process id in a new namespace, and a
//! child of `vfork`, which shares the parent's memory, is rightly taken for the parent. Where there is no such page (other
//! systems, kernels before 4.14, builds without the feature `processes`) the mark is the process id, at one system call.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::OnceLock;

use crate::sync::backend::{AtomicPtr, Ordering, const_unless_modelled};

/// Names the process in which it was made. A forked child's copy still names the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessMark(u64);

impl ProcessMark {
    /// The mark of this process. Costs two loads, or a system call where the system has no page for it.
    #[inline]
    pub(crate) fn current() -> Self {
        Self(mark::current())
    }

    /// Whether this process is the one that the mark names, and no forked child of it.
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        self == Self::current()
    }

    /// Whether this process is surely a forked child of the one that the mark names. False where there is no page to look
    /// at: for loops over items, which can pay two loads, but no system call.
    #[inline]
    pub(crate) fn is_seen_forked(self) -> bool {
        mark::seen().is_some_and(|here| here != self.0)
    }

    /// Ends what is under way in a child that was forked inside of it.
    ///
    /// A call goes on in the process that made it. Its other threads and its workers are not the child's, and its locks may
    /// be held in the child by threads that do not exist there.
    ///
    /// # Panics
    /// When this process is not the one that the mark names.
    #[inline]
    pub(crate) fn assert_current(self) {
        if !self.is_current() {
            forked_inside();
        }
    }

    /// A mark for models, which have one process.
    #[cfg(any(manyhands_loom, manyhands_shuttle))]
    pub(crate) fn of_model(number: u64) -> Self {
        Self(number)
    }
}

/// The mark of the process that asks.
impl Default for ProcessMark {
    fn default() -> Self {
        Self::current()
    }
}

/// What a child is told that was forked inside of a call, and came back to it.
pub(crate) const FORKED_INSIDE: &str = "this process was forked inside of a call of manyhands, which goes on in its parent \
                                        alone; end such a child with `_exit` or `exec` before the function returns";

#[cold]
fn forked_inside() -> ! {
    panic!("{FORKED_INSIDE}")
}

/// Ends a child that was forked inside of a call, and came back to it.
///
/// Where the system's call is at hand, without what the program does at its exit: that, and what stands in the buffers for
/// output, is the parent's, and would be done and printed twice.
pub(crate) fn end_forked_child() -> ! {
    const AS_AFTER_A_PANIC_OF_MAIN: i32 = 101;
    #[cfg(all(unix, any(feature = "processes", feature = "signals")))]
    // SAFETY: it ends the process, and may be called at any time.
    unsafe {
        libc::_exit(AS_AFTER_A_PANIC_OF_MAIN)
    }
    #[cfg(not(all(unix, any(feature = "processes", feature = "signals"))))]
    std::process::exit(AS_AFTER_A_PANIC_OF_MAIN)
}

/// A value that is made at its first use in each process. In a forked child it is made anew, and the parent's is left
/// alone. Reads as a reference to the value.
///
/// Each process that uses it leaks one value, a few words, to its forked children, who cannot know whether it is whole.
pub(crate) struct PerProcess<T> {
    /// The newest node, or null. Nodes are never freed, so a reference to one stays valid.
    newest: AtomicPtr<Node<T>>,
    make: fn() -> T,
    /// It hands out `&T` to all threads, and makes a `T` in any.
    value: PhantomData<OnceLock<T>>,
}

/// The value of one process.
struct Node<T> {
    process: ProcessMark,
    /// Made after the node is in its place, so that of several threads that look first, one makes it.
    ///
    /// No other process ever looks here: a child that is forked while the value is made has another mark.
    value: OnceLock<T>,
}

impl<T> PerProcess<T> {
    const_unless_modelled! {
        /// Nothing yet. `make` gives a process its value.
        pub(crate) fn new(make: fn() -> T) -> Self {
            Self { newest: AtomicPtr::new(std::ptr::null_mut()), make, value: PhantomData }
        }
    }

    /// The value of this process.
    pub(crate) fn get(&self) -> &T {
        self.get_in(ProcessMark::current())
    }

    /// The value of this process, which has this mark.
    pub(crate) fn get_in(&self, process: ProcessMark) -> &T {
        // Acquire: pairs with the release of the exchange below, so that the node's mark is read as it was written.
        let mut found = self.newest.load(Ordering::Acquire);
        loop {
            // SAFETY: the pointer is null or came from `Box::into_raw` below, and no node that was stored is ever freed.
            if let Some(node) = unsafe { found.as_ref() }
                && node.process == process
            {
                return node.value.get_or_init(self.make);
            }
            found = self.replace(found, process);
        }
    }

    /// Stores a node for this process in place of `found`; gives the newest node, which may be another thread's.
    #[cold]
    fn replace(&self, found: *mut Node<T>, process: ProcessMark) -> *mut Node<T> {
        let fresh = Box::into_raw(Box::new(Node { process, value: OnceLock::new() }));
        match self.newest.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(newest) => {
                // SAFETY: it was made above and was not stored, so no other thread has it.
                drop(unsafe { Box::from_raw(fresh) });
                newest
            }
        }
    }
}

impl<T> Deref for PerProcess<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.get()
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerProcess").finish_non_exhaustive()
    }
}

/// A static of which each process has its own value, made at its first use. Never part of a model; see `global!`.
macro_rules! per_process {
    ($(#[$about:meta])* $vis:vis static $name:ident: $kind:ty = $value:expr;) => {
        $(#[$about])*
        #[cfg(not(any(manyhands_loom, manyhands_shuttle)))]
        $vis static $name: $crate::sync::PerProcess<$kind> = $crate::sync::PerProcess::new(|| $value);

        $(#[$about])*
        #[cfg(any(manyhands_loom, manyhands_shuttle))]
        $vis static $name: $crate::sync::LazyLock<$kind> = $crate::sync::LazyLock::new(|| $value);
    };
}
pub(crate) use per_process;

/// The word on a page that is cleared in a forked child.
#[cfg(all(target_os = "linux", feature = "processes", not(any(manyhands_loom, manyhands_shuttle))))]
mod mark {
    use std::ptr::{NonNull, null_mut};
    use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    /// The word; null before the first look. [`NO_PAGE`] where the system has no page that it clears.
    static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(null_mut());

    /// Stands for the word of a system without such pages.
    static NO_PAGE: AtomicU64 = AtomicU64::new(0);

    /// How many marks this process and those that it was forked from have made. A child continues the count, so its mark
    /// differs from all that it has inherited.
    static N_MADE: AtomicU64 = AtomicU64::new(0);

    /// The kernel rounds it up to its pages.
    const LEN: usize = size_of::<AtomicU64>();

    #[inline]
    pub(super) fn current() -> u64 {
        // Acquire: pairs with the release in `first_look`.
        match NonNull::new(WORD.load(Ordering::Acquire)) {
            // SAFETY: a word that is stored is never unmapped, and `NO_PAGE` is a static.
            // Relaxed: the mark hands over no data.
            Some(word) => match unsafe { word.as_ref() }.load(Ordering::Relaxed) {
                0 => without_mark(word),
                mark => mark,
            },
            None => without_mark(first_look()),
        }
    }

    /// The mark, if the word has one or can be given one without a system call.
    #[inline]
    pub(super) fn seen() -> Option<u64> {
        let word = NonNull::new(WORD.load(Ordering::Acquire))?;
        (word.as_ptr().cast_const() != &raw const NO_PAGE).then(current)
    }

    /// The mark of a process whose word is clear: it was just forked, or has no page.
    #[cold]
    fn without_mark(word: NonNull<AtomicU64>) -> u64 {
        if word.as_ptr().cast_const() == &raw const NO_PAGE {
            return u64::from(std::process::id());
        }
        // Relaxed: the numbers must differ, and order nothing else.
        let mark = N_MADE.fetch_add(1, Ordering::Relaxed) + 1;
        // SAFETY: as above.
        match unsafe { word.as_ref() }.compare_exchange(0, mark, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => mark,
            Err(other_threads) => other_threads,
        }
    }

    /// Maps the page. A thread that comes second uses the first one's.
    fn first_look() -> NonNull<AtomicU64> {
        let fresh = map_page().unwrap_or(NonNull::from(&NO_PAGE));
        match WORD.compare_exchange(null_mut(), fresh.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(earlier) => {
                unmap(fresh);
                NonNull::new(earlier).unwrap_or(fresh)
            }
        }
    }

    /// A page of zeros that the kernel clears in forked children; `None` where it has none to give.
    fn map_page() -> Option<NonNull<AtomicU64>> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let page =
            unsafe { mmap_anonymous(null_mut(), LEN, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).ok()? };
        let page = NonNull::new(page.cast::<AtomicU64>())?;
        // SAFETY: the page was just mapped, is private to this process, and nothing is on it yet.
        if unsafe { madvise(page.as_ptr().cast(), LEN, Advice::LinuxWipeOnFork) }.is_err() {
            unmap(page);
            return None;
        }
        Some(page)
    }

    /// Unmaps a page that was not stored.
    fn unmap(page: NonNull<AtomicU64>) {
        if page.as_ptr().cast_const() != &raw const NO_PAGE {
            // SAFETY: it came from `map_page`, and no other code has it. A failure leaves a page mapped, which does no harm.
            let _ = unsafe { munmap(page.as_ptr().cast(), LEN) };
        }
    }
}

/// The process id.
#[cfg(all(not(all(target_os = "linux", feature = "processes")), not(any(manyhands_loom, manyhands_shuttle))))]
mod mark {
    pub(super) fn current() -> u64 {
        u64::from(std::process::id())
    }

    pub(super) fn seen() -> Option<u64> {
        None
    }
}

/// A model has one process.
#[cfg(any(manyhands_loom, manyhands_shuttle))]
mod mark {
    pub(super) fn current() -> u64 {
        1
    }

    pub(super) fn seen() -> Option<u64> {
        None
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn threads_of_one_process_have_one_mark() {
        let here = ProcessMark::current();
        let there = std::thread::spawn(ProcessMark::current).join().unwrap();
        assert!(here == there && here.is_current());
    }

    #[test]
    fn of_threads_that_look_first_at_once_one_makes_the_value() {
        static N_MADE: AtomicUsize = AtomicUsize::new(0);
        let value = PerProcess::new(|| N_MADE.fetch_add(1, Ordering::SeqCst));
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(*value, 0);
                });
            }
        });
        assert_eq!(N_MADE.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn another_process_gets_a_value_of_its_own_and_leaves_the_first_alone() {
        let value = PerProcess::new(|| std::sync::Mutex::new(0));
        let parents = value.get_in(ProcessMark(u64::MAX - 1));
        let held = parents.lock().unwrap(); // by a thread that a forked child does not have
        let childs = value.get_in(ProcessMark(u64::MAX));
        *childs.lock().unwrap() += 1;
        assert!(!std::ptr::eq(parents, childs));
        assert_eq!((*held, *childs.lock().unwrap()), (0, 1));
    }
}
