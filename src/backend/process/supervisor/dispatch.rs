//! Sends items to workers: decides which gets the next frame, how many items it has, and where a new worker comes from.
//!
//! Promises: every slot gets a first frame before any gets a second; no frame exceeds what the limits and the memory
//! budget of the call allow. Never waits.
//!
//! How long a frame is, the plan decides from the pace of the last results: about a millisecond's work. As many frames
//! are sent ahead as hide the way to the worker and back: two at least and eight at most, or one where items travel one
//! by one.
//!
//! How many frames a worker has ahead of it:
//!
//! | a frame takes | frames ahead |
//! |---|---|
//! | 1 ms, as planned | 2 |
//! | 100 µs | 3 |
//! | 20 µs or less | 8 |
//! | not known, before the first results | 2 |
//! | any time, with a memory budget or where no item may begin twice | 1 |
//!
//! A frame that has 1 MiB of encoded items takes no further one; what was claimed and does not fit goes back to the
//! queue. Costs of a frame: a header of 32 bytes, 4 bytes per item for its length, and no allocation where the buffer
//! of an earlier body can be used again.

use std::io;
use std::ops::Range;
use std::time::Duration;

use crate::backend::contract::BackendError;
use crate::backend::process::child::idle;
use crate::backend::process::serde_task::{SerdeTask, Travels};
use crate::backend::process::supervisor::call_frame::CallFrame;
use crate::backend::process::supervisor::call_state::CallState;
use crate::backend::process::surroundings::Origin;
use crate::backend::process::system_call::backend_error;
use crate::backend::process::wire::attachments::{Attachments, with_attachments};
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::frame::{Digests, put_part};
use crate::backend::process::wire::status_page::FRAMES;
use crate::backend::task::Task;
use crate::failure::{LostWorker, WorkerExit};
use crate::sync::Arc;

/// A frame ends when it is this long, however many items it was to have.
const FRAME_BYTES: usize = 1024 * 1024;
/// As much work as hides the way to a worker and back is sent ahead.
const AHEAD: Duration = Duration::from_micros(200);
/// The most frames that are sent ahead.
const MOST_AHEAD: usize = 8;

const _: () = assert!(MOST_AHEAD <= FRAMES);

/// Sends the frames of one call.
pub(super) struct FrameSender {
    /// Sent to each worker before its first items.
    call: CallFrame,
    /// How many threads each worker may use.
    threads: usize,
    /// Folder, environment and user of this process when the call began.
    origin: Arc<Origin>,
    /// The blocks of shared memory that the frame at hand mentions.
    attachments: Attachments,
    /// The digests of those of its items that the worker must compare.
    digests: Digests,
}

/// How the round over the slots goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    GoOn,
    /// There is nothing to send to any slot at the moment.
    End,
}

impl FrameSender {
    /// A sender for the call that `call` describes.
    pub(super) fn new(call: CallFrame, threads: usize, origin: Arc<Origin>) -> Self {
        Self { call, threads, origin, attachments: Attachments::default(), digests: Digests::default() }
    }

    /// Drops the shared memory of the call, so that workers drop it too.
    pub(super) fn drop_blocks(&mut self) {
        self.call.blocks.clear();
    }

