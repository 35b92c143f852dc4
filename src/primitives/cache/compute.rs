//! Steps 2 to 5 of the protocol in `mod.rs`: of all who miss a key one computes, and the others get what it computed.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::error::Never;
use crate::primitives::cache::ThreadSafeCache;
use crate::primitives::cache::flight::{Flight, Waited};
use crate::primitives::cache::stats::Happened;
use crate::primitives::cache::table::Slot;
use crate::primitives::compute_context::Computation;
use crate::sync::Arc;

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

impl<E: std::error::Error> std::error::Error for ComputeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Cycle => None,
            Self::Failed(error) => error.source(), // its own message is this one's
        }
    }
}

impl<E> ComputeError<E> {
    /// The computation's error; none when there was a cycle.
    ///
    /// ```
    /// use manyhands::{ComputeError, ThreadSafeCache};
    ///
    /// let cache = ThreadSafeCache::<&str, i32>::new();
    /// let error = cache.try_get_or_compute("gain", || "loud".parse()).unwrap_err();
    /// assert_eq!(error.into_failed(), "loud".parse::<i32>().err());
    /// ```
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Cycle => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// The value of a key, computed and kept if it is missing; waits if somebody else computes it.
    ///
    /// A call from inside of the key's own computation, or around a circle of keys, computes in place and keeps nothing. Where a
    /// computation hands parts of its work to rayon or to threads of its own, see
    /// [`ComputeContext`](crate::ComputeContext).
    ///
    /// ```
    /// let cache = manyhands::ThreadSafeCache::new();
    /// fn fibonacci(cache: &manyhands::ThreadSafeCache<u64, u64>, n: u64) -> u64 {
    ///     cache.get_or_compute(n, || if n < 2 { n } else { fibonacci(cache, n - 1) + fibonacci(cache, n - 2) })
    /// }
    /// assert_eq!((fibonacci(&cache, 90), cache.stats().computes), (2_880_067_194_370_816_120, 91));
    /// ```
    ///
    /// # Panics
    /// When the computation panics, or the clone of its value; after the first, nothing is kept. Inside of
    /// [`with`](Self::with) of the same cache.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let hash = self.hasher.hash_one(&key);
        match self.look(hash, &key, V::clone) {
            Some(found) => found,
            None => self.compute_missing(hash, key, compute),
        }
    }

    /// [`get_or_compute`](Self::get_or_compute) for a key that is borrowed, and made into an owned one only when it is missing.
    ///
    /// ```
    /// let lengths = manyhands::ThreadSafeCache::<String, usize>::new();
    /// assert_eq!(lengths.get_or_compute_ref("night 1", || 7), 7);
    /// assert_eq!(lengths.get("night 1"), Some(7));
    /// ```
    ///
    /// # Panics
    /// As [`get_or_compute`](Self::get_or_compute).
    pub fn get_or_compute_ref<Q>(&self, key: &Q, compute: impl FnOnce() -> V) -> V
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        match self.look(hash, key, V::clone) {
            Some(found) => found,
            None => self.compute_missing(hash, key.to_owned(), compute),
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
    /// As [`get_or_compute`](Self::get_or_compute).
    pub fn try_get_or_compute<E>(&self, key: K, compute: impl FnOnce() -> Result<V, E>) -> Result<V, ComputeError<E>> {
        let hash = self.hasher.hash_one(&key);
        match self.look(hash, &key, V::clone) {
            Some(found) => Ok(found),
            None => self.compute_or_wait(hash, key, compute),
        }
    }

    /// The rest for a key that was looked up and missed: a circle is computed in place.
    fn compute_missing(&self, hash: u64, key: K, compute: impl FnOnce() -> V) -> V {
        let mut compute = Some(compute);
        let mut once = || compute.take().expect("a caller computes at most once")();
        match self.compute_or_wait(hash, key, || Ok::<V, Never>(once())) {
            Ok(value) => value,
            Err(ComputeError::Failed(never)) => match never {},
            Err(ComputeError::Cycle) => {
                self.counts.add(Happened::Compute);
                once()
            }
        }
    }

    fn compute_or_wait<E>(
        &self,
        hash: u64,
        key: K,
        compute: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, ComputeError<E>> {
        let mut key = key;
        loop {
            match self.join_or_lead(hash, key) {
                JoinOrLead::Found(value, _key) => return Ok(value),
                JoinOrLead::Leads(lead) => return self.run(lead, compute).map_err(ComputeError::Failed),
                JoinOrLead::Waits(flight, for_key) => match flight.wait() {
                    Waited::Landed(value) => return Ok(value),
                    Waited::Failed => key = for_key,
                    Waited::Cycle => {
                        self.counts.add(Happened::Cycle);
                        return Err(ComputeError::Cycle);
                    }
                },
            }
        }
    }

    /// Step 2 of the protocol: looks again, alone, and takes the lead if nobody else has it. Only a lead needs the key no
    /// more.
    fn join_or_lead(&self, hash: u64, key: K) -> JoinOrLead<'_, K, V, S> {
        let mut table = self.write(self.shard(hash));
        match table.slot(hash, &key) {
            Slot::Value(value) => JoinOrLead::Found(value.clone(), key),
            Slot::Flight(flight) => JoinOrLead::Waits(Arc::clone(flight), key),
            Slot::Nothing => {
                let computation = Computation::start();
                let flight = Arc::new(Flight::new(computation.clone()));
                table.take_off(hash, key, Arc::clone(&flight), |key| self.hasher.hash_one(key));
                JoinOrLead::Leads(Lead { cache: self, hash, flight, computation, has_landed: false })
            }
        }
    }

    /// Steps 3 to 5: computes, publishes, and hands the value on.
    fn run<E>(&self, mut lead: Lead<'_, K, V, S>, compute: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.counts.add(Happened::Compute);
        let computed = {
            let _inside = lead.computation.enter();
            compute()
        };
        let value = computed?; // an error, like a panic, is the lead's `drop`
        self.publish(&lead, value.clone());
        // Who waits has the flight; nobody finds it any more.
        if Arc::strong_count(&lead.flight) > 1 {
            lead.flight.complete(value.clone());
        }
        lead.has_landed = true; // not before the last clone, which may panic
        Ok(value)
    }

    /// Step 4: puts the value at the flight's key, if the flight still stands there.
    fn publish(&self, lead: &Lead<'_, K, V, S>, value: V) {
        let mut table = self.shard(lead.hash).write();
        let Some((key, _flight)) = table.take_flight(lead.hash, &lead.flight) else {
            return; // the guard goes before the value, whose destructor may be slow, or use the cache
        };
        let before = table.put(lead.hash, key, value, |key| self.hasher.hash_one(key));
        let evicted = table.evict();
        drop(table); // see `insert`
        debug_assert!(before.is_none(), "no key has both a value and a flight");
        drop(evicted);
    }
}

/// What a caller that misses a key finds under the writers' lock.
enum JoinOrLead<'c, K, V, S> {
    /// A value that came meanwhile. The key is to be dropped outside of the lock.
    Found(V, K),
    /// Somebody computes it.
    Waits(Arc<Flight<V>>, K),
    /// This caller computes it.
    Leads(Lead<'c, K, V, S>),
}

/// The duty of a caller that computes: whatever happens, its flight ends.
struct Lead<'c, K, V, S> {
    cache: &'c ThreadSafeCache<K, V, S>,
    hash: u64,
    flight: Arc<Flight<V>>,
    computation: std::sync::Arc<Computation>,
    has_landed: bool,
}

impl<K, V, S> Drop for Lead<'_, K, V, S> {
    fn drop(&mut self) {
        if !self.has_landed {
            let taken = self.cache.shard(self.hash).write().take_flight(self.hash, &self.flight);
            drop(taken); // outside of the lock
            self.flight.fail();
        }
    }
}
