//! `extract`: the landmarks of all samples of a data set, split by split.
//!
//! An item is a sample. One that is broken, or takes its worker down, fails by name and costs no other. The arrays are the same bytes
//! for every mode, number of workers and interruption, because nothing in them depends on when and where they were made. `samples.rs`
//! names the samples, `resume.rs` finds those that are done, `split_run.rs` runs the job, `worker.rs` is the work on one sample, and
//! `results.rs` writes the tables.

mod lock;
mod memory;
mod page;
mod results;
mod resume;
mod samples;
mod settings;
mod split_run;
mod status;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};

use consumer_support::command_line::command_with;
use consumer_support::{CliContext, ExitStatus, Interrupted, Output, RunFolder, notice};
use landmark_extraction::made::MadeError;
use landmark_extraction::sample::RunTotals;
use manyhands::{AnyMode, CancelToken};
use serde_json::{Value, json};

use super::args::ExtractArgs;
use super::{Refusal, require_utf8, text};
use lock::SplitLock;
use resume::EarlierRun;
use samples::SplitSamples;
use settings::ExtractSettings;
use split_run::{SplitOutcome, SplitRun};
use status::SplitNote;

pub(super) use results::write_json;
pub(super) use resume::require_whole;
pub(super) use status::begun_splits;

/// No more of a kind than this are named on the terminal; the tables and the page name all.
const MOST_NAMED: usize = 20;

/// Extracts the samples, or reports on a run, as the flags say.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn extract(args: &ExtractArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    if args.status {
        return status::print_status(&args.out, context.output);
    }
    let Some(data) = &args.data else { return Err("no data set is given".to_owned()) };
    let done = extract_data(data, args, context)?;
    finish(data, &done, None, context)
}

/// What became of a run.
pub(super) struct ExtractedData {
    pub(super) splits: Vec<SplitOutcome>,
    pub(super) settings: ExtractSettings,
    pub(super) workers: usize,
    mode: AnyMode,
    /// The signal that ended it before all samples were done.
    interrupted: Option<Interrupted>,
    outside: Outside,
    /// Held until everything is written.
    _locks: Vec<SplitLock>,
}

/// Extracts the samples of a data set; [`finish`] writes what covers all splits.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn extract_data(
    data: &Path,
    args: &ExtractArgs,
    context: &CliContext<'_>,
) -> Result<ExtractedData, Refusal> {
    require_utf8("the data set", data)?;
    let mode = limited(context.mode, args)?;
    let mut settings = ExtractSettings::of(args)?;
    if matches!(mode, AnyMode::Processes(_)) {
        settings.require_utf8()?;
    }
    let splits = splits(data, args, &settings, context.output)?;
    require_apart(data, &splits, &args.out)?;
    context.output.result(&settings.science.sentence());
    let locks = make_folders(&splits, &mut settings)?;
    let earlier = earlier_runs(&splits, &settings, args)?;
    let workers = workers(&splits, &earlier, args, &settings, context)?;
    let interruption = context.listen(format!("the samples at work, {workers} at most"))?;
    let run = |stop| SplitRun {
        settings: &settings,
        mode,
        workers,
        checkpoint_every: args.checkpoint_every,
        redo_changed: args.redo_changed,
        stop,
        context,
    };
    let outcomes = extract_splits(&splits, &earlier, &run(interruption.token()), interruption.token())?;
    let outside = Outside::of(&splits, &earlier, outcomes.len());
    let is_unfinished = outside.n_open() > 0 || outcomes.iter().any(|outcome| outcome.n_unfinished() > 0);
    let interrupted = interruption.interrupted().filter(|_| is_unfinished);
    Ok(ExtractedData { splits: outcomes, settings, workers, mode, interrupted, outside, _locks: locks })
}

