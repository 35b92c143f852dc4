//! A forked child of the test program, and what it reports.

use std::fs::File;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

use crate::harness::message_of;

/// A child that [`fork`] has started. Dropped, it is killed and waited for.
#[derive(Debug)]
pub struct Forked {
    pid: Option<Pid>,
    report: File,
}

/// How long a child may take before it counts as hung.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Runs `act` in a forked child, which then ends with `_exit`: nothing of the test program runs in it.
#[must_use]
pub fn fork(act: impl FnOnce()) -> Forked {
    // Closed in what other threads start meanwhile: a worker that had the writing end would hold up the end of the child's words.
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    // SAFETY: the child runs `act` and ends. That this works although the program has other threads is what is tested.
    match unsafe { libc::fork() } {
        -1 => panic!("no child could be forked: {}", std::io::Error::last_os_error()),
        0 => {
            drop(read);
            let result = catch_unwind(AssertUnwindSafe(act));
            let message = result.as_ref().err().map_or("", |payload| message_of(&**payload));
            let _ = File::from(write).write_all(message.as_bytes());
            exit_at_once(i32::from(result.is_err()))
        }
        pid => Forked { pid: Pid::from_raw(pid), report: File::from(read) },
    }
}

/// Ends this process without anything that the program does at its end.
pub fn exit_at_once(code: i32) -> ! {
    // SAFETY: the call ends the process and touches no memory of it.
    unsafe { libc::_exit(code) }
}

impl Forked {
    /// Waits until the child has ended, and asserts that it did so well.
    #[track_caller]
    pub fn assert_success(self) {
        let (status, report) = self.end();
        assert!(status == Some(0), "the forked child ended with {status:?}: {report}");
    }

    /// Waits until the child has ended. Gives its exit code, or none when a signal ended it, and its panic's message.
    ///
    /// # Panics
    ///
    /// When the child hangs.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let pid = self.pid.unwrap();
        let status = loop {
            if let Some((_, status)) = waitpid(Some(pid), WaitOptions::NOHANG).unwrap() {
                break status;
            }
            assert!(begun.elapsed() < TIMEOUT, "the forked child hangs");
            std::thread::sleep(Duration::from_millis(1)); // Leaves the core to the child.
        };
        self.pid = None;
        let mut report = String::new();
        self.report.read_to_string(&mut report).unwrap();
        (WaitStatus::exit_status(status), report)
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}

/// The exit code of this child, which must have ended or be about to.
///
/// # Panics
///
/// When it hangs, or was ended by a signal.
#[must_use]
pub fn exit_code(pid: i32) -> i32 {
    let nothing = File::open("/dev/null").unwrap();
    Forked { pid: Pid::from_raw(pid), report: nothing }.end().0.unwrap()
}

/// Forks; 0 in the child, which goes on as the parent does.
#[must_use]
pub fn fork_bare() -> i32 {
    // SAFETY: what the child does is the caller's to decide, and what is tested.
    unsafe { libc::fork() }
}
