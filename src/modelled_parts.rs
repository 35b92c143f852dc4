//! Doors to the private parts, for models alone: compiled only when a model checker stands in for the real parts.
//!
//! They promise to add nothing: a call made here takes the way of [`Work::run`](crate::Work::run), but in a pool of its
//! own that ends with the model, and with the plan written out instead of read from the config and the machine.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::backend::contract::{ChunkReport, Output, RunContext, ThreadBudget, Verdict};
use crate::backend::items::Items;
use crate::backend::plan::{ChunkRule, MemoryBudget, Plan};
use crate::backend::task::{NoContext, TryInit, TryMapFn, WorkerState};
use crate::backend::{thread_pool, threads};
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::failure::{ErrorSources, ItemFailure};
use crate::outcome::Outcome;
use crate::primitives::cancel::CancelToken;
use crate::primitives::lock::RwLock;
use crate::run::delivery::{Delivery, Origin};
use crate::run::end::RunReport;
use crate::run::gatherer::Gatherer;
use crate::run::observer::Observer;
use crate::run::positions::SlicePositions;
use crate::run::retry::Retry;
use crate::run::slots::Slots;
use crate::run::source::{self, Demand, ItemSource};
use crate::run::tolerance::Tolerance;
use crate::stream::{JobHandle, Results};
use crate::sync::{ProcessMark, StackSize};
use crate::tally::Tally;

/// The number of writers of a lock that have announced themselves, and whether readers wait in its line.
pub fn announced<T>(lock: &RwLock<T>) -> (u64, bool) {
    lock.announced()
}

/// The pool of kept threads.
#[derive(Debug)]
pub struct Pool(thread_pool::Pool);

/// A call in progress.
#[derive(Debug)]
pub struct Scope<'call>(&'call thread_pool::Scope<'call>);

impl Pool {
    /// A pool without threads.
    #[expect(clippy::new_without_default, reason = "the pool has none either")]
    pub fn new() -> Self {
        Self(thread_pool::Pool::new("model", StackSize::Usual))
    }

    /// The pool's own `scope`.
    pub fn scope<A>(&self, work: &(dyn Fn() + Sync), body: impl FnOnce(&Scope<'_>) -> A) -> A {
        self.0.scope(work, |scope| body(&Scope(scope)))
    }

    /// The threads that are alive.
    pub fn threads(&self) -> usize {
        self.0.threads()
    }

    /// The slots that wait for a thread to become free.
    pub fn queued(&self) -> usize {
        self.0.queued()
    }
}

impl Scope<'_> {
    /// The scope's own `request_helpers`.
    pub fn request_helpers(&self, slots: usize, budget: usize) -> usize {
        self.0.request_helpers(slots, thread_pool::ThreadLimit::TopLevel(budget))
    }

    /// The scope's own `force_helper`.
    pub fn force_helper(&self) -> usize {
        self.0.force_helper()
    }
}

/// Runs something as if it were an item of a call: calls made in it are nested.
pub fn as_an_item<A>(work: impl FnOnce() -> A) -> A {
    thread_pool::in_worker(work)
}

/// The plan of one call over the items 0, 1, 2 ...
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// How many items.
    pub n_items: usize,
    /// How many workers.
    pub workers: usize,
    /// Items in a chunk.
    pub chunk: usize,
    /// How far ahead of the oldest unfinished item work may be claimed.
    pub window: usize,
    /// The number of failures that end the call.
    pub failure_limit: Option<usize>,
    /// How many items may be in hand at a time, for a budget of which each needs 1.
    pub budget: Option<u64>,
    /// How often a failed item is tried again, at once, where results are delivered.
    pub retries: u32,
}

impl Call {
    /// Runs `work` over the items, on workers that each come through `begin` first, and shows which items each report
    /// says are done.
    ///
    /// # Errors
    /// What `begin` said when it refused.
    pub fn run(
        &self,
        pool: &Pool,
        cancel: &CancelToken,
        begin: impl Fn() -> Result<(), &'static str> + Sync,
        work: impl Fn(usize) -> Result<usize, &'static str> + Sync,
        mut on_report: impl FnMut(Range<usize>),
    ) -> Result<Outcome<usize, &'static str>, Error<&'static str>> {
        let items: Vec<usize> = (0..self.n_items).collect();
        let plan = self.plan();
        let task = TryMapFn {
            function: |_: &mut (), &item: &usize| work(item),
            context: WorkerState { context: NoContext, init: TryInit(begin) },
        };
        let config = Arc::<ParallelConfig>::default();
        let context = context(&items, &task, &plan, cancel, &config);
        let mut slots = Slots::new(self.n_items).expect("a model has few items");
        let positions = SlicePositions { items: &items, plan: &plan, is_ascending: false, key: None };
        let tolerance = Tolerance::new(self.failure_limit);
        let mut gatherer = Gatherer::new(&plan, cancel, tolerance, Observer::default(), &positions);
        let output = Output::Slots(slots.unwritten());
        let stats = threads::run_in(&pool.0, plan.workers, &context, output, &mut |report| {
            on_report(report.first..report.first + report.done);
            gatherer.take(report)
        });
        match stats {
            // SAFETY: the backend got these slots, and when it returns, nothing that it started is alive.
            Ok(stats) => Ok(unsafe { gatherer.finish(stats, slots) }),
            Err(error) => {
                // SAFETY: as above.
                unsafe { gatherer.discard(slots) };
                Err(error.into_error())
            }
        }
    }

