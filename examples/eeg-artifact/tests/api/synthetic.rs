//! The made recording is the same each time, and its parts are what the settings say.

use eeg_artifact::synthetic::{Scene, SceneSettings, made_recording};
use eeg_artifact::{ChannelKind, EegError, Triggers};

/// A small one: two EEG channels of 20 s.
fn small() -> SceneSettings {
    SceneSettings {
        n_eeg: 2,
        duration_s: 20.0,
        sfreq_hz: 500.0,
        repetition_time_s: 1.0,
        slices_per_volume: 12,
        ..SceneSettings::default()
    }
}

fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let squares: Vec<f64> = values.map(|value| value * value).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[test]
fn a_channel_is_the_same_bytes_alone_and_among_others() {
    let made = made_recording(small()).unwrap();
    let scene = Scene::new(small()).unwrap();
    for channel in (0..scene.channels().len()).rev() {
        let alone = scene.channel(channel);
        assert_eq!(alone.samples, made.recording.samples(channel).unwrap(), "channel {channel}");
        assert_eq!((&alone.truth, &alone.clean), (&made.truth[channel], &made.clean[channel]), "channel {channel}");
    }
}

#[test]
fn another_seed_gives_another_recording_and_another_count_of_channels_the_same_ecg() {
    let base = Scene::new(small()).unwrap();
    let other = Scene::new(SceneSettings { seed: 2, ..small() }).unwrap();
    assert!((0..4).all(|channel| base.channel(channel) != other.channel(channel)));
    let more = Scene::new(SceneSettings { n_eeg: 5, ..small() }).unwrap();
    assert_eq!(base.channel(2).clean, more.channel(5).clean);
}

#[test]
fn channels_are_named_after_a_cap_and_end_with_ecg_eog_and_stimuli() {
    let scene = Scene::new(SceneSettings { n_eeg: 31, ..small() }).unwrap();
    let names: Vec<&str> = scene.channels().iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!((names[0], names[29], names[30]), ("Fp1", "TP10", "E31"));
    assert_eq!(names[31..], ["ECG", "EOG", "STI"]);
    assert_eq!(scene.channels()[33].kind, ChannelKind::Stim);
}

#[test]
fn stimulus_channel_and_annotations_mark_the_same_samples_with_the_same_codes() {
    let made = made_recording(small()).unwrap();
    let codes = made.recording.samples(4).unwrap();
    let rises = (1..codes.len()).filter(|at| codes[*at] > codes[at - 1]).map(|at| (at as i64, codes[at].to_string()));
    let annotations = made.recording.info().annotations.iter();
    let noted: Vec<(i64, String)> =
        annotations.map(|remark| ((remark.onset_s * 500.0).round() as i64, remark.description.clone())).collect();
    assert_eq!(rises.collect::<Vec<_>>(), noted);
    assert_eq!(noted.len(), 14 * 12);
    assert_eq!(noted.iter().filter(|(_, code)| code == "1").count(), 14);
    assert_eq!(made.scene.volume_triggers().len(), 14);
    assert_eq!(made.scene.slice_triggers(), noted.iter().map(|(sample, _)| *sample).collect::<Vec<_>>());
}

#[test]
fn marks_are_the_nearest_samples_and_the_clock_jitters_by_less_than_one() {
    let scene = Scene::new(SceneSettings { duration_s: 60.0, ..small() }).unwrap();
    let onsets = scene.slice_onsets();
    let fractions: Vec<f64> =
        scene.slice_triggers().iter().zip(&onsets).map(|(mark, onset)| onset - *mark as f64).collect();
    assert!(fractions.iter().all(|fraction| fraction.abs() <= 0.5));
    assert!(fractions.iter().any(|fraction| *fraction > 0.3) && fractions.iter().any(|fraction| *fraction < -0.3));
    let volumes: Vec<f64> = onsets.iter().copied().step_by(12).collect();
    let distances: Vec<f64> = volumes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(distances.iter().all(|distance| (distance - 500.0).abs() <= 0.61), "{distances:?}");
    assert!(distances.iter().any(|distance| (distance - 500.0).abs() > 0.2), "{distances:?}");
    assert!(!Triggers::from_samples(scene.volume_triggers()).volume_gaps);
}

