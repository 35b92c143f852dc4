//! How much memory is available, so that a request for too much is an error: the kernel hands memory out until there is
//! none, and then kills a process of its choice.
//!
//! Promises nothing about requests that pass: others may be quicker. Reads `/proc` and the container's limits, and
//! reserves nothing.
//!
//! With numbers: the machine has 8 GiB available, the container may use 4 GiB, of which programs hold 1 GiB and shared
//! memory 1 GiB, and 1 GiB of swap space is free. Then 2 GiB + 1 GiB can be had, and a request for 4 GiB is an error.
//! Without the check, it would be reserved MiB by MiB, until the kernel kills a process.
//!
//! Asked by `block.rs` for slices and large shared values, and by `wire/connection.rs` for slots.

use std::fs;
use std::io;

/// Requests below this many bytes are not checked: reading how much is available would take longer than they do.
///
/// Many requests below it are not seen together: 100 blocks of 60 MiB pass one by one.
const CHECKED_FROM: usize = 64 << 20;

/// Refuses a request for more bytes than are available. Costs nothing below 64 MiB, and above that the reading of three
/// files.
///
/// # Errors
/// Of the kind `OutOfMemory`, with the number of bytes that are available.
pub(crate) fn check(bytes: usize) -> io::Result<()> {
    if bytes < CHECKED_FROM {
        return Ok(());
    }
    match available() {
        Some(most) if most < bytes as u64 => {
            Err(io::Error::new(io::ErrorKind::OutOfMemory, format!("only {most} bytes are available")))
        }
        // Where the number is not known, the kernel decides.
        _ => Ok(()),
    }
}

/// Bytes that the machine can give, or the container if that is less, with free swap space.
///
/// `None` where `/proc` is not mounted. Swap space counts on top of the container's limit, so the number errs towards
/// too much.
fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok()?;
    let machine_has = kibibytes(&machine, "MemAvailable:")?;
    let swap = kibibytes(&machine, "SwapFree:").unwrap_or(0);
    let container = available_to_container().unwrap_or(u64::MAX);
    Some(machine_has.min(container).saturating_add(swap))
}

/// Bytes that the container may still use, if its limit is where programs inside of it find it. Cached files count as
/// free.
///
/// Only the second version of control groups, and only the limit of the group that is the root of the container's own
/// view; `None` where there is none (`max`), or on a machine without a container.
fn available_to_container() -> Option<u64> {
    let limit: u64 = fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()?;
    let used = fs::read_to_string("/sys/fs/cgroup/memory.stat").ok()?;
    Some(limit.saturating_sub(number(&used, "anon")?).saturating_sub(number(&used, "shmem")?))
}

/// The bytes that a line of `name number kB` stands for.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    number(text, name)?.checked_mul(1024)
}

/// The number after a name, in lines of names and numbers.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == name)?;
        words.next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_name() {
        let text = "MemTotal:       24684092 kB\nMemAvailable:   23684092 kB\nanon_thp 7\nanon 3\nbroken\n";
        assert_eq!(kibibytes(text, "MemAvailable:"), Some(23_684_092 << 10));
        assert_eq!(number(text, "anon"), Some(3));
        assert_eq!(number(text, "broken"), None);
        assert_eq!(number(text, "shmem"), None);
    }

    #[test]
    fn a_request_for_more_than_any_machine_has_is_refused() {
        assert!(available().unwrap() > 0);
        assert!(check(CHECKED_FROM - 1).is_ok());
        let error = check(1 << 50).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(error.to_string().starts_with("only "), "{error}");
    }
}
