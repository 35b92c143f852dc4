//! [`ThreadSafeCache`]: its shards, and all that neither computes nor waits: look-ups, insert, remove, statistics.
//!
//! `compute.rs` adds the methods that compute a missing value. `table.rs` is what each shard's lock guards.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::primitives::cache::hasher::FastHash;
use crate::primitives::cache::reentrancy::{ReentrancyGuard, is_inside_with};
use crate::primitives::cache::stats::{CacheStats, Event, EventCounters};
use crate::primitives::cache::table::Table;
use crate::primitives::lock::{StripedRwLock, StripedRwLockReadGuard, StripedRwLockWriteGuard};
use crate::sync;

/// A cache from keys to values, shared by reference, optionally bounded by the number of entries.
///
/// # Concurrency
/// The keys are divided among up to eight shards, each with a lock. A hit takes the read lock of its key's shard.
/// Readers in different threads write to different memory there, so they do not slow each other down. A missing key is
/// computed by one caller, with no lock held; other callers of that key wait, and callers of other keys do not. A panic
/// or an error of a computation passes on to its own caller; one of the callers that wait tries again. A computation
/// may use the cache, also for its own key: see [`try_get_or_compute`](Self::try_get_or_compute).
///
/// A value is cloned under the lock. For large values keep an `Arc`, or look in place with [`with`](Self::with), whose
/// closure must not use the cache. Cloning an `Arc` of one hot key in many threads costs more than the look-up. A
/// computation that hands parts of its work to rayon or to threads of its own needs a
/// [`ComputeContext`](crate::cache::ComputeContext).
///
/// A forked child computes anew what the parent was computing. A shard whose lock another thread held at the fork stays
/// locked in the child, as that thread is not there to leave it, and a look-up there hangs. So a child of a program whose
/// other threads use a cache makes a cache of its own, or is forked while they do not.
///
/// # Cost
/// A hit takes some 10 ns with a thousand keys, and 100 to 200 ns with a million. An empty cache takes 22 KiB; an entry
/// takes what it takes in a `HashMap`, and some 40 bytes more in a bounded cache. Measured beside other caches:
/// benches/records/2026-11-26-cache.md.
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
    pub(super) hasher: S,
    /// A power of two of them, at most [`SHARDS`]. Their address also names the cache for [`is_inside_with`].
    shards: Box<[Shard<K, V>]>,
    /// The top bits of a hash multiplied by this choose the shard. Either constant below.
    spread: u64,
    /// Misses, computations and cycles. Hits are counted by the shards' locks, inserts and evictions by the tables.
    pub(super) events: EventCounters,
}

type Shard<K, V> = StripedRwLock<Table<K, V>>;

/// Enough that writers of different keys rarely meet, and few enough that an empty cache stays small.
const SHARDS: usize = if sync::IS_MODELLED { 1 } else { 1 << MOST_SHARDS_AS_BITS };
const MOST_SHARDS_AS_BITS: u32 = 3;
/// A factor that makes the three bits below the top seven choose the shard. The tables tell keys apart by the top seven
/// and by the low bits, so consecutive keys lie as evenly in each shard as in one table. A few seeds of a quick hasher
/// leave all of them in one shard, which costs writers a little.
const BITS_BELOW_THE_TOP: u64 = 1 << 7;
/// A factor that makes all bits choose the shard: an odd number near 2^64 / golden ratio (Knuth, The Art of Computer
/// Programming 3, 6.4). With a bound each shard must get its share of the keys, whatever the hasher does.
const ALL_BITS: u64 = 0x9E37_79B9_7F4A_7C15;
/// A bounded cache has so few shards that each may keep at least this many values: an uneven spread of keys then costs
/// little.
const LEAST_CAPACITY_OF_A_SHARD: usize = 64;

