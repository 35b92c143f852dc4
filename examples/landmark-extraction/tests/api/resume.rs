//! What is done is not done again, and what is not whole is: after kills, damage, changes, and the death of a worker.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use landmark_extraction::sample::unfinished_rows;
use manyhands_test_support::processes::{Process, children};
use manyhands_test_support::rng::Rng;
use manyhands_test_support::wait::wait_until;

use crate::program::{Set, arrays, assert_same_arrays, json, leftovers, program, require_code, table};

/// Nothing that is waited for takes so long.
const LONG: Duration = Duration::from_secs(60);

fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Waits while the program runs; false when it has ended.
fn runs_until(child: &mut Child, mut condition: impl FnMut() -> bool) -> bool {
    let mut runs = true;
    wait_until("it is so far, or has ended", LONG, || {
        runs = child.try_wait().unwrap().is_none();
        !runs || condition()
    });
    runs
}

#[test]
fn a_run_that_is_killed_twenty_five_times_comes_to_the_same_bytes() {
    let set = Set::drawn(200, 2);
    require_code(&set.extract("whole", &["--mode", "threads", "--quiet"]), 0);
    let mut rng = Rng::for_test("a_run_that_is_killed_twenty_five_times_comes_to_the_same_bytes");
    let killed = set.path("killed");
    let (mut n_kills, mut n_before) = (0, 0);
    while n_kills < 25 {
        let n_arrays = n_before + 1 + rng.index(7);
        let mode = if rng.one_in(2) { "threads" } else { "processes" };
        let mut child = set.start("killed", &["--mode", mode, "--quiet", "--workers", "2"]);
        let is_at_work = runs_until(&mut child, || arrays(&killed).len() >= n_arrays);
        assert!(is_at_work, "it was done after {n_kills} kills");
        child.kill().unwrap();
        child.wait().unwrap();
        (n_kills, n_before) = (n_kills + 1, arrays(&killed).len());
    }
    let output = set.extract("killed", &["--mode", "threads", "--workers", "2"]);
    require_code(&output, 0);
    assert_same_arrays(&killed, &set.path("whole"));
    assert_eq!(arrays(&killed).len(), 200);
    for split in ["train", "dev", "test"] {
        assert_eq!(leftovers(&killed.join(split)), [""; 0], "{split}");
    }
    let rows = table(&killed.join("train/extraction_metrics.csv"));
    assert_eq!(rows.len(), 120);
    assert!(rows.iter().all(|row| row["status"] == "success" && row["num_frames"] == "2"), "{rows:?}");
    let verified = program(&["verify", killed.to_str().unwrap()]);
    require_code(&verified, 0);
    assert!(String::from_utf8_lossy(&verified.stdout).starts_with("200 arrays are whole"), "{verified:?}");
}

#[test]
fn rows_of_a_sample_that_was_interrupted_are_kept() {
    let set = Set::drawn(1, 1);
    set.add_long_sample("train", "long", 400);
    let mut child = set.start("out", &["--mode", "serial", "--quiet"]);
    let train = set.path("out").join("train");
    assert!(runs_until(&mut child, || unfinished_rows(&train, "long").is_some_and(|rows| rows >= 30)));
    child.kill().unwrap();
    child.wait().unwrap();
    let status = program(&["extract", "--out", set.path("out").to_str().unwrap(), "--status"]);
    require_code(&status, 0);
    assert!(String::from_utf8_lossy(&status.stdout).contains("rows so far"), "{status:?}");
    let n_rows = unfinished_rows(&train, "long").unwrap();
    // The end of the last row is torn.
    let partial = train.join(".long.rows");
    let length = fs::metadata(&partial).unwrap().len();
    fs::File::options().write(true).open(&partial).unwrap().set_len(length - 1).unwrap();
    require_code(&set.extract("out", &["--mode", "threads"]), 0);
    let summary = json(&train.join("extraction_summary.json"));
    assert_eq!(summary["rows_resumed"], n_rows - 1);
    // Rows of the killed run are no work of this one.
    let number = |name: &str| summary[name].as_f64().unwrap();
    let n_computed = number("frames_per_second") * number("wall_seconds");
    assert!((n_computed + number("rows_resumed") - number("total_frames")).abs() < 1e-6, "{summary}");
    assert!(number("concurrency_factor") <= number("workers"), "{summary}");
    assert_eq!(leftovers(&train), [""; 0]);
    require_code(&set.extract("whole", &["--mode", "threads"]), 0);
    assert_same_arrays(&set.path("out"), &set.path("whole"));
}

