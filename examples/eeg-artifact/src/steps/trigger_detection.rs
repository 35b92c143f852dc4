//! Finds triggers in a stimulus channel or in annotations.
//!
//! The rules of events are those of MNE, the rules of what follows from the distances are those of [`Triggers::from_samples`].

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::recording::NO_TRIGGERS;
use crate::{Annotation, ChannelKind, EegError, EegResult, Info, Phase, Processor, Recording, Triggers};

const STEP: &str = TriggerDetection::ABOUT.name;

/// Where triggers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerSource {
    /// In the first stimulus channel, or in the annotations where there is none.
    #[default]
    Auto,
    /// In the first stimulus channel.
    Stim,
    /// In the annotations.
    Annotations,
}

/// Finds triggers in a stimulus channel or in annotations.
///
/// A stimulus channel without a match leaves the recording without triggers, and the next step that needs them says so. Annotations
/// without a match are an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerDetection {
    /// What an event's number (anywhere in it) or an annotation's text (at its start) must match.
    pub regex: String,
    /// Where to look.
    #[serde(default)]
    pub source: TriggerSource,
}

impl Described for TriggerDetection {
    const ABOUT: StepAbout = StepAbout {
        name: "triggers",
        about: "Finds triggers in a stimulus channel or in annotations.",
        parallel_safe: false,
        parameters: &[
            ParameterAbout::required(
                "regex",
                "A regular expression that the number of an event matches anywhere, or an annotation at its start.",
            ),
            ParameterAbout::optional(
                "source",
                "auto",
                "Where to look: stim, annotations, or auto: the stimulus channel where there is one, or else annotations.",
            ),
        ],
    };
}

impl Processor for TriggerDetection {
    fn name(&self) -> &str {
        STEP
    }

    fn parallel_safe(&self) -> bool {
        Self::ABOUT.parallel_safe
    }

    fn phases(&self) -> Vec<Phase> {
        vec![Phase::Whole]
    }

    fn gives_triggers(&self) -> bool {
        true
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        compile(&self.regex)?;
        self.stim_channel(info).map(|_| ())
    }

    fn process_whole(&self, _phase: usize, recording: &mut Recording) -> EegResult<()> {
        let info = recording.info();
        let found = match self.stim_channel(info)? {
            Some(stim) => {
                let name = &info.channels[stim].name;
                let changes = recording.rows().with(stim, |data| value_changes(name, &data.samples))??;
                let found = triggers_from_value_changes(&changes, info.n_samples, &self.regex)?;
                if found.is_none() {
                    let events = describe_events(&event_counts(&changes, info.n_samples));
                    let warning = format!("no event of channel {name:?} matches {:?}; {events}", self.regex);
                    recording.info_mut().warnings.push(format!("{NO_TRIGGERS}{warning}"));
                }
                found
            }
            None => Some(triggers_from_annotations(&info.annotations, info.sfreq_hz, &self.regex)?),
        };
        recording.info_mut().triggers = found;
        Ok(())
    }
}

impl TriggerDetection {
    /// The stimulus channel to look at, or none when it is the annotations.
    fn stim_channel(&self, info: &Info) -> EegResult<Option<usize>> {
        let stim = info.channels.iter().position(|channel| channel.kind == ChannelKind::Stim);
        let refused = |value, reason: &str| Err(EegError::parameter(STEP, "source", value, reason));
        match self.source {
            TriggerSource::Annotations => Ok(None),
            TriggerSource::Stim if stim.is_none() => {
                refused("stim", "no channel is of the kind stim; mark one as such, or use annotations")
            }
            TriggerSource::Auto if stim.is_none() && info.annotations.is_empty() => {
                refused("auto", "there is neither a stimulus channel nor an annotation to find triggers in")
            }
            _ => Ok(stim),
        }
    }
}

/// Triggers from annotations whose description matches at its start: the onset, rounded to the nearest sample (to the even one in the
/// middle), in order of onset.
///
/// ```
/// use eeg_artifact::Annotation;
/// use eeg_artifact::steps::triggers_from_annotations;
///
/// let at = |onset_s| Annotation { onset_s, duration_s: 0.0, description: "R 1".to_owned() };
/// let triggers = triggers_from_annotations(&[at(0.5), at(1.3), at(2.1)], 250.0, r"R\s+1")?;
/// assert_eq!(triggers.samples, [125, 325, 525]);
/// assert_eq!(triggers.artifact_length, Some(200));
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
///
/// # Errors
/// [`EegError::Triggers`] when none matches, or an onset is not a number; [`EegError::Parameter`] for a pattern that cannot be used.
pub fn triggers_from_annotations(annotations: &[Annotation], sfreq_hz: f64, pattern: &str) -> EegResult<Triggers> {
    let regex = compile(pattern)?;
    // The leftmost match begins at the start whenever any match does.
    let matches_start = |text: &str| regex.find(text).is_some_and(|found| found.start() == 0);
    let mut matching: Vec<&Annotation> = annotations.iter().filter(|here| matches_start(&here.description)).collect();
    if matching.is_empty() {
        return Err(EegError::Triggers(no_match(annotations, pattern)));
    }
    matching.sort_by(|a, b| a.onset_s.total_cmp(&b.onset_s));
    let samples = matching.into_iter().map(|annotation| onset_sample(annotation, sfreq_hz));
    Ok(Triggers::from_samples(samples.collect::<EegResult<_>>()?))
}

