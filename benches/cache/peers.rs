//! How each design is asked. All peers hash with foldhash, as ours does, except where SipHash is named.
//!
//! quick_cache is built without its `stats` feature, so it counts neither hits nor misses; ours does.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::RwLock;

use manyhands::ThreadSafeCache;
use quick_cache::UnitWeighter;
use quick_cache::sync::DefaultLifecycle;

use crate::designs::Map;

pub(crate) type Fast = foldhash::fast::RandomState;
pub(crate) type Sip = RandomState;

pub(crate) type Std<S> = RwLock<HashMap<u64, u64, S>>;
pub(crate) type ParkingLot = parking_lot::RwLock<HashMap<u64, u64, Fast>>;
pub(crate) type Dash = dashmap::DashMap<u64, u64, Fast>;
pub(crate) type Moka = moka::sync::Cache<u64, u64, Fast>;
pub(crate) type Quick = quick_cache::sync::Cache<u64, u64, UnitWeighter, Fast>;
pub(crate) type Papaya = papaya::HashMap<u64, u64, Fast>;
pub(crate) type SccMap = scc::HashMap<u64, u64, Fast>;
pub(crate) type SccIndex = scc::HashIndex<u64, u64, Fast>;

const NOT_POISONED: &str = "no thread panics under this lock";

impl Map for ThreadSafeCache<u64, u64> {
    fn get(&self, key: u64) -> Option<u64> {
        Self::get(self, &key)
    }
    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        self.get_or_compute(key, make)
    }
}

impl<S: BuildHasher + Send + Sync> Map for Std<S> {
    fn get(&self, key: u64) -> Option<u64> {
        self.read().expect(NOT_POISONED).get(&key).copied()
    }
    fn put(&self, key: u64, value: u64) {
        self.write().expect(NOT_POISONED).insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        Map::get(self, key).unwrap_or_else(|| {
            let made = make();
            *self.write().expect(NOT_POISONED).entry(key).or_insert(made)
        })
    }
}

impl Map for ParkingLot {
    fn get(&self, key: u64) -> Option<u64> {
        self.read().get(&key).copied()
    }
    fn put(&self, key: u64, value: u64) {
        self.write().insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        Map::get(self, key).unwrap_or_else(|| {
            let made = make();
            *self.write().entry(key).or_insert(made)
        })
    }
}

impl Map for Dash {
    fn get(&self, key: u64) -> Option<u64> {
        Self::get(self, &key).map(|found| *found)
    }
    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        *self.entry(key).or_insert_with(make)
    }
}

impl Map for Moka {
    fn get(&self, key: u64) -> Option<u64> {
        Self::get(self, &key)
    }
    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        self.get_with(key, make)
    }
}

impl Map for Quick {
    fn get(&self, key: u64) -> Option<u64> {
        Self::get(self, &key)
    }
    fn put(&self, key: u64, value: u64) {
        self.insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        match self.get_or_insert_with(&key, || Ok::<u64, Infallible>(make())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }
}

impl Map for Papaya {
    fn get(&self, key: u64) -> Option<u64> {
        self.pin().get(&key).copied()
    }
    fn put(&self, key: u64, value: u64) {
        self.pin().insert(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        *self.pin().get_or_insert_with(key, make)
    }
}

impl Map for SccMap {
    fn get(&self, key: u64) -> Option<u64> {
        self.read_sync(&key, |_, &value| value)
    }
    fn put(&self, key: u64, value: u64) {
        self.upsert_sync(key, value);
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        *self.entry_sync(key).or_insert_with(make).get()
    }
}

impl Map for SccIndex {
    fn get(&self, key: u64) -> Option<u64> {
        self.peek_with(&key, |_, &value| value)
    }
    fn put(&self, key: u64, value: u64) {
        match self.entry_sync(key) {
            scc::hash_index::Entry::Occupied(mut entry) => entry.update(value),
            scc::hash_index::Entry::Vacant(entry) => _ = entry.insert_entry(value),
        }
    }
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64 {
        *self.entry_sync(key).or_insert_with(make).get()
    }
}

pub(crate) fn moka_unbounded() -> Moka {
    moka::sync::Cache::builder().build_with_hasher(Fast::default())
}

pub(crate) fn moka_bounded(capacity: usize) -> Moka {
    moka::sync::Cache::builder().max_capacity(capacity as u64).build_with_hasher(Fast::default())
}

/// It has a bound always. One of twice the keys lets each of its shards have more than its share, so that nothing goes.
pub(crate) fn quick_with_room(n_keys: usize) -> Quick {
    let bound = 2 * n_keys as u64 + 100;
    Quick::with(n_keys, bound, UnitWeighter, Fast::default(), DefaultLifecycle::default())
}

pub(crate) fn quick_bounded(capacity: usize) -> Quick {
    Quick::with(capacity, capacity as u64, UnitWeighter, Fast::default(), DefaultLifecycle::default())
}
