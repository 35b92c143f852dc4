//! Turns a copy of the program into a worker.
//!
//! Promises: a program that never calls `init` starts no copies of itself; a process becomes a worker only of its own
//! parent, which must be a process of the same user, and never while it has more rights than the user who started it.
//!
//! What `become_worker` does, by how the process was started:
//!
//! | process | outcome |
//! |---|---|
//! | with more rights than its user's, by set-user-id for instance | notes that it may not be a caller, and returns |
//! | without the variable | notes that it may be a caller, and returns |
//! | as a worker, by its caller | serves until the caller is gone, then exits with code 0 |
//! | with the variable of a worker, by that worker | the same as without the variable |
//! | with the variable, in any other way | a message on stderr that names the variable, and exit code 125 |
//! | an item of a worker that calls `init` | returns at once |
//!
//! Which process is meant, two things say that the process itself cannot choose: who its parent is, and who made the
//! socket that it has as its stdin. Both must be the process that the variable names, before anything is read.
//!
//! The variable is removed, so that what items start does not see it. Where the program or a library has started a
//! thread before `init`, it stays, since that thread may read the environment meanwhile; what items start then finds
//! the variable of a worker, whose parent it is not, and passes over it.
//!
//! Costs, with the handshake: some fifty system calls, of which one waits, for the first frame. What the program and
//! its libraries do before `init` comes on top.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::exit;

use rustix::process::Pid;

use crate::backend::contract::BackendError;
use crate::backend::process::rights::{self, Ids};
use crate::backend::process::wire::call::{Summons, VARIABLE};
use crate::backend::process::worker;
use crate::backend::process::worker::caller_exit::end_with_parent;
use crate::sync::{AtomicU8, Ordering};

/// What this process is. Starts as `UNPREPARED`, changes once.
static ROLE: AtomicU8 = AtomicU8::new(UNPREPARED);

/// `init` was not called yet.
const UNPREPARED: u8 = 0;
/// `init` was called in a process that is no worker.
const CALLER: u8 = 1;
/// `init` was called in a worker.
const WORKER: u8 = 2;
/// `init` was called in a process that has more rights than the user who started it.
const PRIVILEGED: u8 = 3;

/// The exit code of a process that was started as a worker, but not by a caller.
///
/// Not 0, so that a script which exports the variable by mistake notices it.
const UNEXPECTED: i32 = 125;

/// What a process may be after `init`.
///
/// A worker never starts workers: its share of the cores is in its threads, and a call in it runs on those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend::process) enum Role {
    Caller,
    Worker,
}

/// What this process is.
///
/// Asked once per call of a process mode. Costs one load; the environment is read only to choose between two messages.
///
/// # Errors
/// When the program has not called `init`, and when it has more rights than the user who started it.
pub(in crate::backend::process) fn role() -> Result<Role, BackendError> {
    // Relaxed: the role hands over no data.
    match ROLE.load(Ordering::Relaxed) {
        CALLER => Ok(Role::Caller),
        WORKER => Ok(Role::Worker),
        PRIVILEGED => Err(BackendError::Unsupported(rights::privileged())),
        _ if env::var_os(VARIABLE).is_some() => Err(BackendError::Unprepared(
            "this process was started as a worker and has not become one yet; call manyhands::init() first in main".to_owned(),
        )),
        _ => Err(BackendError::Unprepared(
            "worker processes are copies of this program and need manyhands::init() first in main (in tests: manyhands::init_in_tests!() once, outside of any function)"
                .to_owned(),
        )),
    }
}

/// In a copy of the program that was started as a worker: serves the caller and never returns. In any other process:
/// notes that it may be a caller, or that it may not.
///
/// It ends with `exit`, so handlers that the program has registered with `atexit` by then run, and the locals of `main`
/// are not dropped.
pub(in crate::backend::process) fn become_worker() {
    if rights::is_privileged() {
        return note_role(PRIVILEGED);
    }
    let Some(text) = env::var_os(VARIABLE) else { return note_role(CALLER) };
    // Relaxed: see `role`.
    if ROLE.load(Ordering::Relaxed) == WORKER {
        return; // an item of this worker calls `init`
    }
    let served = match text.to_str().and_then(|text| text.parse().ok()) {
        Some(summons) if is_inherited(&summons) => return note_role(CALLER),
        // Relaxed: see `role`.
        Some(_) if ROLE.swap(WORKER, Ordering::Relaxed) == WORKER => return, // another thread came first
        Some(summons) => serve(&summons),
        None => Err(format!("{VARIABLE} is {text:?}, which no caller sets")),
    };
    match served {
        Ok(()) => exit(0),
        Err(reason) => {
            // Where stderr is closed, only the exit code shows it.
            let _ = writeln!(
                io::stderr(),
                "this process was started as a worker of manyhands, but not by a caller: {reason}; unset {VARIABLE}, which only manyhands may set"
            );
            exit(UNEXPECTED)
        }
    }
}

