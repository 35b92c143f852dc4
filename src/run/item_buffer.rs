//! The items of a stream that were read and are not finished.
//!
//! The input reader adds items and removes finished ones, in the calling thread. Workers look items up at the same
//! time.
//!
//! Blocks and not single items: a claim of adjacent items is then one look-up and one reference count, not one per
//! item. A block has the items of one turn of reading, at most 4096.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::backend::contract::{DropPanic, Dropped};
use crate::backend::items::ItemLookup;
use crate::panics::drop_each;
use crate::sync::{Arc, Mutex};

/// The unfinished items of a stream, in the blocks in which they were read.
///
/// A block is dropped when all of its items are finished, so a slow item keeps only its own block alive. A worker holds
/// a block while it runs items of it. The lock is held for a search in the map, never while an item runs or is dropped.
///
/// Invariant: blocks are adjacent in position where none was dropped, so the block of a position is the last one that
/// begins at or before it.
pub(crate) struct ItemBuffer<T> {
    /// Blocks by the position of their first item.
    blocks: Mutex<BTreeMap<usize, Block<T>>>,
    /// Destructors of items that panicked and are not taken yet.
    drop_panics: Arc<Mutex<Vec<DropPanic>>>,
}

struct Block<T> {
    items: Arc<BlockItems<T>>,
    /// Counts down to 0; which items they are is not stored.
    unfinished: usize,
}

/// The items of a block. Dropped one by one, so that a destructor that panics keeps no other from running and unwinds
/// through no part of the run.
struct BlockItems<T> {
    first: usize,
    items: Vec<T>,
    drop_panics: Arc<Mutex<Vec<DropPanic>>>,
}

impl<T> Drop for BlockItems<T> {
    fn drop(&mut self) {
        drop_each(std::mem::take(&mut self.items), |offset, message| {
            let dropped = Dropped::Item(self.first + offset);
            self.drop_panics.lock().push(DropPanic { dropped, message });
        });
    }
}

impl<T> ItemBuffer<T> {
    pub(crate) fn new() -> Self {
        Self { blocks: Mutex::new(BTreeMap::new()), drop_panics: Arc::default() }
    }

    /// Adds items. The first gets this position, which is the end of the last block.
    ///
    /// Called at the end of a turn. An empty turn takes no lock.
    pub(crate) fn add(&self, first: usize, items: Vec<T>) {
        if !items.is_empty() {
            let unfinished = items.len();
            let items = BlockItems { first, items, drop_panics: Arc::clone(&self.drop_panics) };
            self.blocks.lock().insert(first, Block { items: Arc::new(items), unfinished });
        }
    }

    /// Marks positions as finished: no worker looks them up any more. Destructors of items run without the lock.
    ///
    /// Each position is finished once, after its worker has reported it. A range may span blocks: each takes the lock
    /// once. The last owner of a block drops its items; a worker that still holds one drops them in its own thread.
    ///
    /// A panic of an item's destructor is kept for [`take_drop_panics`](Self::take_drop_panics).
    ///
    /// # Panics
    /// If a position is not in the buffer.
    pub(crate) fn finish(&self, positions: Range<usize>) {
        let mut position = positions.start;
        while position < positions.end {
            let mut blocks = self.blocks.lock();
            let (&first, block) = blocks.range_mut(..=position).next_back().expect(IS_BUFFERED);
            let end = positions.end.min(first + block.items.items.len());
            block.unfinished -= end - position;
            let finished = if block.unfinished == 0 { blocks.remove(&first) } else { None };
            drop(blocks);
            drop(finished);
            position = end;
        }
    }

    /// Drops all items that are left. Called when no worker is there any more.
    pub(crate) fn clear(&self) {
        let blocks = std::mem::take(&mut *self.blocks.lock());
        drop(blocks);
    }

    /// The position of the oldest item that is in the buffer; `None` where it is empty.
    pub(crate) fn first_position(&self) -> Option<usize> {
        self.blocks.lock().first_key_value().map(|(&first, _)| first)
    }

    /// The destructors of items that panicked since the last call, by position.
    pub(crate) fn take_drop_panics(&self) -> Vec<DropPanic> {
        std::mem::take(&mut self.drop_panics.lock())
    }

    /// The block of this position, and the item's offset in it.
    ///
    /// Called by workers, concurrently with `add` and `finish`. Cost: the lock, a search in a map of blocks, and one
    /// reference count.
    fn block(&self, position: usize) -> (Arc<BlockItems<T>>, usize) {
        let blocks = self.blocks.lock();
        let (first, block) = blocks.range(..=position).next_back().expect(IS_BUFFERED);
        (Arc::clone(&block.items), position - first)
    }
}

const IS_BUFFERED: &str = "an item is in the buffer until it is finished";

impl<T: Send + Sync> ItemLookup<T> for ItemBuffer<T> {
    fn look_up(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T])) {
        let (block, offset) = self.block(position);
        let items = &block.items;
        let len = most.min(items.len() - offset);
        show(&items[offset..][..len]);
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn looked_up(buffer: &ItemBuffer<u32>, position: usize, most: usize) -> Vec<u32> {
        let mut seen = Vec::new();
        buffer.look_up(position, most, &mut |items| seen.extend_from_slice(items));
        seen
    }

    #[test]
    fn a_look_up_ends_where_a_block_ends() {
        let buffer = ItemBuffer::new();
        buffer.add(0, vec![10, 11, 12]);
        buffer.add(3, vec![13, 14]);
        assert_eq!(looked_up(&buffer, 0, 2), [10, 11]);
        assert_eq!(looked_up(&buffer, 1, 9), [11, 12]);
        assert_eq!(looked_up(&buffer, 3, 9), [13, 14]);
    }

    #[test]
    fn each_item_is_dropped_and_each_panic_has_its_position() {
        struct Trap(u32);
        impl Drop for Trap {
            fn drop(&mut self) {
                assert!(self.0.is_multiple_of(2), "the drop of {}", self.0);
            }
        }
        let buffer = ItemBuffer::new();
        let panic = |n: u32| DropPanic { dropped: Dropped::Item(n as usize), message: format!("the drop of {n}") };
        buffer.add(0, (0..4).map(Trap).collect());
        buffer.add(4, (4..8).map(Trap).collect());
        buffer.finish(0..4);
        assert_eq!(buffer.first_position(), Some(4));
        assert_eq!(buffer.take_drop_panics(), [panic(1), panic(3)]);
        buffer.clear();
        assert_eq!(buffer.take_drop_panics(), [panic(5), panic(7)]);
        assert_eq!(buffer.first_position(), None);
    }

    #[test]
    fn a_block_is_dropped_when_all_of_it_is_finished() {
        let buffer = ItemBuffer::new();
        let item = std::sync::Arc::new(());
        let two = || vec![item.clone(), item.clone()];
        buffer.add(0, two());
        buffer.add(2, two());
        buffer.finish(0..1);
        assert_eq!(std::sync::Arc::strong_count(&item), 5);
        buffer.finish(2..4);
        assert_eq!(std::sync::Arc::strong_count(&item), 3, "an unfinished item keeps its own block only");
        buffer.add(4, two());
        buffer.finish(1..2);
        buffer.finish(4..5);
        assert_eq!(std::sync::Arc::strong_count(&item), 3);
        buffer.finish(5..6);
        assert_eq!(std::sync::Arc::strong_count(&item), 1);
    }
}
