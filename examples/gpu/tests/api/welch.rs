//! Densities of epochs.

use gpu::{Device, GpuError, SPECTRUM_TOLERANCE, WelchShape};
use manyhands_test_support::rng::Rng;

use crate::reference::powers;
use crate::shared::device;

fn shape(n_samples: usize, segment_len: usize, hop: usize) -> WelchShape {
    let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / segment_len as f64).cos();
    let window: Vec<f64> = if segment_len > 2 { (0..segment_len).map(hann).collect() } else { vec![1.0; segment_len] };
    let n_segments = (n_samples - segment_len) / hop + 1;
    let scale = 1.0 / (100.0 * window.iter().map(|weight| weight * weight).sum::<f64>() * n_segments as f64);
    WelchShape { n_samples, segment_len, hop, window, scale }
}

/// As `sleep_analysis::eeg::WelchPlan` defines it, segment by segment.
fn density(epoch: &[f64], shape: &WelchShape) -> Vec<f64> {
    let mut density = vec![0.0; shape.segment_len / 2 + 1];
    for segment in epoch.windows(shape.segment_len).step_by(shape.hop) {
        let mean = segment.iter().sum::<f64>() / segment.len() as f64;
        let windowed: Vec<f64> =
            segment.iter().zip(&shape.window).map(|(sample, weight)| weight * (sample - mean)).collect();
        for (bin, power) in powers(&windowed).into_iter().enumerate() {
            let has_twin = bin > 0 && 2 * bin != shape.segment_len;
            density[bin] += shape.scale * if has_twin { 2.0 * power } else { power };
        }
    }
    density
}

fn assert_agrees(device: &Device, epochs: &[Vec<f64>], shape: &WelchShape) {
    let slices: Vec<&[f64]> = epochs.iter().map(Vec::as_slice).collect();
    let mut batch = device.welch(shape).unwrap();
    let found = batch.densities(&slices).unwrap();
    assert_eq!(found.len(), epochs.len());
    for (epoch, found) in epochs.iter().zip(&found) {
        let expected = density(epoch, shape);
        assert_eq!(found.len(), expected.len());
        let full_scale = expected.iter().fold(0.0_f64, |largest, value| largest.max(*value));
        for (bin, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let off = (found - expected).abs();
            let allowed = SPECTRUM_TOLERANCE * full_scale;
            assert!(off <= allowed, "bin {bin} of {shape:?}: {found:e}, expected {expected:e} of {full_scale:e}");
        }
    }
}

#[test]
fn densities_of_noise_agree_with_double_precision() {
    let Some(device) = device() else { return };
    let mut rng = Rng::for_test("densities_of_noise");
    for (n_samples, segment_len, hop) in
        [(3000, 400, 200), (7680, 1024, 512), (3000, 3000, 3000), (100, 37, 10), (500, 97, 97), (64, 9, 4), (5, 2, 1)]
    {
        let epochs: Vec<Vec<f64>> = [(1.0, 0.0), (3e-5, 0.2), (1e-20, 1e-18), (1e20, 0.0)]
            .iter()
            .map(|(amplitude, offset)| (0..n_samples).map(|_| offset + amplitude * rng.fraction()).collect())
            .collect();
        assert_agrees(&device, &epochs, &shape(n_samples, segment_len, hop));
    }
}
