//! A study that is killed while it writes its report.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;
use manyhands_test_support::rng::Rng;

use crate::assertions::{Undisturbed, metrics, summary};
use crate::child::start;
use crate::harness::{drills, wait_until};
use crate::kills::temporary_files;
use crate::study::{Setting, Study};

drills!(
    a_report_that_is_being_written_is_there_as_a_whole_or_not_at_all,
    a_kill_before_the_summary_leaves_the_one_that_was_there,
);

const FILES: [&str; 3] = ["metrics.csv", "failed.jsonl", "summary.json"];

/// Large enough to be caught in the middle.
fn study_of_many(folder: &Path) -> Study {
    let study = Study::new(folder, "threads");
    let setting = Setting { samples: 4, log: None, ..study.setting.clone() };
    Study { n_subjects: 5000, setting, ..study }
}

fn a_report_that_is_being_written_is_there_as_a_whole_or_not_at_all(folder: &Path) {
    let study = study_of_many(folder);
    let undisturbed = Undisturbed::of(&study);
    let mut rng = Rng::for_test("reports");
    let mut n_caught = 0;
    let mut had_report = false;
    let mut round = 0;
    while round < 10 || n_caught < 3 {
        assert!(round < 50, "of {round} kills only {n_caught} came while a file was being written");
        // Every other time there is a report of an earlier run, which must not be lost either.
        if round % 2 == 0 {
            FILES.iter().for_each(|name| _ = fs::remove_file(study.report().join(name)));
            had_report = false;
        }
        let left = temporary_files(&study);
        let mut child = start("study", &study);
        let is_new = || temporary_files(&study).into_iter().find(|path| !left.contains(path));
        // The first one is tried and removed when the run begins, and stays empty.
        let is_growing = || is_new().and_then(|path| fs::metadata(path).ok()).is_some_and(|about| about.len() > 0);
        wait_until("the report is being written, or was written too quickly to be seen", || {
            is_growing() || child.has_ended()
        });
        thread::sleep(rng.part_of(Duration::from_millis(if round % 3 == 0 { 1 } else { 30 })));
        let end = child.kill();
        assert_no_orphans();
        n_caught += usize::from(end == Exit::KILLED && is_new().is_some());
        let there = FILES.map(|name| study.report().join(name).exists());
        assert!(!had_report || there == [true; 3], "of {FILES:?} there are {there:?}");
        assert!(there.is_sorted_by(|a, b| a >= b), "they are written in turn: of {FILES:?} there are {there:?}");
        if there[0] {
            assert_eq!(metrics(&study).len(), 5000);
        }
        if there[1] {
            let text = fs::read_to_string(study.report().join(FILES[1])).unwrap();
            assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
            assert_eq!(text.lines().count(), undisturbed.recorded.values().filter(|result| result.is_err()).count());
        }
        if there[2] {
            assert_eq!(summary(&study)["items"], 5000);
            had_report = true;
        }
        round += 1;
    }
    assert_eq!(start("study", &study).end().0, Exit::Code(0));
    undisturbed.assert_is_what_came_of(&study, 5000);
}

fn a_kill_before_the_summary_leaves_the_one_that_was_there(folder: &Path) {
    let mut study = study_of_many(folder);
    study.n_subjects = 50;
    let undisturbed = Undisturbed::of(&study);
    for before in [None, Some("an earlier one")] {
        let path = study.report().join("summary.json");
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let mut child = start("stopped before its summary", &study);
        child.wait_for("at the summary");
        assert_eq!(child.kill(), Exit::KILLED);
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
        assert_eq!(metrics(&study).len(), 50);
    }
    assert_eq!(start("study", &study).end().0, Exit::Code(0));
    undisturbed.assert_is_what_came_of(&study, 50);
}
