//! Frames as bytes, between the calling process and one worker: a header of 32 bytes and a body. Pure: does no I/O.
//!
//! Promises: a stream may be cut at any byte; bytes that are no frame are an error. Both ends are the same program on
//! the same machine, so numbers travel in native byte order.
//!
//! The layout of a header; bytes 2 and 3 are unused:
//!
//! ```text
//! byte   0       1      4 .. 8    8 .. 16    16 .. 24   24 .. 32
//!        kind    slot   count     first      len        extra
//! ```
//!
//! A body of items or results is a sequence of parts, each with its length in the four bytes before it.
//!
//! A frame with the items `7_u32` and `300_u32` at positions 40 and 41, as frame number 5, is 43 bytes long: kind 3,
//! slot 255 (the body follows), count 2, first 40, len 11, extra 5; then `01 00 00 00 07` and `02 00 00 00 ac 02`.

use crate::backend::process::wire::body::Body;
use crate::encoding::Digest;

/// The length of a header.
pub(crate) const HEADER: usize = 32;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// To the worker: a `Hello`. The first frame; comes with the status page.
    Hello = 1,
    /// To the worker: a `CallHead`, which names the function and holds the shared value.
    Call,
    /// To the worker: items.
    Items,
    /// To the worker: the call is over, and what belongs to it is to be dropped.
    End,
    /// To the caller: results of items; with a count of 0, how many were skipped.
    Answers,
    /// To the caller: the call cannot be served.
    Refused,
    /// To the caller: what belonged to the call is dropped.
    Ended,
    /// In both directions: a new slot for large bodies; comes with its memory.
    Slot,
    /// In both directions: a block that later values mention; comes with its memory.
    Block,
    /// To the worker: a block that no later value mentions.
    Forget,
    /// To the caller: a destructor panicked.
    DropPanic,
    /// To the worker: the second frame; comes with the pipe that ends with the caller.
    ExitPipe,
    /// To the caller: each item of the call is to be sent with its digest.
    ReadsAllBack,
}

impl FrameKind {
    /// The kind of this number.
    fn of(byte: u8) -> Option<Self> {
        const ALL: [FrameKind; 13] = [
            FrameKind::Hello,
            FrameKind::Call,
            FrameKind::Items,
            FrameKind::End,
            FrameKind::Answers,
            FrameKind::Refused,
            FrameKind::Ended,
            FrameKind::Slot,
            FrameKind::Block,
            FrameKind::Forget,
            FrameKind::DropPanic,
            FrameKind::ExitPipe,
            FrameKind::ReadsAllBack,
        ];
        ALL.into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// What stands before a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// What the frame is.
    pub(crate) kind: FrameKind,
    /// The slot that the body lies in; `None` when it follows the header.
    pub(crate) slot: Option<u8>,
    /// How many items or answers the body holds.
    pub(crate) count: u32,
    /// The position of the first of them, or the number of a block.
    pub(crate) first: u64,
    /// The length of the body.
    pub(crate) len: u64,
    /// Items: the number of the frame, and how many digests follow the items; DropPanic and ReadsAllBack: the number of
    /// that frame. Answers: nanoseconds at work. Slot and Block: the length of the memory.
    pub(crate) extra: u64,
}

/// Stands for a body that follows its header.
const NO_SLOT: u8 = u8::MAX;

impl Header {
    /// A header without numbers.
    pub(crate) fn new(kind: FrameKind) -> Self {
        Self { kind, slot: None, count: 0, first: 0, len: 0, extra: 0 }
    }

    /// How many bytes of the body follow the header.
    pub(crate) fn inline_len(&self) -> u64 {
        if self.slot.is_some() { 0 } else { self.len }
    }

