//! One run, from its checked specification to its outcome. [`run_and_deliver`] is the table of contents, and takes five
//! steps:
//!
//! 1. [`RunSpec`] says what to do; `job/settings.rs` has checked it. [`Persistence::open`] opens the journal and the
//!    report.
//! 2. [`divide`] finds the items that an earlier run has finished.
//! 3. [`RunSpec::deliver`] completes the [`Plan`](crate::backend::plan::Plan), which says in integers which worker does
//!    what, and [`Positions`] maps the plan's positions to items.
//! 4. The backend runs the plan. For each of its reports [`RunLoop::turn`] asks the gatherer, the delivery and the
//!    input, in this order, and returns a verdict: go on up to here, or stop.
//! 5. [`RunLoop::finish`] counts, [`Persistence::finish`] closes the journal and writes the report, and [`Collected`]
//!    makes the outcome.
//!
//! Where no result has to be seen on its way, workers write values straight into slots: [`run_in_slots`]. Its steps are
//! the same, without the second.
//!
//! Everything here runs in the calling thread, but for the iterator of a stream (`source.rs`). Workers belong to `backend`; the caller's closures run through
//! `callbacks.rs`, so that a panic in one of them ends the run in order.
//!
//! A worked case: ten items, [`DeliveryOrder::InOrder`], a journal that holds the items 0, 3 and 4, and a limit of one
//! failure.
//!
//! | what | numbers |
//! |---|---|
//! | items to run, by index (step 2) | 1 2 5 6 7 8 9, so the plan has 7 positions |
//! | position of the item with index 5 (step 3) | 2 |
//! | delivered before the backend starts | index 0; 3 and 4 wait for 1 and 2 |
//! | the item at position 2 fails (step 4) | the fence is 3: positions 0 and 1 still run, and beyond it none starts |
//! | a result of position 4, if its item had started before | written to the journal, but not delivered |
//! | the tally (step 5) | 5 succeeded, of which 3 are resumed; 1 failed; 4 cancelled |
//!
//! Memory of a run, besides the items and the results of workers that are on their way:
//!
//! | file | grows with |
//! |---|---|
//! | `slots.rs` | all positions, one value each, reserved before the run |
//! | `collected.rs` | all indices, one `Option` of a value each |
//! | `done_set.rs` | the ranges that are done while an earlier position is not |
//! | `delivery.rs` | in input order, the results that wait for an earlier one |
//! | `item_buffer.rs` | the blocks of a stream with an unfinished item |
//! | `name_table.rs` | the keys of pending items, where a journal or a report is kept |
//! | `gatherer.rs` | the failed positions |

pub(crate) mod callbacks;
pub(crate) mod codec;
pub(crate) mod collected;
pub(crate) mod delivery;
pub(crate) mod done_set;
pub(crate) mod drop_panics;
pub(crate) mod end;
pub(crate) mod feed;
pub(crate) mod gatherer;
pub(crate) mod input;
pub(crate) mod item_buffer;
pub(crate) mod name_table;
pub(crate) mod observer;
pub(crate) mod persistence;
pub(crate) mod positions;
pub(crate) mod retry;
pub(crate) mod run_loop;
pub(crate) mod slots;
pub(crate) mod source;
pub(crate) mod spec;
pub(crate) mod thread_context;
pub(crate) mod tolerance;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::backend::contract::{ModeKind, Output};
use crate::backend::items::{ItemLookup, Items};
use crate::backend::mode::Mode;
use crate::backend::task::Task;
use crate::error::Error;
use crate::outcome::{Outcome, Past};
use crate::panics::OneByOne;
use crate::run::collected::Collected;
use crate::run::delivery::{Callback, Delivery, ItemResult};
use crate::run::end::{EarlyEnd, RunReport};
use crate::run::feed::InputReader;
use crate::run::gatherer::Gatherer;
use crate::run::input::{Input, StreamInput};
use crate::run::observer::Observer;
use crate::run::persistence::{KeepSpec, Pending, Persistence};
use crate::run::positions::{Positions, SlicePositions};
use crate::run::run_loop::RunLoop;
use crate::run::slots::Slots;
use crate::run::spec::{DeliveryOrder, RunSpec};
use std::sync::Arc;

/// The specification of a run, its mode and its task.
///
/// `Work` in `job/work.rs` makes it for each call, whichever way the call takes, and drops what the parts hold of the
/// caller's. Specification and `keep` are used up: the plan is changed in place, and the report is taken out of `keep`.
pub(crate) struct Run<'r, 'a, T, M, K: Task<T>> {
    pub(crate) spec: &'r mut RunSpec<'a>,
    pub(crate) keep: &'r mut KeepSpec<'a, T, K::Output, K::Error>,
    pub(crate) mode: &'r M,
    pub(crate) task: &'r K,
}

/// The end of a run whose results were delivered.
///
/// Journal and report are closed when it exists. A run that ended by an error or by a panic of the caller has none.
pub(crate) struct DeliveredRun {
    pub(crate) report: RunReport,
    /// The sorted indices of items that a serial run would not have run. Only for [`DeliveryOrder::All`], whose results
    /// are delivered before the run knows where it ends.
    pub(crate) beyond: Vec<usize>,
}

