//! The cache: one computation at a time for a key, nothing older than what was found before, a bound that holds, and sums
//! that add up.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use manyhands::{ThreadSafeCache, cache::ComputeError};
use manyhands_test_support::rng::Rng;

use crate::scenario::{caught, panic_on_purpose, scenario, together};

const THREADS: usize = 4;

#[test]
fn of_many_callers_of_a_missing_key_one_computes() {
    scenario("cache, one computation per key", |rng| {
        let (cache, n_keys) = (ThreadSafeCache::new(), 1 + rng.below(100));
        let n_lookups = together(THREADS, rng, |_, rng| {
            // All go the same way, so that they meet at each key.
            for key in 0..n_keys {
                let value = cache.get_or_compute(key, || {
                    rng.yield_one_in(2);
                    key * 3
                });
                assert_eq!(value, key * 3);
            }
            n_keys
        });
        let stats = cache.stats();
        assert_eq!((stats.computes, stats.inserts, stats.entries as u64), (n_keys, n_keys, n_keys));
        assert_eq!((stats.hits + stats.misses, stats.cycles), (n_lookups, 0));
        n_lookups
    });
}

#[test]
fn no_look_up_is_missing_in_the_statistics() {
    scenario("cache, look-ups of many threads", |rng| {
        let cache = ThreadSafeCache::new();
        (0..100).for_each(|key| _ = cache.insert(key, key));
        // More threads than statistics have words, each long enough at work that two of one word meet.
        let n_lookups = together(32, rng, |_, rng| {
            for _ in 0..2000 {
                let key = rng.below(110);
                assert_eq!(cache.with(&key, |value| *value), (key < 100).then_some(key));
            }
            2000
        });
        assert_eq!(cache.stats().hits + cache.stats().misses, n_lookups);
        n_lookups
    });
}

#[test]
fn failures_of_few_keys_are_their_own_callers_and_none_computes_after_a_success() {
    scenario("cache, few keys that fail and panic", |rng| failing(4, rng));
}

#[test]
fn failures_of_many_keys_are_their_own_callers_and_none_computes_after_a_success() {
    scenario("cache, many keys that fail and panic", |rng| failing(200, rng));
}

/// What is known of a key's computations.
#[derive(Default)]
struct Computed {
    is_under_way: AtomicBool,
    has_value: AtomicBool,
}

#[derive(Default)]
struct Ends {
    values: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
}

fn failing(n_keys: usize, rng: &mut Rng) -> u64 {
    let (cache, ends) = (ThreadSafeCache::new(), Ends::default());
    let computed: Vec<Computed> = (0..n_keys).map(|_| Computed::default()).collect();
    let n_lookups = together(THREADS, rng, |_, rng| {
        for _ in 0..300 {
            let (key, own) = (rng.index(n_keys), rng.next_u64());
            let got = caught(|| cache.try_get_or_compute(key, || computed[key].compute(key, own, &ends, rng)));
            match got {
                Ok(Ok(value)) => assert_eq!(value, key),
                Ok(Err(ComputeError::Failed(number))) | Err(number) => {
                    assert_eq!(number, own, "another caller's failure");
                }
                Ok(Err(ComputeError::Cycle)) => panic!("no computation asks for another"),
            }
        }
        300
    });
    let [values, errors, panics] = [ends.values, ends.errors, ends.panics].map(AtomicU64::into_inner);
    let stats = cache.stats();
    assert_eq!((stats.computes, stats.inserts, stats.entries as u64), (values + errors + panics, values, values));
    assert_eq!(stats.hits + stats.misses, n_lookups);
    n_lookups
}

impl Computed {
    /// Ends in one of three ways, each counted. Nothing removes a key, so no two may be under way at once.
    fn compute(&self, key: usize, own: u64, ends: &Ends, rng: &mut Rng) -> Result<usize, u64> {
        assert!(!self.is_under_way.swap(true, Ordering::SeqCst), "two computations of {key} at once");
        assert!(!self.has_value.load(Ordering::SeqCst), "{key} was known");
        rng.yield_one_in(2);
        let end = rng.below(6);
        self.has_value.store(end > 2, Ordering::SeqCst);
        self.is_under_way.store(false, Ordering::SeqCst);
        match end {
            0 => {
                ends.panics.fetch_add(1, Ordering::Relaxed);
                panic_on_purpose(own)
            }
            1 | 2 => {
                ends.errors.fetch_add(1, Ordering::Relaxed);
                Err(own)
            }
            _ => {
                ends.values.fetch_add(1, Ordering::Relaxed);
                Ok(key)
            }
        }
    }
}

