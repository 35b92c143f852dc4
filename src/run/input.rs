//! The input of a job: a slice, or an iterator with the buffer for its unfinished items. `source.rs` reads the iterator.
//!
//! A slice is only borrowed, so the run asks for no bounds of its items; the mode does. A stream is read by one thread
//! and looked up by others, so its items are `Send` and `Sync`.

use std::fmt;

use crate::backend::contract::{DropPanic, Dropped};
use crate::backend::items::ItemLookup;
use crate::panics::log_drop_panic;
use crate::run::drop_panics::DropPanics;
use crate::run::item_buffer::ItemBuffer;
use crate::run::positions::PositionMap;
use crate::run::source::{ItemSource, OwnReader, Source};
use std::sync::Arc;

/// The items of a job.
pub(crate) enum Input<'a, T> {
    /// All items, in memory.
    Slice(&'a [T]),
    /// The items of an iterator.
    Stream(StreamInput<'a, T>),
}

/// An iterator over items, and the buffer that holds each item until it is finished.
///
/// Cost: two allocations per run, for the iterator and the buffer, and one virtual call per item that is read.
pub(crate) struct StreamInput<'a, T> {
    pub(crate) source: SourceOf<'a, T>,
    pub(crate) buffer: Arc<ItemBuffer<T>>,
    /// The same buffer, as workers see it.
    ///
    /// A second handle because the trait object carries the bounds `Send` and `Sync` of `T`, which the run itself does
    /// not have: it also serves slices.
    pub(crate) lookup: Arc<dyn ItemLookup<T> + Send + 'a>,
}

/// The source of a stream, which is closed with it: a reading thread then ends.
pub(crate) struct SourceOf<'a, T>(pub(crate) Arc<dyn ItemSource<T> + Send + Sync + 'a>);

impl<T> Drop for SourceOf<'_, T> {
    fn drop(&mut self) {
        self.0.close_here();
        if self.0.process().is_current()
            && let Err(message) = self.0.drop_iterator()
        {
            log_drop_panic(&message); // of a run that did not come to `drop_caught`
        }
    }
}

impl<T> StreamInput<'_, T> {
    /// Drops the items that are left, and then the iterator. Returns the panics of their destructors. An iterator that is
    /// being called is dropped when it returns, by the thread that reads it.
    pub(crate) fn drop_caught(self, positions: &dyn PositionMap) -> DropPanics {
        let Self { source, buffer, lookup } = self;
        let mut panics = DropPanics::default();
        buffer.clear();
        for panic in buffer.take_drop_panics() {
            panics.note(DropPanic { dropped: panic.dropped.map(|position| positions.index_of(position)), ..panic });
        }
        drop(lookup);
        if let Err(message) = source.0.drop_iterator() {
            panics.note(DropPanic { dropped: Dropped::Input, message });
        }
        panics
    }
}

impl<'a, T> Input<'a, T> {
    /// The items of a slice and no stream, or no items and the stream.
    ///
    /// `run_and_deliver` needs both at once: the slice for the positions, and the stream for the reader, which borrows
    /// it mutably.
    pub(crate) fn split(self) -> (&'a [T], Option<StreamInput<'a, T>>) {
        match self {
            Self::Slice(items) => (items, None),
            Self::Stream(stream) => (&[], Some(stream)),
        }
    }

    /// The items of a slice.
    pub(crate) fn slice(&self) -> Option<&'a [T]> {
        match self {
            Self::Slice(items) => Some(items),
            Self::Stream(_) => None,
        }
    }
}

impl<'a, T: Send + Sync + 'a> Input<'a, T> {
    /// The items of an iterator.
    pub(crate) fn stream(iterator: impl Iterator<Item = T> + Send + 'a) -> Self {
        let buffer = Arc::new(ItemBuffer::new());
        let lookup: Arc<dyn ItemLookup<T> + Send + 'a> = buffer.clone();
        Self::Stream(StreamInput { source: SourceOf(Arc::new(Source::new(iterator))), buffer, lookup })
    }
}

impl<T: 'static> Input<'static, T> {
    /// Reads an iterator in a thread that owns it, so that the run does not wait for it at its end. Keep the reader for as
    /// long as the run takes.
    pub(crate) fn start_own_reader(&self) -> Option<OwnReader<T>> {
        match self {
            Self::Slice(_) => None,
            Self::Stream(stream) => Some(OwnReader::start(&stream.source.0)),
        }
    }
}

impl<T> fmt::Debug for Input<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slice(items) => write!(f, "a slice of {} items", items.len()),
            Self::Stream(_) => f.write_str("a stream of items"),
        }
    }
}
