//! Where a worker puts its answers, and from where they go out: when the worker has nothing else to do, when they are many, and
//! otherwise a millisecond after they were put there, also while the worker is at an item that takes for ever.
//!
//! The last is what a second thread is for. It sleeps while nothing is put on the tray, and a frame of one item never wakes it.

use std::time::Duration;

use serde::Serialize;

use crate::backend::process::wire::answers::{Answers, Trace};
use crate::backend::process::wire::connection::{Blocking, Outgoing};
use crate::backend::process::wire::frame::{Header, Kind};
use crate::backend::process::wire::refusal::Disconnected;
use crate::outcome::Cause;
use crate::sync::{Arc, Condvar, Mutex, nanos, spawn_named};

/// Answers wait this long at most, in nanoseconds, while the worker goes on.
const FLOW_NANOS: u64 = 1_000_000;
/// Or until they are this many bytes.
const FLOW_BYTES: usize = 64 * 1024;
/// How often nothing is found on the tray before it is not looked at any more.
const IDLE_ROUNDS: u32 = 20;

/// A tray, and who carries it out.
#[derive(Debug)]
pub(crate) struct Outbox {
    contents: Mutex<Contents>,
    /// The carrier sleeps here.
    bell: Condvar,
}

/// Guarded by the tray's lock.
#[derive(Debug)]
struct Contents {
    outgoing: Outgoing,
    answers: Answers,
    /// The position of the first answer, and how many there are.
    first: usize,
    count: usize,
    /// When the oldest answer that is not sent was begun, when the last item ended, and until when time at work was told.
    since: u64,
    worked: u64,
    told: u64,
    carrier: Flusher,
}

/// What the worker does when it has put something on the tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendState {
    /// It goes on.
    Nothing,
    /// It wakes the carrier, if it goes on with items of the same frame.
    Wake,
    /// It sends.
    Send,
}

/// The thread that carries out what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flusher {
    /// There is none before it is wanted first.
    Unborn,
    Asleep,
    Awake,
}

