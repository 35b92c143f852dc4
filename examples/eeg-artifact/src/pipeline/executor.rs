//! Who processes the channels of a stage.

use super::{Stage, StageFailure};
use crate::Processor;

/// Processes the channels of a stage, each once.
///
/// An executor decides where and in which order; it cannot change the result. [`SerialExecutor`] and
/// [`JobExecutor`](crate::JobExecutor) are here, and an executor of your own is a few lines:
///
/// ```
/// use eeg_artifact::{Executor, Processor, Stage, StageFailure};
///
/// /// A thread per channel.
/// #[derive(Debug)]
/// struct ThreadPerChannel;
///
/// impl Executor for ThreadPerChannel {
///     fn run_stage<P: Processor>(&self, stage: &Stage<'_, P>) -> Vec<StageFailure> {
///         std::thread::scope(|scope| {
///             let begin = |&channel: &usize| (channel, scope.spawn(move || stage.process(channel)));
///             let threads: Vec<_> = stage.channels().iter().map(begin).collect();
///             let end = |(channel, thread): (usize, std::thread::ScopedJoinHandle<'_, _>)| {
///                 let result: eeg_artifact::EegResult<()> = thread.join().expect("no step panics");
///                 result.err().map(|error| StageFailure { channel, error })
///             };
///             threads.into_iter().filter_map(end).collect()
///         })
///     }
/// }
/// ```
pub trait Executor {
    /// Processes each of [`Stage::channels`] once, and names those that failed. The pipeline ends with the failure of the lowest index.
    fn run_stage<P: Processor>(&self, stage: &Stage<'_, P>) -> Vec<StageFailure>;

    /// Whether rows must be in files, because other processes take them.
    fn needs_files(&self) -> bool {
        false
    }
}

/// Processes one channel after the other in the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SerialExecutor;

impl Executor for SerialExecutor {
    fn run_stage<P: Processor>(&self, stage: &Stage<'_, P>) -> Vec<StageFailure> {
        let failure = |&channel: &usize| stage.process(channel).err().map(|error| StageFailure { channel, error });
        // The first failure ends it, as it ends the pipeline.
        stage.channels().iter().find_map(failure).into_iter().collect()
    }
}