#[test]
fn no_answer_of_few_keys_is_older_than_what_was_found_before() {
    scenario("cache, few keys that are written", |rng| written(4, None, rng));
}

#[test]
fn no_answer_of_many_keys_is_older_than_what_was_found_before() {
    scenario("cache, many keys that are written", |rng| written(100, None, rng));
}

#[test]
fn no_answer_of_a_bounded_cache_is_older_than_what_was_found_before() {
    scenario("bounded cache, keys that are written", |rng| written(60, Some(16), rng));
}

/// A value, one of those alive.
struct Version<'a> {
    key: usize,
    number: u64,
    n_alive: &'a AtomicI64,
}

impl Clone for Version<'_> {
    fn clone(&self) -> Self {
        Self::new(self.key, self.number, self.n_alive)
    }
}

impl Drop for Version<'_> {
    fn drop(&mut self) {
        self.n_alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<'a> Version<'a> {
    fn new(key: usize, number: u64, n_alive: &'a AtomicI64) -> Self {
        n_alive.fetch_add(1, Ordering::Relaxed);
        Self { key, number, n_alive }
    }
}

/// A cache whose keys have versions with growing numbers.
///
/// One thread per key raises its number, and then inserts it, removes the key or clears the cache; all threads compute the
/// number that holds when the computation begins. So whatever stands in the cache after some version stood there, or after
/// the older ones were removed, is no older, unless a computation that had been overtaken was kept nevertheless.
struct Versions<'a> {
    cache: ThreadSafeCache<usize, Version<'a>>,
    bound: usize,
    n_alive: &'a AtomicI64,
    /// By key: the newest number.
    newest: Vec<AtomicU64>,
    /// By key: no answer may have a lower number. Raised after a use, and read before the next one.
    least: Vec<AtomicU64>,
    n_lookups: AtomicU64,
    /// Values that an insert or a removal gave back.
    n_taken: AtomicU64,
}

fn written(n_keys: usize, bound: Option<usize>, rng: &mut Rng) -> u64 {
    let n_alive = AtomicI64::new(0);
    let numbers = || (0..n_keys).map(|_| AtomicU64::new(0)).collect();
    let versions = Versions {
        cache: bound.map_or_else(ThreadSafeCache::new, ThreadSafeCache::bounded),
        bound: bound.unwrap_or(usize::MAX),
        n_alive: &n_alive,
        newest: numbers(),
        least: numbers(),
        n_lookups: AtomicU64::new(0),
        n_taken: AtomicU64::new(0),
    };
    let n_uses = together(THREADS, rng, |thread, rng| {
        (0..400).for_each(|_| versions.use_once(thread, rng));
        400
    });
    let stats = versions.cache.stats();
    assert_eq!(stats.hits + stats.misses, versions.n_lookups.into_inner());
    let n_left = stats.entries as u64;
    if bound.is_some() {
        assert_eq!(stats.evictions, stats.inserts - versions.n_taken.into_inner() - n_left);
    }
    assert_eq!(n_alive.load(Ordering::Relaxed), i64::try_from(n_left).unwrap(), "what the cache holds");
    drop(versions.cache);
    assert_eq!(n_alive.load(Ordering::Relaxed), 0, "what outlived the cache");
    n_uses
}

