//! The dispatcher of one call: workers claim positions and report chunks, the caller takes the reports and applies
//! verdicts.
//!
//! One lock guards the state. A worker takes it once per chunk, to report what it has done and to claim what comes
//! next. No user code runs under the lock. The caller is woken for a failure, for enough work, or when claims run
//! short, not for each report. The models in `tests/loom/dispatcher.rs` check the protocol.
//!
//! Threads and their lifetime are left to `thread_pool.rs`, the loop over items to `worker_loop.rs`, and all decisions
//! about failures to the gatherer.
//!
//! One chunk, from claim to claim, in a run of 1000 quick items on 3 workers:
//!
//! 1. `join` or `report`: the worker takes the lock, and gets [`Assignment::Run`] with positions 40..48 and their
//!    slots.
//! 2. It runs them without the lock. Before an item it reads only the fence and the cancel token.
//! 3. `report` with the finished chunk: the chunk is appended to `reports`, and the next claim is made under the same
//!    lock.
//! 4. The caller is not woken yet, unless the chunk has a failure, no claim is in hand any more, the reports hold 10 ms
//!    of work, or less than half of the window is unclaimed. It looks by itself after 50 ms at the latest.
//! 5. `recv` takes all reports at once; `apply_verdict` then stores what the gatherer has decided.
//!
//! Cost per chunk: one lock that is taken once, and no allocation besides the growth of the list of reports. With a
//! memory budget a claim also sums up the costs in use, one entry per claim in hand.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::contract::{BackendError, ChunkReport, Claim, DropPanic, Output, RetryRequest, Verdict};
use crate::backend::plan::{Pace, Plan};
use crate::backend::retry_queue::RetryQueue;
use crate::primitives::cancel::CancelToken;
use crate::sync::{AtomicUsize, CachePadded, Condvar, Instant, Mutex, Ordering};

/// Reports wake the caller when they hold this much work in sum. The caller has no core of its own: each time it wakes,
/// a worker loses its core for a moment.
const WAKE_CALLER_AFTER: Duration = Duration::from_millis(10);

/// The caller looks at reports at least this often, also when no report woke it.
const MAX_RECV_INTERVAL: Duration = Duration::from_millis(50);

/// The dispatcher of one call.
#[derive(Debug)]
pub(crate) struct Dispatcher<'out, R, E> {
    window: usize,
    /// Whether a worker may have to wait for a verdict: for the window, for input, or for a retry.
    is_bounded: bool,
    may_retry: bool,
    cancel: CancelToken,
    /// The first position that must not run any more. It only falls. Every worker reads it before every item.
    fence: CachePadded<AtomicUsize>,
    state: Mutex<DispatchState<'out, R, E>>,
    /// The caller waits here for reports and for the end.
    updates: Condvar,
    /// Workers wait here until there may be something to claim: the window moved, a retry is due, or memory is free.
    window_moved: Condvar,
}

/// The claims and reports of a call, guarded by [`Dispatcher::state`].
///
/// Invariant: positions below `next` were claimed once each, in order, and `output` holds the slots from `next` on.
/// `busy` counts the claims that were not reported in full.
#[derive(Debug)]
struct DispatchState<'out, R, E> {
    /// The first position that was never claimed.
    next: usize,
    /// Claims end before this position: the window or the input does not reach further yet.
    limit: usize,
    /// Whether the input may have items beyond the limit.
    may_grow: bool,
    /// Failed positions to run again.
    retries: RetryQueue,
    /// Reported chunks without a verdict.
    unjudged: usize,
    /// The memory cost of each claim in hand, by first position.
    in_use: BTreeMap<usize, u64>,
    output: Output<'out, R>,
    /// Chunks that the caller has not taken yet.
    reports: Vec<ChunkReport<R, E>>,
    /// The work in reports since a report last woke the caller.
    unreported_busy: Duration,
    /// Workers that have a claim in hand.
    busy: usize,
    /// Workers that ever had a claim, or waited for one.
    joined: usize,
    /// The items and the time of all reports so far.
    worked: Pace,
    /// The first error that ended the call.
    error: Option<BackendError>,
    /// Destructors of states that panicked.
    drop_panics: Vec<DropPanic>,
}