/// Samples that no outcome counts.
#[derive(Debug, Clone, Copy, Default)]
struct Outside {
    /// Of the splits that were not begun, as the run was ended before.
    n_not_begun: usize,
    /// Those of them that an earlier run has finished.
    n_done_before: usize,
    /// Folders that cannot be extracted at all, in all splits.
    n_left_out: usize,
}

impl Outside {
    fn of(splits: &[SplitSamples], earlier: &[EarlierRun], n_begun: usize) -> Self {
        Self {
            n_not_begun: splits.iter().skip(n_begun).map(|split| split.samples.len()).sum(),
            n_done_before: earlier.iter().skip(n_begun).map(|earlier| earlier.done.len()).sum(),
            n_left_out: splits.iter().map(|split| split.n_left_out).sum(),
        }
    }

    fn n_open(self) -> usize {
        self.n_not_begun.saturating_sub(self.n_done_before)
    }
}

/// The mode in which no sample takes longer than the limit.
fn limited(mode: AnyMode, args: &ExtractArgs) -> Result<AnyMode, Refusal> {
    match (mode, args.time_limit) {
        (mode, None) => Ok(mode),
        (AnyMode::Processes(processes), Some(limit)) => Ok(AnyMode::Processes(processes.time_limit(limit))),
        (mode, Some(_)) => Err(format!(
            "--time-limit ends the process that works on a sample, and mode {mode} has none; use --mode processes, or leave the \
             limit out"
        )),
    }
}

/// Refuses results among the samples: their folders would count as samples, too.
fn require_apart(data: &Path, splits: &[SplitSamples], out: &Path) -> Result<(), Refusal> {
    let (data_path, out_path) = (real_path(data), real_path(out));
    let lies_in = |split: &SplitSamples| out_path.starts_with(real_path(&data_path.join(&split.split)));
    if out_path == data_path || splits.iter().any(lies_in) {
        return Err(format!(
            "--out {} lies in the data set {}, where its folders would count as samples; choose one outside",
            out.display(),
            data.display()
        ));
    }
    Ok(())
}

/// The path without links, also of what is not there yet.
fn real_path(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = |above: &Path| Some(above.canonicalize().ok()?.join(path.strip_prefix(above).ok()?));
    path.ancestors().find_map(real).unwrap_or_else(|| path.clone())
}

fn splits(
    data: &Path,
    args: &ExtractArgs,
    settings: &ExtractSettings,
    output: &Output,
) -> Result<Vec<SplitSamples>, Refusal> {
    let (names, mut set_aside) = samples::chosen_splits(data, &args.split)?;
    let key = (settings.science.key(), settings.science.stride);
    let splits: Vec<SplitSamples> =
        names.iter().map(|name| samples::samples_of(data, name, key)).collect::<Result<_, _>>()?;
    set_aside.extend(splits.iter().flat_map(|split| split.set_aside.iter().cloned()));
    name_some(&set_aside, "are set aside", output);
    if splits.iter().all(|split| split.samples.is_empty()) {
        let shown: Vec<String> = names.iter().map(|name| data.join(name).display().to_string()).collect();
        return Err(format!("{} holds no samples: folders of frames", shown.join(", ")));
    }
    Ok(splits)
}

/// Makes the folders of all splits, keeps other runs out of them, and takes away what a killed run has left there.
fn make_folders(splits: &[SplitSamples], settings: &mut ExtractSettings) -> Result<Vec<SplitLock>, Refusal> {
    for split in splits {
        let folder = settings.split_folder(&split.split);
        let refused =
            |error: std::io::Error| format!("{} cannot be made: {error}; choose another --out", folder.display());
        RunFolder::in_results(&folder).create().map_err(refused)?;
    }
    settings.out = settings.out.canonicalize().map_err(text)?;
    let folder_of = |split: &SplitSamples| settings.split_folder(&split.split);
    let locks: Vec<SplitLock> =
        splits.iter().map(|split| SplitLock::take(&folder_of(split))).collect::<Result<_, _>>()?;
    for (split, lock) in splits.iter().zip(&locks) {
        if lock.is_exclusive() {
            remove_leftovers(&folder_of(split))?;
        }
        SplitNote { samples: split.samples.len() }.write(&folder_of(split))?;
    }
    Ok(locks)
}

