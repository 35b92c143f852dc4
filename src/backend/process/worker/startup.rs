//! Turns a copy of the program into a worker.
//!
//! Promises: a program that never calls `init` starts no copies of itself, and a copy that is started by hand ends with
//! a message.
//!
//! What `become_worker` does, by how the process was started:
//!
//! | process | outcome |
//! |---|---|
//! | without the variable | notes that it may be a caller, and returns |
//! | as a worker, by its caller | serves until the caller is gone, then exits with code 0 |
//! | with the variable, but by another process | a message on stderr that names the variable, and exit code 125 |
//! | an item of a worker that calls `init` | returns at once |
//!
//! Costs, with the handshake: some thirty system calls, of which one waits, for the first frame. What the program and
//! its libraries do before `init` comes on top.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::process::exit;

use rustix::process::{Pid, Signal};

use crate::backend::contract::BackendError;
use crate::backend::process::wire::call::VARIABLE;
use crate::backend::process::worker;
use crate::sync::{AtomicU8, Ordering};

/// What this process is. Starts as `UNPREPARED`, changes once.
static ROLE: AtomicU8 = AtomicU8::new(UNPREPARED);

/// `init` was not called yet.
const UNPREPARED: u8 = 0;
/// `init` was called in a process that is no worker.
const CALLER: u8 = 1;
/// `init` was called in a worker.
const WORKER: u8 = 2;

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
/// When the program has not called `init`.
pub(in crate::backend::process) fn role() -> Result<Role, BackendError> {
    // Relaxed: the role hands over no data.
    match ROLE.load(Ordering::Relaxed) {
        CALLER => Ok(Role::Caller),
        WORKER => Ok(Role::Worker),
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
/// notes that it may be a caller.
///
/// It ends with `exit`, so handlers that the program has registered with `atexit` by then run, and the locals of `main`
/// are not dropped.
pub(in crate::backend::process) fn become_worker() {
    let Some(parent) = env::var_os(VARIABLE) else {
        // Relaxed: see `role`.
        let _ = ROLE.compare_exchange(UNPREPARED, CALLER, Ordering::Relaxed, Ordering::Relaxed);
        return;
    };
    if ROLE.swap(WORKER, Ordering::Relaxed) == WORKER {
        return; // an item of this worker calls `init`
    }
    let served = parent
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{VARIABLE} is {parent:?}, which is no process id"))
        .and_then(adopt_socket)
        .and_then(worker::run);
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

/// True when this process has no other thread. Then `VARIABLE` may be removed. Otherwise it stays, and a program of
/// manyhands that an item starts ends with a message that names it.
fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Makes the kernel kill this process when its parent dies, and moves the socket away from stdin.
///
/// The signal comes first and the check of the parent second: a parent that dies in between is noticed by the check,
/// and one that dies later by the signal, so no worker outlives its caller.
///
/// The socket gets a number of 3 or more and is closed at `exec`, so that a program that an item starts neither reads
/// frames nor keeps the connection open.
///
/// # Errors
/// When the parent is another process, stdin is no socket, `/dev/null` cannot be opened, or the process has no free
/// descriptor. A name that cannot be set, and a score that may not be written, are no errors.
fn adopt_socket(parent: i32) -> Result<OwnedFd, String> {
    let failed = |what: &str, error: io::Error| format!("{what}: {error}");
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| failed("no signal at the parent's death", error.into()))?;
    // If the parent died before that, no signal would come.
    if rustix::process::getppid().map(Pid::as_raw_nonzero).map(std::num::NonZeroI32::get) != Some(parent) {
        return Err(format!("its parent is not process {parent}"));
    }
    if is_only_thread() {
        // SAFETY: this thread is the only one of the process, so no other one reads the environment or can begin to.
        unsafe { env::remove_var(VARIABLE) }; // what an item starts is no worker
    }
    let stdin = io::stdin();
    rustix::net::sockopt::socket_type(&stdin).map_err(|error| failed("its stdin is no socket", error.into()))?;
    let socket = rustix::io::fcntl_dupfd_cloexec(&stdin, 3).map_err(|error| failed("its socket", error.into()))?;
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
