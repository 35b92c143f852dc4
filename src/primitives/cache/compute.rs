//! Steps 2 to 5 of the protocol in `mod.rs`: of all callers that miss a key one computes, and the others get its value.
//!
//! The caller that computes leads a [`Flight`], and the others wait for it. The flight's lock and wake-ups are in
//! `flight.rs`, step 1 is in `lookup.rs`.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use crate::primitives::cache::flight::{Flight, WaitResult};
use crate::primitives::cache::lookup::ThreadSafeCache;
use crate::primitives::cache::stats::Event;
use crate::primitives::cache::table::Slot;
use crate::primitives::compute_context::Computation;
use crate::sync::Arc;

/// Why [`ThreadSafeCache::try_get_or_compute`] has no value.
///
/// It converts into anyhow's error and `Box<dyn Error>` where `E` is an error: [`source`](std::error::Error::source) is
/// that of the computation's error, whose message is this one's.
///
/// ```
/// use manyhands::cache::ComputeError;
/// use manyhands::ThreadSafeCache;
///
/// let cache = ThreadSafeCache::<&str, i32>::new();
/// let error = cache.try_get_or_compute("gain", || "loud".parse()).unwrap_err();
/// assert!(matches!(error, ComputeError::Failed(_)));
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComputeError<E> {
    /// The key is being computed by a computation that waits for this one, so the wait would never end.
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
    /// The computation's error, or `None` when there was a cycle.
    ///
    /// ```
    /// use manyhands::cache::ComputeError;
    /// use manyhands::ThreadSafeCache;
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
    /// The value of a key, computed and stored if it is missing; waits if another caller is computing it.
    ///
    /// A call from inside of the key's own computation, or around a circle of keys, computes in place and stores
    /// nothing. Where a computation hands parts of its work to rayon or to threads of its own, see
    /// [`ComputeContext`](crate::cache::ComputeContext).
    ///
    /// # Concurrency
    /// `compute` runs with no lock held, once for all callers that miss the key meanwhile. It may use the cache.
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
    /// When the computation panics, and then nothing is stored; when the clone of its value panics; and inside of
    /// [`with`](Self::with) of the same cache.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let hash = self.hasher.hash_one(&key);
        match self.look(hash, &key, V::clone) {
            Some(found) => found,
            None => self.compute_missing(hash, key, compute),
        }
    }

    /// [`get_or_compute`](Self::get_or_compute) for a borrowed key, which is cloned into an owned one only when it is
    /// missing.
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

    /// [`get_or_compute`](Self::get_or_compute) for a computation that may fail. An error is not stored; callers that wait
    /// try again, each with its own function.
    ///
    /// # Errors
    /// [`ComputeError::Failed`] with the computation's error; [`ComputeError::Cycle`] when the key's own computation asks
    /// for it, directly, around a circle of keys, or from a call of this crate that it made, so that the wait would
    /// never end.
    ///
    /// ```
    /// use manyhands::cache::ComputeError;
    /// use manyhands::ThreadSafeCache;
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

    /// Steps 2 to 5 for a key that was missed. In a cycle the value is computed in place.
    fn compute_missing(&self, hash: u64, key: K, compute: impl FnOnce() -> V) -> V {
        let mut compute = Some(compute);
        let mut once = || compute.take().expect("a caller computes at most once")();
        match self.compute_or_wait(hash, key, || Ok::<V, Infallible>(once())) {
            Ok(value) => value,
            Err(ComputeError::Failed(never)) => match never {},
            Err(ComputeError::Cycle) => {
                self.events.add(Event::Compute);
                once()
            }
        }
    }

    /// Steps 2 to 5 for a key that was missed: waits as often as a flight fails, and computes at most once.
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
                    WaitResult::Completed(value) => return Ok(value),
                    WaitResult::Failed => key = for_key,
                    WaitResult::Cycle => {
                        self.events.add(Event::Cycle);
                        return Err(ComputeError::Cycle);
                    }
                },
            }
        }
    }

    /// Step 2 of the protocol: looks again under the write lock, and leads a new flight if the key has none. Unless it
    /// leads, the caller gets the key back.
    fn join_or_lead(&self, hash: u64, key: K) -> JoinOrLead<'_, K, V, S> {
        let mut table = self.write(self.shard(hash));
        let of_parent = match table.slot(hash, &key) {
            Slot::Value(value) => return JoinOrLead::Found(value.clone(), key),
            Slot::Flight(flight) if flight.is_of_this_process() => return JoinOrLead::Waits(Arc::clone(flight), key),
            Slot::Flight(flight) => Some(Arc::clone(flight)),
            Slot::Nothing => None,
        };
        let taken = of_parent.and_then(|flight| table.take_flight(hash, &flight));
        let computation = Computation::start();
        let flight = Arc::new(Flight::new(computation.clone()));
        table.start_flight(hash, key, Arc::clone(&flight), |key| self.hasher.hash_one(key));
        drop(table);
        drop(taken); // outside of the lock
        JoinOrLead::Leads(Lead { cache: self, hash, flight, computation, is_completed: false })
    }

    /// Steps 3 to 5: computes, stores the value, and hands it to the callers that wait.
    fn run<E>(&self, mut lead: Lead<'_, K, V, S>, compute: impl FnOnce() -> Result<V, E>) -> Result<V, E> {
        self.events.add(Event::Compute);
        let computed = {
            let _inside = lead.computation.enter();
            compute()
        };
        let value = computed?; // `Lead::drop` handles an error as it handles a panic
        self.publish(&lead, value.clone());
        // Each waiting caller holds the flight, and no new one can find it any more.
        if Arc::strong_count(&lead.flight) > 1 {
            lead.flight.complete(value.clone());
        }
        lead.is_completed = true; // not before the last clone, which may panic
        Ok(value)
    }

    /// Step 4: stores the value at the flight's key, if the flight is still there.
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

/// What a caller that missed a key finds under the write lock.
enum JoinOrLead<'c, K, V, S> {
    /// A value that came meanwhile. The key is returned so that it is dropped outside of the lock.
    Found(V, K),
    /// Another caller computes it. The key is needed again should that fail.
    Waits(Arc<Flight<V>>, K),
    /// This caller computes it.
    Leads(Lead<'c, K, V, S>),
}

/// A caller that computes. Its flight ends in any case: when this is dropped without a value, the flight fails.
struct Lead<'c, K, V, S> {
    cache: &'c ThreadSafeCache<K, V, S>,
    /// Of the key, which the table holds beside the flight.
    hash: u64,
    flight: Arc<Flight<V>>,
    computation: std::sync::Arc<Computation>,
    /// True once the value was handed to the callers that wait.
    is_completed: bool,
}

impl<K, V, S> Drop for Lead<'_, K, V, S> {
    fn drop(&mut self) {
        if !self.is_completed {
            let taken = self.cache.shard(self.hash).write().take_flight(self.hash, &self.flight);
            drop(taken); // outside of the lock
            self.flight.fail();
        }
    }
}
