//! Another rate, through the spectrum of the whole signal.
//!
//! Promises: what the signal holds below half of the lower rate is kept to about 1e-12 of full scale. Choosing the ratio, and limits
//! on memory, are left to the step. Source: the method of MNE's `resample` with `npad="auto"` and a flat window, from its description.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::convolve::{reflect_end, reflect_start};

/// The most samples by which a signal is continued at each end before it is rounded up to a power of two.
const MOST_CONTINUED: usize = 100;

/// The signal at `ratio` times its rate: round(ratio * samples) values, at least one; halves are rounded to even.
///
/// It is continued by odd reflection to a power of two, transformed, and cut or filled with zeros above half of the lower rate.
/// Where `ratio` times that power of two is no whole number, it is rounded, so that time is stretched by up to half a new sample over
/// the whole signal, as in the reference; ratios such as 2, 1/2 and 10 are exact.
///
/// Memory: about three times the longer of the two signals, up to twice as much again for the power of two. A ratio that is not above
/// zero, or no samples, give none; a ratio of 1 gives the signal itself. The result is as long as `ratio` asks, whatever that costs.
///
/// ```
/// use eeg_artifact::dsp::resample;
///
/// let sine = |rate: f64, n: usize| (0..n).map(|n| (n as f64 * 0.3 / rate).sin()).collect::<Vec<f64>>();
/// let found = resample(&sine(1.0, 1000), 4.0);
/// let inside = |idx: &usize| (400..3600).contains(idx);
/// let off = |idx: usize| (found[idx] - sine(4.0, 4000)[idx]).abs();
/// assert!((0..4000).filter(inside).step_by(97).all(|idx| off(idx) < 1e-3));
/// ```
#[must_use]
pub fn resample(samples: &[f64], ratio: f64) -> Vec<f64> {
    if samples.is_empty() || !(ratio > 0.0 && ratio.is_finite()) {
        return Vec::new();
    }
    if ratio == 1.0 {
        return samples.to_vec();
    }
    let (padded, n_front) = continued(samples);
    let n_padded = padded.len();
    let n_values = resampled_len(n_padded, ratio);
    let mut bins = spectrum(padded);
    fit_bins(&mut bins, n_padded, n_values);
    let mut values = signal(bins, n_values);
    let n_front = (ratio * n_front as f64).round_ties_even() as usize;
    // The three lengths are rounded one by one; a sample that this leaves out at the end is zero.
    values.resize(n_front + resampled_len(samples.len(), ratio), 0.0);
    values.drain(..n_front);
    values
}

/// How many values [`resample`] gives for so many samples.
pub(crate) fn resampled_len(n_samples: usize, ratio: f64) -> usize {
    ((ratio * n_samples as f64).round_ties_even() as usize).max(1)
}

/// The samples, continued by odd reflection to a power of two, and how many values stand ahead of the first.
fn continued(samples: &[f64]) -> (Vec<f64>, usize) {
    let n_samples = samples.len();
    let n_padded = (n_samples + 2 * (n_samples / 8).min(MOST_CONTINUED)).next_power_of_two();
    let n_front = (n_padded - n_samples) / 2;
    let reach = n_samples - 1;
    let mut padded = reflect_start(samples, reach, n_front);
    padded.reserve_exact(n_padded - n_front);
    padded.extend_from_slice(samples);
    padded.extend(reflect_end(samples, reach, n_padded - n_front - n_samples));
    (padded, n_front)
}

fn spectrum(mut signal: Vec<f64>) -> Vec<Complex<f64>> {
    let plan = RealFftPlanner::new().plan_fft_forward(signal.len());
    let mut bins = plan.make_output_vec();
    plan.process(&mut signal, &mut bins).expect("buffers have the plan's lengths");
    bins
}

