//! Delivery of results, from reports of a backend and from earlier runs. Each result goes to the sink first, which
//! writes it down, and then to the caller's callback, in input order where the caller asks for that.
//!
//! Promise: each result is delivered once; a result at or beyond the fence is not delivered; after a break none is. It
//! decides nothing: the gatherer does. Its counterpart for slots is `slots.rs`.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::backend::contract::{ChunkReport, RetryRequest};
use crate::failure::{ErrorSources, ItemFailure};
use crate::record::Timing;
use crate::run::positions::{PositionMap, item_failure};

/// The caller's callback: gets each item's index, its result, and the run that made it.
pub(crate) type Callback<'c, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>, Origin) -> ControlFlow<()> + 'c;

/// Writes each finished item down before its result is delivered. `persistence.rs` implements it.
pub(crate) trait ResultSink<R, E> {
    /// Writes down the result of the item with this index.
    fn keep(&self, index: usize, result: Result<&R, &ItemFailure<E>>, finished: FinishedItem);
}

/// Facts about a finished item besides its result.
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
pub(crate) struct Delivery<'s, R, E> {
    position_map: &'s dyn PositionMap,
    sources: ErrorSources<E>,
    sink: Option<&'s dyn ResultSink<R, E>>,
    callback: &'s mut Callback<'s, R, E>,
    /// For delivery in input order: results that wait for an earlier one, by the first index of each span.
    reorder_buffer: Option<BTreeMap<usize, ResultSpan<R, E>>>,
    delivered: Delivered,
    resumed: ResumedCounts,
    callbacks_stopped: bool,
}

/// Counts of delivered results.
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
    results: Vec<ItemResult<R, E>>,
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
        }
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
    pub(crate) fn has_stopped_callbacks(&self) -> bool {
        self.callbacks_stopped
    }

    /// Stops calling the caller's callback. Results are still written down.
    pub(crate) fn stop_callbacks(&mut self) {
        self.callbacks_stopped = true;
    }

    /// The position at which the window of undelivered results starts.
    pub(crate) fn oldest_position(&self) -> usize {
        match self.reorder_buffer {
            Some(_) => self.position_map.position_of(self.delivered.passed),
            None => self.delivered.passed - self.delivered.resumed - self.delivered.done_before,
        }
    }

    /// Delivers the result of an item that was finished before this run, in order where that is asked for.
    pub(crate) fn resume(&mut self, index: usize, result: ItemResult<R, E>) {
        match result {
            Some(_) => self.resumed.resumed += 1,
            None => self.resumed.done_before += 1,
        }
        match &mut self.reorder_buffer {
            Some(buffer) => {
                buffer.insert(index, ResultSpan { position: None, results: vec![result] });
                self.deliver_in_order(usize::MAX);
            }
            None => self.deliver_one(index, result, Origin::Earlier),
        }
    }

    /// Delivers the results of a report, except those at or beyond the fence, after a break, or of positions that are
    /// retried.
    pub(crate) fn deliver(&mut self, report: ChunkReport<R, E>, again: &[RetryRequest], fence: usize) {
        for (first, results) in self.spans(report, again) {
            if self.reorder_buffer.is_some() {
                self.buffer(first, results);
            } else {
                (first..fence).zip(results).for_each(|(position, result)| self.deliver_position(position, result));
            }
        }
        self.deliver_in_order(fence);
    }

    /// At the end of a run: delivers, in order, the results that waited for one that will not come.
    pub(crate) fn deliver_rest(&mut self, fence: usize) {
        for (index, span) in self.reorder_buffer.take().unwrap_or_default() {
            self.deliver_span(index, span, fence);
        }
    }

    /// The results of a report in the order of its positions, in spans without a gap. Each is written to the sink on
    /// the way.
    fn spans(&mut self, report: ChunkReport<R, E>, again: &[RetryRequest]) -> Vec<(usize, Vec<ItemResult<R, E>>)> {
        let (worker, peak_memory) = (report.worker, report.peak_memory);
        let mut values = report.values.into_iter();
        let mut failures = report.failures.into_iter().peekable();
        let mut timings = report.timings.into_iter();
        let mut tried = report.tried.into_iter().peekable();
        let mut again = again.iter().peekable();
        let mut spans = vec![(report.first, Vec::with_capacity(report.done))];
        for position in report.first..report.first + report.done {
            let timing = timings.next();
            let tried = tried.next_if(|(at, _)| *at == position);
            if again.next_if(|request| request.position == position).is_some() {
                spans.push((position + 1, Vec::new()));
                continue;
            }
            let result = match failures.next_if(|failure| failure.position == position) {
                Some(failure) => Err(item_failure(failure, self.position_map, self.sources)),
                None => Ok(values.next().expect("a report has a value for each done position that did not fail")),
            };
            if let Some(sink) = self.sink {
                // A failure holds its own attempts, since a lost worker reports none.
                let of_failure = result.as_ref().err().map(|failure: &ItemFailure<E>| failure.attempts);
                let attempts = of_failure.or(tried.map(|(_, attempts)| attempts)).unwrap_or(1);
                let finished = FinishedItem { position, attempts, timing, worker, peak_memory };
                sink.keep(self.position_map.index_of(position), result.as_ref(), finished);
            }
            spans.last_mut().expect("there is always one span").1.push(Some(result));
        }
        spans
    }

    /// Keeps results for delivery in order: as one span where positions are indices, else one by one.
    fn buffer(&mut self, first: usize, results: Vec<ItemResult<R, E>>) {
        let Some(buffer) = &mut self.reorder_buffer else { return };
        if !self.position_map.positions_are_indices() {
            for (position, result) in (first..).zip(results) {
                let span = ResultSpan { position: Some(position), results: vec![result] };
                buffer.insert(self.position_map.index_of(position), span);
            }
        } else if !results.is_empty() {
            buffer.insert(first, ResultSpan { position: Some(first), results });
        }
    }

    fn deliver_in_order(&mut self, fence: usize) {
        loop {
            let index = self.delivered.passed;
            let Some(span) = self.reorder_buffer.as_mut().and_then(|buffer| buffer.remove(&index)) else { return };
            self.deliver_span(index, span, fence);
        }
    }

    fn deliver_span(&mut self, index: usize, span: ResultSpan<R, E>, fence: usize) {
        let (wanted, origin) = match span.position {
            Some(first) => (fence.saturating_sub(first), Origin::ThisRun),
            None => (usize::MAX, Origin::Earlier),
        };
        (index..).zip(span.results).take(wanted).for_each(|(index, result)| self.deliver_one(index, result, origin));
    }

    fn deliver_position(&mut self, position: usize, result: ItemResult<R, E>) {
        if !self.callbacks_stopped {
            self.deliver_one(self.position_map.index_of(position), result, Origin::ThisRun);
        }
    }

    fn deliver_one(&mut self, index: usize, result: ItemResult<R, E>, origin: Origin) {
        if self.callbacks_stopped {
            return;
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
