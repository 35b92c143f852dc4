//! How well an artifact was removed: what is left at the frequencies at which it repeats, and how near the result is to the truth where
//! that is known.
//!
//! An artifact that repeats f times a second has its power at the multiples of f alone (harmonics). The power at a harmonic is the
//! mean of a spectrum (see [`welch`]) over the main lobe of its window; the power of its neighbours is the geometric mean of the spectrum
//! halfway to the harmonics on both sides. The signal-to-noise ratio is 10 log10 of the truth's variance over the variance of what
//! differs from it. Where triggers are slices and volumes have gaps between them, power is also at the multiples of the volume's
//! frequency, which count as neighbours.
//!
//! It reads rows of samples, and knows no steps and no recordings.

mod spectrum;

use serde::Serialize;

pub use spectrum::{Spectrum, welch};

use crate::{EegError, EegResult, Triggers};

/// Each segment of a spectrum holds so many periods of the artifact, if the signal is long enough: then four windows' widths lie
/// between two harmonics.
const PERIODS: f64 = 16.0;
/// The fewest periods of a segment at which harmonics and their neighbours can be told apart.
const LEAST_PERIODS: f64 = 8.0;
/// A harmonic's power is that of its bin and of this many on each side, which hold the whole main lobe of the window.
const LOBE_BINS: usize = 2;
/// Ratios of powers end at this many dB on both sides, so that they are finite numbers where one power is zero.
const LIMIT_DB: f64 = 300.0;

/// What is left of an artifact at the multiples of its frequency, and what is around them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Harmonic {
    /// The frequency, in Hz.
    pub frequency_hz: f64,
    /// The power here over that of the neighbouring frequencies before correction, in dB: 0 where nothing stands out.
    pub before_db: f64,
    /// The same after correction. Below 0, more than the artifact was taken.
    pub after_db: f64,
}

/// How well an artifact was removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// How often the artifact repeats, in Hz.
    pub fundamental_hz: f64,
    /// The multiples of it below half the rate.
    pub harmonics: Vec<Harmonic>,
    /// The power at all harmonics together over that of their neighbours before correction, in dB.
    pub before_db: f64,
    /// The same after correction.
    pub after_db: f64,
    /// The root of the mean square about the mean before correction, in volts.
    pub rms_before: f64,
    /// The same after correction.
    pub rms_after: f64,
    /// The comparison with the truth, where it is known.
    pub truth: Option<TruthQuality>,
    /// The spectrum before correction.
    pub spectrum_before: Spectrum,
    /// The spectrum after correction.
    pub spectrum_after: Spectrum,
    /// The spectrum of the truth, where it is known.
    pub spectrum_truth: Option<Spectrum>,
}

/// How near a signal is to the truth. All ratios are within -300 and 300 dB.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TruthQuality {
    /// The power at all harmonics of what differs from the truth, over the truth's own power there, before correction, in dB.
    pub residual_before_db: f64,
    /// The same after correction: -300 when nothing is left of the artifact and nothing of the signal was taken.
    pub residual_after_db: f64,
    /// The correlation (Pearson) of the signal with the truth before correction; 0 where one of them is flat.
    pub correlation_before: f64,
    /// The same after correction.
    pub correlation_after: f64,
    /// The truth's variance over that of what differs from it before correction, in dB.
    pub snr_before_db: f64,
    /// The same after correction.
    pub snr_after_db: f64,
    /// How much correction gained, in dB.
    pub snr_gain_db: f64,
    /// The root of the mean square of what differs from the truth after correction, in volts.
    pub rms_error: f64,
}

/// One channel before and after correction, and the truth where it is known; all of one length, in volts.
#[derive(Debug, Clone, Copy)]
pub struct Signals<'a> {
    /// As it was recorded, or after the filters that the corrected one passed too.
    pub before: &'a [f64],
    /// As it is now.
    pub after: &'a [f64],
    /// As it would be without artifact.
    pub truth: Option<&'a [f64]>,
}

