//! Whether a pipeline can run, before anything runs.

use super::Pipeline;
use crate::{EegError, EegResult, Info, Phase, Processor};

impl<P: Processor> Pipeline<P> {
    /// Walks through the steps as they would run, without samples: each must get what it needs from the recording or from a step
    /// before it, and its settings must fit the rate, the length and the channels that the recording then has.
    ///
    /// # Errors
    /// [`EegError::Missing`] for a step that needs what is not there, with the way out; or the step's own error for its settings.
    pub fn check(&self, recording: &Info) -> EegResult<()> {
        if !recording.artifact_offset_s.is_finite() {
            let offset_s = recording.artifact_offset_s;
            return Err(EegError::Recording(format!("artifact_offset_s = {offset_s}: it must be a number of seconds")));
        }
        let mut info = recording.clone();
        let mut has = Has { triggers: info.triggers.is_some(), noise: info.keeps_noise };
        for (idx, step) in self.steps().iter().enumerate() {
            has.require(idx + 1, step)?;
            step.check(&info)?;
            for (phase, kind) in step.phases().into_iter().enumerate() {
                if kind == Phase::Channels {
                    step.update_info(phase, &mut info)?;
                }
            }
            if step.gives_triggers() {
                has.triggers = true;
                info.triggers = None; // known only once the step has run
            }
            has.noise |= step.gives_noise();
        }
        Ok(())
    }
}

impl<P: Processor> Pipeline<P> {
    /// The most bytes that the samples take at any time, with the noise where a step needs it, if all are in memory at once.
    ///
    /// # Errors
    /// As for [`Pipeline::check`].
    pub fn sample_bytes(&self, recording: &Info) -> EegResult<u64> {
        let mut info = recording.clone();
        let mut most = info.n_samples;
        for step in self.steps() {
            for (phase, kind) in step.phases().into_iter().enumerate() {
                if kind == Phase::Channels {
                    step.update_info(phase, &mut info)?;
                    most = most.max(info.n_samples);
                }
            }
        }
        let n_rows = if self.steps().iter().any(|step| step.needs().noise) { 2 } else { 1 };
        let n_values = (most as u64).saturating_mul(info.channels.len() as u64).saturating_mul(n_rows);
        Ok(n_values.saturating_mul(size_of::<f64>() as u64))
    }
}

/// What there is before a step.
struct Has {
    triggers: bool,
    noise: bool,
}

impl Has {
    fn require(&self, position: usize, step: &impl Processor) -> EegResult<()> {
        let missing = |what: &str, way_out: &str| {
            let (what, way_out) = (what.to_owned(), way_out.to_owned());
            Err(EegError::Missing { position, step: step.name().to_owned(), what, way_out })
        };
        let needs = step.needs();
        if needs.triggers && !self.triggers {
            return missing(
                "triggers",
                "put the step \"triggers\" before it (in commands: --triggers REGEX), or give the recording triggers",
            );
        }
        if needs.noise && !self.noise {
            return missing("the noise that a corrector subtracts", "put the step \"aas\" or \"obs\" before it");
        }
        Ok(())
    }
}
