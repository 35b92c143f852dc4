//! The gatherer: takes what backends report, and alone counts, judges and decides. Runs in the calling thread; never spawns.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::backend::plan::Plan;
use crate::backend::{
    BackendError, BackendStats, ChunkReport, PositionFailure, RetryRequest, Verdict, WorkerEvent, worker_loop,
};
use crate::error::Error;
use crate::job::on_failure::Tolerance;
use crate::job::retry::Retry;
use crate::outcome::{Outcome, Tally, Values};
use crate::primitives::cancel::CancelToken;
use crate::progress::{Ending, Snapshot};
use crate::run::delivery::{Answer, Delivery, PositionMap, item_failure};
use crate::run::observer::Observer;
use crate::run::persistence::RunEnd;
use crate::run::slots::Slots;
use crate::sync::Instant;

/// What became of a run, as its chunks come in.
pub(crate) struct Gatherer<'a, E> {
    plan: &'a Plan,
    cancel: &'a CancelToken,
    observer: Observer<'a>,
    position_map: &'a dyn PositionMap,
    begun: Instant,
    tolerance: Tolerance,
    retry: Option<&'a Retry>,
    /// How often a failed item was handed out again.
    retries: usize,
    /// How many items there are, as far as that is known.
    n_items: usize,
    /// Where the items that are there end.
    stocked: usize,
    /// Whether all items have come.
    has_all: bool,
    /// Whether asking for more may bring some before anything else is finished.
    may_grow: bool,
    done: PositionSet,
    /// What was finished since more items were asked for last.
    completed: Vec<Range<usize>>,
    /// The positions that failed, in the order in which they were reported.
    failed: Vec<usize>,
    position_failures: Vec<PositionFailure<E>>,
    chunks: usize,
    busy: Duration,
    /// What the progress target was told last: items done and failed.
    shown: Option<(usize, usize)>,
    /// How many items were finished before the run.
    past: usize,
    /// Set by the caller's callback, or by its panic.
    stopped: bool,
    /// A panic of the caller's callback: kept until nothing is alive that the call started, then it goes on.
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a, E> Gatherer<'a, E> {
    pub(crate) fn new(
        plan: &'a Plan,
        cancel: &'a CancelToken,
        tolerance: Tolerance,
        observer: Observer<'a>,
        position_map: &'a dyn PositionMap,
    ) -> Self {
        Self {
            plan,
            cancel,
            observer,
            position_map,
            begun: Instant::now(),
            tolerance,
            retry: None,
            retries: 0,
            n_items: plan.n_items,
            stocked: plan.stocked,
            has_all: plan.stocked >= plan.n_items,
            may_grow: plan.stocked < plan.n_items,
            done: PositionSet::default(),
            completed: Vec::new(),
            failed: Vec::new(),
            position_failures: Vec::new(),
            chunks: 0,
            busy: Duration::ZERO,
            shown: None,
            past: 0,
            stopped: false,
            panic: None,
        }
    }

    /// Failed items are tried again, as this says.
    pub(crate) fn retrying(self, retry: Option<&'a Retry>) -> Self {
        Self { retry, ..self }
    }

    /// Takes a chunk whose values lie in their slots.
    pub(crate) fn take<R>(&mut self, mut chunk: ChunkReport<R, E>) -> Verdict {
        self.notify_worker_events(std::mem::take(&mut chunk.notes));
        if chunk.done > 0 {
            self.note(&chunk, &[]);
            self.position_failures.extend(chunk.failures);
            self.show_progress();
        }
        self.verdict(self.done.prefix, Vec::new())
    }

    /// Takes a chunk that carries its values, hands its answers on, and has more items come where they do.
    pub(crate) fn deliver<R>(
        &mut self,
        mut chunk: ChunkReport<R, E>,
        delivery: &mut Delivery<'_, R, E>,
        grow: Option<&mut Grow<'_, R, E>>,
    ) -> Verdict {
        self.notify_worker_events(std::mem::take(&mut chunk.notes));
        let again = self.pick_retries(&mut chunk);
        if chunk.done > 0 {
            let but: Vec<usize> = again.iter().map(|again| again.position).collect();
            self.note(&chunk, &but);
            let fence = self.tolerance.fence(self.n_items);
            self.hand_on(delivery, |delivery| delivery.deliver(chunk, &but, fence));
            self.show_progress();
        }
        self.stopped |= delivery.has_stopped_callbacks();
        if let Some(grow) = grow
            && self.wants_more()
        {
            let finished = Completed { ranges: std::mem::take(&mut self.completed), prefix: self.done.prefix };
            let before = delivery.taken_up();
            let growth = self.run_callback(|| grow(delivery, finished));
            let after = delivery.taken_up();
            self.take_up(after.resumed - before.resumed, Ending::Resumed);
            self.take_up(after.done_before - before.done_before, Ending::Skipped);
            self.take_growth(growth.unwrap_or(InputProgress { stocked: self.stocked, may_grow: false, is_all: true }));
            self.stopped |= delivery.has_stopped_callbacks();
        }
        self.verdict(delivery.oldest_position(), again)
    }

    /// Hands on what was finished before the run.
    pub(crate) fn resume<R>(&mut self, answers: Vec<(usize, Answer<R, E>)>, delivery: &mut Delivery<'_, R, E>) {
        for (index, answer) in answers {
            self.hand_on(delivery, |delivery| delivery.resume(index, answer));
            self.past += 1;
        }
        self.stopped |= delivery.has_stopped_callbacks();
    }

    /// Whether the caller's callback has ended the run, or its panic.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Counts items that have just come, and were finished before the run.
    fn take_up(&mut self, n_items: usize, how: Ending) {
        self.past += n_items;
        self.observer.count(how, n_items);
    }

    fn take_growth(&mut self, growth: InputProgress) {
        self.stocked = growth.stocked;
        self.may_grow = growth.may_grow;
        if growth.is_all {
            self.n_items = growth.stocked;
            (self.has_all, self.may_grow) = (true, false);
            self.observer.know_total(self.n_items + self.past);
        }
    }

    /// Takes those failures out of a chunk whose items are to be begun again.
    fn pick_retries<R>(&mut self, chunk: &mut ChunkReport<R, E>) -> Vec<RetryRequest> {
        let Some(retry) = self.retry.filter(|_| !chunk.failures.is_empty() && !self.is_over()) else {
            return Vec::new();
        };
        let (fence, mut again) = (self.tolerance.fence(self.n_items), Vec::new());
        chunk.failures.retain(|miss| match retry.after(miss.cause.kind(), miss.attempts) {
            // Who was never begun would not be begun the next time either.
            Some(after) if miss.position < fence && miss.attempts > 0 => {
                let item = RetryRequest { position: miss.position, attempt: miss.attempts + 1, after };
                again.push((item, miss.cause.kind().as_str()));
                false
            }
            _ => true,
        });
        self.retries += again.len();
        if !again.is_empty() {
            self.tell(|observer, position_map| observer.retries(&again, chunk.worker, position_map));
        }
        again.into_iter().map(|(item, _)| item).collect()
    }

    /// Counts what a chunk says is done, but for these positions, which are to be begun again.
    fn note<R>(&mut self, chunk: &ChunkReport<R, E>, but: &[usize]) {
        let mut first = chunk.first;
        for &position in but {
            self.note_done(first..position);
            first = position + 1;
        }
        self.note_done(first..chunk.first + chunk.done);
        self.chunks += 1;
        self.busy += chunk.busy;
        for miss in &chunk.failures {
            self.tolerance.note(miss.position);
            self.failed.push(miss.position);
        }
        if !chunk.failures.is_empty() {
            self.tell(|observer, position_map| observer.failures(&chunk.failures, chunk.worker, position_map));
        }
        self.observer.count(Ending::Succeeded, chunk.done - but.len() - chunk.failures.len());
        self.observer.count(Ending::Failed, chunk.failures.len());
    }

    fn note_done(&mut self, range: Range<usize>) {
        if !self.has_all && !range.is_empty() {
            self.completed.push(range.clone());
        }
        self.done.add(range);
    }

    fn is_over(&self) -> bool {
        self.stopped || self.cancel.is_cancelled()
    }

    /// Whether more items are to be asked for: not once failures have ended the run, since those below the fence are there.
    fn wants_more(&self) -> bool {
        !self.has_all && !self.is_over() && self.tolerance.fence(self.n_items) == self.n_items
    }

    fn verdict(&self, oldest: usize, again: Vec<RetryRequest>) -> Verdict {
        let fence = if self.is_over() { 0 } else { self.tolerance.fence(self.n_items) };
        if fence < self.n_items.min(self.stocked) {
            self.observer.stop();
        }
        let limit = oldest.saturating_add(self.plan.window).min(self.stocked);
        Verdict { fence, limit, may_grow: self.may_grow && self.wants_more(), again }
    }

    fn show_progress(&mut self) {
        if !self.observer.wants_snapshots() {
            return;
        }
        let snapshot = Snapshot {
            done: self.done.count() + self.past,
            failed: self.failed.len(),
            resumed: self.past,
            retries: self.retries,
            total: self.n_items.min(self.stocked) + self.past,
            elapsed: self.begun.elapsed(),
        };
        self.shown = Some((snapshot.done, snapshot.failed));
        let mut observer = std::mem::take(&mut self.observer);
        self.run_callback(|| observer.show(&snapshot));
        self.observer = observer;
    }

    /// Tells the progress target how it ended, unless it knows.
    fn show_end(&mut self) {
        if self.shown != Some((self.done.count() + self.past, self.failed.len())) {
            self.show_progress();
        }
        self.observer.end();
    }

    /// Tells who looks on of what happened to workers.
    fn notify_worker_events(&mut self, notes: Vec<WorkerEvent>) {
        if !notes.is_empty() {
            self.tell(|observer, position_map| observer.notes(notes, position_map));
        }
    }

    /// Tells who looks on. How an item is called is said by the caller's code.
    fn tell(&mut self, tell: impl FnOnce(&Observer<'_>, &dyn PositionMap)) {
        let (observer, position_map) = (std::mem::take(&mut self.observer), self.position_map);
        self.run_callback(|| tell(&observer, position_map));
        self.observer = observer;
    }

    /// Hands answers on. After a panic of the caller's code they are written down all the same, where that is wanted.
    fn hand_on<R>(&mut self, delivery: &mut Delivery<'_, R, E>, hand_on: impl FnOnce(&mut Delivery<'_, R, E>)) {
        let earlier = self.panic.take();
        if earlier.is_some() {
            delivery.stop_callbacks();
        }
        self.run_callback(|| hand_on(delivery));
        if let Some(earlier) = earlier
            && let Some(later) = self.panic.replace(earlier)
        {
            worker_loop::into_message(later);
        }
    }

    /// Runs the caller's code. A panic in it mutes all further callbacks and stops the run; it goes on in `finish`.
    fn run_callback<A>(&mut self, callback: impl FnOnce() -> A) -> Option<A> {
        if self.panic.is_some() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(callback)) {
            Ok(answer) => Some(answer),
            Err(payload) => {
                self.panic = Some(payload);
                self.stopped = true;
                None
            }
        }
    }

    /// Turns what lies in the slots into the outcome.
    ///
    /// # Safety
    /// The slots are those that the chunks of this run were written to, and nobody writes to them any more.
    pub(crate) unsafe fn finish<R>(
        mut self,
        finished: Result<BackendStats, BackendError>,
        slots: Slots<R>,
    ) -> Result<Outcome<R, E>, Error<E>> {
        let fence = self.tolerance.fence(self.plan.n_items);
        self.show_end();
        self.failed.sort_unstable();
        let is_whole = self.done.prefix == self.plan.n_items && self.position_failures.is_empty();
        let values = if is_whole && self.plan.order.is_none() {
            // SAFETY: every position is done and none is missed, and a backend writes the slot of each position that it
            // reports as done and not missed.
            Values::All(unsafe { slots.assume_all_written() })
        } else {
            // SAFETY: as above, for each position by itself.
            let options = unsafe { self.take_values(slots, fence) };
            if is_whole { Values::All(options.into_iter().flatten().collect()) } else { Values::Some(options) }
        };
        self.rethrow();
        let finished = finished.map_err(BackendError::into_error)?;
        let tally = self.tally(&finished, fence);
        let kept = self.position_failures.into_iter().filter(|miss| miss.position < fence);
        let mut failures: Vec<_> = kept.map(|miss| item_failure(miss, self.position_map)).collect();
        failures.sort_unstable_by_key(|failure| failure.index);
        Ok(Outcome::new(values, failures, tally))
    }

    /// Ends a run whose values were handed on: hands on what is left, and counts what was handed on. Gives the
    /// panic of a callback too, for who has something to put away before it goes on.
    pub(crate) fn finish_delivery<R>(
        mut self,
        finished: Result<BackendStats, BackendError>,
        delivery: &mut Delivery<'_, R, E>,
        n_inputs: usize,
    ) -> (Result<RunEnd, Error<E>>, Option<Box<dyn Any + Send>>) {
        let fence = self.tolerance.fence(self.n_items);
        self.hand_on(delivery, |delivery| delivery.hand_on_the_rest(fence));
        self.show_end();
        let panic = self.panic.take();
        let end =
            finished.map_err(BackendError::into_error).map(|finished| self.end(&finished, delivery, n_inputs, fence));
        (end, panic)
    }

    fn end<R>(&self, finished: &BackendStats, delivery: &Delivery<'_, R, E>, n_inputs: usize, fence: usize) -> RunEnd {
        let counts = delivery.counts();
        let mut tally = self.tally(finished, self.n_items);
        tally.items = n_inputs;
        tally.succeeded = counts.passed - counts.failed - counts.done_before;
        tally.failed = counts.failed;
        tally.resumed = counts.resumed;
        tally.done_before = counts.done_before;
        tally.cancelled = n_inputs - counts.passed;
        tally.is_cut_short = !self.has_all;
        RunEnd {
            tally,
            fence,
            has_stopped: fence < self.n_items,
            is_broken_off: self.stopped,
            cancelled: self.cancel.cancel_reason(),
        }
    }

    fn rethrow(&mut self) {
        if let Some(payload) = self.panic.take() {
            resume_unwind(payload);
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

    fn tally(&self, finished: &BackendStats, fence: usize) -> Tally {
        let done = self.done.count_below(fence);
        let failed = self.failed.iter().filter(|&&position| position < fence).count();
        Tally {
            items: self.plan.n_items,
            succeeded: done - failed,
            failed,
            cancelled: self.plan.n_items - done,
            is_cut_short: false,
            resumed: 0,
            done_before: 0,
            retries: self.retries,
            workers: finished.workers,
            lost_workers: finished.lost,
            recycled_workers: finished.recycled,
            chunks: self.chunks,
            wall: self.begun.elapsed(),
            busy: self.busy,
        }
    }
}

/// Has more items come: told what is handed on, and what was finished since the last time; says where they end then.
pub(crate) type Grow<'g, R, E> = dyn FnMut(&mut Delivery<'_, R, E>, Completed) -> InputProgress + 'g;

