//! Background EEG: sources that all channels share, each channel with weights of its own, and what each sensor adds. And blinks.

use std::f64::consts::TAU;

use super::VOLTS_PER_MICROVOLT;
use super::rng::{Pink, Rhythm, Rng, Stream};
use super::settings::SceneSettings;

/// Sources of noise whose power falls with the frequency.
const N_PINK: usize = 4;
/// Sources of alpha rhythm.
const N_ALPHA: usize = 2;
const PINK_UV: f64 = 10.0;
const ALPHA_UV: f64 = 12.0;
const SENSOR_PINK_UV: f64 = 4.0;
const SENSOR_WHITE_UV: f64 = 1.0;

/// Adds the EEG of a channel, without heart beats and noise of the line.
pub(super) fn add(settings: &SceneSettings, channel: usize, to: &mut [f64]) {
    for source in 0..N_PINK + N_ALPHA {
        let weight = weight(settings, source, channel);
        let mut rng = Rng::new(settings.seed, Stream::Source, source);
        if source < N_PINK {
            let mut pink = Pink::new(settings.sfreq_hz, &mut rng);
            add_all(to, weight * PINK_UV, || pink.next(&mut rng));
        } else {
            let frequency_hz = 9.3 + 1.1 * (source - N_PINK) as f64;
            let mut rhythm = Rhythm::new(frequency_hz, 0.8, settings.sfreq_hz);
            add_all(to, weight * ALPHA_UV, || rhythm.next(&mut rng));
        }
    }
    let mut rng = Rng::new(settings.seed, Stream::Sensor, channel);
    let mut pink = Pink::new(settings.sfreq_hz, &mut rng);
    add_all(to, 1.0, || SENSOR_PINK_UV * pink.next(&mut rng) + SENSOR_WHITE_UV * rng.bell());
}

/// Adds the electrooculogram: a blink every few seconds, and the sensor's noise.
pub(super) fn add_blinks(settings: &SceneSettings, channel: usize, to: &mut [f64]) {
    const WIDTH_S: f64 = 0.07;
    let mut rng = Rng::new(settings.seed, Stream::Blinks, channel);
    let mut pink = Pink::new(settings.sfreq_hz, &mut rng);
    add_all(to, 1.0, || 8.0 * pink.next(&mut rng) + SENSOR_WHITE_UV * rng.bell());
    let mut at_s = rng.within(0.5, 4.0);
    while at_s < settings.duration_s {
        let height = VOLTS_PER_MICROVOLT * rng.within(120.0, 250.0);
        add_pulse(to, settings.sfreq_hz, at_s, WIDTH_S, height);
        at_s += rng.within(2.0, 7.0);
    }
}

/// Adds a pulse of Gauss's form; width is its standard deviation.
pub(super) fn add_pulse(to: &mut [f64], sfreq_hz: f64, at_s: f64, width_s: f64, height: f64) {
    /// Beyond so many widths it is below 1e-8 of its height.
    const REACH: f64 = 6.0;
    let place = |seconds: f64| ((seconds * sfreq_hz).max(0.0) as usize).min(to.len());
    let (from, until) = (place(at_s - REACH * width_s), place(at_s + REACH * width_s));
    for (at, value) in to.iter_mut().enumerate().take(until).skip(from) {
        let distance = (at as f64 / sfreq_hz - at_s) / width_s;
        *value += height * (-0.5 * distance * distance).exp();
    }
}

fn add_all(to: &mut [f64], microvolts: f64, mut next: impl FnMut() -> f64) {
    to.iter_mut().for_each(|value| *value += VOLTS_PER_MICROVOLT * microvolts * next());
}

/// How strongly a channel sees a source: channels lie on a circle, and near ones see it alike.
fn weight(settings: &SceneSettings, source: usize, channel: usize) -> f64 {
    let place = Rng::new(settings.seed, Stream::Mixing, source).within(0.0, TAU);
    let angle = TAU * channel as f64 / settings.n_eeg as f64;
    0.4 + 0.6 * (angle - place).cos()
}
