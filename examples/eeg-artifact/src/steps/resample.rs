//! More or fewer samples per second, by a factor.
//!
//! Samples and kept noise go through the spectrum; of stimulus channels each new sample has the first code of its time. Triggers,
//! the artifact's length, the rate and the recording's length follow. Annotations and the artifact's offset are in seconds, and stay.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::finite::require_finite;
use crate::dsp::{resample, resample_codes, resampled_len};
use crate::{
    Channel, ChannelContext, ChannelData, ChannelKind, EegError, EegResult, Info, Phase, Processor, Recording, Triggers,
};

/// The most samples that a channel may get: 2 GiB, and about three times that while it is transformed.
const MOST_SAMPLES: f64 = (1_u64 << 28) as f64;

/// A channel, by its index or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChannelChoice {
    /// Its index, from 0.
    Index(usize),
    /// Its name.
    Name(String),
}

/// More samples per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample {
    /// How many times as many; 1 or more.
    pub factor: f64,
    /// The channels that the recording has afterwards; all where none are given.
    #[serde(default)]
    pub channels: Option<Vec<ChannelChoice>>,
}

/// Fewer samples per second.
///
/// ```
/// use eeg_artifact::steps::{ChannelChoice, Downsample};
/// use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step};
///
/// let channels = vec![Channel::new("Fz", ChannelKind::Eeg), Channel::new("Cz", ChannelKind::Eeg)];
/// let mut recording = Recording::new(1000.0, channels, vec![vec![0.0; 3000], vec![1.0; 3000]])?;
/// let step = Downsample { factor: 4.0, channels: Some(vec![ChannelChoice::Name("Cz".to_owned())]) };
/// Pipeline::new([Step::Downsample(step)]).run(&mut recording, &SerialExecutor)?;
/// assert_eq!((recording.info().sfreq_hz, recording.info().n_samples), (250.0, 750));
/// assert_eq!(recording.info().channels[0].name, "Cz");
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downsample {
    /// How many times fewer; 1 or more.
    pub factor: f64,
    /// The channels that the recording has afterwards; all where none are given.
    #[serde(default)]
    pub channels: Option<Vec<ChannelChoice>>,
}

/// A step that changes the rate.
trait Resampling: Described {
    fn channels(&self) -> Option<&[ChannelChoice]>;
    fn factor(&self) -> f64;
    fn new_sfreq_hz(&self, sfreq_hz: f64) -> f64;

    /// New rate over old. In this order, as the reference has it: it decides about the last bit, and that about single triggers.
    fn ratio(&self, info: &Info) -> f64 {
        self.new_sfreq_hz(info.sfreq_hz) / info.sfreq_hz
    }
}

