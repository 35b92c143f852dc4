//! The job over the samples of one split: one call, with journal, report and progress; a checkpoint every few samples.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use consumer_support::{CliContext, Heartbeat, RunFolder, Usage};
use landmark_extraction::sample::{Extracted, SampleFailure, SampleFigures, SampleStatus};
use manyhands::journal::{JournalError, OnChange, RetryRecorded};
use manyhands::{AnyMode, CancelToken, Cause, ItemFailure, Job, Journal, OnFailure, Progress, Report, Tally};

use super::MOST_NAMED;
use super::results::{self, SplitView};
use super::resume::EarlierRun;
use super::samples::{SampleItem, SplitSamples};
use super::settings::{ExtractSettings, version};
use super::worker::Worker;
use crate::cli::Refusal;

/// How often a line says that the run lives.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A sample is measured alone where there are at least so many for each worker: else it would cost more than it tells.
const SAMPLES_PER_WORKER: usize = 4;

/// How a split is extracted.
pub(super) struct SplitRun<'a> {
    pub(super) settings: &'a ExtractSettings,
    pub(super) mode: AnyMode,
    pub(super) workers: usize,
    pub(super) checkpoint_every: usize,
    pub(super) redo_changed: bool,
    pub(super) stop: &'a CancelToken,
    pub(super) context: &'a CliContext<'a>,
}

/// What became of a split.
#[derive(Debug)]
pub(in crate::cli) struct SplitOutcome {
    pub(in crate::cli) split: String,
    pub(in crate::cli) mode: AnyMode,
    /// Samples of the split.
    pub(in crate::cli) n_samples: usize,
    /// Finished by an earlier run, in the order of the split.
    pub(in crate::cli) resumed: Vec<Extracted>,
    /// Made by this run, in the order in which they were finished.
    pub(in crate::cli) made: Vec<Extracted>,
    pub(in crate::cli) failed: Vec<SampleFailure>,
    pub(in crate::cli) measured: Measured,
    pub(in crate::cli) warnings: Vec<String>,
}

/// Times and memory of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct Measured {
    pub(in crate::cli) wall: Duration,
    /// CPU time of the program and its workers; none where the system does not say.
    pub(in crate::cli) cpu_seconds: Option<f64>,
    pub(in crate::cli) tally: Option<Tally>,
    pub(in crate::cli) serial: Option<SerialSample>,
    /// The largest resident memory of a worker's process, in bytes.
    pub(in crate::cli) worker_bytes: u64,
    /// Resident memory of the program and all workers, in bytes.
    pub(in crate::cli) memory_bytes: Option<u64>,
}

/// The sample that was extracted while no other worker was at work.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct SerialSample {
    pub(in crate::cli) frames: usize,
    pub(in crate::cli) seconds: f64,
    /// When the others began.
    pub(in crate::cli) ended: Duration,
    /// How many workers the others have.
    pub(in crate::cli) others: usize,
}

impl SplitOutcome {
    /// Samples without an array that have not failed either: the run was ended before.
    pub(in crate::cli) fn n_unfinished(&self) -> usize {
        self.n_samples.saturating_sub(self.resumed.len() + self.made.len() + self.failed.len())
    }

    /// Rows that this run computed: those of its arrays, without the ones that an interrupted run had left.
    pub(in crate::cli) fn frames_of_this_run(&self) -> usize {
        self.made.iter().map(new_rows).sum()
    }

    /// The samples that have an array, of earlier runs and of this one.
    pub(in crate::cli) fn done(&self) -> impl Iterator<Item = &Extracted> {
        self.resumed.iter().chain(&self.made)
    }

