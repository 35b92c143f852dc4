//! A cache that many threads share: look up, or compute once and keep.
//!
//! # The protocol of a missing key
//!
//! 1. Look under the shard's readers' lock. A value is a hit; anything else is a miss.
//! 2. Look again under the writers' lock. A value that came meanwhile is taken. A *flight*, somebody's computation of this key,
//!    is waited for. Else a new flight is noted at the key, and this caller computes.
//! 3. Compute, with no lock held.
//! 4. Under the writers' lock, take the flight back, and if it was still this very one, put the value at the key. `insert`,
//!    `remove` and `clear` take the flight out first, and so win over the computation.
//! 5. Hand the value to all who wait for the flight, whether or not it was published.
//!
//! A panic or an error takes the flight back, if it is still there, and sends those who wait back to step 2, where one of
//! them computes. A caller whose wait would be for ever (`computation.rs` tells how that is known) does not wait:
//! [`ThreadSafeCache::try_get_or_compute`] says so, [`ThreadSafeCache::get_or_compute`] computes in place and publishes
//! nothing.
//!
//! No lock is held while a caller's function runs, except for `Hash`, `Eq` and `Clone` of keys and values, and the closure of
//! [`ThreadSafeCache::with`]. These must leave the cache alone; should an `Eq` panic, so must the key's destructor. A computed
//! value is cloned once, and once more when somebody waits for it.
//!
//! `table.rs` is one shard, `bounded.rs` and `evict.rs` what a bound adds, `compute.rs` steps 2 to 5, `flight.rs` the wait.

mod bounded;
mod compute;
mod evict;
mod flight;
mod hasher;
mod looking;
mod stats;
mod table;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

pub use compute::ComputeError;
pub use hasher::FastHash;
pub use stats::CacheStats;

use crate::primitives::lock::{RwLockReadGuard, RwLockWriteGuard, Sharded, StripedRwLock};
use crate::sync;
use looking::{ReentrancyGuard, is_looking_into};
use stats::{Counts, Happened};
use table::Table;

/// A cache from keys to values, shared by reference, optionally bounded by the number of entries.
///
/// # Concurrency
/// A hit takes a readers' lock of one of a few shards, on a word of its own: readers share nothing, and the hit is counted in
/// the step that leaves the lock. A missing key is computed by one caller, with no lock held, while other callers of that key
/// wait and callers of other keys do not. A panic or an error of a computation passes on to its own caller; one of those who
/// wait tries again. A computation may use the cache, also for its own key: see
/// [`try_get_or_compute`](Self::try_get_or_compute).
///
/// A value is cloned under the lock; for large values keep an `Arc`, or look in place with [`with`](Self::with), whose closure
/// must not use the cache. Cloning an `Arc` of one hot key in many threads costs more than the look-up. A computation that
/// hands parts of its work to rayon or to threads of its own takes a [`ComputeContext`](crate::ComputeContext) along.
///
/// Costs: 22 KiB for an empty cache; an entry takes what it takes in a `HashMap`, and some 40 bytes more in a bounded cache.
/// Numbers beside other caches: benches/records/2026-11-26-cache.md.
///
/// ```
/// use manyhands::ThreadSafeCache;
///
/// let cache = ThreadSafeCache::new();
/// let squared = |n: u64| cache.get_or_compute(n, || n * n);
/// assert_eq!((squared(12), squared(12)), (144, 144));
/// let stats = cache.stats();
/// assert_eq!((stats.hits, stats.misses, stats.entries), (1, 1, 1));
/// assert_eq!(stats.hit_rate(), 50.0);
/// ```
pub struct ThreadSafeCache<K, V, S = FastHash> {
    hasher: S,
    /// A power of two of them.
    shards: Box<[Shard<K, V>]>,
    /// Times this, the top bits of a hash say which shard.
    spread: u64,
    counts: Counts,
}

type Shard<K, V> = StripedRwLock<Table<K, V>>;

