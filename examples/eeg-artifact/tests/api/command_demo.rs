//! `eeg-artifact` without a command, `scaling` and `steps`.

use std::fs;

use serde_json::Value;

use crate::command_run::eeg_artifact;

fn json_of(arguments: &[&str], code: i32) -> Value {
    let output = eeg_artifact(arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: stdout: {out}\nstderr: {err}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_made_recording_is_cleaned_to_the_same_bytes_in_every_mode() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = None;
    for (mode, workers) in [("serial", "1"), ("threads", "3"), ("io", "2"), ("processes", "2")] {
        let out = folder.path().join(mode);
        let place = out.to_str().unwrap();
        let made = ["--seconds", "20", "--eeg-channels", "5", "--step", "aas:window_size=12", "--out", place];
        let summary = json_of(&[&made[..], &["--mode", mode, "--workers", workers, "--json"]].concat(), 0);
        assert!(summary["quality"][0]["truth"]["snr_gain_db"].as_f64().unwrap() > 6.0, "{summary}");
        let names = ["made.edf", "cleaned.edf", "report.json", "index.html"];
        let files = names.map(|name| fs::read(out.join(name)).unwrap());
        let expected = expected.get_or_insert_with(|| files.clone());
        assert!(*expected == files, "{mode} wrote other bytes than serial");
    }
}

#[test]
fn a_made_recording_too_short_to_be_measured_is_cleaned_and_says_so_without_numbers_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let output = eeg_artifact(&["--seconds", "9", "--eeg-channels", "4", "--step", "aas", "--out", place]);
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}{warned}");
    assert!(!said.contains("NaN") && warned.contains("was not measured"), "{said}{warned}");
    assert!(said.contains("needs about"), "{said}");
}

#[test]
fn scaling_times_every_number_of_workers_whatever_the_mode_and_refuses_what_it_would_ignore() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    eeg_artifact(&["--seconds", "9", "--eeg-channels", "3", "--step", "highpass:freq=20", "--out", place]);
    let made = folder.path().join("made.edf");
    let given = ["scaling", "--out", place, "--rounds", "1", "--step", "highpass:freq=20", "--mode", "serial"];
    let summary = json_of(&[&given[..], &[made.to_str().unwrap(), "--workers", "2", "--json"]].concat(), 0);
    assert_eq!(summary["times"].as_array().unwrap().len(), 5, "{summary}");
    assert!(summary["verdict"].as_str().unwrap().starts_with("Parallel work"), "{summary}");
    assert!(folder.path().join("scaling.html").is_file());
    let output = eeg_artifact(&[&given[..], &["--bad", "Cz"]].concat());
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && warned.contains("--bad"), "{warned}");
}

#[test]
fn all_steps_are_listed_with_their_parameters() {
    let steps = json_of(&["steps", "--json"], 0);
    let safe: Vec<(&str, bool)> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["name"].as_str().unwrap(), step["parallel_safe"].as_bool().unwrap()))
        .collect();
    let whole: Vec<&str> = safe.iter().filter(|(_, is_safe)| !is_safe).map(|(name, _)| *name).collect();
    assert_eq!((safe.len(), whole), (14, vec!["triggers", "aligner"]));
    let anc = steps.as_array().unwrap().iter().find(|step| step["name"] == "anc").unwrap();
    assert!(anc["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "variant"), "{anc}");
}
