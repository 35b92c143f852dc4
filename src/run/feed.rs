//! Takes the items of a stream that have come, and gives each its position.
//!
//! Promise: it lets no more items be read than a window ahead of the delivered results, and takes them for about a
//! millisecond at a time, so that the reports of workers never wait long. `run_loop.rs` calls it once per turn; `source.rs`
//! reads the iterator, and `item_buffer.rs` keeps the items.
//!
//! One turn: finished items are dropped, then items are taken until the window is full, none is there, a millisecond has
//! passed, 4096 items have been taken, or the input ends. Each item is looked up in the journal by `run_loop.rs`, and is then
//! placed or skipped. At the end of the turn the placed items become one block of the buffer.
//!
//! Without a reading thread a turn ends with the first item that is placed, since the next call of the iterator may block.
//! A turn waits for an item only where the backend has nothing to run, and for 8 ms at most. With a window of 4 and 10
//! delivered results, at most 14 items have been read.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::backend::contract::{DropPanic, Dropped};
use crate::panics::{Held, drop_each, drop_each_logged};
use crate::run::drop_panics::DropPanics;
use crate::run::input::StreamInput;
use crate::run::item_buffer::ItemBuffer;
use crate::run::positions::{PositionMap, StreamPositions};
use crate::run::source::{Demand, ItemSource};
use crate::sync::Instant;

/// How long a turn reads the iterator before the next report of a worker is taken.
///
/// It is looked at between items, so a turn lasts as long as its slowest item even if that takes longer.
const TURN: Duration = Duration::from_millis(1);
/// The most items that a turn reads.
///
/// Bounds a block of the buffer, and with it the items that one slow item keeps in memory.
const MAX_PER_TURN: usize = 4096;

/// The clock is read for every so many items of a turn.
const LOOK_EVERY: usize = 16;
/// How long a turn waits for its first item where there is nothing to run. Reports of workers wait so long at most.
const MIN_WAIT: Duration = Duration::from_millis(1);
/// The longest wait, once nothing has come for a while: neither an item nor a report.
const MAX_WAIT: Duration = Duration::from_millis(8);

/// How much of the input has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputProgress {
    /// The first position that has no item yet.
    pub(crate) placed: usize,
    /// Whether more items may be read before any other item finishes.
    ///
    /// False when the window is full: then only a delivered result makes room, and a backend with nothing to run waits
    /// for a worker instead of asking again.
    pub(crate) may_grow: bool,
    /// Whether all items have been read.
    pub(crate) is_exhausted: bool,
}

/// The positions that a run finished since the last turn.
///
/// The ranges may lie anywhere, and each position is in one of them once over the run.
#[derive(Debug)]
pub(crate) struct Completed {
    /// The positions, in the order in which workers reported them.
    pub(crate) ranges: Vec<Range<usize>>,
    /// All positions before this one are finished.
    pub(crate) prefix: usize,
}

/// Takes the items that have come from an iterator into a buffer, and gives them their positions.
///
/// It counts indices by the items that it has read; positions are counted by the map, as skipped items have none.
pub(crate) struct InputReader<'r, 'k, T> {
    source: &'r dyn ItemSource<T>,
    /// Items that were taken from the source and are not looked up yet.
    taken: VecDeque<T>,
    buffer: &'r ItemBuffer<T>,
    positions: &'r StreamPositions<'r, 'k, T>,
    window: usize,
    /// The number of items that were looked up.
    n_read: usize,
    is_exhausted: bool,
    /// How long the next turn waits for an item, if there is nothing else to do.
    patience: Duration,
    /// Whether the iterator is read by another thread, which stays so for the run.
    is_prompt: bool,
}

/// The items of one turn.
///
/// Workers do not see its items until [`InputReader::end_turn`]. A panic of the iterator drops them: they count as
/// read, not as placed.
pub(crate) struct Turn<T> {
    first: usize,
    items: Vec<T>,
    n_reads: usize,
    started: Instant,
    /// How long it waits for its first item.
    wait: Duration,
}

impl<T> Drop for Turn<T> {
    /// Of a turn that panicked: the run raises that panic, and a second one out of a destructor would abort.
    fn drop(&mut self) {
        drop_each_logged(std::mem::take(&mut self.items));
    }
}

