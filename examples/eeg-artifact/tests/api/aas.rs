//! Averaged artifact subtraction gives the reference's numbers, and says what cannot be corrected.

use eeg_artifact::{
    Channel, ChannelKind, EegError, EegResult, Finding, JobExecutor, Pipeline, Recording, SerialExecutor, Step,
    Triggers,
};
use manyhands::{AnyMode, Processes};
use serde_json::{Value, json};

use crate::golden::{CASES, Case, assert_close, integers, read_f64, rows_of};

pub(crate) fn run(recording: &mut Recording, settings: &Value) -> EegResult<()> {
    Pipeline::new([Step::from_json("aas", settings)?]).run(recording, &SerialExecutor)
}

pub(crate) fn triggers_of(recording: &Recording) -> &Triggers {
    recording.info().triggers.as_ref().unwrap()
}

/// What the step noted of a channel under this name.
pub(crate) fn finding(recording: &Recording, channel: usize, what: &str) -> Vec<f64> {
    let findings: Vec<Finding> = recording.rows().findings(channel).unwrap();
    findings.into_iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("no finding {what:?}")).values
}

/// EEG channels with triggers every `length` samples.
pub(crate) fn recording_of(rows: Vec<Vec<f64>>, length: usize) -> Recording {
    let channels = (0..rows.len()).map(|idx| Channel::new(format!("E{idx}"), ChannelKind::Eeg)).collect();
    let n_volumes = rows[0].len() / length;
    let mut recording = Recording::new(250.0, channels, rows).unwrap();
    let samples = (0..n_volumes).map(|volume| (volume * length) as i64).collect();
    recording.info_mut().triggers = Some(Triggers::from_samples(samples));
    recording
}

#[test]
fn every_variant_agrees_with_the_reference_to_the_last_digits() {
    for case in CASES.iter().filter_map(|name| Case::open(name)) {
        for key in ["aas_plain", "aas_realign", "aas_alpha", "aas_interp", "aas_relwin"] {
            let mut recording = case.recording();
            run(&mut recording, &case.output(key)["params"]).unwrap();
            assert_close(&rows_of(&recording), &case.rows(key), 1e-12, key);
            if let Some(moved) = case.output(key).get("triggers_after") {
                assert_eq!(triggers_of(&recording).samples, integers(moved), "{key}");
            }
        }
    }
}

/// Two channels of waves with 60 artifacts of either sign, gaps between every six, and every fifth artifact a sample late.
fn waves_with_artifacts() -> Recording {
    let (length, n_samples) = (37, 2400);
    let (mut triggers, mut at) = (Vec::new(), 33);
    for i in 0..60 {
        triggers.push(at);
        at += 36 + i64::from(i % 3 == 1) - i64::from(i % 7 == 3) + if i % 6 == 5 { 11 } else { 0 };
    }
    let row = |channel: f64, sign: f64| {
        let wave = |k: f64| {
            0.2 * (0.9 * k * (1.0 + channel)).sin() + 0.13 * (2.3 * k + channel).cos() + 0.4 * (0.011 * k).sin()
        };
        let mut row: Vec<f64> = (0..n_samples).map(|k| wave(f64::from(k)) + sign * 5.0).collect();
        for (i, trigger) in triggers.iter().enumerate() {
            let start = (trigger - 4) as usize + usize::from(i % 5 == 2);
            for (j, sample) in row[start..].iter_mut().take(length).enumerate() {
                let j = j as f64;
                let shape = (0.8 * j).sin() * (-((j - 18.0) / 9.0).powi(2)).exp();
                *sample += 2.5 * sign * shape * (1.0 + 0.1 * (i as f64).sin());
            }
        }
        row.into_iter().map(|sample| sample * 1e-4).collect()
    };
    let mut recording = recording_of(vec![row(0.0, 1.0), row(1.0, -0.6)], length);
    recording.info_mut().artifact_offset_s = -0.018; // 4.5 samples, of which 4 count
    recording.info_mut().triggers =
        Some(Triggers { samples: triggers, artifact_length: Some(length), ..Triggers::default() });
    recording
}

