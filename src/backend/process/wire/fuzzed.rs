//! Any bytes on a connection, for the fuzz target `frames`: read as a worker and its caller read them.
//!
//! Promises: what is no frame, or no body of its kind, is an error; a part that cannot be decoded fails alone, as the parts
//! after it are read all the same. Leaves out what the supervisor compares with the frames in flight.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use serde::{Deserialize, Serialize};

use crate::backend::process::memory::SharedSlice;
use crate::backend::process::memory::block::Block;
use crate::backend::process::memory::segment::SegmentFile;
use crate::backend::process::wire::answers::{Answers, Failed, next_timing, skipped, take_answer};
use crate::backend::process::wire::attachments::with_blocks;
use crate::backend::process::wire::call::{CallHead, Hello, SharedValue};
use crate::backend::process::wire::connection::{Blocking, Broken, Connection, Incoming};
use crate::backend::process::wire::drop_panic::{self, drop_panic};
use crate::backend::process::wire::encode::decode_checked;
use crate::backend::process::wire::frame::{Digests, FrameKind, HEADER, Header, Parts, ProtocolError, of_items_extra};
use crate::backend::process::wire::refusal::CallRejected;
use crate::backend::process::wire::status_page::Direction;
use crate::backend::process::wire::status_page_mapping::MappedStatusPage;
use crate::encoding::Format;
use crate::failure::Cause;
use crate::sync::Arc;

/// An item and a value, with something of each kind that serde knows. It does not nest without end: how deep a value may
/// go is up to the program's own type.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Sample {
    Nothing,
    Number(i64),
    Numbers(Vec<u16>, Option<f32>),
    Names(BTreeMap<String, (bool, char)>),
    Named { text: String, wide: u128, bytes: [u8; 3] },
    Shared(SharedSlice<f64>),
}

/// What the first byte says about the call that the frames belong to.
struct Setting {
    format: Format,
    traces: bool,
    has_slot: bool,
    has_block: bool,
}

impl Setting {
    fn of(byte: u8) -> Self {
        let format = if byte & 1 == 0 { Format::Compact } else { Format::SelfDescribing };
        Self { format, traces: byte & 2 != 0, has_slot: byte & 4 != 0, has_block: byte & 8 != 0 }
    }
}

/// Reads the bytes after the first as frames; the first says which format they have, and what is sent before them.
///
/// # Panics
/// Where a reader breaks what it promises, and where the system has no sockets and no memory.
pub fn read_frames(bytes: &[u8]) {
    let Some((first, frames)) = bytes.split_first() else { return };
    let setting = Setting::of(*first);
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).expect("sockets");
    let (page, _file) = MappedStatusPage::create().expect("a page");
    let page = Arc::new(page);
    let mut sender = Connection::new(theirs, Arc::clone(&page), Direction::ToCaller);
    let mut incoming = Connection::new(ours, page, Direction::ToWorker).incoming;
    send_memory(&mut sender, &setting);
    // In pieces, so that a frame is cut at other places than its own; the socket has room for each.
    for piece in frames.chunks(1 + usize::from(*first) * 31) {
        send(sender.socket(), piece, SendFlags::NOSIGNAL).expect("room for a piece");
        if take(&mut incoming, &setting).is_err() {
            return;
        }
    }
}

/// A slot of one page, and a block of three numbers.
fn send_memory(sender: &mut Connection, setting: &Setting) {
    if setting.has_slot {
        let slot: OwnedFd = SegmentFile::create("manyhands-slot", 4096).expect("memory").into();
        sender.outgoing.push_with(Header { extra: 4096, ..Header::new(FrameKind::Slot) }, &[], slot);
    }
    if setting.has_block {
        let block = Block::copy_of(&[0; 24]).expect("memory");
        sender.outgoing.push_block(&block).expect("a descriptor");
    }
    sender.outgoing.send(Blocking::Yes).expect("room for two headers");
}

/// Takes the frames that have come whole.
fn take(incoming: &mut Incoming, setting: &Setting) -> Result<(), Broken> {
    incoming.receive(Blocking::No)?;
    while let Some(header) = incoming.next()? {
        assert_eq!(Header::from_bytes(&header.to_bytes()), Some(header), "{HEADER} bytes hold all of a header");
        let (body, blocks) = incoming.body_and_blocks(&header)?;
        assert_eq!(body.len() as u64, header.len);
        with_blocks(blocks, || read(&header, body, setting))?;
        incoming.release(&header);
        incoming.blocks.clear();
    }
    Ok(())
}

