//! Triggers move to where the reference moves them, and what cannot be aligned is said.

use eeg_artifact::{Channel, ChannelKind, EegError, EegResult, Pipeline, Recording, SerialExecutor, Step, Triggers};
use serde_json::{Value, json};

use crate::golden::{CASES, Case, integers, rows_of};

fn run(recording: &mut Recording, settings: &Value) -> EegResult<()> {
    Pipeline::new([Step::from_json("aligner", settings)?]).run(recording, &SerialExecutor)
}

fn triggers_of(recording: &Recording) -> &Triggers {
    recording.info().triggers.as_ref().unwrap()
}

fn agrees_with_the_reference(key: &str) {
    for case in CASES.iter().filter_map(|name| Case::open(name)) {
        let (mut recording, expected) = (case.recording(), case.output(key));
        let before = rows_of(&recording);
        run(&mut recording, &expected["params"]).unwrap();
        let found = triggers_of(&recording);
        assert_eq!(found.samples, integers(&expected["triggers"]), "{key}");
        assert_eq!(json!(found.artifact_length), expected["artifact_length"], "{key}");
        assert_eq!(rows_of(&recording), before, "{key}: only triggers change");
    }
}

#[test]
fn native_alignment_agrees_with_the_reference() {
    agrees_with_the_reference("aligner_native");
}

#[test]
fn upsampled_alignment_agrees_with_the_reference() {
    agrees_with_the_reference("aligner_upsampled");
}

/// A bump of 20 samples after every trigger, `late` samples late in one channel and not at all in the other.
fn recording(late: &[i64]) -> Recording {
    let mut row = vec![0.0; 1000];
    let triggers: Vec<i64> = (0..late.len() as i64).map(|n| 50 + n * 80).collect();
    for (trigger, late) in triggers.iter().zip(late) {
        for t in 0..20 {
            row[(trigger + late + t) as usize] = (0.4 * t as f64).sin();
        }
    }
    let channels = ["flat", "bump"].map(|name| Channel::new(name, ChannelKind::Eeg)).to_vec();
    let mut recording = Recording::new(100.0, channels, vec![vec![2.0; 1000], row]).unwrap();
    recording.info_mut().triggers = Some(Triggers::from_samples(triggers));
    recording
}

const BUMP: &str = "bump";

#[test]
fn triggers_move_by_as_much_as_the_artifact_is_late() {
    let late = [0, 3, 0, 5, -2, 0, 1, 0, -4, 2];
    let mut recording = recording(&late);
    run(&mut recording, &json!({ "ref_channel": BUMP, "search_window": 6, "upsample_for_alignment": false })).unwrap();
    let expected: Vec<i64> = late.iter().enumerate().map(|(n, late)| 50 + n as i64 * 80 + late).collect();
    let found = triggers_of(&recording);
    assert_eq!(found.samples, expected);
    assert_eq!(found.artifact_length, Some(86), "the longest distance is from the ninth to the tenth");
    let findings = recording.rows().findings(1).unwrap();
    assert_eq!(findings[0].what, "shifts of triggers");
    assert_eq!(findings[0].values, late.map(|late| late as f64));
}

#[test]
fn a_recording_that_was_resampled_is_not_upsampled_for_the_search() {
    let late = [0, 3, 0, 5];
    let (mut resampled, mut native) = (recording(&late), recording(&late));
    resampled.info_mut().recorded_sfreq_hz = 1000.0;
    run(&mut resampled, &json!({ "ref_channel": BUMP, "search_window": 4 })).unwrap();
    let settings = json!({ "ref_channel": BUMP, "search_window": 4, "upsample_for_alignment": false });
    run(&mut native, &settings).unwrap();
    assert_eq!(triggers_of(&resampled), triggers_of(&native));
    assert_eq!(triggers_of(&native).samples, [50, 133, 210, 294], "five is further than the window");
}

#[test]
fn triggers_outside_of_the_recording_stay() {
    let mut recording = recording(&[0, 3, 0]);
    let outside = [-500, 50, 130, 210, 4000];
    recording.info_mut().triggers =
        Some(Triggers { samples: outside.to_vec(), artifact_length: Some(40), ..Triggers::default() });
    let settings =
        json!({ "ref_channel": BUMP, "ref_trigger_index": 1, "search_window": 5, "upsample_for_alignment": false });
    run(&mut recording, &settings).unwrap();
    assert_eq!(triggers_of(&recording).samples, [-500, 50, 133, 210, 4000]);
}

#[test]
fn what_cannot_be_aligned_is_refused_with_the_way_out() {
    let refused = |change: &dyn Fn(&mut Recording), settings: Value| {
        let mut recording = recording(&[0, 3, 0]);
        change(&mut recording);
        run(&mut recording, &settings).unwrap_err().to_string()
    };
    let nothing = |_: &mut Recording| ();
    let flat = refused(&nothing, json!({ "upsample_for_alignment": false }));
    assert!(flat.contains("\"flat\"") && flat.contains("another ref_channel"), "{flat}");
    let index = refused(&nothing, json!({ "ref_channel": 2 }));
    assert!(index.contains("ref_channel = 2: there are 2 channels"), "{index}");
    let name = refused(&nothing, json!({ "ref_channel": "bumb" }));
    assert!(name.contains("did you mean \"bump\"?"), "{name}");
    let trigger = refused(&nothing, json!({ "ref_channel": BUMP, "ref_trigger_index": 3 }));
    assert!(trigger.contains("there are 3 triggers"), "{trigger}");
    let window = refused(&nothing, json!({ "ref_channel": BUMP, "search_window": 1_000_000_000 }));
    assert!(window.contains("use a shorter window"), "{window}");
    let all_bad = refused(&|it| it.info_mut().channels.iter_mut().for_each(|channel| channel.is_bad = true), json!({}));
    assert!(all_bad.contains("not bad"), "{all_bad}");
    let one = |it: &mut Recording| it.info_mut().triggers = Some(Triggers::from_samples(vec![50]));
    assert!(refused(&one, json!({ "ref_channel": BUMP })).contains("two are needed"));
    let outside = |it: &mut Recording| it.info_mut().triggers = Some(Triggers::from_samples(vec![5000, 5080]));
    let settings = json!({ "ref_channel": BUMP, "upsample_for_alignment": false });
    let error = refused(&outside, settings);
    assert!(error.contains("reference trigger at 5000"), "{error}");
    assert!(matches!(run(&mut recording(&[0, 0]), &json!({ "search_window": -1 })), Err(EegError::Parameter { .. })));
}
