//! Calls over a list: in each mode, with a state per worker, with workers that are replaced, with limits, and with items that
//! panic when they are dropped.

use manyhands::{AnyMode, Job, OnFailure, Processes};

use crate::call::{Call, TIME_LIMIT};
use crate::fault::Fault;
use crate::items::{Act, Fragile, Item, panic_on_purpose, perform};
use crate::judge::{self, Injected, Verdict};

pub(crate) fn serial(call: &mut Call) -> Verdict {
    run(call, AnyMode::Serial)
}

pub(crate) fn threads(call: &mut Call) -> Verdict {
    run(call, AnyMode::Threads)
}

pub(crate) fn io(call: &mut Call) -> Verdict {
    run(call, AnyMode::IoThreads)
}

/// A killed worker costs no item: it is tried again. At most once, it costs the item that it was running.
pub(crate) fn processes(call: &mut Call) -> Verdict {
    let is_at_most_once = call.rng.one_in(3);
    let mode = call.processes();
    let mode = AnyMode::Processes(if is_at_most_once { mode.at_most_once() } else { mode });
    run_as(call, mode, Injected { is_at_most_once, ..Injected::default() })
}

fn run(call: &mut Call, mode: AnyMode) -> Verdict {
    run_as(call, mode, Injected::default())
}

fn run_as(call: &mut Call, mode: AnyMode, given: Injected) -> Verdict {
    let items = call.items();
    if call.fault.is_none() && call.rng.one_in(10) {
        return first_failure(call, mode, items);
    }
    let disturbance = call.disturb();
    let job = call.settings(Job::new(&items).mode(mode)).cancel_token(disturbance.token());
    let outcome = job.try_map(perform).run();
    let injected = Injected { is_at_most_once: given.is_at_most_once, ..disturbance.end() };
    judge::outcome(&items, injected, outcome.map_err(|error| error.to_string())?)
}

/// With a failure that ends the run, the one with the lowest index is the call's error, as in a serial run.
fn first_failure(call: &mut Call, mode: AnyMode, mut items: Vec<Item>) -> Verdict {
    let failing: Vec<usize> = (0..items.len()).filter(|_| call.rng.one_in(8)).collect();
    failing.iter().for_each(|&index| items[index].act = Act::Error);
    let outcome = Job::new(&items).mode(mode).workers(3).on_failure(OnFailure::Stop).try_run(perform);
    match (outcome.map_err(|error| error.to_string())?.into_result(), failing.first()) {
        (Ok(values), None) if values.iter().zip(&items).all(|(&value, item)| value == item.value()) => Ok(()),
        (Ok(_), _) => Err("wrong values, or none of the failures".to_owned()),
        (Err(error), Some(&first)) if error.failure().is_some_and(|failure| failure.index == first) => Ok(()),
        (Err(error), first) => Err(format!("the first failure is {first:?}, but: {error}")),
    }
}

/// What a worker counts, and whose items.
#[derive(Debug)]
struct Counter {
    salt: Option<u64>,
    n_items: u64,
    /// The number that its drop panics with.
    breaks: Option<u64>,
}

impl Drop for Counter {
    fn drop(&mut self) {
        if let Some(number) = self.breaks {
            panic_on_purpose(number);
        }
    }
}

fn make_counter(breaks: &Option<u64>) -> Counter {
    Counter { salt: None, n_items: 0, breaks: *breaks }
}

fn perform_with_state(counter: &mut Counter, item: &Item) -> Result<u64, String> {
    counter.n_items += 1;
    let salt = *counter.salt.get_or_insert(item.salt);
    assert_eq!(salt, item.salt, "a worker has the state of another call");
    perform(item)
}

/// A state whose drop panics costs no item.
pub(crate) fn worker_state(call: &mut Call) -> Verdict {
    let mode = call.any_mode();
    let items = call.items();
    // No item has this number.
    let breaks = call.is(Fault::Drop).then_some(items.len() as u64);
    let disturbance = call.disturb();
    let job = call.settings(Job::new(&items).mode(mode)).cancel_token(disturbance.token());
    let outcome = job.shared(&breaks).worker_state(make_counter).try_map(perform_with_state).run();
    let injected = Injected { fragile: breaks, ..disturbance.end() };
    judge::outcome(&items, injected, outcome.map_err(|error| error.to_string())?)
}

pub(crate) fn recycling(call: &mut Call) -> Verdict {
    let after = 20 + call.rng.index(100);
    let mode = call.processes().recycle_after(after);
    run(call, AnyMode::Processes(mode))
}

pub(crate) fn limits(call: &mut Call) -> Verdict {
    let limits = Processes::new().time_limit(TIME_LIMIT).memory_limit(1 << 30);
    run(call, AnyMode::Processes(limits))
}

/// Items of a list belong to the program, as values do that have come; both are not dropped here. Workers drop their copies.
pub(crate) fn drops(call: &mut Call) -> Verdict {
    let items = call.items();
    let odd_one = (call.is(Fault::Drop) && !items.is_empty()).then(|| call.rng.below(items.len() as u64));
    let (of_item, of_value) = if call.rng.one_in(2) { (odd_one, None) } else { (None, odd_one) };
    let given: Vec<Fragile> =
        items.iter().map(|&item| Fragile { item, panics: of_item == Some(item.number) }).collect();
    let mode = AnyMode::Processes(call.processes());
    let disturbance = call.disturb();
    let job = Job::new(&given).mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let outcome = job.shared(&of_value).try_map(give_fragile).run();
    let injected = Injected { fragile: odd_one, ..disturbance.end() };
    given.into_iter().for_each(std::mem::forget);
    let outcome = outcome.map_err(|error| error.to_string())?;
    let n_lost = outcome.tally().lost_workers;
    let values = outcome.into_results().into_iter().map(|result| {
        result.map(|value| {
            let found = value.item.value();
            std::mem::forget(value);
            found
        })
    });
    judge::results(&items, injected, values.enumerate())?;
    if n_lost > injected.kills { Err(format!("{n_lost} workers were lost by drops")) } else { Ok(()) }
}

/// Gives the item back, so that the worker has a value to drop as well.
fn give_fragile(of_value: &Option<u64>, fragile: &Fragile) -> Result<Fragile, String> {
    perform(&fragile.item)?;
    Ok(Fragile { item: fragile.item, panics: *of_value == Some(fragile.item.number) })
}
