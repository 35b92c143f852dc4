//! Adaptive noise cancellation: what an adaptive filter can predict of the signal from the noise is subtracted.
//!
//! The noise is what correctors have subtracted so far. Within the time of the artifacts, a filter of least mean squares follows how the
//! signal, without its slow part, depends on it; the prediction is subtracted from the signal and added to the noise.
//!
//! Promises: the numbers of FACETpy 2.0.2 in either of its variants. Although the reference says otherwise, each channel is by itself.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::finite::require_finite;
use crate::dsp::{
    ZeroPhaseFir, design_least_squares_highpass, forward_backward, predict_by_least_mean_squares, too_few_for,
};
use crate::{ChannelContext, ChannelData, EegError, EegResult, Info, Needs, Processor, Triggers};

/// The lowest cutoff of the high-pass filter, in Hz; lower ones are raised to it.
const LOWEST_CUTOFF_HZ: f64 = 0.5;

/// Where its stop band ends, as a share of the cutoff.
const STOP_SHARE: f64 = 0.85;

/// A prediction this many times as large as the signal means that the filter has become unstable.
const UNSTABLE: f64 = 50.0;

/// The most bytes of a file with taps: a million of them.
const MOST_TAP_BYTES: u64 = 8_000_000;

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

impl Default for Anc {
    fn default() -> Self {
        Self { filter_order: None, hp_freq: 1.0, mu_factor: 0.05, variant: AncVariant::Python, highpass_taps: None }
    }
}

impl Described for Anc {
    const ABOUT: StepAbout = StepAbout {
        name: "anc",
        about: "Adaptive noise cancellation: subtracts what an adaptive filter predicts of the signal, from what aas or obs \
                subtracted.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::optional("filter_order", "the artifact's length", "How many taps the adaptive filter has."),
            ParameterAbout::optional(
                "hp_freq",
                "1",
                "The edge of the high-pass filter before it, in Hz; at least 0.5.",
            ),
            ParameterAbout::optional(
                "mu_factor",
                "0.05",
                "How fast the filter adapts: the step is this over (filter_order times the variance of the noise).",
            ),
            ParameterAbout::optional(
                "variant",
                "python",
                "python: predicts from past samples; c: from the present one too, with twice the step. The names are FACETpy's.",
            ),
            ParameterAbout::optional(
                "highpass_taps",
                "designed from hp_freq",
                "A file with the taps of the high-pass filter in place of hp_freq: 64-bit floating point, little-endian.",
            ),
        ],
    };
}

impl Processor for Anc {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS_AND_NOISE
    }

    fn gives_noise(&self) -> bool {
        true
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        if self.filter_order == Some(0) {
            return Err(refused("filter_order", 0, "it must be 1 or more; leave it out for the artifact's length"));
        }
        if !(self.mu_factor.is_finite() && self.mu_factor > 0.0) {
            return Err(refused("mu_factor", self.mu_factor, "it must be above zero, such as 0.05"));
        }
        let n_taps = match &self.highpass_taps {
            Some(path) => read_taps(path)?.len(),
            None => self.n_designed_taps(info.sfreq_hz)?,
        };
        if info.n_samples > too_few_for(n_taps) {
            return Ok(());
        }
        let (n_samples, n_needed) = (info.n_samples, too_few_for(n_taps) + 1);
        let reason = format!(
            "its filter of {n_taps} taps is too long: it needs {n_needed} samples and there are {n_samples}; raise hp_freq, or record longer"
        );
        Err(refused("hp_freq", self.hp_freq, reason))
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        require_finite(at, data)?;
        let triggers = at.info.required_triggers(Self::ABOUT.name)?;
        let length = artifact_length(triggers)?;
        let window = window(triggers, length, at.info.n_samples)?;
        let order = self.filter_order.unwrap_or(length);
        if order >= window.len() {
            let reason =
                format!("the artifacts take {} samples, which must be more; give a smaller order", window.len());
            return Err(refused("filter_order", order, reason));
        }
        let noise = data.noise.as_deref().map(|noise| &noise[window.clone()]);
        let Some((noise, variance)) =
            noise.map(|noise| (noise, variance(noise))).filter(|(_, variance)| *variance > 0.0)
        else {
            data.warn(Self::ABOUT.name, "nothing was changed, as there is no noise to predict from");
            return Ok(());
        };
        let mut prediction = self.fast_part(at.info.sfreq_hz, &data.samples, window.clone())?;
        self.predict(&mut prediction, noise, variance, order);
        subtract(data, window, &prediction);
        Ok(())
    }
}

impl Anc {
    /// The signal without its slow part, within the window.
    fn fast_part(&self, sfreq_hz: f64, samples: &[f64], window: Range<usize>) -> EegResult<Vec<f64>> {
        let taps = match &self.highpass_taps {
            Some(path) => read_taps(path)?,
            None => {
                let cutoff = self.cutoff_share(sfreq_hz)?;
                design_least_squares_highpass(self.n_designed_taps(sfreq_hz)?, STOP_SHARE * cutoff, cutoff)
            }
        };
        let mut fast = samples.to_vec();
        ZeroPhaseFir::new(forward_backward(&taps)).apply(&mut fast);
        fast.truncate(window.end);
        fast.drain(..window.start);
        Ok(fast)
    }