impl<'r, 'k, T> InputReader<'r, 'k, T> {
    pub(crate) fn new(
        stream: &'r StreamInput<'_, T>,
        positions: &'r StreamPositions<'r, 'k, T>,
        window: usize,
    ) -> Self {
        let (source, buffer) = (&*stream.source.0, &*stream.buffer);
        let (taken, patience, is_prompt) = (VecDeque::new(), MIN_WAIT, source.is_served());
        Self { source, taken, buffer, positions, window, n_read: 0, is_exhausted: false, patience, is_prompt }
    }

    /// Whether the iterator is read by another thread, so that a turn does not wait for it.
    pub(crate) fn is_prompt(&self) -> bool {
        self.is_prompt
    }

    /// Reads no more. Gives the number of items that were read, and the panics of the destructors of those that the run did
    /// not come to.
    ///
    /// Skipped items and those of a turn that panicked are among them.
    pub(crate) fn close(&mut self) -> (usize, DropPanics) {
        let (n_read, rest) = self.source.close();
        let mut panics = DropPanics::default();
        drop_each(self.taken.drain(..).chain(rest), |offset, message| {
            panics.note(DropPanic { dropped: Dropped::Item(self.n_read + offset), message });
        });
        (n_read, panics)
    }

    /// Drops the items that are finished.
    ///
    /// Runs destructors of the caller's items, and returns those that panicked, by index. The places of a block are
    /// kept as long as its items, which are dropped together. Cost: a step in the buffer's map per finished range and
    /// block.
    pub(crate) fn drop_finished(&self, completed: Completed) -> Vec<DropPanic> {
        completed.ranges.into_iter().for_each(|positions| self.buffer.finish(positions));
        let index_of = |position| self.positions.index_of(position);
        let panics = self.buffer.take_drop_panics();
        let panics = panics.into_iter().map(|panic| DropPanic { dropped: panic.dropped.map(index_of), ..panic });
        let panics = panics.collect();
        self.positions.forget_before(self.buffer.first_position().unwrap_or(usize::MAX).min(completed.prefix));
        panics
    }

    /// Starts a turn: a group of items for the next positions. Where the run has nothing else to do, it waits a moment for
    /// the first item: 1 ms, and twice as long each time that none came, up to 8 ms.
    pub(crate) fn start_turn(&mut self, may_wait: bool) -> Turn<T> {
        let wait = if may_wait && self.is_prompt() { self.patience } else { Duration::ZERO };
        self.patience = if may_wait { (self.patience * 2).min(MAX_WAIT) } else { MIN_WAIT };
        Turn { first: self.positions.placed(), items: Vec::new(), n_reads: 0, started: Instant::now(), wait }
    }

    /// Whether the window allows another item after this many delivered results.
    ///
    /// Counted in items read, skipped ones included, since they are delivered too.
    pub(crate) fn is_within_window(&self, delivered: usize) -> bool {
        self.n_read < self.limit(delivered)
    }

    /// So many items may be read after this many delivered results.
    fn limit(&self, delivered: usize) -> usize {
        delivered.saturating_add(self.window)
    }

    /// The next item and its index; `None` when the window is full, no item is there, or the turn or the input is over.
    ///
    /// Without a reading thread, a turn ends with the first item that is to be run: it is done before the iterator, which may
    /// block, is called again. Reads the clock for every 16th item; without a reading thread, for each but the first. After
    /// the end of the input, the iterator is not called again.
    pub(crate) fn next(&mut self, turn: &mut Turn<T>, delivered: usize) -> Option<(usize, Held<T>)> {
        if !self.is_prompt && !turn.items.is_empty() {
            return None;
        }
        let is_time_to_look = turn.n_reads.is_multiple_of(LOOK_EVERY) || self.taken.is_empty();
        let is_over = turn.n_reads > 0 && is_time_to_look && turn.started.elapsed() >= TURN + turn.wait;
        if is_over || turn.n_reads >= MAX_PER_TURN || !self.is_within_window(delivered) {
            return None;
        }
        if self.taken.is_empty() {
            let wait = if turn.n_reads == 0 { turn.wait } else { Duration::ZERO };
            let demand = Demand { limit: self.limit(delivered), window: self.window, wait };
            self.is_exhausted = self.source.take(demand, &mut self.taken);
        }
        let item = self.taken.pop_front()?;
        self.patience = MIN_WAIT;
        turn.n_reads += 1;
        self.n_read += 1;
        Some((self.n_read - 1, Held::new(item)))
    }

    /// Gives an item that is to be run the next position.
    pub(crate) fn place(&self, turn: &mut Turn<T>, index: usize, item: T) {
        self.positions.place(turn.first + turn.items.len(), index);
        turn.items.push(item);
    }

