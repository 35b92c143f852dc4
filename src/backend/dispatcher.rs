//! The board between one call and its workers: who claims what, what came back, and when to stop.
//!
//! One lock guards it all, and a worker takes it once per chunk: to pin up what it has done and to claim what comes next.
//! Nothing of the caller's runs under the lock. The protocol is checked by the models in `tests/loom/dispatcher.rs`.

use std::time::Duration;

use std::collections::BTreeMap;

use crate::backend::plan::{Pace, Plan};
use crate::backend::retry_queue::Waiting;
use crate::backend::{BackendError, ChunkReport, Claim, Output, RetryRequest, Verdict};
use crate::primitives::cancel::CancelToken;
use crate::sync::{AtomicUsize, CachePadded, Condvar, Instant, Mutex, Ordering};

/// Work that took this long is worth waking the caller for; what is quicker waits for company. The caller has no core of
/// its own: each time it wakes, a worker stands aside.
const NEWS_WORTH: Duration = Duration::from_millis(10);

/// Quick chunks that nobody was woken for are looked at this often, should a slow item follow them.
const NEWS_AT_LEAST_EVERY: Duration = Duration::from_millis(50);

/// The board of one call.
#[derive(Debug)]
pub(crate) struct Dispatcher<'out, R, E> {
    window: usize,
    /// Whether workers may have to wait for a verdict: for the window, for items to come, or for a failed one.
    is_bounded: bool,
    may_retry: bool,
    cancel: CancelToken,
    /// The first position that is not to be run any more; only sinks. Read by every worker before every item.
    fence: CachePadded<AtomicUsize>,
    state: Mutex<DispatchState<'out, R, E>>,
    /// The caller waits here for chunks, and for the end.
    updates: Condvar,
    /// Workers wait here for the window to move on.
    window_moved: Condvar,
}

/// Guarded by the board's lock.
#[derive(Debug)]
struct DispatchState<'out, R, E> {
    /// The first position that nobody has claimed.
    next: usize,
    /// Claims end before this position: it is not to be begun yet, or not there yet.
    limit: usize,
    /// Whether there may be items beyond the limit that come when they are asked for.
    may_grow: bool,
    /// Failed items that are to be begun again.
    waiting: Waiting,
    /// Chunks that were reported, and on which there is no verdict yet.
    unjudged: usize,
    /// What the claims in hand need of the memory budget, by their first positions.
    in_use: BTreeMap<usize, u64>,
    output: Output<'out, R>,
    /// Chunks that the caller has not taken yet.
    reports: Vec<ChunkReport<R, E>>,
    /// Work in the reports that the caller was not woken for.
    unreported_busy: Duration,
    /// Workers that have a claim in hand.
    busy: usize,
    /// Workers that ever had one.
    joined: usize,
    /// What they have done so far.
    worked: Pace,
    refusal: Option<BackendError>,
}

/// How a call went, as far as the board knows.
#[derive(Debug)]
pub(crate) struct DispatchSummary {
    /// The workers that took part.
    pub(crate) workers: usize,
    /// The items that they finished, and the time that they took, summed over workers.
    pub(crate) worked: Pace,
    /// Why the call has no outcome, if so.
    pub(crate) refusal: Option<BackendError>,
}

/// What a worker that asks for work is told.
#[derive(Debug)]
pub(crate) enum Assignment<'out, R> {
    /// Run this.
    Run(Claim<'out, R>),
    /// Nothing may be claimed until the window moves on.
    Wait,
    /// There is nothing left to claim.
    Exit,
}

/// What the caller finds on the board.
#[derive(Debug)]
pub(crate) enum Update<R, E> {
    /// What workers have done since the last look.
    Reports(Vec<ChunkReport<R, E>>),
    /// Workers are at it.
    Idle,
    /// There is nothing left to claim, unless the caller has more come.
    NeedInput,
    /// Every claim was reported, and nothing is left to claim.
    End,
}

impl<'out, R, E> Dispatcher<'out, R, E> {
    /// A board over all positions of the plan.
    pub(crate) fn new(plan: &Plan, cancel: &CancelToken, output: Output<'out, R>) -> Self {
        let state = DispatchState {
            next: 0,
            limit: plan.window.min(plan.stocked),
            may_grow: plan.stocked < plan.n_items,
            waiting: Waiting::default(),
            unjudged: 0,
            in_use: BTreeMap::new(),
            output,
            reports: Vec::new(),
            unreported_busy: Duration::ZERO,
            busy: 0,
            joined: 0,
            worked: Pace { items: 0, time: Duration::ZERO },
            refusal: None,
        };
        Self {
            window: plan.window,
            is_bounded: plan.window.min(plan.stocked) < plan.n_items || plan.may_retry,
            may_retry: plan.may_retry,
            cancel: cancel.clone(),
            fence: CachePadded::new(AtomicUsize::new(plan.n_items)),
            state: Mutex::new(state),
            updates: Condvar::new(),
            window_moved: Condvar::new(),
        }
    }

