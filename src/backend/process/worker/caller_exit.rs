//! Ends a worker, and what its items have started, with its caller.
//!
//! Promises: a worker never outlives its caller, and what is in its group does not either. That holds while the worker is
//! stopped, blocks or ignores signals, or was moved to another group by an item, and where a child that the caller has
//! forked lives on.
//!
//! | time | what ends the worker with its caller |
//! |---|---|
//! | from the start until the pipe has come | SIGKILL at the death of the thread that started it |
//! | from then on | the pipe of `child/exit_pipe.rs`, at whose end the kernel sends SIGKILL to the group and to the worker |
//!
//! One follows the other, as they disagree: the signal at a parent's death comes before the parent's descriptors are all
//! closed, and reaches the worker alone. A worker that it has ended has closed its end of the pipe, and so the kernel would
//! know of no group to signal any more. Where the kernel cannot signal at the end of a pipe, or the worker does not lead
//! its group, the signal at the parent's death stays, and ends the worker alone.
//!
//! A worker that is killed on its own takes its end of the pipe with it. Then its caller kills the group: a call at once,
//! and the thread of `child/spawner.rs` where the worker was idle. Only what kills both at the same moment leaves what items
//! have started.
//!
//! What an item starts is in the worker's group, unless it makes a group or a session of its own, as `setsid`, `timeout`
//! and shells with job control do: that is not ended.

use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Signal, getpgrp, getpid, kill_process_group, set_parent_process_death_signal};

use crate::backend::process::child::exit_pipe::open_again;

/// Says which signal an open file sends; the number is the same on all of Linux.
const F_SETSIG: libc::c_int = 10;

/// Makes the kernel kill this process when its parent dies.
///
/// # Errors
/// Where the kernel refuses it.
pub(super) fn end_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Makes this process and its group end with its caller. The pipe stays open as long as the process lives.
///
/// Leaves the signal at the parent's death where the process leads no group, since the group then has others, and where
/// the kernel cannot signal at the end of a pipe.
pub(super) fn end_group_with(pipe: OwnedFd) {
    let own = getpid();
    // A file of its own for the process, which an item may move to another group. The file that is set up last is signalled
    // first, and that is the group: a worker that has ended would have closed its files.
    let signals_both = || {
        let other = open_again(pipe.as_raw_fd()).ok()?;
        let number = own.as_raw_nonzero().get();
        (kill_at_end_of(&other, number) && kill_at_end_of(&pipe, -number)).then_some(other)
    };
    if getpgrp() != own {
        return;
    }
    let Some(other) = signals_both() else { return };
    let _ = set_parent_process_death_signal(None);
    if has_ended(&pipe) {
        let _ = kill_process_group(own, Signal::KILL); // the caller ended before the kernel was asked
    }
    // Closed when the process ends, and at `exec`.
    let _ = (pipe.into_raw_fd(), other.into_raw_fd());
}

/// Makes the kernel send SIGKILL when the pipe's other end is closed: to a process, or to a group, whose number is
/// negative. False where it cannot.
fn kill_at_end_of(pipe: &OwnedFd, whom: libc::pid_t) -> bool {
    let pipe = pipe.as_raw_fd();
    // SAFETY: the descriptor is borrowed, and each command takes a number. The signal comes only when the pipe is closed or
    // written to, and the caller never writes.
    unsafe {
        libc::fcntl(pipe, libc::F_SETOWN, whom) == 0
            && libc::fcntl(pipe, F_SETSIG, libc::SIGKILL) == 0
            && libc::fcntl(pipe, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) == 0
    }
}

/// Whether the pipe's other end is closed.
fn has_ended(pipe: &OwnedFd) -> bool {
    let mut end = [PollFd::new(pipe, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut end, Some(&at_once)).is_ok_and(|n_ready| n_ready > 0)
}
