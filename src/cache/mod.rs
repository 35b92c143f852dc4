//! A cache that many threads share: look up, or compute once and keep.
//!
//! # The protocol of a missing key
//!
//! 1. Look under the shard's readers' lock. A value is a hit; anything else is a miss.
//! 2. Look again under the writers' lock. A value that came meanwhile is taken. A flight is waited for. Else a new flight is
//!    put into the slot, and this caller computes.
//! 3. Compute, with no lock held.
//! 4. Under the writers' lock, turn the slot into the value, if it still holds this very flight. `insert`, `remove` and
//!    `clear` put something else there or nothing, and so win over the computation.
//! 5. Hand the value to all who wait for the flight, whether or not it was published.
//!
//! A panic or an error takes the flight out of its slot, if it is still there, and sends those who wait back to step 1, where
//! one of them computes. A caller whose wait would be for ever (`computation.rs` tells how that is known) does not wait:
//! [`ThreadSafeCache::try_get_or_compute`] says so, [`ThreadSafeCache::get_or_compute`] computes in place and publishes
//! nothing.
//!
//! No lock is held while a caller's function runs, except for `Hash`, `Eq` and `Clone` of keys and values, and the closure of
//! [`ThreadSafeCache::with`].

mod evict;
mod flight;
mod hasher;
mod table;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

pub use hasher::FastHash;

use crate::computation::{Computation, work_for};
use crate::error::Never;
use crate::lock::StripedRwLock;
use crate::sync::{self, Arc, AtomicU64, CachePadded, Ordering};
use flight::{Flight, Waited};
use table::{Slot, Table};

/// A cache from keys to values, shared by reference, optionally bounded by the number of entries.
///
/// # Concurrency
/// A hit takes a readers' lock of one of a few shards, on a word of its own: readers share nothing. A missing key is computed
/// by one caller, with no lock held, while other callers of that key wait and callers of other keys do not. A panic or an
/// error of a computation passes on to its own caller; one of those who wait tries again. A computation may use the cache,
/// also for its own key: see [`try_get_or_compute`](Self::try_get_or_compute).
///
/// A value is cloned under the lock; for large values keep an `Arc`, or look in place with [`with`](Self::with). Cloning an
/// `Arc` of one hot key in many threads costs more than the look-up.
///
/// Costs: 18 KiB for an empty cache; per entry the key, the value and about 24 bytes.
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
    shards: Box<[StripedRwLock<Table<K, V>>]>,
    counts: [CachePadded<Counts>; COUNT_STRIPES],
}

/// The number of shards: writers of different keys rarely meet, and an empty cache stays small.
const SHARDS: usize = if cfg!(manyhands_loom) { 1 } else { 8 };
const COUNT_STRIPES: usize = if cfg!(manyhands_loom) { 2 } else { 16 };

/// What happened, as far as the threads of one stripe saw it.
#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    computes: AtomicU64,
    inserts: AtomicU64,
    evictions: AtomicU64,
    cycles: AtomicU64,
}

/// What a cache has seen since it was made. Sums are exact when nobody uses the cache meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Look-ups that found a value.
    pub hits: u64,
    /// Look-ups that did not; also those that then waited for somebody else's computation.
    pub misses: u64,
    /// Computations that were started. `misses - computes` look-ups through `get_or_compute` were spared one.
    pub computes: u64,
    /// Values that were kept: by `insert`, or by a computation.
    pub inserts: u64,
    /// Values that had to go because the cache was full.
    pub evictions: u64,
    /// Look-ups whose wait would have been for ever.
    pub cycles: u64,
    /// Values in the cache now.
    pub entries: usize,
}

impl CacheStats {
    /// Hits among look-ups, in percent; 0 when nothing was looked up.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for the eye")]
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 { 0.0 } else { 100.0 * self.hits as f64 / lookups as f64 }
    }
}

/// Why [`ThreadSafeCache::try_get_or_compute`] has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputeError<E> {
    /// The key is being computed by a computation that waits for this one, so waiting would be for ever.
    Cycle,
    /// The computation failed.
    Failed(E),
}

impl<E: fmt::Display> fmt::Display for ComputeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle => {
                f.write_str("the key's computation asks for the key itself, by itself or around a circle of keys")
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ComputeError<E> {}

impl<K, V> ThreadSafeCache<K, V> {
    /// An empty cache without a bound.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(FastHash::default())
    }