    /// The header as it is sent.
    pub(crate) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = self.kind as u8;
        bytes[1] = self.slot.unwrap_or(NO_SLOT);
        bytes[4..8].copy_from_slice(&self.count.to_ne_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_ne_bytes());
        bytes[16..24].copy_from_slice(&self.len.to_ne_bytes());
        bytes[24..32].copy_from_slice(&self.extra.to_ne_bytes());
        bytes
    }

    /// The header that these bytes are; `None` when they are none.
    pub(crate) fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        let word = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        Some(Self {
            kind: FrameKind::of(bytes[0])?,
            slot: (bytes[1] != NO_SLOT).then_some(bytes[1]),
            count: u32::from_ne_bytes(bytes[4..8].try_into().expect("4 bytes")),
            first: word(8),
            len: word(16),
            extra: word(24),
        })
    }
}

/// The last word of a frame of items: its number, and how many digests follow the items.
pub(crate) fn items_extra(number: u32, n_digests: u32) -> u64 {
    u64::from(number) | u64::from(n_digests) << 32
}

/// What [`items_extra`] was made of.
pub(crate) fn of_items_extra(extra: u64) -> (u32, usize) {
    ((extra & u64::from(u32::MAX)) as u32, (extra >> 32) as usize)
}

/// The digests of some items of a frame, by their offset in it: 20 bytes each, behind the items.
#[derive(Debug, Default)]
pub(crate) struct Digests(Vec<(u32, Digest)>);

impl Digests {
    const LEN: usize = 20;

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn add(&mut self, offset: usize, digest: Digest) {
        self.0.push((u32::try_from(offset).expect("a frame has at most as many items as bytes"), digest));
    }

    /// Appends them to the body; gives their number.
    pub(crate) fn put(&self, body: &mut Body) -> u32 {
        for (offset, digest) in &self.0 {
            body.extend(&offset.to_ne_bytes());
            body.extend(&digest.value.to_ne_bytes());
            body.extend(&digest.kinds.to_ne_bytes());
        }
        u32::try_from(self.0.len()).expect("there is one per item at most")
    }

    /// Divides a body into its items and that many digests, in the order of the offsets.
    ///
    /// # Errors
    /// When the body is shorter than they are.
    pub(crate) fn split(body: &[u8], n_digests: usize) -> Result<(&[u8], Vec<(usize, Digest)>), ProtocolError> {
        let len = n_digests.checked_mul(Self::LEN).ok_or(ProtocolError)?;
        let (items, digests) = body.split_at(body.len().checked_sub(len).ok_or(ProtocolError)?);
        let mut parts = Parts::of(digests);
        let next = |_| {
            let offset = u32::from_ne_bytes(parts.array()?) as usize;
            Ok((offset, Digest { value: parts.word()?, kinds: parts.word()? }))
        };
        Ok((items, (0..n_digests).map(next).collect::<Result<_, _>>()?))
    }
}

/// Bytes that came over a stream and were not taken yet.
///
/// Whole frames are looked at where they lie, without a copy. The buffer is 64 KiB at first and grows for a longer
/// frame; it is used again, and freed after a frame of more than 4 MiB.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// All of it may be written to; the bytes that came lie in `head..tail`.
    bytes: Vec<u8>,
    head: usize,
    tail: usize,
}

/// The other side sent what is no part of the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProtocolError;

/// At least this many bytes can be read at once.
const READ_SIZE: usize = 64 * 1024;
/// No more bytes are reserved ahead of those that came, whatever a header claims: one of a corrupt process may claim any length.
const MOST_AT_ONCE: usize = 16 * 1024 * 1024;
/// A buffer that grew beyond this many bytes for one frame is freed after it.
const KEPT: usize = 4 * 1024 * 1024;

