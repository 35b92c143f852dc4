//! What travels beside a message: while a value is encoded for another process, the shared blocks that it mentions are
//! noted, and while one is decoded, they are found by name. Outside of that a slice is a sequence of numbers, as for
//! any other format. Sends nothing itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::backend::process::memory::block::{Block, BlockId, find_alive};

/// The blocks that encoded values mention, each once, in the order of their first mention.
#[derive(Debug, Default)]
pub(crate) struct Attachments {
    blocks: Vec<Arc<Block>>,
}

/// The blocks that came from the other side, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockTable {
    /// Counted, so that decoding has it without a borrow. Nobody decodes while it changes, so it is never copied.
    blocks: Arc<HashMap<BlockId, Arc<Block>>>,
}

crate::sync::thread_local! {
    static PACKED: RefCell<Option<Vec<Arc<Block>>>> = RefCell::default();
    static UNPACKED: RefCell<Option<BlockTable>> = RefCell::default();
}

impl Attachments {
    /// Gives away what was noted so far.
    pub(crate) fn take(&mut self) -> Vec<Arc<Block>> {
        std::mem::take(&mut self.blocks)
    }
}

impl BlockTable {
    /// Takes in a block that came as a descriptor. It must be sealed and as long as announced.
    pub(crate) fn admit(&mut self, id: BlockId, fd: OwnedFd, bytes: usize) -> io::Result<()> {
        let block = Block::adopt(id, fd, bytes)?;
        Arc::make_mut(&mut self.blocks).insert(id, block);
        Ok(())
    }

    /// Lets a block go; slices that look at it keep it.
    /// Lets go of all of them.
    pub(crate) fn clear(&mut self) {
        if !self.blocks.is_empty() {
            self.blocks = Default::default();
        }
    }

    pub(crate) fn forget(&mut self, id: BlockId) {
        Arc::make_mut(&mut self.blocks).remove(&id);
    }
}

/// Encodes something for another process: slices in it are encoded as their places, and their blocks added to the
/// luggage.
pub(crate) fn with_attachments<A>(attachments: &mut Attachments, encode: impl FnOnce() -> A) -> A {
    struct Packing<'l> {
        attachments: &'l mut Attachments,
        outer: Option<Vec<Arc<Block>>>,
    }
    impl Drop for Packing<'_> {
        fn drop(&mut self) {
            let packed = PACKED.with(|packed| packed.replace(self.outer.take()));
            self.attachments.blocks = packed.unwrap_or_default();
        }
    }
    let outer = PACKED.with(|packed| packed.replace(Some(attachments.take())));
    let _packing = Packing { attachments, outer };
    encode()
}

/// Notes a block if this thread encodes for another process, and says whether it does.
pub(crate) fn pack(block: Option<&Arc<Block>>) -> bool {
    PACKED.with(|packed| {
        let mut packed = packed.borrow_mut();
        let Some(blocks) = packed.as_mut() else { return false };
        // From the end: as a rule the next slice looks at the block of the one before.
        if let Some(block) = block.filter(|block| !blocks.iter().rev().any(|there| Arc::ptr_eq(there, block))) {
            blocks.push(Arc::clone(block));
        }
        true
    })
}

/// Decodes something from another process: slices in it are places in blocks of the stock or of this process.
pub(crate) fn with_blocks<A>(stock: &BlockTable, decode: impl FnOnce() -> A) -> A {
    struct Unpacking(Option<BlockTable>);
    impl Drop for Unpacking {
        fn drop(&mut self) {
            UNPACKED.with(|unpacked| unpacked.replace(self.0.take()));
        }
    }
    let _unpacking = Unpacking(UNPACKED.with(|unpacked| unpacked.replace(Some(stock.clone()))));
    decode()
}

/// Whether this thread decodes something from another process.
pub(crate) fn is_unpacking() -> bool {
    UNPACKED.with(|unpacked| unpacked.borrow().is_some())
}

