//! The shared types under ThreadSanitizer, restricted to what it tells the truth about. `cargo xtask tsan` builds this with
//! the sanitizer; `cargo test` runs the same uses without it.
//!
//! The sanitizer sees the memory and the atomics of code that was compiled with it: of this crate, of parking_lot, and of
//! what is generic in std. It sees threads start and end. It does not see the inside of std, and it does not know fences.
//! What it cannot see it reports, although it is right. So:
//!
//! - These uses keep to `spawn` and `join`; they take no lock, channel, scope or lazy value of std, and no rayon.
//! - The thread that drops an `Arc` last learns by a fence that the others are done with it. Where threads share one, it goes back
//!   to the main thread, which drops it after the joins.
//! - A cache shares such an `Arc` itself, where callers meet at a key that is being computed. Where they do, nothing is freed
//!   meanwhile, and values have nothing to drop; so what is left to judge is how the value is handed over. Elsewhere each
//!   thread computes keys of its own. Waits of one computation for another, which drop more than that, are left to the
//!   models.
//!
//! Nothing is suppressed: a frame of std is in the stack of every thread, and with it every report would be gone. A race is
//! looked for only where one that is there is found: see `a_race_on_purpose_is_reported`.

#![expect(clippy::print_stdout, reason = "a test without a harness says itself what passed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use manyhands::{
    AtomicCounter, CancelToken, ProgressTracker, RwLock, Synchronized, ThreadSafeCache, counter::StripedCounter,
    lock::StripedRwLock, progress::ItemStatus,
};

const SCENARIOS: [(&str, fn()); 9] = [
    ("a plain lock hands its value on", a_plain_lock_hands_its_value_on),
    ("a striped lock publishes its value", a_striped_lock_publishes_its_value),
    ("a synchronized value is published", a_synchronized_value_is_published),
    ("counters and a tracker count", counters_and_a_tracker_count),
    ("a token and its children stop", a_token_and_its_children_stop),
    ("a cache hands its values on", a_cache_hands_its_values_on),
    ("a bounded cache hands its values on", a_bounded_cache_hands_its_values_on),
    ("waiting callers are handed the value", waiting_callers_are_handed_the_value),
    ("callers that wait for a failure go on", callers_that_wait_for_a_failure_go_on),
];

const RACE: &str = "--race-on-purpose";
/// What the sanitizer makes of a program's exit code when it had something to report.
const REPORTED: i32 = 66;
const THREADS: usize = 4;
const USES: usize = 1000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == RACE) {
        return race();
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return;
    }
    if env::var_os("MANYHANDS_TSAN").is_some() {
        a_race_on_purpose_is_reported();
    }
    for (name, uses) in SCENARIOS {
        uses();
        println!("test {name} ... ok");
    }
}

/// Runs this program again, as one that has a race.
fn a_race_on_purpose_is_reported() {
    let racy = Command::new(env::current_exe().expect("it runs")).arg(RACE).output().expect("it can be run again");
    let said = String::from_utf8_lossy(&racy.stderr);
    let is_reported = racy.status.code() == Some(REPORTED) && said.contains("ThreadSanitizer: data race");
    assert!(
        is_reported,
        "a race that is there was not reported, so silence would prove nothing: {} {said}",
        racy.status
    );
    println!("test a race on purpose is reported ... ok");
}

/// A number that two threads change without a lock.
struct Racy(UnsafeCell<u64>);

// SAFETY: there is none; that is what the sanitizer has to find. Only its own run ever shares one.
unsafe impl Sync for Racy {}

fn race() {
    let number = Arc::new(Racy(UnsafeCell::new(0)));
    let other = Arc::clone(&number);
    let increase = |number: &Racy| {
        for _ in 0..USES {
            // SAFETY: there is none, as above.
            unsafe { *number.0.get() += 1 };
        }
    };
    let thread = thread::spawn(move || increase(&other));
    increase(&number);
    thread.join().expect("its assertions hold");
}

/// Runs a use in several threads many times; gives back what they shared, once all have ended.
fn shared_by_threads<T: Send + Sync + 'static>(shared: T, act: fn(&T, usize)) -> T {
    let shared = Arc::new((shared, AtomicUsize::new(0)));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let both = Arc::clone(&shared);
            thread::spawn(move || {
                let (shared, n_there) = &*both;
                n_there.fetch_add(1, Ordering::Relaxed);
                while n_there.load(Ordering::Relaxed) < THREADS {
                    thread::yield_now();
                }
                (0..USES).for_each(|turn| act(shared, thread + turn * THREADS));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("its assertions hold"));
    Arc::into_inner(shared).expect("the others have ended").0
}

/// The two kinds of lock have no common trait, so the test of each is written by this macro.
macro_rules! hands_its_value_on {
    ($name:ident, $lock:ident) => {
        fn $name() {
            let lock = shared_by_threads($lock::new(vec![0]), |lock, turn| match turn % 7 {
                0 => lock.write().push(turn),
                1 => _ = lock.try_write().map(|mut turns| turns.push(turn)),
                2 => _ = lock.try_read().map(|turns| assert_eq!(turns[0], 0)),
                _ => assert_eq!(lock.read().iter().take(1).sum::<usize>(), 0),
            });
            assert!(lock.into_inner().len() > THREADS * USES / 7);
        }
    };
}

