//! Delivery of results, from reports of a backend and from earlier runs. Each result goes to the sink first, which
//! writes it down, and then to the caller's callback, in input order where the caller asks for that.
//!
//! Promise: each result is delivered once; a result at or beyond the fence is not delivered; after a break none is. It
//! decides nothing: the gatherer does. Its counterpart for slots is `slots.rs`.
//!
//! How a report becomes deliveries, for positions 10 to 14, of which 12 is retried and 13 has failed for good, with the
//! fence at 14:
//!
//! | position | sink | callback |
//! |---|---|---|
//! | 10, 11 | a value each | a value each |
//! | 12 | nothing, until its last attempt | nothing, until its last attempt |
//! | 13 | the failure | the failure; in input order after the result of 12 |
//! | 14 | its value | nothing: a serial run would not have run it |
//!
//! The sink gets position 14 because the work is done: the next run of the journal takes the value from there.
//!
//! Cost per result: one virtual call for the callback, and one for the sink where something is kept. In input order
//! there is one entry of a search tree besides: one per report where positions are indices, one per result elsewhere.
//! Results that were not delivered are dropped one by one, also while a panic of the callback unwinds.
//! Memory is bounded by the window, except in [`DeliveryOrder::All`](crate::run::spec::DeliveryOrder::All) and for work
//! in another order than that of the input.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::backend::contract::{ChunkReport, Dropped, RetryRequest};
use crate::failure::{ErrorSources, ItemFailure};
use crate::panics::{Held, OneByOne};
use crate::record::Timing;
use crate::run::drop_panics::DropPanics;
use crate::run::positions::{PositionMap, item_failure};

/// The caller's callback: gets each item's index, its result, and the run that made it.
///
/// It runs in the calling thread, between two reports. While it runs no verdict is given, so a slow callback holds the
/// workers at the limit of the last one. A break ends the run.
pub(crate) type Callback<'c, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>, Origin) -> ControlFlow<()> + 'c;

/// Writes each finished item down before its result is delivered. `persistence.rs` implements it.
///
/// A trait, so that the delivery knows neither the type of the items nor the format of the journal.
pub(crate) trait ResultSink<R, E> {
    /// Writes down the result of the item with this index.
    ///
    /// Called once per item with its last attempt, in the order of reports. It has no error to return: a result that
    /// cannot be written down becomes a warning at the end of the run.
    fn keep(&self, index: usize, result: Result<&R, &ItemFailure<E>>, finished: FinishedItem);
}

/// Facts about a finished item besides its result.
///
/// Timing is there where the plan traces items, worker and memory where the backend knows them.
pub(crate) struct FinishedItem {
    pub(crate) position: usize,
    pub(crate) attempts: u32,
    pub(crate) timing: Option<Timing>,
    pub(crate) worker: Option<u32>,
    pub(crate) peak_memory: Option<u64>,
}

/// The result of an item; `None` for an item that was done before this run and has no value.
pub(crate) type ItemResult<R, E> = Option<Result<R, ItemFailure<E>>>;

/// Delivers the results of one run.
///
/// Invariants: in input order every index below `delivered.passed` has been delivered, and no buffered span begins
/// below it, up to the end of the run. After `callbacks_stopped` is set, no count of delivered results changes.
pub(crate) struct Delivery<'s, R, E> {
    position_map: &'s dyn PositionMap,
    sources: ErrorSources<E>,
    sink: Option<&'s dyn ResultSink<R, E>>,
    callback: &'s mut Callback<'s, R, E>,
    /// For delivery in input order: results that wait for an earlier one, by the first index of each span.
    ///
    /// A tree and not a queue, because indices may have long gaps where earlier runs finished items.
    reorder_buffer: Option<BTreeMap<usize, ResultSpan<R, E>>>,
    delivered: Delivered,
    resumed: ResumedCounts,
    callbacks_stopped: bool,
    /// Destructors of results that were not delivered, and of items that were finished before, which panicked.
    drop_panics: DropPanics,
}

/// Counts of delivered results.
///
/// `passed - failed - done_before` have succeeded; `resumed` are among the succeeded and failed ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivered {
    /// Delivered items, with or without a result. In input order this is also the next index, until the end.
    pub(crate) passed: usize,
    /// Failures among them.
    pub(crate) failed: usize,
    /// Those that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without a result.
    pub(crate) done_before: usize,
}

/// Counts of items that were finished before this run, delivered or not.
///
/// Unlike [`Delivered`] it is complete at once: an item that waits in the reorder buffer is in it already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResumedCounts {
    /// Items that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without a result.
    pub(crate) done_before: usize,
}

