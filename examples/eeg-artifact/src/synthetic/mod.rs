//! A made recording whose truth is known: EEG in a scanner, and the same EEG without the scanner.
//!
//! Promise: a channel is a function of the settings and its index alone, so channels can be made in any order and by any worker, and
//! have the same bytes on one machine. It leaves to others how a correction is judged; see [`quality`](crate::quality).

mod brain;
mod gradient;
mod heart;
mod rng;
mod settings;
mod timeline;

pub use settings::SceneSettings;

use std::f64::consts::TAU;

use crate::{Annotation, Channel, ChannelKind, EegResult, Info, Recording};
use gradient::Gradient;
use heart::Heart;
use rng::{Rng, Stream};
use timeline::Timeline;

/// The code of a volume's first slice, in the stimulus channel and in annotations.
pub const VOLUME_CODE: u8 = 1;
/// The code of all other slices.
pub const SLICE_CODE: u8 = 2;

/// The names of the first thirty EEG channels, as caps for scanners have them; later ones are called E31, E32, ...
const NAMES: [&str; 30] = [
    "Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7", "F8", "T7", "T8", "P7", "P8", "Fz", "Cz", "Pz",
    "Oz", "FC1", "FC2", "CP1", "CP2", "FC5", "FC6", "CP5", "CP6", "TP9", "TP10",
];

const VOLTS_PER_MICROVOLT: f64 = 1e-6;

/// What happens in a made recording, and when: all that its channels share.
///
/// ```
/// use eeg_artifact::synthetic::{Scene, SceneSettings};
///
/// let scene = Scene::new(SceneSettings { n_eeg: 2, duration_s: 20.0, ..SceneSettings::default() })?;
/// let made = scene.channel(0);
/// assert_eq!(made.samples.len(), 20_000);
/// assert_eq!(scene.channel(0).samples, made.samples);
/// // Before the scan there is no artifact.
/// assert_eq!(made.samples[..4000], made.truth[..4000]);
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    settings: SceneSettings,
    n_samples: usize,
    channels: Vec<Channel>,
    timeline: Timeline,
    gradient: Gradient,
    heart: Heart,
}

/// A channel of a made recording. All rows have the same length, and are in volts; of the stimulus channel, they are plain codes
/// and equal.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeChannel {
    /// As it is recorded.
    pub samples: Vec<f64>,
    /// The same without the scanner: what a perfect correction of its artifact leaves.
    pub truth: Vec<f64>,
    /// The truth without heart beats and line noise: what the brain and the sensor gave.
    pub clean: Vec<f64>,
}

/// A made recording in memory, with its truth.
#[derive(Debug)]
pub struct Made {
    /// As it is recorded, with annotations and no triggers: a step finds these.
    pub recording: Recording,
    /// [`MadeChannel::truth`] of each channel.
    pub truth: Vec<Vec<f64>>,
    /// [`MadeChannel::clean`] of each channel.
    pub clean: Vec<Vec<f64>>,
    /// What happened when.
    pub scene: Scene,
}

/// Makes all channels, one after the other. To make them in parallel, call [`Scene::channel`] from wherever you like.
///
/// Cost: about 15 ms for each channel and minute at 1 kHz; three rows of memory for each channel.
///
/// # Errors
/// As for [`Scene::new`].
pub fn made_recording(settings: SceneSettings) -> EegResult<Made> {
    let scene = Scene::new(settings)?;
    let (mut rows, mut truth, mut clean) = (Vec::new(), Vec::new(), Vec::new());
    for channel in 0..scene.channels.len() {
        let made = scene.channel(channel);
        rows.push(made.samples);
        truth.push(made.truth);
        clean.push(made.clean);
    }
    let mut recording = Recording::new(scene.settings.sfreq_hz, scene.channels.clone(), rows)?;
    recording.info_mut().annotations = scene.annotations();
    Ok(Made { recording, truth, clean, scene })
}

impl Scene {
    /// Lays out what happens.
    ///
    /// # Errors
    /// [`EegError::Recording`](crate::EegError::Recording) for settings that no recording can have; it names the setting.
    pub fn new(settings: SceneSettings) -> EegResult<Self> {
        settings.check()?;
        let timeline = Timeline::new(&settings);
        let gradient = Gradient::new(&settings, &timeline);
        let heart = Heart::new(&settings);
        let n_samples = settings.n_samples();
        let channels = channels(settings.n_eeg);
        Ok(Self { settings, n_samples, channels, timeline, gradient, heart })
    }

    /// What it was made from.
    #[must_use]
    pub fn settings(&self) -> &SceneSettings {
        &self.settings
    }

