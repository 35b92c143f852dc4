//! What is compared: maps from number to number that many threads share, each behind one trait.

use manyhands::ThreadSafeCache;

use crate::peers;

/// A shared map. The bursts are here, so that a call through `dyn` is paid once for all their operations and each
/// operation is compiled into its loop.
pub(crate) trait Map: Sync {
    fn get(&self, key: u64) -> Option<u64>;

    /// Keeps a value, also in place of another one.
    fn put(&self, key: u64, value: u64);

    /// The value of a key, made and kept if it is missing, by the nearest that the design has.
    fn get_or_make(&self, key: u64, make: &dyn Fn() -> u64) -> u64;

    /// Looks all keys up; the sum of what was found.
    fn read_all(&self, keys: &[u64]) -> u64 {
        keys.iter().fold(0, |sum, &key| sum.wrapping_add(self.get(key).unwrap_or(0)))
    }

    /// Looks all keys up, except that those with the mark [`WRITE`] are given their own value again; the sum of all values.
    fn read_or_write_all(&self, keys: &[u64]) -> u64 {
        keys.iter().fold(0, |sum, &marked| {
            let key = marked & !WRITE;
            if marked == key {
                return sum.wrapping_add(self.get(key).unwrap_or(0));
            }
            self.put(key, value_of(key));
            sum.wrapping_add(value_of(key))
        })
    }
}

/// Says that a key of a mix is to be written.
pub(crate) const WRITE: u64 = 1 << 63;

/// The value that each key has in all maps.
pub(crate) fn value_of(key: u64) -> u64 {
    !key
}

/// One of those that are compared.
pub(crate) struct Design {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Makes an empty one with room for so many keys; only a design that cannot do without a bound takes notice.
    pub(crate) make: fn(usize) -> Box<dyn Map>,
}

/// What a look-up of a present key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// It takes a lock.
    LockBased,
    LockFree,
    /// It takes no lock, and may find nothing at a key that is being overwritten.
    LockFreeWithGaps,
}

/// All of them, with ours first and [`PARKING_LOT`] and [`PAPAYA`] at their places.
pub(crate) const DESIGNS: [Design; 10] = [
    Design { name: "manyhands", kind: Kind::Ours, make: |_| Box::new(ThreadSafeCache::new()) },
    Design { name: "parking_lot RwLock", kind: Kind::LockBased, make: |_| Box::new(peers::ParkingLot::default()) },
    Design { name: "papaya", kind: Kind::LockFree, make: |_| Box::new(peers::Papaya::default()) },
    Design { name: "std RwLock", kind: Kind::LockBased, make: |_| Box::new(peers::Std::<peers::Fast>::default()) },
    Design {
        name: "std RwLock, SipHash",
        kind: Kind::LockBased,
        make: |_| Box::new(peers::Std::<peers::Sip>::default()),
    },
    Design { name: "dashmap", kind: Kind::LockBased, make: |_| Box::new(peers::Dash::default()) },
    Design { name: "quick_cache", kind: Kind::LockBased, make: |n_keys| Box::new(peers::quick_with_room(n_keys)) },
    Design { name: "scc HashMap", kind: Kind::LockBased, make: |_| Box::new(peers::SccMap::default()) },
    Design { name: "scc HashIndex", kind: Kind::LockFreeWithGaps, make: |_| Box::new(peers::SccIndex::default()) },
    Design { name: "moka", kind: Kind::LockFree, make: |_| Box::new(peers::moka_unbounded()) },
];
pub(crate) const PARKING_LOT: usize = 1;
pub(crate) const PAPAYA: usize = 2;
