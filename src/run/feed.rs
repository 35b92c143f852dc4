//! Reads the items of a stream, in the calling thread: no further ahead than a window, and no longer than a turn at a time.

use std::ops::Range;
use std::time::Duration;

use crate::run::item_buffer::ItemBuffer;
use crate::run::positions::StreamPositions;
use crate::sync::Instant;

/// The iterator is asked for this long before the reports of workers are looked at again.
const TURN: Duration = Duration::from_millis(1);
/// Or for so many items.
const MOST_PER_TURN: usize = 4096;

/// How far the input has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputProgress {
    /// The first position that has no item yet.
    pub(crate) placed: usize,
    /// Whether the input may have more items that can come before anything else is finished.
    pub(crate) may_grow: bool,
    /// Whether all items have come.
    pub(crate) is_all: bool,
}

/// What a run finished since it asked for items last.
#[derive(Debug)]
pub(crate) struct Completed {
    /// The positions, in the order in which workers reported them.
    pub(crate) ranges: Vec<Range<usize>>,
    /// All positions before this one are finished.
    pub(crate) prefix: usize,
}

/// Reads an iterator into a buffer and gives items their positions.
pub(crate) struct InputReader<'r, 'k, T> {
    iterator: &'r mut dyn Iterator<Item = T>,
    buffer: &'r ItemBuffer<T>,
    positions: &'r StreamPositions<'r, 'k, T>,
    window: usize,
    /// How many items have come.
    taken_in: usize,
    is_all: bool,
}

/// The items of one turn.
pub(crate) struct Turn<T> {
    first: usize,
    items: Vec<T>,
    n_asked: usize,
    begun: Instant,
}

impl<'r, 'k, T> InputReader<'r, 'k, T> {
    pub(crate) fn new(
        iterator: &'r mut dyn Iterator<Item = T>,
        buffer: &'r ItemBuffer<T>,
        positions: &'r StreamPositions<'r, 'k, T>,
        window: usize,
    ) -> Self {
        Self { iterator, buffer, positions, window, taken_in: 0, is_all: false }
    }

    /// How many items have come.
    pub(crate) fn taken_in(&self) -> usize {
        self.taken_in
    }

    /// Drops the items that are finished.
    pub(crate) fn drop_finished(&self, completed: Completed) {
        completed.ranges.into_iter().for_each(|positions| self.buffer.finish(positions));
        self.positions.forget_before(completed.prefix);
    }

    /// Begins a turn: some items for the next positions.
    pub(crate) fn begin_turn(&self) -> Turn<T> {
        Turn { first: self.positions.placed(), items: Vec::new(), n_asked: 0, begun: Instant::now() }
    }

    /// Whether an item may come while so many were delivered.
    pub(crate) fn has_room(&self, delivered: usize) -> bool {
        self.taken_in < delivered.saturating_add(self.window)
    }

    /// The next item and its index; `None` when the turn or the input is over.
    pub(crate) fn next(&mut self, turn: &mut Turn<T>) -> Option<(usize, T)> {
        if turn.n_asked >= MOST_PER_TURN || turn.n_asked > 0 && turn.begun.elapsed() >= TURN {
            return None;
        }
        turn.n_asked += 1;
        let Some(item) = self.iterator.next() else {
            self.is_all = true;
            return None;
        };
        self.taken_in += 1;
        Some((self.taken_in - 1, item))
    }

    /// The item is to be run: it gets the next position.
    pub(crate) fn place(&self, turn: &mut Turn<T>, index: usize, item: T) {
        self.positions.place(turn.first + turn.items.len(), index);
        turn.items.push(item);
    }

    /// The item was finished before this run: it gets no position.
    pub(crate) fn skip(&self) {
        self.positions.skip();
    }

    /// No more items are read.
    pub(crate) fn stop(&mut self) {
        self.is_all = true;
    }

    /// Ends a turn: workers may look its items up now.
    pub(crate) fn end_turn(&self, turn: Turn<T>, has_room: bool) -> InputProgress {
        let placed = turn.first + turn.items.len();
        self.positions.set_placed(placed);
        self.buffer.add(turn.first, turn.items);
        InputProgress { placed, may_grow: !self.is_all && has_room, is_all: self.is_all }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;
    use crate::progress::RunStatus;
    use crate::record::Key;
    use crate::run::positions::PositionMap;
    use crate::sync::Arc;

    fn with_reader(
        n_items: u32,
        window: usize,
        body: impl FnOnce(&mut InputReader<'_, '_, u32>, &StreamPositions<'_, '_, u32>),
    ) {
        let mut numbers = 0..n_items;
        let buffer = ItemBuffer::new();
        let key: &Key<'_, u32> = &|n| format!("item {n}");
        let positions = StreamPositions::new(&buffer, Some(key));
        body(&mut InputReader::new(&mut numbers, &buffer, &positions, window), &positions);
    }

    /// One turn while so many items were delivered, all positions before `prefix` are finished, and those of these indices
    /// were finished before.
    fn fill(
        reader: &mut InputReader<'_, '_, u32>,
        delivered: usize,
        prefix: usize,
        finished: &[usize],
    ) -> InputProgress {
        reader.drop_finished(Completed { ranges: Vec::new(), prefix });
        let mut turn = reader.begin_turn();
        while reader.has_room(delivered)
            && let Some((index, item)) = reader.next(&mut turn)
        {
            if finished.contains(&index) { reader.skip() } else { reader.place(&mut turn, index, item) }
        }
        let has_room = reader.has_room(delivered);
        reader.end_turn(turn, has_room)
    }

    #[test]
    fn no_more_than_a_window_comes_ahead_of_what_was_delivered() {
        with_reader(100, 10, |reader, _| {
            let full = |placed| InputProgress { placed, may_grow: false, is_all: false };
            assert_eq!(fill(reader, 0, 0, &[]), full(10));
            assert_eq!(fill(reader, 3, 3, &[]), full(13));
            assert_eq!(reader.taken_in(), 13);
        });
    }

    #[test]
    fn the_end_is_found_when_the_iterator_is_asked() {
        with_reader(3, 10, |reader, _| {
            assert_eq!(fill(reader, 0, 0, &[]), InputProgress { placed: 3, may_grow: false, is_all: true });
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
