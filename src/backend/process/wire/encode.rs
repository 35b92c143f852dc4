//! Values into the bodies of frames and back, in the format of the call, with the shared memory that they mention.
//!
//! Leaves to `encoding` how a value is written and whether it reads back. A result is read back by the worker that wrote
//! it, so that what its reading does wrong happens there; a long one by the caller, so that its worker needs no memory for
//! a copy of it. An item is read back by the worker that it is sent to, for the
//! same reason: the calling process never runs the `Deserialize` of an item.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::process::wire::attachments::{Attachments, BlockTable, with_attachments, with_blocks};
use crate::backend::process::wire::body::Body;
use crate::encoding::{self, Digest, Format, ReadBack, Shapes, Sink, drop_copy};

impl Sink for Body {
    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.extend(bytes);
    }

    #[inline]
    fn len(&self) -> usize {
        Body::len(self)
    }
}

/// A value of more bytes is not read back by the worker that wrote it: with its bytes and a copy, it would need up to four
/// times the memory of the value.
pub(crate) const LONG: usize = if cfg!(test) { 1 << 10 } else { 64 << 20 };

/// Appends a value to a body, and reads it back where its shape was not seen before. A value of more than `longest` bytes is
/// not read back: gives its digest, with which [`decode_checked`] compares what it reads. Its shape stays new.
///
/// Call it within [`with_attachments`], which notes the shared memory that the value mentions.
///
/// # Errors
/// When the value's serde code fails or panics, or the value does not read back. Then part of it may be in the body.
#[inline]
pub(crate) fn encode_checked<V: Serialize + DeserializeOwned>(
    format: Format,
    value: &V,
    body: &mut Body,
    shapes: &Shapes,
    longest: usize,
) -> Result<Option<Digest>, String> {
    let start = body.len();
    encoding::write(format, value, body, shapes)?;
    if shapes.has_new() { check(format, value, &body.bytes()[start..], shapes, longest) } else { Ok(None) }
}

#[cold]
fn check<V: Serialize + DeserializeOwned>(
    format: Format,
    value: &V,
    bytes: &[u8],
    shapes: &Shapes,
    longest: usize,
) -> Result<Option<Digest>, String> {
    if bytes.len() > longest {
        shapes.take_new();
        return encoding::digest(value).map(Some);
    }
    // The blocks that the value mentions are of this process.
    let checked =
        with_blocks(&BlockTable::default(), || encoding::read_back(format, value, bytes, |copy, _| drop_copy(copy)));
    match &checked {
        Ok(later) => shapes.accept_new(*later),
        Err(_) => drop(shapes.take_new()),
    }
    checked.map(|_| None)
}

/// Puts the value that these bytes are into its place.
///
/// Call it within [`with_blocks`], which finds the shared memory that the value mentions.
///
/// # Errors
/// When the value's serde code fails or panics, or leaves bytes, and when a list claims more elements than there are
/// bytes.
#[inline]
pub(crate) fn decode<V: DeserializeOwned>(format: Format, bytes: &[u8], put: impl FnMut(V)) -> Result<(), String> {
    encoding::read_to(format, bytes, put)
}

/// As [`decode`], into its place, and compares the value with the digest of the one that was written, where that is
/// known. Gives how later values are read back.
///
/// # Errors
/// Those of `decode`, and that the value is another one.
#[inline]
pub(crate) fn decode_checked<V: Serialize + DeserializeOwned>(
    format: Format,
    bytes: &[u8],
    written: Option<Digest>,
    place: &mut Option<V>,
) -> Result<ReadBack, String> {
    let Some(written) = written else {
        return match encoding::read_to(format, bytes, |value| *place = Some(value)) {
            Ok(()) => Ok(ReadBack::OncePerShape),
            Err(reason) => Err(encoding::does_not_read_back(format, &reason)),
        };
    };
    decode_and_compare(format, bytes, written, place)
}

#[cold]
fn decode_and_compare<V: Serialize + DeserializeOwned>(
    format: Format,
    bytes: &[u8],
    written: Digest,
    place: &mut Option<V>,
) -> Result<ReadBack, String> {
    let read = encoding::read_traced(format, bytes, place);
    let asked = read.map_err(|reason| encoding::does_not_read_back(format, &reason))?;
    let value = place.as_ref().expect("it was read");
    let compare = || match encoding::compare_with(format, written, value) {
        Err(_) if !encoding::reads_alike::<V>(format, bytes, drop_copy) => Ok(ReadBack::Always),
        compared => compared.map(|()| asked.read_back(written)),
    };
    with_attachments(&mut Attachments::default(), compare)
}
