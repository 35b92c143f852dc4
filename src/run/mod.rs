//! One run, from its checked specification to its outcome. The five steps of a call are:
//!
//! 1. [`RunSpec`] says what to do: the job has checked it.
//! 2. [`Persistence::divide`] looks up which items an earlier run has finished.
//! 3. The [`Plan`](crate::backend::plan::Plan) in the specification says who does what, as integers.
//! 4. The backend runs the plan. After each of its reports [`RunLoop::turn`] asks the gatherer, the delivery and the input,
//!    one after the other, and answers with a verdict.
//! 5. [`Gatherer::finish`] or [`Collected`] makes the outcome.
//!
//! Where nothing looks at results on their way, workers write them into slots ([`run_in_slots`]). Elsewhere they travel to
//! the calling thread ([`run_and_deliver`]).

pub(crate) mod callbacks;
pub(crate) mod codec;
pub(crate) mod collected;
pub(crate) mod delivery;
pub(crate) mod done_set;
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
pub(crate) mod slots;
pub(crate) mod spec;
pub(crate) mod tolerance;

use std::ops::ControlFlow;

use crate::backend::contract::{BackendError, BackendStats, ChunkReport, Output, RunContext, Verdict};
use crate::backend::items::Items;
use crate::backend::mode::Mode;
use crate::backend::task::Task;
use crate::error::Error;
use crate::outcome::{Outcome, Past};
use crate::progress::Ending;
use crate::run::callbacks::Callbacks;
use crate::run::collected::Collected;
use crate::run::delivery::{Callback, Delivery, ItemResult};
use crate::run::end::{RunEnd, RunReport};
use crate::run::feed::{InputProgress, InputReader};
use crate::run::gatherer::Gatherer;
use crate::run::input::Input;
use crate::run::observer::Observer;
use crate::run::persistence::{KeepSpec, Pending, Persistence};
use crate::run::positions::{PositionMap, Positions, SlicePositions, StreamPositions};
use crate::run::slots::Slots;
use crate::run::spec::{DeliveryOrder, RunSpec};
use std::sync::Arc;

/// What a run works on, and how it runs.
pub(crate) struct Run<'r, 'a, T, M, K: Task<T>> {
    pub(crate) spec: RunSpec<'a>,
    pub(crate) keep: KeepSpec<'a, T, K::Output, K::Error>,
    pub(crate) mode: &'r M,
    pub(crate) task: &'r K,
}

/// How a run ended whose results were delivered.
pub(crate) struct DeliveredRun {
    pub(crate) report: RunReport,
    /// The indices that a serial run would not have run, though some of them may have been run; sorted. Only of
    /// [`DeliveryOrder::All`].
    pub(crate) beyond: Vec<usize>,
}

/// Runs the items of a slice. Workers write each value into its slot.
pub(crate) fn run_in_slots<T, M, K>(
    run: Run<'_, '_, T, M, K>,
    items: &[T],
) -> Result<Outcome<K::Output, K::Error>, Error<K::Error>>
where
    K: Task<T>,
    M: Mode<T, K>,
{
    let Run { mut spec, keep, mode, task } = run;
    spec.bound_memory();
    let mut slots = Slots::new(spec.plan.n_items)?;
    let progress = spec.progress.take();
    let positions = SlicePositions { items, plan: &spec.plan, is_ascending: false, key: keep.key.as_deref() };
    let observer = Observer::start(progress, Some(items.len()), &Past::default(), || positions.keys())?;
    let status = observer.status();
    let context = RunContext {
        items: Items::Slice(items),
        task,
        plan: &spec.plan,
        cancel: &spec.cancel,
        budget: spec.budget,
        config: &spec.config,
        status: status.as_deref(),
    };
    let gatherer = Gatherer::new(&spec.plan, &spec.cancel, spec.tolerance, observer, &positions);
    let mut gatherer = gatherer.with_sources(keep.sources);
    let stats = mode.drive(&context, Output::Slots(slots.unwritten()), &mut |report| gatherer.take(report));
    gatherer.show_end();
    match stats {
        // SAFETY: the backend got these slots, and when it returns, nothing that it started is alive.
        Ok(stats) => Ok(unsafe { gatherer.finish(&stats, slots) }),
        Err(error) => {
            // SAFETY: as above.
            unsafe { gatherer.discard(slots) };
            Err(error.into_error())
        }
    }
}

