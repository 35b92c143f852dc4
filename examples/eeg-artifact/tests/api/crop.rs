//! Cropping and cutting: which samples stay, and what becomes of triggers and annotations.

use eeg_artifact::{Annotation, Channel, ChannelKind, EegError, Pipeline, Recording, SerialExecutor, Step, Triggers};
use serde_json::{Value, json};

/// Ten seconds at 100 Hz, each sample its own index; a bad channel and a stimulus channel beside.
fn recording() -> Recording {
    let mut bad = Channel::new("bad", ChannelKind::Eeg);
    bad.is_bad = true;
    let channels = vec![Channel::new("Cz", ChannelKind::Eeg), bad, Channel::new("STI", ChannelKind::Stim)];
    let row: Vec<f64> = (0..1000).map(f64::from).collect();
    let mut recording = Recording::new(100.0, channels, vec![row; 3]).unwrap();
    let annotation =
        |onset_s: f64, duration_s: f64| Annotation { onset_s, duration_s, description: onset_s.to_string() };
    recording.info_mut().annotations = vec![annotation(0.5, 0.0), annotation(1.5, 1.0), annotation(9.0, 0.0)];
    recording.info_mut().triggers = Some(Triggers::from_samples(vec![100, 200, 300, 400]));
    recording
}

fn run(step: &str, settings: &Value, mut recording: Recording) -> Result<Recording, EegError> {
    let step = Step::from_json(step, settings)?;
    Pipeline::new([step]).run(&mut recording, &SerialExecutor)?;
    Ok(recording)
}

#[test]
fn cropping_keeps_both_ends_and_moves_triggers_and_annotations() {
    let cropped = run("crop", &json!({ "tmin": 2.0, "tmax": 3.0 }), recording()).unwrap();
    let expected: Vec<f64> = (200..=300).map(f64::from).collect();
    for channel in 0..3 {
        assert_eq!(cropped.samples(channel).unwrap(), expected, "channel {channel}");
    }
    let info = cropped.info();
    assert_eq!((info.n_samples, info.start_s), (101, 2.0));
    assert_eq!(info.triggers.as_ref().unwrap().samples, [0, 100]);
    let onsets: Vec<f64> = info.annotations.iter().map(|annotation| annotation.onset_s).collect();
    assert_eq!(onsets, [-0.5], "what still lasts at the begin stays");
    assert_eq!(info.warnings.len(), 1, "dropped triggers are said: {:?}", info.warnings);
}

#[test]
fn cropping_nothing_changes_nothing() {
    let cropped = run("crop", &json!({}), recording()).unwrap();
    assert_eq!(cropped.samples(0).unwrap(), recording().samples(0).unwrap());
    assert_eq!(cropped.info(), recording().info());
}

#[test]
fn cutting_keeps_the_time_of_the_scan_and_its_margin() {
    let cut = run("cut", &json!({ "margin_s": 0.5 }), recording()).unwrap();
    let expected: Vec<f64> = (50..550).map(f64::from).collect();
    assert_eq!(cut.samples(0).unwrap(), expected);
    assert_eq!(cut.info().triggers.as_ref().unwrap().samples, [50, 150, 250, 350]);
    let mut early = recording();
    early.info_mut().artifact_offset_s = -2.0;
    let cut = run("cut", &json!({}), early).unwrap();
    assert_eq!(
        cut.samples(0).unwrap().len(),
        300,
        "an artifact that begins before the recording is kept as far as it is there"
    );
}

#[test]
fn a_stretch_that_is_not_there_is_refused_by_name() {
    for (step, settings, named) in [
        ("crop", json!({ "tmin": 3.0, "tmax": 2.0 }), "3 s to 2 s"),
        ("crop", json!({ "tmin": -1.0 }), "-1 s"),
        ("crop", json!({ "tmax": 10.0 }), "ends after 10 s"),
        ("crop", json!({ "tmax": "late" }), "tmax"),
        ("cut", json!({ "margin_s": -1.0 }), "margin_s"),
    ] {
        let error = run(step, &settings, recording()).unwrap_err().to_string();
        assert!(error.contains(named), "{settings}: {error}");
    }
    let mut outside = recording();
    outside.info_mut().triggers = Some(Triggers::from_samples(vec![5000, 5100]));
    assert!(matches!(run("cut", &json!({}), outside), Err(EegError::Triggers(_))));
}

#[test]
fn what_is_filtered_after_cropping_is_filtered_at_its_new_length() {
    let steps = [("crop", json!({ "tmin": 1.0 })), ("lowpass", json!({ "freq": 10.0 }))];
    let steps = steps.map(|(name, settings)| Step::from_json(name, &settings).unwrap());
    let mut together = recording();
    Pipeline::new(steps.clone()).run(&mut together, &SerialExecutor).unwrap();
    let mut apart = recording();
    for step in steps {
        Pipeline::new([step]).run(&mut apart, &SerialExecutor).unwrap();
    }
    assert_eq!(together.samples(0).unwrap(), apart.samples(0).unwrap());
    assert_eq!(together.info(), apart.info());
}
