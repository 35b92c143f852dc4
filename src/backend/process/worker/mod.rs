//! A worker's main loop: a handshake with the caller, then one call after the other, until the caller is gone.
//!
//! Promises: a call that cannot be served is refused with a reason, and the worker goes on. Knows nothing of other
//! workers, of retries and of limits. Leaves to `session.rs` the items of a call.
//!
//! A worker's life, from `become_worker` on:
//!
//! 1. `startup.rs` checks who started it, arms the signal at the caller's death and moves the socket away from stdin.
//! 2. `handshake` reads the `Hello` frame, checks that both sides run the same file, and maps the status page; the
//!    second frame brings the pipe that ends the worker's group with its caller.
//! 3. `run` waits for a frame. A `Call` names an instance of `serve`, which takes all frames up to the end of the call.
//!    Any other frame belongs to a call that this worker has refused, and is skipped.
//! 4. When the socket is closed, or what comes over it is no frame, `run` returns and the process exits with code 0. The
//!    same happens at a `Call` if an item of an earlier call has changed what `start_state.rs` cannot set back.
//!    What became of its items, the caller decides: nothing is saved here.
//!
//! | frame | within a call | between two calls |
//! |---|---|---|
//! | `Items` | run, or skipped if the caller took it back | skipped: its call was refused |
//! | `End` | state and shared value are dropped, then `Ended` is sent | `Ended` is sent |
//! | `Call` | the call ends without a confirmation; the next one begins | a call begins |
//! | `Slot`, `Block`, `Forget` | handled in `wire/connection.rs`, never seen here | the same |
//!
//! Threads: this loop and all items run on the main thread. The flusher of `outbox.rs` is a second one, started when it
//! is first needed; calls made in items start more.

mod caller_exit;
mod outbox;
mod prints;
pub(super) mod session;
mod start_state;
pub(super) mod startup;

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::contract::Dropped;
use crate::backend::process::wire::attachments::{find, with_blocks};
use crate::backend::process::wire::call::{CallHead, Hello, SharedValue};
use crate::backend::process::wire::connection::{Blocking, Broken, Connection, Incoming};
use crate::backend::process::wire::drop_panic;
use crate::backend::process::wire::encode::decode_checked;
use crate::backend::process::wire::frame::{FrameKind, Header};
use crate::backend::process::wire::function::{FunctionName, program};
use crate::backend::process::wire::refusal::{CallRejected, Disconnected};
use crate::backend::process::wire::status_page::Direction;
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::backend::process::worker::caller_exit::end_group_with;
use crate::backend::process::worker::outbox::Outbox;
use crate::backend::process::worker::start_state::StartState;
use crate::config;
use crate::panics::drop_caught;
use crate::sync::{Arc, FORKED_INSIDE, ProcessMark, end_forked_child, nanos};

/// The worker measures its memory at most this often, in nanoseconds, and only where the call asks for it.
const MEASURE_NANOS: u64 = 10_000_000;

/// Serves the calls of one function: the caller names an instance for the function's types, and the worker finds it by
/// its place in the executable.
///
/// One instance exists for each combination of item type and task type that the program calls a process mode with. The
/// compiler generates it because the caller takes its address, so no list of functions is kept.
pub(super) type Serve = fn(&mut WorkerConnection) -> Result<(), Disconnected>;

/// What a call names in place of the function itself: a constant that the compiler makes for each instance of
/// [`Serve`] that the program makes a call with.
///
/// A worker reads one from its own program and believes it only with this crate's tag, so no address that comes from a
/// caller is taken for such an instance.
#[derive(Debug)]
#[repr(C)]
pub(super) struct ServeEntry {
    tag: &'static [u64; 2],
    serve: Serve,
}

/// Its address marks an entry, and nothing else in the program refers to it. The numbers are random, so that no linker
/// merges it with another constant.
static TAG: [u64; 2] = [0x9d5c_27e1_4b83_f06a, 0x31f4_86d0_ae59_72cb];

