//! Backends: what they are given, what they report, and the serial one, which is the meaning of all the others.
//!
//! The contract of a backend:
//! - each position below the fence is reported exactly once, as part of one [`ChunkReport`], and once more each time that the
//!   gatherer wants it begun again;
//! - nothing at or beyond the limit is begun; who has nothing else to hand out reports that nothing is done, if that may help;
//! - a chunk's values are written, or its failures reported, for exactly the positions that it says it has done;
//! - when it returns, nothing that it started is alive, but threads and processes that are kept and wait for a next call;
//! - a panic becomes the failure of its own item and of no other;
//! - a stop ends it after the items in hand; processes are not waited for whose items nobody wants any more.
//!
//! A backend has no policy: it draws nothing, reads no configuration, and decides nothing about failures.

pub(crate) mod amounts;
pub(crate) mod dispatcher;
pub(crate) mod item_time;
pub(crate) mod items;
pub(crate) mod mode;
pub(crate) mod plan;
#[cfg(feature = "processes")]
pub(crate) mod process;
pub(crate) mod retry_queue;
pub(crate) mod serial;
pub(crate) mod task;
pub(crate) mod thread_pool;
pub(crate) mod threads;
pub(crate) mod worker_loop;

use std::mem::MaybeUninit;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::items::Items;
use crate::backend::plan::Plan;
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::outcome::{Cause, WorkerExit};
use crate::primitives::cancel::CancelToken;
use crate::progress::RunStatus;
use crate::record::Timing;

/// What a backend needs to know of a run.
#[derive(Debug)]
pub struct RunContext<'a, T, K> {
    pub(crate) items: Items<'a, T>,
    pub(crate) task: &'a K,
    pub(crate) plan: &'a Plan,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) budget: Budget,
    /// What calls nested in an item's function inherit.
    pub(crate) config: &'a Arc<ParallelConfig>,
    /// Is told what is in hand, where somebody looks.
    pub(crate) watch: Option<&'a RunStatus>,
}

/// The most threads that the process keeps of its own accord. A call from outside may ask for more, a nested one not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) computing: NonZeroUsize,
    pub(crate) waiting: NonZeroUsize,
}

/// Where values go: into slots of the output that the caller gave, or along with their chunk's report.
#[derive(Debug)]
pub enum Output<'out, R> {
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
            Items::Stream(stock) => {
                let (mut show, mut shown) = (Some(show), None);
                stock.lend(position, 1, &mut |items| shown = show.take().map(|show| show(&items[0])));
                shown.expect("a stock shows what it lends")
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
    /// The how-manieth time its items are begun: 1, or more for those that are tried again.
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
pub struct ChunkReport<R, E> {
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
    pub(crate) notes: Vec<WorkerEvent>,
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
            notes: Vec::new(),
        }
    }
}

/// What happened to a worker process during a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerEvent {
    /// One died, with this position in hand.
    Lost { worker: u32, position: Option<usize>, attempt: u32, ending: WorkerExit },
    /// One was replaced on purpose.
    Recycled { worker: u32 },
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
pub struct Verdict {
    /// The first position that is not to be run any more.
    pub(crate) fence: usize,
    /// Positions from here on are not to be begun yet.
    pub(crate) limit: usize,
    /// Whether a report that nothing is done can move the limit: there may be items that nobody has asked for.
    pub(crate) may_grow: bool,
    /// Failed positions that are to be begun again.
    pub(crate) again: Vec<RetryRequest>,
}

/// A failed position that is to be begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryRequest {
    pub(crate) position: usize,
    /// The how-manieth attempt that will be.
    pub(crate) attempt: u32,
    /// How long it is to be left alone before.
    pub(crate) after: Duration,
}

/// The gatherer, as a backend sees it: takes a chunk, says how to go on. Runs in the calling thread. Never unwinds.
pub(crate) type ReportSink<'g, R, E> = dyn FnMut(ChunkReport<R, E>) -> Verdict + 'g;

/// What a backend says at its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BackendStats {
    /// The workers that took part, at one time.
    pub(crate) workers: usize,
    /// The workers that died in the call.
    pub(crate) lost: usize,
    /// The workers that were replaced on purpose.
    pub(crate) recycled: usize,
}

/// Why a call has no outcome.
#[derive(Debug, PartialEq, Eq)]
pub enum BackendError {
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
