//! How a run ended: [`RunEnd`] from the gatherer, [`RunReport`] after journal and report are closed. Plain data.

use crate::error::Error;
use crate::outcome::Past;
use crate::primitives::cancel::CancelReason;
use crate::tally::Tally;

/// The gatherer's account of a run that has ended.
#[derive(Debug)]
pub(crate) struct RunEnd {
    pub(crate) tally: Tally,
    /// The first position that a serial run would not have run.
    pub(crate) fence: usize,
    /// Whether failures ended the run.
    pub(crate) has_stopped: bool,
    /// Whether the caller's callback ended the run.
    pub(crate) is_aborted: bool,
    pub(crate) cancelled: Option<CancelReason>,
}

/// Tally, resumed items and non-fatal errors of a run.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    pub(crate) tally: Tally,
    pub(crate) past: Past,
    pub(crate) warnings: Vec<Error>,
}