impl ServeEntry {
    /// The entry of an instance.
    pub(super) const fn new(serve: Serve) -> Self {
        Self { tag: &TAG, serve }
    }

    /// Its name in a call.
    ///
    /// # Errors
    /// When it lies in a shared library, where workers cannot find it, or the program cannot be found out.
    pub(super) fn name(&'static self, fingerprint: u64) -> io::Result<FunctionName> {
        FunctionName::of_constant(std::ptr::from_ref(self).cast(), size_of::<Self>(), fingerprint)
    }

    /// The instance that a name stands for in this program.
    ///
    /// # Errors
    /// When no entry lies at its place.
    fn find(name: &FunctionName) -> Result<Serve, String> {
        let place = name.place_of_constant(size_of::<Self>())?.cast::<[*const (); 2]>();
        // SAFETY: the place was checked to be readable for the length of an entry, which is that of two addresses, and any bytes are
        // addresses. Nothing is written to a program's constants.
        let [tag, serve] = unsafe { place.read_unaligned() };
        if !std::ptr::eq(tag, (&raw const TAG).cast()) {
            return Err("the caller names a function that this program makes no call with".to_owned());
        }
        // SAFETY: only the compiler writes the address of the tag into the program, and only into entries, with a function
        // of this type behind it.
        Ok(unsafe { std::mem::transmute::<*const (), Serve>(serve) })
    }
}

/// A worker's end of the connection, and what it needs for a call.
///
/// One per process. It outlives the calls: the inbox, the slots and the table of blocks are kept between them, and a
/// `Forget` frame alone removes a block.
#[derive(Debug)]
pub(super) struct WorkerConnection {
    /// Frames from the caller.
    pub(super) incoming: Incoming,
    /// Results to the caller.
    ///
    /// Shared with the flusher, which sends results while an item runs on.
    outbox: Arc<Outbox>,
    /// How many threads this process may use.
    ///
    /// The caller divides its usable cores by its number of workers, so that nested calls of all workers together do
    /// not exceed them, where there are no more workers than cores.
    threads: usize,
    /// The call that is about to be served.
    ///
    /// Set by `serve` here, taken by the `serve` of `session.rs`: a plain `fn` pointer of one type takes no more than
    /// the connection.
    pub(super) head: Option<CallHead>,
    /// When the memory was last measured, in nanoseconds of the steady clock.
    measured: u64,
    /// The limit on memory of its own.
    data_limit: DataLimit,
    /// The size that the stack may grow to since an earlier call, in bytes; 0 before the first.
    stack_size: usize,
    /// What no item may change for later calls.
    start: StartState,
    /// The process that is the worker.
    process: ProcessMark,
}

/// Serves calls until the caller is gone. `socket` is the worker's end of the connection, and `secret` what the caller
/// says in its first frame.
///
/// A result of `Err` means that this process was not started by a caller of this program, and is for a person to read:
/// `startup.rs` prints it and exits with code 125. A caller that is gone is no error.
pub(super) fn run(socket: OwnedFd, secret: u64) -> Result<(), String> {
    // Open until the process ends: a caller that found its socket closed before would kill it, and count it as lost.
    let mut connection = ManuallyDrop::new(WorkerConnection::handshake(socket, secret)?);
    loop {
        // A worker ends as a rule because the caller is gone.
        let Ok(header) = connection.wait() else { return Ok(()) };
        let served = if header.kind == FrameKind::Call { connection.serve() } else { connection.pass_over(&header) };
        if served.is_err() {
            return Ok(());
        }
    }
}