impl Quality {
    /// Measures a channel over the time of the artifacts: from the first trigger to a length after the last one.
    ///
    /// Cost: four Fourier transforms for each sample of a spectrum at most; memory of a few segments.
    ///
    /// # Errors
    /// [`EegError::Triggers`] where there are fewer than two, or so short a scan that harmonics cannot be told from their neighbours;
    /// [`EegError::Recording`] for signals of unlike lengths, or a sample that is not a finite number.
    ///
    /// ```
    /// use eeg_artifact::Triggers;
    /// use eeg_artifact::quality::{Quality, Signals};
    ///
    /// // Something slow, and an artifact of 10 Hz on it.
    /// let truth: Vec<f64> = (0..8000).map(|at| (at as f64 * 0.0231).sin() + (at as f64 * 0.117).sin()).collect();
    /// let before: Vec<f64> = truth.iter().enumerate().map(|(at, clean)| clean + f64::from(at as i32 % 100 - 50) * 0.1).collect();
    /// let triggers = Triggers::from_samples((0..80).map(|idx| idx * 100).collect());
    /// let signals = Signals { before: &before, after: &truth, truth: Some(&truth) };
    /// let quality = Quality::measure(&signals, 1000.0, &triggers)?;
    /// assert_eq!(quality.fundamental_hz, 10.0);
    /// assert!(quality.before_db > 20.0);
    /// assert_eq!(quality.truth.unwrap().snr_after_db, 300.0);
    /// # Ok::<(), eeg_artifact::EegError>(())
    /// ```
    pub fn measure(signals: &Signals<'_>, sfreq_hz: f64, triggers: &Triggers) -> EegResult<Self> {
        check(signals)?;
        let n_samples = signals.before.len();
        let fundamental_hz = fundamental_hz(triggers, sfreq_hz)?;
        let scan = scan(triggers, n_samples);
        let segment = segment(scan.len(), sfreq_hz / fundamental_hz)?;
        let signals = Signals {
            before: &signals.before[scan.clone()],
            after: &signals.after[scan.clone()],
            truth: signals.truth.map(|truth| &truth[scan]),
        };
        let spectrum = |samples: &[f64]| welch(samples, sfreq_hz, segment);
        let (before, after) = (spectrum(signals.before), spectrum(signals.after));
        let harmonics = harmonics(&before, &after, fundamental_hz);
        let (before_db, after_db) = (over_neighbours(&before, fundamental_hz), over_neighbours(&after, fundamental_hz));
        let spectrum_truth = signals.truth.map(spectrum);
        let truth = signals.truth.zip(spectrum_truth.as_ref()).map(|(truth, own)| {
            TruthQuality::measure(&signals, truth, |error| {
                let error = spectrum(error);
                decibels(at_harmonics(&error, fundamental_hz), at_harmonics(own, fundamental_hz))
            })
        });
        Ok(Self {
            fundamental_hz,
            harmonics,
            before_db,
            after_db,
            rms_before: variance(signals.before).sqrt(),
            rms_after: variance(signals.after).sqrt(),
            truth,
            spectrum_before: before,
            spectrum_after: after,
            spectrum_truth,
        })
    }
}

impl TruthQuality {
    fn measure(signals: &Signals<'_>, truth: &[f64], residual_db: impl Fn(&[f64]) -> f64) -> Self {
        let error =
            |found: &[f64]| -> Vec<f64> { found.iter().zip(truth).map(|(found, truth)| found - truth).collect() };
        let (error_before, error_after) = (error(signals.before), error(signals.after));
        let power = variance(truth);
        let snr_before_db = decibels(power, variance(&error_before));
        let snr_after_db = decibels(power, variance(&error_after));
        Self {
            residual_before_db: residual_db(&error_before),
            residual_after_db: residual_db(&error_after),
            correlation_before: correlation(signals.before, truth),
            correlation_after: correlation(signals.after, truth),
            snr_before_db,
            snr_after_db,
            snr_gain_db: snr_after_db - snr_before_db,
            rms_error: variance(&error_after).sqrt(),
        }
    }
}

/// How often the artifact repeats: the rate over the median distance of triggers.
///
/// # Errors
/// [`EegError::Triggers`] where there are fewer than two, or two at one sample.
pub fn fundamental_hz(triggers: &Triggers, sfreq_hz: f64) -> EegResult<f64> {
    let mut distances: Vec<i64> = triggers.samples.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    distances.sort_unstable();
    // With slices, most distances are those within a volume. The mean of all of these is finer than a sample.
    let median = distances.get(distances.len() / 2).copied().filter(|median| *median > 0).ok_or_else(|| {
        let n_triggers = triggers.samples.len();
        EegError::Triggers(format!(
            "{n_triggers} triggers do not say how often the artifact repeats; two or more in order do"
        ))
    })?;
    let alike: Vec<i64> = distances.into_iter().filter(|distance| distance.abs_diff(median) <= 2).collect();
    let mean = alike.iter().map(|distance| *distance as f64).sum::<f64>() / alike.len() as f64;
    Ok(sfreq_hz / mean)
}

fn check(signals: &Signals<'_>) -> EegResult<()> {
    let rows = [Some(signals.before), Some(signals.after), signals.truth];
    let n_samples = signals.before.len();
    if let Some(other) = rows.iter().flatten().find(|row| row.len() != n_samples) {
        return Err(EegError::Recording(format!(
            "signals of {n_samples} and {} samples cannot be compared",
            other.len()
        )));
    }
    let not_finite = rows.iter().flatten().find_map(|row| row.iter().position(|sample| !sample.is_finite()));
    not_finite.map_or(Ok(()), |at| {
        Err(EegError::Recording(format!(
            "sample {at} is not a finite number, so the signal has no power; leave the channel out"
        )))
    })
}

fn scan(triggers: &Triggers, n_samples: usize) -> std::ops::Range<usize> {
    let within = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(n_samples);
    let length = triggers.artifact_length.and_then(|length| i64::try_from(length).ok()).unwrap_or(0);
    let first = triggers.samples.iter().min().map_or(0, |first| within(*first));
    let end = triggers.samples.iter().max().map_or(n_samples, |last| within(last.saturating_add(length)));
    first.min(end)..end
}

