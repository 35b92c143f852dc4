//! The gatherer: counts the reports of a backend and decides how the run continues. It alone stops a run, retries items
//! and shows progress.
//!
//! It runs in the calling thread and starts nothing. It neither reads the input (`feed.rs`) nor delivers results
//! (`delivery.rs`): `run_loop.rs` asks each in turn.
//!
//! Its policy, as the verdict that follows a report:
//!
//! | state of the run | fence | limit | may grow |
//! |---|---|---|---|
//! | a slice in slots, no failure limit reached | all positions | all positions | no |
//! | results delivered, oldest undelivered position 40, window 100 | all positions | 140 | only for a stream |
//! | a stream with 120 placed items, same window | `usize::MAX` | 120 | while the input goes on and has room |
//! | the failure limit is reached at position 57 | 58 | as before | no |
//! | cancelled, a break of the callback, a panic of a closure | 0 | as before | no |
//!
//! A fence of 0 ends the backend after the items in hand; the positions that are done keep their results. The fence
//! that counts for the outcome is [`Gatherer::fence`], which knows failures alone: a cancelled run keeps all that it
//! has finished.
//!
//! Cost per report: one or two additions to the set of done positions, a step in a small heap per failure, one to three
//! reads of the cancel token, and a snapshot where progress goes to a callback.

use std::ops::Range;
use std::time::Duration;

use crate::backend::contract::{
    BackendError, BackendStats, ChunkReport, DropPanic, Dropped, PositionFailure, RetryRequest, Verdict,
};
use crate::backend::plan::Plan;
use crate::error::Error;
use crate::failure::ErrorSources;
use crate::outcome::{Outcome, Values};
use crate::panics::OneByOne;
use crate::primitives::cancel::CancelToken;
use crate::progress::{ItemStatus, Snapshot};
use crate::run::callbacks::Callbacks;
use crate::run::delivery::Delivered;
use crate::run::done_set::PositionSet;
use crate::run::drop_panics::DropPanics;
use crate::run::end::RunEnd;
use crate::run::feed::{Completed, InputProgress};
use crate::run::observer::Observer;
use crate::run::positions::{PositionMap, item_failure};
use crate::run::retry::Retry;
use crate::run::slots::Slots;
use crate::run::tolerance::Tolerance;
use crate::sync::Instant;
use crate::tally::Tally;

/// The counts and decisions of one run.
///
/// Invariants: a position is in `done` once it has its last report, and in `failed` only if it is in `done`. A position
/// that waits for a retry is in neither.
pub(crate) struct Gatherer<'a, E> {
    plan: &'a Plan,
    cancel: &'a CancelToken,
    observer: Observer<'a>,
    position_map: &'a dyn PositionMap,
    started: Instant,
    tolerance: Tolerance,
    retry: Option<&'a Retry>,
    sources: ErrorSources<E>,
    /// The number of retries so far.
    retries: usize,
    /// The number of positions, as far as it is known.
    ///
    /// `usize::MAX` for a stream until its end is read.
    n_items: usize,
    /// How much of the input has been read.
    input: InputProgress,
    done: PositionSet,
    /// Positions that finished since the input was read last.
    ///
    /// Stays empty for a slice, whose items need not be dropped.
    completed: Vec<Range<usize>>,
    /// Failed positions, in the order in which workers reported them.
    failed: Vec<usize>,
    /// Only where values are in slots; delivered failures go to the callback instead.
    failures: OneByOne<PositionFailure<E>>,
    chunks: usize,
    busy: Duration,
    /// The counts of the last snapshot: items done and failed.
    ///
    /// The last snapshot of a run is not repeated where nothing has changed since.
    shown: Option<(usize, usize)>,
    /// The number of items that were finished before the run.
    past: usize,
    /// Whether the caller's callback ended the run.
    is_stopped: bool,
    /// Destructors that panicked.
    drop_panics: DropPanics,
    /// Runs the caller's closures: callback, key, progress and iterator.
    callbacks: Callbacks,
}

