//! The job over recordings: one call, with journal, report, budget and progress.

use consumer_support::command_line::command_with;
use consumer_support::{CliContext, RunFolder};
use eeg_artifact::files::OpenRecording;
use manyhands::config::override_parallel_config;
use manyhands::journal::{JournalError, OnChange, RetryRecorded};
use manyhands::{
    CancelToken, Cause, ItemFailure, Job, Journal, OnFailure, Outcome, ParallelConfig, Progress, Report, Tally,
};

use super::inputs::RecordingFile;
use super::one::{self, Cleaned};
use super::settings::CleanSettings;
use crate::cli::Refusal;
use crate::cli::args::CleanArgs;
use crate::cli::memory::mebibytes;
use crate::cli::results::REPORT;

/// Raise it whenever the same recording gets another result, so that no run mixes the two.
const RESULTS_VERSION: u32 = 1;

/// What became of a run.
#[derive(Debug)]
pub(super) struct Worked {
    pub(super) tally: Tally,
    /// In the order of the recordings.
    pub(super) results: Vec<Result<Cleaned, String>>,
    /// What journal and reports lack.
    pub(super) warnings: Vec<String>,
}

/// The memory that a run needs.
#[derive(Debug)]
pub(super) struct Estimate {
    n_recordings: usize,
    largest: u64,
    at_once: usize,
    budget: Option<u64>,
    /// Recordings that are kept in files, as they need more than the budget.
    n_in_files: usize,
}

/// Looks at the header of each recording, and notes what it needs.
pub(super) fn estimate(files: &mut [RecordingFile], settings: &CleanSettings) -> Estimate {
    let (science, work) = (&settings.science, &settings.work);
    let pipeline = science.pipeline();
    let mut n_in_files = 0;
    for file in files.iter_mut() {
        // One that cannot be opened fails by name when it is its turn.
        let Ok(open) = OpenRecording::open(&file.path, &science.read) else { continue };
        file.bytes = work.bytes_in_memory(&pipeline, open.info());
        if work.memory.is_some_and(|memory| file.bytes > memory) {
            n_in_files += 1;
            // At least the budget, so that it runs alone.
            file.bytes = work.bytes_in_files(&pipeline, open.info()).max(work.memory.unwrap_or_default());
        }
    }
    let largest = files.iter().map(|file| file.bytes).max().unwrap_or_default();
    Estimate { n_recordings: files.len(), largest, at_once: work.workers, budget: work.memory, n_in_files }
}

impl Estimate {
    /// For the terminal, before the work.
    pub(super) fn sentence(&self) -> String {
        let at_once = self.at_once.min(self.n_recordings);
        let most = self.largest.saturating_mul(at_once as u64);
        let most = self.budget.map_or(most, |budget| most.min(budget.max(self.largest)));
        let mut sentence = match self.n_recordings {
            1 => format!("1 recording, which needs about {} MiB of memory", mebibytes(self.largest)),
            n => format!(
                "{n} recordings; the largest needs about {} MiB of memory, {at_once} at once up to {} MiB",
                mebibytes(self.largest),
                mebibytes(most)
            ),
        };
        if let Some(budget) = self.budget {
            sentence += &format!("; --memory is {} MiB", mebibytes(budget));
        }
        if self.n_in_files > 0 {
            sentence += &format!("; too large for it, kept in files and cleaned alone: {}", self.n_in_files);
        }
        sentence
    }
}

