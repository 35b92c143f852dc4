//! The thread backend: workers in a thread pool claim from a dispatcher, and the calling thread gathers their reports.
//!
//! The caller does not run items, so that progress and results are prompt. Three cases are exceptions, because a thread
//! would be wasted or blocked otherwise: a call nested in an item, a call for which no thread is free, and a call that
//! is expected to be short. A top-level call that delivers results as they come always gets one helper. Otherwise an
//! item in the caller's thread would delay finished results, and an item that waits for a delivery would wait forever.
//!
//! Claims are left to `dispatcher.rs`, threads to `thread_pool.rs`, the loop over items to `worker_loop.rs`.
//!
//! Which threads run items, for a plan of 4 workers:
//!
//! | call | caller | helpers that it requests |
//! |---|---|---|
//! | top-level, item time unknown or long | gathers | 3, and a fourth once one is certain |
//! | top-level, expected to take less than 20 times `serial_below` | runs items | 3 |
//! | top-level, expected to take less than `serial_below` | runs items | 3, once `serial_below` has passed |
//! | nested in an item | runs items | 3, as far as the budget has threads that are not busy |
//! | no thread is free, results in slots | runs items | 3, queued |
//! | no thread is free, results delivered, top-level | gathers | 3, of which one is forced; then a fourth |

use std::num::NonZeroUsize;

use crate::backend::amounts;
use crate::backend::contract::{
    BackendError, BackendStats, ChunkReport, Claim, Output, ReportSink, RunContext, Verdict,
};
use crate::backend::dispatcher::{Assignment, Dispatcher, Update};
use crate::backend::plan::{Pace, Plan};
use crate::backend::task::{StateOf, Task};
use crate::backend::thread_pool::{Pool, Scope, ThreadLimit, in_worker, is_worker_thread};
use crate::backend::worker_loop::LoopOptions;
use crate::backend::{item_time, serial, worker_loop};
use crate::config::{self, ParallelConfig};
use crate::primitives::compute_context;
use crate::sync::{Instant, Mutex, ProcessMark, StackSize, per_process};

per_process! {
    /// Threads for work that computes.
    pub(crate) static COMPUTING: KeptPools = KeptPools::new("cpu");
}
per_process! {
    /// Threads for work that waits. Pools of their own, so that waiting items never occupy a thread for computing.
    pub(crate) static WAITING: KeptPools = KeptPools::new("io");
}
per_process! {
    /// Threads that read the iterators of streams. They are no workers, and no budget counts them.
    pub(crate) static READING: KeptPools = KeptPools::new("input");
}

/// The kept threads of one kind: a pool for each stack size that a call has asked for.
#[derive(Debug)]
pub(crate) struct KeptPools {
    name: &'static str,
    /// In the order of their first calls. Most programs have one.
    pools: Mutex<Vec<&'static Pool>>,
}

impl KeptPools {
    fn new(name: &'static str) -> Self {
        Self { name, pools: Mutex::new(Vec::new()) }
    }

    /// The pool of threads with stacks of this size. Costs a lock per call.
    fn of(&self, stack_size: StackSize) -> &'static Pool {
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.iter().find(|pool| pool.stack_size() == stack_size) {
            return pool;
        }
        // It lives as long as the process: its threads are kept.
        let pool = Box::leak(Box::new(Pool::new(self.name, stack_size)));
        pools.push(pool);
        pool
    }

    /// Calls `call` with the pool that this config asks for: a kept one, or one that ends with the call.
    pub(crate) fn with<A>(&self, config: &ParallelConfig, call: impl FnOnce(&Pool) -> A) -> A {
        let stack_size = StackSize::Bytes(config.thread_stack_size());
        if config.keep_threads() {
            return call(self.of(stack_size));
        }
        let pool = Pool::of_one_call(self.name, stack_size);
        let value = call(&pool);
        pool.end();
        value
    }

    #[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
    fn threads(&self) -> usize {
        self.pools.lock().iter().map(|pool| pool.threads()).sum()
    }
}

/// Calls that are expected to take less than this many times `serial_below` are short. A good part of such a call would
/// be over before the first helper is awake, so the caller runs items from the start.
const SHORT: u32 = 20;

