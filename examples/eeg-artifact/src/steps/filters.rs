//! The filters: high-pass, low-pass, band-pass and notch, all of them finite, of linear phase, and applied without delay.
//!
//! They filter EEG, channels that are marked bad too, and the noise that correctors keep; all else passes through bit for bit. Each
//! stretch of [`Info::stretches`] is filtered by itself.

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::finite::require_finite;
use crate::dsp::{FirDesign, ZeroPhaseFir};
use crate::{Channel, ChannelContext, ChannelData, ChannelKind, EegError, EegResult, Info, Processor};

/// Removes what is slower than a frequency.
///
/// ```
/// use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step, steps::Highpass};
///
/// let drift: Vec<f64> = (0..5000).map(|n| 1e-4 + 1e-8 * f64::from(n)).collect();
/// let mut recording = Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![drift])?;
/// Pipeline::new([Step::Highpass(Highpass { freq: 1.0 })]).run(&mut recording, &SerialExecutor)?;
/// assert!(recording.samples(0)?.iter().all(|sample| sample.abs() < 1e-12));
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
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

/// A step that filters.
trait Filter: Described {
    fn design(&self, sfreq_hz: f64) -> EegResult<FirDesign>;
}

impl Filter for Highpass {
    fn design(&self, sfreq_hz: f64) -> EegResult<FirDesign> {
        FirDesign::band(sfreq_hz, Some(self.freq), None)
    }
}

impl Filter for Lowpass {
    fn design(&self, sfreq_hz: f64) -> EegResult<FirDesign> {
        FirDesign::band(sfreq_hz, None, Some(self.freq))
    }
}

impl Filter for Bandpass {
    fn design(&self, sfreq_hz: f64) -> EegResult<FirDesign> {
        FirDesign::band(sfreq_hz, Some(self.l_freq), Some(self.h_freq))
    }
}

impl Filter for Notch {
    fn design(&self, sfreq_hz: f64) -> EegResult<FirDesign> {
        FirDesign::notch(sfreq_hz, &self.freqs, self.width)
    }
}

impl Described for Highpass {
    const ABOUT: StepAbout = StepAbout {
        name: "highpass",
        about: "Removes what is slower than a frequency, without delay.",
        parallel_safe: true,
        parameters: &[ParameterAbout::required(
            "freq",
            "The edge of the pass band, in Hz. The transition band below it is freq / 4 wide, at least 2 Hz, at most freq.",
        )],
    };
}

impl Described for Lowpass {
    const ABOUT: StepAbout = StepAbout {
        name: "lowpass",
        about: "Removes what is faster than a frequency, without delay.",
        parallel_safe: true,
        parameters: &[ParameterAbout::required(
            "freq",
            "The edge of the pass band, in Hz. The transition band above it is freq / 4 wide, at least 2 Hz, and ends at half the rate at the latest.",
        )],
    };
}

impl Described for Bandpass {
    const ABOUT: StepAbout = StepAbout {
        name: "bandpass",
        about: "Keeps what is between two frequencies, without delay.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::required("l_freq", "The lower edge of the pass band, in Hz."),
            ParameterAbout::required("h_freq", "The upper edge of the pass band, in Hz."),
        ],
    };
}

impl Described for Notch {
    const ABOUT: StepAbout = StepAbout {
        name: "notch",
        about: "Removes single frequencies, such as that of the mains and its harmonics, without delay.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::required("freqs", "The frequencies, in Hz."),
            ParameterAbout::optional("width", "freq / 200", "How wide each notch is, in Hz."),
        ],
    };
}

/// All four filters are processors in the same way.
macro_rules! filters {
    ($($filter:ty),*) => {
        $(impl Processor for $filter {
            fn name(&self) -> &str {
                Self::ABOUT.name
            }

            fn applies_to(&self, channel: &Channel) -> bool {
                channel.kind == ChannelKind::Eeg
            }

            fn check(&self, info: &Info) -> EegResult<()> {
                design(self, info).map(drop)
            }

            fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
                filter_channel(self, at, data)
            }
        })*
    };
}

filters!(Highpass, Lowpass, Bandpass, Notch);

/// The filter for the recording's rate; an error names the step and its own parameter.
fn design<F: Filter>(filter: &F, info: &Info) -> EegResult<FirDesign> {
    filter.design(info.sfreq_hz).map_err(|error| match error {
        EegError::Parameter { parameter, value, reason, .. } => {
            let has_it = F::ABOUT.parameters.iter().any(|known| known.name == parameter);
            let name = if has_it || parameter == "sfreq" { &parameter } else { "freq" };
            EegError::parameter(F::ABOUT.name, name, value, reason)
        }
        other => other,
    })
}

fn filter_channel<F: Filter>(filter: &F, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
    require_finite(at, data)?;
    let design = design(filter, at.info)?;
    let mut fir = ZeroPhaseFir::new(design.taps());
    let stretches = at.info.stretches();
    for stretch in &stretches {
        fir.apply(&mut data.samples[stretch.clone()]);
        if let Some(noise) = &mut data.noise {
            fir.apply(&mut noise[stretch.clone()]);
        }
    }
    // It is defined, and it is mostly the reflected ends that are then filtered: the report says so.
    let shorter = stretches.iter().map(|stretch| stretch.len()).filter(|len| *len < design.n_taps()).min();
    if let Some(shortest) = shorter {
        let n_taps = design.n_taps();
        let what = format!("the filter of {n_taps} taps is longer than the {shortest} samples of the shortest stretch");
        data.warn(F::ABOUT.name, &what);
    }
    Ok(())
}
