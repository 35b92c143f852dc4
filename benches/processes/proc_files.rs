//! What `/proc` says of processes: who is whose child, and who is alive.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A process that is there, as `/proc/PID/stat` has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    pid: i32,
    parent: i32,
    session: i32,
    is_alive: bool,
}

/// All children of this process, and theirs.
pub(crate) fn descendants() -> Vec<i32> {
    let entries = entries();
    let mut found = vec![own_pid()];
    let mut seen = 0;
    while let Some(&parent) = found.get(seen) {
        found.extend(entries.iter().filter(|entry| entry.parent == parent).map(|entry| entry.pid));
        seen += 1;
    }
    found.split_off(1)
}

/// Who of a session is alive: a process that ended and was not yet waited for is not.
pub(crate) fn alive_in_session(session: i32) -> Vec<i32> {
    entries().iter().filter(|entry| entry.session == session && entry.is_alive).map(|entry| entry.pid).collect()
}

/// Who of these is alive.
pub(crate) fn alive_of(pids: &[i32]) -> Vec<i32> {
    entries().iter().filter(|entry| pids.contains(&entry.pid) && entry.is_alive).map(|entry| entry.pid).collect()
}

/// Ends these. One that has ended by itself meanwhile is no problem.
pub(crate) fn kill(pids: &[i32]) {
    for pid in pids.iter().filter_map(|&pid| Pid::from_raw(pid)) {
        kill_process(pid, Signal::KILL).ok();
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

fn entries() -> Vec<Entry> {
    let folders = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    pids.filter_map(entry).collect()
}

/// `None` when the process has ended since it was listed.
fn entry(pid: i32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name comes before, in parentheses, and may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let is_alive = !["Z", "X"].contains(&fields.next()?);
    let mut number = || fields.next()?.parse().ok();
    let (parent, _group, session) = (number()?, number()?, number()?);
    Some(Entry { pid, parent, session, is_alive })
}
