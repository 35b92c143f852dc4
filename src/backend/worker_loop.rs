//! One worker, one chunk: calls the task, catches panics, fills slots. Knows no mode: every backend runs this loop.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::backend::amounts;
use crate::backend::items::Items;
use crate::backend::plan::ChunkRule;
use crate::backend::task::Task;
use crate::backend::{BackendError, ChunkReport, Claim, Output, PositionFailure, RunContext};
use crate::outcome::Cause;
use crate::record::{Timing, thread_cpu_time};
use crate::sync::{AtomicUsize, Instant, Ordering, SystemTime};

/// Chunks up to this length are timed item by item, so that a failure knows how long its own item took.
const TIMED_BY_ITEM: usize = 32;

/// An item that took less than this is taken to have been on a core all the time.
const QUICK: Duration = Duration::from_micros(10);

/// Where items are traced, what is done of a claim is reported when it has taken this long: whoever writes it down is not to wait
/// for the rest, which may be slow though the claim was made long when items were quick.
const MAX_REPORT_INTERVAL: Duration = Duration::from_millis(50);

/// Makes a worker's state; a panic of its maker is a refusal like any other.
pub(crate) fn make_state<T, K: Task<T>>(task: &K) -> Result<K::State, BackendError> {
    match catch_unwind(AssertUnwindSafe(|| task.make_state())) {
        Ok(made) => made.map_err(BackendError::State),
        Err(payload) => Err(BackendError::State(format!("panicked: {}", into_message(payload)))),
    }
}

/// Drops a worker's state where it was made; a panic of its destructor ends in the call's error, not in a dead worker.
pub(crate) fn drop_state<S>(state: S) -> Result<(), BackendError> {
    catch_unwind(AssertUnwindSafe(|| drop(state))).map_err(|payload| {
        BackendError::State(format!("panicked while its state was dropped: {}", into_message(payload)))
    })
}

/// Runs the claimed positions in order until the claim, the fence or a cancellation ends it, or [`MAX_REPORT_INTERVAL`] has passed. In the last
/// case alone something is left of the claim, to be run next.
///
/// `fence` is the first position that is not to be run any more; it only ever sinks.
pub(crate) fn run<T, K: Task<T>>(
    context: &RunContext<'_, T, K>,
    claim: &mut Claim<'_, K::Output>,
    state: &mut K::State,
    fence: &AtomicUsize,
) -> ChunkReport<K::Output, K::Error> {
    let hold = context.watch.map(|watch| (watch, watch.begin(context.plan.index_of(claim.first), claim.len)));
    let begun = Instant::now();
    let mut chunk = ChunkReport::at(claim.first);
    let mut clock = Clock::new(context.plan.traces, claim.len, begun);
    let span = Span { len: claim.len, attempt: claim.attempt, fence };
    match &mut claim.output {
        Output::Slots(slots) => run_into(&mut SlotStore { slots }, context, &span, state, &mut chunk, &mut clock),
        Output::InReports => {
            let mut values = Vec::with_capacity(claim.len);
            run_into(&mut values, context, &span, state, &mut chunk, &mut clock);
            chunk.values = values;
        }
    }
    if claim.attempt > 1 {
        chunk.tried = (claim.first..claim.first + chunk.done).map(|position| (position, claim.attempt)).collect();
    }
    let left = if clock.is_part_done { claim.len - chunk.done } else { 0 };
    claim.shorten_to(left);
    chunk.timings = clock.timings.unwrap_or_default();
    chunk.busy = begun.elapsed();
    if let Some((watch, hold)) = hold {
        watch.end(hold);
    }
    chunk
}

/// What is the same for all positions of a claim.
struct Span<'f> {
    len: usize,
    attempt: u32,
    /// The first position that is not to be run any more.
    fence: &'f AtomicUsize,
}

/// Where a value goes once it is made.
trait ResultStore<R> {
    fn put(&mut self, offset: usize, value: R);
}

struct SlotStore<'out, R> {
    slots: &'out mut [MaybeUninit<R>],
}

impl<R> ResultStore<R> for SlotStore<'_, R> {
    fn put(&mut self, offset: usize, value: R) {
        self.slots[offset].write(value);
    }
}

impl<R> ResultStore<R> for Vec<R> {
    fn put(&mut self, _offset: usize, value: R) {
        self.push(value);
    }
}

fn run_into<T, K: Task<T>>(
    store: &mut impl ResultStore<K::Output>,
    context: &RunContext<'_, T, K>,
    span: &Span<'_>,
    state: &mut K::State,
    chunk: &mut ChunkReport<K::Output, K::Error>,
    clock: &mut Clock,
) {
    loop {
        // The state stays in use after a panic: it is the caller's business what a panic leaves in it.
        let run = || run_until_failure(store, context, span, state, chunk.first, &mut chunk.done, clock);
        let cause = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Cause::Error(error),
            Err(payload) => Cause::Panic(into_message(payload)),
        };
        let position = chunk.first + chunk.done;
        let elapsed = clock.since_item_began(chunk.done);
        chunk.failures.push(PositionFailure { position, attempts: span.attempt, elapsed, cause });
        chunk.done += 1;
        clock.item_ended();
        if context.plan.halt_on_failure {
            // What the gatherer will say, said at once, so that the others stop at their next item.
            // Relaxed: see `run_until_failure`.
            span.fence.fetch_min(position + 1, Ordering::Relaxed);
            return;
        }
    }
}

