//! Two runs at one journal: the second is refused with the name of the holder, and readers are not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use manyhands::{
    CancelToken,
    journal::{JournalError, JournalReader},
};
use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;

use crate::assertions::{Undisturbed, notes, notes_so_far, numbers, recorded};
use crate::child::start;
use crate::harness::{drills, wait_until};
use crate::roles::REFUSED;
use crate::study::{Setting, Study};

drills!(the_second_of_two_runs_is_refused_and_readers_are_not, a_killed_run_leaves_its_journal_to_the_next_at_once);

fn the_second_of_two_runs_is_refused_and_readers_are_not(folder: &Path) {
    for mode in ["serial", "threads", "processes"] {
        let study = Study::new(&folder.join(mode), mode);
        fs::create_dir(&study.folder).unwrap();
        let gate = study.folder.join("gate");
        let setting = Setting { slow_from: 40, gate: Some(gate.clone()), ..study.setting.clone() };
        let study = Study { n_subjects: 60, setting, ..study };
        let undisturbed = Undisturbed::of(&study);
        let first = start("study", &study);

        // Reads beside the writer, from the first moment on.
        let mut seen = Vec::new();
        wait_until("a reader sees what is finished", || {
            if let Ok(reader) = JournalReader::open(study.journal()) {
                let status = reader.status().unwrap();
                seen.push(status.succeeded + status.failed);
                assert!(reader.entries().unwrap().len() as u64 >= status.succeeded + status.failed);
            }
            seen.last() == Some(&40)
        });
        assert!(seen.is_sorted(), "{mode}: a reader saw {seen:?}");
        let holder = JournalReader::open(study.journal()).unwrap().status().unwrap().writer.unwrap();
        assert!(holder.starts_with(&format!("process {} on ", first.id())), "{mode}: {holder}");

        // Another process, and this one.
        let second = Study { setting: Setting { run: 1, ..study.setting.clone() }, ..study.clone() };
        let (end, said) = start("study", &second).end();
        assert_eq!(end, Exit::Code(REFUSED), "{mode}: {said}");
        assert!(said.contains(&format!("is being written by {holder}; wait for its end")), "{mode}: {said}");
        let error = second.run(&CancelToken::new()).unwrap_err();
        let locked = JournalError::Locked { path: study.journal(), holder };
        assert_eq!(error.journal_error(), Some(&locked), "{mode}");
        assert!(numbers(&notes(&study), 1, false).is_empty(), "{mode}: the second run computed something");

        fs::write(gate, "open").unwrap();
        let (end, said) = first.end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        undisturbed.assert_is_what_came_of(&study, 0);
        assert_eq!(JournalReader::open(study.journal()).unwrap().status().unwrap().writer, None, "{mode}");
    }
}

fn a_killed_run_leaves_its_journal_to_the_next_at_once(folder: &Path) {
    for mode in ["threads", "processes"] {
        let mut study = Study { n_subjects: 200, ..Study::new(&folder.join(mode), mode) };
        fs::create_dir(&study.folder).unwrap();
        let undisturbed = Undisturbed::of(&study);
        for run in 0..3 {
            // Not so far that the study could be over.
            let (slow_from, gate) = (50 * (run + 1), Some(study.folder.join("never")));
            study.setting = Setting { run, slow_from, gate, ..study.setting };
            let mut child = start("study", &study);
            wait_until("it is at work", || numbers(&notes_so_far(&study), run, true).len() > 10);
            assert_eq!(child.kill(), Exit::KILLED);
        }
        // Not waited for: workers of the killed run may still be on their way out.
        study.setting = Setting { run: 3, gate: None, ..study.setting };
        let (end, said) = start("study", &study).end();
        assert_eq!(end, Exit::Code(0), "{mode}: {said}");
        assert_no_orphans();
        let computed: BTreeSet<u32> = (0..4).flat_map(|run| numbers(&notes(&study), run, true)).collect();
        assert_eq!(computed.len(), study.n_subjects as usize);
        let n_last = numbers(&notes(&study), 3, true).len();
        undisturbed.assert_is_what_came_of(&study, study.n_subjects as usize - n_last);
        undisturbed.assert_agrees(&recorded(&study));
    }
}
