//! Calls within the items of calls: threads in threads, waiting threads among them, and threads in worker processes.

use manyhands::{AnyMode, Job, LocalMode, OnFailure};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::{Act, Item, perform};
use crate::judge::{self, Verdict};

/// An item that makes a call of its own, of so many items; it has the value of an item of its own where all of them are right.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Outer {
    item: Item,
    n_inner: u64,
    depth: u64,
}

fn perform_nested(outer: &Outer) -> Result<u64, String> {
    let Outer { item, n_inner, depth } = *outer;
    let inner = |number| Outer { item: Item { number, act: Act::Answer, ..item }, n_inner: 3, depth: depth - 1 };
    if depth > 0 {
        let items: Vec<Outer> = (0..n_inner).map(inner).collect();
        let mode = if item.number.is_multiple_of(5) { LocalMode::IoThreads } else { LocalMode::Threads };
        let values = Job::new(&items).mode(mode).workers(2).try_run(perform_nested);
        let values = values.and_then(|outcome| outcome.into_result()).map_err(|error| error.to_string())?;
        let right: Vec<u64> = items.iter().map(|inner| inner.item.value()).collect();
        if values != right {
            return Err(format!("wrong values in the call of item {}", item.number));
        }
    }
    perform(&item)
}

pub(crate) fn nested(call: &mut Call) -> Verdict {
    let n_items = if call.fault.is_some() { 10 } else { 1 + call.rng.index(10) };
    let items = call.some_items(n_items);
    let (n_inner, depth) = (1 + call.rng.below(8), 1 + call.rng.below(2));
    let outer: Vec<Outer> = items.iter().map(|&item| Outer { item, n_inner, depth }).collect();
    let mode = match call.rng.below(if call.is(Fault::Fork) { 2 } else { 3 }) {
        0 => AnyMode::Threads,
        1 => AnyMode::IoThreads,
        _ => AnyMode::Processes(call.processes()),
    };
    let disturbance = call.disturb();
    let job = Job::new(&outer).mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let outcome = job.try_map(perform_nested).run();
    judge::outcome(&items, disturbance.end(), outcome.map_err(|error| error.to_string())?)
}
