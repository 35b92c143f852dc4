//! A destructor that panicked in a worker, as a frame: what was dropped as a number, its position, and the text of the
//! panic as the body.
//!
//! Promise: the frame for an item, a value or an error is sent before the answer of that item, so the caller knows it
//! when the item is reported. Only a destructor that takes longer than a second may come too late.

use crate::backend::contract::{DropPanic, Dropped};
use crate::backend::process::wire::frame::{FrameKind, Header, ProtocolError};

/// The header of the frame; its body is the message. `frame` is the number of the frame of items at hand.
pub(crate) fn header(dropped: Dropped, frame: u32) -> Header {
    let (what, position) = match dropped {
        Dropped::Item(position) => (1, position),
        Dropped::Value(position) => (2, position),
        Dropped::Error(position) => (3, position),
        Dropped::State | Dropped::Input | Dropped::Closure => (4, 0),
        Dropped::SharedValue => (5, 0),
    };
    Header { count: what, first: position as u64, extra: frame.into(), ..Header::new(FrameKind::DropPanic) }
}

/// What the frame says.
///
/// # Errors
/// When its number stands for nothing that is dropped.
pub(crate) fn drop_panic(header: &Header, body: &[u8]) -> Result<DropPanic, ProtocolError> {
    let position = usize::try_from(header.first).map_err(|_| ProtocolError)?;
    let dropped = match header.count {
        1 => Dropped::Item(position),
        2 => Dropped::Value(position),
        3 => Dropped::Error(position),
        4 => Dropped::State,
        5 => Dropped::SharedValue,
        _ => return Err(ProtocolError),
    };
    Ok(DropPanic { dropped, message: String::from_utf8_lossy(body).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_read_as_it_was_written() {
        for dropped in
            [Dropped::Item(7), Dropped::Value(0), Dropped::Error(usize::MAX), Dropped::State, Dropped::SharedValue]
        {
            let read = drop_panic(&header(dropped, 3), b"sprung").unwrap();
            assert_eq!(read, DropPanic { dropped, message: "sprung".to_owned() });
        }
        assert_eq!(drop_panic(&Header::new(FrameKind::DropPanic), b""), Err(ProtocolError));
    }
}
