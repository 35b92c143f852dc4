//! The contract between a run and its backends: what a backend receives, what it reports, and the verdicts it follows.
//!
//! - The backend reports each position below the fence exactly once, as part of one [`ChunkReport`], and once more for
//!   each [`RetryRequest`].
//! - It starts no position at or beyond the limit. When it has nothing else to run and the limit may move, it sends an
//!   empty report.
//! - It writes the value or reports the failure of exactly the positions that a report counts as done.
//! - When it returns, nothing that it started is alive, except idle threads and processes that are kept for the next
//!   call.
//! - A panic becomes the failure of its own item and of no other.
//! - A stop ends it after the items in hand; it does not wait for processes whose items are no longer wanted.
//!
//! A backend has no policy. Progress, configuration, retries and stops are left to `run/`.
//!
//! The way of one chunk, with the numbers of a run of 10 items whose item 6 fails and ends the run:
//!
//! ```text
//! worker            backend                         gatherer (calling thread)
//! claim 4..8   <--  positions 4..8, attempt 1
//! runs 4, 5, 6 -->  report first 4, done 3,    -->  judges: positions before 7 count
//!                   failures [6]
//!                   fence 10 -> 7              <--  verdict: fence 7, limit as before, nothing again
//! does not run 7    makes no further claim
//! ```
//!
//! Costs per report: one [`ChunkReport`] is moved, and its lists allocate only where they have entries. With
//! [`Output::Slots`], no failures and no traces a report therefore allocates nothing.

use std::fmt;
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
use crate::panics::OneByOne;
use crate::primitives::cancel::CancelToken;
use crate::progress::RunStatus;
use crate::record::Timing;
use crate::sync::ProcessMark;

/// A mode as the run sees it: its kind, and how it runs a task.
pub(crate) trait Backend<T, K: Task<T>> {
    /// The kind, from which the number of workers follows.
    fn kind(&self) -> ModeKind;

    /// Runs all positions of the plan. Calls `sink` with each report, in the calling thread, and follows its verdict.
    ///
    /// # Errors
    /// Only what ends the whole call: a worker's state that cannot be made or dropped, and a mode that cannot start its
    /// workers. Failures of items are part of the reports. After an error the run discards the values that were
    /// written.
    fn drive(
        &self,
        context: &RunContext<'_, T, K>,
        output: Output<'_, K::Output>,
        sink: &mut ReportSink<'_, K::Output, K::Error>,
    ) -> Result<BackendStats, BackendError>;
}

/// The kind of a mode, by the workers that it uses.
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
    /// The name of the mode, as it is parsed and displayed.
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

/// What a backend receives of a run. The same for all workers of the run.
#[derive(Debug)]
pub(crate) struct RunContext<'a, T, K> {
    pub(crate) items: Items<'a, T>,
    pub(crate) task: &'a K,
    pub(crate) plan: &'a Plan,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) budget: ThreadBudget,
    /// The config of calls that an item's function makes.
    pub(crate) config: &'a Arc<ParallelConfig>,
    /// The process that made the call.
    pub(crate) process: ProcessMark,
    /// Where workers record the items in hand, if progress shows them.
    pub(crate) status: Option<&'a RunStatus>,
}

/// The default number of threads of each pool. A top-level call may ask for more, a nested call may not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadBudget {
    pub(crate) computing: NonZeroUsize,
    pub(crate) waiting: NonZeroUsize,
}

/// Where values go: into slots of the caller's output, or into the report of their chunk.
#[derive(Debug)]
pub(crate) enum Output<'out, R> {
    /// The unclaimed slots. Each claim splits its own off the front, so no two claims can overlap.
    Slots(&'out mut [MaybeUninit<R>]),
    /// Each report carries its values.
    InReports,
}

impl<T, K> RunContext<'_, T, K> {
    /// Calls `show` with the item at this position, which has arrived and is not finished.
    #[cfg(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
    pub(crate) fn show_item<A>(&self, position: usize, show: impl FnOnce(&T) -> A) -> A {
        match self.items {
            Items::Slice(items) => show(&items[self.plan.index_of(position)]),
            Items::Stream(buffer) => {
                let (mut show, mut shown) = (Some(show), None);
                buffer.look_up(position, 1, &mut |items| shown = show.take().map(|show| show(&items[0])));
                shown.expect("look_up calls its closure at least once")
            }
        }
    }
}

