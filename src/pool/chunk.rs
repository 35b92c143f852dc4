//! One worker, one chunk: calls the task, catches panics, fills slots. Knows no mode: every backend runs this loop.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::outcome::Cause;
use crate::plan::ChunkRule;
use crate::pool::{Brief, Chunk, Claim, Miss, Output, Refusal};
use crate::sync::{AtomicUsize, Instant, Ordering};
use crate::task::Task;

/// Chunks up to this length are timed item by item, so that a failure knows how long its own item took.
const TIMED_BY_ITEM: usize = 32;

/// Makes a worker's state; a panic of its maker is a refusal like any other.
pub(crate) fn prepare<T, K: Task<T>>(task: &K) -> Result<K::State, Refusal> {
    match catch_unwind(AssertUnwindSafe(|| task.make_state())) {
        Ok(made) => made.map_err(Refusal::State),
        Err(payload) => Err(Refusal::State(format!("panicked: {}", put_away(payload)))),
    }
}

/// Drops a worker's state where it was made; a panic of its destructor ends in the call's error, not in a dead worker.
pub(crate) fn dismiss<S>(state: S) -> Result<(), Refusal> {
    catch_unwind(AssertUnwindSafe(|| drop(state)))
        .map_err(|payload| Refusal::State(format!("panicked while its state was dropped: {}", put_away(payload))))
}

/// Runs the claimed positions in order until the claim, the fence or a cancellation ends it.
///
/// `fence` is the first position that is not to be run any more; it only ever sinks.
pub(crate) fn run<T, K: Task<T>>(
    brief: &Brief<'_, T, K>,
    claim: Claim<'_, K::Output>,
    state: &mut K::State,
    fence: &AtomicUsize,
) -> Chunk<K::Output, K::Error> {
    let begun = Instant::now();
    let mut chunk =
        Chunk { first: claim.first, done: 0, values: Vec::new(), failures: Vec::new(), busy: Duration::ZERO };
    match claim.output {
        Output::Slots(slots) => run_into(&mut Slots { slots }, brief, claim.len, state, fence, &mut chunk, begun),
        Output::Carried => {
            let mut values = Vec::with_capacity(claim.len);
            run_into(&mut values, brief, claim.len, state, fence, &mut chunk, begun);
            chunk.values = values;
        }
    }
    chunk.busy = begun.elapsed();
    chunk
}

/// Where a value goes once it is made.
trait Store<R> {
    fn put(&mut self, offset: usize, value: R);
}

struct Slots<'out, R> {
    slots: &'out mut [MaybeUninit<R>],
}

impl<R> Store<R> for Slots<'_, R> {
    fn put(&mut self, offset: usize, value: R) {
        self.slots[offset].write(value);
    }
}

impl<R> Store<R> for Vec<R> {
    fn put(&mut self, _offset: usize, value: R) {
        self.push(value);
    }
}

fn run_into<T, K: Task<T>>(
    store: &mut impl Store<K::Output>,
    brief: &Brief<'_, T, K>,
    len: usize,
    state: &mut K::State,
    fence: &AtomicUsize,
    chunk: &mut Chunk<K::Output, K::Error>,
    begun: Instant,
) {
    let mut clock = Clock { by_item: len <= TIMED_BY_ITEM, since: begun };
    loop {
        // The state stays in use after a panic: it is the caller's business what a panic leaves in it.
        let stretch = || run_until_failure(store, brief, len, state, fence, chunk.first, &mut chunk.done, &mut clock);
        let cause = match catch_unwind(AssertUnwindSafe(stretch)) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Cause::Error(error),
            Err(payload) => Cause::Panic(put_away(payload)),
        };
        let position = chunk.first + chunk.done;
        chunk.failures.push(Miss { position, attempts: 1, elapsed: clock.since_item_began(chunk.done), cause });
        chunk.done += 1;
        clock.item_ended();
        if brief.plan.halt_on_failure {
            // What the gatherer will say, said at once, so that the others stop at their next item.
            // Relaxed: see `run_until_failure`.
            fence.fetch_min(position + 1, Ordering::Relaxed);
            return;
        }
    }
}

/// Runs positions until one fails, with `done` counting those that have their value.
#[expect(clippy::too_many_arguments, reason = "the loop's registers, named once")]
fn run_until_failure<T, K: Task<T>>(
    store: &mut impl Store<K::Output>,
    brief: &Brief<'_, T, K>,
    len: usize,
    state: &mut K::State,
    fence: &AtomicUsize,
    first: usize,
    done: &mut usize,
    clock: &mut Clock,
) -> Result<(), K::Error> {
    // Long chunks that the plan chose are of quick items: there a stop is looked for at every 16th of them.
    let is_quick = matches!(brief.plan.chunks, ChunkRule::Guided) && len > TIMED_BY_ITEM;
    let between_looks = if is_quick { 15 } else { 0 };
    let may_run = |offset: usize| {
        if offset & between_looks != 0 {
            return true;
        }
        // Relaxed: the fence hands over no data; a worker that sees it an item later runs one item in vain.
        first + offset < fence.load(Ordering::Relaxed) && !brief.cancel.is_cancelled()
    };
    let call = |item| brief.task.call(state, item);
    // Which of the two it is, is asked once here and not for each item.
    match &brief.plan.order {
        None => {
            let items = &brief.items[first..][..len];
            call_each(store, len, done, clock, may_run, |offset| &items[offset], call)
        }
        Some(order) => {
            let order = &order[first..][..len];
            call_each(store, len, done, clock, may_run, |offset| &brief.items[order[offset]], call)
        }
    }
}

/// The hot loop of every mode. What it calls is inlined, so that an item of a few nanoseconds stays one.
fn call_each<'a, T: 'a, R, E>(
    store: &mut impl Store<R>,
    len: usize,
    done: &mut usize,
    clock: &mut Clock,
    may_run: impl Fn(usize) -> bool,
    item_at: impl Fn(usize) -> &'a T,
    mut call: impl FnMut(&'a T) -> Result<R, E>,
) -> Result<(), E> {
    let mut count = Count { reached: *done, done };
    while count.reached < len && may_run(count.reached) {
        let value = call(item_at(count.reached))?;
        store.put(count.reached, value);
        count.reached += 1;
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
}

impl Clock {
    #[inline] // Called for each item, from code that is compiled in the caller's crate.
    fn item_ended(&mut self) {
        if self.by_item {
            self.since = Instant::now();
        }
    }

    /// The item's own time, or the mean of the chunk so far.
    fn since_item_began(&self, done: usize) -> Duration {
        let elapsed = self.since.elapsed();
        if self.by_item { elapsed } else { elapsed / u32::try_from(done + 1).unwrap_or(u32::MAX) }
    }
}

/// Drops a panic's payload and keeps its text. A payload may panic once more when it is dropped; then it is left alone.
pub(crate) fn put_away(payload: Box<dyn Any + Send>) -> String {
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
