//! The cache under real threads: one computation per key, which value wins, which caller waits, and no wait for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;

use manyhands::{
    AtomicCounter, Job, ThreadSafeCache, Threads,
    cache::{ComputeContext, ComputeError},
    parallel_map,
};

#[test]
fn many_callers_of_one_missing_key_compute_once() {
    let cache = ThreadSafeCache::new();
    let computed = AtomicCounter::new();
    let all_there = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                all_there.wait();
                for key in 0..100 {
                    let value = cache.get_or_compute(key, || {
                        computed.increment();
                        thread::yield_now();
                        key * 2
                    });
                    assert_eq!(value, key * 2);
                }
            });
        }
    });
    let stats = cache.stats();
    assert_eq!((computed.value(), stats.computes, stats.inserts, stats.entries), (100, 100, 100, 100));
    assert_eq!(stats.hits + stats.misses, 800);
}

#[test]
fn a_computation_holds_up_no_other_key_and_no_other_use() {
    let cache = ThreadSafeCache::new();
    (0..64).for_each(|key| _ = cache.insert(key, key));
    cache.get_or_compute(1000, || {
        // Every shard is read, written and asked while the key is being computed.
        thread::scope(|scope| {
            scope.spawn(|| {
                for key in 0..64 {
                    assert_eq!(cache.get(&key), Some(key));
                    assert_eq!(cache.insert(key + 64, 0), None);
                    assert_eq!(cache.get_or_compute(key + 128, || key), key);
                }
                assert_eq!(cache.get(&1000), None);
                assert!(!cache.contains(&1000));
            });
        });
        7
    });
    assert_eq!(cache.get(&1000), Some(7));
}

/// Starts a computation of key 0 that waits for a message; gives the sender, and the result.
fn slow<'s>(
    scope: &'s thread::Scope<'s, '_>,
    cache: &'s ThreadSafeCache<u32, &'static str>,
    end: fn() -> Result<&'static str, &'static str>,
) -> (mpsc::Sender<()>, thread::ScopedJoinHandle<'s, Result<&'static str, ComputeError<&'static str>>>) {
    let (go_on, may_go_on) = mpsc::channel();
    let (started, has_started) = mpsc::channel();
    let handle = scope.spawn(move || {
        cache.try_get_or_compute(0, move || {
            started.send(()).expect("the other side is there");
            may_go_on.recv().expect("the other side is there");
            end()
        })
    });
    has_started.recv().expect("the other side is there");
    (go_on, handle)
}

#[test]
fn insert_remove_and_clear_win_over_a_computation_that_is_under_way() {
    type Act = fn(&ThreadSafeCache<u32, &'static str>);
    let acts: [(Act, Option<&str>); 3] = [
        (|cache| assert_eq!(cache.insert(0, "inserted"), None), Some("inserted")),
        (|cache| assert_eq!(cache.remove(&0), None), None),
        (|cache| cache.clear(), None),
    ];
    for (act, left) in acts {
        let cache = ThreadSafeCache::new();
        thread::scope(|scope| {
            let (go_on, computed) = slow(scope, &cache, || Ok("computed"));
            act(&cache);
            go_on.send(()).unwrap();
            assert_eq!(computed.join().unwrap(), Ok("computed"), "its own caller gets what it computed");
        });
        assert_eq!(cache.get(&0), left);
        assert_eq!(cache.len(), usize::from(left.is_some()));
    }
}

#[test]
fn after_an_error_or_a_panic_one_of_the_waiting_callers_computes() {
    let ends: [fn() -> Result<&'static str, &'static str>; 2] = [|| Err("torn"), || panic!("on purpose")];
    for end in ends {
        let cache = ThreadSafeCache::new();
        let computed = AtomicCounter::new();
        thread::scope(|scope| {
            let (go_on, first) = slow(scope, &cache, end);
            let waiting: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        cache.get_or_compute(0, || {
                            computed.increment();
                            "second"
                        })
                    })
                })
                .collect();
            go_on.send(()).unwrap();
            match first.join() {
                Ok(result) => assert_eq!(result, Err(ComputeError::Failed("torn"))),
                Err(payload) => assert_eq!(*payload.downcast::<&str>().unwrap(), "on purpose"),
            }
            for waiter in waiting {
                assert_eq!(waiter.join().unwrap(), "second");
            }
        });
        assert_eq!((computed.value(), cache.stats().inserts, cache.len()), (1, 1, 1));
    }
}

