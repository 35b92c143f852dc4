//! One place for a worker in a call: the process that fills it at the moment, and the frames that were sent to it.
//!
//! Promises: frames are answered in the order in which they were sent, or the worker is reported as broken. Leaves to
//! its users which items to send, and what an answer means.
//!
//! The life of a slot in a call: it is empty; [`attach_worker`](WorkerSlot::attach_worker) fills it;
//! [`push_items`](WorkerSlot::push_items) adds frames; [`ack`](WorkerSlot::ack) and
//! [`take_skipped`](WorkerSlot::take_skipped) remove them from the front, and
//! [`take_back_newest`](WorkerSlot::take_back_newest) from the back. It is emptied again by
//! [`detach_worker`](WorkerSlot::detach_worker) where the worker is replaced, by [`take_dead`](WorkerSlot::take_dead)
//! where it died, and by [`into_free_worker`](WorkerSlot::into_free_worker) at the end of the call.
//!
//! A frame of results may cover a part of a frame of items. With positions 0..8 in one frame, results of 0..3 set
//! `done` to 3, and the next results must begin at 3; anything else is a protocol error, for which the worker is
//! killed.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use crate::backend::process::child::{Readiness, Worker};
use crate::backend::process::memory::block::Block;
use crate::backend::process::supervisor::call_frame::CallFrame;
use crate::backend::process::wire::answers::skipped;
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::connection::{Broken, Incoming, ReadResult};
use crate::backend::process::wire::frame::{Header, Parts, ProtocolError};
use crate::backend::process::wire::status_page::{InHand, may_follow};
use crate::primitives::pauses::Pauses;
use crate::sync::{Arc, nanos};

/// A place for a worker in a call.
#[derive(Debug, Default)]
pub(super) struct WorkerSlot {
    /// The process in the slot; `None` before the first frame, after a death and after a replacement.
    worker: Option<Worker>,
    /// Frames that were sent and not answered to their end, oldest first. The worker runs them in this order.
    in_flight: VecDeque<InFlightFrame>,
    /// The number of the frame that was sent last.
    newest: u32,
    /// Whether this worker was sent the call.
    knows_the_call: bool,
    /// Whether this worker has answered anything in this call.
    has_answered: bool,
    /// No worker is started for the slot before this time, in nanoseconds of the steady clock.
    empty_until: u64,
    /// The item that was asked to end because its time is up.
    overdue: Option<Overdue>,
    /// Since when each look has found frames and no item in hand.
    unbegun_since: Option<u64>,
}

/// A frame of items that was sent.
#[derive(Debug)]
struct InFlightFrame {
    /// Its number on the status page.
    number: u32,
    /// The positions of its items.
    positions: Range<usize>,
    /// How many of its items are answered.
    done: usize,
}

/// An item whose time is up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overdue {
    /// The item, with the time at which it began.
    pub(super) item: InHand,
    /// How long it was allowed to take.
    pub(super) limit: Duration,
    /// When it was asked to end, in nanoseconds of the steady clock.
    asked: u64,
    /// How long after that its worker is killed, in nanoseconds.
    grace: u64,
}

/// The time between SIGTERM and SIGKILL where the mode sets none.
const GRACE: Duration = Duration::from_millis(50);
/// A second, in nanoseconds: how long a slot stays empty when no worker can be had, and a large process may take to
/// die.
const SECOND: u64 = 1_000_000_000;

/// What has to be done about the time of an item in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeoutAction {
    /// Nothing before this many nanoseconds have passed.
    Within(u64),
    /// This item is to be asked to end.
    Ask(InHand),
    /// Its worker is to be killed.
    Kill,
}

/// What a dead worker leaves behind.
#[derive(Debug)]
pub(super) struct DeadWorker {
    /// The process, to be reaped.
    pub(super) worker: Worker,
    /// The positions of each frame that have no answer.
    pub(super) unanswered: Vec<Range<usize>>,
    /// The unanswered item that it had in hand.
    pub(super) in_hand: Option<InHand>,
    /// The first unanswered position that it may have begun between two items.
    pub(super) begun: Option<usize>,
    /// The item that was asked to end, if any.
    pub(super) overdue: Option<Overdue>,
    /// Whether it died while it was idle, before this call reached it.
    pub(super) was_dead_before: bool,
}

impl InFlightFrame {
    /// The positions that have no answer yet.
    fn unanswered(&self) -> Range<usize> {
        self.positions.start + self.done..self.positions.end
    }
}

