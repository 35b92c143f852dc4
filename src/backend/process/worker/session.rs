//! One call, served in a worker: frames of items come in, results go to the outbox. Items run through the loop that
//! every mode shares, and the status page says which one is in hand.
//!
//! Promises: an item is on the status page from before it begins until its result is in the outbox, so the caller
//! blames a death on the right one; after a fence or a failure that stops the call, no further item begins.
//!
//! One frame, with numbers: it has the positions 40 to 43, and the bytes of 42 cannot be decoded.
//!
//! 1. `read_items` decodes 40, 41 and 43 into `items`, as the numbers 0, 1 and 2, and notes offset 2 with the reason.
//! 2. The frame's memory is released, so the caller can use it for the next frame while these items run.
//! 3. `run_span` runs 40 and 41. Position 42 fails with the reason. A second span runs 43.
//! 4. If the function fails at 41 instead, its span ends there; the failure is sent, and where it stops the call, 42
//!    and 43 are reported as skipped, so that the caller knows that they did not run.
//!
//! Costs per item, besides the function: its decoding, six stores to the status page, two of them while it is decoded,
//! one read of the clock, the lock of the outbox, and the encoding of the result. A type with a destructor costs one
//! more read of the clock, and a trace one more and the CPU clock of the thread, which is a system call.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::ptr::null;
use std::time::Duration;

use crate::backend::amounts;
use crate::backend::contract::{BackendError, Claim, Dropped, Output};
use crate::backend::items::Items;
use crate::backend::process::serde_task::{SerdeTask, Travels};
use crate::backend::process::wire::answers::{Answers, Trace};
use crate::backend::process::wire::attachments::with_blocks;
use crate::backend::process::wire::call::CallHead;
use crate::backend::process::wire::drop_panic;
use crate::backend::process::wire::encode::decode_checked;
use crate::backend::process::wire::frame::{Digests, FrameKind, Header, Parts, of_items_extra};
use crate::backend::process::wire::function::{self, FunctionName};
use crate::backend::process::wire::refusal::{CallRejected, Disconnected};
use crate::backend::process::wire::status_page::StatusPage;
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::backend::process::worker::outbox::{Outbox, SendState};
use crate::backend::process::worker::prints;
use crate::backend::process::worker::{ServeEntry, WorkerConnection, end_child_of_worker};
use crate::backend::process_task::{ProcessContext, ProcessTask};
use crate::backend::task::{SharedOf, StateOf};
use crate::backend::thread_pool::in_worker;
use crate::backend::worker_loop::{self, LoopOptions};
use crate::encoding::ReadBack;
use crate::failure::Cause;
use crate::panics::{drop_caught, drop_each};
use crate::primitives::cancel::CancelToken;
use crate::record::thread_cpu_time;
use crate::sync::{Arc, AtomicUsize, Ordering, ProcessMark, nanos};

/// Serves one call of one function. The caller sends the place of this instance's [`entry`], where the worker finds it.
///
/// The order of the checks is the order of trust: first that this instance is for the types of the call, then that the
/// functions lie in the program's code, and only then is any byte of the call decoded as one of those types.
///
/// The shared value is dropped after the state, which may refer to what it holds, and before the call is confirmed as
/// ended.
///
/// # Errors
/// `Disconnected` when the caller is gone. What the caller can repair, such as a value that does not decode, is a
/// refusal, after which this gives `Ok`.
pub(crate) fn serve<T, K>(connection: &mut WorkerConnection) -> Result<(), Disconnected>
where
    T: Travels,
    K: SerdeTask<T>,
{
    let Some(head) = connection.head.take() else { return Ok(()) };
    if !head.function.has_fingerprint(fingerprint::<T, K>()) {
        let reason = "another function than the one that was named lies at its place";
        return connection.refuse(&CallRejected::Call(reason.to_owned()));
    }
    let functions = match Functions::find(&head) {
        Ok(functions) => functions,
        Err(reason) => return connection.refuse(&CallRejected::Call(reason)),
    };
    let shared: SharedOf<T, K> = match connection.decode_shared(&head) {
        Ok(shared) => shared,
        Err(reason) => {
            let reason = format!("the shared value could not travel between processes: {reason}");
            return connection.refuse(&CallRejected::Call(reason));
        }
    };
    let over = Session::<T, K>::new(&head, functions, &shared, connection).run(connection);
    connection.drop_caught(Dropped::SharedValue, shared);
    match over? {
        SessionEnd::NextCall => Ok(()),
        SessionEnd::Ended => connection.end(),
    }
}

