//! Medians, files of numbers, memory, and the machine.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::Path;

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => (values[len / 2 - 1] + values[len / 2]) / 2.0,
    }
}

/// The median of the ratios, round by round.
pub(crate) fn median_ratio(of: &[f64], to: &[f64]) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| of / to).collect())
}

/// Whether a figure reaches its bar, in a word.
pub(crate) fn verdict(is_reached: bool) -> &'static str {
    if is_reached { "reached" } else { "MISSED" }
}

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

/// The processor, how many cores it has, and how busy it is.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key));
        line.and_then(|line| line.split(':').nth(1)).unwrap_or("?").trim().to_owned()
    };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "Machine: {} (family {}, model {}), {cores} cores, load average {}",
        value("model name"),
        value("cpu family"),
        value("model"),
        load.join(" ")
    )
}
