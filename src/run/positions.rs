//! Positions and indices. A *position* is a place in the order of work, an *index* a place in the input. They differ
//! when a cost hint or a shuffle reorders the work, and when an earlier run has finished some items.
//!
//! Backends know positions only. The gatherer, the delivery and the observer translate them by a [`PositionMap`].
//!
//! A stream of eight items of which 0, 3 and 4 were finished by an earlier run:
//!
//! | index | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
//! |---|---|---|---|---|---|---|---|---|
//! | position | | 0 | 1 | | | 2 | 3 | 4 |
//!
//! The map keeps the breakpoints `(0, 0)`, `(0, 1)` and `(2, 5)`: from position 2 on, the index is 5 more than the
//! distance from 2. Position 3 has index 6, and the first position at or after index 4 is 2.
//!
//! | input | position to index | index to position | memory |
//! |---|---|---|---|
//! | slice, all items in input order | the same | the same | none |
//! | slice, reordered or resumed | a look into `Plan::order` | a binary search, if ascending | 8 bytes per position |
//! | stream | a binary search in the breakpoints | the same | 16 bytes per gap that is still needed |

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;

use crate::backend::contract::PositionFailure;
use crate::backend::items::ItemLookup;
use crate::backend::plan::Plan;
use crate::failure::{ErrorSources, ItemFailure};
use crate::panics::Held;
use crate::progress::RunStatus;
use crate::record::Key;
use crate::run::spec::RunSpec;
use crate::sync::Arc;

/// Maps the positions of a plan to items.
///
/// Used in the calling thread only; workers find items through `Items`.
pub(crate) trait PositionMap {
    /// The index of the item at a position.
    fn index_of(&self, position: usize) -> usize;
    /// The key of the item at a position, where the job has a key function.
    fn key_of(&self, position: usize) -> Option<String>;
    /// The first position whose item has this index or a later one. For plans whose order of work is that of the input.
    ///
    /// For any other plan its answer has no meaning, and the window that would use it is unbounded.
    fn position_of(&self, index: usize) -> usize;
    /// Whether each position is the index of its item.
    ///
    /// For a stream this is about the items read so far, and can change from true to false, never back.
    fn positions_are_indices(&self) -> bool;
}

/// The failure of the item at a position.
///
/// Calls the key function, so it can panic as that does. For a stream the item must still be in the buffer, which holds
/// until the turn after its report has read the input.
pub(crate) fn item_failure<E>(
    failure: PositionFailure<E>,
    position_map: &dyn PositionMap,
    sources: ErrorSources<E>,
) -> ItemFailure<E> {
    let failure = Held::new(failure);
    let key = position_map.key_of(failure.position);
    let failure = failure.into_inner();
    ItemFailure {
        key,
        attempts: failure.attempts,
        elapsed: failure.elapsed,
        ..ItemFailure::new(position_map.index_of(failure.position), failure.cause, sources)
    }
}

/// The positions of a slice: its plan holds the order.
///
/// Stateless: all of it is borrowed, so making one costs nothing.
pub(crate) struct SlicePositions<'r, 'k, T> {
    pub(crate) items: &'r [T],
    pub(crate) plan: &'r Plan,
    /// Whether a later position is always a later item.
    pub(crate) is_ascending: bool,
    pub(crate) key: Option<&'r Key<'k, T>>,
}

impl<T> SlicePositions<'_, '_, T> {
    /// The keys of all items, by index, where the job has a key function.
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
///
/// Cells suffice, since one thread uses it: the reader writes, and the gatherer, the delivery and the loop read between
/// its turns.
///
/// Invariant: from one breakpoint to the next the position never falls and the index grows, and there is always one.
/// Positions before the first breakpoint are forgotten.
pub(crate) struct StreamPositions<'r, 'k, T> {
    pub(crate) lookup: &'r dyn ItemLookup<T>,
    pub(crate) key: Option<&'r Key<'k, T>>,
    /// The number of items that have a position.
    placed: Cell<usize>,
    /// Breakpoints `(position, index)` of the position-to-index map. From each breakpoint to the next, both grow by one
    /// per item.
    breakpoints: RefCell<VecDeque<(usize, usize)>>,
    /// Whether each position is its item's index so far.
    are_indices: Cell<bool>,
    /// Receives the breakpoints too, where progress shows items.
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

    /// Sends each further breakpoint to progress.
    ///
    /// Called before the first item is read, as earlier breakpoints are not sent again.
    pub(crate) fn show_in(&self, status: Option<&Arc<RunStatus>>) {
        if let Some(status) = status {
            self.status.get_or_init(|| Arc::clone(status));
        }
    }

    /// The number of items that have a position.
    pub(crate) fn placed(&self) -> usize {
        self.placed.get()
    }

    /// Sets the number of items that have a position.
    ///
    /// At the end of a turn, together with the items: a position counts as placed only when workers can look it up.
    pub(crate) fn set_placed(&self, placed: usize) {
        self.placed.set(placed);
    }

    /// Puts the item with this index at this position, which is the next one.
    ///
    /// Adds a breakpoint only where items were skipped, so a run without earlier results has a single one, however long
    /// it is.
    pub(crate) fn place(&self, position: usize, index: usize) {
        let mut breakpoints = self.breakpoints.borrow_mut();
        let &(at, its_index) = breakpoints.back().expect("there is always one breakpoint");
        if its_index + (position - at) != index {
            breakpoints.push_back((position, index));
            self.status.get().inspect(|status| status.place(position, index));
        }
    }

    /// Notes that an item gets no position.
    pub(crate) fn skip(&self) {
        self.are_indices.set(false);
    }

    /// Drops the breakpoints that only positions before this one need.
    ///
    /// Positions are looked up only while they are unfinished or undelivered, so memory follows the gaps in that range.
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
    /// The positions of a slice, or of the stream that `lookup` belongs to.
    pub(crate) fn new(
        items: &'r [T],
        lookup: Option<&'r dyn ItemLookup<T>>,
        spec: &'r RunSpec<'_>,
        key: Option<&'r Key<'k, T>>,
    ) -> Self {
        match lookup {
            Some(lookup) => Self::Stream(StreamPositions::new(lookup, key)),
            None => {
                let is_ascending = spec.order.is_ascending();
                Self::Slice(SlicePositions { items, plan: &spec.plan, is_ascending, key })
            }
        }
    }

    /// The indices of all positions from this one on, sorted.
    ///
    /// Allocates one index per position; called once, at the end of a run that keeps all results.
    pub(crate) fn indices_from(&self, first: usize) -> Vec<usize> {
        let end = match self {
            Self::Slice(positions) => positions.plan.n_items,
            Self::Stream(positions) => positions.placed(),
        };
        let mut indices: Vec<usize> = (first..end).map(|position| self.index_of(position)).collect();
        indices.sort_unstable();
        indices
    }

    /// Sends breakpoints of a stream to progress, where it shows items.
    pub(crate) fn show_in(&self, status: Option<&Arc<RunStatus>>) {
        if let Self::Stream(positions) = self {
            positions.show_in(status);
        }
    }

    /// The keys of all items, by index, where they are known before the run: of a slice.
    pub(crate) fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::Slice(positions) => positions.keys(),
            Self::Stream(_) => None,
        }
    }

    /// The positions of a stream, which grow as items are read.
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
