//! Adaptive noise cancellation: what an adaptive filter can predict of the signal from the noise is subtracted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{ChannelContext, ChannelData, EegResult, Info, Needs, Processor};

/// Which of the reference's two filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AncVariant {
    /// As many taps as the order, of past samples alone.
    #[default]
    Python,
    /// One tap more, for the present sample, and twice the step.
    C,
}

/// Adaptive noise cancellation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Anc {
    /// Taps of the adaptive filter; the artifact's length where none is given.
    pub filter_order: Option<usize>,
    /// The edge of the high-pass filter before it, in Hz.
    pub hp_freq: f64,
    /// The step of adaptation, over order and variance.
    pub mu_factor: f64,
    /// Which filter.
    pub variant: AncVariant,
    /// A file with the taps of the high-pass filter, little-endian numbers of 64 bits; designed where none is given.
    pub highpass_taps: Option<PathBuf>,
}

impl Described for Anc {
    const ABOUT: StepAbout = StepAbout { name: "anc", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Anc {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Default for Anc {
    fn default() -> Self {
        Self { filter_order: None, hp_freq: 1.0, mu_factor: 0.05, variant: AncVariant::Python, highpass_taps: None }
    }
}