    /// An empty cache that keeps about this many values, and at most this many rounded up to a multiple of 8. When it is full, a
    /// value that was not used again since it came goes first (S3-FIFO).
    ///
    /// Passes over a data set of twice the bound and more hit nothing, as with any such policy.
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
        let per_shard = entries.map(|entries| entries.div_ceil(SHARDS));
        let shards = (0..SHARDS).map(|_| StripedRwLock::new(Table::new(per_shard))).collect();
        Self { hasher, shards, counts: std::array::from_fn(|_| CachePadded::new(Counts::default())) }
    }

    /// The number of values. Not a look-up: statistics stay as they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// True when no value is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all keys; computations under way publish nothing. Statistics stay.
    pub fn clear(&self) {
        for shard in &self.shards {
            // Dropped after the lock is released: a destructor may be slow, or use the cache.
            let taken = shard.write().take_all();
            drop(taken);
        }
    }

    /// What the cache has seen.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        // Relaxed: statistics only; nothing is read because of these numbers.
        let sum =
            |count: fn(&Counts) -> &AtomicU64| self.counts.iter().map(|all| count(all).load(Ordering::Relaxed)).sum();
        CacheStats {
            hits: sum(|counts| &counts.hits),
            misses: sum(|counts| &counts.misses),
            computes: sum(|counts| &counts.computes),
            inserts: sum(|counts| &counts.inserts),
            evictions: sum(|counts| &counts.evictions),
            cycles: sum(|counts| &counts.cycles),
            entries: self.len(),
        }
    }

    fn count(&self, count: impl FnOnce(&Counts) -> &AtomicU64, by: u64) {
        let counts = &self.counts[sync::thread_index() % COUNT_STRIPES];
        count(counts).fetch_add(by, Ordering::Relaxed); // see `stats`
    }

    fn shard(&self, hash: u64) -> &StripedRwLock<Table<K, V>> {
        // The table uses the top seven bits and the low ones; the shard comes from those just below the top.
        let bits = hash >> (64 - 7 - SHARDS.ilog2());
        &self.shards[usize::try_from(bits).unwrap_or(0) % SHARDS]
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// Looks at the value of a key in place, under the readers' lock: keep it short, and leave the cache alone meanwhile.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// cache.insert("epoch 1", vec![0.5; 3000]);
    /// assert_eq!(cache.with("epoch 1", Vec::len), Some(3000));
    /// ```
    pub fn with<Q, A>(&self, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.look(hash, key, look)
    }

    /// Keeps a value; gives back the one that it replaces. Wins over a computation of the key that is under way.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let mut shard = self.shard(hash).write();
        let before = shard.put(hash, key, value);
        let evicted = shard.evict();
        drop(shard); // before what was evicted is dropped: a destructor may be slow, or use the cache
        self.count(|counts| &counts.inserts, 1);
        self.count(|counts| &counts.evictions, evicted.len() as u64);
        match before {
            Some(Slot::Ready(before)) => Some(before),
            _ => None,
        }
    }

    /// Forgets a key; gives back its value. Wins over a computation of the key that is under way.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let removed = self.shard(hash).write().remove(hash, key);
        match removed {
            Some((_, Slot::Ready(value))) => Some(value),
            _ => None,
        }
    }

    /// True when a value is kept. Not a look-up: statistics and marks stay as they are.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        self.shard(hash).read().contains(hash, key)
    }

    fn look<Q, A>(&self, hash: u64, key: &Q, look: impl FnOnce(&V) -> A) -> Option<A>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let shard = self.shard(hash).read();
        let Some(Slot::Ready(value)) = shard.find(hash, key) else {
            self.count(|counts| &counts.misses, 1);
            return None;
        };
        self.count(|counts| &counts.hits, 1);
        Some(look(value))
    }
}

