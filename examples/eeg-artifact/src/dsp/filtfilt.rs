//! A finite filter forward and then backward, so that the delays cancel and the gain is squared.
//!
//! Promises: that of `scipy.signal.filtfilt` with its usual settings, to about 1e-15 of full scale. Choosing the taps is left to others.

use super::convolve::{Convolver, reflect_end, reflect_start};

/// Ends are continued by so many filters.
const FILTERS_CONTINUED: usize = 3;

/// The most samples that are too few for these taps: there must be more than the ends are continued by.
pub(crate) fn too_few_for(n_taps: usize) -> usize {
    FILTERS_CONTINUED * n_taps
}

/// The samples, filtered forward and backward. Each end is continued by odd reflection for three filters; each pass begins as if its first
/// value had been there forever. Of no samples or no taps, zeros; with [`too_few_for`] samples or fewer, the reflection ends early, in
/// zeros.
pub(crate) fn filter_forward_backward(samples: &[f64], taps: &[f64]) -> Vec<f64> {
    if samples.is_empty() || taps.is_empty() {
        return vec![0.0; samples.len()];
    }
    let n_continued = FILTERS_CONTINUED * taps.len();
    let reach = samples.len() - 1;
    let mut values = Vec::with_capacity(samples.len() + 2 * n_continued);
    values.extend(reflect_start(samples, reach, n_continued));
    values.extend_from_slice(samples);
    values.extend(reflect_end(samples, reach, n_continued));
    let mut convolver = Convolver::new(taps, values.len());
    for _ in 0..2 {
        let steady = vec![values[0]; taps.len() - 1];
        convolver.run(&mut values, &steady, &[]);
        values.reverse(); // after the second pass, time runs forward again
    }
    values.truncate(n_continued + samples.len());
    values.drain(..n_continued);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected as scipy 1.17.1 gives them: `filtfilt([0.5, 0.3, -0.4], 1, x)` with x = sin(n) + n / 10, n = 0 to 10.
    #[test]
    fn both_passes_begin_steady_as_in_scipy() {
        let samples: Vec<f64> = (0..11).map(|n| f64::from(n).sin() + f64::from(n) / 10.0).collect();
        let found = filter_forward_backward(&samples, &[0.5, 0.3, -0.4]);
        for (found, expected) in found.iter().zip(EXPECTED) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    const EXPECTED: [f64; 11] = [
        0.0,
        0.604_084_610_558_324_5,
        0.667_486_942_260_459_3,
        0.146_625_509_946_514_58,
        -0.464_911_761_377_413_4,
        -0.590_169_998_492_506_2,
        -0.099_277_029_640_884_14,
        0.571_152_739_696_404_6,
        0.819_439_597_648_166_3,
        0.532_054_178_353_240_1,
        0.072_956_622_257_700_83,
    ];

    #[test]
    fn too_few_samples_and_no_taps_do_not_panic() {
        assert_eq!(filter_forward_backward(&[1.0, 2.0], &[]), [0.0; 2]);
        assert!(filter_forward_backward(&[], &[1.0]).is_empty());
        assert_eq!(filter_forward_backward(&[1.0, 2.0], &[0.25; 9]).len(), 2);
    }
}