/// Runs all positions on up to `plan.workers` workers of one of these pools. `budget` is the number of threads to which a nested
/// call may grow the pool.
///
/// A plan with one worker or fewer than two items runs serially: neither dispatcher nor pool is touched. So does a call
/// nested in an item where each call starts its threads: nothing would bound their number.
///
/// Every helper takes over what belongs to the call and not to its thread: the config for nested calls, and the cache
/// computations that the caller works for. Without the latter, an item that asks for a key which its caller computes
/// would wait for ever.
///
/// # Errors
/// [`BackendError::State`]: a worker could not make its state, or panicked outside of every item.
pub(crate) fn run<T, K>(
    pools: &KeptPools,
    budget: NonZeroUsize,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    let (plan, config) = (context.plan, context.config);
    if plan.workers.get() == 1 || plan.n_items < 2 || !config.keep_threads() && is_worker_thread() {
        return serial::run(context, output, sink);
    }
    pools.with(config, |pool| run_in(pool, budget, context, output, sink))
}

/// [`run`] in this pool.
pub(crate) fn run_in<T, K>(
    pool: &Pool,
    budget: NonZeroUsize,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    let plan = context.plan;
    let delivers = matches!(output, Output::InReports);
    let dispatcher = Dispatcher::new(plan, context.cancel, output);
    let computations = compute_context::current();
    let work = || {
        let _same_computation = compute_context::work_for_also(&computations);
        let _same_config = config::override_with(context.config.clone());
        ThreadWorker::new(context, &dispatcher).work();
    };
    pool.scope(&work, |scope| {
        let is_nested = is_worker_thread();
        let mut helpers = HelperRequest { scope, plan, budget, delivers, is_nested, requested: 0, certain: 0 };
        run_caller(&mut helpers, context, &dispatcher, sink);
    });
    let summary = dispatcher.close();
    item_time::remember::<K>(summary.worked.items, summary.worked.time);
    let (workers, drop_panics) = (summary.workers, summary.drop_panics);
    summary.error.map_or(Ok(BackendStats { workers, drop_panics, ..BackendStats::default() }), Err)
}

/// The caller's part: gathers reports, and runs items itself where it must.
///
/// It alternates between one chunk of its own, if it runs items, and a look at the reports. Without items of its own it
/// waits in [`Dispatcher::recv`]. [`Update::Idle`] and [`Update::NeedInput`] still go through the gatherer as an empty
/// report: that is the moment at which the run reads more input, delivers, and notices a stop.
///
/// Once it has started to run items it goes on to the end: its claim must be finished by the worker that has it.
fn run_caller<T, K: Task<T>>(
    helpers: &mut HelperRequest<'_, '_>,
    context: &RunContext<'_, T, K>,
    dispatcher: &Dispatcher<'_, K::Output, K::Error>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
) {
    let started = Instant::now();
    let serial_below = context.plan.serial_below;
    let expected = item_time::expected::<K>(context.plan.n_items);
    let may_end_soon = expected.is_some_and(|time| time < serial_below);
    let runs_items = helpers.is_nested || expected.is_some_and(|time| time < serial_below * SHORT);
    let mut arrived = context.plan.arrived.min(context.plan.n_items);
    let mut own = ThreadWorker::new(context, dispatcher);
    let _abort = AbortOnUnwind(dispatcher, context.process);
    loop {
        let is_time = !may_end_soon || started.elapsed() > serial_below;
        if is_time && arrived > 0 {
            helpers.request(runs_items || own.has_started(), arrived);
        }
        let runs_now = arrived > 0 && (runs_items || own.has_started() || helpers.certain == 0);
        let is_at_work = runs_now && in_worker(|| own.step_as_configured());
        let update = match is_at_work {
            true => dispatcher.try_recv(),
            false => dispatcher.recv(),
        };
        let mut apply = |verdict: Verdict, n_chunks| {
            arrived = arrived.max(verdict.limit.min(context.plan.n_items));
            dispatcher.apply_verdict(verdict, n_chunks);
        };
        match update {
            Update::Reports(chunks) => chunks.into_iter().for_each(|chunk| apply(sink(chunk), 1)),
            Update::NeedInput if !is_at_work => apply(sink(ChunkReport::awaiting_input()), 0),
            Update::Idle | Update::NeedInput => apply(sink(ChunkReport::nothing()), 0),
            Update::End => break,
        }
    }
    own.leave();
}

