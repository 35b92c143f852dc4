//! The items of a run: all there in a list, or coming one after another and gone again once they are finished.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::sync::{Arc, Mutex};

/// What a run works on, as backends see it.
pub(crate) enum Items<'a, T> {
    /// All of them, by index.
    Slice(&'a [T]),
    /// By position. Those that are neither stocked nor unfinished are not there.
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
            Self::Stream(_) => f.write_str("items that come"),
        }
    }
}

/// Whoever has items that come and go. A trait, so that lists need not be of items that may be sent.
pub(crate) trait ItemLookup<T>: Sync {
    /// Shows the items from this position on that lie side by side, at most so many and at least one.
    fn lend(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T]));
}

/// The items that came and are not finished. They stay in the parts in which they came: a part is dropped when all of it is
/// finished, so that one slow item keeps no others but those of its own part.
///
/// Filled and emptied by the calling thread. Workers look at parts of it: each part stays for as long as it is looked at.
pub(crate) struct ItemBuffer<T> {
    /// By the position of their first item.
    parts: Mutex<BTreeMap<usize, ItemBlock<T>>>,
}

struct ItemBlock<T> {
    items: Arc<Vec<T>>,
    unfinished: usize,
}

impl<T> ItemBuffer<T> {
    pub(crate) fn new() -> Self {
        Self { parts: Mutex::new(BTreeMap::new()) }
    }

    /// Adds items, the first of them at this position, which is where the last ones ended.
    pub(crate) fn add(&self, first: usize, items: Vec<T>) {
        if !items.is_empty() {
            let part = ItemBlock { unfinished: items.len(), items: Arc::new(items) };
            self.parts.lock().insert(first, part);
        }
    }

    /// These positions are finished, and nobody will ask for them. The caller's destructors run without the lock.
    pub(crate) fn finish(&self, positions: Range<usize>) {
        let mut position = positions.start;
        while position < positions.end {
            let mut parts = self.parts.lock();
            let (&first, part) = parts.range_mut(..=position).next_back().expect(STAYS);
            let end = positions.end.min(first + part.items.len());
            part.unfinished -= end - position;
            let finished = if part.unfinished == 0 { parts.remove(&first) } else { None };
            drop(parts);
            drop(finished);
            position = end;
        }
    }

    /// The part that this position lies in, and its place there.
    fn part(&self, position: usize) -> (Arc<Vec<T>>, usize) {
        let parts = self.parts.lock();
        let (first, part) = parts.range(..=position).next_back().expect(STAYS);
        (Arc::clone(&part.items), position - first)
    }
}

const STAYS: &str = "an item that is stocked stays until it is finished";

impl<T: Send + Sync> ItemLookup<T> for ItemBuffer<T> {
    fn lend(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T])) {
        let (items, offset) = self.part(position);
        let len = most.min(items.len() - offset);
        show(&items[offset..][..len]);
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn lent(stock: &ItemBuffer<u32>, position: usize, most: usize) -> Vec<u32> {
        let mut seen = Vec::new();
        stock.lend(position, most, &mut |items| seen.extend_from_slice(items));
        seen
    }

    #[test]
    fn what_is_lent_ends_where_a_part_ends() {
        let stock = ItemBuffer::new();
        stock.add(0, vec![10, 11, 12]);
        stock.add(3, vec![13, 14]);
        assert_eq!(lent(&stock, 0, 2), [10, 11]);
        assert_eq!(lent(&stock, 1, 9), [11, 12]);
        assert_eq!(lent(&stock, 3, 9), [13, 14]);
    }

    #[test]
    fn a_part_is_dropped_when_all_of_it_is_finished() {
        let stock = ItemBuffer::new();
        let item = std::sync::Arc::new(());
        let two = || vec![item.clone(), item.clone()];
        stock.add(0, two());
        stock.add(2, two());
        stock.finish(0..1);
        assert_eq!(std::sync::Arc::strong_count(&item), 5);
        stock.finish(2..4);
        assert_eq!(std::sync::Arc::strong_count(&item), 3, "what is slow keeps its own part alone");
        stock.add(4, two());
        stock.finish(1..2);
        stock.finish(4..5);
        assert_eq!(std::sync::Arc::strong_count(&item), 3);
        stock.finish(5..6);
        assert_eq!(std::sync::Arc::strong_count(&item), 1);
    }
}