/// Runs positions until one fails, with `done` counting those that have their value.
fn run_until_failure<T, K: Task<T>>(
    store: &mut impl ResultStore<K::Output>,
    context: &RunContext<'_, T, K>,
    span: &Span<'_>,
    state: &mut K::State,
    first: usize,
    done: &mut usize,
    clock: &mut Clock,
) -> Result<(), K::Error> {
    let &Span { len, fence, .. } = span;
    // Long chunks that the plan chose are of quick items: there a stop is looked for at every 16th of them, and at each where a clock
    // is read for each anyway.
    let is_quick = matches!(context.plan.chunks, ChunkRule::Guided) && len > TIMED_BY_ITEM;
    let stride = if is_quick && !clock.by_item { 16 } else { 1 };
    let may_run = |offset: usize| {
        // Relaxed: the fence hands over no data; a worker that sees it an item later runs one item in vain.
        first + offset < fence.load(Ordering::Relaxed) && !context.cancel.is_cancelled()
    };
    let mut call = |item: &T| context.task.call(state, item);
    // Which of them it is, is asked once here and not for each item.
    match (context.items, &context.plan.order) {
        (Items::Slice(items), None) => {
            let items = &items[first..][..len];
            call_each(store, (len, stride), done, clock, may_run, |offset| &items[offset], &mut call)
        }
        (Items::Slice(items), Some(order)) => {
            let order = &order[first..][..len];
            call_each(store, (len, stride), done, clock, may_run, |offset| &items[order[offset]], &mut call)
        }
        (Items::Stream(stock), _) => {
            let (mut result, mut is_stopped) = (Ok(()), false);
            while *done < len && !is_stopped {
                let begun = *done;
                stock.lend(first + begun, len - begun, &mut |items| {
                    let end = begun + items.len();
                    result = call_each(
                        store,
                        (end, stride),
                        done,
                        clock,
                        may_run,
                        |offset| &items[offset - begun],
                        &mut call,
                    );
                    is_stopped = *done < end;
                });
            }
            result
        }
    }
}

/// The hot loop of every mode: after each `stride` of items it looks whether it may go on. What it calls is inlined, so that an item
/// of a few nanoseconds stays one.
fn call_each<'a, T: 'a, R, E>(
    store: &mut impl ResultStore<R>,
    (len, stride): (usize, usize),
    done: &mut usize,
    clock: &mut Clock,
    may_run: impl Fn(usize) -> bool,
    item_at: impl Fn(usize) -> &'a T,
    mut call: impl FnMut(&'a T) -> Result<R, E>,
) -> Result<(), E> {
    let mut count = Count { reached: *done, done };
    while count.reached < len && !clock.is_part_done && may_run(count.reached) {
        let until = len.min(count.reached + stride);
        while count.reached < until {
            let value = call(item_at(count.reached))?;
            store.put(count.reached, value);
            count.reached += 1;
        }
        clock.item_ended();
    }
    Ok(())
}

/// Counts in a register, and writes the count down however the loop is left, also by a panic.
struct Count<'a> {
    reached: usize,
    done: &'a mut usize,
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        *self.done = self.reached;
    }
}

/// Tells how long the item in hand took, without reading a clock around each of many quick items.
struct Clock {
    by_item: bool,
    since: Instant,
    /// Of each item that has ended, where that is wanted.
    timings: Option<Vec<Timing>>,
    /// The time of day at which the chunk began, and the clock then.
    begun: (SystemTime, Instant),
    /// What the thread had spent on a core when the last item ended.
    cpu: Option<Duration>,
    /// Whether what is done is to be reported now.
    is_part_done: bool,
}

impl Clock {
    fn new(traces: bool, len: usize, begun: Instant) -> Self {
        Self {
            by_item: traces || len <= TIMED_BY_ITEM,
            since: begun,
            timings: traces.then(|| Vec::with_capacity(len)),
            begun: (if traces { SystemTime::now() } else { SystemTime::UNIX_EPOCH }, begun),
            cpu: if traces { thread_cpu_time() } else { None },
            is_part_done: false,
        }
    }

    #[inline] // Called for each item, from code that is compiled in the caller's crate.
    fn item_ended(&mut self) {
        if self.by_item {
            let now = Instant::now();
            if self.timings.is_some() {
                self.note(now);
                self.is_part_done = now.duration_since(self.begun.1) >= MAX_REPORT_INTERVAL;
            }
            self.since = now;
        }
    }

    fn note(&mut self, now: Instant) {
        let elapsed = now.duration_since(self.since);
        // A system call costs more than a quick item does, and hardly any of those is long enough to be interrupted.
        let is_quick = elapsed < QUICK;
        let cpu = if is_quick { self.cpu.map(|before| before + elapsed) } else { thread_cpu_time() };
        let timing = Timing {
            started: self.begun.0 + self.since.duration_since(self.begun.1),
            elapsed,
            cpu: cpu.zip(self.cpu).map(|(now, before)| now.saturating_sub(before)),
            amounts: amounts::take(),
        };
        self.cpu = cpu;
        self.timings.get_or_insert_default().push(timing);
    }

    /// The item's own time, or the mean of the chunk so far.
    fn since_item_began(&self, done: usize) -> Duration {
        let elapsed = self.since.elapsed();
        if self.by_item { elapsed } else { elapsed / u32::try_from(done + 1).unwrap_or(u32::MAX) }
    }
}

/// Drops a panic's payload and keeps its text. A payload may panic once more when it is dropped; then it is left alone.
pub(crate) fn into_message(payload: Box<dyn Any + Send>) -> String {
    let message = panic_message(&*payload);
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    message
}

/// The text of a panic. Payloads that are no text have none.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
