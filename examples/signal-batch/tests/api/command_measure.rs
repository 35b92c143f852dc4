//! `signal-batch measure`: captures of all kinds, broken ones among them, in every mode, killed and resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use manyhands_test_support::rng::Rng;
use serde_json::Value;
use signal_batch::files::{write_csv, write_npy, write_wav};
use signal_batch::{Capture, Metric, Table, workload};

use crate::program::{require_code, signal_batch};

/// The files that are the same however a run went.
const RESULTS: [&str; 3] = ["results.csv", "summary.json", "index.html"];

/// A few short captures of each kind in two batches, and in the second one some that are broken.
fn captures(folder: &Path) {
    for (batch, first) in [("lot_1", 0), ("lot_2", 4)] {
        let folder = folder.join(batch);
        fs::create_dir_all(&folder).unwrap();
        for number in first..first + 4 {
            let samples = workload::trace(number).samples()[..2000].to_vec();
            let capture = Capture::new("made", 1e6, samples).unwrap();
            let path = folder.join(format!("unit_{number}"));
            match number % 3 {
                0 => write_csv(&capture, &path.with_extension("csv")),
                1 => write_npy(&capture, &path.with_extension("npy")),
                _ => write_wav(&capture, &path.with_extension("wav")),
            }
            .unwrap();
        }
    }
    let broken = folder.join("lot_2");
    fs::write(broken.join("empty.csv"), "").unwrap();
    fs::write(broken.join("torn.wav"), &fs::read(broken.join("unit_5.wav")).unwrap()[..100]).unwrap();
    fs::write(broken.join("words.csv"), "1\ntwo\n").unwrap();
    fs::write(broken.join("one.csv"), "0.5\n").unwrap();
}

fn measure(arguments: &[&str], out: &Path, more: &[&str]) -> Output {
    signal_batch(&[&["measure"], arguments, &["--out", out.to_str().unwrap()], more].concat())
}

fn bytes(out: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    RESULTS.into_iter().map(|name| (name, fs::read(out.join(name)).unwrap())).collect()
}

fn assert_same(out: &Path, expected: &BTreeMap<&str, Vec<u8>>, what: &str) {
    for (name, found) in bytes(out) {
        assert!(found == expected[name], "{what}: {name} differs");
    }
}

#[test]
fn every_mode_writes_the_same_bytes_and_names_what_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    captures(&files);
    let mut serial = None;
    for (at, more) in [
        &["--mode", "serial"][..],
        &["--mode", "threads", "--workers", "3"],
        &["--mode", "io", "--workers", "5", "--memory", "1K"],
        &["--mode", "processes", "--workers", "2", "--time-limit", "10m"],
    ]
    .iter()
    .enumerate()
    {
        let out = folder.path().join(format!("out{at}"));
        let arguments = [files.to_str().unwrap(), "--rate", "1e6"];
        let (_, shown) = require_code(&measure(&arguments, &out, more), 1);
        for broken in ["lot_2/empty.csv", "lot_2/torn.wav", "lot_2/words.csv"] {
            assert!(shown.contains(&format!("{broken} failed")), "{more:?}: {shown}");
        }
        assert_same(&out, serial.get_or_insert_with(|| bytes(&out)), &more.join(" "));
    }
}

#[test]
fn every_capture_has_its_row_with_all_that_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("in"), folder.path().join("out"));
    captures(&files);
    require_code(&measure(&[files.to_str().unwrap(), "--rate", "1e6", "--unit", "mV"], &out, &[]), 1);
    let table = Table::read_csv(out.join("results.csv")).unwrap();
    let names: Vec<&str> = table.column_names().collect();
    assert_eq!(names[..5], ["file", "batch", "captured_at", "n_samples", "rate_hz"]);
    assert_eq!(names[5..20], Metric::ALL.map(Metric::name));
    assert_eq!(names[20..], ["unit", "error", "version"]);
    let row = |name: &str| table.text("file").unwrap().iter().position(|file| file == name).unwrap();
    assert_eq!(table.n_rows(), 12);
    let (good, bad, one) = (row("lot_1/unit_0.csv"), row("lot_2/empty.csv"), row("lot_2/one.csv"));
    let expected =
        signal_batch::measure::measure(&Capture::new("x", 1e6, workload::trace(0).samples()[..2000].to_vec()).unwrap());
    let expected = expected.unwrap();
    for metric in Metric::ALL {
        let found = table.number(metric.name()).unwrap()[good];
        assert!(
            found.to_bits() == expected[metric].to_bits() || found.is_nan() && expected[metric].is_nan(),
            "{metric:?}"
        );
        assert!(table.number(metric.name()).unwrap()[bad].is_nan());
    }
    let texts = |row: usize| ["batch", "unit", "error"].map(|name| table.text(name).unwrap()[row].as_str());
    assert_eq!(texts(good), ["lot_1", "mV", ""]);
    assert_eq!(texts(bad)[0], "lot_2");
    assert_eq!(texts(bad)[2], "is empty; export it again");
    assert_eq!((table.number("rms").unwrap()[one], table.number("std").unwrap()[one]), (0.5, 0.0));
    assert!(!table.text("captured_at").unwrap()[good].is_empty());
}

