//! Random numbers and waves for a synthetic night: a random stream, and filters and oscillators that use it.
//!
//! Promise: the same numbers on every platform. Only `+ - * /`, `sqrt` and rounding are used, which IEEE 754 fixes to the
//! last bit; sine and cosine are a polynomial of our own, because those of the platform's library differ between systems.
//! It leaves to others what the numbers mean.

use std::f64::consts::TAU;
use std::ops::Range;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The use of random numbers. Each use has its own part of the random sequence, so that one signal does not depend on another being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Hypnogram,
    Happenings,
    Breathing,
    Heart,
    Watch,
    Strap,
    HeartRate,
    Accelerometer,
    Oxygen,
    BrainEvents,
    BrainShared,
    Electrode(u32),
}

impl Stream {
    /// The place in the sequence, in jumps of 2^128 numbers. Part of what a seed means: never renumber.
    fn n_jumps(self) -> u32 {
        match self {
            Self::Hypnogram => 0,
            Self::Happenings => 1,
            Self::Breathing => 2,
            Self::Heart => 3,
            Self::Watch => 4,
            Self::Strap => 5,
            Self::HeartRate => 6,
            Self::Accelerometer => 7,
            Self::Oxygen => 8,
            Self::BrainEvents => 9,
            Self::BrainShared => 10,
            Self::Electrode(site) => 11 + site,
        }
    }
}

/// A random stream: xoshiro256++, whose sequence is published and fixed, seeded through SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Noise(Xoshiro256PlusPlus);

impl Noise {
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut source = Xoshiro256PlusPlus::seed_from_u64(seed);
        for _ in 0..stream.n_jumps() {
            source.jump();
        }
        Self(source)
    }

    /// Evenly spread over `range`, its end excluded.
    pub(super) fn within(&mut self, range: Range<f64>) -> f64 {
        let unit = (self.0.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64);
        range.start + unit * (range.end - range.start)
    }

    /// A whole number of `range`, its end excluded.
    pub(super) fn count(&mut self, range: Range<usize>) -> usize {
        self.within(range.start as f64..range.end as f64) as usize
    }

    /// True with this probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.within(0.0..1.0) < probability
    }

    /// Bell-shaped, mean 0, variance 1, never beyond 3.47: the sum of four even numbers, with no logarithm in it.
    pub(super) fn bell(&mut self) -> f64 {
        self.four().iter().sum::<f64>() * 0.5
    }

    /// Four independent even numbers of mean 0 and variance 1, for the price of one draw.
    pub(super) fn four(&mut self) -> [f64; 4] {
        let bits = self.0.next_u64();
        // A 16-bit number has the variance (2^32 - 1) / 12.
        const SCALE: f64 = 3.464_101_615_137_754_6 / 65_536.0;
        [0, 16, 32, 48].map(|shift| (f64::from((bits >> shift) as u16) - 32_767.5) * SCALE)
    }
}

/// A first-order low-pass: follows its input with a delay.
#[derive(Debug, Clone, Copy)]
pub(super) struct LowPass {
    share: f64,
    value: f64,
}

impl LowPass {
    /// Follows a step by 63 % within `steps` calls, starting at `value`.
    pub(super) fn new(steps: f64, value: f64) -> Self {
        Self { share: 1.0 / (1.0 + steps), value }
    }

    pub(super) fn follow(&mut self, input: f64) -> f64 {
        self.value += self.share * (input - self.value);
        self.value
    }

    /// The factor that gives variance 1 to the output when the input is white noise of variance 1.
    pub(super) fn whitening(&self) -> f64 {
        ((2.0 - self.share) / self.share).sqrt()
    }
}

/// White noise of variance 1 in, a rhythm of variance 1 out that waxes and wanes around one frequency: an
/// autoregression of order two with poles at `frequency`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    once: f64,
    twice: f64,
    drive: f64,
    last: [f64; 2],
}

impl Rhythm {
    pub(super) fn new(frequency_hz: f64, bandwidth_hz: f64, rate_hz: f64) -> Self {
        let radius = 1.0 / (1.0 + 0.5 * TAU * bandwidth_hz / rate_hz);
        let (_, cosine) = sine_cosine(frequency_hz / rate_hz);
        let (once, twice) = (2.0 * radius * cosine, -radius * radius);
        // The variance of an autoregression of order two, solved for the variance of its drive.
        let drive = ((1.0 + twice) * ((1.0 - twice) * (1.0 - twice) - once * once) / (1.0 - twice)).sqrt();
        Self { once, twice, drive, last: [0.0; 2] }
    }