/// The sum of a call, as far as the dispatcher knows it.
#[derive(Debug)]
pub(crate) struct DispatchSummary {
    /// The workers that took part.
    pub(crate) workers: usize,
    /// The items that they finished, and the time that they took, summed over workers.
    pub(crate) worked: Pace,
    /// Why the call has no outcome, if so.
    pub(crate) error: Option<BackendError>,
    /// Destructors of states that panicked.
    pub(crate) drop_panics: Vec<DropPanic>,
}

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum Assignment<'out, R> {
    /// It runs this claim.
    Run(Claim<'out, R>),
    /// It waits: at this moment nothing may be claimed.
    Wait,
    /// It leaves: nothing will be left to claim.
    Exit,
}

/// What the caller receives from the workers.
#[derive(Debug)]
pub(crate) enum Update<R, E> {
    /// The chunks that were reported since the last update.
    Reports(Vec<ChunkReport<R, E>>),
    /// No reports yet: workers are running.
    Idle,
    /// All positions below the limit are claimed, and the input may have more.
    NeedInput,
    /// Every claim was reported, and nothing is left to claim.
    End,
}

impl<'out, R, E> Dispatcher<'out, R, E> {
    /// A dispatcher of all positions of the plan.
    pub(crate) fn new(plan: &Plan, cancel: &CancelToken, output: Output<'out, R>) -> Self {
        let limit = plan.window.min(plan.arrived);
        Self {
            window: plan.window,
            is_bounded: limit < plan.n_items || plan.may_retry,
            may_retry: plan.may_retry,
            cancel: cancel.clone(),
            fence: CachePadded::new(AtomicUsize::new(plan.n_items)),
            state: Mutex::new(DispatchState::new(limit, plan.arrived < plan.n_items, output)),
            updates: Condvar::new(),
            window_moved: Condvar::new(),
        }
    }

    /// The first position that must not run any more.
    ///
    /// It has a cache line of its own: workers read it before items, and the lock next to it changes all the time.
    pub(crate) fn fence(&self) -> &AtomicUsize {
        &self.fence
    }

    /// The first assignment of a worker, and its number.
    ///
    /// Called once per worker, at its start. A worker that finds nothing left gets [`Assignment::Exit`] and is not
    /// counted: the number that it gets is then the number of the next worker that joins.
    pub(crate) fn join(&self, plan: &Plan, pace: Option<Pace>) -> (Assignment<'out, R>, usize) {
        let mut state = self.state.lock();
        let assignment = self.claim(&mut state, plan, pace);
        let number = state.joined;
        state.joined += usize::from(!matches!(assignment, Assignment::Exit));
        (assignment, number)
    }

