//! The values of a shard with a bound: each has a mark that a use sets, and a stamp by which the queues know it.

use std::borrow::Borrow;

use hashbrown::HashTable;

use crate::primitives::cache::evict::{HIGHEST_MARK, Marks, Queues, Token};
use crate::sync::{AtomicU8, Ordering};

/// The values of one shard, and the queues that name who goes.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: Entries<K, V>,
    queues: Queues,
    next_stamp: u32,
}

#[derive(Debug)]
struct Entries<K, V>(HashTable<Entry<K, V>>);

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    stamp: u32,
    /// How often the value was used since it was last looked at for eviction, up to [`HIGHEST_MARK`].
    mark: AtomicU8,
}

impl<K, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Entries(HashTable::new()), queues: Queues::new(capacity), next_stamp: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.queues.capacity()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.0.len()
    }

    /// The value of a key; this is a use of it.
    #[inline(never)] // so that the way of a hit without a bound stays short
    pub(crate) fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.0.find(hash, |entry| entry.key.borrow() == key)?;
        entry.note_use();
        Some(&entry.value)
    }

    /// True when a value stands at a key. Not a use.
    pub(crate) fn contains<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.0.find(hash, |entry| entry.key.borrow() == key).is_some()
    }

    /// Puts a value at a key, over the bound if need be. What stood there comes back, with the key that is not needed then.
    pub(crate) fn put(&mut self, hash: u64, key: K, value: V, hash_of: impl Fn(&K) -> u64) -> Option<(K, V)>
    where
        K: Eq,
    {
        if let Some(entry) = self.entries.0.find_mut(hash, |entry| entry.key == key) {
            return Some((key, std::mem::replace(&mut entry.value, value)));
        }
        // The stamps may wrap around: two of one hash that are 2^32 insertions apart are as good as one.
        let stamp = self.next_stamp;
        self.next_stamp = stamp.wrapping_add(1);
        let entry = Entry { key, value, stamp, mark: AtomicU8::new(0) };
        self.entries.0.insert_unique(hash, entry, |entry| hash_of(&entry.key));
        self.queues.admit(Token { hash, stamp });
        None
    }

    /// Takes a key's value out.
    pub(crate) fn remove<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let removed = self.entries.take(hash, |entry| entry.key.borrow() == key);
        self.queues.tidy(self.entries.0.len(), &mut self.entries);
        removed
    }

    /// Takes out the values that are over the bound.
    pub(crate) fn evict(&mut self) -> Vec<(K, V)> {
        let mut evicted = Vec::new();
        while let Some(victim) = self.queues.victim(self.entries.0.len(), &mut self.entries) {
            evicted.extend(self.entries.take(victim.hash, |entry| entry.stamp == victim.stamp));
        }
        evicted
    }
}

impl<K, V> Entries<K, V> {
    fn take(&mut self, hash: u64, is_it: impl FnMut(&Entry<K, V>) -> bool) -> Option<(K, V)> {
        let (entry, _) = self.0.find_entry(hash, is_it).ok()?.remove();
        Some((entry.key, entry.value))
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

impl<K, V> Marks for Entries<K, V> {
    fn update(&mut self, token: Token, next: impl FnOnce(u8) -> u8) -> Option<u8> {
        let entry = self.0.find_mut(token.hash, |entry| entry.stamp == token.stamp)?;
        // Relaxed: the shard is locked for writing.
        let before = entry.mark.load(Ordering::Relaxed);
        entry.mark.store(next(before), Ordering::Relaxed);
        Some(before)
    }
}
