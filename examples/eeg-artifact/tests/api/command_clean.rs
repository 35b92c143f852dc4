//! `eeg-artifact clean`: many recordings, one of them torn, in every mode, killed and resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use eeg_artifact::files::{FileKind, write_recording};
use eeg_artifact::synthetic::{SceneSettings, made_recording};
use manyhands_test_support::rng::Rng;
use serde_json::Value;

use crate::command_run::eeg_artifact;
use crate::golden::golden;

/// Writes so many short recordings as EDF, and cuts one of them in the middle.
fn recordings(folder: &Path, n_files: u64, torn: Option<u64>) {
    fs::create_dir_all(folder).unwrap();
    for number in 0..n_files {
        let settings = SceneSettings {
            n_eeg: 4,
            duration_s: 12.0,
            sfreq_hz: 250.0,
            seed: number,
            scan_start_s: 1.0,
            repetition_time_s: 0.5,
            slices_per_volume: 5,
            n_movements: 0,
            ..SceneSettings::default()
        };
        let made = made_recording(settings).unwrap();
        let stem = folder.join(format!("scan{number:02}"));
        write_recording(&stem, FileKind::Edf, &made.recording, None).unwrap();
        if torn == Some(number) {
            let path = FileKind::Edf.path(&stem);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
}

fn clean(folder: &Path, out: &Path, more: &[&str]) -> Output {
    eeg_artifact(&arguments(folder, out, more))
}

fn arguments<'a>(folder: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["clean", folder.to_str().unwrap(), "--out", out.to_str().unwrap(), "--triggers", "^1$"];
    arguments.extend(["--step", "highpass:freq=1", "--step", "aas:window_size=8", "--step", "lowpass:freq=70"]);
    arguments.extend(more);
    arguments
}

/// The bytes of all results: everything in the folder of results but `run`.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(out).unwrap().to_owned();
            if inside == Path::new("run") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(inside, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn assert_same(found: &BTreeMap<PathBuf, Vec<u8>>, expected: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{what}");
    for (name, bytes) in found {
        assert!(bytes == &expected[name], "{what}: {} differs", name.display());
    }
}

fn require_code(output: &Output, code: i32) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    err.into_owned()
}

#[test]
fn every_mode_and_every_budget_writes_the_same_bytes_and_names_the_torn_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 4, Some(2));
    let mut serial = None;
    for (idx, more) in [
        &["--mode", "serial"][..],
        &["--mode", "threads", "--workers", "3"],
        &["--mode", "processes", "--workers", "2"],
        &["--mode", "threads", "--workers", "2", "--memory", "100K"],
        &["--mode", "io", "--workers", "5", "--chunk-size", "3", "--min-channels", "99"],
    ]
    .iter()
    .enumerate()
    {
        let out = folder.path().join(format!("out{idx}"));
        let shown = require_code(&clean(&files, &out, more), 1);
        assert!(shown.contains("scan02") && shown.contains("not whole"), "{shown}");
        assert!(!out.join("scan00/rows").exists());
        let found = results(&out);
        assert!(found.contains_key(Path::new("scan00/cleaned.edf")), "{:?}", found.keys());
        assert_same(&found, serial.get_or_insert_with(|| found.clone()), &more.join(" "));
    }
}

