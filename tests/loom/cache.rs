//! The shared cache: racing computations, and what is counted.

use loom::sync::Arc;
use loom::thread;
use manyhands::ThreadSafeCache;

type Cache = ThreadSafeCache<&'static str, usize>;

/// Proves: of two racing computations of one key the first one in is kept, both callers get it, and hits and misses add up
/// to the look-ups. Leaves out: more than two callers, and the map itself.
#[test]
fn of_two_racing_computations_one_value_is_kept_and_both_callers_get_it() {
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
        assert_eq!(stats.computes, stats.misses, "who misses computes");
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
        assert_eq!(cache.stats().inserts, 2);
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
        assert_eq!(whole, if replaced.is_some() { 8 } else { 6 });
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
        assert!(matches!(fails.join().unwrap(), Err("no samples") | Ok(2)));
        assert_eq!(cache.get("key"), Some(2));
    });
}