/// What a call of these types names as its function.
pub(crate) fn entry<T, K>() -> &'static ServeEntry
where
    T: Travels,
    K: SerdeTask<T>,
{
    const { &ServeEntry::new(serve::<T, K>) }
}

/// How a call ended in a worker.
///
/// Two cases, because a confirmation costs the caller a wait for each worker; it asks for one only where something is
/// to be dropped.
enum SessionEnd {
    /// The caller ended it: everything is dropped except the shared value.
    Ended,
    /// Another call begins; this one has left nothing to drop.
    ///
    /// Also after a refusal: the frames that are left of this call are skipped by the loop of `worker/mod.rs`.
    NextCall,
}

/// A number that differs for different types of task, item, result and error.
///
/// Built from the names of the types, so two types of the same name and path, from two versions of a crate, may
/// collide; the executable is compared too, and within one build the place alone names the instance.
pub(crate) fn fingerprint<T, K: ProcessTask<T>>() -> u64 {
    function::fingerprint::<(T, K, K::Output, K::Error)>()
}

/// Where the functions of a call lie in this program.
///
/// Plain addresses: which type they have is known from the instance of `serve` that was checked, and each call through
/// them is `unsafe` for that reason.
#[derive(Debug, Clone, Copy)]
struct Functions {
    /// Called for each item.
    function: *const (),
    /// Makes a worker's state; null where there is none.
    init: *const (),
}

impl Functions {
    /// Finds the functions that a call names.
    ///
    /// # Errors
    /// When a place lies outside of the program's code.
    fn find(head: &CallHead) -> Result<Self, String> {
        let init = head.init.as_ref().map_or(Ok(null()), FunctionName::place)?;
        Ok(Self { function: head.item_function.place()?, init })
    }
}

/// A call that is being served.
///
/// Lives as long as the call in this worker; `items` keeps its memory from frame to frame.
struct Session<'d, T, K: ProcessTask<T>> {
    functions: Functions,
    head: &'d CallHead,
    shared: &'d SharedOf<T, K>,
    page: Arc<MappedStatusPage>,
    /// Made at the first frame of items, not at the begin of the call: a worker that gets no items makes none. Taken
    /// out while a span runs, so that the span can borrow it beside the rest of the session.
    state: Option<StateOf<T, K>>,
    /// The first position that a failure here has made pointless.
    ///
    /// The caller's fence comes later, as the failure must reach the caller first; this one holds from the next item
    /// on.
    halted_at: usize,
    /// The items of the frame at hand. Each is taken out and dropped while it is in hand, so that whatever its
    /// destructor does is known to be its own doing.
    items: Vec<RefCell<Option<T>>>,
    outbox: Arc<Outbox>,
    /// The number of the frame at hand.
    frame: Cell<u32>,
    /// When the last item ended, in nanoseconds of the steady clock.
    ///
    /// It is also the begin of the next item, so an item costs one read of the clock and not two.
    clock: Cell<u64>,
    tracer: Tracer,
    /// Part of every context; a cancelled call reaches a worker as a fence instead.
    never: CancelToken,
    /// This worker.
    process: ProcessMark,
}