/// How a call requests its helpers.
struct HelperRequest<'p, 'call> {
    scope: &'p Scope<'call>,
    plan: &'p Plan,
    budget: NonZeroUsize,
    /// Whether results are delivered as they come, rather than all at the end.
    delivers: bool,
    /// Whether the call is made by an item of another call.
    is_nested: bool,
    /// The slots that were requested.
    requested: usize,
    /// The helpers that are certain.
    certain: usize,
}

impl HelperRequest<'_, '_> {
    /// Requests a helper for every worker that the caller is not itself, as far as items have arrived and were not
    /// requested for before. A top-level call gets the threads that it asks for, a nested one what the budget leaves.
    ///
    /// With 4 workers and a gathering caller: 3 slots are requested. If at least one has a thread, a fourth follows; if
    /// none has, the caller becomes the fourth worker. With fewer items than workers there are as many workers as items,
    /// so a stream of three items starts three threads, whatever number of workers it may have.
    fn request(&mut self, caller_runs_items: bool, arrived: usize) {
        let workers = self.plan.workers.get().min(arrived);
        let needs_helper = self.delivers && !self.is_nested;
        // The last slot is kept back until one helper is certain. Without any helper, the caller is that worker.
        self.open(workers.saturating_sub(1).max(usize::from(needs_helper)));
        if self.certain == 0 && needs_helper {
            self.certain = self.scope.force_helper();
        }
        if !caller_runs_items && self.certain > 0 {
            self.open(workers);
        }
    }

    /// Requests slots until there were this many.
    fn open(&mut self, slots: usize) {
        let (budget, workers) = (self.budget.get(), self.plan.workers.get());
        let limit =
            if self.is_nested { ThreadLimit::Nested(budget) } else { ThreadLimit::TopLevel(budget.max(workers)) };
        if slots > self.requested {
            self.certain += self.scope.request_helpers(slots - self.requested, limit);
            self.requested = slots;
        }
    }
}

/// Aborts the call when the caller's part unwinds, so that helpers do not wait for it.
struct AbortOnUnwind<'b, 'out, R, E>(&'b Dispatcher<'out, R, E>, ProcessMark);

impl<R, E> Drop for AbortOnUnwind<'_, '_, R, E> {
    fn drop(&mut self) {
        // A forked child has no helpers, and a thread that it does not have may hold the dispatcher's lock.
        if self.1.is_current() {
            self.0.abort();
        }
    }
}

/// One worker of a call. It makes its state before its first claim runs, and drops it after its last.
///
/// A helper runs [`work`](Self::work) as a whole. The caller takes single [`step`](Self::step)s between its looks at
/// the reports. Neither makes a state where it gets no claim, so a state is made at most as often as workers run items.
struct ThreadWorker<'run, 'out, T, K: Task<T>> {
    context: &'run RunContext<'run, T, K>,
    dispatcher: &'run Dispatcher<'out, K::Output, K::Error>,
    /// `None` before the first claim.
    state: Option<StateOf<T, K>>,
    /// Its number; `None` before it has joined.
    number: Option<u32>,
    /// The pace of its last chunk, or of an earlier call of the same function.
    pace: Option<Pace>,
    /// The last assignment; `None` before it has joined.
    assignment: Option<Assignment<'out, K::Output>>,
}

impl<'run, 'out, T, K: Task<T>> ThreadWorker<'run, 'out, T, K> {
    fn new(context: &'run RunContext<'run, T, K>, dispatcher: &'run Dispatcher<'out, K::Output, K::Error>) -> Self {
        let pace = remembered_pace::<T, K>(context.plan);
        Self { context, dispatcher, state: None, number: None, pace, assignment: None }
    }

    fn has_started(&self) -> bool {
        self.assignment.is_some()
    }

    /// The whole work of a helper.
    fn work(mut self) {
        loop {
            if self.step() {
                continue;
            }
            if !matches!(self.assignment, Some(Assignment::Wait)) {
                break;
            }
            self.assignment = Some(self.dispatcher.wait_for_assignment(self.context.plan, self.pace));
        }
        self.leave();
    }

    /// [`ThreadWorker::step`] in the caller's thread, whose own config may be another one.
    fn step_as_configured(&mut self) -> bool {
        let _same_config = config::override_with(self.context.config.clone());
        self.step()
    }