#[test]
fn only_what_is_wanted_is_measured_and_the_columns_stay() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    require_code(&measure(&["--made", "2", "--metrics", "rms,peak", "--batch", "=lot"], &out, &[]), 0);
    let table = Table::read_csv(out.join("results.csv")).unwrap();
    assert!(table.number("rms").unwrap().iter().all(|rms| *rms > 0.4));
    assert!(table.number("snr_db").unwrap().iter().all(|snr| snr.is_nan()));
    assert_eq!(table.text("batch").unwrap(), ["=lot", "=lot"]);
    assert_eq!(table.text("captured_at").unwrap()[1], "2026-01-01T00:00:01Z");
}

fn begun(out: &Path, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_signal-batch"))
        .args(["measure", "--made", "40", "--out", out.to_str().unwrap()])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many captures the journal has.
fn n_finished(out: &Path) -> u64 {
    let status = signal_batch(&["measure", "--out", out.to_str().unwrap(), "--status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
    status["succeeded"].as_u64().unwrap_or_default()
}

#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    require_code(&measure(&["--made", "40"], &whole, &[]), 0);
    let mut rng = Rng::for_test("a_run_that_is_killed_again_and_again_comes_to_the_same_bytes");
    let mut wanted = 0;
    for mode in ["serial", "processes", "threads"] {
        wanted += 1 + rng.below(9);
        let mut child = begun(&killed, &["--resume", "--quiet", "--workers", "2", "--mode", mode]);
        // It is killed while it measures the next captures, or has ended by itself.
        while child.try_wait().unwrap().is_none() && n_finished(&killed) < wanted {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
    }
    require_code(&measure(&["--made", "40"], &killed, &["--resume"]), 0);
    assert_same(&killed, &bytes(&whole), "killed");
}

#[cfg(unix)]
#[test]
fn the_first_signal_finishes_what_is_at_work_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    require_code(&measure(&["--made", "40"], &whole, &[]), 0);
    let mut child = begun(&out, &["--mode", "serial"]);
    while child.try_wait().unwrap().is_none() && n_finished(&out) < 2 {
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!out.join("results.csv").exists());
    let finished = n_finished(&out);
    assert!((2..40).contains(&finished), "{finished}");
    let done = measure(&["--made", "40", "--mode", "threads"], &out, &["--resume", "--json"]);
    let (summary, _) = require_code(&done, 0);
    assert_eq!(serde_json::from_str::<Value>(&summary).unwrap()["resumed"], finished);
    assert_same(&out, &bytes(&whole), "interrupted");
}

#[test]
fn a_folder_with_a_run_is_gone_on_with_or_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("in"), folder.path().join("out"));
    captures(&files);
    let run = |more: &[&str]| measure(&[files.to_str().unwrap(), "--rate", "1e6"], &out, more);
    require_code(&run(&[]), 1);
    let (_, shown) = require_code(&run(&[]), 2);
    assert!(shown.contains("holds a run already") && shown.contains("--resume"), "{shown}");
    let (_, shown) = require_code(&run(&["--resume", "--metrics", "basic"]), 2);
    assert!(shown.contains("--redo-changed"), "{shown}");
    let before = bytes(&out);
    let (_, shown) = require_code(&run(&["--resume", "--keep-failed"]), 1);
    assert!(shown.contains("words.csv failed"), "{shown}");
    assert_same(&out, &before, "failures of the journal");
    fs::write(files.join("lot_2/words.csv"), "1\n2\n").unwrap();
    require_code(&run(&["--resume"]), 1);
    fs::write(files.join("lot_2/one.csv"), "0.25\n0.5\n").unwrap();
    let (_, shown) = require_code(&run(&["--resume"]), 2);
    assert!(shown.contains("one.csv") && shown.contains("--redo-changed"), "{shown}");
    require_code(&run(&["--resume", "--redo-changed"]), 1);
    let table = Table::read_csv(out.join("results.csv")).unwrap();
    assert_eq!(table.text("error").unwrap().iter().filter(|error| !error.is_empty()).count(), 2);
    let (shown, _) = require_code(&measure(&[], &out, &["--status"]), 0);
    assert!(shown.contains("10 of 12 measured, 2 failed"), "{shown}");
    let (failed, _) = require_code(&measure(&[], &out, &["--failed", "--json"]), 0);
    let failed: Value = serde_json::from_str(&failed).unwrap();
    assert_eq!(failed["failed"][0]["file"], "lot_2/empty.csv", "{failed}");
}