/// Writers of different keys rarely meet, and an empty cache stays small.
const SHARDS: usize = if sync::IS_MODELLED { 1 } else { 1 << MOST_SHARDS_AS_BITS };
const MOST_SHARDS_AS_BITS: u32 = 3;
/// The bits right below the seven that the tables use, which with the low ones are those that tell keys apart there. Keys that
/// follow each other then lie as evenly in each shard as in one table. That a few seeds of a quick hasher leave all of them in
/// one shard costs writers a little.
const BITS_BELOW_THE_TOP: u64 = 1 << 7;
/// All bits, by an odd number near 2^64 / golden ratio (Knuth, The Art of Computer Programming 3, 6.4): with a bound each shard
/// must have its share of the keys, whatever the hasher makes of them.
const ALL_BITS: u64 = 0x9E37_79B9_7F4A_7C15;
/// A bound that gives a shard fewer values than this is kept by fewer shards, so that an uneven spread of keys costs little.
const ROOM_OF_A_SHARD: usize = 64;

impl<K, V> ThreadSafeCache<K, V> {
    /// An empty cache without a bound.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(FastHash::default())
    }

    /// An empty cache that keeps at most this many values. When it is full, a value that was not used again since it came goes
    /// first (S3-FIFO).
    ///
    /// The bound is divided among up to eight shards, so a value may have to go a little before the whole cache is full. Passes
    /// over a data set of twice the bound and more hit nothing, as with any policy that prefers what came last.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::bounded(80);
    /// (0..1000).for_each(|n| _ = cache.insert(n, n));
    /// assert!(cache.len() <= 80);
    /// assert_eq!(cache.stats().evictions as usize, 1000 - cache.len());
    /// ```
    #[must_use]
    pub fn bounded(entries: usize) -> Self {
        Self::with_hasher_and_bound(FastHash::default(), Some(entries))
    }
}

