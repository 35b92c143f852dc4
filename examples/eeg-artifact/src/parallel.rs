//! Where channels are processed: the one file of the library that uses manyhands.

use manyhands::job::{NoContext, SupportsContext};
use manyhands::process::Format;
use manyhands::{AnyMode, CancelToken, Cause, Error, ItemFailure, Job, LocalMode, OnFailure, Progress};

use crate::{ChannelWork, EegError, EegResult, Executor, Processor, RowFolder, Stage, StageFailure};

/// Processes the channels of a stage as a job of manyhands: one after the other, in threads, or in worker processes.
///
/// In processes, the first line of the program's `main` must be `manyhands::init()`, or the first stage is an error that says so. The rows
/// are then in files, which each worker reads and writes by itself; a worker that dies costs its channel one attempt.
#[derive(Debug)]
pub struct JobExecutor {
    mode: AnyMode,
    workers: Option<usize>,
    chunk_size: Option<usize>,
    stop: Option<CancelToken>,
    shows_progress: bool,
}

/// What a worker process needs to process a channel.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(bound = "")]
struct ProcessWork<P: Processor> {
    work: ChannelWork<P>,
    rows: RowFolder,
}

impl JobExecutor {
    /// Channels in this mode, with as many workers as the config of manyhands says: without another, one per core to spare.
    #[must_use]
    pub fn new(mode: AnyMode) -> Self {
        Self { mode, workers: None, chunk_size: None, stop: None, shows_progress: false }
    }

    /// How many workers. Zero is an error of the first stage.
    #[must_use]
    pub fn workers(self, workers: Option<usize>) -> Self {
        Self { workers, ..self }
    }

    /// How many channels a worker takes at a time; by measured time where none is given.
    #[must_use]
    pub fn chunk_size(self, chunk_size: Option<usize>) -> Self {
        Self { chunk_size, ..self }
    }

    /// Ends the work early when it is cancelled.
    #[must_use]
    pub fn cancel_token(self, stop: &CancelToken) -> Self {
        Self { stop: Some(stop.clone()), ..self }
    }

    /// Shows progress on standard error.
    #[must_use]
    pub fn show_progress(self, shows_progress: bool) -> Self {
        Self { shows_progress, ..self }
    }

    /// The job over the channels, in a mode that either takes closures or sends plain functions to processes.
    fn job<'a, M>(&'a self, channels: &'a [usize], mode: M, title: &'a str) -> Job<'a, usize, M>
    where
        M: SupportsContext<NoContext>,
    {
        let progress = if self.shows_progress { Progress::auto(title) } else { Progress::off() };
        let mut job = Job::new(channels).mode(mode).on_failure(OnFailure::Stop).progress(progress);
        if let Some(workers) = self.workers {
            job = job.workers(workers);
        }
        if let Some(size) = self.chunk_size {
            job = job.chunk_size(size);
        }
        job.cancel_token(self.stop.as_ref())
    }

    fn local_mode(&self) -> LocalMode {
        match self.mode {
            AnyMode::Serial => LocalMode::Serial,
            AnyMode::IoThreads => LocalMode::IoThreads,
            _ => LocalMode::Threads,
        }
    }
}

impl Executor for JobExecutor {
    fn run_stage<P: Processor>(&self, stage: &Stage<'_, P>) -> Vec<StageFailure> {
        let (title, channels) = (stage.title(), stage.channels());
        let ran = match (self.mode, stage.rows().folder()) {
            (AnyMode::Processes(processes), Some(rows)) => {
                let work = ProcessWork { work: stage.work().clone(), rows: rows.clone() };
                self.job(channels, processes.format(Format::SelfDescribing), &title)
                    .shared(&work)
                    .try_run(process_row::<P>)
            }
            _ => self.job(channels, self.local_mode(), &title).try_run(|channel| stage.process(*channel)),
        };
        match ran {
            Ok(outcome) => outcome
                .into_results()
                .into_iter()
                .filter_map(|result| result.err().map(|failure| stage_failure(stage, failure)))
                .collect(),
            // The job could not begin, for all channels alike.
            Err(error) => channels.first().map(|channel| refused(*channel, &error)).into_iter().collect(),
        }
    }

    fn needs_files(&self) -> bool {
        matches!(self.mode, AnyMode::Processes(_))
    }
}

/// The mode, with processes told to describe what they send: some settings of steps are read by what they look like.
#[must_use]
pub fn self_describing(mode: AnyMode) -> AnyMode {
    match mode {
        AnyMode::Processes(processes) => AnyMode::Processes(processes.format(Format::SelfDescribing)),
        other => other,
    }
}

/// Processes a channel in a worker process.
fn process_row<P: Processor>(work: &ProcessWork<P>, channel: &usize) -> EegResult<()> {
    let mut data = work.rows.take(*channel)?;
    work.work.process(*channel, &mut data)?;
    work.rows.put(*channel, &data)
}

fn refused(channel: usize, error: &Error<EegError>) -> StageFailure {
    StageFailure { channel, error: EegError::Recording(format!("the channels cannot be processed: {error}")) }
}

/// The step's own error, or what happened to the channel's work.
fn stage_failure<P: Processor>(stage: &Stage<'_, P>, failure: ItemFailure<EegError>) -> StageFailure {
    let channel = stage.channels()[failure.index];
    let reason = failure.to_string();
    let error = match failure.cause {
        Cause::Error(error) => error,
        Cause::Cancelled => EegError::Cancelled,
        _ => EegError::Lost { channel: stage.channel_name(channel).to_owned(), reason },
    };
    StageFailure { channel, error }
}
