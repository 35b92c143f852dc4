//! Takes what workers send: frames of results become reports to the gatherer, and a dead worker's items go back to the
//! queue or fail.
//!
//! Promises: everything that a worker sent before it died is read; whatever dies, each item is reported once per
//! attempt.
//!
//! The order in which a death is handled matters:
//! 1. All frames that the worker sent before are read, so items that it finished are not run again.
//! 2. The slot is emptied, and its positions are taken from the frames in flight and the status page.
//! 3. The positions other than the one in hand return to the queue.
//! 4. The process is killed if it lives, and reaped; then its exit status and its last lines are known.
//! 5. `blame.rs` decides, and the item in hand fails or returns to the queue.
//!
//! A worker that breaks the protocol is handled the same way: its memory may be corrupt, so nothing else that it sends
//! is believed.

use std::time::Duration;

use crate::backend::contract::{BackendError, ChunkReport, Output, PositionFailure, WorkerEvent};
use crate::backend::process::child::ExitReport;
use crate::backend::process::serde_task::{SerdeTask, Travels};
use crate::backend::process::supervisor::blame::{Blame, blame};
use crate::backend::process::supervisor::call_state::CallState;
use crate::backend::process::supervisor::work_queue::{MAX_DEATHS, RetryDecision};
use crate::backend::process::supervisor::worker_slot::DeadWorker;
use crate::backend::process::wire::answers::{next_timing, take_answer};
use crate::backend::process::wire::attachments::with_blocks;
use crate::backend::process::wire::connection::{Broken, ReadResult};
use crate::backend::process::wire::drop_panic::drop_panic;
use crate::backend::process::wire::frame::{FrameKind, Header, Parts, ProtocolError};
use crate::backend::process::wire::refusal::CallRejected;
use crate::backend::process::wire::status_page::InHand;
use crate::failure::{Cause, LostWorker, WorkerExit};
use crate::record::Timing;
use crate::sync::{SystemTime, nanos};

/// How a worker is found when its frames have been read.
enum WorkerStatus {
    Alive,
    /// Its connection is over.
    Disconnected,
}

/// Why a worker's frames are not read any further.
enum ReceiveError {
    /// The connection to it is of no use any more.
    Broken(Broken),
    /// It refuses the call, and so would every other worker.
    Rejected(CallRejected),
}

impl<B: Into<Broken>> From<B> for ReceiveError {
    fn from(broken: B) -> Self {
        Self::Broken(broken.into())
    }
}

/// Said of a worker that is alive and cannot be reached.
const HAS_CLOSED: &str = "it had closed its connection to the caller, as it does when an item closes all descriptors or runs \
                          another program in the place of the worker, and was ended for that";

impl<T: Travels, K: SerdeTask<T>> CallState<'_, '_, T, K> {
    /// Takes what every worker has sent, as far as the last wait found something.
    ///
    /// Costs nothing for a worker that the last wait found quiet; for one that has sent, one `recvmsg`, and more while
    /// the buffer is filled by each. Values are decoded in this thread.
    ///
    /// # Errors
    /// When a worker refuses the call, or workers die in a row and there is no result yet.
    pub(super) fn listen(&mut self) -> Result<(), BackendError> {
        for slot_idx in 0..self.slots.len() {
            match self.listen_to(slot_idx) {
                Ok(WorkerStatus::Alive) => {}
                Ok(WorkerStatus::Disconnected) | Err(ReceiveError::Broken(Broken::Closed)) => {
                    self.handle_death(slot_idx, None)?;
                }
                Err(ReceiveError::Broken(Broken::ProtocolError(error))) => self.handle_death(slot_idx, Some(error))?,
                Err(ReceiveError::Broken(Broken::NoMemory(len))) => {
                    self.handle_death(slot_idx, Some(format!("there is no memory for {len} bytes that it sent")))?;
                }
                Err(ReceiveError::Rejected(CallRejected::State(reason))) => return Err(BackendError::State(reason)),
                Err(ReceiveError::Rejected(CallRejected::Call(reason))) => {
                    return Err(BackendError::Unprepared(reason));
                }
                Err(ReceiveError::Rejected(CallRejected::Unsupported(reason))) => {
                    return Err(BackendError::Unsupported(reason));
                }
            }
        }
        self.collect_shutdowns();
        Ok(())
    }