/// The numbers are those of FACETpy 2.0.2's `AASCorrection` on the same waves, run serially: for each channel the sum of samples times
/// cos(index) and the root of the sum of squares, then a sample of each.
#[test]
fn a_recording_with_gaps_that_is_not_among_the_golden_ones_agrees_with_the_reference() {
    let realigned = json!({ "window_size": 13, "correlation_threshold": 0.9, "search_window_factor": 0.4 });
    let mut all = realigned.clone();
    all["interpolate_volume_gaps"] = json!(true);
    all["apply_epoch_alpha_scaling"] = json!(true);
    all["rel_window_position"] = json!(-0.5);
    let expected = [
        [0.0003660617769965922, -0.00020122467062390917, 0.024650359233120585, 0.014693599782501761],
        [-5.777943391710558e-05, -0.00019749218690888216, 0.024558020264696934, 0.014785200198518263],
    ];
    let expected_samples =
        [[0.0004748876843351692, -0.0002681753017072657], [0.0004349860362650209, -0.00028914557672786364]];
    for ((settings, expected), expected_samples) in [realigned, all].iter().zip(expected).zip(expected_samples) {
        let mut recording = waves_with_artifacts();
        let before = triggers_of(&recording).samples.clone();
        run(&mut recording, settings).unwrap();
        let moved = triggers_of(&recording).samples.iter().zip(before).map(|(after, before)| after - before);
        assert!(moved.enumerate().all(|(i, shift)| shift == i64::from(i % 5 == 2)), "every fifth artifact is late");
        let rows = rows_of(&recording);
        let with_cosine =
            |row: &[f64]| row.iter().enumerate().map(|(k, sample)| sample * (k as f64).cos()).sum::<f64>();
        let length = |row: &[f64]| row.iter().map(|sample| sample * sample).sum::<f64>().sqrt();
        let found = [with_cosine(&rows[0]), with_cosine(&rows[1]), length(&rows[0]), length(&rows[1])];
        assert_close(&[found.to_vec()], &[expected.to_vec()], 1e-12, "sums");
        assert_close(&[vec![rows[0][500], rows[1][2300]]], &[expected_samples.to_vec()], 1e-12, "samples");
    }
}

#[test]
fn kept_noise_is_what_was_subtracted_gaps_and_all() {
    for case in CASES.iter().filter_map(|name| Case::open(name)) {
        for key in ["aas_realign", "aas_alpha", "aas_interp"] {
            let mut recording = case.recording();
            recording.info_mut().keeps_noise = true;
            let before = rows_of(&recording);
            run(&mut recording, &case.output(key)["params"]).unwrap();
            let with_noise = |channel| {
                recording.rows().with(channel, |data| {
                    let noise = data.noise.as_ref().unwrap();
                    data.samples.iter().zip(noise).map(|(sample, noise)| sample + noise).collect::<Vec<f64>>()
                })
            };
            let restored: Vec<_> = (0..before.len()).map(|channel| with_noise(channel).unwrap()).collect();
            assert_close(&restored, &before, 1e-14, key);
        }
    }
}

#[test]
fn channels_that_are_neither_eeg_nor_eog_or_are_bad_stay_as_they_are() {
    let Some(case) = Case::open("mixed10") else { return };
    let mut recording = case.recording();
    let before = rows_of(&recording);
    run(&mut recording, &json!({ "window_size": 8, "realign_after_averaging": false })).unwrap();
    let after = rows_of(&recording);
    let changed: Vec<&str> = (0..10)
        .filter(|channel| before[*channel] != after[*channel])
        .map(|channel| recording.info().channels[channel].name.as_str())
        .collect();
    assert_eq!(json!(changed), case.manifest["channels_changed_by_stage"]["aas"]);
}

#[test]
fn the_chain_of_filters_and_subtraction_agrees_with_the_reference() {
    for case in CASES.iter().filter_map(|name| Case::open(name)) {
        let params = &case.output("chain_hp_aas_lp")["params"];
        let steps = [
            ("highpass", json!({ "freq": params["highpass"] })),
            ("aas", params["aas"].clone()),
            ("lowpass", json!({ "freq": params["lowpass"] })),
        ];
        let pipeline = Pipeline::new(steps.map(|(name, settings)| Step::from_json(name, &settings).unwrap()));
        let mut recording = case.recording();
        pipeline.run(&mut recording, &SerialExecutor).unwrap();
        assert_close(&rows_of(&recording), &case.rows("chain_hp_aas_lp"), 1e-12, "chain_hp_aas_lp");
    }
}

