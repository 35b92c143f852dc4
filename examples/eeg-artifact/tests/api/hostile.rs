//! Inputs that would lead a command elsewhere, take more memory than there is, or leave something behind.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use eeg_artifact::files::{FileKind, write_recording};
use eeg_artifact::synthetic::{SceneSettings, made_recording};
use eeg_artifact::{Channel, ChannelKind, EegResult, Pipeline, Recording, SerialExecutor, Step, Triggers};
use serde_json::{Value, json};

use crate::command_run::eeg_artifact;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn write_edf(path: &Path) {
    let settings = SceneSettings {
        n_eeg: 2,
        duration_s: 12.0,
        sfreq_hz: 250.0,
        scan_start_s: 1.0,
        repetition_time_s: 0.5,
        slices_per_volume: 5,
        n_movements: 0,
        ..SceneSettings::default()
    };
    let stem = path.with_file_name("made");
    write_recording(&stem, FileKind::Edf, &made_recording(settings).unwrap().recording, None).unwrap();
    fs::rename(FileKind::Edf.path(&stem), path).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_recording_whose_name_leads_out_of_the_folder_of_results_is_written_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("...edf"), folder.path().join("out"));
    write_edf(&file);
    let output = eeg_artifact(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--triggers", "^1$"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(names(folder.path()), ["...edf", "out"]);
    assert_eq!(names(&out), ["...edf", "index.html", "run"]);
}

#[test]
fn rows_that_a_killed_run_left_are_removed_also_by_a_run_that_needs_none() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("a.edf"), folder.path().join("out"));
    write_edf(&file);
    let rows = out.join("a").join("rows");
    fs::create_dir_all(&rows).unwrap();
    fs::write(rows.join("row00000.1"), "samples").unwrap();
    let output = eeg_artifact(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--triggers", "^1$"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(!rows.exists());
}

#[test]
fn an_offset_that_is_no_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("a.edf"), folder.path().join("out"));
    write_edf(&file);
    let out = out.to_str().unwrap();
    let output = eeg_artifact(&["clean", file.to_str().unwrap(), "--out", out, "--triggers", "^1$", "--offset", "NaN"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("artifact_offset_s = NaN"), "{}", text(&output));
}

fn aligned(upsampling_factor: usize, settings: &Value) -> EegResult<()> {
    let row: Vec<f64> = (0..500).map(|t| (0.1 * f64::from(t)).sin()).collect();
    let mut recording = Recording::new(100.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![row]).unwrap();
    recording.info_mut().triggers = Some(Triggers::from_samples(vec![50, 150, 250, 350]));
    recording.info_mut().upsampling_factor = upsampling_factor;
    Pipeline::new([Step::from_json("aligner", settings).unwrap()]).run(&mut recording, &SerialExecutor)
}

#[test]
fn an_upsampling_factor_beyond_all_memory_is_refused_before_memory_is_reserved() {
    for factor in [10_000_000, 1 << 40, 1 << 63, usize::MAX] {
        let error = aligned(factor, &json!({})).unwrap_err().to_string();
        assert!(error.contains("upsampling_factor") && error.contains("upsample_for_alignment"), "{error}");
        let error = aligned(factor, &json!({ "upsample_for_alignment": false })).unwrap_err().to_string();
        assert!(error.contains("search_window"), "{error}");
    }
    aligned(10, &json!({})).unwrap();
}

#[test]
fn a_trigger_case_that_claims_more_samples_than_memory_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (job, out) = (folder.path().join("job.json"), folder.path().join("out"));
    let case = |n_times: u64, at: u64| json!({ "source": "stim", "sfreq": 250, "n_times": n_times, "regex": "1", "value_changes_at": [[at, 1]] });
    let cases = [case(1 << 63, 1), case(1 << 40, 1), case(10, 10), case(10, 5)];
    fs::write(&job, json!({ "trigger_cases": cases }).to_string()).unwrap();
    let output = eeg_artifact(&["run", job.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", text(&output));
    let result: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    let error = |case: usize| result["trigger_cases"][case]["error"].as_str().unwrap_or_default().to_owned();
    for case in [0, 1] {
        assert!(error(case).contains("n_times where at most"), "{result}");
    }
    assert!(error(2).contains("changes at sample 10"), "{result}");
    assert_eq!(result["trigger_cases"][3]["triggers"], json!([5]), "{result}");
}

#[test]
fn scaling_says_before_it_measures_that_its_folder_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("a.edf"), folder.path().join("file"));
    write_edf(&file);
    fs::write(&out, "").unwrap();
    // So many rounds would take longer than any test may.
    let mut running = scaling(&file, &out, folder.path(), "1000000").stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while running.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            running.kill().unwrap();
            panic!("it measured first");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("--out"), "{}", text(&output));
}

fn scaling(file: &Path, out: &Path, temporary: &Path, rounds: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eeg-artifact"));
    command.env("TMPDIR", temporary).arg("scaling").arg(file).arg("--out").arg(out);
    command.args(["--triggers", "^1$", "--quiet", "--workers", "1", "--rounds", rounds]);
    command
}

/// Starts it, and sends it a signal as soon as it has temporary files.
#[cfg(unix)]
fn end_scaling(signal: &str, file: &Path, out: &Path, temporary: &Path) -> ExitStatus {
    let mut running = scaling(file, out, temporary, "1000000").spawn().unwrap();
    while names(temporary).is_empty() {
        assert!(running.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").arg(signal).arg(running.id().to_string()).status().unwrap().success());
    running.wait().unwrap()
}

#[cfg(unix)]
#[test]
fn scaling_leaves_no_temporary_files_when_it_is_ended_and_removes_those_of_one_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out, temporary) = (folder.path().join("a.edf"), folder.path().join("out"), folder.path().join("tmp"));
    write_edf(&file);
    fs::create_dir(&temporary).unwrap();
    assert_eq!(end_scaling("-TERM", &file, &out, &temporary).code(), Some(143));
    assert_eq!(names(&temporary), [""; 0]);
    end_scaling("-KILL", &file, &out, &temporary);
    let output = scaling(&file, &out, &temporary, "1").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(names(&temporary), [""; 0]);
}