    /// Runs a chunk of the current claim, or asks for one. Returns false when there is nothing to run now.
    fn step(&mut self) -> bool {
        match self.assignment.take() {
            Some(Assignment::Run(claim)) => self.run_claim(claim),
            Some(Assignment::Exit) => self.keep(Assignment::Exit),
            Some(Assignment::Wait) => self.keep(self.dispatcher.try_again(self.context.plan, self.pace)),
            None => {
                let (assignment, number) = self.dispatcher.join(self.context.plan, self.pace);
                self.number = u32::try_from(number).ok();
                self.keep(assignment)
            }
        }
    }

    /// Stores the next assignment; true when it is a claim.
    fn keep(&mut self, assignment: Assignment<'out, K::Output>) -> bool {
        let has_claim = matches!(assignment, Assignment::Run(_));
        self.assignment = Some(assignment);
        has_claim
    }

    /// Runs a chunk of the claim and reports it; false when the worker could not make its state.
    ///
    /// A claim whose loop has reported a part early keeps its rest as the next assignment. The state is dropped in
    /// [`leave`](Self::leave), not here, and a failed start leaves the claim undone: the call has no outcome then.
    fn run_claim(&mut self, mut claim: Claim<'out, K::Output>) -> bool {
        let plan = self.context.plan;
        let state = match &mut self.state {
            Some(state) => state,
            none => match worker_loop::make_state(self.context.task.context()) {
                Ok(made) => none.insert(made),
                Err(error) => {
                    self.dispatcher.fail_setup(error);
                    return self.keep(Assignment::Exit);
                }
            },
        };
        let guard = ClaimGuard(self.dispatcher, self.context.process);
        let _outer_amounts = amounts::set_aside();
        let (options, task) = (LoopOptions::new(self.context, self.dispatcher.fence()), self.context.task);
        let chunk = worker_loop::run(self.context.items, &mut claim, &options, |item| task.call(state, item));
        std::mem::forget(guard);
        let chunk = ChunkReport { worker: self.number, ..chunk };
        self.pace = Some(chunk.pace());
        self.assignment = Some(if claim.len > 0 {
            self.dispatcher.report_part(chunk, claim.len, plan);
            Assignment::Run(claim)
        } else {
            self.dispatcher.report(chunk, plan)
        });
        true
    }

    /// Drops the state on the worker's own thread.
    ///
    /// A state that panics while it is dropped costs nothing else: its items have their results.
    fn leave(self) {
        if let Some(panic) = self.state.and_then(worker_loop::drop_state) {
            self.dispatcher.note_drop_panic(panic);
        }
    }
}

/// A claim in hand. If its worker unwinds outside of an item, the call ends with an error instead of waiting for the
/// claim.
struct ClaimGuard<'b, 'out, R, E>(&'b Dispatcher<'out, R, E>, ProcessMark);

impl<R, E> Drop for ClaimGuard<'_, '_, R, E> {
    fn drop(&mut self) {
        // Not in a forked child: see `AbortOnUnwind`.
        if self.1.is_current() {
            self.0.fail_setup(BackendError::State("it panicked outside of every item".to_owned()));
        }
    }
}

/// The pace of earlier calls of the same function. `None` where the plan does not permit guesses.
fn remembered_pace<T, K: Task<T>>(plan: &Plan) -> Option<Pace> {
    if plan.serial_below.is_zero() {
        return None;
    }
    item_time::expected::<K>(plan.n_items).map(|time| Pace { items: plan.n_items, time })
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::COMPUTING;
    use crate::{Job, ParallelConfig, ParallelExecutor};
    use std::time::Duration;

    #[test]
    fn nested_calls_of_a_caller_that_runs_items_start_no_threads_beyond_the_budget() {
        // From the second call on, the caller runs items itself, because all of them take less than a minute.
        let config = ParallelConfig::builder().max_workers_cpu(3).serial_below_time(Duration::from_secs(60)).build();
        let executor = ParallelExecutor::new(config.unwrap());
        let items = [0; 3];
        for _ in 0..3 {
            let nested = |_: &i32| Job::new(&[1; 500]).workers(500).chunk_size(1).run(|n| n + 1).unwrap().len();
            assert_eq!(executor.map_threads(&items, nested).unwrap(), [500; 3]);
        }
        assert!(COMPUTING.threads() <= 3, "{} threads", COMPUTING.threads());
    }
}
