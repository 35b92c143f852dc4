//! Checks that a piece of work leaves no child process, descriptor, shared memory or thread behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use crate::processes::{Process, children};
use crate::wait::holds_within;

/// Runs `act` and asserts that nothing exists afterwards that did not exist before.
///
/// `settle` is called before each count: it ends what is kept for later on purpose, such as idle workers.
///
/// # Panics
///
/// If something is left behind; threads have 5 s to end.
pub fn assert_no_leak(what: &str, settle: impl Fn(), act: impl FnOnce()) {
    settle();
    let before = Resources::now();
    act();
    settle();
    let left = Resources::now().beyond(&before);
    assert!(left.is_empty(), "{what} left behind: {left:#?}");
    let have_ended = holds_within(Duration::from_secs(5), || n_threads() <= before.n_threads);
    assert!(have_ended, "{what} left {} threads where {} were", n_threads(), before.n_threads);
}

/// The resources of this process at one moment.
#[derive(Debug)]
struct Resources {
    children: BTreeSet<Process>,
    /// The number of each kind.
    descriptors: BTreeMap<String, usize>,
    mapped: BTreeMap<String, usize>,
    named: BTreeSet<String>,
    n_threads: usize,
}

impl Resources {
    fn now() -> Self {
        Self {
            children: children(std::process::id()),
            descriptors: counted(descriptors()),
            mapped: counted(mapped_memory()),
            named: named_memory(),
            n_threads: n_threads(),
        }
    }

    /// What exists now and did not exist before, without threads: `/proc` may list one for a moment after its join.
    fn beyond(&self, before: &Self) -> Vec<String> {
        let children = self.children.difference(&before.children).map(|child| format!("{child:?} {}", child.state()));
        let named = self.named.difference(&before.named).map(|name| format!("shared memory {name}"));
        let descriptors = more(&self.descriptors, &before.descriptors).map(|kind| format!("descriptor of {kind}"));
        let mapped = more(&self.mapped, &before.mapped).map(|kind| format!("mapping of {kind}"));
        children.chain(named).chain(descriptors).chain(mapped).collect()
    }
}

/// The number of threads of this process.
pub fn n_threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// What each descriptor refers to, without the numbers that tell one socket from another.
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

/// The shared memory with a name that contains that of the library. Other programs create and remove theirs at any time.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_that_stays_open_is_found() {
        let file = tempfile::tempfile().unwrap();
        let mut kept = None;
        let leak = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert_no_leak("the test", || {}, || kept = Some(file.try_clone().unwrap()));
        }));
        let message = leak.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with("the test left behind: ") && message.contains("descriptor of "), "{message}");
    }
}
