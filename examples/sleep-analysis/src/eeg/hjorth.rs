//! Hjorth's parameters: activity, mobility and complexity of a signal in the time domain.
//!
//! Source: B. Hjorth, "EEG analysis based on time domain properties", Electroenceph. Clin. Neurophysiol. 29 (1970).

use serde::{Deserialize, Serialize};

use crate::features::sums::{mean_of, squares_about, sum_of_pairs};

/// Hjorth's parameters of one stretch; the time unit is the sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hjorth {
    /// The variance of the samples, n in the denominator.
    pub activity: f64,
    /// The square root of the differences' variance over the samples' variance; NaN where nothing varies.
    pub mobility: f64,
    /// The mobility of the differences over the mobility of the samples; NaN where nothing varies.
    pub complexity: f64,
}

/// Hjorth's parameters of a stretch.
///
/// ```
/// # use sleep_analysis::eeg::hjorth;
/// let ramp = hjorth(&[0.0, 1.0, 2.0, 3.0]);
/// assert_eq!((ramp.activity, ramp.mobility), (1.25, 0.0)); // its differences do not vary
/// ```
#[must_use]
pub fn hjorth(samples: &[f64]) -> Hjorth {
    hjorth_about(samples, mean_of(samples))
}

/// As [`hjorth`], for a mean that is known.
pub(crate) fn hjorth_about(samples: &[f64], mean: f64) -> Hjorth {
    let n = samples.len();
    let activity = squares_about(samples, mean) / n as f64;
    let slopes = variance_of_differences(samples);
    let curvatures = variance_of_second_differences(samples);
    let mobility = (slopes / activity).sqrt();
    Hjorth { activity, mobility, complexity: (curvatures / slopes).sqrt() / mobility }
}

/// The variance of `x[i + 1] - x[i]`. Their mean needs no pass: the sum telescopes to the last sample less the first.
fn variance_of_differences(samples: &[f64]) -> f64 {
    let [first, .., last] = samples else { return f64::NAN };
    let n_differences = (samples.len() - 1) as f64;
    let mean = (last - first) / n_differences;
    let squares = sum_of_pairs(samples.split_last().map_or(&[], |(_, head)| head), &samples[1..], |now, next| {
        let distance = (next - now) - mean;
        distance * distance
    });
    squares / n_differences
}

/// The variance of the differences of the differences; the mean telescopes likewise.
fn variance_of_second_differences(samples: &[f64]) -> f64 {
    let [first, second, middle @ .., last] = samples else { return f64::NAN };
    let second_last = middle.last().unwrap_or(second);
    let n_differences = (samples.len() - 2) as f64;
    let mean = ((last - second_last) - (second - first)) / n_differences;
    let square = |before: f64, now: f64, next: f64| {
        let distance = ((next - now) - (now - before)) - mean;
        distance * distance
    };
    sum_of_neighbours(samples, square) / n_differences
}

/// The sum of `term(x[i], x[i + 1], x[i + 2])`, in four lanes of a fixed order.
fn sum_of_neighbours(samples: &[f64], term: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let n_terms = samples.len().saturating_sub(2);
    let (before, now, next) = (&samples[..n_terms], &samples[1..][..n_terms], &samples[2..][..n_terms]);
    let (before, before_rest) = before.as_chunks::<4>();
    let (now, now_rest) = now.as_chunks::<4>();
    let (next, next_rest) = next.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for ((before, now), next) in before.iter().zip(now).zip(next) {
        for lane in 0..4 {
            lanes[lane] += term(before[lane], now[lane], next[lane]);
        }
    }
    let rest = before_rest.iter().zip(now_rest).zip(next_rest).map(|((&a, &b), &c)| term(a, b, c));
    (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]) + rest.sum::<f64>()
}
