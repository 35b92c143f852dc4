//! One shard of the cache: a hash table, and the queues of a bounded one. What is taken out is given back, so that the
//! caller can drop it outside of the lock.

use std::borrow::Borrow;

use hashbrown::HashTable;

use super::evict::{HIGHEST_MARK, Marks, Queues, Token};
use super::flight::Flight;
use crate::sync::{Arc, AtomicU8, Ordering};

/// A shard. Guarded by its lock.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    entries: HashTable<Entry<K, V>>,
    queues: Option<Queues>,
    /// Entries that hold a value.
    n_ready: usize,
    next_stamp: u64,
}

#[derive(Debug)]
pub(super) struct Entry<K, V> {
    hash: u64,
    stamp: u64,
    key: K,
    slot: Slot<V>,
    /// How often the value was used since it was last looked at for eviction, up to [`HIGHEST_MARK`].
    mark: AtomicU8,
}

/// What stands at a key.
#[derive(Debug)]
pub(super) enum Slot<V> {
    Ready(V),
    Pending(Arc<Flight<V>>),
}

impl<K, V> Table<K, V> {
    /// An empty shard for at most this many values.
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self { entries: HashTable::new(), queues: capacity.map(Queues::new), n_ready: 0, next_stamp: 0 }
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.n_ready
    }

    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<&Slot<V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.entries.find(hash, |entry| entry.hash == hash && entry.key.borrow() == key)?;
        if self.queues.is_some() {
            entry.note_use();
        }
        Some(&entry.slot)
    }

    /// True when a value stands at a key. Not a use.
    pub(super) fn contains<Q>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.entries.find(hash, |entry| entry.hash == hash && entry.key.borrow() == key);
        entry.is_some_and(|entry| matches!(entry.slot, Slot::Ready(_)))
    }

    /// Puts a value at a key; gives what stood there.
    pub(super) fn put(&mut self, hash: u64, key: K, value: V) -> Option<Slot<V>>
    where
        K: Eq,
    {
        if let Some(entry) = self.entries.find_mut(hash, |entry| entry.hash == hash && entry.key == key) {
            let before = std::mem::replace(&mut entry.slot, Slot::Ready(value));
            if matches!(before, Slot::Pending(_)) {
                let token = Token { hash, stamp: entry.stamp };
                self.note_ready(token);
            }
            return Some(before);
        }
        let token = self.add(hash, key, Slot::Ready(value));
        self.note_ready(token);
        None
    }

    /// Marks a missing key as being computed.
    pub(super) fn reserve(&mut self, hash: u64, key: K, flight: Arc<Flight<V>>) {
        self.add(hash, key, Slot::Pending(flight));
    }

    /// Turns a key's flight into its value, unless something else stands there by now; true if it did.
    pub(super) fn publish<Q>(&mut self, hash: u64, key: &Q, flight: &Arc<Flight<V>>, value: V) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let Some(entry) = self.entries.find_mut(hash, |entry| entry.hash == hash && entry.key.borrow() == key) else {
            return false;
        };
        if !matches!(&entry.slot, Slot::Pending(pending) if Arc::ptr_eq(pending, flight)) {
            return false;
        }
        entry.slot = Slot::Ready(value);
        let token = Token { hash, stamp: entry.stamp };
        self.note_ready(token);
        true
    }

    /// Takes a key out.
    pub(super) fn remove<Q>(&mut self, hash: u64, key: &Q) -> Option<(K, Slot<V>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.remove_if(hash, |entry| entry.hash == hash && entry.key.borrow() == key)
    }

    /// Takes a key out if this flight still stands there.
    pub(super) fn abandon<Q>(&mut self, hash: u64, key: &Q, flight: &Arc<Flight<V>>) -> Option<(K, Slot<V>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let is_flight = |slot: &Slot<V>| matches!(slot, Slot::Pending(pending) if Arc::ptr_eq(pending, flight));
        self.remove_if(hash, |entry| entry.hash == hash && entry.key.borrow() == key && is_flight(&entry.slot))
    }

    /// Takes everything out.
    pub(super) fn take_all(&mut self) -> impl Sized + use<K, V> {
        self.n_ready = 0;
        if let Some(queues) = &mut self.queues {
            queues.clear();
        }
        std::mem::take(&mut self.entries)
    }

    /// Takes out what is over the bound.
    pub(super) fn evict(&mut self) -> Vec<(K, Slot<V>)> {
        let Some(mut queues) = self.queues.take() else { return Vec::new() };
        let mut evicted = Vec::new();
        while let Some(victim) = queues.victim(self.n_ready, self) {
            evicted.extend(self.remove_if(victim.hash, |entry| entry.stamp == victim.stamp));
        }
        queues.tidy(self.n_ready, self);
        self.queues = Some(queues);
        evicted
    }

    fn add(&mut self, hash: u64, key: K, slot: Slot<V>) -> Token {
        let stamp = self.next_stamp;
        self.next_stamp += 1;
        let entry = Entry { hash, stamp, key, slot, mark: AtomicU8::new(0) };
        self.entries.insert_unique(hash, entry, |entry| entry.hash);
        Token { hash, stamp }
    }

    fn note_ready(&mut self, token: Token) {
        self.n_ready += 1;
        if let Some(queues) = &mut self.queues {
            queues.admit(token);
        }
    }

    fn remove_if(&mut self, hash: u64, is_it: impl FnMut(&Entry<K, V>) -> bool) -> Option<(K, Slot<V>)> {
        let (entry, _) = self.entries.find_entry(hash, is_it).ok()?.remove();
        self.n_ready -= usize::from(matches!(entry.slot, Slot::Ready(_)));
        Some((entry.key, entry.slot))
    }
}

impl<K, V> Entry<K, V> {
    /// Under the readers' lock: a store at most, and none once the mark is as high as it gets.
    fn note_use(&self) {
        // Relaxed: two readers at once may lose a step of the mark, which is a hint.
        let mark = self.mark.load(Ordering::Relaxed);
        if mark < HIGHEST_MARK {
            self.mark.store(mark + 1, Ordering::Relaxed);
        }
    }
}

impl<K, V> Marks for Table<K, V> {
    fn update(&mut self, token: Token, next: impl FnOnce(u8) -> u8) -> Option<u8> {
        let entry = self.entries.find_mut(token.hash, |entry| entry.stamp == token.stamp)?;
        // Relaxed: the shard is locked for writing.
        let before = entry.mark.load(Ordering::Relaxed);
        entry.mark.store(next(before), Ordering::Relaxed);
        Some(before)
    }
}