/// Runs the items of a slice. Workers write each value into its slot.
///
/// `Work::run` takes this way for a slice without a retry, a journal, a report and `done_if`: then nothing has to see a
/// result before the end. Of `keep` only the key function and the causes of errors are used.
///
/// Cost: one allocation for all values. A run without a gap and in the order of the input returns that same memory as
/// its values; any other moves them into `Option`s, by index.
///
/// # Errors
/// - The memory for the values cannot be had, or the progress target of the environment is not known. Nothing has
///   started.
/// - The backend has an error. The values that were written are dropped first.
///
/// # Panics
/// With the first panic of the progress callback, or of the key function where an event names an item, after the
/// backend has returned. A panic of the key function before the backend starts, where the display asks for all keys,
/// unwinds at once.
pub(crate) fn run_in_slots<T, M, K>(
    run: Run<'_, '_, T, M, K>,
    items: &[T],
) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    let Run { spec, keep, mode, task } = run;
    spec.bound_memory();
    let mut slots = Slots::new(spec.plan.n_items)?;
    let (progress, tolerance) = (spec.progress.take(), std::mem::take(&mut spec.tolerance));
    let positions = SlicePositions { items, plan: &spec.plan, is_ascending: false, key: keep.key.as_deref() };
    let observer = Observer::start(progress, Some(items.len()), &Past::default(), || positions.keys())?;
    let status = observer.status();
    let context = spec.context(Items::Slice(items), task, status.as_deref());
    let gatherer = Gatherer::new(&spec.plan, &spec.cancel, tolerance, observer, &positions);
    let mut gatherer = gatherer.with_sources(keep.sources);
    let stats = mode.drive(&context, Output::Slots(slots.unwritten()), &mut |report| gatherer.take(report));
    gatherer.show_end();
    match stats {
        // SAFETY: the backend wrote to these slots, and when it returns, nothing that it started is alive.
        Ok(stats) => Ok(unsafe { gatherer.finish(stats, slots) }),
        Err(error) => {
            // SAFETY: as above.
            unsafe { gatherer.discard(slots) };
            Err(error.into_error())
        }
    }
}

/// Runs the items of any input and keeps all results.
///
/// `Work::run` takes this way where [`run_in_slots`] is not enough, and for every stream. No window bounds the results
/// of a slice, since all of them are kept anyway; a stream still has its window, which bounds the items that are read
/// ahead.
///
/// Results are added before the run knows its fence, so those beyond it are removed at the end: that keeps the outcome
/// the same for any number of workers.
///
/// # Errors
/// Those of [`run_and_deliver`].
pub(crate) fn run_and_collect<T, M, K>(
    run: Run<'_, '_, T, M, K>,
    input: Input<'_, T>,
) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    let mut collected = Collected::default();
    let mut keep = |index, result, _| {
        collected.add(index, result);
        ControlFlow::Continue(())
    };
    let DeliveredRun { mut report, beyond } = run_and_deliver(run, input, &mut keep, DeliveryOrder::All)?;
    report.warnings.extend(collected.remove(&beyond).into_warnings());
    Ok(collected.into_outcome(report))
}

/// Runs the items of any input. Results travel to the calling thread, which writes them down and delivers them.
///
/// All callers of the delivering ways come through here: `for_each`, `for_each_ordered`, the iterator and the future of
/// `stream`, and [`run_and_collect`].
///
/// The callback's break, the fence and a cancellation end the run without an error. What was delivered before stays
/// delivered, and what was written down before is resumed by the next run.
///
/// # Errors
/// In the order in which they can occur:
/// - The report or the journal cannot be opened, or a journal is given without keys.
/// - An item of a slice cannot be looked up: two items with one key, a changed input, a value that cannot be read back.
/// - The progress target of the environment is not known. No item has started up to here.
/// - The backend has an error. The journal keeps all results that were delivered before it; no report is written.
/// - An item of a stream cannot be looked up. The run ends at that item, and journal and report are closed first.
///
/// A result that cannot be written down is no error but a warning in the report of the run.
///
/// # Panics
/// With the first panic of a closure of the caller, after journal and report are closed. A panic of the key function or
/// of `done_if` before the backend starts unwinds at once: no item has started. A panic of a destructor is a warning.
pub(crate) fn run_and_deliver<T, M, K>(
    run: Run<'_, '_, T, M, K>,
    input: Input<'_, T>,
    callback: &mut Callback<'_, K::Output, K::Error>,
    order: DeliveryOrder,
) -> Result<DeliveredRun, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    let (items, stream) = input.split();
    let Some(stream) = stream else { return deliver(run, items, None, callback, order) };
    let (source, config) = (Arc::clone(&stream.source.0), Arc::clone(&run.spec.config));
    if run.spec.mode == ModeKind::Serial {
        return deliver(run, items, Some(stream), callback, order);
    }
    let (mut parts, mut delivered) = (Some((run, stream, callback)), None);
    source.read_beside(&config, &mut || {
        delivered = parts.take().map(|(run, stream, callback)| deliver(run, items, Some(stream), callback, order));
    });
    let mut delivered = delivered.expect("the body is called once")?;
    delivered.report.warnings.extend(source.take_late_panics().into_warnings());
    Ok(delivered)
}