impl<'out, R> Output<'out, R> {
    /// Splits off the output of the next `len` positions.
    ///
    /// Cost: two pointers are moved; nothing is allocated. Panics when fewer slots are left, which would be a claim
    /// beyond the end of the plan.
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
///
/// Invariant: with [`Output::Slots`], `output` has one slot for each of the `len` positions from `first` on.
#[derive(Debug)]
pub(crate) struct Claim<'out, R> {
    pub(crate) first: usize,
    pub(crate) len: usize,
    /// Attempt number, from 1.
    pub(crate) attempt: u32,
    pub(crate) output: Output<'out, R>,
}

impl<R> Claim<'_, R> {
    /// Keeps only the last `len` positions.
    ///
    /// The slots of the done positions are given up, so that they cannot be written a second time. With `len` 0 the
    /// claim is over. `len` is at most the claim's own.
    pub(crate) fn shorten_to(&mut self, len: usize) {
        let done = self.len - len;
        let _done_slots = self.output.split_off(done);
        self.first += done;
        self.len = len;
    }
}

/// The result of a claim or of its next part, as a backend reports it.
///
/// Invariant: positions `first..first + done` are done. Each has a value or an entry in `failures`, never both.
#[derive(Debug)]
pub(crate) struct ChunkReport<R, E> {
    /// The first position.
    pub(crate) first: usize,
    /// The number of done positions from there on. Fewer than claimed when the run was stopped, or when the rest
    /// follows in a chunk of its own.
    pub(crate) done: usize,
    /// With [`Output::InReports`]: the values of the done positions that did not fail, in order.
    pub(crate) values: OneByOne<R>,
    /// The done positions that have no value, in order.
    pub(crate) failures: OneByOne<PositionFailure<E>>,
    /// The done positions that ran more than once, in order, with their attempt numbers.
    pub(crate) tried: Vec<(usize, u32)>,
    /// How long the worker ran.
    pub(crate) busy: Duration,
    /// The number of the worker.
    pub(crate) worker: Option<u32>,
    /// One for each done position, in order, where the plan [traces](Plan::traces) items. Empty elsewhere.
    pub(crate) timings: Vec<Timing>,
    /// The largest memory use of the worker that was observed, in bytes.
    pub(crate) peak_memory: Option<u64>,
    /// What happened to workers since the last report.
    pub(crate) events: Vec<WorkerEvent>,
    /// Destructors of items, values and errors that panicked in a worker process since the last report.
    pub(crate) drop_panics: Vec<DropPanic>,
    /// Whether the backend has nothing left to run of what has come: in an empty report, that it is worth to wait a moment for
    /// input; in a report of the mode `Serial`, that the next item may be read once these results are delivered.
    pub(crate) may_wait: bool,
}

impl<R, E> ChunkReport<R, E> {
    /// An empty report. It asks for a new verdict while there is nothing to run.
    ///
    /// A backend sends it when all positions below the limit are claimed: the gatherer then delivers, reads more input,
    /// or finds the end. It counts as no chunk, so `apply_verdict` gets it with 0 chunks.
    pub(crate) fn nothing() -> Self {
        Self::at(0)
    }

    /// An empty report of a backend whose workers have nothing to run: the gatherer may wait some milliseconds for an item.
    pub(crate) fn awaiting_input() -> Self {
        Self { may_wait: true, ..Self::nothing() }
    }

    /// A chunk from this position on, with nothing done yet.
    pub(crate) fn at(first: usize) -> Self {
        Self {
            first,
            done: 0,
            values: OneByOne::default(),
            failures: OneByOne::default(),
            tried: Vec::new(),
            busy: Duration::ZERO,
            worker: None,
            timings: Vec::new(),
            peak_memory: None,
            events: Vec::new(),
            drop_panics: Vec::new(),
            may_wait: false,
        }
    }

    /// The pace of the worker in this chunk.
    ///
    /// A chunk in which nothing was done counts as one item, so that its time still shortens the next chunk.
    pub(crate) fn pace(&self) -> Pace {
        Pace { items: self.done.max(1), time: self.busy }
    }
}

/// A position that has no value.
#[derive(Debug)]
pub(crate) struct PositionFailure<E> {
    pub(crate) position: usize,
    /// The number of the last attempt, from 1.
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) cause: Cause<E>,
}

/// The gatherer's decision after a report: which positions may run.
///
/// Worked case: a window of 8, and position 21 is the oldest that is not delivered. Then the limit is 29, or less where
/// the input has not arrived that far: a slow item 21 lets others run up to 28. A failure at 24 that ends the run sets
/// the fence to 25.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The first position that must not run any more.
    pub(crate) fence: usize,
    /// Positions from here on must not start yet.
    pub(crate) limit: usize,
    /// Whether the input may have more items, so that an empty report may move the limit.
    pub(crate) may_grow: bool,
    /// Failed positions to run again.
    pub(crate) again: Vec<RetryRequest>,
}