/// The run that made a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    ThisRun,
    Earlier,
}

/// The results of consecutive positions, whose indices are consecutive too, or one result.
struct ResultSpan<R, E> {
    /// The first position; `None` for a result of an earlier run.
    position: Option<usize>,
    results: OneByOne<ItemResult<R, E>>,
}

impl<'s, R, E> Delivery<'s, R, E> {
    pub(crate) fn new(
        position_map: &'s dyn PositionMap,
        sources: ErrorSources<E>,
        sink: Option<&'s dyn ResultSink<R, E>>,
        callback: &'s mut Callback<'s, R, E>,
        is_ordered: bool,
    ) -> Self {
        Self {
            position_map,
            sources,
            sink,
            callback,
            reorder_buffer: is_ordered.then(BTreeMap::new),
            delivered: Delivered::default(),
            resumed: ResumedCounts::default(),
            callbacks_stopped: false,
            drop_panics: DropPanics::default(),
        }
    }

    /// Drops an item that was finished before this run.
    pub(crate) fn drop_item<T>(&mut self, index: usize, item: T) {
        self.drop_panics.drop_caught(Dropped::Item(index), item);
    }

    /// The destructors that panicked. Called at the end.
    pub(crate) fn into_drop_panics(self) -> DropPanics {
        self.drop_panics
    }

    /// The counts of results delivered so far.
    pub(crate) fn delivered(&self) -> Delivered {
        self.delivered
    }

    /// The counts of items that were finished before this run.
    pub(crate) fn resumed(&self) -> ResumedCounts {
        self.resumed
    }

    /// Whether the caller's callback takes no more results.
    ///
    /// True after a break, and after [`Delivery::stop_callbacks`].
    pub(crate) fn has_stopped_callbacks(&self) -> bool {
        self.callbacks_stopped
    }

    /// Stops calling the caller's callback. Results are still written down.
    ///
    /// The loop calls it when a closure of the caller has panicked.
    pub(crate) fn stop_callbacks(&mut self) {
        self.callbacks_stopped = true;
    }

    /// The position at which the window of undelivered results starts.
    ///
    /// In input order it is the position of the next index to deliver. As results complete it is the number of
    /// delivered positions: with a window of 100 and 99 positions delivered, the limit is 199, even if position 0 is
    /// still in hand. So in both cases at most a window of results is on its way.
    pub(crate) fn oldest_position(&self) -> usize {
        match self.reorder_buffer {
            Some(_) => self.position_map.position_of(self.delivered.passed),
            None => self.delivered.passed - self.delivered.resumed - self.delivered.done_before,
        }
    }

    /// Delivers the result of an item that was finished before this run, in order where that is asked for.
    ///
    /// No fence is needed for what it sets free: the input is only read while no failure has set one, and the results
    /// of a slice are resumed before its first item starts. It is not written down again: the journal has it, and
    /// `persistence.rs` adds it to the report.
    pub(crate) fn resume(&mut self, index: usize, result: ItemResult<R, E>) {
        match result {
            Some(_) => self.resumed.resumed += 1,
            None => self.resumed.done_before += 1,
        }
        match &mut self.reorder_buffer {
            Some(buffer) => {
                buffer.insert(index, ResultSpan { position: None, results: vec![result].into() });
                self.deliver_in_order(usize::MAX);
            }
            None => self.deliver_one(index, result, Origin::Earlier),
        }
    }

    /// Delivers the results of a report, except those at or beyond the fence, after a break, or of positions that are
    /// retried.
    ///
    /// Values, failures and timings are moved out of the report, none is copied. Results that are not delivered are
    /// dropped here, in the calling thread.
    pub(crate) fn deliver(&mut self, report: ChunkReport<R, E>, again: &[RetryRequest], fence: usize) {
        for (first, results) in self.spans(report, again) {
            if self.reorder_buffer.is_some() {
                self.buffer(first, results);
            } else {
                (first..).zip(results).for_each(|(position, result)| self.deliver_position(position, result, fence));
            }
        }
        self.deliver_in_order(fence);
    }

    /// At the end of a run: delivers, in order, the results that waited for one that will not come.
    ///
    /// Called once. Of a run that was cancelled, later results may have come while an earlier item was never started:
    /// they are delivered, with gaps, in the order of their indices.
    pub(crate) fn deliver_rest(&mut self, fence: usize) {
        for (index, span) in self.reorder_buffer.take().unwrap_or_default() {
            self.deliver_span(index, span, fence);
        }
    }