/// How long the segments of a spectrum are: a power of two of at least sixteen periods, or what there is.
fn segment(n_samples: usize, period: f64) -> EegResult<usize> {
    let wanted = ((PERIODS * period).ceil() as usize).checked_next_power_of_two().unwrap_or(usize::MAX);
    let segment = wanted.min(n_samples);
    if (segment as f64) < LEAST_PERIODS * period {
        let n_periods = n_samples as f64 / period;
        return Err(EegError::Triggers(format!(
            "{n_periods:.1} periods of the artifact lie in the recording; its harmonics show in {LEAST_PERIODS} or more"
        )));
    }
    Ok(segment)
}

/// The harmonics whose neighbours on both sides are in the spectrum.
fn frequencies_hz(spectrum: &Spectrum, fundamental_hz: f64) -> impl Iterator<Item = f64> + use<> {
    let highest_hz = spectrum.frequency_hz(spectrum.power.len().saturating_sub(1)) - 0.5 * fundamental_hz;
    (1_u32..).map(move |k| f64::from(k) * fundamental_hz).take_while(move |frequency| *frequency <= highest_hz)
}

fn harmonics(before: &Spectrum, after: &Spectrum, fundamental_hz: f64) -> Vec<Harmonic> {
    let ratio = |spectrum: &Spectrum, frequency_hz: f64| {
        decibels(spectrum.mean_around(frequency_hz, LOBE_BINS), neighbours(spectrum, frequency_hz, fundamental_hz))
    };
    frequencies_hz(before, fundamental_hz)
        .map(|frequency_hz| Harmonic {
            frequency_hz,
            before_db: ratio(before, frequency_hz),
            after_db: ratio(after, frequency_hz),
        })
        .collect()
}

/// The mean power of all harmonics together.
fn at_harmonics(spectrum: &Spectrum, fundamental_hz: f64) -> f64 {
    frequencies_hz(spectrum, fundamental_hz).map(|frequency_hz| spectrum.mean_around(frequency_hz, LOBE_BINS)).sum()
}

fn over_neighbours(spectrum: &Spectrum, fundamental_hz: f64) -> f64 {
    let around = |frequency_hz| neighbours(spectrum, frequency_hz, fundamental_hz);
    decibels(at_harmonics(spectrum, fundamental_hz), frequencies_hz(spectrum, fundamental_hz).map(around).sum())
}

/// The mean power halfway to the harmonics on both sides. Their geometric mean, because the power of EEG falls with the frequency.
fn neighbours(spectrum: &Spectrum, frequency_hz: f64, fundamental_hz: f64) -> f64 {
    let below = spectrum.mean_around(frequency_hz - 0.5 * fundamental_hz, 1);
    let above = spectrum.mean_around(frequency_hz + 0.5 * fundamental_hz, 1);
    (below * above).sqrt()
}

/// Ten times the logarithm of a ratio of powers, within the limits; 0 where both are zero.
fn decibels(power: f64, reference: f64) -> f64 {
    match (power > 0.0, reference > 0.0) {
        (false, false) => 0.0,
        (true, false) => LIMIT_DB,
        (false, true) => -LIMIT_DB,
        (true, true) => (10.0 * (power / reference).log10()).clamp(-LIMIT_DB, LIMIT_DB),
    }
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len().max(1) as f64
}

/// The mean of squares about the mean.
fn variance(samples: &[f64]) -> f64 {
    let mean = mean(samples);
    samples.iter().map(|sample| (sample - mean) * (sample - mean)).sum::<f64>() / samples.len().max(1) as f64
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let covariance = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / a.len().max(1) as f64;
    let spread = (variance(a) * variance(b)).sqrt();
    if spread > 0.0 { covariance / spread } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequency_is_finer_than_a_sample_and_gaps_do_not_count() {
        let at = |idx: i64| idx * 1000 / 3 + 5;
        let every_third = Triggers::from_samples((0..31).map(at).collect());
        assert!((fundamental_hz(&every_third, 1000.0).unwrap() - 3.0).abs() < 1e-9);
        let gaps = Triggers::from_samples((0..40).map(|idx| idx * 50 + idx / 10 * 200).collect());
        assert_eq!(fundamental_hz(&gaps, 1000.0).unwrap(), 20.0);
    }

    #[test]
    fn triggers_without_a_distance_are_refused() {
        for samples in [vec![], vec![5], vec![7, 7, 7], vec![i64::MAX, i64::MIN]] {
            let error = fundamental_hz(&Triggers { samples, ..Triggers::default() }, 100.0).unwrap_err();
            assert!(error.to_string().contains("do not say how often"), "{error}");
        }
    }

    #[test]
    fn ratios_of_nothing_are_finite() {
        assert_eq!(
            [decibels(0.0, 0.0), decibels(1.0, 0.0), decibels(0.0, 1.0), decibels(100.0, 1.0)],
            [0.0, 300.0, -300.0, 20.0]
        );
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!((variance(&[]), welch(&[], 100.0, 16).power.len()), (0.0, 1));
    }
}