#[test]
fn a_run_that_is_refused_leaves_what_is_noted_of_the_run_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    require_code(&measure(&["--made", "2"], &out, &[]), 0);
    let note = fs::read(out.join("run/captures.json")).unwrap();
    let (_, shown) = require_code(&measure(&["--made", "5", "--metrics", "basic"], &out, &["--resume"]), 2);
    assert!(shown.contains("--redo-changed"), "{shown}");
    assert_eq!(fs::read(out.join("run/captures.json")).unwrap(), note);
    let (shown, _) = require_code(&measure(&[], &out, &["--status"]), 0);
    assert!(shown.contains("2 of 2 measured"), "{shown}");
}

#[test]
fn results_in_the_folder_of_captures_are_no_captures() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("a.csv"), "1\n2\n").unwrap();
    let run = |more: &[&str]| measure(&[files.to_str().unwrap(), "--rate", "10"], &files.join("out"), more);
    require_code(&run(&[]), 0);
    let before = bytes(&files.join("out"));
    let (_, shown) = require_code(&run(&["--resume"]), 0);
    assert!(shown.contains("lies in the folder of the results"), "{shown}");
    let table = |out: &[u8]| Table::from_csv(out).unwrap();
    assert_eq!(fs::read(files.join("out/results.csv")).unwrap(), before["results.csv"]);
    assert_eq!(table(&before["results.csv"]).n_rows(), 1);
}

#[test]
fn names_that_a_table_or_a_terminal_would_obey_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(&files).unwrap();
    let names = ["=cmd.csv", "a,b\nc.csv", "esc\u{1b}[2J.csv", "quote\".csv"];
    names.iter().for_each(|name| fs::write(files.join(name), "one\n").unwrap());
    fs::write(files.join("fine.csv"), "1\n2\n").unwrap();
    for mode in ["threads", "processes"] {
        let out = out.join(mode);
        let done = measure(&[files.to_str().unwrap(), "--rate", "10"], &out, &["--mode", mode]);
        let (text, shown) = require_code(&done, 1);
        assert!(!shown.contains('\u{1b}') && !text.contains('\u{1b}') && shown.contains("u{1b}"), "{shown:?} {text:?}");
        let table = Table::read_csv(out.join("results.csv")).unwrap();
        let mut found: Vec<&str> = table.text("file").unwrap().iter().map(String::as_str).collect();
        found.sort_unstable();
        let mut expected = [&names[..], &["fine.csv"]].concat();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn what_cannot_run_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("in");
    captures(&files);
    let input = files.to_str().unwrap();
    let (file, other) = (files.join("lot_1/unit_0.csv"), folder.path().join("unit_0.csv"));
    fs::copy(&file, &other).unwrap();
    fs::write(files.join("notes.md"), "x").unwrap();
    let (file, other, notes) = (file.to_str().unwrap(), other.to_str().unwrap(), files.join("notes.md"));
    let absent = folder.path().join("absent.csv");
    for (at, (arguments, named)) in [
        (&[][..], "give --made N"),
        (&[input, "--made", "3"], "cannot be used with"),
        (&["--made", "0"], "not in"),
        (&["--made", "3", "--rate", "nan"], "cannot be used with"),
        (&["--made", "3", "--channel", "2"], "cannot be used with"),
        (&["--made", "3", "--column", "CH2"], "cannot be used with"),
        (&["--made", "3", "--workers", "0"], "1 or more"),
        (&["--made", "3", "--metrics", "rms,snr"], "there is no metric \"snr\""),
        (&["--made", "3", "--memory", "0"], "size"),
        (&["--made", "3", "--time-limit", "5s"], "--mode processes"),
        (&["--made", "3", "--time-limit", "soon"], "500ms"),
        (&["--made", "3", "--keep-failed"], "--resume"),
        (&[input, "--rate", "0"], "above zero"),
        (&[input, "--rate", "-5"], "above zero"),
        (&[input, "--channel", "0"], "1 or more"),
        (&[file, other], "unit_0.csv"),
        (&[file, file], "name it once"),
        (&[notes.to_str().unwrap()], "notes.md"),
        (&[absent.to_str().unwrap()], "absent.csv"),
        (&["--status"], "no run was begun"),
        (&["--failed"], "no run was begun"),
    ]
    .into_iter()
    .enumerate()
    {
        let out = folder.path().join(at.to_string());
        let (_, shown) = require_code(&measure(arguments, &out, &[]), 2);
        assert!(shown.contains(named), "{arguments:?}: {shown}");
    }
    let (_, shown) = require_code(&measure(&["--made", "1"], &absent.join("x"), &[]), 0);
    assert!(shown.is_empty() || absent.is_dir(), "{shown}");
    let (_, shown) = require_code(&measure(&["--made", "1"], &Path::new(other).join("x"), &[]), 2);
    assert!(shown.contains("choose another with --out"), "{shown}");
}