impl Resampling for Upsample {
    fn channels(&self) -> Option<&[ChannelChoice]> {
        self.channels.as_deref()
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn new_sfreq_hz(&self, sfreq_hz: f64) -> f64 {
        sfreq_hz * self.factor
    }
}

impl Resampling for Downsample {
    fn channels(&self) -> Option<&[ChannelChoice]> {
        self.channels.as_deref()
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn new_sfreq_hz(&self, sfreq_hz: f64) -> f64 {
        sfreq_hz / self.factor
    }
}

const CHANNELS_ABOUT: ParameterAbout = ParameterAbout::optional(
    "channels",
    "all",
    "The channels that the recording has afterwards, by index from 0 or by name; all others are dropped.",
);

impl Described for Upsample {
    const ABOUT: StepAbout = StepAbout {
        name: "upsample",
        about: "More samples per second, through the spectrum.",
        parallel_safe: true,
        parameters: &[ParameterAbout::required("factor", "How many times as many; 1 or more."), CHANNELS_ABOUT],
    };
}

impl Described for Downsample {
    const ABOUT: StepAbout = StepAbout {
        name: "downsample",
        about: "Fewer samples per second, through the spectrum, so that nothing faster than the new rate is folded back.",
        parallel_safe: true,
        parameters: &[ParameterAbout::required("factor", "How many times fewer; 1 or more."), CHANNELS_ABOUT],
    };
}

/// Both are processors in the same way.
macro_rules! resamplings {
    ($($step:ty),*) => {
        $(impl Processor for $step {
            fn name(&self) -> &str {
                Self::ABOUT.name
            }

            fn phases(&self) -> Vec<Phase> {
                if self.channels.is_some() { vec![Phase::Whole, Phase::Channels] } else { vec![Phase::Channels] }
            }

            fn applies_to(&self, _: &Channel) -> bool {
                true
            }

            fn check(&self, info: &Info) -> EegResult<()> {
                check(self, info)
            }

            fn process_whole(&self, _: usize, recording: &mut Recording) -> EegResult<()> {
                match self.channels() {
                    Some(chosen) => recording.keep_channels(&chosen_channels(self, chosen, recording.info())?),
                    None => Ok(()),
                }
            }

            fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
                resample_channel(self.ratio(at.info), at, data)
            }

            fn update_info(&self, _: usize, info: &mut Info) -> EegResult<()> {
                update_info(self, info);
                Ok(())
            }
        })*
    };
}

resamplings!(Upsample, Downsample);

fn check<R: Resampling>(step: &R, info: &Info) -> EegResult<()> {
    let (name, factor) = (R::ABOUT.name, step.factor());
    let refused = |reason: String| Err(EegError::parameter(name, "factor", factor, reason));
    if !(factor.is_finite() && factor >= 1.0) {
        let other = if name == Upsample::ABOUT.name { Downsample::ABOUT.name } else { Upsample::ABOUT.name };
        return refused(format!("it must be a number of 1 or more; the other direction is the step {other:?}"));
    }
    let n_wanted = step.ratio(info) * info.n_samples as f64;
    if n_wanted > MOST_SAMPLES {
        return refused(format!(
            "a channel would have {n_wanted:.0} samples, and at most {MOST_SAMPLES} fit; use a smaller factor, or the step \"crop\" first"
        ));
    }
    if n_wanted < 1.0 {
        return refused(format!("nothing would be left of {} samples; use a smaller factor", info.n_samples));
    }
    step.channels().map_or(Ok(()), |chosen| chosen_channels(step, chosen, info).map(drop))
}

/// The indices of the chosen channels.
fn chosen_channels<R: Resampling>(_: &R, chosen: &[ChannelChoice], info: &Info) -> EegResult<Vec<usize>> {
    let refused = |value: String, reason: String| EegError::parameter(R::ABOUT.name, "channels", value, reason);
    if chosen.is_empty() {
        return Err(refused("[]".to_owned(), "no channel would be left; leave it out to keep all".to_owned()));
    }
    let mut seen = HashSet::new();
    let index = |choice: &ChannelChoice| {
        let (found, text) = match choice {
            ChannelChoice::Index(index) => ((*index < info.channels.len()).then_some(*index), index.to_string()),
            ChannelChoice::Name(name) => (info.channel_index(name), format!("{name:?}")),
        };
        let Some(index) = found else {
            let n_channels = info.channels.len();
            return Err(refused(text, format!("there is no such channel; give names, or indices below {n_channels}")));
        };
        if seen.insert(index) { Ok(index) } else { Err(refused(text, "it is named twice; name it once".to_owned())) }
    };
    chosen.iter().map(index).collect()
}

fn resample_channel(ratio: f64, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
    if ratio == 1.0 {
        return Ok(());
    }
    if at.channel().kind == ChannelKind::Stim {
        let n_new = resampled_len(data.samples.len(), ratio);
        data.samples = resample_codes(&data.samples, n_new);
        data.noise = data.noise.take().map(|noise| resample_codes(&noise, n_new));
        return Ok(());
    }
    require_finite(at, data)?;
    data.samples = resample(&data.samples, ratio);
    if let Some(noise) = data.noise.take() {
        data.noise = Some(resample(&noise, ratio));
    }
    Ok(())
}

fn update_info<R: Resampling>(step: &R, info: &mut Info) {
    let ratio = step.ratio(info);
    info.n_samples = resampled_len(info.n_samples, ratio);
    info.sfreq_hz = step.new_sfreq_hz(info.sfreq_hz);
    if let Some(triggers) = &mut info.triggers {
        scale_triggers(triggers, ratio);
    }
}

/// Triggers lose their fraction, as in the reference, unless fractions are known: then each goes to the nearest sample.
fn scale_triggers(triggers: &mut Triggers, ratio: f64) {
    match &mut triggers.fractions {
        None => triggers.samples.iter_mut().for_each(|sample| *sample = (*sample as f64 * ratio).trunc() as i64),
        Some(fractions) => {
            for (sample, fraction) in triggers.samples.iter_mut().zip(fractions) {
                let place = (*sample as f64 + *fraction) * ratio;
                *sample = place.round_ties_even() as i64;
                *fraction = place - place.round_ties_even();
            }
        }
    }
    let scaled_length = |length: usize| (length as f64 * ratio + 0.5).floor() as usize;
    triggers.artifact_length = triggers.artifact_length.map(scaled_length);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The triggers are those of FACETpy 2.0.2, where `1 / factor` and `new rate / old rate` differ in their last bit.
    #[test]
    fn triggers_follow_the_new_rate_over_the_old() {
        let scaled = |sfreq_hz: f64, factor: f64, sample: i64| {
            let step = Downsample { factor, channels: None };
            let mut info = Info::new(sfreq_hz, 6000, vec![Channel::new("Cz", ChannelKind::Eeg)]).unwrap();
            info.triggers = Some(Triggers { samples: vec![sample], ..Triggers::default() });
            step.update_info(0, &mut info).unwrap();
            info.triggers.unwrap().samples[0]
        };
        assert_eq!(scaled(250.0, 2.0, 425), 212);
        assert_eq!(scaled(250.0, 13.0, 26), 1);
        assert_eq!(scaled(250.0, 49.0, 49), 0);
        assert_eq!(scaled(100.0, 49.0, 49), 1);
    }

    #[test]
    fn known_fractions_of_triggers_stay_within_half_a_sample() {
        let mut triggers =
            Triggers { samples: vec![100, 201], fractions: Some(vec![0.4, -0.4]), ..Triggers::default() };
        scale_triggers(&mut triggers, 10.0);
        assert_eq!(triggers.samples, [1004, 2006]);
        assert!(triggers.fractions.unwrap().iter().all(|fraction| fraction.abs() < 1e-9));
    }
}