#[test]
fn the_chain_over_channels_of_all_kinds_agrees_with_the_reference() {
    let Some(case) = Case::open("mixed10") else { return };
    let steps = case.manifest["chain"].as_array().unwrap().iter().map(|step| {
        let (name, settings) = step.as_object().unwrap().iter().next().unwrap();
        let settings = if settings.is_object() { settings.clone() } else { json!({ "freq": settings }) };
        Step::from_json(name, &settings).unwrap()
    });
    let mut recording = case.recording();
    Pipeline::new(steps).run(&mut recording, &SerialExecutor).unwrap();
    let expected: Vec<Vec<f64>> =
        read_f64(&case.folder.join("out_chain.f64")).chunks_exact(4000).map(<[f64]>::to_vec).collect();
    assert_close(&rows_of(&recording), &expected, 1e-12, "mixed10");
}

#[test]
fn any_mode_and_any_number_of_workers_give_the_same_bytes() {
    let Some(case) = Case::open("jitter250") else { return };
    for settings in [case.output("aas_realign")["params"].clone(), json!({ "subsample": true })] {
        let mut serial = case.recording();
        run(&mut serial, &settings).unwrap();
        for (mode, workers) in [(AnyMode::Threads, 2), (AnyMode::Threads, 7), (AnyMode::Processes(Processes::new()), 2)]
        {
            let pipeline = Pipeline::new([Step::from_json("aas", &settings).unwrap()]);
            let mut recording = case.recording();
            pipeline.run(&mut recording, &JobExecutor::new(mode).workers(Some(workers))).unwrap();
            assert!(rows_of(&recording) == rows_of(&serial), "{mode:?} with {workers} workers");
            assert_eq!(recording.info(), serial.info());
            for channel in 0..3 {
                assert_eq!(recording.rows().findings(channel).unwrap(), serial.rows().findings(channel).unwrap());
            }
        }
    }
}

#[test]
fn an_epoch_unlike_the_others_is_left_out_and_named() {
    let artifact: Vec<f64> = (0..50).map(|n| f64::from(n * n % 13)).collect();
    let mut row = artifact.repeat(20);
    row[12 * 50..13 * 50].iter_mut().rev().enumerate().for_each(|(n, sample)| *sample = (n as f64).sin() * 30.0);
    let mut recording = recording_of(vec![row], 50);
    run(&mut recording, &json!({ "realign_after_averaging": false })).unwrap();
    assert_eq!(finding(&recording, 0, "epochs left out of every template"), [12.0]);
    let spread = finding(&recording, 0, "spread of the first block");
    assert_eq!(spread.len(), 50);
    assert!(spread.iter().all(|spread| *spread < 1e-12), "all that were taken are equal");
    let template = finding(&recording, 0, "template of the first block");
    let difference = template[7] - template[0];
    assert!((difference - (artifact[7] - artifact[0])).abs() < 1e-12);
}

#[test]
fn the_shifts_that_are_reported_are_those_of_the_triggers() {
    let Some(case) = Case::open("jitter250") else { return };
    let mut recording = case.recording();
    let before = triggers_of(&recording).samples.clone();
    run(&mut recording, &case.output("aas_realign")["params"]).unwrap();
    let after = &triggers_of(&recording).samples;
    let moved: Vec<f64> = after.iter().zip(before).map(|(after, before)| (after - before) as f64).collect();
    assert!(moved.iter().any(|shift| *shift != 0.0));
    assert_eq!(finding(&recording, 0, "shifts of triggers"), moved);
}

