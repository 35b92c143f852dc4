//! Numbers for how well an artifact was removed: known answers.

use std::f64::consts::TAU;

use eeg_artifact::quality::{Quality, Signals, welch};
use eeg_artifact::synthetic::{SceneSettings, made_recording};
use eeg_artifact::{EegError, Pipeline, SerialExecutor, Step, Triggers};
use serde_json::json;

const SFREQ_HZ: f64 = 1000.0;

/// scipy 1.17.1: signal.welch(x, 1000.0, "hann", 64, 32, detrend="constant"), with x[n] = sin(0.3 n) + 0.01 n, n < 200.
const SCIPY: [(usize, f64); 6] = [
    (0, 3.7907904400235224e-06),
    (1, 0.0005071815592776702),
    (3, 0.021311063369661265),
    (4, 0.006251913747248902),
    (20, 1.759780356275999e-11),
    (32, 1.2393441131702343e-14),
];

/// Noise between -1 and 1 that is the same each time.
fn noise(n: usize, mut state: u64) -> Vec<f64> {
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..n).map(next).collect()
}

fn sine(n: usize, frequency_hz: f64, amplitude: f64) -> Vec<f64> {
    (0..n).map(|at| amplitude * (TAU * frequency_hz * at as f64 / SFREQ_HZ).sin()).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Every 50 samples over the whole signal: 20 Hz.
fn triggers(n: usize) -> Triggers {
    Triggers::from_samples((0..i64::try_from(n / 50).unwrap()).map(|idx| idx * 50).collect())
}

#[test]
fn a_sine_has_its_power_at_its_frequency_and_white_noise_has_it_everywhere() {
    let spectrum = welch(&sine(20_000, 40.0, 2.0), SFREQ_HZ, 1000);
    let strongest = (0..spectrum.power.len()).max_by(|a, b| spectrum.power[*a].total_cmp(&spectrum.power[*b])).unwrap();
    assert_eq!(spectrum.frequency_hz(strongest), 40.0);
    let near: f64 = spectrum.power[38..=42].iter().sum();
    assert!((near * spectrum.resolution_hz - 2.0).abs() < 1e-9, "a sine of 2 V has 2 V²");
    // The fastest signal that there is.
    let fastest: Vec<f64> = (0..4000).map(|at| if at % 2 == 0 { 3.0 } else { -3.0 }).collect();
    let spectrum = welch(&fastest, SFREQ_HZ, 1000);
    let total: f64 = spectrum.power.iter().map(|power| power * spectrum.resolution_hz).sum();
    assert!((total - 9.0).abs() < 1e-9, "{total}");
    // Even noise from -1 to 1 has a variance of 1/3, spread over 500 Hz.
    let spectrum = welch(&noise(200_000, 1), SFREQ_HZ, 500);
    let expected = 1.0 / 3.0 / 500.0;
    assert!(spectrum.power[2..249].iter().all(|power| (power / expected - 1.0).abs() < 0.25));
}

#[test]
fn a_spectrum_is_that_of_scipy() {
    let row: Vec<f64> = (0..200).map(|at| (0.3 * f64::from(at)).sin() + 0.01 * f64::from(at)).collect();
    let spectrum = welch(&row, SFREQ_HZ, 64);
    for (bin, expected) in SCIPY {
        assert!((spectrum.power[bin] - expected).abs() < 1e-12 * SCIPY[2].1, "bin {bin}: {}", spectrum.power[bin]);
    }
}

#[test]
fn perfect_removal_leaves_nothing_and_gains_all() {
    let truth = noise(40_000, 3);
    let before = sum(&truth, &sine(40_000, 60.0, 20.0));
    let signals = Signals { before: &before, after: &truth, truth: Some(&truth) };
    let quality = Quality::measure(&signals, SFREQ_HZ, &triggers(40_000)).unwrap();
    let against_truth = quality.truth.unwrap();
    assert_eq!((against_truth.residual_after_db, against_truth.snr_after_db), (-300.0, 300.0));
    assert!((against_truth.correlation_after - 1.0).abs() < 1e-12 && against_truth.rms_error == 0.0);
    // The artifact has 200 V², the noise 1/3.
    let snr_db = 10.0 * (1.0_f64 / 600.0).log10();
    assert!((against_truth.snr_before_db - snr_db).abs() < 0.1, "{}", against_truth.snr_before_db);
    assert_eq!(against_truth.snr_gain_db, 300.0 - against_truth.snr_before_db);
    assert!(
        (quality.rms_before - 200.3_f64.sqrt()).abs() < 0.05
            && (quality.rms_after - (1.0_f64 / 3.0).sqrt()).abs() < 0.01
    );
    assert!(quality.after_db.abs() < 0.5, "{}", quality.after_db);
}

#[test]
fn no_removal_gains_nothing() {
    let truth = noise(40_000, 4);
    let before = sum(&truth, &sine(40_000, 20.0, 5.0));
    let signals = Signals { before: &before, after: &before, truth: Some(&truth) };
    let quality = Quality::measure(&signals, SFREQ_HZ, &triggers(40_000)).unwrap();
    let against_truth = quality.truth.unwrap();
    assert_eq!((against_truth.snr_gain_db, quality.before_db), (0.0, quality.after_db));
    assert_eq!(against_truth.residual_before_db, against_truth.residual_after_db);
    assert_eq!(quality.spectrum_before, quality.spectrum_after);
}

#[test]
fn the_harmonic_with_the_artifact_stands_out_and_no_other() {
    let clean = noise(40_000, 5);
    let before = sum(&clean, &sine(40_000, 60.0, 1.0));
    let after = sum(&clean, &sine(40_000, 60.0, 0.1));
    let signals = Signals { before: &before, after: &after, truth: None };
    let quality = Quality::measure(&signals, SFREQ_HZ, &triggers(40_000)).unwrap();
    assert!(quality.truth.is_none() && quality.spectrum_truth.is_none());
    assert_eq!(quality.harmonics.len(), 24);
    for harmonic in &quality.harmonics {
        if (harmonic.frequency_hz - 60.0).abs() < 1e-9 {
            // 0.5 V² over five bins of 1000 / 1024 Hz, above noise of 1/1500 V²/Hz.
            let expected_db = 10.0 * (0.5 / 5.0 / (1000.0 / 1024.0) * 1500.0_f64).log10();
            assert!((harmonic.before_db - expected_db).abs() < 1.5, "{harmonic:?}, {expected_db}");
            assert!(harmonic.after_db < expected_db - 15.0, "{harmonic:?}");
        } else {
            assert!(harmonic.before_db.abs() < 2.5, "{harmonic:?}");
        }
    }
}

#[test]
fn a_tenth_of_the_artifact_is_twenty_decibels_less() {
    let truth = noise(40_000, 6);
    let artifact = sine(40_000, 40.0, 30.0);
    let rest: Vec<f64> = artifact.iter().map(|value| 0.1 * value).collect();
    let (before, after) = (sum(&truth, &artifact), sum(&truth, &rest));
    let signals = Signals { before: &before, after: &after, truth: Some(&truth) };
    let against_truth = Quality::measure(&signals, SFREQ_HZ, &triggers(40_000)).unwrap().truth.unwrap();
    assert!((against_truth.snr_gain_db - 20.0).abs() < 1e-9);
    assert!((against_truth.residual_before_db - against_truth.residual_after_db - 20.0).abs() < 1e-9);
}

#[test]
fn taking_the_signal_along_at_harmonics_counts_as_residual() {
    let brain = sine(40_000, 40.0, 1.0);
    let truth = sum(&noise(40_000, 7), &brain);
    let after: Vec<f64> = truth.iter().zip(&brain).map(|(truth, brain)| truth - brain).collect();
    let signals = Signals { before: &truth, after: &after, truth: Some(&truth) };
    let against_truth = Quality::measure(&signals, SFREQ_HZ, &triggers(40_000)).unwrap().truth.unwrap();
    assert_eq!(against_truth.residual_before_db, -300.0);
    assert!(against_truth.residual_after_db > -3.0, "{}", against_truth.residual_after_db);
}

#[test]
fn obs_and_the_mean_alone_improve_a_made_recording_by_as_much_as_they_remove() {
    let settings = SceneSettings {
        n_eeg: 1,
        duration_s: 60.0,
        sfreq_hz: 1000.0,
        repetition_time_s: 1.0,
        slices_per_volume: 12,
        ..SceneSettings::default()
    };
    let mut made = made_recording(settings).unwrap();
    let before = made.recording.samples(0).unwrap();
    made.recording.info_mut().triggers = Some(Triggers::from_samples(made.scene.volume_triggers()));
    let slices = Triggers::from_samples(made.scene.slice_triggers());
    let mut gains = Vec::new();
    for n_components in [0, 4] {
        let mut row = made.recording.rows().take(0).unwrap();
        row.samples.clone_from(&before);
        made.recording.rows().put(0, row).unwrap();
        let step = Step::from_json("obs", &json!({ "n_components": n_components })).unwrap();
        Pipeline::new([step]).run(&mut made.recording, &SerialExecutor).unwrap();
        let after = made.recording.samples(0).unwrap();
        let signals = Signals { before: &before, after: &after, truth: Some(&made.truth[0]) };
        let quality = Quality::measure(&signals, 1000.0, &slices).unwrap();
        let against_truth = quality.truth.unwrap();
        assert!(quality.after_db < quality.before_db - 10.0, "{} {}", quality.before_db, quality.after_db);
        assert!(against_truth.residual_after_db < against_truth.residual_before_db - 10.0, "{against_truth:?}");
        assert!(against_truth.correlation_after > against_truth.correlation_before + 0.1, "{against_truth:?}");
        gains.push(against_truth.snr_gain_db);
    }
    assert!(gains[0] > 10.0 && gains[1] > gains[0] + 15.0, "{gains:?}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let row = noise(4000, 8);
    let measure = |after: &[f64], triggers: &Triggers| {
        Quality::measure(&Signals { before: &row, after, truth: None }, SFREQ_HZ, triggers).unwrap_err()
    };
    let error = measure(&row[..3999], &triggers(4000));
    assert!(matches!(&error, EegError::Recording(reason) if reason.contains("4000 and 3999")), "{error}");
    let error = measure(&row, &Triggers::default());
    assert!(matches!(&error, EegError::Triggers(_)), "{error}");
    let error = measure(&row, &Triggers::from_samples(vec![0, 1000, 2000]));
    assert!(matches!(&error, EegError::Triggers(reason) if reason.starts_with("3.0 periods")), "{error}");
    let mut spoiled = row.clone();
    spoiled[9] = f64::NAN;
    let error = measure(&spoiled, &triggers(4000));
    assert!(matches!(&error, EegError::Recording(reason) if reason.contains("sample 9")), "{error}");
}