#[test]
fn what_is_damaged_changed_or_foreign_is_named_and_done_again() {
    let set = Set::drawn(10, 2);
    let threads = ["--mode", "threads"];
    require_code(&set.extract("out", &threads), 0);
    require_code(&set.extract("whole", &threads), 0);
    let train = set.path("out").join("train");
    let array = |id: &str| train.join(format!("{id}.npy"));
    let whole = fs::read(array("made_0001")).unwrap();
    fs::write(array("made_0001"), &whole[..whole.len() / 2]).unwrap();
    let mut other = fs::read(array("made_0002")).unwrap();
    other[5000] ^= 1;
    fs::write(array("made_0002"), other).unwrap();
    fs::remove_file(array("made_0003")).unwrap();
    fs::write(array("foreign"), &whole).unwrap();
    let out = set.path("out").to_str().unwrap().to_owned();
    let shown = require_code(&program(&["verify", &out]), 1);
    for named in ["train/made_0001", "train/made_0002", "train/made_0003", "train/foreign.npy has no record"] {
        assert!(shown.contains(named), "{named}: {shown}");
    }
    let frame = set.data().join("train/made_0006/frame_0001.png");
    fs::File::options().write(true).open(&frame).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let shown = require_code(&set.extract("out", &threads), 0);
    for named in [
        "made_0001: its array is not whole",
        "made_0002: its array has other bytes",
        "made_0003",
        "made_0006: its frames",
    ] {
        assert!(shown.contains(named), "{named}: {shown}");
    }
    let summary = json(&train.join("extraction_summary.json"));
    assert_eq!((&summary["newly_extracted"], &summary["already_extracted"]), (&4.into(), &2.into()));
    assert_eq!(summary["all_runs"]["total_frames"], 12);
    assert_eq!(table(&train.join("extraction_metrics.csv")).len(), 6);
    fs::remove_file(array("foreign")).unwrap();
    assert_same_arrays(&set.path("out"), &set.path("whole"));
    require_code(&program(&["verify", &out]), 0);
}

#[test]
fn a_run_of_other_settings_is_refused_by_name_unless_all_is_done_again() {
    let set = Set::drawn(3, 4);
    let threads = ["--mode", "threads"];
    require_code(&set.extract("out", &threads), 0);
    let before = arrays(&set.path("out"));
    let other = [&threads[..], &["--stride", "2"]].concat();
    let shown = require_code(&set.extract("out", &other), 2);
    assert!(shown.contains("stride was 1 and is 2") && shown.contains("--redo-changed"), "{shown}");
    assert!(arrays(&set.path("out")) == before, "something was written");
    require_code(&set.extract("out", &[&other[..], &["--redo-changed"]].concat()), 0);
    require_code(&set.extract("fresh", &other), 0);
    assert_same_arrays(&set.path("out"), &set.path("fresh"));
}

/// The worker processes of a program.
fn workers(child: &Child) -> Vec<Process> {
    children(child.id()).into_iter().filter(|process| process.is_alive()).collect()
}

