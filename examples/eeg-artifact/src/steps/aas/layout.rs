//! Where the artifacts lie in a channel: triggers, offset and length, checked against the recording.

use std::ops::Range;

use crate::{EegError, EegResult, Info};

/// Where the artifacts of a recording lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) triggers: &'a [i64],
    fractions: Option<&'a [f64]>,
    offset: i64,
    /// Samples of an artifact: above zero, and no more than the recording has.
    pub(super) length: usize,
    pub(super) n_samples: usize,
}

impl<'a> Layout<'a> {
    /// What the recording says, when it can be used.
    ///
    /// # Errors
    /// [`EegError::Triggers`] for fewer than two triggers, an artifact of no or unknown length or longer than the recording, or no
    /// artifact that begins inside of the recording.
    pub(super) fn of(info: &'a Info) -> EegResult<Self> {
        let triggers = info.required_triggers(super::STEP)?;
        let refuse = |reason: String| Err(EegError::Triggers(reason));
        if triggers.samples.len() < 2 {
            return refuse(
                "there is one trigger, and the mean of one artifact has all of its EEG; two are needed".to_owned(),
            );
        }
        let length = match triggers.artifact_length {
            Some(length) if length > info.n_samples => {
                let n_samples = info.n_samples;
                return refuse(format!("an artifact of {length} samples does not fit in a recording of {n_samples}"));
            }
            Some(length) if length > 0 => length,
            _ => {
                return refuse(
                    "the artifact's length is not known: no distance between triggers is above zero".to_owned(),
                );
            }
        };
        let layout = Self {
            triggers: &triggers.samples,
            fractions: triggers.fractions.as_deref(),
            offset: info.offset_samples(),
            length,
            n_samples: info.n_samples,
        };
        if layout.n_outside() == layout.n_epochs() {
            let (first, n_samples) = (triggers.samples[0], info.n_samples);
            return refuse(format!(
                "no artifact begins within the {n_samples} samples; the first trigger is at {first}"
            ));
        }
        Ok(layout)
    }

    pub(super) fn n_epochs(&self) -> usize {
        self.triggers.len()
    }

    /// How many artifacts do not begin in the recording.
    pub(super) fn n_outside(&self) -> usize {
        (0..self.n_epochs()).filter(|epoch| self.present(*epoch).is_empty()).count()
    }

    /// Where an artifact begins, in samples; not necessarily inside of the recording.
    pub(super) fn start(&self, epoch: usize) -> i64 {
        self.triggers[epoch].saturating_add(self.offset)
    }

    /// Where each artifact lies after its trigger, in samples, as far as that is known: zero otherwise.
    pub(super) fn shifts(&self) -> Vec<f64> {
        match self.fractions {
            Some(fractions) if fractions.len() == self.n_epochs() => fractions.to_vec(),
            _ => vec![0.0; self.n_epochs()],
        }
    }

    /// What is left of an artifact's shift beside whole samples.
    pub(super) fn fraction(&self, epoch: usize) -> f64 {
        self.fractions.and_then(|fractions| fractions.get(epoch)).copied().unwrap_or(0.0)
    }

    /// The samples of an artifact that are in the recording: none for one that begins before it.
    pub(super) fn present(&self, epoch: usize) -> Range<usize> {
        match usize::try_from(self.start(epoch)) {
            Ok(start) if start < self.n_samples => start..self.n_samples.min(start + self.length),
            _ => 0..0,
        }
    }
}
