//! The peer: a script of numpy, scipy and polars code, run as a process of its own in each round.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Not part of the repository; see CONTRIBUTING.md.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/golden/sleep/baseline.py");

/// The script repeats its work this often in each process; the first time warms up and does not count.
const REPETITIONS: &str = "4";

/// One of the script's workloads, with an interpreter that has what it needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    workload: &'static str,
}

/// What one repetition took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Peer {
    /// The peer, or why there is none.
    pub(crate) fn find(workload: &'static str, modules: &str) -> Result<Self, String> {
        if !Path::new(SCRIPT).is_file() {
            return Err("the script baseline.py is not in ../shared/golden/sleep".into());
        }
        let check = Command::new(interpreter()).args(["-c", &format!("import {modules}")]).output();
        match check {
            Ok(output) if output.status.success() => Ok(Self { workload }),
            Ok(_) => Err(format!("{} cannot import {modules}; name one that can in MANYHANDS_PYTHON", interpreter())),
            Err(error) => Err(format!("{} cannot be started ({error}); name one in MANYHANDS_PYTHON", interpreter())),
        }
    }

    /// Runs the script once; returns the times of its warm repetitions.
    pub(crate) fn run(self) -> Vec<Taken> {
        let output = Command::new(interpreter()).args([SCRIPT, self.workload, REPETITIONS]).output();
        let output = output.expect("an interpreter that could be started before");
        assert!(output.status.success(), "{}: {}", self.workload, String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        let taken: Vec<Taken> = text.lines().skip(1).filter_map(read_line).collect();
        assert!(!taken.is_empty(), "{} says no times: {text}", self.workload);
        taken
    }
}

/// Reads a line such as `align_np wall 0.123 s cpu 0.101 s maxrss 500 MiB`.
fn read_line(line: &str) -> Option<Taken> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |what: &str| {
        let idx = words.iter().position(|word| *word == what)?;
        words.get(idx + 1)?.parse().ok().map(Duration::from_secs_f64)
    };
    Some(Taken { wall: after("wall")?, cpu: after("cpu")? })
}

fn interpreter() -> String {
    std::env::var("MANYHANDS_PYTHON").unwrap_or_else(|_| "python3".into())
}