impl WorkerConnection {
    /// Takes the first two frames: one comes with the status page and says how many threads the worker may use, the
    /// other with the pipe that ends with the caller.
    ///
    /// The order matters: `come_up` is stored last, because the caller takes it as the proof that `init` was reached.
    /// If workers die before it in a row, the error of the call says that they never came to `init`; one that needs
    /// more than 30 seconds is killed.
    ///
    /// Costs two mappings of one page, of which the first is dropped as soon as the second has come.
    ///
    /// # Errors
    /// When the socket is closed before the frames are complete, the first is no `Hello`, it names another executable or
    /// secret, or a descriptor is missing or the page has another length. Also when `/proc` cannot be read, or there is
    /// no memory for a page.
    fn handshake(socket: OwnedFd, secret: u64) -> Result<Self, String> {
        prints::unbuffer_c_stdout();
        let gone = |broken: Broken| format!("the first message did not come: {broken:?}");
        let program = program().map_err(|error| error.to_string())?;
        // The first frame is read with a page that is not shared, since it brings the shared one.
        let (page, _) =
            MappedStatusPage::create().map_err(|error| format!("no memory for a worker's page: {error}"))?;
        let mut first = Connection::new(socket, Arc::new(page), Direction::ToCaller);
        let header = next_of(&mut first.incoming, FrameKind::Hello)?;
        let body = first.incoming.body(&header).map_err(gone)?;
        let hello: Hello = postcard::from_bytes(body).map_err(|error| format!("the first message: {error}"))?;
        if hello.executable != program.executable {
            return Err("the caller is another program than this one".to_owned());
        }
        if hello.secret != secret {
            return Err("the caller does not know the secret that this process was started with".to_owned());
        }
        let page = first.incoming.descriptor().and_then(|fd| Ok(MappedStatusPage::adopt(fd)?)).map_err(gone)?;
        first.incoming.release(&header);
        let header = next_of(&mut first.incoming, FrameKind::ExitPipe)?;
        end_group_with(first.incoming.descriptor().map_err(gone)?);
        first.incoming.release(&header);
        let link = first.with_page(Arc::new(page));
        link.page().come_up();
        let outbox = Arc::new(Outbox::new(link.outgoing));
        Ok(Self {
            incoming: link.incoming,
            outbox,
            threads: hello.threads,
            head: None,
            measured: 0,
            data_limit: DataLimit::inherited(),
            stack_size: 0,
            start: StartState::note(),
            process: ProcessMark::current(),
        })
    }

    /// The next frame. What is queued is sent before the worker waits.
    ///
    /// The frame stays in the inbox until `release`, so a second call gives the same frame again. `serve` relies on it:
    /// `run` looks at the header, and `serve` at the body.
    ///
    /// Costs no system call while the inbox holds a whole frame; otherwise one send, if results wait, and one receive
    /// of at least 64 KiB of space.
    pub(super) fn wait(&mut self) -> Result<Header, Disconnected> {
        self.end_if_forked();
        loop {
            if let Some(header) = self.incoming.next()? {
                self.outbox.go_on();
                return Ok(header);
            }
            self.outbox.flush()?;
            self.incoming.receive(Blocking::Yes)?;
        }
    }

    /// Ends a child that code of the program has forked in this worker, and that has come back from there: the worker
    /// answers, alone. Costs one load.
    #[inline]
    pub(super) fn end_if_forked(&self) {
        if !self.process.is_current() {
            end_child_of_worker();
        }
    }

    /// Skips a frame of a call that was refused.
    ///
    /// The caller may have sent several frames of items before the refusal reached it. None of them is marked as begun,
    /// and no answer is sent for them: the caller drops what it had in flight when it reads the refusal.
    fn pass_over(&mut self, header: &Header) -> Result<(), Disconnected> {
        self.incoming.release(header);
        if header.kind == FrameKind::End {
            self.end()?;
        }
        Ok(())
    }

    /// Confirms that everything of the call is dropped.
    pub(super) fn end(&mut self) -> Result<(), Disconnected> {
        self.head = None;
        prints::flush(); // destructors may have printed
        self.outbox.push(Header::new(FrameKind::Ended), &[]);
        self.outbox.flush()
    }

    /// Drops what belongs to the call. A panic of a destructor is sent to the caller.
    pub(super) fn drop_caught<V>(&self, dropped: Dropped, value: V) {
        if let Err(message) = drop_caught(value) {
            self.outbox.push(drop_panic::header(dropped, 0), message.as_bytes());
        }
    }

