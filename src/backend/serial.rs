//! The serial backend: one chunk after the other, in the calling thread. All other backends must give the same results.
//!
//! It needs no dispatcher and no bounds on items, function or results. It applies each verdict before the next chunk.
//!
//! It also runs calls of other modes that need no workers: with one worker, or fewer than two items on threads. The
//! chunks grow as in the plan, so that progress is shown and a callback runs after some 200 µs of quick items, and
//! after each slow one.

use std::time::Duration;

use crate::backend::amounts;
use crate::backend::contract::{
    BackendError, BackendStats, ChunkReport, Claim, Output, ReportSink, RunContext, Verdict,
};
use crate::backend::plan::{Pace, Plan};
use crate::backend::retry_queue::RetryQueue;
use crate::backend::task::{StateOf, Task};
use crate::backend::worker_loop::{self, LoopOptions};
use crate::config;
use crate::sync::{AtomicUsize, Instant, Ordering, nap};

/// While only delayed retries are left, the loop checks for a stop at least this often.
const NAP: Duration = Duration::from_millis(20);

/// Runs all positions in order.
///
/// The sink runs between two chunks, in this thread: a slow callback delays the next item. After the last verdict the
/// state is dropped before the call returns. Cost: no lock, and no thread. Only a wait for a retry sleeps, 20 ms at a
/// time at most; while input is awaited, an empty report asks for it at once.
///
/// # Errors
/// [`BackendError::State`]: the state could not be made.
pub(crate) fn run<T, K: Task<T>>(
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    sink: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError> {
    if context.plan.n_items == 0 {
        return Ok(BackendStats::default());
    }
    let mut state = worker_loop::make_state(context.task.context())?;
    let mut progress = SerialProgress::new(context.plan, output);
    while let Some(chunk) = progress.step(context, &mut state) {
        progress.apply_verdict(sink(chunk));
    }
    let drop_panics = worker_loop::drop_state(state).into_iter().collect();
    Ok(BackendStats { workers: 1, drop_panics, ..BackendStats::default() })
}

/// What is left to do: the positions from `next` to the fence, the retries, and the rest of `claim`.
struct SerialProgress<'out, R> {
    /// The first position that was never claimed; `output` holds the slots from here on.
    next: usize,
    /// Claims end before this position: the input does not reach further yet.
    limit: usize,
    /// The first position that must not run any more.
    fence: AtomicUsize,
    output: Output<'out, R>,
    retries: RetryQueue,
    /// Whether more items may come, whatever becomes of those that are there.
    may_grow: bool,
    /// The rest of the current claim; empty between claims.
    claim: Claim<'out, R>,
    /// The pace of the last chunk of first attempts.
    pace: Option<Pace>,
}

impl<'out, R> SerialProgress<'out, R> {
    fn new(plan: &Plan, output: Output<'out, R>) -> Self {
        Self {
            next: 0,
            limit: plan.arrived,
            fence: AtomicUsize::new(plan.n_items),
            output,
            retries: RetryQueue::default(),
            may_grow: plan.arrived < plan.n_items,
            claim: Claim { first: 0, len: 0, attempt: 1, output: Output::InReports },
            pace: None,
        }
    }

    /// The report on the next chunk, or an empty one while the input or a retry is awaited; `None` at the end.
    fn step<T, K: Task<T, Output = R>>(
        &mut self,
        context: &RunContext<'_, T, K>,
        state: &mut StateOf<T, K>,
    ) -> Option<ChunkReport<R, K::Error>> {
        if self.claim.len == 0 {
            self.claim_next(context.plan);
        }
        if self.claim.len > 0 {
            return Some(self.run_claim(context, state));
        }
        if self.next >= self.fence() && self.retries.is_empty() {
            return None;
        }
        if self.retries.is_empty() || self.may_grow {
            return Some(ChunkReport::awaiting_input());
        }
        let time = self.retries.time_to_next(Instant::now()).unwrap_or_default();
        nap(time.min(NAP));
        Some(ChunkReport::nothing())
    }

    /// Claims a retry that is due, or else the next positions, if there are any.
    fn claim_next(&mut self, plan: &Plan) {
        let end = self.limit.min(self.fence());
        if !self.retries.is_empty()
            && let Some(retry) = self.retries.take_due(Instant::now())
        {
            self.claim = Claim { first: retry.position, len: 1, attempt: retry.attempt, output: Output::InReports };
        } else if self.next < end {
            let len = plan.chunk_len(self.next, self.pace).min(plan.window).min(end - self.next);
            self.claim = Claim { first: self.next, len, attempt: 1, output: self.output.split_off(len) };
            self.next += len;
        }
    }

    fn run_claim<T, K: Task<T, Output = R>>(
        &mut self,
        context: &RunContext<'_, T, K>,
        state: &mut StateOf<T, K>,
    ) -> ChunkReport<R, K::Error> {
        let _same_config = config::override_with(context.config.clone());
        let _outer_amounts = amounts::set_aside();
        let options = LoopOptions::new(context, &self.fence);
        let chunk = worker_loop::run(context.items, &mut self.claim, &options, |item| context.task.call(state, item));
        if self.claim.attempt == 1 {
            self.pace = Some(chunk.pace());
        }
        let may_wait = self.claim.len == 0 && self.next >= self.limit && self.retries.is_empty();
        ChunkReport { worker: Some(0), may_wait, ..chunk }
    }

    fn apply_verdict(&mut self, verdict: Verdict) {
        // Relaxed, here and in `fence`: this thread alone accesses it.
        self.fence.store(verdict.fence, Ordering::Relaxed);
        self.limit = verdict.limit;
        self.may_grow = verdict.may_grow;
        if !verdict.again.is_empty() || !self.retries.is_empty() {
            self.retries.add(verdict.again, Instant::now());
            self.retries.drop_from(verdict.fence);
        }
    }

    fn fence(&self) -> usize {
        self.fence.load(Ordering::Relaxed)
    }
}