    /// The figures of all samples that have some, in the order of the split's samples by id.
    pub(in crate::cli) fn figures(&self) -> Vec<SampleFigures> {
        let done = self.done().map(|extracted| &extracted.figures);
        let mut all: Vec<SampleFigures> =
            done.chain(self.failed.iter().map(|failure| &failure.figures)).cloned().collect();
        all.sort_by(|a, b| landmark_extraction::sample::natural_order(a.sample_id.as_bytes(), b.sample_id.as_bytes()));
        number_workers(&mut all, self.made.iter().map(|extracted| extracted.figures.worker_id));
        all
    }
}

/// Rows of an array that no earlier run had computed.
fn new_rows(extracted: &Extracted) -> usize {
    extracted.figures.num_frames.saturating_sub(extracted.rows_resumed)
}

/// Replaces the marks of workers by 0, 1, 2 and so on: first those of this run, in the order of their first result.
fn number_workers(figures: &mut [SampleFigures], of_this_run: impl Iterator<Item = usize>) {
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut number = |mark: usize| {
        let next = numbers.len();
        *numbers.entry(mark).or_insert(next)
    };
    of_this_run.for_each(|mark| {
        number(mark);
    });
    figures.iter_mut().for_each(|sample| sample.worker_id = number(sample.worker_id));
}

/// Extracts all samples of a split that an earlier run has not.
///
/// # Errors
/// A message when the run was refused: a journal that another run writes, models that cannot be loaded.
pub(super) fn extract_split(
    split: &SplitSamples,
    earlier: &EarlierRun,
    run: &SplitRun<'_>,
) -> Result<SplitOutcome, Refusal> {
    let mut items = split.samples.clone();
    items.retain(|item| !earlier.done.contains_key(&item.id));
    super::samples::order_for_work(&mut items);
    let is_measured = run.workers > 1 && items.len() / SAMPLES_PER_WORKER >= run.workers;
    let mut gathering = Gathering::new(split, earlier, run, items.len());
    let begin = Usage::now();
    let _heartbeat = run.context.output.shows_progress().then(|| gathering.heartbeat());
    let folder = run.settings.split_folder(&split.split);
    let ended = Job::new(&items)
        .mode(run.mode)
        .workers(run.workers)
        .chunk_size(1)
        .on_failure(OnFailure::Continue)
        .cancel_token(run.stop)
        .key(|item: &SampleItem| item.id.clone())
        .progress(if items.is_empty() { Progress::off() } else { progress(run.context, &split.split) })
        .shared(run.settings)
        .try_worker_state(Worker::new)
        .try_map(Worker::extract)
        .journal(journal(run, &folder))
        .report(report(run, &folder).serial_sample(usize::from(is_measured)))
        .for_each(|index, result| {
            gathering.take(items.get(index), result, is_measured && index == 0);
            ControlFlow::Continue(())
        });
    gathering.finish(ended, &begin)
}

