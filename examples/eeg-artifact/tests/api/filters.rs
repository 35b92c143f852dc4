//! The filters: taps and filtered signals as the reference computes them, which channels they touch, and what they refuse.

use eeg_artifact::dsp::{design_fir, design_notch};
use eeg_artifact::{
    Annotation, Channel, ChannelKind, EegError, JobExecutor, Pipeline, Recording, SerialExecutor, Step,
};
use manyhands::{AnyMode, Processes};
use serde_json::{Value, json};

use crate::golden::{CASES, Case, assert_close, read_f64, rows_of};

const TOLERANCE: f64 = 1e-12;

pub(crate) fn run(recording: &mut Recording, step: &str, settings: &Value) -> Result<(), EegError> {
    Pipeline::new([Step::from_json(step, settings)?]).run(recording, &SerialExecutor)
}

/// Numbers between -1e-4 and 1e-4 that a congruential generator gives, the same in Python: see the tests that use it.
pub(crate) fn made_noise(n_samples: usize) -> Vec<f64> {
    let mut state = 12_345_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state) / 4_294_967_296.0 - 0.5) * 2e-4
    };
    (0..n_samples).map(|_| next()).collect()
}

fn eeg(sfreq: f64, samples: Vec<f64>) -> Recording {
    Recording::new(sfreq, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![samples]).unwrap()
}

#[test]
fn designed_taps_are_those_of_the_reference() {
    let Some(case) = Case::open("fir") else { return };
    let items = case.manifest["items"].as_array().unwrap();
    assert_eq!(items.len(), 15);
    for item in items {
        let sfreq = item["sfreq"].as_f64().unwrap();
        let taps = match item.get("notch") {
            Some(freqs) => {
                let freqs: Vec<f64> = freqs.as_array().unwrap().iter().map(|freq| freq.as_f64().unwrap()).collect();
                design_notch(sfreq, &freqs, item["notch_width"].as_f64()).unwrap()
            }
            None => design_fir(sfreq, item["l_freq"].as_f64(), item["h_freq"].as_f64()).unwrap(),
        };
        let expected = read_f64(&case.folder.join(item["taps"]["file"].as_str().unwrap()));
        assert_close(&[taps], &[expected], TOLERANCE, &item.to_string());
    }
}

#[test]
fn filtered_recordings_are_those_of_the_reference() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        for step in ["highpass", "lowpass", "bandpass", "notch"] {
            let mut recording = case.recording();
            run(&mut recording, step, &case.output(step)["params"]).unwrap();
            assert_close(&rows_of(&recording), &case.rows(step), TOLERANCE, &format!("{name}, {step}"));
        }
    }
}

#[test]
fn filters_touch_eeg_that_is_bad_too_and_no_other_kind() {
    let Some(case) = Case::open("mixed10") else { return };
    let changed: Vec<&str> = case.manifest["channels_changed_by_stage"]["highpass"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut recording = case.recording();
    let before = rows_of(&recording);
    run(&mut recording, "highpass", &json!({ "freq": 1.0 })).unwrap();
    for (channel, (before, after)) in before.iter().zip(rows_of(&recording)).enumerate() {
        let name = recording.info().channels[channel].name.as_str();
        assert_eq!(*before != after, changed.contains(&name), "{name}");
    }
}

/// Expected with MNE 1.10.2: `raw.filter(5.0, 30.0)` of a `RawArray` of `made_noise(2000)` at 200 Hz with these annotations. The values
/// at the ends of the stretches were below 2e-20, which is rounding, and stand as 0.
#[test]
fn stretches_between_boundaries_are_filtered_one_by_one() {
    let samples = made_noise(2000);
    let mut recording = eeg(200.0, samples.clone());
    recording.info_mut().annotations = vec![
        annotation(1.0, 2.0, "BAD_movement"),
        annotation(3.5, 1.0, "bad_acq_skip"),
        annotation(6.0, 0.0, "EDGE boundary"),
    ];
    run(&mut recording, "bandpass", &json!({ "l_freq": 5.0, "h_freq": 30.0 })).unwrap();
    let found = recording.samples(0).unwrap();
    assert_eq!(found[700..900], samples[700..900], "what was not recorded stays");
    let picked: Vec<f64> = PICKED.iter().map(|(idx, _)| found[*idx]).collect();
    let expected: Vec<f64> = PICKED.iter().map(|(_, value)| *value).collect();
    assert_close(&[picked], &[expected], TOLERANCE, "stretches");
}

const PICKED: [(usize, f64); 12] = [
    (0, 0.0),
    (1, 4.717_752_616_377_26e-5),
    (350, -4.478_407_698_059_119e-5),
    (698, 4.468_975_884_052_510_4e-5),
    (699, 0.0),
    (900, 0.0),
    (901, -1.214_187_081_832_043_7e-5),
    (1050, -4.384_242_425_786_930_6e-5),
    (1199, 0.0),
    (1200, 0.0),
    (1600, 4.331_406_153_856_345_6e-5),
    (1999, 0.0),
];

fn annotation(onset_s: f64, duration_s: f64, description: &str) -> Annotation {
    Annotation { onset_s, duration_s, description: description.to_owned() }
}

#[test]
fn the_kept_noise_is_filtered_as_the_samples_are() {
    let mut recording = eeg(250.0, made_noise(3000));
    let mut data = recording.rows().take(0).unwrap();
    data.noise = Some(data.samples.clone());
    recording.rows().put(0, data).unwrap();
    recording.info_mut().keeps_noise = true;
    run(&mut recording, "lowpass", &json!({ "freq": 30.0 })).unwrap();
    let data = recording.rows().take(0).unwrap();
    assert_ne!(data.samples, made_noise(3000));
    assert_eq!(data.noise.as_ref(), Some(&data.samples));
}

#[test]
fn a_filter_longer_than_the_data_works_and_is_warned_of() {
    let mut recording = eeg(250.0, made_noise(200));
    run(&mut recording, "highpass", &json!({ "freq": 1.0 })).unwrap();
    let warnings = &recording.info().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("highpass on channel"), "{warnings:?}");
    assert!(warnings[0].contains("825 taps") && warnings[0].contains("200 samples"), "{warnings:?}");
    let mut recording = eeg(250.0, made_noise(825));
    run(&mut recording, "highpass", &json!({ "freq": 1.0 })).unwrap();
    assert!(recording.rows().findings(0).unwrap().is_empty(), "one as long as the data is not longer");
}

