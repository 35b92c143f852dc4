//! A call as the calling thread sees it: what is left to do, which workers are at it, and how results reach the
//! gatherer.
//!
//! Promises: each position is reported once per attempt; after a stop no position beyond the fence is handed out.
//! Leaves to `dispatch.rs` what is sent to workers, to `receive.rs` what comes from them, and to `mod.rs` when to look
//! at either.

use std::time::Duration;

use crate::backend::contract::{
    BackendError, BackendStats, ChunkReport, DropPanic, Output, PositionFailure, ReportSink, RunContext, WorkerEvent,
};
use crate::backend::plan::Pace;
use crate::backend::process::child::pause_watch::PauseWatch;
use crate::backend::process::child::{self, Worker};
use crate::backend::process::limits::Limits;
use crate::backend::process::supervisor::item_shapes::ItemShapes;
use crate::backend::process::supervisor::median_time::RunningMedian;
use crate::backend::process::supervisor::observation::Observation;
use crate::backend::process::supervisor::shutdown::Shutdowns;
use crate::backend::process::supervisor::work_queue::WorkQueue;
use crate::backend::process::supervisor::worker_slots::WorkerSlots;
use crate::backend::retry_queue::RetryQueue;
use crate::backend::task::Task;
use crate::failure::{Cause, LostWorker};
use crate::primitives::pauses::Pauses;
use crate::record::Timing;
use crate::sync::{Instant, SystemTime, nanos};

/// A stop is noticed within this time, also while no worker sends anything.
pub(super) const TICK_NANOS: u64 = 20_000_000;

/// How long after a cancellation a worker may be stopped that has nothing in hand.
const STOPPED_AFTER_A_CANCEL: Duration = Duration::from_secs(1);

/// The state of one call. Its public parts guard themselves; what depends on several of them is a method.
pub(super) struct CallState<'c, 'out, T, K: Task<T>> {
    /// What workers may do.
    pub(super) limits: &'c Limits,
    /// The items, the task and the plan.
    pub(super) context: &'c RunContext<'c, T, K>,
    /// Which positions are left.
    pub(super) queue: WorkQueue,
    /// The workers, and what was sent to them.
    pub(super) slots: WorkerSlots,
    /// Workers that have left the slots and are not idle yet.
    pub(super) shutdowns: Shutdowns,
    /// Which shapes of items workers have read back.
    pub(super) item_shapes: ItemShapes,
    /// Where values go.
    pub(super) output: Output<'out, K::Output>,
    /// What the progress display shows of each worker.
    observation: Observation<'c>,
    /// The gatherer. Runs in this thread, and may run the user's callbacks.
    sink: &'c mut ReportSink<'c, K::Output, K::Error>,
    /// Failed items that wait for their next attempt.
    retries: RetryQueue,
    /// What happened to workers since the last report.
    events: Vec<WorkerEvent>,
    /// Destructors that panicked in workers since the last report.
    drop_panics: Vec<DropPanic>,
    /// Whether there may be items beyond the queue's limit that come when the gatherer is asked for them.
    may_grow: bool,
    /// How long the items of the last report took.
    pace: Option<Pace>,
    /// How long items take, where a limit depends on it.
    median: RunningMedian,
    /// How many workers died without an item since the last result.
    failed_starts: usize,
    /// Whether anything was reported. Without it, a call whose workers cannot be started is an error as a whole.
    has_results: bool,
    /// Whether the call was cancelled, so that the items in hand are all that is waited for.
    is_draining: bool,
    /// The most workers at one time, and how many were lost and recycled.
    stats: BackendStats,
    /// Times at which this process did not run, or a callback held it up: for workers that come up or end.
    pauses: Pauses,
    /// Finds the times at which this process did not run, in a callback too: for items. `None` without a time limit.
    pause_watch: Option<PauseWatch>,
}