    /// Replaces the signal by what is predicted of it.
    ///
    /// The reference first scales the noise by a factor a, and then takes mu over its variance. The factor cancels: with a * noise and
    /// mu / a^2, weights are those for the noise itself over a, and predictions are the same. So no copy of the noise is needed.
    fn predict(&self, signal: &mut [f64], noise: &[f64], variance: f64, order: usize) {
        let mu = self.mu_factor / (order as f64 * variance);
        match self.variant {
            AncVariant::Python => predict_by_least_mean_squares(signal, noise, order, order, mu),
            AncVariant::C => predict_by_least_mean_squares(signal, noise, order, order + 1, 2.0 * mu),
        }
    }

    /// The cutoff as a share of half the rate.
    fn cutoff_share(&self, sfreq_hz: f64) -> EegResult<f64> {
        let nyquist = sfreq_hz / 2.0;
        let cutoff = self.hp_freq.max(LOWEST_CUTOFF_HZ);
        if self.hp_freq.is_finite() && self.hp_freq > 0.0 && cutoff < nyquist {
            return Ok(cutoff / nyquist);
        }
        let reason = format!(
            "it must be above zero and below half the rate, {nyquist} Hz, and counts as at least {LOWEST_CUTOFF_HZ} Hz"
        );
        Err(refused("hp_freq", self.hp_freq, reason))
    }

    fn n_designed_taps(&self, sfreq_hz: f64) -> EegResult<usize> {
        let stop_hz = STOP_SHARE * self.cutoff_share(sfreq_hz)? * (sfreq_hz / 2.0);
        let count = (1.2 * sfreq_hz / stop_hz).round_ties_even() as usize;
        Ok((count + usize::from(count.is_multiple_of(2))).max(3))
    }
}

/// Subtracts a prediction from the samples and adds it to the noise, unless it has grown out of all bounds.
fn subtract(data: &mut ChannelData, window: Range<usize>, prediction: &[f64]) {
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let bound = UNSTABLE * largest(&data.samples[window.clone()]);
    if !prediction.iter().all(|value| value.abs() <= bound) {
        data.note(Anc::ABOUT.name, "largest prediction, its bound", vec![largest(prediction), bound]);
        data.warn(Anc::ABOUT.name, "the filter became unstable and nothing was subtracted; set a smaller mu_factor");
        return;
    }
    data.samples[window.clone()].iter_mut().zip(prediction).for_each(|(sample, value)| *sample -= value);
    if let Some(noise) = &mut data.noise {
        noise[window].iter_mut().zip(prediction).for_each(|(noise, value)| *noise += value);
    }
}

fn artifact_length(triggers: &Triggers) -> EegResult<usize> {
    triggers.artifact_length.filter(|length| *length > 0).ok_or_else(|| {
        let n_triggers = triggers.samples.len();
        let reason =
            format!("step \"anc\" needs the artifact's length, and {n_triggers} do not tell it; give artifact_length");
        EegError::Triggers(reason)
    })
}

/// From one artifact before the first trigger to one after the last, within the recording.
fn window(triggers: &Triggers, length: usize, n_samples: usize) -> EegResult<Range<usize>> {
    let (Some(first), Some(last)) = (triggers.samples.iter().min(), triggers.samples.iter().max()) else {
        return Err(EegError::Triggers("step \"anc\" needs them, and there are none".to_owned()));
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let within = |sample: i64| usize::try_from(sample).unwrap_or(0).min(n_samples);
    let window = within(first.saturating_sub(length))..within(last.saturating_add(length));
    if window.is_empty() {
        let reason = format!("all lie outside of the recording, from {first} to {last}, which has {n_samples} samples");
        return Err(EegError::Triggers(reason));
    }
    Ok(window)
}

/// The mean of squared distances from the mean.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count
}

/// The taps in a file.
fn read_taps(path: &Path) -> EegResult<Vec<f64>> {
    let size = fs::metadata(path).map_err(|error| EegError::file(path, error))?.len();
    if size == 0 || size % 8 != 0 || size > MOST_TAP_BYTES {
        let reason = format!("{size} bytes are no taps: each takes 8, and there are 1 to {}", MOST_TAP_BYTES / 8);
        return Err(EegError::file(path, reason));
    }
    let bytes = fs::read(path).map_err(|error| EegError::file(path, error))?;
    let taps: Vec<f64> = bytes.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect();
    match taps.iter().position(|tap| !tap.is_finite()) {
        Some(idx) => Err(EegError::file(path, format!("tap {idx} is {}; taps are finite numbers", taps[idx]))),
        None => Ok(taps),
    }
}

fn refused(parameter: &str, value: impl ToString, reason: impl Into<String>) -> EegError {
    EegError::parameter(Anc::ABOUT.name, parameter, value, reason)
}
