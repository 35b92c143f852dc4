//! `sleep-analysis study`: the features of many subjects, in one table and on one page.
//!
//! An item is a subject; its signals and epochs are computed within it, in parallel where threads are free.
//!
//! Promises: a broken file or subject fails by name and affects no other; the files are the same bytes for every mode, number of
//! workers and interruption, because nothing in them depends on when and where they were made; finished subjects are kept in `run/`
//! and not computed again. The files are written once every subject has a result or a failure: a table that lacks subjects would look
//! complete. The number of workers bounds memory, not the number of subjects, except for results that a resumed run reads from its
//! journal. `study_command.rs` interprets the flags, `work.rs` runs the job, `status.rs` reports on a run later.

mod csv_folder;
mod files;
mod fingerprint;
mod read_ahead;
mod run_folder;
mod spill_file;
mod status;
mod study_command;
mod subject;
mod subjects;
mod work;

use std::ops::ControlFlow;
use std::time::{Instant, SystemTime};

use consumer_support::command_line::resume_command;
use consumer_support::{ExitStatus, Interrupted, Interruption, Output, notice};
use serde::Serialize;
use sleep_analysis::{SleepError, SleepResult};

use super::analysis::text::{count, item, list};
use super::analysis::{CliContext, NightFolder, Remark};
use super::args::StudyArgs;
use run_folder::{Earlier, RunNote};
use spill_file::SpillFile;
use study_command::StudyCommand;
use subjects::Study;
use work::work_on;

/// Runs the study, or reports on it, as the arguments say.
///
/// # Errors
/// [`SleepError`](sleep_analysis::SleepError) when nothing could be done: invalid arguments, a folder without
/// subjects, no place to write.
pub(crate) fn study(args: &StudyArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    match StudyCommand::of(args) {
        StudyCommand::Status => {
            status::print_status(&args.out, args.folder.is_some() || args.made.is_some(), context.output)
        }
        StudyCommand::Failed => status::print_failed(&args.out, context.output),
        command @ (StudyCommand::Begin | StudyCommand::Resume) => run(args, command, context),
    }
}

