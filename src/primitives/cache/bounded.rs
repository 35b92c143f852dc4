//! The values of a shard with a bound. `s3_fifo.rs` decides which of them is evicted; this file stores and finds them.
//!
//! Each entry has a use frequency, which readers raise under the read lock, and a stamp, by which the queues know it.

use std::borrow::Borrow;

use hashbrown::HashTable;

use crate::primitives::cache::s3_fifo::{EntryId, Frequencies, MAX_FREQUENCY, S3Fifo};
use crate::sync::{AtomicU8, Ordering};

/// The values of one shard, and the policy that picks the victims.
///
/// Each entry is in one of the policy's queues. A queue may also hold ids of entries that were removed; the policy
/// drops them when it meets them.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: Entries<K, V>,
    policy: S3Fifo,
    /// The stamp of the next new entry. Wraps around: two entries of one hash that are 2^32 insertions apart may be
    /// mixed up, which costs one wrong eviction at most.
    next_stamp: u32,
}

#[derive(Debug)]
struct Entries<K, V>(HashTable<Entry<K, V>>);

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    /// Tells this entry from earlier ones of the same hash.
    stamp: u32,
    /// Uses since the policy last looked at the entry, up to [`MAX_FREQUENCY`].
    frequency: AtomicU8,
}

impl<K, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Entries(HashTable::new()), policy: S3Fifo::new(capacity), next_stamp: 0 }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.policy.capacity()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.0.len()
    }

    /// The value of a key. Counts as a use of the value.
    #[inline(never)] // so that the code of a hit without a bound stays short
    pub(crate) fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.0.find(hash, |entry| entry.key.borrow() == key)?;
        entry.note_use();
        Some(&entry.value)
    }

    /// True when a key has a value. Does not count as a use.
    pub(crate) fn contains<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.0.find(hash, |entry| entry.key.borrow() == key).is_some()
    }

    /// Stores a value, also beyond the bound. Returns the value that it replaces, with the key, which is not needed
    /// then.
    pub(crate) fn put(&mut self, hash: u64, key: K, value: V, hash_of: impl Fn(&K) -> u64) -> Option<(K, V)>
    where
        K: Eq,
    {
        if let Some(entry) = self.entries.0.find_mut(hash, |entry| entry.key == key) {
            return Some((key, std::mem::replace(&mut entry.value, value)));
        }
        let stamp = self.next_stamp;
        self.next_stamp = stamp.wrapping_add(1);
        let entry = Entry { key, value, stamp, frequency: AtomicU8::new(0) };
        self.entries.0.insert_unique(hash, entry, |entry| hash_of(&entry.key));
        self.policy.admit(EntryId { hash, stamp });
        None
    }

    /// Takes the value of a key out.
    pub(crate) fn remove<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let removed = self.entries.take(hash, |entry| entry.key.borrow() == key);
        self.policy.compact(self.entries.0.len(), &mut self.entries);
        removed
    }

    /// Takes out values until the bound holds.
    pub(crate) fn evict(&mut self) -> Vec<(K, V)> {
        let mut evicted = Vec::new();
        while let Some(victim) = self.policy.victim(self.entries.0.len(), &mut self.entries) {
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
    /// Runs under the read lock: one store at most, and none once the frequency is at its maximum.
    fn note_use(&self) {
        // Relaxed: of two readers at once one may lose its step, which is fine for a hint.
        let frequency = self.frequency.load(Ordering::Relaxed);
        if frequency < MAX_FREQUENCY {
            self.frequency.store(frequency + 1, Ordering::Relaxed);
        }
    }
}

impl<K, V> Frequencies for Entries<K, V> {
    fn update(&mut self, id: EntryId, next: impl FnOnce(u8) -> u8) -> Option<u8> {
        let entry = self.0.find_mut(id.hash, |entry| entry.stamp == id.stamp)?;
        // Relaxed: the shard is locked for writing.
        let before = entry.frequency.load(Ordering::Relaxed);
        entry.frequency.store(next(before), Ordering::Relaxed);
        Some(before)
    }
}
