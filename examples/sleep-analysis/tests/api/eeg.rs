//! EEG features and spectra: the golden cases, a naive transform as a double, and recordings that are not whole.

use std::f64::consts::TAU;

use proptest::prelude::*;
use serde_json::Value;
use sleep_analysis::eeg::*;
use sleep_analysis::features::*;
use sleep_analysis::{Column, EpochGrid, EpochGridSettings, Signal, SleepError};

use crate::golden::{Case, assert_close, assert_same, cases_of, golden, json, read_columns};

const S: i64 = 1_000_000_000;

#[test]
fn golden_eeg_features_are_met_for_cut_epochs_however_they_are_batched() {
    let Some(folder) = golden("sleep_eeg") else { return };
    for case in cases_of(&folder, "eeg_epoch_features") {
        let epochs = golden_epochs(&case);
        let settings = EegSettings { spectra: Spectra::Kept, ..EegSettings::new(number(&case.description["fs_hz"])) };
        let request = cut_epochs("eeg", "uv", settings, samples_per_epoch(&case), &epochs).unwrap();
        let night = in_batches(&request, epochs.len());
        compare_features(&case, &night);
        compare_densities(&case, &night.spectra[0]);
        let (whole, batched) = (bits(&night), bits(&in_batches(&request, 3)));
        assert!(whole == batched, "{}: batches change the result", case.name());
    }
}

#[test]
fn golden_spectra_are_met_by_welch_alone() {
    let Some(folder) = golden("sleep_eeg/welch") else { return };
    for case in json(&folder.join("cases.json")).as_array().unwrap() {
        let samples = numbers(&case["x"]);
        let segment_len = case["nperseg_asked"].as_u64().unwrap() as usize;
        let overlap = case["noverlap"].as_u64().unwrap() as usize;
        let mut plan = WelchPlan::new(samples.len(), number(&case["fs"]), segment_len, overlap).unwrap();
        let density = plan.density(&samples).unwrap().to_vec();
        let expected = numbers(&case["psd"]);
        let frequencies = numbers(&case["freq"]);
        assert_eq!(density.len(), expected.len());
        let scale = expected.iter().copied().fold(0.0, f64::max);
        for (bin, (&actual, &expected)) in density.iter().zip(&expected).enumerate() {
            assert_close(actual, expected, scale, &format!("segments of {segment_len}, bin {bin}"));
            assert_close(plan.frequency_hz(bin), frequencies[bin], 0.0, "frequency");
        }
    }
}

#[test]
fn golden_integrals_are_met_by_simpson_alone() {
    let Some(folder) = golden("sleep_eeg/simpson") else { return };
    for case in json(&folder.join("cases.json")).as_array().unwrap() {
        let values = numbers(&case["y"]);
        assert_close(simpson(&values, number(&case["dx"])), number(&case["integral"]), 0.0, &format!("{values:?}"));
    }
}

#[test]
fn a_gap_a_nan_or_an_early_end_fails_its_own_epoch_and_no_other() {
    let mut samples: Vec<(i64, f64)> = sine_at(100.0, 5 * 3000 - 10);
    samples[3100].1 = f64::NAN;
    samples.drain(6500..6510);
    let night = in_batches(&recording(samples, 100.0), 2);
    let failed: Vec<_> = night.failures.iter().map(|failure| (failure.epoch, failure.reason.clone())).collect();
    let expected = [
        (1, FailureReason::NotANumber { column: "c3".into(), sample: 100 }),
        (2, FailureReason::Uneven { found: 2990, needed: 3000 }),
        (4, FailureReason::Uneven { found: 2990, needed: 3000 }),
    ];
    let mut failed_in_order = failed.clone();
    failed_in_order.sort_by_key(|(epoch, _)| *epoch);
    assert_eq!(failed_in_order, expected);
    for column in &night.table.columns {
        let is_nan: Vec<bool> = column.values.iter().map(|value| value.is_nan()).collect();
        assert_eq!(is_nan, [false, true, true, false, true], "{}", column.name);
    }
    assert!(night.spectra[0].density(1).iter().all(|value| value.is_nan()));
    assert!(night.spectra[0].density(3).iter().all(|value| value.is_finite()));
}

