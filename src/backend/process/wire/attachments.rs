//! The blocks of shared memory that travel beside a message: noted while a value is encoded for another process, and
//! found by their name while it is decoded. In any other format a slice is a sequence of numbers.
//!
//! Promises: nesting and panics leave the outer list as it was. Sends nothing itself; `connection.rs` does.
//!
//! The way of a [`SharedSlice`](crate::SharedSlice) of 1 GiB in an item: its `Serialize` calls [`attach`], which notes
//! the block, and writes the block's name, length and range, some 30 bytes; the frame's blocks are sent before the
//! frame, each once per worker; `Deserialize` in the worker calls [`find`]. Results go the other way in the same
//! manner, with their blocks sent again for each frame. The lists are thread-locals, since serde code has no parameter
//! through which they could come.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::backend::process::memory::block::{Block, BlockId, find_alive};

/// The blocks that encoded values mention, each once, in the order of their first mention.
#[derive(Debug, Default)]
pub(crate) struct Attachments {
    /// Kept alive until they are sent.
    blocks: Vec<Arc<Block>>,
}

/// The blocks that the other side has sent, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockTable {
    /// Counted, so that decoding needs no borrow of it. It does not change while a value is decoded, so it is never
    /// copied.
    blocks: Arc<HashMap<BlockId, Arc<Block>>>,
}

crate::sync::thread_local! {
    /// The blocks that were noted so far, while this thread encodes for another process.
    static ATTACHED: RefCell<Option<ManuallyDrop<Vec<Arc<Block>>>>> = RefCell::default();
    /// The blocks of the other side, while this thread decodes a message from it.
    static RECEIVED: RefCell<Option<ManuallyDrop<BlockTable>>> = RefCell::default();
}
// Values without a destructor, so that a thread that is ending can make calls as well. They are taken out again by guards.

impl Attachments {
    /// Takes the blocks that were noted so far.
    pub(crate) fn take(&mut self) -> Vec<Arc<Block>> {
        std::mem::take(&mut self.blocks)
    }
}

impl BlockTable {
    /// Adds a block that came as a descriptor.
    ///
    /// A block that this process has already is not mapped again. Costs an `mmap` otherwise, whatever its length.
    ///
    /// # Errors
    /// When it is not sealed, not as long as announced, or cannot be mapped.
    pub(crate) fn admit(&mut self, id: BlockId, fd: OwnedFd, bytes: usize) -> io::Result<()> {
        let block = Block::adopt(id, fd, bytes)?;
        Arc::make_mut(&mut self.blocks).insert(id, block);
        Ok(())
    }

    /// Drops all blocks; slices that look at one keep it.
    pub(crate) fn clear(&mut self) {
        if !self.blocks.is_empty() {
            self.blocks = Default::default();
        }
    }

    /// Drops a block; slices that look at it keep it.
    pub(crate) fn forget(&mut self, id: BlockId) {
        Arc::make_mut(&mut self.blocks).remove(&id);
    }
}

/// Runs `encode` for a message to another process: slices are encoded as places in their blocks, which are added to
/// `attachments`.
///
/// What was in `attachments` before stays there. A call in the user's serde code that encodes for another process has a
/// list of its own, and the outer list goes on after it.
pub(crate) fn with_attachments<A>(attachments: &mut Attachments, encode: impl FnOnce() -> A) -> A {
    struct OuterAttachments<'l> {
        attachments: &'l mut Attachments,
        outer: Option<ManuallyDrop<Vec<Arc<Block>>>>,
    }
    impl Drop for OuterAttachments<'_> {
        fn drop(&mut self) {
            let attached = ATTACHED.with(|attached| attached.replace(self.outer.take()));
            self.attachments.blocks = attached.map(ManuallyDrop::into_inner).unwrap_or_default();
        }
    }
    let outer = ATTACHED.with(|attached| attached.replace(Some(ManuallyDrop::new(attachments.take()))));
    let _guard = OuterAttachments { attachments, outer };
    encode()
}