impl<K: Hash + Eq + Clone, V: Clone, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// A clone of the value of a key. Waits for nothing: a key that is being computed is a miss.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.with(key, V::clone)
    }

    /// The value of a key, computed and kept if it is missing; waits if somebody else computes it.
    ///
    /// A call from inside of the key's own computation, or around a circle of keys, computes in place and keeps nothing.
    ///
    /// # Panics
    /// When the computation panics. Nothing is kept then.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let mut compute = Some(compute);
        let mut once = || compute.take().map(|compute| compute());
        let never_twice = "a caller computes at most once";
        match self.get_or_fly(key, || Ok::<V, Never>(once().expect(never_twice))) {
            Ok(value) => value,
            Err(ComputeError::Failed(never)) => match never {},
            Err(ComputeError::Cycle) => {
                self.count(|counts| &counts.computes, 1);
                once().expect(never_twice)
            }
        }
    }

    /// [`get_or_compute`](Self::get_or_compute) for a computation that may fail; a failure is not kept, and those who wait
    /// try again, each with its own function.
    ///
    /// # Errors
    /// [`ComputeError::Failed`] with the computation's error; [`ComputeError::Cycle`] when the key's own computation asks for
    /// it, directly, around a circle of keys, or from a call of this crate that it made, so that waiting would be for ever.
    ///
    /// ```
    /// use manyhands::{ComputeError, ThreadSafeCache};
    ///
    /// let cache = ThreadSafeCache::<&str, u32>::new();
    /// assert!(matches!(cache.try_get_or_compute("x", || "x".parse::<u32>()), Err(ComputeError::Failed(_))));
    /// assert_eq!(cache.try_get_or_compute("x", || "7".parse::<u32>()), Ok(7));
    ///
    /// let itself = cache.try_get_or_compute("y", || cache.try_get_or_compute("y", || Ok::<u32, ()>(1)));
    /// assert_eq!(itself, Err(ComputeError::Failed(ComputeError::Cycle)));
    /// ```
    ///
    /// # Panics
    /// When the computation panics. Nothing is kept then.
    pub fn try_get_or_compute<E>(&self, key: K, compute: impl FnOnce() -> Result<V, E>) -> Result<V, ComputeError<E>> {
        let mut compute = Some(compute);
        self.get_or_fly(key, || compute.take().expect("a caller computes at most once")())
    }

    fn get_or_fly<E>(&self, key: K, mut compute: impl FnMut() -> Result<V, E>) -> Result<V, ComputeError<E>> {
        let hash = self.hasher.hash_one(&key);
        if let Some(found) = self.look(hash, &key, V::clone) {
            return Ok(found);
        }
        loop {
            match self.board(hash, &key) {
                Boarded::Found(value) => return Ok(value),
                Boarded::Leads(lead) => return self.fly(lead, &mut compute).map_err(ComputeError::Failed),
                Boarded::Waits(flight) => match flight.wait() {
                    Waited::Landed(value) => return Ok(value),
                    Waited::Failed => {}
                    Waited::Cycle => {
                        self.count(|counts| &counts.cycles, 1);
                        return Err(ComputeError::Cycle);
                    }
                },
            }
        }
    }

    /// Step 2 of the protocol: looks again, alone, and takes the lead if nobody else has it.
    fn board<'c>(&'c self, hash: u64, key: &'c K) -> Boarded<'c, K, V, S> {
        let mut shard = self.shard(hash).write();
        match shard.find(hash, key) {
            Some(Slot::Ready(value)) => Boarded::Found(value.clone()),
            Some(Slot::Pending(flight)) => Boarded::Waits(Arc::clone(flight)),
            None => {
                let computation = Computation::start();
                let flight = Arc::new(Flight::new(computation.clone()));
                shard.reserve(hash, key.clone(), Arc::clone(&flight));
                Boarded::Leads(Lead { cache: self, hash, key, flight, computation, has_landed: false })
            }
        }
    }

    /// Steps 3 to 5: computes, publishes, and hands the value on.
    fn fly<E>(&self, mut lead: Lead<'_, K, V, S>, compute: &mut impl FnMut() -> Result<V, E>) -> Result<V, E> {
        self.count(|counts| &counts.computes, 1);
        let computed = {
            let _inside = work_for(Some(lead.computation.clone()));
            compute()
        };
        let value = computed?; // an error, like a panic, is the lead's `drop`
        let kept = value.clone(); // outside of the lock
        let mut shard = self.shard(lead.hash).write();
        let is_published = shard.publish(lead.hash, lead.key, &lead.flight, kept);
        let evicted = shard.evict();
        drop(shard);
        self.count(|counts| &counts.inserts, u64::from(is_published));
        self.count(|counts| &counts.evictions, evicted.len() as u64);
        lead.has_landed = true;
        lead.flight.land(value.clone());
        Ok(value)
    }
}

/// What a caller that misses a key finds under the writers' lock.
enum Boarded<'c, K: Hash + Eq, V, S: BuildHasher> {
    /// A value that came meanwhile.
    Found(V),
    /// Somebody computes it.
    Waits(Arc<Flight<V>>),
    /// This caller computes it.
    Leads(Lead<'c, K, V, S>),
}

/// The duty of a caller that computes: whatever happens, its flight ends.
struct Lead<'c, K: Hash + Eq, V, S: BuildHasher> {
    cache: &'c ThreadSafeCache<K, V, S>,
    hash: u64,
    key: &'c K,
    flight: Arc<Flight<V>>,
    computation: std::sync::Arc<Computation>,
    has_landed: bool,
}

impl<K: Hash + Eq, V, S: BuildHasher> Drop for Lead<'_, K, V, S> {
    fn drop(&mut self) {
        if !self.has_landed {
            let abandoned = self.cache.shard(self.hash).write().abandon(self.hash, self.key, &self.flight);
            drop(abandoned); // outside of the lock
            self.flight.fail();
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
