//! PCA gives the reference's numbers.

use eeg_artifact::{Channel, ChannelKind, EegError, Pipeline, Recording, SerialExecutor, Step, Triggers};
use serde_json::{Value, json};

use crate::golden::{CASES, Case, assert_close, rows_of};

fn run(recording: &mut Recording, settings: &Value) -> Result<(), EegError> {
    Pipeline::new([Step::from_json("pca", settings)?]).run(recording, &SerialExecutor)
}

#[test]
fn pca_agrees_with_the_reference_in_all_cases() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        for key in ["pca_int", "pca_frac"] {
            let mut recording = case.recording();
            run(&mut recording, &case.output(key)["params"]).unwrap();
            assert_close(&rows_of(&recording), &case.rows(key), 1e-9, &format!("{name} {key}"));
        }
    }
}

#[test]
fn all_components_change_nothing_but_rounding() {
    let Some(case) = Case::open("vol250") else { return };
    for settings in [json!({ "n_components": 10_000 }), json!({ "n_components": 1.0 })] {
        let mut recording = case.recording();
        run(&mut recording, &settings).unwrap();
        assert_close(&rows_of(&recording), &rows_of(&case.recording()), 1e-12, "all components");
    }
}

#[test]
fn the_noise_is_what_was_subtracted() {
    let Some(case) = Case::open("slice500") else { return };
    let mut recording = case.recording();
    recording.info_mut().keeps_noise = true;
    run(&mut recording, &json!({ "n_components": 2 })).unwrap();
    let before = rows_of(&case.recording());
    let mut sums = rows_of(&recording);
    for (channel, row) in sums.iter_mut().enumerate() {
        let noise = recording.rows().with(channel, |data| data.noise.clone().unwrap()).unwrap();
        row.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
    }
    assert_close(&sums, &before, 1e-14, "signal plus noise");
}

/// One channel of a golden input with triggers of the test's own, after PCA.
fn row_after(
    channel: usize,
    change: impl Fn(&mut [f64]),
    triggers: Vec<i64>,
    length: usize,
    settings: &Value,
) -> Option<Vec<f64>> {
    let case = Case::open("vol250")?;
    let mut row = case.recording().samples(channel).unwrap();
    change(&mut row);
    let mut recording = Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![row]).unwrap();
    let triggers = Triggers { samples: triggers, artifact_length: Some(length), ..Triggers::default() };
    recording.info_mut().triggers = Some(triggers);
    run(&mut recording, settings).unwrap();
    Some(recording.samples(0).unwrap())
}

/// The numbers of these tests are those of FACETpy 2.0.2: `PCACorrection(n_components=..)._calc_pca_residuals(row, triggers, length,
/// max(0, min(triggers) - length), min(n, max(triggers) + length), None)` subtracted from the row.
fn assert_samples(row: &[f64], expected: &[(usize, f64)]) {
    for (sample, expected) in expected {
        assert!((row[*sample] - expected).abs() < 1e-9 * 1e-4, "sample {sample}: {} and not {expected}", row[*sample]);
    }
}

#[test]
fn triggers_outside_of_the_recording_count_as_in_the_reference() {
    let triggers = [vec![-40], (0..56).map(|idx| 300 + idx * 125).collect(), vec![7300, 7600]].concat();
    let Some(row) = row_after(0, |_| (), triggers, 125, &json!({ "n_components": 3 })) else { return };
    let expected = [
        (0, -1.312_013_864_662_731e-5),
        (320, -1.066_941_426_264_982e-4),
        (5000, -2.897_304_228_523_347e-5),
        (7330, -1.401_022_818_101_156_3e-4),
        (7499, -1.327_076_915_913_494_3e-5),
    ];
    assert_samples(&row, &expected);
}

