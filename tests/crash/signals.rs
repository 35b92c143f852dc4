//! Ctrl+C and SIGTERM at a study of slow items: what is finished is saved, and is not done again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use manyhands::journal::JournalReader;
use manyhands_test_support::child::{Child, Exit};
use manyhands_test_support::processes::assert_no_orphans;
use rustix::process::Signal;

use crate::assertions::{Undisturbed, notes, numbers, recorded, summary};
use crate::child::{resume, start};
use crate::harness::{drills, wait_until};
use crate::study::{Setting, Study};

drills!(the_first_signal_saves_what_is_in_hand_and_nothing_is_done_twice, the_second_signal_ends_a_study_at_once);

/// How soon a signal must be answered.
const PROMPT: Duration = Duration::from_millis(500);
/// What takes longer than an echo.
const A_WHILE: Duration = Duration::from_millis(150);
const SLOW: Duration = Duration::from_secs(3);

/// Two quick subjects, and some of three seconds.
fn slow_study(folder: &Path, mode: &str) -> Study {
    fs::create_dir_all(folder).unwrap();
    let study = Study::new(folder, mode);
    let setting = Setting { slow_from: 2, slow: SLOW, ..study.setting.clone() };
    Study { n_subjects: 14, setting, ..study }
}

/// A study whose quick subjects are recorded, and of which each worker runs a slow one.
fn at_work(study: &Study) -> Child {
    let mut child = start("interrupted", study);
    child.wait_for("listening");
    wait_until("both workers run a slow subject", || {
        let notes = notes(study);
        let (begun, ended) = (numbers(&notes, 0, false), numbers(&notes, 0, true));
        ended == [0, 1] && begun.len() == 4
    });
    wait_until("the quick subjects are recorded", || {
        JournalReader::open(study.journal())
            .and_then(|reader| reader.status())
            .is_ok_and(|status| status.succeeded == 2)
    });
    child
}

/// Sends it, and gives how long the answer took.
fn signal(child: &mut Child, number: Signal, to_group: bool) -> Duration {
    let sent = Instant::now();
    if to_group {
        child.send_to_group(number)
    } else {
        child.send(number)
    }
    child.wait_for("notice ");
    sent.elapsed()
}

fn the_first_signal_saves_what_is_in_hand_and_nothing_is_done_twice(folder: &Path) {
    // All at once: they mostly sleep. A terminal signals the whole group, a supervisor the program alone.
    let cases = [
        ("threads", Signal::INT, true, 130),
        ("processes", Signal::INT, true, 130),
        ("threads", Signal::TERM, false, 143),
        ("processes", Signal::TERM, false, 143),
    ];
    let studies: Vec<Study> =
        cases.iter().map(|(mode, number, ..)| slow_study(&folder.join(format!("{mode} {number:?}")), mode)).collect();
    thread::scope(|scope| {
        for (study, (_, number, to_group, code)) in studies.iter().zip(cases) {
            scope.spawn(move || {
                let mut child = at_work(study);
                let took = signal(&mut child, number, to_group);
                assert!(took < PROMPT, "{} took {took:?} to notice", study.mode);
                let sent = Instant::now();
                let (end, said) = child.end();
                assert_eq!(end, Exit::Code(code), "{}: {said}", study.mode);
                assert!(sent.elapsed() < SLOW + PROMPT, "{} took {:?} to end", study.mode, sent.elapsed());
                assert!(said.contains("finished: 4 succeeded, 0 failed, 0 resumed, 10 left"), "{}: {said}", study.mode);
                assert!(!said.contains("warning: "), "{}: {said}", study.mode);
            });
        }
    });
    assert_no_orphans();
    for study in &studies {
        let finished = numbers(&notes(study), 0, true);
        assert_eq!(numbers(&notes(study), 0, false), finished, "{}: what was begun was finished", study.mode);
        let saved = recorded(study);
        assert_eq!(saved.keys().copied().collect::<Vec<_>>(), finished, "{}", study.mode);
        let undisturbed = Undisturbed::of(study);
        undisturbed.assert_agrees(&saved);
        assert_eq!(summary(study)["ended_by"], "cancelled");
        assert_eq!((&summary(study)["is_whole"], &summary(study)["unfinished"]), (&false.into(), &10.into()));
        let resumed = resume(study);
        let again = numbers(&notes(study), 1, false);
        assert_eq!(again.len(), 10, "{}", study.mode);
        assert!(again.iter().all(|number| !finished.contains(number)), "{}: {again:?} {finished:?}", study.mode);
        undisturbed.assert_is_what_came_of(&resumed, 4);
    }
}

fn the_second_signal_ends_a_study_at_once(folder: &Path) {
    for (mode, first, second) in [("threads", Signal::INT, Signal::INT), ("processes", Signal::TERM, Signal::INT)] {
        let study = slow_study(&folder.join(mode), mode);
        let mut child = at_work(&study);
        let took = signal(&mut child, first, true);
        assert!(took < PROMPT, "{mode} took {took:?} to notice");
        thread::sleep(A_WHILE);
        let sent = Instant::now();
        child.send_to_group(second);
        assert_eq!(child.end().0, Exit::Signal(second.as_raw()), "{mode}");
        assert!(sent.elapsed() < PROMPT, "{mode} took {:?} to end", sent.elapsed());
        assert_no_orphans();
        let saved: BTreeSet<u32> = recorded(&study).into_keys().collect();
        assert_eq!(saved, BTreeSet::from([0, 1]), "{mode}: what was recorded before");
        let undisturbed = Undisturbed::of(&study);
        let resumed = resume(&study);
        assert_eq!(numbers(&notes(&study), 1, false), (2..14).collect::<Vec<_>>(), "{mode}");
        undisturbed.assert_is_what_came_of(&resumed, 2);
    }
}
