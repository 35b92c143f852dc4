//! The loop over items that every backend shares: one worker runs one claim.
//!
//! It calls the function, catches panics, stores values, measures time, and checks the fence before items. It knows no
//! mode and no policy beyond its [`LoopOptions`]. Claims are left to the backends, failures to the gatherer.
//!
//! What the loop costs besides the function:
//!
//! | claim | clock | looks at fence and token |
//! |---|---|---|
//! | up to 32 items | one read per item | before each item |
//! | more than 32 items, guided, not traced | one read at each end of the claim | before every 16th item |
//! | more than 32 items of a fixed chunk size, not traced | one read at each end of the claim | before each item |
//! | traced | one read per item, and the CPU time of items of 10 µs or more | before each item |
//!
//! Panics are caught around a whole row of items, not around each: an item without a panic pays nothing for it, and
//! after a panic the loop goes on with the item behind it.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::backend::amounts;
use crate::backend::contract::{
    BackendError, ChunkReport, Claim, DropPanic, Dropped, Output, PositionFailure, RunContext,
};
use crate::backend::items::Items;
use crate::backend::plan::ChunkRule;
use crate::backend::task::Context;
use crate::failure::Cause;
use crate::panics::{OneByOne, drop_caught, into_message};
use crate::primitives::cancel::CancelToken;
use crate::progress::RunStatus;
use crate::record::{Timing, thread_cpu_time};
use crate::sync::{AtomicUsize, Instant, Ordering, ProcessMark, SystemTime};

/// Chunks up to this length are timed item by item, so that a failure knows how long its own item took.
const TIMED_BY_ITEM: usize = 32;

/// An item that took less than this counts as running on a core all the time.
const QUICK: Duration = Duration::from_micros(10);

/// Where items are traced, a worker reports the done part of a claim after this time. The rest may be slow although its
/// length was chosen when items were quick, and the journal need not wait for it.
const MAX_REPORT_INTERVAL: Duration = Duration::from_millis(50);

/// Makes a worker's state. A panic of the function that makes it is an error, like an error that it returns.
///
/// # Errors
/// [`BackendError::State`] with the error's text, or with `panicked: ` and the panic's message.
pub(crate) fn make_state<C: Context>(context: &C) -> Result<C::State, BackendError> {
    catch_state(|| context.make_state())
}

/// Runs a function that makes a worker's state, and turns its panic into an error.
pub(crate) fn catch_state<S>(make: impl FnOnce() -> Result<S, String>) -> Result<S, BackendError> {
    match catch_unwind(AssertUnwindSafe(make)) {
        Ok(made) => made.map_err(BackendError::State),
        Err(payload) => Err(BackendError::State(format!("panicked: {}", into_message(payload)))),
    }
}

/// Drops a worker's state on the thread that made it. Returns the panic of its destructor, which becomes a warning: all
/// items of the worker have their results by then.
pub(crate) fn drop_state<S>(state: S) -> Option<DropPanic> {
    drop_caught(state).err().map(|message| DropPanic { dropped: Dropped::State, message })
}

/// How the loop runs claims. The same for all claims of a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoopOptions<'o> {
    /// The index at each position, where the order of work differs from the order of the input.
    pub(crate) order: Option<&'o [usize]>,
    /// Whether the first failure ends the claim and lowers the fence.
    pub(crate) halts_on_failure: bool,
    /// Whether each item's time and amounts are reported.
    pub(crate) traces: bool,
    /// Whether the plan chose the length of the claim by measured item time: a long claim then has quick items.
    pub(crate) has_guided_chunks: bool,
    pub(crate) cancel: &'o CancelToken,
    /// The first position that must not run any more. It only falls.
    pub(crate) fence: &'o AtomicUsize,
    /// Where the items in hand are recorded, if progress shows them.
    pub(crate) status: Option<&'o RunStatus>,
    /// The process of the call. A child that an item forked runs no other item of it.
    pub(crate) process: ProcessMark,
}

