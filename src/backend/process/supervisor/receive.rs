//! What comes from workers, turned into what the gatherer takes: answers into chunks, deaths into misses.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::plan::Pace;
use crate::backend::process::child::Obituary;
use crate::backend::process::supervisor::Supervisor;
use crate::backend::process::supervisor::blame::{Blame, blame};
use crate::backend::process::supervisor::work_queue::{DEATHS_TOLD, Sentence};
use crate::backend::process::supervisor::worker_slot::{Flight, Seat};
use crate::backend::process::wire::answers::{Answer, next_answer, next_timing, skipped};
use crate::backend::process::wire::attachments::unpacking;
use crate::backend::process::wire::connection::{Broken, Came, Patience};
use crate::backend::process::wire::frame::{Garbled, Header, Kind, Parts};
use crate::backend::process::wire::status_page::InHand;
use crate::backend::process::worker::{Refused, nanos};
use crate::backend::task::Task;
use crate::backend::{Chunk, Miss, Output, Refusal};
use crate::outcome::{Cause, LostWorker};
use crate::record::Timing;
use crate::run::observer::Note;
use crate::sync::{Instant, SystemTime};

/// How a worker has gone.
enum Fate {
    Lives,
    /// It is dead, or what it says makes no sense.
    Gone(Option<String>),
}

