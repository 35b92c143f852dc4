//! The items of a stream that have come and are not finished.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::backend::items::ItemLookup;
use crate::sync::{Arc, Mutex};

/// The items that came and are not finished. They stay in the blocks in which they came: a block is dropped when all of it is
/// finished, so that one slow item keeps no others but those of its own block.
///
/// Filled and emptied by the calling thread. Workers look at blocks of it: each block stays for as long as it is looked at.
pub(crate) struct ItemBuffer<T> {
    /// By the position of their first item.
    blocks: Mutex<BTreeMap<usize, Block<T>>>,
}

struct Block<T> {
    items: Arc<Vec<T>>,
    unfinished: usize,
}

impl<T> ItemBuffer<T> {
    pub(crate) fn new() -> Self {
        Self { blocks: Mutex::new(BTreeMap::new()) }
    }

    /// Adds items, the first of them at this position, which is where the last ones ended.
    pub(crate) fn add(&self, first: usize, items: Vec<T>) {
        if !items.is_empty() {
            let block = Block { unfinished: items.len(), items: Arc::new(items) };
            self.blocks.lock().insert(first, block);
        }
    }

    /// These positions are finished, and nobody will ask for them. The caller's destructors run without the lock.
    pub(crate) fn finish(&self, positions: Range<usize>) {
        let mut position = positions.start;
        while position < positions.end {
            let mut blocks = self.blocks.lock();
            let (&first, block) = blocks.range_mut(..=position).next_back().expect(STAYS);
            let end = positions.end.min(first + block.items.len());
            block.unfinished -= end - position;
            let finished = if block.unfinished == 0 { blocks.remove(&first) } else { None };
            drop(blocks);
            drop(finished);
            position = end;
        }
    }

    /// The block that this position lies in, and its place there.
    fn block(&self, position: usize) -> (Arc<Vec<T>>, usize) {
        let blocks = self.blocks.lock();
        let (first, block) = blocks.range(..=position).next_back().expect(STAYS);
        (Arc::clone(&block.items), position - first)
    }
}

const STAYS: &str = "an item that is stocked stays until it is finished";

impl<T: Send + Sync> ItemLookup<T> for ItemBuffer<T> {
    fn look_up(&self, position: usize, most: usize, show: &mut dyn FnMut(&[T])) {
        let (items, offset) = self.block(position);
        let len = most.min(items.len() - offset);
        show(&items[offset..][..len]);
    }
}

#[cfg(all(test, not(any(manyhands_loom, manyhands_shuttle))))]
mod tests {
    use super::*;

    fn lent(buffer: &ItemBuffer<u32>, position: usize, most: usize) -> Vec<u32> {
        let mut seen = Vec::new();
        buffer.look_up(position, most, &mut |items| seen.extend_from_slice(items));
        seen
    }

    #[test]
    fn what_is_lent_ends_where_a_block_ends() {
        let buffer = ItemBuffer::new();
        buffer.add(0, vec![10, 11, 12]);
        buffer.add(3, vec![13, 14]);
        assert_eq!(lent(&buffer, 0, 2), [10, 11]);
        assert_eq!(lent(&buffer, 1, 9), [11, 12]);
        assert_eq!(lent(&buffer, 3, 9), [13, 14]);
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
        assert_eq!(std::sync::Arc::strong_count(&item), 3, "what is slow keeps its own block alone");
        buffer.add(4, two());
        buffer.finish(1..2);
        buffer.finish(4..5);
        assert_eq!(std::sync::Arc::strong_count(&item), 3);
        buffer.finish(5..6);
        assert_eq!(std::sync::Arc::strong_count(&item), 1);
    }
}
