//! How much memory is left, so that a request for too much is an error: the kernel hands memory out until there is
//! none, and then ends a process of its choice. Reads files and decides nothing about what it finds but whether it is
//! enough.

use std::fs;
use std::io;

/// Requests below this are not looked at: reading how much is left would take longer than they do.
const WORTH_A_LOOK: usize = 64 << 20;

/// Refuses a request that cannot be met. One that passes may still fail, when others are quicker.
pub(crate) fn check(bytes: usize) -> io::Result<()> {
    if bytes < WORTH_A_LOOK {
        return Ok(());
    }
    match left() {
        Some(left) if left < bytes as u64 => {
            Err(io::Error::new(io::ErrorKind::OutOfMemory, format!("only {left} bytes are left")))
        }
        // Where nothing is known, the kernel decides.
        _ => Ok(()),
    }
}

/// What the machine has, or the container if that is less; and what can be swapped out to make place.
fn left() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok()?;
    let available = kibibytes(&machine, "MemAvailable:")?;
    let swap = kibibytes(&machine, "SwapFree:").unwrap_or(0);
    let container = left_to_container().unwrap_or(u64::MAX);
    Some(available.min(container).saturating_add(swap))
}

/// What a container may still use, if its limit is where programs inside of it find it. Cached files count as free:
/// they make place.
fn left_to_container() -> Option<u64> {
    let limit: u64 = fs::read_to_string("/sys/fs/cgroup/memory.max").ok()?.trim().parse().ok()?;
    let used = fs::read_to_string("/sys/fs/cgroup/memory.stat").ok()?;
    Some(limit.saturating_sub(number(&used, "anon")?).saturating_sub(number(&used, "shmem")?))
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    number(text, name)?.checked_mul(1024)
}

/// The number behind a name, in lines of names and numbers.
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
    fn more_than_any_machine_has_is_refused_and_little_is_not() {
        assert!(left().unwrap() > 0);
        assert!(check(WORTH_A_LOOK - 1).is_ok());
        let error = check(1 << 50).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
        assert!(error.to_string().starts_with("only "), "{error}");
    }
}
