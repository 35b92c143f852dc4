//! What a worker prints, on either stream: passed on to this process's stderr line by line, with the worker's number.
//! The last lines are kept for the report of a crash.
//!
//! Promises: lines of two workers never mix; memory is bounded whatever a worker prints. Never waits for a worker.
//!
//! What a worker prints as `loading` with a line feed is shown as:
//!
//! ```text
//! [worker 3] loading
//! ```
//!
//! Costs: a `poll` entry per worker, and for what is printed a read for each 16 KiB and a write for each read that ends
//! a line. Memory per worker: less than 64 KiB for a line that has not ended, and 2 KiB of last lines.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::config::ParallelConfig;

/// A longer line is passed on in pieces, in bytes.
const LONGEST_LINE: usize = 64 * 1024;
/// At most this many bytes are passed on before other workers have their turn.
const BYTES_PER_TURN: usize = 256 * 1024;
/// This many bytes of the last lines are kept.
const LAST_BYTES: usize = 2 * 1024;
/// What std prints before it aborts because an allocation failed, in every version so far.
const OUT_OF_MEMORY: &[u8] = b"memory allocation of ";

/// The pipe that one worker prints to.
#[derive(Debug)]
pub(super) struct OutputPipe {
    /// The reading end, non-blocking.
    pipe: File,
    /// What was read and not passed on yet.
    lines: Lines,
    /// Whether the other end may still write.
    is_open: bool,
}

impl OutputPipe {
    /// The reading end of a non-blocking pipe that this worker prints to.
    pub(super) fn new(pipe: OwnedFd, worker: usize) -> Self {
        Self { pipe: File::from(pipe), lines: Lines::new(worker), is_open: true }
    }

    /// The pipe to wait for; `None` once its other end is closed.
    pub(super) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        self.is_open.then(|| self.pipe.as_fd())
    }

    /// Passes on what has been printed so far; at most 256 KiB, so that a worker that prints without end holds up no
    /// other.
    pub(super) fn pass_on(&mut self) {
        self.pass_on_at_most(BYTES_PER_TURN);
    }

    /// Passes on at most this many bytes, rounded up to a whole read.
    fn pass_on_at_most(&mut self, mut most: usize) {
        let mut bytes = [0; 16 * 1024];
        while self.is_open && most > 0 {
            match self.pipe.read(&mut bytes) {
                Ok(0) => self.is_open = false,
                Ok(len) => {
                    show(&self.lines.split(&bytes[..len]));
                    most = most.saturating_sub(len);
                    if len < bytes.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.is_open = false,
            }
        }
    }

    /// Passes on a line that has no end yet, as nothing may follow for long.
    pub(super) fn pass_on_rest(&mut self) {
        show(&self.lines.rest());
    }

    /// Drops buffered lines, so that a later crash report does not include them.
    ///
    /// Called when a call ends, with the note that an allocation failed: a worker that survived one must not have a
    /// later abort taken for the memory limit.
    pub(super) fn forget_last_lines(&mut self) {
        self.lines.last.clear();
        self.lines.ran_out_of_memory = false;
    }

    /// Whether the worker printed that it aborts because an allocation failed. A backtrace may have followed that line.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        self.lines.ran_out_of_memory
    }

    /// Passes on the rest, and gives the last lines. Does not wait for processes that the worker left behind, which may
    /// print on.
    ///
    /// Reads at most 2 MiB, after the process was reaped. A process that the worker left behind may keep the pipe open
    /// and print for ever, so the end of the pipe is not waited for.
    pub(super) fn end(&mut self) -> String {
        const WHAT_A_PIPE_HOLDS: usize = 2 * 1024 * 1024;
        self.pass_on_at_most(WHAT_A_PIPE_HOLDS);
        show(&self.lines.rest());
        String::from_utf8_lossy(&self.lines.last).trim().to_owned()
    }
}

crate::sync::thread_local! {
    /// Whether this thread makes a call whose threads and lines belong to it; see [`show_as_printed_here`].
    static PRINTS_HERE: Cell<bool> = Cell::default();
}

/// Runs `call`, whose workers' lines are shown as if this thread had printed them, if the config does not keep threads.
///
/// Std captures for a test what its threads print with `eprint!`, and not what they write to stderr.
pub(in crate::backend::process) fn show_as_printed_here<A>(config: &ParallelConfig, call: impl FnOnce() -> A) -> A {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            PRINTS_HERE.with(|prints_here| prints_here.set(self.0));
        }
    }
    let _restore = Restore(PRINTS_HERE.with(|prints_here| prints_here.replace(!config.keep_threads())));
    call()
}

/// Writes to stderr. Where that is closed, the lines are lost.
fn show(lines: &[u8]) {
    if lines.is_empty() {
        return;
    }
    if PRINTS_HERE.with(Cell::get) {
        print_here(lines);
    } else {
        let _ = io::stderr().write_all(lines);
    }
}

/// Prints. `eprint!` would panic where stderr is closed.
#[expect(clippy::print_stderr, reason = "std captures nothing else, and the config asks for it")]
fn print_here(lines: &[u8]) {
    let _ = std::panic::catch_unwind(|| eprint!("{}", String::from_utf8_lossy(lines)));
}

/// Cuts bytes into whole lines, each with its prefix. Pure.
#[derive(Debug)]
struct Lines {
    /// Stands before each line: `[worker 3] `.
    prefix: String,
    /// The last line, whose end has not come.
    begun: Vec<u8>,
    /// The last lines, at most [`LAST_BYTES`].
    last: Vec<u8>,
    /// Whether a line said that an allocation failed.
    ran_out_of_memory: bool,
}

impl Lines {
    /// No bytes have come from this worker.
    fn new(worker: usize) -> Self {
        Self { prefix: format!("[worker {worker}] "), begun: Vec::new(), last: Vec::new(), ran_out_of_memory: false }
    }

    /// The lines that end in these bytes, each with its prefix.
    fn split(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.begun.extend(piece);
            if piece.ends_with(b"\n") || self.begun.len() >= LONGEST_LINE {
                self.finish(&mut whole);
            }
        }
        whole
    }

    /// The last line, which has no end.
    fn rest(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        if !self.begun.is_empty() {
            self.finish(&mut whole);
        }
        whole
    }

    /// Ends the line that has begun, also where it has no end of its own.
    fn finish(&mut self, whole: &mut Vec<u8>) {
        if !self.begun.ends_with(b"\n") {
            self.begun.push(b'\n');
        }
        whole.extend(self.prefix.as_bytes());
        whole.extend(&self.begun);
        self.last.extend(&self.begun);
        self.ran_out_of_memory |= self.begun.starts_with(OUT_OF_MEMORY);
        let too_much = self.last.len().saturating_sub(LAST_BYTES);
        self.last.drain(..too_much);
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_passed_on_whole_with_their_workers_number() {
        let mut lines = Lines::new(3);
        assert_eq!(lines.split(b"one\ntw"), b"[worker 3] one\n");
        assert_eq!(lines.split(b"o\n\nthree"), b"[worker 3] two\n[worker 3] \n");
        assert_eq!(lines.rest(), b"[worker 3] three\n");
        assert_eq!(lines.rest(), b"");
    }

    #[test]
    fn a_line_without_end_is_passed_on_in_pieces_and_the_last_lines_are_bounded() {
        let mut lines = Lines::new(1);
        let shown = lines.split(&[b'x'; LONGEST_LINE]);
        assert_eq!(shown.len(), "[worker 1] ".len() + LONGEST_LINE + 1);
        assert_eq!(lines.last.len(), LAST_BYTES);
    }
}
