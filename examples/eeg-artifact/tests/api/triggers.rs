//! Triggers are found as the reference finds them, and what cannot be found is said.

use eeg_artifact::steps::{triggers_from_annotations, triggers_from_value_changes};
use eeg_artifact::{
    Annotation, Channel, ChannelKind, EegError, EegResult, Pipeline, Recording, SerialExecutor, Step, Triggers,
};
use serde_json::{Value, json};

use crate::golden::{CASES, Case, golden, integers};

fn annotation(onset_s: f64, description: &str) -> Annotation {
    Annotation { onset_s, duration_s: 0.0, description: description.to_owned() }
}

/// The case as the command is given it.
fn detect(case: &Value) -> EegResult<Option<Triggers>> {
    let regex = case["regex"].as_str().unwrap();
    if case["source"] == "stim" {
        let changes = case["value_changes_at"].as_array().unwrap().iter().map(|pair| {
            let [sample, value] = integers(pair)[..] else { panic!("{pair} is no pair") };
            (usize::try_from(sample).unwrap(), value)
        });
        let n_samples = usize::try_from(case["n_times"].as_u64().unwrap()).unwrap();
        return triggers_from_value_changes(&changes.collect::<Vec<_>>(), n_samples, regex);
    }
    let onsets = case["onsets_s"].as_array().unwrap().iter().map(|onset| onset.as_f64().unwrap());
    let descriptions = case["descriptions"].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
    let annotations: Vec<_> = onsets.zip(descriptions).map(|(onset, text)| annotation(onset, text)).collect();
    triggers_from_annotations(&annotations, case["sfreq"].as_f64().unwrap(), regex).map(Some)
}

/// Runs the step on one channel, which is a stimulus channel or EEG.
fn run_step(kind: ChannelKind, row: Vec<f64>, annotations: Vec<Annotation>, settings: Value) -> EegResult<Recording> {
    let mut recording = Recording::new(100.0, vec![Channel::new("A", kind)], vec![row])?;
    recording.info_mut().annotations = annotations;
    Pipeline::new([Step::from_json("triggers", &settings)?]).run(&mut recording, &SerialExecutor)?;
    Ok(recording)
}

