//! A journal that is truncated: what is left of it is refused by name, or is a part of what was there. Nothing wrong is believed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use manyhands::{
    CancelToken,
    journal::{JournalError, JournalReader},
};
use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;
use manyhands_test_support::rng::Rng;

use crate::assertions::{Undisturbed, entries, notes, numbers, recorded, with_suffix};
use crate::child::start;
use crate::harness::{drills, wait_until};
use crate::study::{Features, Setting, Study};

drills!(
    a_finished_journal_that_is_truncated_is_refused,
    a_killed_journal_whose_log_is_truncated_goes_on_from_what_is_left
);

fn quick_study(folder: &Path) -> Study {
    fs::create_dir_all(folder).unwrap();
    let study = Study::new(folder, "serial");
    Study { n_subjects: 100, setting: Setting { samples: 30, ..study.setting.clone() }, ..study }
}

/// How a run with a damaged journal ended.
enum RunEnd {
    Refused(JournalError),
    /// With so many items resumed from the journal.
    Finished(usize),
}

fn run(study: &Study, undisturbed: &Undisturbed, cut: &str) -> RunEnd {
    let outcome = catch_unwind(AssertUnwindSafe(|| study.run(&CancelToken::new())));
    match outcome.unwrap_or_else(|_| panic!("{cut}: the run panicked")) {
        Err(error) => RunEnd::Refused(error.journal_error().unwrap_or_else(|| panic!("{cut}: {error}")).clone()),
        Ok(outcome) => {
            let n_resumed = outcome.resumed().count();
            study.write_table(outcome).unwrap();
            undisturbed.assert_is_what_came_of(study, n_resumed);
            RunEnd::Finished(n_resumed)
        }
    }
}

/// A reader says what is there, or that it cannot.
fn read(journal: &Path, undisturbed: &Undisturbed, cut: &str) {
    let read = || {
        let entries = JournalReader::open(journal)?.entries()?;
        entries.iter().try_for_each(|entry| entry.value::<Features>().map(drop))?;
        Ok::<_, JournalError>(entries.len())
    };
    let found = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| panic!("{cut}: the reader panicked"));
    if found.is_ok() {
        undisturbed.assert_agrees(&entries(journal));
    }
}

fn a_finished_journal_that_is_truncated_is_refused(folder: &Path) {
    let study = quick_study(&folder.join("whole"));
    let undisturbed = Undisturbed::of(&study);
    drop(study.run(&CancelToken::new()).unwrap());
    let whole = fs::read(study.journal()).unwrap();
    let length = whole.len() as u64;
    let mut rng = Rng::for_test("truncated journals");
    let lengths = [0, 1, 99, 100, 4095, 4096, length - 4096, length - 1];
    let random: Vec<u64> = (0..40).map(|_| rng.below(length)).collect();
    for length in lengths.into_iter().chain(random) {
        let cut = format!("cut to {length} of {} bytes", whole.len());
        let study = quick_study(&folder.join("cut"));
        let part = &whole[..usize::try_from(length).unwrap()];
        fs::write(study.journal(), part).unwrap();
        read(&study.journal(), &undisturbed, &cut);
        match run(&study, &undisturbed, &cut) {
            RunEnd::Finished(n_resumed) => assert_eq!((length, n_resumed), (0, 0), "{cut}: believed"),
            RunEnd::Refused(JournalError::Corrupt { .. } | JournalError::Foreign { .. }) => {
                assert!(fs::read(study.journal()).unwrap() == part, "{cut}: it was changed");
                assert!(notes(&study).is_empty(), "{cut}: something was computed");
            }
            RunEnd::Refused(other) => panic!("{cut}: {other}"),
        }
        fs::remove_dir_all(study.folder).unwrap();
    }
}

fn a_killed_journal_whose_log_is_truncated_goes_on_from_what_is_left(folder: &Path) {
    let study = Study { n_subjects: 100, ..Study::new(&folder.join("killed"), "threads") };
    let study = Study { setting: Setting { samples: 100, ..study.setting.clone() }, ..study };
    fs::create_dir(&study.folder).unwrap();
    let undisturbed = Undisturbed::of(&study);
    // It never comes to its end.
    let (slow_from, gate) = (60, Some(study.folder.join("never")));
    let mut child = start(
        "study",
        &Study {
            setting: Setting { pace: Duration::from_millis(8), slow_from, gate, ..study.setting.clone() },
            ..study.clone()
        },
    );
    wait_until("some subjects are recorded", || {
        let reader = JournalReader::open(study.journal());
        reader.and_then(|reader| reader.status()).is_ok_and(|status| status.succeeded > 20)
    });
    assert_eq!(child.kill(), Exit::KILLED);
    assert_no_orphans();
    let n_whole = recorded(&study).len();
    let [file, log] = ["", "-wal"].map(|suffix| fs::read(with_suffix(&study.journal(), suffix)).unwrap());
    let mut rng = Rng::for_test("truncated logs");
    let mut left = Vec::new();
    for round in 0..15 {
        let length = if round == 0 { log.len() as u64 } else { rng.below(log.len() as u64 + 1) };
        let cut = format!("log cut to {length} of {} bytes", log.len());
        let folder = folder.join("cut");
        fs::create_dir(&folder).unwrap();
        let mut study = Study { folder: folder.clone(), records: folder.clone(), ..study.clone() };
        study.mode = "serial".to_owned();
        study.setting.log = Some(folder.join("computed.log"));
        fs::write(study.journal(), &file).unwrap();
        fs::write(with_suffix(&study.journal(), "-wal"), &log[..usize::try_from(length).unwrap()]).unwrap();
        if rng.below(2) == 0 {
            read(&study.journal(), &undisturbed, &cut);
        }
        match run(&study, &undisturbed, &cut) {
            RunEnd::Finished(n_resumed) => {
                assert_eq!(numbers(&notes(&study), 0, true).len(), 100 - n_resumed, "{cut}");
                left.push((length, n_resumed));
            }
            RunEnd::Refused(problem) => panic!("{cut}: {problem}"),
        }
        fs::remove_dir_all(folder).unwrap();
    }
    assert_eq!(left[0].1, n_whole, "nothing was cut, and not all of it was resumed");
    left.sort_unstable();
    assert!(left.is_sorted_by_key(|&(_, n_resumed)| n_resumed), "a shorter log had more in it: {left:?}");
}