#[test]
fn epochs_hold_the_same_samples_however_their_timestamps_are_rounded() {
    // At 300 Hz no sample but every third lies on a whole nanosecond.
    let samples: Vec<f64> =
        (0..3 * 9000).map(|i| (TAU * 10.0 * f64::from(i) / 300.0).sin() * f64::from(i % 7)).collect();
    let at = |time_of: fn(f64) -> f64| {
        let timed = samples.iter().enumerate().map(|(i, &value)| (time_of(i as f64 * 1e9 / 300.0) as i64, value));
        in_batches(&recording(timed.collect(), 300.0), 1)
    };
    let (down, nearest, early) = (at(f64::floor), at(f64::round), at(|time| (time - 1.0).max(0.0)));
    assert_eq!(down.failures, []);
    assert_eq!(bits(&down), bits(&nearest));
    assert_eq!(bits(&down), bits(&early));
    let cut: Vec<Vec<f64>> = samples.chunks(9000).map(<[f64]>::to_vec).collect();
    let settings = EegSettings { spectra: Spectra::Kept, ..EegSettings::new(300.0) };
    let cut = in_batches(&cut_epochs("psg", "c3", settings, 9000, &cut).unwrap(), 3);
    assert_eq!(bits(&cut), bits(&down));
}

#[test]
fn a_gap_is_seen_when_duplicates_make_up_for_it_and_when_it_is_at_the_start() {
    let mut stuck = sine_at(100.0, 3001);
    for sample in &mut stuck[1000..1010] {
        sample.0 = 9_990_000_000;
    }
    let uneven = |found| FailureReason::Uneven { found, needed: 3000 };
    assert_eq!(in_batches(&recording(stuck, 100.0), 1).failures[0].reason, uneven(3000));
    let late = sine_at(100.0, 6001).split_off(500);
    let failures = in_batches(&recording(late, 100.0), 1).failures;
    assert_eq!(
        failures.iter().map(|failure| (failure.epoch, failure.reason.clone())).collect::<Vec<_>>(),
        [(0, uneven(2500))]
    );
}

#[test]
fn epochs_that_last_for_centuries_are_refused() {
    let epochs = vec![vec![1.0; 3000]; 20];
    for rate_hz in [1e-7, 0.0, f64::NAN, -5.0] {
        let refused = cut_epochs("eeg", "uv", EegSettings::new(rate_hz), 3000, &epochs);
        assert!(matches!(refused, Err(SleepError::Config(_))), "{rate_hz} Hz");
    }
    assert!(
        cut_epochs("eeg", "uv", EegSettings::new(100.0), 2999, &epochs).unwrap_err().to_string().contains("epoch 0")
    );
    assert!(matches!(cut_epochs("eeg", "uv", EegSettings::new(100.0), 3000, &[]), Err(SleepError::Config(_))));
}

#[test]
fn a_recording_at_another_rate_than_claimed_fails_and_a_slow_clock_does_not() {
    assert_eq!(in_batches(&recording(sine_at(100.02, 9002), 100.0), 2).failures, []);
    assert_eq!(in_batches(&recording(sine_at(101.0, 9100), 100.0), 2).failures.len(), 4);
    assert_eq!(in_batches(&recording(sine_at(50.0, 4600), 100.0), 2).failures.len(), 4);
}

