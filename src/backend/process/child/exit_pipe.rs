//! The pipe by which the kernel kills workers, with all that their items have started, when this process ends.
//!
//! Promises: however this process ends, the groups of its workers get SIGKILL, whether they are stopped, block signals or
//! are in the middle of an item. The signal at a parent's death reaches the worker alone, and not its children.
//!
//! This process keeps the writing end and never writes. Each worker gets a reading end, and asks the kernel to signal its group
//! when something happens to it: see `worker/caller_exit.rs`. Closing the last writing end is what happens.
//!
//! A process that was forked from this one and lives on has a writing end too, until it makes a call itself or runs
//! another program. While it is there, workers end with this process, and what they started goes on until it ends.
//!
//! Costs: two descriptors of this process, from the first worker on.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, getpid};

use crate::sync::{LazyLock, Mutex};

/// The pipes of this process, of which the last one is in use; those of another process after a fork.
///
/// There is a second one only after the process has become another user, who may not open the first one.
static PIPES: LazyLock<Mutex<Vec<ExitPipe>>> = LazyLock::new(|| Mutex::new(Vec::new()));

/// Both ends, and the process that made them.
struct ExitPipe {
    owner: Pid,
    reading: OwnedFd,
    /// Closed by the kernel when the process ends.
    _writing: OwnedFd,
}

impl ExitPipe {
    fn create() -> io::Result<Self> {
        let (reading, writing) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        Ok(Self { owner: getpid(), reading, _writing: writing })
    }

    /// Another reading end, as an open file of its own: which group is signalled belongs to the file, and a duplicate would
    /// share it.
    fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::open(format!("/proc/self/fd/{}", self.reading.as_raw_fd()), flags, Mode::empty())?)
    }
}

/// A reading end for one worker.
///
/// # Errors
/// When no descriptor is free, or `/proc` is not there.
pub(super) fn reading_end() -> io::Result<OwnedFd> {
    let mut pipes = PIPES.lock();
    pipes.retain(|pipe| pipe.owner == getpid()); // those of the process that this one was forked from are closed
    match pipes.last().map(ExitPipe::open) {
        Some(Ok(reading)) => Ok(reading),
        _ => {
            let pipe = ExitPipe::create()?;
            let reading = pipe.open()?;
            pipes.push(pipe);
            Ok(reading)
        }
    }
}
