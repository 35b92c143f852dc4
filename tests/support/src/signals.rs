//! What this process does at a signal.

/// SIGINT, which Ctrl+C sends.
pub const INT: i32 = libc::SIGINT;
/// SIGTERM.
pub const TERM: i32 = libc::SIGTERM;

/// Ignores the signal. Programs that are started later ignore it too.
pub fn ignore(signal: i32) {
    // SAFETY: no handler is installed, so none can do harm.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Survives the signal. Unlike ignoring it, this is not handed down to programs that are started later.
pub fn survive(signal: i32) {
    extern "C" fn do_nothing(_: i32) {}
    // SAFETY: a handler that does nothing may run at any moment.
    unsafe { libc::signal(signal, do_nothing as *const () as libc::sighandler_t) };
}

/// Sets the default action. A shell lets programs that it starts in the background ignore Ctrl+C, and they hand that down.
pub fn restore_default(signal: i32) {
    // SAFETY: as above.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
