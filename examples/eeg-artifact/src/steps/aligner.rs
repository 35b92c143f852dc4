//! Moves triggers to where the artifact looks like that of a reference trigger, in one channel.

use serde::{Deserialize, Serialize};

use super::ChannelChoice;
use super::about::{Described, ParameterAbout, StepAbout};
use crate::{EegResult, Info, Needs, Processor, Recording};

/// Moves triggers to where the artifact looks alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aligner {
    /// The trigger that stays where it is.
    pub ref_trigger_index: usize,
    /// The channel that is looked at; the first good EEG channel where none is given.
    pub ref_channel: Option<ChannelChoice>,
    /// How far a trigger may move, in samples of the rate that is looked at; three times the upsampling factor where none is given.
    pub search_window: Option<usize>,
    /// Whether the channel is upsampled for the search.
    pub upsample_for_alignment: bool,
}

impl Described for Aligner {
    const ABOUT: StepAbout = StepAbout { name: "aligner", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Aligner {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Default for Aligner {
    fn default() -> Self {
        Self { ref_trigger_index: 0, ref_channel: None, search_window: None, upsample_for_alignment: true }
    }
}
