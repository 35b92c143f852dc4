//! Heart beats: the electrocardiogram, and the pulse that moves electrodes in the scanner's field (ballistocardiogram).

use std::f64::consts::TAU;

use super::VOLTS_PER_MICROVOLT;
use super::brain::add_pulse;
use super::rng::{Rng, Stream};
use super::settings::SceneSettings;

/// The waves of the electrocardiogram: seconds after the R wave, width in seconds, height in microvolts.
const ELECTROCARDIOGRAM: [(f64, f64, f64); 5] =
    [(-0.17, 0.022, 110.0), (-0.03, 0.008, -120.0), (0.0, 0.009, 1100.0), (0.03, 0.009, -230.0), (0.26, 0.045, 280.0)];

/// The waves of the pulse at the head: seconds after the R wave, width in seconds, height.
const PULSE: [(f64, f64, f64); 3] = [(0.17, 0.035, 0.6), (0.25, 0.04, -1.0), (0.38, 0.06, 0.5)];

/// When the heart beats.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heart {
    /// The R waves, in samples.
    pub(super) beats: Vec<f64>,
}

impl Heart {
    pub(super) fn new(settings: &SceneSettings) -> Self {
        let mut rng = Rng::new(settings.seed, Stream::Beats, 0);
        let mut beats = Vec::new();
        let mut at_s = rng.within(0.2, 0.8);
        while at_s < settings.duration_s {
            beats.push(at_s * settings.sfreq_hz);
            // Breathing, 14 times a minute, makes the heart faster and slower.
            let breath = (TAU * at_s * 14.0 / 60.0).sin();
            at_s += (0.88 + 0.04 * breath + 0.02 * rng.bell()).max(0.4);
        }
        Self { beats }
    }

    pub(super) fn add_electrocardiogram(&self, settings: &SceneSettings, to: &mut [f64]) {
        let mut rng = Rng::new(settings.seed, Stream::Electrocardiogram, 0);
        to.iter_mut().for_each(|value| *value += VOLTS_PER_MICROVOLT * 3.0 * rng.bell());
        for beat in &self.beats {
            let strength = VOLTS_PER_MICROVOLT * (1.0 + 0.05 * rng.bell());
            for (delay_s, width_s, height) in ELECTROCARDIOGRAM {
                add_pulse(to, settings.sfreq_hz, beat / settings.sfreq_hz + delay_s, width_s, strength * height);
            }
        }
    }

    /// Beats differ in strength and delay, alike in all channels; channels differ in strength and sign.
    pub(super) fn add_ballistocardiogram(&self, settings: &SceneSettings, channel: usize, to: &mut [f64]) {
        // The first sequence is that of the beats, the others are those of the channels.
        let strength =
            VOLTS_PER_MICROVOLT * settings.heart_uv * Rng::new(settings.seed, Stream::Pulse, channel + 1).bell();
        let mut rng = Rng::new(settings.seed, Stream::Pulse, 0);
        for beat in &self.beats {
            let (strength, stretch) = (strength * (1.0 + 0.15 * rng.bell()), 1.0 + 0.03 * rng.bell());
            for (delay_s, width_s, height) in PULSE {
                add_pulse(
                    to,
                    settings.sfreq_hz,
                    beat / settings.sfreq_hz + stretch * delay_s,
                    width_s,
                    strength * height,
                );
            }
        }
    }
}
