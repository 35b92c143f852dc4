//! Where the items of a job come from: a slice, or an iterator that the run asks for more as it goes on.

use std::fmt;

use crate::backend::items::ItemLookup;
use crate::run::item_buffer::ItemBuffer;
use std::sync::Arc;

/// The items of a job.
pub(crate) enum Input<'a, T> {
    /// All items, in memory.
    Slice(&'a [T]),
    /// Items that come one after another.
    Stream(StreamInput<'a, T>),
}

/// An iterator over items, and the buffer where they stay until they are finished.
pub(crate) struct StreamInput<'a, T> {
    pub(crate) iterator: Box<dyn Iterator<Item = T> + Send + 'a>,
    pub(crate) buffer: Arc<ItemBuffer<T>>,
    /// The same buffer, as workers see it.
    pub(crate) lookup: Arc<dyn ItemLookup<T> + Send + 'a>,
}

impl<'a, T> Input<'a, T> {
    /// The items of a slice, or the stream and no items.
    pub(crate) fn split(self) -> (&'a [T], Option<StreamInput<'a, T>>) {
        match self {
            Self::Slice(items) => (items, None),
            Self::Stream(stream) => (&[], Some(stream)),
        }
    }

    /// The items, where they are a slice.
    pub(crate) fn slice(&self) -> Option<&'a [T]> {
        match self {
            Self::Slice(items) => Some(items),
            Self::Stream(_) => None,
        }
    }
}

impl<'a, T: Send + Sync + 'a> Input<'a, T> {
    /// The items that an iterator gives.
    pub(crate) fn stream(iterator: impl Iterator<Item = T> + Send + 'a) -> Self {
        let buffer = Arc::new(ItemBuffer::new());
        let lookup: Arc<dyn ItemLookup<T> + Send + 'a> = buffer.clone();
        Self::Stream(StreamInput { iterator: Box::new(iterator), buffer, lookup })
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