    /// Runs `work` over the items, tries failed items again, and delivers each result, in no certain order.
    ///
    /// # Errors
    /// None: there is no worker state that could fail.
    pub fn deliver(
        &self,
        pool: &Pool,
        work: impl Fn(usize) -> Result<usize, &'static str> + Sync,
        hand: &mut Hand<'_>,
    ) -> Driven {
        let items: Vec<usize> = (0..self.n_items).collect();
        let (plan, cancel) = (self.plan(), CancelToken::new());
        let task = TryMapFn { function: |&item: &usize| work(item), context: NoContext };
        let config = Arc::<ParallelConfig>::default();
        let context = context(&items, &task, &plan, &cancel, &config);
        let positions = SlicePositions { items: &items, plan: &plan, is_ascending: true, key: None };
        let mut callback = |index, result, _: Origin| hand(index, result);
        let mut delivery = Delivery::new(&positions, ErrorSources::default(), None, &mut callback, false);
        let retry = Retry::times(self.retries).backoff(Duration::ZERO);
        let tolerance = Tolerance::new(self.failure_limit);
        let gatherer = Gatherer::new(&plan, &cancel, tolerance, Observer::default(), &positions);
        let mut gatherer = gatherer.retrying(Some(&retry));
        let stats = threads::run_in(&pool.0, plan.workers, &context, Output::InReports, &mut |report| {
            turn(&mut gatherer, &mut delivery, report)
        });
        let fence = gatherer.fence();
        gatherer.run_delivery(|| delivery.deliver_rest(fence));
        let (end, result, mut callbacks) = gatherer.finish_delivered(stats, &delivery.delivered(), self.n_items);
        callbacks.rethrow();
        result.map(|()| end.tally)
    }

    fn plan(&self) -> Plan {
        Plan {
            n_items: self.n_items,
            workers: positive(self.workers),
            chunks: ChunkRule::Fixed(positive(self.chunk)),
            order: None,
            window: self.window,
            arrived: usize::MAX,
            may_retry: self.retries > 0,
            serial_sample: 0,
            traces: false,
            memory: self.budget.map(|budget| MemoryBudget { budget, costs: vec![1; self.n_items] }),
            halt_on_failure: self.failure_limit == Some(1),
            serial_below: Duration::ZERO,
        }
    }
}

/// What the backend gets to know of a call.
fn context<'a, K>(
    items: &'a [usize],
    task: &'a K,
    plan: &'a Plan,
    cancel: &'a CancelToken,
    config: &'a Arc<ParallelConfig>,
) -> RunContext<'a, usize, K> {
    let budget = ThreadBudget { computing: plan.workers, waiting: plan.workers };
    RunContext {
        items: Items::Slice(items),
        task,
        plan,
        cancel,
        budget,
        config,
        process: ProcessMark::current(),
        status: None,
    }
}

/// One turn of a call over a slice that delivers its results and keeps none: the order is that of `run::RunLoop::turn`.
///
/// Kept by hand in step with the real loop: a model of another order would prove nothing about the crate.
fn turn(
    gatherer: &mut Gatherer<'_, &'static str>,
    delivery: &mut Delivery<'_, usize, &'static str>,
    mut report: ChunkReport<usize, &'static str>,
) -> Verdict {
    let retries = gatherer.accept(&mut report);
    if report.done > 0 {
        let fence = gatherer.fence();
        gatherer.run_delivery(|| delivery.deliver(report, &retries, fence));
        if delivery.has_stopped_callbacks() {
            gatherer.stop();
        }
    }
    gatherer.verdict(delivery.oldest_position(), retries)
}

/// What a drive of the model calls with each result.
pub type Hand<'h> = dyn FnMut(usize, Result<usize, ItemFailure<&'static str>>) -> ControlFlow<()> + 'h;

/// What a drive of the model ends with.
pub type Driven = Result<Tally, Error<&'static str>>;