#[test]
fn settings_that_no_filter_can_have_are_refused_before_samples_change() {
    for (step, settings, part) in [
        ("highpass", json!({ "freq": 0.0 }), "step \"highpass\": freq = 0: it must be a number of Hz above zero"),
        ("lowpass", json!({ "freq": 125.0 }), "step \"lowpass\": freq = 125: it must be below half the rate, 125 Hz"),
        (
            "bandpass",
            json!({ "l_freq": 40.0, "h_freq": 1.0 }),
            "step \"bandpass\": l_freq = 40: it is not below h_freq = 1",
        ),
        ("notch", json!({ "freqs": [150.0] }), "step \"notch\": freqs = 150: it must be below half the rate, 125 Hz"),
        ("notch", json!({ "freqs": [50.0], "width": -1.0 }), "step \"notch\": width = -1"),
    ] {
        let mut recording = eeg(250.0, made_noise(1000));
        let error = run(&mut recording, step, &settings).unwrap_err();
        assert!(error.to_string().starts_with(part), "{error}");
        assert_eq!(recording.samples(0).unwrap(), made_noise(1000));
    }
}

#[test]
fn a_sample_that_is_no_number_is_named() {
    let mut samples = made_noise(1000);
    samples[17] = f64::NAN;
    let error = run(&mut eeg(250.0, samples), "highpass", &json!({ "freq": 1.0 })).unwrap_err();
    assert_eq!(
        error.to_string(),
        "channel \"Cz\": samples: value NaN at sample 17 is not finite; mend or drop the channel"
    );
}

#[test]
fn filters_and_resampling_give_the_same_bytes_in_any_mode() {
    let steps = || {
        let steps = [
            ("highpass", json!({ "freq": 1.0 })),
            ("notch", json!({ "freqs": [50.0] })),
            ("downsample", json!({ "factor": 3 })),
        ];
        Pipeline::new(steps.map(|(name, settings)| Step::from_json(name, &settings).unwrap()))
    };
    let recording = || {
        let channels = (0..5).map(|idx| Channel::new(format!("E{idx}"), ChannelKind::Eeg)).collect();
        Recording::new(250.0, channels, (0..5).map(|idx| made_noise(9000 + idx).split_off(idx)).collect()).unwrap()
    };
    let bits = |recording: &Recording| -> Vec<Vec<u64>> {
        rows_of(recording).iter().map(|row| row.iter().map(|sample| sample.to_bits()).collect()).collect()
    };
    let mut serial = recording();
    steps().run(&mut serial, &SerialExecutor).unwrap();
    for mode in [AnyMode::Threads, AnyMode::Processes(Processes::default())] {
        for workers in [1, 3] {
            let mut found = recording();
            steps().run(&mut found, &JobExecutor::new(mode).workers(Some(workers))).unwrap();
            assert_eq!(bits(&found), bits(&serial), "{mode:?}, {workers} workers");
            assert_eq!(found.info(), serial.info());
        }
    }
}
