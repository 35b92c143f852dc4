//! Slow items in large chunks, as when items were quick and turn slow: what ends is recorded soon all the same.

use std::path::Path;
use std::thread;
use std::time::Duration;

use manyhands_test_support::child::Exit;
use manyhands_test_support::processes::assert_no_orphans;
use rustix::process::Signal;

use crate::assertions::{Recorded, Undisturbed, notes, numbers, recorded};
use crate::child::{resume, start};
use crate::harness::{drills, wait_until};
use crate::kills::compare;
use crate::study::{Setting, Study, now};

drills!(a_study_of_slow_items_in_large_chunks_is_killed, a_study_of_slow_items_in_large_chunks_is_interrupted);

/// A chunk takes more than two seconds.
const CHUNK: usize = 64;
const SLOW: Duration = Duration::from_millis(40);

fn in_large_chunks(folder: &Path, mode: &str) -> Study {
    let folder = folder.join(mode);
    std::fs::create_dir(&folder).unwrap();
    let study = Study::new(&folder, mode);
    let setting = Setting { samples: 4, slow_from: 0, slow: SLOW, ..study.setting.clone() };
    Study { n_subjects: 400, chunk_size: Some(CHUNK), setting, ..study }
}

/// Waits until subjects have ended for some time.
fn amid_the_first_chunks(study: &Study) {
    wait_until("subjects end", || begun_so_far(study) > 4);
    thread::sleep(Duration::from_millis(700));
}

/// How many have begun, of a study that is at work: the last line of its log may not be there as a whole.
fn begun_so_far(study: &Study) -> usize {
    let log = study.setting.log.as_ref().and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
    log.matches(" begins ").count()
}

fn a_study_of_slow_items_in_large_chunks_is_killed(folder: &Path) {
    for mode in ["serial", "threads", "processes"] {
        let study = in_large_chunks(folder, mode);
        let mut child = start("study", &study);
        amid_the_first_chunks(&study);
        assert_eq!(child.kill(), Exit::KILLED, "{mode}");
        let dead = now();
        assert_no_orphans();
        let saved = recorded(&study);
        let score = compare(&study, &Recorded::new(), &saved, dead).checked(&study);
        score.unwrap_or_else(|why| panic!("{mode}: {why}"));
        let resumed = resume(&study);
        Undisturbed::of(&study).assert_is_what_came_of(&resumed, saved.len());
    }
}

fn a_study_of_slow_items_in_large_chunks_is_interrupted(folder: &Path) {
    for mode in ["serial", "threads", "processes"] {
        let study = in_large_chunks(folder, mode);
        let mut child = start("interrupted", &study);
        child.wait_for("listening");
        amid_the_first_chunks(&study);
        let before = begun_so_far(&study);
        child.send_to_group(Signal::INT);
        let (end, said) = child.end();
        assert_eq!(end, Exit::Code(130), "{mode}: {said}");
        assert_no_orphans();
        let ended = numbers(&notes(&study), 0, true);
        let more = ended.len() - before.min(ended.len());
        assert!(more <= 12, "{mode}: {more} more began after the signal");
        assert_eq!(recorded(&study).into_keys().collect::<Vec<_>>(), ended, "{mode}: what ended is recorded");
    }
}
