//! Adaptive noise cancellation: numbers as the reference computes them in both variants, and what is refused.

use eeg_artifact::{Channel, ChannelKind, EegError, Recording, Triggers};
use serde_json::{Value, json};

use crate::filters::{made_noise, run};
use crate::golden::{CASES, Case, assert_close, rows_of};

const TOLERANCE: f64 = 1e-9;

/// The recording after the reference's averaged artifact subtraction, with what that has subtracted as the noise.
fn after_aas(case: &Case) -> Recording {
    let mut recording = case.recording();
    recording.info_mut().keeps_noise = true;
    for (channel, corrected) in case.rows("aas_plain").into_iter().enumerate() {
        let mut data = recording.rows().take(channel).unwrap();
        let noise = data.samples.iter().zip(&corrected).map(|(before, after)| before - after).collect();
        (data.samples, data.noise) = (corrected, Some(noise));
        recording.rows().put(channel, data).unwrap();
    }
    recording
}

fn settings(case: &Case, key: &str, variant: &str) -> Value {
    let params = &case.output(key)["params"];
    let (order, hp_freq) = (&params["filter_order"], &params["hp_freq"]);
    json!({ "filter_order": order, "hp_freq": hp_freq, "mu_factor": params["mu_factor"], "variant": variant })
}

#[test]
fn both_variants_are_those_of_the_reference_with_taps_given_or_designed() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        for (key, variant) in [("anc_after_aas_plain", "python"), ("anc_c_after_aas_plain", "c")] {
            let expected = case.rows(key);
            let mut settings = settings(&case, key, variant);
            for taps in [Value::Null, json!(case.folder.join("anc_hp_weights.f64"))] {
                settings["highpass_taps"] = taps;
                let mut recording = after_aas(&case);
                run(&mut recording, "anc", &settings).unwrap();
                assert_close(&rows_of(&recording), &expected, TOLERANCE, &format!("{name}, {settings}"));
            }
        }
    }
}

/// Expected with FACETpy 2.0.2, `ANCCorrection(use_c_extension=False, ..)`: an order that follows from the artifact's length, a cutoff that is
/// raised to half a Hz, and a window that begins ahead of the recording; and then an order and a cutoff that are given.
#[test]
fn orders_cutoffs_and_windows_of_other_kinds_are_those_of_the_reference() {
    let z = made_noise(4003);
    let sample = |n: usize| 0.5 * z[n + 1] + 0.3 * z[n + 2] + 1e-4 * (n as f64 * 0.05).sin();
    for (settings, picked) in [
        (
            json!({ "hp_freq": 0.3 }),
            [
                (49, 5.971_286_531_563_09e-5),
                (100, -9.480_803_770_056_696e-5),
                (1000, -2.187_557_634_311_528_5e-5),
                (2222, -0.000_113_981_983_299_845_98),
                (3849, -8.511_750_134_098_26e-5),
                (3850, -0.000_116_383_410_980_612_23),
            ],
        ),
        (
            json!({ "hp_freq": 3.0, "filter_order": 7 }),
            [
                (49, 6.418_211_790_609_907e-5),
                (100, -9.604_582_629_319_247e-5),
                (1000, -2.513_600_945_923_687e-5),
                (2222, -9.179_618_941_317_01e-5),
                (3849, -7.234_700_452_905_934e-5),
                (3850, -0.000_116_383_410_980_612_23),
            ],
        ),
    ] {
        let samples = (0..4000).map(sample).collect();
        let mut recording = Recording::new(200.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![samples]).unwrap();
        let mut data = recording.rows().take(0).unwrap();
        data.noise = Some(z[3..].to_vec());
        recording.rows().put(0, data).unwrap();
        recording.info_mut().keeps_noise = true;
        recording.info_mut().triggers = Some(Triggers::from_samples((50..3800).step_by(100).collect()));
        run(&mut recording, "anc", &settings).unwrap();
        let samples = recording.samples(0).unwrap();
        let (at, expected): (Vec<usize>, Vec<f64>) = picked.into_iter().unzip();
        let found = at.into_iter().map(|idx| samples[idx]).collect();
        assert_close(&[found], &[expected], TOLERANCE, &settings.to_string());
    }
}

#[test]
fn what_is_subtracted_is_added_to_the_noise() {
    let Some(case) = Case::open("slice500") else { return };
    let mut recording = after_aas(&case);
    let sums = |recording: &Recording| {
        let sum = |channel| {
            let data = recording.rows().take(channel).unwrap();
            let sum: Vec<f64> = data.samples.iter().zip(data.noise.as_ref().unwrap()).map(|(a, b)| a + b).collect();
            recording.rows().put(channel, data).unwrap();
            sum
        };
        (0..recording.info().channels.len()).map(sum).collect::<Vec<_>>()
    };
    let before = sums(&recording);
    run(&mut recording, "anc", &settings(&case, "anc_after_aas_plain", "python")).unwrap();
    assert_close(&sums(&recording), &before, 1e-14, "samples and noise together");
}

