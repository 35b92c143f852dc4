//! `signal-batch demo`: each demonstration finds what is stored, in every mode, with and without a graphics processor.

use std::process::{Command, Output};

use serde_json::Value;

fn demo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signal-batch"));
    command.arg("demo").args(arguments);
    command
}

fn shown(command: &mut Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    (out, err)
}

/// Shows a demonstration, checks it, and fails where a line is wider than a terminal.
fn checked(which: &str, more: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let (said, warned) = shown(demo(&[which, "--check", "--out", out]).args(more), 0);
    // The place is as long as the system makes it.
    let widest = said.replace(out, "out").lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns: {said}");
    (said, warned)
}

#[test]
fn pools_agree_and_what_dies_in_a_worker_costs_its_own_item() {
    let (said, warned) = checked("1", &[]);
    for line in ["serial", "threads", "io", "processes", "aborts", "never ends", "Which pool when"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!warned.contains("panicked"), "a planned panic is in the failure and nowhere else: {warned}");
}

#[test]
fn aggregation_finds_in_groups_what_the_pooled_rule_misses_in_every_mode() {
    for (mode, workers) in [("serial", "1"), ("threads", "3"), ("io", "2"), ("processes", "2")] {
        let (said, _) = checked("2", &["--mode", mode, "--workers", workers]);
        assert!(said.contains("rms, both lines together: none"), "{said}");
        assert!(said.contains("north for itself: unit_07") && said.contains("south for itself: unit_31"), "{said}");
    }
}

#[test]
fn progress_names_the_stall_and_the_second_run_does_only_the_rest() {
    for (mode, workers) in [("serial", "1"), ("threads", "2"), ("processes", "2")] {
        let (said, warned) = checked("3", &["--mode", mode, "--workers", workers]);
        assert!(
            said.contains("the disk is full")
                && said.contains("38 of 38 captures have a value, 19 of them from the journal"),
            "{said}"
        );
        assert!(warned.contains("has been in hand for") && warned.contains("% ok"), "{warned}");
    }
    let (_, warned) = checked("3", &["--quiet"]);
    assert_eq!(warned, "");
}

#[test]
fn every_method_gives_the_same_values_and_one_is_recommended_for_a_measured_reason() {
    let (said, _) = checked("4", &[]);
    assert!(said.contains("speed-up") && said.contains("times as fast"), "{said}");
    assert!(said.contains("\n  gpu"), "{said}");
}

#[test]
fn without_a_graphics_processor_the_table_says_why_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = demo(&["4", "--check", "--out", folder.path().to_str().unwrap()]);
    // Where the loader of Vulkan looks for drivers.
    command.env("VK_DRIVER_FILES", "/dev/null").env("VK_ICD_FILENAMES", "/dev/null");
    let (said, _) = shown(&mut command, 0);
    assert!(said.contains("gpu          not timed:"), "{said}");
}

#[test]
fn what_is_found_comes_as_json_with_what_was_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (said, _) = shown(&mut demo(&["2", "--check", "--json", "--out", folder.path().to_str().unwrap()]), 0);
    let summary: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(summary["demos"]["aggregation"]["groups"]["found in north"][0], "unit_07", "{summary}");
    assert!(summary["checked"].as_array().unwrap().iter().any(|checked| checked["feature"] == "groups"), "{summary}");
}

#[test]
fn a_demonstration_that_does_not_exist_and_a_place_that_cannot_be_written_are_refused() {
    shown(&mut demo(&["5"]), 2);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (_, warned) = shown(&mut demo(&["2", "--out", file.to_str().unwrap()]), 2);
    assert!(warned.contains("--out"), "{warned}");
}