impl<K, V> ThreadSafeCache<K, V> {
    /// An empty cache without a bound.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::<String, f64>::new();
    /// assert!(cache.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(FastHash::default())
    }

    /// An empty cache that keeps at most this many values. When it is full, it evicts values that were not used again
    /// since they were inserted before those that were (S3-FIFO).
    ///
    /// The bound is divided among up to eight shards, so a value may be evicted a little before the whole cache is
    /// full. Repeated passes over a data set of at least twice the bound hit nothing, as with any policy that prefers
    /// recent values.
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
    /// An empty cache without a bound, with a hasher of the caller's. See [`FastHash`] for when to bring one.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::with_hasher(std::hash::RandomState::new());
    /// cache.insert("from outside", 1);
    /// assert_eq!(cache.get("from outside"), Some(1));
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self {
        Self::with_hasher_and_bound(hasher, None)
    }

    /// An empty cache with a hasher of the caller's, and a bound as of [`bounded`](ThreadSafeCache::bounded), or none.
    ///
    /// ```
    /// let hasher = std::hash::RandomState::new();
    /// let cache = manyhands::ThreadSafeCache::with_hasher_and_bound(hasher, Some(1));
    /// cache.insert("night 1", 1);
    /// cache.insert("night 2", 2);
    /// assert_eq!((cache.len(), cache.stats().evictions), (1, 1));
    /// ```
    #[must_use]
    pub fn with_hasher_and_bound(hasher: S, entries: Option<usize>) -> Self {
        let mut n_shards = SHARDS;
        while n_shards > 1 && entries.is_some_and(|entries| entries < n_shards * LEAST_CAPACITY_OF_A_SHARD) {
            n_shards /= 2;
        }
        let capacity = |shard| entries.map(|entries| entries / n_shards + usize::from(shard < entries % n_shards));
        let shards = (0..n_shards).map(|shard| StripedRwLock::new(Table::new(capacity(shard)))).collect();
        let spread = if entries.is_some() { ALL_BITS } else { BITS_BELOW_THE_TOP };
        Self { hasher, shards, spread, events: EventCounters::default() }
    }

    /// The number of values. Not a look-up: statistics stay as they are.
    ///
    /// Reads one shard after another, so while other threads insert or remove, the sum may be one that never held.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("night 1", 1);
    /// assert_eq!((cache.len(), cache.stats().hits), (1, 0));
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| self.read(shard).len()).sum()
    }

    /// True when the cache holds no value. See [`len`](Self::len).
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// assert!(cache.is_empty());
    /// cache.insert("night 1", 1);
    /// assert!(!cache.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all values; computations under way store nothing. Statistics stay.
    ///
    /// The shards are cleared one after another, so a value that another thread inserts meanwhile may stay. The values
    /// are dropped with no lock held.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("night 1", 1);
    /// cache.clear();
    /// assert_eq!((cache.len(), cache.stats().inserts), (0, 1));
    /// ```
    pub fn clear(&self) {
        for shard in &self.shards {
            let taken = self.write(shard).take_all();
            drop(taken); // after the lock is released: a destructor may be slow, or use the cache
        }
    }

    /// Counts of hits, misses, computations and evictions since the cache was made.
    ///
    /// Reads some 170 words, and holds up no hits.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.get_or_compute("night 1", || 1);
    /// cache.get("night 1");
    /// let stats = cache.stats();
    /// assert_eq!((stats.misses, stats.computes, stats.hits), (1, 1, 1));
    /// ```
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        // Computations first: each is counted after its miss, so the sums never show more computations than misses.
        let (computes, cycles) = (self.events.sum(Event::Compute), self.events.sum(Event::Cycle));
        let misses = self.events.sum(Event::Miss);
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

    #[inline(never)] // so that the code of a hit stays short
    fn count_miss(&self) {
        self.events.add(Event::Miss);
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> &Shard<K, V> {
        let bits = hash.wrapping_mul(self.spread) >> (64 - MOST_SHARDS_AS_BITS);
        &self.shards[bits as usize & (self.shards.len() - 1)]
    }

    /// The read lock of a shard. Refuses to wait inside of a `with` of the same cache.
    #[inline]
    fn read<'c>(&self, shard: &'c Shard<K, V>) -> StripedRwLockReadGuard<'c, Table<K, V>> {
        if cfg!(debug_assertions) {
            self.refuse_inside_with();
        }
        match shard.try_read() {
            Some(table) => table,
            None => self.read_contended(shard),
        }
    }

    #[cold]
    fn read_contended<'c>(&self, shard: &'c Shard<K, V>) -> StripedRwLockReadGuard<'c, Table<K, V>> {
        self.refuse_inside_with();
        shard.read()
    }

    /// The write lock of a shard. Refused inside of a `with` of the same cache.
    #[inline]
    pub(super) fn write<'c>(&self, shard: &'c Shard<K, V>) -> StripedRwLockWriteGuard<'c, Table<K, V>> {
        self.refuse_inside_with();
        shard.write()
    }

    /// Panics inside of a `with` of this cache. A closure of `with` holds up the writers of its shard; if it waited for
    /// any shard, it could wait behind such a writer, and so for itself.
    #[inline]
    fn refuse_inside_with(&self) {
        assert!(
            !is_inside_with(self.shards.as_ptr()),
            "a cache was used from inside of its own `with`; take what is needed out of the closure first"
        );
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// A clone of the value of a key. Never waits for a computation: a key that is being computed is a miss.
    ///
    /// The value is cloned under the shard's read lock; its `Clone` must not use the cache.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("night 1".to_owned(), 7.5);
    /// assert_eq!((cache.get("night 1"), cache.get("night 2")), (Some(7.5), None));
    /// ```
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

    /// Calls a closure with the value of a key, in place, and returns its result; `None` when the key has no value.
    ///
    /// The closure runs under the shard's read lock: keep it short, and do not use the cache in it. Nor may it wait for
    /// another thread that uses the cache, which may wait for this closure to end.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("epoch 1", vec![0.5; 3000]);
    /// assert_eq!(cache.with("epoch 1", Vec::len), Some(3000));
    /// ```
    ///
    /// # Panics
    /// When the closure panics. Also inside of the closure, when it uses the same cache, which could wait for itself; a
    /// build without debug assertions refuses [`get`](Self::get) only when it would have to wait, so that `get` stays
    /// quick.
    pub fn with<Q, A>(&self, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.refuse_inside_with();
        let hash = self.hasher.hash_one(key);
        self.look(hash, key, |value| {
            let _inside = ReentrancyGuard::enter(self.shards.as_ptr());
            look(value)
        })
    }

    /// Stores a value; returns the one that it replaces. Wins over a computation of the key that is under way.
    ///
    /// The computation's callers still get its value, and the cache keeps the inserted one. When the cache is full,
    /// values are evicted; they are dropped with no lock held.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// assert_eq!(cache.insert("night 1", 1), None);
    /// assert_eq!(cache.insert("night 1", 2), Some(1));
    /// assert_eq!(cache.get_or_compute("night 1", || 3), 2);
    /// ```
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let mut table = self.write(self.shard(hash));
        let detached = table.detach(hash, &key);
        let before = table.put(hash, key, value, |key| self.hasher.hash_one(key));
        let evicted = table.evict();
        drop(table); // before the values that were taken out: a destructor may be slow, or use the cache
        drop((detached, evicted));
        before.map(|(_key, value)| value)
    }

    /// Removes the value of a key, and returns it. Wins over a computation of the key that is under way.
    ///
    /// The computation's callers still get its value, and the cache keeps none.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("night 1", 1);
    /// assert_eq!((cache.remove("night 1"), cache.remove("night 1")), (Some(1), None));
    /// ```
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

    /// True when the cache holds a value of this key. Not a look-up: neither statistics nor the order of eviction
    /// change.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("night 1", 1);
    /// assert!(cache.contains("night 1") && !cache.contains("night 2"));
    /// assert_eq!(cache.stats().hits, 0);
    /// ```
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.read(self.shard(hash)).contains(hash, key)
    }

    /// Step 1 of the protocol: a look-up that counts as a hit or a miss. `look` runs under the read lock.
    ///
    /// Cost of a hit: one hash (made by the caller), two read-modify-writes on this thread's stripe of the shard, and
    /// the search of the table. The second of the two also counts the hit. A miss adds one read-modify-write on a
    /// counter.
    #[inline]
    pub(super) fn look<Q, A>(&self, hash: u64, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
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