    /// The results of a report in the order of its positions, in spans without a gap. Each is written to the sink on
    /// the way.
    ///
    /// A report without a retry is one span. Each retried position ends a span, so in input order its successors wait
    /// for it.
    ///
    /// # Panics
    /// If a report has fewer values than done positions that did not fail, which the contract of backends excludes.
    fn spans(&mut self, report: ChunkReport<R, E>, again: &[RetryRequest]) -> Vec<(usize, OneByOne<ItemResult<R, E>>)> {
        let (worker, peak_memory) = (report.worker, report.peak_memory);
        let mut values = report.values.into_iter();
        let mut failures = report.failures.into_iter();
        let mut timings = report.timings.into_iter();
        let mut tried = report.tried.into_iter().peekable();
        let mut again = again.iter().peekable();
        let mut spans = vec![(report.first, OneByOne::from(Vec::with_capacity(report.done)))];
        for position in report.first..report.first + report.done {
            let timing = timings.next();
            let tried = tried.next_if(|(at, _)| *at == position);
            if again.next_if(|request| request.position == position).is_some() {
                spans.push((position + 1, OneByOne::default()));
                continue;
            }
            let result = match failures.next_if(|failure| failure.position == position) {
                Some(failure) => Err(item_failure(failure, self.position_map, self.sources)),
                None => Ok(values.next().expect("a report has a value for each done position that did not fail")),
            };
            let result = Held::new(result);
            if let Some(sink) = self.sink {
                // A failure holds its own attempts, since a lost worker reports none.
                let of_failure = result.as_ref().err().map(|failure: &ItemFailure<E>| failure.attempts);
                let attempts = of_failure.or(tried.map(|(_, attempts)| attempts)).unwrap_or(1);
                let finished = FinishedItem { position, attempts, timing, worker, peak_memory };
                sink.keep(self.position_map.index_of(position), result.as_ref(), finished);
            }
            spans.last_mut().expect("there is always one span").1.push(Some(result.into_inner()));
        }
        spans
    }

    /// Keeps results for delivery in order: as one span where positions are indices, else one by one.
    ///
    /// A retried position comes back in a later report and thus in another span.
    fn buffer(&mut self, first: usize, results: OneByOne<ItemResult<R, E>>) {
        let Some(buffer) = &mut self.reorder_buffer else { return };
        if !self.position_map.positions_are_indices() {
            for (position, result) in (first..).zip(results) {
                let span = ResultSpan { position: Some(position), results: vec![result].into() };
                buffer.insert(self.position_map.index_of(position), span);
            }
        } else if !results.is_empty() {
            buffer.insert(first, ResultSpan { position: Some(first), results });
        }
    }

    /// Delivers every span that begins at the next index, and stops at the first gap. Each span makes the next index
    /// grow by its length, unless the fence or a break cuts it, and then no later span begins there.
    fn deliver_in_order(&mut self, fence: usize) {
        loop {
            let index = self.delivered.passed;
            let Some(span) = self.reorder_buffer.as_mut().and_then(|buffer| buffer.remove(&index)) else { return };
            self.deliver_span(index, span, fence);
        }
    }

    /// Results of earlier runs have no position and are below every fence.
    fn deliver_span(&mut self, index: usize, span: ResultSpan<R, E>, fence: usize) {
        let (wanted, origin) = match span.position {
            Some(first) => (fence.saturating_sub(first), Origin::ThisRun),
            None => (usize::MAX, Origin::Earlier),
        };
        for (offset, (index, result)) in (index..).zip(span.results).enumerate() {
            if offset < wanted { self.deliver_one(index, result, origin) } else { self.drop_result(index, result) }
        }
    }

    /// Delivers a result of this run, unless its position is at or beyond the fence.
    fn deliver_position(&mut self, position: usize, result: ItemResult<R, E>, fence: usize) {
        let index = self.position_map.index_of(position);
        if position < fence {
            self.deliver_one(index, result, Origin::ThisRun);
        } else {
            self.drop_result(index, result);
        }
    }

    /// Drops a result that is not delivered.
    fn drop_result(&mut self, index: usize, result: ItemResult<R, E>) {
        if let Some(result) = result {
            self.drop_panics.drop_result(index, result);
        }
    }

    /// The count grows before the call: a callback that panics has got the result.
    fn deliver_one(&mut self, index: usize, result: ItemResult<R, E>, origin: Origin) {
        if self.callbacks_stopped {
            return self.drop_result(index, result);
        }
        self.delivered.passed += 1;
        match result {
            Some(result) => {
                self.delivered.resumed += usize::from(origin == Origin::Earlier);
                self.delivered.failed += usize::from(result.is_err());
                self.callbacks_stopped = (self.callback)(index, result, origin).is_break();
            }
            None => self.delivered.done_before += 1,
        }
    }
}