/// Removes the unfinished files that a killed run has left.
fn remove_leftovers(folder: &Path) -> Result<(), Refusal> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(".manyhands-") && name.ends_with(".tmp") {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

fn earlier_runs(
    splits: &[SplitSamples],
    settings: &ExtractSettings,
    args: &ExtractArgs,
) -> Result<Vec<EarlierRun>, Refusal> {
    let look = |split: &SplitSamples| {
        let folder = settings.split_folder(&split.split);
        resume::earlier_run(&folder, &split.samples, &settings.science, args.redo_changed)
    };
    splits.iter().map(look).collect()
}

/// As many workers as are asked for, or fit.
fn workers(
    splits: &[SplitSamples],
    earlier: &[EarlierRun],
    args: &ExtractArgs,
    settings: &ExtractSettings,
    context: &CliContext<'_>,
) -> Result<usize, Refusal> {
    let output = context.output;
    let done_again: Vec<String> = earlier.iter().flat_map(|earlier| earlier.done_again.iter().cloned()).collect();
    name_some(&done_again, "are done again", output);
    let is_open = |(split, earlier): &(&SplitSamples, &EarlierRun)| earlier.done.len() < split.samples.len();
    let open = splits.iter().zip(earlier).find(is_open);
    let (Some(budget), Some((split, _))) = (args.memory, open) else { return Ok(context.n_workers()) };
    let fitting = memory::fitting_workers(budget, &split.samples, settings, context)?;
    output.result(&fitting.sentence);
    Ok(fitting.workers)
}

fn extract_splits(
    splits: &[SplitSamples],
    earlier: &[EarlierRun],
    run: &SplitRun<'_>,
    stop: &CancelToken,
) -> Result<Vec<SplitOutcome>, Refusal> {
    let mut outcomes = Vec::new();
    for (split, earlier) in splits.iter().zip(earlier) {
        if stop.is_cancelled() && !outcomes.is_empty() {
            break;
        }
        let outcome = split_run::extract_split(split, earlier, run)?;
        outcome.warnings.iter().for_each(|warning| run.context.output.warning(warning));
        let of_failed = outcome.failed.iter().flat_map(page::warnings_of_failed);
        let torn = outcome.made.iter().flat_map(page::warnings_of).chain(of_failed);
        let torn: Vec<String> = torn.map(|warning| format!("{}: {}", warning.subject, warning.reason)).collect();
        name_some(&torn, "rows have no numbers", run.context.output);
        run.context.output.result(&sentence(&outcome));
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// What became of a split, for the terminal.
fn sentence(outcome: &SplitOutcome) -> String {
    let earlier = match outcome.resumed.len() {
        0 => String::new(),
        n => format!(", {n} in earlier runs"),
    };
    format!(
        "{}: {} of {} samples extracted{earlier}, {} failed; {}",
        outcome.split,
        outcome.made.len() + outcome.resumed.len(),
        outcome.n_samples,
        outcome.failed.len(),
        speed(outcome)
    )
}

/// How fast this run was and what it took; or, where it computed nothing, how fast the earlier ones were.
fn speed(outcome: &SplitOutcome) -> String {
    let (frames, measured) = (outcome.frames_of_this_run(), &outcome.measured);
    let wall = measured.wall.as_secs_f64();
    if frames == 0 || wall <= 0.0 {
        let totals = RunTotals::of(&outcome.figures(), 0.0);
        return format!(
            "no new frames; {} of all runs, {:.1} frames/s of a worker",
            totals.total_frames, totals.average_fps
        );
    }
    let faster = results::speed_up(measured, frames);
    let faster = faster.map(|factor| format!("; {factor:.2} times as fast as one worker")).unwrap_or_default();
    format!(
        "{frames} frames in {wall:.1} s, {:.1} frames/s{faster}; {} takes {} MiB",
        frames as f64 / wall,
        split_run::memory_of(outcome.mode),
        measured.worker_bytes >> 20
    )
}

/// Writes the summary of all splits and the page, and says how it ended. `error` is that of the made models, where the truth is known.
///
/// # Errors
/// A message when the page cannot be written.
pub(super) fn finish(
    data: &Path,
    done: &ExtractedData,
    error: Option<&MadeError>,
    context: &CliContext<'_>,
) -> Result<ExitStatus, Refusal> {
    let (outcomes, out) = (&done.splits, &done.settings.out);
    let summary = summary(done, error);
    let written = results::write_json(&out.join(results::SUMMARY), &summary);
    if let Err(why) = &written {
        context.output.warning(why);
    }
    context.output.json(&summary.to_string());
    page::write(data, done, error, context)?;
    context.output.result(&format!("look at {}", out.join("index.html").display()));
    let sum = |of: fn(&SplitOutcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let n_done = sum(|outcome| outcome.made.len() + outcome.resumed.len());
    if let Some(interrupted) = &done.interrupted {
        notice(&format!(
            "ended by {}: {n_done} samples are finished and saved\nto go on: {}",
            interrupted.signal,
            command_with(&[])
        ));
        return Ok(ExitStatus::Interrupted(interrupted.exit_code));
    }
    let has_lost = written.is_err() || outcomes.iter().any(has_lost_a_table);
    Ok(match (n_done, sum(|outcome| outcome.failed.len()) == 0 && done.outside.n_left_out == 0 && !has_lost) {
        (0, _) => ExitStatus::CouldNotRun,
        (_, true) => ExitStatus::Done,
        (_, false) => ExitStatus::Incomplete,
    })
}

/// The summary of all splits. What stands outside `all_runs` is of this run alone.
fn summary(done: &ExtractedData, error: Option<&MadeError>) -> Value {
    let (outcomes, outside) = (&done.splits, done.outside);
    let sum = |of: fn(&SplitOutcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    let wall = outcomes.iter().map(|outcome| outcome.measured.wall.as_secs_f64()).sum();
    let figures: Vec<_> = outcomes.iter().flat_map(SplitOutcome::figures).collect();
    let mut summary = json!({
        "operation": "extract",
        "models": done.settings.science.models,
        "mode": done.mode.to_string(),
        "ended_by": done.interrupted.as_ref().map(|interrupted| interrupted.signal.as_str()),
        "total_samples": sum(|outcome| outcome.n_samples) + outside.n_not_begun,
        "already_extracted": sum(|outcome| outcome.resumed.len()) + outside.n_done_before,
        "unfinished": sum(SplitOutcome::n_unfinished) + outside.n_open(),
        "left_out": outside.n_left_out,
        "wall_seconds": wall,
        "splits": outcomes.iter().map(|outcome| outcome.split.as_str()).collect::<Vec<_>>(),
        "all_runs": results::all_runs(&figures),
    });
    if let (Some(summary), Value::Object(totals)) =
        (summary.as_object_mut(), json!(results::totals_of_this_run(outcomes, wall)))
    {
        summary.extend(totals);
        summary.extend(error.map(|error| ("made_error".to_owned(), json!(error))));
    }
    summary
}

/// A worker that died and whose sample was made all the same is no loss.
fn has_lost_a_table(outcome: &SplitOutcome) -> bool {
    let of_workers = usize::from(outcome.measured.tally.is_some_and(|tally| tally.lost_workers > 0));
    outcome.warnings.len() > of_workers
}

fn name_some(sentences: &[String], what: &str, output: &Output) {
    sentences.iter().take(MOST_NAMED).for_each(|sentence| output.warning(sentence));
    if let Some(more @ 1..) = sentences.len().checked_sub(MOST_NAMED) {
        output.warning(&format!("{more} more {what}"));
    }
}
