//! One end of the connection between the calling process and one worker: frames out, frames in, large bodies in slots.
//!
//! Promises: what is pushed is queued, whatever its size, so that the caller never waits for a worker to read; a large body
//! takes a slot that is free, and travels as bytes when none is. Knows no items and no calls.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::backend::process::memory::available;
use crate::backend::process::memory::block::{Block, BlockId};
use crate::backend::process::memory::segment::{Access, Mapping, SegmentFile};
use crate::backend::process::wire::attachments::BlockTable;
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::frame::{Header, Inbox, Kind, ProtocolError};
use crate::backend::process::wire::status_page::{Direction, SLOTS, StatusPage};
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::sync::Arc;

/// Memory for bodies that grew beyond this is given back.
const KEPT: usize = 1024 * 1024;
/// Longer bodies travel in a slot: the socket would copy them twice and wake both sides many times.
const LARGE: usize = 64 * 1024;

/// One end of a connection. Its two halves are apart, so that they can be in two hands.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) outgoing: Outgoing,
    pub(crate) incoming: Incoming,
}

/// What goes out of one end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    socket: Arc<OwnedFd>,
    page: Arc<MappedStatusPage>,
    way: Direction,
    outbox: Outbox,
    /// Slots that this end fills.
    filled: [Option<Arc<Mapping>>; SLOTS],
    /// The length of the last body that was written here, from which the next one's is guessed.
    last_len: usize,
    /// Memory for bodies that go into no slot.
    spare: Vec<u8>,
}

/// What comes in at one end.
#[derive(Debug)]
pub(crate) struct Incoming {
    socket: Arc<OwnedFd>,
    page: Arc<MappedStatusPage>,
    way: Direction,
    inbox: Inbox,
    /// Descriptors that came and whose frame was not looked at yet.
    descriptors: VecDeque<OwnedFd>,
    /// Slots that the other end fills.
    read: [Option<Mapping>; SLOTS],
    /// Memory that came from the other end, and that values may mention.
    pub(crate) stock: BlockTable,
}

/// What is queued to go out.
#[derive(Debug, Default)]
struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    /// Descriptors, each with the place of the header that it goes with.
    descriptors: VecDeque<(usize, OwnedFd)>,
}

/// Why there is no next frame.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The other end is closed, or its process is gone.
    Closed,
    /// The other end sent what it never sends, or what it sent cannot be taken.
    ProtocolError(String),
}

impl From<ProtocolError> for Broken {
    fn from(_: ProtocolError) -> Self {
        Self::ProtocolError("what came is no frame".to_owned())
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::ProtocolError(error.to_string())
    }
}

/// What a look at the socket brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadResult {
    Nothing,
    Some,
    /// There is probably more.
    AsMuchAsFits,
}

/// Whether to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocking {
    /// Until something can be done.
    Yes,
    /// Not at all.
    No,
}

impl Connection {
    /// The end of a connection that sends this way.
    pub(crate) fn new(socket: OwnedFd, page: Arc<MappedStatusPage>, sends: Direction) -> Self {
        let socket = Arc::new(socket);
        let outgoing = Outgoing {
            socket: Arc::clone(&socket),
            page: Arc::clone(&page),
            way: sends,
            outbox: Outbox::default(),
            filled: Default::default(),
            last_len: 0,
            spare: Vec::new(),
        };
        let incoming = Incoming {
            socket,
            page,
            way: sends.back(),
            inbox: Inbox::default(),
            descriptors: VecDeque::new(),
            read: Default::default(),
            stock: BlockTable::default(),
        };
        Self { outgoing, incoming }
    }

    /// The same connection with another page.
    pub(crate) fn with_page(mut self, page: Arc<MappedStatusPage>) -> Self {
        self.outgoing.page = Arc::clone(&page);
        self.incoming.page = page;
        self
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.outgoing.socket.as_fd()
    }

    pub(crate) fn page(&self) -> &StatusPage {
        self.outgoing.page.status()
    }
}

