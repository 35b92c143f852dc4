//! Answers that travel: from a backend's chunks, and from earlier runs, to the caller's callback. Decides nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::backend::{ChunkReport, PositionFailure};
use crate::outcome::ItemFailure;
use crate::record::Timing;
use crate::run::input::DeliveryProgress;

/// A callback that wants each item's answer.
pub(crate) type Callback<'c, R, E> = dyn FnMut(usize, Result<R, ItemFailure<E>>) -> ControlFlow<()> + 'c;

/// Which item lies at a position.
pub(crate) trait PositionMap {
    /// Its place in the input.
    fn index_of(&self, position: usize) -> usize;
    /// How it is called, where that can be told.
    fn key_of(&self, position: usize) -> Option<String>;
    /// The first position whose item's place in the input is this one or a later one. For plans whose order of work is that
    /// of the input.
    fn position_of(&self, index: usize) -> usize;
    /// Whether an item's position is its place in the input.
    fn positions_are_indices(&self) -> bool;
}

/// Is shown each finished item before its answer is handed on.
pub(crate) trait ResultSink<R, E> {
    /// `answer` is the item's, and `finished` is what else is known of it.
    fn keep(&self, index: usize, answer: Result<&R, &ItemFailure<E>>, finished: FinishedItem);
}

/// What is known of a finished item besides its answer.
pub(crate) struct FinishedItem {
    pub(crate) position: usize,
    pub(crate) attempts: u32,
    pub(crate) timing: Option<Timing>,
    pub(crate) worker: Option<u32>,
    pub(crate) peak_memory: Option<u64>,
}

/// An item's answer; `None` when it was done before and has none.
pub(crate) type Answer<R, E> = Option<Result<R, ItemFailure<E>>>;

/// Answers on their way to the caller's callback.
pub(crate) struct Delivery<'s, R, E> {
    position_map: &'s dyn PositionMap,
    sink: Option<&'s dyn ResultSink<R, E>>,
    callback: &'s mut Callback<'s, R, E>,
    /// For answers in input order: what came too early, by the index of its first answer.
    reorder_buffer: Option<BTreeMap<usize, ResultSpan<R, E>>>,
    counts: DeliveredCounts,
    taken_up: ResumedCounts,
    has_stopped_callbacks: bool,
}

/// What was handed on so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DeliveredCounts {
    /// Answers, and items that have none since they were done before. In input order: the next one's index, until the end.
    pub(crate) passed: usize,
    /// Failures among them.
    pub(crate) failed: usize,
    /// Those that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without an answer.
    pub(crate) done_before: usize,
}

/// What was found to be finished before this run, handed on or not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResumedCounts {
    /// Items that an earlier run had finished.
    pub(crate) resumed: usize,
    /// Items without an answer.
    pub(crate) done_before: usize,
}

/// Whose work an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    ThisRun,
    Earlier,
}

/// The answers of consecutive positions, which are of consecutive indices too, or one answer.
struct ResultSpan<R, E> {
    /// The first position; `None` for an answer that is older than the run.
    position: Option<usize>,
    answers: Vec<Answer<R, E>>,
}

impl<'s, R, E> Delivery<'s, R, E> {
    pub(crate) fn new(
        position_map: &'s dyn PositionMap,
        sink: Option<&'s dyn ResultSink<R, E>>,
        callback: &'s mut Callback<'s, R, E>,
        ordered: bool,
    ) -> Self {
        let reorder_buffer = ordered.then(BTreeMap::new);
        let (counts, taken_up) = (DeliveredCounts::default(), ResumedCounts::default());
        Self { position_map, sink, callback, reorder_buffer, counts, taken_up, has_stopped_callbacks: false }
    }

    /// What was handed on so far.
    pub(crate) fn counts(&self) -> DeliveredCounts {
        self.counts
    }

    /// What was found to be finished before this run.
    pub(crate) fn taken_up(&self) -> ResumedCounts {
        self.taken_up
    }

    /// The caller's callback wants nothing more.
    pub(crate) fn has_stopped_callbacks(&self) -> bool {
        self.has_stopped_callbacks
    }

    /// Nothing is handed on any more.
    pub(crate) fn stop_callbacks(&mut self) {
        self.has_stopped_callbacks = true;
    }

    /// The position from which on a window of answers may be on its way.
    pub(crate) fn oldest_position(&self) -> usize {
        match self.reorder_buffer {
            Some(_) => self.position_map.position_of(self.counts.passed),
            None => self.counts.passed - self.counts.resumed - self.counts.done_before,
        }
    }

    /// Takes up the answer of an item that was finished before this run.
    pub(crate) fn resume(&mut self, index: usize, answer: Answer<R, E>) {
        match answer {
            Some(_) => self.taken_up.resumed += 1,
            None => self.taken_up.done_before += 1,
        }
        match &mut self.reorder_buffer {
            Some(reorder_buffer) => {
                reorder_buffer.insert(index, ResultSpan { position: None, answers: vec![answer] });
                self.hand_on_in_order(usize::MAX);
            }
            None => self.hand_on(index, answer, Origin::Earlier),
        }
    }

