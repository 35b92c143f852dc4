//! One end of the connection between the calling process and one worker: sends and receives frames, large bodies
//! through shared memory.
//!
//! Promises: pushing queues a frame of any size, so the caller never waits for a worker to read; a body above 64 KiB is
//! written into a free slot of shared memory, and travels as bytes only when none is free. Knows no items and no calls.
//!
//! Costs: a body of up to 64 KiB is copied twice into and out of the socket; a longer one is written into shared memory
//! and by the caller copied out of it once, so that it decodes nothing from memory that a worker can still write to: a
//! worker whose memory is corrupt must not corrupt its caller. Each direction has four slots, each as long as the longest body
//! that it had to hold, and an eighth more at most.
//!
//! | number | what it bounds |
//! |---|---|
//! | 64 KiB | longer bodies travel in a slot |
//! | 4 | slots in each direction; a fifth large body on its way goes through the socket |
//! | 1 MiB | a spare buffer, or a send buffer, that is kept; larger ones are freed after use |
//! | 16 MiB | the copy of a body out of a slot, which is kept for the next; a larger one is freed after use |
//! | 8 | descriptors that one read can take |
//!
//! A slot of 1 MiB that gets a body of 3.1 MiB is replaced by one of 3.25 MiB, whose descriptor goes before the frame.
//! The old memory is freed when both sides have dropped their mapping. Slots never shrink.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::backend::process::memory::available;
use crate::backend::process::memory::block::{Block, BlockId};
use crate::backend::process::memory::segment::{Access, Mapping, SegmentFile};
use crate::backend::process::wire::attachments::BlockTable;
use crate::backend::process::wire::body::Body;
use crate::backend::process::wire::frame::{FrameKind, Header, Inbox, ProtocolError};
use crate::backend::process::wire::status_page::{Direction, SLOTS, StatusPage};
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::sync::Arc;

/// A buffer that grew beyond this many bytes is freed after use.
const KEPT: usize = 1024 * 1024;
/// A copy of a body that took more bytes than this is freed after use.
const MOST_COPIED: usize = 16 * 1024 * 1024;
/// Longer bodies, in bytes, travel in a slot: the socket would copy them twice and wake both sides many times.
const LARGE: usize = 64 * 1024;

/// One end of a connection. Its halves are two values, so that two threads can own them.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Sends.
    pub(crate) outgoing: Outgoing,
    /// Receives.
    pub(crate) incoming: Incoming,
}

/// The sending half of one end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    socket: Arc<OwnedFd>,
    page: Arc<MappedStatusPage>,
    direction: Direction,
    /// What was pushed and not sent yet.
    buffer: SendBuffer,
    /// The slots that this end writes to.
    filled: [Option<Arc<Mapping>>; SLOTS],
    /// The length of the last body, taken as a guess for the next one.
    last_len: usize,
    /// A buffer for bodies that go into no slot.
    spare: Vec<u8>,
}

/// The receiving half of one end.
#[derive(Debug)]
pub(crate) struct Incoming {
    socket: Arc<OwnedFd>,
    page: Arc<MappedStatusPage>,
    direction: Direction,
    /// What was received and not taken yet.
    inbox: Inbox,
    /// Descriptors that came before their frame was looked at, oldest first.
    descriptors: VecDeque<OwnedFd>,
    /// The slots that the other end writes to.
    read: [Option<Mapping>; SLOTS],
    /// The body of the current frame, copied out of its slot; with the room that the last ones needed.
    copied: Vec<u8>,
    /// Shared memory that the other end has sent, and that values may mention.
    pub(crate) blocks: BlockTable,
}

/// Bytes that are queued to be sent.
#[derive(Debug, Default)]
struct SendBuffer {
    /// Headers and bodies, one after the other.
    bytes: Vec<u8>,
    /// How many of the bytes are sent.
    sent: usize,
    /// Descriptors, each with the offset of the header that it belongs to.
    descriptors: VecDeque<(usize, OwnedFd)>,
}

