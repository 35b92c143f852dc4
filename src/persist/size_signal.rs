//! The signal that comes with a limit on the size of files, held back while this crate writes.
//!
//! Promise: where `ulimit -f` leaves no room, a write of this crate is an error (`FileTooLarge`), and the program goes on. Left
//! to itself, SIGXFSZ ends a program that does not ignore it. The system sends it to the thread that wrote, so holding it back
//! in that thread is enough, and what the program does about this signal elsewhere stays as it is.
//!
//! Builds without any of the features `processes`, `journal`, `reports` and `signals` do not have the system's calls: there
//! the signal comes.

#[cfg(all(unix, any(feature = "processes", feature = "journal", feature = "reports", feature = "signals")))]
pub(crate) use with_libc::SizeSignal;

#[cfg(all(unix, any(feature = "processes", feature = "journal", feature = "reports", feature = "signals")))]
mod with_libc {
    use std::marker::PhantomData;
    use std::mem::MaybeUninit;

    use libc::{SIGXFSZ, sigset_t};

    /// Holds SIGXFSZ back in this thread until it is dropped; one that came meanwhile is taken away then.
    ///
    /// Costs one system call, and two or three at the end. Where the thread holds the signal back already, it stays so.
    pub(crate) struct SizeSignal {
        /// The mask to go back to; `None` where the thread held the signal back already.
        before: Option<sigset_t>,
        /// A mask is a thread's own: a raw pointer is not `Send`, and so neither is this.
        on_this_thread: PhantomData<*const ()>,
    }

    impl SizeSignal {
        pub(crate) fn hold_back() -> Self {
            let (it, mut before) = (only_it(), empty_set());
            // SAFETY: both sets are initialized and outlive the call; to block this signal runs no code.
            let failed = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const it, &raw mut before) };
            // SAFETY: the set is initialized.
            let was_held_back = failed != 0 || unsafe { libc::sigismember(&raw const before, SIGXFSZ) } == 1;
            Self { before: (!was_held_back).then_some(before), on_this_thread: PhantomData }
        }
    }

    impl Drop for SizeSignal {
        fn drop(&mut self) {
            let Some(before) = self.before else { return };
            let (it, mut pending) = (only_it(), empty_set());
            // SAFETY: the sets are initialized and outlive the calls. `sigwait` returns at once, as the signal is pending and
            // this thread holds it back; the mask that is set is the one that the thread had.
            unsafe {
                if libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, SIGXFSZ) == 1 {
                    let mut taken = 0;
                    libc::sigwait(&raw const it, &raw mut taken);
                }
                libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
            }
        }
    }

    fn empty_set() -> sigset_t {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initializes the set.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        }
    }

    /// The set of this signal alone.
    fn only_it() -> sigset_t {
        let mut set = empty_set();
        // SAFETY: the set is initialized, and the signal is one of the system's.
        unsafe { libc::sigaddset(&raw mut set, SIGXFSZ) };
        set
    }
}

/// Holds nothing back.
#[cfg(not(all(unix, any(feature = "processes", feature = "journal", feature = "reports", feature = "signals"))))]
pub(crate) struct SizeSignal;

#[cfg(not(all(unix, any(feature = "processes", feature = "journal", feature = "reports", feature = "signals"))))]
impl SizeSignal {
    pub(crate) fn hold_back() -> Self {
        Self
    }
}
