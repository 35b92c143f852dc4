//! What a made recording is like.

use serde::{Deserialize, Serialize};

use crate::{EegError, EegResult};

/// A slice must have so many samples, or its gradients cannot be told apart.
const LEAST_SLICE_SAMPLES: f64 = 24.0;
/// Below this rate there is no EEG, and no gradient artifact either.
const LEAST_SFREQ_HZ: f64 = 100.0;
const MOST_MOVEMENTS: usize = 1000;
const MOST_EEG: usize = 1024;
const MOST_SAMPLES: f64 = 1e9;
/// How long the recording goes on after the last volume, at least.
const AFTER_SCAN_S: f64 = 0.5;

/// What a made recording is like. The usual one has 33 channels of two minutes at 1 kHz.
///
/// ```
/// use eeg_artifact::synthetic::{SceneSettings, made_recording};
///
/// let error = made_recording(SceneSettings { duration_s: 3.0, ..SceneSettings::default() }).unwrap_err();
/// assert!(error.to_string().contains("duration_s = 3"), "{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SceneSettings {
    /// How many EEG channels there are, beside ECG, EOG and the stimulus channel.
    pub n_eeg: usize,
    /// How long it lasts, in seconds.
    pub duration_s: f64,
    /// Samples per second.
    pub sfreq_hz: f64,
    /// Another number gives another recording of the same kind.
    pub seed: u64,
    /// When the first volume begins, in seconds.
    pub scan_start_s: f64,
    /// From the begin of a volume to that of the next one, in seconds.
    pub repetition_time_s: f64,
    /// Slices in each volume, evenly spread over the volume less its gap.
    pub slices_per_volume: usize,
    /// How long the scanner is silent at the end of each volume, in seconds.
    pub volume_gap_s: f64,
    /// How strong the scanner's artifact is, in microvolts: about its peak in a channel of the middle.
    pub artifact_uv: f64,
    /// How far a volume begins before or after its time at most, in samples.
    pub clock_jitter_samples: f64,
    /// How much faster the scanner's clock runs than the recorder's, in millionths.
    pub clock_drift_ppm: f64,
    /// By which share the artifact's strength changes slowly, each gradient's and each channel's in its own way.
    pub amplitude_drift: f64,
    /// How often the head moves: two volumes have another artifact, and a part of the difference stays.
    pub n_movements: usize,
    /// How strong the pulse of the heart is in EEG channels, in microvolts.
    pub heart_uv: f64,
    /// How strong the line noise is, in microvolts; 0 for none.
    pub line_uv: f64,
    /// The frequency of the line, in Hz.
    pub line_hz: f64,
}

impl Default for SceneSettings {
    fn default() -> Self {
        Self {
            n_eeg: 30,
            duration_s: 120.0,
            sfreq_hz: 1000.0,
            seed: 1,
            scan_start_s: 5.0,
            repetition_time_s: 1.5,
            slices_per_volume: 20,
            volume_gap_s: 0.0,
            artifact_uv: 1000.0,
            clock_jitter_samples: 0.3,
            clock_drift_ppm: 15.0,
            amplitude_drift: 0.05,
            n_movements: 3,
            heart_uv: 15.0,
            line_uv: 0.0,
            line_hz: 50.0,
        }
    }
}

impl SceneSettings {
    /// How many samples each channel has.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        (self.duration_s * self.sfreq_hz).round() as usize
    }

    /// How many whole volumes fit.
    #[must_use]
    pub fn n_volumes(&self) -> usize {
        let scan_s = self.duration_s - self.scan_start_s - AFTER_SCAN_S;
        (scan_s / self.repetition_time_s).max(0.0) as usize
    }

    /// From one slice to the next within a volume, in samples.
    pub(super) fn slice_samples(&self) -> f64 {
        (self.repetition_time_s - self.volume_gap_s) * self.sfreq_hz / self.slices_per_volume as f64
    }

    /// Refuses what no recording can be.
    pub(super) fn check(&self) -> EegResult<()> {
        self.check_numbers()?;
        let Self { n_eeg, duration_s, repetition_time_s, volume_gap_s, slices_per_volume, .. } = self;
        if *n_eeg == 0 || *n_eeg > MOST_EEG {
            return refuse("n_eeg", n_eeg, &format!("use 1 to {MOST_EEG}"));
        }
        if duration_s * self.sfreq_hz > MOST_SAMPLES {
            return refuse(
                "duration_s",
                duration_s,
                "more than 1e9 samples in each channel; make it shorter, or sfreq_hz lower",
            );
        }
        if volume_gap_s >= repetition_time_s {
            return refuse(
                "volume_gap_s",
                volume_gap_s,
                &format!("it must be below repetition_time_s = {repetition_time_s}"),
            );
        }
        if *slices_per_volume == 0 || self.slice_samples() < LEAST_SLICE_SAMPLES {
            let reason = format!(
                "a slice needs {LEAST_SLICE_SAMPLES} samples or more, and each volume one slice or more; change it, \
                 repetition_time_s or sfreq_hz"
            );
            return refuse("slices_per_volume", slices_per_volume, &reason);
        }
        if self.n_volumes() < 2 {
            let least = self.scan_start_s + 2.0 * repetition_time_s + AFTER_SCAN_S;
            return refuse("duration_s", duration_s, &format!("two volumes need {least} s or more"));
        }
        Ok(())
    }

    fn check_numbers(&self) -> EegResult<()> {
        let above_zero = [
            ("duration_s", self.duration_s),
            ("sfreq_hz", self.sfreq_hz),
            ("repetition_time_s", self.repetition_time_s),
        ];
        if let Some((name, value)) = above_zero.iter().find(|(_, value)| !(*value > 0.0 && value.is_finite())) {
            return refuse(name, value, "it must be above zero");
        }
        let not_negative = [
            ("scan_start_s", self.scan_start_s),
            ("volume_gap_s", self.volume_gap_s),
            ("artifact_uv", self.artifact_uv),
            ("clock_jitter_samples", self.clock_jitter_samples),
            ("amplitude_drift", self.amplitude_drift),
            ("heart_uv", self.heart_uv),
            ("line_uv", self.line_uv),
            ("line_hz", self.line_hz),
        ];
        if let Some((name, value)) = not_negative.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
            return refuse(name, value, "it must be zero or above");
        }
        if !(self.sfreq_hz >= LEAST_SFREQ_HZ && self.sfreq_hz.is_finite()) {
            return refuse("sfreq_hz", self.sfreq_hz, &format!("it must be {LEAST_SFREQ_HZ} or above"));
        }
        if self.n_movements > MOST_MOVEMENTS {
            return refuse("n_movements", self.n_movements, &format!("use {MOST_MOVEMENTS} or fewer"));
        }
        if self.clock_jitter_samples > 2.0 {
            return refuse("clock_jitter_samples", self.clock_jitter_samples, "use 2 or less");
        }
        if !(-1000.0..=1000.0).contains(&self.clock_drift_ppm) {
            return refuse("clock_drift_ppm", self.clock_drift_ppm, "use -1000 to 1000");
        }
        Ok(())
    }
}

fn refuse(name: &str, value: impl ToString, reason: &str) -> EegResult<()> {
    Err(EegError::Recording(format!("{name} = {}: {reason}", value.to_string())))
}
