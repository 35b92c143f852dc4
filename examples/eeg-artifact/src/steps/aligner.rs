//! Moves triggers to where the artifact looks like that of a reference trigger, in one channel.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ChannelChoice;
use super::about::{Described, ParameterAbout, StepAbout};
use super::sample_checks::{finite_mean, is_flat, refuse_flat};
use crate::dsp::{best_lag, resample};
use crate::{Channel, EegError, EegResult, Info, Needs, Phase, Processor, Recording, Triggers};

const STEP: &str = Aligner::ABOUT.name;
/// The search window that is used where none is given, in multiples of the upsampling factor.
const USUAL_WINDOW_FACTOR: usize = 3;
/// More samples at the rate of the search than this are refused before memory is reserved for them: 8 GiB.
const MOST_SAMPLES: usize = 1 << 30;
const WAY_OUT: &str = "choose another ref_channel";

/// Moves triggers to where the artifact looks alike.
///
/// It changes only triggers and the artifact's length, and leaves the finding `shifts of triggers` (samples, one per trigger) in the
/// channel that was looked at. A trigger whose artifact does not begin in the recording stays where it is.
///
/// Upsampling needs room for the channel times the upsampling factor, and for its spectrum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Aligner {
    /// The trigger that stays where it is.
    pub ref_trigger_index: usize,
    /// The channel that is looked at; the first good EEG channel where none is given.
    pub ref_channel: Option<ChannelChoice>,
    /// How far a trigger may move, in samples of the rate that is looked at; three times the upsampling factor where none is given.
    pub search_window: Option<usize>,
    /// Whether the channel is upsampled for the search, by the upsampling factor. A recording that was resampled before is not upsampled
    /// again.
    pub upsample_for_alignment: bool,
}

impl Described for Aligner {
    const ABOUT: StepAbout = StepAbout {
        name: "aligner",
        about: "Moves triggers to where the artifact is most like that of a reference trigger.",
        parallel_safe: false,
        parameters: &[
            ParameterAbout::optional("ref_trigger_index", "0", "The reference: the index of the trigger, from 0."),
            ParameterAbout::optional(
                "ref_channel",
                "the first good EEG channel",
                "The channel in which artifacts are compared: its index from 0, or its name.",
            ),
            ParameterAbout::optional(
                "search_window",
                "3 times the upsampling factor",
                "How far a trigger may move, in samples: of the upsampled channel, where it is upsampled.",
            ),
            ParameterAbout::optional(
                "upsample_for_alignment",
                "true",
                "Whether the channel is upsampled for the search, by the upsampling factor.",
            ),
        ],
    };
}

impl Processor for Aligner {
    fn name(&self) -> &str {
        STEP
    }

    fn parallel_safe(&self) -> bool {
        Self::ABOUT.parallel_safe
    }

    fn phases(&self) -> Vec<Phase> {
        vec![Phase::Whole]
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        self.channel(info)?;
        info.triggers.as_ref().map_or(Ok(()), |_| self.search(info).map(|_| ()))
    }

    fn process_whole(&self, _phase: usize, recording: &mut Recording) -> EegResult<()> {
        let info = recording.info();
        let (channel, search) = (self.channel(info)?, self.search(info)?);
        let mut data = recording.rows().take(channel)?;
        let samples = search.align(&info.channels[channel].name, &data.samples)?;
        let triggers = moved(info.required_triggers(STEP)?, samples)?;
        let shifts = triggers.samples.iter().zip(search.triggers).map(|(after, before)| (after - before) as f64);
        data.note(STEP, "shifts of triggers", shifts.collect());
        recording.rows().put(channel, data)?;
        recording.rows_mut().replace(&[channel])?;
        recording.info_mut().triggers = Some(triggers);
        Ok(())
    }
}

impl Aligner {
    /// The channel that is looked at.
    fn channel(&self, info: &Info) -> EegResult<usize> {
        let refuse = |value: String, reason: String| Err(EegError::parameter(STEP, "ref_channel", value, reason));
        match &self.ref_channel {
            None => info.channels.iter().position(Channel::is_good_eeg).map_or_else(
                || refuse("none".to_owned(), "no channel is EEG that is not bad; name one".to_owned()),
                Ok,
            ),
            Some(ChannelChoice::Index(index)) if *index < info.channels.len() => Ok(*index),
            Some(ChannelChoice::Index(index)) => {
                refuse(index.to_string(), format!("there are {} channels, counted from 0", info.channels.len()))
            }
            Some(ChannelChoice::Name(name)) => info.channel_index(name).map_or_else(
                || {
                    let nearest = super::nearest(name, info.channels.iter().map(|channel| channel.name.as_str()));
                    let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"));
                    refuse(format!("{name:?}"), format!("no channel is called so{hint}"))
                },
                Ok,
            ),
        }
    }