impl<'a, E> Gatherer<'a, E> {
    /// Its clock, from which the tally takes the wall time, starts here: opening the journal and looking items up is
    /// not in it.
    pub(crate) fn new(
        plan: &'a Plan,
        cancel: &'a CancelToken,
        tolerance: Tolerance,
        observer: Observer<'a>,
        position_map: &'a dyn PositionMap,
    ) -> Self {
        let is_exhausted = plan.arrived >= plan.n_items;
        Self {
            plan,
            cancel,
            observer,
            position_map,
            started: Instant::now(),
            tolerance,
            retry: None,
            sources: ErrorSources::default(),
            retries: 0,
            n_items: plan.n_items,
            input: InputProgress { placed: plan.arrived, may_grow: !is_exhausted, is_exhausted },
            done: PositionSet::default(),
            completed: Vec::new(),
            failed: Vec::new(),
            failures: OneByOne::default(),
            chunks: 0,
            busy: Duration::ZERO,
            shown: None,
            past: 0,
            is_stopped: false,
            drop_panics: DropPanics::default(),
            callbacks: Callbacks::default(),
        }
    }

    /// Retries failed items by this rule.
    pub(crate) fn retrying(self, retry: Option<&'a Retry>) -> Self {
        Self { retry, ..self }
    }

    /// Makes failures show the causes of their errors in this way.
    pub(crate) fn with_sources(self, sources: ErrorSources<E>) -> Self {
        Self { sources, ..self }
    }

    /// Counts a report whose values are in their slots, and decides how the run continues.
    ///
    /// The window is not used, as no result waits for a callback: `oldest` is only the done prefix, and the plan's
    /// window is unbounded.
    pub(crate) fn take<R>(&mut self, mut report: ChunkReport<R, E>) -> Verdict {
        self.show_worker_events(&mut report);
        if report.done > 0 {
            self.count(&report, &[]);
            self.failures.extend(report.failures);
            self.show_progress();
        }
        self.verdict(self.done.prefix(), Vec::new())
    }

    /// Counts a report that carries its values. Removes and returns the failures that are retried.
    ///
    /// Retries come first, because a failure that is retried must not count towards the limit. The verdict is a
    /// separate call: between the two the results are delivered and the input is read, and both change it.
    pub(crate) fn accept<R>(&mut self, report: &mut ChunkReport<R, E>) -> Vec<RetryRequest> {
        self.show_worker_events(report);
        let retries = self.pick_retries(report);
        if report.done > 0 {
            self.count(report, &retries);
        }
        retries
    }