/// The results of a drive, with at most `capacity` of them on their way.
pub fn results(
    capacity: usize,
    cancel: &CancelToken,
    drive: impl FnOnce(&mut Hand<'_>) -> Driven + Send + 'static,
) -> Results<usize, &'static str> {
    Results::start_bare(positive(capacity), cancel.clone(), |hand| ended(drive(hand)))
}

/// The future of a drive, with at most `capacity` results on their way.
pub fn running(
    capacity: usize,
    cancel: &CancelToken,
    drive: impl FnOnce(&mut Hand<'_>) -> Driven + Send + 'static,
) -> JobHandle<usize, &'static str> {
    JobHandle::start_bare(positive(capacity), cancel.clone(), |hand| ended(drive(hand)))
}

fn ended(driven: Driven) -> Result<RunReport, Error<&'static str>> {
    Ok(RunReport { tally: driven?, ..RunReport::default() })
}

fn positive(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("a model counts from 1")
}

/// An iterator that one thread reads for another.
pub struct Source<T: Send>(source::Source<'static, T>);

impl<T: Send> Source<T> {
    /// An iterator that a reading thread is about to read, or that the calling thread reads.
    pub fn new(iterator: impl Iterator<Item = T> + Send + 'static, is_served: bool) -> Self {
        let source = source::Source::new(iterator);
        source.set_served(is_served);
        Self(source)
    }

    /// What the reading thread does.
    pub fn read(&self) {
        self.0.read();
    }

    /// Says whether a reading thread reads the iterator.
    pub fn set_served(&self, is_served: bool) {
        self.0.set_served(is_served);
    }

    /// Takes what is there, and allows so many items to be read. Waits for an item where it is told to: time stands still,
    /// so an item or the end must come. Gives whether all items were taken.
    pub fn take(&self, limit: usize, waits: bool, items: &mut VecDeque<T>) -> bool {
        let wait = if waits { Duration::from_millis(1) } else { Duration::ZERO };
        self.0.take(Demand { limit, window: 4, wait }, items)
    }

    /// What a run does at its end: gives how many items were read, those that were not taken, and drops the iterator unless
    /// it is being called.
    pub fn end(&self) -> (usize, VecDeque<T>) {
        let rest = self.0.close();
        self.0.drop_iterator().expect("no iterator of a model breaks");
        rest
    }
}

impl<T: Send> fmt::Debug for Source<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// The frames on their way to a worker process, as both sides see them.
#[cfg(feature = "processes")]
#[derive(Debug, Default)]
pub struct Frames(crate::backend::process::wire::status_page::Frames);

#[cfg(feature = "processes")]
impl Frames {
    /// The caller sends a frame.
    pub fn send(&self, number: u32) {
        self.0.send(number);
    }

    /// The worker begins it.
    pub fn begin(&self, number: u32) -> bool {
        self.0.begin(number)
    }

    /// The caller takes it back.
    pub fn take_back(&self, number: u32) -> bool {
        self.0.take_back(number)
    }
}

/// The page that tells what a worker process has in hand, and which slots are in use.
#[cfg(feature = "processes")]
#[derive(Debug, Default)]
pub struct StatusPage(crate::backend::process::wire::status_page::StatusPage);

#[cfg(feature = "processes")]
impl StatusPage {
    /// The worker begins an item.
    pub fn begin(&self, position: usize, now: u64) {
        self.0.begin(position, now);
    }

    /// The worker is done with it.
    pub fn end(&self) {
        self.0.end();
    }

    /// The item in hand, and since when.
    pub fn in_hand(&self) -> Option<(usize, u64)> {
        self.0.in_hand().map(|item| (item.position, item.since))
    }

    /// Whether the first slot to the worker may be filled.
    pub fn is_free(&self) -> bool {
        self.slots().is_free(0)
    }

    /// The first slot to the worker is about to be filled.
    pub fn take(&self) {
        self.slots().take(0);
    }

    /// What lay in the first slot to the worker was read.
    pub fn give_free(&self) {
        self.slots().give_free(0);
    }

    fn slots(&self) -> &crate::backend::process::wire::status_page::BodySlots {
        self.0.slots(crate::backend::process::wire::status_page::Direction::ToWorker)
    }
}

/// A value of which each process has its own.
#[derive(Debug)]
pub struct PerProcess(crate::sync::PerProcess<u32>);

impl PerProcess {
    /// Nothing yet; `make` gives a process its value.
    pub fn new(make: fn() -> u32) -> Self {
        Self(crate::sync::PerProcess::new(make))
    }

    /// The value of the process with this number.
    pub fn get_in(&self, process: u64) -> &u32 {
        self.0.get_in(ProcessMark::of_model(process))
    }
}