#[test]
fn a_worker_that_dies_costs_its_sample_and_no_other() {
    let set = Set::drawn(2, 2);
    set.add_long_sample("train", "victim", 5000);
    let train = set.path("out").join("train");
    // One worker, so that it is clear which one has the sample.
    let mut child = set.start("out", &["--workers", "1", "--quiet"]);
    for n_rows in [1, 6] {
        // More rows than before: the second worker has begun, too.
        let earlier = unfinished_rows(&train, "victim").unwrap_or(0);
        assert!(
            runs_until(&mut child, || unfinished_rows(&train, "victim").is_some_and(|rows| rows >= earlier + n_rows))
        );
        workers(&child).iter().for_each(|worker| signal("-KILL", worker.pid));
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let failed = json(&train.join("failed_samples.json"));
    assert_eq!(failed.as_array().unwrap().len(), 1, "{failed}");
    assert_eq!(failed[0]["sample_id"], "victim");
    assert!(failed[0]["error"].as_str().unwrap().contains("worker process was lost"), "{failed}");
    assert_eq!(arrays(&set.path("out")).len(), 2);
    // A sample that takes too long costs no more.
    let shown = require_code(&set.extract("out", &["--workers", "2", "--time-limit", "0.5"]), 1);
    assert!(shown.contains("train/victim failed: it took longer than the time limit of 500ms"), "{shown}");
    // The next run tries it again.
    (10..5000).for_each(|n| fs::remove_file(set.data().join(format!("train/victim/f{n:06}.png"))).unwrap());
    require_code(&set.extract("out", &["--workers", "2"]), 0);
    assert_eq!(json(&train.join("failed_samples.json")), serde_json::json!([]));
}

#[test]
fn the_first_signal_finishes_the_samples_at_work_and_the_next_run_goes_on() {
    let set = Set::drawn(60, 3);
    for (name, code, mode) in [("-INT", 130, "threads"), ("-TERM", 143, "processes")] {
        let out = set.path(name);
        let mut child = set.start(name, &["--mode", mode, "--quiet", "--workers", "2"]);
        assert!(runs_until(&mut child, || !arrays(&out).is_empty()), "{name}");
        signal(name, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(arrays(&out).len() < 60, "{name}: it was done already");
        let train = out.join("train");
        assert_eq!(leftovers(&train), [""; 0], "{name}: a sample was not finished");
        let summary = json(&train.join("extraction_summary.json"));
        assert!(summary["unfinished"].as_u64().unwrap() > 0 && summary["is_whole"] == false, "{summary}");
    }
    require_code(&set.extract("-INT", &["--mode", "threads"]), 0);
    require_code(&set.extract("-TERM", &["--mode", "threads"]), 0);
    assert_same_arrays(&set.path("-INT"), &set.path("-TERM"));
    assert_eq!(arrays(&set.path("-INT")).len(), 60);
}

#[test]
fn splits_that_were_not_begun_are_unfinished() {
    // The signal comes while the last sample of `train` is at work, so all splits that were begun are whole.
    let set = Set::drawn(5, 2);
    set.add_long_sample("train", "long", 300);
    for sample in fs::read_dir(set.data().join("train")).unwrap().map(|entry| entry.unwrap()) {
        if sample.file_name() != "long" {
            fs::remove_dir_all(sample.path()).unwrap();
        }
    }
    let mut child = set.start("out", &["--mode", "serial", "--quiet"]);
    let train = set.path("out").join("train");
    assert!(runs_until(&mut child, || unfinished_rows(&train, "long").is_some_and(|rows| rows > 0)));
    signal("-INT", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let summary = json(&set.path("out").join("extraction_summary.json"));
    let n_later =
        ["dev", "test"].map(|split| fs::read_dir(set.data().join(split)).unwrap().count()).iter().sum::<usize>();
    assert!(n_later > 0, "there are no later splits");
    assert_eq!(summary["unfinished"], n_later, "{summary}");
    assert_eq!(summary["total_samples"], 1 + n_later, "{summary}");
    require_code(&set.extract("out", &["--mode", "threads"]), 0);
}

#[test]
fn a_second_run_takes_nothing_from_one_at_work() {
    let set = Set::drawn(1, 1);
    set.add_long_sample("train", "long", 5000);
    let mut child = set.start("out", &["--mode", "serial", "--quiet"]);
    let train = set.path("out").join("train");
    assert!(runs_until(&mut child, || unfinished_rows(&train, "long").is_some_and(|rows| rows > 0)));
    // As a file that is being written.
    let unfinished = train.join(".manyhands-1-1.tmp");
    fs::write(&unfinished, "half").unwrap();
    require_code(&set.extract("out", &["--mode", "threads"]), 2);
    assert!(unfinished.is_file(), "the other run took it for a leftover");
    child.kill().unwrap();
    child.wait().unwrap();
    (9..5000).for_each(|n| fs::remove_file(set.data().join(format!("train/long/f{n:06}.png"))).unwrap());
    require_code(&set.extract("out", &["--mode", "threads"]), 0);
    assert!(!unfinished.exists());
}

#[test]
fn a_pipe_among_the_unfinished_rows_holds_nothing_up() {
    let set = Set::drawn(1, 1);
    require_code(&set.extract("out", &["--mode", "threads"]), 0);
    let pipe = set.path("out").join("train/.made_0001.rows");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = crate::program::start(&["extract", "--out", set.path("out").to_str().unwrap(), "--status"]);
    let mut n_looks = 0;
    // A look takes some milliseconds at least, as `runs_until` waits between them.
    assert!(!runs_until(&mut child, || {
        n_looks += 1;
        n_looks > 2000
    }));
    let _ = child.kill();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_folder_that_another_run_writes_is_refused_by_name() {
    let set = Set::drawn(1, 1);
    set.add_long_sample("train", "long", 5000);
    let mut child = set.start("out", &["--mode", "serial", "--quiet"]);
    let train = set.path("out").join("train");
    assert!(runs_until(&mut child, || unfinished_rows(&train, "long").is_some_and(|rows| rows > 0)));
    let shown = require_code(&set.extract("out", &["--mode", "threads"]), 2);
    assert!(shown.contains(&child.id().to_string()) && shown.contains("--status"), "{shown}");
    let running = program(&["extract", "--out", set.path("out").to_str().unwrap(), "--status", "--json"]);
    let running: serde_json::Value = serde_json::from_slice(&running.stdout).unwrap();
    assert!(running["splits"][0]["writer"].as_str().is_some(), "{running}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_sample_of_an_odd_name_keeps_it_and_no_table_takes_it_for_a_formula() {
    // Quotes and a line end are part of the name; a spreadsheet would take the beginning for a formula.
    let set = Set::drawn(1, 1);
    let odd = set.data().join("train/=1+1, \"x\"\n");
    fs::create_dir(&odd).unwrap();
    fs::copy(set.data().join("train/made_0001/frame_0001.png"), odd.join("f.png")).unwrap();
    require_code(&set.extract("out", &["--mode", "threads"]), 0);
    let train = set.path("out").join("train");
    assert!(train.join("=1+1, \"x\"\n.npy").is_file());
    let rows = table(&train.join("extraction_metrics.csv"));
    assert!(rows.iter().all(|row| !row["sample_id"].starts_with('=')), "{rows:?}");
    assert_eq!(names(&set.path("out")), ["extraction_summary.json", "index.html", "train"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
