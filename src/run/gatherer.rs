//! The gatherer: takes what backends report, and alone counts, judges and decides. It runs in the calling thread, starts
//! nothing, and neither reads the input nor delivers results: `mod.rs` asks each in turn.

use std::ops::Range;
use std::time::Duration;

use crate::backend::contract::{BackendError, BackendStats, ChunkReport, PositionFailure, RetryRequest, Verdict};
use crate::backend::plan::Plan;
use crate::error::Error;
use crate::failure::ErrorSources;
use crate::outcome::{Outcome, Values};
use crate::primitives::cancel::CancelToken;
use crate::progress::{ItemStatus, Snapshot};
use crate::run::callbacks::Callbacks;
use crate::run::delivery::Delivered;
use crate::run::done_set::PositionSet;
use crate::run::end::RunEnd;
use crate::run::feed::{Completed, InputProgress};
use crate::run::observer::Observer;
use crate::run::positions::{PositionMap, item_failure};
use crate::run::retry::Retry;
use crate::run::slots::Slots;
use crate::run::tolerance::Tolerance;
use crate::sync::Instant;
use crate::tally::Tally;

/// The state of a run, as its reports come in.
pub(crate) struct Gatherer<'a, E> {
    plan: &'a Plan,
    cancel: &'a CancelToken,
    observer: Observer<'a>,
    position_map: &'a dyn PositionMap,
    begun: Instant,
    tolerance: Tolerance,
    retry: Option<&'a Retry>,
    sources: ErrorSources<E>,
    /// How often a failed item was handed out again.
    retries: usize,
    /// How many positions there are, as far as that is known.
    n_items: usize,
    /// How far the input has come.
    input: InputProgress,
    done: PositionSet,
    /// Positions finished since the input was asked for more.
    completed: Vec<Range<usize>>,
    /// Failed positions, in the order in which workers reported them.
    failed: Vec<usize>,
    failures: Vec<PositionFailure<E>>,
    chunks: usize,
    busy: Duration,
    /// What the progress target showed last: items done and failed.
    shown: Option<(usize, usize)>,
    /// How many items were finished before the run.
    past: usize,
    /// Whether the caller's callback ended the run.
    is_stopped: bool,
    /// The caller's closures: callback, key, progress, iterator.
    callbacks: Callbacks,
}

impl<'a, E> Gatherer<'a, E> {
    pub(crate) fn new(
        plan: &'a Plan,
        cancel: &'a CancelToken,
        tolerance: Tolerance,
        observer: Observer<'a>,
        position_map: &'a dyn PositionMap,
    ) -> Self {
        let is_all = plan.stocked >= plan.n_items;
        Self {
            plan,
            cancel,
            observer,
            position_map,
            begun: Instant::now(),
            tolerance,
            retry: None,
            sources: ErrorSources::default(),
            retries: 0,
            n_items: plan.n_items,
            input: InputProgress { placed: plan.stocked, may_grow: !is_all, is_all },
            done: PositionSet::default(),
            completed: Vec::new(),
            failed: Vec::new(),
            failures: Vec::new(),
            chunks: 0,
            busy: Duration::ZERO,
            shown: None,
            past: 0,
            is_stopped: false,
            callbacks: Callbacks::default(),
        }
    }

    /// Runs failed items again, as this says.
    pub(crate) fn retrying(self, retry: Option<&'a Retry>) -> Self {
        Self { retry, ..self }
    }

    /// Failures know the sources of their errors.
    pub(crate) fn with_sources(self, sources: ErrorSources<E>) -> Self {
        Self { sources, ..self }
    }

    /// Takes a report whose values lie in their slots, and judges.
    pub(crate) fn take<R>(&mut self, mut report: ChunkReport<R, E>) -> Verdict {
        self.show_worker_events(&mut report);
        if report.done > 0 {
            self.count(&report, &[]);
            self.failures.extend(report.failures);
            self.show_progress();
        }
        self.verdict(self.done.prefix(), Vec::new())
    }

    /// Counts a report that carries its values. Takes those failures out of it whose positions run again.
    pub(crate) fn accept<R>(&mut self, report: &mut ChunkReport<R, E>) -> Vec<RetryRequest> {
        self.show_worker_events(report);
        let retries = self.pick_retries(report);
        if report.done > 0 {
            self.count(report, &retries);
        }
        retries
    }

    /// Runs one of the caller's closures.
    pub(crate) fn run_callback<A>(&mut self, closure: impl FnOnce() -> A) -> Option<A> {
        self.callbacks.run(closure)
    }

    /// Runs a step of the delivery, which writes results down also after a panic of the caller's callback.
    pub(crate) fn run_delivery<A>(&mut self, step: impl FnOnce() -> A) -> Option<A> {
        self.callbacks.run_always(step)
    }

