//! Keeps a stretch of a recording: one that is given, or the time of the scan.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use crate::{Channel, ChannelContext, ChannelData, EegError, EegResult, Info, Needs, Phase, Processor};

/// Keeps a stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crop {
    /// Where it begins, in seconds from the first sample; the first sample where none is given.
    pub tmin: Option<f64>,
    /// Where it ends, in seconds from the first sample, its sample included; the last sample where none is given.
    pub tmax: Option<f64>,
}

/// Keeps the time of the scan: from the first artifact to the end of the last one, and some time around.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cut {
    /// How much is kept before the first artifact and after the last one, in seconds.
    pub margin_s: f64,
}

impl Crop {
    /// The samples that stay.
    fn range(&self, info: &Info) -> EegResult<Range<usize>> {
        let at = |seconds: f64| (seconds * info.sfreq_hz).round_ties_even();
        let last = info.n_samples.saturating_sub(1) as f64;
        let (from, to) = (self.tmin.map_or(0.0, at), self.tmax.map_or(last, at));
        let given = format!("{} to {}", seconds(self.tmin, "the start"), seconds(self.tmax, "the end"));
        if !(from >= 0.0 && from <= to) {
            let reason = "the stretch must begin at 0 s or later and not end before it begins";
            return Err(EegError::parameter("crop", "tmin to tmax", given, reason));
        }
        if to > last {
            let length_s = info.n_samples as f64 / info.sfreq_hz;
            let reason = format!("the recording ends after {length_s} s; choose an earlier end, or none");
            return Err(EegError::parameter("crop", "tmin to tmax", given, reason));
        }
        Ok(from as usize..to as usize + 1)
    }
}

impl Described for Crop {
    const ABOUT: StepAbout = StepAbout {
        name: "crop",
        about: "Keeps a stretch of time; triggers and annotations outside of it are dropped.",
        parallel_safe: true,
        parameters: &[
            ParameterAbout::optional("tmin", "the first sample", "Where it begins, in seconds from the first sample."),
            ParameterAbout::optional(
                "tmax",
                "the last sample",
                "Where it ends, in seconds from the first sample; the sample at that time is kept.",
            ),
        ],
    };
}

impl Processor for Crop {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }

    fn applies_to(&self, _: &Channel) -> bool {
        true
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        self.range(info).map(|_| ())
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        keep(data, self.range(at.info)?);
        Ok(())
    }

    fn update_info(&self, _: usize, info: &mut Info) -> EegResult<()> {
        shorten(info, self.range(info)?, Self::ABOUT.name);
        Ok(())
    }
}

impl Cut {
    /// The samples that stay: those of the artifacts, and the margin.
    fn range(&self, info: &Info) -> EegResult<Range<usize>> {
        let triggers = info.required_triggers(Self::ABOUT.name)?;
        let length = triggers.artifact_length.unwrap_or_default() as i64;
        let margin = (self.margin_s * info.sfreq_hz).round_ties_even() as i64;
        let (first, last) = (triggers.samples.iter().min(), triggers.samples.iter().max());
        let (first, last) = (first.copied().unwrap_or_default(), last.copied().unwrap_or_default());
        let offset = info.offset_samples();
        let end = info.n_samples as i64;
        let from = first.saturating_add(offset).saturating_sub(margin).clamp(0, end);
        let to = last.saturating_add(offset).saturating_add(length).saturating_add(margin).clamp(0, end);
        if from >= to {
            let reason = format!("from {first} to {last} they lie outside of the recording of {end} samples");
            return Err(EegError::Triggers(reason));
        }
        Ok(from as usize..to as usize)
    }
}

impl Described for Cut {
    const ABOUT: StepAbout = StepAbout {
        name: "cut",
        about: "Keeps the time of the scan: from the first artifact to the end of the last one.",
        parallel_safe: true,
        parameters: &[ParameterAbout::optional("margin_s", "0", "How much is kept before and after it, in seconds.")],
    };
}

impl Processor for Cut {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS
    }

    /// Its length follows from triggers that an earlier step may move, so it is known only between stages.
    fn phases(&self) -> Vec<Phase> {
        vec![Phase::Whole, Phase::Channels]
    }

    fn applies_to(&self, _: &Channel) -> bool {
        true
    }

    fn check(&self, info: &Info) -> EegResult<()> {
        if !(self.margin_s >= 0.0 && self.margin_s.is_finite()) {
            let reason = "it must be a number of seconds, 0 or more";
            return Err(EegError::parameter(Self::ABOUT.name, "margin_s", self.margin_s, reason));
        }
        if info.triggers.is_some() { self.range(info).map(|_| ()) } else { Ok(()) }
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        keep(data, self.range(at.info)?);
        Ok(())
    }

    fn update_info(&self, _: usize, info: &mut Info) -> EegResult<()> {
        // Before a run the triggers may not be known yet, and with them the length.
        if info.triggers.is_some() {
            shorten(info, self.range(info)?, Self::ABOUT.name);
        }
        Ok(())
    }
}

/// Keeps these samples, in place.
fn keep(data: &mut ChannelData, range: Range<usize>) {
    for row in [Some(&mut data.samples), data.noise.as_mut()].into_iter().flatten() {
        row.truncate(range.end);
        row.drain(..range.start);
        row.shrink_to_fit();
    }
}

/// Moves all times by what is cut off at the beginning, and drops what lies outside.
fn shorten(info: &mut Info, range: Range<usize>, step: &str) {
    let (start, n_samples) = (range.start as i64, range.len());
    if let Some(triggers) = &mut info.triggers {
        let is_within = |sample: i64| (0..n_samples as i64).contains(&(sample - start));
        let n_before = triggers.samples.len();
        if let Some(fractions) = &mut triggers.fractions {
            let mut samples = triggers.samples.iter();
            fractions.retain(|_| samples.next().is_some_and(|sample| is_within(*sample)));
        }
        triggers.samples.retain(|sample| is_within(*sample));
        triggers.samples.iter_mut().for_each(|sample| *sample -= start);
        let n_dropped = n_before - triggers.samples.len();
        if n_dropped > 0 {
            info.warnings.push(format!("{step} dropped {n_dropped} of {n_before} triggers outside of what it keeps"));
        }
    }
    let (start_s, length_s) = (range.start as f64 / info.sfreq_hz, n_samples as f64 / info.sfreq_hz);
    info.annotations.iter_mut().for_each(|annotation| annotation.onset_s -= start_s);
    info.annotations
        .retain(|annotation| annotation.onset_s + annotation.duration_s >= 0.0 && annotation.onset_s < length_s);
    info.start_s += start_s;
    info.n_samples = n_samples;
}

fn seconds(time: Option<f64>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), |seconds| format!("{seconds} s"))
}
