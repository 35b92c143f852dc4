//! What the workers of a call may do, as plain data. Enforced by the supervisor.
//!
//! | limit | watched by | how often | what follows |
//! |---|---|---|---|
//! | `time`, `time_percent` | the calling thread | every 20 ms, or when it is up | SIGTERM, SIGKILL; the item fails |
//! | `memory` | the kernel | at each request for memory | the request fails, as a rule with an abort; the item fails |
//! | `recycle_after` | the calling thread | before each frame | a new worker; no item fails |
//! | `recycle_above` | the worker, for its caller | after a frame, 10 ms apart | a new worker; no item fails |
//! | `at_most_once` | the calling thread | at each frame and each death | frames of one item, one at a time |
//!
//! An item that fails of a limit of time or memory is not begun a second time by this mode, as its cause is certain; a
//! [`Job`](crate::Job) with retries may do so.

use std::time::Duration;

use crate::config_error::ConfigError;
use crate::encoding::Format;

/// What the workers of a call may do; `None` is no limit. Checked by [`Limits::check`].
///
/// `Copy` and comparable, so that a mode can be kept and used for several calls; nothing of a call is stored in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    /// How long one attempt at an item may take.
    ///
    /// Counted from the begin of the item's function in the worker. Its decoding is timed on its own, and the making of
    /// a state is not.
    pub(crate) time: Option<Duration>,
    /// In percent of the median time of the last items.
    pub(crate) time_percent: Option<u32>,
    /// The time between SIGTERM and SIGKILL.
    ///
    /// 50 ms where it is not set.
    pub(crate) grace: Option<Duration>,
    /// In bytes, shared memory not counted.
    pub(crate) memory: Option<u64>,
    /// In items.
    ///
    /// Over all calls that the worker has served, so an idle worker that reached it is not taken for a call.
    pub(crate) recycle_after: Option<usize>,
    /// In bytes, shared memory not counted.
    pub(crate) recycle_above: Option<u64>,
    /// Whether an item whose worker died fails at once.
    pub(crate) at_most_once: bool,
    /// How values travel. No limit, and nothing to watch.
    pub(crate) format: Format,
}

impl Limits {
    /// Refuses limits under which nothing can run.
    ///
    /// Called before the process's role is asked for, so a wrong limit is named first. Only zeros are refused: whether
    /// a limit is too small for the items is not known here.
    ///
    /// # Errors
    /// With a text that names the limit and what to use instead.
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