    /// Sends frames until every worker has enough ahead of it, or nothing is left to send.
    ///
    /// Called in each turn, and after each answer of the gatherer while workers have nothing to do. Frames are queued
    /// here and sent together right before the next wait; only a new worker is sent its first frame at once, so that it
    /// comes up while the next one is started.
    ///
    /// # Errors
    /// When no worker can be started and there is no result yet.
    pub(super) fn dispatch<T: Travels, K: SerdeTask<T>>(
        &mut self,
        state: &mut CallState<'_, '_, T, K>,
    ) -> Result<(), BackendError> {
        for frames_ahead in 1..=state.frames_ahead() {
            for slot_idx in 0..state.slots.len() {
                let slot = &state.slots[slot_idx];
                if slot.n_in_flight() < frames_ahead
                    && slot.has_free_mark()
                    && self.dispatch_to(slot_idx, state)? == Round::End
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Sends the next frame to this slot.
    fn dispatch_to<T: Travels, K: SerdeTask<T>>(
        &mut self,
        slot_idx: usize,
        state: &mut CallState<'_, '_, T, K>,
    ) -> Result<Round, BackendError> {
        if state.slots[slot_idx].is_backing_off() {
            return Ok(Round::GoOn);
        }
        if !state.has_work_for(slot_idx) {
            return Ok(Round::End);
        }
        let is_new = state.slots[slot_idx].worker().is_none();
        if is_new && !self.attach_worker(slot_idx, state)? {
            return Ok(Round::GoOn);
        }
        let Some(quota) = state.item_quota(slot_idx) else { return Ok(Round::GoOn) };
        if state.must_wait() {
            return Ok(Round::End);
        }
        if let Some(positions) = state.claim(quota) {
            self.send_items(slot_idx, positions, state);
        }
        if let Some(worker) = state.slots[slot_idx].worker_mut().filter(|worker| is_new && !worker.was_idle()) {
            worker.send_queued(); // it begins while the next one is started
        }
        Ok(Round::GoOn)
    }

    /// Finds a worker for an empty slot: an idle one, or a new one. False when none can be had and the call goes on.
    ///
    /// An idle worker is taken only if it was started for the same number of threads, as its environment says that
    /// number and cannot be changed later. A new one gets what the program had when the call began, as the idle ones have.
    ///
    /// # Errors
    /// Those of [`CallState::go_on_without`].
    fn attach_worker<T: Travels, K: SerdeTask<T>>(
        &self,
        slot_idx: usize,
        state: &mut CallState<'_, '_, T, K>,
    ) -> Result<bool, BackendError> {
        let max_served = state.limits.recycle_after.unwrap_or(usize::MAX);
        let found = idle::take_idle(self.threads, max_served, self.origin.surroundings());
        let worker = match found.map_or_else(|| idle::start(self.threads, &self.origin), Ok) {
            Ok(worker) => worker,
            Err(error) => return state.go_on_without(slot_idx, &error).map(|()| false),
        };
        let fence = state.queue.fence();
        let fence = if fence < state.context.plan.n_items { fence } else { usize::MAX };
        state.slots[slot_idx].attach_worker(worker, fence);
        state.count_workers();
        Ok(true)
    }

    /// Sends these items, or as many of them as go into one frame; the others go back. One that cannot be encoded
    /// fails.
    ///
    /// For positions 4..9 of which 7 cannot be encoded: 4..7 are sent, 8..9 go back to the queue, and 7 is reported as
    /// failed, in this order. The report is last because it runs the gatherer, which may lower the fence.
    fn send_items<T: Travels, K: SerdeTask<T>>(
        &mut self,
        slot_idx: usize,
        positions: Range<usize>,
        state: &mut CallState<'_, '_, T, K>,
    ) {
        let worker = state.slots[slot_idx].worker_mut().expect("items are sent to a worker");
        let mut body = worker.begin_body();
        let (end, refused) = self.encode_items(&positions, &mut body, state);
        state.queue.give_back(end + usize::from(refused.is_some())..positions.end);
        if end > positions.start {
            let blocks = self.attachments.take();
            let n_digests = self.digests.put(&mut body);
            state.slots[slot_idx].push_items(&self.call, &blocks, positions.start..end, body, n_digests);
        } else if let Some(worker) = state.slots[slot_idx].worker_mut() {
            worker.drop_body(body);
        }
        if let Some(reason) = refused {
            state.report_unsendable(end, &reason);
        }
    }

    /// Encodes items until the frame is full or one cannot be encoded. Gives the first position that is not in the
    /// frame, and why it cannot be encoded.
    fn encode_items<T: Travels, K: SerdeTask<T>>(
        &mut self,
        positions: &Range<usize>,
        body: &mut Body,
        state: &mut CallState<'_, '_, T, K>,
    ) -> (usize, Option<String>) {
        let (context, shapes, digests) = (state.context, &mut state.item_shapes, &mut self.digests);
        digests.clear();
        with_attachments(&mut self.attachments, || {
            for position in positions.clone() {
                if body.len() >= FRAME_BYTES {
                    return (position, None);
                }
                let encode = |item: &T| put_part(body, |body| shapes.encode(item, body));
                if let Err(reason) = context.show_item(position, encode) {
                    return (position, Some(reason));
                }
                if let Some(digest) = shapes.take_digest(position) {
                    digests.add(position - positions.start, digest);
                }
            }
            (positions.end, None)
        })
    }
}

impl<T, K: Task<T>> CallState<'_, '_, T, K> {
    /// How many frames a worker has ahead of it: enough to hide the way there and back.
    fn frames_ahead(&self) -> usize {
        let plan = self.context.plan;
        if self.limits.at_most_once || plan.memory.is_some() {
            return 1;
        }
        let Some(pace) = self.pace() else { return 2 };
        let frame_len = plan.frame_len(0, Some(pace)).min(plan.n_items);
        let frame_nanos = pace.time.as_nanos() * frame_len as u128 / pace.items as u128;
        let frames = AHEAD.as_nanos() / frame_nanos.max(1) + 1;
        usize::try_from(frames).unwrap_or(MOST_AHEAD).clamp(2, MOST_AHEAD)
    }

    /// Whether the queue has items for this slot. So that no worker idles beside one that has more than it can begin,
    /// an idle slot takes back a frame from the busiest.
    fn has_work_for(&mut self, slot_idx: usize) -> bool {
        if !self.queue.has_more()
            && self.slots[slot_idx].is_idle()
            && let Some(taken_back) = self.slots.take_back_from_the_busiest()
        {
            self.queue.give_back(taken_back);
        }
        self.queue.has_more()
    }

    /// How many items this slot's worker may be given in a frame. `None` when it must be replaced first: then it is, as
    /// soon as nothing is in flight to it.
    ///
    /// | limit | worker | quota |
    /// |---|---|---|
    /// | none | any | no bound; the plan decides |
    /// | no item may begin twice | any | 1 |
    /// | recycled after 100 items | has answered 90, has 4 in flight | 6 |
    /// | recycled after 100 items | has answered 100 | `None`, and it is replaced now |
    /// | recycled above 1 GiB | had 1.2 GiB when it last measured | `None`, and it is replaced when it is idle |
    fn item_quota(&mut self, slot_idx: usize) -> Option<usize> {
        let slot = &self.slots[slot_idx];
        let is_too_large = self.limits.recycle_above.is_some_and(|most| slot.resident() > most);
        let most = if is_too_large { 0 } else { self.limits.recycle_after.unwrap_or(usize::MAX) };
        let left = most.saturating_sub(slot.n_given());
        if left == 0 {
            if slot.is_idle() {
                self.recycle(slot_idx);
            }
            return None;
        }
        Some(if self.limits.at_most_once { 1 } else { left })
    }

    /// Whether the next item must wait until others are finished: it exceeds the memory budget together with those in
    /// flight, or it is the first after the items that run alone.
    ///
    /// With `serial_sample` at 1, position 0 may be sent when the slots are in any state, and position 1 waits until position 0
    /// is answered; from position 2 on none waits for this reason.
    fn must_wait(&self) -> bool {
        let (plan, first) = (self.context.plan, self.queue.next_first());
        let exceeds_memory =
            plan.memory.as_ref().is_some_and(|memory| memory.admit(first, 1, self.slots.memory_in_use(plan)) == 0);
        exceeds_memory || (1..=plan.serial_sample).contains(&first) && !self.slots.are_all_idle()
    }

    /// Takes the next positions off the queue, at most this many.
    fn claim(&mut self, quota: usize) -> Option<Range<usize>> {
        let (plan, pace, in_use) = (self.context.plan, self.pace(), self.slots.memory_in_use(self.context.plan));
        self.queue.claim(|first| {
            let len = plan.frame_len(first, pace).min(quota);
            let len = if first < plan.serial_sample { len.min(plan.serial_sample - first) } else { len };
            plan.memory.as_ref().map_or(len, |memory| memory.admit(first, len.min(plan.n_items - first), in_use))
        })
    }

    /// No worker can be had for a slot. If others work, they do its part; if not, the call fails.
    ///
    /// # Errors
    /// When no slot has a worker, no worker is about to end, and there is no result yet. With results, the items that
    /// are left fail instead.
    fn go_on_without(&mut self, slot_idx: usize, error: &io::Error) -> Result<(), BackendError> {
        if self.slots.n_workers() > 0 {
            self.slots[slot_idx].back_off();
            return Ok(());
        }
        if !self.shutdowns.is_empty() {
            return Ok(()); // a process that is about to end may hold what is missing
        }
        let (exit, reason) = (WorkerExit::NeverStarted, Some(error.to_string()));
        let lost = LostWorker { exit, last_lines: String::new(), reason };
        let text = format!("no worker process could be started: {error}");
        self.fail_remaining(&lost, backend_error(error, text, BackendError::Workers))
    }
}
