//! The thread backend: workers at a board, the caller as gatherer.
//!
//! The caller gathers and does not compute, so that progress is prompt; except where that would waste or block a thread:
//! in a call nested in another one's item, when no thread is free, and in a call that is expected to be short. A call from
//! outside whose answers are handed on has a thread in any case: an item in the caller's thread would hold up what others
//! have finished, and an item that waits for an answer to be handed on would wait for ever.

use std::num::NonZeroUsize;

use crate::backend::amounts;
use crate::backend::dispatcher::{Assignment, Dispatcher, Update};
use crate::backend::plan::{Pace, Plan};
use crate::backend::task::Task;
use crate::backend::thread_pool::{Pool, Scope, ThreadLimit, in_worker, is_worker_thread};
use crate::backend::{
    BackendError, BackendStats, ChunkReport, Output, ReportSink, RunContext, item_time, serial, worker_loop,
};
use crate::config;
use crate::primitives::compute_context;
use crate::sync::{Instant, LazyLock};

/// Threads for work that computes.
pub(crate) static COMPUTING: LazyLock<Pool> = LazyLock::new(|| Pool::new("cpu"));
/// Threads for work that waits; apart, so that waiting never takes a core's thread away.
pub(crate) static WAITING: LazyLock<Pool> = LazyLock::new(|| Pool::new("io"));

/// Calls that are expected to take less than this many times `serial_below` are short: a good part of them would be over
/// before the first helper is awake, so the caller is one of the workers from the start.
const SHORT: u32 = 20;