impl<'o> LoopOptions<'o> {
    /// The options of a run with this fence.
    pub(crate) fn new<T, K>(context: &'o RunContext<'_, T, K>, fence: &'o AtomicUsize) -> Self {
        Self {
            order: context.plan.order.as_deref(),
            halts_on_failure: context.plan.halt_on_failure,
            traces: context.plan.traces,
            has_guided_chunks: matches!(context.plan.chunks, ChunkRule::Guided),
            cancel: context.cancel,
            fence,
            status: context.status,
            process: context.process,
        }
    }

    fn index_of(&self, position: usize) -> usize {
        self.order.map_or(position, |order| order[position])
    }
}

/// Runs the claimed positions in order until the claim, the fence or a cancellation ends it, or [`MAX_REPORT_INTERVAL`]
/// has passed. Only in the last case the claim keeps a rest, to be run next.
///
/// Worked case: a claim of positions 40..48 whose item 43 fails. Values go to the slots of 40 to 42, position 43
/// becomes an entry of `failures`, and 44 to 47 run as well, so the report has `done` 8. If the first failure ends the
/// run, the fence falls to 44, the report has `done` 4, and the slots of 43 to 47 stay unwritten.
///
/// The run never unwinds because of an item. Cost: a list of values of the claim's length where results travel, one of
/// timings where items are traced, and one of attempts for a retry; nothing otherwise.
pub(crate) fn run<T, R, E>(
    items: Items<'_, T>,
    claim: &mut Claim<'_, R>,
    options: &LoopOptions<'_>,
    mut call: impl FnMut(&T) -> Result<R, E>,
) -> ChunkReport<R, E> {
    let in_flight = options.status.map(|status| (status, status.begin(options.index_of(claim.first), claim.len)));
    let started = Instant::now();
    let mut chunk = ChunkReport::at(claim.first);
    let mut clock = Clock::new(options.traces, claim.len, started);
    let span = Span { items, len: claim.len, attempt: claim.attempt, options };
    match &mut claim.output {
        Output::Slots(slots) => run_into(&mut SlotStore { slots }, &span, &mut call, &mut chunk, &mut clock),
        Output::InReports => {
            let mut values = OneByOne::from(Vec::with_capacity(claim.len));
            run_into(&mut *values, &span, &mut call, &mut chunk, &mut clock);
            chunk.values = values;
        }
    }
    if claim.attempt > 1 {
        chunk.tried = (claim.first..claim.first + chunk.done).map(|position| (position, claim.attempt)).collect();
    }
    options.process.assert_current();
    let left = if clock.is_report_due { claim.len - chunk.done } else { 0 };
    claim.shorten_to(left);
    chunk.timings = clock.timings.unwrap_or_default();
    chunk.busy = started.elapsed();
    if let Some((status, guard)) = in_flight {
        status.end(guard);
    }
    chunk
}

/// The constants of a claim.
struct Span<'s, T> {
    items: Items<'s, T>,
    len: usize,
    attempt: u32,
    options: &'s LoopOptions<'s>,
}

/// Where values are stored: in slots of the output, or in the report.
///
/// Two stores, chosen once per claim, so that the loop over its items has no branch for it.
trait ResultStore<R> {
    /// Calls a function for each item and stores the values from offset `reached` on. `reached` counts the stored
    /// values, also when the function fails or panics.
    fn fill<'a, T: 'a, E>(
        &mut self,
        reached: &mut usize,
        items: impl Iterator<Item = &'a T>,
        call: &mut impl FnMut(&T) -> Result<R, E>,
    ) -> Result<(), E>;
}

struct SlotStore<'out, R> {
    slots: &'out mut [MaybeUninit<R>],
}

