//! How a run ended: [`RunEnd`] from the gatherer, [`RunReport`] after journal and report are closed. Plain data.
//!
//! The order is: backend returns, [`RunEnd`], journal and report are closed, [`RunReport`], panic of the caller if
//! there was one, outcome. A `RunEnd` is what the report on disk is written from; a `RunReport` is what the caller
//! gets.

use crate::error::Error;
use crate::outcome::Past;
use crate::primitives::cancel::CancelReason;
use crate::run::drop_panics::DropPanics;
use crate::tally::Tally;

/// The gatherer's account of a run that has ended.
///
/// More than one of its three causes can be true: a run whose callback breaks may also have been cancelled.
/// `persistence.rs` picks one of them for the report, and there a cancellation comes before failures, and failures
/// before a break.
#[derive(Debug)]
pub(crate) struct RunEnd {
    pub(crate) tally: Tally,
    /// The first position that a serial run would not have run.
    pub(crate) fence: usize,
    /// Whether failures ended the run.
    ///
    /// True also when the failed item was the last but one and all others had been finished: what counts is that a
    /// serial run would have left an item out.
    pub(crate) has_stopped: bool,
    /// Whether the caller's callback ended the run.
    ///
    /// A panic of one of the caller's closures sets it too.
    pub(crate) is_aborted: bool,
    pub(crate) cancelled: Option<CancelReason>,
    /// Destructors that panicked. They become warnings.
    pub(crate) drop_panics: DropPanics,
}

/// What ended a run before its items, its callback or a cancellation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlyEnd {
    /// An error of the run: the state of a worker could not be made, or the journal refused an item.
    Fault,
    /// A closure of the program panicked.
    Panic,
}

impl RunEnd {
    /// The end of a run of a slice while its items are looked up, before any of them runs.
    pub(crate) fn before_items(n_items: usize, past: &Past) -> Self {
        let (resumed, done_before) = (past.resumed.len(), past.done_before.len());
        let cancelled = n_items - resumed - done_before;
        let tally = Tally { items: n_items, resumed, done_before, cancelled, ..Tally::default() };
        let drop_panics = DropPanics::default();
        Self { tally, fence: 0, has_stopped: false, is_aborted: false, cancelled: None, drop_panics }
    }
}

/// Tally, resumed items and non-fatal errors of a run.
///
/// Its counts are of delivered results. The warnings are a value that could not be encoded (the first one only), a
/// journal that could not be closed, a report that could not be written, and destructors that panicked.
#[derive(Debug, Default)]
pub(crate) struct RunReport {
    pub(crate) tally: Tally,
    pub(crate) past: Past,
    pub(crate) warnings: Vec<Error>,
}

impl RunReport {
    /// Makes events of the warnings, of a run that has no outcome to hold them.
    pub(crate) fn log_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!(%warning, "a run without an outcome has a warning");
        }
    }
}
