//! One array of numbers that every worker process sees: put into shared memory once, and read through views.
//!
//! Promises: the numbers never change; views and clones copy none. Leaves to `block.rs` what the memory is, and to
//! `attachments.rs` how it comes to a worker.

use std::alloc::Layout;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Bound, Deref, RangeBounds};
use std::ptr::NonNull;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
use crate::backend::process::memory::block::{Block, BlockId};
#[cfg(not(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle)))))]
use crate::backend::process::memory::heap_block::{Block, BlockId, attach, decodes_attached, find};
use crate::backend::process::memory::plain_number::PlainNumber;
#[cfg(all(target_os = "linux", not(any(manyhands_loom, manyhands_shuttle))))]
use crate::backend::process::wire::attachments::{attach, decodes_attached, find};
use crate::error::Error;

/// An array of numbers in memory that all worker processes map: written once, then read-only.
///
/// It derefs to `[T]`. [`view`](SharedSlice::view) and `clone` copy no number; they count references to the same
/// memory.
///
/// With [`Processes`](crate::Processes) it goes wherever a serde type goes: into items, into the value of
/// [`Job::shared`](crate::Job::shared), into results. So a recording that all items look at is made into a slice once,
/// passed with `.shared(&slice)`, and read as `slice[range]` in a function that captures nothing,
/// `fn(&SharedSlice<f64>, &Range<usize>) -> f64`; or each item is a `slice.view(range)` of its own. In both cases the
/// memory travels to each worker once, as a file descriptor, and a view as four integers. With threads and in serial it
/// is a slice like any other. In any other format, such as JSON, it is a sequence: the numbers are written out, and
/// reading them makes new shared memory.
///
/// # Lifetime
/// The memory is freed when the last process has dropped its last view or has ended, in whatever way. Idle workers drop
/// what this process has dropped at the start of their next call, or at
/// [`Processes::end_idle_workers`](crate::Processes::end_idle_workers).
///
/// # Costs
/// Making one copies the numbers once ([`copy_of`](SharedSlice::copy_of)), in about the time of a `Vec`'s clone into
/// fresh memory, or not at all if they are made in place ([`filled_by`](SharedSlice::filled_by)). However small, it
/// takes 10 to 20 microseconds, whole pages of memory, and a file descriptor in each process that has it; so put many
/// small arrays into one and view it. The first pass of a process over it takes some 1.6 times as long as one over its
/// own memory, since pages are mapped when they are first read; the next ones take no longer. On systems without worker
/// processes it is ordinary memory.
///
/// # Concurrency
/// Any thread of any process may read it; none can write to it, so there is nothing to lock.
///
/// ```
/// use manyhands::{Job, SharedSlice, Threads};
///
/// let night = SharedSlice::copy_of(&[60.0, 62.0, 61.0, 75.0, 74.0, 76.0])?;
/// let epochs = [night.view(..3), night.view(3..)]; // no number is copied
/// let means = Job::new(&epochs).mode(Threads).run(|epoch| epoch.iter().sum::<f64>() / epoch.len() as f64)?;
/// assert_eq!(means.into_result()?, [61.0, 75.0]);
///
/// let text = serde_json::to_string(&epochs[0]).unwrap();
/// assert_eq!(text, "[60.0,62.0,61.0]");
/// let again: SharedSlice<f64> = serde_json::from_str(&text).unwrap();
/// assert_eq!(again, epochs[0]);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub struct SharedSlice<T> {
    /// Points into the block; dangling when there are no elements.
    start: NonNull<T>,
    /// In elements.
    len: usize,
    /// Owns the elements; `None` when there are none.
    block: Option<Arc<Block>>,
    elements: PhantomData<[T]>,
}

// SAFETY: it is a shared reference to elements that never change, together with what keeps them in memory; any thread may
// read them, since numbers are Sync, and any may drop the last reference.
unsafe impl<T: PlainNumber> Send for SharedSlice<T> {}
// SAFETY: as above.
unsafe impl<T: PlainNumber> Sync for SharedSlice<T> {}

