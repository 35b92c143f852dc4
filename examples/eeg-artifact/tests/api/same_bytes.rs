//! Pipelines of random steps over random recordings give the same bytes, or the same error, in every mode.

use eeg_artifact::{Channel, ChannelKind, EegResult, JobExecutor, Pipeline, Recording, SerialExecutor, Step, Triggers};
use manyhands::{AnyMode, Processes};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Steps of all kinds, some with settings that cannot work.
fn steps() -> Vec<(&'static str, Value)> {
    vec![
        ("aligner", json!({ "search_window": 3 })),
        ("aas", json!({})),
        ("aas", json!({ "window_size": 4, "subsample": true, "apply_epoch_alpha_scaling": true })),
        ("aas", json!({ "realign_after_averaging": false, "interpolate_volume_gaps": true })),
        ("obs", json!({ "n_components": 2 })),
        ("obs", json!({ "highpass": 10.0 })),
        ("pca", json!({ "n_components": 0.9 })),
        ("anc", json!({ "filter_order": 5, "hp_freq": 20.0 })),
        ("anc", json!({ "filter_order": 5, "hp_freq": 20.0, "variant": "c" })),
        ("highpass", json!({ "freq": 2.0 })),
        ("lowpass", json!({ "freq": 40.0 })),
        ("bandpass", json!({ "l_freq": 3.0, "h_freq": 45.0 })),
        ("notch", json!({ "freqs": [25.0] })),
        ("upsample", json!({ "factor": 2.0 })),
        ("downsample", json!({ "factor": 1.5, "channels": [2, 0, 1] })),
        ("crop", json!({ "tmin": 0.5 })),
        ("cut", json!({ "margin_s": 0.1 })),
    ]
}

#[derive(Debug, Clone)]
struct Made {
    kinds: Vec<(ChannelKind, bool)>,
    triggers: Vec<i64>,
    artifact_length: usize,
    offset_s: f64,
    seed: u32,
}

const N_SAMPLES: usize = 400;

fn made() -> impl Strategy<Value = Made> {
    use ChannelKind::{Ecg, Eeg, Eog, Stim};
    let kinds = prop::collection::vec((select(vec![Eeg, Eeg, Eeg, Eog, Ecg, Stim]), prop::bool::weighted(0.2)), 1..6);
    let triggers = (prop::collection::vec(-2..=2_i64, 0..12), 20..30_i64);
    (kinds, triggers, 18..31_usize, -0.05..0.05, any::<u32>()).prop_map(
        |(kinds, (jitter, distance), artifact_length, offset_s, seed)| Made {
            kinds,
            triggers: jitter.iter().zip(1..).map(|(jitter, number)| number * distance + jitter).collect(),
            artifact_length,
            offset_s,
            seed,
        },
    )
}

impl Made {
    fn recording(&self) -> Recording {
        let channel = |(number, (kind, is_bad)): (usize, &(ChannelKind, bool))| Channel {
            is_bad: *is_bad,
            ..Channel::new(format!("C{number}"), *kind)
        };
        let channels: Vec<Channel> = self.kinds.iter().enumerate().map(channel).collect();
        let rows = (0..channels.len()).map(|channel| self.row(channel)).collect();
        let mut recording = Recording::new(100.0, channels, rows).unwrap();
        let triggers = Triggers::from_samples(self.triggers.clone());
        recording.info_mut().triggers =
            Some(Triggers { artifact_length: Some(self.artifact_length), volume_gaps: false, ..triggers });
        recording.info_mut().artifact_offset_s = self.offset_s;
        recording
    }

    /// Noise, and after each trigger what sounds like a scanner.
    fn row(&self, channel: usize) -> Vec<f64> {
        let mut state = self.seed.wrapping_add(channel as u32);
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        let mut row: Vec<f64> = (0..N_SAMPLES).map(|_| 1e-5 * noise()).collect();
        for trigger in &self.triggers {
            for t in 0..self.artifact_length {
                if let Some(sample) = row.get_mut(*trigger as usize + t) {
                    *sample += 1e-4 * (0.9 * t as f64 + channel as f64).sin();
                }
            }
        }
        row
    }
}

/// Every bit of what a pipeline leaves, or its error.
fn left(recording: &mut Recording, ran: EegResult<()>) -> Result<String, String> {
    ran.map_err(|error| error.to_string())?;
    let bits = |samples: &[f64]| samples.iter().map(|sample| sample.to_bits()).collect::<Vec<u64>>();
    let rows: Vec<String> = (0..recording.info().channels.len())
        .map(|row| {
            let look = |data: &eeg_artifact::ChannelData| {
                format!("{:?} {:?} {:?}", bits(&data.samples), data.noise.as_deref().map(bits), data.findings)
            };
            recording.rows().with(row, look).unwrap()
        })
        .collect();
    Ok(format!("{:?} {rows:?}", recording.info()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn random_steps_give_the_same_bytes_or_the_same_error_in_every_mode(
        made in made(),
        chosen in prop::collection::vec(any::<Index>(), 1..6),
        workers in 1..5_usize,
        chunk_size in prop::option::of(1..4_usize),
    ) {
        let all = steps();
        let step = |index: &Index| { let (name, settings) = index.get(&all); Step::from_json(name, settings).unwrap() };
        let pipeline = Pipeline::new(chosen.iter().map(step));
        let mut recording = made.recording();
        let ran = pipeline.run(&mut recording, &SerialExecutor);
        let expected = left(&mut recording, ran);
        for mode in [AnyMode::Serial, AnyMode::Threads, AnyMode::IoThreads, AnyMode::Processes(Processes::new())] {
            let mut recording = made.recording();
            let executor = JobExecutor::new(mode).workers(Some(workers)).chunk_size(chunk_size);
            let ran = pipeline.run(&mut recording, &executor);
            prop_assert_eq!(&left(&mut recording, ran), &expected, "{}", mode);
        }
    }
}