#[test]
fn every_channel_of_a_recording_has_its_own_columns() {
    let (timestamps, sine): (Vec<i64>, Vec<f64>) = sine_at(100.0, 6000).into_iter().unzip();
    let cosine = sine.iter().map(|value| value * 3.0).collect();
    let columns = [("c3", sine), ("c4", cosine)].map(|(name, values)| Column::new(name, values));
    let signal = Signal::new("psg", timestamps, columns.into()).unwrap();
    let grid = EpochGrid::over_spans([(0, 60 * S)], EpochGridSettings::adjoining(30 * S)).unwrap();
    let settings = EegSettings { feature_set: EegFeatureSet::BandPowers, ..EegSettings::new(100.0) };
    let request = FeatureRequest::new([signal].into(), grid, Operation::Eeg(settings)).unwrap();
    let night = in_batches(&request, 2);
    let power = |name: &str| night.table.columns.iter().find(|column| column.name == name).unwrap().values[1];
    assert_close(power("psg|c4_abs_Alpha"), 9.0 * power("psg|c3_abs_Alpha"), 0.0, "power");
    assert_eq!((night.table.columns.len(), night.spectra.len()), (26, 0));
}

#[test]
fn a_constant_epoch_has_no_power_even_when_its_mean_is_rounded() {
    let features = eeg_features(&EegSettings::new(100.0), &[0.1; 3000]).unwrap();
    let value = |name: &str| features.iter().find(|(feature, _)| feature == name).unwrap().1;
    assert_eq!((value("abs_Delta"), value("abs_total"), value("hjorth_activity")), (0.0, 0.0, 0.0));
    assert!(value("rel_Delta").is_nan() && value("hjorth_mobility").is_nan());
    assert!(value("spectral_entropy_welch").is_nan() && value("spectral_entropy_fft").is_nan());
    assert_eq!(value("perm_entropy").to_bits(), 0.0_f64.to_bits());
    assert_eq!((value("zero_crossings"), value("petrosian_fd")), (0.0, 1.0));
}

#[test]
fn a_plan_forgets_the_epoch_before() {
    let noise: Vec<f64> = (0..3000).map(|i| f64::from((i * 7919) % 101) - 50.0).collect();
    let mut plan = EegPlan::new(&EegSettings::new(100.0), 3000).unwrap();
    let fresh = plan.features(&noise).unwrap().to_vec();
    plan.features(&[f64::NAN; 3000]).unwrap();
    assert!(plan.density().iter().all(|value| value.is_nan()));
    plan.features(&[3.0; 3000]).unwrap();
    assert_eq!(plan.features(&noise).unwrap(), fresh);
    assert!(matches!(plan.features(&noise[1..]), Err(SleepError::Config(_))));
}

#[test]
fn settings_without_a_spectrum_are_refused_with_the_way_out() {
    let refused = |settings: EegSettings, n| EegPlan::new(&settings, n).unwrap_err().to_string();
    assert!(refused(EegSettings::new(50.0), 1500).contains("Gamma"));
    assert!(refused(EegSettings::new(100.0), 40).contains("longer epochs"));
    assert!(refused(EegSettings::new(f64::NAN), 3000).contains("above zero"));
    assert!(refused(EegSettings::new(-1.0), 3000).contains("above zero"));
    assert!(refused(EegSettings::new(100.0), 0).contains("above zero"));
    assert!(refused(EegSettings::new(1e12), usize::MAX).contains("lower sampling rate"));
    assert!(WelchPlan::new(512, 100.0, 128, 128).unwrap_err().to_string().contains("overlap"));
    let bands = |bands: Vec<Band>| EegSettings { bands, ..EegSettings::new(100.0) };
    assert!(refused(bands(vec![]), 3000).contains("band"));
    assert!(refused(bands(vec![Band::new("a", 1.0, 2.0), Band::new("a", 2.0, 3.0)]), 3000).contains("twice"));
    assert!(refused(bands(vec![Band::new("total", 1.0, 2.0)]), 3000).contains("rename"));
}