/// A failed position to run again.
///
/// Its position has been reported once per earlier attempt. A retry runs as a claim of length 1 whose value travels in
/// its report: a slot would belong to the first claim of the position, which is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryRequest {
    pub(crate) position: usize,
    /// The number of the new attempt: 2 or more.
    pub(crate) attempt: u32,
    /// The delay before that.
    pub(crate) after: Duration,
}

/// The gatherer, as a backend sees it: takes a report and returns a verdict. Runs in the calling thread. Never unwinds.
pub(crate) type ReportSink<'g, R, E> = dyn FnMut(ChunkReport<R, E>) -> Verdict + 'g;

/// What a backend returns at its end: counts of workers, and what their last destructors did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct BackendStats {
    /// The largest number of workers at one time.
    pub(crate) workers: usize,
    /// The workers that died in the call.
    pub(crate) lost: usize,
    /// The workers that were replaced on purpose.
    pub(crate) recycled: usize,
    /// Destructors of states and shared values that panicked when the call ended. All items had their results by then.
    pub(crate) drop_panics: Vec<DropPanic>,
}

/// A destructor of a value of the caller's type that panicked. It costs that value alone: the run goes on, and its
/// outcome has a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DropPanic {
    /// What was dropped.
    pub(crate) dropped: Dropped,
    /// The text of the panic.
    pub(crate) message: String,
}

/// A value of a caller's type that is dropped by a run. Numbers are positions where a backend reports it, and indices
/// where a warning shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// An item of a stream, or the copy of an item in a worker process.
    Item(usize),
    /// A result that is not delivered, or the copy in a worker process of one that is.
    Value(usize),
    /// The error of a failed item, in the same cases.
    Error(usize),
    /// The state of a worker.
    State,
    /// The copy of the shared value in a worker process.
    #[cfg_attr(
        not(all(feature = "processes", target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))),
        expect(dead_code, reason = "only worker processes have a copy")
    )]
    SharedValue,
    /// The iterator over the items of a stream.
    Input,
    /// The function or another closure of the job, with what it captures.
    Closure,
}

impl Dropped {
    /// The same with another number.
    pub(crate) fn map(self, number: impl FnOnce(usize) -> usize) -> Self {
        match self {
            Self::Item(n) => Self::Item(number(n)),
            Self::Value(n) => Self::Value(number(n)),
            Self::Error(n) => Self::Error(number(n)),
            Self::State | Self::SharedValue | Self::Input | Self::Closure => self,
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(index) => write!(f, "item {index}"),
            Self::Value(index) => write!(f, "the value of item {index}"),
            Self::Error(index) => write!(f, "the error of item {index}"),
            Self::State => f.write_str("a worker's state"),
            Self::SharedValue => f.write_str("a worker's copy of the shared value"),
            Self::Input => f.write_str("the iterator over the items"),
            Self::Closure => f.write_str("a closure of the job"),
        }
    }
}

/// Why a call has no outcome.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BackendError {
    /// A worker could not make its state.
    State(String),
    /// This system does not support the mode.
    #[cfg(feature = "processes")]
    Unsupported(String),
    /// The program is not prepared for the mode, or its settings are invalid.
    #[cfg(feature = "processes")]
    Unprepared(String),
    /// No worker could be started.
    #[cfg(feature = "processes")]
    Workers(String),
    /// There is no memory, or a limit of the system on sizes is too low.
    #[cfg(feature = "processes")]
    #[cfg_attr(
        not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))),
        expect(dead_code, reason = "only worker processes need memory of their own")
    )]
    Memory(String),
}

impl BackendError {
    /// The error that the caller of the run receives.
    pub(crate) fn into_error<E>(self) -> Error<E> {
        match self {
            Self::State(message) => Error::worker_state(message),
            #[cfg(feature = "processes")]
            Self::Unsupported(message) => Error::unsupported(message),
            #[cfg(feature = "processes")]
            Self::Unprepared(message) => Error::config(message),
            #[cfg(feature = "processes")]
            Self::Workers(message) => Error::workers(message),
            #[cfg(feature = "processes")]
            Self::Memory(message) => Error::memory(message),
        }
    }
}

/// What happened to a worker. Part of a report.
///
/// Only worker processes send events. A thread cannot die without the whole program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerEvent {
    /// A worker died while it had this position in hand.
    Lost { worker: u32, position: Option<usize>, attempt: u32, exit: WorkerExit },
    /// The backend replaced a worker on purpose.
    Recycled { worker: u32 },
}
