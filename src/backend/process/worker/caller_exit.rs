//! Ends a worker, and what its items have started, with its caller.
//!
//! Promises: a worker never outlives its caller; its group does not either, unless the worker was killed by something else and
//! no call has noticed it since. Two ways lead there, and each covers what the other one cannot:
//!
//! | way | a worker that is stopped, or blocks signals | a caller whose forked child lives on |
//! |---|---|---|
//! | the signal at the parent's death, whose handler kills the group | not before it goes on | kills the group |
//! | the pipe of `child/exit_pipe.rs`, at whose end the kernel kills the group | kills the group | not before that child ends |
//!
//! Where the kernel cannot do the second, the signal at the parent's death is SIGKILL, which nothing can block: it ends the
//! worker alone.
//!
//! What an item starts is in the worker's group, unless it makes a group or a session of its own, as `setsid`, `timeout`
//! and shells with job control do: that is not ended.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, OwnedFd};

use rustix::process::{Signal, getpgrp, getpid};

/// Says which signal an open file sends; the number is the same on all of Linux.
const F_SETSIG: libc::c_int = 10;

/// Makes the kernel kill this process when its parent dies.
///
/// # Errors
/// Where the kernel refuses it.
pub(super) fn end_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Makes the whole group of this process end with its caller. The pipe stays open as long as the process lives.
///
/// Does nothing where the process leads no group, since the group then has others, and where the kernel cannot do it.
pub(super) fn end_group_with(pipe: OwnedFd) {
    if getpgrp() == getpid() && end_group_at_end_of(pipe) {
        // SAFETY: `kill_group` is async-signal-safe.
        unsafe { handle_death_of_parent(kill_group) };
    }
}

/// Makes the kernel send SIGKILL to the group when the pipe's other end is closed; false where it cannot.
fn end_group_at_end_of(pipe: OwnedFd) -> bool {
    let group = -getpid().as_raw_nonzero().get();
    let pipe = pipe.into_raw_fd(); // closed when the process ends, and at `exec`
    // SAFETY: the descriptor is open and owned here, and each command takes a number. The signal comes only when the pipe is
    // closed or written to, and the caller never writes.
    unsafe {
        libc::fcntl(pipe, libc::F_SETOWN, group) == 0
            && libc::fcntl(pipe, F_SETSIG, libc::SIGKILL) == 0
            && libc::fcntl(pipe, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) == 0
    }
}

/// Calls `handler` when the parent dies, in place of SIGKILL. Where that fails, it stays SIGKILL.
///
/// The signal is the last of the real-time ones, which programs use least.
///
/// # Safety
/// The handler must be async-signal-safe.
unsafe fn handle_death_of_parent(handler: extern "C" fn(libc::c_int)) {
    let signal = libc::SIGRTMAX();
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: an action of zeros is one with an empty mask and without flags; the handler and the flag are set before it is
    // used. The last call takes two numbers.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = handler as *const () as libc::sighandler_t;
        (*action.as_mut_ptr()).sa_flags = libc::SA_RESTART;
        if libc::sigaction(signal, action.as_ptr(), std::ptr::null_mut()) == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong);
        }
    }
}

/// Kills this process and all of its group.
extern "C" fn kill_group(_: libc::c_int) {
    // SAFETY: it takes two numbers, and may be called in a signal handler.
    unsafe { libc::kill(0, libc::SIGKILL) };
}