#[test]
fn the_artifact_is_as_strong_as_asked_and_only_where_the_scanner_runs() {
    let scene = Scene::new(SceneSettings { n_eeg: 6, ..small() }).unwrap();
    let start = (5.0 * 500.0) as usize;
    let mut strongest = Vec::new();
    for channel in 0..6 {
        let made = scene.channel(channel);
        let artifact = difference(&made.samples, &made.truth);
        assert!(artifact[..start - 1].iter().all(|value| *value == 0.0));
        strongest.push(artifact.iter().fold(0.0_f64, |largest, value| largest.max(value.abs())));
        let eeg = rms(made.clean.iter().copied());
        assert!((3e-6..60e-6).contains(&eeg), "EEG of {eeg} V");
    }
    assert!(strongest.iter().all(|peak| (200e-6..3000e-6).contains(peak)), "{strongest:?}");
    let silent = Scene::new(SceneSettings { artifact_uv: 0.0, ..small() }).unwrap().channel(0);
    assert_eq!(silent.samples, silent.truth);
}

#[test]
fn gaps_are_silent_and_triggers_show_them() {
    let settings = SceneSettings { volume_gap_s: 0.4, ..small() };
    let scene = Scene::new(settings).unwrap();
    let made = scene.channel(0);
    let artifact = difference(&made.samples, &made.truth);
    let volume = usize::try_from(scene.volume_triggers()[3]).unwrap();
    assert!(artifact[volume + 302..volume + 498].iter().all(|value| *value == 0.0));
    assert!(artifact[volume..volume + 300].iter().any(|value| value.abs() > 1e-4));
    let triggers = Triggers::from_samples(scene.slice_triggers());
    assert_eq!(
        (triggers.volume_gaps, triggers.slices_per_volume, triggers.artifact_length),
        (true, Some(12), Some(25))
    );
}

#[test]
fn without_jitter_drift_and_movement_all_volumes_are_alike_and_each_of_them_makes_a_difference() {
    // Slices of 50 samples, so that none is rounded.
    let still = SceneSettings {
        slices_per_volume: 10,
        clock_jitter_samples: 0.0,
        clock_drift_ppm: 0.0,
        amplitude_drift: 0.0,
        n_movements: 0,
        ..small()
    };
    let differs = |settings: SceneSettings| {
        let made = Scene::new(settings).unwrap().channel(0);
        let artifact = difference(&made.samples, &made.truth);
        let volumes: Vec<&[f64]> = artifact[2500..9500].chunks_exact(500).collect();
        let worst = volumes.iter().map(|volume| rms(difference(volume, volumes[0]).into_iter()));
        worst.fold(0.0, f64::max) / rms(volumes[0].iter().copied())
    };
    // A pulse is cut off five widths from its middle, where it has 4e-6 of its height.
    assert!(differs(still.clone()) < 1e-6);
    assert!(differs(SceneSettings { clock_jitter_samples: 0.3, ..still.clone() }) > 0.05);
    assert!(differs(SceneSettings { amplitude_drift: 0.1, ..still.clone() }) > 0.03);
    assert!(differs(SceneSettings { n_movements: 1, ..still.clone() }) > 0.05);
    assert!(differs(SceneSettings { clock_drift_ppm: 100.0, ..still }) > 0.05);
}

#[test]
fn slices_of_a_volume_are_nearly_alike() {
    let still = SceneSettings { slices_per_volume: 10, clock_jitter_samples: 0.0, clock_drift_ppm: 0.0, ..small() };
    let made = Scene::new(still).unwrap().channel(0);
    let artifact = difference(&made.samples, &made.truth);
    let slices: Vec<&[f64]> = artifact[2500..3000].chunks_exact(50).collect();
    for slice in &slices[1..] {
        let change = rms(difference(slice, slices[0]).into_iter()) / rms(slices[0].iter().copied());
        assert!((0.001..0.15).contains(&change), "{change}");
    }
}