impl Inbox {
    /// Space to read into; [`Inbox::filled`] says how much of it was used.
    ///
    /// At least 64 KiB, or what the frame at hand still needs. The bytes of a frame of which a part has come are moved
    /// to the front only where there is too little room behind them. So a frame of 10 MiB is read into one buffer,
    /// which is enlarged once its header has come; one of more than 16 MiB, as its bytes come.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.head == self.tail {
            (self.head, self.tail) = (0, 0);
            if self.bytes.len() > KEPT {
                self.bytes = Vec::new();
            }
        }
        let wanted = self.wanted().max(READ_SIZE);
        if self.bytes.len() - self.tail < wanted {
            if self.head > 0 {
                self.bytes.copy_within(self.head..self.tail, 0);
                (self.head, self.tail) = (0, self.tail - self.head);
            }
            let len = self.bytes.len().max(self.tail + wanted);
            self.bytes.resize(len, 0);
        }
        &mut self.bytes[self.tail..]
    }

    /// How many bytes of the current frame are still to come, as far as that is known; at most [`MOST_AT_ONCE`].
    fn wanted(&self) -> usize {
        match self.header() {
            Ok(Some(header)) => {
                let whole = (HEADER as u64).saturating_add(header.inline_len());
                let missing = whole.saturating_sub((self.tail - self.head) as u64);
                usize::try_from(missing).unwrap_or(usize::MAX).min(MOST_AT_ONCE)
            }
            _ => 0,
        }
    }

    /// Says how many bytes of the space were read.
    pub(crate) fn filled(&mut self, n_bytes: usize) {
        self.tail += n_bytes;
    }

    /// The header of the next frame, if all of it has come.
    fn header(&self) -> Result<Option<Header>, ProtocolError> {
        let Some(bytes) = self.bytes[self.head..self.tail].first_chunk::<HEADER>() else { return Ok(None) };
        Header::from_bytes(bytes).map(Some).ok_or(ProtocolError)
    }

    /// The next whole frame; its body is what [`Inbox::body`] gives until [`Inbox::take`].
    ///
    /// `None` while a part of it is missing. A body that lies in a slot is whole as soon as its header is.
    ///
    /// # Errors
    /// When the header's kind is none. Nothing after it can be read, as its length means nothing.
    pub(crate) fn peek(&self) -> Result<Option<Header>, ProtocolError> {
        let Some(header) = self.header()? else { return Ok(None) };
        let came = (self.tail - self.head - HEADER) as u64;
        Ok((came >= header.inline_len()).then_some(header))
    }

    /// The body of the frame that [`Inbox::peek`] found, as far as it follows the header.
    pub(crate) fn body(&self, header: &Header) -> &[u8] {
        let start = self.head + HEADER;
        &self.bytes[start..start + usize::try_from(header.inline_len()).expect("it is in memory")]
    }

    /// Drops the frame that [`Inbox::peek`] found.
    pub(crate) fn take(&mut self, header: &Header) {
        self.head += HEADER + usize::try_from(header.inline_len()).expect("it is in memory");
    }
}

/// Reads a body from its front.
#[derive(Debug)]
pub(crate) struct Parts<'b> {
    /// What is left to read.
    rest: &'b [u8],
}

impl<'b> Parts<'b> {
    /// All of the body is left to read.
    pub(crate) fn of(body: &'b [u8]) -> Self {
        Self { rest: body }
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Result<u8, ProtocolError> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    /// A number of eight bytes.
    pub(crate) fn word(&mut self) -> Result<u64, ProtocolError> {
        Ok(u64::from_ne_bytes(self.array()?))
    }

    /// This many bytes.
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        Ok(self.bytes(N)?.try_into().expect("so many were taken"))
    }

    /// The bytes that [`put_part`] wrote.
    pub(crate) fn part(&mut self) -> Result<&'b [u8], ProtocolError> {
        let len = u32::from_ne_bytes(self.array()?);
        self.bytes(len as usize)
    }

    /// The next bytes.
    ///
    /// # Errors
    /// When the body ends before them.
    fn bytes(&mut self, len: usize) -> Result<&'b [u8], ProtocolError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(ProtocolError)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// A value travels as at most this many bytes, since the first four of a part are its length.