    /// Refuses the call, with a reason for the caller.
    ///
    /// The caller ends the whole call with this reason and asks no other worker. This one goes on and serves the next
    /// call.
    pub(super) fn refuse(&mut self, rejected: &CallRejected) -> Result<(), Disconnected> {
        prints::flush();
        let body = postcard::to_stdvec(rejected).map_err(|_| Disconnected)?;
        self.outbox.push(Header::new(FrameKind::Refused), &body);
        self.outbox.flush()
    }

    /// Finds the function that the call at hand names, and lets it serve.
    ///
    /// Costs of a call before its first item: one decoding of the head, four system calls for what items may have changed,
    /// and a new config for nested calls. The place of the function is a sum and a range check, not a search.
    ///
    /// # Errors
    /// `Disconnected` when the head is not what this program encodes, and when items of earlier calls have changed what
    /// cannot be set back; then the worker ends, and its caller takes another. A function that is not found, or a limit
    /// that cannot be set, is a refusal instead.
    fn serve(&mut self) -> Result<(), Disconnected> {
        if self.start.is_changed() || !self.start.restore() {
            return Err(Disconnected);
        }
        let header = self.wait()?;
        let head = postcard::from_bytes::<CallHead>(self.incoming.body(&header)?).map_err(|_| Disconnected)?;
        self.incoming.release(&header);
        let serve = ServeEntry::find(&head.function).map_err(CallRejected::Call);
        match serve.and_then(|serve| self.prepare(&head).map(|()| serve)) {
            Ok(serve) => {
                self.head = Some(head);
                serve(self)
            }
            Err(rejected) => self.refuse(&rejected),
        }
    }

    /// Decodes the value that all items of the call share.
    ///
    /// A value of up to 1 MiB was copied into the head of the call; a longer one lies in a block that all workers map,
    /// so its bytes exist once on the machine. The decoded value is this worker's own in both cases.
    ///
    /// # Errors
    /// When the block did not come, as when the caller had no free descriptor, when serde cannot decode the bytes, or
    /// when what it decodes is another value than was encoded. Each refuses the call.
    pub(super) fn decode_shared<V: Serialize + DeserializeOwned>(&self, head: &CallHead) -> Result<V, String> {
        let decode = |bytes: &[u8]| {
            let mut shared = None;
            decode_checked(head.format, bytes, Some(head.shared_digest), &mut shared)?;
            Ok(shared.expect("it was decoded"))
        };
        with_blocks(&self.incoming.blocks, || match &head.shared {
            SharedValue::Here(bytes) => decode(bytes),
            SharedValue::Block(id) => decode(find(*id).ok_or("its memory did not come")?.bytes()),
        })
    }

    /// Sets the memory limit and the configuration that the call asks for.
    ///
    /// Runs before the shared value is decoded and the state is made, so both count against the memory limit. A call
    /// without a limit lifts the one of the call before it, down to the limit that the program has itself.
    fn prepare(&mut self, head: &CallHead) -> Result<(), CallRejected> {
        self.data_limit.set(head.memory).map_err(|error| {
            CallRejected::Unsupported(format!("the memory limit could not be set: setrlimit(RLIMIT_DATA): {error}"))
        })?;
        let config = head.settings.config(self.threads).map_err(|error| CallRejected::Call(error.to_string()))?;
        if config.thread_stack_size() != self.stack_size {
            raise_stack_limit(config.thread_stack_size()).map_err(|error| {
                CallRejected::Unsupported(format!("the stack could not grow: setrlimit(RLIMIT_STACK): {error}"))
            })?;
            self.stack_size = config.thread_stack_size();
        }
        config::set_parallel_config(config);
        Ok(())
    }

    /// Measures the memory of this process for the caller, if the last time was 10 ms ago or more.
    ///
    /// Called before the first and after each frame of a call that recycles by memory or traces its items. The number goes to the status
    /// page, so the caller reads it without a message. Costs a read of the clock, and every 10 ms the opening and
    /// reading of one small file.
    pub(super) fn measure_memory(&mut self) {
        let now = nanos();
        if now.saturating_sub(self.measured) >= MEASURE_NANOS {
            self.measured = now;
            self.incoming.page().set_resident(resident_bytes());
        }
    }
}

