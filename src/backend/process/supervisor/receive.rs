//! What comes from workers, turned into what the gatherer takes: answers into chunks, deaths into misses.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::contract::WorkerEvent;
use crate::backend::contract::{BackendError, ChunkReport, Output, PositionFailure};
use crate::backend::process::child::ExitReport;
use crate::backend::process::supervisor::Supervisor;
use crate::backend::process::supervisor::blame::{Blame, blame};
use crate::backend::process::supervisor::work_queue::{MAX_DEATHS, RetryDecision};
use crate::backend::process::supervisor::worker_slot::{InFlightFrame, WorkerSlot};
use crate::backend::process::wire::answers::{Answer, next_answer, next_timing, skipped};
use crate::backend::process::wire::attachments::with_blocks;
use crate::backend::process::wire::connection::{Blocking, Broken, ReadResult};
use crate::backend::process::wire::frame::{Header, Kind, Parts, ProtocolError};
use crate::backend::process::wire::status_page::InHand;
use crate::backend::process::worker::{CallRejected, nanos};
use crate::backend::process_task::ProcessTask;
use crate::backend::task::SharedOf;
use crate::failure::{Cause, LostWorker};
use crate::record::Timing;
use crate::sync::{Instant, SystemTime};

/// How a worker has gone.
enum WorkerStatus {
    Lives,
    /// It is dead, or what it says makes no sense.
    Disconnected(Option<String>),
}

