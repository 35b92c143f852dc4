//! What this process and its worker processes use of cores and memory, for a heartbeat and a summary. Linux; elsewhere nothing is known.

use std::fmt;
use std::time::{Duration, Instant};

/// A moment: the time that was computed until then, and the memory that is in use.
///
/// ```
/// use consumer_support::Usage;
///
/// let begin = Usage::now();
/// let line = Usage::now().since(&begin).to_string();
/// assert!(cfg!(not(target_os = "linux")) || line.contains("MiB"), "{line}");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    at: Instant,
    /// CPU time of this process, its living descendants, and those that have ended.
    cpu: Option<Duration>,
    /// Resident memory of this process and its living descendants, in bytes.
    memory_bytes: Option<u64>,
}

/// What was used between two moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsageSince {
    /// The wall time between them.
    pub wall: Duration,
    /// CPU time over wall time: 2 when two cores were busy all the time. None where the system does not say.
    pub cores: Option<f64>,
    /// Resident memory at the later moment, in bytes; pages that processes share count for each. None where the system does not say.
    pub memory_bytes: Option<u64>,
}

impl Usage {
    /// What is used now. Looks at each process of the machine: some milliseconds where there are thousands.
    #[must_use]
    pub fn now() -> Self {
        let (cpu, memory_bytes) = measure().unzip();
        Self { at: Instant::now(), cpu, memory_bytes }
    }

    /// What was used since an earlier moment.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> UsageSince {
        let wall = self.at.saturating_duration_since(earlier.at);
        let cores = |cpu: Duration| if wall.is_zero() { 0.0 } else { cpu.as_secs_f64() / wall.as_secs_f64() };
        let cpu = self.cpu.zip(earlier.cpu).map(|(now, then)| now.saturating_sub(then));
        UsageSince { wall, cores: cpu.map(cores), memory_bytes: self.memory_bytes }
    }
}

/// `1.9 cores, 512 MiB`, or that it is not known.
impl fmt::Display for UsageSince {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.cores, self.memory_bytes) {
            (Some(cores), Some(bytes)) => write!(f, "{cores:.1} cores, {} MiB", bytes >> 20),
            _ => f.write_str("cores and memory not known on this system"),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn measure() -> Option<(Duration, u64)> {
    None
}

#[cfg(target_os = "linux")]
fn measure() -> Option<(Duration, u64)> {
    let mut processes: Vec<ProcessStat> = std::fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| ProcessStat::read(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect();
    let mut family = vec![std::process::id()];
    let (mut ticks, mut pages) = (0, 0);
    while let Some(parent) = family.pop() {
        processes.retain(|process| {
            if process.pid == parent {
                ticks += process.ticks;
                pages += process.resident_pages;
            } else if process.parent == parent {
                family.push(process.pid);
                return true;
            }
            process.pid != parent
        });
    }
    // Linux states times in hundredths of a second, whatever its own clock is; pages are 4 KiB where it has no other word for them.
    Some((Duration::from_millis(ticks * 10), pages * page_bytes()))
}

#[cfg(target_os = "linux")]
fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// A line of `/proc/PID/stat`, see proc(5).
#[cfg(target_os = "linux")]
struct ProcessStat {
    pid: u32,
    parent: u32,
    /// Its own CPU time and that of its children that have ended.
    ticks: u64,
    resident_pages: u64,
}

#[cfg(target_os = "linux")]
impl ProcessStat {
    fn read(pid: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in brackets, may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |idx: usize| fields.get(idx)?.parse::<u64>().ok();
        let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
        Some(Self { pid, parent: fields.get(1)?.parse().ok()?, ticks, resident_pages: number(21)? })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_written_and_time_that_is_computed_show() {
        let begin = Usage::now();
        let written = vec![1_u8; 64 << 20];
        let mut sum = 0_u64;
        // At least once: where others compute too, writing alone may take this long.
        loop {
            sum = written.iter().fold(sum, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
            if Usage::now().since(&begin).wall >= Duration::from_millis(120) {
                break;
            }
        }
        let end = Usage::now().since(&begin);
        assert!(sum > 0 && end.cores.unwrap() > 0.05, "{end:?}");
        assert!(end.memory_bytes.unwrap() > 64 << 20, "{end:?}");
    }

    #[test]
    fn a_child_counts() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let own = || ProcessStat::read(std::process::id()).unwrap().resident_pages * page_bytes();
        // Other tests take and give back memory in between.
        let (own, with_child) = loop {
            let (before, (_, all), after) = (own(), measure().unwrap(), own());
            if before == after {
                break (before, all);
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(with_child > own, "{with_child} bytes with the child, {own} without");
    }
}