impl<R> ResultStore<R> for SlotStore<'_, R> {
    #[inline] // The innermost loop of quick items: no index is checked in it.
    fn fill<'a, T: 'a, E>(
        &mut self,
        reached: &mut usize,
        items: impl Iterator<Item = &'a T>,
        call: &mut impl FnMut(&T) -> Result<R, E>,
    ) -> Result<(), E> {
        for (slot, item) in self.slots[*reached..].iter_mut().zip(items) {
            slot.write(call(item)?);
            *reached += 1;
        }
        Ok(())
    }
}

impl<R> ResultStore<R> for Vec<R> {
    #[inline]
    fn fill<'a, T: 'a, E>(
        &mut self,
        reached: &mut usize,
        items: impl Iterator<Item = &'a T>,
        call: &mut impl FnMut(&T) -> Result<R, E>,
    ) -> Result<(), E> {
        for item in items {
            self.push(call(item)?);
            *reached += 1;
        }
        Ok(())
    }
}

/// Each round runs until an item fails. `done` then is the offset of the failed item, because [`Count`] writes it back
/// also when the stack unwinds. A claim in which each item panics therefore costs one unwinding per item.
fn run_into<T, R, E>(
    store: &mut impl ResultStore<R>,
    span: &Span<'_, T>,
    call: &mut impl FnMut(&T) -> Result<R, E>,
    chunk: &mut ChunkReport<R, E>,
    clock: &mut Clock,
) {
    loop {
        // The state stays in use after a panic. What a panic leaves in it is the responsibility of the caller's function.
        let run = || run_until_failure(store, span, call, chunk.first, &mut chunk.done, clock);
        let cause = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Cause::Error(error),
            Err(payload) => Cause::Panic(into_message(payload)),
        };
        let position = chunk.first + chunk.done;
        let elapsed = clock.item_time(chunk.done);
        chunk.failures.push(PositionFailure { position, attempts: span.attempt, elapsed, cause });
        chunk.done += 1;
        clock.item_ended();
        if span.options.halts_on_failure {
            // The gatherer will give the same verdict. Applied here, it stops other workers at their next item.
            // Relaxed: see `run_until_failure`.
            span.options.fence.fetch_min(position + 1, Ordering::Relaxed);
            return;
        }
    }
}

/// Runs positions until one fails, with `done` counting those that have their value.
///
/// Items of a stream are looked up in adjacent parts: a claim that spans two blocks of the buffer takes two look-ups. A
/// stop ends the walk, and the rest of the claim is not looked up.
fn run_until_failure<T, R, E>(
    store: &mut impl ResultStore<R>,
    span: &Span<'_, T>,
    call: &mut impl FnMut(&T) -> Result<R, E>,
    first: usize,
    done: &mut usize,
    clock: &mut Clock,
) -> Result<(), E> {
    let &Span { items, len, options, .. } = span;
    // Long chunks that the plan chose have quick items, so the loop checks for a stop at every 16th item. Where it
    // reads a clock for each item anyway, it checks at each.
    let is_quick = options.has_guided_chunks && len > TIMED_BY_ITEM;
    let stride = if is_quick && !clock.by_item { 16 } else { 1 };
    let may_run = |offset: usize| {
        // Relaxed: the fence publishes no data. A worker that sees it late runs one item in vain.
        first + offset < options.fence.load(Ordering::Relaxed)
            && !options.cancel.is_cancelled()
            && !options.process.is_seen_forked()
    };
    // The kind of items is matched here once, not for each item.
    match (items, options.order) {
        (Items::Slice(items), None) => {
            let items = &items[first..][..len];
            call_each(store, (len, stride), done, clock, may_run, |offsets| items[offsets].iter(), call)
        }
        (Items::Slice(items), Some(order)) => {
            let order = &order[first..][..len];
            let items_at = |offsets: Range<usize>| order[offsets].iter().map(|&index| &items[index]);
            call_each(store, (len, stride), done, clock, may_run, items_at, call)
        }
        (Items::Stream(buffer), _) => {
            let (mut result, mut is_stopped) = (Ok(()), false);
            while *done < len && !is_stopped {
                let start = *done;
                buffer.look_up(first + start, len - start, &mut |items| {
                    let end = start + items.len();
                    let items_at = |offsets: Range<usize>| items[offsets.start - start..offsets.end - start].iter();
                    result = call_each(store, (end, stride), done, clock, may_run, items_at, call);
                    is_stopped = *done < end;
                });
            }
            result
        }
    }
}