    /// Reports the last chunk of a claim, and claims what the worker does next.
    ///
    /// The chunk is the claim's last, so the claim is not in hand any more, also when a stop has left some of its
    /// positions undone. One lock for both steps: a worker of quick items would otherwise take it twice per chunk.
    pub(crate) fn report(&self, chunk: ChunkReport<R, E>, plan: &Plan) -> Assignment<'out, R> {
        let pace = chunk.pace();
        let mut state = self.state.lock();
        state.busy -= 1;
        state.unreported_busy += chunk.busy;
        let is_half_claimed = state.limit.saturating_sub(state.next) < self.window / 2;
        let is_urgent = !chunk.failures.is_empty() || state.unreported_busy >= WAKE_CALLER_AFTER || is_half_claimed;
        let frees_memory = plan.memory.is_some() && state.in_use.remove(&chunk.first).is_some();
        if frees_memory || chunk.first < plan.serial_sample {
            self.window_moved.notify_all(); // a claim that waited for this chunk may be made now
        }
        state.push(chunk);
        let assignment = self.claim(&mut state, plan, Some(pace));
        if is_urgent || state.busy == 0 {
            state.unreported_busy = Duration::ZERO;
            self.updates.notify_one();
        }
        assignment
    }

    /// Reports a part of a claim. The worker keeps the last `left` positions.
    ///
    /// The claim stays in hand, so `busy` does not change, and its rest is the worker's alone. Always wakes the caller:
    /// such a report is made because results are due (`MAX_REPORT_INTERVAL` of the worker loop). With a memory budget
    /// the cost of the claim is counted anew, for the rest.
    pub(crate) fn report_part(&self, chunk: ChunkReport<R, E>, left: usize, plan: &Plan) {
        let mut state = self.state.lock();
        if let Some(memory) = &plan.memory {
            let rest = chunk.first + chunk.done;
            state.in_use.remove(&chunk.first);
            state.in_use.insert(rest, memory.cost(rest..rest + left));
            self.window_moved.notify_all(); // a claim that waited for this part may be made now
        }
        state.push(chunk);
        state.unreported_busy = Duration::ZERO;
        self.updates.notify_one();
    }

    /// A further assignment for a worker whose last one was [`Assignment::Wait`]; does not block.
    ///
    /// For the calling thread, which must not block here: it also has reports to take.
    pub(crate) fn try_again(&self, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        self.claim(&mut self.state.lock(), plan, pace)
    }

    /// Blocks a worker until there is a claim for it, or nothing is left to claim.
    ///
    /// For helpers. The end, an error, an abort, a verdict that moves something, a retry that is due and memory that is
    /// freed all wake it. It then claims again, since another worker may have been quicker.
    pub(crate) fn wait_for_assignment(&self, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        let mut state = self.state.lock();
        loop {
            match self.claim(&mut state, plan, pace) {
                Assignment::Wait => self.window_moved.wait(&mut state),
                assignment => return assignment,
            }
        }
    }

    /// Ends the call because a worker could not make its state. Its claim stays undone, and no further claim is made.
    ///
    /// The first error stays. The fence falls to 0: other workers stop when they next look at it, and report what is
    /// done.
    pub(crate) fn fail_setup(&self, error: BackendError) {
        let mut state = self.state.lock();
        state.busy -= 1;
        self.end(&mut state, error);
    }

    /// Notes that the destructor of a worker's state panicked. The call goes on.
    pub(crate) fn note_drop_panic(&self, panic: DropPanic) {
        self.state.lock().drop_panics.push(panic);
    }

    /// Ends the call early: no further claim is made, and no worker keeps waiting. Changes nothing after the call's own
    /// end.
    ///
    /// Called when the caller's part unwinds: its helpers may wait for a verdict that no thread will give, while the
    /// scope of the pool waits for the helpers. Takes the lock first, so that no worker misses the wake-up between its
    /// look and its wait.
    pub(crate) fn abort(&self) {
        let _state = self.state.lock();
        self.fence.store(0, Ordering::Relaxed);
        self.window_moved.notify_all();
    }

    /// Takes the reports. Waits for some or for the end, but at most [`MAX_RECV_INTERVAL`].
    ///
    /// Waits less where a retry becomes due earlier. A retry that is due wakes the waiting workers here, because the
    /// delay ends without an event that could wake them. Returns [`Update::Idle`] when the time is over and nothing has
    /// come.
    pub(crate) fn recv(&self) -> Update<R, E> {
        let mut state = self.state.lock();
        match self.take_update(&mut state) {
            Update::Idle => {}
            update => return update,
        }
        let now = Instant::now();
        if state.retries.is_any_due(now) {
            self.window_moved.notify_all();
        }
        let until_next = state.retries.time_to_next(now).unwrap_or(MAX_RECV_INTERVAL);
        let _is_time_up = self.updates.wait_for(&mut state, until_next.min(MAX_RECV_INTERVAL));
        self.take_update(&mut state)
    }

    /// [`Dispatcher::recv`] without the wait.
    pub(crate) fn try_recv(&self) -> Update<R, E> {
        self.take_update(&mut self.state.lock())
    }

    /// Applies the gatherer's verdict on `chunks` chunks, and wakes the workers if it lets them go on.
    pub(crate) fn apply_verdict(&self, verdict: Verdict, chunks: usize) {
        // Relaxed: see `worker_loop::run`; the claims below are ordered by the lock.
        let falls = verdict.fence < self.fence.load(Ordering::Relaxed);
        if falls {
            // The minimum, because a worker may lower the fence at the same time.
            self.fence.fetch_min(verdict.fence, Ordering::Relaxed);
        }
        if falls || self.is_bounded {
            let mut state = self.state.lock();
            // A waiting worker that wakes makes the caller look again. So a verdict that changes nothing wakes no worker.
            let changes = falls || chunks > 0 || verdict.limit > state.limit || !verdict.again.is_empty();
            state.unjudged = state.unjudged.saturating_sub(chunks);
            state.limit = state.limit.max(verdict.limit);
            state.may_grow = verdict.may_grow;
            state.retries.add(verdict.again, Instant::now());
            state.retries.drop_from(verdict.fence);
            if changes {
                self.window_moved.notify_all();
            }
        }
    }

    /// Sums the call up, after all workers have left.
    pub(crate) fn close(self) -> DispatchSummary {
        let mut state = self.state.lock();
        DispatchSummary {
            workers: state.joined,
            worked: state.worked,
            error: state.error.take(),
            drop_panics: std::mem::take(&mut state.drop_panics),
        }
    }

    /// The next assignment: a retry that is due, or else the next positions.
    ///
    /// The order is that of urgency: a retry holds up the window, so it comes before new positions. Then the reasons
    /// not to claim are asked in turn: the end, the limit, positions that run alone, the memory budget. All but the end
    /// mean `Wait`, since a verdict or a report can change them.
    fn claim(&self, state: &mut DispatchState<'out, R, E>, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        let end = self.end_of_claims();
        if self.may_retry
            && end > 0
            && let Some(assignment) = claim_retry(state, plan)
        {
            return assignment;
        }
        if state.next >= end {
            return self.wait_or_exit(state, end);
        }
        if state.next >= state.limit {
            self.updates.notify_one(); // the caller moves the window
            return Assignment::Wait;
        }
        if waits_for_serial_items(state, plan) {
            return Assignment::Wait;
        }
        let len = admit(state, plan, state.next, self.next_len(state, plan, pace, end));
        if len == 0 {
            return Assignment::Wait;
        }
        let first = state.next;
        state.next += len;
        state.busy += 1;
        Assignment::Run(Claim { first, len, attempt: 1, output: state.output.split_off(len) })
    }

    /// The assignment when all positions are claimed: `Wait` while a retry may still come, else `Exit`.
    fn wait_or_exit(&self, state: &DispatchState<'out, R, E>, end: usize) -> Assignment<'out, R> {
        if end > 0 && self.may_have_retries(state) {
            self.updates.notify_one(); // the caller decides about retries
            return Assignment::Wait;
        }
        // A worker that finds the call cancelled before its first claim has no report that could wake the caller.
        if state.busy == 0 {
            self.updates.notify_one();
        }
        Assignment::Exit
    }

    /// The length of the next claim, as the plan, the window and the limit permit it. At least 1.
    ///
    /// With a window of 64 and 4 workers a claim has at most 64 / (2 * 4) = 8 positions.
    fn next_len(&self, state: &DispatchState<'out, R, E>, plan: &Plan, pace: Option<Pace>, end: usize) -> usize {
        let first = state.next;
        // No worker claims the whole window: the others would have to wait for it.
        let most = (self.window / plan.workers.get().saturating_mul(2)).max(1);
        let len = plan.chunk_len(first, pace).min(most).min(state.limit - first).min(end - first);
        if first < plan.serial_sample { len.min(plan.serial_sample - first) } else { len }
    }

    /// Reports come first, also at the end: `End` means that the caller has taken all of them. While a retry may still
    /// come, the end is not reached, although all positions are claimed; after a cancellation or an abort no retry is
    /// waited for.
    fn take_update(&self, state: &mut DispatchState<'out, R, E>) -> Update<R, E> {
        let end = self.end_of_claims();
        if !state.reports.is_empty() {
            Update::Reports(std::mem::take(&mut state.reports))
        } else if state.busy == 0 && state.next >= end && (end == 0 || !self.may_have_retries(state)) {
            Update::End
        } else if state.may_grow && state.next >= state.limit && state.next < end {
            Update::NeedInput
        } else {
            Update::Idle
        }
    }

    /// Whether a position that was claimed may have to run again.
    fn may_have_retries(&self, state: &DispatchState<'out, R, E>) -> bool {
        self.may_retry && (state.busy > 0 || state.unjudged > 0 || !state.retries.is_empty())
    }

    /// The fence, or 0 when the run is cancelled: the end of all claims, also of retries.
    fn end_of_claims(&self) -> usize {
        if self.cancel.is_cancelled() {
            return 0;
        }
        // Relaxed: the fence only falls, and a claim beyond it runs as an empty chunk.
        self.fence.load(Ordering::Relaxed)
    }

    /// Ends the call with this error, unless an earlier one has ended it, and wakes the caller and all workers.
    fn end(&self, state: &mut DispatchState<'out, R, E>, error: BackendError) {
        state.error.get_or_insert(error);
        self.fence.store(0, Ordering::Relaxed);
        self.updates.notify_one();
        self.window_moved.notify_all();
    }
}