impl<'a> Versions<'a> {
    fn use_once(&self, thread: usize, rng: &mut Rng) {
        let key = rng.index(self.newest.len());
        let least = self.least[key].load(Ordering::SeqCst);
        let is_own = key % THREADS == thread;
        // What stood in the cache or must be followed by no less, and what was handed over.
        let (standing, handed) = match rng.below(16) {
            0..2 if is_own => {
                let number = self.raise(key);
                rng.yield_one_in(4);
                let before = self.cache.insert(key, Version::new(key, number, self.n_alive));
                self.takes(before, key, least);
                (Some(number), None)
            }
            2 => {
                let next = is_own.then(|| self.raise(key));
                let removed = self.cache.remove(&key);
                (self.takes(removed, key, least).max(next), None)
            }
            // What this removes is not counted, so a bounded cache is left alone.
            3 if self.bound == usize::MAX && rng.one_in(8) => {
                self.clear(thread);
                (None, None)
            }
            0..6 => {
                self.looks_up();
                (self.cache.get(&key).map(|version| version.checked(key)), None)
            }
            6..8 => {
                self.looks_up();
                (self.cache.with(&key, |version| version.checked(key)), None)
            }
            8 => {
                assert!(self.cache.len() <= self.bound && !self.cache.contains(&usize::MAX));
                (None, None)
            }
            _ => (None, self.compute(key, rng, 2)),
        };
        assert!(standing.into_iter().chain(handed).all(|number| number >= least), "{standing:?} {handed:?} {least}");
        // A computation's answer may never have stood in the cache, so only what was found there binds the others.
        self.least[key].fetch_max(standing.unwrap_or(0), Ordering::SeqCst);
    }

    /// The next number of a key, which only its own thread may ask for.
    fn raise(&self, key: usize) -> u64 {
        self.newest[key].fetch_add(1, Ordering::SeqCst) + 1
    }

    /// After this, no key of this thread may be found with a number that it had before.
    fn clear(&self, thread: usize) {
        let own: Vec<(usize, u64)> =
            (thread..self.newest.len()).step_by(THREADS).map(|key| (key, self.raise(key))).collect();
        self.cache.clear();
        for (key, number) in own {
            self.least[key].fetch_max(number, Ordering::SeqCst);
        }
    }

    /// Computes in turn, so that computations meet, overtake each other and close circles; and fails now and then.
    fn compute(&self, key: usize, rng: &mut Rng, depth: u32) -> Option<u64> {
        self.looks_up();
        let own = rng.next_u64();
        let got = caught(|| {
            self.cache.get_or_compute(key, || {
                let number = self.newest[key].load(Ordering::SeqCst);
                rng.yield_one_in(2);
                match rng.below(8) {
                    0 => panic_on_purpose(own),
                    1..3 if depth > 0 => {
                        let other = rng.index(self.newest.len());
                        let least = self.least[other].load(Ordering::SeqCst);
                        assert!(self.compute(other, rng, depth - 1).is_none_or(|number| number >= least));
                    }
                    _ => {}
                }
                Version::new(key, number, self.n_alive)
            })
        });
        match got {
            Ok(version) => Some(version.checked(key)),
            Err(number) => {
                assert_eq!(number, own, "another caller's panic");
                None
            }
        }
    }

    /// What an insert or a removal gave back: no older than what was found before, and counted.
    fn takes(&self, taken: Option<Version<'a>>, key: usize, least: u64) -> Option<u64> {
        let number = taken.map(|version| version.checked(key));
        assert!(number.is_none_or(|number| number >= least), "{number:?} {least}");
        self.n_taken.fetch_add(u64::from(number.is_some()), Ordering::Relaxed);
        number
    }

    fn looks_up(&self) {
        self.n_lookups.fetch_add(1, Ordering::Relaxed);
    }
}

impl Version<'_> {
    /// Its number; it must be a version of this key.
    fn checked(&self, key: usize) -> u64 {
        assert_eq!(self.key, key, "another key's value");
        self.number
    }
}

#[test]
fn a_bound_holds_at_every_moment() {
    scenario("bounded cache, more keys than room", |rng| {
        let bound = usize::try_from(rng.below(60)).unwrap();
        let cache = ThreadSafeCache::bounded(bound);
        let n_lookups = together(THREADS, rng, |_, rng| {
            for _ in 0..500 {
                let key = rng.below(200).min(rng.below(200));
                assert_eq!(cache.get_or_compute(key, || key), key);
                let n_kept = cache.len();
                assert!(n_kept <= bound, "{n_kept} of {bound}");
            }
            500
        });
        let stats = cache.stats();
        assert_eq!((stats.hits + stats.misses, stats.inserts), (n_lookups, stats.computes));
        assert_eq!(stats.evictions, stats.inserts - stats.entries as u64);
        n_lookups
    });
}