/// Runs the items of any input and keeps all results.
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
    let DeliveredRun { report, beyond } = run_and_deliver(run, input, &mut keep, DeliveryOrder::All)?;
    collected.remove(&beyond);
    Ok(collected.into_outcome(report))
}

/// Runs the items of any input. Results travel to the calling thread, where they are written down and delivered.
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
    let Run { mut spec, mut keep, mode, task } = run;
    let sources = keep.sources;
    let persistence = Persistence::open(&mut keep, spec.mode).map_err(Error::widen)?;
    let resumed = divide(&mut spec, &persistence, input.slice()).map_err(Error::widen)?;
    let is_slice = input.slice().is_some();
    spec.deliver(order, is_slice, persistence.is_kept(), persistence.n_serial_sample());
    let progress = spec.progress.take();
    let (items, mut stream) = input.split();
    let lookup = stream.as_ref().map(|stream| Arc::clone(&stream.lookup));
    let positions = match &lookup {
        None => Positions::Slice(SlicePositions {
            items,
            plan: &spec.plan,
            is_ascending: spec.order.is_ascending(),
            key: persistence.key(),
        }),
        Some(lookup) => Positions::Stream(StreamPositions::new(&**lookup, persistence.key())),
    };
    let n_items = is_slice.then_some(items.len());
    let observer = Observer::start(progress, n_items, &persistence.past(), || positions.keys())?;
    let status = observer.status();
    positions.stream().inspect(|positions| positions.show_in(status.as_ref()));
    let context = RunContext {
        items: lookup.as_ref().map_or(Items::Slice(items), |lookup| Items::Stream(&**lookup)),
        task,
        plan: &spec.plan,
        cancel: &spec.cancel,
        budget: spec.budget,
        config: &spec.config,
        status: status.as_deref(),
    };
    let reader = stream
        .as_mut()
        .zip(positions.stream())
        .map(|(stream, positions)| InputReader::new(&mut *stream.iterator, &stream.buffer, positions, spec.window));
    let gatherer = Gatherer::new(&spec.plan, &spec.cancel, spec.tolerance, observer, &positions);
    let mut run = RunLoop {
        gatherer: gatherer.retrying(spec.retry.as_ref()).with_sources(sources),
        delivery: Delivery::new(&positions, sources, persistence.sink(), callback, order == DeliveryOrder::InOrder),
        reader,
        persistence: &persistence,
    };
    run.resume(resumed);
    let stats = if run.gatherer.has_stopped() {
        Ok(BackendStats::default()) // the callback wanted nothing beyond the results of earlier runs
    } else {
        mode.drive(&context, Output::InReports, &mut |report| run.turn(report))
    };
    let (end, mut callbacks) = run.finish(stats, items.len());
    let fence = end.as_ref().map_or(0, |end| end.fence);
    let placed = positions.stream().map_or(spec.plan.n_items, StreamPositions::placed);
    let beyond = if order == DeliveryOrder::All { indices_from(fence, placed, &positions) } else { Vec::new() };
    let report = persistence.finish(end, callbacks.has_panicked());
    callbacks.rethrow();
    Ok(DeliveredRun { report: report?, beyond })
}

/// Looks up which items of a slice are finished, and leaves the others to be run. A stream is looked up as it comes.
fn divide<T, R, E>(
    spec: &mut RunSpec<'_>,
    persistence: &Persistence<'_, '_, T, R, E>,
    items: Option<&[T]>,
) -> Result<Vec<(usize, ItemResult<R, E>)>, Error> {
    let Some(items) = items else { return Ok(Vec::new()) };
    let Pending { todo, resumed } = persistence.divide(items)?;
    spec.restrict_to(todo, items.len());
    spec.bound_memory();
    Ok(resumed)
}

/// The indices of these positions, sorted.
fn indices_from(first: usize, end: usize, positions: &dyn PositionMap) -> Vec<usize> {
    let mut indices: Vec<usize> = (first..end).map(|position| positions.index_of(position)).collect();
    indices.sort_unstable();
    indices
}