impl<'out, R, E> DispatchState<'out, R, E> {
    fn new(limit: usize, may_grow: bool, output: Output<'out, R>) -> Self {
        Self {
            next: 0,
            limit,
            may_grow,
            retries: RetryQueue::default(),
            unjudged: 0,
            in_use: BTreeMap::new(),
            output,
            reports: Vec::new(),
            unreported_busy: Duration::ZERO,
            busy: 0,
            joined: 0,
            worked: Pace { items: 0, time: Duration::ZERO },
            error: None,
            drop_panics: Vec::new(),
        }
    }

    /// Adds a chunk to the reports.
    fn push(&mut self, chunk: ChunkReport<R, E>) {
        self.worked = Pace { items: self.worked.items + chunk.done, time: self.worked.time + chunk.busy };
        self.reports.push(chunk);
        self.unjudged += 1;
    }
}

/// Claims a failed position whose delay is over, if there is one.
///
/// A retry that the memory budget does not admit goes back into the queue, due at once, and the worker waits: a new
/// position that fits must not overtake it for ever.
fn claim_retry<'out, R, E>(state: &mut DispatchState<'out, R, E>, plan: &Plan) -> Option<Assignment<'out, R>> {
    let retry = state.retries.take_due(Instant::now())?;
    if admit(state, plan, retry.position, 1) == 0 {
        state.retries.add(vec![RetryRequest { after: Duration::ZERO, ..retry }], Instant::now());
        return Some(Assignment::Wait);
    }
    state.busy += 1;
    Some(Assignment::Run(Claim { first: retry.position, len: 1, attempt: retry.attempt, output: Output::InReports }))
}

/// Whether the next claim waits because the first positions of the plan run one after the other.
///
/// With `serial_sample` 3, positions 0, 1 and 2 are claims of one worker after the other, and position 3 starts when 2 is
/// reported. So results that are compared with a serial sample are not disturbed by other items.
fn waits_for_serial_items<R, E>(state: &DispatchState<'_, R, E>, plan: &Plan) -> bool {
    state.next <= plan.serial_sample && state.next > 0 && state.busy > 0 && plan.serial_sample > 0
}

/// How many of these positions the memory budget admits now. Records their cost.
fn admit<R, E>(state: &mut DispatchState<'_, R, E>, plan: &Plan, first: usize, len: usize) -> usize {
    let Some(memory) = &plan.memory else { return len };
    let admitted = memory.admit(first, len, state.in_use.values().sum());
    if admitted > 0 {
        state.in_use.insert(first, memory.cost(first..first + admitted));
    }
    admitted
}
