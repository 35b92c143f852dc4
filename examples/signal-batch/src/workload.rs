//! Made captures: noisy traces of two tones, and pure sines. The same number gives the same bytes on every machine with IEEE arithmetic.
//!
//! Promises: what is made depends on the number alone. Leaves files to [`crate::files`].

use std::f64::consts::TAU;

use jiff::{SignedDuration, Timestamp};

use crate::Capture;

/// Samples per second of all made captures.
pub const RATE_HZ: f64 = 1e6;

/// Samples of a made trace.
pub const TRACE_SAMPLES: usize = 20_000;

/// Samples of a made sine.
pub const SIGNAL_SAMPLES: usize = 10_000;

/// The batch that made captures belong to.
pub const BATCH: &str = "made";

/// 2026-01-01T00:00:00Z in seconds since 1970: when capture 0 is said to be taken. Each later one is a second later.
const FIRST_TAKEN_S: i64 = 1_767_225_600;

/// A noisy trace of 20 000 samples at 1 MHz, in volts.
///
/// 0.5 V at 1000 (i + 1) Hz, 0.3 V at five times that, and uniform noise of 0.1 V deviation from SplitMix64 (G. L. Steele, D. Lea,
/// C. H. Flood, OOPSLA 2014) with the seed 1000 + i. From number 99 on the upper tone lies at or above half the rate, and folds back.
///
/// ```
/// use signal_batch::workload::trace;
///
/// let capture = trace(7);
/// assert_eq!((capture.name.as_str(), capture.samples().len()), ("trace_007", 20_000));
/// assert_eq!(capture, trace(7));
/// ```
#[must_use]
pub fn trace(i: u64) -> Capture {
    let (lower, upper) = (angular(1000.0, i), angular(5000.0, i));
    let mut noise = SplitMix64(i.wrapping_add(1000));
    let samples = times(TRACE_SAMPLES).map(|t| {
        let tones = 0.5 * (lower * t).sin() + 0.3 * (upper * t).sin();
        tones + 0.1 * 12_f64.sqrt() * (noise.next_fraction() - 0.5)
    });
    made(format!("trace_{i:03}"), i, samples.collect())
}

/// A sine of 1 V at 1000 (i + 1) Hz: 10 000 samples at 1 MHz, without noise.
///
/// ```
/// use signal_batch::workload::signal;
///
/// assert_eq!(signal(0).samples()[250], 1.0);
/// ```
#[must_use]
pub fn signal(i: u64) -> Capture {
    let samples = times(SIGNAL_SAMPLES).map(|t| (angular(1000.0, i) * t).sin());
    made(format!("signal_{i:03}"), i, samples.collect())
}

/// Radians per second of i + 1 times this frequency. The order of factors matters: a last bit of an angle of 30 000 is 4e-12 of a sample.
fn angular(hz: f64, i: u64) -> f64 {
    TAU * hz * (i as f64 + 1.0)
}

fn times(n_samples: usize) -> impl Iterator<Item = f64> {
    (0..n_samples).map(|j| j as f64 / RATE_HZ)
}

fn made(name: String, i: u64, samples: Vec<f64>) -> Capture {
    let mut capture = Capture::new(name, RATE_HZ, samples).expect("made samples are numbers, and 1 MHz is a rate");
    BATCH.clone_into(&mut capture.batch);
    let first = Timestamp::from_second(FIRST_TAKEN_S).expect("2026 is a year that a time stamp can have");
    let later = SignedDuration::from_secs(i64::try_from(i).unwrap_or(i64::MAX));
    // None for a number that leads beyond the year 9999.
    capture.captured_at = first.checked_add(later).ok();
    capture
}

/// The generator of Steele, Lea and Flood, with the constants of S. Vigna's reference.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 1: the top 53 bits.
    fn next_fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference implementation.
    #[test]
    fn the_noise_is_that_of_the_reference_generator() {
        let mut noise = SplitMix64(1_234_567);
        let numbers = [(); 3].map(|()| noise.next_u64());
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn captures_are_taken_a_second_apart_and_any_number_makes_one() {
        let taken = |i| trace(i).captured_at.map(|at| at.to_string());
        assert_eq!(taken(0).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(taken(61).as_deref(), Some("2026-01-01T00:01:01Z"));
        assert_eq!(taken(u64::MAX), None);
        assert!(signal(u64::MAX).samples().iter().all(|sample| sample.abs() <= 1.0));
    }
}
