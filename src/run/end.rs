//! How a run ended. Plain data.

use crate::error::Error;
use crate::outcome::Past;
use crate::primitives::cancel::CancelReason;
use crate::tally::Tally;

/// What the gatherer knows at the end of a run.
#[derive(Debug)]
pub(crate) struct RunEnd {
    pub(crate) tally: Tally,
    /// The first position that a serial run would not have run.
    pub(crate) fence: usize,
    /// Whether failures ended the run.
    pub(crate) has_stopped: bool,
    /// Whether the program's callback ended the run.
    pub(crate) is_broken_off: bool,
    pub(crate) cancelled: Option<CancelReason>,
}

/// Tally, resumed items and non-fatal errors of a run.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    pub(crate) tally: Tally,
    pub(crate) past: Past,
    pub(crate) warnings: Vec<Error>,
}
