//! A copy of this program that runs a study, and what is left of it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{self, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use serde::{Deserialize, Serialize};

use crate::study::Study;

const ORDERS: &str = "MANYHANDS_CRASH_ORDERS";

/// What a copy is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) role: String,
    pub(crate) study: Study,
}

/// What this copy is to do.
pub(crate) fn orders() -> Option<Orders> {
    let text = std::env::var(ORDERS).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// How a copy ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}

pub(crate) const KILLED: End = End::Signal(9);

/// A copy at work. It is killed when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    says: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(role: &str, study: &Study) -> Self {
        Self::start_by_way_of(&[], role, study)
    }

    /// By way of other programs, which become the copy.
    pub(crate) fn start_by_way_of(words: &[&str], role: &str, study: &Study) -> Self {
        let itself = std::env::current_exe().unwrap();
        let mut command = match words.split_first() {
            None => Command::new(itself),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(itself);
                command
            }
        };
        let orders = Orders { role: role.to_owned(), study: study.clone() };
        command.env(ORDERS, serde_json::to_string(&orders).unwrap());
        // A group of its own, as a shell gives each of its jobs: the one that Ctrl+C goes to.
        let mut process = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        Self { process, says }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Reads on until the copy has said something that begins like this.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, beginning: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it never said {beginning:?}, but: {seen}");
            if line.starts_with(beginning) {
                return line;
            }
            seen += &line;
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// As a terminal does: to the copy and all that it has started.
    pub(crate) fn send_to_group(&self, signal: Signal) {
        kill_process_group(self.pid(), signal).unwrap();
    }

    /// Waits for the end; gives also what it said since it was last asked.
    pub(crate) fn end(mut self) -> (End, String) {
        let mut said = String::new();
        self.says.read_to_string(&mut said).unwrap();
        (self.end_of_process(), said)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    fn end_of_process(&mut self) -> End {
        let status = self.process.wait().unwrap();
        status.signal().map_or_else(|| End::Code(status.code().unwrap()), End::Signal)
    }

    /// Kills it, and says how it ended, which may have been before that.
    pub(crate) fn kill(mut self) -> End {
        self.process.kill().unwrap(); // which does nothing to one that has been waited for
        self.end_of_process()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How long what a dead copy had started may take to end.
const SOON: Duration = Duration::from_millis(500);

/// Lets what dead copies had started become this program's own, so that none of it can hide.
pub(crate) fn adopt_orphans() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
}

/// Sees that all that dead copies had started ends by itself and soon. While it is called no copy may be at work.
#[track_caller]
pub(crate) fn assert_no_orphans() {
    let begun = Instant::now();
    loop {
        let orphans = children();
        for &orphan in &orphans {
            let pid = Pid::from_raw(i32::try_from(orphan).unwrap()).unwrap();
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
        if orphans.is_empty() {
            return;
        }
        if begun.elapsed() > SOON {
            orphans.iter().filter_map(|&orphan| Pid::from_raw(i32::try_from(orphan).ok()?)).for_each(|pid| {
                let _ = kill_process(pid, Signal::KILL);
            });
            panic!("{orphans:?} outlive their program by {SOON:?}");
        }
        thread::sleep(Duration::from_millis(1)); // Only so as not to take a core from what is waited for.
    }
}

fn children() -> BTreeSet<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
    let lines = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lines.flat_map(|line| line.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>()).collect()
}