    pub(super) fn next(&mut self, white: f64) -> f64 {
        let value = self.once * self.last[0] + self.twice * self.last[1] + self.drive * white;
        self.last = [value, self.last[0]];
        value
    }
}

/// A sine by recurrence: one rotation per sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oscillator {
    sine: f64,
    cosine: f64,
    step: (f64, f64),
}

impl Oscillator {
    /// Advances by `turns_per_step` at each call, beginning at phase 0.
    pub(super) fn new(turns_per_step: f64) -> Self {
        Self { sine: 0.0, cosine: 1.0, step: sine_cosine(turns_per_step) }
    }

    /// The sine and cosine now; then one step on.
    pub(super) fn next(&mut self) -> (f64, f64) {
        let now = (self.sine, self.cosine);
        self.sine = now.0 * self.step.1 + now.1 * self.step.0;
        self.cosine = now.1 * self.step.1 - now.0 * self.step.0;
        now
    }
}

/// Rises from 0 to 1 and falls back to 0 over `n_steps` calls: half of 1 - cos.
pub(super) fn swell(n_steps: usize) -> impl Iterator<Item = f64> {
    let mut oscillator = Oscillator::new(1.0 / n_steps.max(1) as f64);
    (0..n_steps).map(move |_| 0.5 - 0.5 * oscillator.next().1)
}

/// The sine and cosine of an angle in turns (1 = a full circle), with an error below 1e-11.
pub(super) fn sine_cosine(turns: f64) -> (f64, f64) {
    let quarter = (turns * 4.0).round();
    let angle = (turns - quarter * 0.25) * TAU;
    let square = angle * angle;
    let sine = angle * series(square, [1.0 / 6.0, 1.0 / 20.0, 1.0 / 42.0, 1.0 / 72.0, 1.0 / 110.0, 1.0 / 156.0]);
    let cosine = series(square, [1.0 / 2.0, 1.0 / 12.0, 1.0 / 30.0, 1.0 / 56.0, 1.0 / 90.0, 1.0 / 132.0]);
    match quarter.rem_euclid(4.0) as u8 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

/// The Taylor series 1 - s f0 (1 - s f1 (1 - ...)).
fn series(square: f64, factors: [f64; 6]) -> f64 {
    factors.iter().rev().fold(1.0, |inner, factor| 1.0 - square * factor * inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_agree_with_the_library_within_1e_11_over_many_turns() {
        for idx in -4000..4000 {
            let turns = f64::from(idx) * 0.001_37;
            let (sine, cosine) = sine_cosine(turns);
            assert!((sine - (turns * TAU).sin()).abs() < 1e-11, "sine of {turns} turns");
            assert!((cosine - (turns * TAU).cos()).abs() < 1e-11, "cosine of {turns} turns");
        }
    }

    #[test]
    fn the_stream_starts_as_published_for_xoshiro256_plus_plus_seeded_by_splitmix64() {
        // SplitMix64 from 0 gives e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec as the state;
        // the first output of xoshiro256++ is rotl(s0 + s3, 23) + s0.
        let state = [0xe220_a839_7b1d_cdaf_u64, 0xf88b_b8a8_724c_81ec];
        let first = state[0].wrapping_add(state[1]).rotate_left(23).wrapping_add(state[0]);
        assert_eq!(Noise::new(0, Stream::Hypnogram).0.next_u64(), first);
    }

    #[test]
    fn bells_and_rhythms_have_variance_one() {
        let mut noise = Noise::new(3, Stream::Heart);
        let bells: Vec<f64> = (0..100_000).map(|_| noise.bell()).collect();
        let mut rhythm = Rhythm::new(10.0, 1.5, 100.0);
        let waves: Vec<f64> = (0..1_000_000).map(|_| rhythm.next(noise.four()[0])).collect();
        for values in [bells, waves] {
            let mean_square = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
            assert!((mean_square - 1.0).abs() < 0.05, "{mean_square}");
        }
    }

    #[test]
    fn an_oscillator_keeps_its_height_over_an_hour_of_samples() {
        let mut oscillator = Oscillator::new(0.137);
        let (sine, cosine) = (0..360_000).map(|_| oscillator.next()).last().unwrap();
        assert!((sine * sine + cosine * cosine - 1.0).abs() < 1e-5);
    }
}