    /// Takes what workers say that shut down.
    pub(super) fn collect_shutdowns(&mut self) {
        let n_lost = self.shutdowns.collect();
        self.count_lost(n_lost);
    }

    /// Takes what one worker has sent.
    ///
    /// A living worker is read until a read leaves room in the buffer, and not until nothing comes, which would cost
    /// one more system call. A dead one is read until nothing comes, as its slot is emptied afterwards.
    fn listen_to(&mut self, slot_idx: usize) -> Result<WorkerStatus, ReceiveError> {
        let Some(readiness) = self.slots[slot_idx].take_readiness() else { return Ok(WorkerStatus::Alive) };
        if !readiness.has_sent && !readiness.is_dead {
            return Ok(WorkerStatus::Alive);
        }
        loop {
            let read = self.slots[slot_idx].receive()?;
            self.take_frames(slot_idx)?;
            match read {
                ReadResult::AsMuchAsFits => {}
                // What a dead worker sent is read to its end.
                ReadResult::Some if readiness.is_dead => {}
                ReadResult::Nothing if readiness.is_dead => return Ok(WorkerStatus::Disconnected),
                ReadResult::Nothing | ReadResult::Some => return Ok(WorkerStatus::Alive),
            }
        }
    }

    /// Takes the frames that have come whole.
    fn take_frames(&mut self, slot_idx: usize) -> Result<(), ReceiveError> {
        while let Some(header) = self.slots[slot_idx].incoming()?.next()? {
            match header.kind {
                FrameKind::Answers if header.count == 0 => {
                    let skipped = self.slots[slot_idx].take_skipped(&header)?;
                    self.queue.give_back(skipped);
                }
                FrameKind::Answers => self.take_results(slot_idx, &header)?,
                FrameKind::DropPanic => self.take_drop_panic(slot_idx, &header)?,
                FrameKind::ReadsAllBack => {
                    if self.slots[slot_idx].is_in_flight(header.extra) {
                        self.item_shapes.read_all_back();
                    }
                    self.slots[slot_idx].incoming()?.release(&header);
                }
                FrameKind::Refused => return Err(self.take_refusal(slot_idx, &header)?),
                _ => return Err(ProtocolError.into()),
            }
        }
        Ok(())
    }

    /// Takes the frame in which a worker says that a destructor panicked.
    ///
    /// One that comes behind the answers of its items is dropped: its call, or that part of it, is over. The worker has
    /// printed the panic all the same.
    fn take_drop_panic(&mut self, slot_idx: usize, header: &Header) -> Result<(), Broken> {
        let is_for_a_frame_in_flight = self.slots[slot_idx].is_in_flight(header.extra);
        let incoming = self.slots[slot_idx].incoming()?;
        let panic = drop_panic(header, incoming.body(header)?)?;
        incoming.release(header);
        if is_for_a_frame_in_flight {
            self.note_drop_panic(panic);
        }
        Ok(())
    }

    /// Takes the frame in which a worker refuses the call; gives it as the error to end with.
    fn take_refusal(&mut self, slot_idx: usize, header: &Header) -> Result<ReceiveError, Broken> {
        let incoming = self.slots[slot_idx].incoming()?;
        let rejected = postcard::from_bytes(incoming.body(header)?).map_err(|_| ProtocolError)?;
        incoming.release(header);
        self.slots[slot_idx].drop_in_flight();
        Ok(ReceiveError::Rejected(rejected))
    }

    /// Takes results of the oldest frame in flight, and reports them.
    fn take_results(&mut self, slot_idx: usize, header: &Header) -> Result<(), Broken> {
        let chunk = self.read_results(slot_idx, header)?;
        let positions = chunk.first..chunk.first + chunk.done;
        self.slots[slot_idx].ack(header, positions)?;
        self.report_results(chunk);
        Ok(())
    }

