//! The items of a run, as backends see them: a slice, or a stream whose items arrive and are dropped when they are
//! finished.
//!
//! Reading the input and buffering it are left to `run/`.

use std::fmt;

/// The items of a run.
///
/// A few words, copied for each claim that runs. Workers only read it.
pub(crate) enum Items<'a, T> {
    /// All items, by index.
    Slice(&'a [T]),
    /// Items by position. Only items that have arrived and are not finished can be looked up.
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

/// Lookup of items by position, from any thread. A trait object, so that the items of a slice need not be `Send`.
pub(crate) trait ItemLookup<T>: Sync {
    /// Calls `show` once with adjacent items from this position on: at least one, at most `most`.
    ///
    /// The items are lent for the time of the closure, so that the buffer may drop them afterwards. A caller that needs
    /// `most` items calls again for the rest, from where the lent part ended.
    fn look_up(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T]));
}
