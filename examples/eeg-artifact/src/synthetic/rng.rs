//! Random numbers of a made recording, and noise with the spectra that EEG has.

use std::f64::consts::TAU;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};

/// A use of random numbers. Each use and index has a sequence of its own, so that no signal depends on another being made. Part of
/// what a seed means: never renumber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Clock = 1,
    Slices = 2,
    Gradient = 3,
    Movements = 4,
    Movement = 5,
    Source = 6,
    Sensor = 7,
    Beats = 8,
    Pulse = 9,
    Electrocardiogram = 10,
    Blinks = 11,
    Line = 12,
    Mixing = 13,
}

/// A sequence of random numbers: xoshiro256++, seeded through SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Rng(Xoshiro256PlusPlus);

impl Rng {
    pub(super) fn new(seed: u64, stream: Stream, idx: usize) -> Self {
        // Odd factors, so that no two uses of one seed begin alike.
        let stream = (stream as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let idx = (idx as u64).wrapping_mul(0xA24B_AED4_963E_E407);
        Self(Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream.wrapping_add(idx)))
    }

    /// Evenly spread from `low` to `high`.
    pub(super) fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Bell-shaped, of mean 0 and variance 1: the sum of four even numbers of 16 bits.
    pub(super) fn bell(&mut self) -> f64 {
        /// The variance of an even number of 16 bits is (2^32 - 1) / 12, and there are four.
        const SCALE: f64 = 1.732_050_807_568_877_2 / 65_536.0;
        let bits = self.0.next_u64();
        let sum: f64 = [0, 16, 32, 48].iter().map(|shift| f64::from((bits >> shift) as u16) - 32_767.5).sum();
        sum * SCALE
    }
}

/// Noise of variance 1 whose power falls as one over the frequency, from about 0.05 to 100 Hz: a sum of first-order low-passes of equal
/// variance whose time constants lie evenly on a scale of logarithms.
#[derive(Debug, Clone)]
pub(super) struct Pink([LowPass; 6]);

/// White noise through a first-order low-pass, of variance 1.
#[derive(Debug, Clone, Copy)]
struct LowPass {
    keep: f64,
    drive: f64,
    value: f64,
}

impl Pink {
    pub(super) fn new(sfreq_hz: f64, rng: &mut Rng) -> Self {
        Self([2.0, 0.5, 0.125, 0.031, 0.008, 0.002].map(|time_s: f64| {
            let keep = (-1.0 / (time_s * sfreq_hz)).exp();
            LowPass { keep, drive: (1.0 - keep * keep).sqrt(), value: rng.bell() }
        }))
    }

    pub(super) fn next(&mut self, rng: &mut Rng) -> f64 {
        let mut sum = 0.0;
        for part in &mut self.0 {
            part.value = part.keep * part.value + part.drive * rng.bell();
            sum += part.value;
        }
        sum / (self.0.len() as f64).sqrt()
    }
}

/// A rhythm of variance 1 that waxes and wanes: white noise through a resonance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    once: f64,
    twice: f64,
    drive: f64,
    last: [f64; 2],
}

impl Rhythm {
    pub(super) fn new(frequency_hz: f64, bandwidth_hz: f64, sfreq_hz: f64) -> Self {
        let radius = (-0.5 * TAU * bandwidth_hz / sfreq_hz).exp();
        let (once, twice) = (2.0 * radius * (TAU * frequency_hz / sfreq_hz).cos(), -radius * radius);
        // The variance of an autoregression of order two, solved for the variance of its drive.
        let drive = ((1.0 + twice) * ((1.0 - twice) * (1.0 - twice) - once * once) / (1.0 - twice)).sqrt();
        Self { once, twice, drive, last: [0.0; 2] }
    }

    pub(super) fn next(&mut self, rng: &mut Rng) -> f64 {
        let value = self.once * self.last[0] + self.twice * self.last[1] + self.drive * rng.bell();
        self.last = [value, self.last[0]];
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variance(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn bells_pink_noise_and_rhythms_have_variance_one() {
        let mut rng = Rng::new(5, Stream::Source, 0);
        assert!((variance((0..50_000).map(|_| rng.bell())) - 1.0).abs() < 0.02);
        let mut pink = Pink::new(100.0, &mut rng);
        assert!((variance((0..200_000).map(|_| pink.next(&mut rng))) - 1.0).abs() < 0.15);
        let mut rhythm = Rhythm::new(10.0, 1.0, 100.0);
        assert!((variance((0..300_000).map(|_| rhythm.next(&mut rng))) - 1.0).abs() < 0.1);
    }

    #[test]
    fn each_use_and_index_has_a_sequence_of_its_own() {
        let first = |stream, idx| Rng::new(1, stream, idx).0.next_u64();
        let firsts =
            [first(Stream::Source, 0), first(Stream::Source, 1), first(Stream::Sensor, 0), first(Stream::Line, 0)];
        assert!((0..4).all(|a| (0..a).all(|b| firsts[a] != firsts[b])), "{firsts:?}");
        assert_eq!(firsts[0], first(Stream::Source, 0));
    }
}