    /// Decodes a frame of results. A value goes to its slot of the output at once, the rest into a report.
    ///
    /// A value that cannot be decoded is the failure of its item, and the rest of the frame is read all the same. With
    /// values in slots, a frame of results without failures and traces allocates nothing here besides what the values
    /// themselves need.
    ///
    /// # Errors
    /// When the frame is not what the worker owes. Values that were written before that are written again when the
    /// positions run again.
    fn read_results(&mut self, slot_idx: usize, header: &Header) -> Result<ChunkReport<K::Output, K::Error>, Broken> {
        let slot = &mut self.slots[slot_idx];
        let positions = slot.positions_of(header)?;
        let worker = slot.worker().ok_or(ProtocolError)?;
        let mut chunk = ChunkReport {
            done: positions.len(),
            busy: Duration::from_nanos(header.extra),
            worker: u32::try_from(worker.number()).ok(),
            peak_memory: Some(worker.page().resident()).filter(|&bytes| bytes > 0),
            ..ChunkReport::at(positions.start)
        };
        let (traces, has_history) = (self.context.plan.traces, self.queue.has_history());
        let (incoming, format) = (slot.incoming()?, self.limits.format);
        let (body, blocks) = match incoming.body_and_blocks(header) {
            Err(Broken::NoMemory(len)) => {
                self.fail_without_memory(positions, len, &mut chunk);
                return Ok(chunk);
            }
            body => body?,
        };
        let mut parts = Parts::of(body);
        with_blocks(blocks, || {
            for position in positions {
                let put = |value| put_value(&mut self.output, position, value, &mut chunk.values);
                match take_answer(format, &mut parts, put)? {
                    None => self.item_shapes.note_answer(position, true),
                    Some((elapsed, cause)) => {
                        self.item_shapes.note_answer(position, !matches!(cause, Cause::Encoding(_)));
                        let attempts = self.queue.attempts(position);
                        chunk.failures.push(PositionFailure { position, attempts, elapsed, cause });
                    }
                }
                if has_history && self.queue.attempts(position) > 1 {
                    chunk.tried.push((position, self.queue.attempts(position)));
                }
                if traces {
                    chunk.timings.push(next_timing(&mut parts)?);
                }
            }
            Ok::<(), ProtocolError>(())
        })?;
        Ok(chunk)
    }

    /// Results that are there, and for which this process has no memory, fail: to run their items again would end in the same
    /// way, and results that are here must not be lost with them.
    fn fail_without_memory(
        &mut self,
        positions: std::ops::Range<usize>,
        len: usize,
        chunk: &mut ChunkReport<K::Output, K::Error>,
    ) {
        for position in positions {
            self.item_shapes.note_answer(position, false);
            let reason =
                format!("the result could not be decoded: the calling program has no memory for its {len} bytes");
            let (attempts, cause) = (self.queue.attempts(position), Cause::Encoding(reason));
            chunk.failures.push(PositionFailure { position, attempts, elapsed: Duration::ZERO, cause });
            if self.context.plan.traces {
                chunk.timings.push(Timing::unknown(SystemTime::now()));
            }
        }
    }

    /// A worker is dead, or has sent what no worker sends, described by `protocol_error`, and is killed. Its item in
    /// hand fails or is tried again, and all others go back to the queue.
    ///
    /// Does nothing when the slot has no worker. Waits for the end of the process, which is immediate after a death and
    /// takes as long as the kernel needs after a kill.
    ///
    /// # Errors
    /// Those of [`CallState::handle_idle_death`].
    fn handle_death(&mut self, slot_idx: usize, protocol_error: Option<String>) -> Result<(), BackendError> {
        self.clear_in_hand(slot_idx);
        let Some(dead) = self.slots[slot_idx].take_dead() else { return Ok(()) };
        let in_hand = self.item_to_blame(&dead);
        self.give_back_except(&dead, in_hand);
        let was_dead_before = dead.was_dead_before && in_hand.is_none();
        let (now, number) = (nanos(), dead.worker.number_in_reports());
        let has_closed = protocol_error.is_none() && !dead.worker.ends_soon();
        let mut death = dead.worker.wait_exit();
        if !was_dead_before {
            let position = in_hand.map(|item| item.position);
            let attempt = position.map_or(0, |position| self.queue.attempts(position));
            self.note_lost(WorkerEvent::Lost { worker: number, position, attempt, exit: death.worker.exit });
        }
        if let Some(error) = protocol_error {
            death.worker.reason = Some(format!("it broke the protocol between worker and caller: {error}"));
        } else if has_closed {
            death.worker.reason = Some(HAS_CLOSED.to_owned());
        }
        let has_left = death.worker.exit == WorkerExit::Exit(0);
        let time_limit = dead.overdue.map(|overdue| Cause::TimeLimit(overdue.limit));
        match blame(in_hand, dead.overdue.map(|overdue| overdue.item), &death, self.limits) {
            // It has ended by itself, before it began anything: items of an earlier call have changed its environment.
            Blame::NoItem if was_dead_before && has_left => self.note_replaced(number),
            Blame::NoItem if was_dead_before => {}
            Blame::NoItem => return self.handle_idle_death(slot_idx, death),
            Blame::EarlierItem(item) => self.queue.give_back(item.position..item.position + 1),
            Blame::OutOfTime(item) => self.fail(item, now, time_limit, (number, death.worker)),
            Blame::OutOfMemory(item) => {
                self.fail(item, now, self.limits.memory.map(Cause::MemoryLimit), (number, death.worker));
            }
            Blame::Crash(item) => self.fail(item, now, None, (number, death.worker)),
        }
        Ok(())
    }

