//! Positions and indices. A *position* is a place in the order of work, an *index* a place in the input. They differ when
//! a cost hint or a shuffle reorders the work, and when an earlier run has finished some items.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;

use crate::backend::contract::PositionFailure;
use crate::backend::items::ItemLookup;
use crate::backend::plan::Plan;
use crate::failure::{ErrorSources, ItemFailure};
use crate::progress::RunStatus;
use crate::record::Key;
use crate::sync::Arc;

/// Which item lies at a position.
pub(crate) trait PositionMap {
    /// The item's place in the input.
    fn index_of(&self, position: usize) -> usize;
    /// The item's key, where the job has a function that gives it.
    fn key_of(&self, position: usize) -> Option<String>;
    /// The first position whose item has this index or a later one. For plans whose order of work is that of the input.
    fn position_of(&self, index: usize) -> usize;
    /// Whether each position is the index of its item.
    fn positions_are_indices(&self) -> bool;
}

/// The failure of the item at a position.
pub(crate) fn item_failure<E>(
    failure: PositionFailure<E>,
    position_map: &dyn PositionMap,
    sources: ErrorSources<E>,
) -> ItemFailure<E> {
    ItemFailure {
        index: position_map.index_of(failure.position),
        key: position_map.key_of(failure.position),
        attempts: failure.attempts,
        elapsed: failure.elapsed,
        cause: failure.cause,
        sources,
    }
}

/// The positions of a slice: its plan says which items they are.
pub(crate) struct SlicePositions<'r, 'k, T> {
    pub(crate) items: &'r [T],
    pub(crate) plan: &'r Plan,
    /// Whether a later position is always a later item.
    pub(crate) is_ascending: bool,
    pub(crate) key: Option<&'r Key<'k, T>>,
}

impl<T> SlicePositions<'_, '_, T> {
    /// The keys of all items, by index, where the job has a function that gives them.
    pub(crate) fn keys(&self) -> Option<Vec<String>> {
        self.key.map(|key| self.items.iter().map(key).collect())
    }
}

impl<T> PositionMap for SlicePositions<'_, '_, T> {
    fn index_of(&self, position: usize) -> usize {
        self.plan.index_of(position)
    }

    fn key_of(&self, position: usize) -> Option<String> {
        self.key.map(|key| key(&self.items[self.plan.index_of(position)]))
    }

    fn position_of(&self, index: usize) -> usize {
        match &self.plan.order {
            Some(order) if self.is_ascending => order.partition_point(|&at| at < index),
            _ => index,
        }
    }

    fn positions_are_indices(&self) -> bool {
        self.plan.order.is_none()
    }
}

/// The positions of a stream: each item that is to be run gets the next position.
pub(crate) struct StreamPositions<'r, 'k, T> {
    pub(crate) lookup: &'r dyn ItemLookup<T>,
    pub(crate) key: Option<&'r Key<'k, T>>,
    /// How many items got a position.
    placed: Cell<usize>,
    /// Breakpoints of the position-to-index map. From each on, positions and indices go side by side.
    breakpoints: RefCell<VecDeque<(usize, usize)>>,
    /// Whether they do from the start.
    are_indices: Cell<bool>,
    /// Progress gets the breakpoints too.
    status: OnceCell<Arc<RunStatus>>,
}

impl<'r, 'k, T> StreamPositions<'r, 'k, T> {
    pub(crate) fn new(lookup: &'r dyn ItemLookup<T>, key: Option<&'r Key<'k, T>>) -> Self {
        Self {
            lookup,
            key,
            placed: Cell::new(0),
            breakpoints: RefCell::new(VecDeque::from([(0, 0)])),
            are_indices: Cell::new(true),
            status: OnceCell::new(),
        }
    }

    /// Tells progress which index each position has.
    pub(crate) fn show_in(&self, status: Option<&Arc<RunStatus>>) {
        if let Some(status) = status {
            self.status.get_or_init(|| Arc::clone(status));
        }
    }

    /// How many items got a position.
    pub(crate) fn placed(&self) -> usize {
        self.placed.get()
    }

    /// So many items have a position now.
    pub(crate) fn set_placed(&self, placed: usize) {
        self.placed.set(placed);
    }

    /// The item with this index lies at this position, the next one.
    pub(crate) fn place(&self, position: usize, index: usize) {
        let mut breakpoints = self.breakpoints.borrow_mut();
        let &(at, its_index) = breakpoints.back().expect("there is always one breakpoint");
        if its_index + (position - at) != index {
            breakpoints.push_back((position, index));
            self.status.get().inspect(|status| status.place(position, index));
        }
    }

    /// An item got no position.
    pub(crate) fn skip(&self) {
        self.are_indices.set(false);
    }

    /// Drops the breakpoints that only positions before this one need.
    pub(crate) fn forget_before(&self, position: usize) {
        let mut breakpoints = self.breakpoints.borrow_mut();
        while breakpoints.get(1).is_some_and(|&(next, _)| next <= position) {
            breakpoints.pop_front();
        }
        self.status.get().inspect(|status| status.forget_places_before(position));
    }
}

impl<T> PositionMap for StreamPositions<'_, '_, T> {
    fn index_of(&self, position: usize) -> usize {
        let breakpoints = self.breakpoints.borrow();
        let after = breakpoints.partition_point(|&(at, _)| at <= position);
        let (at, index) = breakpoints[after.max(1) - 1];
        index + (position - at)
    }

    fn key_of(&self, position: usize) -> Option<String> {
        let key = self.key?;
        let mut name = None;
        self.lookup.look_up(position, 1, &mut |items| name = Some(key(&items[0])));
        name
    }

    fn position_of(&self, index: usize) -> usize {
        let breakpoints = self.breakpoints.borrow();
        let after = breakpoints.partition_point(|&(_, its_index)| its_index <= index);
        let (at, its_index) = breakpoints[after.max(1) - 1];
        let end = breakpoints.get(after.max(1)).map_or(self.placed.get(), |&(next, _)| next);
        (at + index.saturating_sub(its_index)).min(end)
    }

    fn positions_are_indices(&self) -> bool {
        self.are_indices.get()
    }
}

/// The positions of any input.
pub(crate) enum Positions<'r, 'k, T> {
    Slice(SlicePositions<'r, 'k, T>),
    Stream(StreamPositions<'r, 'k, T>),
}

impl<'r, 'k, T> Positions<'r, 'k, T> {
    /// The keys of all items, by index, where they are known before the run.
    pub(crate) fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::Slice(positions) => positions.keys(),
            Self::Stream(_) => None,
        }
    }

    /// The positions of a stream, which grow.
    pub(crate) fn stream(&self) -> Option<&StreamPositions<'r, 'k, T>> {
        match self {
            Self::Slice(_) => None,
            Self::Stream(positions) => Some(positions),
        }
    }

    fn map(&self) -> &dyn PositionMap {
        match self {
            Self::Slice(positions) => positions,
            Self::Stream(positions) => positions,
        }
    }
}

impl<T> PositionMap for Positions<'_, '_, T> {
    fn index_of(&self, position: usize) -> usize {
        self.map().index_of(position)
    }

    fn key_of(&self, position: usize) -> Option<String> {
        self.map().key_of(position)
    }

    fn position_of(&self, index: usize) -> usize {
        self.map().position_of(index)
    }

    fn positions_are_indices(&self) -> bool {
        self.map().positions_are_indices()
    }
}