fn run(args: &StudyArgs, command: StudyCommand, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let started = Instant::now();
    command.require_fitting_folder(&args.out)?;
    let study = Study::of(args)?;
    NightFolder::create(&args.out)?; // a folder that cannot be written to is refused before any work
    let interruption = listen(context)?;
    let mut spill_file = SpillFile::new(&args.out, study.subjects.len())?;
    let mut spill_error = None;
    let earlier = Earlier::in_journal(&args.out);
    let replaced = note(&study, earlier).write(&args.out)?;
    let worked = work_on(&study, args, earlier, context, interruption.token(), |idx, result| {
        match spill_file.put(idx, result) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                spill_error = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    let worked = worked.inspect_err(|_| replaced.put_back())?;
    if let Some(warning) = &worked.warning {
        context.output.warning(warning);
    }
    if let Some(error) = spill_error {
        return Err(error);
    }
    let found = match files::write(&study, &spill_file, &args.out, context.common, interruption.token()) {
        Ok(found) => found,
        Err(error) => match interruption.interrupted() {
            Some(interrupted) => {
                return Ok(print_interrupted(&interrupted, &study, &spill_file, worked.warning, context.output));
            }
            None => return Err(error),
        },
    };
    let summary = Summary {
        operation: "study",
        subjects: study.subjects.len(),
        succeeded: spill_file.n_results(),
        resumed: worked.resumed,
        failed: study.failures(&spill_file),
        warning: worked.warning,
        incomplete: found.incomplete,
        epochs: spill_file.n_epochs(),
        features: found.n_features,
        set_aside: study.set_aside.iter().map(|one| one.subject.clone()).collect(),
        set_aside_because: study.set_aside.clone(),
        mode: context.common.mode.to_string(),
        workers: context.common.n_workers(),
        seconds: started.elapsed().as_secs_f64(),
        files: vec![files::PAGE, files::TABLE, "run/summary.json"],
    };
    print(&summary, &args.out.display().to_string(), context.output);
    Ok(summary.exit_status())
}

/// Lets the running subjects finish at the first signal.
fn listen(context: &CliContext<'_>) -> SleepResult<Interruption> {
    let (n_workers, is_quiet) = (context.common.n_workers(), context.output.is_quiet());
    let on_first = move |signal: &str| {
        if !is_quiet {
            let running = if n_workers == 1 { "subject" } else { "subjects" };
            notice(&format!("{signal}: finishing the running {running}, {n_workers} at most; again to end at once"));
        }
    };
    Interruption::listen(on_first).map_err(|error| SleepError::Config(format!("cannot listen to signals: {error}")))
}

fn note(study: &Study, earlier: Earlier) -> RunNote {
    RunNote {
        title: study.title.clone(),
        subjects: study.subjects.len(),
        started_ns: status::nanoseconds(SystemTime::now()).unwrap_or_default(),
        rows_before: earlier.rows,
    }
}

fn print_interrupted(
    interrupted: &Interrupted,
    study: &Study,
    spill_file: &SpillFile,
    warning: Option<String>,
    output: &Output,
) -> ExitStatus {
    let (subjects, failed, resume) = (study.subjects.len(), spill_file.failures().count(), resume_command());
    let finished = spill_file.n_results() + failed;
    let saved = if warning.is_none() { "finished and saved" } else { "finished, not all of them saved" };
    notice(&format!(
        "ended by {}: {finished} of {} {saved}\n{} and {} are not written yet\nto go on: {resume}",
        interrupted.signal,
        count(subjects, "subject"),
        files::TABLE,
        files::PAGE,
    ));
    output.json(
        &serde_json::json!({
            "operation": "study",
            "ended_by": interrupted.signal,
            "subjects": subjects,
            "finished": finished,
            "failed": failed,
            "warning": warning,
            "resume": resume,
        })
        .to_string(),
    );
    ExitStatus::Interrupted(interrupted.exit_code)
}

/// The result of a study, for the terminal.
#[derive(Debug, Serialize)]
struct Summary {
    operation: &'static str,
    subjects: usize,
    succeeded: usize,
    /// Those that an earlier run had finished.
    resumed: usize,
    failed: Vec<Remark>,
    /// What the journal or the reports lack, if anything.
    warning: Option<String>,
    /// The subjects whose results lack something.
    incomplete: Vec<String>,
    epochs: usize,
    /// Columns of features.csv beside subject and time.
    features: usize,
    /// What the folder holds besides subjects.
    set_aside: Vec<String>,
    /// The same with the reasons, for the terminal.
    #[serde(skip)]
    set_aside_because: Vec<Remark>,
    mode: String,
    workers: usize,
    seconds: f64,
    files: Vec<&'static str>,
}

impl Summary {
    fn exit_status(&self) -> ExitStatus {
        let is_whole = self.failed.is_empty() && self.incomplete.is_empty() && self.warning.is_none();
        match (self.succeeded, is_whole) {
            (0, _) => ExitStatus::CouldNotRun,
            (_, true) => ExitStatus::Done,
            (_, false) => ExitStatus::Incomplete,
        }
    }
}

/// No more of a kind than this are named on the terminal; the page names all.
const MOST_NAMED: usize = 20;

fn print(summary: &Summary, folder: &str, output: &Output) {
    for failed in summary.failed.iter().take(MOST_NAMED) {
        output.warning(&format!("{} failed: {}", failed.subject, failed.reason));
    }
    if let Some(more @ 1..) = summary.failed.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{} more failed; see {}", count(more, "subject"), files::PAGE));
    }
    for name in summary.set_aside_because.iter().take(MOST_NAMED) {
        output.warning(&format!("{} is set aside: {}", name.subject, name.reason));
    }
    if let Some(more @ 1..) = summary.set_aside.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{more} more are set aside; see {}", files::PAGE));
    }
    if summary.succeeded == 0 {
        output.error(&"no subject could be analysed; the page names the reasons");
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
    output.result(&lines.join("\n"));
    output.json(&serde_json::to_string(summary).expect("a summary is names, numbers and lists of them"));
}
