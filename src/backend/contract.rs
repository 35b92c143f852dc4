//! The contract between a run and its backends: what a backend gets, what it reports, and what the run answers.
//!
//! - The backend reports each position below the fence exactly once, as part of one [`ChunkReport`], and once more for each
//!   [`RetryRequest`].
//! - It starts nothing at or beyond the limit. Where it has nothing else to run, it sends an empty report, if that may move
//!   the limit.
//! - It writes the value or reports the failure of exactly the positions that a report calls done.
//! - When it returns, nothing that it started is alive, except idle threads and processes that wait for a next call.
//! - A panic becomes the failure of its own item and of no other.
//! - A stop ends it after the items in hand; it does not wait for processes whose items are no longer wanted.
//!
//! A backend has no policy: it draws nothing, reads no configuration, and decides nothing about failures.

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::items::Items;
use crate::backend::plan::{Pace, Plan};
use crate::backend::task::Task;
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::failure::{Cause, WorkerExit};
use crate::primitives::cancel::CancelToken;
use crate::progress::RunStatus;
use crate::record::Timing;

/// A mode as the run sees it: what kind it is, and how it runs a task.
pub(crate) trait Backend<T, K: Task<T>> {
    /// Decides the number of workers.
    fn kind(&self) -> ModeKind;

    /// Runs all positions of the plan. Calls `sink` with each report, in the calling thread, and follows its verdict.
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError>;
}

/// The kind of a mode: which workers it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModeKind {
    /// The calling thread.
    Serial,
    /// Threads that compute.
    Threads,
    /// Threads that wait.
    IoThreads,
    /// Processes that compute.
    #[cfg(feature = "processes")]
    Processes,
}

impl ModeKind {
    /// The name of the mode, as a program or a user writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Threads => "threads",
            Self::IoThreads => "io",
            #[cfg(feature = "processes")]
            Self::Processes => "processes",
        }
    }
}

/// What a backend gets to know of a run.
#[derive(Debug)]
pub(crate) struct RunContext<'a, T, K> {
    pub(crate) items: Items<'a, T>,
    pub(crate) task: &'a K,
    pub(crate) plan: &'a Plan,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) budget: ThreadBudget,
    /// The config of calls nested in an item's function.
    pub(crate) config: &'a Arc<ParallelConfig>,
    /// Where workers note which items are in hand, if progress shows it.
    pub(crate) status: Option<&'a RunStatus>,
}

/// The most threads that the process keeps of its own accord. A call from outside may ask for more, a nested call may not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadBudget {
    pub(crate) computing: NonZeroUsize,
    pub(crate) waiting: NonZeroUsize,
}

/// Where values go: into slots of the output that the caller gave, or along with their chunk's report.
#[derive(Debug)]
pub(crate) enum Output<'out, R> {
    /// The slots that are not claimed yet. A claim takes its own off the front, so no two claims can overlap.
    Slots(&'out mut [MaybeUninit<R>]),
    /// Each chunk carries its values.
    InReports,
}

impl<T, K> RunContext<'_, T, K> {
    /// Shows the item at this position, which is stocked and not finished.
    #[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
    pub(crate) fn show_item<A>(&self, position: usize, show: impl FnOnce(&T) -> A) -> A {
        match self.items {
            Items::Slice(items) => show(&items[self.plan.index_of(position)]),
            Items::Stream(buffer) => {
                let (mut show, mut shown) = (Some(show), None);
                buffer.look_up(position, 1, &mut |items| shown = show.take().map(|show| show(&items[0])));
                shown.expect("an item that can be looked up is shown")
            }
        }
    }
}

impl<'out, R> Output<'out, R> {
    /// The output of the next `len` positions.
    pub(crate) fn split_off(&mut self, len: usize) -> Self {
        match self {
            Self::InReports => Self::InReports,
            Self::Slots(rest) => {
                let (claimed, left) = std::mem::take(rest).split_at_mut(len);
                *rest = left;
                Self::Slots(claimed)
            }
        }
    }
}

/// A contiguous range of positions, claimed by one worker.
#[derive(Debug)]
pub(crate) struct Claim<'out, R> {
    pub(crate) first: usize,
    pub(crate) len: usize,
    /// Attempt number, from 1.
    pub(crate) attempt: u32,
    pub(crate) output: Output<'out, R>,
}

impl<R> Claim<'_, R> {
    /// Leaves the last `len` positions.
    pub(crate) fn shorten_to(&mut self, len: usize) {
        let done = self.len - len;
        let _what_is_done = self.output.split_off(done);
        self.first += done;
        self.len = len;
    }
}

