//! The worker's outbox: results wait here and are sent together, when the worker is about to wait, when they are many,
//! or after a millisecond.
//!
//! Promises: a result leaves about a millisecond after its item ended, also while the next item takes for ever. For
//! that a second thread, the flusher, sends what the worker does not. It sleeps while nothing waits, and a frame of one
//! item never wakes it.
//!
//! Three cases, with a limit of a millisecond from the begin of the oldest unsent item:
//!
//! | items of a frame | what happens |
//! |---|---|
//! | 1000 of 1 µs | the values are encoded one behind the other; one or two sends, near its end |
//! | 10 of 3 ms | each is older than a millisecond when it ends, so each is sent at once, by the worker |
//! | one of 0.1 ms, then one of 10 s | the first wakes the flusher, which sends it after a millisecond or so |
//! | one whose result has a destructor that takes 10 s | the flusher sends it after a second |
//!
//! The last line is for destructors that panic: what they say has to leave before the result, as the call may be over
//! with it.
//!
//! Costs per result: one lock, which is uncontended unless the flusher looks at that moment, one read of the clock, and
//! the bytes of the value, encoded where they are sent from. The buffer is used again, so a result allocates nothing of
//! its own.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::process::wire::answers::{Answers, Trace};
use crate::backend::process::wire::connection::{Blocking, Outgoing};
use crate::backend::process::wire::frame::{FrameKind, Header};
use crate::backend::process::wire::refusal::Disconnected;
use crate::encoding::Format;
use crate::failure::Cause;
use crate::sync::{Arc, AtomicBool, Condvar, Mutex, Ordering, nanos, spawn_named};

/// Results wait this long at most, in nanoseconds, while the worker goes on.
///
/// It bounds what a progress display and an ordered stream lag behind, and is long enough that sends of small items
/// cost little in comparison.
const FLOW_NANOS: u64 = 1_000_000;
/// Or until they are this many bytes.
///
/// A longer body grows its buffer and travels in a slot of shared memory; see `wire/connection.rs`.
const FLOW_BYTES: usize = 64 * 1024;
/// After this many rounds in which nothing waited, the flusher sleeps until it is woken.
///
/// A round takes a millisecond, so it wakes up for some 20 ms in vain after the last result. Without them, each frame
/// of slow items would pay for a wake-up.
const IDLE_ROUNDS: u32 = 20;
/// While a result is dropped, the flusher sends nothing for so long.
const DROP_NANOS: u64 = 1_000_000_000;

/// Results that wait to be sent, shared by the worker's thread and the flusher.
///
/// One per process, kept between calls. Two threads use it: the worker's, which puts results in and sends, and the
/// flusher, which only sends.
#[derive(Debug)]
pub(super) struct Outbox {
    /// Held while results are encoded and while they are sent.
    contents: Mutex<Contents>,
    /// The flusher sleeps here.
    wakeup: Condvar,
    /// Whether the worker's thread drops what the newest answer was made of.
    is_dropping: AtomicBool,
}

/// Guarded by the outbox's lock.
#[derive(Debug)]
struct Contents {
    /// The connection to the caller.
    outgoing: Outgoing,
    /// The results that wait, as the body of the next frame.
    answers: Answers,
    /// The position of the first result that waits.
    ///
    /// Results of one frame are for consecutive positions: `first..first + count`.
    first: usize,
    /// How many results wait.
    count: usize,
    /// When the item of the oldest unsent result began, in nanoseconds of the steady clock, as are the next two.
    ///
    /// The begin and not the end of the item: a result of a long item must not wait for another millisecond.
    since: u64,
    /// When the last item ended.
    worked: u64,
    /// Up to when the time at work was reported.
    ///
    /// The header of the next frame carries `worked - reported`, from which the caller learns the pace of the items and
    /// sizes its frames.
    reported: u64,
    /// What the flusher does at the moment.
    flusher: Flusher,
}

/// What the worker does after it has put a result into the outbox.
///
/// The outbox says what is to be done and does not do it, because sending may block, and the item must leave the status
/// page first: a death during a send is not the item's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendState {
    /// It goes on.
    Nothing,
    /// It wakes the flusher, if it goes on with items of the same frame.
    Wake,
    /// It sends.
    Send,
}

/// The thread that sends what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flusher {
    /// It is started when it is first needed.
    NotStarted,
    Asleep,
    Awake,
}