    /// The first position that is not to be run any more.
    pub(crate) fn fence(&self) -> &AtomicUsize {
        &self.fence
    }

    /// A worker's first question. Also gives it its number.
    pub(crate) fn join(&self, plan: &Plan, pace: Option<Pace>) -> (Assignment<'out, R>, usize) {
        let mut state = self.state.lock();
        let turn = self.claim(&mut state, plan, pace);
        let number = state.joined;
        state.joined += usize::from(!matches!(turn, Assignment::Exit));
        (turn, number)
    }

    /// Pins up what a worker has done, and claims what it does next.
    pub(crate) fn report(&self, chunk: ChunkReport<R, E>, plan: &Plan) -> Assignment<'out, R> {
        let pace = Pace::of(&chunk);
        let mut state = self.state.lock();
        state.busy -= 1;
        state.unreported_busy += chunk.busy;
        state.worked = Pace { items: state.worked.items + chunk.done, time: state.worked.time + chunk.busy };
        let is_half_full = state.limit.saturating_sub(state.next) < self.window / 2;
        let must_know = !chunk.failures.is_empty() || state.unreported_busy >= NEWS_WORTH || is_half_full;
        let gives_room = plan.memory.is_some() && state.in_use.remove(&chunk.first).is_some();
        if gives_room || chunk.first < plan.alone {
            self.window_moved.notify_all(); // what had to wait for this one may be begun now
        }
        state.reports.push(chunk);
        state.unjudged += 1;
        let turn = self.claim(&mut state, plan, Some(pace));
        if must_know || state.busy == 0 {
            state.unreported_busy = Duration::ZERO;
            self.updates.notify_one();
        }
        turn
    }

    /// Pins up what a worker has done of its claim, of which so many positions are left in its hands.
    pub(crate) fn report_part(&self, chunk: ChunkReport<R, E>, left: usize, plan: &Plan) {
        let mut state = self.state.lock();
        state.worked = Pace { items: state.worked.items + chunk.done, time: state.worked.time + chunk.busy };
        if let Some(memory) = &plan.memory {
            let rest = chunk.first + chunk.done;
            state.in_use.remove(&chunk.first);
            state.in_use.insert(rest, memory.cost(rest..rest + left));
            self.window_moved.notify_all(); // what had to wait for this part may be begun now
        }
        state.reports.push(chunk);
        state.unjudged += 1;
        state.unreported_busy = Duration::ZERO;
        self.updates.notify_one();
    }

    /// Asks again for a worker that was told to wait.
    pub(crate) fn try_again(&self, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        self.claim(&mut self.state.lock(), plan, pace)
    }

    /// Gives a worker that was told to wait its next claim, once there is one.
    pub(crate) fn wait_for_assignment(&self, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        let mut state = self.state.lock();
        loop {
            match self.claim(&mut state, plan, pace) {
                Assignment::Wait => self.window_moved.wait(&mut state),
                turn => return turn,
            }
        }
    }

    /// A worker could not make its state: its claim goes undone, and so does all that nobody has claimed yet.
    pub(crate) fn fail_setup(&self, refusal: BackendError) {
        let mut state = self.state.lock();
        state.busy -= 1;
        self.end(&mut state, refusal);
    }

    /// A worker that has left its last claim could not put its state away.
    pub(crate) fn fail_teardown(&self, refusal: BackendError) {
        let mut state = self.state.lock();
        self.end(&mut state, refusal);
    }

    /// Ends the call wherever it is: nothing more is claimed, and nobody waits for room. After a call's own end this changes
    /// nothing.
    pub(crate) fn abort(&self) {
        let _state = self.state.lock();
        self.fence.store(0, Ordering::Relaxed);
        self.window_moved.notify_all();
    }

    /// Takes the chunks that were pinned up; waits for some, or for the end, but not for ever: there may be nothing.
    pub(crate) fn recv(&self) -> Update<R, E> {
        let mut state = self.state.lock();
        match self.look(&mut state) {
            Update::Idle => {}
            updates => return updates,
        }
        let now = Instant::now();
        if state.waiting.is_any_due(now) {
            self.window_moved.notify_all();
        }
        let until_next = state.waiting.time_to_next(now).unwrap_or(NEWS_AT_LEAST_EVERY);
        let _is_time_up = self.updates.wait_for(&mut state, until_next.min(NEWS_AT_LEAST_EVERY));
        self.look(&mut state)
    }

    /// [`Dispatcher::recv`] without the wait.
    pub(crate) fn try_recv(&self) -> Update<R, E> {
        self.look(&mut self.state.lock())
    }

    /// Makes the gatherer's verdict on so many chunks known to the workers.
    pub(crate) fn apply_verdict(&self, verdict: Verdict, chunks: usize) {
        // Relaxed: see `worker_loop::run`; the claims below are ordered by the lock.
        let before = self.fence.load(Ordering::Relaxed);
        let sinks = verdict.fence < before;
        if sinks {
            // The lower one stays, should a worker fail meanwhile.
            self.fence.fetch_min(verdict.fence, Ordering::Relaxed);
        }
        if sinks || self.is_bounded {
            let mut state = self.state.lock();
            // Who waits asks for the caller's look when it is woken, so a look that changes nothing must wake nobody.
            let is_news = sinks || chunks > 0 || verdict.limit > state.limit || !verdict.again.is_empty();
            state.unjudged = state.unjudged.saturating_sub(chunks);
            state.limit = state.limit.max(verdict.limit);
            state.may_grow = verdict.may_grow;
            state.waiting.add(verdict.again, Instant::now());
            state.waiting.drop_from(verdict.fence);
            if is_news {
                self.window_moved.notify_all();
            }
        }
    }

    /// Sums the call up. Asked when nobody works any more.
    pub(crate) fn close(self) -> DispatchSummary {
        let mut state = self.state.lock();
        DispatchSummary { workers: state.joined, worked: state.worked, refusal: state.refusal.take() }
    }

    fn claim(&self, state: &mut DispatchState<'out, R, E>, plan: &Plan, pace: Option<Pace>) -> Assignment<'out, R> {
        let end = self.end_of_claims();
        if self.may_retry
            && end > 0
            && let Some(turn) = self.claim_again(state, plan)
        {
            return turn;
        }
        let first = state.next;
        if first >= end {
            if end > 0 && self.may_come_back(state) {
                self.updates.notify_one(); // nothing comes back before the caller has looked
                return Assignment::Wait;
            }
            // Who finds the call cancelled before it has claimed anything has no report to wake the caller with.
            if state.busy == 0 {
                self.updates.notify_one();
            }
            return Assignment::Exit;
        }
        if first >= state.limit {
            self.updates.notify_one(); // the window moves on only when the caller has looked
            return Assignment::Wait;
        }
        if first <= plan.alone && first > 0 && state.busy > 0 && plan.alone > 0 {
            return Assignment::Wait; // until those are done that run alone
        }
        // No worker takes the whole window: the others would have to wait for it.
        let most = (self.window / plan.workers.get().saturating_mul(2)).max(1);
        let len = plan.chunk_len(first, pace).min(most).min(state.limit - first).min(end - first);
        let len = if first < plan.alone { len.min(plan.alone - first) } else { len };
        let len = self.admit(state, plan, first, len);
        if len == 0 {
            return Assignment::Wait;
        }
        state.next += len;
        state.busy += 1;
        Assignment::Run(Claim { first, len, attempt: 1, output: state.output.split_off(len) })
    }

    /// Claims a failed item that has waited long enough, if there is one.
    fn claim_again(&self, state: &mut DispatchState<'out, R, E>, plan: &Plan) -> Option<Assignment<'out, R>> {
        let again = state.waiting.take_due(Instant::now())?;
        if self.admit(state, plan, again.position, 1) == 0 {
            state.waiting.add(vec![RetryRequest { after: Duration::ZERO, ..again }], Instant::now());
            return Some(Assignment::Wait);
        }
        state.busy += 1;
        Some(Assignment::Run(Claim {
            first: again.position,
            len: 1,
            attempt: again.attempt,
            output: Output::InReports,
        }))
    }

    /// How many of these positions may be begun beside what is in hand; notes what they need.
    fn admit(&self, state: &mut DispatchState<'out, R, E>, plan: &Plan, first: usize, len: usize) -> usize {
        let Some(memory) = &plan.memory else { return len };
        let admitted = memory.admit(first, len, state.in_use.values().sum());
        if admitted > 0 {
            state.in_use.insert(first, memory.cost(first..first + admitted));
        }
        admitted
    }

    /// Whether an item that was begun may have to be begun again.
    fn may_come_back(&self, state: &DispatchState<'out, R, E>) -> bool {
        self.may_retry && (state.busy > 0 || state.unjudged > 0 || !state.waiting.is_empty())
    }

    fn look(&self, state: &mut DispatchState<'out, R, E>) -> Update<R, E> {
        let end = self.end_of_claims();
        if !state.reports.is_empty() {
            Update::Reports(std::mem::take(&mut state.reports))
        } else if state.busy == 0 && state.next >= end && (end == 0 || !self.may_come_back(state)) {
            Update::End
        } else if state.may_grow && state.next >= state.limit && state.next < end {
            Update::NeedInput
        } else {
            Update::Idle
        }
    }

    fn end_of_claims(&self) -> usize {
        if self.cancel.is_cancelled() {
            return 0;
        }
        // Relaxed: the fence only sinks, and a claim beyond it is run as an empty chunk.
        self.fence.load(Ordering::Relaxed)
    }

    fn end(&self, state: &mut DispatchState<'out, R, E>, refusal: BackendError) {
        state.refusal.get_or_insert(refusal);
        self.fence.store(0, Ordering::Relaxed);
        self.updates.notify_one();
        self.window_moved.notify_all();
    }
}