impl<'c, 'out, T, K: Task<T>> CallState<'c, 'out, T, K> {
    /// A call with nothing handed out and `n_slots` empty slots.
    pub(super) fn new(
        limits: &'c Limits,
        context: &'c RunContext<'c, T, K>,
        output: Output<'out, K::Output>,
        sink: &'c mut ReportSink<'c, K::Output, K::Error>,
        n_slots: usize,
    ) -> Self {
        let plan = context.plan;
        Self {
            limits,
            context,
            queue: WorkQueue::new(plan.n_items, plan.window.min(plan.arrived)),
            slots: WorkerSlots::new(n_slots),
            shutdowns: Shutdowns::default(),
            item_shapes: ItemShapes::new(limits.format),
            output,
            observation: Observation::new(context.status, plan, n_slots),
            sink,
            retries: RetryQueue::default(),
            events: Vec::new(),
            drop_panics: Vec::new(),
            may_grow: plan.arrived < plan.n_items,
            pace: None,
            median: RunningMedian::default(),
            failed_starts: 0,
            has_results: false,
            is_draining: false,
            stats: BackendStats::default(),
            pauses: Pauses::default(),
            pause_watch: (limits.time.is_some() || limits.time_percent.is_some()).then(child::watch_pauses),
        }
    }

    /// What the call has to say at its end.
    pub(super) fn into_stats(mut self) -> BackendStats {
        let mut drop_panics = std::mem::take(&mut self.drop_panics);
        drop_panics.extend(self.shutdowns.take_drop_panics());
        BackendStats { drop_panics, ..self.stats }
    }

    /// Hands a report to the gatherer, and does what its verdict says.
    ///
    /// The one place where the gatherer runs, and with it the user's callbacks, the iterator of a stream and the
    /// journal. So it may take any time, and the queue, its limit and its fence may be others afterwards. Events about
    /// workers go with the next report, whatever it is for.
    pub(super) fn report(&mut self, mut chunk: ChunkReport<K::Output, K::Error>) {
        chunk.events = std::mem::take(&mut self.events);
        chunk.drop_panics = std::mem::take(&mut self.drop_panics);
        let verdict = (self.sink)(chunk);
        self.queue.raise_limit(verdict.limit);
        self.may_grow = verdict.may_grow;
        self.retries.add(verdict.again, Instant::now());
        self.retries.drop_from(verdict.fence);
        self.stop_below(verdict.fence);
    }

    /// Reports results that a worker sent.
    ///
    /// Ends a row of deaths, and gives the pace by which the next frames are cut. The pace is that of the last frame of
    /// any worker, since all run the same function.
    pub(super) fn report_results(&mut self, chunk: ChunkReport<K::Output, K::Error>) {
        (self.failed_starts, self.has_results) = (0, true);
        self.pace = Some(chunk.pace());
        if self.limits.time_percent.is_some() {
            self.median.note(chunk.busy, chunk.done);
        }
        self.report(chunk);
    }

    /// Notes that a destructor panicked in a worker, for the next report.
    pub(super) fn note_drop_panic(&mut self, panic: DropPanic) {
        self.drop_panics.push(panic);
    }

    /// Reports an item that cannot be sent to any worker.
    pub(super) fn report_unsendable(&mut self, position: usize, reason: &str) {
        self.has_results = true;
        let cause = Cause::Encoding(format!("the item could not be encoded: {reason}"));
        let attempts = self.queue.attempts(position);
        self.report_failure(PositionFailure { position, attempts, elapsed: Duration::ZERO, cause }, None);
    }

    /// Reports a position that has no value.
    pub(super) fn report_failure(&mut self, failure: PositionFailure<K::Error>, worker: Option<u32>) {
        let (position, elapsed) = (failure.position, failure.elapsed);
        let failures = vec![failure].into();
        let mut chunk = ChunkReport { done: 1, failures, busy: elapsed, worker, ..ChunkReport::at(position) };
        if self.context.plan.traces {
            let started = SystemTime::now() - elapsed;
            chunk.timings.push(Timing { started, elapsed, cpu: None, amounts: Vec::new() });
        }
        self.report(chunk);
    }

