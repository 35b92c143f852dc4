//! `signal-batch` without a command: the tour finds the planted faults, runs again, and the commands that it names work.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn signal_batch(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signal-batch")).args(arguments).current_dir(folder).output().unwrap()
}

fn tour(folder: &Path, more: &[&str]) -> (String, String) {
    let Output { status, stdout, stderr } = signal_batch(folder, more);
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(0), "stdout: {out}\nstderr: {err}");
    (out, err)
}

#[test]
fn the_tour_finds_every_planted_fault_and_leaves_a_page_within_80_columns() {
    let folder = tempfile::tempdir().unwrap();
    let (said, warned) = tour(folder.path(), &[]);
    for unit in ["unit_07", "unit_18", "unit_31", "unit_40", "unit_44"] {
        assert!(said.contains(unit) || warned.contains(unit), "{unit}: {said}{warned}");
    }
    let widest = said.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns: {said}");
    for file in ["index.html", "measured/results.csv", "validated/verdicts.csv", "limits.toml"] {
        assert!(folder.path().join("signal-out").join(file).is_file(), "{file}: {said}");
    }
    let (again, _) = tour(folder.path(), &[]);
    assert!(again.contains("unit_07"), "{again}");
}

#[test]
fn the_commands_that_the_tour_names_can_be_run_as_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let (said, _) = tour(folder.path(), &["--mode", "serial"]);
    // A long command goes on in the next line, as in a shell.
    let said = said.replace("\\\n", "");
    let commands: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("signal-batch ")).collect();
    assert!(commands.len() >= 3, "{said}");
    for command in commands.iter().filter(|command| !command.starts_with("demo")) {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let output = signal_batch(folder.path(), &arguments);
        let warned = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}: {warned}");
    }
}

#[test]
fn the_tour_is_one_json_object_when_json_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (said, _) = tour(folder.path(), &["--json", "--out", "elsewhere", "--mode", "processes", "--workers", "2"]);
    let summary: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(summary["page"], "elsewhere/index.html", "{summary}");
}
