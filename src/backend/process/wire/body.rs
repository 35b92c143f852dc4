//! The body of a frame while it is written: in a slot of shared memory that the other side has mapped, or on the heap.
//!
//! With a `Vec` alone, a large body would be written twice: here, and then into the slot. With a slot alone, its length
//! would have to be known before it is written. So a body begins where the last one would have fitted, and moves to the
//! heap if it grows too long.
//!
//! | the body | where it ends up | copies of its bytes in this process |
//! |---|---|---|
//! | first large one of a connection | on the heap, and then in a slot | 1 |
//! | fits into a free slot, and the last one was large | in the slot, where it was written | 0 |
//! | longer than the slot | on the heap, and then in a slot | 1, and 1 for what was in the slot |
//! | up to 64 KiB | on the heap, and then in the send buffer | 1 |
//!
//! The growth of a body on the heap at least doubles its room, so a body of 1 MiB that begins with nothing is moved
//! about 12 times at most. That is not counted above.

use std::fmt;
use std::ptr::NonNull;

use crate::backend::process::memory::segment::Mapping;
use crate::sync::Arc;

/// Bytes that are being written.
///
/// Not a `Vec`, since its bytes may lie in memory that no allocator knows; not a trait object, since `extend` is called
/// for each number of an array.
pub(crate) struct Body {
    /// The first byte, in `storage`.
    start: NonNull<u8>,
    /// How many bytes were written.
    len: usize,
    /// How many bytes fit.
    capacity: usize,
    /// Owns the bytes.
    storage: Storage,
    /// A slot that was taken for this body and was too short for it.
    pub(crate) outgrown: Option<u8>,
}

/// Where the bytes lie.
enum Storage {
    /// Its length stays 0; the bytes lie in its spare capacity.
    Heap(Vec<u8>),
    Slot {
        slot: u8,
        _memory: Arc<Mapping>,
    },
}

// SAFETY: the bytes belong to the body alone: a heap of its own, or a slot that was taken for it.
unsafe impl Send for Body {}

impl Default for Body {
    fn default() -> Self {
        Self::on_heap(Vec::new())
    }
}

impl Body {
    /// A body on the heap, in memory that was used before.
    pub(crate) fn on_heap(mut spare: Vec<u8>) -> Self {
        spare.clear();
        let start = NonNull::new(spare.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self { start, len: 0, capacity: spare.capacity(), storage: Storage::Heap(spare), outgrown: None }
    }

    /// A body in a slot that is in use for this body alone until its frame is sent.
    pub(crate) fn in_slot(slot: u8, memory: Arc<Mapping>) -> Self {
        let (start, capacity) = (memory.start(), memory.len());
        Self { start, len: 0, capacity, storage: Storage::Slot { slot, _memory: memory }, outgrown: None }
    }

    /// The slot that it lies in.
    pub(crate) fn slot(&self) -> Option<u8> {
        match &self.storage {
            Storage::Heap(_) => None,
            Storage::Slot { slot, .. } => Some(*slot),
        }
    }

    /// The buffer of a body on the heap, to be used again.
    pub(crate) fn into_spare(self) -> Option<Vec<u8>> {
        match self.storage {
            Storage::Heap(spare) => Some(spare),
            Storage::Slot { .. } => None,
        }
    }

    /// How many bytes were written.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends bytes.
    #[inline] // called for each number of an array, from code that is compiled in the caller's crate
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        if self.capacity - self.len < bytes.len() {
            self.grow(bytes.len());
        }
        // SAFETY: there is room for them behind the first `len` bytes, and they are no part of the body, which nothing
        // borrows.
        unsafe { self.start.add(self.len).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        self.len += bytes.len();
    }

    /// Appends one byte.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Drops the bytes from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Overwrites bytes from `at` on.
    ///
    /// # Panics
    /// When the bytes reach beyond the end.
    pub(crate) fn patch(&mut self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.len, "only bytes that were written can be overwritten");
        // SAFETY: the place lies within the first `len` bytes, and the bytes are no part of the body, which nothing borrows.
        unsafe { self.start.add(at).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
    }

    /// The bytes that were written.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the first `len` bytes were written by `extend`; they change through `&mut self` alone.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// Makes room for `more` bytes, on the heap.
    ///
    /// The first time, a body in a slot moves to the heap, and the slot is noted in `outgrown`: `push_body` or
    /// `drop_body` frees it then. From there on it stays on the heap.
    #[cold]
    fn grow(&mut self, more: usize) {
        let wanted = (self.len + more).max(2 * self.capacity).max(256);
        if let Storage::Heap(heap) = &mut self.storage {
            // SAFETY: `extend` wrote the first `len` bytes of this allocation; they are taken along when it moves.
            unsafe { heap.set_len(self.len) };
            heap.reserve_exact(wanted - self.len);
        } else {
            let mut heap = Vec::with_capacity(wanted);
            heap.extend_from_slice(self.bytes());
            self.outgrown = self.slot();
            self.storage = Storage::Heap(heap);
        }
        if let Storage::Heap(heap) = &mut self.storage {
            self.start = NonNull::new(heap.as_mut_ptr()).expect("an allocation has an address");
            self.capacity = heap.capacity();
            heap.clear();
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("len", &self.len).field("slot", &self.slot()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::process::memory::segment::{Access, SegmentFile};
    use proptest::prelude::*;

    fn slot_of(len: usize) -> Body {
        let file = SegmentFile::create("manyhands-test", len).unwrap();
        Body::in_slot(2, Arc::new(file.map(Access::ReadWrite).unwrap()))
    }

    proptest! {
        #[test]
        fn a_body_holds_what_a_vec_holds_wherever_it_lies(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..700), any::<prop::sample::Index>()), 0..20),
            slot_len in prop::option::of(1_usize..5000),
        ) {
            let mut body = slot_len.map_or_else(Body::default, slot_of);
            let mut plain = Vec::new();
            for (piece, at) in pieces {
                body.extend(&piece);
                plain.extend(&piece);
                let at = at.index(plain.len() + 1);
                if at % 3 == 0 {
                    body.truncate(at);
                    plain.truncate(at);
                } else if at < plain.len() {
                    body.patch(at, &[7]);
                    plain[at] = 7;
                }
                prop_assert_eq!(body.bytes(), &plain[..]);
            }
            prop_assert_eq!(body.slot().or(body.outgrown).is_some(), slot_len.is_some());
        }
    }
}
