//! Caches under `get_or_compute`: many items ask for few keys, some computations panic, and each key is computed once.

use std::collections::BTreeSet;

use manyhands::counter::AtomicCounter;
use manyhands::{Job, LocalMode, OnFailure, ThreadSafeCache};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::{Act, Item, panic_on_purpose, perform, value};
use crate::judge::{self, Verdict};

pub(crate) fn cache(call: &mut Call) -> Verdict {
    let mut items = call.items();
    if call.is(Fault::Panic) {
        // Computations panic here, and no item on its own.
        items.iter_mut().for_each(|item| item.act = Act::Answer);
    }
    let n_keys = 1 + call.rng.below(12);
    let bound = call.rng.one_in(4).then(|| 1 + call.rng.index(8));
    let cache = bound.map_or_else(ThreadSafeCache::new, ThreadSafeCache::bounded);
    // The first computation of this key panics, and with it the item that made it, and no other.
    let panics = (call.is(Fault::Panic)).then(|| call.rng.below(n_keys));
    let (n_panics, n_computed) = (AtomicCounter::new(), AtomicCounter::new());
    let mode = if call.rng.one_in(3) { LocalMode::IoThreads } else { LocalMode::Threads };
    let disturbance = call.disturb();
    let look_up = |item: &Item| {
        let (key, salt) = (item.number % n_keys, item.salt);
        let compute = || {
            if panics == Some(key) && n_panics.increment() == 1 {
                panic_on_purpose(item.number);
            }
            n_computed.increment();
            value(salt, key)
        };
        let found = cache.get_or_compute(key, compute);
        if found == value(salt, key) { perform(item) } else { Err(format!("a wrong value for key {key}")) }
    };
    let job = Job::new(&items).mode(mode).workers(1 + call.rng.index(4)).on_failure(OnFailure::Continue);
    let outcome = job.try_map(look_up).run();
    let mut injected = disturbance.end();
    let outcome = outcome.map_err(|error| error.to_string())?;
    let failed: BTreeSet<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
    let has_value = |(index, item): (usize, &Item)| (!failed.contains(&index)).then_some(item.number % n_keys);
    let found: BTreeSet<u64> = items.iter().enumerate().filter_map(has_value).collect();
    let of_computation = |number: u64| panics == Some(number % n_keys);
    injected.fragile = failed.iter().map(|&index| index as u64).find(|&number| of_computation(number));
    judge::outcome(&items, injected, outcome)?;
    let (n_keys, n_computed) = (found.len() as u64, n_computed.value());
    let is_right = if bound.is_some() { n_computed >= n_keys } else { n_computed == n_keys };
    if is_right { Ok(()) } else { Err(format!("{n_computed} computations of {n_keys} keys")) }
}