#[test]
fn one_recording_in_processes_is_the_same_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 1, None);
    let (serial, processes) = (folder.path().join("serial"), folder.path().join("processes"));
    require_code(&clean(&files, &serial, &["--mode", "serial"]), 0);
    require_code(&clean(&files, &processes, &["--mode", "processes", "--workers", "2", "--min-minutes", "0"]), 0);
    assert_same(&results(&processes), &results(&serial), "processes");
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 20, Some(7));
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    require_code(&clean(&files, &whole, &[]), 1);
    let mut rng = Rng::for_test("a_run_that_is_killed_again_and_again_comes_to_the_same_bytes");
    let mut n_folders = 0;
    while n_folders < 16 {
        n_folders += 1 + rng.below(6);
        let more = ["--resume", "--quiet", "--workers", "2"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_eeg-artifact"))
            .args(arguments(&files, &killed, &more))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It is killed while it works on the next recordings, or has ended by itself.
        while child.try_wait().unwrap().is_none() && count_folders(&killed) < n_folders {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    let shown = require_code(&clean(&files, &killed, &["--resume"]), 1);
    assert!(shown.contains("scan07"), "{shown}");
    assert_same(&results(&killed), &results(&whole), "killed");
    let failed = eeg_artifact(&["clean", "--out", killed.to_str().unwrap(), "--failed", "--json"]);
    let failed: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(failed["failed"][0]["name"], "scan07", "{failed}");
}

fn count_folders(out: &Path) -> u64 {
    fs::read_dir(out).map_or(0, |entries| entries.flatten().filter(|entry| entry.path().is_dir()).count() as u64)
}

#[test]
fn what_cannot_be_cleaned_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 1, None);
    let file = files.join("scan00.edf");
    let file = file.to_str().unwrap();
    for (idx, (more, code, named)) in [
        (&["--step", "aas"][..], 2, "say with --triggers"),
        (&["--step", "aas"], 2, "its events are 2 (84 times), 1 (21 times)"),
        (&["--triggers", "^9$"], 2, "triggers"),
        (&["--triggers", "("], 2, "regex"),
        (&["--triggers", "^1$", "--step", "notch:freqs=[200]"], 2, "200"),
        (&["--triggers", "^1$", "--step", "aass"], 2, "\"aas\""),
        (&["--triggers", "^1$", "--bad", "Nowhere"], 2, "Nowhere"),
        (&["--triggers", "^1$", "--channels", "Fp1,Fp1"], 2, "twice"),
        (&["--triggers", "^1$", "--kind", "Fp1=egg"], 2, "egg"),
        (&["--triggers", "^1$", "--memory", "0"], 2, "size"),
        (&["--triggers", "^1$", "--workers", "0"], 2, "1 or more"),
        (&["--triggers", "^1$", "--pipeline", "absent.toml"], 2, "absent.toml"),
        (&["--triggers", "^1$", "--format", "pdf"], 2, "brainvision"),
    ]
    .into_iter()
    .enumerate()
    {
        let out = folder.path().join(idx.to_string());
        let mut arguments = vec!["clean", file, "--out", out.to_str().unwrap()];
        arguments.extend(more);
        let shown = require_code(&eeg_artifact(&arguments), code);
        assert!(shown.contains(named), "{more:?}: {shown}");
    }
}

#[test]
fn filters_alone_are_compared_with_what_was_read_and_warn_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 1, None);
    let out = folder.path().join("out");
    let (input, output) = (files.to_str().unwrap(), out.to_str().unwrap());
    let flags = ["--step", "highpass:freq=1", "--step", "lowpass:freq=30"];
    let shown = require_code(&eeg_artifact(&[&["clean", input, "--out", output][..], &flags].concat()), 0);
    assert!(!shown.contains("warning"), "{shown}");
    let page = fs::read_to_string(out.join("scan00/index.html")).unwrap();
    assert!(page.contains("Before: as it was read.") && !page.contains("with triggers"), "{page}");
    let status = stdout(&eeg_artifact(&["clean", "--out", output, "--status"]));
    assert!(status.contains("1 of 1 cleaned"), "{status}");
    let changed = ["clean", input, "--out", output, "--resume", "--step", "lowpass:freq=30"];
    let refused = require_code(&eeg_artifact(&changed), 2);
    assert!(refused.contains("--resume --step lowpass:freq=30 --redo-changed"), "{refused}");
}