fn onset_sample(annotation: &Annotation, sfreq_hz: f64) -> EegResult<i64> {
    let sample = (annotation.onset_s * sfreq_hz).round_ties_even();
    whole_number(sample).ok_or_else(|| {
        let (text, onset) = (&annotation.description, annotation.onset_s);
        EegError::Triggers(format!(
            "annotation {text:?} has its onset at {onset} s, which is no point in time; mend it"
        ))
    })
}

/// What was looked for, and the texts that are there.
fn no_match(annotations: &[Annotation], pattern: &str) -> String {
    const SHOWN: usize = 5;
    let mut texts: Vec<&str> = annotations.iter().map(|annotation| annotation.description.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    let n_texts = texts.len();
    let shown: Vec<String> = texts.into_iter().take(SHOWN).map(|text| format!("{text:?}")).collect();
    let more = if n_texts > SHOWN { ", ..." } else { "" };
    match n_texts {
        0 => format!("no annotation matches {pattern:?}: there are none"),
        _ => format!("no annotation matches {pattern:?} at its start; there are {}{more}", shown.join(", ")),
    }
}

/// Triggers from the changes of a stimulus channel: each is the sample from which on a value holds, and the value; before the first it is
/// 0. A trigger is a rise to a number in whose decimal text the pattern is found anywhere; the first sample counts as a rise from 0,
/// and a rise without a fall or a further rise after it counts too, as the recording's end is a fall to 0. None where nothing matches.
///
/// ```
/// use eeg_artifact::steps::triggers_from_value_changes;
///
/// let changes = [(100, 1), (101, 0), (250, 1), (251, 0), (300, 7)];
/// let triggers = triggers_from_value_changes(&changes, 3000, "^1$")?.expect("two match");
/// assert_eq!(triggers.samples, [100, 250]);
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
///
/// # Errors
/// [`EegError::Parameter`] for a pattern that cannot be used.
pub fn triggers_from_value_changes(
    changes: &[(usize, i64)],
    n_samples: usize,
    pattern: &str,
) -> EegResult<Option<Triggers>> {
    let regex = compile(pattern)?;
    let matching =
        events(&steps(changes, n_samples)).into_iter().filter(|event| regex.is_match(&event.after.to_string()));
    let samples: Vec<i64> = matching.map(|event| event.sample as i64).collect();
    Ok(if samples.is_empty() { None } else { Some(Triggers::from_samples(samples)) })
}

/// The events of a stimulus channel as a sentence: which numbers, and how often each, the most frequent first. For users who must say
/// which of them are triggers.
///
/// ```
/// use eeg_artifact::steps::events_of_stimulus_channel;
///
/// let events = events_of_stimulus_channel("STI", &[0.0, 1.0, 0.0, 1.0, 0.0, 7.0])?;
/// assert_eq!(events, "its events are 1 (2 times), 7 (1 time)");
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
///
/// # Errors
/// [`EegError::Channel`] for a sample that is no whole number when its fraction is cut off.
pub fn events_of_stimulus_channel(channel: &str, samples: &[f64]) -> EegResult<String> {
    Ok(describe_events(&event_counts(&value_changes(channel, samples)?, samples.len())))
}

/// How often each number occurs as an event, the most frequent first.
fn event_counts(changes: &[(usize, i64)], n_samples: usize) -> Vec<(i64, usize)> {
    let mut counts = BTreeMap::new();
    events(&steps(changes, n_samples)).iter().for_each(|event| *counts.entry(event.after).or_default() += 1);
    let mut counts: Vec<(i64, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count)); // stable: the lower number first
    counts
}

fn describe_events(counts: &[(i64, usize)]) -> String {
    const SHOWN: usize = 5;
    if counts.is_empty() {
        return "it has no events".to_owned();
    }
    let one = |(number, count): &(i64, usize)| format!("{number} ({count} time{})", if *count == 1 { "" } else { "s" });
    let shown: Vec<String> = counts.iter().take(SHOWN).map(one).collect();
    let more = if counts.len() > SHOWN { ", ..." } else { "" };
    format!("its events are {}{more}", shown.join(", "))
}

