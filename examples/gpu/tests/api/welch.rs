//! Densities of epochs.

use gpu::{Device, DeviceSettings, GpuError, SPECTRUM_TOLERANCE, WelchShape};
use manyhands_test_support::rng::Rng;

use crate::reference::powers;
use crate::shared::{device, device_with};

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
            assert!(
                off <= allowed,
                "bin {bin} of segments of {}: {found:e}, expected {expected:e} of {full_scale:e}",
                shape.segment_len
            );
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

#[test]
fn the_whole_spectrum_of_any_length_agrees_with_double_precision() {
    let Some(device) = device() else { return };
    let mut rng = Rng::for_test("the_whole_spectrum");
    for n_samples in [1, 2, 3, 5, 8, 31, 37, 62, 74, 97, 400, 1000, 1009, 1024, 2018, 10_007, 20_000] {
        let noise: Vec<f64> = (0..n_samples).map(|_| rng.fraction()).collect();
        let tone = |i: usize| (0.37 * i as f64).sin() + 1e-3 * (1.7 * i as f64).cos();
        let tones: Vec<f64> = (0..n_samples).map(tone).collect();
        let mut click = vec![0.0; n_samples];
        click[n_samples / 3] = 1.0;
        let whole = WelchShape { window: vec![1.0; n_samples], ..shape(n_samples, n_samples, 1) };
        // One sample less its mean is nothing, in either precision.
        if n_samples > 1 {
            assert_agrees(&device, &[noise, tones, click], &whole);
        }
    }
}

#[test]
fn many_equal_segments_lose_no_digits_in_their_mean() {
    let Some(device) = device() else { return };
    // Equal powers are rounded the same way each time, so that errors of a long sum add up instead of cancelling.
    let epoch: Vec<f64> = (0..240_000).map(|i| [0.6, -0.1, -0.6, 0.1][i % 4]).collect();
    assert_agrees(&device, &[epoch], &shape(240_000, 8, 4));
}

#[test]
fn a_drift_between_segments_does_not_hide_what_is_within_them() {
    let Some(device) = device() else { return };
    // Noise, in which no bin is so large that an error of a mean could hide beside it.
    let noise = |i: usize| (12.9898 * i as f64).sin() * 43_758.545 % 1.0;
    let drifting =
        |idx: usize| (0..600).map(|i| (3400 + 13 * idx) as f64 * (i / 200) as f64 + noise(600 * idx + i)).collect();
    let epochs: Vec<Vec<f64>> = (0..100).map(drifting).collect();
    assert_agrees(&device, &epochs, &shape(600, 200, 200));
}

#[test]
fn many_epochs_are_computed_in_parts_with_the_same_densities() {
    let Some(device) = device() else { return };
    let little = DeviceSettings { memory_limit: Some(1 << 20), ..DeviceSettings::default() };
    let Some(small_device) = device_with(&little) else { return };
    let mut rng = Rng::for_test("many_epochs");
    let epochs: Vec<Vec<f64>> = (0..50).map(|_| (0..3000).map(|_| rng.fraction()).collect()).collect();
    let slices: Vec<&[f64]> = epochs.iter().map(Vec::as_slice).collect();
    let shape = shape(3000, 400, 200);
    let in_one = device.welch(&shape).unwrap().densities(&slices).unwrap();
    assert_eq!(small_device.welch(&shape).unwrap().densities(&slices).unwrap(), in_one);
    assert_eq!(device.welch(&shape).unwrap().densities(&[]).unwrap(), Vec::<Vec<f64>>::new());
}

#[test]
fn a_shape_that_fits_nothing_is_refused_with_its_numbers() {
    let Some(device) = device() else { return };
    let good = shape(100, 20, 10);
    let refused = |shape: WelchShape| device.welch(&shape).unwrap_err().to_string();
    let too_long = refused(WelchShape { n_samples: 19, ..good.clone() });
    assert_eq!(too_long, "segments of 20 samples each 10 do not fit into epochs of 19");
    assert!(refused(WelchShape { hop: 0, ..good.clone() }).contains("each 0"));
    assert!(refused(WelchShape { window: vec![1.0; 19], ..good.clone() }).contains("a window of 19"));
    assert!(refused(WelchShape { scale: f64::NAN, ..good.clone() }).contains("single precision"));
    let mut batch = device.welch(&good).unwrap();
    assert!(matches!(batch.densities(&[&[0.0; 99]]), Err(GpuError::Input(_))));
    let infinite = [f64::INFINITY; 100];
    assert!(matches!(batch.densities(&[&infinite]), Err(GpuError::Input(_))));
    let hop_beyond = WelchShape { hop: usize::MAX, ..good };
    assert_eq!(device.welch(&hop_beyond).unwrap().densities(&[&[0.0; 100]]).unwrap(), [vec![0.0; 11]]);
}

#[test]
fn more_segments_than_a_dispatch_counts_are_too_large() {
    let Some(device) = device() else { return };
    let shape = WelchShape { n_samples: 70_000, segment_len: 1, hop: 1, window: vec![1.0], scale: 1.0 };
    let refused = device.welch(&shape).unwrap().densities(&[&vec![0.0; 70_000]]).unwrap_err();
    assert!(matches!(&refused, GpuError::TooLarge { reason, .. } if reason.contains("70000")), "{refused}");
}
