//! What can be wrong with a recording, a pipeline or a setting: each error names the value and what to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A result whose error is an [`EegError`].
pub type EegResult<T> = Result<T, EegError>;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum EegError {
    /// A recording cannot be what it claims: no channels, rows of unlike lengths, two channels of one name, a rate of zero.
    #[error("the recording cannot be used: {0}")]
    Recording(String),
    /// A file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A step of this name does not exist.
    #[error("there is no step {name:?}; {}", suggestion(nearest.as_deref(), "`eeg-artifact steps` lists all"))]
    UnknownStep {
        /// What was asked for.
        name: String,
        /// The step whose name is most alike, where one is.
        nearest: Option<String>,
    },
    /// A step has no parameter of this name.
    #[error("step {step:?} has no parameter {name:?}; {}", suggestion(nearest.as_deref(), &format!("it has {known}")))]
    UnknownParameter {
        /// The step.
        step: String,
        /// What was asked for.
        name: String,
        /// The parameter whose name is most alike, where one is.
        nearest: Option<String>,
        /// All that it has.
        known: String,
    },
    /// A parameter of a step has a value that cannot be used.
    #[error("step {step:?}: {parameter} = {value}: {reason}")]
    Parameter {
        /// The step.
        step: String,
        /// The parameter.
        parameter: String,
        /// Its value, as text.
        value: String,
        /// Why not, and the way out.
        reason: String,
    },
    /// A step needs what no earlier step gives.
    #[error("step {position} ({step}) needs {what}: {way_out}")]
    Missing {
        /// Its place in the pipeline, from 1.
        position: usize,
        /// The step.
        step: String,
        /// What is missing, such as `triggers`.
        what: String,
        /// The way out.
        way_out: String,
    },
    /// The triggers do not fit the step or the recording.
    #[error("triggers: {0}")]
    Triggers(String),
    /// A channel cannot be processed.
    #[error("channel {channel:?}: {reason}")]
    Channel {
        /// Its name.
        channel: String,
        /// Why not, and the way out.
        reason: String,
    },
    /// The work on a channel was lost: a panic, a worker process that died, a cancellation.
    #[error("the work on channel {channel:?} was lost: {reason}")]
    Lost {
        /// Its name.
        channel: String,
        /// What happened.
        reason: String,
    },
    /// The run was cancelled before all channels were processed.
    #[error("cancelled before the work was finished")]
    Cancelled,
}

impl EegError {
    /// A parameter whose value cannot be used.
    pub fn parameter(step: &str, parameter: &str, value: impl ToString, reason: impl Into<String>) -> Self {
        Self::Parameter {
            step: step.to_owned(),
            parameter: parameter.to_owned(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }

    /// A channel that cannot be processed.
    pub fn channel(channel: &str, reason: impl Into<String>) -> Self {
        Self::Channel { channel: channel.to_owned(), reason: reason.into() }
    }

    /// A file that cannot be read or written.
    pub fn file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::File { path: path.into(), reason: reason.to_string() }
    }
}

fn suggestion(nearest: Option<&str>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |name| format!("did you mean {name:?}?"))
}