#[test]
fn triggers_before_and_after_the_recording_are_passed_over() {
    let artifact: Vec<f64> = (0..50).map(|n| f64::from(n * n % 13)).collect();
    let row: Vec<f64> = artifact.repeat(20).iter().zip(broadband(1000, 8)).map(|(a, noise)| a + 1e5 * noise).collect();
    for settings in [
        json!({ "realign_after_averaging": false }),
        json!({ "search_window_factor": 1, "interpolate_volume_gaps": true }),
        json!({ "subsample": true }),
    ] {
        let mut inside = recording_of(vec![row.clone()], 50);
        let mut outside = recording_of(vec![row.clone()], 50);
        // At the end, so that the one block has the same seeds as without them.
        outside.info_mut().triggers.as_mut().unwrap().samples.extend([5000, i64::MAX, i64::MIN, -60]);
        run(&mut inside, &settings).unwrap();
        run(&mut outside, &settings).unwrap();
        assert_close(&rows_of(&outside), &rows_of(&inside), 1e-12, &settings.to_string());
    }
}

/// The message with which a recording or settings are refused.
fn refusal(change: impl FnOnce(&mut Recording), settings: Value) -> String {
    let row = |seed: u64| broadband(1000, seed);
    let mut recording = recording_of(vec![row(1), row(2)], 50);
    change(&mut recording);
    run(&mut recording, &settings).unwrap_err().to_string()
}

#[test]
fn triggers_that_cannot_be_used_are_refused_with_the_way_out() {
    let with = |triggers: Triggers| refusal(|recording| recording.info_mut().triggers = Some(triggers), json!({}));
    let none = with(Triggers::default());
    assert!(none.contains("none were found"), "{none}");
    let one = with(Triggers { artifact_length: Some(50), ..Triggers::from_samples(vec![100]) });
    assert!(one.contains("two are needed"), "{one}");
    let equal = with(Triggers::from_samples(vec![100, 100]));
    assert!(equal.contains("length is not known"), "{equal}");
    let long = with(Triggers::from_samples(vec![0, 1001]));
    assert!(long.contains("1001 samples does not fit in a recording of 1000"), "{long}");
    let outside = with(Triggers::from_samples(vec![2000, 2050, 2100]));
    assert!(outside.contains("first trigger is at 2000"), "{outside}");
}

#[test]
fn channels_that_cannot_be_corrected_are_refused_with_the_way_out() {
    let with_row = |row: Vec<f64>, settings| {
        refusal(|recording| *recording = recording_of(vec![row, broadband(1000, 3)], 50), settings)
    };
    for settings in [json!({}), json!({ "subsample": true })] {
        let flat = with_row(vec![1e-3; 1000], settings.clone());
        assert!(flat.contains("\"E0\"") && flat.contains("all its samples are 0.001"), "{flat}");
        let mut row = broadband(1000, 1);
        row[77] = f64::NAN;
        let nan = with_row(row, settings);
        assert!(nan.contains("\"E0\"") && nan.contains("sample 77 is NaN"), "{nan}");
    }
    let bad = |recording: &mut Recording| {
        recording.info_mut().channels.iter_mut().for_each(|channel| channel.is_bad = true);
    };
    let all_bad = refusal(bad, json!({}));
    assert!(all_bad.contains("2 are bad"), "{all_bad}");
}

#[test]
fn a_flat_channel_that_decides_nothing_stays_flat() {
    let mut recording = recording_of(vec![broadband(1000, 1), vec![1e-3; 1000]], 50);
    run(&mut recording, &json!({})).unwrap();
    assert!(recording.samples(1).unwrap().iter().all(|sample| (sample - 1e-3).abs() < 1e-17));
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    for (parameter, value) in [
        ("window_size", json!(0)),
        ("window_size", json!(-3)),
        ("rel_window_position", json!(1.5)),
        ("correlation_threshold", json!(2)),
        ("search_window_factor", json!(0)),
        ("subsample", json!("yes")),
    ] {
        let row = broadband(1000, 1);
        let error = run(&mut recording_of(vec![row], 50), &json!({ parameter: value })).unwrap_err();
        assert!(matches!(&error, EegError::Parameter { parameter: named, .. } if named == parameter), "{error}");
    }
}

/// White noise of a deviation of about 1 uV.
pub(crate) fn broadband(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    (0..n).map(|_| 1e-6 * (uniform() + uniform() + uniform() + uniform()) * 3.0_f64.sqrt()).collect()
}