/// The hot loop of every mode. It checks for a stop after each `stride` of items. Its callees are inlined, so that the
/// loop adds little to an item of a few nanoseconds.
fn call_each<'a, T: 'a, R, E, I: Iterator<Item = &'a T>>(
    store: &mut impl ResultStore<R>,
    (len, stride): (usize, usize),
    done: &mut usize,
    clock: &mut Clock,
    may_run: impl Fn(usize) -> bool,
    items_at: impl Fn(Range<usize>) -> I,
    call: &mut impl FnMut(&T) -> Result<R, E>,
) -> Result<(), E> {
    let mut count = Count { reached: *done, done };
    while count.reached < len && !clock.is_report_due && may_run(count.reached) {
        let until = len.min(count.reached + stride);
        let items = items_at(count.reached..until);
        store.fill(&mut count.reached, items, call)?;
        clock.item_ended();
    }
    Ok(())
}

/// A count in a register. It is written to `done` when the loop ends, also by a panic.
struct Count<'a> {
    reached: usize,
    done: &'a mut usize,
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        *self.done = self.reached;
    }
}

/// Measures items: each one in short or traced claims, only the chunk as a whole in long claims of quick items.
struct Clock {
    /// Whether each item is measured.
    by_item: bool,
    /// The start of the running item, or of the chunk when items are not measured.
    since: Instant,
    /// One for each item that has ended, where items are traced.
    timings: Option<Vec<Timing>>,
    /// The time of day and the clock at the start of the chunk.
    started: (SystemTime, Instant),
    /// The CPU time of the thread when the last item ended.
    cpu: Option<Duration>,
    /// Whether the done items must be reported now.
    is_report_due: bool,
}

impl Clock {
    fn new(traces: bool, len: usize, started: Instant) -> Self {
        Self {
            by_item: traces || len <= TIMED_BY_ITEM,
            since: started,
            timings: traces.then(|| Vec::with_capacity(len)),
            started: (if traces { SystemTime::now() } else { SystemTime::UNIX_EPOCH }, started),
            cpu: if traces { thread_cpu_time() } else { None },
            is_report_due: false,
        }
    }

    #[inline] // Called for each item, from code that is compiled in the caller's crate.
    fn item_ended(&mut self) {
        if self.by_item {
            let now = Instant::now();
            if self.timings.is_some() {
                self.record(now);
                self.is_report_due = now.duration_since(self.started.1) >= MAX_REPORT_INTERVAL;
            }
            self.since = now;
        }
    }

    /// Records the timing and the amounts of the item that ended at `now`.
    fn record(&mut self, now: Instant) {
        let elapsed = now.duration_since(self.since);
        // The clock of CPU time is a system call, which costs more than a quick item. A quick item is rarely interrupted.
        let is_quick = elapsed < QUICK;
        let cpu = if is_quick { self.cpu.map(|before| before + elapsed) } else { thread_cpu_time() };
        let timing = Timing {
            started: self.started.0 + self.since.duration_since(self.started.1),
            elapsed,
            cpu: cpu.zip(self.cpu).map(|(now, before)| now.saturating_sub(before)),
            amounts: amounts::take(),
        };
        self.cpu = cpu;
        self.timings.get_or_insert_default().push(timing);
    }

    /// The time of the running item, or the mean time of the chunk's items.
    ///
    /// For a failure's `elapsed`. In a long claim that is not timed by item it is an estimate.
    fn item_time(&self, done: usize) -> Duration {
        let elapsed = self.since.elapsed();
        if self.by_item { elapsed } else { elapsed / u32::try_from(done + 1).unwrap_or(u32::MAX) }
    }
}