/// Whether this thread encodes for another process; if so, notes the block.
///
/// False in any other serializer, such as that of a journal: there a slice is written as its numbers. `None` is an
/// empty slice, which has no block. Costs a comparison per block of the message at most, and one as a rule.
pub(crate) fn attach(block: Option<&Arc<Block>>) -> bool {
    ATTACHED.with(|attached| {
        let mut attached = attached.borrow_mut();
        let Some(blocks) = attached.as_mut() else { return false };
        // Searched from the end: as a rule the next slice looks at the block of the last one.
        if let Some(block) = block.filter(|block| !blocks.iter().rev().any(|there| Arc::ptr_eq(there, block))) {
            blocks.push(Arc::clone(block));
        }
        true
    })
}

/// Runs `decode` for a message from another process: slices are decoded as places in these blocks or in those of this
/// process.
pub(crate) fn with_blocks<A>(blocks: &BlockTable, decode: impl FnOnce() -> A) -> A {
    struct OuterBlocks(Option<ManuallyDrop<BlockTable>>);
    impl Drop for OuterBlocks {
        fn drop(&mut self) {
            let blocks = RECEIVED.with(|received| received.replace(self.0.take()));
            drop(blocks.map(ManuallyDrop::into_inner));
        }
    }
    let _guard = OuterBlocks(RECEIVED.with(|received| received.replace(Some(ManuallyDrop::new(blocks.clone())))));
    decode()
}

/// Whether this thread decodes a message from another process.
pub(crate) fn decodes_attached() -> bool {
    RECEIVED.with(|received| received.borrow().is_some())
}

