//! The filters: high-pass, low-pass, band-pass and notch, all of them finite, of linear phase, and applied without delay.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{Channel, ChannelContext, ChannelData, ChannelKind, EegResult, Info, Processor};

/// Removes what is slower than a frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Highpass {
    /// The edge of the pass band, in Hz.
    pub freq: f64,
}

/// Removes what is faster than a frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowpass {
    /// The edge of the pass band, in Hz.
    pub freq: f64,
}

/// Keeps what is between two frequencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bandpass {
    /// The lower edge of the pass band, in Hz.
    pub l_freq: f64,
    /// The upper edge of the pass band, in Hz.
    pub h_freq: f64,
}

/// Removes single frequencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notch {
    /// The frequencies, in Hz.
    pub freqs: Vec<f64>,
    /// How wide each notch is, in Hz; a two-hundredth of its frequency where none is given.
    #[serde(default)]
    pub width: Option<f64>,
}

impl Described for Highpass {
    const ABOUT: StepAbout = StepAbout { name: "highpass", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Highpass {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Described for Lowpass {
    const ABOUT: StepAbout = StepAbout { name: "lowpass", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Lowpass {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Described for Bandpass {
    const ABOUT: StepAbout = StepAbout { name: "bandpass", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Bandpass {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}

impl Described for Notch {
    const ABOUT: StepAbout = StepAbout { name: "notch", about: "", parallel_safe: true, parameters: &[] };
}

impl Processor for Notch {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }
}