    /// Hands on what can be handed on: nothing from the fence on, nothing after a break, and nothing of the positions in
    /// `but`, which are to be begun again.
    pub(crate) fn deliver(&mut self, chunk: ChunkReport<R, E>, but: &[usize], fence: usize) {
        for (first, answers) in self.answers(chunk, but) {
            if self.reorder_buffer.is_some() {
                self.keep_early(first, answers);
            } else {
                (first..fence).zip(answers).for_each(|(position, answer)| self.hand_on_of(position, answer));
            }
        }
        self.hand_on_in_order(fence);
    }

    /// At the end of a run: what waited for an answer that never came, in order.
    pub(crate) fn hand_on_the_rest(&mut self, fence: usize) {
        for (index, answers) in self.reorder_buffer.take().unwrap_or_default() {
            self.hand_on_stretch(index, answers, fence);
        }
    }

    /// The chunk's answers in the order of its positions, in stretches without a gap. Each is shown to the keeper.
    fn answers(&mut self, chunk: ChunkReport<R, E>, but: &[usize]) -> Vec<(usize, Vec<Answer<R, E>>)> {
        let (worker, peak_memory) = (chunk.worker, chunk.peak_memory);
        let mut values = chunk.values.into_iter();
        let mut failures = chunk.failures.into_iter().peekable();
        let mut timings = chunk.timings.into_iter();
        let mut tried = chunk.tried.into_iter().peekable();
        let mut stretches = vec![(chunk.first, Vec::with_capacity(chunk.done))];
        for position in chunk.first..chunk.first + chunk.done {
            let timing = timings.next();
            let tried = tried.next_if(|(at, _)| *at == position);
            if but.contains(&position) {
                stretches.push((position + 1, Vec::new()));
                continue;
            }
            let answer = match failures.next_if(|miss| miss.position == position) {
                Some(miss) => Err(item_failure(miss, self.position_map)),
                None => Ok(values.next().expect("a backend carries a value for each position that it did not miss")),
            };
            if let Some(sink) = self.sink {
                // A failure knows it itself, also where no worker was left to tell.
                let told = answer.as_ref().err().map(|failure: &ItemFailure<E>| failure.attempts);
                let attempts = told.or(tried.map(|(_, attempts)| attempts)).unwrap_or(1);
                let finished = FinishedItem { position, attempts, timing, worker, peak_memory };
                sink.keep(self.position_map.index_of(position), answer.as_ref(), finished);
            }
            stretches.last_mut().expect("there is one").1.push(Some(answer));
        }
        stretches
    }

    /// Keeps answers until their turn: at once where positions are indices, else one by one.
    fn keep_early(&mut self, first: usize, answers: Vec<Answer<R, E>>) {
        let Some(reorder_buffer) = &mut self.reorder_buffer else { return };
        if !self.position_map.positions_are_indices() {
            for (position, answer) in (first..).zip(answers) {
                let answers = ResultSpan { position: Some(position), answers: vec![answer] };
                reorder_buffer.insert(self.position_map.index_of(position), answers);
            }
        } else if !answers.is_empty() {
            reorder_buffer.insert(first, ResultSpan { position: Some(first), answers });
        }
    }

    fn hand_on_in_order(&mut self, fence: usize) {
        loop {
            let index = self.counts.passed;
            let Some(answers) = self.reorder_buffer.as_mut().and_then(|reorder_buffer| reorder_buffer.remove(&index))
            else {
                return;
            };
            self.hand_on_stretch(index, answers, fence);
        }
    }

    fn hand_on_stretch(&mut self, index: usize, answers: ResultSpan<R, E>, fence: usize) {
        let (wanted, age) = match answers.position {
            Some(first) => (fence.saturating_sub(first), Origin::ThisRun),
            None => (usize::MAX, Origin::Earlier),
        };
        (index..).zip(answers.answers).take(wanted).for_each(|(index, answer)| self.hand_on(index, answer, age));
    }

    fn hand_on_of(&mut self, position: usize, answer: Answer<R, E>) {
        if !self.has_stopped_callbacks {
            self.hand_on(self.position_map.index_of(position), answer, Origin::ThisRun);
        }
    }

    fn hand_on(&mut self, index: usize, answer: Answer<R, E>, age: Origin) {
        if self.has_stopped_callbacks {
            return;
        }
        self.counts.passed += 1;
        match answer {
            Some(answer) => {
                self.counts.resumed += usize::from(age == Origin::Earlier);
                self.counts.failed += usize::from(answer.is_err());
                self.has_stopped_callbacks = (self.callback)(index, answer).is_break();
            }
            None => self.counts.done_before += 1,
        }
    }
}

impl<R, E> DeliveryProgress for Delivery<'_, R, E> {
    fn passed(&self) -> usize {
        self.counts.passed
    }

    fn wants_more(&self) -> bool {
        !self.has_stopped_callbacks
    }
}

/// The failure of the item that lies at a position.
pub(crate) fn item_failure<E>(miss: PositionFailure<E>, position_map: &dyn PositionMap) -> ItemFailure<E> {
    ItemFailure {
        index: position_map.index_of(miss.position),
        key: position_map.key_of(miss.position),
        attempts: miss.attempts,
        elapsed: miss.elapsed,
        cause: miss.cause,
    }
}
