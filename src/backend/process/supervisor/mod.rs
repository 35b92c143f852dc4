//! The calling process's part: spawns, feeds, listens, reaps. One loop in the calling thread, which waits for whatever comes
//! first of all workers: answers, room, lines, a death, a time.
//!
//! Promises: it never waits for one worker alone while others have something to say, so no size and no number of items can bring
//! it to a halt; each position below the fence is reported once, whatever dies; when it returns, every worker is idle or dead.
//! Who is to blame and what is handed out next is decided in `work_queue.rs`.

pub(crate) mod blame;
pub(crate) mod median_time;
pub(crate) mod receive;
pub(crate) mod shutdown;
pub(crate) mod work_queue;
pub(crate) mod worker_slot;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::contract::WorkerEvent;
use crate::backend::contract::{BackendError, BackendStats, ChunkReport, Output, ReportSink, RunContext};
use crate::backend::plan::Pace;
use crate::backend::process::child::{self, Worker};
use crate::backend::process::memory::block::Block;
use crate::backend::process::processes::Limits;
use crate::backend::process::supervisor::median_time::RunningMedian;
use crate::backend::process::supervisor::shutdown::ShuttingDown;
use crate::backend::process::supervisor::work_queue::WorkQueue;
use crate::backend::process::supervisor::worker_slot::{GRACE, InFlightFrame, TimeoutAction, WorkerSlot};
use crate::backend::process::wire::attachments::{Attachments, with_attachments};
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::call::{CallHead, Settings, SharedValue};
use crate::backend::process::wire::connection::encode;
use crate::backend::process::wire::frame::{Header, Kind, put_part};
use crate::backend::process::wire::function::FunctionName;
use crate::backend::process::wire::status_page::FRAMES;
use crate::backend::process::worker::session::{fingerprint, serve};
use crate::backend::process::worker::{Serve, nanos};
use crate::backend::process_task::{ProcessContext, ProcessTask};
use crate::backend::retry_queue::Waiting;
use crate::backend::task::{Context, SharedOf};
use crate::backend::thread_pool::is_worker_thread;
use crate::config::usable_cores;
use crate::failure::{Cause, LostWorker, WorkerExit};
use crate::sync::{Arc, Instant};

/// A stop is noticed within this time, also while nothing comes.
pub(crate) const TICK_NANOS: u64 = 20_000_000;
/// A frame ends when it is this long, however many items it was to have.
const FRAME_BYTES: usize = 1024 * 1024;
/// As much work as hides the way to a worker and back is sent ahead.
const AHEAD: Duration = Duration::from_micros(200);
/// A longer shared value lies in memory that all workers see, instead of being copied for each.
const LARGE_SHARED: usize = 1024 * 1024;
/// The most frames that are sent ahead.
const MOST_AHEAD: usize = 8;

const _: () = assert!(MOST_AHEAD <= FRAMES);

/// Runs all positions in worker processes.
pub(crate) fn run<T, K>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    output: Output<'_, K::Output>,
    gather: &mut ReportSink<'_, K::Output, K::Error>,
) -> Result<BackendStats, BackendError>
where
    T: Serialize + DeserializeOwned,
    K: ProcessTask<T>,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Serialize + DeserializeOwned,
    K::Error: Serialize + DeserializeOwned,
{
    let mut supervisor = Supervisor::new(limits, context, output, gather)?;
    let supervised = supervisor.supervise();
    let dismissed = supervisor.shut_down();
    supervised.and(dismissed).map(|()| supervisor.finished)
}

