//! Refuses samples with which a step would give nonsense.

use crate::dsp::mean;
use crate::{EegError, EegResult};

/// The mean over the whole channel, which is finite exactly when all samples are.
///
/// # Errors
/// [`EegError::Channel`] that names the first sample which is not.
pub(super) fn finite_mean(channel: &str, samples: &[f64]) -> EegResult<f64> {
    let mean = mean(samples);
    if mean.is_finite() {
        return Ok(mean);
    }
    let reason = match samples.iter().position(|sample| !sample.is_finite()) {
        Some(at) => format!("sample {at} is {}; mark the channel as bad, or cut the recording there", samples[at]),
        None => "its samples are too large to add up; they must be in volts".to_owned(),
    };
    Err(EegError::channel(channel, reason))
}

/// Refuses a flat channel to align triggers by: it fits everywhere equally well, and the first place would win.
///
/// # Errors
/// [`EegError::Channel`] with the way out.
pub(super) fn refuse_flat(channel: &str, samples: &[f64], way_out: &str) -> EegResult<()> {
    if !is_flat(samples) {
        return Ok(());
    }
    let value = samples.first().copied().unwrap_or_default();
    let reason = format!("all its samples are {value}, so triggers cannot be aligned by it; {way_out}");
    Err(EegError::channel(channel, reason))
}

/// Whether all samples are equal.
pub(super) fn is_flat(samples: &[f64]) -> bool {
    samples.windows(2).all(|pair| pair[0] == pair[1])
}
