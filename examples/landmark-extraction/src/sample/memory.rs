//! The memory of this process.

/// Resident memory in bytes; 0 where the system does not say. Reads one file of `/proc`.
#[must_use]
pub fn resident_bytes() -> u64 {
    status_bytes("VmRSS:")
}

/// The most resident memory that the process ever had, in bytes; 0 where the system does not say.
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    status_bytes("VmHWM:")
}

fn status_bytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = || status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok();
    kibibytes().map_or(0, |kibibytes: u64| kibibytes << 10)
}