#[test]
fn all_trigger_cases_of_the_reference_agree_exactly() {
    let Some(folder) = golden() else { return };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(folder.join("trigger_cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 20);
    for (idx, case) in cases.iter().enumerate() {
        let (found, expected) = (detect(case), &case["expected"]);
        if expected.get("error").is_some() {
            assert!(matches!(found, Err(EegError::Triggers(_))), "case {idx}: {found:?}");
            continue;
        }
        let found = found.unwrap_or_else(|error| panic!("case {idx}: {error}"));
        if expected["triggers"].is_null() {
            assert_eq!(found, None, "case {idx}");
            continue;
        }
        let found = found.unwrap_or_else(|| panic!("case {idx}: no triggers"));
        assert_eq!(found.samples, integers(&expected["triggers"]), "case {idx}");
        assert_eq!(json!(found.artifact_length), expected["artifact_length"], "case {idx}");
        assert_eq!(json!(found.volume_gaps), expected["volume_gaps"], "case {idx}");
        assert_eq!(json!(found.slices_per_volume), expected["slices_per_volume"], "case {idx}");
    }
}

#[test]
fn lengths_and_gaps_of_the_recordings_follow_from_their_triggers() {
    for case in CASES.iter().filter_map(|name| Case::open(name)) {
        let found = Triggers::from_samples(integers(&case.manifest["triggers"]));
        let expected = &case.manifest["trigger_detector"];
        assert_eq!(json!(found.artifact_length), expected["artifact_length"]);
        assert_eq!(json!(found.volume_gaps), expected["volume_gaps"]);
        assert_eq!(json!(found.slices_per_volume), expected["slices_per_volume"]);
    }
}

#[test]
fn the_stimulus_channel_of_a_whole_recording_gives_its_triggers() {
    let Some(case) = Case::open("mixed10") else { return };
    let mut recording = case.recording();
    recording.info_mut().triggers = None;
    let step = Step::from_json("triggers", &json!({ "regex": "^1$" })).unwrap();
    Pipeline::new([step]).run(&mut recording, &SerialExecutor).unwrap();
    let found = recording.info().triggers.as_ref().unwrap();
    assert_eq!(found.samples, integers(&case.manifest["triggers"]));
    assert_eq!(json!(found.artifact_length), case.manifest["artifact_length"]);
}

#[test]
fn annotations_out_of_order_give_triggers_in_order() {
    let annotations = [annotation(3.0, "V"), annotation(1.0, "V"), annotation(2.0, "V")];
    let found = triggers_from_annotations(&annotations, 10.0, "V").unwrap();
    assert_eq!(found.samples, [10, 20, 30]);
    assert_eq!(found.artifact_length, Some(10));
}

#[test]
fn an_onset_in_the_middle_between_two_samples_goes_to_the_even_one() {
    let annotations = [annotation(0.25, "V"), annotation(0.75, "V"), annotation(1.25, "V")];
    assert_eq!(triggers_from_annotations(&annotations, 10.0, "V").unwrap().samples, [2, 8, 12]);
}

#[test]
fn a_stimulus_channel_comes_before_annotations_unless_the_source_says_otherwise() {
    let mut row = vec![0.0; 100];
    row[40] = 1.0;
    let annotations = vec![annotation(0.1, "1")];
    let samples = |settings| {
        let recording = run_step(ChannelKind::Stim, row.clone(), annotations.clone(), settings).unwrap();
        recording.info().triggers.clone().unwrap().samples
    };
    assert_eq!(samples(json!({ "regex": "1" })), [40]);
    assert_eq!(samples(json!({ "regex": "1", "source": "annotations" })), [10]);
}

#[test]
fn a_stimulus_channel_without_a_match_leaves_no_triggers_and_the_next_step_says_so() {
    let stim = Channel::new("STI", ChannelKind::Stim);
    let channels = vec![Channel::new("Cz", ChannelKind::Eeg), stim];
    let mut row = vec![0.0; 100];
    row[10..20].fill(7.0);
    let mut recording = Recording::new(100.0, channels, vec![vec![0.0; 100], row]).unwrap();
    let steps = [("triggers", json!({ "regex": "1" })), ("aas", json!({}))];
    let pipeline = Pipeline::new(steps.map(|(name, settings)| Step::from_json(name, &settings).unwrap()));
    let error = pipeline.run(&mut recording, &SerialExecutor).unwrap_err();
    assert!(
        error.to_string().contains("no event of channel \"STI\" matches \"1\"; its events are 7 (1 time)"),
        "{error}"
    );
}

#[test]
fn patterns_that_cannot_be_used_and_sources_that_are_not_there_are_refused() {
    let refused = |kind, annotations: Vec<Annotation>, settings| {
        run_step(kind, vec![0.0; 10], annotations, settings).unwrap_err().to_string()
    };
    let look_ahead = refused(ChannelKind::Stim, vec![], json!({ "regex": "1(?=2)" }));
    assert!(look_ahead.contains("1(?=2)") && look_ahead.contains("look-around"), "{look_ahead}");
    let torn = refused(ChannelKind::Stim, vec![], json!({ "regex": "(1" }));
    assert!(torn.contains("unclosed group"), "{torn}");
    let no_stim = refused(ChannelKind::Eeg, vec![], json!({ "regex": "1", "source": "stim" }));
    assert!(no_stim.contains("kind stim"), "{no_stim}");
    let nothing = refused(ChannelKind::Eeg, vec![], json!({ "regex": "1" }));
    assert!(nothing.contains("neither"), "{nothing}");
    let never = refused(ChannelKind::Eeg, vec![annotation(f64::NAN, "1")], json!({ "regex": "1" }));
    assert!(never.contains("NaN"), "{never}");
    let other = refused(ChannelKind::Eeg, vec![annotation(0.0, "R 1")], json!({ "regex": "1" }));
    assert!(other.contains("\"R 1\""), "{other}");
}

#[test]
fn numbers_at_the_ends_of_their_range_do_not_overflow() {
    let triggers = Triggers::from_samples(vec![i64::MIN, 0, i64::MAX]);
    assert_eq!(triggers.samples.len(), 3);
    assert!(triggers.measured_length().is_some());
}