/// A call, as the loop in the calling thread sees it.
pub(crate) struct Supervisor<'c, 'out, T, K: ProcessTask<T>> {
    pub(crate) limits: &'c Limits,
    pub(crate) context: &'c RunContext<'c, T, K>,
    pub(crate) output: Output<'out, K::Output>,
    pub(crate) gather: &'c mut ReportSink<'c, K::Output, K::Error>,
    pub(crate) work_queue: WorkQueue,
    /// Failed items that are to be begun again.
    pub(crate) waiting: Waiting,
    /// What happened to workers since the last report.
    pub(crate) notes: Vec<WorkerEvent>,
    /// Whether there may be items beyond the limit that come when they are asked for.
    pub(crate) may_grow: bool,
    pub(crate) worker_slots: Vec<WorkerSlot>,
    /// Workers on their way out, that still drop what they were given.
    pub(crate) shutting_down: Vec<ShuttingDown>,
    /// How the last items went.
    pub(crate) pace: Option<Pace>,
    /// How long items took, where a limit depends on it.
    pub(crate) usual: RunningMedian,
    /// Deaths and failed starts since the last answer.
    pub(crate) failed_starts: usize,
    pub(crate) has_answers: bool,
    /// Items in hand are all that is waited for.
    pub(crate) draining: bool,
    pub(crate) finished: BackendStats,
    /// What the first destructor of a worker's state said that panicked.
    pub(crate) complaint: Option<String>,
    pub(crate) call: CallFrame,
    threads: usize,
    attachments: Attachments,
}

/// What tells a worker of the call: the body of the frame, and the memory that it mentions.
pub(crate) struct CallFrame {
    body: Vec<u8>,
    pub(crate) blocks: Vec<Arc<Block>>,
}

