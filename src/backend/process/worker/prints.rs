//! What items print leaves the worker before their results do.
//!
//! Promises: when a result arrives, what its item printed before is in the pipe to the caller, with or without an end of line,
//! whatever becomes of the worker afterwards.
//!
//! A process that dies loses what stands in its own buffers, so little may stand there: std's stdout keeps a line that
//! has no end, and is emptied after each item; C's stdout would keep whole pages for a pipe, and gets no buffer at all.
//! What an item printed without an end of line before it killed its worker is lost; stderr has no buffer.

use std::io::Write;

// SAFETY: both glibc and musl declare it as a pointer to a `FILE`.
unsafe extern "C" {
    /// C's stdout.
    #[link_name = "stdout"]
    static C_STDOUT: *mut libc::FILE;
}

/// Takes the buffer from C's stdout, so that what C code prints is not lost with the worker.
///
/// Each of its prints is a system call then, as on stderr.
pub(super) fn unbuffer_c_stdout() {
    // SAFETY: the C library has set the pointer before any code of the program, and nothing here changes it; `setvbuf` locks the
    // stream, takes no buffer of ours, and may be called at any time in glibc and musl.
    unsafe { libc::setvbuf(C_STDOUT, std::ptr::null_mut(), libc::_IONBF, 0) };
}

/// Passes on what std's stdout keeps. Costs some nanoseconds where it keeps nothing.
#[inline]
pub(super) fn flush() {
    // Where stdout is closed, the text is lost with or without an error.
    let _ = std::io::stdout().flush();
}