    /// Whether one of the caller's closures has panicked.
    pub(crate) fn has_panicked(&self) -> bool {
        self.callbacks.has_panicked()
    }

    /// The caller's callback wants no more results.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether the caller's callback has ended the run, or a panic of one of its closures.
    pub(crate) fn has_stopped(&self) -> bool {
        self.is_stopped || self.callbacks.has_panicked()
    }

    /// Counts items that have just come and were finished before the run.
    pub(crate) fn count_past(&mut self, n_items: usize, how: ItemStatus) {
        self.past += n_items;
        self.observer.count(how, n_items);
    }

    /// Counts items that were finished before the run, and that progress has counted.
    pub(crate) fn add_past(&mut self, n_items: usize) {
        self.past += n_items;
    }

    /// Where failures end the run so far.
    pub(crate) fn fence(&self) -> usize {
        self.tolerance.fence(self.n_items)
    }

    /// Whether the input is to be asked for more: not once failures have ended the run, since those below the fence are there.
    pub(crate) fn wants_more(&self) -> bool {
        !self.input.is_all && !self.is_over() && self.fence() == self.n_items
    }

    /// The positions finished since the last call.
    pub(crate) fn take_completed(&mut self) -> Completed {
        Completed { ranges: std::mem::take(&mut self.completed), prefix: self.done.prefix() }
    }

    /// Notes how far the input has come; `None` where it panicked.
    pub(crate) fn note_input(&mut self, progress: Option<InputProgress>) {
        let given_up = InputProgress { placed: self.input.placed, may_grow: false, is_all: true };
        self.input = progress.unwrap_or(given_up);
        if self.input.is_all {
            self.n_items = self.input.placed;
            self.input.may_grow = false;
            self.observer.set_total(self.n_items + self.past);
        }
    }

    /// How the backend goes on. `oldest` is the oldest position that is not delivered, from which the window counts.
    pub(crate) fn verdict(&self, oldest: usize, again: Vec<RetryRequest>) -> Verdict {
        let fence = if self.is_over() { 0 } else { self.fence() };
        if fence < self.n_items.min(self.input.placed) {
            self.observer.stop();
        }
        let limit = oldest.saturating_add(self.plan.window).min(self.input.placed);
        Verdict { fence, limit, may_grow: self.input.may_grow && self.wants_more(), again }
    }