impl<'d, T, K> Session<'d, T, K>
where
    T: Travels,
    K: SerdeTask<T>,
{
    fn new(
        head: &'d CallHead,
        functions: Functions,
        shared: &'d SharedOf<T, K>,
        connection: &WorkerConnection,
    ) -> Self {
        connection.outbox.begin_call(head.format);
        Self {
            functions,
            head,
            shared,
            page: connection.incoming.shared_page(),
            state: None,
            halted_at: usize::MAX,
            items: Vec::new(),
            outbox: Arc::clone(&connection.outbox),
            frame: Cell::new(0),
            clock: Cell::new(0),
            tracer: Tracer { traces: head.traces, cpu: Cell::new(None) },
            never: CancelToken::new(),
            process: ProcessMark::current(),
        }
    }

    /// Serves frames until the call ends, or a next one begins where this one has nothing to drop.
    ///
    /// # Errors
    /// `Disconnected` when the caller is gone: the state and the shared value are dropped, and the worker ends.
    fn run(mut self, connection: &mut WorkerConnection) -> Result<SessionEnd, Disconnected> {
        if self.head.watches_memory {
            connection.measure_memory(); // a result may leave before the end of its frame
        }
        loop {
            let header = connection.wait()?;
            match header.kind {
                FrameKind::Items => {
                    if !self.run_frame(connection, &header)? {
                        return Ok(SessionEnd::NextCall);
                    }
                }
                FrameKind::End => {
                    connection.incoming.release(&header);
                    connection.drop_caught(Dropped::State, self.state.take());
                    return Ok(SessionEnd::Ended);
                }
                FrameKind::Call => return Ok(SessionEnd::NextCall),
                _ => connection.incoming.release(&header),
            }
        }
    }

    /// Runs one frame's items, unless the caller took it back; false when there is no state to run them with.
    ///
    /// `begin` on the status page decides with one compare-and-swap. A frame that the caller took back is released
    /// without being decoded, and no answer is sent: the caller has its positions in the queue already.
    fn run_frame(&mut self, connection: &mut WorkerConnection, header: &Header) -> Result<bool, Disconnected> {
        // Before the frame is begun: a worker that dies of making its state has begun no item.
        if self.state.is_none() && !self.make_state(connection)? {
            connection.incoming.release(header);
            return Ok(false);
        }
        connection.end_if_forked(); // in the maker of the state
        let is_mine = self.page.status().frames().begin(of_items_extra(header.extra).0);
        let unread = if is_mine { self.read_items(connection, header)? } else { Vec::new() };
        connection.incoming.release(header);
        if is_mine {
            self.run_items(connection, header, unread)?;
        }
        Ok(true)
    }

    /// Makes the worker's state; false when that failed and the call was refused.
    ///
    /// An error and a panic of the user's function both refuse the call, and the caller gives them as the error of the
    /// call: no item is to blame.
    fn make_state(&mut self, connection: &mut WorkerConnection) -> Result<bool, Disconnected> {
        // SAFETY: `Functions::find` gave this address for a call of these types.
        let make = || unsafe { K::Context::make_state_at(self.functions.init, self.shared) };
        match worker_loop::catch_state(make) {
            Ok(made) => self.state = Some(made),
            Err(BackendError::State(reason)) => {
                connection.refuse(&CallRejected::State(reason))?;
                return Ok(false);
            }
            Err(_) => return Err(Disconnected),
        }
        Ok(true)
    }

    /// Decodes the items of a frame; gives those that cannot be decoded, each with its offset in the frame. An item
    /// whose decoding kills the worker is in hand like any other.
    ///
    /// All items of a frame are decoded before the first runs, so the memory of a frame's items is held at once; a
    /// frame gets no further item once it has 1 MiB of them, encoded. The clock is read once per frame, and again after
    /// each item where times are limited or a part is 64 KiB or longer.
    ///
    /// # Errors
    /// `Disconnected` when the body ends before the announced number of parts. An item that serde cannot decode is no
    /// error of the frame.
    fn read_items(
        &mut self,
        connection: &mut WorkerConnection,
        header: &Header,
    ) -> Result<Vec<(usize, String)>, Disconnected> {
        const LONG_TO_DECODE: usize = 64 * 1024;
        let first = usize::try_from(header.first).map_err(|_| Disconnected)?;
        // SAFETY: the other end is the caller, which writes to a slot again only after the release of this frame.
        let (body, blocks) = unsafe { connection.incoming.body_in_place(header) }?;
        let (items, digests) = Digests::split(body, of_items_extra(header.extra).1)?;
        let (mut parts, mut digests) = (Parts::of(items), digests.into_iter().peekable());
        let (mut unread, mut reads_all_back) = (Vec::new(), false);
        let mut now = nanos();
        with_blocks(blocks, || {
            for offset in 0..header.count as usize {
                let part = parts.part()?;
                self.page.status().begin(first + offset, now);
                let digest = digests.next_if(|(of, _)| *of == offset).map(|(_, digest)| digest);
                self.items.push(RefCell::new(None));
                let item = self.items.last_mut().expect("it was put there").get_mut();
                match decode_checked(self.head.format, part, digest, item) {
                    Ok(ReadBack::OncePerShape) => {}
                    Ok(ReadBack::Always) => reads_all_back = true,
                    Err(reason) => {
                        self.items.pop();
                        unread.push((offset, format!("the item could not be decoded: {reason}")));
                    }
                }
                if self.head.watches_time || part.len() >= LONG_TO_DECODE {
                    now = nanos();
                }
            }
            Ok::<(), Disconnected>(())
        })?;
        self.page.status().clear_in_hand();
        if reads_all_back {
            let frame = u64::from(of_items_extra(header.extra).0);
            self.outbox.push(Header { extra: frame, ..Header::new(FrameKind::ReadsAllBack) }, &[]);
        }
        Ok(unread)
    }

    /// Runs the frame in spans, each ended by its last item, by a failure or by a fence.
    ///
    /// Unless the worker dies, a frame is answered to its last position: by a value, a failure, or as skipped. The
    /// caller counts on it, since frames are answered in the order in which they were sent.
    fn run_items(
        &mut self,
        connection: &mut WorkerConnection,
        header: &Header,
        unread: Vec<(usize, String)>,
    ) -> Result<(), Disconnected> {
        let (first, len) = (usize::try_from(header.first).map_err(|_| Disconnected)?, header.count as usize);
        let mut unread = unread.into_iter().peekable();
        let (mut offset, mut ran) = (0, 0);
        self.clock.set(nanos());
        self.tracer.begin();
        self.outbox.begin(first, self.clock.get());
        self.frame.set(of_items_extra(header.extra).0);
        while offset < len && first + offset < self.fence() {
            if let Some((_, reason)) = unread.next_if(|(bad, _)| *bad == offset) {
                self.fail(first + offset, None, Cause::Encoding(reason));
                offset += 1;
            } else {
                let until = unread.peek().map_or(len, |(bad, _)| *bad);
                let done = self.run_span(first + offset, ran, until - offset);
                (offset, ran) = (offset + done, ran + done);
            }
        }
        self.outbox.end()?;
        if offset < len {
            let skipped = Header { first: (first + offset) as u64, ..Header::new(FrameKind::Answers) };
            self.outbox.push(skipped, &Answers::skipped(len - offset));
        }
        drop_each(self.items.drain(..), |_, _| {}); // those that did not run, and so have no answer
        if self.head.watches_memory {
            connection.measure_memory();
        }
        Ok(())
    }

    /// The first position that is not to be run: the lower one of the caller's fence and of the one that a failure in
    /// this worker has set. One load.
    fn fence(&self) -> usize {
        self.halted_at.min(self.page.status().fence())
    }

    /// Runs up to `len` of the frame's decoded items, from number `ran` on; gives how many it ran.
    ///
    /// The loop is the one of the other modes and has its own fence, `stop`, counted in numbers of decoded items.
    /// `Observed` sets it to 0 when the page's fence is reached, so the item in hand is the last one.
    fn run_span(&mut self, position: usize, ran: usize, len: usize) -> usize {
        let stop = AtomicUsize::new(ran + len);
        let mut state = self.state.take().expect("a frame is run after its state was made");
        let observed = self.observed(position, position + len, &stop);
        let options = LoopOptions {
            order: None,
            halts_on_failure: true, // so that a failure is reported before the next item begins
            traces: false,          // sent with each result, while the item is in hand
            has_guided_chunks: false,
            cancel: &self.never,
            fence: &stop,
            status: None,
            process: self.process,
        };
        let mut claim = Claim { first: ran, len, attempt: 1, output: Output::InReports };
        let items = Items::Slice(&self.items);
        let call = |item: &RefCell<Option<T>>| observed.call(&mut state, item);
        let chunk = in_worker(|| worker_loop::run(items, &mut claim, &options, call));
        self.state = Some(state);
        for miss in chunk.failures {
            self.fail(position + miss.position - ran, Some(miss.position), miss.cause);
        }
        chunk.done
    }

    /// Puts a failure into the outbox as the result of a position, and ends the item if it is in hand.
    ///
    /// Called for a failure of the function, where the item is still in hand, and for an item that could not be
    /// decoded, where none is. The time of the item is taken from the status page, so it is what the caller would see
    /// too. Item and error are dropped before the item is not in hand any more; `number` is the item's in its frame.
    fn fail(&mut self, position: usize, number: Option<usize>, cause: Cause<K::Error>) {
        let now = nanos();
        let in_hand = self.page.status().in_hand();
        let elapsed = in_hand.map_or(0, |item| now.saturating_sub(item.since));
        let trace = self.tracer.end(in_hand.map_or(now, |item| item.since));
        if let Some(item) = number.and_then(|number| self.items[number].take()) {
            drop_copy(&self.outbox, Dropped::Item(position), self.frame.get(), item);
        }
        prints::flush();
        let held_back = self.outbox.hold_back();
        self.outbox.put_failure(Duration::from_nanos(elapsed), &cause, trace.as_ref(), now);
        drop_copy(&self.outbox, Dropped::Error(position), self.frame.get(), cause);
        drop(held_back);
        if in_hand.is_some() {
            self.page.status().end();
        }
        self.outbox.send();
        self.clock.set(nanos());
        if self.head.halts {
            self.halted_at = self.halted_at.min(position + 1);
        }
    }

    /// What a span calls for each item, from `position` up to `end`.
    fn observed<'s>(&'s self, position: usize, end: usize, stop: &'s AtomicUsize) -> Observed<'s, T, K> {
        Observed {
            functions: self.functions,
            shared: self.shared,
            page: self.page.status(),
            outbox: &self.outbox,
            frame: self.frame.get(),
            clock: &self.clock,
            tracer: &self.tracer,
            position: Cell::new(position),
            end,
            stop,
            process: self.process,
            item: PhantomData,
        }
    }
}