/// Why there is no next frame.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The other end is closed, or its process is gone.
    Closed,
    /// The other end sent what is no part of the protocol, or what it sent cannot be received.
    ProtocolError(String),
}

impl From<ProtocolError> for Broken {
    fn from(_: ProtocolError) -> Self {
        Self::ProtocolError("what was received is no frame".to_owned())
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::ProtocolError(error.to_string())
    }
}

/// What a read from the socket brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadResult {
    /// No bytes have come.
    Nothing,
    /// All bytes that have come.
    Some,
    /// The buffer is full; there is probably more.
    AsMuchAsFits,
}

/// Whether a read or write may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocking {
    /// It waits until something can be done.
    Yes,
    /// It returns at once.
    No,
}

impl Connection {
    /// The end of a connection that sends in this direction.
    pub(crate) fn new(socket: OwnedFd, page: Arc<MappedStatusPage>, sends: Direction) -> Self {
        let socket = Arc::new(socket);
        let outgoing = Outgoing {
            socket: Arc::clone(&socket),
            page: Arc::clone(&page),
            direction: sends,
            buffer: SendBuffer::default(),
            filled: Default::default(),
            last_len: 0,
            spare: Vec::new(),
        };
        let incoming = Incoming {
            socket,
            page,
            direction: sends.back(),
            inbox: Inbox::default(),
            descriptors: VecDeque::new(),
            read: Default::default(),
            copied: Vec::new(),
            blocks: BlockTable::default(),
        };
        Self { outgoing, incoming }
    }

    /// The same connection with another status page.
    pub(crate) fn with_page(mut self, page: Arc<MappedStatusPage>) -> Self {
        self.outgoing.page = Arc::clone(&page);
        self.incoming.page = page;
        self
    }

    /// The socket, to wait for.
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.outgoing.socket.as_fd()
    }

    /// The status page that both ends see.
    pub(crate) fn page(&self) -> &StatusPage {
        self.outgoing.page.status()
    }
}

