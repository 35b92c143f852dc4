//! How much of what is wanted does a bounded cache still have?
//!
//! One thread looks each key of a trace up and keeps it when it is missing. moka decides later and elsewhere, so it is
//! told to catch up after every single key, more often than it would by itself. None is measured in time.

use manyhands::ThreadSafeCache;

use crate::choice::Choice;
use crate::designs::{Map, value_of};
use crate::peers::{moka_bounded, quick_bounded};
use crate::policies::{FirstInFirstOut, LeastRecentlyUsed};
use crate::report::{head, row, say, table_head};
use crate::traces::{CAPACITY, TRACES};

pub(crate) fn section(choice: &Choice) {
    if !TRACES.iter().any(|trace| choice.has(trace.name)) {
        return;
    }
    head("Hits of a bounded cache");
    say(&format!("\nPercent of 600 000 look-ups, room for {CAPACITY} entries. moka catches up after every key."));
    table_head(&[
        "trace",
        "manyhands",
        "moka",
        "quick_cache",
        "LRU",
        "FIFO",
        "points over the better of moka and quick_cache",
    ]);
    for trace in TRACES.iter().filter(|trace| choice.has(trace.name)) {
        let keys = (trace.keys)();
        let shares = [ours(&keys), moka(&keys), quick(&keys), least_recently_used(&keys), first_in_first_out(&keys)];
        let mut cells = vec![trace.name.to_owned()];
        cells.extend(shares.map(|share| format!("{share:.1}")));
        cells.push(format!("{:+.1}", shares[0] - shares[1].max(shares[2])));
        row(&cells);
    }
}

fn ours(keys: &[u64]) -> f64 {
    let cache = ThreadSafeCache::bounded(CAPACITY);
    let share = hits_in_percent(keys, |key| touch(&cache, key));
    assert!(cache.len() <= CAPACITY, "the bound holds");
    assert!((cache.stats().hit_rate() - share).abs() < 1e-9, "the cache says the same of itself");
    share
}

fn moka(keys: &[u64]) -> f64 {
    let cache = moka_bounded(CAPACITY);
    let share = hits_in_percent(keys, |key| {
        let was_there = touch(&cache, key);
        cache.run_pending_tasks();
        was_there
    });
    assert!(cache.entry_count() <= CAPACITY as u64, "the bound holds");
    share
}

fn quick(keys: &[u64]) -> f64 {
    let cache = quick_bounded(CAPACITY);
    let share = hits_in_percent(keys, |key| touch(&cache, key));
    assert!(cache.len() <= CAPACITY, "the bound holds");
    share
}

fn least_recently_used(keys: &[u64]) -> f64 {
    let mut cache = LeastRecentlyUsed::new(CAPACITY);
    hits_in_percent(keys, |key| cache.touch(key))
}

fn first_in_first_out(keys: &[u64]) -> f64 {
    let mut cache = FirstInFirstOut::new(CAPACITY);
    hits_in_percent(keys, |key| cache.touch(key))
}

/// Looks a key up and keeps it if it is missing; true when it was there.
fn touch(map: &impl Map, key: u64) -> bool {
    let found = map.get(key);
    match found {
        Some(value) => assert_eq!(value, value_of(key)),
        None => map.put(key, value_of(key)),
    }
    found.is_some()
}

fn hits_in_percent(keys: &[u64], mut touch: impl FnMut(u64) -> bool) -> f64 {
    let n_hits = keys.iter().filter(|&&key| touch(key)).count();
    100.0 * n_hits as f64 / keys.len() as f64
}