fn stdout(output: &Output) -> String {
    require_code(output, 0);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines of a help text from one that ends with `from` to the first that is empty, without the indentation.
fn part_of_help(command: &str, from: &str) -> String {
    let help = stdout(&eeg_artifact(&[command, "--help"]));
    let lines = help.lines().skip_while(|line| !line.ends_with(from)).skip(1).take_while(|line| !line.is_empty());
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

#[test]
fn the_pipeline_file_of_the_help_text_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 1, None);
    let (toml, out) = (folder.path().join("pipeline.toml"), folder.path().join("out"));
    fs::write(&toml, part_of_help("clean", "in order:")).unwrap();
    let arguments =
        ["clean", files.to_str().unwrap(), "--out", out.to_str().unwrap(), "--pipeline", toml.to_str().unwrap()];
    require_code(&eeg_artifact(&arguments), 0);
    let report = fs::read_to_string(out.join("scan00/report.json")).unwrap();
    assert!(report.contains("lowpass"), "{report}");
}

#[test]
fn a_pipeline_file_says_the_same_as_flags() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    recordings(&files, 1, None);
    let toml = folder.path().join("pipeline.toml");
    let text = "[[steps]]\ntriggers = { regex = \"^1$\" }\n[[steps]]\nhighpass = { freq = 1 }\n\
                [[steps]]\naas = { window_size = 8 }\n[[steps]]\nlowpass = { freq = 70.0 }\n";
    fs::write(&toml, text).unwrap();
    let (flags, file) = (folder.path().join("flags"), folder.path().join("file"));
    require_code(&clean(&files, &flags, &[]), 0);
    let arguments =
        ["clean", files.to_str().unwrap(), "--out", file.to_str().unwrap(), "--pipeline", toml.to_str().unwrap()];
    require_code(&eeg_artifact(&arguments), 0);
    assert_same(&results(&file), &results(&flags), "pipeline file");
    fs::write(&toml, "[[steps]]\nhighpas = { freq = 1 }\n").unwrap();
    let again = folder.path().join("again");
    let arguments =
        ["clean", files.to_str().unwrap(), "--out", again.to_str().unwrap(), "--pipeline", toml.to_str().unwrap()];
    assert!(require_code(&eeg_artifact(&arguments), 2).contains("\"highpass\""));
}

#[test]
fn channels_that_are_left_out_unasked_show_in_the_exit_code() {
    let Some(file) = shared_eeg("test_uneven_samp.edf") else { return };
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (all, chosen) = (out("all"), out("chosen"));
    let steps = ["--step", "lowpass:freq=1"];
    let shown = require_code(&eeg_artifact(&[&["clean", &file, "--out", &all], &steps[..]].concat()), 1);
    assert!(shown.contains("left out") && shown.contains("--channels"), "{shown}");
    let report = fs::read(Path::new(&all).join("test_uneven_samp/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let named = report["channels"][0]["name"].as_str().unwrap();
    let given = ["clean", &file, "--out", &chosen, "--channels", named, "--min-minutes", "0"];
    require_code(&eeg_artifact(&[&given[..], &["--step", "crop:tmax=1"]].concat()), 0);
}

/// A real recording, or none and a loud line where the shared files are absent.
fn shared_eeg(name: &str) -> Option<String> {
    golden()?;
    Some(format!("{}/../../../shared/data/eeg/{name}", env!("CARGO_MANIFEST_DIR")))
}

#[test]
fn a_file_of_a_step_that_changes_is_noticed_when_a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out, taps) = (folder.path().join("in"), folder.path().join("out"), folder.path().join("taps.f64"));
    recordings(&files, 1, None);
    let write_taps = |tap: f64| fs::write(&taps, [0.0, tap, 0.0].map(f64::to_le_bytes).concat()).unwrap();
    write_taps(1.0);
    let step = format!("anc:highpass_taps={}", taps.display());
    let run = |more: &[&str]| {
        let given = ["clean", files.to_str().unwrap(), "--out", out.to_str().unwrap(), "--triggers", "^1$"];
        eeg_artifact(&[&given[..], &["--step", "aas:window_size=8", "--step", &step], more].concat())
    };
    require_code(&run(&[]), 0);
    require_code(&run(&["--resume"]), 0);
    write_taps(0.5);
    let shown = require_code(&run(&["--resume"]), 2);
    assert!(shown.contains("--redo-changed"), "{shown}");
    require_code(&run(&["--resume", "--redo-changed"]), 0);
}