impl<T: PlainNumber> SharedSlice<T> {
    /// Copies numbers into shared memory. An empty slice needs none.
    ///
    /// The numbers exist twice until the original is dropped. Costs six system calls up to 1 MiB, and one more per
    /// further MiB; from 64 MiB on, a request for more than the machine or its container has available is refused
    /// before anything is copied.
    ///
    /// # Errors
    /// When there is not enough memory or no free file descriptor ([`Error::is_memory`]).
    ///
    /// ```
    /// let primes = manyhands::SharedSlice::copy_of(&[2_u16, 3, 5, 7])?;
    /// assert_eq!(primes[1..], [3, 5, 7]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn copy_of(elements: &[T]) -> Result<Self, Error> {
        if elements.is_empty() {
            return Ok(Self::default());
        }
        let block = Block::copy_of(bytemuck::cast_slice(elements));
        block.map(Self::whole).map_err(|error| refused::<T>(elements.len(), &error))
    }

    /// Makes `len` numbers in place: `fill` gets them as zeros, in shared memory, so they never exist twice.
    ///
    /// `fill` runs once, on this thread. If it panics, the panic passes through and the memory is freed. Workers see
    /// the numbers only after it has returned, and from then on they never change.
    ///
    /// # Errors
    /// When there is not enough memory or no free file descriptor ([`Error::is_memory`]); then `fill` was not called.
    ///
    /// ```
    /// use manyhands::SharedSlice;
    ///
    /// let squares = SharedSlice::filled_by(1000, |numbers: &mut [u64]| {
    ///     for (n, number) in (0..).zip(numbers) {
    ///         *number = n * n;
    ///     }
    /// })?;
    /// assert_eq!(squares[999], 998_001);
    ///
    /// let error = SharedSlice::filled_by(1 << 50, |_: &mut [u64]| ()).unwrap_err();
    /// assert!(error.is_memory());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn filled_by(len: usize, fill: impl FnOnce(&mut [T])) -> Result<Self, Error> {
        if len == 0 {
            fill(&mut []);
            return Ok(Self::default());
        }
        let layout =
            Layout::array::<T>(len).map_err(|_| refused::<T>(len, &io::Error::other("no address reaches so far")))?;
        // A block begins where a page does, so the cast finds it aligned.
        let block = Block::filled_by(layout.size(), |bytes| fill(bytemuck::cast_slice_mut(bytes)));
        block.map(Self::whole).map_err(|error| refused::<T>(len, &error))
    }

    /// A part of the slice, as a slice of its own. Copies nothing.
    ///
    /// It keeps all of the memory that the slice is part of, however short it is, unless it is empty.
    ///
    /// Costs one atomic addition, whatever the length, and a view may be viewed again.
    ///
    /// # Panics
    /// When the range is not within the slice, as `slice[range]` does.
    ///
    /// ```
    /// let numbers = manyhands::SharedSlice::copy_of(&[1, 2, 3, 4])?;
    /// assert_eq!(*numbers.view(1..).view(..=1), [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    ///
    /// Parts of equal length, to be items of their own; the last one is shorter:
    ///
    /// ```
    /// use manyhands::SharedSlice;
    ///
    /// let numbers = SharedSlice::copy_of(&[1_i32, 2, 3, 4, 5])?;
    /// let starts = (0..numbers.len()).step_by(2);
    /// let parts: Vec<SharedSlice<i32>> = starts.map(|at| numbers.view(at..numbers.len().min(at + 2))).collect();
    /// assert_eq!((parts.len(), parts[2][0]), (3, 5));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn view(&self, range: impl RangeBounds<usize>) -> Self {
        self.part(&self[bounds(&range)])
    }

    /// A part of the slice as [`view`](SharedSlice::view) gives it, or `None` when the range is not within the slice.
    ///
    /// ```
    /// let numbers = manyhands::SharedSlice::copy_of(&[1, 2, 3, 4])?;
    /// assert_eq!(*numbers.get_view(2..).unwrap(), [3, 4]);
    /// assert!(numbers.get_view(2..5).is_none());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn get_view(&self, range: impl RangeBounds<usize>) -> Option<Self> {
        self.get(bounds(&range)).map(|elements| self.part(elements))
    }

    /// A slice of these elements, which are some of this one's.
    fn part(&self, elements: &[T]) -> Self {
        let block = self.block.as_ref().filter(|_| !elements.is_empty());
        Self {
            start: NonNull::from(elements).cast(),
            len: elements.len(),
            block: block.cloned(),
            elements: PhantomData,
        }
    }

    /// All of a block that was made for such elements.
    fn whole(block: Arc<Block>) -> Self {
        let all = Place { id: block.id(), total: block.bytes().len(), first: 0, bytes: block.bytes().len() };
        Self::at(block, all).expect("a block made for such elements begins at a page and holds whole ones")
    }

    /// The elements at a place of a block, or why there are none.
    ///
    /// # Errors
    /// When the block has another length than announced, ends before the elements do, or the bytes are not aligned for
    /// `T` or no whole number of them. No mistake of the other side reads beyond the block.
    fn at(block: Arc<Block>, place: Place) -> Result<Self, String> {
        const { assert!(size_of::<T>() > 0, "elements without a size cannot be counted") };
        let Place { total, first, bytes, .. } = place;
        if block.bytes().len() != total {
            return Err(format!("it has {} bytes where {total} were announced", block.bytes().len()));
        }
        let end = first.checked_add(bytes).filter(|end| *end <= total);
        let end = end.ok_or_else(|| format!("it ends at {total}, before the {bytes} bytes from {first}"))?;
        let elements: &[T] = bytemuck::try_cast_slice(&block.bytes()[first..end]).map_err(|error| {
            format!("its {bytes} bytes from {first} are no {}: {error}", std::any::type_name::<[T]>())
        })?;
        let (start, len) = (NonNull::from(elements).cast(), elements.len());
        Ok(Self { start, len, block: Some(block), elements: PhantomData })
    }
}