proptest! {
    #[test]
    fn welch_is_what_a_sum_of_sines_by_the_book_gives(
        samples in prop::collection::vec(-50.0..50.0_f64, 2..150),
        segment_len in 2_usize..64,
        overlap_percent in 0_usize..100,
    ) {
        let segment_len = segment_len.min(samples.len());
        let overlap = segment_len * overlap_percent / 100;
        let mut plan = WelchPlan::new(samples.len(), 100.0, segment_len, overlap).unwrap();
        let density = plan.density(&samples).unwrap().to_vec();
        let expected = naive_welch(&samples, 100.0, segment_len, overlap);
        prop_assert_eq!(density.len(), expected.len());
        let scale = expected.iter().copied().fold(0.0, f64::max);
        for (actual, expected) in density.into_iter().zip(expected) {
            assert_close(actual, expected, scale, "density");
        }
    }

    #[test]
    fn orders_and_signs_are_counted_as_one_by_one(samples in prop::collection::vec(-3..4_i32, 3..200)) {
        let samples: Vec<f64> = samples.into_iter().map(f64::from).collect();
        assert_close(permutation_entropy(&samples), naive_permutation_entropy(&samples), 1.0, "entropy");
        let changes = |values: &[f64]| values.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
        prop_assert_eq!(zero_crossings(&samples), changes(&samples));
        let n = samples.len() as f64;
        let c = changes(&differences(&samples)) as f64;
        assert_close(petrosian_fd(&samples), n.log10() / (n.log10() + (n / (n + 0.4 * c)).log10()), 0.0, "petrosian");
    }

    #[test]
    fn hjorth_is_what_three_variances_give(samples in prop::collection::vec(-90.0..90.0_f64, 4..150), offset in -1e4..1e4_f64) {
        let samples: Vec<f64> = samples.into_iter().map(|value| value + offset).collect();
        let slopes = differences(&samples);
        let (a, b, c) = (variance(&samples), variance(&slopes), variance(&differences(&slopes)));
        let actual = hjorth(&samples);
        assert_close(actual.activity, a, 0.0, "activity");
        assert_close(actual.mobility, (b / a).sqrt(), 0.0, "mobility");
        assert_close(actual.complexity, (c / b).sqrt() / (b / a).sqrt(), 0.0, "complexity");
    }

    #[test]
    fn simpson_is_exact_for_parabolas(a in -5.0..5.0_f64, b in -5.0..5.0_f64, c in -5.0..5.0_f64, n in 3_usize..40) {
        let step = 0.25;
        let at = |x: f64| a + b * x + c * x * x;
        let values: Vec<f64> = (0..n).map(|i| at(i as f64 * step)).collect();
        let end = (n - 1) as f64 * step;
        let expected = a * end + b * end * end / 2.0 + c * end * end * end / 3.0;
        assert_close(simpson(&values, step), expected, 1e3, "integral");
    }
}

fn compare_features(case: &Case, night: &Features) {
    let expected = case.table("expected_features.csv");
    let total = expected.column("abs_total");
    assert_eq!(night.table.columns.len(), expected.columns.len());
    for column in &night.table.columns {
        let name = column.name.strip_prefix("eeg|uv_").unwrap();
        for (row, (&actual, &expected)) in column.values.iter().zip(expected.column(name)).enumerate() {
            let what = format!("{} epoch {row} {name}", case.name());
            match name {
                "zero_crossings" => assert_same(actual, expected, &what),
                _ if name.starts_with("abs_") => assert_close(actual, expected, total[row], &what),
                _ if name.starts_with("hjorth_") => assert_close(actual, expected, 0.0, &what),
                _ => assert_close(actual, expected, 1.0, &what),
            }
        }
    }
}

fn compare_densities(case: &Case, spectrum: &Spectrum) {
    let expected = read_columns(&case.folder.join("expected_psd.csv"));
    for (&actual, &expected) in spectrum.frequencies_hz.iter().zip(&expected[0].values) {
        assert_close(actual, expected, 0.0, "frequency");
    }
    for (epoch, expected) in expected[1..].iter().enumerate() {
        let density = spectrum.density(epoch);
        assert_eq!(density.len(), expected.values.len());
        let scale = expected.values.iter().copied().fold(0.0, f64::max);
        for (&actual, &expected) in density.iter().zip(&expected.values) {
            assert_close(actual, expected, scale, &format!("{} density of epoch {epoch}", case.name()));
        }
    }
}