hands_its_value_on!(a_plain_lock_hands_its_value_on, RwLock);
hands_its_value_on!(a_striped_lock_publishes_its_value, StripedRwLock);

fn a_synchronized_value_is_published() {
    let value = shared_by_threads(Synchronized::new(Vec::new()), |value, turn| {
        if turn % 50 == 0 { drop(value.replace(vec![turn])) } else { value.with(|turns| turns.push(turn)) }
    });
    assert!(!value.into_inner().is_empty());
}

fn counters_and_a_tracker_count() {
    type Counting = (AtomicCounter, StripedCounter, ProgressTracker);
    let counting: Counting = (AtomicCounter::new(), StripedCounter::new(), ProgressTracker::new());
    let (plain, striped, tracker) = shared_by_threads(counting, |(plain, striped, tracker), turn| {
        plain.increment();
        striped.increment();
        tracker.grow_total(1);
        tracker.count(if turn % 2 == 0 { ItemStatus::Succeeded } else { ItemStatus::Failed }, 1);
        if turn % 16 == 0 {
            assert!(tracker.snapshot().done() <= (THREADS * USES) as u64);
        }
    });
    let all = (THREADS * USES) as u64;
    assert_eq!((plain.value(), striped.value(), tracker.snapshot().total), (all, all, Some(all)));
}

fn a_token_and_its_children_stop() {
    let token = shared_by_threads(CancelToken::new(), |token, turn| {
        let child = token.child();
        if turn == THREADS * USES / 2 {
            token.cancel();
        }
        assert!(!token.is_cancelled() || child.is_cancelled());
    });
    assert!(token.is_cancelled());
}

const KEYS: usize = 40;

/// Every thread finds, replaces and removes every key; it computes its own alone.
fn use_cache(cache: &ThreadSafeCache<usize, String>, turn: usize) {
    let (key, is_own) = (turn / 3 % KEYS, turn / 3 % KEYS % THREADS == turn % THREADS);
    match turn % 11 {
        // A thread that replaces, removes or clears a key that is being computed drops an `Arc` that its caller has too.
        0 if is_own => drop(cache.insert(key, key.to_string())),
        1 if is_own => drop(cache.remove(&key)),
        0 => drop(cache.insert(key + KEYS, key.to_string())),
        1 => drop(cache.remove(&(key + KEYS))),
        2 | 3 => assert!(cache.get(&key).is_none_or(|value| value == key.to_string())),
        4 => assert!(cache.with(&(key + KEYS), |value| *value == key.to_string()).unwrap_or(true)),
        5 => assert!(cache.len() <= 2 * KEYS && cache.stats().entries <= 2 * KEYS),
        _ if is_own => assert_eq!(cache.get_or_compute(key, || key.to_string()), key.to_string()),
        _ => assert!(cache.with(&key, |value| *value == key.to_string()).unwrap_or(true)),
    }
}

fn a_cache_hands_its_values_on() {
    let cache = shared_by_threads(ThreadSafeCache::new(), use_cache);
    assert!(cache.stats().hits > 0 && cache.stats().computes > 0);
}

fn a_bounded_cache_hands_its_values_on() {
    let cache = shared_by_threads(ThreadSafeCache::bounded(16), use_cache);
    assert!(cache.len() <= 16 && cache.stats().evictions > 0);
}

fn waiting_callers_are_handed_the_value() {
    let a_thread_waited = || {
        let cache = shared_by_threads(ThreadSafeCache::new(), |cache, turn| {
            let key = turn / THREADS / 2;
            let compute = || {
                thread::yield_now();
                [key; 4]
            };
            assert_eq!(cache.get_or_compute(key, compute), [key; 4]);
            match turn % 13 {
                0 => drop(cache.remove(&key)),
                1 => drop(cache.insert(key, [key; 4])),
                2 => cache.clear(),
                _ => {}
            }
        });
        cache.stats().misses > cache.stats().computes
    };
    assert!(keeping_memory(|| (0..100).any(|_| a_thread_waited())));
}

fn callers_that_wait_for_a_failure_go_on() {
    keeping_memory(|| {
        shared_by_threads(ThreadSafeCache::new(), |cache, turn| {
            let key = turn / THREADS / 2;
            let fails = turn % 3 == 0;
            let compute = || {
                thread::yield_now();
                if fails { Err(turn) } else { Ok([key; 4]) }
            };
            let computed = cache.try_get_or_compute(key, compute);
            assert!(computed.map_or(fails, |value| value == [key; 4]));
        })
    });
}

/// The system's allocator, but for a time in which nothing is freed.
struct Allocator {
    keeps_all: AtomicBool,
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator { keeps_all: AtomicBool::new(false) };

fn keeping_memory<A>(act: impl FnOnce() -> A) -> A {
    ALLOCATOR.keeps_all.store(true, Ordering::Relaxed);
    let made = act();
    ALLOCATOR.keeps_all.store(false, Ordering::Relaxed);
    made
}

// SAFETY: all is the system's allocator's doing; memory that is never freed is never given twice.
unsafe impl GlobalAlloc for Allocator {
    // SAFETY: as the system's allocator asks for, which is what the caller sees to.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as above.
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if !self.keeps_all.load(Ordering::Relaxed) {
            // SAFETY: the caller's promise; `alloc` had it from the same allocator.
            unsafe { System.dealloc(memory, layout) }
        }
    }
}