/// The same range in the form that every slice accepts.
fn bounds(range: &impl RangeBounds<usize>) -> (Bound<usize>, Bound<usize>) {
    (range.start_bound().cloned(), range.end_bound().cloned())
}

/// The error of memory that is not available, or of a system that has no memory to share.
fn refused<T>(len: usize, why: &io::Error) -> Error {
    let bytes = len as u128 * size_of::<T>() as u128;
    match why.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied => Error::unsupported(format!(
            "{bytes} bytes of shared memory cannot be had: {why}; permit the call, or pass the data without a SharedSlice"
        )),
        _ => Error::memory(format!(
            "{bytes} bytes of shared memory cannot be had: {why}; share less at a time, or drop what is not needed any more"
        )),
    }
}

/// Everything that a slice can do. Costs nothing: it is a pointer and a length.
///
/// ```
/// let sorted = manyhands::SharedSlice::copy_of(&[1_i32, 3, 5, 7])?;
/// assert_eq!(sorted.binary_search(&5), Ok(2));
/// assert_eq!(sorted.iter().sum::<i32>(), 16);
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<T> Deref for SharedSlice<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: there are no elements, or `at` and `part` found so many of them, aligned, in a block that is kept
        // here and never written to; all bytes are valid elements, which the only ways to make a slice ask for.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

/// An empty slice, which takes no shared memory and no descriptor.
///
/// ```
/// assert!(manyhands::SharedSlice::<f64>::default().is_empty());
/// ```
impl<T> Default for SharedSlice<T> {
    fn default() -> Self {
        Self { start: NonNull::dangling(), len: 0, block: None, elements: PhantomData }
    }
}

/// Another reference to the same memory; copies no number.
///
/// ```
/// let numbers = manyhands::SharedSlice::copy_of(&[1, 2, 3])?;
/// assert_eq!(numbers.clone().as_ptr(), numbers.as_ptr());
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<T> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        Self { start: self.start, len: self.len, block: self.block.clone(), elements: PhantomData }
    }
}

