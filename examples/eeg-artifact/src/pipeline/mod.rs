//! Steps in order, checked before anything runs, and run stage by stage.
//!
//! Consecutive phases over channels are one stage: a channel is taken from the store once and passes through all of them. A phase of
//! the whole recording runs between two stages. What a phase changes about the recording is known before the stage begins, so no
//! channel waits for another.

mod check;
mod executor;
mod own;
mod stage;

pub use executor::{Executor, SerialExecutor};
pub use own::StepOr;
pub use stage::{ChannelWork, Stage, StageFailure};

use stage::StagePhase;

use crate::{EegResult, Phase, Processor, Recording, Step};

/// Steps in order. [`Step`] has the steps of this crate; a program with steps of its own makes a type of both, see
/// `examples/own_processor.rs`.
///
/// ```
/// use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step};
///
/// let channels = vec![Channel::new("Cz", ChannelKind::Eeg)];
/// let mut recording = Recording::new(250.0, channels, vec![vec![1.0; 2000]])?;
/// let pipeline = Pipeline::new([Step::from_json("highpass", &serde_json::json!({ "freq": 1.0 }))?]);
/// pipeline.run(&mut recording, &SerialExecutor)?;
/// assert!(recording.samples(0)?.iter().all(|sample| sample.abs() < 1e-9));
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline<P = Step> {
    steps: Vec<P>,
}

impl<P: Processor> Pipeline<P> {
    /// These steps, in this order.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = P>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[P] {
        &self.steps
    }

    /// Checks the pipeline against the recording, and then runs it. After an error the recording is of no use.
    ///
    /// # Errors
    /// What [`Pipeline::check`] finds, before anything runs; later, the error of the first channel that failed or of a phase of the whole.
    pub fn run<E: Executor>(&self, recording: &mut Recording, executor: &E) -> EegResult<()> {
        self.check(recording.info())?;
        if self.steps.iter().any(|step| step.needs().noise) {
            recording.info_mut().keeps_noise = true;
        }
        let has_own_files = recording.rows().folder().is_some();
        let mut pending: Vec<(&P, usize)> = Vec::new();
        for step in &self.steps {
            for (phase, kind) in step.phases().into_iter().enumerate() {
                match kind {
                    Phase::Channels => pending.push((step, phase)),
                    Phase::Whole => {
                        run_channels(&std::mem::take(&mut pending), recording, executor)?;
                        if phase == 0 {
                            step.check(recording.info())?;
                        }
                        step.process_whole(phase, recording)?;
                    }
                }
            }
        }
        run_channels(&pending, recording, executor)?;
        gather_warnings(recording)?;
        if has_own_files { Ok(()) } else { recording.move_to_memory() }
    }
}

/// Adds what steps warned of on single channels to the warnings of the recording; those of earlier pipelines are there already.
fn gather_warnings(recording: &mut Recording) -> EegResult<()> {
    let names: Vec<String> = recording.info().channels.iter().map(|channel| channel.name.clone()).collect();
    for (row, name) in names.iter().enumerate() {
        for finding in recording.rows().findings(row)? {
            let Some(what) = finding.warning() else { continue };
            let warning = format!("{} on channel {name:?}: {what}", finding.step);
            if !recording.info().warnings.contains(&warning) {
                recording.info_mut().warnings.push(warning);
            }
        }
    }
    Ok(())
}

/// Passes all channels through these phases.
fn run_channels<P: Processor, E: Executor>(
    phases: &[(&P, usize)],
    recording: &mut Recording,
    executor: &E,
) -> EegResult<()> {
    let mut info = recording.info().clone();
    let mut work = ChannelWork { phases: Vec::with_capacity(phases.len()) };
    for (step, phase) in phases {
        // Later phases find what the first ones of their step have made of the recording.
        if *phase == 0 {
            step.check(&info)?;
        }
        work.phases.push(StagePhase { step: (*step).clone(), phase: *phase, info: info.clone() });
        step.update_info(*phase, &mut info)?;
    }
    let channels = work.channels();
    if !channels.is_empty() {
        if executor.needs_files() {
            recording.rows_mut().move_to_scratch()?;
        }
        let stage = Stage { work, rows: recording.rows(), channels: channels.clone() };
        let failures = executor.run_stage(&stage);
        if let Some(failure) = failures.into_iter().min_by_key(|failure| failure.channel) {
            return Err(failure.error);
        }
        recording.rows_mut().replace(&channels)?;
    }
    *recording.info_mut() = info;
    Ok(())
}