    /// No worker can be had any more. Results that were reported are kept, and every position that is left fails with
    /// `lost`.
    ///
    /// The attempts of an item that never began are 0 in its failure. One report is made for each position, so that a
    /// failure that halts the run lowers the fence and ends the loop.
    ///
    /// # Errors
    /// Where there is no result yet: then the call fails as a whole, with `error`.
    pub(super) fn fail_remaining(&mut self, lost: &LostWorker, error: BackendError) -> Result<(), BackendError> {
        if !self.has_results {
            return Err(error);
        }
        while let Some(positions) = self.queue.claim(|_| 1) {
            let position = positions.start;
            let cause = Cause::Lost(Box::new(lost.clone()));
            let attempts = self.queue.attempts(position) - 1;
            self.report_failure(PositionFailure { position, attempts, elapsed: Duration::ZERO, cause }, None);
        }
        Ok(())
    }

    /// Whether any result was reported.
    pub(super) fn has_results(&self) -> bool {
        self.has_results
    }

    /// Counts a worker that died without an item; gives how many did so since the last result.
    pub(super) fn note_failed_start(&mut self) -> usize {
        self.failed_starts += 1;
        self.failed_starts
    }

    /// Notes that a worker was lost in this call, for the next report.
    pub(super) fn note_lost(&mut self, event: WorkerEvent) {
        self.stats.lost += 1;
        self.events.push(event);
    }

    /// Counts workers that were lost while they shut down.
    pub(super) fn count_lost(&mut self, n_workers: usize) {
        self.stats.lost += n_workers;
    }

    /// Counts the workers at work, for the most at one time.
    pub(super) fn count_workers(&mut self) {
        self.stats.workers = self.stats.workers.max(self.slots.n_workers());
    }

    /// Replaces a worker that has nothing in flight: its slot becomes empty.
    pub(super) fn recycle(&mut self, slot_idx: usize) {
        let Some(worker) = self.slots[slot_idx].detach_worker() else { return };
        self.clear_in_hand(slot_idx);
        self.note_replaced(worker.number_in_reports());
        self.shutdowns.begin_to_recycle(worker);
    }

    /// Ends an idle worker that no call can use any more.
    pub(super) fn end_idle(&mut self, worker: Worker) {
        self.note_replaced(worker.number_in_reports());
        self.shutdowns.begin_to_end_idle(worker);
    }

    /// Notes that a worker is replaced on purpose, for the next report.
    pub(super) fn note_replaced(&mut self, worker: u32) {
        self.events.push(WorkerEvent::Recycled { worker });
        self.stats.recycled += 1;
    }

    /// Stops the call when it was cancelled.
    pub(super) fn stop_if_cancelled(&mut self) {
        if !self.is_draining && self.context.cancel.is_cancelled() {
            self.stop_below(0);
        }
    }

    /// Nothing from this position on is run any more. After a cancellation the items in hand are waited for.
    ///
    /// The two kinds of stop differ in what is waited for. With a fence of 5 from a failure, the results below 5 are
    /// waited for, and items from 5 on get 30 ms at the end. After a cancellation every item in hand is waited for,
    /// without a bound unless there is a time limit.
    fn stop_below(&mut self, fence: usize) {
        self.is_draining |= fence == 0 && self.context.cancel.is_cancelled();
        if self.queue.lower_fence(fence) {
            self.slots.set_fence(fence);
        }
    }

    /// Queues the failed items whose delay is over.
    pub(super) fn queue_due_retries(&mut self) {
        while let Some(retry) = self.retries.take_due(Instant::now()) {
            self.queue.begin_again(retry.position, retry.attempt);
        }
    }