impl Outgoing {
    /// How many bytes wait to go out.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.bytes.len() - self.outbox.sent
    }

    /// Whether something waits to go out.
    pub(crate) fn is_waiting(&self) -> bool {
        self.queued() > 0
    }

    /// A body to write into: where the last one would have fitted.
    pub(crate) fn begin_body(&mut self) -> Body {
        if self.last_len > LARGE
            && let Some(slot) = self.free_slot(self.last_len)
            && let Some(memory) = &self.filled[usize::from(slot)]
        {
            return Body::in_slot(slot, Arc::clone(memory));
        }
        Body::on_heap(std::mem::take(&mut self.spare))
    }

    /// A body that was begun and is not sent.
    pub(crate) fn drop_body(&mut self, body: Body) {
        for slot in [body.outgrown, body.slot()].into_iter().flatten() {
            self.page.status().slots(self.way).give_free(usize::from(slot));
        }
        self.keep_spare(body);
    }

    /// Queues a frame with a body that was written here.
    pub(crate) fn push_body(&mut self, header: Header, body: Body) {
        self.last_len = body.len();
        if let Some(slot) = body.outgrown {
            self.page.status().slots(self.way).give_free(usize::from(slot));
        }
        if let Some(slot) = body.slot() {
            self.push_header(Header { slot: Some(slot), len: body.len() as u64, ..header });
        } else {
            self.push(header, body.bytes());
            self.keep_spare(body);
        }
    }

    fn keep_spare(&mut self, body: Body) {
        if let Some(spare) =
            body.into_spare().filter(|spare| (self.spare.capacity()..=KEPT).contains(&spare.capacity()))
        {
            self.spare = spare;
        }
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, header: Header, body: &[u8]) {
        let slot = if body.len() > LARGE { self.fill_slot(body) } else { None };
        self.push_header(Header { slot, len: body.len() as u64, ..header });
        if slot.is_none() {
            self.outbox.bytes.extend(body);
        }
    }

    fn push_header(&mut self, header: Header) {
        self.outbox.bytes.extend(header.to_bytes());
    }

    /// Queues a frame that a descriptor goes with.
    pub(crate) fn push_with(&mut self, header: Header, body: &[u8], descriptor: OwnedFd) {
        self.outbox.descriptors.push_back((self.outbox.bytes.len(), descriptor));
        self.outbox.bytes.extend(Header { len: body.len() as u64, ..header }.to_bytes());
        self.outbox.bytes.extend(body);
    }

    /// Queues memory that what is pushed after it mentions.
    pub(crate) fn push_block(&mut self, block: &Block) -> io::Result<()> {
        let header =
            Header { first: block.id().to_word(), extra: block.bytes().len() as u64, ..Header::new(Kind::Block) };
        self.push_with(header, &[], block.file().as_fd().try_clone_to_owned()?);
        Ok(())
    }

    /// Copies a body into a free slot. `None` when none can be had: then it travels as bytes.
    fn fill_slot(&mut self, body: &[u8]) -> Option<u8> {
        let slot = self.free_slot(body.len())?;
        let memory = self.filled[usize::from(slot)].as_ref()?;
        // SAFETY: the memory is at least as long as the body and is no part of it. The other end reads a slot only between the
        // frame that tells of it and giving it free, and it was free.
        unsafe { std::ptr::copy_nonoverlapping(body.as_ptr(), memory.start().as_ptr(), body.len()) };
        Some(slot)
    }

    /// Takes a free slot of at least this length, which is made or replaced when there is none. `None` when all are in use, or
    /// memory cannot be had.
    fn free_slot(&mut self, len: usize) -> Option<u8> {
        let page = Arc::clone(&self.page);
        let slots = page.status().slots(self.way);
        let is_free = |slot: &usize| slots.is_free(*slot);
        let fits = |slot: &usize| self.filled[*slot].as_ref().is_some_and(|memory| memory.len() >= len);
        let slot = (0..SLOTS).find(|slot| is_free(slot) && fits(slot)).or_else(|| (0..SLOTS).find(is_free))?;
        if !fits(&slot) {
            self.replace_slot(slot, len).ok()?;
        }
        slots.take(slot);
        u8::try_from(slot).ok()
    }

    fn replace_slot(&mut self, slot: usize, len: usize) -> io::Result<()> {
        available::check(len)?;
        let file = SegmentFile::create("manyhands-slot", len.next_power_of_two())?;
        self.filled[slot] = Some(Arc::new(file.map(Access::ReadWrite)?));
        let header = Header { first: slot as u64, extra: file.len() as u64, ..Header::new(Kind::Slot) };
        self.push_with(header, &[], file.into());
        Ok(())
    }

    /// Sends what is queued, as much as goes or all of it.
    pub(crate) fn send(&mut self, patience: Blocking) -> io::Result<()> {
        let wait = if patience == Blocking::Yes { SendFlags::empty() } else { SendFlags::DONTWAIT };
        let flags = wait | SendFlags::NOSIGNAL;
        while self.is_waiting() {
            match self.outbox.send_some(&self.socket, flags) {
                Ok(()) => {}
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    self.outbox.forget_sent();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.outbox.clear();
        Ok(())
    }
}

impl Incoming {
    pub(crate) fn page(&self) -> &StatusPage {
        self.page.status()
    }

    pub(crate) fn shared_page(&self) -> Arc<MappedStatusPage> {
        Arc::clone(&self.page)
    }

    /// Takes what has come into the inbox.
    pub(crate) fn receive(&mut self, patience: Blocking) -> Result<ReadResult, Broken> {
        let wait = if patience == Blocking::Yes { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let (came, room) = loop {
            let room = self.inbox.room();
            let len = room.len();
            let mut room = [IoSliceMut::new(room)];
            match rustix::net::recvmsg(&self.socket, &mut room, &mut ancillary, wait | RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(ReadResult::Nothing),
                Err(rustix::io::Errno::CONNRESET) => return Err(Broken::Closed),
                Err(error) => return Err(io::Error::from(error).into()),
                Ok(came) => break (came, len),
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if came.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Broken::ProtocolError("a descriptor got lost; are there too many open files?".to_owned()));
        }
        if came.bytes == 0 {
            return Err(Broken::Closed);
        }
        self.inbox.came(came.bytes);
        Ok(if came.bytes == room { ReadResult::AsMuchAsFits } else { ReadResult::Some })
    }

    /// The next frame that has come whole, if there is one. What concerns the connection itself is seen to here.
    pub(crate) fn next(&mut self) -> Result<Option<Header>, Broken> {
        while let Some(header) = self.inbox.peek()? {
            match header.kind {
                Kind::Slot => self.adopt_slot(&header)?,
                Kind::Block => {
                    let (fd, len) = (self.descriptor()?, as_len(header.extra)?);
                    self.stock.admit(BlockId::from_word(header.first), fd, len)?;
                }
                Kind::Forget => self.stock.forget(BlockId::from_word(header.first)),
                _ => return Ok(Some(header)),
            }
            self.inbox.take(&header);
        }
        Ok(None)
    }

    fn adopt_slot(&mut self, header: &Header) -> Result<(), Broken> {
        let (fd, len) = (self.descriptor()?, as_len(header.extra)?);
        let slot = as_len(header.first)?;
        let place = self.read.get_mut(slot).ok_or(ProtocolError)?;
        *place = Some(SegmentFile::adopt(fd, len)?.map(Access::Read)?);
        Ok(())
    }

    /// The descriptor that came with the frame at hand.
    pub(crate) fn descriptor(&mut self) -> Result<OwnedFd, Broken> {
        self.descriptors.pop_front().ok_or_else(|| ProtocolError.into())
    }

    /// The body of the frame that [`Connection::next`] found.
    pub(crate) fn body(&self, header: &Header) -> Result<&[u8], Broken> {
        let Some(slot) = header.slot else { return Ok(self.inbox.body(header)) };
        let mapping = self.read.get(usize::from(slot)).and_then(Option::as_ref).ok_or(ProtocolError)?;
        let len = as_len(header.len)?;
        if len > mapping.len() {
            return Err(ProtocolError.into());
        }
        // SAFETY: the bytes are mapped as long as `self.read` holds the mapping, which needs `&mut self` to change, and its file
        // cannot shrink. The other end does not write to the slot before `release` gives it free.
        Ok(unsafe { std::slice::from_raw_parts(mapping.start().as_ptr(), len) })
    }

    /// Done with the frame that [`Connection::next`] found.
    pub(crate) fn release(&mut self, header: &Header) {
        self.inbox.take(header);
        if let Some(slot) = header.slot.map(usize::from).filter(|&slot| slot < SLOTS) {
            self.page.status().slots(self.way).give_free(slot);
        }
    }
}

fn as_len(word: u64) -> Result<usize, ProtocolError> {
    usize::try_from(word).map_err(|_| ProtocolError)
}

impl Outbox {
    /// Sends from where it stopped to the next descriptor or the end; a descriptor goes with the first byte of its header.
    fn send_some(&mut self, socket: &OwnedFd, flags: SendFlags) -> Result<(), rustix::io::Errno> {
        let goes_now = self.descriptors.front().is_some_and(|(place, _)| *place == self.sent);
        let next = self.descriptors.get(usize::from(goes_now)).map_or(self.bytes.len(), |(place, _)| *place);
        let bytes = &self.bytes[self.sent..next];
        if !goes_now {
            self.sent += rustix::net::send(socket, bytes, flags)?;
            return Ok(());
        }
        let descriptor = [self.descriptors[0].1.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptor));
        self.sent += rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, flags)?;
        self.descriptors.pop_front();
        Ok(())
    }

    /// Gives up the memory of what is sent, where that is much.
    fn forget_sent(&mut self) {
        if self.sent >= KEPT {
            self.bytes.drain(..self.sent);
            self.descriptors.iter_mut().for_each(|(place, _)| *place -= self.sent);
            self.sent = 0;
        }
    }

    /// All of it is sent. A buffer that grew for something large is given back.
    fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.sent = 0;
    }
}
