//! Principal components as FACETpy 2.0.2 has them, for parity alone: this keeps the artifact.
//!
//! The epochs of a channel, each brought to mean 0 and spread 1, are approximated by their k strongest components. The *rest* is
//! subtracted from the signal, so the strongest components, which are the artifact, stay. [`Obs`](super::Obs) removes artifacts.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::about::{Described, ParameterAbout, StepAbout};
use super::epochs::Epochs;
use crate::dsp::svd::{Column, Columns, LowRank, Rank};
use crate::{ChannelContext, ChannelData, EegError, EegResult, Info, Needs, Processor};

/// Epochs whose variance is not above this are left out, in V².
const LEAST_VARIANCE: f64 = 1e-12;

/// How many components.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Components {
    /// This many; at least one is used, and at most as many as there are.
    Count(usize),
    /// As many as explain this share of the variance, above 0 and at most 1.
    Share(f64),
}

/// Principal components, for parity with FACETpy alone: the artifact stays. To remove it, use [`Obs`](super::Obs) or
/// [`Aas`](super::Aas).
///
/// ```
/// use eeg_artifact::Step;
/// use serde_json::json;
///
/// assert!(Step::from_json("pca", &json!({ "n_components": 3 })).is_ok());
/// assert!(Step::from_json("pca", &json!({ "n_components": 0.95 })).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pca {
    /// How many components are kept.
    pub n_components: Components,
}

impl Described for Pca {
    const ABOUT: StepAbout = StepAbout {
        name: "pca",
        about: "Keeps the strongest principal components of the artifacts and subtracts the rest. It does NOT remove the artifact: \
                it is here for parity with FACETpy only. Use obs or aas to remove artifacts.",
        parallel_safe: true,
        parameters: &[ParameterAbout::optional(
            "n_components",
            "0.95",
            "How many components are kept: a count, or the share of variance that they explain together, at most 1.0.",
        )],
    };
}

impl Processor for Pca {
    fn name(&self) -> &str {
        Self::ABOUT.name
    }

    fn needs(&self) -> Needs {
        Needs::TRIGGERS
    }

    fn gives_noise(&self) -> bool {
        true
    }

    fn check(&self, _: &Info) -> EegResult<()> {
        match self.n_components {
            Components::Share(share) if !(share > 0.0 && share <= 1.0) => {
                let reason = "a share must be above 0 and at most 1.0; give a count as a whole number of at least 0";
                Err(EegError::parameter(self.name(), "n_components", format!("{share:?}"), reason))
            }
            _ => Ok(()),
        }
    }

    fn process_channel(&self, at: &ChannelContext<'_>, data: &mut ChannelData) -> EegResult<()> {
        let length = Epochs::at_triggers(at.info, 0, self.name())?.length;
        let n_samples = data.samples.len();
        if length > n_samples {
            let reason =
                format!("artifacts of {length} samples in a recording of {n_samples}; set a smaller artifact_length");
            return Err(EegError::Triggers(reason));
        }
        // Trigger plus a tenth of the length; the offset of the artifact plays no part in the reference.
        let epochs = Epochs::at_triggers(at.info, (0.1 * length as f64) as i64, self.name())?;
        let window = window(at.info, length, n_samples);
        let rest = self.rest(&data.samples[..window.end], window.start, &epochs);
        if rest.iter().all(|value| *value == 0.0) {
            data.warn(self.name(), "nothing was changed: fewer than two epochs can be used");
        }
        if !data.samples.iter().all(|sample| sample.is_finite()) {
            data.warn(self.name(), "some samples are not finite numbers; their epochs were not used");
        }
        data.samples[window.clone()].iter_mut().zip(&rest).for_each(|(sample, rest)| *sample -= rest);
        if let Some(noise) = data.noise_to_add_to(at.info.keeps_noise) {
            noise[window].iter_mut().zip(&rest).for_each(|(noise, rest)| *noise += rest);
        }
        Ok(())
    }
}

impl Default for Pca {
    fn default() -> Self {
        Self { n_components: Components::Share(0.95) }
    }
}

impl Pca {
    fn rank(&self) -> Rank {
        match self.n_components {
            Components::Count(count) => Rank::Count(count.max(1)),
            Components::Share(share) => Rank::Share(share),
        }
    }

    /// What the components do not explain, from sample `from` to the end of `samples`; zero outside of the epochs. Where epochs
    /// overlap, the later one counts.
    fn rest(&self, samples: &[f64], from: usize, epochs: &Epochs) -> Vec<f64> {
        let mut rest = vec![0.0; samples.len() - from];
        let all: Vec<Option<Column<'_>>> = epochs.starts.iter().map(|start| column(samples, *start, epochs)).collect();
        let mut taken = Vec::new();
        let mut places = Vec::new();
        for (column, start) in all.into_iter().zip(&epochs.starts) {
            let Some(start) = usize::try_from(*start).ok().filter(|start| (from..samples.len()).contains(start)) else {
                continue;
            };
            places.push((start, column.is_some().then_some(taken.len())));
            taken.extend(column);
        }
        if taken.len() < 2 {
            return rest;
        }
        let scales: Vec<(f64, f64)> = taken.iter().map(|column| (column.shift, column.scale)).collect();
        let low = Columns::new(taken, vec![0.0; epochs.length]).low_rank(self.rank());
        for (start, column) in places {
            let end = samples.len().min(start.saturating_add(epochs.length));
            let place = &mut rest[start - from..end - from];
            match column {
                Some(column) => write_rest(&samples[start..end], &low, column, scales[column], place),
                None => place.fill(0.0),
            }
        }
        rest
    }
}

/// From the first trigger less a length to the last one plus a length, within the recording.
fn window(info: &Info, length: usize, n_samples: usize) -> Range<usize> {
    let triggers = info.triggers.iter().flat_map(|triggers| triggers.samples.iter().copied());
    let (first, last) = triggers.fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(t), last.max(t)));
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let within = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(n_samples);
    let end = within(last.saturating_add(length));
    within(first.saturating_sub(length)).min(end)..end
}

/// The epoch that begins here, with zeros beyond the end; none where its variance is too small.
fn column<'a>(samples: &'a [f64], start: i64, epochs: &Epochs) -> Option<Column<'a>> {
    let start_idx = usize::try_from(start).ok().filter(|start| *start < samples.len())?;
    let samples = match epochs.whole(start, samples.len()) {
        Some(range) => Cow::Borrowed(&samples[range]),
        None => {
            let mut filled = samples[start_idx..].to_vec();
            filled.resize(epochs.length, 0.0);
            Cow::Owned(filled)
        }
    };
    let n = samples.len() as f64;
    let shift = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|sample| (sample - shift) * (sample - shift)).sum::<f64>() / n;
    // NaN is not above it either.
    (variance > LEAST_VARIANCE && variance.is_finite()).then(|| Column { samples, shift, scale: 1.0 / variance.sqrt() })
}

/// The samples less what the components explain of them, in volts.
fn write_rest(samples: &[f64], low: &LowRank, column: usize, (shift, scale): (f64, f64), rest: &mut [f64]) {
    rest.iter_mut().zip(samples).for_each(|(rest, sample)| *rest = sample - shift);
    low.add_column(column, -1.0 / scale, rest);
}
