//! The set of done positions of a run, as a prefix and ranges ahead of it. Pure.
//!
//! Memory grows with the ranges ahead, not with the positions: adding costs a few steps in a small map.

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
    pub(crate) fn prefix(&self) -> usize {
        self.prefix
    }

    /// How many positions are done.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many positions below the fence are done.
    pub(crate) fn count_below(&self, fence: usize) -> usize {
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
