//! How much memory this process takes, as `/proc` has it.

use std::fs;

/// The memory that this process has in use, in MiB.
pub(crate) fn resident_mib() -> f64 {
    status_mib("VmRSS:")
}

/// The most memory that this process ever had in use, in MiB.
pub(crate) fn peak_resident_mib() -> f64 {
    status_mib("VmHWM:")
}

fn status_mib(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let value = status.lines().find_map(|line| line.strip_prefix(key)).expect("the kernel reports memory");
    let kib: f64 = value.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kib / 1024.0
}
