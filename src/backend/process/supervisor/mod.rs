//! The calling process's part of a call: one loop in the calling thread, which dispatches work, receives results,
//! handles worker deaths and enforces limits, and at the end shuts the workers down.
//!
//! Promises: it waits for all workers at once and never for one alone, so no size and no number of items can bring it
//! to a halt; when it returns, every worker is idle or dead. Leaves to `work_queue.rs` what is handed out next, and to
//! `blame.rs` which item a death is blamed on.
//!
//! One turn of the loop, at most 20 ms long while no callback holds it up:
//! 1. a cancellation lowers the fence, and retries that are due join the queue;
//! 2. `dispatch.rs` sends frames, and the gatherer is asked for items if workers have nothing to do;
//! 3. one `poll` waits for all sockets, output pipes and pidfds;
//! 4. `receive.rs` reports results and handles deaths;
//! 5. items whose time is up are asked to end, or their workers killed.
//!
//! # Times
//! | time | what it bounds |
//! |---|---|
//! | 20 ms | one wait, so a cancellation, a due retry and a time limit are noticed without a message from a worker |
//! | 30 ms | at the end of a call, how long a worker may go on with an item that is not wanted any more |
//! | 50 ms | between SIGTERM and SIGKILL for an item whose time is up, where the mode sets no grace |
//! | 1 s | how long a slot stays empty after no worker could be had for it while others work |
//! | 1 s, or the time limit | after a cancellation, or under a limit, how long a worker that is stopped (SIGSTOP) may have frames and no item in hand |
//! | 10 s | destructors in the workers of a call that was cancelled |
//! | 30 s | from the start of a process until it reaches `init`; then it is killed |
//!
//! Time in which this process was stopped counts for no item, no worker that comes up, and no destructor: see
//! `child/pause_watch.rs`. For workers that come up and for destructors, neither does the time of a callback or an iterator that
//! holds the calling thread up for more than 250 ms. A worker that is stopped alone is late. All of these times are of the steady clock, which no
//! change of the date moves, and which stands still while the machine is suspended.
//!
//! # When the call fails as a whole
//! | error | when |
//! |---|---|
//! | `Unsupported` | a function of the call lies outside of the program's own code, or the system does not permit a call |
//! | `Memory` | the memory for the shared value or for a worker's page cannot be had |
//! | `Unprepared` | the shared value cannot travel, or a worker cannot find the function or set its memory limit |
//! | `State` | a worker's state could not be made |
//! | `Workers` | no worker could be started, or too many died in a row, and there was no result yet |
//!
//! Everything else that goes wrong in a worker is the failure of one item, or of all the items that are left once there
//! are results.
//!
//! # Costs
//! A call of few items, without a state and a shared value, costs each worker one send (the call and the first items
//! together) and one receive. Such a call leaves nothing to drop, so no frame ends it and its workers go back to the
//! pool at once. With a state or a shared value each worker gets one more frame at the end and confirms it. Each turn
//! of the loop costs one `poll` of three descriptors per worker.

mod blame;
mod call_frame;
mod call_state;
mod dispatch;
mod item_shapes;
mod median_time;
mod observation;
mod receive;
mod shutdown;
mod work_queue;
mod worker_slot;
mod worker_slots;

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::backend::contract::{BackendError, BackendStats, Output, ReportSink, RunContext};
use crate::backend::process::child::idle;
use crate::backend::process::child::output::show_as_printed_here;
use crate::backend::process::limits::Limits;
use crate::backend::process::memory::block::Block;
use crate::backend::process::serde_task::{SerdeTask, Travels};
use crate::backend::process::supervisor::call_frame::CallFrame;
use crate::backend::process::supervisor::call_state::{CallState, TICK_NANOS};
use crate::backend::process::supervisor::dispatch::FrameSender;
use crate::backend::process::surroundings::{Origin, Surroundings};
use crate::backend::process::system_call::backend_error;
use crate::backend::process::wire::attachments::{Attachments, with_attachments};
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::call::{CallHead, Settings, SharedValue};
use crate::backend::process::wire::function::FunctionName;
use crate::backend::process::worker::session::{entry, fingerprint};
use crate::backend::process_task::ProcessContext;
use crate::backend::task::{Context, SharedOf, StateOf, Task};
use crate::backend::thread_pool::is_worker_thread;
use crate::config::usable_cores;
use crate::encoding::{self, Digest, Shapes};
use crate::sync::{Arc, nanos};

/// A longer shared value lies in memory that all workers see, instead of being copied for each.
const LARGE_SHARED: usize = 1024 * 1024;
/// How long a worker may take to finish an item in hand that is not wanted any more, in nanoseconds.
const STOP_NANOS: u64 = 30_000_000;
/// How long destructors may take once the call was cancelled.
const AFTER_A_CANCEL: Duration = Duration::from_secs(10);