    /// Shows a snapshot to the progress target.
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
            elapsed: self.begun.elapsed(),
        };
        self.shown = Some((snapshot.done, snapshot.failed));
        let Self { callbacks, observer, .. } = self;
        callbacks.run(|| observer.show(&snapshot));
    }

    /// Takes those failures out of a report whose positions run again.
    fn pick_retries<R>(&mut self, report: &mut ChunkReport<R, E>) -> Vec<RetryRequest> {
        let Some(retry) = self.retry.filter(|_| !report.failures.is_empty() && !self.is_over()) else {
            return Vec::new();
        };
        let (fence, mut picked) = (self.fence(), Vec::new());
        report.failures.retain(|failure| match retry.after(failure.cause.kind(), failure.attempts) {
            // An item that never started is not retried.
            Some(after) if failure.position < fence && failure.attempts > 0 => {
                let request = RetryRequest { position: failure.position, attempt: failure.attempts + 1, after };
                picked.push((request, failure.cause.kind().as_str()));
                false
            }
            _ => true,
        });
        self.retries += picked.len();
        if !picked.is_empty() {
            self.show(|observer, position_map| observer.retries(&picked, report.worker, position_map));
        }
        picked.into_iter().map(|(request, _)| request).collect()
    }

    /// Counts what a report says is done, except the positions that run again.
    fn count<R>(&mut self, report: &ChunkReport<R, E>, again: &[RetryRequest]) {
        let mut first = report.first;
        for request in again {
            self.count_done(first..request.position);
            first = request.position + 1;
        }
        self.count_done(first..report.first + report.done);
        self.chunks += 1;
        self.busy += report.busy;
        for failure in &report.failures {
            self.tolerance.note(failure.position);
            self.failed.push(failure.position);
        }
        if !report.failures.is_empty() {
            self.show(|observer, position_map| observer.failures(&report.failures, report.worker, position_map));
        }
        self.observer.count(ItemStatus::Succeeded, report.done - again.len() - report.failures.len());
        self.observer.count(ItemStatus::Failed, report.failures.len());
    }

    fn count_done(&mut self, range: Range<usize>) {
        if !self.input.is_all && !range.is_empty() {
            self.completed.push(range.clone());
        }
        self.done.add(range);
    }

    fn is_over(&self) -> bool {
        self.has_stopped() || self.cancel.is_cancelled()
    }

    fn show_worker_events<R>(&mut self, report: &mut ChunkReport<R, E>) {
        let events = std::mem::take(&mut report.events);
        if !events.is_empty() {
            self.show(|observer, position_map| observer.worker_events(events, position_map));
        }
    }

    /// Lets the observer report. The key of an item comes from the caller's closure.
    fn show(&mut self, report: impl FnOnce(&Observer<'_>, &dyn PositionMap)) {
        let Self { callbacks, observer, position_map, .. } = self;
        callbacks.run(|| report(observer, *position_map));
    }

    /// Shows that nothing of the run is alive any more, after a last snapshot where one is due.
    pub(crate) fn show_end(&mut self) {
        if self.shown != Some((self.done.count() + self.past, self.failed.len())) {
            self.show_progress();
        }
        self.observer.end();
    }

    /// Turns what lies in the slots into the outcome.
    ///
    /// # Safety
    /// The reports of this run were about these slots, and nothing writes to them any more.
    pub(crate) unsafe fn finish<R>(mut self, stats: &BackendStats, slots: Slots<R>) -> Outcome<R, E> {
        let fence = self.fence();
        self.failed.sort_unstable();
        let is_whole = self.done.prefix() == self.plan.n_items && self.failures.is_empty();
        let values = if is_whole && self.plan.order.is_none() {
            // SAFETY: every position is done and none failed, and a backend writes the slot of each position that it reports
            // as done and not failed.
            Values::All(unsafe { slots.assume_all_written() })
        } else {
            // SAFETY: as above, for each position by itself.
            let options = unsafe { self.take_values(slots, fence) };
            if is_whole { Values::All(options.into_iter().flatten().collect()) } else { Values::Some(options) }
        };
        self.callbacks.rethrow();
        let tally = self.tally(stats, fence);
        let kept = self.failures.into_iter().filter(|failure| failure.position < fence);
        let mut failures: Vec<_> = kept.map(|failure| item_failure(failure, self.position_map, self.sources)).collect();
        failures.sort_unstable_by_key(|failure| failure.index);
        Outcome::new(values, failures, tally)
    }

    /// Drops the values of a run that has no outcome.
    ///
    /// # Safety
    /// As for [`Gatherer::finish`].
    pub(crate) unsafe fn discard<R>(mut self, slots: Slots<R>) {
        self.failed.sort_unstable();
        // SAFETY: handed on from the caller.
        drop(unsafe { self.take_values(slots, 0) });
        self.callbacks.rethrow();
    }

    /// Ends a run whose results were delivered. Also gives the callbacks, whose panic is raised again once journal and report
    /// are closed.
    pub(crate) fn finish_delivered(
        mut self,
        stats: Result<BackendStats, BackendError>,
        delivered: &Delivered,
        n_inputs: usize,
    ) -> (Result<RunEnd, Error<E>>, Callbacks) {
        self.show_end();
        let end = stats.map(|stats| self.run_end(&stats, delivered, n_inputs)).map_err(BackendError::into_error);
        (end, self.callbacks)
    }

    fn run_end(&self, stats: &BackendStats, delivered: &Delivered, n_inputs: usize) -> RunEnd {
        let fence = self.fence();
        let tally = Tally {
            items: n_inputs,
            succeeded: delivered.passed - delivered.failed - delivered.done_before,
            failed: delivered.failed,
            resumed: delivered.resumed,
            done_before: delivered.done_before,
            cancelled: n_inputs - delivered.passed,
            is_cut_short: !self.input.is_all,
            ..self.tally(stats, self.n_items)
        };
        RunEnd {
            tally,
            fence,
            has_stopped: fence < self.n_items,
            is_broken_off: self.has_stopped(),
            cancelled: self.cancel.cancel_reason(),
        }
    }

    /// The values before the fence, by index; those beyond it are dropped, as a serial run would not have made them.
    ///
    /// # Safety
    /// As for [`Gatherer::finish`]; the failed positions are sorted.
    unsafe fn take_values<R>(&self, slots: Slots<R>, fence: usize) -> Vec<Option<R>> {
        let mut options: Vec<Option<R>> = std::iter::repeat_with(|| None).take(self.plan.n_items).collect();
        let keep = |position, value| {
            if position < fence {
                options[self.plan.index_of(position)] = Some(value);
            }
        };
        // SAFETY: handed on from the caller.
        unsafe { slots.take_written(&self.done, &self.failed, keep) };
        options
    }

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
            wall: self.begun.elapsed(),
            busy: self.busy,
            ..Tally::default()
        }
    }
}
