//! A filter that runs forward and then backward, so that the delays cancel and the gain is squared.
//!
//! Promises: with [`ZeroPhaseFir`](super::ZeroPhaseFir), the numbers of `scipy.signal.filtfilt` with its usual settings, to about 1e-15
//! of full scale. Choosing the taps is left to others.

use super::convolve::Convolver;

/// The taps of the one filter without delay that is the same as these taps forward and then backward: each with each, at all their
/// distances. There are twice as many, less one. The cost is a few transforms.
///
/// `filtfilt` continues the ends by three filters and begins each pass in a steady state. A filter of n taps sees only n - 1 samples
/// beyond an end in each of both passes together, so neither the rest of those nor the state reaches a sample that is kept.
pub(crate) fn forward_backward(taps: &[f64]) -> Vec<f64> {
    if taps.is_empty() {
        return Vec::new();
    }
    let reversed: Vec<f64> = taps.iter().rev().copied().collect();
    let mut products = taps.to_vec();
    products.resize(2 * taps.len() - 1, 0.0);
    let before = vec![0.0; taps.len() - 1];
    Convolver::new(&reversed, products.len()).run(&mut products, &before, &[]);
    products
}

/// The most samples that `filtfilt` refuses for so many taps.
pub(crate) fn too_few_for(n_taps: usize) -> usize {
    3 * n_taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::ZeroPhaseFir;

    /// Expected as scipy 1.17.1 gives them: `filtfilt([0.5, 0.3, -0.4], 1, x)` with x = sin(n) + n / 10, n = 0 to 10.
    #[test]
    fn one_pass_is_as_both_passes_of_scipy() {
        let mut samples: Vec<f64> = (0..11).map(|n| f64::from(n).sin() + f64::from(n) / 10.0).collect();
        ZeroPhaseFir::new(forward_backward(&[0.5, 0.3, -0.4])).apply(&mut samples);
        for (found, expected) in samples.iter().zip(EXPECTED) {
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
    fn no_taps_and_one_do_not_panic() {
        assert!(forward_backward(&[]).is_empty());
        assert!((forward_backward(&[3.0])[0] - 9.0).abs() < 1e-14);
    }
}
