//! Keeps a stretch of a recording: one that is given, or the time of the scan.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{Channel, ChannelContext, ChannelData, EegError, EegResult, Info, Needs, Processor};

/// Keeps a stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crop {
    /// Where it begins, in seconds from the first sample; the first sample where none is given.
    pub tmin: Option<f64>,
    /// Where it ends, in seconds from the first sample, its sample included; the last sample where none is given.
    pub tmax: Option<f64>,
}

/// Keeps the time of the scan: from the first artifact to the end of the last one, and some time around.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cut {
    /// How much is kept before the first artifact and after the last one, in seconds.
    pub margin_s: f64,
}

impl Described for Crop {
    const ABOUT: StepAbout = StepAbout { name: "crop", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Crop {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Described for Cut {
    const ABOUT: StepAbout = StepAbout { name: "cut", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Cut {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}