/// Measures what a trace says of each item, where the call asks for traces.
///
/// Without traces, both methods are one test of a flag.
struct Tracer {
    traces: bool,
    /// The CPU time that this thread had used when the last item ended.
    cpu: Cell<Option<Duration>>,
}

impl Tracer {
    /// The first item of a frame begins now.
    ///
    /// What was reported outside of an item, while the state was made for instance, belongs to none and is dropped.
    fn begin(&self) {
        if self.traces {
            amounts::clear();
            self.cpu.set(thread_cpu_time());
        }
    }

    /// The trace of an item that began at `since`, in nanoseconds of the steady clock, and ends now.
    ///
    /// The CPU time counts from the end of the last item, so it includes the encoding and sending of the result before.
    /// `u64::MAX` stands for a system that does not measure it.
    fn end(&self, since: u64) -> Option<Trace> {
        if !self.traces {
            return None;
        }
        let cpu = thread_cpu_time();
        let spent = cpu.zip(self.cpu.replace(cpu)).map(|(cpu, before)| cpu.saturating_sub(before));
        Some(Trace {
            started: since,
            elapsed: nanos().saturating_sub(since),
            cpu: spent.map_or(u64::MAX, |spent| u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX)),
            amounts: amounts::take(),
        })
    }
}

/// The caller's task, with its item on the status page until the result is encoded.
///
/// The loop of the modes calls it as it would call the user's function. Its result is `()`: the value is in the outbox
/// by then, encoded.
struct Observed<'o, T, K: ProcessTask<T>> {
    functions: Functions,
    shared: &'o SharedOf<T, K>,
    page: &'o StatusPage,
    outbox: &'o Arc<Outbox>,
    /// The number of the frame at hand.
    frame: u32,
    clock: &'o Cell<u64>,
    tracer: &'o Tracer,
    /// The position of the next item.
    position: Cell<usize>,
    /// The first position beyond the span.
    end: usize,
    /// Where the span ends: 0 ends it after the item in hand.
    stop: &'o AtomicUsize,
    /// This worker.
    process: ProcessMark,
    item: PhantomData<fn(&T)>,
}

