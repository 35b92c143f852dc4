//! A copy of this program that a drill signals.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const INT: i32 = signal_hook::consts::SIGINT;
pub(crate) const TERM: i32 = signal_hook::consts::SIGTERM;

const ROLE: &str = "MANYHANDS_TEST_ROLE";

/// What this copy is to play.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// How a copy ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}

pub(crate) struct Child {
    process: process::Child,
    says: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(role: &str) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), role)
    }

    /// As a shell starts a job in the background of a script.
    pub(crate) fn start_ignoring_int(role: &str) -> Self {
        let mut command = Command::new("sh");
        command.arg("-c").arg("trap '' INT; exec \"$0\"").arg(std::env::current_exe().unwrap());
        Self::spawn(command, role)
    }

    fn spawn(mut command: Command, role: &str) -> Self {
        let mut process = command.env(ROLE, role).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        Self { process, says }
    }

    /// Reads on until the copy has said something that begins like this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, beginning: &str) {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it never said {beginning:?}, but: {seen}");
            if line.starts_with(beginning) {
                return;
            }
            seen += &line;
        }
    }

    pub(crate) fn send(&self, signal: i32) {
        let process = i32::try_from(self.process.id()).unwrap();
        // SAFETY: a call without memory; the process is a child that has not been waited for, so the number is its own.
        assert_eq!(unsafe { libc::kill(process, signal) }, 0);
    }

    /// The processes that the copy has started, when they are as many as this.
    #[cfg(all(target_os = "linux", feature = "processes"))]
    pub(crate) fn children_once_there_are(&self, n: usize) -> Vec<u32> {
        let begun = Instant::now();
        loop {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
            let children = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap());
            let children: Vec<u32> = children
                .flat_map(|line| line.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>())
                .collect();
            if children.len() == n {
                return children;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "it has started {children:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn end(mut self) -> End {
        let status = self.process.wait().unwrap();
        status.signal().map_or_else(|| End::Code(status.code().unwrap()), End::Signal)
    }

    /// Sends the signal after this pause, and sees that the copy ends by it in time.
    #[track_caller]
    pub(crate) fn end_within(self, limit: Duration, signal: i32, pause: Duration) {
        thread::sleep(pause);
        let sent = Instant::now();
        self.send(signal);
        assert_eq!(self.end(), End::Signal(signal));
        assert!(sent.elapsed() < limit, "it took {:?}", sent.elapsed());
    }
}

/// Whether there is such a process. One that is dead counts as gone, although nobody may have asked for its end.
#[cfg(all(target_os = "linux", feature = "processes"))]
pub(crate) fn is_running(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}