impl Outgoing {
    /// Whether something is queued that is not sent yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.buffer.sent < self.buffer.bytes.len()
    }

    /// A body to write into: in a slot if the last body was large and one is free, otherwise on the heap.
    ///
    /// The slot counts as in use from here on, so each body must come to [`push_body`](Outgoing::push_body) or
    /// [`drop_body`](Outgoing::drop_body); otherwise the slot is lost for the rest of the connection.
    pub(crate) fn begin_body(&mut self) -> Body {
        if self.last_len > LARGE
            && let Some(slot) = self.free_slot(self.last_len)
            && let Some(memory) = &self.filled[usize::from(slot)]
        {
            return Body::in_slot(slot, Arc::clone(memory));
        }
        Body::on_heap(std::mem::take(&mut self.spare))
    }

    /// Gives back the memory of a body that is not sent.
    pub(crate) fn drop_body(&mut self, body: Body) {
        for slot in [body.outgrown, body.slot()].into_iter().flatten() {
            self.page.status().slots(self.direction).give_free(usize::from(slot));
        }
        self.keep_spare(body);
    }

    /// Queues a frame with a body from [`Outgoing::begin_body`].
    pub(crate) fn push_body(&mut self, header: Header, body: Body) {
        self.last_len = body.len();
        if let Some(slot) = body.outgrown {
            self.page.status().slots(self.direction).give_free(usize::from(slot));
        }
        if let Some(slot) = body.slot() {
            self.push_header(Header { slot: Some(slot), len: body.len() as u64, ..header });
        } else {
            self.push(header, body.bytes());
            self.keep_spare(body);
        }
    }

    /// Keeps the buffer of a body for the next one, unless it is shorter than the one kept or too large.
    fn keep_spare(&mut self, body: Body) {
        if let Some(spare) =
            body.into_spare().filter(|spare| (self.spare.capacity()..=KEPT).contains(&spare.capacity()))
        {
            self.spare = spare;
        }
    }

    /// Queues a frame with a copy of `body`.
    pub(crate) fn push(&mut self, header: Header, body: &[u8]) {
        let slot = if body.len() > LARGE { self.fill_slot(body) } else { None };
        self.push_header(Header { slot, len: body.len() as u64, ..header });
        if slot.is_none() {
            self.buffer.bytes.extend(body);
        }
    }

    /// Queues a header, whose body follows or lies in a slot.
    fn push_header(&mut self, header: Header) {
        self.buffer.bytes.extend(header.to_bytes());
    }

    /// Queues a frame with a descriptor.
    pub(crate) fn push_with(&mut self, header: Header, body: &[u8], descriptor: OwnedFd) {
        self.buffer.descriptors.push_back((self.buffer.bytes.len(), descriptor));
        self.buffer.bytes.extend(Header { len: body.len() as u64, ..header }.to_bytes());
        self.buffer.bytes.extend(body);
    }

    /// Queues a block of shared memory that later frames mention.
    ///
    /// # Errors
    /// When this process has no free descriptor; then nothing is queued.
    pub(crate) fn push_block(&mut self, block: &Block) -> io::Result<()> {
        let header =
            Header { first: block.id().to_word(), extra: block.bytes().len() as u64, ..Header::new(FrameKind::Block) };
        self.push_with(header, &[], block.file().as_fd().try_clone_to_owned()?);
        Ok(())
    }

    /// Copies a body into a free slot. `None` when none is free: then it travels as bytes.
    fn fill_slot(&mut self, body: &[u8]) -> Option<u8> {
        let slot = self.free_slot(body.len())?;
        let memory = self.filled[usize::from(slot)].as_ref()?;
        // SAFETY: the memory is at least as long as the body and is no part of it. The other end reads a slot only between
        // the frame that names it and marking it free, and it was free.
        unsafe { std::ptr::copy_nonoverlapping(body.as_ptr(), memory.start().as_ptr(), body.len()) };
        Some(slot)
    }

    /// Takes a free slot of at least this length; creates or replaces one if need be. `None` when all are in use, or
    /// there is no memory for a new one.
    fn free_slot(&mut self, len: usize) -> Option<u8> {
        let page = Arc::clone(&self.page);
        let slots = page.status().slots(self.direction);
        let is_free = |slot: &usize| slots.is_free(*slot);
        let fits = |slot: &usize| self.filled[*slot].as_ref().is_some_and(|memory| memory.len() >= len);
        let slot = (0..SLOTS).find(|slot| is_free(slot) && fits(slot)).or_else(|| (0..SLOTS).find(is_free))?;
        if !fits(&slot) {
            self.replace_slot(slot, len).ok()?;
        }
        slots.take(slot);
        u8::try_from(slot).ok()
    }

    /// Creates the memory of a slot, and queues it for the other end.
    ///
    /// Costs a memfd, its reservation and an `mmap`, and the same `mmap` on the other side; for 64 MiB and more also a
    /// look at how much memory is available.
    fn replace_slot(&mut self, slot: usize, len: usize) -> io::Result<()> {
        available::check(len)?;
        let file = SegmentFile::create("manyhands-slot", slot_len(len))?;
        self.filled[slot] = Some(Arc::new(file.map(Access::ReadWrite)?));
        let header = Header { first: slot as u64, extra: file.len() as u64, ..Header::new(FrameKind::Slot) };
        self.push_with(header, &[], file.into());
        Ok(())
    }

    /// Sends what is queued: all of it, or as much as goes without waiting.
    ///
    /// One system call sends everything up to the next descriptor, as far as the socket has room. A descriptor begins a
    /// system call of its own.
    ///
    /// # Errors
    /// As a rule because the other end is closed or its process gone. No SIGPIPE is raised.
    pub(crate) fn send(&mut self, blocking: Blocking) -> io::Result<()> {
        let wait = if blocking == Blocking::Yes { SendFlags::empty() } else { SendFlags::DONTWAIT };
        let flags = wait | SendFlags::NOSIGNAL;
        while self.is_waiting() {
            match self.buffer.send_some(&self.socket, flags) {
                Ok(()) => {}
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    self.buffer.forget_sent();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.buffer.clear();
        Ok(())
    }
}

impl Incoming {
    /// The status page that both ends see.
    pub(crate) fn page(&self) -> &StatusPage {
        self.page.status()
    }

    /// The status page, to keep.
    pub(crate) fn shared_page(&self) -> Arc<MappedStatusPage> {
        Arc::clone(&self.page)
    }

    /// Reads bytes that have come, and descriptors with them.
    ///
    /// # Errors
    /// `Closed` at the end of the stream; `ProtocolError` for any other failure of the read, and where a descriptor
    /// came for which this process has no room. The latter cannot be repeated, so the connection is over.
    pub(crate) fn receive(&mut self, blocking: Blocking) -> Result<ReadResult, Broken> {
        let wait = if blocking == Blocking::Yes { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        let mut memory = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut memory);
        let (received, space_len) = loop {
            let space = self.inbox.space();
            let len = space.len();
            let mut slices = [IoSliceMut::new(space)];
            match rustix::net::recvmsg(&self.socket, &mut slices, &mut ancillary, wait | RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(ReadResult::Nothing),
                Err(rustix::io::Errno::CONNRESET) => return Err(Broken::Closed),
                Err(error) => return Err(io::Error::from(error).into()),
                Ok(received) => break (received, len),
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if received.flags.contains(ReturnFlags::CTRUNC) {
            return Err(Broken::ProtocolError("a descriptor was lost; are too many files open?".to_owned()));
        }
        if received.bytes == 0 {
            return Err(Broken::Closed);
        }
        self.inbox.filled(received.bytes);
        Ok(if received.bytes == space_len { ReadResult::AsMuchAsFits } else { ReadResult::Some })
    }

    /// The next frame that has come whole, if there is one. Frames about slots and blocks are handled here and not
    /// given.
    ///
    /// The same frame is given again until [`Incoming::release`], so a frame must be released before the next one is
    /// asked for.
    ///
    /// # Errors
    /// When a header is none, a descriptor is missing, or the memory that came cannot be mapped or has another length
    /// than announced.
    pub(crate) fn next(&mut self) -> Result<Option<Header>, Broken> {
        while let Some(header) = self.inbox.peek()? {
            match header.kind {
                FrameKind::Slot => self.adopt_slot(&header)?,
                FrameKind::Block => {
                    let (fd, len) = (self.descriptor()?, as_len(header.extra)?);
                    self.blocks.admit(BlockId::from_word(header.first), fd, len)?;
                }
                FrameKind::Forget => self.blocks.forget(BlockId::from_word(header.first)),
                _ => return Ok(Some(header)),
            }
            self.inbox.take(&header);
        }
        Ok(None)
    }

    /// Maps the memory of a slot that the other end has created.
    fn adopt_slot(&mut self, header: &Header) -> Result<(), Broken> {
        let (fd, len) = (self.descriptor()?, as_len(header.extra)?);
        let slot = as_len(header.first)?;
        let place = self.read.get_mut(slot).ok_or(ProtocolError)?;
        *place = Some(SegmentFile::adopt(fd, len)?.map(Access::Read)?);
        Ok(())
    }

    /// The descriptor that came with the current frame.
    pub(crate) fn descriptor(&mut self) -> Result<OwnedFd, Broken> {
        self.descriptors.pop_front().ok_or_else(|| ProtocolError.into())
    }

    /// The body of the frame that [`Incoming::next`] gave.
    ///
    /// # Errors
    /// Those of [`Incoming::body_and_blocks`].
    pub(crate) fn body(&mut self, header: &Header) -> Result<&[u8], Broken> {
        self.body_and_blocks(header).map(|(body, _)| body)
    }

    /// The body of the frame that [`Incoming::next`] gave, and the shared memory that its values may mention.
    ///
    /// A body in a slot is copied into memory of this process: the other end can write to its slots at any time, and
    /// what was checked must still be the same when it is used. Costs one copy per call, so ask once per frame.
    ///
    /// # Errors
    /// When the slot has no memory here, or the body is longer than it.
    pub(crate) fn body_and_blocks(&mut self, header: &Header) -> Result<(&[u8], &BlockTable), Broken> {
        let Some(slot) = header.slot else { return Ok((self.inbox.body(header), &self.blocks)) };
        let (start, len) = self.in_slot(slot, header)?;
        self.copied.clear();
        if self.copied.capacity() / 4 > len {
            self.copied = Vec::new(); // bodies have become smaller
        }
        self.copied.reserve_exact(len);
        // SAFETY: the mapping has `len` bytes, stays as long as `self.read` holds it, and its file cannot shrink. The
        // copy has room for them. No reference to the slot exists, so the other end may even write to it meanwhile: that
        // changes which bytes are copied, and each is valid.
        unsafe {
            std::ptr::copy_nonoverlapping(start.as_ptr(), self.copied.as_mut_ptr(), len);
            self.copied.set_len(len);
        }
        Ok((&self.copied, &self.blocks))
    }

    /// As [`Incoming::body_and_blocks`], without a copy.
    ///
    /// For a worker alone: its caller does not write to a slot before it is free, and a worker that could not trust its
    /// caller would be of no use. So a large item costs a worker no memory besides what it decodes to.
    ///
    /// # Errors
    /// Those of `body_and_blocks`.
    ///
    /// # Safety
    /// The other end must not write to the slot until [`Incoming::release`].
    pub(crate) unsafe fn body_in_place(&self, header: &Header) -> Result<(&[u8], &BlockTable), Broken> {
        let Some(slot) = header.slot else { return Ok((self.inbox.body(header), &self.blocks)) };
        let (start, len) = self.in_slot(slot, header)?;
        // SAFETY: the bytes are mapped as long as `self.read` holds the mapping, which needs `&mut self` to change, and its
        // file cannot shrink. That they do not change meanwhile is what the caller of this function promises.
        Ok((unsafe { std::slice::from_raw_parts(start.as_ptr(), len) }, &self.blocks))
    }

    /// Where the body of this frame lies in a slot, and its length.
    fn in_slot(&self, slot: u8, header: &Header) -> Result<(NonNull<u8>, usize), Broken> {
        let mapping = self.read.get(usize::from(slot)).and_then(Option::as_ref).ok_or(ProtocolError)?;
        let len = as_len(header.len)?;
        match len <= mapping.len() {
            true => Ok((mapping.start(), len)),
            false => Err(ProtocolError.into()),
        }
    }

    /// Drops the frame that [`Incoming::next`] gave, and marks its slot free.
    pub(crate) fn release(&mut self, header: &Header) {
        self.inbox.take(header);
        if self.copied.capacity() > MOST_COPIED {
            self.copied = Vec::new();
        }
        if let Some(slot) = header.slot.map(usize::from).filter(|&slot| slot < SLOTS) {
            self.page.status().slots(self.direction).give_free(slot);
        }
    }
}

/// The length of a slot for a body of `len` bytes: up to the next eighth of a power of two, so that a body which grows a
/// little still fits, and no slot is longer than its body by more than an eighth.
fn slot_len(len: usize) -> usize {
    let step = (len.next_power_of_two() / 16).max(1);
    len.next_multiple_of(step)
}

/// A number from the other end as a length.
fn as_len(word: u64) -> Result<usize, ProtocolError> {
    usize::try_from(word).map_err(|_| ProtocolError)
}

impl SendBuffer {
    /// Sends from where it stopped to the next descriptor or the end. A descriptor is sent with the first byte of its
    /// header.
    fn send_some(&mut self, socket: &OwnedFd, flags: SendFlags) -> Result<(), rustix::io::Errno> {
        let goes_now = self.descriptors.front().is_some_and(|(place, _)| *place == self.sent);
        let next = self.descriptors.get(usize::from(goes_now)).map_or(self.bytes.len(), |(place, _)| *place);
        let bytes = &self.bytes[self.sent..next];
        if !goes_now {
            self.sent += rustix::net::send(socket, bytes, flags)?;
            return Ok(());
        }
        let descriptor = [self.descriptors[0].1.as_fd()];
        let mut memory = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut memory);
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptor));
        self.sent += rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, flags)?;
        self.descriptors.pop_front();
        Ok(())
    }

    /// Frees the memory of what is sent, where that is much.
    fn forget_sent(&mut self) {
        if self.sent >= KEPT {
            self.bytes.drain(..self.sent);
            self.descriptors.iter_mut().for_each(|(place, _)| *place -= self.sent);
            self.sent = 0;
        }
    }

    /// Empties the buffer, all of which is sent; frees it if it is large.
    fn clear(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::process::wire::status_page::Direction;

    /// Both ends of a connection, in one process: the caller's and the worker's.
    fn both_ends() -> (Connection, Connection) {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        let (page, _fd) = MappedStatusPage::create().unwrap();
        let page = Arc::new(page);
        let caller = Connection::new(ours, Arc::clone(&page), Direction::ToWorker);
        (caller, Connection::new(theirs, page, Direction::ToCaller))
    }

    /// The next frame that has come to this end.
    fn next(end: &mut Incoming) -> Header {
        loop {
            if let Some(header) = end.next().unwrap() {
                return header;
            }
            end.receive(Blocking::Yes).unwrap();
        }
    }

    #[test]
    fn a_sender_that_writes_to_a_slot_afterwards_does_not_change_what_was_received() {
        let (mut caller, mut worker) = both_ends();
        worker.outgoing.push(Header::new(FrameKind::Answers), &vec![b'a'; 1 << 20]);
        worker.outgoing.send(Blocking::Yes).unwrap();
        let header = next(&mut caller.incoming);
        let memory = worker.outgoing.filled.iter().flatten().next().map(Arc::clone).unwrap();
        let body = caller.incoming.body(&header).unwrap();
        // SAFETY: the mapping is writable and longer than one byte; no reference to the slot exists.
        unsafe { memory.start().as_ptr().write_volatile(0xff) };
        assert!(body.iter().all(|&byte| byte == b'a'));
        caller.incoming.release(&header);
    }

    #[test]
    fn a_slot_is_longer_than_its_body_by_an_eighth_at_most() {
        for len in (LARGE + 1..(1 << 27)).step_by(65_521).chain([1 << 20, (1 << 20) + 1, (1 << 23) + 1]) {
            let slot = slot_len(len);
            assert!((len..=len + len / 8).contains(&slot), "{slot} for {len}");
        }
        let (mut caller, mut worker) = both_ends();
        for len in [(1 << 20) + 1, 3 << 20, (8 << 20) + 1] {
            worker.outgoing.push(Header::new(FrameKind::Answers), &vec![1; len]);
            worker.outgoing.send(Blocking::Yes).unwrap();
            let header = next(&mut caller.incoming);
            assert_eq!(caller.incoming.body(&header).unwrap().len(), len);
            let longest = caller.incoming.read.iter().flatten().map(Mapping::len).max().unwrap();
            assert!(longest <= len + len / 4, "{longest} bytes for a body of {len}");
            caller.incoming.release(&header);
        }
    }
}