fn progress(context: &CliContext<'_>, split: &str) -> Progress<'static> {
    if context.output.shows_progress() { Progress::auto(format!("samples of {split}")) } else { Progress::off() }
}

/// Records each sample. Which ones are done was decided before, by their files, so the journal computes all that it is given.
fn journal(run: &SplitRun<'_>, folder: &std::path::Path) -> Journal<'static, SampleItem> {
    Journal::at(RunFolder::in_results(folder).journal())
        .version(version())
        .configuration(&run.settings.science)
        .fingerprint(|item: &SampleItem| item.fingerprint.clone())
        .retry_recorded(RetryRecorded::All)
        .on_change(if run.redo_changed { OnChange::Recompute } else { OnChange::Refuse })
}

fn report(run: &SplitRun<'_>, folder: &std::path::Path) -> Report<'static> {
    Report::at(RunFolder::in_results(folder).path())
        .field("settings", &run.settings.science)
        .field("landmark_extraction", env!("CARGO_PKG_VERSION"))
}

/// What has come so far, for heartbeats.
#[derive(Debug, Default)]
struct Beat {
    n_done: usize,
    n_failed: usize,
    frames: usize,
    worker_bytes: u64,
}

/// Takes results as they come.
struct Gathering<'a> {
    split: &'a SplitSamples,
    run: &'a SplitRun<'a>,
    outcome: SplitOutcome,
    n_to_do: usize,
    n_since_checkpoint: usize,
    begin: Instant,
    beat: Arc<Mutex<Beat>>,
}

impl<'a> Gathering<'a> {
    fn new(split: &'a SplitSamples, earlier: &EarlierRun, run: &'a SplitRun<'a>, n_to_do: usize) -> Self {
        let resumed = split.samples.iter().filter_map(|item| earlier.done.get(&item.id).cloned());
        let outcome = SplitOutcome {
            split: split.split.clone(),
            mode: run.mode,
            n_samples: split.samples.len(),
            resumed: resumed.collect(),
            made: Vec::new(),
            failed: Vec::new(),
            measured: Measured::default(),
            warnings: Vec::new(),
        };
        Self {
            split,
            run,
            outcome,
            n_to_do,
            n_since_checkpoint: 0,
            begin: Instant::now(),
            beat: Arc::new(Mutex::new(Beat::default())),
        }
    }

    fn heartbeat(&self) -> Heartbeat {
        let (beat, begin, usage) = (Arc::clone(&self.beat), self.begin, Usage::now());
        let (split, n_to_do, holder) = (self.split.split.clone(), self.n_to_do, memory_of(self.run.mode));
        Heartbeat::start(HEARTBEAT, move || {
            let beat = lock(&beat);
            let seconds = begin.elapsed().as_secs_f64();
            let used = Usage::now().since(&usage);
            format!(
                "{split}: {} of {n_to_do} samples, {} failed, {} frames, {:.1} frames/s; {holder} takes {} MiB; {used}",
                beat.n_done,
                beat.n_failed,
                beat.frames,
                beat.frames as f64 / seconds.max(1e-9),
                beat.worker_bytes >> 20,
            )
        })
    }

    fn take(
        &mut self,
        item: Option<&SampleItem>,
        result: Result<Extracted, ItemFailure<Box<SampleFailure>>>,
        is_alone: bool,
    ) {
        let Some(item) = item else { return };
        match result {
            Ok(extracted) => {
                let figures = &extracted.figures;
                let measured = &mut self.outcome.measured;
                measured.worker_bytes = measured.worker_bytes.max(extracted.memory_bytes);
                if is_alone && extracted.rows_resumed == 0 {
                    let (frames, seconds) = (figures.num_frames, figures.processing_time);
                    let (ended, others) = (self.begin.elapsed(), self.run.workers);
                    measured.serial = Some(SerialSample { frames, seconds, ended, others });
                }
                let mut beat = lock(&self.beat);
                beat.frames += new_rows(&extracted);
                beat.worker_bytes = measured.worker_bytes;
                drop(beat);
                self.outcome.made.push(extracted);
            }
            Err(failure) => {
                // The item of a run that was ended is not finished, which is no failure.
                if failure.is_cancelled() {
                    return;
                }
                let failure = failed(item, failure);
                if self.outcome.failed.len() < MOST_NAMED {
                    self.run.context.output.error(&format!("{}/{} failed: {failure}", item.split, item.id));
                }
                lock(&self.beat).n_failed += 1;
                self.outcome.failed.push(failure);
            }
        }
        lock(&self.beat).n_done += 1;
        self.n_since_checkpoint += 1;
        if self.n_since_checkpoint >= self.run.checkpoint_every {
            self.n_since_checkpoint = 0;
            self.outcome.measured.wall = self.begin.elapsed();
            let written = results::write_checkpoint(&self.view());
            self.note(written);
        }
    }

    fn view(&self) -> SplitView<'_> {
        SplitView {
            outcome: &self.outcome,
            settings: self.run.settings,
            mode: self.run.mode,
            workers: self.run.workers,
        }
    }

    /// Keeps what could not be written: the arrays are there all the same.
    fn note(&mut self, written: Result<(), String>) {
        if let Err(why) = written {
            self.outcome.warnings.push(why);
        }
    }

    /// The outcome; its tables are written.
    fn finish(
        mut self,
        ended: Result<Tally, manyhands::Error<Box<SampleFailure>>>,
        begin: &Usage,
    ) -> Result<SplitOutcome, Refusal> {
        let used = Usage::now().since(begin);
        let n_taken = self.outcome.made.len() + self.outcome.failed.len();
        let has_all = self.n_to_do > 0 && n_taken == self.n_to_do;
        let measured = &mut self.outcome.measured;
        measured.wall = self.begin.elapsed();
        measured.cpu_seconds = used.cores.map(|cores| cores * used.wall.as_secs_f64());
        measured.memory_bytes = used.memory_bytes;
        match ended {
            Ok(tally) => measured.tally = Some(tally),
            // All results have come: what is left is a warning of the journal or the report.
            Err(error) if is_warning(&error) && (has_all || self.run.stop.is_cancelled()) => {
                self.outcome.warnings.push(error.to_string())
            }
            Err(error) => return Err(refusal(&error)),
        }
        if let Some(more @ 1..) = self.outcome.failed.len().checked_sub(MOST_NAMED) {
            self.run.context.output.error(&format!("{more} more failed: {}", results::FAILED));
        }
        if let Some(lost @ 1..) = measured.tally.map(|tally| tally.lost_workers) {
            self.outcome.warnings.push(format!(
                "{}: {lost} worker process{} died; each sample that was at work then was tried once more",
                self.split.split,
                if lost == 1 { "" } else { "es" }
            ));
        }
        let written = results::write_split(&self.view());
        self.note(written);
        Ok(self.outcome)
    }
}

/// Whose memory is measured in this mode.
pub(super) fn memory_of(mode: AnyMode) -> &'static str {
    if matches!(mode, AnyMode::Processes(_)) { "a worker" } else { "the program" }
}

