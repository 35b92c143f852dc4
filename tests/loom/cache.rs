//! The shared cache: one computation per key, what ends a wait, which value wins, and what is counted.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::sync::Arc;
use loom::thread;
use manyhands::{ThreadSafeCache, cache::ComputeError};

type Cache = ThreadSafeCache<&'static str, usize>;

/// Proves: of two callers of a missing key one computes, both get its value, and hits and misses add up to the look-ups.
/// Leaves out: more than two callers, and the map itself.
#[test]
fn of_two_callers_of_a_missing_key_one_computes_and_both_get_its_value() {
    crate::check(4, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let theirs = thread::spawn(move || other.get_or_compute("key", || 1));
        let own = cache.get_or_compute("key", || 2);
        let theirs = theirs.join().unwrap();
        assert_eq!(own, theirs);
        assert_eq!(cache.get("key"), Some(own));
        let stats = cache.stats();
        assert_eq!((stats.hits + stats.misses, stats.inserts, stats.entries), (3, 1, 1));
        assert_eq!(stats.computes, 1, "a second caller that misses waits");
    });
}

/// Proves: of three callers one computes, so each of the two that wait is woken. Leaves out: four.
#[test]
fn of_three_callers_one_computes_and_both_others_are_woken() {
    crate::check(2, || {
        let cache = Arc::new(Cache::new());
        let others = [1, 2].map(|value| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_compute("key", || value))
        });
        let own = cache.get_or_compute("key", || 3);
        for other in others {
            assert_eq!(other.join().unwrap(), own);
        }
        let stats = cache.stats();
        assert_eq!((stats.hits + stats.misses, stats.computes, stats.inserts), (3, 1, 1));
    });
}

/// Proves: hits and misses of three threads, two of which share a stripe, add up to their look-ups. Leaves out: reading the
/// statistics meanwhile.
#[test]
fn statistics_of_threads_that_share_a_stripe_add_up() {
    crate::check(2, || {
        let cache = Arc::new(Cache::new());
        cache.insert("there", 1);
        let others = [(); 2].map(|()| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || (cache.get("there"), cache.get("missing")))
        });
        let own = (cache.get("there"), cache.get("missing"));
        for seen in others.map(|other| other.join().unwrap()).into_iter().chain([own]) {
            assert_eq!(seen, (Some(1), None));
        }
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses), (3, 3));
    });
}

/// Proves: a computation whose key is forgotten meanwhile gives its caller its own value, and the cache holds that value or
/// nothing, whichever came last. Leaves out: values with slow destructors.
#[test]
fn clearing_during_a_computation_leaves_the_callers_value_alone() {
    crate::check(4, || {
        let cache = Arc::new(Cache::new());
        cache.insert("other", 7);
        let shared = Arc::clone(&cache);
        let clearer = thread::spawn(move || shared.clear());
        assert_eq!(cache.get_or_compute("key", || 2), 2);
        clearer.join().unwrap();
        assert!(matches!(cache.get("key"), None | Some(2)));
        assert!(!cache.contains("other"));
        let published = cache.stats().inserts - 1;
        assert!(published == 1 || cache.get("key").is_none(), "cleared while it was under way");
    });
}

/// Proves: a computation may use the cache itself while another thread writes, since no lock is held while it runs. Leaves
/// out: two computations that wait for each other's key; here no computation waits for another.
#[test]
fn a_computation_may_look_at_the_cache_while_another_thread_writes() {
    crate::check(4, || {
        let cache = Arc::new(Cache::new());
        let shared = Arc::clone(&cache);
        let writer = thread::spawn(move || shared.insert("half", 3));
        let whole = cache.get_or_compute("whole", || 2 * cache.get_or_compute("half", || 4));
        let replaced = writer.join().unwrap();
        // 8 without a replaced value: the insert came while "half" was being computed, and won.
        assert!([(8, Some(4)), (6, None), (8, None)].contains(&(whole, replaced)));
        assert_eq!(cache.get("half"), Some(3));
    });
}

/// Proves: a computation that fails wakes the caller that waits for it, which then computes; nothing of the failure is kept.
/// Leaves out: two waiting callers.
#[test]
fn a_failed_computation_wakes_a_waiting_caller_which_computes() {
    crate::check(3, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let fails = thread::spawn(move || other.try_get_or_compute("key", || Err("no samples")));
        assert_eq!(cache.get_or_compute("key", || 2), 2);
        assert!(matches!(fails.join().unwrap(), Err(ComputeError::Failed("no samples")) | Ok(2)));
        assert_eq!(cache.get("key"), Some(2));
        assert_eq!(cache.stats().inserts, 1);
    });
}

