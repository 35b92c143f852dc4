//! The most memory that the alignment of 20 signals takes, measured in a process that does nothing else.

use std::hint::black_box;
use std::process::Command;

use manyhands::{Job, LocalMode};
use sleep_analysis::{AlignMethod, Signal, align_signal};

use crate::nights;
use crate::report::{row, table_head};

/// The argument that makes the bench a child process of itself.
pub(crate) const CHILD: &str = "--memory-of";

/// Reports peak against input, in both modes.
pub(crate) fn report(allocator: &str) {
    table_head(&["memory of alignment", "allocator", "input", "peak of the process", "peak / input"]);
    for (method, mode) in [
        ("nearest", LocalMode::Serial),
        ("nearest", LocalMode::Threads),
        ("asof", LocalMode::Serial),
        ("asof", LocalMode::Threads),
    ] {
        let program = std::env::current_exe().expect("a program that runs has a path");
        let output =
            Command::new(program).args([CHILD, method, &mode.to_string()]).output().expect("a copy of this program");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
        let (Some(input), Some(peak)) = (numbers.next(), numbers.next()) else {
            row(&[
                format!("{method}, {mode}"),
                allocator.into(),
                "-".into(),
                "not measured on this system".into(),
                "-".into(),
            ]);
            continue;
        };
        let mebibytes = |bytes: f64| format!("{:.0} MiB", bytes / 1_048_576.0);
        row(&[
            format!("{method}, {mode}"),
            allocator.into(),
            mebibytes(input),
            mebibytes(peak),
            format!("{:.2}", peak / input),
        ]);
    }
}

/// The child: aligns once, and writes the bytes of the input and of its own peak.
pub(crate) fn measure(method: &str, mode: &str) {
    let method: AlignMethod = method.parse().expect("a known method");
    let mode: LocalMode = mode.parse().expect("a known mode");
    let request = nights::alignment(method);
    let input: usize = request.signals.iter().map(bytes).sum();
    let idxs: Vec<usize> = (0..request.signals.len()).collect();
    let aligned = Job::new(&idxs).mode(mode).shared(&request).try_run(align_signal).expect("a job that can run");
    black_box(aligned.into_result().expect("every signal aligns"));
    if let Some(peak) = peak_bytes() {
        crate::report::say(&format!("{input} {peak}"));
    }
}

fn bytes(signal: &Signal) -> usize {
    let columns: usize = signal.columns().iter().map(|column| size_of_val(&*column.values)).sum();
    size_of_val(signal.timestamps_ns()) + columns
}

/// Linux keeps the most that a process ever had in memory.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
