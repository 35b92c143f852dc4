//! A study that is killed at random moments, and begun again each time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use manyhands_test_support::child::{Child, Exit};
use manyhands_test_support::processes::assert_no_orphans;
use manyhands_test_support::rng::Rng;

use crate::assertions::{Note, Recorded, Undisturbed, notes, recorded};
use crate::child::start;
use crate::harness::{drills, kills, wait_until};
use crate::study::{COMMIT_INTERVAL, Setting, Study, now};

drills!(
    a_serial_study_is_killed_at_random,
    a_study_in_threads_is_killed_at_random,
    a_study_in_processes_is_killed_at_random,
    a_study_of_tiny_items_is_killed_at_random,
);

/// How much longer than a commit interval an item may wait on its way: from its worker to the calling thread, from there to the
/// thread that writes, and there for a core of a machine that others use too.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

fn a_serial_study_is_killed_at_random(folder: &Path) {
    KillSeries::begin(&Study::new(folder, "serial")).kill_and_resume();
}

fn a_study_in_threads_is_killed_at_random(folder: &Path) {
    KillSeries::begin(&Study::new(folder, "threads")).kill_and_resume();
}

fn a_study_in_processes_is_killed_at_random(folder: &Path) {
    KillSeries::begin(&Study::new(folder, "processes")).kill_and_resume();
}

/// Many items are reported at a time, and the journal has to record them all.
fn a_study_of_tiny_items_is_killed_at_random(folder: &Path) {
    let study = Study::new(folder, "threads");
    let setting = Setting { samples: 4, ..study.setting.clone() };
    KillSeries::begin(&Study { n_subjects: 8000, setting, ..study }).kill_and_resume();
}

/// Studies that are killed and resumed, one after the other, until enough kills have been.
struct KillSeries {
    pattern: Study,
    undisturbed: Undisturbed,
    rng: Rng,
    scores: Vec<Score>,
    n_studies: u32,
    n_rows: usize,
    bytes: u64,
    n_temporary: usize,
    /// For how long after its first item a run may go on.
    span: Duration,
}

/// What a kill cost.
#[derive(Debug)]
pub(crate) struct Score {
    /// Items that were begun in the run, and those that never were in any.
    begun: usize,
    left: usize,
    /// Items that were running.
    in_hand: usize,
    /// Items that had ended, and were not recorded.
    lost: usize,
    /// Of all items that had ended, those that had within the last commit interval.
    within_interval: usize,
    /// The same, with what may have been on its way.
    excusable: usize,
    /// For how long the first of the lost items had been waiting.
    oldest: Duration,
}

impl Score {
    /// Repeats are at most what was in hand, and what ended within the last commit interval or was on its way.
    pub(crate) fn checked(self, study: &Study) -> Result<Self, String> {
        let (repeats, most) = (self.in_hand + self.lost, study.workers + self.excusable);
        if self.in_hand <= study.workers && repeats <= most && self.oldest <= COMMIT_INTERVAL + ON_ITS_WAY {
            return Ok(self);
        }
        Err(format!(
            "{repeats} items are to be repeated and at most {most} should be; {} of them were in the hands of {} workers, \
             and the first of those that had ended has waited for {:.0?}",
            self.in_hand, study.workers, self.oldest
        ))
    }
}

impl KillSeries {
    fn begin(pattern: &Study) -> Self {
        let undisturbed = Undisturbed::of(pattern);
        Self {
            span: undisturbed.items_took * 2 / 3,
            pattern: pattern.clone(),
            undisturbed,
            rng: Rng::for_test(&format!("kills {} {}", pattern.mode, pattern.n_subjects)),
            scores: Vec::new(),
            n_studies: 0,
            n_rows: 0,
            bytes: 0,
            n_temporary: 0,
        }
    }

    fn kill_and_resume(mut self) {
        while self.is_unfinished() {
            self.n_studies += 1;
            self.one_study();
        }
        self.print_summary();
    }

    fn is_unfinished(&self) -> bool {
        self.scores.len() < kills() as usize
    }

    fn one_study(&mut self) {
        let folder = self.pattern.folder.join(format!("study {}", self.n_studies));
        fs::create_dir(&folder).unwrap();
        let mut study = Study { records: folder.clone(), folder, ..self.pattern.clone() };
        study.setting.log = Some(study.folder.join("computed.log"));
        let mut before = Recorded::new();
        loop {
            let length = log_length(&study);
            let child = start("study", &study);
            let end = if self.is_unfinished() { self.kill(child, &study, length) } else { child.end().0 };
            let at = now();
            assert_no_orphans();
            let after = recorded(&study);
            self.undisturbed.assert_agrees(&after);
            let score = compare(&study, &before, &after, at).checked(&study);
            let score = score.unwrap_or_else(|why| panic!("{why}"));
            self.n_rows += after.len();
            match end {
                Exit::KILLED => self.scores.push(score),
                Exit::Code(0) => break,
                other => panic!("the study ended by {other:?}"),
            }
            before = after;
            study.setting.run += 1;
        }
        self.undisturbed.assert_is_what_came_of(&study, before.len());
        self.bytes += fs::metadata(study.journal()).unwrap().len();
        self.n_temporary += temporary_files(&study).len();
    }