/// A panic of another thread has left whole numbers.
fn lock(beat: &Mutex<Beat>) -> MutexGuard<'_, Beat> {
    beat.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the run goes through all the same when this comes after all results. The same before the first sample is a refusal.
fn is_warning(error: &manyhands::Error<Box<SampleFailure>>) -> bool {
    let of_journal = matches!(
        error.journal_error(),
        Some(JournalError::Interrupted { .. } | JournalError::Displaced { .. } | JournalError::Value { .. })
    );
    of_journal || error.is_report() || error.is_destructor()
}

fn refusal(error: &manyhands::Error<Box<SampleFailure>>) -> Refusal {
    match error.journal_error() {
        Some(JournalError::Locked { .. }) => {
            format!("{error}\nwait for its end; how far it is: add --status and leave the data out")
        }
        _ => error.to_string(),
    }
}

/// Why a sample has no array, with the figures that are known.
fn failed(item: &SampleItem, failure: ItemFailure<Box<SampleFailure>>) -> SampleFailure {
    let shown = failure.to_string();
    let message = match failure.cause {
        Cause::Error(failure) => return *failure,
        Cause::Recorded(recorded) => recorded.message,
        Cause::Panic(message) => format!("the program made a mistake: {message}"),
        Cause::Lost(worker) => format!("its worker process was lost: {worker}"),
        Cause::TimeLimit(limit) => format!("it took longer than the time limit of {limit:?}"),
        Cause::Encoding(message) => format!("its result could not be sent between processes: {message}"),
        _ => shown,
    };
    let figures = SampleFigures {
        sample_id: item.id.clone(),
        split: item.split.clone(),
        status: SampleStatus::Failed,
        error: message,
        ..SampleFigures::default()
    };
    SampleFailure { figures, warnings: Vec::new() }
}

/// Where the arrays of a split go, and what is beside them.
pub(in crate::cli) fn folder_of(outcome: &SplitOutcome, settings: &ExtractSettings) -> PathBuf {
    settings.split_folder(&outcome.split)
}