/// The block of this name: one that the other side sent, or one that this process has anyway.
pub(crate) fn find(id: BlockId) -> Option<Arc<Block>> {
    let in_stock = UNPACKED.with(|unpacked| unpacked.borrow().as_ref()?.blocks.get(&id).cloned());
    in_stock.or_else(|| find_alive(id))
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
    struct Parcel {
        bytes: Vec<u8>,
        descriptors: Vec<(BlockId, OwnedFd, usize)>,
    }

    fn post(value: &impl serde::Serialize) -> Parcel {
        let mut attachments = Attachments::default();
        let bytes = with_attachments(&mut attachments, || postcard::to_stdvec(value).unwrap());
        let descriptors =
            attachments.take().into_iter().map(|block| (block.id(), copy_of(&block), block.bytes().len()));
        Parcel { bytes, descriptors: descriptors.collect() }
    }

    fn copy_of(block: &Block) -> OwnedFd {
        block.file().as_fd().try_clone_to_owned().unwrap()
    }

    impl Parcel {
        /// What another process makes of it; for it to be another one, nothing of the blocks may be left in this one.
        fn open<T: serde::de::DeserializeOwned>(self) -> (BlockTable, postcard::Result<T>) {
            let mut stock = BlockTable::default();
            for (id, fd, bytes) in self.descriptors {
                assert!(!is_alive(id), "{id} is still here");
                stock.admit(id, fd, bytes).unwrap();
            }
            let value = with_blocks(&stock, || postcard::from_bytes(&self.bytes));
            (stock, value)
        }
    }

    #[test]
    fn slices_come_out_as_they_went_in_and_each_block_travels_once() {
        let numbers = SharedSlice::copy_of(&[1.5_f64, 2.5, 3.5, 4.5]).unwrap();
        let others = SharedSlice::copy_of(&[[7_u16, 8], [9, 10]]).unwrap();
        let parcel = post(&(numbers.view(1..3), &others, &numbers, SharedSlice::<u8>::default()));
        assert_eq!(parcel.descriptors.len(), 2);
        drop((numbers, others));
        type Values = (SharedSlice<f64>, SharedSlice<[u16; 2]>, SharedSlice<f64>, SharedSlice<u8>);
        let (_stock, value) = parcel.open::<Values>();
        let (view, others, numbers, nothing) = value.unwrap();
        assert_eq!(*view, [2.5, 3.5]);
        assert_eq!(*others, [[7, 8], [9, 10]]);
        assert_eq!(*numbers, [1.5, 2.5, 3.5, 4.5]);
        assert_eq!(nothing.len(), 0);
    }

    #[test]
    fn a_message_has_places_and_no_elements() {
        let numbers = SharedSlice::copy_of(&[7_u64; 10_000]).unwrap();
        assert!(post(&numbers).bytes.len() < 40);
        assert!(post(&"nothing shared").descriptors.is_empty());
        assert!(post(&SharedSlice::<u64>::default()).descriptors.is_empty());
    }

    #[test]
    fn a_slice_outlives_the_stock_that_it_was_found_in() {
        let parcel = post(&SharedSlice::copy_of(&[1_u8, 2, 3]).unwrap());
        let id = parcel.descriptors[0].0;
        let (mut stock, value) = parcel.open::<SharedSlice<u8>>();
        let slice = value.unwrap();
        stock.forget(id);
        assert_eq!(*slice, [1, 2, 3]);
        assert!(is_alive(id));
        drop(slice);
        assert!(!is_alive(id));
    }

    #[test]
    fn a_process_gets_its_own_block_back_by_name() {
        let numbers = SharedSlice::copy_of(&[1_i32, 2, 3]).unwrap();
        let parcel = post(&numbers.view(1..));
        let back: SharedSlice<i32> =
            with_blocks(&BlockTable::default(), || postcard::from_bytes(&parcel.bytes)).unwrap();
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
        for (stock, expected) in [(&first, b"this"), (&second, b"that")] {
            let slice: SharedSlice<u8> = with_blocks(stock, || postcard::from_bytes(&place)).unwrap();
            assert_eq!(*slice, *expected);
        }
        drop((this, first));
        assert!(is_alive(id), "the later block of this name was forgotten with the earlier one");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let mut parcel = post(&SharedSlice::copy_of(&[1_u8]).unwrap());
        parcel.descriptors.clear();
        let problem = refusal::<u8>(&parcel.bytes, &BlockTable::default());
        assert!(problem.starts_with("shared block ") && problem.ends_with(" is not in this process"), "{problem}");
    }

    #[test]
    fn a_place_beyond_the_block_is_an_error() {
        let (block, stock) = sixteen_bytes();
        for (total, first, bytes, expected) in [
            (16, 8, 16, "it ends at 16, before the 16 bytes from 8"),
            (16, 24, 8, "it ends at 16, before the 8 bytes from 24"),
            (16, usize::MAX - 7, 16, "it ends at 16, before the 16 bytes from 18446744073709551608"),
            (24, 0, 24, "it has 16 bytes where 24 were announced"),
        ] {
            let problem = refusal::<u64>(&place(&block, total, first, bytes), &stock);
            assert!(problem.ends_with(expected), "{problem}");
        }
    }

    #[test]
    fn elements_that_are_cut_or_not_aligned_are_an_error() {
        let (block, stock) = sixteen_bytes();
        for (first, bytes) in [(4, 8), (1, 8), (0, 12), (8, 7)] {
            let problem = refusal::<f64>(&place(&block, 16, first, bytes), &stock);
            assert!(problem.contains(&format!("its {bytes} bytes from {first} are no [f64]: ")), "{problem}");
        }
        let whole: SharedSlice<f64> = with_blocks(&stock, || postcard::from_bytes(&place(&block, 16, 0, 16))).unwrap();
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
    fn packing_within_packing_keeps_the_outer_luggage_also_after_a_panic() {
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
    fn luggage_gathers_over_several_messages_until_it_is_taken() {
        let slice = SharedSlice::copy_of(&[1_u8]).unwrap();
        let mut attachments = Attachments::default();
        for _ in 0..2 {
            with_attachments(&mut attachments, || postcard::to_stdvec(&slice).unwrap());
        }
        assert_eq!(attachments.take().len(), 1);
        assert_eq!(attachments.take().len(), 0);
    }

    #[test]
    fn unpacking_within_unpacking_keeps_the_outer_stock_also_after_a_panic() {
        let parcel = post(&SharedSlice::copy_of(&[1_u8]).unwrap());
        let bytes = parcel.bytes.clone();
        let (outer, _value) = parcel.open::<SharedSlice<u8>>();
        with_blocks(&outer, || {
            let panicked = catch_unwind(|| with_blocks(&BlockTable::default(), || panic!("on the way")));
            assert!(panicked.is_err());
            let blocks = UNPACKED.with(|unpacked| unpacked.borrow().as_ref().map(|stock| stock.blocks.len()));
            assert_eq!(blocks, Some(1));
            assert_eq!(*postcard::from_bytes::<SharedSlice<u8>>(&bytes).unwrap(), [1]);
        });
        assert!(!is_unpacking());
    }

    fn bytes(attachments: &Attachments) -> Vec<&[u8]> {
        attachments.blocks.iter().map(|block| block.bytes()).collect()
    }

    fn sixteen_bytes() -> (Arc<Block>, BlockTable) {
        let block = Block::copy_of(&[0; 16]).unwrap();
        let mut stock = BlockTable::default();
        stock.admit(block.id(), copy_of(&block), 16).unwrap();
        (block, stock)
    }

    fn place(block: &Block, total: usize, first: usize, bytes: usize) -> Vec<u8> {
        postcard::to_stdvec(&Some((block.id(), total, first, bytes))).unwrap()
    }

    /// Why these bytes are no slice. Asked for in an own format, since postcard's errors drop their text.
    fn refusal<T: crate::process::PlainNumber + serde::de::DeserializeOwned>(
        bytes: &[u8],
        stock: &BlockTable,
    ) -> String {
        let place: Option<(BlockId, usize, usize, usize)> = postcard::from_bytes(bytes).unwrap();
        let text = serde_json::to_string(&place).unwrap();
        with_blocks(stock, || serde_json::from_str::<SharedSlice<T>>(&text)).unwrap_err().to_string()
    }
}