impl<K, V, S> ThreadSafeCache<K, V, S> {
    /// An empty cache without a bound, with a hasher of the caller's.
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_hasher_and_bound(hasher, None)
    }

    /// An empty cache with a hasher of the caller's, and a bound as [`bounded`](ThreadSafeCache::bounded) has it.
    #[must_use]
    pub fn with_hasher_and_bound(hasher: S, entries: Option<usize>) -> Self {
        let mut n_shards = SHARDS;
        while n_shards > 1 && entries.is_some_and(|entries| entries < n_shards * ROOM_OF_A_SHARD) {
            n_shards /= 2;
        }
        let item_quota = |shard| entries.map(|entries| entries / n_shards + usize::from(shard < entries % n_shards));
        let shards = (0..n_shards).map(|shard| StripedRwLock::new(Table::new(item_quota(shard)))).collect();
        let spread = if entries.is_some() { ALL_BITS } else { BITS_BELOW_THE_TOP };
        Self { hasher, shards, spread, counts: Counts::default() }
    }

    /// The number of values. Not a look-up: statistics stay as they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| self.read(shard).len()).sum()
    }

    /// True when no value is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all keys; computations under way publish nothing. Statistics stay.
    ///
    pub fn clear(&self) {
        for shard in &self.shards {
            let taken = self.write(shard).take_all();
            drop(taken); // after the lock is released: a destructor may be slow, or use the cache
        }
    }

    /// What the cache has seen.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        // Computations first: each has its miss before it.
        let (computes, cycles) = (self.counts.sum(Happened::Compute), self.counts.sum(Happened::Cycle));
        let misses = self.counts.sum(Happened::PositionFailure);
        let mut stats = CacheStats { misses, computes, cycles, ..CacheStats::default() };
        for shard in &self.shards {
            stats.hits += shard.tally();
            let table = self.read(shard);
            let (inserts, evictions) = table.turnover();
            stats.inserts += inserts;
            stats.evictions += evictions;
            stats.entries += table.len();
        }
        stats
    }

    #[inline(never)] // so that the way of a hit stays short
    fn count_miss(&self) {
        self.counts.add(Happened::PositionFailure);
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard<K, V> {
        let bits = hash.wrapping_mul(self.spread) >> (64 - MOST_SHARDS_AS_BITS);
        &self.shards[bits as usize & (self.shards.len() - 1)]
    }

    /// A shard to look at.
    #[inline]
    fn read<'c>(&self, shard: &'c Shard<K, V>) -> RwLockReadGuard<'c, Table<K, V>, Sharded> {
        if cfg!(debug_assertions) {
            self.refuse_inside_of_a_look();
        }
        match shard.try_read() {
            Some(table) => table,
            None => self.read_later(shard),
        }
    }

    #[cold]
    fn read_later<'c>(&self, shard: &'c Shard<K, V>) -> RwLockReadGuard<'c, Table<K, V>, Sharded> {
        self.refuse_inside_of_a_look();
        shard.read()
    }

    /// A shard to change.
    #[inline]
    fn write<'c>(&self, shard: &'c Shard<K, V>) -> RwLockWriteGuard<'c, Table<K, V>, Sharded> {
        self.refuse_inside_of_a_look();
        shard.write()
    }

    /// Whoever looks in place holds up the writers of a shard, and whoever waits behind one of them, here or in another
    /// shard, may wait for the look to end.
    #[inline]
    fn refuse_inside_of_a_look(&self) {
        assert!(
            !is_looking_into(self.shards.as_ptr()),
            "a cache was used from inside of its own `with`; take what is needed out of the closure first"
        );
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// A clone of the value of a key. Waits for no computation: a key that is being computed is a miss.
    ///
    /// The clone is made under the readers' lock; a `Clone` of the caller's must leave the cache alone.
    #[inline]
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.look(self.hasher.hash_one(key), key, V::clone)
    }

    /// Looks at the value of a key in place, under the readers' lock: keep it short, and leave the cache alone. Also start
    /// nothing on other threads that uses the cache and is waited for: such a thread may wait for this look to end.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("epoch 1", vec![0.5; 3000]);
    /// assert_eq!(cache.with("epoch 1", Vec::len), Some(3000));
    /// ```
    ///
    /// # Panics
    /// When the closure panics, and inside of the closure when it changes the same cache or looks into it, which could wait
    /// for itself. So that [`get`](Self::get) stays quick, a build without debug assertions refuses other look-ups only when
    /// they would have to wait.
    pub fn with<Q, A>(&self, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.refuse_inside_of_a_look();
        let hash = self.hasher.hash_one(key);
        self.look(hash, key, |value| {
            let _looking = ReentrancyGuard::into(self.shards.as_ptr());
            look(value)
        })
    }

    /// Keeps a value; gives back the one that it replaces. Wins over a computation of the key that is under way.
    ///
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let mut table = self.write(self.shard(hash));
        let detached = table.detach(hash, &key);
        let before = table.put(hash, key, value, |key| self.hasher.hash_one(key));
        let evicted = table.evict();
        drop(table); // before what was taken out is dropped: a destructor may be slow, or use the cache
        drop((detached, evicted));
        before.map(|(_key, value)| value)
    }

    /// Forgets a key; gives back its value. Wins over a computation of the key that is under way.
    ///
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut table = self.write(self.shard(hash));
        let detached = table.detach(hash, key);
        let removed = table.remove(hash, key);
        drop(table); // see `insert`
        drop(detached);
        removed.map(|(_key, value)| value)
    }

    /// True when a value is kept. Not a look-up: statistics and marks stay as they are.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.read(self.shard(hash)).contains(hash, key)
    }

    /// Step 1 of the protocol: a look-up that counts.
    #[inline]
    fn look<Q, A>(&self, hash: u64, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut counting = self.read(self.shard(hash)).counting();
        let (table, tally) = counting.parts();
        match table.find(hash, key) {
            Some(value) => {
                tally.add();
                Some(look(value))
            }
            None => {
                self.count_miss();
                None
            }
        }
    }
}

impl<K, V, S: Default> Default for ThreadSafeCache<K, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K, V, S> fmt::Debug for ThreadSafeCache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSafeCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
