//! The child's main loop: learns who it is, finds the function of a call, and lets it serve. Knows nothing of other workers, of
//! retries, or of why it was asked.

pub(crate) mod outbox;
pub(crate) mod session;
pub(crate) mod startup;

use std::io;
use std::num::NonZeroUsize;
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

/// The memory is looked at this often, in nanoseconds, where somebody wants to know.
const LOOK_NANOS: u64 = 10_000_000;

/// What serves the calls of one function: made for its types in the caller, and found again here by its place.
pub(crate) type Serve = fn(&mut WorkerConnection) -> Result<(), Disconnected>;

/// A worker's end of the connection, and what it needs for a call.
#[derive(Debug)]
pub(crate) struct WorkerConnection {
    pub(crate) incoming: Incoming,
    pub(crate) outbox: Arc<Outbox>,
    threads: usize,
    /// What the call that is to be served says.
    pub(crate) head: Option<CallHead>,
    /// When the memory was looked at, in nanoseconds of the steady clock.
    looked: u64,
}

/// Serves calls until the caller is gone. `socket` is the worker's end of the connection.
pub(crate) fn run(socket: OwnedFd) -> Result<(), String> {
    let mut connection = WorkerConnection::handshake(socket)?;
    loop {
        // That the caller is gone is the usual end of a worker.
        let Ok(header) = connection.wait() else { return Ok(()) };
        let served = if header.kind == Kind::Call { connection.serve() } else { connection.pass_over(&header) };
        if served.is_err() {
            return Ok(());
        }
    }
}

impl WorkerConnection {
    /// Takes the first frame, which says who this worker is.
    fn handshake(socket: OwnedFd) -> Result<Self, String> {
        let gone = |broken: Broken| format!("the first message did not come: {broken:?}");
        let program = PROGRAM.as_ref().map_err(String::clone)?;
        // Read with a page of its own, until the shared one has come.
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
            return Err("the first message was another one than it should be".to_owned());
        }
        let body = first.incoming.body(&header).map_err(gone)?;
        let welcome: Hello = postcard::from_bytes(body).map_err(|error| format!("the first message: {error}"))?;
        if welcome.executable != program.executable {
            return Err("the caller is another program than this one".to_owned());
        }
        let page = first.incoming.descriptor().and_then(|fd| Ok(MappedStatusPage::adopt(fd)?)).map_err(gone)?;
        first.incoming.release(&header);
        let link = first.with_page(Arc::new(page));
        link.page().come_up();
        let outbox = Arc::new(Outbox::new(link.outgoing));
        Ok(Self { incoming: link.incoming, outbox, threads: welcome.threads, head: None, looked: 0 })
    }

    /// The next frame. What is queued goes out before the worker waits.
    pub(crate) fn wait(&mut self) -> Result<Header, Disconnected> {
        loop {
            if let Some(header) = self.incoming.next()? {
                self.outbox.go_on();
                return Ok(header);
            }
            self.outbox.flush()?;
            self.incoming.receive(Blocking::Yes)?;
        }
    }

    /// How many threads this process may use.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.threads).unwrap_or(NonZeroUsize::MIN)
    }

    /// A frame of a call that was refused.
    fn pass_over(&mut self, header: &Header) -> Result<(), Disconnected> {
        self.incoming.release(header);
        if header.kind == Kind::End {
            self.end(String::new())?;
        }
        Ok(())
    }

    /// Says that everything of the call is dropped, and what its destructors complained of.
    pub(crate) fn end(&mut self, complaint: String) -> Result<(), Disconnected> {
        self.head = None;
        self.outbox.push(Header::new(Kind::Ended), complaint.as_bytes());
        self.outbox.flush()
    }

    pub(crate) fn refuse(&mut self, rejected: &CallRejected) -> Result<(), Disconnected> {
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
                // SAFETY: the caller is the same executable, which was seen when it welcomed this worker, and took the place of a
                // function of this type there; at the same place in the same code lies the same function.
                let serve = unsafe { std::mem::transmute::<*const (), Serve>(place) };
                serve(self)
            }
            Err(reason) => self.refuse(&CallRejected::Call(reason)),
        }
    }

    pub(crate) fn decode_shared<V: DeserializeOwned>(&self, shared: &SharedValue) -> Result<V, String> {
        with_blocks(&self.incoming.stock, || match shared {
            SharedValue::Here(bytes) => decode(bytes),
            SharedValue::Block(id) => decode(find(*id).ok_or("its memory did not come")?.bytes()),
        })
    }

    /// Sets this process up as the call wants it.
    fn prepare(&self, head: &CallHead) -> Result<(), String> {
        limit_memory(head.memory).map_err(|error| format!("the memory limit could not be set: {error}"))?;
        let config = head.settings.config(self.threads).map_err(|error| error.to_string())?;
        config::set_parallel_config(config);
        Ok(())
    }

    /// Notes on the page how much memory this process has, now and then.
    pub(crate) fn look_at_memory(&mut self) {
        let now = nanos();
        if now.saturating_sub(self.looked) >= LOOK_NANOS {
            self.looked = now;
            self.incoming.page().set_resident(resident_bytes());
        }
    }
}

/// A limit on the memory of its own that this process may have; `None` lifts it.
fn limit_memory(bytes: Option<u64>) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let hard = getrlimit(Resource::Data).maximum;
    Ok(setrlimit(Resource::Data, Rlimit { current: bytes.or(hard), maximum: hard })?)
}

/// Bytes in memory, the shared ones not counted: from the second and third number of `/proc/self/statm`, in pages.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let own = pages.get(1).copied().unwrap_or(0).saturating_sub(pages.get(2).copied().unwrap_or(0));
    own * rustix::param::page_size() as u64
}
