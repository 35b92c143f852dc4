//! The set of done positions of a run, as a prefix and ranges ahead of it. Pure.
//!
//! Memory grows with the ranges ahead, not with the positions: adding costs a few steps in a small map.
//!
//! A worked case:
//!
//! | added | prefix | ahead | count |
//! |---|---|---|---|
//! | 0..2 | 2 | | 2 |
//! | 5..7 | 2 | 5..7 | 4 |
//! | 9..10 | 2 | 5..7, 9..10 | 5 |
//! | 2..5 | 7 | 9..10 | 8 |
//!
//! Chunks are claimed in order, so there are about as many ranges ahead as workers, plus the gaps of positions that
//! wait for a retry.

use std::collections::BTreeMap;
use std::ops::Range;

/// The positions that are done: all before `prefix`, and some ranges ahead of it.
#[derive(Debug, Default)]
pub(crate) struct PositionSet {
    prefix: usize,
    /// Start to end of each range. No range is empty or touches the prefix or another range.
    ahead: BTreeMap<usize, usize>,
    count: usize,
}

impl PositionSet {
    /// Adds positions that are not in the set yet.
    ///
    /// Positions that are in the set already are not noticed: they would be counted twice. The contract of backends
    /// excludes them, and a retried position is added when its last attempt is over.
    ///
    /// An end that meets the start of a range ahead takes that range in, and so does a start that meets an end: only by
    /// this do the ranges stay few.
    pub(crate) fn add(&mut self, range: Range<usize>) {
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

    /// All positions before this one are done.
    ///
    /// In a run without delivery, the verdict's window starts here.
    pub(crate) fn prefix(&self) -> usize {
        self.prefix
    }

    /// How many positions are done.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many positions below the fence are done.
    ///
    /// Linear in the ranges ahead. Called at the end of a run, for the tally.
    pub(crate) fn count_below(&self, fence: usize) -> usize {
        self.ranges().map(|range| range.end.min(fence).saturating_sub(range.start)).sum()
    }

    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let ahead = self.ahead.iter().map(|(&first, &end)| first..end);
        std::iter::once(0..self.prefix).chain(ahead)
    }

    /// Each done position once, in order.
    ///
    /// The order matters to `Slots::take_written`, which walks the sorted failures beside it.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.ranges().flatten()
    }
}