impl<'c, 'out, T, K> Supervisor<'c, 'out, T, K>
where
    T: Serialize + DeserializeOwned,
    K: ProcessTask<T>,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Serialize + DeserializeOwned,
    K::Error: Serialize + DeserializeOwned,
{
    fn new(
        limits: &'c Limits,
        context: &'c RunContext<'c, T, K>,
        output: Output<'out, K::Output>,
        gather: &'c mut ReportSink<'c, K::Output, K::Error>,
    ) -> Result<Self, BackendError> {
        let plan = context.plan;
        // A call made in an item of a thread gets one worker: there are as many such calls as threads.
        let workers = if is_worker_thread() { NonZeroUsize::MIN } else { plan.workers };
        let at_once = if is_worker_thread() { plan.workers.max(context.budget.computing) } else { workers };
        Ok(Self {
            limits,
            context,
            output,
            gather,
            work_queue: WorkQueue::new(plan.n_items, plan.window.min(plan.stocked)),
            waiting: Waiting::default(),
            notes: Vec::new(),
            may_grow: plan.stocked < plan.n_items,
            worker_slots: std::iter::repeat_with(WorkerSlot::default).take(workers.get().min(plan.n_items)).collect(),
            shutting_down: Vec::new(),
            pace: None,
            usual: RunningMedian::default(),
            failed_starts: 0,
            has_answers: false,
            draining: false,
            finished: BackendStats::default(),
            complaint: None,
            call: call_frame(limits, context, at_once)?,
            threads: (usable_cores().get() / at_once).max(1),
            attachments: Attachments::default(),
        })
    }

    /// Until every position below the fence is reported.
    fn supervise(&mut self) -> Result<(), BackendError> {
        let mut was_held_up = false;
        loop {
            self.look_for_a_stop();
            self.begin_again();
            self.dispatch()?;
            self.ask_for_more()?;
            self.show_what_is_in_hand();
            if self.is_over() {
                return Ok(());
            }
            self.wait(self.time_to_look());
            let heard_at = nanos();
            self.listen()?;
            // While a callback held this thread up, workers may have waited for it: they get a turn to go on first. One turn,
            // since a callback may hold it up in each.
            was_held_up = !was_held_up && nanos().saturating_sub(heard_at) >= TICK_NANOS;
            if !was_held_up {
                self.look_at_times();
            }
        }
    }

    fn look_for_a_stop(&mut self) {
        if !self.draining && self.context.cancel.is_cancelled() {
            self.stop_below(0);
        }
    }

    /// Positions from here on are not to be run any more. After a cancellation items in hand are waited for.
    pub(crate) fn stop_below(&mut self, fence: usize) {
        self.draining |= fence == 0 && self.context.cancel.is_cancelled();
        if self.work_queue.lower_fence(fence) {
            for worker in self.worker_slots.iter().filter_map(|slot| slot.worker.as_ref()) {
                worker.link.page().set_fence(fence);
            }
        }
    }

    /// Failed items that have waited long enough are handed out like any other.
    fn begin_again(&mut self) {
        while let Some(again) = self.waiting.take_due(Instant::now()) {
            self.work_queue.begin_again(again.position, again.attempt);
        }
    }

    /// While workers have nothing to do and there may be more items, the gatherer is asked for them; and it is let know that
    /// time passes.
    fn ask_for_more(&mut self) -> Result<(), BackendError> {
        self.report(ChunkReport::nothing());
        while self.may_grow
            && self.work_queue.is_starved()
            && self.worker_slots.iter().any(|slot| slot.flights.is_empty())
        {
            self.report(ChunkReport::nothing());
            self.dispatch()?;
        }
        Ok(())
    }

    /// Tells who looks on what each worker has in hand.
    fn show_what_is_in_hand(&mut self) {
        let Some(watch) = self.context.status else { return };
        for slot_idx in 0..self.worker_slots.len() {
            let in_hand = self.worker_slots[slot_idx].worker.as_ref().and_then(|worker| worker.link.page().in_hand());
            if self.worker_slots[slot_idx].seen.as_ref().map(|(item, _)| *item) == in_hand {
                continue;
            }
            self.clear_in_hand(slot_idx);
            self.worker_slots[slot_idx].seen =
                in_hand.map(|item| (item, watch.begin(self.context.plan.index_of(item.position), 1)));
        }
    }

    /// Who looks on is told that this worker has nothing in hand.
    pub(crate) fn clear_in_hand(&mut self, slot_idx: usize) {
        if let (Some(watch), Some((_, hold))) = (self.context.status, self.worker_slots[slot_idx].seen.take()) {
            watch.end(hold);
        }
    }

    fn is_over(&self) -> bool {
        let fence = if self.draining { usize::MAX } else { self.work_queue.fence() };
        self.waiting.is_empty()
            && self.work_queue.is_exhausted()
            && !self.worker_slots.iter().any(|slot| slot.has_pending_below(fence))
    }

    /// Sends frames until every worker has enough ahead of it, or nothing is left to send. All get one before any gets two.
    fn dispatch(&mut self) -> Result<(), BackendError> {
        for frames_ahead in 1..=self.frames_ahead() {
            for slot_idx in 0..self.worker_slots.len() {
                if self.worker_slots[slot_idx].flights.len() < frames_ahead && !self.dispatch_to(slot_idx)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// How many frames a worker has ahead of it: enough to hide the way there and back.
    fn frames_ahead(&self) -> usize {
        if self.limits.at_most_once || self.context.plan.memory.is_some() {
            return 1;
        }
        let Some(pace) = self.pace else { return 2 };
        let frame_len = self.context.plan.frame_len(0, self.pace).min(self.context.plan.n_items);
        let frame_nanos = pace.time.as_nanos() * frame_len as u128 / pace.items as u128;
        let frames = AHEAD.as_nanos() / frame_nanos.max(1) + 1;
        usize::try_from(frames).unwrap_or(MOST_AHEAD).clamp(2, MOST_AHEAD)
    }

    /// Sends the next frame to this seat; false when there is none for anybody.
    fn dispatch_to(&mut self, slot_idx: usize) -> Result<bool, BackendError> {
        if self.worker_slots[slot_idx].is_backing_off() {
            return Ok(true);
        }
        if !self.work_queue.has_more() {
            // Nobody is to sit idle beside a worker that has more than it can begin.
            let is_idle = self.worker_slots[slot_idx].flights.is_empty();
            match is_idle.then(|| self.take_back_from_the_busiest()).flatten() {
                Some(taken_back) => self.work_queue.give_back(taken_back),
                None => return Ok(false),
            }
        }
        let is_new = self.worker_slots[slot_idx].worker.is_none();
        if !self.work_queue.has_more() {
            return Ok(false); // what was taken back is not wanted any more
        }
        if is_new && !self.attach_worker(slot_idx)? {
            return Ok(true);
        }
        let Some(room) = self.item_quota(slot_idx) else { return Ok(true) };
        let (plan, pace, in_use) = (self.context.plan, self.pace, self.memory_in_use());
        if let Some(memory) = &plan.memory
            && memory.admit(self.work_queue.next_first(), 1, in_use) == 0
        {
            return Ok(false); // it waits until something is finished
        }
        let first = self.work_queue.next_first();
        if first <= plan.alone
            && first > 0
            && plan.alone > 0
            && self.worker_slots.iter().any(|slot| !slot.flights.is_empty())
        {
            return Ok(false); // until those are done that run alone
        }
        let len = |first: usize| {
            let len = plan.frame_len(first, pace).min(room);
            let len = if first < plan.alone { len.min(plan.alone - first) } else { len };
            plan.memory.as_ref().map_or(len, |memory| memory.admit(first, len.min(plan.n_items - first), in_use))
        };
        if let Some(positions) = self.work_queue.claim(len) {
            self.send_items(slot_idx, positions);
        }
        if let Some(worker) = self.worker_slots[slot_idx].worker.as_mut().filter(|worker| is_new && !worker.was_kept) {
            worker.send_queued(); // it begins while the next one is started
        }
        Ok(true)
    }

    /// How many items this seat's worker may be given in a frame; `None` when it must be replaced first.
    fn item_quota(&mut self, slot_idx: usize) -> Option<usize> {
        let most_at_once = if self.limits.at_most_once { 1 } else { usize::MAX };
        let slot = &self.worker_slots[slot_idx];
        let is_large = self.limits.recycle_above.is_some_and(|most| slot.resident() > most);
        let most = if is_large { 0 } else { self.limits.recycle_after.unwrap_or(usize::MAX) };
        let room = most.saturating_sub(slot.handed());
        if room == 0 && slot.flights.is_empty() {
            self.recycle(slot_idx);
        }
        (room > 0).then_some(room.min(most_at_once))
    }

    /// What the items that are on their way need of the memory budget. A worker has one in hand at a time.
    fn memory_in_use(&self) -> u64 {
        let Some(memory) = &self.context.plan.memory else { return 0 };
        let of =
            |slot: &WorkerSlot| slot.flights.iter().map(|flight| memory.cost(flight.unanswered())).max().unwrap_or(0);
        self.worker_slots.iter().map(of).sum()
    }

    fn take_back_from_the_busiest(&mut self) -> Option<Range<usize>> {
        let busiest =
            self.worker_slots.iter_mut().filter(|slot| slot.flights.len() > 1).max_by_key(|slot| slot.flights.len())?;
        busiest.take_back_newest()
    }

    /// Finds a worker for a seat: one that was kept, or a new one. False when none can be had and others go on.
    fn attach_worker(&mut self, slot_idx: usize) -> Result<bool, BackendError> {
        let most = self.limits.recycle_after.unwrap_or(usize::MAX);
        let found = match child::take_idle(self.threads, most) {
            Some(worker) => Ok(worker),
            None => Worker::start(self.threads),
        };
        let mut worker = match found {
            Ok(worker) => worker,
            Err(error) => return self.go_on_without(slot_idx, &error).map(|()| false),
        };
        let fence = self.work_queue.fence();
        worker.link.page().set_fence(if fence < self.context.plan.n_items { fence } else { usize::MAX });
        worker.forget_blocks();
        let slot = &mut self.worker_slots[slot_idx];
        (slot.worker, slot.knows_the_call, slot.overdue) = (Some(worker), false, None);
        let manned = self.worker_slots.iter().filter(|slot| slot.worker.is_some()).count();
        self.finished.workers = self.finished.workers.max(manned);
        Ok(true)
    }

    /// No worker can be had for a seat: the others do its work, if there are any.
    fn go_on_without(&mut self, slot_idx: usize, error: &std::io::Error) -> Result<(), BackendError> {
        if self.worker_slots.iter().any(|slot| slot.worker.is_some()) {
            self.worker_slots[slot_idx].back_off(nanos());
            return Ok(());
        }
        if !self.shutting_down.is_empty() {
            return Ok(()); // one of those may hold the place that is wanting
        }
        self.fail_remaining(WorkerExit::NeverStarted, &format!("no worker process could be started: {error}"))
    }

    /// Nothing can be run any more. What is done is kept, and what is not fails by name; where nothing is done, the call fails.
    pub(crate) fn fail_remaining(&mut self, ending: WorkerExit, story: &str) -> Result<(), BackendError> {
        if !self.has_answers {
            return Err(BackendError::Workers(story.to_owned()));
        }
        while let Some(positions) = self.work_queue.claim(|_| 1) {
            let position = positions.start;
            let lost = LostWorker { ending, last_lines: story.to_owned() };
            self.report_failure(
                position,
                self.work_queue.attempts(position) - 1,
                Duration::ZERO,
                Cause::Lost(lost),
                None,
            );
        }
        Ok(())
    }

    /// Sends these items, or as many of them as go into one frame; the others go back.
    fn send_items(&mut self, slot_idx: usize, positions: Range<usize>) {
        let worker = self.worker_slots[slot_idx].worker.as_mut().expect("items are sent to a worker");
        let mut body = worker.link.outgoing.begin_body();
        let mut end = positions.start;
        let mut refused = None;
        with_attachments(&mut self.attachments, || {
            while end < positions.end && body.len() < FRAME_BYTES {
                let encoded = self.context.show_item(end, |item| put_part(&mut body, |body| encode(item, body)));
                if let Err(reason) = encoded {
                    refused = Some(reason);
                    break;
                }
                end += 1;
            }
        });
        let unsent = end + usize::from(refused.is_some());
        self.work_queue.give_back(unsent..positions.end);
        if end > positions.start {
            self.send_frame(slot_idx, body, positions.start, end - positions.start);
        } else {
            worker.link.outgoing.drop_body(body);
        }
        if let Some(reason) = refused {
            self.has_answers = true;
            let cause = Cause::Encoding(format!("the item could not be encoded: {reason}"));
            self.report_failure(end, self.work_queue.attempts(end), Duration::ZERO, cause, None);
        }
    }

    fn send_frame(&mut self, slot_idx: usize, body: Body, first: usize, len: usize) {
        let slot = &mut self.worker_slots[slot_idx];
        let worker = slot.worker.as_mut().expect("a frame is written for a worker");
        if !slot.knows_the_call {
            worker.push_blocks(&self.call.blocks);
            worker.link.outgoing.push(Header::new(Kind::Call), &self.call.body);
            slot.knows_the_call = true;
        }
        worker.push_blocks(&self.attachments.take());
        let number = worker.frames_sent;
        worker.frames_sent = number.wrapping_add(1);
        worker.link.page().frames().send(number);
        let header = Header {
            count: u32::try_from(len).expect("a frame has at most as many items as bytes"),
            first: first as u64,
            extra: u64::from(number),
            ..Header::new(Kind::Items)
        };
        worker.link.outgoing.push_body(header, body);
        slot.flights.push_back(InFlightFrame { number, first, len, done: 0 });
    }

    /// How long an item may take, as far as that is known by now.
    fn time_limit(&self) -> Option<Duration> {
        let of_the_usual = self.limits.time_percent.and_then(|percent| self.usual.percent(percent));
        [self.limits.time, of_the_usual].into_iter().flatten().min()
    }

    /// How long nothing needs to be looked at, in nanoseconds, as far as time is concerned.
    fn time_to_look(&self) -> u64 {
        let Some(limit) = self.time_limit() else { return TICK_NANOS };
        let now = nanos();
        let within = |slot: &WorkerSlot| match slot.urgency(limit, now) {
            TimeoutAction::Within(time) => time,
            TimeoutAction::Ask(_) | TimeoutAction::Kill => 0,
        };
        self.worker_slots.iter().map(within).min().unwrap_or(TICK_NANOS).min(TICK_NANOS)
    }

    /// Sends what is queued, and waits for anything of any worker, for so long at most.
    ///
    /// Both at once: the kernel likes to run the process that was woken on the core of the one that wakes it, which is quick, if
    /// that one has nothing more to do.
    pub(crate) fn wait(&mut self, nanos: u64) {
        let seated = self.worker_slots.iter_mut().filter_map(|slot| slot.worker.as_mut());
        let mut workers: Vec<&mut Worker> =
            seated.chain(self.shutting_down.iter_mut().map(|shutting_down| &mut shutting_down.worker)).collect();
        workers.iter_mut().filter(|worker| worker.link.outgoing.is_waiting()).for_each(|worker| worker.send_queued());
        child::wait_for_any(&mut workers, nanos);
    }

    /// Asks items to end whose time is up, and kills the workers of those that did not.
    fn look_at_times(&mut self) {
        let now = nanos();
        let workers = self.worker_slots.iter_mut().filter_map(|slot| slot.worker.as_mut());
        workers.filter(|worker| worker.is_late(now)).for_each(|worker| worker.kill());
        let Some(limit) = self.time_limit() else { return };
        let grace = self.limits.grace.unwrap_or(GRACE);
        for slot in &mut self.worker_slots {
            match slot.urgency(limit, now) {
                TimeoutAction::Within(_) => {}
                TimeoutAction::Ask(item) => slot.ask_to_end(item, limit, grace, now),
                TimeoutAction::Kill => slot.kill(now),
            }
        }
    }
}

/// What workers are told of a call.
fn call_frame<T, K>(
    limits: &Limits,
    context: &RunContext<'_, T, K>,
    workers: NonZeroUsize,
) -> Result<CallFrame, BackendError>
where
    T: DeserializeOwned,
    K: ProcessTask<T>,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Serialize,
    K::Error: Serialize,
{
    let serve: Serve = serve::<T, K>;
    let name = |address| FunctionName::of(address, fingerprint::<T, K>()).map_err(BackendError::Unsupported);
    let init = context.task.context().init_address();
    let init = if init.is_null() { None } else { Some(name(init)?) };
    let head = CallHead {
        function: name(serve as *const ())?,
        item_function: name(context.task.address())?,
        init,
        halts: context.plan.halt_on_failure,
        memory: limits.memory,
        watches_time: limits.time.is_some() || limits.time_percent.is_some(),
        watches_memory: limits.recycle_above.is_some() || context.plan.traces,
        traces: context.plan.traces,
        settings: Settings::of(context.config, workers),
        shared: SharedValue::Here(Vec::new()),
    };
    let (mut shared, mut attachments) = (Body::default(), Attachments::default());
    let refused = |reason| BackendError::Unprepared(format!("the shared value could not be encoded: {reason}"));
    with_attachments(&mut attachments, || encode(context.task.context().shared(), &mut shared)).map_err(refused)?;
    let mut blocks = attachments.take();
    let shared = if shared.len() > LARGE_SHARED {
        let block = Block::copy_of(shared.bytes()).map_err(|error| refused(error.to_string()))?;
        blocks.push(Arc::clone(&block));
        SharedValue::Block(block.id())
    } else {
        SharedValue::Here(shared.bytes().to_vec())
    };
    let head = CallHead { shared, ..head };
    let body = postcard::to_stdvec(&head).map_err(|error| refused(error.to_string()))?;
    Ok(CallFrame { body, blocks })
}