/// Shows the length only: there may be very many elements.
///
/// ```
/// let numbers = manyhands::SharedSlice::copy_of(&[1, 2, 3])?;
/// assert_eq!(format!("{numbers:?}"), "SharedSlice { len: 3, .. }");
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<T> fmt::Debug for SharedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSlice").field("len", &self.len).finish_non_exhaustive()
    }
}

/// As a plain slice, for functions that take any `AsRef<[T]>`. Copies nothing.
///
/// ```
/// let numbers = manyhands::SharedSlice::copy_of(&[1_i32, 2, 3])?;
/// let plain: &[i32] = numbers.as_ref();
/// assert_eq!(plain.len(), 3);
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<T> AsRef<[T]> for SharedSlice<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

/// Compares the elements, wherever they lie.
///
/// ```
/// let numbers = manyhands::SharedSlice::copy_of(&[1, 2, 1, 2])?;
/// assert_eq!(numbers.view(..2), numbers.view(2..));
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<T: PartialEq> PartialEq for SharedSlice<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for SharedSlice<T> {}

/// Iterates over references to the elements.
///
/// ```
/// let mut sum = 0;
/// for number in &manyhands::SharedSlice::copy_of(&[1, 2, 3])? {
///     sum += number;
/// }
/// assert_eq!(sum, 6);
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<'s, T> IntoIterator for &'s SharedSlice<T> {
    type Item = &'s T;
    type IntoIter = std::slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Where elements are, in bytes: the form of a slice between processes.
///
/// Bytes and not elements, so that it has the same form for every type; `at` checks that they are whole elements.
/// Encoded in at most 40 bytes.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Place {
    /// The block that the elements lie in.
    id: BlockId,
    /// The length of the block, so that a wrong block is noticed.
    total: usize,
    /// Where the elements begin in the block.
    first: usize,
    /// The length of the elements.
    bytes: usize,
}

impl<T: PlainNumber> SharedSlice<T> {
    /// Where the elements are; `None` for an empty slice.
    fn place(&self) -> Option<Place> {
        let block = self.block.as_ref()?;
        let first = self.start.as_ptr().addr() - block.bytes().as_ptr().addr();
        Some(Place { id: block.id(), total: block.bytes().len(), first, bytes: size_of_val::<[T]>(self) })
    }
}

/// In a message to another process it is a place in its block, at most 41 bytes however long the slice is; the block
/// itself travels beside the message, to each worker once. In any other format it is the sequence of its elements.
impl<T: PlainNumber + Serialize> Serialize for SharedSlice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if attach(self.block.as_ref()) { self.place().serialize(serializer) } else { self[..].serialize(serializer) }
    }
}

/// The other side of `Serialize`. From any other format, the elements are read into a `Vec` first and then copied into
/// new shared memory, so they exist twice for a moment.
impl<'de, T: PlainNumber + Deserialize<'de>> Deserialize<'de> for SharedSlice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if decodes_attached() {
            let place = Option::<Place>::deserialize(deserializer)?;
            place.map_or_else(|| Ok(Self::default()), Self::found).map_err(de::Error::custom)
        } else {
            Self::copy_of(&Vec::deserialize(deserializer)?).map_err(de::Error::custom)
        }
    }
}