#[test]
fn two_volumes_have_the_artifact_of_a_movement_and_a_part_of_it_stays() {
    let settings = SceneSettings {
        duration_s: 40.0,
        slices_per_volume: 10,
        clock_jitter_samples: 0.0,
        clock_drift_ppm: 0.0,
        amplitude_drift: 0.0,
        n_movements: 1,
        ..small()
    };
    let scene = Scene::new(settings).unwrap();
    let made = scene.channel(0);
    let artifact = difference(&made.samples, &made.truth);
    let volumes: Vec<&[f64]> = artifact[2500..].chunks_exact(500).take(34).collect();
    let changes: Vec<f64> = volumes.iter().map(|volume| rms(difference(volume, volumes[0]).into_iter())).collect();
    let begin = scene.movement_volumes()[0];
    assert!(begin > 0 && begin + 3 < 34);
    assert!(changes[..begin].iter().all(|change| *change < 1e-9));
    assert!(changes[begin] > 1e-5 && (changes[begin] / changes[begin + 1] - 1.0).abs() < 1e-6);
    assert!(changes[begin + 2..].iter().all(|change| (0.05..0.15).contains(&(change / changes[begin]))), "{changes:?}");
}

#[test]
fn heart_beats_and_line_noise_are_in_the_truth_and_not_in_the_clean_signal() {
    let quiet = SceneSettings { heart_uv: 0.0, ..small() };
    let made = Scene::new(quiet.clone()).unwrap().channel(1);
    assert_eq!(made.truth, made.clean);
    let line = Scene::new(SceneSettings { line_uv: 10.0, ..quiet }).unwrap().channel(1);
    let noise = rms(difference(&line.truth, &line.clean).into_iter());
    assert!((5e-6 / 2_f64.sqrt()..15e-6 / 2_f64.sqrt()).contains(&noise), "{noise}");
    let beating = Scene::new(SceneSettings { n_eeg: 8, ..small() }).unwrap();
    // How strong the pulse is in all channels, so many seconds after the R waves.
    let at = |seconds: f64| {
        let channels = (0..8).map(|channel| {
            let made = beating.channel(channel);
            let pulse = difference(&made.truth, &made.clean);
            let beats = beating.heart_beats().iter().filter(|beat| **beat < 9000.0);
            rms(beats.map(|beat| pulse[(beat + seconds * 500.0) as usize]))
        });
        rms(channels)
    };
    // The strongest wave comes 0.25 s after the R wave.
    assert!((5e-6..30e-6).contains(&at(0.25)) && at(0.25) > 3.0 * at(0.65), "{} {}", at(0.25), at(0.65));
}

#[test]
fn settings_that_no_recording_can_have_are_refused_by_name() {
    let cases = [
        ("n_eeg", SceneSettings { n_eeg: 0, ..small() }),
        ("duration_s", SceneSettings { duration_s: f64::NAN, ..small() }),
        ("duration_s", SceneSettings { duration_s: 6.0, ..small() }),
        ("duration_s", SceneSettings { duration_s: 7.0, ..small() }),
        ("duration_s", SceneSettings { duration_s: 1e300, ..small() }),
        ("sfreq_hz", SceneSettings { sfreq_hz: 0.0, ..small() }),
        ("slices_per_volume", SceneSettings { slices_per_volume: 0, ..small() }),
        ("slices_per_volume", SceneSettings { slices_per_volume: 100, ..small() }),
        ("volume_gap_s", SceneSettings { volume_gap_s: 1.0, ..small() }),
        ("artifact_uv", SceneSettings { artifact_uv: -1.0, ..small() }),
        ("clock_jitter_samples", SceneSettings { clock_jitter_samples: 3.0, ..small() }),
        ("clock_drift_ppm", SceneSettings { clock_drift_ppm: f64::NAN, ..small() }),
        ("n_movements", SceneSettings { n_movements: 1_000_000, ..small() }),
    ];
    for (name, settings) in cases {
        let error = Scene::new(settings).unwrap_err();
        assert!(matches!(&error, EegError::Recording(reason) if reason.starts_with(name)), "{name}: {error}");
    }
}
