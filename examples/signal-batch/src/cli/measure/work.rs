//! The job over captures: one call, with journal, report, budget and progress.

use std::path::Path;

use consumer_support::command_line::command_with;
use consumer_support::{CliContext, RunFolder};
use manyhands::job::FailureKind;
use manyhands::journal::{JournalError, OnChange, RetryRecorded};
use manyhands::{AnyMode, CancelToken, Cause, ItemFailure, Job, Journal, OnFailure, Outcome, Progress, Report, Tally};

use super::MeasureArgs;
use super::inputs::CaptureItem;
use super::one::{MeasureSettings, Measured, Worker};
use crate::cli::Refusal;

/// Raise it whenever the same capture gets another result, so that no table mixes the two.
const RESULTS_VERSION: u32 = 1;

/// What became of a run.
#[derive(Debug)]
pub(in crate::cli) struct Worked {
    pub(in crate::cli) tally: Tally,
    /// In the order of the captures.
    pub(in crate::cli) results: Vec<Result<Measured, String>>,
    /// What journal and reports lack.
    pub(in crate::cli) warnings: Vec<String>,
}

/// How the captures are distributed.
pub(in crate::cli) struct Distribution<'a> {
    pub(in crate::cli) mode: AnyMode,
    /// The memory that all captures at work may take together.
    pub(in crate::cli) memory: Option<u64>,
    pub(in crate::cli) stop: &'a CancelToken,
}

/// Measures the captures, and keeps nothing.
///
/// # Errors
/// A message when the run was refused.
pub(in crate::cli) fn measure_once(
    items: &[CaptureItem],
    settings: &MeasureSettings,
    distribution: &Distribution<'_>,
    context: &CliContext<'_>,
) -> Result<Worked, Refusal> {
    let work = job(items, distribution, context).shared(settings).worker_state(Worker::new).try_map(Worker::measure);
    work.run().map(worked).map_err(|error| error.to_string())
}

/// Measures all captures that an earlier run in the folder has not, with journal and report there.
///
/// # Errors
/// A message when the run was refused: a journal that another run writes, or that belongs to other settings or captures.
pub(super) fn measure_all(
    items: &[CaptureItem],
    settings: &MeasureSettings,
    args: &MeasureArgs,
    distribution: &Distribution<'_>,
    context: &CliContext<'_>,
) -> Result<Worked, Refusal> {
    let work = job(items, distribution, context).shared(settings).worker_state(Worker::new).try_map(Worker::measure);
    let outcome = work.journal(journal(settings, args)).report(report(&args.out, settings)).run();
    outcome.map(worked).map_err(|error| refusal(&error))
}

fn job<'a>(
    items: &'a [CaptureItem],
    distribution: &Distribution<'_>,
    context: &CliContext<'_>,
) -> Job<'a, CaptureItem, AnyMode> {
    let progress = if context.output.shows_progress() { Progress::auto("captures") } else { Progress::off() };
    Job::new(items)
        .mode(distribution.mode)
        .workers(context.n_workers())
        .cost(|item| item.bytes)
        .memory_budget(distribution.memory.unwrap_or(u64::MAX))
        .on_failure(OnFailure::Continue)
        .cancel_token(distribution.stop)
        .key(|item| item.name.clone())
        .progress(progress)
}

/// Why a run was refused, with the command that helps.
fn refusal(error: &manyhands::Error<String>) -> Refusal {
    let Some(JournalError::Changed { what, recorded, now }) = error.journal_error() else { return error.to_string() };
    format!(
        "{what} is {now} and was {recorded} when this run began; set it back, choose another --out, or measure again what \
         that concerns: {}",
        command_with(&["--resume", "--redo-changed"])
    )
}

fn journal(settings: &MeasureSettings, args: &MeasureArgs) -> Journal<'static, CaptureItem> {
    let retry = if args.keep_failed { RetryRecorded::Nothing } else { RetryRecorded::Failed };
    Journal::at(RunFolder::in_results(&args.out).journal())
        .version(format!("{}, results {RESULTS_VERSION}", env!("CARGO_PKG_VERSION")))
        .configuration(settings)
        .fingerprint(CaptureItem::fingerprint)
        .retry_recorded(retry)
        .on_change(if args.redo_changed { OnChange::Recompute } else { OnChange::Refuse })
}

fn report(out: &Path, settings: &MeasureSettings) -> Report<'static> {
    Report::at(RunFolder::in_results(out).path())
        .field("settings", settings)
        .field("signal_batch", env!("CARGO_PKG_VERSION"))
}

fn worked(outcome: Outcome<Measured, String>) -> Worked {
    let tally = *outcome.tally();
    let warnings = outcome.warnings().iter().map(ToString::to_string).collect();
    let results = outcome.into_results().into_iter().map(|result| result.map_err(reason)).collect();
    Worked { tally, results, warnings }
}

/// Why a capture failed: the same in every run and when it is read back from the journal, so without numbers and attempts.
fn reason(failure: ItemFailure<String>) -> String {
    let kind = failure.kind();
    let shown = failure.to_string();
    let message = match failure.cause {
        Cause::Error(message) | Cause::Panic(message) | Cause::Encoding(message) => message,
        Cause::Recorded(recorded) => recorded.message,
        Cause::Lost(worker) => worker.to_string(),
        Cause::TimeLimit(limit) => format!("took longer than its time limit of {limit:?}"),
        _ => shown,
    };
    match kind {
        FailureKind::Panic => format!("the program made a mistake: {message}"),
        FailureKind::Lost => format!("its worker process was lost: {message}"),
        FailureKind::Encoding => format!("its result could not be sent between processes: {message}"),
        _ => message,
    }
}
