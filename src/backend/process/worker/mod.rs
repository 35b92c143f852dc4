//! A worker's main loop: a handshake with the caller, then one call after the other, until the caller is gone.
//!
//! Promises: a call that cannot be served is refused with a reason, and the worker goes on. Knows nothing of other
//! workers, of retries and of limits. Leaves to `session.rs` the items of a call.

mod outbox;
pub(super) mod session;
pub(super) mod startup;

use std::io;
use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;

use crate::backend::process::wire::attachments::{find, with_blocks};
use crate::backend::process::wire::call::{CallHead, Hello, SharedValue};
use crate::backend::process::wire::connection::{Blocking, Broken, Connection, Incoming};
use crate::backend::process::wire::encode::decode;
use crate::backend::process::wire::frame::{Header, Kind};
use crate::backend::process::wire::function::PROGRAM;
use crate::backend::process::wire::refusal::{CallRejected, Disconnected};
use crate::backend::process::wire::status_page::Direction;
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::backend::process::worker::outbox::Outbox;
use crate::config;
use crate::sync::{Arc, nanos};

/// The worker measures its memory at most this often, in nanoseconds, and only where the call asks for it.
const MEASURE_NANOS: u64 = 10_000_000;

/// Serves the calls of one function: the caller names an instance for the function's types, and the worker finds it by
/// its place in the executable.
pub(super) type Serve = fn(&mut WorkerConnection) -> Result<(), Disconnected>;

/// A worker's end of the connection, and what it needs for a call.
#[derive(Debug)]
pub(super) struct WorkerConnection {
    /// Frames from the caller.
    pub(super) incoming: Incoming,
    /// Results to the caller.
    outbox: Arc<Outbox>,
    /// How many threads this process may use.
    threads: usize,
    /// The call that is about to be served.
    pub(super) head: Option<CallHead>,
    /// When the memory was last measured, in nanoseconds of the steady clock.
    measured: u64,
}

/// Serves calls until the caller is gone. `socket` is the worker's end of the connection.
pub(super) fn run(socket: OwnedFd) -> Result<(), String> {
    let mut connection = WorkerConnection::handshake(socket)?;
    loop {
        // A worker ends as a rule because the caller is gone.
        let Ok(header) = connection.wait() else { return Ok(()) };
        let served = if header.kind == Kind::Call { connection.serve() } else { connection.pass_over(&header) };
        if served.is_err() {
            return Ok(());
        }
    }
}

impl WorkerConnection {
    /// Takes the first frame, which comes with the status page and says how many threads the worker may use.
    fn handshake(socket: OwnedFd) -> Result<Self, String> {
        let gone = |broken: Broken| format!("the first message did not come: {broken:?}");
        let program = PROGRAM.as_ref().map_err(String::clone)?;
        // The first frame is read with a page that is not shared, since it brings the shared one.
        let (page, _) =
            MappedStatusPage::create().map_err(|error| format!("no memory for a worker's page: {error}"))?;
        let mut first = Connection::new(socket, Arc::new(page), Direction::ToCaller);
        let header = loop {
            match first.incoming.next().map_err(gone)? {
                Some(header) => break header,
                None => first.incoming.receive(Blocking::Yes).map_err(gone)?,
            };
        };
        if header.kind != Kind::Hello {
            return Err("the first message is not the greeting of a caller".to_owned());
        }
        let body = first.incoming.body(&header).map_err(gone)?;
        let hello: Hello = postcard::from_bytes(body).map_err(|error| format!("the first message: {error}"))?;
        if hello.executable != program.executable {
            return Err("the caller is another program than this one".to_owned());
        }
        let page = first.incoming.descriptor().and_then(|fd| Ok(MappedStatusPage::adopt(fd)?)).map_err(gone)?;
        first.incoming.release(&header);
        let link = first.with_page(Arc::new(page));
        link.page().come_up();
        let outbox = Arc::new(Outbox::new(link.outgoing));
        Ok(Self { incoming: link.incoming, outbox, threads: hello.threads, head: None, measured: 0 })
    }