/// Runs all positions in worker processes. `surroundings` are those of this process now.
pub(super) fn run<T: Travels, K: SerdeTask<T>>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
    surroundings: Surroundings,
) -> Result<BackendStats, BackendError> {
    show_as_printed_here(context.config, || {
        let (outdated, origin) = idle::take_outdated(&surroundings);
        let origin = origin.unwrap_or_else(|| Arc::new(Origin::now(surroundings.ids())));
        let mut supervisor = Supervisor::new(limits, context, output, sink, origin)?;
        outdated.into_iter().for_each(|worker| supervisor.state.end_idle(worker));
        let supervised = supervisor.supervise();
        supervisor.shut_down();
        supervised.map(|()| supervisor.state.into_stats())
    })
}

/// One call: its state, and what sends its frames.
struct Supervisor<'c, 'out, T, K: Task<T>> {
    /// What is left to do, and which workers are at it.
    state: CallState<'c, 'out, T, K>,
    /// What sends items to workers.
    frame_sender: FrameSender,
}

impl<'c, 'out, T: Travels, K: SerdeTask<T>> Supervisor<'c, 'out, T, K> {
    /// Whether workers hold something of the call that must be dropped before the next one.
    ///
    /// Decided by the types alone. Where it is false, the next `Call` frame ends the call in the worker, and no message
    /// is spent on the end.
    const NEEDS_AN_END: bool =
        size_of::<StateOf<T, K>>() > 0 || std::mem::needs_drop::<StateOf<T, K>>() || size_of::<SharedOf<T, K>>() > 0;

    /// Encodes the call. No worker is started yet.
    ///
    /// With 8 usable cores and 4 workers, each worker may use 2 threads. In a call that is made in an item of a thread,
    /// one slot exists, and the cores are divided by the number of calls that may be made at a time instead of by one.
    /// There are never more slots than items.
    ///
    /// # Errors
    /// When the shared value cannot be encoded, or there is no memory for it.
    fn new(
        limits: &'c Limits,
        context: &'c RunContext<'c, T, K>,
        output: Output<'out, K::Output>,
        sink: &'c mut ReportSink<'c, K::Output, K::Error>,
        origin: Arc<Origin>,
    ) -> Result<Self, BackendError> {
        let plan = context.plan;
        // A call made in an item of a thread gets one worker: there are as many such calls as threads.
        let workers = if is_worker_thread() { NonZeroUsize::MIN } else { plan.workers };
        let at_once = if is_worker_thread() { plan.workers.max(context.budget.computing) } else { workers };
        let call = call_frame(limits, context, at_once)?;
        let threads = (usable_cores().get() / at_once).max(1);
        let n_slots = workers.get().min(plan.n_items);
        Ok(Self {
            state: CallState::new(limits, context, output, sink, n_slots),
            frame_sender: FrameSender::new(call, threads, origin),
        })
    }

    /// Goes on until every position below the fence is reported.
    fn supervise(&mut self) -> Result<(), BackendError> {
        let mut was_held_up = false;
        loop {
            self.state.stop_if_cancelled();
            self.state.queue_due_retries();
            self.frame_sender.dispatch(&mut self.state)?;
            self.ask_for_input()?;
            self.state.show_in_hand();
            if self.state.is_over() {
                return Ok(());
            }
            self.state.wait_for_workers();
            let before = nanos();
            self.state.listen()?;
            // While a callback held this thread up, workers may have waited for it: they get a turn to go on first. One
            // turn, since a callback may hold it up in each.
            was_held_up = !was_held_up && nanos().saturating_sub(before) >= TICK_NANOS;
            if !was_held_up {
                self.state.enforce_time_limits();
            }
        }
    }

    /// Lets the gatherer know that time passes, and asks it for items while workers have nothing to do and it may have
    /// more.
    ///
    /// An empty report is made once per turn, so that the gatherer can act on the time and read more of a stream while
    /// no worker has finished anything. An item that came is dispatched before the gatherer is asked again. The loop ends
    /// when every worker has work, or no item came: workers are listened to before the gatherer waits again.
    fn ask_for_input(&mut self) -> Result<(), BackendError> {
        loop {
            self.state.ask_for_input();
            if !self.state.has_more() {
                return Ok(());
            }
            self.frame_sender.dispatch(&mut self.state)?;
            if !self.state.needs_input() {
                return Ok(());
            }
        }
    }