/// Proves: the same for one that panics: the panic reaches its own caller alone. Leaves out: what the panic's hook prints.
#[test]
fn a_computation_that_panics_wakes_a_waiting_caller_which_computes() {
    crate::check_no_deeper(3, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let panics = thread::spawn(move || {
            let compute = || other.get_or_compute("key", || resume_unwind(Box::new("on purpose")));
            catch_unwind(AssertUnwindSafe(compute)).ok()
        });
        assert_eq!(cache.get_or_compute("key", || 2), 2);
        assert!(matches!(panics.join().unwrap(), None | Some(2)));
        assert_eq!(cache.get("key"), Some(2));
    });
}

/// Proves: an insert during a computation wins over it, and the caller of the computation gets its own value or the inserted
/// one, never nothing. Leaves out: removal, which detaches the same way.
#[test]
fn an_insert_wins_over_a_computation_that_is_under_way() {
    crate::check(3, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let inserts = thread::spawn(move || other.insert("key", 9));
        let computed = cache.get_or_compute("key", || 2);
        let replaced = inserts.join().unwrap();
        // Inserted before: found. Inserted after the publication: 2 was replaced. In between: detached.
        assert!([(9, None), (2, Some(2)), (2, None)].contains(&(computed, replaced)));
        assert_eq!(cache.get("key"), Some(9));
    });
}

/// Proves: a computation that was detached by a removal never publishes in the place of a later one of the same key, and
/// takes its wake-up away from no waiting caller. Leaves out: `clear`, which detaches the same way.
#[test]
fn a_detached_computation_leaves_a_later_one_alone() {
    crate::check(3, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let again = thread::spawn(move || {
            other.remove("key");
            other.get_or_compute("key", || 2)
        });
        let first = cache.get_or_compute("key", || 1);
        let second = again.join().unwrap();
        assert!([(1, 1), (1, 2), (2, 2)].contains(&(first, second)));
        // Nothing was removed after the second one: what it got is what is kept.
        assert_eq!(cache.get("key"), Some(second));
    });
}

/// Proves: a full cache evicts beside a computation: the computation's caller and its waiter get its value, the bound
/// holds, and what is counted adds up. Leaves out: more than one place.
#[test]
fn eviction_beside_a_computation_keeps_the_bound_and_loses_no_answer() {
    crate::check(3, || {
        let cache = Arc::new(Cache::bounded(1));
        let other = Arc::clone(&cache);
        let inserts = thread::spawn(move || {
            other.insert("other", 7);
            other.get_or_compute("key", || 1)
        });
        let own = cache.get_or_compute("key", || 2);
        let theirs = inserts.join().unwrap();
        assert!([(2, 2), (1, 1), (2, 1), (1, 2)].contains(&(own, theirs)));
        let stats = cache.stats();
        assert!(stats.entries <= 1);
        assert_eq!(stats.inserts, stats.evictions + stats.entries as u64);
    });
}

/// Proves: of two threads that each compute a key and ask for the other's, none waits for ever, whatever the order; the one
/// that sees the circle computes in place. Leaves out: circles of more keys.
#[test]
fn a_circle_of_two_keys_across_two_threads_ends() {
    crate::check(2, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let b = thread::spawn(move || other.get_or_compute("b", || 1 + other.get_or_compute("a", || 10)));
        let a = cache.get_or_compute("a", || 1 + cache.get_or_compute("b", || 10));
        let b = b.join().unwrap();
        // 10: the other's function had computed it, as a part of its own key. 11: it asked for a part. 12: for a whole.
        assert!((10..=12).contains(&a) && (10..=12).contains(&b) && a + b > 20, "{a} {b}");
    });
}

/// Proves: whenever the statistics are read, no more computations are counted than misses. Leaves out: hits, which are counted
/// elsewhere.
#[test]
fn no_computation_is_counted_before_its_miss() {
    crate::check(2, || {
        let cache = Arc::new(Cache::new());
        let others = ["a", "b"].map(|key| {
            let cache = Arc::clone(&cache);
            thread::spawn(move || cache.get_or_compute(key, || 1))
        });
        let stats = cache.stats();
        assert!(stats.computes <= stats.misses, "{stats:?}");
        for other in others {
            assert_eq!(other.join().unwrap(), 1);
        }
    });
}