/// Answers wait while it lives.
pub(super) struct HeldBack<'o>(&'o Outbox);

impl Drop for HeldBack<'_> {
    fn drop(&mut self) {
        // Release: a flusher that sees it finds what was pushed before. Pairs with `flush_loop`.
        self.0.is_dropping.store(false, Ordering::Release);
    }
}

impl Outbox {
    /// An empty outbox that sends through `outgoing`.
    pub(super) fn new(outgoing: Outgoing) -> Self {
        let contents = Contents {
            outgoing,
            answers: Answers::default(),
            first: 0,
            count: 0,
            since: 0,
            worked: 0,
            reported: 0,
            flusher: Flusher::NotStarted,
        };
        Self { contents: Mutex::new(contents), wakeup: Condvar::new(), is_dropping: AtomicBool::new(false) }
    }

    /// The flusher lets an answer that is put from now on wait, so that what the destructor of its value says leaves
    /// before it. Costs two stores.
    pub(super) fn hold_back(&self) -> HeldBack<'_> {
        // Relaxed: the flusher reads it under the lock, which the worker takes after this store to put the answer.
        self.is_dropping.store(true, Ordering::Relaxed);
        HeldBack(self)
    }

    /// A call begins, whose values are written in this format.
    pub(super) fn begin_call(&self, format: Format) {
        self.contents.lock().answers.begin_call(format);
    }

    /// The worker begins the items of a frame, from this position on, at this time.
    ///
    /// A large last body makes the next one begin in shared memory, so that it is not copied there afterwards.
    pub(super) fn begin(&self, position: usize, now: u64) {
        let mut contents = self.contents.lock();
        (contents.first, contents.worked, contents.reported) = (position, now, now);
        contents.answers.body = contents.outgoing.begin_body();
    }

    /// Puts the value of an item into the outbox. Gives what the worker has to do once the item is no longer in hand,
    /// as that may take time; and the time now, in nanoseconds of the steady clock.
    ///
    /// The value's own serde code runs under the lock, for which the worker's thread and the flusher alone wait.
    ///
    /// A value that cannot be encoded becomes a failure of the same item, with what was encoded of it cut off, and the
    /// results before it stay as they are.
    pub(super) fn put_value<R: Serialize + DeserializeOwned>(
        &self,
        value: &R,
        trace: Option<&Trace>,
    ) -> (SendState, u64) {
        let mut contents = self.contents.lock();
        let len = contents.answers.put_value(value);
        if let Some(trace) = trace {
            contents.answers.put_trace(trace);
        }
        let now = nanos();
        contents.note(now);
        let next = match contents.flusher {
            _ if now.saturating_sub(contents.since) >= FLOW_NANOS || len >= FLOW_BYTES => SendState::Send,
            Flusher::Awake => SendState::Nothing,
            _ => SendState::Wake,
        };
        (next, now)
    }

    /// Puts the failure of an item into the outbox.
    ///
    /// The caller of this function sends at once: the failure may stop the call, and each further item that begins
    /// elsewhere is work in vain.
    pub(super) fn put_failure<E: Serialize + DeserializeOwned>(
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

    /// Sends what waits, however long that takes. That the caller is gone is noticed at the next read from it.
    ///
    /// Waits while the socket is full, for instance while the calling thread is held up by a callback. This is the back
    /// pressure on a worker: it holds at most what it has encoded so far, and begins no further item.
    pub(super) fn send(&self) {
        let _ = self.contents.lock().send_now(Blocking::Yes);
    }

    /// Wakes the flusher, which is started at the first call.
    ///
    /// Called at most once per burst of results: once the flusher is awake, `put_value` asks for no wake-up. A call
    /// whose frames have one item each never gets here from `put_value`.
    #[cold]
    pub(super) fn wake_flusher(self: &Arc<Self>) {
        let mut contents = self.contents.lock();
        if contents.flusher == Flusher::NotStarted {
            let outbox = Arc::clone(self);
            // Where no thread can be started, results wait for the end of their frame.
            let _ = spawn_named("manyhands flusher".to_owned(), move || outbox.flush_loop());
        }
        contents.flusher = Flusher::Awake;
        self.wakeup.notify_one();
    }

    /// Queues what waits, at the end of a frame of items.
    ///
    /// Does not send. The worker sends before it waits for the next frame; if that frame is there already, `go_on`
    /// leaves the results to the flusher.
    pub(super) fn end(&self) -> Result<(), Disconnected> {
        let mut contents = self.contents.lock();
        contents.queue()?;
        let body = std::mem::take(&mut contents.answers.body);
        contents.outgoing.drop_body(body);
        Ok(())
    }

    /// The worker goes on to another frame, while results of the last one may be unsent.
    ///
    /// Without this, results of a frame would wait for the first results of the next one, whose first item may take an
    /// hour.
    pub(super) fn go_on(self: &Arc<Self>) {
        let contents = self.contents.lock();
        let is_to_wake = contents.is_waiting() && contents.flusher != Flusher::Awake;
        drop(contents);
        if is_to_wake {
            self.wake_flusher();
        }
    }

    /// Queues a frame.
    ///
    /// For frames that are not results: refusals, confirmations, and how many items were skipped. It is sent with what
    /// was queued before, in this order.
    pub(super) fn push(&self, header: Header, body: &[u8]) {
        self.contents.lock().outgoing.push(header, body);
    }

    /// Sends all that is queued.
    ///
    /// Results that are not yet in a frame stay where they are; at this point there are none, since `end` has queued
    /// them.
    pub(super) fn flush(&self) -> Result<(), Disconnected> {
        let mut contents = self.contents.lock();
        if contents.outgoing.is_waiting() {
            contents.outgoing.send(Blocking::Yes)?;
        }
        Ok(())
    }

    /// The flusher's thread: sends what has waited for a millisecond, until the caller is gone.
    ///
    /// The lock is released while it waits, so the worker's thread is held up only during a send that does not block.
    /// What does not fit into the socket stays queued, and is tried again in the next round.
    fn flush_loop(&self) {
        let mut contents = self.contents.lock();
        let mut idle_rounds = 0;
        loop {
            if idle_rounds >= IDLE_ROUNDS {
                contents.flusher = Flusher::Asleep;
                while contents.flusher == Flusher::Asleep {
                    self.wakeup.wait(&mut contents);
                }
                idle_rounds = 0;
            }
            self.wakeup.wait_for(&mut contents, Duration::from_nanos(FLOW_NANOS));
            idle_rounds = if contents.is_waiting() { 0 } else { idle_rounds + 1 };
            // Acquire: pairs with `HeldBack`.
            let most = if self.is_dropping.load(Ordering::Acquire) { DROP_NANOS } else { FLOW_NANOS };
            let is_due = contents.is_waiting() && nanos().saturating_sub(contents.since) >= most;
            // Without waiting for the caller to read, since the worker's thread may wait for the lock.
            if is_due && contents.send_now(Blocking::No).is_err() {
                return; // the caller is gone
            }
        }
    }
}