/// [`run_and_deliver`], while another thread reads the stream.
fn deliver<T, M, K>(
    run: Run<'_, '_, T, M, K>,
    items: &[T],
    stream: Option<StreamInput<'_, T>>,
    callback: &mut Callback<'_, K::Output, K::Error>,
    order: DeliveryOrder,
) -> Result<DeliveredRun, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    // 1. The specification is checked. Open the journal and the report that it asks for.
    let Run { spec, keep, mode, task } = run;
    let sources = keep.sources;
    keep.check(&spec.order)?;
    let persistence = Persistence::open(keep, spec.mode).map_err(Error::widen)?;

    // 2. Find the items that are finished already.
    let (persistence, resumed) = divide(spec, persistence, stream.is_none().then_some(items))?;

    // 3. Complete the plan, and map its positions to items.
    spec.deliver(order, stream.is_none(), persistence.is_kept(), persistence.n_serial_sample());
    let (progress, tolerance) = (spec.progress.take(), std::mem::take(&mut spec.tolerance));
    let lookup = stream.as_ref().map(|stream| Arc::clone(&stream.lookup));
    let lookup = lookup.as_ref().map(|lookup| &**lookup as &dyn ItemLookup<T>);
    let positions = Positions::new(items, lookup, spec, persistence.key());

    // 4. Let the backend run the plan. Each of its reports is one turn of the loop.
    let n_items = lookup.is_none().then_some(items.len());
    let observer = Observer::start(progress, n_items, &persistence.past(), || positions.keys())?;
    let status = observer.status();
    positions.show_in(status.as_ref());
    let context = spec.context(lookup.map_or(Items::Slice(items), Items::Stream), task, status.as_deref());
    let gatherer = Gatherer::new(&spec.plan, &spec.cancel, tolerance, observer, &positions);
    let reader = stream.as_ref().zip(positions.stream());
    let mut run = RunLoop {
        gatherer: gatherer.retrying(spec.retry.as_ref()).with_sources(sources),
        delivery: Delivery::new(&positions, sources, persistence.sink(), callback, order == DeliveryOrder::InOrder),
        reader: reader.map(|(stream, positions)| InputReader::new(stream, positions, spec.window)),
        persistence: &persistence,
    };
    run.resume(resumed);
    let stats = run.drive(mode, &context);

    // 5. Count, close journal and report, and raise a panic of the caller's closures.
    let (mut end, result, mut callbacks) = run.finish(stats, items.len());
    end.drop_panics.append(stream.map(|stream| stream.drop_caught(&positions)).unwrap_or_default());
    let beyond = match order {
        DeliveryOrder::All => positions.indices_from(end.fence),
        _ => Vec::new(),
    };
    let fault = result.is_err().then_some(EarlyEnd::Fault);
    let report = persistence.finish(end, if callbacks.has_panicked() { Some(EarlyEnd::Panic) } else { fault });
    if let Ok(report) = &report
        && fault.or(callbacks.has_panicked().then_some(EarlyEnd::Panic)).is_some()
    {
        report.log_warnings();
    }
    callbacks.rethrow();
    result?;
    Ok(DeliveredRun { report: report?, beyond })
}

/// Journal and report of a run, and the results of earlier runs by index.
type Divided<'s, 'a, T, R, E> = (Persistence<'s, 'a, T, R, E>, OneByOne<(usize, ItemResult<R, E>)>);

/// Looks up which items of a slice are finished, and restricts the plan to the others. The items of a stream are looked
/// up when they are read. Where the look-up fails, journal and report are closed, as at any end of a run.
///
/// The memory budget is put into the plan afterwards, because its costs are by position, and the positions are only
/// known once the finished items are left out.
///
/// Cost: with a journal one key and one hash look-up per item, all before the first item starts; without a journal, a
/// report and `done_if`, nothing per item but the copy of the costs, where a memory budget is given.
fn divide<'s, 'a, T, R, E>(
    spec: &mut RunSpec<'_>,
    persistence: Persistence<'s, 'a, T, R, E>,
    items: Option<&[T]>,
) -> Result<Divided<'s, 'a, T, R, E>, Error<E>> {
    let Some(items) = items else { return Ok((persistence, OneByOne::default())) };
    // The closures that give keys and ask for finished items may panic.
    let divided = catch_unwind(AssertUnwindSafe(|| persistence.divide(items)));
    match divided {
        Ok(Ok(Pending { todo, resumed })) => {
            spec.restrict_to(todo, items.len());
            spec.bound_memory();
            Ok((persistence, resumed))
        }
        Ok(Err(error)) => {
            persistence.close_before_items(items.len(), EarlyEnd::Fault);
            Err(error.widen())
        }
        Err(payload) => {
            persistence.close_before_items(items.len(), EarlyEnd::Panic);
            resume_unwind(payload)
        }
    }
}