    /// Ends the call in every worker: those that finish in time are kept for the next call, and the others are killed.
    ///
    /// A worker that has served as many items as it may is ended: another call with this limit would not take it, and
    /// idle workers would become more from call to call.
    fn shut_down(&mut self) {
        self.finish_in_flight();
        self.frame_sender.drop_blocks();
        let max_served = self.state.limits.recycle_after.unwrap_or(usize::MAX);
        for (worker, knows_the_call) in self.state.slots.take_free_workers() {
            if worker.served() >= max_served {
                self.state.shutdowns.begin_to_recycle(worker);
            } else if knows_the_call && Self::NEEDS_AN_END {
                self.state.shutdowns.begin_to_keep(worker);
            } else {
                idle::keep(worker);
            }
        }
        self.wait_for_shutdowns();
    }

    /// Takes back the frames that were not begun, and waits a moment for the others.
    ///
    /// Results that come in this time are still reported. A slot that is not idle after 30 ms keeps its frames, and
    /// [`WorkerSlots::take_free_workers`](worker_slots::WorkerSlots::take_free_workers) then kills its worker. After an
    /// error no time is given.
    fn finish_in_flight(&mut self) {
        self.state.slots.stop_and_take_back();
        let until = nanos() + STOP_NANOS;
        while !self.state.slots.are_all_idle() && nanos() < until {
            self.state.wait(until.saturating_sub(nanos()));
            if self.state.listen().is_err() {
                return;
            }
        }
    }

    /// Waits for the destructors in the workers: as long as an item may take, and not for ever once the call was
    /// cancelled.
    ///
    /// Without a time limit and without a cancellation there is no bound: a destructor that never ends holds the call
    /// up. Workers that are killed here count as lost, and no item fails by it.
    fn wait_for_shutdowns(&mut self) {
        let start = nanos();
        while !self.state.shutdowns.is_empty() {
            self.state.wait(TICK_NANOS);
            self.state.collect_shutdowns();
            let after_cancel = self.state.context.cancel.is_cancelled().then_some(AFTER_A_CANCEL);
            let most = [self.state.limits.time, after_cancel].into_iter().flatten().min().unwrap_or(Duration::MAX);
            if u128::from(self.state.observed_since(start)) > most.as_nanos() {
                let n_killed = self.state.shutdowns.kill_all();
                self.state.count_lost(n_killed);
            }
        }
    }
}

/// Encodes the call for the workers.
///
/// The shared value is encoded once per call, whatever the number of workers. Up to 1 MiB it lies in the frame, which
/// is copied for each worker; above that it is one block of shared memory, and the frame holds its name.
///
/// # Errors
/// `Unsupported` for a function outside of the program's code, a function of a shared library for instance, and where
/// there is no `/proc` to find the program in; `Workers` where it cannot be read for another reason; `Unprepared` when the shared value cannot be encoded, or the memory for a large one cannot be had.
fn call_frame<T: Travels, K: SerdeTask<T>>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    workers: NonZeroUsize,
) -> Result<CallFrame, BackendError> {
    let unnamed = |error: io::Error| backend_error(&error, error.to_string(), BackendError::Workers);
    let name = |address| FunctionName::of(address, fingerprint::<T, K>()).map_err(unnamed);
    let init = context.task.context().init_address();
    let init = if init.is_null() { None } else { Some(name(init)?) };
    let head = CallHead {
        function: entry::<T, K>().name(fingerprint::<T, K>()).map_err(unnamed)?,
        item_function: name(context.task.address())?,
        init,
        halts: context.plan.halt_on_failure,
        memory: limits.memory,
        watches_time: limits.time.is_some() || limits.time_percent.is_some(),
        watches_memory: limits.recycle_above.is_some() || context.plan.traces,
        traces: context.plan.traces,
        settings: Settings::of(context.config, workers),
        format: limits.format,
        shared: SharedValue::Here(Vec::new()),
        shared_digest: Digest::default(),
    };
    let (mut shared, mut attachments) = (Body::default(), Attachments::default());
    let refused = |reason| BackendError::Unprepared(format!("the shared value could not be encoded: {reason}"));
    let value = context.task.context().shared();
    let encode = || {
        encoding::write(limits.format, value, &mut shared, &Shapes::default())?;
        encoding::digest(value)
    };
    let shared_digest = with_attachments(&mut attachments, encode).map_err(refused)?;
    let mut blocks = attachments.take();
    let shared = if shared.len() > LARGE_SHARED {
        let refused = |error: io::Error| {
            let text = format!("{} bytes of shared memory for the shared value cannot be had: {error}", shared.len());
            backend_error(&error, text, BackendError::Memory)
        };
        let block = Block::copy_of(shared.bytes()).map_err(refused)?;
        blocks.push(Arc::clone(&block));
        SharedValue::Block(block.id())
    } else {
        SharedValue::Here(shared.bytes().to_vec())
    };
    let head = CallHead { shared, shared_digest, ..head };
    let body = postcard::to_stdvec(&head).map_err(|error| refused(error.to_string()))?;
    Ok(CallFrame { body, blocks })
}
