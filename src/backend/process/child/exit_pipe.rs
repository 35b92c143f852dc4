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
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::pipe::PipeFlags;

use crate::sync::{AtomicI32, AtomicU64, Mutex, Ordering, per_process};

per_process! {
    /// The pipes of this process, of which the last one is in use.
    ///
    /// There is a second one only after the process has become another user, who may not open the first one.
    static PIPES: Mutex<Vec<ExitPipe>> = {
        close_inherited();
        Mutex::new(Vec::new())
    };
}

/// The writing end of the pipe in use, for a process that is forked from this one; [`NONE`] before the first.
///
/// Not behind the lock: a thread that is not in the child may hold that.
static WRITING: AtomicI32 = AtomicI32::new(NONE);

/// Tells that pipe from another file that has its number by then, because the child has closed all that it inherited.
static WRITING_FILE: AtomicU64 = AtomicU64::new(0);

/// Stands for no descriptor.
const NONE: RawFd = -1;

/// The reading end. The writing end is closed by the kernel when the process ends.
struct ExitPipe {
    reading: OwnedFd,
}

impl ExitPipe {
    fn create() -> io::Result<Self> {
        let (reading, writing) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        // Relaxed: only a forked child reads the two, and it has all of this process's memory.
        WRITING_FILE.store(rustix::fs::fstat(&writing)?.st_ino, Ordering::Relaxed);
        WRITING.store(writing.into_raw_fd(), Ordering::Relaxed);
        Ok(Self { reading })
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

/// Closes the writing end of the process that this one was forked from, so that it ends with that process.
fn close_inherited() {
    let inherited = WRITING.swap(NONE, Ordering::Relaxed);
    if inherited == NONE {
        return;
    }
    // SAFETY: it is only asked about; a number that is not open is an error.
    let found = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(inherited) });
    if found.is_ok_and(|found| found.st_ino == WRITING_FILE.load(Ordering::Relaxed) && is_pipe(&found)) {
        // SAFETY: it is the pipe whose writing end `create` gave up in the other process, so nothing owns this process's copy
        // of it, and the swap gives the number to one thread alone.
        drop(unsafe { OwnedFd::from_raw_fd(inherited) });
    }
}

fn is_pipe(file: &Stat) -> bool {
    FileType::from_raw_mode(file.st_mode) == FileType::Fifo
}
