//! Locks and counters under real threads: exclusion, order, panics. Interleavings are in the models.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use manyhands::{AtomicCounter, RwLock, Synchronized, counter::StripedCounter, lock::StripedRwLock};

/// Runs a behaviour on the plain and on the striped form.
macro_rules! for_both_locks {
    ($lock:ident = $value:expr => $behaviour:block) => {
        for striped in [false, true] {
            if striped {
                let $lock = StripedRwLock::new($value);
                $behaviour
            } else {
                let $lock = RwLock::new($value);
                $behaviour
            }
        }
    };
}

#[test]
fn a_writer_is_alone_and_readers_see_whole_values() {
    for_both_locks!(lock = (0_u64, 0_u64) => {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let mut pair = lock.write();
                        pair.0 += 1;
                        pair.1 += 1;
                    }
                });
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let pair = lock.read();
                        assert_eq!(pair.0, pair.1);
                    }
                });
            }
        });
        assert_eq!(lock.into_inner(), (6000, 6000));
    });
}

#[test]
fn readers_share_and_a_try_never_waits() {
    for_both_locks!(lock = 1 => {
        let first = lock.read();
        let second = lock.try_read().unwrap();
        assert!(lock.try_write().is_none());
        drop((first, second));
        let alone = lock.try_write().unwrap();
        assert!(lock.try_read().is_none() && lock.try_write().is_none());
        drop(alone);
        assert!(lock.try_read().is_some());
        assert!(lock.try_write().is_some(), "a try that failed left nothing behind");
    });
}

#[test]
fn a_writer_that_waits_comes_before_readers_that_come_after_it() {
    for_both_locks!(lock = Vec::new() => {
        let (waits, is_waiting) = mpsc::channel();
        thread::scope(|scope| {
            let lock = &lock;
            let inside = lock.read();
            let waits_too = waits.clone();
            scope.spawn(move || {
                waits.send(()).unwrap();
                lock.write().push("writer");
            });
            is_waiting.recv().unwrap();
            // The writer has announced itself as soon as a try to read fails.
            while lock.try_read().is_some() {
                thread::yield_now();
            }
            scope.spawn(move || {
                waits_too.send(()).unwrap();
                assert_eq!(*lock.read(), ["writer"], "a later reader finds the writer's work");
            });
            is_waiting.recv().unwrap();
            drop(inside);
        });
    });
}

#[test]
fn a_panic_under_a_guard_releases_the_lock_and_poisons_nothing() {
    for_both_locks!(lock = 0 => {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            *lock.write() = 7;
            let _reader = lock.read();
            panic!("under a guard");
        }));
        assert!(panicked.is_err());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _writer = lock.write();
            panic!("under a guard");
        }));
        assert!(panicked.is_err());
        assert_eq!(*lock.read(), 7);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn a_synchronized_value_outlives_a_panic() {
    let value = Synchronized::new(vec![1]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        value.with(|list| {
            list.push(2);
            panic!("half way");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(value.with(|list| list.clone()), [1, 2]);
    assert_eq!(value.replace(vec![]), [1, 2]);
}

#[test]
fn counters_lose_nothing() {
    let (plain, striped) = (AtomicCounter::new(), StripedCounter::new());
    let taken = AtomicCounter::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    plain.increment();
                    striped.increment();
                    striped.add(2);
                    striped.decrement();
                }
                taken.add(striped.reset());
            });
        }
    });
    assert_eq!(plain.value(), 40_000);
    assert_eq!(taken.value().wrapping_add(striped.value()), 80_000);
}
