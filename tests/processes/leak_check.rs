//! What this process has that a run may leave behind: worker processes, descriptors, shared memory, threads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What the process has now.
#[derive(Debug)]
pub(crate) struct Belongings {
    children: BTreeSet<Process>,
    /// How many there are of each kind.
    descriptors: BTreeMap<String, usize>,
    mapped: BTreeMap<String, usize>,
    named: BTreeSet<String>,
    pub(crate) threads: usize,
}

/// A process, told from a later one with the same number by its time of birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    born: u64,
}

impl Belongings {
    pub(crate) fn now() -> Self {
        Self {
            children: children(std::process::id()),
            descriptors: counted(descriptors()),
            mapped: counted(mapped_memory()),
            named: named_memory(),
            threads: Self::threads(),
        }
    }

    pub(crate) fn threads() -> usize {
        fs::read_dir("/proc/self/task").unwrap().count()
    }

    /// What is there that was not there before, but for threads, whose end takes a moment to show.
    pub(crate) fn beyond(&self, before: &Self) -> Vec<String> {
        let children = self.children.difference(&before.children).map(|child| format!("{child:?} {}", child.state()));
        let named = self.named.difference(&before.named).map(|name| format!("shared memory {name}"));
        let descriptors = more(&self.descriptors, &before.descriptors).map(|kind| format!("descriptor of {kind}"));
        let mapped = more(&self.mapped, &before.mapped).map(|kind| format!("mapping of {kind}"));
        children.chain(named).chain(descriptors).chain(mapped).collect()
    }
}

impl Process {
    /// True while it is there and not a zombie: whoever adopted it may take its time.
    pub(crate) fn is_alive(self) -> bool {
        Status::of(self.pid).is_some_and(|status| status.born == self.born && !"ZX".contains(status.state))
    }

    fn state(self) -> char {
        Status::of(self.pid).map_or('-', |status| status.state)
    }
}

/// The processes that have this one as their parent, those too that have ended and were not waited for.
pub(crate) fn children(parent: u32) -> BTreeSet<Process> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let of_parent = |pid: u32| {
        let status = Status::of(pid)?;
        (status.parent == parent).then_some(Process { pid, born: status.born })
    };
    processes.filter_map(of_parent).collect()
}

/// What `/proc` says of a process.
struct Status {
    state: char,
    parent: u32,
    born: u64,
}

impl Status {
    /// Nothing, when there is no such process.
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets, and may hold some itself.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            born: fields.get(19)?.parse().ok()?,
        })
    }
}

/// What each descriptor leads to, without the numbers that tell one socket from another.
fn descriptors() -> impl Iterator<Item = String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let own_listing = format!("/proc/{}/fd", std::process::id());
    targets
        .map(|target| target.to_string_lossy().into_owned())
        .filter(move |target| *target != own_listing)
        .map(|target| target.split(":[").next().filter(|_| !target.starts_with("anon_inode")).unwrap_or(&target).into())
}

/// The shared memory that is mapped, with or without a name.
fn mapped_memory() -> impl Iterator<Item = String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let shared =
        |line: &str| ["memfd:", "/dev/shm/"].iter().find_map(|kind| line.find(kind)).map(|at| line[at..].into());
    maps.lines().filter_map(shared).collect::<Vec<String>>().into_iter()
}

/// Shared memory with a name, as far as it bears that of the library; other programs have some too, and it comes and
/// goes.
fn named_memory() -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir("/dev/shm") else { return BTreeSet::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    names.filter(|name| name.contains("manyhands")).collect()
}

fn counted(kinds: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    kinds.for_each(|kind| *counts.entry(kind).or_default() += 1);
    counts
}

fn more<'a>(
    now: &'a BTreeMap<String, usize>,
    before: &'a BTreeMap<String, usize>,
) -> impl Iterator<Item = String> + 'a {
    let grown = now.iter().map(|(kind, &count)| (kind, count, before.get(kind).copied().unwrap_or(0)));
    grown
        .filter(|(_, now, before)| now > before)
        .map(|(kind, now, before)| format!("{kind}: {now} where {before} were"))
}