    /// Runs one of the caller's closures.
    ///
    /// `None` where it did not run or panicked. After a panic every further call returns `None`.
    pub(crate) fn run_callback<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        self.callbacks.run(closure)
    }

    /// Runs a step of the delivery, also after a panic of the caller's callback: results are still written down.
    pub(crate) fn run_delivery<A>(&mut self, step: impl FnOnce() -> A) -> Option<A> {
        self.callbacks.run_always(step)
    }

    /// Notes destructors that panicked, by index.
    pub(crate) fn note_drop_panics(&mut self, panics: Vec<DropPanic>) {
        panics.into_iter().for_each(|panic| self.drop_panics.note(panic));
    }

    /// Notes destructors that panicked in another part of the run.
    pub(crate) fn append_drop_panics(&mut self, panics: DropPanics) {
        self.drop_panics.append(panics);
    }

    /// Notes destructors that panicked in the backend, by position.
    fn note_backend_drop_panics(&mut self, panics: Vec<DropPanic>) {
        for DropPanic { dropped, message } in panics {
            let dropped = dropped.map(|position| self.position_map.index_of(position));
            self.drop_panics.note(DropPanic { dropped, message });
        }
    }

    /// Whether one of the caller's closures has panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.callbacks.has_panicked()
    }

    /// Ends the run for the caller's callback.
    ///
    /// A stop cannot be undone. The caller's callback gets no result after it; results that still arrive are written
    /// down.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether the caller's callback, or a panic of one of its closures, has ended the run.
    pub(crate) fn has_stopped(&self) -> bool {
        self.is_stopped || self.callbacks.has_panicked()
    }

    /// Counts items of a stream that were finished before the run.
    ///
    /// Called by the loop after each turn of reading, with the difference of the delivery's counts.
    pub(crate) fn count_past(&mut self, n_items: usize, how: ItemStatus) {
        self.past += n_items;
        self.observer.count(how, n_items);
    }

    /// Counts items of a slice that were finished before the run. Progress has counted them already.
    ///
    /// `Observer::start` did that, from the items of `Past`.
    pub(crate) fn add_past(&mut self, n_items: usize) {
        self.past += n_items;
    }

    /// The first position that a serial run with the failures so far would not run.
    pub(crate) fn fence(&self) -> usize {
        self.tolerance.fence(self.n_items)
    }

    /// Whether to read more of the input. Not after failures have ended the run: all positions below the fence have
    /// items.
    ///
    /// A stream is read while its end is not reached and nothing has ended the run. With a failure limit reached, a
    /// further item would have a position beyond the fence.
    pub(crate) fn wants_more(&self) -> bool {
        !self.input.is_exhausted && !self.is_over() && self.fence() == self.n_items
    }

    /// The positions that finished since the last call.
    ///
    /// Called once per turn that reads the input, so the list holds the reports since the last such turn.
    pub(crate) fn take_completed(&mut self) -> Completed {
        Completed { ranges: std::mem::take(&mut self.completed), prefix: self.done.prefix() }
    }

    /// Notes how much of the input has been read; `None` where it panicked.
    ///
    /// The end of the input is noted once: after it the input is not read again, so the total of progress, which only
    /// grows, is set once. An iterator that panicked counts as ended, with the positions that were placed in earlier
    /// turns.
    pub(crate) fn note_input(&mut self, progress: Option<InputProgress>) {
        let ended = InputProgress { placed: self.input.placed, may_grow: false, is_exhausted: true };
        self.input = progress.unwrap_or(ended);
        if self.input.is_exhausted {
            self.n_items = self.input.placed;
            self.input.may_grow = false;
            self.observer.set_total(self.n_items + self.past);
        }
    }

    /// How the backend continues. The window starts at `oldest`, the oldest undelivered position.
    ///
    /// `again` is passed on as it is. The limit never exceeds the placed positions, so a worker never looks up an item
    /// that is not in the buffer.
    ///
    /// Progress shows "stopping" from the first verdict on whose fence leaves out a position; a repeated stop changes
    /// nothing.
    pub(crate) fn verdict(&self, oldest: usize, again: Vec<RetryRequest>) -> Verdict {
        let fence = if self.is_over() { 0 } else { self.fence() };
        if fence < self.n_items.min(self.input.placed) {
            self.observer.stop();
        }
        let limit = oldest.saturating_add(self.plan.window).min(self.input.placed);
        Verdict { fence, limit, may_grow: self.input.may_grow && self.wants_more(), again }
    }

    /// Shows a snapshot to the progress target.
    ///
    /// Called after each report with done positions, so a callback gets one snapshot per chunk. A display with a thread
    /// of its own reads counters and ignores the snapshot.
    ///
    /// `total` is the number of items read so far while a stream goes on, plus those that were finished before.
    pub(crate) fn show_progress(&mut self) {
        if !self.observer.wants_snapshots() {
            return;
        }
        let snapshot = Snapshot {
            done: self.done.count() + self.past,
            failed: self.failed.len(),
            resumed: self.past,
            retries: self.retries,
            total: self.n_items.min(self.input.placed) + self.past,
            elapsed: self.started.elapsed(),
        };
        self.shown = Some((snapshot.done, snapshot.failed));
        let Self { callbacks, observer, .. } = self;
        callbacks.run(|| observer.show(&snapshot));
    }

    /// Removes the failures of a report that are retried, and returns the requests for them.
    ///
    /// Three conditions: the rule gives a wait for this kind and attempt, the position is below the fence, and the item
    /// has started. After a stop or a cancellation nothing is retried, so the failure counts as it is.
    ///
    /// Cost: nothing for a report without failures.
    fn pick_retries<R>(&mut self, report: &mut ChunkReport<R, E>) -> Vec<RetryRequest> {
        let Some(retry) = self.retry.filter(|_| !report.failures.is_empty() && !self.is_over()) else {
            return Vec::new();
        };
        let (fence, mut picked) = (self.fence(), Vec::new());
        let delay_of = |failure: &PositionFailure<E>| {
            // An item that never started is not retried.
            let may_run = failure.position < fence && failure.attempts > 0;
            retry.after(failure.cause.kind(), failure.attempts).filter(|_| may_run)
        };
        for failure in report.failures.extract_if(.., |failure| delay_of(failure).is_some()) {
            let after = delay_of(&failure).unwrap_or_default();
            let request = RetryRequest { position: failure.position, attempt: failure.attempts + 1, after };
            picked.push((request, failure.cause.kind().as_str()));
            self.drop_panics.drop_caught(Dropped::Error(self.position_map.index_of(failure.position)), failure);
        }
        self.retries += picked.len();
        if !picked.is_empty() {
            self.show(|observer, position_map| observer.retries(&picked, report.worker, position_map));
        }
        picked.into_iter().map(|(request, _)| request).collect()
    }

    /// Counts the done positions of a report, except those that are retried.
    ///
    /// `again` is sorted, so the report falls into the ranges between its retried positions. With positions 10 to 19
    /// done and 13 and 17 retried, the ranges are 10..13, 14..17 and 18..20.
    fn count<R>(&mut self, report: &ChunkReport<R, E>, again: &[RetryRequest]) {
        let mut first = report.first;
        for request in again {
            self.count_done(first..request.position);
            first = request.position + 1;
        }
        self.count_done(first..report.first + report.done);
        self.chunks += 1;
        self.busy += report.busy;
        for failure in report.failures.iter() {
            self.tolerance.note(failure.position);
            self.failed.push(failure.position);
        }
        if !report.failures.is_empty() {
            self.show(|observer, position_map| observer.failures(&report.failures, report.worker, position_map));
        }
        self.observer.count(ItemStatus::Succeeded, report.done - again.len() - report.failures.len());
        self.observer.count(ItemStatus::Failed, report.failures.len());
    }

    /// Only an unfinished stream needs the ranges: its reader drops the items of finished positions. Empty ranges, as
    /// between two neighbours that are retried, are left out.
    fn count_done(&mut self, range: Range<usize>) {
        if !self.input.is_exhausted && !range.is_empty() {
            self.completed.push(range.clone());
        }
        self.done.add(range);
    }

    /// Whether a stop or a cancellation has ended the run.
    ///
    /// Reads the cancel token each time, so a cancellation takes effect with the next report.
    fn is_over(&self) -> bool {
        self.has_stopped() || self.cancel.is_cancelled()
    }

    /// Also for a report without done positions, by which a backend reports a lost worker.
    fn show_worker_events<R>(&mut self, report: &mut ChunkReport<R, E>) {
        self.note_backend_drop_panics(std::mem::take(&mut report.drop_panics));
        let events = std::mem::take(&mut report.events);
        if !events.is_empty() {
            self.show(|observer, position_map| observer.worker_events(events, position_map));
        }
    }

    /// Lets the observer report. It calls the caller's key function.
    ///
    /// The key function may panic, so this goes through `Callbacks`: after a panic no event is emitted any more.
    fn show(&mut self, report: impl FnOnce(&Observer<'_>, &dyn PositionMap)) {
        let Self { callbacks, observer, position_map, .. } = self;
        callbacks.run(|| report(observer, *position_map));
    }

    /// Shows the end of the run, after a last snapshot where the counts have changed.
    ///
    /// Waits for the render thread, up to its time limit of two seconds.
    pub(crate) fn show_end(&mut self) {
        if self.shown != Some((self.done.count() + self.past, self.failed.len())) {
            self.show_progress();
        }
        self.observer.end();
    }

    /// Drops the progress callback, before the outcome is made and before a panic is raised again.
    fn drop_observer(&mut self) {
        self.drop_panics.drop_caught(Dropped::Closure, std::mem::take(&mut self.observer));
    }

    /// Makes the outcome of the values in the slots.
    ///
    /// A run that finished all items in the order of the input reuses the memory of its slots. Any other sorts its
    /// values by index into `Option`s; when all are there, the `Option`s are taken off.
    ///
    /// Failures beyond the fence are left out like values beyond it, and keys are computed here, only for the failures
    /// that remain.
    ///
    /// # Safety
    /// The reports of this run were about these slots, and nothing writes to them any more.
    ///
    /// # Panics
    /// With the panic of one of the caller's closures during the run, or of the key function here.
    pub(crate) unsafe fn finish<R>(mut self, mut stats: BackendStats, slots: Slots<R>) -> Outcome<R, E> {
        self.drop_observer();
        self.note_backend_drop_panics(std::mem::take(&mut stats.drop_panics));
        let fence = self.fence();
        self.failed.sort_unstable();
        let is_whole = self.done.prefix() == self.plan.n_items && self.failures.is_empty();
        let values = if is_whole && self.plan.order.is_none() {
            // SAFETY: every position is done and none failed, and a backend writes the slot of each position that it reports
            // as done and not failed.
            Values::All(unsafe { slots.assume_all_written() }.into())
        } else {
            // SAFETY: as above, for each position by itself.
            let options = unsafe { self.take_values(slots, fence) };
            if is_whole {
                Values::All(options.into_iter().flatten().collect::<Vec<_>>().into())
            } else {
                Values::Some(options.into())
            }
        };
        if self.callbacks.has_panicked() {
            std::mem::take(&mut self.drop_panics).log();
        }
        self.callbacks.rethrow(); // the values are dropped one by one meanwhile, and so are the failures
        let tally = self.tally(&stats, fence);
        for failure in self.failures.extract_if(.., |failure| failure.position >= fence) {
            self.drop_panics.drop_caught(Dropped::Error(self.position_map.index_of(failure.position)), failure);
        }
        let mut failures = OneByOne::default();
        for failure in self.failures {
            failures.push(item_failure(failure, self.position_map, self.sources));
        }
        failures.sort_unstable_by_key(|failure| failure.index);
        Outcome::new(values, failures, tally).with_warnings(self.drop_panics.into_warnings().collect())
    }

    /// Drops the values of a run that has no outcome.
    ///
    /// Needed because slots do not know which of them hold a value: without this, the values of a run that ended by an
    /// error of its backend would leak.
    ///
    /// # Safety
    /// As for [`Gatherer::finish`].
    ///
    /// # Panics
    /// With the panic of one of the caller's closures during the run.
    pub(crate) unsafe fn discard<R>(mut self, slots: Slots<R>) {
        self.failed.sort_unstable();
        // SAFETY: the caller's promise.
        drop(unsafe { self.take_values(slots, 0) });
        self.drop_observer();
        std::mem::take(&mut self.drop_panics).log();
        self.callbacks.rethrow();
    }

    /// Ends a run whose results were delivered. Also returns the error of the backend, and the callbacks: their panic
    /// is raised once journal and report are closed.
    ///
    /// `n_inputs` is the length of a slice, or the number of items that were read of a stream.
    pub(crate) fn finish_delivered(
        mut self,
        stats: Result<BackendStats, BackendError>,
        delivered: &Delivered,
        n_inputs: usize,
    ) -> (RunEnd, Result<(), Error<E>>, Callbacks) {
        self.show_end();
        self.drop_observer();
        let (mut stats, result) = match stats {
            Ok(stats) => (stats, Ok(())),
            Err(error) => (BackendStats::default(), Err(error.into_error())),
        };
        self.note_backend_drop_panics(std::mem::take(&mut stats.drop_panics));
        (self.run_end(&stats, delivered, n_inputs), result, self.callbacks)
    }

    /// Succeeded and failed are counts of what the callback got, not of what ran: after a break the rest counts as
    /// cancelled, finished or not. Retries, chunks, busy time and workers are those of all that ran.
    fn run_end(&mut self, stats: &BackendStats, delivered: &Delivered, n_inputs: usize) -> RunEnd {
        let fence = self.fence();
        let tally = Tally {
            items: n_inputs,
            succeeded: delivered.passed - delivered.failed - delivered.done_before,
            failed: delivered.failed,
            resumed: delivered.resumed,
            done_before: delivered.done_before,
            cancelled: n_inputs - delivered.passed,
            is_cut_short: !self.input.is_exhausted,
            ..self.tally(stats, self.n_items)
        };
        RunEnd {
            tally,
            fence,
            has_stopped: fence < self.n_items,
            is_aborted: self.has_stopped(),
            cancelled: self.cancel.cancel_reason(),
            drop_panics: std::mem::take(&mut self.drop_panics),
        }
    }

    /// The values before the fence, by index. Those beyond it are dropped: a serial run would not have made them. A
    /// panic of a destructor is noted.
    ///
    /// # Safety
    /// As for [`Gatherer::finish`]; the failed positions are sorted.
    unsafe fn take_values<R>(&mut self, slots: Slots<R>, fence: usize) -> Vec<Option<R>> {
        let mut options: Vec<Option<R>> = std::iter::repeat_with(|| None).take(self.plan.n_items).collect();
        let Self { plan, drop_panics, .. } = self;
        let keep = |position, value| {
            let index = plan.index_of(position);
            if position < fence {
                options[index] = Some(value);
            } else {
                drop_panics.drop_caught(Dropped::Value(index), value);
            }
        };
        // SAFETY: the caller's promise.
        unsafe { slots.take_written(&self.done, &self.failed, keep) };
        options
    }

    /// The counts of positions below the fence, and the costs of the whole run.
    ///
    /// Linear in the failures and in the ranges that are done ahead of an unfinished position.
    fn tally(&self, stats: &BackendStats, fence: usize) -> Tally {
        let done = self.done.count_below(fence);
        let failed = self.failed.iter().filter(|&&position| position < fence).count();
        Tally {
            items: self.plan.n_items,
            succeeded: done - failed,
            failed,
            cancelled: self.plan.n_items - done,
            retries: self.retries,
            workers: stats.workers,
            lost_workers: stats.lost,
            recycled_workers: stats.recycled,
            chunks: self.chunks,
            wall: self.started.elapsed(),
            busy: self.busy,
            ..Tally::default()
        }
    }
}