    /// The channels: EEG, then ECG, EOG and STI.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// What a reader would know of the recording: rate, length, channels, annotations.
    ///
    /// # Errors
    /// None that [`Scene::new`] did not find.
    pub fn info(&self) -> EegResult<Info> {
        let mut info = Info::new(self.settings.sfreq_hz, self.n_samples, self.channels.clone())?;
        info.annotations = self.annotations();
        Ok(info)
    }

    /// Makes a channel. Cost: about 15 ms for a minute at 1 kHz.
    ///
    /// # Panics
    /// When `channel` is not below the number of [`Scene::channels`].
    #[must_use]
    pub fn channel(&self, channel: usize) -> MadeChannel {
        let kind = self.channels[channel].kind;
        if kind == ChannelKind::Stim {
            let codes = self.codes();
            return MadeChannel { samples: codes.clone(), truth: codes.clone(), clean: codes };
        }
        let mut clean = vec![0.0; self.n_samples];
        match kind {
            ChannelKind::Eeg => brain::add(&self.settings, channel, &mut clean),
            ChannelKind::Ecg => self.heart.add_electrocardiogram(&self.settings, &mut clean),
            _ => brain::add_blinks(&self.settings, channel, &mut clean),
        }
        let mut truth = clean.clone();
        if kind == ChannelKind::Eeg {
            self.heart.add_ballistocardiogram(&self.settings, channel, &mut truth);
        }
        self.add_line(channel, &mut truth);
        let mut samples = truth.clone();
        self.gradient.add(&self.settings, &self.timeline, channel, &mut samples);
        MadeChannel { samples, truth, clean }
    }

    /// The samples at which volumes begin, as the recorder marks them.
    #[must_use]
    pub fn volume_triggers(&self) -> Vec<i64> {
        self.timeline.marks().filter(|mark| mark.code == VOLUME_CODE).map(|mark| mark.sample).collect()
    }

    /// The samples at which slices begin, those of volumes among them.
    #[must_use]
    pub fn slice_triggers(&self) -> Vec<i64> {
        self.timeline.marks().map(|mark| mark.sample).collect()
    }

    /// When slices truly begin, in samples: the marks are rounded.
    #[must_use]
    pub fn slice_onsets(&self) -> Vec<f64> {
        self.timeline.slices.iter().map(|slice| slice.onset).collect()
    }

    /// The samples of the heart's beats (R waves), in samples.
    #[must_use]
    pub fn heart_beats(&self) -> &[f64] {
        &self.heart.beats
    }

    /// The volumes in which the head moves.
    #[must_use]
    pub fn movement_volumes(&self) -> &[usize] {
        self.gradient.movements()
    }

    fn annotations(&self) -> Vec<Annotation> {
        let annotation = |mark: timeline::Mark| Annotation {
            onset_s: mark.sample as f64 / self.settings.sfreq_hz,
            duration_s: 0.0,
            description: mark.code.to_string(),
        };
        self.timeline.marks().map(annotation).collect()
    }

    /// The stimulus channel: each code for a few samples, and zero between.
    fn codes(&self) -> Vec<f64> {
        const LONGEST: usize = 5;
        let length = LONGEST.min((self.settings.slice_samples() / 4.0) as usize).max(1);
        let mut codes = vec![0.0; self.n_samples];
        for mark in self.timeline.marks() {
            let start = usize::try_from(mark.sample).unwrap_or(0).min(self.n_samples);
            let end = self.n_samples.min(start + length);
            codes[start..end].fill(f64::from(mark.code));
        }
        codes
    }

    fn add_line(&self, channel: usize, to: &mut [f64]) {
        if self.settings.line_uv == 0.0 {
            return;
        }
        let mut rng = Rng::new(self.settings.seed, Stream::Line, channel);
        let (amplitude, phase) = (self.settings.line_uv * rng.within(0.5, 1.5), rng.within(0.0, TAU));
        let step = TAU * self.settings.line_hz / self.settings.sfreq_hz;
        for (at, value) in to.iter_mut().enumerate() {
            *value += VOLTS_PER_MICROVOLT * amplitude * (phase + step * at as f64).sin();
        }
    }
}

fn channels(n_eeg: usize) -> Vec<Channel> {
    let name = |idx: usize| NAMES.get(idx).map_or_else(|| format!("E{}", idx + 1), ToString::to_string);
    let eeg = (0..n_eeg).map(|idx| Channel::new(name(idx), ChannelKind::Eeg));
    let others = [("ECG", ChannelKind::Ecg), ("EOG", ChannelKind::Eog), ("STI", ChannelKind::Stim)];
    eeg.chain(others.map(|(name, kind)| Channel::new(name, kind))).collect()
}
