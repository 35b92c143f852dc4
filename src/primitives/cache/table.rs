//! One shard of the cache: its values, and the flights of keys that are being computed.
//!
//! Each method that takes something out returns it, so that the caller can drop it outside of the shard's lock.
//! `lookup.rs` and `compute.rs` call these methods under that lock.

use std::borrow::Borrow;

use hashbrown::HashTable;

use crate::primitives::cache::bounded::Bounded;
use crate::primitives::cache::flight::Flight;
use crate::sync::Arc;

/// A shard. No key has both a value and a flight.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    values: Values<K, V>,
    /// Keys that are being computed. Mostly empty.
    flights: HashTable<(K, Arc<Flight<V>>)>,
    /// The number of values that were ever stored here.
    n_inserts: u64,
    /// The number of values that were ever evicted.
    n_evictions: u64,
}

/// The values of a shard. Without a bound an entry is a key and a value and nothing else.
#[derive(Debug)]
enum Values<K, V> {
    Unbounded(HashTable<(K, V)>),
    Bounded(Bounded<K, V>),
}

/// What the table holds for a key.
#[derive(Debug)]
pub(crate) enum Slot<'t, V> {
    Value(&'t V),
    Flight(&'t Arc<Flight<V>>),
    Nothing,
}

impl<K, V> Table<K, V> {
    /// An empty shard for at most this many values.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let values = match capacity {
            None => Values::Unbounded(HashTable::new()),
            Some(capacity) => Values::Bounded(Bounded::new(capacity)),
        };
        Self { values, flights: HashTable::new(), n_inserts: 0, n_evictions: 0 }
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Unbounded(table) => table.len(),
            Values::Bounded(bounded) => bounded.len(),
        }
    }

    /// The number of values that were ever stored, and the number of those that were evicted.
    pub(crate) fn turnover(&self) -> (u64, u64) {
        (self.n_inserts, self.n_evictions)
    }

    /// The value of a key. Counts as a use of the value.
    #[inline]
    pub(crate) fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match &self.values {
            Values::Unbounded(table) => table.find(hash, is_key(key)).map(|(_, value)| value),
            Values::Bounded(bounded) => bounded.find(hash, key),
        }
    }

    /// True when a key has a value. Does not count as a use.
    pub(crate) fn contains<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        match &self.values {
            Values::Unbounded(table) => table.find(hash, is_key(key)).is_some(),
            Values::Bounded(bounded) => bounded.contains(hash, key),
        }
    }

    /// What the table holds for a key. Counts as a use of the value.
    pub(crate) fn slot(&self, hash: u64, key: &K) -> Slot<'_, V>
    where
        K: Eq,
    {
        if let Some(value) = self.find(hash, key) {
            return Slot::Value(value);
        }
        match self.flights.find(hash, is_key(key)) {
            Some((_, flight)) => Slot::Flight(flight),
            None => Slot::Nothing,
        }
    }

    /// Stores a value. Returns the value that it replaces, with the key, which is not needed then.
    ///
    /// The key that is stored stays, as in a `HashMap`; the new one is returned to be dropped outside of the lock. Does
    /// not evict: [`evict`](Self::evict) is called after it, so that a value that is replaced makes no other one go.
    pub(crate) fn put(&mut self, hash: u64, key: K, value: V, hash_of: impl Fn(&K) -> u64) -> Option<(K, V)>
    where
        K: Eq,
    {
        self.n_inserts += 1;
        match &mut self.values {
            Values::Unbounded(table) => {
                if let Some((_, place)) = table.find_mut(hash, is_key(&key)) {
                    return Some((key, std::mem::replace(place, value)));
                }
                table.insert_unique(hash, (key, value), |(key, _)| hash_of(key));
                None
            }
            Values::Bounded(bounded) => bounded.put(hash, key, value, hash_of),
        }
    }

    /// Takes the value of a key out.
    pub(crate) fn remove<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        match &mut self.values {
            Values::Unbounded(table) => Some(table.find_entry(hash, is_key(key)).ok()?.remove().0),
            Values::Bounded(bounded) => bounded.remove(hash, key),
        }
    }

    /// Takes out values until the bound holds.
    ///
    /// Nothing is evicted without a bound, and then nothing is allocated.
    pub(crate) fn evict(&mut self) -> Vec<(K, V)> {
        match &mut self.values {
            Values::Unbounded(_) => Vec::new(),
            Values::Bounded(bounded) => {
                let evicted = bounded.evict();
                self.n_evictions += evicted.len() as u64;
                evicted
            }
        }
    }

    /// Stores the flight of a key that has neither value nor flight.
    pub(crate) fn start_flight(&mut self, hash: u64, key: K, flight: Arc<Flight<V>>, hash_of: impl Fn(&K) -> u64) {
        self.flights.insert_unique(hash, (key, flight), |(key, _)| hash_of(key));
    }

    /// Takes a flight out, if its key still has this one.
    ///
    /// Compared by address, not by key: after an `insert` or `remove` the key may have another flight, whose leader
    /// must find it in its place.
    pub(crate) fn take_flight(&mut self, hash: u64, flight: &Arc<Flight<V>>) -> Option<(K, Arc<Flight<V>>)> {
        let found = self.flights.find_entry(hash, |(_, known)| Arc::ptr_eq(known, flight));
        Some(found.ok()?.remove().0)
    }

    /// Takes the flight of a key out, whichever it is: its computation will store nothing.
    pub(crate) fn detach<Q: Eq + ?Sized>(&mut self, hash: u64, key: &Q) -> Option<(K, Arc<Flight<V>>)>
    where
        K: Borrow<Q>,
    {
        // Usually nothing is being computed, and that is known without a look-up.
        if self.flights.is_empty() {
            return None;
        }
        Some(self.flights.find_entry(hash, is_key(key)).ok()?.remove().0)
    }

    /// Takes everything out. The counts stay.
    pub(crate) fn take_all(&mut self) -> impl Sized + use<K, V> {
        let values = match &self.values {
            Values::Unbounded(_) => Values::Unbounded(HashTable::new()),
            Values::Bounded(bounded) => Values::Bounded(Bounded::new(bounded.capacity())),
        };
        (std::mem::replace(&mut self.values, values), std::mem::take(&mut self.flights))
    }
}

/// True of an entry with this key.
#[inline]
fn is_key<K: Borrow<Q>, Q: Eq + ?Sized, A>(key: &Q) -> impl Fn(&(K, A)) -> bool {
    move |(known, _)| known.borrow() == key
}