fn golden_epochs(case: &Case) -> Vec<Vec<f64>> {
    let table = case.table("input_eeg.csv");
    let mut epochs = vec![Vec::new(); case.description["epochs"].as_u64().unwrap() as usize];
    for (&epoch, &value) in table.keys.iter().zip(table.column("uv")) {
        epochs[epoch as usize].push(value);
    }
    epochs
}

fn samples_per_epoch(case: &Case) -> usize {
    case.description["samples_per_epoch"].as_u64().unwrap() as usize
}

/// A channel `psg|c3` in 30 s epochs from time 0 to its end.
fn recording(samples: Vec<(i64, f64)>, claimed_rate_hz: f64) -> FeatureRequest {
    let (timestamps, values): (Vec<i64>, Vec<f64>) = samples.into_iter().unzip();
    let grid = EpochGridSettings::adjoining(30 * S);
    let grid = EpochGrid::over_spans([(0, *timestamps.last().unwrap())], grid).unwrap();
    let signal = Signal::new("psg", timestamps, vec![Column::new("c3", values)]).unwrap();
    let settings = EegSettings { spectra: Spectra::Kept, ..EegSettings::new(claimed_rate_hz) };
    FeatureRequest::new([signal].into(), grid, Operation::Eeg(settings)).unwrap()
}

fn sine_at(rate_hz: f64, n_samples: i32) -> Vec<(i64, f64)> {
    let at =
        |i: i32| ((f64::from(i) * 1e9 / rate_hz).round() as i64, 20.0 * (TAU * 9.3 * f64::from(i) / rate_hz).sin());
    (0..n_samples).map(at).collect()
}

fn in_batches(request: &FeatureRequest, size: usize) -> Features {
    let n_epochs = request.grid().n_epochs();
    let batches = (0..n_epochs).step_by(size).map(|start| start..(start + size).min(n_epochs));
    collect_blocks(request, batches.map(|epochs| epoch_features(request, &epochs).unwrap())).unwrap()
}

fn bits(night: &Features) -> Vec<Vec<u64>> {
    let of = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect();
    let columns = night.table.columns.iter().map(|column| of(&column.values));
    columns.chain(night.spectra.iter().map(|spectrum| of(&spectrum.densities))).collect()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(number).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn differences(values: &[f64]) -> Vec<f64> {
    values.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

fn naive_welch(samples: &[f64], rate_hz: f64, segment_len: usize, overlap: usize) -> Vec<f64> {
    let window: Vec<f64> = (0..segment_len).map(|i| 0.5 - 0.5 * (TAU * i as f64 / segment_len as f64).cos()).collect();
    let hops = (0..=samples.len() - segment_len).step_by(segment_len - overlap);
    let starts: Vec<usize> = hops.collect();
    let mut density = vec![0.0; segment_len / 2 + 1];
    for &start in &starts {
        let segment = &samples[start..start + segment_len];
        let mean = segment.iter().sum::<f64>() / segment_len as f64;
        for (bin, density) in density.iter_mut().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, (value, weight)) in segment.iter().zip(&window).enumerate() {
                let (sin, cos) = (TAU * (bin * i % segment_len) as f64 / segment_len as f64).sin_cos();
                re += weight * (value - mean) * cos;
                im += weight * (value - mean) * sin;
            }
            let sides = if bin == 0 || 2 * bin == segment_len { 1.0 } else { 2.0 };
            *density += sides * (re * re + im * im);
        }
    }
    let power: f64 = window.iter().map(|weight| weight * weight).sum();
    density.iter().map(|value| value / (rate_hz * power * starts.len() as f64)).collect()
}

fn naive_permutation_entropy(samples: &[f64]) -> f64 {
    let mut counts = std::collections::HashMap::new();
    for window in samples.windows(3) {
        let mut order = [0, 1, 2];
        order.sort_by(|&a: &usize, &b| window[a].total_cmp(&window[b])); // A stable sort: the earlier of equals first.
        *counts.entry(order).or_insert(0.0) += 1.0;
    }
    let n = (samples.len() - 2) as f64;
    -counts.values().map(|count: &f64| count / n * (count / n).log2()).sum::<f64>() / 6.0_f64.log2()
}