impl<T, K> Observed<'_, T, K>
where
    K: SerdeTask<T>,
{
    /// An item that fails or panics stays in hand: `Session::fail` ends it, after it has read from the page when the
    /// item began. The item itself is dropped before its result is in the outbox, and the result before it leaves.
    fn call(&self, state: &mut StateOf<T, K>, item: &RefCell<Option<T>>) -> Result<(), K::Error> {
        let position = self.position.get();
        self.position.set(position + 1);
        self.page.begin(position, self.clock.get());
        let result = {
            let item = item.borrow();
            let item = item.as_ref().expect("an item of a frame runs once");
            // SAFETY: `Functions::find` gave this address for a call of these types.
            unsafe { K::call_at(self.functions.function, self.shared, state, item) }
        };
        if !self.process.is_current() {
            end_child_of_worker();
        }
        // The value stays where the function put it: to move it at once takes as long as to encode it.
        let value = match &result {
            Ok(value) => value,
            Err(_) => return result.map(drop),
        };
        if needs_drop::<T>() {
            drop_copy(self.outbox, Dropped::Item(position), self.frame, item.take());
        }
        let trace = self.tracer.end(self.clock.get());
        prints::flush();
        let held_back = needs_drop::<K::Output>().then(|| self.outbox.hold_back());
        let (next, now) = self.outbox.put_value(value, trace.as_ref());
        if needs_drop::<K::Output>() {
            drop_copy(self.outbox, Dropped::Value(position), self.frame, result.ok());
        }
        drop(held_back);
        self.page.end();
        match next {
            SendState::Send => self.outbox.send(),
            SendState::Wake if position + 1 < self.end => self.outbox.wake_flusher(),
            SendState::Wake | SendState::Nothing => {}
        }
        // The time for sending and dropping does not count for the next item. Where neither was done, the clock is not read
        // again.
        let took_time = next == SendState::Send || needs_drop::<K::Output>();
        self.clock.set(if took_time { nanos() } else { now });
        if position + 1 >= self.page.fence() {
            // Relaxed: only this thread reads it.
            self.stop.store(0, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Drops the copy of an item, a value or an error. A panic of its destructor is sent to the caller: the item has its
/// result, and goes on having it.
fn drop_copy<V>(outbox: &Outbox, dropped: Dropped, frame: u32, copy: V) {
    if let Err(message) = drop_caught(copy) {
        outbox.push(drop_panic::header(dropped, frame), message.as_bytes());
    }
}
