//! The keys of items that are pending or in hand, by index, for the journal and the report. Pure.
//!
//! Promise: adding and removing cost a few steps each, and memory follows the number of pending keys, not the length of
//! the run. `persistence.rs` adds a key when an item is looked up and removes it when the item is written down.

use std::collections::{HashMap, VecDeque};

/// The key of an item, and what the journal stores beside it.
///
/// The key is computed once, when the item is looked up, and moves into the record when the item is written down.
pub(crate) struct PendingKey {
    pub(crate) key: String,
    pub(crate) fingerprint: Option<String>,
    /// Attempts of earlier runs on the same input: the record counts all of them.
    pub(crate) earlier_attempts: u32,
}

/// Keys by index: a queue with gaps, and an overflow table.
///
/// Keys are added in the order of their indices and removed in about the same order, so a queue is faster than a hash
/// table: a million keys would be as many cache misses. Keys that stay while the queue behind them has more gaps than
/// keys move to the overflow table, so that one slow item does not lengthen the queue without bound.
#[derive(Default)]
pub(crate) struct PendingKeys {
    /// The index of the queue's first entry.
    ///
    /// Every key in the overflow table has a lower index, so a removal knows at once which of the two to search.
    first: usize,
    queue: VecDeque<Option<PendingKey>>,
    /// The number of entries that are not gaps.
    n_queued: usize,
    overflow: HashMap<usize, PendingKey>,
}

/// A queue up to this length may have any number of gaps.
const SHORT_QUEUE: usize = 64;

impl PendingKeys {
    /// Adds the key of an index that is larger than all indices before.
    ///
    /// Where the gap before the index is longer than the number of queued keys by more than 64, the queue is first
    /// emptied into the overflow table: a jump over a million finished items makes no million entries.
    pub(crate) fn insert(&mut self, index: usize, entry: PendingKey) {
        // Items that were finished before the run have no key here: a million of them may lie in between.
        if index - self.first > self.queue.len() + self.n_queued + SHORT_QUEUE {
            let stay = (self.first..).zip(self.queue.drain(..));
            self.overflow.extend(stay.filter_map(|(index, entry)| Some((index, entry?))));
            self.n_queued = 0;
        }
        if self.queue.is_empty() {
            self.first = index;
        }
        self.queue.resize_with(index - self.first, || None);
        self.queue.push_back(Some(entry));
        self.n_queued += 1;
    }

    /// Removes and returns the key of this index, if it is present.
    ///
    /// Constant time on average: each entry is pushed once and popped once, and goes to the overflow table at most
    /// once.
    pub(crate) fn remove(&mut self, index: usize) -> Option<PendingKey> {
        let Some(place) = index.checked_sub(self.first) else { return self.overflow.remove(&index) };
        let entry = self.queue.get_mut(place)?.take();
        self.n_queued -= usize::from(entry.is_some());
        while self.queue.front().is_some_and(Option::is_none) || self.has_mostly_gaps() {
            if let Some(stays) = self.queue.pop_front().flatten() {
                self.overflow.insert(self.first, stays);
                self.n_queued -= 1;
            }
            self.first += 1;
        }
        entry
    }

    /// Looked at for each removal; two comparisons.
    fn has_mostly_gaps(&self) -> bool {
        self.queue.len() > SHORT_QUEUE && self.n_queued < self.queue.len() / 2
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(index: usize) -> PendingKey {
        PendingKey { key: index.to_string(), fingerprint: None, earlier_attempts: 0 }
    }

    proptest! {
        /// Each step skips some indices, adds a key, and removes the key of any index.
        #[test]
        fn keys_are_found_as_in_a_plain_table(steps in proptest::collection::vec((prop_oneof![0_usize..4, 0_usize..300], 0_usize..900), 0..150)) {
            let (mut keys, mut plain, mut next) = (PendingKeys::default(), HashMap::new(), 0);
            for (skipped, taken) in steps {
                next += skipped;
                keys.insert(next, entry(next));
                plain.insert(next, next.to_string());
                next += 1;
                prop_assert_eq!(keys.remove(taken).map(|entry| entry.key), plain.remove(&taken));
            }
            for index in 0..next {
                prop_assert_eq!(keys.remove(index).map(|entry| entry.key), plain.remove(&index));
            }
            prop_assert!(keys.queue.is_empty() && keys.overflow.is_empty());
        }
    }

    #[test]
    fn a_key_that_stays_keeps_no_memory_of_removed_keys() {
        let mut keys = PendingKeys::default();
        for index in 0..100_000 {
            keys.insert(index, entry(index));
            if index % 1000 != 0 {
                assert_eq!(keys.remove(index).map(|entry| entry.key), Some(index.to_string()));
            }
        }
        keys.insert(1 << 40, entry(1 << 40));
        assert!(keys.queue.len() <= 1000 && keys.queue.capacity() < 5000, "{}", keys.queue.len());
        let stayed = (0..100).map(|stayed| stayed * 1000).chain([1 << 40]);
        assert!(stayed.into_iter().all(|index| keys.remove(index).is_some_and(|entry| entry.key == index.to_string())));
    }
}
