//! The processes that a process has started, as `/proc` lists them.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::wait::holds_within;

/// A process. Its start time tells it from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    started: u64,
}

impl Process {
    /// True while it exists and is not a zombie: its parent may take its time to wait for it.
    pub fn is_alive(self) -> bool {
        Stat::of(self.pid).is_some_and(|stat| stat.started == self.started && !"ZX".contains(stat.state))
    }

    /// The process with this number, if there is one.
    pub fn with_pid(pid: u32) -> Option<Self> {
        Stat::of(pid).map(|stat| Self { pid, started: stat.started })
    }

    /// The letter of its state; `-` when it does not exist.
    pub fn state(self) -> char {
        Stat::of(self.pid).map_or('-', |stat| stat.state)
    }

    /// Sends the signal, unless it has ended.
    pub fn send(self, signal: Signal) {
        let _ = kill_process(self.pid(), signal);
    }

    fn pid(self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap()
    }
}

/// The processes that have this one as their parent, among them those that have ended and were not waited for.
pub fn children(parent: u32) -> BTreeSet<Process> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let of_parent = |pid: u32| {
        let stat = Stat::of(pid)?;
        (stat.parent == parent).then_some(Process { pid, started: stat.started })
    };
    processes.filter_map(of_parent).collect()
}

/// The line of `/proc/PID/stat`.
struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    /// `None` when there is no such process.
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The program's name stands in parentheses, and may hold some itself.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

/// How long a process may take to end after its parent.
const ORPHANS_END_WITHIN: Duration = Duration::from_millis(500);

/// Makes this program the parent of processes whose own parent ends, so that [`assert_no_orphans`] finds them.
pub fn adopt_orphans() {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
}

/// Asserts that all processes that dead children had started end by themselves and soon. No child may be at work meanwhile.
#[track_caller]
pub fn assert_no_orphans() {
    let mut orphans = BTreeSet::new();
    let all_ended = holds_within(ORPHANS_END_WITHIN, || {
        orphans = children(std::process::id());
        for orphan in &orphans {
            // Fails where it has been waited for already, which is as good.
            let _ = waitpid(Some(orphan.pid()), WaitOptions::NOHANG);
        }
        orphans.is_empty()
    });
    if !all_ended {
        // They would be found by the tests that follow.
        orphans.iter().for_each(|orphan| _ = kill_process(orphan.pid(), Signal::KILL));
        panic!("{orphans:?} outlive their program by {ORPHANS_END_WITHIN:?}");
    }
}
