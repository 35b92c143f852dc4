//! What the summary says about a run besides its items. Plain data, which the run fills in at its end.

use std::time::Duration;

use crate::primitives::cancel::CancelReason;
use crate::sync::SystemTime;

/// What the summary says about a run as a whole.
#[derive(Debug, Clone)]
pub(crate) struct RunFacts<'a> {
    pub(crate) totals: RunTotals,
    /// The name of the mode.
    pub(crate) mode: &'a str,
    pub(crate) begun: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) ended_by: EndedBy,
    /// Whether every item of the input has a value or a failure.
    pub(crate) is_whole: bool,
    pub(crate) retries: u64,
    /// The most memory that the calling process ever had, in bytes.
    pub(crate) peak_memory: Option<u64>,
    pub(crate) serial: Option<SerialSample>,
}

/// Counts and times of a run, as its end gives them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunTotals {
    /// All items of the call.
    pub(crate) n_items: usize,
    /// Items without a value or a failure.
    pub(crate) n_unfinished: usize,
    pub(crate) n_workers: usize,
    pub(crate) lost_workers: usize,
    pub(crate) recycled_workers: usize,
    /// Time that passed.
    pub(crate) wall: Duration,
    /// Time that workers spent in the function, summed up.
    pub(crate) busy: Duration,
}

/// Items that ran one after the other before the workers began. They are part of the run, its items and its wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SerialSample {
    pub(crate) n_items: usize,
    pub(crate) elapsed: Duration,
}

/// Why a run ended.
///
/// Of several reasons the run names one, in this order: panic, fault, cancellation, failures, callback, last item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// All items were done.
    LastItem,
    /// Too many items failed.
    Failures,
    Cancelled(CancelReason),
    /// The callback for results asked to stop.
    Callback,
    /// An error of the run: the journal refused an item, or a worker could not be prepared.
    Fault,
    /// A callback or an iterator of the program panicked.
    Panic,
}

impl EndedBy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::LastItem => "last_item",
            Self::Failures => "failures",
            Self::Cancelled(CancelReason::Requested) => "cancelled",
            Self::Cancelled(CancelReason::Deadline) => "deadline",
            Self::Callback => "callback",
            Self::Fault => "fault",
            Self::Panic => "panic",
        }
    }
}