/// Cleans all recordings that an earlier run has not.
///
/// # Errors
/// A message when the run was refused: a journal that another run writes, or that belongs to other settings or recordings.
pub(super) fn clean_all(
    files: &[RecordingFile],
    settings: &CleanSettings,
    args: &CleanArgs,
    context: &CliContext<'_>,
    stop: &CancelToken,
) -> Result<Worked, Refusal> {
    let config = ParallelConfig::builder().max_workers_cpu(settings.work.workers).build().map_err(text)?;
    let _until_the_end = override_parallel_config(config);
    let _heartbeat = context.heartbeat();
    let shows_bar = context.output.shows_progress();
    let progress = if shows_bar { Progress::auto("recordings") } else { Progress::off() };
    let outcome = Job::new(files)
        .mode(settings.mode_of_recordings(context.mode))
        .workers(settings.work.workers)
        .chunk_size(context.chunk_size.unwrap_or(1))
        .cost(|file| file.bytes)
        .memory_budget(settings.work.memory.unwrap_or(u64::MAX))
        .on_failure(OnFailure::Continue)
        .cancel_token(stop)
        .key(|file| file.name.clone())
        .progress(progress)
        .shared(settings)
        .try_map(one::clean)
        .journal(journal(settings, args))
        .report(report(settings))
        .run()
        .map_err(|error| refusal(&error))?;
    Ok(worked(outcome))
}

/// Why a run was refused, with the command that helps.
fn refusal(error: &manyhands::Error<String>) -> Refusal {
    let Some(JournalError::Changed { what, recorded, now }) = error.journal_error() else { return error.to_string() };
    format!(
        "{what} is {now} and was {recorded} when this run began; set it back, choose another --out, or clean again what \
         that concerns: {}",
        command_with(&["--resume", "--redo-changed"])
    )
}

fn journal(settings: &CleanSettings, args: &CleanArgs) -> Journal<'static, RecordingFile> {
    let retry = if args.keep_failed { RetryRecorded::Nothing } else { RetryRecorded::Failed };
    Journal::at(RunFolder::in_results(&settings.work.out).journal())
        .version(format!("{}, results {RESULTS_VERSION}", env!("CARGO_PKG_VERSION")))
        .configuration(&settings.science)
        .fingerprint(fingerprint)
        .retry_recorded(retry)
        .on_change(if args.redo_changed { OnChange::Recompute } else { OnChange::Refuse })
}

/// Changes when a file of the recording has changed.
fn fingerprint(file: &RecordingFile) -> String {
    let of =
        |path: &std::path::Path| manyhands::journal::file_fingerprint(path).unwrap_or_else(|_| "missing".to_owned());
    let is_brainvision = file.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("vhdr"));
    let mut marks = of(&file.path);
    if is_brainvision {
        // The header may name others; these are what recorders write.
        marks += &format!(" {} {}", of(&file.path.with_extension("eeg")), of(&file.path.with_extension("vmrk")));
    }
    marks
}

fn report(settings: &CleanSettings) -> Report<'static> {
    Report::at(RunFolder::in_results(&settings.work.out).path())
        .field("steps", &settings.science.steps)
        .field("eeg_artifact", env!("CARGO_PKG_VERSION"))
}

fn worked(outcome: Outcome<Cleaned, String>) -> Worked {
    let tally = *outcome.tally();
    let warnings = outcome.warnings().iter().map(text).collect();
    let results = outcome.into_results().into_iter().map(|result| result.map_err(reason)).collect();
    Worked { tally, results, warnings }
}

/// Why a recording failed: the same in every run and when it is read back from the journal, so without durations and attempts.
fn reason(failure: ItemFailure<String>) -> String {
    let shown = failure.to_string();
    match failure.cause {
        Cause::Error(message) => message,
        Cause::Recorded(recorded) => recorded.message,
        Cause::Panic(message) => format!("the program made a mistake: {message}"),
        Cause::Lost(worker) => format!("its worker process was lost: {worker}"),
        _ => shown,
    }
}

/// Recordings that count as done and whose files are not there: removed since the journal was written.
pub(super) fn missing_results(
    files: &[RecordingFile],
    results: &[Result<Cleaned, String>],
    settings: &CleanSettings,
) -> Vec<String> {
    let folder = |file: &RecordingFile| settings.work.out.join(&file.name);
    let done = files.iter().zip(results).filter(|(_, result)| result.is_ok());
    let lacking = done.filter(|(file, _)| !folder(file).join(REPORT).is_file());
    let sentence = |(file, _): (&RecordingFile, _)| {
        format!(
            "the results of {} are no longer there; remove {} to clean it again",
            file.name,
            settings.work.out.display()
        )
    };
    lacking.map(sentence).collect()
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
