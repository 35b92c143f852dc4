//! A stage: consecutive phases over channels, so that each channel passes through all of them in one go.

use serde::{Deserialize, Serialize};

use crate::{ChannelContext, ChannelData, EegError, EegResult, Info, Processor, RowStore};

/// What is done to each channel between two moments at which the whole recording is needed.
#[derive(Debug)]
pub struct Stage<'a, P: Processor> {
    pub(super) work: ChannelWork<P>,
    pub(super) rows: &'a RowStore,
    pub(super) channels: Vec<usize>,
}

/// The phases of a stage, as plain data that can be sent to a worker process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ChannelWork<P: Processor> {
    pub(super) phases: Vec<StagePhase<P>>,
}

/// One phase of one step, and what is known about the recording as it begins.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct StagePhase<P: Processor> {
    pub(super) step: P,
    pub(super) phase: usize,
    pub(super) info: Info,
}

/// A channel whose work failed.
#[derive(Debug, Clone, PartialEq)]
pub struct StageFailure {
    /// The channel's index.
    pub channel: usize,
    /// Why.
    pub error: EegError,
}

impl<P: Processor> Stage<'_, P> {
    /// The channels to process, each once, in any order and by any worker.
    #[must_use]
    pub fn channels(&self) -> &[usize] {
        &self.channels
    }

    /// The name of a channel.
    #[must_use]
    pub fn channel_name(&self, channel: usize) -> &str {
        self.work.phases.first().and_then(|phase| phase.info.channels.get(channel)).map_or("", |found| &found.name)
    }

    /// The names of the steps, for a report of progress: `highpass, aas, lowpass`.
    #[must_use]
    pub fn title(&self) -> String {
        let mut names: Vec<&str> = self.work.phases.iter().map(|phase| phase.step.name()).collect();
        names.dedup();
        names.join(", ")
    }

    /// Takes the channel from the store, passes it through all phases, and puts it back. Any thread may call it.
    ///
    /// # Errors
    /// The step's own, or that of the store.
    pub fn process(&self, channel: usize) -> EegResult<()> {
        let mut data = self.rows.take(channel)?;
        self.work.process(channel, &mut data)?;
        self.rows.put(channel, data)
    }

    /// The phases as plain data, for an executor that sends them to other processes.
    #[must_use]
    pub fn work(&self) -> &ChannelWork<P> {
        &self.work
    }

    /// Where the rows are.
    #[must_use]
    pub fn rows(&self) -> &RowStore {
        self.rows
    }
}

impl<P: Processor> ChannelWork<P> {
    /// Passes a channel through all phases.
    ///
    /// # Errors
    /// The step's own, with the channel's name.
    pub fn process(&self, channel: usize, data: &mut ChannelData) -> EegResult<()> {
        for StagePhase { step, phase, info } in &self.phases {
            if step.applies_to(&info.channels[channel]) {
                step.process_channel(&ChannelContext { info, channel, phase: *phase }, data)?;
            }
        }
        Ok(())
    }

    /// The channels that some phase changes.
    pub(super) fn channels(&self) -> Vec<usize> {
        let n_channels = self.phases.first().map_or(0, |phase| phase.info.channels.len());
        let is_changed =
            |channel: &usize| self.phases.iter().any(|phase| phase.step.applies_to(&phase.info.channels[*channel]));
        (0..n_channels).filter(is_changed).collect()
    }
}
