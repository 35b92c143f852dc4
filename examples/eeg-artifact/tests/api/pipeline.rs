//! A pipeline checks itself before anything runs.

use eeg_artifact::{Channel, ChannelKind, EegError, Pipeline, Recording, SerialExecutor, Step};
use serde_json::json;

#[test]
fn an_unknown_step_and_an_unknown_parameter_are_named_with_the_nearest() {
    let unknown = Step::from_json("lowpas", &json!({})).unwrap_err();
    assert!(matches!(&unknown, EegError::UnknownStep { nearest: Some(name), .. } if name == "lowpass"), "{unknown}");
    let unknown = Step::from_json("lowpass", &json!({ "frequ": 3.0 })).unwrap_err();
    assert!(matches!(&unknown, EegError::UnknownParameter { nearest: Some(name), .. } if name == "freq"), "{unknown}");
}

#[test]
fn a_step_without_its_triggers_is_refused_before_the_steps_ahead_of_it_run() {
    let channels = vec![Channel::new("Cz", ChannelKind::Eeg)];
    let mut recording = Recording::new(100.0, channels, vec![vec![1.0; 1000]]).unwrap();
    let steps = [("highpass", json!({ "freq": 1.0 })), ("aas", json!({}))];
    let pipeline = Pipeline::new(steps.map(|(name, settings)| Step::from_json(name, &settings).unwrap()));
    let error = pipeline.run(&mut recording, &SerialExecutor).unwrap_err();
    assert!(matches!(&error, EegError::Missing { position: 2, .. }), "{error}");
    assert_eq!(recording.samples(0).unwrap(), vec![1.0; 1000]);
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_own_parameter() {
    for (step, settings, expected) in [
        ("upsample", json!({ "channels": [0], "factor": "4" }), "factor"),
        ("upsample", json!({ "channels": 0, "factor": 4 }), "channels"),
        ("bandpass", json!({ "h_freq": 40, "l_freq": "low" }), "l_freq"),
        ("bandpass", json!({ "h_freq": [40], "l_freq": 1 }), "h_freq"),
        ("aas", json!({ "subsample": 3, "window_size": 12 }), "subsample"),
        ("triggers", json!({ "regex": "1", "source": "stimulus" }), "source"),
    ] {
        let error = Step::from_json(step, &settings).unwrap_err();
        assert!(matches!(&error, EegError::Parameter { parameter, .. } if parameter == expected), "{error}");
    }
}
