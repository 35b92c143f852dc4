//! More or fewer samples per second, by a whole factor.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{Channel, ChannelContext, ChannelData, EegResult, Info, Phase, Processor, Recording};

/// A channel, by its index or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChannelChoice {
    /// Its index, from 0.
    Index(usize),
    /// Its name.
    Name(String),
}

/// More samples per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as many.
    pub factor: f64,
    /// The channels that the recording has afterwards; all where none are given.
    #[serde(default)]
    pub channels: Option<Vec<ChannelChoice>>,
}

/// Fewer samples per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downsample {
    /// How many times fewer.
    pub factor: f64,
    /// The channels that the recording has afterwards; all where none are given.
    #[serde(default)]
    pub channels: Option<Vec<ChannelChoice>>,
}

impl Described for Upsample {
    const ABOUT: StepAbout = StepAbout { name: "upsample", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Upsample {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Described for Downsample {
    const ABOUT: StepAbout = StepAbout { name: "downsample", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Downsample {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}
