//! Items from an iterator, and results for a callback.

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use manyhands::{Job, OnFailure};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::{Fragile, Item, ON_PURPOSE, panic_on_purpose, perform, perform_fragile};
use crate::judge::{self, Injected, ItemResult, Verdict};

/// Items of an iterator are dropped by the run, so one may panic in its drop in every mode.
pub(crate) fn over(call: &mut Call) -> Verdict {
    let items = call.items();
    if call.is(Fault::Panic) && call.rng.one_in(4) {
        return iterator_that_panics(call, items);
    }
    let fragile = (call.is(Fault::Drop) && !items.is_empty()).then(|| call.rng.below(items.len() as u64));
    let is_slow = call.rng.one_in(20);
    let given: Vec<Item> = items.clone();
    let given = given.into_iter().map(move |item| {
        if is_slow {
            thread::sleep(Duration::from_micros(300));
        }
        Fragile { item, panics: fragile == Some(item.number) }
    });
    let mode = call.any_mode();
    let disturbance = call.disturb();
    let job = Job::over(given).mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let job = if call.rng.one_in(3) { job.window(1 + call.rng.index(8)) } else { job };
    let outcome = job.cancel_token(disturbance.token()).try_map(perform_fragile).run();
    let injected = Injected { fragile, ..disturbance.end() };
    judge::outcome(&items, injected, outcome.map_err(|error| error.to_string())?)
}

/// The iterator's panic is the program's own, and goes through the call.
fn iterator_that_panics(call: &mut Call, items: Vec<Item>) -> Verdict {
    let at = call.rng.below(items.len() as u64);
    let given = items.into_iter().inspect(move |item| {
        if item.number == at {
            panic_on_purpose(at);
        }
    });
    let mode = call.any_mode();
    let run = || Job::over(given).mode(mode).workers(2).on_failure(OnFailure::Continue).try_map(perform).run();
    let payload = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => return Err(format!("the panic of the iterator was lost: {:?}", outcome.map(|o| *o.tally()))),
        Err(payload) => payload,
    };
    let message = payload.downcast_ref::<String>();
    let is_its_own = message == Some(&format!("{ON_PURPOSE}{at}"));
    if is_its_own { Ok(()) } else { Err(format!("another panic than that of the iterator: {message:?}")) }
}

/// The callback sees each result once, in order where it asks for that, and may end the run.
pub(crate) fn for_each(call: &mut Call) -> Verdict {
    let items = call.items();
    let (is_ordered, is_list) = (call.rng.one_in(2), call.rng.one_in(2));
    let break_after = call.rng.one_in(10).then(|| call.rng.index(10));
    let mode = call.any_mode();
    let disturbance = call.disturb();
    let mut found: Vec<(usize, ItemResult)> = Vec::new();
    let mut take = |index: usize, result: ItemResult| {
        found.push((index, result));
        if break_after.is_some_and(|n| found.len() > n) { Break(()) } else { Continue(()) }
    };
    // Without a shuffle: the order of the input is to be seen.
    let job = if is_list { Job::new(&items) } else { Job::over(items.iter().copied()) };
    let job = job.mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let work = job.cancel_token(disturbance.token()).try_map(perform);
    let tally = if is_ordered { work.for_each_ordered(&mut take) } else { work.for_each(&mut take) };
    let mut injected = disturbance.end();
    injected.is_cut |= break_after.is_some();
    let tally = tally.map_err(|error| error.to_string())?;
    if is_ordered && !found.is_sorted_by_key(|(index, _)| *index) {
        return Err("the order of the results is not that of the items".to_owned());
    }
    let n_values = found.iter().filter(|(_, result)| result.is_ok()).count();
    if tally.succeeded < n_values || (!injected.is_cut && tally.succeeded != n_values) {
        return Err(format!("{n_values} values, and the tally says: {tally}"));
    }
    judge::results(&items, injected, found)
}
