//! The pipe by which the kernel kills workers, with all that their items have started, when this process ends.
//!
//! Promises: however this process ends, the groups of its workers get SIGKILL, whether they are stopped, block signals or
//! are in the middle of an item. The signal at a parent's death reaches the worker alone, and not its children.
//!
//! This process keeps the writing end and never writes. Each worker gets a reading end, and asks the kernel to signal its group
//! when something happens to it: see `worker/caller_exit.rs`. Closing the last writing end is what happens.
//!
//! A process that was forked from this one and lives on has a writing end too, until it makes a call itself or runs
//! another program. While it is there, workers end with this process, and what they started goes on until it ends. The
//! same holds for a child that another thread forks in the instant in which a pipe is made, also after a call.
//!
//! Costs: two descriptors of this process, from the first worker on.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::pipe::PipeFlags;

use crate::sync::{AtomicU64, Mutex, Ordering, per_process};

per_process! {
    /// The pipes of this process, of which the last one is in use.
    ///
    /// There is a second one only after the process has become another user, who may not open the first one.
    static PIPES: Mutex<Vec<ExitPipe>> = {
        close_inherited();
        Mutex::new(Vec::new())
    };
}

/// The writing ends of these pipes, for a process that is forked from this one; [`NONE`] where there is none.
///
/// Each is one word, so a child never sees half of it: the descriptor, and above it the number of its file, which tells
/// the pipe from another file that has its descriptor by then, because the child has closed all that it inherited. Not
/// behind the lock: a thread that is not in the child may hold that. There is one pipe for each user that the process
/// was; beyond four, children keep what is too much.
static WRITING: [AtomicU64; 4] = [const { AtomicU64::new(NONE) }; 4];

/// Stands for no descriptor.
const NONE: u64 = u64::MAX;

/// A descriptor and its file as one word. The system gives pipes numbers of 32 bits.
fn word(descriptor: RawFd, file: &Stat) -> u64 {
    u64::from(descriptor.cast_unsigned()) | file.st_ino << 32
}

/// The reading end. The writing end is closed by the kernel when the process ends.
struct ExitPipe {
    reading: OwnedFd,
}

impl ExitPipe {
    fn create() -> io::Result<Self> {
        let (reading, writing) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let file = rustix::fs::fstat(&writing)?;
        let word = word(writing.into_raw_fd(), &file);
        // Relaxed: only a forked child reads it, and it has all of this process's memory. One pipe is made at a time.
        if let Some(free) = WRITING.iter().find(|place| place.load(Ordering::Relaxed) == NONE) {
            free.store(word, Ordering::Relaxed);
        }
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

/// Closes the writing ends of the process that this one was forked from, so that they end with that process.
fn close_inherited() {
    // In a process that was not forked, there are none yet: this comes before its first pipe.
    WRITING
        .iter()
        .map(|place| place.swap(NONE, Ordering::Relaxed))
        .filter(|&word| word != NONE)
        .for_each(close_if_ours);
}

/// Closes the descriptor of this word, if it is still the pipe.
fn close_if_ours(inherited: u64) {
    let descriptor = RawFd::from_ne_bytes((inherited as u32).to_ne_bytes());
    // SAFETY: it is only asked about; a number that is not open is an error.
    let found = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(descriptor) });
    if found.is_ok_and(|found| is_pipe(&found) && word(descriptor, &found) == inherited) {
        // SAFETY: it is the pipe whose writing end `create` gave up in the other process, so nothing owns this process's copy
        // of it, and the swap gives the word to one thread alone.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
}

fn is_pipe(file: &Stat) -> bool {
    FileType::from_raw_mode(file.st_mode) == FileType::Fifo
}