fn read(header: &Header, body: &[u8], setting: &Setting) -> Result<(), ProtocolError> {
    let no_message = |_| ProtocolError;
    match header.kind {
        FrameKind::Hello => {
            postcard::from_bytes::<Hello>(body).map_err(no_message)?;
        }
        FrameKind::Call => read_call(&postcard::from_bytes(body).map_err(no_message)?),
        FrameKind::Items => read_items(header, body, setting.format)?,
        FrameKind::Answers if header.count == 0 => drop(skipped(&mut Parts::of(body))?),
        FrameKind::Answers => read_answers(header, body, setting)?,
        FrameKind::DropPanic => {
            let panic = drop_panic(header, body)?;
            let again = drop_panic::header(panic.dropped, 0);
            assert_eq!(drop_panic(&again, panic.message.as_bytes()), Ok(panic));
        }
        FrameKind::Refused => drop(postcard::from_bytes::<CallRejected>(body).map_err(no_message)?),
        _ => {}
    }
    Ok(())
}

/// A head names functions and holds a value; a place that is found is where a function or a constant of this program begins.
fn read_call(head: &CallHead) {
    for name in [Some(&head.function), Some(&head.item_function), head.init.as_ref()].into_iter().flatten() {
        assert!(name.place().is_err() || name.place_of_constant(1).is_err(), "a function is no constant");
    }
    drop(head.settings.config(1));
    if let SharedValue::Here(bytes) = &head.shared {
        drop(decode_checked::<Sample>(head.format, bytes, Some(head.shared_digest), &mut None));
    }
}

fn read_items(header: &Header, body: &[u8], format: Format) -> Result<(), ProtocolError> {
    let (items, digests) = Digests::split(body, of_items_extra(header.extra).1)?;
    let (mut parts, mut digests) = (Parts::of(items), digests.into_iter().peekable());
    for offset in 0..header.count as usize {
        let part = parts.part()?;
        let digest = digests.next_if(|(of, _)| *of == offset).map(|(_, digest)| digest);
        drop(decode_checked::<Sample>(format, part, digest, &mut None));
    }
    Ok(())
}

/// Values that could be read are written again, and must then read back.
fn read_answers(header: &Header, body: &[u8], setting: &Setting) -> Result<(), ProtocolError> {
    let mut parts = Parts::of(body);
    for _ in 0..header.count {
        match next_answer(setting.format, &mut parts)? {
            Ok(Sample::Shared(_)) => {} // its memory would have to be sent again
            Ok(value) => write_again(setting.format, &value),
            Err((elapsed, cause)) => {
                let mut answers = Answers::default();
                answers.begin_call(setting.format);
                answers.put_failure(elapsed, &cause);
                let again = next_answer(setting.format, &mut Parts::of(answers.body.bytes()));
                assert_eq!(again, Ok(Err((elapsed, cause))));
            }
        }
        if setting.traces {
            drop(next_timing(&mut parts)?);
        }
    }
    Ok(())
}

fn next_answer(format: Format, parts: &mut Parts<'_>) -> Result<Result<Sample, Failed<String>>, ProtocolError> {
    let mut value = None;
    let failed = take_answer(format, parts, |read| value = Some(read))?;
    Ok(value.ok_or_else(|| failed.expect("there is the one or the other")))
}

fn write_again(format: Format, value: &Sample) {
    let mut answers = Answers::default();
    answers.begin_call(format);
    answers.put_value(value);
    let mut parts = Parts::of(answers.body.bytes());
    match next_answer(format, &mut parts).expect("it was written as an answer") {
        Ok(again) => assert!(again == *value || has_nan(value), "{again:?} instead of {value:?}"),
        Err((_, Cause::Encoding(reason))) => panic!("{value:?} does not read back: {reason}"),
        failed => panic!("{failed:?} instead of {value:?}"),
    }
}

fn has_nan(value: &Sample) -> bool {
    matches!(value, Sample::Numbers(_, Some(number)) if number.is_nan())
}