    /// Mostly while items are worked on, now and then while the run begins or ends.
    fn kill(&mut self, mut child: Child, study: &Study, length: u64) -> Exit {
        let Undisturbed { took, begun_after, .. } = self.undisturbed;
        match self.rng.below(10) {
            0 | 1 => thread::sleep(self.rng.part_of(begun_after)),
            2 => thread::sleep(self.rng.part_of(took)),
            _ => {
                // What is recorded is read first, which takes longer from run to run.
                wait_until("the first item begins", || log_length(study) > length || child.has_ended());
                thread::sleep(self.rng.part_of(self.span));
            }
        }
        let end = child.kill();
        if end != Exit::KILLED {
            self.span = self.span.mul_f64(0.8);
        }
        end
    }

    fn print_summary(&self) {
        let n_kills = self.scores.len();
        let most = |of: fn(&Score) -> usize| self.scores.iter().map(of).max().unwrap_or_default();
        let mean = |of: fn(&Score) -> usize| self.scores.iter().map(of).sum::<usize>() as f64 / n_kills as f64;
        let count = |is_so: fn(&Score) -> bool| self.scores.iter().filter(|score| is_so(score)).count();
        let repeats = |score: &Score| score.in_hand + score.lost;
        let oldest = self.scores.iter().map(|score| score.oldest).max().unwrap_or_default();
        let n_items = self.n_studies as usize * self.pattern.n_subjects as usize;
        let Study { mode, n_subjects, .. } = &self.pattern;
        eprintln!(
            "{mode}, {n_subjects} items in {:.0?}: {n_kills} kills in {} studies, {} before the first item, {} after the last; \
             repeats at most {}, mean {:.1} (in hand at most {}); ended within the last {COMMIT_INTERVAL:?} at most {}, \
             mean {:.1}; oldest that was lost {oldest:.0?}, {} kills lost some older than {COMMIT_INTERVAL:?}; \
             {} rows checked, none wrong; integrity failures 0 of {}; {:.0} bytes per item; {} temporary files left",
            self.undisturbed.items_took,
            self.n_studies,
            count(|score| score.begun == 0),
            count(|score| score.begun > 0 && score.left == 0),
            most(repeats),
            mean(repeats),
            most(|score| score.in_hand),
            most(|score| score.within_interval),
            mean(|score| score.within_interval),
            count(|score| score.oldest > COMMIT_INTERVAL),
            self.n_rows,
            n_kills + self.n_studies as usize,
            self.bytes as f64 / n_items as f64,
            self.n_temporary,
        );
    }
}

/// Looks at what the last run did, given what was recorded before and after it, and when it was dead.
pub(crate) fn compare(study: &Study, before: &Recorded, after: &Recorded, dead: u64) -> Score {
    let notes: Vec<Note> = notes(study).into_iter().filter(|note| note.run == study.setting.run).collect();
    let begun: BTreeSet<u32> = notes.iter().filter(|note| !note.ends).map(|note| note.number).collect();
    let ended: Vec<&Note> = notes.iter().filter(|note| note.ends).collect();
    let of_ended: BTreeSet<u32> = ended.iter().map(|note| note.number).collect();
    let has_ended = |number: &u32| of_ended.contains(number);

    let forgotten: Vec<&u32> = before.keys().filter(|number| !after.contains_key(number)).collect();
    assert!(forgotten.is_empty(), "subjects {forgotten:?} were recorded, and are no longer");
    let repeated: Vec<&u32> = begun.iter().filter(|number| before.contains_key(number)).collect();
    assert!(repeated.is_empty(), "subjects {repeated:?} were recorded, and computed again");
    let made_up: Vec<&u32> = after.keys().filter(|number| !before.contains_key(number) && !has_ended(number)).collect();
    assert!(made_up.is_empty(), "subjects {made_up:?} are recorded, and were never computed");
    assert_eq!(notes.iter().filter(|note| !note.ends).count(), begun.len(), "a subject was begun twice in one run");

    let age = |note: &Note| Duration::from_nanos(dead.saturating_sub(note.at));
    let in_hand = begun.iter().filter(|number| !has_ended(number)).count();
    let lost: Vec<&&Note> = ended.iter().filter(|note| !after.contains_key(&note.number)).collect();
    let oldest = lost.iter().map(|note| age(note)).max().unwrap_or_default();
    let within = |time: Duration| ended.iter().filter(|&note| age(note) <= time).count();
    let left = study.n_subjects as usize - before.len() - begun.len();
    Score {
        begun: begun.len(),
        left,
        in_hand,
        lost: lost.len(),
        within_interval: within(COMMIT_INTERVAL),
        excusable: within(COMMIT_INTERVAL + ON_ITS_WAY),
        oldest,
    }
}

fn log_length(study: &Study) -> u64 {
    study.setting.log.as_ref().and_then(|log| fs::metadata(log).ok()).map_or(0, |about| about.len())
}

/// What killed runs left of files that they were writing.
pub(crate) fn temporary_files(study: &Study) -> Vec<PathBuf> {
    let in_folder = |folder: PathBuf| {
        let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|end| end == "tmp")).collect::<Vec<_>>()
    };
    [study.report(), study.folder.clone()].into_iter().flat_map(in_folder).collect()
}