/// Waits for the next frame, which must be of this kind.
///
/// # Errors
/// With a text for a person: when it is of another kind, or the caller is gone.
fn next_of(incoming: &mut Incoming, kind: FrameKind) -> Result<Header, String> {
    let gone = |broken: Broken| format!("the first messages did not come: {broken:?}");
    loop {
        match incoming.next().map_err(gone)? {
            Some(header) if header.kind == kind => return Ok(header),
            Some(_) => return Err("the first messages are not those of a caller".to_owned()),
            None => incoming.receive(Blocking::Yes).map_err(gone)?,
        };
    }
}

/// The limit on the memory of its own that this process may have.
///
/// The limit is `RLIMIT_DATA`, which the kernel checks when memory is requested, not when it is touched: heap, thread
/// stacks and other private writable mappings count, shared mappings do not. Only the soft limit changes, so that a
/// later call can raise it again.
#[derive(Debug)]
struct DataLimit {
    /// What the program was started with: `ulimit -d`, or what a batch system has set.
    inherited: Rlimit,
    /// The soft limit at present.
    current: Option<u64>,
}

impl DataLimit {
    /// The limit of the program.
    fn inherited() -> Self {
        let inherited = getrlimit(Resource::Data);
        Self { current: inherited.current, inherited }
    }

    /// Sets the limit to so many bytes, or to what the program has where that is stricter or there is no other. No
    /// system call where nothing changes.
    fn set(&mut self, bytes: Option<u64>) -> io::Result<()> {
        let Rlimit { current: soft, maximum: hard } = self.inherited;
        let strictest = [bytes, soft, hard].into_iter().flatten().min();
        if strictest != self.current {
            setrlimit(Resource::Data, Rlimit { current: strictest, maximum: hard })?;
            self.current = strictest;
        }
        Ok(())
    }
}

/// Lets the main thread's stack, on which items run, grow to this size, or to the hard limit where that is less.
///
/// The system asks for the limit whenever a stack grows, so it may be raised while the stack is in use. It stays raised for
/// later calls.
fn raise_stack_limit(bytes: usize) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Stack);
    let wanted = maximum.unwrap_or(u64::MAX).min(bytes as u64);
    match current {
        Some(current) if current < wanted => Ok(setrlimit(Resource::Stack, Rlimit { current: Some(wanted), maximum })?),
        _ => Ok(()),
    }
}

/// Bytes in memory, without shared ones: from the second and third number of `/proc/self/statm`, in pages.
///
/// The second number counts all pages in memory, the third those of files and of shared memory; the difference is what
/// this process alone pays for. Gives 0 where the file cannot be read, so such a worker is never recycled for its size.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let own = pages.get(1).copied().unwrap_or(0).saturating_sub(pages.get(2).copied().unwrap_or(0));
    own * rustix::param::page_size() as u64
}

/// Ends a child that was forked in this worker.
#[cold]
pub(super) fn end_child_of_worker() -> ! {
    // Where stderr is closed, only the exit code shows it.
    let _ = writeln!(io::stderr(), "{FORKED_INSIDE}");
    end_forked_child()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(_: &mut WorkerConnection) -> Result<(), Disconnected> {
        std::hint::black_box(Ok(()))
    }

    #[test]
    fn an_entry_is_found_by_its_name_and_what_looks_like_one_is_refused() {
        static OTHER_TAG: [u64; 2] = TAG;
        static FORGED: ServeEntry = ServeEntry { tag: &OTHER_TAG, serve: instance };
        let entry = const { &ServeEntry::new(instance) };
        let found = ServeEntry::find(&entry.name(7).unwrap()).unwrap();
        assert!(std::ptr::fn_addr_eq(found, instance as Serve));
        let refused = [FORGED.name(7).unwrap(), FunctionName::of(instance as Serve as *const (), 7).unwrap()];
        for name in refused {
            assert!(ServeEntry::find(&name).is_err(), "{name:?}");
        }
    }
}