/// The block of this name: one that the other side has sent, or one of this process.
///
/// `None` where the other side had no free descriptor to send it, or the message is not from it; the value then fails
/// to decode.
pub(crate) fn find(id: BlockId) -> Option<Arc<Block>> {
    let from_other_side = RECEIVED.with(|received| received.borrow().as_ref()?.blocks.get(&id).cloned());
    from_other_side.or_else(|| find_alive(id))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::SharedSlice;
    use crate::backend::process::memory::block::is_alive;
    use crate::backend::process::memory::segment::SegmentFile;

    /// A message and the descriptors beside it, as they come to another process.
    struct Message {
        bytes: Vec<u8>,
        descriptors: Vec<(BlockId, OwnedFd, usize)>,
    }

    fn message_of(value: &impl serde::Serialize) -> Message {
        let mut attachments = Attachments::default();
        let bytes = with_attachments(&mut attachments, || postcard::to_stdvec(value).unwrap());
        let descriptors =
            attachments.take().into_iter().map(|block| (block.id(), copy_of(&block), block.bytes().len()));
        Message { bytes, descriptors: descriptors.collect() }
    }

    fn copy_of(block: &Block) -> OwnedFd {
        block.file().as_fd().try_clone_to_owned().unwrap()
    }

    impl Message {
        /// What another process makes of it. This process plays the other one, so it must have dropped the blocks.
        fn open<T: serde::de::DeserializeOwned>(self) -> (BlockTable, postcard::Result<T>) {
            let mut table = BlockTable::default();
            for (id, fd, bytes) in self.descriptors {
                assert!(!is_alive(id), "{id} is still here");
                table.admit(id, fd, bytes).unwrap();
            }
            let value = with_blocks(&table, || postcard::from_bytes(&self.bytes));
            (table, value)
        }
    }

    #[test]
    fn slices_come_out_as_they_went_in_and_each_block_travels_once() {
        let numbers = SharedSlice::copy_of(&[1.5_f64, 2.5, 3.5, 4.5]).unwrap();
        let others = SharedSlice::copy_of(&[[7_u16, 8], [9, 10]]).unwrap();
        let message = message_of(&(numbers.view(1..3), &others, &numbers, SharedSlice::<u8>::default()));
        assert_eq!(message.descriptors.len(), 2);
        drop((numbers, others));
        type Values = (SharedSlice<f64>, SharedSlice<[u16; 2]>, SharedSlice<f64>, SharedSlice<u8>);
        let (_stock, value) = message.open::<Values>();
        let (view, others, numbers, nothing) = value.unwrap();
        assert_eq!(*view, [2.5, 3.5]);
        assert_eq!(*others, [[7, 8], [9, 10]]);
        assert_eq!(*numbers, [1.5, 2.5, 3.5, 4.5]);
        assert_eq!(nothing.len(), 0);
    }

    #[test]
    fn a_message_has_places_and_no_elements() {
        let numbers = SharedSlice::copy_of(&[7_u64; 10_000]).unwrap();
        assert!(message_of(&numbers).bytes.len() < 40);
        assert!(message_of(&"nothing shared").descriptors.is_empty());
        assert!(message_of(&SharedSlice::<u64>::default()).descriptors.is_empty());
    }

    #[test]
    fn a_slice_outlives_the_table_that_it_was_found_in() {
        let message = message_of(&SharedSlice::copy_of(&[1_u8, 2, 3]).unwrap());
        let id = message.descriptors[0].0;
        let (mut table, value) = message.open::<SharedSlice<u8>>();
        let slice = value.unwrap();
        table.forget(id);
        assert_eq!(*slice, [1, 2, 3]);
        assert!(is_alive(id));
        drop(slice);
        assert!(!is_alive(id));
    }

    #[test]
    fn a_process_gets_its_own_block_back_by_name() {
        let numbers = SharedSlice::copy_of(&[1_i32, 2, 3]).unwrap();
        let message = message_of(&numbers.view(1..));
        let back: SharedSlice<i32> =
            with_blocks(&BlockTable::default(), || postcard::from_bytes(&message.bytes)).unwrap();
        assert_eq!(back.as_ptr(), numbers[1..].as_ptr());
    }

    #[test]
    fn a_block_that_is_here_already_is_not_mapped_again_but_another_of_its_name_is() {
        let (this, other) = (Block::copy_of(b"this").unwrap(), Block::copy_of(b"that").unwrap());
        let id = this.id();
        let place = place(&this, 4, 0, 4);
        let (mut first, mut second) = (BlockTable::default(), BlockTable::default());
        first.admit(id, copy_of(&this), 4).unwrap();
        assert!(Arc::ptr_eq(&first.blocks[&id], &this));
        second.admit(id, copy_of(&other), 4).unwrap();
        for (table, expected) in [(&first, b"this"), (&second, b"that")] {
            let slice: SharedSlice<u8> = with_blocks(table, || postcard::from_bytes(&place)).unwrap();
            assert_eq!(*slice, *expected);
        }
        drop((this, first));
        assert!(is_alive(id), "the later block of this name was forgotten with the earlier one");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let mut message = message_of(&SharedSlice::copy_of(&[1_u8]).unwrap());
        message.descriptors.clear();
        let problem = refusal::<u8>(&message.bytes, &BlockTable::default());
        assert!(problem.starts_with("shared block ") && problem.ends_with(" is not in this process"), "{problem}");
    }

    #[test]
    fn a_place_beyond_the_block_is_an_error() {
        let (block, table) = sixteen_bytes();
        for (total, first, bytes, expected) in [
            (16, 8, 16, "it ends at 16, before the 16 bytes from 8"),
            (16, 24, 8, "it ends at 16, before the 8 bytes from 24"),
            (16, usize::MAX - 7, 16, "it ends at 16, before the 16 bytes from 18446744073709551608"),
            (24, 0, 24, "it has 16 bytes where 24 were announced"),
        ] {
            let problem = refusal::<u64>(&place(&block, total, first, bytes), &table);
            assert!(problem.ends_with(expected), "{problem}");
        }
    }

    #[test]
    fn elements_that_are_cut_or_not_aligned_are_an_error() {
        let (block, table) = sixteen_bytes();
        for (first, bytes) in [(4, 8), (1, 8), (0, 12), (8, 7)] {
            let problem = refusal::<f64>(&place(&block, 16, first, bytes), &table);
            assert!(problem.contains(&format!("its {bytes} bytes from {first} are no [f64]: ")), "{problem}");
        }
        let whole: SharedSlice<f64> = with_blocks(&table, || postcard::from_bytes(&place(&block, 16, 0, 16))).unwrap();
        assert_eq!(*whole, [0.0, 0.0]);
    }

    #[test]
    fn memory_that_could_change_or_is_not_as_long_as_announced_is_not_admitted() {
        let id = Block::copy_of(b"x").unwrap().id();
        let unsealed = SegmentFile::create("test", 16).unwrap();
        let fd = unsealed.as_fd().try_clone_to_owned().unwrap();
        let error = BlockTable::default().admit(id, fd, 16).unwrap_err();
        assert!(error.to_string().contains("came without its seal"), "{error}");

        let block = Block::copy_of(b"four").unwrap();
        assert!(BlockTable::default().admit(id, copy_of(&block), 5).is_err());
        let plain = std::fs::File::open("/proc/self/exe").unwrap();
        assert!(BlockTable::default().admit(id, plain.into(), 5).is_err());
    }

    #[test]
    fn nested_encoding_keeps_the_outer_attachments_also_after_a_panic() {
        let (first, second) = (SharedSlice::copy_of(&[1_u8]).unwrap(), SharedSlice::copy_of(&[2_u8]).unwrap());
        let (mut outer, mut inner) = (Attachments::default(), Attachments::default());
        with_attachments(&mut outer, || {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                with_attachments(&mut inner, || {
                    postcard::to_stdvec(&first).unwrap();
                    panic!("on the way");
                });
            }));
            assert!(panicked.is_err());
            postcard::to_stdvec(&second).unwrap();
        });
        assert_eq!((bytes(&outer), bytes(&inner)), (vec![&[2][..]], vec![&[1][..]]));
        assert_eq!(serde_json::to_string(&first).unwrap(), "[1]");
    }

    #[test]
    fn attachments_gather_over_several_messages_until_they_are_taken() {
        let slice = SharedSlice::copy_of(&[1_u8]).unwrap();
        let mut attachments = Attachments::default();
        for _ in 0..2 {
            with_attachments(&mut attachments, || postcard::to_stdvec(&slice).unwrap());
        }
        assert_eq!(attachments.take().len(), 1);
        assert_eq!(attachments.take().len(), 0);
    }

    #[test]
    fn nested_decoding_keeps_the_outer_blocks_also_after_a_panic() {
        let message = message_of(&SharedSlice::copy_of(&[1_u8]).unwrap());
        let bytes = message.bytes.clone();
        let (outer, _value) = message.open::<SharedSlice<u8>>();
        with_blocks(&outer, || {
            let panicked = catch_unwind(|| with_blocks(&BlockTable::default(), || panic!("on the way")));
            assert!(panicked.is_err());
            let blocks = RECEIVED.with(|received| received.borrow().as_ref().map(|table| table.blocks.len()));
            assert_eq!(blocks, Some(1));
            assert_eq!(*postcard::from_bytes::<SharedSlice<u8>>(&bytes).unwrap(), [1]);
        });
        assert!(!decodes_attached());
    }

    fn bytes(attachments: &Attachments) -> Vec<&[u8]> {
        attachments.blocks.iter().map(|block| block.bytes()).collect()
    }

    fn sixteen_bytes() -> (Arc<Block>, BlockTable) {
        let block = Block::copy_of(&[0; 16]).unwrap();
        let mut table = BlockTable::default();
        table.admit(block.id(), copy_of(&block), 16).unwrap();
        (block, table)
    }

    fn place(block: &Block, total: usize, first: usize, bytes: usize) -> Vec<u8> {
        postcard::to_stdvec(&Some((block.id(), total, first, bytes))).unwrap()
    }

    /// Why these bytes are no slice. Asked for in an own format, since postcard's errors drop their text.
    fn refusal<T: crate::process::PlainNumber + serde::de::DeserializeOwned>(
        bytes: &[u8],
        table: &BlockTable,
    ) -> String {
        let place: Option<(BlockId, usize, usize, usize)> = postcard::from_bytes(bytes).unwrap();
        let text = serde_json::to_string(&place).unwrap();
        with_blocks(table, || serde_json::from_str::<SharedSlice<T>>(&text)).unwrap_err().to_string()
    }
}
