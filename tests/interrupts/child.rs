//! A copy of this program that a drill signals.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use manyhands_test_support::child::{Child, Exit};
use rustix::process::Signal;

const ROLE: &str = "MANYHANDS_TEST_ROLE";

/// What this copy is to play.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

pub(crate) fn start(role: &str) -> Child {
    spawn(Command::new(std::env::current_exe().unwrap()), role)
}

/// As a shell starts a job in the background of a script.
pub(crate) fn start_ignoring_int(role: &str) -> Child {
    let mut command = Command::new("sh");
    command.arg("-c").arg("trap '' INT; exec \"$0\"").arg(std::env::current_exe().unwrap());
    spawn(command, role)
}

fn spawn(mut command: Command, role: &str) -> Child {
    Child::spawn(command.env(ROLE, role).stderr(Stdio::null()))
}

/// Sends the signal after this pause, and asserts that the copy ends by it in time.
#[track_caller]
pub(crate) fn end_within(mut child: Child, limit: Duration, signal: Signal, pause: Duration) {
    thread::sleep(pause);
    let sent = Instant::now();
    child.send(signal);
    assert_eq!(child.wait(), Exit::Signal(signal.as_raw()));
    assert!(sent.elapsed() < limit, "it took {:?}", sent.elapsed());
}
