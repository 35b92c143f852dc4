//! Resampling: numbers and triggers as the reference computes them, which channels are kept, and what is refused.

use eeg_artifact::dsp::resample;
use eeg_artifact::{Channel, ChannelKind, EegError, Recording, Step};
use serde_json::json;

use crate::filters::{made_noise, run};
use crate::golden::{CASES, Case, assert_close, integers, rows_of};

const TOLERANCE: f64 = 1e-11;

#[test]
fn resampled_recordings_and_their_triggers_are_those_of_the_reference() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        for step in ["upsample", "downsample"] {
            let output = case.output(&format!("{step}_ch0"));
            let mut recording = case.recording();
            let factor = output["params"]["factor"].as_f64().unwrap();
            run(&mut recording, step, &json!({ "factor": factor, "channels": [0] })).unwrap();
            let found = rows_of(&recording);
            assert_close(&found, &case.rows(&format!("{step}_ch0")), TOLERANCE, &format!("{name}, {step}"));
            let info = recording.info();
            assert_eq!((info.n_samples, info.channels.len()), (found[0].len(), 1), "{name}, {step}");
            let triggers = info.triggers.as_ref().unwrap();
            assert_eq!(triggers.samples, integers(&output["triggers_after"]), "{name}, {step}");
            let length = output["artifact_length_after"].as_u64().unwrap();
            assert_eq!(triggers.artifact_length, usize::try_from(length).ok(), "{name}, {step}");
        }
    }
}

/// Expected with MNE 1.10.2: `mne.filter.resample(x, up, down, npad="auto")` of the first 1003 values of `made_noise`.
#[test]
fn ratios_that_are_no_powers_of_two_are_those_of_the_reference() {
    for (ratio, len, picked) in PICKED {
        let found = resample(&made_noise(1003), ratio);
        assert_eq!(found.len(), len, "ratio {ratio}");
        let (at, expected): (Vec<usize>, Vec<f64>) = picked.into_iter().unzip();
        let found = at.into_iter().map(|idx| found[idx]).collect();
        assert_close(&[found], &[expected], TOLERANCE, &format!("ratio {ratio}"));
    }
}

type Picked = (f64, usize, [(usize, f64); 5]);

const PICKED: [Picked; 4] = [
    (
        3.0,
        3009,
        [
            (0, -9.591_946_285_218_002e-5),
            (1, -0.000_130_259_450_106_919_02),
            (1504, 1.384_639_378_334_912e-6),
            (1505, -5.329_292_940_856_298e-5),
            (3008, -4.778_756_307_102_912e-6),
        ],
    ),
    (
        1.0 / 3.0,
        334,
        [
            (0, -0.000_109_325_210_831_451_51),
            (1, 1.330_208_764_831_937_9e-5),
            (167, 5.242_758_764_899_047_5e-5),
            (168, -9.832_006_179_211_155e-6),
            (333, -4.628_200_299_402_549e-6),
        ],
    ),
    (
        0.7,
        702,
        [
            (0, -7.601_933_102_187_29e-5),
            (1, -0.000_115_920_382_409_371_27),
            (351, 5.969_989_016_877_308_3e-5),
            (352, 1.492_820_283_452_266_1e-5),
            (701, 1.156_029_553_232_758_6e-5),
        ],
    ),
    (
        1.6,
        1605,
        [
            (0, -7.748_951_364_804_663e-5),
            (1, -0.000_136_293_021_129_622_55),
            (802, 7.788_624_711_614_412e-5),
            (803, -5.431_572_074_352_195e-5),
            (1604, 4.363_292_566_121_354e-6),
        ],
    ),
];

