//! The pipe by which the kernel kills workers, with all that their items have started, when this process ends.
//!
//! Promises: however this process ends, its workers and their groups get SIGKILL, whether they are stopped, block signals or
//! are in the middle of an item, and whether a process that was forked from this one lives on.
//!
//! This process keeps the writing end and never writes. Each worker gets a reading end, and asks the kernel to signal it and
//! its group when something happens to the pipe: see `worker/caller_exit.rs`. Closing the last writing end is what happens.
//!
//! A process that is forked from this one gets the writing end too, and closes it before `fork` returns there: by a handler
//! of `pthread_atfork`. A program that it runs instead gets none. So the one process that can hold up the end of the pipe is
//! one that was made by a bare `clone` or by `_Fork`, which call no handlers, and that lives on without `exec`: it closes its
//! end at its first own call of this crate.
//!
//! Costs: two descriptors of this process, from the first worker on.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::fs::{FileType, Mode, OFlags};

use crate::backend::process::system_call::named;
use crate::sync::{AtomicBool, AtomicI32, AtomicU64, Mutex, Ordering, per_process};

per_process! {
    /// The pipe of this process, once it has started a worker.
    static PIPE: Mutex<Option<ExitPipe>> = {
        close_inherited();
        Mutex::new(None)
    };
}

/// The ends of the pipe, for a process that is forked from this one: not behind the lock, which a thread that is not in the
/// child may hold.
///
/// `pipe2` writes the numbers here itself, before the descriptors can be seen, and a fork copies the descriptors before the
/// memory. So a child that has the descriptors has their numbers, at whatever time it was forked.
static ENDS: Ends = Ends { descriptors: [AtomicI32::new(NONE), AtomicI32::new(NONE)], file: AtomicU64::new(NOT_KNOWN) };

/// On one line of memory, so that a child sees the words as they were at one time.
#[repr(C, align(16))]
struct Ends {
    /// Reading and writing end, or [`NONE`].
    descriptors: [AtomicI32; 2],
    /// The number of the pipe's file, which tells it from another file that has its descriptor in a child that has closed
    /// all that it inherited. [`NOT_KNOWN`] while the pipe is made.
    file: AtomicU64,
}

const NONE: RawFd = -1;
const NOT_KNOWN: u64 = u64::MAX;

/// The reading end. The writing end is closed by the kernel when the process ends.
struct ExitPipe {
    reading: RawFd,
}

impl ExitPipe {
    /// Makes the pipe. Users that this process becomes later may open its reading end, too; others cannot reach it.
    fn create() -> io::Result<Self> {
        close_in_forked_children()?;
        let places = ENDS.descriptors.as_ptr().cast_mut().cast::<libc::c_int>();
        // SAFETY: the kernel writes two numbers to two words that may be written to through a shared reference. Only forked
        // children read them meanwhile, in memory of their own.
        if unsafe { libc::pipe2(places, libc::O_CLOEXEC) } != 0 {
            return named("pipe2", Err(io::Error::last_os_error()));
        }
        // Relaxed, here and below: only a forked child reads it, and it has all of this process's memory.
        let reading = ENDS.descriptors[0].load(Ordering::Relaxed);
        // SAFETY: the descriptor was just opened, and is never closed in this process.
        let pipe = unsafe { BorrowedFd::borrow_raw(reading) };
        ENDS.file.store(rustix::fs::fstat(pipe)?.st_ino, Ordering::Relaxed);
        let _ = rustix::fs::fchmod(pipe, Mode::RUSR | Mode::RGRP | Mode::ROTH); // an error shows when it is opened
        Ok(Self { reading })
    }

    /// Another reading end, as an open file of its own: which group is signalled belongs to the file, and a duplicate would
    /// share it.
    fn open(&self) -> io::Result<OwnedFd> {
        named("/proc/self/fd", open_again(self.reading))
    }
}

/// The pipe of this descriptor, as another open file.
///
/// # Errors
/// When no descriptor is free, or `/proc` is not there.
pub(in crate::backend::process) fn open_again(reading: RawFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(format!("/proc/self/fd/{reading}"), flags, Mode::empty())?)
}

/// A reading end for one worker.
///
/// # Errors
/// When no descriptor is free, or `/proc` is not there.
pub(super) fn reading_end() -> io::Result<OwnedFd> {
    let mut pipe = PIPE.lock();
    let pipe = match &mut *pipe {
        Some(pipe) => pipe,
        none => none.insert(ExitPipe::create()?),
    };
    pipe.open()
}

/// Lets each process that is forked from this one close both ends of the pipe first.
///
/// # Errors
/// When there is no memory for the entry.
fn close_in_forked_children() -> io::Result<()> {
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);
    // Relaxed: the caller holds the lock of the pipe, and a forked child has the entries of its parent. One that is forked
    // between the two steps makes a second entry, which finds nothing to close.
    if !IS_REGISTERED.load(Ordering::Relaxed) {
        // SAFETY: the handler is async-signal-safe, as one for the child of a program with threads must be: it reads and
        // writes words, and asks the system about a descriptor and to close it.
        match unsafe { libc::pthread_atfork(None, None, Some(close_inherited)) } {
            0 => IS_REGISTERED.store(true, Ordering::Relaxed),
            error => return named("pthread_atfork", Err(io::Error::from_raw_os_error(error))),
        }
    }
    Ok(())
}

/// Closes the ends of the process that this one was forked from, so that the pipe ends with that process.
///
/// In a process that was not forked, there are none yet: this comes before its first pipe.
extern "C" fn close_inherited() {
    let file = ENDS.file.swap(NOT_KNOWN, Ordering::Relaxed);
    for place in &ENDS.descriptors {
        close_if_pipe(place.swap(NONE, Ordering::Relaxed), file);
    }
}

/// Closes the descriptor, if it is still the pipe.
fn close_if_pipe(descriptor: RawFd, file: u64) {
    if descriptor == NONE {
        return;
    }
    // SAFETY: it is only asked about; a number that is not open is an error.
    let found = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(descriptor) });
    let is_pipe = found.is_ok_and(|found| {
        FileType::from_raw_mode(found.st_mode) == FileType::Fifo && (file == NOT_KNOWN || file == found.st_ino)
    });
    if is_pipe {
        // SAFETY: it is the pipe that the other process made, whose descriptors nothing owns in this one: the value behind
        // the lock is the other process's, and is used there alone. The swap gives the number to one thread.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
}
