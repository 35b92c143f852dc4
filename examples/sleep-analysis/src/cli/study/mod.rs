//! `sleep-analysis study`: the features of many subjects, in one table and on one page.
//!
//! An item is a subject; its signals and epochs are worked on within it, by hands that share the threads there are.
//!
//! Promises: a file or subject that is broken fails by name and costs no other anything; the files are the same bytes whatever
//! the mode, the number of workers and the breaks in between, for nothing in them depends on when and where they were made; what
//! is finished is kept in `run/` and not done again. The files are written once every subject has an answer or a failure: a
//! table that lacks subjects would look like one that is whole. Memory is bounded by the workers and not by the subjects, but
//! for the answers that a resumed run takes from its journal. What is done with the flags is in `errand.rs`, the run itself in
//! `work.rs`, what is told of it later in `tell.rs`.

mod csv_folder;
mod errand;
mod files;
mod fingerprint;
mod interruption;
mod read_ahead;
mod resume_command;
mod run_folder;
mod shelf;
mod subject;
mod subjects;
mod tell;
mod work;

use std::ops::ControlFlow;
use std::time::{Instant, SystemTime};

use serde::Serialize;
use sleep_analysis::SleepResult;

use super::Ending;
use super::analysis::words::{count, item, list};
use super::analysis::{Crew, OutFolder, Remark};
use super::args::StudyArgs;
use super::voice::Voice;
use errand::Errand;
use interruption::{BrokenOff, Interruption};
use resume_command::resume_command;
use run_folder::{Earlier, RunNote};
use shelf::Shelf;
use subjects::Study;
use work::work_on;

/// Does what the arguments ask of a study.
///
/// # Errors
/// [`SleepError`](sleep_analysis::SleepError) when nothing could be done: arguments that make no sense, a folder without
/// subjects, no place to write.
pub(crate) fn study(args: &StudyArgs, crew: &Crew<'_>) -> SleepResult<Ending> {
    match Errand::of(args) {
        Errand::Status => tell::tell_status(&args.out, crew.voice),
        Errand::Failed => tell::tell_failed(&args.out, crew.voice),
        errand @ (Errand::Begin | Errand::Resume) => carry_out(args, errand, crew),
    }
}

fn carry_out(args: &StudyArgs, errand: Errand, crew: &Crew<'_>) -> SleepResult<Ending> {
    let started = Instant::now();
    errand.require_fitting_folder(&args.out)?;
    let study = Study::of(args)?;
    OutFolder::create(&args.out)?; // a place that cannot be written to is refused before any work
    let interruption = Interruption::listen(crew.common.n_workers(), crew.voice)?;
    let mut shelf = Shelf::new(&args.out, study.subjects.len())?;
    let mut unshelved = None;
    let earlier = Earlier::in_journal(&args.out);
    let replaced = note(&study, earlier).leave(&args.out)?;
    let worked =
        work_on(&study, args, earlier, crew, interruption.token(), |idx, answer| match shelf.put(idx, answer) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                unshelved = Some(error);
                ControlFlow::Break(())
            }
        });
    let worked = worked.inspect_err(|_| replaced.put_back())?;
    if let Some(trouble) = &worked.trouble {
        crew.voice.warning(trouble);
    }
    if let Some(error) = unshelved {
        return Err(error);
    }
    let found = match files::write(&study, &shelf, &args.out, crew.common, interruption.token()) {
        Ok(found) => found,
        Err(error) => match interruption.broken_off() {
            Some(broken_off) => return Ok(tell_broken_off(&broken_off, &study, &shelf, worked.trouble, crew.voice)),
            None => return Err(error),
        },
    };
    let summary = Summary {
        operation: "study",
        subjects: study.subjects.len(),
        succeeded: shelf.n_answers(),
        resumed: worked.resumed,
        failed: study.failures(&shelf),
        trouble: worked.trouble,
        incomplete: found.incomplete,
        epochs: shelf.n_epochs(),
        features: found.n_features,
        set_aside: study.set_aside.clone(),
        mode: crew.common.mode.to_string(),
        workers: crew.common.n_workers(),
        seconds: started.elapsed().as_secs_f64(),
        files: vec![files::PAGE, files::TABLE, "run/summary.json"],
    };
    tell(&summary, &args.out.display().to_string(), crew.voice);
    Ok(summary.ending())
}