impl Contents {
    /// Counts a result whose item ended at `now`.
    ///
    /// An item begins when the one before it has ended, so `worked` is the begin of this one.
    fn note(&mut self, now: u64) {
        if !self.is_waiting() {
            self.since = self.worked;
        }
        self.count += 1;
        self.worked = now;
    }

    /// Whether something is not sent yet.
    fn is_waiting(&self) -> bool {
        self.count > 0 || self.outgoing.is_waiting()
    }

    /// Sends what waits, and begins a new body.
    fn send_now(&mut self, blocking: Blocking) -> Result<(), Disconnected> {
        if self.count > 0 {
            self.queue()?;
            self.answers.body = self.outgoing.begin_body();
        }
        Ok(self.outgoing.send(blocking)?)
    }

    /// Makes a frame of the results that wait.
    ///
    /// Shared memory that the results mention goes first, as frames of their own: the caller maps a block before it
    /// decodes a value that lies in it.
    ///
    /// # Errors
    /// Only for more than 2^32 results in one frame, which no frame of items can cause.
    fn queue(&mut self) -> Result<(), Disconnected> {
        if self.count == 0 {
            return Ok(());
        }
        for block in self.answers.attachments.take() {
            // Without a free descriptor nothing is sent; the caller will then report that it does not know the block.
            let _ = self.outgoing.push_block(&block);
        }
        let header = Header {
            count: u32::try_from(self.count).map_err(|_| Disconnected)?,
            first: self.first as u64,
            extra: self.worked.saturating_sub(self.reported),
            ..Header::new(FrameKind::Answers)
        };
        let body = std::mem::take(&mut self.answers.body);
        self.outgoing.push_body(header, body);
        (self.first, self.count, self.reported) = (self.first + self.count, 0, self.worked);
        Ok(())
    }
}