#[test]
fn a_key_that_asks_for_itself_gets_an_error_or_is_computed_in_place() {
    let cache = ThreadSafeCache::new();
    let answer = cache.try_get_or_compute(1, || cache.try_get_or_compute(1, || Ok::<i32, ()>(5)));
    assert_eq!(answer, Err(ComputeError::Failed(ComputeError::Cycle)));
    let in_place = cache.get_or_compute(1, || 10 + cache.get_or_compute(1, || 5));
    assert_eq!(in_place, 15);
    let stats = cache.stats();
    assert_eq!((cache.get(&1), stats.cycles, stats.inserts), (Some(15), 2, 1), "the inner value was not kept");
}

#[test]
fn a_circle_of_keys_on_one_thread_ends() {
    let cache = ThreadSafeCache::new();
    let value = cache.get_or_compute('a', || 1 + cache.get_or_compute('b', || 10 + cache.get_or_compute('a', || 100)));
    assert_eq!((value, cache.get(&'a'), cache.get(&'b')), (111, Some(111), Some(110)));
    let other = ThreadSafeCache::new();
    let across_caches = cache.get_or_compute('c', || 1 + other.get_or_compute(0, || cache.get_or_compute('c', || 5)));
    assert_eq!(across_caches, 6);
}

#[test]
fn a_circle_of_keys_across_two_threads_ends() {
    for _ in 0..200 {
        let cache = ThreadSafeCache::new();
        let both_hold_theirs = Barrier::new(2);
        let ask = |mine: char, other: char| {
            cache.get_or_compute(mine, || {
                both_hold_theirs.wait();
                1 + cache.get_or_compute(other, || 100)
            })
        };
        let (a, b) = thread::scope(|scope| {
            let a = scope.spawn(|| ask('a', 'b'));
            let b = scope.spawn(|| ask('b', 'a'));
            (a.join().unwrap(), b.join().unwrap())
        });
        // One of the two saw that the other waits for it, and computed in place.
        assert!([(101, 102), (102, 101)].contains(&(a, b)), "{a} {b}");
        assert_eq!(cache.stats().cycles, 1);
    }
}

#[test]
fn a_key_that_is_asked_for_by_workers_of_its_own_computation_ends() {
    for _ in 0..50 {
        let cache = ThreadSafeCache::new();
        let value = cache.get_or_compute(0, || {
            let parts = Job::new(&[1, 2, 3, 4])
                .workers(3)
                .chunk_size(1)
                .run(|part| part + cache.get_or_compute(0, || 10))
                .unwrap();
            parts.into_result().unwrap().iter().sum()
        });
        assert_eq!(value, 50);
        let nested: Vec<i32> = parallel_map(Threads, &[5, 6, 5, 6], |&key| {
            cache.get_or_compute(key, || cache.get_or_compute(0, || 0) + key)
        })
        .unwrap();
        assert_eq!(nested, [55, 56, 55, 56]);
    }
}

#[test]
fn a_key_that_rayon_asks_for_while_it_waits_inside_of_its_computation_ends() {
    // With one thread, all that the inner scope starts runs on the stack of the computation.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let cache = ThreadSafeCache::new();
    let value = pool.install(|| {
        cache.get_or_compute(0, || {
            let (left, right) = rayon::join(|| cache.get_or_compute(0, || 1), || cache.get_or_compute(0, || 2));
            left + right
        })
    });
    assert_eq!((value, cache.get(&0)), (3, Some(3)));
}

#[test]
fn parts_that_rayon_takes_to_other_threads_may_ask_for_the_key_that_waits_for_them() {
    use rayon::prelude::*;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    for _ in 0..50 {
        let cache = ThreadSafeCache::new();
        let elsewhere = AtomicCounter::new();
        let value: u32 = pool.install(|| {
            cache.get_or_compute(0, || {
                let (context, leader) = (ComputeContext::current(), thread::current().id());
                let ask = |part: u32| {
                    elsewhere.add(u64::from(thread::current().id() != leader));
                    context.run(|| part + cache.get_or_compute(0, || 1))
                };
                (0..64).into_par_iter().with_max_len(1).map(ask).sum()
            })
        });
        assert_eq!((value, cache.get(&0)), (2016 + 64, Some(2016 + 64)));
        assert_eq!((cache.stats().cycles, cache.stats().inserts), (64, 1));
    }
}