    /// What is searched for, when settings, triggers and recording fit together.
    fn search<'a>(&self, info: &'a Info) -> EegResult<Search<'a>> {
        let triggers = info.required_triggers(STEP)?;
        let n_triggers = triggers.samples.len();
        let index = self.ref_trigger_index;
        if index >= n_triggers {
            let reason = format!("there are {n_triggers} triggers, counted from 0");
            return Err(EegError::parameter(STEP, "ref_trigger_index", index, reason));
        }
        if n_triggers < 2 {
            return Err(EegError::Triggers(
                "there is one trigger, and nothing to align it with; two are needed".to_owned(),
            ));
        }
        let is_upsampled = self.upsample_for_alignment && info.sfreq_hz == info.recorded_sfreq_hz;
        let factor = if is_upsampled { info.upsampling_factor.max(1) } else { 1 };
        let n_samples = info.n_samples.saturating_mul(factor);
        if factor > 1 && n_samples > MOST_SAMPLES {
            let reason = format!(
                "a channel would have {n_samples} samples for the search, and at most {MOST_SAMPLES} fit; use a smaller \
                 upsampling_factor, or set upsample_for_alignment to false"
            );
            return Err(EegError::parameter(STEP, "upsampling_factor", factor, reason));
        }
        let window = self.search_window.unwrap_or(info.upsampling_factor.saturating_mul(USUAL_WINDOW_FACTOR));
        if window > n_samples {
            let reason =
                format!("the recording has {n_samples} samples at the rate of the search; use a shorter window");
            return Err(EegError::parameter(STEP, "search_window", window, reason));
        }
        let length = match triggers.artifact_length {
            Some(length) if length > 0 && length <= info.n_samples => length * factor,
            Some(length) if length > 0 => {
                let n_samples = info.n_samples;
                let reason = format!("an artifact of {length} samples does not fit in a recording of {n_samples}");
                return Err(EegError::Triggers(reason));
            }
            _ => return Err(EegError::Triggers("the artifact's length is not known".to_owned())),
        };
        let offset = (info.artifact_offset_s * info.sfreq_hz * factor as f64).trunc() as i64;
        Ok(Search { triggers: &triggers.samples, reference: index, factor, offset, length, window })
    }
}

/// What is searched for. All but the triggers is in samples of the rate of the search.
#[derive(Debug)]
struct Search<'a> {
    triggers: &'a [i64],
    reference: usize,
    /// How many times the recording's rate the rate of the search is.
    factor: usize,
    offset: i64,
    length: usize,
    window: usize,
}

impl Search<'_> {
    /// Where the triggers belong, in samples of the recording.
    fn align(&self, channel: &str, samples: &[f64]) -> EegResult<Vec<i64>> {
        finite_mean(channel, samples)?;
        refuse_flat(channel, samples, WAY_OUT)?;
        if self.factor == 1 {
            self.align_at_rate(channel, samples)
        } else {
            self.align_at_rate(channel, &resample(samples, self.factor as f64))
        }
    }

    fn align_at_rate(&self, channel: &str, samples: &[f64]) -> EegResult<Vec<i64>> {
        let at = self.stretch(self.reference, 0, samples.len());
        let template = &samples[at.unwrap_or(0..0)];
        if is_flat(template) {
            let trigger = self.triggers[self.reference];
            let reason = format!(
                "it is flat, or not recorded, after the reference trigger at {trigger}; choose another ref_trigger_index"
            );
            return Err(EegError::channel(channel, reason));
        }
        let moved = |idx: usize| {
            let stretch = self.stretch(idx, self.window, samples.len()).filter(|_| idx != self.reference);
            let lag = stretch.map_or(0, |stretch| best_lag(&samples[stretch], template, self.window));
            let factor = self.factor as i64;
            self.triggers[idx].saturating_mul(factor).saturating_add(lag) / factor
        };
        Ok((0..self.triggers.len()).map(moved).collect())
    }

    /// The samples of an artifact and so many after it, as far as they are recorded; none where it does not begin in the recording.
    fn stretch(&self, idx: usize, n_after: usize, n_samples: usize) -> Option<Range<usize>> {
        let start = self.triggers[idx].saturating_mul(self.factor as i64).saturating_add(self.offset);
        let start = usize::try_from(start).ok().filter(|start| *start < n_samples)?;
        Some(start..n_samples.min(start + self.length + n_after))
    }
}

/// The triggers after they moved, with the artifact's length measured anew.
fn moved(before: &Triggers, samples: Vec<i64>) -> EegResult<Triggers> {
    let mut triggers = Triggers { samples, fractions: None, ..before.clone() };
    triggers.artifact_length = triggers.measured_length().filter(|length| *length > 0);
    if triggers.artifact_length.is_none() {
        let reason = "after the alignment no distance between triggers is shorter than a gap, so the artifact's length is not known; \
                      the gaps were misread from triggers that jitter: say that there are no volume gaps";
        return Err(EegError::Triggers(reason.to_owned()));
    }
    Ok(triggers)
}

impl Default for Aligner {
    fn default() -> Self {
        Self { ref_trigger_index: 0, ref_channel: None, search_window: None, upsample_for_alignment: true }
    }
}