    /// Skips an item that was finished before this run: it gets no position.
    pub(crate) fn skip(&self) {
        self.positions.skip();
    }

    /// Reads no more items.
    ///
    /// The run then ends with the items that it has, as at the end of the input.
    pub(crate) fn stop(&mut self) {
        self.is_exhausted = true;
    }

    /// Ends a turn: from now on workers can look its items up. `is_open` says whether the window allows more.
    ///
    /// Takes the buffer's lock once, however many items the turn has.
    pub(crate) fn end_turn(&self, mut turn: Turn<T>, is_open: bool) -> InputProgress {
        let placed = turn.first + turn.items.len();
        self.positions.set_placed(placed);
        self.buffer.add(turn.first, std::mem::take(&mut turn.items));
        InputProgress { placed, may_grow: !self.is_exhausted && is_open, is_exhausted: self.is_exhausted }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::progress::RunStatus;
    use crate::record::Key;
    use crate::run::input::Input;
    use crate::run::positions::PositionMap;
    use crate::sync::Arc;

    fn with_reader(
        n_items: u32,
        window: usize,
        body: impl FnOnce(&mut InputReader<'_, '_, u32>, &StreamPositions<'_, '_, u32>),
    ) {
        let (_, stream) = Input::stream(0..n_items).split();
        let stream = stream.expect("the input is a stream");
        let lookup = Arc::clone(&stream.lookup);
        let key: &Key<'_, u32> = &|n| format!("item {n}");
        let positions = StreamPositions::new(&*lookup, Some(key));
        body(&mut InputReader::new(&stream, &positions, window), &positions);
    }

    /// Turns after `delivered` results, until the window is full or the input ends, with all positions before `prefix`
    /// finished. The items of the indices `finished` were finished before the run.
    fn fill(
        reader: &mut InputReader<'_, '_, u32>,
        delivered: usize,
        prefix: usize,
        finished: &[usize],
    ) -> InputProgress {
        reader.drop_finished(Completed { ranges: Vec::new(), prefix });
        loop {
            let mut turn = reader.start_turn(false);
            while let Some((index, item)) = reader.next(&mut turn, delivered) {
                if finished.contains(&index) {
                    reader.skip()
                } else {
                    reader.place(&mut turn, index, item.into_inner())
                }
            }
            assert!(turn.items.len() <= 1, "the iterator was called again before the item was done");
            let is_open = reader.is_within_window(delivered);
            let progress = reader.end_turn(turn, is_open);
            if !progress.may_grow {
                return progress;
            }
        }
    }

    #[test]
    fn no_more_than_a_window_is_read_ahead_of_the_delivered_results() {
        with_reader(100, 10, |reader, _| {
            let full = |placed| InputProgress { placed, may_grow: false, is_exhausted: false };
            assert_eq!(fill(reader, 0, 0, &[]), full(10));
            assert_eq!(fill(reader, 3, 3, &[]), full(13));
            assert_eq!(reader.close().0, 13);
        });
    }

    #[test]
    fn the_end_is_found_when_the_iterator_is_read() {
        with_reader(3, 10, |reader, _| {
            assert_eq!(fill(reader, 0, 0, &[]), InputProgress { placed: 3, may_grow: false, is_exhausted: true });
        });
    }

    #[test]
    fn positions_skip_items_that_were_finished_before() {
        with_reader(8, 100, |reader, positions| {
            let status = Arc::new(RunStatus::new(None));
            positions.show_in(Some(&status));
            assert_eq!(fill(reader, 0, 0, &[0, 3, 4]).placed, 5);
            let indices: Vec<usize> = (0..5).map(|position| positions.index_of(position)).collect();
            assert_eq!(indices, [1, 2, 5, 6, 7]);
            let _in_flight: Vec<_> = (0..5).map(|position| status.begin(position, 1)).collect();
            let shown: Vec<usize> = status.view().in_hand.iter().map(|chunk| chunk.first).collect();
            assert_eq!(shown, indices, "progress shows the same");
            assert_eq!(positions.key_of(2).as_deref(), Some("item 5"));
            let places: Vec<usize> = (0..9).map(|index| positions.position_of(index)).collect();
            assert_eq!(places, [0, 0, 1, 2, 2, 2, 3, 4, 5]);
            assert!(!positions.positions_are_indices());
            fill(reader, 0, 3, &[]);
            assert_eq!((positions.index_of(3), positions.index_of(4)), (6, 7));
        });
    }
}