fn note(study: &Study, earlier: Earlier) -> RunNote {
    RunNote {
        title: study.title.clone(),
        subjects: study.subjects.len(),
        resume: resume_command(),
        begun_ns: tell::nanoseconds(SystemTime::now()).unwrap_or_default(),
        rows_before: earlier.rows,
    }
}

fn tell_broken_off(
    broken_off: &BrokenOff,
    study: &Study,
    shelf: &Shelf,
    trouble: Option<String>,
    voice: &Voice,
) -> Ending {
    let (subjects, failed, resume) = (study.subjects.len(), shelf.failures().count(), resume_command());
    let finished = shelf.n_answers() + failed;
    let saved = if trouble.is_none() { "finished and saved" } else { "finished, not all of them saved" };
    voice.way_on(&format!(
        "ended by {}: {finished} of {} {saved}\n{} and {} are not written yet\nto go on: {resume}",
        broken_off.signal,
        count(subjects, "subject"),
        files::TABLE,
        files::PAGE,
    ));
    voice.tell_json(
        &serde_json::json!({
            "operation": "study",
            "ended_by": broken_off.signal,
            "subjects": subjects,
            "finished": finished,
            "failed": failed,
            "trouble": trouble,
            "resume": resume,
        })
        .to_string(),
    );
    Ending::BrokenOff(broken_off.exit_code)
}

/// What a study came to, for the terminal.
#[derive(Debug, Serialize)]
struct Summary {
    operation: &'static str,
    subjects: usize,
    succeeded: usize,
    /// Those that an earlier run had finished.
    resumed: usize,
    failed: Vec<Remark>,
    /// What the journal or the reports lack, if anything.
    trouble: Option<String>,
    /// The subjects with answers that lack something.
    incomplete: Vec<String>,
    epochs: usize,
    /// Columns of features.csv beside subject and time.
    features: usize,
    /// What the folder holds besides subjects.
    set_aside: Vec<String>,
    mode: String,
    workers: usize,
    seconds: f64,
    files: Vec<&'static str>,
}

impl Summary {
    fn ending(&self) -> Ending {
        let is_whole = self.failed.is_empty() && self.incomplete.is_empty() && self.trouble.is_none();
        match (self.succeeded, is_whole) {
            (0, _) => Ending::CouldNotRun,
            (_, true) => Ending::Done,
            (_, false) => Ending::Incomplete,
        }
    }
}

/// No more of a kind than this are named on the terminal; the page names all.
const MOST_NAMED: usize = 20;

fn tell(summary: &Summary, folder: &str, voice: &Voice) {
    for failed in summary.failed.iter().take(MOST_NAMED) {
        voice.warning(&format!("{} failed: {}", failed.subject, failed.reason));
    }
    if let Some(more @ 1..) = summary.failed.len().checked_sub(MOST_NAMED) {
        voice.warning(&format!("{} more failed; see {}", count(more, "subject"), files::PAGE));
    }
    for name in summary.set_aside.iter().take(MOST_NAMED) {
        voice.warning(&format!("{name} is set aside: it is neither an EDF file nor a folder"));
    }
    if summary.succeeded == 0 {
        voice.error(&"no subject could be worked on; the page names the reasons");
    }
    let mut subjects = format!("{}: {} done, {} failed", summary.subjects, summary.succeeded, summary.failed.len());
    if summary.resumed > 0 {
        subjects += &format!("; {} by earlier runs", summary.resumed);
    }
    let features = format!("{} for {}", summary.features, count(summary.epochs, "epoch"));
    let seconds = format!("{:.2}; mode {}, {}", summary.seconds, summary.mode, count(summary.workers, "worker"));
    let mut lines = vec![item("subjects", &subjects), item("features", &features)];
    if !summary.incomplete.is_empty() {
        lines.push(item("lacking", &format!("something in {}: see {}", list(&summary.incomplete), files::PAGE)));
    }
    lines.extend([item("seconds", &seconds), item("files", &format!("{folder}: {}", summary.files.join(" ")))]);
    voice.tell(&lines.join("\n"));
    voice.tell_json(&serde_json::to_string(summary).expect("a summary is names, numbers and lists of them"));
}