#[test]
fn rayon_that_asks_for_one_key_from_many_items_computes_it_once() {
    use rayon::prelude::*;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let cache = ThreadSafeCache::new();
    let computed = AtomicCounter::new();
    // While a thread waits for parts of one key's computation, it runs items that ask for either key.
    let ask = |item: u32| {
        cache.get_or_compute(item % 2, || {
            computed.increment();
            let context = ComputeContext::current();
            let parts = (0..32_u32).into_par_iter().with_max_len(1);
            parts
                .map(|part| context.run(|| rayon::join(|| part, || item % 2)))
                .map(|(part, odd)| part + odd)
                .sum::<u32>()
        })
    };
    let values: Vec<u32> = pool.install(|| (0..400).into_par_iter().with_max_len(1).map(ask).collect());
    assert!(values.iter().enumerate().all(|(item, &value)| value == 496 + 32 * (item as u32 % 2)));
    // A task that was stolen into the key's own computation computed in place, and no other did.
    let stats = cache.stats();
    assert_eq!((computed.value(), stats.inserts), (2 + stats.cycles, 2));
    assert_eq!(stats.hits + stats.misses, 400);
}

#[test]
fn a_look_in_place_must_not_use_its_own_cache() {
    type Use = fn(&ThreadSafeCache<i32, i32>);
    let uses: [Use; 5] = [
        |cache| _ = cache.with(&2, |two| *two),
        |cache| _ = cache.insert(3, 30),
        |cache| _ = cache.remove(&1),
        |cache| cache.clear(),
        |cache| _ = cache.get_or_compute(4, || 40),
    ];
    // These are quick, so a build without debug assertions refuses them only when they would wait.
    let quick: [Use; 4] =
        [|cache| _ = cache.get(&2), |cache| _ = cache.contains(&2), |cache| _ = cache.len(), |cache| _ = cache.stats()];
    for act in uses.into_iter().chain(quick.into_iter().filter(|_| cfg!(debug_assertions))) {
        let (cache, other) = (ThreadSafeCache::new(), ThreadSafeCache::new());
        for cache in [&cache, &other] {
            (1..3).for_each(|key| _ = cache.insert(key, 10 * key));
        }
        let refused = catch_unwind(AssertUnwindSafe(|| cache.with(&1, |_| act(&cache)))).unwrap_err();
        assert!(refused.downcast_ref::<&str>().unwrap().contains("take what is needed out of the closure first"));
        let around = || cache.with(&1, |_| other.with(&1, |_| act(&cache)));
        assert!(catch_unwind(AssertUnwindSafe(around)).is_err(), "also around another cache");
        assert_eq!(cache.with(&1, |_| act(&other)), Some(()), "another cache may be used");
        assert_eq!((cache.len(), cache.get_or_compute(5, || 50)), (2, 50), "nothing of it is left behind");
    }
}

#[test]
fn a_look_inside_of_a_look_that_would_wait_is_refused() {
    // One shard, so that the writer waits for the look.
    let cache = ThreadSafeCache::bounded(10);
    cache.insert('a', 1);
    let (inside, is_inside) = mpsc::channel();
    thread::scope(|scope| {
        let cache = &cache;
        let writer = scope.spawn(move || {
            is_inside.recv().unwrap();
            cache.insert('b', 2)
        });
        let looked = catch_unwind(AssertUnwindSafe(|| {
            cache.with(&'a', |_| {
                inside.send(()).unwrap();
                // Until the writer waits, the look-ups go through, or are refused anyway.
                loop {
                    let _ = cache.get(&'a');
                }
            })
        }));
        assert!(looked.is_err());
        assert_eq!(writer.join().unwrap(), None);
    });
    assert_eq!(cache.get(&'b'), Some(2));
}

#[test]
fn a_value_whose_clone_panics_leaves_no_caller_waiting() {
    #[derive(Debug)]
    struct Fragile(Arc<AtomicCounter>);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            // The first clone is kept, the second is for the callers that wait.
            assert_ne!(self.0.increment(), 2, "cannot be cloned now");
            Self(Arc::clone(&self.0))
        }
    }
    let cache = Arc::new(ThreadSafeCache::new());
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let leads = Arc::clone(&cache);
    let leader = thread::spawn(move || {
        leads.get_or_compute(1, || {
            started.send(()).unwrap();
            may_go_on.recv().unwrap();
            Fragile(Arc::default())
        })
    });
    has_started.recv().unwrap();
    let waits = Arc::clone(&cache);
    let waiter = thread::spawn(move || _ = waits.get_or_compute(1, || unreachable!("the value was kept")));
    // The waiter has missed the key before it waits; a moment later it waits.
    while cache.stats().misses < 2 {
        thread::yield_now();
    }
    for _ in 0..1000 {
        thread::yield_now();
    }
    go_on.send(()).unwrap();
    // Should the waiter not have waited yet, there is no second clone, and no panic.
    drop(leader.join());
    waiter.join().unwrap();
}

