//! The gatherer: takes what backends report, and alone counts, judges and decides. Runs in the calling thread; never spawns.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::error::Error;
use crate::failure_policy::Tolerance;
use crate::outcome::{ItemFailure, Outcome, Tally, Values};
use crate::plan::Plan;
use crate::pool::{Chunk, Finished, Miss, Refusal, Verdict};
use crate::progress::{Progress, Snapshot};
use crate::slots::Slots;
use crate::sync::Instant;

/// What became of a run, as its chunks come in.
#[derive(Debug)]
pub(crate) struct Gatherer<'a, E> {
    plan: &'a Plan,
    cancel: &'a CancelToken,
    progress: Option<Progress<'a>>,
    begun: Instant,
    tolerance: Tolerance,
    done: Done,
    /// The positions that failed, in the order in which they were reported.
    failed: Vec<usize>,
    misses: Vec<Miss<E>>,
    chunks: usize,
    busy: Duration,
    /// What the progress target was told last: items done and failed.
    shown: Option<(usize, usize)>,
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
        progress: Option<Progress<'a>>,
    ) -> Self {
        Self {
            plan,
            cancel,
            progress,
            begun: Instant::now(),
            tolerance,
            done: Done::default(),
            failed: Vec::new(),
            misses: Vec::new(),
            chunks: 0,
            busy: Duration::ZERO,
            shown: None,
            stopped: false,
            panic: None,
        }
    }

    /// Takes a chunk whose values lie in their slots.
    pub(crate) fn take<R>(&mut self, chunk: Chunk<R, E>) -> Verdict {
        self.note(&chunk);
        self.misses.extend(chunk.failures);
        self.show_progress();
        self.verdict()
    }

    /// Takes a chunk that carries its values, and hands its answers on.
    pub(crate) fn deliver<R>(&mut self, chunk: Chunk<R, E>, stream: &mut Stream<'_, R, E>) -> Verdict {
        self.note(&chunk);
        let fence = self.tolerance.fence(self.plan.n_items);
        self.run_callback(|| stream.deliver(chunk, fence));
        self.stopped |= stream.muted;
        self.show_progress();
        Verdict { oldest: stream.handed_on, ..self.verdict() }
    }

    fn note<R>(&mut self, chunk: &Chunk<R, E>) {
        self.done.add(chunk.first..chunk.first + chunk.done);
        self.chunks += 1;
        self.busy += chunk.busy;
        for miss in &chunk.failures {
            self.tolerance.note(miss.position);
            self.failed.push(miss.position);
        }
    }

    fn verdict(&self) -> Verdict {
        let is_over = self.stopped || self.cancel.is_cancelled();
        let fence = if is_over { 0 } else { self.tolerance.fence(self.plan.n_items) };
        Verdict { fence, oldest: self.done.prefix }
    }

    fn show_progress(&mut self) {
        let Some(mut progress) = self.progress.take() else { return };
        let snapshot = Snapshot {
            done: self.done.count(),
            failed: self.failed.len(),
            total: self.plan.n_items,
            elapsed: self.begun.elapsed(),
        };
        self.shown = Some((snapshot.done, snapshot.failed));
        self.run_callback(|| progress.show(&snapshot));
        self.progress = Some(progress);
    }

    /// Tells the progress target how it ended, unless it knows.
    fn show_end(&mut self) {
        if self.shown != Some((self.done.count(), self.failed.len())) {
            self.show_progress();
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
        finished: Result<Finished, Refusal>,
        slots: Slots<R>,
        name: impl Fn(usize) -> Option<String>,
    ) -> Result<Outcome<R, E>, Error<E>> {
        let fence = self.tolerance.fence(self.plan.n_items);
        self.show_end();
        self.failed.sort_unstable();
        let is_whole = self.done.prefix == self.plan.n_items && self.misses.is_empty();
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
        let finished = finished.map_err(Refusal::into_error)?;
        let tally = self.tally(&finished, fence);
        let plan = self.plan;
        let kept = self.misses.into_iter().filter(|miss| miss.position < fence);
        let mut failures: Vec<_> = kept.map(|miss| item_failure(miss, plan, &name)).collect();
        failures.sort_unstable_by_key(|failure| failure.index);
        Ok(Outcome::new(values, failures, tally))
    }

    /// Ends a run whose values were handed on: hands on what is left, and counts what was handed on.
    pub(crate) fn finish_stream<R>(
        mut self,
        finished: Result<Finished, Refusal>,
        stream: &mut Stream<'_, R, E>,
    ) -> Result<Tally, Error<E>> {
        let fence = self.tolerance.fence(self.plan.n_items);
        self.run_callback(|| stream.hand_on_the_rest(fence));
        self.show_end();
        self.rethrow();
        let finished = finished.map_err(Refusal::into_error)?;
        let n_items = self.plan.n_items;
        Ok(Tally {
            succeeded: stream.handed_on - stream.failed,
            failed: stream.failed,
            cancelled: n_items - stream.handed_on,
            ..self.tally(&finished, n_items)
        })
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

    fn tally(&self, finished: &Finished, fence: usize) -> Tally {
        let done = self.done.count_below(fence);
        let failed = self.failed.iter().filter(|&&position| position < fence).count();
        Tally {
            items: self.plan.n_items,
            succeeded: done - failed,
            failed,
            cancelled: self.plan.n_items - done,
            workers: finished.workers,
            lost_workers: finished.lost,
            recycled_workers: finished.recycled,
            chunks: self.chunks,
            wall: self.begun.elapsed(),
            busy: self.busy,
        }
    }
}

fn item_failure<E>(miss: Miss<E>, plan: &Plan, name: &impl Fn(usize) -> Option<String>) -> ItemFailure<E> {
    let index = plan.index_of(miss.position);
    ItemFailure { index, key: name(index), attempts: miss.attempts, elapsed: miss.elapsed, cause: miss.cause }
}

/// The positions that are done: all before `prefix`, and some ranges ahead of it.
#[derive(Debug, Default)]
pub(crate) struct Done {
    prefix: usize,
    /// First to end, none empty, none touching the prefix.
    ahead: BTreeMap<usize, usize>,
    count: usize,
}

impl Done {
    fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.count += range.len();
        self.ahead.insert(range.start, range.end);
        while let Some(end) = self.ahead.remove(&self.prefix) {
            self.prefix = end;
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

/// A callback that wants each item's answer.
pub(crate) type Callback<'c, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>) -> ControlFlow<()> + 'c;

/// Answers on their way to the caller's callback.
pub(crate) struct Stream<'s, R, E> {
    plan: &'s Plan,
    name: &'s dyn Fn(usize) -> Option<String>,
    callback: &'s mut Callback<'s, R, E>,
    /// For a stream in input order: what came too early, by the index of its first answer.
    early: Option<BTreeMap<usize, Answers<R, E>>>,
    /// How many answers were handed on. In input order, the next one's index, until the end. The window starts here: as
    /// claims are in order, at most a window's worth of answers is ever on its way.
    handed_on: usize,
    /// How many of them were failures.
    failed: usize,
    muted: bool,
}

/// The answers of consecutive positions.
struct Answers<R, E> {
    first: usize,
    answers: Vec<Result<R, ItemFailure<E>>>,
}

impl<'s, R, E> Stream<'s, R, E> {
    pub(crate) fn new(
        plan: &'s Plan,
        name: &'s dyn Fn(usize) -> Option<String>,
        callback: &'s mut Callback<'s, R, E>,
        ordered: bool,
    ) -> Self {
        Self { plan, name, callback, early: ordered.then(BTreeMap::new), handed_on: 0, failed: 0, muted: false }
    }

    /// Hands on what can be handed on: nothing from the fence on, and nothing after a break.
    fn deliver(&mut self, chunk: Chunk<R, E>, fence: usize) {
        let answers = self.answers(chunk);
        let Some(early) = &mut self.early else {
            return self.hand_on(answers, fence);
        };
        keep_early(early, self.plan, answers);
        while let Some(next) = self.early.as_mut().and_then(|early| early.remove(&self.handed_on)) {
            self.hand_on(next, fence);
        }
    }

    /// At the end of a run: what waited for an answer that never came, in order.
    fn hand_on_the_rest(&mut self, fence: usize) {
        for (_, answers) in self.early.take().unwrap_or_default() {
            self.hand_on(answers, fence);
        }
    }

    /// The chunk's answers in the order of its positions.
    fn answers(&self, chunk: Chunk<R, E>) -> Answers<R, E> {
        let mut values = chunk.values.into_iter();
        let mut failures = chunk.failures.into_iter().peekable();
        let answer = |position| match failures.next_if(|miss| miss.position == position) {
            Some(miss) => Err(item_failure(miss, self.plan, &self.name)),
            None => Ok(values.next().expect("a backend carries a value for each position that it did not miss")),
        };
        Answers { first: chunk.first, answers: (chunk.first..chunk.first + chunk.done).map(answer).collect() }
    }

    fn hand_on(&mut self, answers: Answers<R, E>, fence: usize) {
        for (position, answer) in (answers.first..).zip(answers.answers) {
            if self.muted || position >= fence {
                return;
            }
            self.handed_on += 1;
            self.failed += usize::from(answer.is_err());
            self.muted = (self.callback)(self.plan.index_of(position), answer).is_break();
        }
    }
}

/// Keeps answers until their turn: a chunk at once where positions are indices, else one by one.
fn keep_early<R, E>(early: &mut BTreeMap<usize, Answers<R, E>>, plan: &Plan, answers: Answers<R, E>) {
    if plan.order.is_some() {
        for (first, answer) in (answers.first..).zip(answers.answers) {
            early.insert(plan.index_of(first), Answers { first, answers: vec![answer] });
        }
    } else if !answers.answers.is_empty() {
        early.insert(answers.first, answers);
    }
}