    /// The next frame. What is queued is sent before the worker waits.
    pub(super) fn wait(&mut self) -> Result<Header, Disconnected> {
        loop {
            if let Some(header) = self.incoming.next()? {
                self.outbox.go_on();
                return Ok(header);
            }
            self.outbox.flush()?;
            self.incoming.receive(Blocking::Yes)?;
        }
    }

    /// Skips a frame of a call that was refused.
    fn pass_over(&mut self, header: &Header) -> Result<(), Disconnected> {
        self.incoming.release(header);
        if header.kind == Kind::End {
            self.end(String::new())?;
        }
        Ok(())
    }

    /// Confirms that everything of the call is dropped. `complaint` is the message of a destructor that panicked, or
    /// empty.
    pub(super) fn end(&mut self, complaint: String) -> Result<(), Disconnected> {
        self.head = None;
        self.outbox.push(Header::new(Kind::Ended), complaint.as_bytes());
        self.outbox.flush()
    }

    /// Refuses the call, with a reason for the caller.
    pub(super) fn refuse(&mut self, rejected: &CallRejected) -> Result<(), Disconnected> {
        let body = postcard::to_stdvec(rejected).map_err(|_| Disconnected)?;
        self.outbox.push(Header::new(Kind::Refused), &body);
        self.outbox.flush()
    }

    /// Finds the function that the call at hand names, and lets it serve.
    fn serve(&mut self) -> Result<(), Disconnected> {
        let header = self.wait()?;
        let head = postcard::from_bytes::<CallHead>(self.incoming.body(&header)?).map_err(|_| Disconnected)?;
        self.incoming.release(&header);
        match head.function.place().and_then(|place| self.prepare(&head).map(|()| place)) {
            Ok(place) => {
                self.head = Some(head);
                // SAFETY: the caller is the same executable, which the handshake has checked, and took the place of a
                // function of this type there; at the same place in the same code lies the same function.
                let serve = unsafe { std::mem::transmute::<*const (), Serve>(place) };
                serve(self)
            }
            Err(reason) => self.refuse(&CallRejected::Call(reason)),
        }
    }

    /// Decodes the value that all items of the call share.
    pub(super) fn decode_shared<V: DeserializeOwned>(&self, shared: &SharedValue) -> Result<V, String> {
        with_blocks(&self.incoming.blocks, || match shared {
            SharedValue::Here(bytes) => decode(bytes),
            SharedValue::Block(id) => decode(find(*id).ok_or("its memory did not come")?.bytes()),
        })
    }

    /// Sets the memory limit and the configuration that the call asks for.
    fn prepare(&self, head: &CallHead) -> Result<(), String> {
        limit_memory(head.memory).map_err(|error| format!("the memory limit could not be set: {error}"))?;
        let config = head.settings.config(self.threads).map_err(|error| error.to_string())?;
        config::set_parallel_config(config);
        Ok(())
    }

    /// Measures the memory of this process for the caller, if the last time was 10 ms ago or more.
    pub(super) fn measure_memory(&mut self) {
        let now = nanos();
        if now.saturating_sub(self.measured) >= MEASURE_NANOS {
            self.measured = now;
            self.incoming.page().set_resident(resident_bytes());
        }
    }
}

/// Limits the memory of its own that this process may have, in bytes; `None` lifts the limit.
fn limit_memory(bytes: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let hard = getrlimit(Resource::Data).maximum;
    Ok(setrlimit(Resource::Data, Rlimit { current: bytes.or(hard), maximum: hard })?)
}

/// Bytes in memory, without shared ones: from the second and third number of `/proc/self/statm`, in pages.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let own = pages.get(1).copied().unwrap_or(0).saturating_sub(pages.get(2).copied().unwrap_or(0));
    own * rustix::param::page_size() as u64
}