#[test]
fn a_named_file_that_is_no_capture_shows_in_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    captures(folder.path());
    let (good, notes) = (folder.path().join("lot_1/unit_0.csv"), folder.path().join("notes.md"));
    fs::write(&notes, "x").unwrap();
    let out = folder.path().join("out");
    let (_, shown) = require_code(&measure(&[good.to_str().unwrap(), notes.to_str().unwrap()], &out, &[]), 1);
    assert!(shown.contains("notes.md"), "{shown}");
}

#[test]
fn when_no_capture_can_be_measured_the_table_still_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("words.csv"), folder.path().join("out"));
    fs::write(&file, "one\n").unwrap();
    let (_, shown) = require_code(&measure(&[file.to_str().unwrap(), "--rate", "1"], &out, &[]), 2);
    assert!(shown.contains("words.csv failed"), "{shown}");
    let table = Table::read_csv(out.join("results.csv")).unwrap();
    assert!(!table.text("error").unwrap()[0].is_empty());
}

#[test]
fn a_capture_that_takes_too_long_costs_itself_in_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("long.csv"), "0.5\n-1.25\n".repeat(4_000_000)).unwrap();
    fs::write(files.join("short.csv"), "1\n2\n").unwrap();
    let arguments = [files.to_str().unwrap(), "--rate", "10", "--mode", "processes", "--time-limit", "1500ms"];
    let (_, shown) = require_code(&measure(&arguments, &out, &[]), 1);
    assert!(shown.contains("long.csv failed: took longer than its time limit of 1.5s"), "{shown}");
    let table = Table::read_csv(out.join("results.csv")).unwrap();
    assert_eq!(table.text("error").unwrap()[1], "");
}

#[test]
fn the_summary_in_json_is_one_object_and_nothing_else_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let out: PathBuf = folder.path().join("out");
    let (text, shown) = require_code(&measure(&["--made", "3"], &out, &["--json"]), 0);
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&summary["captures"], &summary["succeeded"]), (&3.into(), &3.into()), "{summary}");
    assert!(shown.is_empty(), "{shown}");
    let (text, shown) = require_code(&measure(&["--made", "3"], &out, &["--resume", "--quiet"]), 0);
    assert!(text.is_empty() && shown.is_empty(), "{text} {shown}");
}

#[test]
fn a_rate_that_overrules_what_files_state_is_noted_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (files, out) = (folder.path().join("in"), folder.path().join("out"));
    captures(&files);
    let lot = files.join("lot_1");
    let (text, shown) = require_code(&measure(&[lot.to_str().unwrap(), "--rate", "1000"], &out, &[]), 0);
    let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [unwrapped, shown] {
        assert!(said.contains("3 captures measured at 1000 samples per second"), "{said}");
        assert!(said.contains("such as unit_0.csv with 1000000"), "{said}");
    }
    assert!(fs::read_to_string(out.join("summary.json")).unwrap().contains("state another rate"));
    let other = folder.path().join("other");
    let (_, shown) = require_code(&measure(&[lot.to_str().unwrap(), "--rate", "1e6"], &other, &[]), 0);
    assert!(!shown.contains("another rate"), "{shown}");
}
