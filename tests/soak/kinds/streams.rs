//! Results on request: iterators and futures, some of which are dropped half way.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use manyhands::stream::Results;
use manyhands::{AnyMode, Job, OnFailure, Work};

use crate::call::{Call, Disturbance};
use crate::fault::Fault;
use crate::items::{Item, perform};
use crate::judge::{self, ItemResult, Verdict};

/// What such a call has, before it is asked for results.
type Function = manyhands::job::TryMapFn<fn(&Item) -> Result<u64, String>>;

struct Prepared {
    items: Vec<Item>,
    work: Work<'static, Item, AnyMode, Function>,
    disturbance: Disturbance,
    /// The results are dropped after so many.
    drop_after: Option<usize>,
}

fn prepare(call: &mut Call) -> Prepared {
    let items = call.items();
    let mode = call.any_mode();
    let drop_after = (call.is(Fault::Cancel) || call.rng.one_in(20)).then(|| call.rng.index(10));
    let disturbance = call.disturb();
    let job = Job::over(items.clone()).mode(mode).workers(1 + call.rng.index(3)).on_failure(OnFailure::Continue);
    let job = if call.rng.one_in(3) { job.window(1 + call.rng.index(8)) } else { job };
    let work = job.cancel_token(disturbance.token()).try_map(perform as fn(&Item) -> Result<u64, String>);
    Prepared { items, work, disturbance, drop_after }
}

pub(crate) fn ordered(call: &mut Call) -> Verdict {
    let prepared = prepare(call);
    let Prepared { items, work, disturbance, drop_after } = prepared;
    let results = work.ordered().map_err(|error| error.to_string())?;
    let found = take(results, drop_after)?;
    if !found.is_sorted_by_key(|(index, _)| *index) {
        return Err("the order of the results is not that of the items".to_owned());
    }
    judge_found(&items, disturbance, drop_after, found)
}

pub(crate) fn as_completed(call: &mut Call) -> Verdict {
    let Prepared { items, work, disturbance, drop_after } = prepare(call);
    let results = work.as_completed().map_err(|error| error.to_string())?;
    let found = take(results, drop_after)?;
    judge_found(&items, disturbance, drop_after, found)
}

fn take(mut results: Results<u64, String>, at_most: Option<usize>) -> Result<Vec<(usize, ItemResult)>, String> {
    let found = results.by_ref().take(at_most.unwrap_or(usize::MAX));
    let found = found.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    match results.tally() {
        None if at_most.is_none() => Err("a stream that has ended has no tally".to_owned()),
        _ => Ok(found),
    }
}

fn judge_found(
    items: &[Item],
    disturbance: Disturbance,
    drop_after: Option<usize>,
    found: Vec<(usize, ItemResult)>,
) -> Verdict {
    let mut injected = disturbance.end();
    injected.is_cut |= drop_after.is_some();
    judge::results(items, injected, found)
}

/// A future is awaited, asked for its results one by one, or dropped half way.
pub(crate) fn spawn(call: &mut Call) -> Verdict {
    let Prepared { items, work, disturbance, drop_after } = prepare(call);
    let handle = work.spawn().map_err(|error| error.to_string())?;
    if drop_after.is_none() && call.rng.one_in(2) {
        let outcome = block_on(handle).map_err(|error| error.to_string())?;
        return judge::outcome(&items, disturbance.end(), outcome);
    }
    let mut results = handle.results();
    let mut found = Vec::new();
    while drop_after.is_none_or(|n| found.len() < n) {
        match block_on(results.next()) {
            Some(result) => found.push(result.map_err(|error| error.to_string())?),
            None => break,
        }
    }
    drop(results);
    judge_found(&items, disturbance, drop_after, found)
}

/// Waits for a future in this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unparks(thread::current())));
    let mut future: Pin<&mut F> = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unparks(Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