/// The first role stays.
fn note_role(role: u8) {
    // Relaxed: see `role`.
    let _ = ROLE.compare_exchange(UNPREPARED, role, Ordering::Relaxed, Ordering::Relaxed);
}

/// Whether the variable was meant for another process: a worker that started this one, or that started its parent.
///
/// This process is meant if the caller that the variable names is its parent, or has made its stdin. A worker's stdin is
/// nothing that it could hand on. A parent or a maker in another namespace of process ids has the number 0 here; then
/// this process is meant, and is refused later.
fn is_inherited(summons: &Summons) -> bool {
    let maker = peer(io::stdin().as_fd()).map(|peer| peer.pid);
    parent() != summons.caller && maker.is_none_or(|maker| maker != summons.caller && maker != 0)
}

/// Serves the caller that the variable names.
///
/// # Errors
/// When that is not the parent of this process, or not of its user, and those of [`adopt_socket`] and of the worker.
fn serve(summons: &Summons) -> Result<(), String> {
    check_caller(summons)?;
    if is_only_thread() {
        // SAFETY: this thread is the only one of the process, so no other one reads the environment or can begin to.
        unsafe { env::remove_var(VARIABLE) }; // what an item starts is no worker
    }
    worker::run(adopt_socket()?, summons.secret)
}

/// Checks that the process which the variable names is the parent, and that it has made the socket on stdin as a process
/// of the same user.
///
/// The signal comes first and the check of the parent second: a parent that dies in between is noticed by the check,
/// and one that dies later by the signal, so no worker outlives its caller.
///
/// # Errors
/// With the text that says what is not so.
fn check_caller(summons: &Summons) -> Result<(), String> {
    end_with_parent().map_err(|error| format!("no signal at the parent's death: {error}"))?;
    let peer = peer(io::stdin().as_fd()).ok_or("its stdin is no socket")?;
    if parent() != summons.caller {
        return Err(format!("its parent is not process {}", summons.caller));
    }
    if peer.pid != summons.caller {
        return Err(format!("its stdin was made by process {}, and its parent is {}", peer.pid, summons.caller));
    }
    let user = Ids::now().effective_user();
    if peer.uid != user {
        return Err(format!("its caller is of user {}, and it runs as user {user}", peer.uid));
    }
    Ok(())
}

/// The process id of the parent; 0 when that is in another namespace.
fn parent() -> i32 {
    rustix::process::getppid().map_or(0, |parent| Pid::as_raw_nonzero(parent).get())
}

/// Which process made this socket, or connected it, and as which user. `None` when it is no local socket.
fn peer(socket: BorrowedFd<'_>) -> Option<libc::ucred> {
    let mut peer = MaybeUninit::<libc::ucred>::zeroed();
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is borrowed, and the call writes at most `len` bytes to memory of that size.
    let answer = unsafe {
        let place = peer.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut len)
    };
    // SAFETY: all of it was zero, which is a value of its three numbers, before the call wrote to it.
    let peer = (answer == 0).then(|| unsafe { peer.assume_init() })?;
    // A socket of a network gives no process and no user.
    (peer.uid != u32::MAX).then_some(peer)
}

/// True when this process has no other thread. Then `VARIABLE` may be removed.
fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Moves the socket away from stdin.
///
/// The socket gets a number of 3 or more and is closed at `exec`, so that a program that an item starts neither reads
/// frames nor keeps the connection open.
///
/// # Errors
/// When `/dev/null` cannot be opened, or the process has no free descriptor. A name that cannot be set, and a score that
/// may not be written, are no errors.
fn adopt_socket() -> Result<OwnedFd, String> {
    let failed = |what: &str, error: io::Error| format!("{what}: {error}");
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3).map_err(|error| failed("its socket", error.into()))?;
    let nothing = File::open("/dev/null").map_err(|error| failed("/dev/null", error))?;
    rustix::stdio::dup2_stdin(&nothing).map_err(|error| failed("its stdin", error.into()))?;
    // It was started through a link named exe; process lists should show the program's name. A failure changes nothing else.
    let name = env::args().next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let _ = CString::new(name).map(|name| rustix::thread::set_name(&name));
    // When the machine runs out of memory, the kernel should kill a worker before its caller. Not every system permits this.
    let _ = std::fs::write("/proc/self/oom_score_adj", "500");
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_local_socket_says_who_made_it_and_nothing_else_does() {
        let (end, _other) = UnixStream::pair().unwrap();
        let made = peer(end.as_fd()).unwrap();
        assert_eq!((made.pid.cast_unsigned(), made.uid), (std::process::id(), Ids::now().effective_user()));
        assert!(peer(TcpListener::bind("127.0.0.1:0").unwrap().as_fd()).is_none());
        assert!(peer(File::open("/dev/null").unwrap().as_fd()).is_none());
    }
}