/// The parts of a run whose results are delivered. [`turn`](RunLoop::turn) asks each of them once per report.
struct RunLoop<'r, 'k, 'a, T, R, E> {
    gatherer: Gatherer<'r, E>,
    delivery: Delivery<'r, R, E>,
    /// Reads the input, where that is a stream.
    reader: Option<InputReader<'r, 'k, T>>,
    persistence: &'r Persistence<'r, 'a, T, R, E>,
}

impl<T, R, E> RunLoop<'_, '_, '_, T, R, E> {
    /// Delivers what was finished before the run.
    fn resume(&mut self, resumed: Vec<(usize, ItemResult<R, E>)>) {
        self.gatherer.add_past(resumed.len());
        for (index, result) in resumed {
            self.deliver(|delivery| delivery.resume(index, result));
        }
    }

    /// One turn: takes a report from the backend, delivers its results, reads the input, and judges.
    fn turn(&mut self, mut report: ChunkReport<R, E>) -> Verdict {
        let retries = self.gatherer.accept(&mut report);
        if report.done > 0 {
            let fence = self.gatherer.fence();
            self.deliver(|delivery| delivery.deliver(report, &retries, fence));
            self.gatherer.show_progress();
        }
        if self.gatherer.wants_more() {
            self.read_input();
        }
        self.gatherer.verdict(self.delivery.oldest_position(), retries)
    }

    /// Delivers. After a panic of the caller's code results are written down all the same, where that is wanted.
    fn deliver(&mut self, step: impl FnOnce(&mut Delivery<'_, R, E>)) {
        let Self { gatherer, delivery, .. } = self;
        if gatherer.has_panicked() {
            delivery.stop_callbacks();
        }
        gatherer.run_delivery(|| step(delivery));
        if delivery.has_stopped_callbacks() {
            gatherer.stop();
        }
    }

    /// Reads the next items of a stream, and counts those that were finished before.
    fn read_input(&mut self) {
        let Self { gatherer, delivery, reader: Some(reader), persistence } = self else { return };
        reader.drop_finished(gatherer.take_completed());
        let before = delivery.resumed();
        let progress = gatherer.run_callback(|| fill(reader, persistence, delivery));
        let after = delivery.resumed();
        gatherer.count_past(after.resumed - before.resumed, Ending::Resumed);
        gatherer.count_past(after.done_before - before.done_before, Ending::Skipped);
        gatherer.note_input(progress);
        if delivery.has_stopped_callbacks() {
            gatherer.stop();
        }
    }

    /// Ends the run: delivers the rest and counts.
    fn finish(
        mut self,
        stats: Result<BackendStats, BackendError>,
        n_items: usize,
    ) -> (Result<RunEnd, Error<E>>, Callbacks) {
        let fence = self.gatherer.fence();
        self.deliver(|delivery| delivery.deliver_rest(fence));
        let n_inputs = self.reader.as_ref().map_or(n_items, InputReader::taken_in);
        let delivered = self.delivery.delivered();
        self.gatherer.finish_delivered(stats, &delivered, n_inputs)
    }
}

/// Reads the next items of a stream: each is looked up, and either gets a position or has its result delivered.
fn fill<T, R, E>(
    reader: &mut InputReader<'_, '_, T>,
    persistence: &Persistence<'_, '_, T, R, E>,
    delivery: &mut Delivery<'_, R, E>,
) -> InputProgress {
    let mut turn = reader.begin_turn();
    let wants_more = |reader: &InputReader<'_, '_, T>, delivery: &Delivery<'_, R, E>| {
        !delivery.has_stopped_callbacks() && reader.has_room(delivery.delivered().passed)
    };
    while wants_more(reader, delivery)
        && let Some((index, item)) = reader.next(&mut turn)
    {
        match persistence.look_up(index, &item) {
            Ok(None) => reader.place(&mut turn, index, item),
            Ok(Some(result)) => {
                reader.skip();
                delivery.resume(index, result);
            }
            Err(fault) => {
                persistence.note_fault(fault);
                reader.stop();
                break;
            }
        }
    }
    let has_room = wants_more(reader, delivery);
    reader.end_turn(turn, has_room)
}