/// A second of EEG at 100 Hz for each trigger, with made noise.
fn recording(n_samples: usize, triggers: Vec<i64>) -> Recording {
    let mut recording =
        Recording::new(100.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![made_noise(n_samples)]).unwrap();
    let mut data = recording.rows().take(0).unwrap();
    data.noise = Some(made_noise(n_samples + 1).split_off(1));
    recording.rows().put(0, data).unwrap();
    recording.info_mut().keeps_noise = true;
    recording.info_mut().triggers = Some(Triggers::from_samples(triggers));
    recording
}

#[test]
fn samples_outside_of_the_artifacts_stay() {
    let mut recording = recording(3000, vec![1000, 1100, 1200]);
    run(&mut recording, "anc", &json!({ "filter_order": 4 })).unwrap();
    let (found, before) = (recording.samples(0).unwrap(), made_noise(3000));
    let changed: Vec<usize> = (0..3000).filter(|idx| found[*idx] != before[*idx]).collect();
    // The first four predictions have no past, and the next is with weights of zero.
    assert_eq!((changed.first(), changed.last()), (Some(&905), Some(&1299)));
}

#[test]
fn a_filter_that_becomes_unstable_changes_nothing_and_is_noted() {
    // The first grows to a thousand volts, the second beyond all numbers; a step of 1.5 is still stable.
    for (mu_factor, is_unstable) in [(2.0, true), (1e9, true), (1.5, false)] {
        let mut recording = recording(3000, vec![1000, 1100, 1200]);
        run(&mut recording, "anc", &json!({ "filter_order": 4, "mu_factor": mu_factor })).unwrap();
        assert_eq!(recording.samples(0).unwrap() == made_noise(3000), is_unstable, "{mu_factor}");
        let findings = recording.rows().findings(0).unwrap();
        assert_eq!(findings.iter().any(|finding| finding.what.contains("unstable")), is_unstable, "{findings:?}");
    }
}

#[test]
fn a_channel_without_noise_stays_and_is_noted() {
    let mut recording = recording(3000, vec![1000, 1100, 1200]);
    let mut data = recording.rows().take(0).unwrap();
    data.noise = Some(vec![0.0; 3000]);
    recording.rows().put(0, data).unwrap();
    run(&mut recording, "anc", &json!({})).unwrap();
    assert_eq!(recording.samples(0).unwrap(), made_noise(3000));
    assert!(recording.rows().findings(0).unwrap()[0].what.contains("no noise"));
}

#[test]
fn settings_and_triggers_that_cannot_be_are_refused_by_name() {
    let usual = || vec![1000, 1100, 1200];
    for (triggers, n_samples, settings, part) in [
        (usual(), 3000, json!({ "filter_order": 0 }), "filter_order = 0: it must be 1 or more"),
        (usual(), 3000, json!({ "filter_order": 400 }), "filter_order = 400: the artifacts take 400 samples"),
        (
            usual(),
            3000,
            json!({ "hp_freq": 50.0 }),
            "hp_freq = 50: it must be above zero and below half the rate, 50 Hz",
        ),
        (usual(), 3000, json!({ "hp_freq": -1.0 }), "hp_freq = -1"),
        (usual(), 3000, json!({ "mu_factor": 0.0 }), "mu_factor = 0"),
        (vec![100, 150], 300, json!({}), "its filter of 141 taps is too long: it needs 424 samples and there are 300"),
        (vec![1000], 3000, json!({}), "triggers: step \"anc\" needs the artifact's length, and 1 do not tell it"),
        (vec![5000, 5100], 3000, json!({}), "triggers: all lie outside of the recording, from 5000 to 5100"),
        (vec![-5000, -4900], 3000, json!({}), "triggers: all lie outside of the recording, from -5000 to -4900"),
        (vec![], 3000, json!({}), "triggers: step \"anc\" needs them and none were found"),
        (usual(), 3000, json!({ "highpass_taps": "absent.f64" }), "absent.f64: "),
    ] {
        let error = run(&mut recording(n_samples, triggers), "anc", &settings).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_file_that_holds_no_taps_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taps.f64");
    for (bytes, part) in [
        (vec![], "0 bytes are no taps"),
        (vec![0; 12], "12 bytes are no taps"),
        (f64::NAN.to_le_bytes().to_vec(), "tap 0 is NaN"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = run(&mut recording(3000, vec![1000, 1100]), "anc", &json!({ "highpass_taps": path })).unwrap_err();
        assert!(matches!(&error, EegError::File { reason, .. } if reason.contains(part)), "{error}");
    }
}

#[test]
fn taps_from_a_file_take_the_place_of_designed_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taps.f64");
    std::fs::write(&path, 0.0_f64.to_le_bytes()).unwrap();
    let mut recording = recording(3000, vec![1000, 1100, 1200]);
    run(&mut recording, "anc", &json!({ "filter_order": 4, "highpass_taps": path })).unwrap();
    assert_eq!(recording.samples(0).unwrap(), made_noise(3000), "of a signal of zeros nothing can be predicted");
}