/// What was finished since the last time.
#[derive(Debug)]
pub(crate) struct Completed {
    /// The positions, in the order in which they were reported.
    pub(crate) ranges: Vec<Range<usize>>,
    /// All before this position are finished.
    pub(crate) prefix: usize,
}

/// How far items have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputProgress {
    /// Where those end that are there.
    pub(crate) stocked: usize,
    /// Whether asking again may bring more before anything is finished.
    pub(crate) may_grow: bool,
    /// Whether there are no more.
    pub(crate) is_all: bool,
}

/// The positions that are done: all before `prefix`, and some ranges ahead of it.
#[derive(Debug, Default)]
pub(crate) struct PositionSet {
    prefix: usize,
    /// First to end, none empty, none touching the prefix or each other.
    ahead: BTreeMap<usize, usize>,
    count: usize,
}

impl PositionSet {
    fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.count += range.len();
        let end = self.ahead.remove(&range.end).unwrap_or(range.end);
        if range.start == self.prefix {
            self.prefix = end;
            return;
        }
        let before = self.ahead.range_mut(..range.start).next_back();
        match before.filter(|(_, its_end)| **its_end == range.start) {
            Some((_, its_end)) => *its_end = end,
            None => _ = self.ahead.insert(range.start, end),
        }
    }

    fn count(&self) -> usize {
        self.count
    }

    fn count_below(&self, fence: usize) -> usize {
        self.ranges().map(|range| range.end.min(fence).saturating_sub(range.start)).sum()
    }

    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let ahead = self.ahead.iter().map(|(&first, &end)| first..end);
        std::iter::once(0..self.prefix).chain(ahead)
    }

    /// Each done position once, in order.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.ranges().flatten()
    }
}