/// Where a stimulus channel's value changes, without the fractions of its values.
fn value_changes(channel: &str, samples: &[f64]) -> EegResult<Vec<(usize, i64)>> {
    let (mut changes, mut last) = (Vec::new(), 0);
    for (sample, value) in samples.iter().enumerate() {
        let Some(value) = whole_number(value.trunc()) else {
            let reason = format!("sample {sample} is {value}, which is no trigger code; choose the source annotations");
            return Err(EegError::channel(channel, reason));
        };
        if value != last {
            changes.push((sample, value));
            last = value;
        }
    }
    Ok(changes)
}

/// A change of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ValueStep {
    sample: usize,
    before: i64,
    after: i64,
}

impl ValueStep {
    fn is_onset(&self) -> bool {
        self.after > self.before
    }

    fn is_offset(&self) -> bool {
        self.before > 0 && (self.after > self.before || self.after == 0)
    }
}

/// All steps, with the one that closes a value which holds to the end.
fn steps(changes: &[(usize, i64)], n_samples: usize) -> Vec<ValueStep> {
    let mut before = 0;
    let mut steps = Vec::with_capacity(changes.len() + 1);
    for (sample, after) in changes.iter().copied().chain([(n_samples, 0)]) {
        if after != before {
            steps.push(ValueStep { sample, before, after });
        }
        before = after;
    }
    steps
}

/// The onsets that have an offset.
fn events(steps: &[ValueStep]) -> Vec<ValueStep> {
    let positions = |is: fn(&ValueStep) -> bool| (0..steps.len()).filter(move |idx| is(&steps[*idx]));
    let (mut onsets, mut offsets) =
        (positions(ValueStep::is_onset).collect::<Vec<_>>(), positions(ValueStep::is_offset));
    let (Some(first_onset), Some(first_offset)) = (onsets.first().copied(), offsets.next()) else {
        return Vec::new();
    };
    let last_offset = match offsets.next_back() {
        Some(last) => last,
        None if first_offset < first_onset => return Vec::new(),
        None => first_offset,
    };
    if onsets.last().is_some_and(|last| *last > last_offset) {
        onsets.pop();
    }
    onsets.into_iter().map(|idx| steps[idx]).collect()
}

fn whole_number(value: f64) -> Option<i64> {
    // Up to here every whole number has a float of its own.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    (value.abs() <= LARGEST).then_some(value as i64)
}

/// A pattern with the meaning that it has in Python, or an error: what both know means the same here.
fn compile(pattern: &str) -> EegResult<Regex> {
    Regex::new(pattern).map_err(|error| {
        let cause = match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            other => other.to_string().lines().last().unwrap_or("it does not parse").trim().to_owned(),
        };
        let way_out = "look-around, back-references and \\Z are not supported; use a pattern without them";
        EegError::parameter(STEP, "regex", pattern, format!("{cause}; {way_out}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(changes: &[(usize, i64)], pattern: &str) -> Vec<i64> {
        let found = triggers_from_value_changes(changes, 1000, pattern).unwrap();
        found.map_or_else(Vec::new, |triggers| triggers.samples)
    }

    #[test]
    fn a_value_that_holds_from_the_first_sample_or_to_the_last_is_an_event() {
        assert_eq!(samples(&[(0, 4), (20, 0), (900, 4)], "4"), [0, 900]);
        assert_eq!(samples(&[(0, 4)], "4"), [0]);
    }

    #[test]
    fn a_channel_without_rises_has_no_events() {
        assert!(samples(&[], ".").is_empty());
        assert!(samples(&[(10, -5)], ".").is_empty(), "the rise to 0 at the end has no offset");
    }

    #[test]
    fn a_rise_from_below_zero_needs_an_offset_after_it() {
        assert_eq!(samples(&[(10, -5), (20, 3), (30, 0), (40, -5), (50, 0)], "."), [20]);
    }

    #[test]
    fn a_fall_to_a_lower_value_is_no_event_of_its_own() {
        assert_eq!(samples(&[(10, 7), (20, 3), (30, 0)], r"\d"), [10]);
    }

    #[test]
    fn values_lose_their_fraction_towards_zero() {
        let changes = value_changes("STI", &[0.9, 1.9, 1.2, -0.7, 0.0]).unwrap();
        assert_eq!(changes, [(1, 1), (3, 0)]);
        assert!(value_changes("STI", &[0.0, f64::NAN]).unwrap_err().to_string().contains("sample 1"));
    }
}
