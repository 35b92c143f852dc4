//! The keys of items that are pending or in hand, by index.

use std::collections::{HashMap, VecDeque};

/// What the journal and the report write of an item besides its result.
pub(crate) struct PendingKey {
    pub(crate) key: String,
    pub(crate) fingerprint: Option<String>,
    pub(crate) earlier_attempts: u32,
}

/// Names by index, which come in the order of their indices and go in about the same order: a queue with gaps, since a million
/// of them in a table would be a million looks into memory that is far away, and as many again. Those that stay while the queue
/// behind them has more gaps than names are put aside, so that a slow item does not make it longer and longer.
#[derive(Default)]
pub(crate) struct PendingKeys {
    /// The index of the first in the queue.
    first: usize,
    queue: VecDeque<Option<PendingKey>>,
    /// How many in the queue are no gaps.
    n_queued: usize,
    aside: HashMap<usize, PendingKey>,
}

/// A queue that is shorter than this may have any number of gaps.
const SHORT_QUEUE: usize = 64;

impl PendingKeys {
    /// Adds the name of an index that is larger than all before it.
    pub(crate) fn insert(&mut self, index: usize, name: PendingKey) {
        // Items that were finished before the run have no names: there may be a million of them in between.
        if index - self.first > self.queue.len() + self.n_queued + SHORT_QUEUE {
            let stay = (self.first..).zip(self.queue.drain(..));
            self.aside.extend(stay.filter_map(|(index, name)| Some((index, name?))));
            self.n_queued = 0;
        }
        if self.queue.is_empty() {
            self.first = index;
        }
        self.queue.resize_with(index - self.first, || None);
        self.queue.push_back(Some(name));
        self.n_queued += 1;
    }

    /// Takes the key of this index out, if it is there.
    pub(crate) fn remove(&mut self, index: usize) -> Option<PendingKey> {
        let Some(place) = index.checked_sub(self.first) else { return self.aside.remove(&index) };
        let name = self.queue.get_mut(place)?.take();
        self.n_queued -= usize::from(name.is_some());
        while self.queue.front().is_some_and(Option::is_none) || self.has_mostly_gaps() {
            if let Some(stays) = self.queue.pop_front().flatten() {
                self.aside.insert(self.first, stays);
                self.n_queued -= 1;
            }
            self.first += 1;
        }
        name
    }

    fn has_mostly_gaps(&self) -> bool {
        self.queue.len() > SHORT_QUEUE && self.n_queued < self.queue.len() / 2
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(index: usize) -> PendingKey {
        PendingKey { key: index.to_string(), fingerprint: None, earlier_attempts: 0 }
    }

    proptest! {
        /// Each step skips so many indices and adds a name, and then takes the name of any index.
        #[test]
        fn names_are_found_as_in_a_plain_table(steps in proptest::collection::vec((prop_oneof![0_usize..4, 0_usize..300], 0_usize..900), 0..150)) {
            let (mut names, mut plain, mut next) = (PendingKeys::default(), HashMap::new(), 0);
            for (skipped, taken) in steps {
                next += skipped;
                names.insert(next, name(next));
                plain.insert(next, next.to_string());
                next += 1;
                prop_assert_eq!(names.remove(taken).map(|name| name.key), plain.remove(&taken));
            }
            for index in 0..next {
                prop_assert_eq!(names.remove(index).map(|name| name.key), plain.remove(&index));
            }
            prop_assert!(names.queue.is_empty() && names.aside.is_empty());
        }
    }

    #[test]
    fn a_name_that_stays_keeps_no_room_for_those_that_went() {
        let mut names = PendingKeys::default();
        for index in 0..100_000 {
            names.insert(index, name(index));
            if index % 1000 != 0 {
                assert_eq!(names.remove(index).map(|name| name.key), Some(index.to_string()));
            }
        }
        names.insert(1 << 40, name(1 << 40));
        assert!(names.queue.len() <= 1000 && names.queue.capacity() < 5000, "{}", names.queue.len());
        let stayed = (0..100).map(|stayed| stayed * 1000).chain([1 << 40]);
        assert!(stayed.into_iter().all(|index| names.remove(index).is_some_and(|name| name.key == index.to_string())));
    }
}