#[test]
fn more_epochs_than_samples_and_flat_epochs_count_as_in_the_reference() {
    let flat = |row: &mut [f64]| {
        let level = row[1000];
        row[1000..1100].fill(level);
    };
    let triggers = (300..7200).step_by(20).collect();
    let Some(row) = row_after(1, flat, triggers, 20, &json!({ "n_components": 0.9 })) else { return };
    let expected = [
        (310, -5.890_847_302_308_649e-6),
        (1050, 1.159_948_224_085_381_2e-4),
        (2000, 9.301_931_630_787_346e-5),
        (5000, 1.092_256_254_032_851_6e-4),
        (7000, 7.946_345_921_116_133e-5),
    ];
    assert_samples(&row, &expected);
}

#[test]
fn where_epochs_overlap_the_later_one_counts_as_in_the_reference() {
    let triggers = (300..7000).step_by(100).collect();
    let Some(row) = row_after(2, |_| (), triggers, 125, &json!({ "n_components": 0.8 })) else { return };
    let expected = [
        (310, -2.769_438_106_042_798_6e-5),
        (420, -2.291_863_573_018_336e-5),
        (2000, 3.031_785_855_917_148_2e-5),
        (5000, 6.243_848_774_378_141e-5),
        (7000, 2.892_040_951_963_779e-5),
    ];
    assert_samples(&row, &expected);
}

#[test]
fn a_flat_epoch_covers_the_end_of_the_one_before_it_as_in_the_reference() {
    let flat = |row: &mut [f64]| {
        let level = row[2000];
        row[2000..2140].fill(level);
    };
    // Epochs begin 12 samples after triggers: one of them is 2002..2127, and the one before it ends at 2027.
    let triggers = (290..7000).step_by(100).collect();
    let Some(row) = row_after(2, flat, triggers, 125, &json!({ "n_components": 0.8 })) else { return };
    let expected = [
        (1995, 1.131_998_060_588_236_4e-4),
        (2005, 4.119_218_647_247_18e-5),
        (2020, 4.119_218_647_247_18e-5),
        (2110, 1.983_189_859_451_799e-5),
        (2130, 4.397_428_319_309_723e-5),
        (2200, 1.806_950_008_151_953_3e-4),
    ];
    assert_samples(&row, &expected);
}

#[test]
fn triggers_at_the_ends_of_what_a_number_holds_and_epochs_without_a_number_do_no_harm() {
    let Some(case) = Case::open("vol250") else { return };
    let mut row = case.recording().samples(0).unwrap();
    row[2000] = f64::NAN;
    let mut recording = Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![row.clone()]).unwrap();
    let samples = [vec![i64::MIN], (0..56).map(|idx| 300 + idx * 125).collect(), vec![i64::MAX]].concat();
    recording.info_mut().triggers = Some(Triggers { samples, artifact_length: Some(125), ..Triggers::default() });
    run(&mut recording, &json!({ "n_components": 3 })).unwrap();
    let found = recording.samples(0).unwrap();
    assert_eq!(found.iter().filter(|sample| sample.is_nan()).count(), 1);
    let is_changed = |range: std::ops::Range<usize>| found[range.clone()] != row[range];
    assert!(is_changed(400..1900) && !is_changed(2001..2060), "the epoch with no number stays, others do not");
}

#[test]
fn a_share_beyond_one_is_refused_before_anything_runs() {
    let Some(case) = Case::open("vol250") else { return };
    for share in [0.0, -0.5, 1.5] {
        let error = run(&mut case.recording(), &json!({ "n_components": share })).unwrap_err();
        assert!(matches!(&error, EegError::Parameter { parameter, .. } if parameter == "n_components"), "{error}");
    }
}

#[test]
fn an_artifact_that_is_longer_than_the_recording_is_refused() {
    let Some(case) = Case::open("vol250") else { return };
    let mut recording = case.recording();
    recording.info_mut().triggers.as_mut().unwrap().artifact_length = Some(1 << 40);
    let error = run(&mut recording, &json!({})).unwrap_err();
    assert!(matches!(&error, EegError::Triggers(reason) if reason.contains("in a recording of 7500")), "{error}");
}
