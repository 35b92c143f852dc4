//! Steps 2 to 5 of the protocol in `mod.rs`: of all who miss a key one computes, and the others get what it computed.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use super::ThreadSafeCache;
use super::flight::{Flight, Waited};
use super::stats::Happened;
use super::table::Slot;
use crate::computation::{Computation, work_for};
use crate::error::Never;
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

impl<E: fmt::Debug + fmt::Display> std::error::Error for ComputeError<E> {}

impl<K: Hash + Eq, V: Clone, S: BuildHasher> ThreadSafeCache<K, V, S> {
    /// The value of a key, computed and kept if it is missing; waits if somebody else computes it.
    ///
    /// A call from inside of the key's own computation, or around a circle of keys, computes in place and keeps nothing.
    ///
    /// # Panics
    /// When the computation panics; nothing is kept then. When a missing key is asked for from inside of
    /// [`with`](Self::with) of the same cache.
    pub fn get_or_compute(&self, key: K, compute: impl FnOnce() -> V) -> V {
        let mut compute = Some(compute);
        let mut once = || compute.take().expect("a caller computes at most once")();
        match self.get_or_fly(key, || Ok::<V, Never>(once())) {
            Ok(value) => value,
            Err(ComputeError::Failed(never)) => match never {},
            Err(ComputeError::Cycle) => {
                self.counts.add(Happened::Compute);
                once()
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
    /// As [`get_or_compute`](Self::get_or_compute).
    pub fn try_get_or_compute<E>(&self, key: K, compute: impl FnOnce() -> Result<V, E>) -> Result<V, ComputeError<E>> {
        let mut compute = Some(compute);
        self.get_or_fly(key, || compute.take().expect("a caller computes at most once")())
    }

    fn get_or_fly<E>(&self, key: K, mut compute: impl FnMut() -> Result<V, E>) -> Result<V, ComputeError<E>> {
        let hash = self.hasher.hash_one(&key);
        if let Some(found) = self.look(hash, &key, V::clone) {
            return Ok(found);
        }
        let mut key = key;
        loop {
            match self.board(hash, key) {
                Boarded::Found(value, _key) => return Ok(value),
                Boarded::Leads(lead) => return self.fly(lead, &mut compute).map_err(ComputeError::Failed),
                Boarded::Waits(flight, for_key) => match flight.wait() {
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
    fn board(&self, hash: u64, key: K) -> Boarded<'_, K, V, S> {
        let mut table = self.write(self.shard(hash));
        match table.slot(hash, &key) {
            Slot::Value(value) => Boarded::Found(value.clone(), key),
            Slot::Flight(flight) => Boarded::Waits(Arc::clone(flight), key),
            Slot::Nothing => {
                let computation = Computation::start();
                let flight = Arc::new(Flight::new(computation.clone()));
                table.take_off(hash, key, Arc::clone(&flight), |key| self.hasher.hash_one(key));
                Boarded::Leads(Lead { cache: self, hash, flight, computation, has_landed: false })
            }
        }
    }

    /// Steps 3 to 5: computes, publishes, and hands the value on.
    fn fly<E>(&self, mut lead: Lead<'_, K, V, S>, compute: &mut impl FnMut() -> Result<V, E>) -> Result<V, E> {
        self.counts.add(Happened::Compute);
        let computed = {
            let _inside = work_for(Some(lead.computation.clone()));
            compute()
        };
        let value = computed?; // an error, like a panic, is the lead's `drop`
        self.publish(&lead, value.clone());
        lead.has_landed = true;
        // Who waits has the flight; nobody finds it any more.
        if Arc::strong_count(&lead.flight) > 1 {
            lead.flight.land(value.clone());
        }
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
enum Boarded<'c, K, V, S> {
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