    /// Asks the gatherer for items, where it may have more. While a worker has nothing to do, it may wait for them some
    /// milliseconds, and without a thread that reads the iterator for any time. So what is queued is sent first.
    pub(super) fn ask_for_input(&mut self) {
        if self.may_grow {
            self.slots.workers_mut().filter(|worker| worker.has_unsent()).for_each(Worker::send_queued);
        }
        let may_wait = self.needs_input();
        self.report(ChunkReport { may_wait, ..ChunkReport::nothing() });
    }

    /// Whether there are positions that no frame has.
    pub(super) fn has_more(&self) -> bool {
        self.queue.has_more()
    }

    /// Whether a worker has nothing to do while the gatherer may have more items.
    pub(super) fn needs_input(&self) -> bool {
        self.may_grow && self.queue.is_starved() && self.slots.is_any_idle()
    }

    /// Whether nothing is left to hand out, and nothing to wait for.
    pub(super) fn is_over(&self) -> bool {
        let fence = if self.is_draining { usize::MAX } else { self.queue.fence() };
        self.retries.is_empty() && self.queue.is_exhausted() && !self.slots.has_pending_below(fence)
    }

    /// Shows on the run's status what each worker has in hand.
    pub(super) fn show_in_hand(&mut self) {
        self.observation.update(&self.slots);
    }

    /// The worker of this slot has nothing in hand any more.
    pub(super) fn clear_in_hand(&mut self, slot_idx: usize) {
        self.observation.clear(slot_idx);
    }

    /// How long the items of the last report took.
    pub(super) fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// How long an item may take, as far as that is known by now.
    fn time_limit(&self) -> Option<Duration> {
        let of_the_median = self.limits.time_percent.and_then(|percent| self.median.percent(percent));
        [self.limits.time, of_the_median].into_iter().flatten().min()
    }

    /// Waits until a worker has sent something or the next look at the times is due.
    pub(super) fn wait_for_workers(&mut self) {
        let time_to_look =
            |(limit, watch): (Duration, &PauseWatch)| self.slots.time_to_look(limit, nanos(), &watch.pauses());
        let until_the_limit = self.time_limit().zip(self.pause_watch.as_ref()).and_then(time_to_look);
        let at_most = if self.needs_input() { 0 } else { TICK_NANOS }; // the gatherer has waited, and will again
        self.wait(until_the_limit.map_or(at_most, |time| time.min(at_most)));
    }

    /// Sends what is queued, and waits until any worker has sent something, for this many nanoseconds at most.
    ///
    /// The sends come last before the wait: the kernel likes to run the process that a send wakes on the core of the
    /// sender, which is quick if the sender then has nothing more to do.
    pub(super) fn wait(&mut self, nanos: u64) {
        let mut workers: Vec<&mut Worker> = self.slots.workers_mut().chain(self.shutdowns.workers_mut()).collect();
        workers.iter_mut().filter(|worker| worker.has_unsent()).for_each(|worker| worker.send_queued());
        child::wait_for_any(&mut workers, nanos);
    }

    /// Ends items whose time is up, and workers that do not come up.
    ///
    /// Left out for one turn after a callback held the calling thread up for 20 ms or more, so that no item is blamed
    /// for time in which its result waited to be read.
    pub(super) fn enforce_time_limits(&mut self) {
        let now = nanos();
        self.pauses.look(now);
        self.slots.kill_late(now, &self.pauses);
        if let Some((limit, watch)) = self.time_limit().zip(self.pause_watch.as_ref()) {
            let pauses = watch.pauses();
            self.slots.enforce_time_limit(limit, self.limits.grace, now, &pauses);
        }
        let after_cancel = self.is_draining.then_some(STOPPED_AFTER_A_CANCEL);
        if let Some(limit) = [self.time_limit(), after_cancel].into_iter().flatten().min() {
            self.slots.end_stopped(limit, now, &self.pauses);
        }
    }

    /// How long this process has run since that moment, in nanoseconds. Called once per turn.
    pub(super) fn observed_since(&mut self, start: u64) -> u64 {
        let now = nanos();
        self.pauses.look(now);
        self.pauses.observed(start, now)
    }
}
