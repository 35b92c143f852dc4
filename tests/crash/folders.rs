//! A study whose folder moves under it: the program changes its current folder, or the folder with its records is renamed.

use std::fs;
use std::path::{Path, PathBuf};

use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;

use crate::assertions::{Undisturbed, notes_so_far, numbers, recorded};
use crate::child::start;
use crate::harness::{drills, wait_until};
use crate::study::Study;

drills!(a_program_that_changes_its_folder_loses_nothing, a_folder_that_is_renamed_takes_its_run_along);

const MODES: [&str; 2] = ["threads", "processes"];

/// A study that waits, once it has begun, for a file that opens its gate.
fn waiting_study(folder: &Path, mode: &str) -> (Study, PathBuf) {
    fs::create_dir_all(folder).unwrap();
    let mut study = Study::new(folder, mode);
    study.n_subjects = 60;
    let gate = folder.join("gate");
    study.setting.gate = Some(gate.clone());
    study.setting.slow_from = 30;
    (study, gate)
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn a_program_that_changes_its_folder_loses_nothing(folder: &Path) {
    for mode in MODES {
        let (mut study, _) = waiting_study(&folder.join(mode), mode);
        let undisturbed = Undisturbed::of(&study);
        study.records = study.folder.join("records");
        let elsewhere = study.folder.join("elsewhere");
        fs::create_dir(&study.records).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        let (end, said) = start("with relative paths", &study).end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        assert!(!said.contains("warning: "), "{mode}: {said}");
        assert_eq!(names_in(&study.records), ["run", "study.journal"], "{mode}");
        assert_eq!(names_in(&study.report()), ["failed.jsonl", "metrics.csv", "summary.json"], "{mode}");
        assert!(names_in(&elsewhere).is_empty(), "{mode}: {:?}", names_in(&elsewhere));
        undisturbed.assert_is_table_of(&study);
        assert_eq!(recorded(&study).len(), 60, "{mode}");
        assert_no_orphans();
    }
}

fn a_folder_that_is_renamed_takes_its_run_along(folder: &Path) {
    for mode in MODES {
        let (mut study, gate) = waiting_study(&folder.join(mode), mode);
        let undisturbed = Undisturbed::of(&study);
        study.records = study.folder.join("records");
        fs::create_dir(&study.records).unwrap();
        let child = start("study", &study);
        wait_until("half of the subjects are done", || numbers(&notes_so_far(&study), 0, true).len() == 30);
        let moved = Study { records: study.folder.join("moved"), ..study.clone() };
        fs::rename(&study.records, &moved.records).unwrap();
        fs::create_dir(&study.records).unwrap();
        fs::write(gate, "open").unwrap();
        let (end, said) = child.end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        assert_eq!(said.matches("warning: ").count(), 1, "{mode}: {said}");
        let expected = format!("its folder is {} now, and the journal goes on there", moved.records.display());
        assert!(said.contains(&expected), "{mode}: {said}");
        assert!(names_in(&study.records).is_empty(), "{mode}: {:?}", names_in(&study.records));
        assert!(!names_in(&moved.records).iter().any(|name| name.ends_with(".lock")), "{mode}");
        assert_eq!(names_in(&moved.report()), ["failed.jsonl", "metrics.csv", "summary.json"], "{mode}");
        undisturbed.assert_is_table_of(&study);
        assert_eq!(recorded(&moved).len(), 60, "{mode}");
        assert_no_orphans();
    }
}