pub(crate) const LONGEST_PART: usize = u32::MAX as usize;

/// Appends what `write` writes, with its length before it.
///
/// # Errors
/// Those of `write`, and that a part is too long. Then the body is as it was.
pub(crate) fn put_part(body: &mut Body, write: impl FnOnce(&mut Body) -> Result<(), String>) -> Result<(), String> {
    let start = body.len();
    body.extend(&[0; 4]);
    let written = write(body).and_then(|()| {
        let len = body.len() - start - 4;
        u32::try_from(len).map_err(|_| {
            format!(
                "it is {len} bytes long, and at most {LONGEST_PART} can travel; put large arrays into a SharedSlice"
            )
        })
    });
    match written {
        Ok(len) => body.patch(start, &len.to_ne_bytes()),
        Err(_) => body.truncate(start),
    }
    written.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: FrameKind, first: u64, body: &[u8]) -> Vec<u8> {
        let header = Header { first, len: body.len() as u64, count: 3, extra: 9, ..Header::new(kind) };
        [&header.to_bytes()[..], body].concat()
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_wherever_the_stream_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cuts in prop::collection::vec(1_usize..200, 1..50),
        ) {
            let stream: Vec<u8> = bodies.iter().zip(0..).flat_map(|(body, n)| frame(FrameKind::Items, n, body)).collect();
            let (mut inbox, mut found, mut rest, mut cuts) = (Inbox::default(), Vec::new(), &stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, left) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                inbox.space()[..piece.len()].copy_from_slice(piece);
                inbox.filled(piece.len());
                rest = left;
                while let Some(header) = inbox.peek().unwrap() {
                    prop_assert_eq!((header.kind, header.first, header.count, header.extra), (FrameKind::Items, found.len() as u64, 3, 9));
                    found.push(inbox.body(&header).to_vec());
                    inbox.take(&header);
                }
            }
            prop_assert_eq!(found, bodies);
        }

        #[test]
        fn parts_come_out_as_they_went_in_and_a_truncated_body_is_an_error(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..10),
            truncated in any::<prop::sample::Index>(),
        ) {
            let mut body = Body::default();
            for part in &parts {
                put_part(&mut body, |body| { body.extend(part); Ok(()) }).unwrap();
            }
            let mut whole = Parts::of(body.bytes());
            for part in &parts {
                prop_assert_eq!(whole.part().unwrap(), &part[..]);
            }
            prop_assert_eq!(whole.part(), Err(ProtocolError));
            let mut truncated = Parts::of(&body.bytes()[..truncated.index(body.len())]);
            prop_assert!(parts.iter().any(|_| truncated.part().is_err()));
        }
    }

    #[test]
    fn bytes_that_are_no_header_are_an_error() {
        let mut inbox = Inbox::default();
        inbox.space()[..HEADER].fill(0xee);
        inbox.filled(HEADER);
        assert_eq!(inbox.peek(), Err(ProtocolError));
    }

    #[test]
    fn a_header_that_claims_more_than_comes_reserves_little() {
        for len in [1 << 30, 1 << 40, u64::MAX] {
            let mut inbox = Inbox::default();
            let header = Header { len, ..Header::new(FrameKind::Answers) };
            inbox.space()[..HEADER].copy_from_slice(&header.to_bytes());
            inbox.filled(HEADER);
            assert_eq!(inbox.peek(), Ok(None));
            assert_eq!(inbox.space().len(), MOST_AT_ONCE);
        }
    }

    #[test]
    fn a_part_that_cannot_be_written_leaves_nothing_behind() {
        let mut body = Body::default();
        body.extend(&[1, 2]);
        let refused = put_part(&mut body, |body| {
            body.push(3);
            Err("no".to_owned())
        });
        assert_eq!((refused, body.bytes()), (Err("no".to_owned()), &[1, 2][..]));
    }
}
