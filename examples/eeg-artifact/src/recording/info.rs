//! What is known about a recording beside its samples: rate, length, channels, triggers, annotations.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Channel, Triggers};
use crate::{EegError, EegResult};

/// How the warning begins that says why no triggers were found.
pub(crate) const NO_TRIGGERS: &str = "triggers: ";

/// The upsampling factor that a recording has unless the caller sets another.
const USUAL_UPSAMPLING_FACTOR: usize = 10;

/// What all channels of a recording share. Steps change it in the caller, between the work on channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// Samples per second.
    pub sfreq_hz: f64,
    /// The rate that the recording had when it was read.
    pub recorded_sfreq_hz: f64,
    /// How far the first sample is from the first one that was recorded, in seconds: what cropping took away.
    pub start_s: f64,
    /// Samples in each channel.
    pub n_samples: usize,
    /// The channels, in order.
    pub channels: Vec<Channel>,
    /// The triggers, once they are known.
    pub triggers: Option<Triggers>,
    /// How far an artifact begins after its trigger, in seconds; negative when it begins before.
    pub artifact_offset_s: f64,
    /// How finely alignment searches: a number that steps read. Resampling the data does not change it.
    pub upsampling_factor: usize,
    /// Remarks at points in time, in order of onset.
    pub annotations: Vec<Annotation>,
    /// Whether correctors keep what they subtract in [`ChannelData::noise`](crate::ChannelData::noise). A pipeline sets it when a later
    /// step needs it: it doubles the memory.
    pub keeps_noise: bool,
    /// What the recording's file has and the recording lacks: channels of another rate, the rest of a file that is cut off.
    pub left_out: Vec<String>,
    /// What steps left out or found doubtful, for the report.
    pub warnings: Vec<String>,
}

/// A remark at a point in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// When it begins, in seconds from the first sample.
    pub onset_s: f64,
    /// How long it lasts, in seconds; 0 where that is not said.
    pub duration_s: f64,
    /// What it says.
    pub description: String,
}

impl Info {
    /// What is known of a recording that was just read: no triggers, no annotations.
    ///
    /// # Errors
    /// [`EegError::Recording`] for no channels, two of one name, no samples, or a rate that is not above zero.
    pub fn new(sfreq_hz: f64, n_samples: usize, channels: Vec<Channel>) -> EegResult<Self> {
        if !(sfreq_hz > 0.0 && sfreq_hz.is_finite()) {
            return Err(EegError::Recording(format!("a rate of {sfreq_hz} Hz; it must be above zero")));
        }
        if channels.is_empty() || n_samples == 0 {
            let n_channels = channels.len();
            return Err(EegError::Recording(format!("{n_channels} channels of {n_samples} samples hold no data")));
        }
        let mut names = HashSet::new();
        if let Some(twice) = channels.iter().find(|channel| !names.insert(channel.name.as_str())) {
            let reason = format!("two channels are called {:?}; rename one", twice.name);
            return Err(EegError::Recording(reason));
        }
        Ok(Self {
            sfreq_hz,
            recorded_sfreq_hz: sfreq_hz,
            start_s: 0.0,
            n_samples,
            channels,
            triggers: None,
            artifact_offset_s: 0.0,
            upsampling_factor: USUAL_UPSAMPLING_FACTOR,
            annotations: Vec::new(),
            keeps_noise: false,
            left_out: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// The index of the channel of this name.
    #[must_use]
    pub fn channel_index(&self, name: &str) -> Option<usize> {
        self.channels.iter().position(|channel| channel.name == name)
    }

    /// The artifact's offset in samples of the present rate, without its fraction.
    #[must_use]
    pub fn offset_samples(&self) -> i64 {
        (self.artifact_offset_s * self.sfreq_hz).trunc() as i64
    }

    /// The triggers, for a step that cannot work without.
    ///
    /// # Errors
    /// [`EegError::Triggers`] where none are known.
    pub fn required_triggers(&self, step: &str) -> EegResult<&Triggers> {
        self.triggers.as_ref().filter(|triggers| !triggers.samples.is_empty()).ok_or_else(|| {
            let why = self.warnings.iter().rev().find_map(|warning| warning.strip_prefix(NO_TRIGGERS));
            let why = why.unwrap_or("check the channel or the regex");
            EegError::Triggers(format!("step {step:?} needs them and none were found; {why}"))
        })
    }

    /// The stretches that filters treat one by one: the recording without annotations that begin with `edge` or `bad_acq_skip`, in any
    /// case. An annotation without duration splits; one with a duration leaves its samples out.
    #[must_use]
    pub fn stretches(&self) -> Vec<Range<usize>> {
        let is_split = |annotation: &&Annotation| {
            let description = annotation.description.to_ascii_lowercase();
            description.starts_with("edge") || description.starts_with("bad_acq_skip")
        };
        let at = |seconds: f64| ((seconds * self.sfreq_hz).round_ties_even().max(0.0) as usize).min(self.n_samples);
        let mut left_out: Vec<Range<usize>> = self
            .annotations
            .iter()
            .filter(is_split)
            .map(|split| at(split.onset_s)..at(split.onset_s + split.duration_s))
            .collect();
        left_out.sort_by_key(|range| range.start); // a caller may have added one at the end
        let (mut stretches, mut start) = (Vec::new(), 0);
        for Range { start: from, end: to } in left_out {
            if from > start {
                stretches.push(start..from);
            }
            start = start.max(to);
        }
        if start < self.n_samples {
            stretches.push(start..self.n_samples);
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChannelKind;

    /// Expected as MNE 1.10.2 finds them for 1000 samples at 100 Hz; stretches of no samples are left out.
    #[test]
    fn stretches_are_those_between_boundaries_and_around_pauses() {
        let cases: [(&[(f64, f64, &str)], &[(usize, usize)]); 11] = [
            (&[], &[(0, 1000)]),
            (&[(3.0, 0.0, "EDGE boundary")], &[(0, 300), (300, 1000)]),
            (&[(3.0, 1.0, "bad_acq_skip")], &[(0, 300), (400, 1000)]),
            (&[(3.0, 0.004, "edge")], &[(0, 300), (300, 1000)]),
            (&[(3.0, 1.0, "BAD_ACQ_SKIP x"), (3.5, 2.0, "edge")], &[(0, 300), (550, 1000)]),
            (&[(3.0, 2.0, "bad_acq_skip"), (4.0, 0.0, "edge")], &[(0, 300), (500, 1000)]),
            (&[(0.0, 0.0, "edge"), (10.0, 0.0, "edge")], &[(0, 1000)]),
            (&[(3.005, 0.0, "edge"), (3.015, 0.0, "edge"), (3.025, 0.0, "edge")], &[(0, 300), (300, 302), (302, 1000)]),
            (&[(5.0, 1.0, "bad_x")], &[(0, 1000)]),
            (&[(0.0, 10.0, "edge")], &[]),
            (&[(8.0, 5.0, "edge"), (2.0, 0.0, "edge")], &[(0, 200), (200, 800)]),
        ];
        for (annotations, expected) in cases {
            let mut info = Info::new(100.0, 1000, vec![Channel::new("Cz", ChannelKind::Eeg)]).unwrap();
            let annotation = |&(onset_s, duration_s, description): &(f64, f64, &str)| Annotation {
                onset_s,
                duration_s,
                description: description.to_owned(),
            };
            info.annotations = annotations.iter().map(annotation).collect();
            let found: Vec<(usize, usize)> = info.stretches().iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{annotations:?}");
        }
    }
}
