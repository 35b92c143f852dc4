//! Measurements of traces.

use gpu::{Device, DeviceSettings, GpuError, SPECTRUM_TOLERANCE, TraceSummary};
use manyhands_test_support::property::config;
use manyhands_test_support::rng::Rng;
use proptest::prelude::*;

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

#[test]
fn a_tone_a_click_and_a_constant_have_their_known_figures() {
    let Some(device) = device() else { return };
    let n = 20_000;
    let tone = |i: usize| 5.0 + 2.0 * (std::f64::consts::TAU * 1234.0 * i as f64 / n as f64).sin();
    let click = |i: usize| if i == 777 { -3.0 } else { 0.0 };
    let traces: [Vec<f64>; 4] = [(0..n).map(tone).collect(), (0..n).map(click).collect(), vec![-4.0; n], vec![0.0; n]];
    let found = measured(&device, &traces);
    for (trace, found) in traces.iter().zip(&found).take(3) {
        assert_agrees(trace, found, "a known trace");
    }
    assert_eq!(found[0].dominant_bin, 0, "the constant part of the tone is its largest bin");
    assert_eq!(found[2].std, 0.0);
    assert_eq!(found[2].peak, 4.0);
    let nothing = TraceSummary { rms: 0.0, mean: 0.0, std: 0.0, peak: 0.0, total_power: 0.0, dominant_bin: 0 };
    assert_eq!(found[3], nothing);
}

#[test]
fn the_bin_of_a_tone_is_found_wherever_it_lies() {
    let Some(device) = device() else { return };
    for n_samples in [1000, 1009, 999, 2 * 1009] {
        let bins = [1, 2, 7, n_samples / 4, n_samples / 2 - 1, (n_samples - 1) / 2];
        let tone =
            |bin: usize| move |i: usize| (std::f64::consts::TAU * (bin * i) as f64 / n_samples as f64 + 0.3).sin();
        let traces: Vec<Vec<f64>> = bins.iter().map(|bin| (0..n_samples).map(tone(*bin)).collect()).collect();
        let found: Vec<usize> = measured(&device, &traces).iter().map(|found| found.dominant_bin).collect();
        assert_eq!(found, bins, "of {n_samples} samples");
    }
}

#[test]
fn the_first_of_equal_bins_is_dominant() {
    let Some(device) = device() else { return };
    // Whole numbers throughout. An impulse has the same power in every bin; with its opposite half a length later, in every odd one.
    let impulse = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let with_opposite = vec![1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0];
    let found: Vec<usize> =
        measured(&device, &[impulse, with_opposite]).iter().map(|found| found.dominant_bin).collect();
    assert_eq!(found, [0, 1]);
}

#[test]
fn a_million_samples_are_measured_as_in_double_precision() {
    let Some(device) = device() else { return };
    let mut rng = Rng::for_test("a_million_samples");
    for n_samples in [1_000_000, (1 << 15) + 3] {
        let trace: Vec<f64> = noise(&mut rng, n_samples, 1.0, 0.25);
        let found = measured(&device, std::slice::from_ref(&trace));
        assert_agrees(&trace, &found[0], &format!("{n_samples} samples"));
    }
}

#[test]
fn long_traces_of_equal_steps_lose_no_digits_in_their_sums() {
    let Some(device) = device() else { return };
    // Equal terms are rounded the same way each time, so that errors of a long sum add up instead of cancelling.
    let n_samples = 1_500_000;
    let square = |high: f64| move |i: usize| if (i / 1000).is_multiple_of(2) { high } else { -0.6 };
    let click = |i: usize| if i == 777 { 1.0 } else { 0.0 };
    let traces: [Vec<f64>; 3] = [
        (0..n_samples).map(square(0.6)).collect(),
        (0..n_samples).map(square(0.1)).collect(),
        (0..n_samples).map(click).collect(),
    ];
    for (trace, what) in traces.iter().zip(["a square wave", "one with an offset", "a click, flat in its spectrum"]) {
        assert_agrees(trace, &measured(&device, std::slice::from_ref(trace))[0], what);
    }
}

#[test]
fn a_constant_of_any_value_and_length_has_no_deviation() {
    let Some(device) = device() else { return };
    for (n_samples, value) in [(3, 0.1), (1000, -0.1), (1009, 1e9 + 0.3), (49, 1e-300), (7, 8e307)] {
        let found = measured(&device, &[vec![value; n_samples]])[0];
        assert_eq!((found.std, found.mean, found.peak), (0.0, value, value.abs()), "{n_samples} times {value}");
        assert_eq!(found.dominant_bin, 0);
    }
}

#[test]
fn traces_that_do_not_fit_together_are_measured_in_parts_with_the_same_figures() {
    let Some(device) = device() else { return };
    let little = DeviceSettings { memory_limit: Some(256 << 10), ..DeviceSettings::default() };
    let Some(small_device) = device_with(&little) else { return };
    let mut rng = Rng::for_test("traces_that_do_not_fit");
    let traces: Vec<Vec<f64>> = (0..41).map(|_| noise(&mut rng, 1000, 1.0, 0.0)).collect();
    let in_one = measured(&device, &traces);
    assert_eq!(measured(&small_device, &traces), in_one);
    // A batch that grows, and one that shrinks again, measures the same.
    let slices: Vec<&[f64]> = traces.iter().map(Vec::as_slice).collect();
    let mut batch = device.trace_summaries(1000).unwrap();
    for n_traces in [1, 41, 3, 0] {
        assert_eq!(batch.run(&slices[..n_traces]).unwrap(), in_one[..n_traces]);
    }
}

#[test]
fn what_cannot_be_measured_is_named_and_the_batch_stays_usable() {
    let Some(device) = device() else { return };
    let refused = device.trace_summaries(0).unwrap_err();
    assert_eq!(refused, GpuError::Input("0 samples have no spectrum; give at least one".to_owned()));
    let mut batch = device.trace_summaries(3).unwrap();
    let refused = batch.run(&[&[1.0, 2.0, 3.0], &[1.0, f64::NAN, 3.0]]).unwrap_err();
    assert_eq!(refused, GpuError::Input("sample 2 of item 2 is NaN; leave it out".to_owned()));
    let refused = batch.run(&[&[1.0, 2.0]]).unwrap_err();
    let expected = "item 1 has 2 samples in a batch of 3; make a batch for each length";
    assert_eq!(refused, GpuError::Input(expected.to_owned()));
    assert_agrees(&[1.0, 2.0, 3.0], &batch.run(&[&[1.0, 2.0, 3.0]]).unwrap()[0], "after refusals");
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn any_trace_is_measured_as_in_double_precision(
        n_samples in 1_usize..3000,
        exponent in -60_i32..60,
        offset in -100.0_f64..100.0,
        seed in any::<u64>(),
    ) {
        if let Some(device) = device() {
            let amplitude = 10.0_f64.powi(exponent);
            let trace = noise(&mut Rng::new(seed), n_samples, amplitude, offset * amplitude);
            let found = measured(&device, std::slice::from_ref(&trace));
            assert_agrees(&trace, &found[0], "any trace");
        }
    }
}
