//! The shared cache: one computation per key, what ends a wait, who wins, and what is counted.

use loom::sync::Arc;
use loom::thread;
use manyhands::ThreadSafeCache;

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
        assert_eq!(stats.computes, 1, "who misses too waits");
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
/// out: two computations that wait for each other's key; here nobody waits for anybody.
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

/// Proves: a failed computation keeps nothing and takes nothing away from the one that races with it. Leaves out: panics,
/// which loom cannot follow through a lock; no lock is held then.
#[test]
fn a_failed_computation_keeps_nothing() {
    crate::check(4, || {
        let cache = Arc::new(Cache::new());
        let shared = Arc::clone(&cache);
        let fails = thread::spawn(move || shared.try_get_or_compute("key", || Err("no samples")));
        assert_eq!(cache.get_or_compute("key", || 2), 2);
        assert!(matches!(fails.join().unwrap(), Err(manyhands::ComputeError::Failed("no samples")) | Ok(2)));
        assert_eq!(cache.get("key"), Some(2));
    });
}

/// Proves: a computation that fails wakes the one who waits for it, who then computes; nothing of the failure is kept.
/// Leaves out: panics, which take the same way (the lead's `drop`).
#[test]
fn a_failed_computation_wakes_who_waits_and_that_one_computes() {
    crate::check(3, || {
        let cache = Arc::new(Cache::new());
        let other = Arc::clone(&cache);
        let fails = thread::spawn(move || other.try_get_or_compute("key", || Err::<usize, ()>(())));
        let own = cache.get_or_compute("key", || 2);
        let theirs = fails.join().unwrap();
        assert_eq!(own, 2);
        assert!(matches!(theirs, Ok(2) | Err(manyhands::ComputeError::Failed(()))));
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