#[test]
fn a_context_adds_to_what_a_thread_computes_and_takes_nothing_away() {
    let cache = ThreadSafeCache::new();
    let outside = ComputeContext::current();
    let itself = cache.get_or_compute(1, || outside.run(|| 10 + cache.get_or_compute(1, || 5)));
    assert_eq!(itself, 15);
    // Inside of the computation of 3, a part of the computation of 2 asks for 3.
    let around = cache.get_or_compute(2, || {
        let of_two = ComputeContext::current();
        let ask = || cache.get_or_compute(3, || of_two.run(|| 100 + cache.get_or_compute(3, || 7)));
        thread::scope(|scope| scope.spawn(ask).join().unwrap())
    });
    assert_eq!((around, cache.stats().cycles), (107, 2));
}

#[test]
fn a_thread_that_ends_may_still_use_a_cache() {
    static CACHE: std::sync::LazyLock<ThreadSafeCache<u32, u32>> = std::sync::LazyLock::new(ThreadSafeCache::new);
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            assert_eq!(CACHE.get_or_compute(1, || 2), 2);
            assert_eq!(CACHE.with(&1, |two| *two), Some(2));
            ComputeContext::current().run(|| CACHE.remove(&1));
        }
    }
    thread_local! {
        static LAST: Last = const { Last };
    }
    thread::spawn(|| {
        LAST.with(|_| ());
        // Made after it, and so gone before it.
        CACHE.get_or_compute(3, || CACHE.get_or_compute(4, || 5));
        CACHE.with(&3, |_| ());
    })
    .join()
    .unwrap();
    assert_eq!((CACHE.get(&1), CACHE.get(&3)), (None, Some(5)));
}

#[test]
fn absent_values_are_values_and_statistics_add_up() {
    let cache: ThreadSafeCache<&str, Option<u8>> = ThreadSafeCache::new();
    assert_eq!(cache.get_or_compute("none", || None), None);
    assert_eq!(cache.get_or_compute("none", || unreachable!("known to be absent")), None);
    assert_eq!(cache.with("none", Option::is_none), Some(true));
    assert_eq!(cache.get("other"), None);
    assert!(cache.contains("none") && !cache.contains("other"));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.computes, stats.inserts), (2, 2, 1, 1));
    assert!((stats.hit_rate() - 50.0).abs() < 1e-9);
    assert_eq!(ThreadSafeCache::<u8, u8>::new().stats().hit_rate(), 0.0);
}

#[test]
fn values_may_use_the_cache_when_they_are_dropped() {
    struct Nosy(Arc<ThreadSafeCache<u32, Arc<Nosy>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            let _ = self.0.len();
            let _ = self.0.remove(&99);
        }
    }
    let cache = Arc::new(ThreadSafeCache::bounded(8));
    for key in 0..200 {
        cache.insert(key, Arc::new(Nosy(Arc::clone(&cache))));
    }
    cache.insert(0, Arc::new(Nosy(Arc::clone(&cache))));
    cache.remove(&0);
    cache.clear();
    assert!(cache.is_empty());
}

/// A hasher that leaves a number as it is.
#[derive(Clone, Default)]
struct AsItIs(u64);

impl std::hash::Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are u64");
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[test]
fn keys_that_follow_each_other_fill_a_bounded_cache_with_any_hasher() {
    for step in [1, 8, 1 << 32, 1 << 57] {
        let hasher = std::hash::BuildHasherDefault::<AsItIs>::default();
        let cache = ThreadSafeCache::with_hasher_and_bound(hasher, Some(1024));
        (0..1024_u64).for_each(|n| _ = cache.insert(n.wrapping_mul(step), n));
        let n_kept = cache.len();
        // Keys that are multiples of 2^57 are but 128.
        assert!(n_kept > 920 || (step == 1 << 57 && n_kept == 128), "{n_kept} with keys {step} apart");
    }
}

#[test]
fn a_bounded_cache_keeps_its_bound_under_many_writers() {
    let cache = ThreadSafeCache::bounded(100);
    thread::scope(|scope| {
        for writer in 0..4_u32 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..5000 {
                    let key = (n * 7919 + writer) % 1000;
                    assert_eq!(cache.get_or_compute(key, || key), key);
                    if n % 11 == 0 {
                        cache.remove(&key);
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    assert!(stats.entries <= 100, "{stats:?}");
    assert_eq!(stats.hits + stats.misses, 20_000);
}

#[test]
fn a_panic_of_a_computation_leaves_nothing_behind() {
    let cache = ThreadSafeCache::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| cache.get_or_compute(1, || -> u8 { panic!("torn file") })));
    assert!(panicked.is_err());
    assert_eq!((cache.len(), cache.get(&1), cache.get_or_compute(1, || 3)), (0, None, 3));
}
