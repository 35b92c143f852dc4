//! A child program: most often a copy of the test program itself that plays a role, says on its stdout how far it is, and is
//! signalled or killed.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::wait_until;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// By SIGKILL.
    pub const KILLED: Self = Self::Signal(9);

    /// True for exit code 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        status.signal().map_or_else(|| Self::Code(status.code().unwrap()), Self::Signal)
    }
}

/// A running program. It is killed and waited for when this is dropped.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    stdout: BufReader<ChildStdout>,
}

impl Child {
    /// Starts the command with its stdout in a pipe.
    pub fn spawn(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Self { process, stdout }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line of its stdout, without the line's end. Empty when there is none.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Reads on until a line of its stdout begins like this, and gives that line with its end.
    ///
    /// # Panics
    ///
    /// If its stdout ends before.
    #[track_caller]
    pub fn wait_for(&mut self, beginning: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stdout.read_line(&mut line).unwrap(), 0, "it never said {beginning:?}, but: {seen}");
            if line.starts_with(beginning) {
                return line;
            }
            seen += &line;
        }
    }

    /// Closes its stdin, if that is a pipe.
    pub fn close_stdin(&mut self) {
        self.process.stdin = None;
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// Sends the signal to the program alone.
    pub fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Sends the signal to the program and all that it has started, as a terminal does. It must lead a group of its own.
    pub fn send_to_group(&self, signal: Signal) {
        kill_process_group(self.pid(), signal).unwrap();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits for its end; gives also the rest of its stdout.
    pub fn end(mut self) -> (Exit, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.wait(), rest)
    }

    /// Waits for its end, and for no process that it started and that still holds its stdout.
    pub fn wait(&mut self) -> Exit {
        self.process.wait().unwrap().into()
    }

    /// Waits for its end, which must come within this time.
    #[track_caller]
    pub fn wait_at_most(&mut self, timeout: Duration) -> Exit {
        wait_until("the program ends", timeout, || self.has_ended());
        self.wait()
    }

    /// Kills it, and gives how it ended, which may have been before that.
    pub fn kill(&mut self) -> Exit {
        self.process.kill().unwrap(); // Does nothing to a process that has been waited for.
        self.wait()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail where the test has waited for its end already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
