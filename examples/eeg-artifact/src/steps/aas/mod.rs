//! Averaged artifact subtraction: the mean of similar artifacts is subtracted from each.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{Channel, ChannelContext, ChannelData, EegResult, Info, Needs, Phase, Processor, Recording};

/// Averaged artifact subtraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aas {
    /// How many consecutive epochs share a template.
    pub window_size: usize,
    /// Where the candidates for a template lie: -1 a window before the epochs that it is for, 0 among them, 1 after them.
    pub rel_window_position: f64,
    /// How strongly a candidate must correlate with the mean of those that were taken.
    pub correlation_threshold: f64,
    /// Whether triggers move to where the templates fit best.
    pub realign_after_averaging: bool,
    /// How far they may move, in multiples of the upsampling factor.
    pub search_window_factor: f64,
    /// Whether the noise between two artifacts is interpolated and subtracted.
    pub interpolate_volume_gaps: bool,
    /// Whether each template is scaled to its epoch.
    pub apply_epoch_alpha_scaling: bool,
    /// Whether artifacts are aligned to less than a sample before they are averaged.
    pub subsample: bool,
}

impl Described for Aas {
    const ABOUT: StepAbout = StepAbout { name: "aas", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Aas {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Default for Aas {
    fn default() -> Self {
        Self {
            window_size: 30,
            rel_window_position: 0.0,
            correlation_threshold: 0.975,
            realign_after_averaging: true,
            search_window_factor: 3.0,
            interpolate_volume_gaps: false,
            apply_epoch_alpha_scaling: false,
            subsample: false,
        }
    }
}