impl<T: PlainNumber> SharedSlice<T> {
    /// The elements at a place that another process named, which is checked.
    fn found(place: Place) -> Result<Self, String> {
        let block = find(place.id).ok_or_else(|| format!("{} is not in this process", place.id))?;
        Self::at(block, place).map_err(|problem| format!("{} does not fit: {problem}", place.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_holds_what_it_was_made_of() {
        let copied = SharedSlice::copy_of(&[1.5_f32, f32::NEG_INFINITY, -0.0]).unwrap();
        assert_eq!(*copied, [1.5, f32::NEG_INFINITY, 0.0]);
        let filled = SharedSlice::filled_by(3, |numbers: &mut [f32]| {
            assert_eq!(numbers, [0.0; 3]);
            numbers.copy_from_slice(&copied);
        });
        assert_eq!(filled.unwrap(), copied);
        let wide = SharedSlice::copy_of(&[u128::MAX, 1]).unwrap();
        assert_eq!(*wide.view(1..), [1]);
    }

    #[test]
    fn an_empty_slice_needs_no_memory() {
        let copied = SharedSlice::<u64>::copy_of(&[]).unwrap();
        let mut is_filled = false;
        let filled = SharedSlice::filled_by(0, |numbers: &mut [u64]| is_filled = numbers.is_empty()).unwrap();
        let viewed = SharedSlice::copy_of(&[1_u64]).unwrap().view(1..);
        assert!(is_filled);
        for empty in [copied, filled, viewed, SharedSlice::default()] {
            assert!(empty.block.is_none() && empty.is_empty() && empty.view(..).is_empty());
        }
    }

    #[test]
    fn views_are_cut_as_slices_are() {
        let numbers: Vec<u32> = (0..10).collect();
        let shared = SharedSlice::copy_of(&numbers).unwrap();
        for start in 0..12 {
            for end in 0..12 {
                let view = shared.get_view(start..end);
                assert_eq!(view.as_deref(), numbers.get(start..end), "{start}..{end}");
            }
        }
        let inner = shared.view(2..=8).view(1..).view(..3);
        assert_eq!(*inner, numbers[3..6]);
        assert_eq!(inner.as_ptr(), shared[3..].as_ptr());
        assert!(shared.get_view(..=usize::MAX).is_none());
    }

    #[test]
    #[should_panic(expected = "range end index 5 out of range for slice of length 4")]
    fn a_view_beyond_the_end_panics_as_a_slice_does() {
        let _ = SharedSlice::copy_of(&[1, 2, 3, 4]).unwrap().view(2..5);
    }

    #[test]
    fn a_view_keeps_the_memory_when_the_slice_is_gone() {
        let view = SharedSlice::copy_of(&[1, 2, 3, 4]).unwrap().view(1..3);
        assert_eq!(*view, [2, 3]);
    }

    #[test]
    fn it_is_a_sequence_to_other_formats() {
        let shared = SharedSlice::copy_of(&[[1_u8, 2], [3, 4]]).unwrap();
        let text = serde_json::to_string(&shared.view(1..)).unwrap();
        assert_eq!(text, "[[3,4]]");
        assert_eq!(*serde_json::from_str::<SharedSlice<[u8; 2]>>(&text).unwrap(), [[3, 4]]);
        assert!(serde_json::from_str::<SharedSlice<[u8; 2]>>("[]").unwrap().is_empty());
        assert!(serde_json::from_str::<SharedSlice<u8>>("[256]").is_err());
        let bytes = postcard::to_stdvec(&shared).unwrap();
        assert_eq!(bytes, [2, 1, 2, 3, 4]);
        assert_eq!(postcard::from_bytes::<SharedSlice<[u8; 2]>>(&bytes).unwrap(), shared);
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error_that_names_the_bytes() {
        for (len, bytes) in [
            (1 << 47, "1125899906842624"),
            (usize::MAX / 8, "18446744073709551608"),
            (usize::MAX, "147573952589676412920"),
        ] {
            let error = SharedSlice::filled_by(len, |_: &mut [u64]| panic!("there is nothing to fill")).unwrap_err();
            assert!(error.is_memory());
            let text = error.to_string();
            assert!(text.starts_with(&format!("{bytes} bytes of shared memory cannot be had: ")), "{text}");
        }
    }

    #[test]
    fn debug_tells_the_length_only() {
        assert_eq!(format!("{:?}", SharedSlice::copy_of(&[1, 2]).unwrap()), "SharedSlice { len: 2, .. }");
    }

    #[test]
    fn threads_share_a_slice() {
        fn is_shared_by_threads<T: Send + Sync>() {}
        is_shared_by_threads::<SharedSlice<f64>>();
    }
}