impl WorkerSlot {
    /// Its worker.
    pub(super) fn worker(&self) -> Option<&Worker> {
        self.worker.as_ref()
    }

    /// Its worker, to send to and to read from.
    pub(super) fn worker_mut(&mut self) -> Option<&mut Worker> {
        self.worker.as_mut()
    }

    /// Fills the slot. The worker runs items below `fence` alone.
    ///
    /// The fence is stored before any frame is queued, so a fence of the worker's last call stops nothing here. The
    /// blocks that this process has dropped since then are forgotten by the worker before it gets new ones.
    pub(super) fn attach_worker(&mut self, mut worker: Worker, fence: usize) {
        worker.page().set_fence(fence);
        worker.forget_blocks();
        // What the slot's last worker answered says nothing of this one, which may have died while it was idle.
        (self.worker, self.knows_the_call, self.overdue, self.has_answered) = (Some(worker), false, None, false);
        self.unbegun_since = None;
    }

    /// Empties the slot, whose worker has nothing in flight.
    pub(super) fn detach_worker(&mut self) -> Option<Worker> {
        self.worker.take()
    }

    /// Ends the slot with its call. Gives its worker and whether it was sent the call. A worker that still has frames
    /// is killed: dropping it does that.
    pub(super) fn into_free_worker(self) -> Option<(Worker, bool)> {
        let worker = self.worker.filter(|_| self.in_flight.is_empty())?;
        Some((worker, self.knows_the_call))
    }

    /// Whether nothing is in flight to it.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether the page has a mark for one more frame. Without one, the slot gets a frame once its oldest is answered.
    pub(super) fn has_free_mark(&self) -> bool {
        self.in_flight.front().is_none_or(|oldest| may_follow(oldest.number, self.newest))
    }

    /// Whether the frame of this number is in flight.
    pub(super) fn is_in_flight(&self, number: u64) -> bool {
        self.in_flight.iter().any(|frame| u64::from(frame.number) == number)
    }

    /// How many frames are in flight.
    pub(super) fn n_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether a result below this position is still to come.
    pub(super) fn has_pending_below(&self, fence: usize) -> bool {
        self.in_flight.iter().any(|frame| frame.unanswered().start < fence)
    }

