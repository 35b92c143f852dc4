//! The cache with five to eight threads: one computation per key, cycles, and which value wins.

use manyhands::sync::{Arc, model};
use manyhands::{ThreadSafeCache, cache::ComputeError};

use crate::{join_all, start_all};

type Cache = ThreadSafeCache<usize, usize>;

/// Proves: of eight callers of one missing key one computes, and all get its value. Leaves out: memory orderings.
#[test]
fn of_eight_callers_of_a_missing_key_one_computes() {
    model(|| {
        let cache = Arc::new(Cache::new());
        let values = join_all(start_all(8, &cache, |cache, number| cache.get_or_compute(0, || number)));
        assert!(values.iter().all(|&value| cache.get(&0) == Some(value)));
        let stats = cache.stats();
        assert_eq!((stats.computes, stats.inserts, stats.hits + stats.misses), (1, 1, 16));
    });
}

/// Proves: of six callers, three of whose computations fail, those that succeed agree, and no failure leaves anybody waiting.
/// Leaves out: memory orderings.
#[test]
fn failures_among_six_callers_leave_no_caller_waiting() {
    model(|| {
        let cache = Arc::new(Cache::new());
        let ask = |cache: &Cache, number: usize| {
            cache.try_get_or_compute(0, || if number % 2 == 0 { Err(number) } else { Ok(number) })
        };
        let answers = join_all(start_all(6, &cache, ask));
        for (number, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(value) => assert_eq!(cache.get(&0), Some(value)),
                Err(ComputeError::Failed(whose)) => assert_eq!((whose, whose % 2), (number, 0)),
                Err(ComputeError::Cycle) => unreachable!("no computation asks for another"),
            }
        }
    });
}

/// Proves: a ring of five keys, each computed by a thread of its own that asks for the next, ends, with one call at least that
/// saw the circle. Leaves out: memory orderings.
#[test]
fn a_ring_of_five_keys_ends() {
    model(|| {
        let cache = Arc::new(Cache::new());
        let ask = |cache: &Cache, number: usize| {
            cache.get_or_compute(number, || 1 + cache.get_or_compute((number + 1) % 5, || 100))
        };
        let values = join_all(start_all(5, &cache, ask));
        assert!(values.iter().all(|value| (100..=105).contains(value)), "{values:?}");
        assert_eq!(cache.len(), 5);
    });
}

/// Proves: with removals, insertions and computations of two keys at once, every caller gets a value that some caller made, the
/// bound of one holds, and the counts add up. Leaves out: memory orderings.
#[test]
fn whatever_happens_to_two_keys_in_one_place_adds_up() {
    model(|| {
        let cache = Arc::new(Cache::bounded(1));
        let act = |cache: &Cache, number: usize| match number {
            0 | 1 => cache.get_or_compute(number, || 10 + number),
            2 | 3 => cache.get_or_compute(number - 2, || 10 + number),
            4 => cache.insert(0, 15).unwrap_or(15),
            _ => cache.remove(&1).unwrap_or(15),
        };
        assert!(join_all(start_all(6, &cache, act)).iter().all(|value| (10..=15).contains(value)));
        assert!(cache.len() <= 1);
        let stats = cache.stats();
        assert!(stats.evictions + stats.entries as u64 <= stats.inserts);
        assert_eq!(stats.hits + stats.misses, 4);
    });
}
