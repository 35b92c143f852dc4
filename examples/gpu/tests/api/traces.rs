//! Measurements of traces.

use gpu::{Device, DeviceSettings, GpuError, SPECTRUM_TOLERANCE, TraceSummary};
use manyhands_test_support::rng::Rng;

use crate::reference::{dominant, powers};
use crate::shared::{device, device_with};

/// Lengths of every kind: none or one pass, each radix, a prime beyond them, a product with one, large.
const LENGTHS: [usize; 18] =
    [1, 2, 3, 4, 5, 7, 37, 62, 74, 97, 400, 1000, 1009, 1024, 2 * 1009, 3 * 41, 19_999, 20_000];

fn assert_near(found: f64, expected: f64, full_scale: f64, what: &str) {
    let off = (found - expected).abs() / full_scale;
    assert!(off <= 1e-5, "{what}: {found} where {expected} was expected, off by {off:e} of {full_scale}");
}

/// Everything that a device measured, beside double precision.
fn assert_agrees(samples: &[f64], found: &TraceSummary, what: &str) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let std = (samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / n).sqrt();
    let peak = samples.iter().fold(0.0_f64, |peak, sample| peak.max(sample.abs()));
    let rms = mean.hypot(std);
    assert_near(found.mean, mean, rms, what);
    assert_near(found.std, std, std + 1e-11 * rms, what);
    assert_near(found.rms, rms, rms, what);
    assert_near(found.peak, peak, peak, what);
    let powers = powers(samples);
    let total = powers.iter().sum::<f64>();
    assert_near(found.total_power, total, total, what);
    let best = dominant(&powers);
    let is_as_good = powers[found.dominant_bin] >= powers[best] * (1.0 - SPECTRUM_TOLERANCE);
    assert!(is_as_good, "{what}: bin {} is no match for bin {best}", found.dominant_bin);
}

fn noise(rng: &mut Rng, n_samples: usize, amplitude: f64, offset: f64) -> Vec<f64> {
    (0..n_samples).map(|_| offset + amplitude * (2.0 * rng.fraction() - 1.0)).collect()
}

fn measured(device: &Device, traces: &[Vec<f64>]) -> Vec<TraceSummary> {
    let slices: Vec<&[f64]> = traces.iter().map(Vec::as_slice).collect();
    device.trace_summaries(slices[0].len()).unwrap().run(&slices).unwrap()
}

#[test]
fn noise_of_any_length_and_size_is_measured_as_in_double_precision() {
    let Some(device) = device() else { return };
    let mut rng = Rng::for_test("noise_of_any_length");
    for n_samples in LENGTHS {
        let kinds = [(1.0, 0.0), (1.0, 1e6), (1e-20, 0.0), (1e20, -3e20), (1.0, 0.7)];
        let traces: Vec<Vec<f64>> =
            kinds.iter().map(|(amplitude, offset)| noise(&mut rng, n_samples, *amplitude, *offset)).collect();
        for ((trace, found), kind) in traces.iter().zip(measured(&device, &traces)).zip(kinds) {
            assert_agrees(trace, &found, &format!("{n_samples} samples of {kind:?}"));
        }
    }
}
