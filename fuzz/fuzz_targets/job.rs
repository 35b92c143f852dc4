//! Any bytes as a job description: `sleep-analysis run` ends with a result or an error.
//!
//! The signals that a description may name lie beside it: `hr.csv`, `acc.csv`, and `eeg.csv` cut into epochs.

#![no_main]

#[path = "../../examples/sleep-analysis/src/cli/mod.rs"]
#[expect(dead_code, reason = "the program has more commands")]
mod cli;

use std::ffi::OsStr;
use std::fs::write;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let signals = [
        ("hr.csv", "timestamp_ns,hr\n0,60\n1000000000,61\n2000000000,62.5\n3000000000,\n4000000000,60\n"),
        ("acc.csv", "timestamp_ns,x,y,z\n0,0.1,0,1\n500000000,0,0.2,1\n1000000000,0,0,0.9\n4500000000,0.3,0,1\n"),
        ("eeg.csv", "epoch,sample,uv\n0,0,1.5\n0,1,2\n1,0,3\n1,1,4\n"),
    ];
    signals.iter().for_each(|(name, text)| write(folder.path().join(name), text).expect("room for a signal"));
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let job = FOLDER.path().join("case.json");
    write(&job, bytes).expect("room for the bytes");
    let out = tempfile::tempdir_in(FOLDER.path()).expect("a folder for the results");
    let words = ["sleep-analysis", "--quiet", "--mode", "serial", "run"].map(OsStr::new);
    let words = [&words[..], &[job.as_os_str(), "--out".as_ref(), out.path().as_os_str()]].concat();
    if let Err(error) = cli::of_words(&words) {
        assert!(!error.to_string().is_empty());
    }
});