impl<T, K> Supervisor<'_, '_, T, K>
where
    T: Serialize + DeserializeOwned,
    K: ProcessTask<T>,
    SharedOf<T, K>: Serialize + DeserializeOwned,
    K::Output: Serialize + DeserializeOwned,
    K::Error: Serialize + DeserializeOwned,
{
    /// Takes what has come of every worker.
    pub(crate) fn listen(&mut self) -> Result<(), BackendError> {
        for slot_idx in 0..self.worker_slots.len() {
            if let WorkerStatus::Disconnected(protocol_error) = self.listen_to(slot_idx)? {
                self.handle_death(slot_idx, protocol_error)?;
            }
        }
        self.collect_shutdowns();
        Ok(())
    }

    fn listen_to(&mut self, slot_idx: usize) -> Result<WorkerStatus, BackendError> {
        let Some(worker) = &mut self.worker_slots[slot_idx].worker else { return Ok(WorkerStatus::Lives) };
        let readiness = std::mem::take(&mut worker.readiness);
        if readiness.has_printed {
            worker.printed.pass_on();
        }
        if !readiness.has_sent && !readiness.is_dead {
            return Ok(WorkerStatus::Lives);
        }
        loop {
            let Some(worker) = &mut self.worker_slots[slot_idx].worker else { return Ok(WorkerStatus::Lives) };
            let came = worker.link.incoming.receive(Blocking::No);
            let taken = if came.is_ok() { self.take_frames(slot_idx) } else { Ok(Ok(())) };
            match (came, taken) {
                (_, Ok(Err(refusal))) => return Err(refusal),
                (Err(Broken::ProtocolError(protocol_error)), _) | (_, Err(Broken::ProtocolError(protocol_error))) => {
                    return Ok(WorkerStatus::Disconnected(Some(protocol_error)));
                }
                (Err(Broken::Closed), _) | (_, Err(Broken::Closed)) => return Ok(WorkerStatus::Disconnected(None)),
                (Ok(ReadResult::Nothing), _) if readiness.is_dead => return Ok(WorkerStatus::Disconnected(None)),
                // Of a dead worker every last word is read.
                (Ok(ReadResult::Some), _) if readiness.is_dead => {}
                (Ok(ReadResult::Nothing | ReadResult::Some), _) => return Ok(WorkerStatus::Lives),
                (Ok(ReadResult::AsMuchAsFits), _) => {}
            }
        }
    }

    fn take_frames(&mut self, slot_idx: usize) -> Result<Result<(), BackendError>, Broken> {
        loop {
            let Some(worker) = &mut self.worker_slots[slot_idx].worker else { return Ok(Ok(())) };
            let Some(header) = worker.link.incoming.next()? else { return Ok(Ok(())) };
            match header.kind {
                Kind::Answers if header.count == 0 => self.take_skipped(slot_idx, &header)?,
                Kind::Answers => self.take_answers(slot_idx, &header)?,
                Kind::Refused => {
                    let refused =
                        postcard::from_bytes(worker.link.incoming.body(&header)?).map_err(|_| ProtocolError)?;
                    worker.link.incoming.release(&header);
                    self.worker_slots[slot_idx].flights.clear(); // the worker passes over them
                    return Ok(Err(match refused {
                        CallRejected::State(reason) => BackendError::State(reason),
                        CallRejected::Call(reason) => BackendError::Unprepared(reason),
                    }));
                }
                _ => return Err(ProtocolError.into()),
            }
        }
    }

    /// The rest of a frame was not run, because nobody wants it any more.
    fn take_skipped(&mut self, slot_idx: usize, header: &Header) -> Result<(), Broken> {
        let slot = &mut self.worker_slots[slot_idx];
        let worker = slot.worker.as_mut().ok_or(ProtocolError)?;
        let count = skipped(&mut Parts::of(worker.link.incoming.body(header)?))?;
        worker.link.incoming.release(header);
        let flight = slot.flights.pop_front().ok_or(ProtocolError)?;
        let left = flight.unanswered();
        if left.start as u64 != header.first || left.len() != count {
            return Err(ProtocolError.into());
        }
        self.work_queue.give_back(left);
        Ok(())
    }

    /// Answers to the oldest frame that is on its way.
    fn take_answers(&mut self, slot_idx: usize, header: &Header) -> Result<(), Broken> {
        let slot = &mut self.worker_slots[slot_idx];
        let worker = slot.worker.as_mut().ok_or(ProtocolError)?;
        let flight = slot.flights.front_mut().ok_or(ProtocolError)?;
        let (first, count) = (flight.unanswered().start, header.count as usize);
        if first as u64 != header.first || count > flight.unanswered().len() {
            return Err(ProtocolError.into());
        }
        let mut chunk = ChunkReport {
            done: count,
            busy: Duration::from_nanos(header.extra),
            worker: u32::try_from(worker.number).ok(),
            ..ChunkReport::at(first)
        };
        let (traces, has_history) = (self.context.plan.traces, self.work_queue.has_history());
        let mut parts = Parts::of(worker.link.incoming.body(header)?);
        with_blocks(&worker.link.incoming.stock, || {
            for position in first..first + count {
                match next_answer(&mut parts)? {
                    Answer::Value(value) => match &mut self.output {
                        Output::Slots(slots) => {
                            slots[position].write(value);
                        }
                        Output::InReports => chunk.values.push(value),
                    },
                    Answer::Failed { elapsed, cause } => {
                        let attempts = self.work_queue.attempts(position);
                        chunk.failures.push(PositionFailure { position, attempts, elapsed, cause });
                    }
                }
                if has_history && self.work_queue.attempts(position) > 1 {
                    chunk.tried.push((position, self.work_queue.attempts(position)));
                }
                if traces {
                    chunk.timings.push(next_timing(&mut parts)?);
                }
            }
            Ok::<(), ProtocolError>(())
        })?;
        // What answers mention comes with each frame anew, so that nothing is kept here that the program has dropped.
        worker.link.incoming.stock.clear();
        worker.link.incoming.release(header);
        worker.served += count;
        chunk.peak_memory = Some(worker.link.page().resident()).filter(|&bytes| bytes > 0);
        flight.done += count;
        if flight.unanswered().is_empty() {
            slot.flights.pop_front();
        }
        slot.ack(first..first + count);
        (self.failed_starts, self.has_answers) = (0, true);
        self.pace = Some(chunk.pace());
        if self.limits.time_percent.is_some() {
            self.usual.note(chunk.busy, chunk.done);
        }
        self.report(chunk);
        Ok(())
    }

    /// Hands a chunk to the gatherer, and does what it says.
    pub(crate) fn report(&mut self, mut chunk: ChunkReport<K::Output, K::Error>) {
        chunk.events = std::mem::take(&mut self.notes);
        let verdict = (self.gather)(chunk);
        self.work_queue.raise_limit(verdict.limit);
        self.may_grow = verdict.may_grow;
        self.waiting.add(verdict.again, Instant::now());
        self.waiting.drop_from(verdict.fence);
        self.stop_below(verdict.fence);
    }

    /// Reports a position that has no value.
    pub(crate) fn report_failure(
        &mut self,
        position: usize,
        attempts: u32,
        elapsed: Duration,
        cause: Cause<K::Error>,
        worker: Option<u32>,
    ) {
        let failures = vec![PositionFailure { position, attempts, elapsed, cause }];
        let mut chunk = ChunkReport { done: 1, failures, busy: elapsed, worker, ..ChunkReport::at(position) };
        if self.context.plan.traces {
            let started = SystemTime::now() - elapsed;
            chunk.timings.push(Timing { started, elapsed, cpu: None, amounts: Vec::new() });
        }
        self.report(chunk);
    }

    /// A worker is dead: finds the item that is to blame, and lets others do the rest.
    fn handle_death(&mut self, slot_idx: usize, protocol_error: Option<String>) -> Result<(), BackendError> {
        self.clear_in_hand(slot_idx);
        let slot = std::mem::take(&mut self.worker_slots[slot_idx]);
        let item_in_hand_of = self.item_in_hand_of(&slot);
        self.give_back_but(&slot, item_in_hand_of);
        let now = nanos();
        let (overdue, limit) = (slot.overdue.map(|overdue| overdue.item), slot.overdue.map(|overdue| overdue.limit));
        let Some(worker) = slot.worker else { return Ok(()) };
        // A kept worker that died while it was idle is no loss of this call.
        let was_dead_before = worker.was_kept && !slot.has_answered && item_in_hand_of.is_none();
        self.finished.lost += usize::from(!was_dead_before);
        let number = u32::try_from(worker.number).unwrap_or(u32::MAX);
        let mut report_of_exit = worker.wait_exit();
        if !was_dead_before {
            let position = item_in_hand_of.map(|item| item.position);
            let attempt = position.map_or(0, |position| self.work_queue.attempts(position));
            self.notes.push(WorkerEvent::Lost { worker: number, position, attempt, ending: report_of_exit.ending });
        }
        if let Some(protocol_error) = protocol_error {
            report_of_exit.last_lines = format!("what it said made no sense: {protocol_error}");
        }
        match blame(item_in_hand_of, overdue, &report_of_exit, self.limits) {
            Blame::Nobody if was_dead_before => {}
            Blame::Nobody => return self.handle_idle_death(slot_idx, report_of_exit),
            Blame::Innocent(item) => self.work_queue.give_back(item.position..item.position + 1),
            Blame::OutOfTime(item) => self.fail(item, now, limit.map(Cause::TimeLimit), (number, report_of_exit)),
            Blame::OutOfMemory(item) => {
                self.fail(item, now, self.limits.memory.map(Cause::MemoryLimit), (number, report_of_exit))
            }
            Blame::Killer(item) => self.fail(item, now, None, (number, report_of_exit)),
        }
        Ok(())
    }

    /// Everything that was on its way to a dead worker comes back, but for the item that it had in hand.
    fn give_back_but(&mut self, slot: &WorkerSlot, item_in_hand_of: Option<InHand>) {
        for left in slot.flights.iter().map(InFlightFrame::unanswered) {
            match item_in_hand_of.map(|item| item.position).filter(|position| left.contains(position)) {
                Some(position) => {
                    self.work_queue.give_back(left.start..position);
                    self.work_queue.give_back(position + 1..left.end);
                }
                None => self.work_queue.give_back(left),
            }
        }
    }

    /// The item that a dead worker had in hand, if its answer has not come.
    fn item_in_hand_of(&self, slot: &WorkerSlot) -> Option<InHand> {
        let status = slot.worker.as_ref()?.link.page();
        let owed = |position: usize| slot.flights.iter().any(|flight| flight.unanswered().contains(&position));
        if let Some(item) = status.in_hand().filter(|item| owed(item.position)) {
            return Some(item);
        }
        // Between two items nobody is to blame; but what was begun at all must not be begun again where that was promised.
        let begun = slot.flights.iter().find(|flight| !status.frames().take_back(flight.number))?;
        self.limits.at_most_once.then(|| InHand { position: begun.unanswered().start, since: nanos() })
    }

    /// What becomes of an item whose worker died with it in hand. Without a cause that is certain it may be tried once more.
    fn fail(
        &mut self,
        item: InHand,
        now: u64,
        cause: Option<Cause<K::Error>>,
        (worker, report_of_exit): (u32, ExitReport),
    ) {
        let elapsed = Duration::from_nanos(now.saturating_sub(item.since));
        let most = if self.limits.at_most_once { 1 } else { MAX_DEATHS };
        match cause {
            Some(cause) => {
                self.report_failure(
                    item.position,
                    self.work_queue.attempts(item.position),
                    elapsed,
                    cause,
                    Some(worker),
                );
            }
            None => {
                if let RetryDecision::Failed(attempts) = self.work_queue.blame(item.position, most) {
                    let lost = LostWorker { ending: report_of_exit.ending, last_lines: report_of_exit.last_lines };
                    self.report_failure(item.position, attempts, elapsed, Cause::Lost(lost), Some(worker));
                }
            }
        }
    }

    /// A worker died with nothing in hand: nobody is to blame, but it must not go on for ever.
    fn handle_idle_death(&mut self, slot_idx: usize, report_of_exit: ExitReport) -> Result<(), BackendError> {
        self.failed_starts += 1;
        let patience = 3 + 2 * self.worker_slots.len();
        if self.failed_starts < patience {
            return Ok(());
        }
        let others_work = self.worker_slots.iter().any(|slot| slot.has_pending_below(self.work_queue.fence()));
        if self.has_answers && others_work {
            self.worker_slots[slot_idx].back_off(nanos());
            return Ok(());
        }
        let ending = report_of_exit.ending;
        let when = if report_of_exit.came_to_init {
            "before they did anything"
        } else {
            "before they came to manyhands::init(), which must be first in main, as workers are started without arguments"
        };
        let lost = LostWorker { ending, last_lines: report_of_exit.last_lines };
        let story = format!("{} worker processes died in a row {when}; the last one: {lost}", self.failed_starts);
        self.fail_remaining(ending, &story)
    }
}
