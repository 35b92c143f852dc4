//! Files of numbers, and memory.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

/// The largest difference between two files of numbers, as a share of the largest number in the first.
pub(crate) fn largest_difference(expected: &Path, found: &Path) -> f64 {
    let (mut largest, mut difference) = (0.0_f64, 0.0_f64);
    let n_bytes = |path| fs::metadata(path).expect("it was written").len();
    assert_eq!(n_bytes(expected), n_bytes(found), "both have all samples");
    let open = |path| BufReader::with_capacity(1 << 20, File::open(path).expect("it was written"));
    let (mut expected, mut found) = (open(expected), open(found));
    let (mut one, mut other) = ([0; 8], [0; 8]);
    while expected.read_exact(&mut one).is_ok() {
        found.read_exact(&mut other).expect("both have the same length");
        let (one, other) = (f64::from_le_bytes(one), f64::from_le_bytes(other));
        assert!(one.is_finite() && other.is_finite(), "all samples are finite numbers");
        largest = largest.max(one.abs());
        difference = difference.max((one - other).abs());
    }
    difference / largest
}

/// The most memory that this process had in use.
pub(crate) fn peak_bytes() -> u64 {
    peak_bytes_of("self").expect("/proc is mounted")
}

/// The same of a process that may have ended.
pub(crate) fn peak_bytes_of(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1024)
}