/// Makes the spectrum of `n_old` values that of `n_new`. Where the shorter length is even, its last bin stands for two frequencies, of
/// which the longer one has both: that is a factor of 2 or a half.
fn fit_bins(bins: &mut Vec<Complex<f64>>, n_old: usize, n_new: usize) {
    let n_shorter = n_old.min(n_new);
    if n_shorter.is_multiple_of(2) {
        bins[n_shorter / 2] *= if n_new < n_old { 2.0 } else { 0.5 };
    }
    bins.resize(n_new / 2 + 1, Complex::default());
    bins.iter_mut().for_each(|bin| *bin /= n_old as f64); // the inverse divides by nothing
}

fn signal(mut bins: Vec<Complex<f64>>, n_values: usize) -> Vec<f64> {
    bins[0].im = 0.0;
    if n_values.is_multiple_of(2) {
        bins[n_values / 2].im = 0.0; // a real signal has a real last bin; the inverse insists on it
    }
    let plan = RealFftPlanner::new().plan_fft_inverse(n_values);
    let mut values = plan.make_output_vec();
    plan.process(&mut bins, &mut values).expect("buffers have the plan's lengths");
    values
}

/// Trigger codes in `n_new` samples of the same time: each new sample has the first code other than zero of the old samples from its own place to
/// that of the next; where both have the same place, the code there.
pub(crate) fn resample_codes(codes: &[f64], n_new: usize) -> Vec<f64> {
    if codes.is_empty() {
        return Vec::new();
    }
    let ratio = n_new as f64 / codes.len() as f64;
    let place =
        |idx: usize| if idx < n_new { ((idx as f64 / ratio) as usize).min(codes.len() - 1) } else { codes.len() };
    let first_code =
        |idx: usize| codes[place(idx)..place(idx + 1).max(place(idx) + 1)].iter().copied().find(|code| *code != 0.0);
    (0..n_new).map(|idx| first_code(idx).unwrap_or(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_and_ratio_gives_the_length_that_was_asked_for() {
        for n_samples in [1, 2, 3, 9, 64, 100, 1003] {
            let samples: Vec<f64> = (0..n_samples).map(|n| f64::from(n).sin()).collect();
            for ratio in [0.001, 1.0 / 7.0, 0.3, 0.5, 0.999, 1.0, 1.001, 1.5, 3.0, 10.0, std::f64::consts::PI] {
                let found = resample(&samples, ratio);
                assert_eq!(found.len(), resampled_len(samples.len(), ratio), "{n_samples} samples, ratio {ratio}");
                assert_eq!(resample_codes(&samples, found.len()).len(), found.len());
                assert!(found.iter().all(|value| value.is_finite()));
            }
        }
        for ratio in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(resample(&[1.0], ratio).is_empty());
        }
        assert!(resample(&[], 2.0).is_empty() && resample_codes(&[], 2).is_empty());
        assert!(resample(&[f64::NAN; 20], 2.0).iter().all(|value| value.is_nan()), "it does not panic");
    }

    #[test]
    fn up_and_down_again_is_the_signal() {
        let samples: Vec<f64> = (0..1000).map(|n| (f64::from(n) * 0.1).sin() + (f64::from(n) * 0.37).cos()).collect();
        let found = resample(&resample(&samples, 4.0), 0.25);
        let largest = found.iter().zip(&samples).skip(100).take(800).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(largest < 1e-3, "off by {largest}");
    }

    /// Expected as MNE 1.10.2 gives them for 3 at every seventh of 1003 samples.
    #[test]
    fn no_code_is_lost_when_the_rate_falls() {
        let codes: Vec<f64> = (0..1003).map(|n| if n % 7 == 0 { 3.0 } else { 0.0 }).collect();
        assert_eq!(resample_codes(&codes, 502)[..12], [3., 0., 0., 0., 3., 0., 0., 3., 0., 0., 0., 3.]);
        assert_eq!(resample_codes(&codes, 334)[..12], [3., 0., 3., 0., 3., 0., 0., 3., 0., 3., 0., 3.]);
        assert_eq!(resample_codes(&codes, 3009)[..5], [3., 3., 3., 0., 0.]);
        assert_eq!(resample_codes(&codes, 3009)[19..24], [0., 0., 3., 3., 3.]);
        assert_eq!(resample_codes(&codes, 334)[328..], [0., 3., 0., 3., 0., 3.]);
    }
}
