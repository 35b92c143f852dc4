//! Results on their way: from the reports of a backend and from earlier runs, first to the sink that writes them down, then
//! to the caller's callback, in input order where that is wanted. Decides nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::backend::contract::{ChunkReport, RetryRequest};
use crate::failure::{ErrorSources, ItemFailure};
use crate::record::Timing;
use crate::run::positions::{PositionMap, item_failure};

/// A callback that takes each item's index, its result, and whether an earlier run made it.
pub(crate) type Callback<'c, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>, Origin) -> ControlFlow<()> + 'c;

/// Takes note of each finished item before its result is delivered.
pub(crate) trait ResultSink<R, E> {
    /// `result` is the item's, and `finished` what else is known of it.
    fn keep(&self, index: usize, result: Result<&R, &ItemFailure<E>>, finished: FinishedItem);
}

/// What is known of a finished item besides its result.
pub(crate) struct FinishedItem {
    pub(crate) position: usize,
    pub(crate) attempts: u32,
    pub(crate) timing: Option<Timing>,
    pub(crate) worker: Option<u32>,
    pub(crate) peak_memory: Option<u64>,
}

/// The result of an item; `None` where the item was done before this run, which has no value of it.
pub(crate) type ItemResult<R, E> = Option<Result<R, ItemFailure<E>>>;

/// Results on their way to the caller's callback.
pub(crate) struct Delivery<'s, R, E> {
    position_map: &'s dyn PositionMap,
    sources: ErrorSources<E>,
    sink: Option<&'s dyn ResultSink<R, E>>,
    callback: &'s mut Callback<'s, R, E>,
    /// For results in input order: those that came too early, by the index of the first of each span.
    reorder_buffer: Option<BTreeMap<usize, ResultSpan<R, E>>>,
    delivered: Delivered,
    resumed: ResumedCounts,
    callbacks_stopped: bool,
}

/// What was delivered so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivered {
    /// Results, and items that have none since they were done before. In input order: the index of the next one, until the
    /// end.
    pub(crate) passed: usize,
    /// Failures among them.
    pub(crate) failed: usize,
    /// Those that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without a result.
    pub(crate) done_before: usize,
}

/// Items that were found to be finished before this run, delivered or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResumedCounts {
    /// Items that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without a result.
    pub(crate) done_before: usize,
}

/// Which run made a result.
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

    /// What was delivered so far.
    pub(crate) fn delivered(&self) -> Delivered {
        self.delivered
    }

    /// The items that were found to be finished before this run.
    pub(crate) fn resumed(&self) -> ResumedCounts {
        self.resumed
    }

    /// Whether the caller's callback takes no more results.
    pub(crate) fn has_stopped_callbacks(&self) -> bool {
        self.callbacks_stopped
    }

    /// Calls the caller's callback no more; results are still written down.
    pub(crate) fn stop_callbacks(&mut self) {
        self.callbacks_stopped = true;
    }

    /// The position from which on a window of results may be on its way.
    pub(crate) fn oldest_position(&self) -> usize {
        match self.reorder_buffer {
            Some(_) => self.position_map.position_of(self.delivered.passed),
            None => self.delivered.passed - self.delivered.resumed - self.delivered.done_before,
        }
    }

    /// Delivers the result of an item that was finished before this run, in its turn.
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

    /// Delivers what a report carries: nothing from the fence on, nothing after a break, and nothing of the positions that run
    /// again.
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

    /// At the end of a run: delivers what waited for a result that never came, in order.
    pub(crate) fn deliver_rest(&mut self, fence: usize) {
        for (index, span) in self.reorder_buffer.take().unwrap_or_default() {
            self.deliver_span(index, span, fence);
        }
    }

    /// The results of a report in the order of its positions, in spans without a gap. Each goes to the sink first.
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
                // A failure knows its attempts itself, also where no worker was left to report them.
                let of_failure = result.as_ref().err().map(|failure: &ItemFailure<E>| failure.attempts);
                let attempts = of_failure.or(tried.map(|(_, attempts)| attempts)).unwrap_or(1);
                let finished = FinishedItem { position, attempts, timing, worker, peak_memory };
                sink.keep(self.position_map.index_of(position), result.as_ref(), finished);
            }
            spans.last_mut().expect("there is one").1.push(Some(result));
        }
        spans
    }

    /// Keeps results until their turn: as one span where positions are indices, else one by one.
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