#[test]
fn stimulus_channels_keep_their_codes_and_all_channels_their_length() {
    let channels = vec![
        Channel::new("Cz", ChannelKind::Eeg),
        Channel { is_bad: true, ..Channel::new("Oz", ChannelKind::Eeg) },
        Channel::new("STI", ChannelKind::Stim),
    ];
    let codes: Vec<f64> = (0..1000).map(|n| if n % 101 == 50 { 7.0 } else { 0.0 }).collect();
    let mut recording = Recording::new(500.0, channels, vec![made_noise(1000), made_noise(1000), codes]).unwrap();
    run(&mut recording, "downsample", &json!({ "factor": 5 })).unwrap();
    let rows = rows_of(&recording);
    assert!(rows.iter().all(|row| row.len() == 200));
    assert_eq!(rows[0], rows[1]);
    let found: Vec<usize> = (0..200).filter(|idx| rows[2][*idx] != 0.0).collect();
    assert_eq!(found, [10, 30, 50, 70, 90, 111, 131, 151, 171, 191]);
    assert!(found.iter().all(|idx| rows[2][*idx] == 7.0));
    assert_eq!(recording.info().sfreq_hz, 100.0);
    assert_eq!(recording.info().recorded_sfreq_hz, 500.0);
}

#[test]
fn chosen_channels_are_kept_in_the_order_in_which_they_are_named() {
    let channels = ["A", "B", "C", "D"].map(|name| Channel::new(name, ChannelKind::Eeg)).to_vec();
    let rows = (0..4).map(|row| vec![f64::from(row); 64]).collect();
    let mut recording = Recording::new(100.0, channels, rows).unwrap();
    run(&mut recording, "upsample", &json!({ "factor": 2, "channels": [3, "B"] })).unwrap();
    let names: Vec<&str> = recording.info().channels.iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["D", "B"]);
    for (row, value) in rows_of(&recording).iter().zip([3.0, 1.0]) {
        assert!(row.len() == 128 && row.iter().all(|sample| (sample - value).abs() < 1e-12));
    }
}

#[test]
fn the_kept_noise_is_resampled_as_the_samples_are() {
    let mut recording =
        Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![made_noise(900)]).unwrap();
    let mut data = recording.rows().take(0).unwrap();
    data.noise = Some(data.samples.clone());
    recording.rows().put(0, data).unwrap();
    run(&mut recording, "upsample", &json!({ "factor": 3 })).unwrap();
    let data = recording.rows().take(0).unwrap();
    assert_eq!(data.samples.len(), 2700);
    assert_eq!(data.noise.as_ref(), Some(&data.samples));
}

#[test]
fn a_factor_of_one_changes_nothing() {
    let mut recording =
        Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![made_noise(900)]).unwrap();
    run(&mut recording, "downsample", &json!({ "factor": 1 })).unwrap();
    assert_eq!(recording.samples(0).unwrap(), made_noise(900));
}

#[test]
fn factors_and_channels_that_cannot_be_are_refused_by_name() {
    for (step, settings, part) in [
        (
            "upsample",
            json!({ "factor": 0.5 }),
            "factor = 0.5: it must be a number of 1 or more; the other direction is the step \"downsample\"",
        ),
        (
            "downsample",
            json!({ "factor": 0 }),
            "factor = 0: it must be a number of 1 or more; the other direction is the step \"upsample\"",
        ),
        (
            "upsample",
            json!({ "factor": 1e9 }),
            "factor = 1000000000: a channel would have 900000000000 samples, and at most",
        ),
        ("upsample", json!({ "factor": 1e308 }), "a channel would have inf samples"),
        ("downsample", json!({ "factor": 2000 }), "factor = 2000: nothing would be left of 900 samples"),
        ("upsample", json!({ "factor": 2, "channels": [1] }), "channels = 1: there is no such channel"),
        ("upsample", json!({ "factor": 2, "channels": ["Pz"] }), "channels = \"Pz\": there is no such channel"),
        ("upsample", json!({ "factor": 2, "channels": [0, "Cz"] }), "channels = \"Cz\": it is named twice"),
        ("upsample", json!({ "factor": 2, "channels": [] }), "channels = []: no channel would be left"),
    ] {
        let mut recording =
            Recording::new(250.0, vec![Channel::new("Cz", ChannelKind::Eeg)], vec![made_noise(900)]).unwrap();
        let error = run(&mut recording, step, &settings).unwrap_err();
        assert!(matches!(error, EegError::Parameter { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = Step::from_json("upsample", &json!({ "factor": 2, "channels": [-1] })).unwrap_err();
    assert!(error.to_string().contains("channels = [-1]"), "{error}");
}
