//! Computations that ask for other keys, also through calls of this crate: they end, with the right values where there is
//! no circle, and no wait is taken for a circle that is none.

use std::sync::atomic::{AtomicU64, Ordering};

use manyhands::{Job, ThreadSafeCache, cache::ComputeError};
use manyhands_test_support::rng::Rng;

use crate::scenario::{scenario, together};

type Cache = ThreadSafeCache<u64, u64>;

#[test]
fn circles_of_keys_across_threads_end() {
    scenario("cache, circles of keys", |rng| {
        let (cache, n_lookups) = (Cache::new(), AtomicU64::new(0));
        together(4, rng, |_, rng| {
            for _ in 0..20 {
                around(&cache, rng.below(6), &n_lookups, rng, 6);
                if rng.one_in(4) {
                    cache.clear();
                }
            }
            0
        });
        let stats = cache.stats();
        assert_eq!(stats.hits + stats.misses, n_lookups.load(Ordering::Relaxed));
        assert!(stats.computes <= stats.misses && stats.cycles <= stats.misses);
        n_lookups.into_inner()
    });
}

/// Asks for a key whose computation asks for others, in either way, down to a depth.
fn around(cache: &Cache, key: u64, n_lookups: &AtomicU64, rng: &mut Rng, depth: u32) -> u64 {
    n_lookups.fetch_add(1, Ordering::Relaxed);
    let may_say_so = rng.one_in(2);
    let mut compute = || {
        rng.yield_one_in(2);
        let others = if depth == 0 { 0 } else { rng.below(3) };
        (0..others).map(|_| around(cache, rng.below(6), n_lookups, rng, depth - 1) % 1000).sum::<u64>()
    };
    if may_say_so {
        match cache.try_get_or_compute(key, || Ok::<u64, ()>(compute())) {
            Ok(value) => value,
            Err(ComputeError::Cycle) => 0,
            Err(ComputeError::Failed(())) => unreachable!("no computation fails"),
        }
    } else {
        cache.get_or_compute(key, compute)
    }
}

#[test]
fn computations_that_make_nested_calls_give_what_plain_recursion_gives() {
    scenario("cache, nested calls", |rng| {
        let (cache, n_lookups) = (Cache::new(), AtomicU64::new(0));
        let n_keys = 4 + rng.below(20);
        together(3, rng, |_, rng| {
            for _ in 0..10 {
                let key = rng.below(n_keys);
                assert_eq!(number_of_paths(&cache, key, &n_lookups), paths(key));
            }
            0
        });
        let (stats, n_lookups) = (cache.stats(), n_lookups.into_inner());
        assert_eq!((stats.cycles, stats.computes, stats.inserts), (0, stats.entries as u64, stats.entries as u64));
        assert_eq!(stats.hits + stats.misses, n_lookups);
        n_lookups
    });
}

/// The ways down by steps of one, two or three, each step looked up by a worker of a nested call.
fn number_of_paths(cache: &Cache, key: u64, n_lookups: &AtomicU64) -> u64 {
    n_lookups.fetch_add(1, Ordering::Relaxed);
    cache.get_or_compute(key, || {
        let below: Vec<u64> = (1..=key.min(3)).map(|step| key - step).collect();
        let job = Job::new(&below).workers(2).chunk_size(1);
        let ways = job.run(|&key| number_of_paths(cache, key, n_lookups)).unwrap();
        1 + ways.into_result().unwrap().iter().sum::<u64>()
    })
}

fn paths(key: u64) -> u64 {
    1 + (1..=key.min(3)).map(|step| paths(key - step)).sum::<u64>()
}

#[test]
fn circles_through_nested_calls_end() {
    scenario("cache, circles through nested calls", |rng| {
        let (cache, n_lookups) = (Cache::new(), AtomicU64::new(0));
        together(3, rng, |_, rng| {
            for _ in 0..4 {
                around_by_calls(&cache, rng.below(4), &n_lookups, &mut rng.fork(), 3);
                cache.remove(&rng.below(4));
            }
            0
        });
        let (stats, n_lookups) = (cache.stats(), n_lookups.into_inner());
        assert_eq!(stats.hits + stats.misses, n_lookups);
        n_lookups
    });
}

fn around_by_calls(cache: &Cache, key: u64, n_lookups: &AtomicU64, rng: &mut Rng, depth: u32) -> u64 {
    n_lookups.fetch_add(1, Ordering::Relaxed);
    cache.get_or_compute(key, || {
        let n_others = if depth == 0 { 0 } else { 1 + rng.below(2) };
        let others: Vec<(u64, u64)> = (0..n_others).map(|_| (rng.below(4), rng.next_u64())).collect();
        let job = Job::new(&others).workers(2).chunk_size(1);
        let values = job.run(|&(key, seed)| around_by_calls(cache, key, n_lookups, &mut Rng::new(seed), depth - 1));
        values.unwrap().into_result().unwrap().iter().fold(1, |sum, value| (sum + value) % 1000)
    })
}