impl Outbox {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        let contents = Contents {
            outgoing,
            answers: Answers::default(),
            first: 0,
            count: 0,
            since: 0,
            worked: 0,
            told: 0,
            carrier: Flusher::Unborn,
        };
        Self { contents: Mutex::new(contents), bell: Condvar::new() }
    }

    /// The worker begins items, from this position on, at this time.
    pub(crate) fn begin(&self, position: usize, now: u64) {
        let mut contents = self.contents.lock();
        (contents.first, contents.worked, contents.told) = (position, now, now);
        contents.answers.body = contents.outgoing.begin_body();
    }

    /// An item has ended with a value. What is to be done then is done when the item is no longer in hand, as it may take time:
    /// see [`SendState`]. Gives the time too, in nanoseconds of the steady clock.
    ///
    /// The value's own serde code runs under the lock: the worker's thread is the only one that waits for it, and the carrier.
    pub(crate) fn put_value<R: Serialize>(&self, value: &R, trace: Option<&Trace>) -> (SendState, u64) {
        let mut contents = self.contents.lock();
        let len = contents.answers.put_value(value);
        if let Some(trace) = trace {
            contents.answers.put_trace(trace);
        }
        let now = nanos();
        contents.note(now);
        let next = match contents.carrier {
            _ if now.saturating_sub(contents.since) >= FLOW_NANOS || len >= FLOW_BYTES => SendState::Send,
            Flusher::Awake => SendState::Nothing,
            _ => SendState::Wake,
        };
        (next, now)
    }

    /// An item has failed.
    pub(crate) fn put_failure<E: Serialize>(
        &self,
        elapsed: Duration,
        cause: &Cause<E>,
        trace: Option<&Trace>,
        now: u64,
    ) {
        let mut contents = self.contents.lock();
        contents.answers.put_failure(elapsed, cause);
        if let Some(trace) = trace {
            contents.answers.put_trace(trace);
        }
        contents.note(now);
    }

    /// Sends what is on the tray, however long that takes. That the caller is gone is seen by who reads from it.
    pub(crate) fn send(&self) {
        let _ = self.contents.lock().send_on(Blocking::Yes);
    }

    #[cold]
    pub(crate) fn wake_flusher(self: &Arc<Self>) {
        let mut contents = self.contents.lock();
        if contents.carrier == Flusher::Unborn {
            let outbox = Arc::clone(self);
            // Where no thread can be had, answers wait for the end of their frame.
            let _ = spawn_named("manyhands answers".to_owned(), move || outbox.flush_loop());
        }
        contents.carrier = Flusher::Awake;
        self.bell.notify_one();
    }

    /// Queues what is on the tray: its items' frame is over.
    pub(crate) fn end(&self) -> Result<(), Disconnected> {
        let mut contents = self.contents.lock();
        contents.queue()?;
        let body = std::mem::take(&mut contents.answers.body);
        contents.outgoing.drop_body(body);
        Ok(())
    }

    /// The worker goes on to another frame with what it has queued unsent.
    pub(crate) fn go_on(self: &Arc<Self>) {
        let contents = self.contents.lock();
        let is_to_wake = contents.is_waiting() && contents.carrier != Flusher::Awake;
        drop(contents);
        if is_to_wake {
            self.wake_flusher();
        }
    }

    /// Queues a frame.
    pub(crate) fn push(&self, header: Header, body: &[u8]) {
        self.contents.lock().outgoing.push(header, body);
    }

    /// Sends all that is queued.
    pub(crate) fn flush(&self) -> Result<(), Disconnected> {
        let mut contents = self.contents.lock();
        if contents.outgoing.is_waiting() {
            contents.outgoing.send(Blocking::Yes)?;
        }
        Ok(())
    }

    /// The carrier's whole life.
    fn flush_loop(&self) {
        let mut contents = self.contents.lock();
        let mut idle_rounds = 0;
        loop {
            if idle_rounds >= IDLE_ROUNDS {
                contents.carrier = Flusher::Asleep;
                while contents.carrier == Flusher::Asleep {
                    self.bell.wait(&mut contents);
                }
                idle_rounds = 0;
            }
            self.bell.wait_for(&mut contents, Duration::from_nanos(FLOW_NANOS));
            idle_rounds = if contents.is_waiting() { 0 } else { idle_rounds + 1 };
            let is_due = contents.is_waiting() && nanos().saturating_sub(contents.since) >= FLOW_NANOS;
            // Without waiting for room: who puts something on the tray is not to wait for the caller.
            if is_due && contents.send_on(Blocking::No).is_err() {
                return; // the caller is gone
            }
        }
    }
}

impl Contents {
    fn note(&mut self, now: u64) {
        if !self.is_waiting() {
            self.since = self.worked;
        }
        self.count += 1;
        self.worked = now;
    }

    /// Whether there is something that the caller does not know.
    fn is_waiting(&self) -> bool {
        self.count > 0 || self.outgoing.is_waiting()
    }

    /// Sends what is on the tray, and makes room for more.
    fn send_on(&mut self, patience: Blocking) -> Result<(), Disconnected> {
        if self.count > 0 {
            self.queue()?;
            self.answers.body = self.outgoing.begin_body();
        }
        Ok(self.outgoing.send(patience)?)
    }

    fn queue(&mut self) -> Result<(), Disconnected> {
        if self.count == 0 {
            return Ok(());
        }
        for block in self.answers.attachments.take() {
            // Without a descriptor to spare the caller will say that it does not know the block.
            let _ = self.outgoing.push_block(&block);
        }
        let header = Header {
            count: u32::try_from(self.count).map_err(|_| Disconnected)?,
            first: self.first as u64,
            extra: self.worked.saturating_sub(self.told),
            ..Header::new(Kind::Answers)
        };
        let body = std::mem::take(&mut self.answers.body);
        self.outgoing.push_body(header, body);
        (self.first, self.count, self.told) = (self.first + self.count, 0, self.worked);
        Ok(())
    }
}
