//! What the workers of a call may do, as plain data. Enforced by the supervisor.

use std::time::Duration;

use crate::config_error::ConfigError;

/// What the workers of a call may do; `None` is no limit. Checked by [`Limits::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    /// How long one attempt at an item may take.
    pub(crate) time: Option<Duration>,
    /// In percent of the median time of the last items.
    pub(crate) time_percent: Option<u32>,
    /// The time between SIGTERM and SIGKILL.
    pub(crate) grace: Option<Duration>,
    /// In bytes, shared memory not counted.
    pub(crate) memory: Option<u64>,
    /// In items.
    pub(crate) recycle_after: Option<usize>,
    /// In bytes, shared memory not counted.
    pub(crate) recycle_above: Option<u64>,
    /// Whether an item whose worker died fails at once.
    pub(crate) at_most_once: bool,
}

impl Limits {
    /// Refuses limits under which nothing can run.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let zero = match self {
            Self { time: Some(Duration::ZERO), .. } => "a time limit of 0 asked for; give items some time",
            Self { time_percent: Some(0), .. } => "a time limit of 0 percent asked for; use 100 or more",
            Self { memory: Some(0), .. } => "a memory limit of 0 bytes asked for; give workers some memory",
            Self { recycle_after: Some(0), .. } => "workers recycled after 0 items asked for; use 1 or more",
            Self { recycle_above: Some(0), .. } => {
                "workers recycled above 0 bytes asked for; use more than they begin with"
            }
            _ => return Ok(()),
        };
        Err(ConfigError::new(zero))
    }
}
