//! The items of a run, as backends see them: a slice, or a stream whose items come and go.

use std::fmt;

/// What a run works on.
pub(crate) enum Items<'a, T> {
    /// All items, by index.
    Slice(&'a [T]),
    /// Items by position. Only those that have come and are not finished can be looked up.
    Stream(&'a dyn ItemLookup<T>),
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slice(items) => write!(f, "{} items", items.len()),
            Self::Stream(_) => f.write_str("a stream of items"),
        }
    }
}

/// Items that can be looked up by their position, from any thread. A trait, so that the items of a slice need not be `Send`.
pub(crate) trait ItemLookup<T>: Sync {
    /// Calls `show` with the items from this position on that lie side by side: at most so many, and at least one.
    fn look_up(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T]));
}
