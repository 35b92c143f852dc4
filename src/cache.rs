//! A cache that many threads share: look up, or compute and keep.
//!
//! Promises: no lock is held while the caller's function runs; of several values computed for one key at once, the first
//! one in stays and every caller gets it; statistics add up.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use crate::sync::{AtomicU64, Ordering, RwLock};

/// A cache from keys to values, shared by reference.
///
/// # Concurrency
/// Readers share a lock, writers exclude each other and readers. A computation runs outside of the lock, so it may be
/// slow, may panic (nothing is kept then), and may use the cache itself. Two callers that miss the same key at once both
/// compute; one value is kept and given to both.
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
pub struct ThreadSafeCache<K, V> {
    entries: RwLock<HashMap<K, V>>,
    hits: AtomicU64,
    misses: AtomicU64,
    computes: AtomicU64,
    inserts: AtomicU64,
}

/// What a cache has seen since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// Look-ups that found their key.
    pub hits: u64,
    /// Look-ups that did not.
    pub misses: u64,
    /// Computations that were started for a missing key.
    pub computes: u64,
    /// Values that were kept: by `insert`, or as the first of their key by a computation.
    pub inserts: u64,
    /// Keys in the cache now.
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

impl<K, V> ThreadSafeCache<K, V> {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: RwLock::new(HashMap::new()),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            computes: AtomicU64::new(0),
            inserts: AtomicU64::new(0),
        }
    }

    /// The number of keys. Not a look-up: statistics stay as they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.read().len()
    }

    /// True when no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all keys. Statistics stay.
    pub fn clear(&self) {
        // The values are dropped after the lock is released: a destructor may be slow, or use the cache.
        let dropped = std::mem::take(&mut *self.entries.write());
        drop(dropped);
    }

    /// Hits, misses and what else was counted. The sums are exact when nobody uses the cache meanwhile.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        // Relaxed: statistics only; nothing is read because of these numbers.
        CacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            computes: self.computes.load(Ordering::Relaxed),
            inserts: self.inserts.load(Ordering::Relaxed),
            entries: self.len(),
        }
    }
}

impl<K: Hash + Eq, V> ThreadSafeCache<K, V> {
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
        let entries = self.entries.read();
        let found = entries.get(key);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found.map(look)
    }

    /// Keeps a value; gives back the one that it replaces.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.inserts.fetch_add(1, Ordering::Relaxed);
        self.entries.write().insert(key, value)
    }

    /// Forgets a key; gives back its value.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.write().remove(key)
    }

    /// True when the key is kept. Not a look-up: statistics stay as they are.
    #[must_use]
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.read().contains_key(key)
    }
}

impl<K: Hash + Eq, V: Clone> ThreadSafeCache<K, V> {
    /// A clone of the value of a key.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.with(key, V::clone)
    }

    /// The value of a key, computed and kept if it is missing. A panic of the computation passes on; nothing is kept.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce() -> V) -> V {
        match self.try_get_or_compute(key, || Ok::<V, crate::Never>(compute())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// [`get_or_compute`](ThreadSafeCache::get_or_compute) for a computation that may fail; a failure is not kept.
    ///
    /// # Errors
    /// The computation's own.
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::<&str, u32>::new();
    /// assert!(cache.try_get_or_compute("x", || "x".parse::<u32>()).is_err());
    /// assert_eq!(cache.try_get_or_compute("x", || "7".parse::<u32>()), Ok(7));
    /// ```
    pub fn try_get_or_compute<E>(&self, key: K, compute: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        if let Some(found) = self.get(&key) {
            return Ok(found);
        }
        self.computes.fetch_add(1, Ordering::Relaxed);
        // The caller's function may be slow, panic, or come back here, so no lock is held.
        let made = compute()?;
        let mut entries = self.entries.write();
        if let Some(earlier) = entries.get(&key) {
            return Ok(earlier.clone());
        }
        self.inserts.fetch_add(1, Ordering::Relaxed);
        entries.insert(key, made.clone());
        Ok(made)
    }
}

impl<K, V> Default for ThreadSafeCache<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for ThreadSafeCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadSafeCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