impl<T, K> Supervisor<'_, '_, T, K>
where
    T: Serialize + DeserializeOwned,
    K: Task<T>,
    K::Shared: Serialize + DeserializeOwned,
    K::Output: Serialize + DeserializeOwned,
    K::Error: Serialize + DeserializeOwned,
{
    /// Takes what has come of every worker.
    pub(crate) fn listen(&mut self) -> Result<(), Refusal> {
        for seat_idx in 0..self.seats.len() {
            if let Fate::Gone(nonsense) = self.listen_to(seat_idx)? {
                self.mourn(seat_idx, nonsense)?;
            }
        }
        self.see_off();
        Ok(())
    }

    fn listen_to(&mut self, seat_idx: usize) -> Result<Fate, Refusal> {
        let Some(worker) = &mut self.seats[seat_idx].worker else { return Ok(Fate::Lives) };
        let stirs = std::mem::take(&mut worker.stirs);
        if stirs.has_printed {
            worker.printed.pass_on();
        }
        if !stirs.has_sent && !stirs.is_dead {
            return Ok(Fate::Lives);
        }
        loop {
            let Some(worker) = &mut self.seats[seat_idx].worker else { return Ok(Fate::Lives) };
            let came = worker.link.incoming.receive(Patience::Glance);
            let taken = if came.is_ok() { self.take_frames(seat_idx) } else { Ok(Ok(())) };
            match (came, taken) {
                (_, Ok(Err(refusal))) => return Err(refusal),
                (Err(Broken::Garbled(nonsense)), _) | (_, Err(Broken::Garbled(nonsense))) => {
                    return Ok(Fate::Gone(Some(nonsense)));
                }
                (Err(Broken::Closed), _) | (_, Err(Broken::Closed)) => return Ok(Fate::Gone(None)),
                (Ok(Came::Nothing), _) if stirs.is_dead => return Ok(Fate::Gone(None)),
                // Of a dead worker every last word is read.
                (Ok(Came::Some), _) if stirs.is_dead => {}
                (Ok(Came::Nothing | Came::Some), _) => return Ok(Fate::Lives),
                (Ok(Came::AsMuchAsFits), _) => {}
            }
        }
    }

    fn take_frames(&mut self, seat_idx: usize) -> Result<Result<(), Refusal>, Broken> {
        loop {
            let Some(worker) = &mut self.seats[seat_idx].worker else { return Ok(Ok(())) };
            let Some(header) = worker.link.incoming.next()? else { return Ok(Ok(())) };
            match header.kind {
                Kind::Answers if header.count == 0 => self.take_skipped(seat_idx, &header)?,
                Kind::Answers => self.take_answers(seat_idx, &header)?,
                Kind::Refused => {
                    let refused = postcard::from_bytes(worker.link.incoming.body(&header)?).map_err(|_| Garbled)?;
                    worker.link.incoming.release(&header);
                    self.seats[seat_idx].flights.clear(); // the worker passes over them
                    return Ok(Err(match refused {
                        Refused::State(reason) => Refusal::State(reason),
                        Refused::Call(reason) => Refusal::Unprepared(reason),
                    }));
                }
                _ => return Err(Garbled.into()),
            }
        }
    }

    /// The rest of a frame was not run, because nobody wants it any more.
    fn take_skipped(&mut self, seat_idx: usize, header: &Header) -> Result<(), Broken> {
        let seat = &mut self.seats[seat_idx];
        let worker = seat.worker.as_mut().ok_or(Garbled)?;
        let count = skipped(&mut Parts::of(worker.link.incoming.body(header)?))?;
        worker.link.incoming.release(header);
        let flight = seat.flights.pop_front().ok_or(Garbled)?;
        let left = flight.unanswered();
        if left.start as u64 != header.first || left.len() != count {
            return Err(Garbled.into());
        }
        self.ledger.give_back(left);
        Ok(())
    }

    /// Answers to the oldest frame that is on its way.
    fn take_answers(&mut self, seat_idx: usize, header: &Header) -> Result<(), Broken> {
        let seat = &mut self.seats[seat_idx];
        let worker = seat.worker.as_mut().ok_or(Garbled)?;
        let flight = seat.flights.front_mut().ok_or(Garbled)?;
        let (first, count) = (flight.unanswered().start, header.count as usize);
        if first as u64 != header.first || count > flight.unanswered().len() {
            return Err(Garbled.into());
        }
        let mut chunk = Chunk {
            done: count,
            busy: Duration::from_nanos(header.extra),
            worker: u32::try_from(worker.number).ok(),
            ..Chunk::at(first)
        };
        let (traces, has_history) = (self.brief.plan.traces, self.ledger.has_history());
        let mut parts = Parts::of(worker.link.incoming.body(header)?);
        unpacking(&worker.link.incoming.stock, || {
            for position in first..first + count {
                match next_answer(&mut parts)? {
                    Answer::Value(value) => match &mut self.output {
                        Output::Slots(slots) => {
                            slots[position].write(value);
                        }
                        Output::Carried => chunk.values.push(value),
                    },
                    Answer::Failed { elapsed, cause } => {
                        let attempts = self.ledger.attempts(position);
                        chunk.failures.push(Miss { position, attempts, elapsed, cause });
                    }
                }
                if has_history && self.ledger.attempts(position) > 1 {
                    chunk.tried.push((position, self.ledger.attempts(position)));
                }
                if traces {
                    chunk.timings.push(next_timing(&mut parts)?);
                }
            }
            Ok::<(), Garbled>(())
        })?;
        // What answers mention comes with each frame anew, so that nothing is kept here that the program has dropped.
        worker.link.incoming.stock.clear();
        worker.link.incoming.release(header);
        worker.served += count;
        chunk.peak_memory = Some(worker.link.page().resident()).filter(|&bytes| bytes > 0);
        flight.done += count;
        if flight.unanswered().is_empty() {
            seat.flights.pop_front();
        }
        seat.settle(first..first + count);
        (self.barren, self.has_answers) = (0, true);
        self.pace = Some(Pace::of(&chunk));
        if self.limits.time_percent.is_some() {
            self.usual.note(chunk.busy, chunk.done);
        }
        self.report(chunk);
        Ok(())
    }

    /// Hands a chunk to the gatherer, and does what it says.
    pub(crate) fn report(&mut self, mut chunk: Chunk<K::Output, K::Error>) {
        chunk.notes = std::mem::take(&mut self.notes);
        let verdict = (self.gather)(chunk);
        self.ledger.raise_limit(verdict.limit);
        self.may_grow = verdict.may_grow;
        self.waiting.add(verdict.again, Instant::now());
        self.waiting.drop_from(verdict.fence);
        self.stop_below(verdict.fence);
    }

    /// Reports a position that has no value.
    pub(crate) fn report_miss(
        &mut self,
        position: usize,
        attempts: u32,
        elapsed: Duration,
        cause: Cause<K::Error>,
        worker: Option<u32>,
    ) {
        let failures = vec![Miss { position, attempts, elapsed, cause }];
        let mut chunk = Chunk { done: 1, failures, busy: elapsed, worker, ..Chunk::at(position) };
        if self.brief.plan.traces {
            let started = SystemTime::now() - elapsed;
            chunk.timings.push(Timing { started, elapsed, cpu: None, amounts: Vec::new() });
        }
        self.report(chunk);
    }

    /// A worker is dead: finds the item that is to blame, and lets others do the rest.
    fn mourn(&mut self, seat_idx: usize, nonsense: Option<String>) -> Result<(), Refusal> {
        self.put_down(seat_idx);
        let seat = std::mem::take(&mut self.seats[seat_idx]);
        let suspect = self.suspect(&seat);
        self.give_back_but(&seat, suspect);
        let now = nanos();
        let (overdue, limit) = (seat.overdue.map(|overdue| overdue.item), seat.overdue.map(|overdue| overdue.limit));
        let Some(worker) = seat.worker else { return Ok(()) };
        // A kept worker that died while it was idle is no loss of this call.
        let was_dead_before = worker.was_kept && !seat.has_answered && suspect.is_none();
        self.finished.lost += usize::from(!was_dead_before);
        let number = u32::try_from(worker.number).unwrap_or(u32::MAX);
        let mut obituary = worker.bury();
        if !was_dead_before {
            let position = suspect.map(|item| item.position);
            let attempt = position.map_or(0, |position| self.ledger.attempts(position));
            self.notes.push(Note::Lost { worker: number, position, attempt, ending: obituary.ending });
        }
        if let Some(nonsense) = nonsense {
            obituary.last_lines = format!("what it said made no sense: {nonsense}");
        }
        match blame(suspect, overdue, &obituary, self.limits) {
            Blame::Nobody if was_dead_before => {}
            Blame::Nobody => return self.mourn_the_innocent(seat_idx, obituary),
            Blame::Innocent(item) => self.ledger.give_back(item.position..item.position + 1),
            Blame::OutOfTime(item) => self.fail(item, now, limit.map(Cause::TimeLimit), (number, obituary)),
            Blame::OutOfMemory(item) => {
                self.fail(item, now, self.limits.memory.map(Cause::MemoryLimit), (number, obituary))
            }
            Blame::Killer(item) => self.fail(item, now, None, (number, obituary)),
        }
        Ok(())
    }

    /// Everything that was on its way to a dead worker comes back, but for the item that it had in hand.
    fn give_back_but(&mut self, seat: &Seat, suspect: Option<InHand>) {
        for left in seat.flights.iter().map(Flight::unanswered) {
            match suspect.map(|item| item.position).filter(|position| left.contains(position)) {
                Some(position) => {
                    self.ledger.give_back(left.start..position);
                    self.ledger.give_back(position + 1..left.end);
                }
                None => self.ledger.give_back(left),
            }
        }
    }

    /// The item that a dead worker had in hand, if its answer has not come.
    fn suspect(&self, seat: &Seat) -> Option<InHand> {
        let status = seat.worker.as_ref()?.link.page();
        let owed = |position: usize| seat.flights.iter().any(|flight| flight.unanswered().contains(&position));
        if let Some(item) = status.in_hand().filter(|item| owed(item.position)) {
            return Some(item);
        }
        // Between two items nobody is to blame; but what was begun at all must not be begun again where that was promised.
        let begun = seat.flights.iter().find(|flight| !status.frames().take_back(flight.number))?;
        self.limits.at_most_once.then(|| InHand { position: begun.unanswered().start, since: nanos() })
    }

    /// What becomes of an item whose worker died with it in hand. Without a cause that is certain it may be tried once more.
    fn fail(&mut self, item: InHand, now: u64, cause: Option<Cause<K::Error>>, (worker, obituary): (u32, Obituary)) {
        let elapsed = Duration::from_nanos(now.saturating_sub(item.since));
        let most = if self.limits.at_most_once { 1 } else { DEATHS_TOLD };
        match cause {
            Some(cause) => {
                self.report_miss(item.position, self.ledger.attempts(item.position), elapsed, cause, Some(worker));
            }
            None => {
                if let Sentence::Failed(attempts) = self.ledger.blame(item.position, most) {
                    let lost = LostWorker { ending: obituary.ending, last_lines: obituary.last_lines };
                    self.report_miss(item.position, attempts, elapsed, Cause::Lost(lost), Some(worker));
                }
            }
        }
    }

    /// A worker died with nothing in hand: nobody is to blame, but it must not go on for ever.
    fn mourn_the_innocent(&mut self, seat_idx: usize, obituary: Obituary) -> Result<(), Refusal> {
        self.barren += 1;
        let patience = 3 + 2 * self.seats.len();
        if self.barren < patience {
            return Ok(());
        }
        let others_work = self.seats.iter().any(|seat| seat.owes_below(self.ledger.fence()));
        if self.has_answers && others_work {
            self.seats[seat_idx].stay_empty(nanos());
            return Ok(());
        }
        let ending = obituary.ending;
        let when = if obituary.came_to_init {
            "before they did anything"
        } else {
            "before they came to manyhands::init(), which must be first in main, as workers are started without arguments"
        };
        let lost = LostWorker { ending, last_lines: obituary.last_lines };
        let story = format!("{} worker processes died in a row {when}; the last one: {lost}", self.barren);
        self.give_up(ending, &story)
    }
}