    /// The positions of each frame in flight that have no answer yet.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.in_flight.iter().map(InFlightFrame::unanswered)
    }

    /// How many items the process in it was given in its life.
    ///
    /// Compared with `recycle_after`, so frames in flight count: otherwise a worker that may serve 10 items would be
    /// sent more before the first is answered.
    pub(super) fn n_given(&self) -> usize {
        let in_flight: usize = self.unanswered().map(|positions| positions.len()).sum();
        self.worker.as_ref().map_or(0, Worker::served) + in_flight
    }

    /// Bytes that its worker had in memory when it last measured them.
    pub(super) fn resident(&self) -> u64 {
        self.worker.as_ref().map_or(0, |worker| worker.page().resident())
    }

    /// What its worker has in hand.
    pub(super) fn in_hand(&self) -> Option<InHand> {
        self.worker.as_ref().and_then(|worker| worker.page().in_hand())
    }

    /// Whether it is too early to start a worker for it.
    pub(super) fn is_backing_off(&self) -> bool {
        self.empty_until > 0 && nanos() < self.empty_until
    }

    /// Leaves the slot empty for a second, while others go on.
    pub(super) fn back_off(&mut self) {
        self.empty_until = nanos().saturating_add(SECOND);
    }

    /// Queues a frame with the items at these positions, and before it the call, where the worker does not know it, and
    /// the blocks of shared memory that the items mention.
    ///
    /// # Panics
    /// When the slot has no worker.
    pub(super) fn push_items(
        &mut self,
        call: &CallFrame,
        blocks: &[Arc<Block>],
        positions: Range<usize>,
        body: Body,
        n_digests: u32,
    ) {
        let worker = self.worker.as_mut().expect("a frame is written for a worker");
        if !self.knows_the_call {
            worker.push_call(&call.blocks, &call.body);
            self.knows_the_call = true;
        }
        worker.push_blocks(blocks);
        let number = worker.push_items(&positions, body, n_digests);
        self.newest = number;
        self.in_flight.push_back(InFlightFrame { number, positions, done: 0 });
    }

    /// Takes the newest frame back, if the worker has not begun it.
    ///
    /// `None` also without frames and without a worker. The page decides: one compare-and-swap, which the worker's own
    /// attempt to begin the frame loses. The frame itself is still in the socket; the worker reads and skips it. A
    /// frame that has been answered in part was begun, so what comes back is always whole.
    pub(super) fn take_back_newest(&mut self) -> Option<Range<usize>> {
        let newest = self.in_flight.back()?;
        let worker = self.worker.as_ref()?;
        if !worker.page().frames().take_back(newest.number) {
            return None;
        }
        self.in_flight.pop_back().map(|frame| frame.unanswered())
    }

    /// What the last wait found out about its worker; `None` without one. What it printed is passed on.
    pub(super) fn take_readiness(&mut self) -> Option<Readiness> {
        self.worker.as_mut().map(Worker::take_readiness)
    }

    /// Reads what its worker has sent, without waiting.
    pub(super) fn receive(&mut self) -> Result<ReadResult, Broken> {
        self.worker.as_mut().ok_or(ProtocolError)?.receive()
    }

    /// The frames that its worker has sent.
    pub(super) fn incoming(&mut self) -> Result<&mut Incoming, ProtocolError> {
        self.worker.as_mut().map(Worker::incoming).ok_or(ProtocolError)
    }

    /// The positions that this frame of results is for: the next ones of the oldest frame in flight.
    ///
    /// # Errors
    /// When no frame is in flight, when the results begin at another position than the next one without an answer, or
    /// when they are more than the oldest frame has left.
    pub(super) fn positions_of(&self, header: &Header) -> Result<Range<usize>, ProtocolError> {
        let unanswered = self.in_flight.front().ok_or(ProtocolError)?.unanswered();
        let count = header.count as usize;
        if unanswered.start as u64 != header.first || count > unanswered.len() {
            return Err(ProtocolError);
        }
        Ok(unanswered.start..unanswered.start + count)
    }

    /// These positions are answered, and the frame of their results was read.
    ///
    /// Called after the values were decoded, since the slot of shared memory that they lie in is free from here on, and
    /// the worker may write to it. An item that was asked to end and is answered after all is not overdue any more, so
    /// its worker is not killed.
    pub(super) fn ack(&mut self, header: &Header, positions: Range<usize>) -> Result<(), ProtocolError> {
        let worker = self.worker.as_mut().ok_or(ProtocolError)?;
        let incoming = worker.incoming();
        // Each frame brings the blocks that its values mention anew, so none is kept here that the program has dropped.
        incoming.blocks.clear();
        incoming.release(header);
        worker.note_served(positions.len());
        let oldest = self.in_flight.front_mut().ok_or(ProtocolError)?;
        oldest.done += positions.len();
        if oldest.unanswered().is_empty() {
            self.in_flight.pop_front();
        }
        self.has_answered = true;
        self.overdue = self.overdue.filter(|overdue| !positions.contains(&overdue.item.position));
        Ok(())
    }

    /// The worker has skipped the rest of the oldest frame, because it lies beyond the fence. Gives the positions.
    pub(super) fn take_skipped(&mut self, header: &Header) -> Result<Range<usize>, Broken> {
        let incoming = self.worker.as_mut().ok_or(ProtocolError)?.incoming();
        let count = skipped(&mut Parts::of(incoming.body(header)?))?;
        incoming.release(header);
        let rest = self.in_flight.front().ok_or(ProtocolError)?.unanswered();
        if rest.start as u64 != header.first || rest.len() != count {
            return Err(ProtocolError.into()); // the frame stays in flight, so its items go back when the worker is killed
        }
        self.in_flight.pop_front();
        Ok(rest)
    }

    /// The worker refuses the call, and passes over all that was sent to it.
    pub(super) fn drop_in_flight(&mut self) {
        self.in_flight.clear();
    }

    /// Empties the slot after its worker's death: gives what the dead worker leaves behind, and a slot as at first.
    ///
    /// With frames 0..4 and 4..8 in flight, results of 0..2 received and position 2 on the page, it gives `unanswered`
    /// 2..4 and 4..8, `in_hand` 2, and no `begun`. A position on the page whose result has come does not count as in
    /// hand: the worker died after its result was sent and before the store that ends the item.
    ///
    /// Where nothing is in hand, each frame is taken back from the page; the oldest for which that fails is the one
    /// that was begun. That is used only where no item may begin twice, and there at most one frame is in flight.
    pub(super) fn take_dead(&mut self) -> Option<DeadWorker> {
        let slot = std::mem::take(self);
        let worker = slot.worker?;
        let unanswered: Vec<Range<usize>> = slot.in_flight.iter().map(InFlightFrame::unanswered).collect();
        let is_unanswered = |position: usize| unanswered.iter().any(|positions| positions.contains(&position));
        let in_hand = worker.page().in_hand().filter(|item| is_unanswered(item.position));
        let frames = worker.page().frames();
        let begun = if in_hand.is_some() {
            None
        } else {
            let begun = slot.in_flight.iter().find(|frame| !frames.take_back(frame.number));
            begun.map(|frame| frame.unanswered().start)
        };
        let was_dead_before = worker.was_idle() && !slot.has_answered;
        Some(DeadWorker { worker, unanswered, in_hand, begun, overdue: slot.overdue, was_dead_before })
    }

    /// How long the time of the item in hand needs no look, in nanoseconds.
    pub(super) fn time_to_look(&self, limit: Duration, now: u64, pauses: &Pauses) -> u64 {
        match self.timeout_action(limit, now, pauses) {
            TimeoutAction::Within(time) => time,
            TimeoutAction::Ask(_) | TimeoutAction::Kill => 0,
        }
    }

    /// Asks the item in hand to end if its time is up, and kills the worker if it was asked and its grace is over.
    ///
    /// For a limit of 1 s and a grace of 50 ms, seen from the start of the item:
    ///
    /// | time | what is done |
    /// |---|---|
    /// | below 1 s | nothing |
    /// | from 1 s on | SIGTERM, once for this item |
    /// | from 1.05 s on | SIGKILL, and again once a second until the death is noticed |
    ///
    /// The times are kept to about 20 ms, the length of a turn. Costs two or three loads per worker where no time is
    /// up.
    pub(super) fn enforce_time_limit(&mut self, limit: Duration, grace: Option<Duration>, now: u64, pauses: &Pauses) {
        match self.timeout_action(limit, now, pauses) {
            TimeoutAction::Within(_) => {}
            TimeoutAction::Ask(item) => self.ask_to_end(item, limit, grace.unwrap_or(GRACE), now),
            TimeoutAction::Kill => self.kill(now),
        }
    }

    /// Kills a worker that has had frames for `limit`, has none of their items in hand, and is stopped. It was stopped between
    /// two calls, by an item that has ended or from outside; no item is blamed for that. One that makes its state, or reads the
    /// call, goes on. Reads a file once per limit, where no look found an item in hand.
    pub(super) fn end_if_stopped(&mut self, limit: Duration, now: u64, pauses: &Pauses) {
        if self.in_flight.is_empty() || self.in_hand().is_some() {
            self.unbegun_since = None;
            return;
        }
        let since = *self.unbegun_since.get_or_insert(now);
        if u128::from(pauses.observed(since, now)) < limit.as_nanos() {
            return;
        }
        self.unbegun_since = None;
        if let Some(worker) = self.worker.as_ref().filter(|worker| worker.is_stopped()) {
            worker.kill();
        }
    }

    /// What has to be done at `now` about an item that may take as long as `limit`. Only time that this process has
    /// observed counts, so an item that was in hand while it was stopped gets that time back.
    fn timeout_action(&self, limit: Duration, now: u64, pauses: &Pauses) -> TimeoutAction {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        // An item that begins now is to be looked at when its time is up.
        let Some(item) = self.in_hand() else { return TimeoutAction::Within(limit) };
        if let Some(overdue) = self.overdue.filter(|overdue| overdue.item == item) {
            let left = overdue.grace.saturating_sub(pauses.observed(overdue.asked, now));
            return if left == 0 { TimeoutAction::Kill } else { TimeoutAction::Within(left) };
        }
        let left = limit.saturating_sub(pauses.observed(item.since, now));
        if left == 0 { TimeoutAction::Ask(item) } else { TimeoutAction::Within(left) }
    }

    /// Sends SIGTERM. Should the worker have another item in hand by then, that is found out when it has died.
    fn ask_to_end(&mut self, item: InHand, limit: Duration, grace: Duration, now: u64) {
        let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        self.overdue = Some(Overdue { item, limit, asked: now, grace });
        if let Some(worker) = &self.worker {
            worker.send_sigterm();
        }
    }

    /// Kills the worker; looks again after a second, as a large process takes its time to die.
    fn kill(&mut self, now: u64) {
        if let Some(overdue) = &mut self.overdue {
            (overdue.asked, overdue.grace) = (now, SECOND);
        }
        if let Some(worker) = &self.worker {
            worker.kill();
        }
    }
}