/// What became of a claim or its next part: the event that a backend reports.
#[derive(Debug)]
pub(crate) struct ChunkReport<R, E> {
    /// The first position.
    pub(crate) first: usize,
    /// How many positions from there on are done; fewer than claimed when the run was stopped, or when the rest comes in a chunk of
    /// its own.
    pub(crate) done: usize,
    /// With [`Output::InReports`]: the values of the done positions that did not fail, in order.
    pub(crate) values: Vec<R>,
    /// The done positions that have no value, in order.
    pub(crate) failures: Vec<PositionFailure<E>>,
    /// The done positions that were begun more than once, in order, and how often.
    pub(crate) tried: Vec<(usize, u32)>,
    /// How long the worker was at it.
    pub(crate) busy: Duration,
    /// Which worker that was.
    pub(crate) worker: Option<u32>,
    /// Where the plan [traces](Plan::traces) items: of each done position, in order. Empty elsewhere.
    pub(crate) timings: Vec<Timing>,
    /// The most memory that the worker was seen to have, in bytes.
    pub(crate) peak_memory: Option<u64>,
    /// What happened to workers meanwhile.
    pub(crate) events: Vec<WorkerEvent>,
}

impl<R, E> ChunkReport<R, E> {
    /// The report that nothing is done: of a backend that has nothing to hand out until it is told to go on.
    pub(crate) fn nothing() -> Self {
        Self::at(0)
    }

    /// A chunk from this position on, of which nothing is done yet.
    pub(crate) fn at(first: usize) -> Self {
        Self {
            first,
            done: 0,
            values: Vec::new(),
            failures: Vec::new(),
            tried: Vec::new(),
            busy: Duration::ZERO,
            worker: None,
            timings: Vec::new(),
            peak_memory: None,
            events: Vec::new(),
        }
    }

    /// How fast the worker was.
    pub(crate) fn pace(&self) -> Pace {
        Pace { items: self.done.max(1), time: self.busy }
    }
}

/// A position that has no value.
#[derive(Debug)]
pub(crate) struct PositionFailure<E> {
    pub(crate) position: usize,
    /// How often it was begun.
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) cause: Cause<E>,
}

/// What the gatherer answers to a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The first position that must not run any more.
    pub(crate) fence: usize,
    /// Positions from here on must not start yet.
    pub(crate) limit: usize,
    /// Whether an empty report can move the limit, because the input may have more items.
    pub(crate) may_grow: bool,
    /// Failed positions to run again.
    pub(crate) again: Vec<RetryRequest>,
}

/// A failed position to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryRequest {
    pub(crate) position: usize,
    /// The number of the new attempt: 2 or more.
    pub(crate) attempt: u32,
    /// How long it waits before that.
    pub(crate) after: Duration,
}

/// The gatherer, as a backend sees it: takes a chunk, says how to go on. Runs in the calling thread. Never unwinds.
pub(crate) type ReportSink<'g, R, E> = dyn FnMut(ChunkReport<R, E>) -> Verdict + 'g;

/// What a backend says at its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BackendStats {
    /// The workers that took part, at one time.
    pub(crate) workers: usize,
    /// The workers that died in the call.
    pub(crate) lost: usize,
    /// The workers that were replaced on purpose.
    pub(crate) recycled: usize,
}

/// Why a call has no outcome.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BackendError {
    /// A worker could not make its state, or drop it.
    State(String),
    /// The mode cannot be had on this system.
    #[cfg(feature = "processes")]
    Unsupported(String),
    /// The program is not prepared for the mode, or its settings cannot be.
    #[cfg(feature = "processes")]
    Unprepared(String),
    /// There was no worker to be had.
    #[cfg(feature = "processes")]
    Workers(String),
}

impl BackendError {
    /// What the caller is told.
    pub(crate) fn into_error<E>(self) -> Error<E> {
        match self {
            Self::State(message) => Error::worker_state(message),
            #[cfg(feature = "processes")]
            Self::Unsupported(message) => Error::unsupported(message),
            #[cfg(feature = "processes")]
            Self::Unprepared(message) => Error::config(message),
            #[cfg(feature = "processes")]
            Self::Workers(message) => Error::workers(message),
        }
    }
}

/// What happened to a worker, told along with a report.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerEvent {
    /// A worker died while it had this position in hand.
    Lost { worker: u32, position: Option<usize>, attempt: u32, ending: WorkerExit },
    /// A worker was replaced on purpose.
    Recycled { worker: u32 },
}
