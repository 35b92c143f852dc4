//! What all recordings of a run share: the steps, what is read, where the results go. Plain data, so that worker processes get a copy.

use consumer_support::CliContext;
use std::path::PathBuf;

use eeg_artifact::files::{FileKind, ReadSettings};
use eeg_artifact::parallel::self_describing;
use eeg_artifact::{Info, Pipeline, Step};
use manyhands::AnyMode;
use serde::{Deserialize, Serialize};

use crate::cli::Refusal;
use crate::cli::args::CleanArgs;
use crate::cli::memory;
use crate::cli::pipeline_args::{PipelineChoice, USUAL};
use crate::cli::results::SHOWN_CHANNELS;
use crate::cli::thresholds::Thresholds;

/// What all recordings of a run share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CleanSettings {
    /// What the results depend on.
    pub(super) science: Science,
    /// What they do not depend on.
    pub(super) work: WorkSettings,
}

/// What the results depend on: a run is resumed with the same, or refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Science {
    pub(super) steps: Vec<Step>,
    /// What changes when a file changes that a step names.
    step_files: Vec<String>,
    pub(super) offset_s: Option<f64>,
    pub(super) upsampling_factor: Option<usize>,
    pub(super) read: ReadSettings,
    pub(super) format: FileKind,
}

/// How and where the work is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WorkSettings {
    pub(super) out: PathBuf,
    /// The memory that all recordings at work may take together.
    pub(super) memory: Option<u64>,
    pub(super) workers: usize,
    /// How many channels a worker takes at a time; by measured time where none is given.
    pub(super) chunk_size: Option<usize>,
    pub(super) channels: ChannelWorkers,
    /// Below which they are processed one after the other.
    pub(super) thresholds: Thresholds,
}

/// Who processes the channels of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChannelWorkers {
    /// The worker that has the recording.
    Same,
    /// Threads that are free: of this process, or of the worker process that has the recording.
    Threads,
    /// Threads that wait well for disks.
    IoThreads,
    /// Worker processes: there is one recording, and the caller has it.
    Processes,
}

impl CleanSettings {
    /// The settings of the flags, for so many recordings.
    ///
    /// # Errors
    /// A message that names the flag.
    pub(super) fn of(args: &CleanArgs, n_recordings: usize, context: &CliContext<'_>) -> Result<Self, Refusal> {
        let pipeline = &args.pipeline;
        let choice = PipelineChoice::of(pipeline, &USUAL, pipeline.triggers.as_deref())?;
        let science = Science {
            step_files: fingerprints(&choice.steps),
            steps: choice.steps,
            offset_s: choice.offset_s,
            upsampling_factor: choice.upsampling_factor,
            read: args.reading.settings(),
            format: args.format,
        };
        let work = WorkSettings {
            out: args.out.clone(),
            memory: args.memory,
            workers: context.n_workers(),
            chunk_size: context.chunk_size,
            channels: channel_workers(context.mode, n_recordings),
            thresholds: args.thresholds,
        };
        Ok(Self { science, work })
    }

    /// How the recordings are distributed: one alone is the caller's, and its channels are distributed instead.
    pub(super) fn mode_of_recordings(&self, mode: AnyMode) -> AnyMode {
        if self.work.channels == ChannelWorkers::Processes { AnyMode::Serial } else { self_describing(mode) }
    }
}

/// One for each file that a step names, in order.
fn fingerprints(steps: &[Step]) -> Vec<String> {
    let mut found = Vec::new();
    for mut step in steps.iter().cloned() {
        step.resolve_files(|file| {
            // One that is missing fails when it is read.
            found.push(manyhands::journal::file_fingerprint(file).unwrap_or_default());
            file.to_owned()
        });
    }
    found
}

fn channel_workers(mode: AnyMode, n_recordings: usize) -> ChannelWorkers {
    match mode {
        AnyMode::Serial => ChannelWorkers::Same,
        AnyMode::IoThreads => ChannelWorkers::IoThreads,
        AnyMode::Processes(_) if n_recordings == 1 => ChannelWorkers::Processes,
        _ => ChannelWorkers::Threads,
    }
}

impl Science {
    /// The pipeline.
    pub(super) fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.steps.iter().cloned())
    }

    /// Tells the recording what the flags say of its artifacts.
    pub(super) fn set_info(&self, info: &mut Info) {
        info.artifact_offset_s = self.offset_s.unwrap_or(info.artifact_offset_s);
        info.upsampling_factor = self.upsampling_factor.unwrap_or(info.upsampling_factor);
    }
}

impl WorkSettings {
    /// The memory that a recording needs when all of its samples are in memory: the samples, what workers hold beside them, and the copies
    /// before and after that pictures are drawn from.
    pub(super) fn bytes_in_memory(&self, pipeline: &Pipeline, info: &Info) -> u64 {
        memory::bytes_in_memory(pipeline, info, self.workers, 2 * SHOWN_CHANNELS)
    }

    /// The memory that it needs when its samples are in files.
    pub(super) fn bytes_in_files(&self, pipeline: &Pipeline, info: &Info) -> u64 {
        memory::bytes_beside(pipeline, info, 2 * (self.workers + SHOWN_CHANNELS))
    }

    /// Why the channels of a recording are not shared among workers, where they are not.
    pub(super) fn serial_reason(&self, info: &Info) -> Option<String> {
        if self.channels == ChannelWorkers::Same { None } else { self.thresholds.serial_reason(info) }
    }
}
