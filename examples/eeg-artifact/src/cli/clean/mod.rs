//! `clean`: recordings, one or many, each into a folder of its own, and a page over all.
//!
//! An item is a recording; its channels are processed within it, in parallel where workers are free. A broken recording fails by name and
//! costs no other. The results are the same bytes for every mode, number of workers and interruption, because nothing in them depends on
//! when and where they were made; finished recordings are in the journal of `run/` and not cleaned again.

mod inputs;
mod one;
mod overview;
mod settings;
mod status;
mod work;

use consumer_support::command_line::resume_command;
use consumer_support::{CliContext, ExitStatus, Interrupted, Output, RunFolder, Usage, notice};
use manyhands::Tally;
use serde_json::{Value, json};

use super::Refusal;
use super::args::CleanArgs;
use super::results;
use inputs::RecordingFile;
use one::Cleaned;
use settings::CleanSettings;
use work::Worked;

/// No more of a kind than this are named on the terminal; the page names all.
const MOST_NAMED: usize = 20;

/// Cleans the recordings, or reports on a run, as the flags say.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn clean(args: &CleanArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    if args.status {
        return status::print_status(&args.out, context.output);
    }
    if args.failed {
        return status::print_failed(&args.out, context.output);
    }
    let begin = Usage::now();
    let (mut files, set_aside) = inputs::recordings(&args.inputs)?;
    let settings = CleanSettings::of(args, files.len(), context)?;
    name_some(&set_aside, "are set aside", context.output);
    require_fitting_folder(args)?;
    status::note_recordings(&args.out, files.len())?;
    let estimate = work::estimate(&mut files, &settings);
    context.output.result(&estimate.sentence());
    let interruption = context.listen(format!("the recordings at work, {} at most", settings.work.workers))?;
    let worked = work::clean_all(&files, &settings, args, context, interruption.token())?;
    worked.warnings.iter().for_each(|warning| context.output.warning(warning));
    if let Some(interrupted) = interruption.interrupted().filter(|_| worked.tally.cancelled > 0) {
        return Ok(print_interrupted(&interrupted, &worked.tally, files.len(), context.output));
    }
    results::remove_leftovers(&args.out)?;
    overview::write(&files, &worked.results, &set_aside, &settings)?;
    finish(&files, &settings, worked, &begin, context)
}

/// Refuses a folder that has a journal unless the run is to be resumed.
fn require_fitting_folder(args: &CleanArgs) -> Result<(), Refusal> {
    let run_folder = RunFolder::in_results(&args.out);
    if !args.resume && run_folder.has_journal() {
        return Err(format!(
            "{} holds a run already\nto go on with it: {}\nto begin anew, name another folder with --out",
            args.out.display(),
            resume_command()
        ));
    }
    let refused = |why| format!("{} cannot be made: {why}; choose another with --out", run_folder.path().display());
    run_folder.create().map_err(refused)
}

fn print_interrupted(interrupted: &Interrupted, tally: &Tally, n_files: usize, output: &Output) -> ExitStatus {
    let (finished, resume) = (tally.succeeded + tally.failed, resume_command());
    notice(&format!(
        "ended by {}: {finished} of {n_files} recordings finished and saved; the page over all is not written yet\n\
         to go on: {resume}",
        interrupted.signal
    ));
    let summary = json!({
        "operation": "clean",
        "ended_by": interrupted.signal,
        "recordings": n_files,
        "finished": finished,
        "failed": tally.failed,
        "resume": resume,
    });
    output.json(&summary.to_string());
    ExitStatus::Interrupted(interrupted.exit_code)
}

/// Writes the page over all, and prints the summary.
fn finish(
    files: &[RecordingFile],
    settings: &CleanSettings,
    worked: Worked,
    begin: &Usage,
    context: &CliContext<'_>,
) -> Result<ExitStatus, Refusal> {
    let Worked { tally, results, warnings } = worked;
    let missing = work::missing_results(files, &results, settings);
    name_some(&missing, "lack results", context.output);
    let failed: Vec<String> = files
        .iter()
        .zip(&results)
        .filter_map(|(file, result)| Some(format!("{} failed: {}", file.name, result.as_ref().err()?)))
        .collect();
    failed.iter().take(MOST_NAMED).for_each(|failed| context.output.error(failed));
    if let Some(more @ 1..) = failed.len().checked_sub(MOST_NAMED) {
        context.output.error(&format!("{more} more failed"));
    }
    let doubtful: Vec<String> = files
        .iter()
        .zip(&results)
        .filter_map(|(file, result)| Some((file, result.as_ref().ok()?)))
        .flat_map(|(file, cleaned)| cleaned.warnings.iter().map(move |warning| format!("{}: {warning}", file.name)))
        .collect();
    name_some(&doubtful, "warnings", context.output);
    let usage = Usage::now().since(begin);
    let cleaned: Vec<&Cleaned> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    let mut lines: Vec<String> = cleaned.iter().filter_map(|cleaned| cleaned.serial_reason.clone()).take(1).collect();
    let earlier = if tally.resumed > 0 { format!(" ({} in earlier runs)", tally.resumed) } else { String::new() };
    lines.push(format!("{}: {} cleaned{earlier}, {} failed", counted(files.len()), tally.succeeded, tally.failed));
    let (seconds, mode) = (usage.wall.as_secs_f64(), context.mode);
    lines.push(format!("{seconds:.2} s; mode {mode}, {} workers; {usage}", settings.work.workers));
    lines.push(format!("look at {}", settings.work.out.join("index.html").display()));
    context.output.result(&lines.join("\n"));
    context.output.json(&summary(files, &results, &tally, usage.wall.as_secs_f64(), context).to_string());
    let is_cleaned_whole = cleaned.iter().all(|cleaned| !cleaned.is_incomplete);
    let is_whole = tally.failed == 0 && missing.is_empty() && warnings.is_empty() && is_cleaned_whole;
    Ok(match (tally.succeeded, is_whole) {
        (0, _) => ExitStatus::CouldNotRun,
        (_, true) => ExitStatus::Done,
        (_, false) => ExitStatus::Incomplete,
    })
}

fn counted(n_recordings: usize) -> String {
    format!("{n_recordings} recording{}", if n_recordings == 1 { "" } else { "s" })
}

fn summary(
    files: &[RecordingFile],
    results: &[Result<Cleaned, String>],
    tally: &Tally,
    seconds: f64,
    context: &CliContext<'_>,
) -> Value {
    let entry = |(file, result): (&RecordingFile, &Result<Cleaned, String>)| match result {
        Ok(cleaned) => json!({ "name": file.name, "cleaned": cleaned }),
        Err(error) => json!({ "name": file.name, "error": error }),
    };
    json!({
        "operation": "clean",
        "recordings": files.iter().zip(results).map(entry).collect::<Vec<Value>>(),
        "succeeded": tally.succeeded,
        "failed": tally.failed,
        "resumed": tally.resumed,
        "mode": context.mode.to_string(),
        "workers": context.n_workers(),
        "seconds": seconds,
    })
}

fn name_some(sentences: &[String], what: &str, output: &Output) {
    sentences.iter().take(MOST_NAMED).for_each(|sentence| output.warning(sentence));
    if let Some(more @ 1..) = sentences.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{more} more {what}"));
    }
}
