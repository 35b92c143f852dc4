//! Two ways to decide what goes, as references: least recently used, and first in, first out. Made to be read, not to be fast.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// The keys of a cache that drops the least recently used one.
pub(crate) struct LeastRecentlyUsed {
    capacity: usize,
    now: u64,
    last_use: HashMap<u64, u64>,
    by_last_use: BTreeMap<u64, u64>,
}

impl LeastRecentlyUsed {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, now: 0, last_use: HashMap::new(), by_last_use: BTreeMap::new() }
    }

    /// Uses a key; true when it was there.
    pub(crate) fn touch(&mut self, key: u64) -> bool {
        self.now += 1;
        let before = self.last_use.insert(key, self.now);
        if let Some(before) = before {
            self.by_last_use.remove(&before);
        }
        self.by_last_use.insert(self.now, key);
        if self.last_use.len() > self.capacity {
            let (_, oldest) = self.by_last_use.pop_first().expect("more than its capacity");
            self.last_use.remove(&oldest);
        }
        before.is_some()
    }
}

/// The keys of a cache that drops the one that came first.
pub(crate) struct FirstInFirstOut {
    capacity: usize,
    keys: HashSet<u64>,
    order: VecDeque<u64>,
}

impl FirstInFirstOut {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, keys: HashSet::new(), order: VecDeque::new() }
    }

    /// Uses a key; true when it was there.
    pub(crate) fn touch(&mut self, key: u64) -> bool {
        if !self.keys.insert(key) {
            return true;
        }
        self.order.push_back(key);
        if self.order.len() > self.capacity {
            let oldest = self.order.pop_front().expect("more than its capacity");
            self.keys.remove(&oldest);
        }
        false
    }
}