/// Runs all positions on up to `plan.workers` workers of this pool. `budget` is the most threads that a nested call may
/// bring the pool to.
pub(crate) fn run<T, K>(
    pool: &Pool,
    budget: NonZeroUsize,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Sync,
    K: Task<T> + Sync,
    K::Output: Send,
    K::Error: Send,
{
    let plan = context.plan;
    if plan.workers.get() == 1 || plan.n_items < 2 {
        return serial::run(context, output, gather);
    }
    let hands_on = matches!(output, Output::InReports);
    let dispatcher = Dispatcher::new(plan, context.cancel, output);
    let computations = compute_context::current();
    let work = || {
        let _same_computation = compute_context::work_for_also(&computations);
        let _same_config = config::override_with(context.config.clone());
        ThreadWorker::new(context, &dispatcher).work();
    };
    pool.gather(&work, |scope| lead(&Host { scope, budget, hands_on }, context, &dispatcher, gather));
    let summary = dispatcher.close();
    item_time::remember::<K>(summary.worked.items, summary.worked.time);
    summary.refusal.map_or(Ok(BackendStats { workers: summary.workers, ..BackendStats::default() }), Err)
}

/// A call, as the one who invites helpers to it.
struct Host<'p, 'call> {
    scope: &'p Scope<'call>,
    budget: NonZeroUsize,
    /// Whether answers are handed on as they come, rather than all at the end.
    hands_on: bool,
}

/// The caller's part: gathers what workers pin up, and works itself where it must.
fn lead<T, K: Task<T>>(
    host: &Host<'_, '_>,
    context: &RunContext<'_, T, K>,
    dispatcher: &Dispatcher<'_, K::Output, K::Error>,
    gather: &mut ReportSink<'_, K::Output, K::Error>,
) {
    let begun = Instant::now();
    let nested = is_worker_thread();
    let expected = item_time::expected::<K>(context.plan.n_items);
    let may_be_over_soon = expected.is_some_and(|time| time < context.plan.serial_below);
    let is_short = expected.is_some_and(|time| time < context.plan.serial_below * SHORT);
    let mut helpers = None;
    let mut own = ThreadWorker::new(context, dispatcher);
    let _whatever_happens = AbortOnUnwind(dispatcher);
    loop {
        if helpers.is_none() && (!may_be_over_soon || begun.elapsed() > context.plan.serial_below) {
            helpers = Some(host.request_helpers(context.plan, nested, nested || is_short || own.has_begun()));
        }
        let caller_works = nested || is_short || own.has_begun() || helpers.is_none_or(|sure| sure == 0);
        let news = match caller_works && in_worker(|| own.step_as_configured()) {
            true => dispatcher.try_recv(),
            false => dispatcher.recv(),
        };
        match news {
            Update::Reports(chunks) => chunks.into_iter().for_each(|chunk| dispatcher.apply_verdict(gather(chunk), 1)),
            Update::Idle | Update::NeedInput => dispatcher.apply_verdict(gather(ChunkReport::nothing()), 0),
            Update::End => break,
        }
    }
    own.leave();
}

/// How items of this function went in its last call; not asked by who must not be held up by a guess.
fn remembered_pace<T, K: Task<T>>(plan: &Plan) -> Option<Pace> {
    if plan.serial_below.is_zero() {
        return None;
    }
    item_time::expected::<K>(plan.n_items).map(|time| Pace { items: plan.n_items, time })
}

/// Should the caller's part unwind, helpers must not wait for it.
struct AbortOnUnwind<'b, 'out, R, E>(&'b Dispatcher<'out, R, E>);

impl<R, E> Drop for AbortOnUnwind<'_, '_, R, E> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Host<'_, '_> {
    /// Invites helpers for every worker that the caller is not itself; gives the number that is sure to come. A call from
    /// outside gets the threads that it asks for, a nested one what the budget leaves.
    fn request_helpers(&self, plan: &Plan, nested: bool, caller_works: bool) -> usize {
        let (budget, workers) = (self.budget.get(), plan.workers.get());
        let allowance = if nested { ThreadLimit::Nested(budget) } else { ThreadLimit::TopLevel(budget.max(workers)) };
        // One seat is kept back until it is known that somebody comes, for the caller to take if nobody does.
        let sure = self.scope.request_helpers(workers.min(plan.n_items) - 1, allowance);
        let sure = if sure == 0 && self.hands_on && !nested { self.scope.force_helper() } else { sure };
        if caller_works || sure == 0 { sure } else { sure + self.scope.request_helpers(1, allowance) }
    }
}

/// A claim in hand: should its worker unwind, the call ends with an error instead of waiting for it.
struct ClaimGuard<'b, 'out, R, E>(&'b Dispatcher<'out, R, E>);

impl<R, E> Drop for ClaimGuard<'_, '_, R, E> {
    fn drop(&mut self) {
        self.0.fail_setup(BackendError::State("it panicked outside of every item".to_owned()));
    }
}

/// One worker at the board: prepares its state at its first claim and keeps it to its last.
struct ThreadWorker<'run, 'out, T, K: Task<T>> {
    context: &'run RunContext<'run, T, K>,
    dispatcher: &'run Dispatcher<'out, K::Output, K::Error>,
    state: Option<K::State>,
    /// Its number, known once it has asked for work.
    number: Option<u32>,
    pace: Option<Pace>,
    /// What the board said last; `None` before the first question.
    turn: Option<Assignment<'out, K::Output>>,
}

impl<'run, 'out, T, K: Task<T>> ThreadWorker<'run, 'out, T, K> {
    fn new(context: &'run RunContext<'run, T, K>, dispatcher: &'run Dispatcher<'out, K::Output, K::Error>) -> Self {
        Self { context, dispatcher, state: None, number: None, pace: remembered_pace::<T, K>(context.plan), turn: None }
    }

    fn has_begun(&self) -> bool {
        self.turn.is_some()
    }

    /// A helper's whole stay.
    fn work(mut self) {
        loop {
            if self.step() {
                continue;
            }
            match self.turn {
                Some(Assignment::Wait) => {
                    self.turn = Some(self.dispatcher.wait_for_assignment(self.context.plan, self.pace))
                }
                _ => break,
            }
        }
        self.leave();
    }

    /// Runs one chunk, or a part of it, and claims the next; false when there was none to run.
    fn step(&mut self) -> bool {
        let plan = self.context.plan;
        let mut claim = match self.turn.take() {
            Some(Assignment::Run(claim)) => claim,
            Some(Assignment::Exit) => {
                self.turn = Some(Assignment::Exit);
                return false;
            }
            None => {
                let (turn, number) = self.dispatcher.join(plan, self.pace);
                self.number = u32::try_from(number).ok();
                return self.ask(turn);
            }
            Some(Assignment::Wait) => return self.ask(self.dispatcher.try_again(plan, self.pace)),
        };
        let state = match &mut self.state {
            Some(state) => state,
            none => match worker_loop::make_state(self.context.task) {
                Ok(made) => none.insert(made),
                Err(refusal) => {
                    self.dispatcher.fail_setup(refusal);
                    self.turn = Some(Assignment::Exit);
                    return false;
                }
            },
        };
        let in_hand = ClaimGuard(self.dispatcher);
        let _outer = amounts::set_aside();
        let chunk = worker_loop::run(self.context, &mut claim, state, self.dispatcher.fence());
        std::mem::forget(in_hand);
        let chunk = ChunkReport { worker: self.number, ..chunk };
        self.pace = Some(Pace::of(&chunk));
        self.turn = Some(if claim.len > 0 {
            self.dispatcher.report_part(chunk, claim.len, plan);
            Assignment::Run(claim)
        } else {
            self.dispatcher.report(chunk, plan)
        });
        true
    }

    /// [`ThreadWorker::step`] in the caller's thread, whose own config may be another one.
    fn step_as_configured(&mut self) -> bool {
        let _same_config = config::override_with(self.context.config.clone());
        self.step()
    }

    /// Keeps the board's answer; true when it is a claim.
    fn ask(&mut self, turn: Assignment<'out, K::Output>) -> bool {
        let has_claim = matches!(turn, Assignment::Run(_));
        self.turn = Some(turn);
        has_claim
    }

    /// Drops the state on the worker's own thread.
    fn leave(self) {
        if let Some(Err(refusal)) = self.state.map(worker_loop::drop_state) {
            self.dispatcher.fail_teardown(refusal);
        }
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::COMPUTING;
    use crate::{Job, ParallelConfig, ParallelExecutor};
    use std::time::Duration;

    #[test]
    fn a_caller_that_works_itself_brings_no_threads_beyond_the_budget_with_its_nested_calls() {
        // From its second call on, what is quicker than a minute in all starts in the calling thread.
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