    /// The unanswered item that a dead worker had in hand. Between two items there is none; but where no item may begin
    /// twice, the first one of a frame that was begun counts as in hand.
    fn item_to_blame(&self, dead: &DeadWorker) -> Option<InHand> {
        let begun = dead.begun.filter(|_| self.limits.at_most_once);
        dead.in_hand.or_else(|| begun.map(|position| InHand { position, since: nanos() }))
    }

    /// Everything that was in flight to a dead worker goes back to the queue, except the item in hand.
    fn give_back_except(&mut self, dead: &DeadWorker, in_hand: Option<InHand>) {
        for left in dead.unanswered.iter().cloned() {
            match in_hand.map(|item| item.position).filter(|position| left.contains(position)) {
                Some(position) => {
                    self.queue.give_back(left.start..position);
                    self.queue.give_back(position + 1..left.end);
                }
                None => self.queue.give_back(left),
            }
        }
    }

    /// An item whose worker died with it in hand fails with `cause`. Without a cause that is certain it may be tried
    /// once more.
    ///
    /// A time limit and a memory limit are certain causes: a second attempt would as a rule exceed them again, and take
    /// as long. A crash is not: the kernel may have killed the worker for the memory of another process.
    fn fail(&mut self, item: InHand, now: u64, cause: Option<Cause<K::Error>>, (number, worker): (u32, LostWorker)) {
        let (position, elapsed) = (item.position, Duration::from_nanos(now.saturating_sub(item.since)));
        let max_deaths = if self.limits.at_most_once { 1 } else { MAX_DEATHS };
        let (attempts, cause) = match cause {
            Some(cause) => (self.queue.attempts(position), cause),
            None => match self.queue.record_death(position, max_deaths) {
                RetryDecision::Retry => return,
                RetryDecision::Failed(attempts) => (attempts, Cause::Lost(Box::new(worker))),
            },
        };
        self.report_failure(PositionFailure { position, attempts, elapsed, cause }, Some(number));
    }

    /// A worker died with nothing in hand, so no item failed; but a program whose workers all die like that must not go
    /// on for ever.
    ///
    /// Deaths in a row are counted between two results: with 4 slots, ten are replaced and the eleventh is judged. If
    /// there are results and other workers have items, only this slot waits, for a second; otherwise every item that is
    /// left fails. A worker from the pool that was dead before the call reached it does not count.
    ///
    /// # Errors
    /// When too many died in a row and there is no result yet. The message has the exit status and the last lines of
    /// the last one.
    fn handle_idle_death(&mut self, slot_idx: usize, death: ExitReport) -> Result<(), BackendError> {
        let failed_starts = self.note_failed_start();
        if failed_starts < 3 + 2 * self.slots.len() {
            return Ok(());
        }
        if self.has_results() && self.slots.has_pending_below(self.queue.fence()) {
            self.slots[slot_idx].back_off();
            return Ok(());
        }
        let when = if death.came_to_init {
            "before they did anything"
        } else {
            "before they came to manyhands::init(), which must be first in main, as workers are started without arguments"
        };
        let reason = format!("{failed_starts} worker processes died in a row {when}");
        let error = format!("{reason}; the last one: {}", death.worker);
        let error = BackendError::Workers(error);
        self.fail_remaining(&LostWorker { reason: Some(reason), ..death.worker }, error)
    }
}

/// Puts a value where the caller wants it: into its slot of the output, or into the report.
#[inline]
fn put_value<R>(output: &mut Output<'_, R>, position: usize, value: R, in_report: &mut Vec<R>) {
    match output {
        Output::Slots(slots) => {
            slots[position].write(value);
        }
        Output::InReports => in_report.push(value),
    }
}
