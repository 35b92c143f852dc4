//! `signal-batch measure --device`: the same results from a device within its tolerance, and the cores' bytes where there is none.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use gpu::{Device, GpuError};
use serde_json::Value;
use signal_batch::{Metric, Table};

use crate::program::require_code;

/// Whether there is a device, or a line that says why not. With `MANYHANDS_REQUIRE_GPU` set, absence is a failure.
fn has_device() -> bool {
    match Device::find() {
        Ok(_) => true,
        Err(GpuError::NoDevice { reason }) if std::env::var_os("MANYHANDS_REQUIRE_GPU").is_none() => {
            // Not `eprintln`, which a test that passes keeps to itself.
            writeln!(std::io::stderr(), "SKIPPED: no graphics processor, so nothing was measured on one: {reason}")
                .expect("the terminal takes a line");
            false
        }
        Err(error) => panic!("a device is required: {error}"),
    }
}

fn measure(out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signal-batch"));
    command.args(["measure", "--made", "5", "--workers", "2", "--out", out.to_str().unwrap()]).args(more);
    command
}

/// Runs the command where no driver offers a device.
fn without_devices(mut command: Command) -> Output {
    command.env("VK_DRIVER_FILES", "/nowhere").env("VK_ICD_FILENAMES", "/nowhere").output().unwrap()
}

fn device_of(out: &Path) -> String {
    let summary: Value = serde_json::from_slice(&fs::read(out.join("summary.json")).unwrap()).unwrap();
    summary["facts"]["Device"].as_str().unwrap().to_owned()
}

#[test]
fn a_device_measures_what_the_cores_do_within_its_tolerance_and_the_results_say_so() {
    if !has_device() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cores = folder.path().join("cores");
    require_code(&measure(&cores, &[]).output().unwrap(), 0);
    let expected = Table::read_csv(cores.join("results.csv")).unwrap();
    for mode in ["threads", "processes"] {
        let out = folder.path().join(mode);
        require_code(&measure(&out, &["--device", "gpu", "--mode", mode]).output().unwrap(), 0);
        assert!(device_of(&out).starts_with("gpu (") && device_of(&out).ends_with("f32)"), "{}", device_of(&out));
        let found = Table::read_csv(out.join("results.csv")).unwrap();
        for metric in Metric::ALL.map(Metric::name) {
            for (found, expected) in found.number(metric).unwrap().iter().zip(expected.number(metric).unwrap()) {
                // Of full scale, which is about 1 V; sums of powers are large.
                assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{metric}: {found}, {expected}");
            }
        }
        let differ = |name: &str| found.number(name) != expected.number(name);
        assert!(differ("rms") && differ("total_power"), "the cores did it");
        assert!(!differ("snr_db") && !differ("dominant_frequency"));
        // A run that goes on keeps to its device, whatever an estimate says now.
        require_code(&measure(&out, &["--device", "auto", "--resume", "--mode", mode]).output().unwrap(), 0);
        let (_, shown) = require_code(&measure(&out, &["--device", "cpu", "--resume"]).output().unwrap(), 2);
        assert!(shown.contains("--redo-changed"), "{shown}");
    }
}

#[test]
fn without_a_device_every_choice_gives_the_bytes_of_the_cores_and_gpu_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    require_code(&without_devices(measure(&out("cpu"), &["--device", "cpu"])), 0);
    for device in ["gpu", "auto"] {
        let done = without_devices(measure(&out(device), &["--device", device, "--json"]));
        let (_, shown) = require_code(&done, 0);
        // Five captures are too few for `auto` to look for a device.
        let n_lines = usize::from(device == "gpu");
        assert_eq!(shown.lines().filter(|line| line.contains("computing on the cores")).count(), n_lines, "{shown}");
        assert_eq!(device_of(&out(device)), "cpu");
        for name in ["results.csv", "summary.json", "index.html"] {
            assert_eq!(
                fs::read(out(device).join(name)).unwrap(),
                fs::read(out("cpu").join(name)).unwrap(),
                "{device} {name}"
            );
        }
    }
}

#[test]
fn what_no_device_measures_is_left_to_the_cores_and_other_words_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (_, shown) = require_code(&measure(&out, &["--device", "gpu", "--metrics", "rise_time"]).output().unwrap(), 0);
    assert!(shown.contains("a device measures none of these metrics"), "{shown}");
    let (_, shown) = require_code(&measure(&out, &["--device", "cuda"]).output().unwrap(), 2);
    assert!(shown.contains("give auto, cpu or gpu"), "{shown}");
}
