//! Where the artifacts of a recording lie, for steps that take them one by one.

use crate::{EegError, EegResult, Info};

/// The artifacts' places. Some may lie outside of the recording in part or as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Epochs {
    /// The first sample of each, in the order of the triggers.
    pub(super) starts: Vec<i64>,
    /// How many samples each has; at least one.
    pub(super) length: usize,
}

impl Epochs {
    /// Those that begin at the triggers plus an offset.
    ///
    /// # Errors
    /// [`EegError::Triggers`] where there are none, or where the length of the artifact is not known.
    pub(super) fn at_triggers(info: &Info, offset: i64, step: &str) -> EegResult<Self> {
        let triggers = info.required_triggers(step)?;
        let length = triggers.artifact_length.filter(|length| *length > 0).ok_or_else(|| {
            let n_triggers = triggers.samples.len();
            EegError::Triggers(format!(
                "step {step:?} needs the artifact's length, and {n_triggers} triggers do not give it; \
                 set artifact_length, or find at least two triggers"
            ))
        })?;
        let starts = triggers.samples.iter().map(|trigger| trigger.saturating_add(offset)).collect();
        Ok(Self { starts, length })
    }

    /// The samples of the epoch that begins here, where all of them are within `n_samples`.
    pub(super) fn whole(&self, start: i64, n_samples: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(self.length)?;
        (end <= n_samples).then_some(start..end)
    }
}
