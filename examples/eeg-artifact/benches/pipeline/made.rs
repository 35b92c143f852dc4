//! The recordings of the bench: made ones, kept as raw numbers between runs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use eeg_artifact::Triggers;
use eeg_artifact::synthetic::{Scene, SceneSettings};

use crate::options::{Options, work_folder};
use crate::spec::{Spec, Workers};

/// The recording that is timed: volumes of 2 s at 5 kHz.
pub(crate) fn timed(options: &Options) -> Spec {
    let settings = SceneSettings {
        n_eeg: options.channels,
        duration_s: options.minutes as f64 * 60.0,
        sfreq_hz: 5000.0,
        repetition_time_s: 2.0,
        ..SceneSettings::default()
    };
    let scene = Scene::new(settings).expect("the settings are those of a recording");
    let path = work_folder().join(format!("{}ch-{}min.f32", options.channels, options.minutes));
    if !path.exists() {
        println!("Makes {} channels of {} min. It is kept for the next time.", options.channels, options.minutes);
        write(&scene, &path);
    }
    spec(&scene, path)
}

/// Writes the EEG channels; half of a file never has the name of a whole one.
pub(crate) fn write(scene: &Scene, path: &Path) {
    let part: PathBuf = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part).expect("target can be written to"));
    for channel in 0..scene.settings().n_eeg {
        for sample in scene.channel(channel).samples {
            file.write_all(&(sample as f32).to_le_bytes()).expect("the disk has room");
        }
    }
    file.into_inner().expect("the disk has room");
    fs::rename(part, path).expect("it stays in its folder");
}

/// High-pass at 1 Hz, averaged artifact subtraction with windows of 30 volumes, and low-pass at 70 Hz, in one thread.
pub(crate) fn spec(scene: &Scene, input: PathBuf) -> Spec {
    let settings = scene.settings();
    let triggers = Triggers::from_samples(scene.volume_triggers());
    Spec {
        input,
        sfreq: settings.sfreq_hz,
        names: scene.channels()[..settings.n_eeg].iter().map(|channel| channel.name.clone()).collect(),
        n_times: settings.n_samples(),
        artifact_length: triggers.artifact_length.expect("volumes come at even distances"),
        triggers: triggers.samples,
        highpass: Some(1.0),
        lowpass: Some(70.0),
        aas: true,
        window: 30,
        realign: false,
        mne_window: (4, 4),
        output: None,
        workers: Workers::Serial,
        folder: None,
    }
}
