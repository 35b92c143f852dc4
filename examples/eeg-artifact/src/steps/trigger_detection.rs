//! Finds triggers in a stimulus channel or in annotations.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{EegResult, Info, Processor, Recording};

/// Where triggers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerSource {
    /// In the first stimulus channel, or in the annotations where there is none.
    #[default]
    Auto,
    /// In the first stimulus channel.
    Stim,
    /// In the annotations.
    Annotations,
}

/// Finds triggers in a stimulus channel or in annotations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerDetection {
    /// What an event's number (anywhere in it) or an annotation's text (at its start) must match.
    pub regex: String,
    /// Where to look.
    #[serde(default)]
    pub source: TriggerSource,
}

impl Described for TriggerDetection {
    const ABOUT: StepAbout = StepAbout { name: "triggers", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for TriggerDetection {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}
