//! The numbers of a signal: immutable, shared by copies, and mapped into other processes instead of being sent to them. Their order and
//! their hash are computed once and sent along.
//!
//! The science sees a slice. Besides `parallel.rs` this is the one file that uses manyhands, for the memory that processes
//! share. That memory is filled when a list is sent for the first time, at about half a nanosecond per byte, and then stays
//! beside the list's own: process mode takes up to twice the memory of the signals that were read in the calling process.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use manyhands::process::PlainNumber;
use manyhands::{AtomicCounter, SharedSlice, Synchronized};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use xxhash_rust::xxh3::xxh3_128;

/// Fewer bytes are copied into the message: memory of their own would cost more, a descriptor and a mapping per process.
const WORTH_SHARING: usize = 64 * 1024;

/// The most that this process puts into memory of their own: each takes a descriptor, of which a process has about a thousand.
const MOST_SHARED: u64 = 256;

/// The number of those.
static N_SHARED: AtomicCounter = AtomicCounter::new();

/// A number that signals are made of: `f64`, or `i64` for times.
pub trait Number:
    PlainNumber + bytemuck::Pod + PartialOrd + fmt::Debug + Serialize + for<'de> Deserialize<'de>
{
}

impl Number for f64 {}
impl Number for i64 {}

/// Numbers that no longer change; copies share them.
///
/// It is used as a slice. A long list is sent to another process of this program as a descriptor of shared memory; into JSON
/// it is written as a list.
///
/// ```
/// use sleep_analysis::Samples;
///
/// let samples = Samples::from(vec![60.0, 62.0, 61.0]);
/// assert_eq!(samples[1..], [62.0, 61.0]);
/// assert_eq!(samples.clone().as_ptr(), samples.as_ptr());
/// ```
pub struct Samples<T: Number = f64> {
    inner: Arc<Inner<T>>,
}

struct Inner<T: Number> {
    numbers: Numbers<T>,
    facts: Synchronized<Facts<T>>,
}

enum Numbers<T: Number> {
    Own(Vec<T>),
    /// From another process: in shared memory only.
    Mapped(SharedSlice<T>),
}

/// Facts that are computed once.
struct Facts<T: Number> {
    is_sorted: Option<bool>,
    hash: Option<u128>,
    transfer: Option<Transfer<T>>,
}

/// How they are sent to another process, decided at the first time.
enum Transfer<T: Number> {
    AsBytes,
    /// In memory of their own, which is counted.
    Shared(SharedSlice<T>),
}

impl<T: Number> Samples<T> {
    /// The numbers, to be changed: copied only when another copy shares them.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        match Arc::try_unwrap(self.inner) {
            Ok(Inner { numbers: Numbers::Own(own), .. }) => own,
            Ok(inner) => inner.as_slice().to_vec(),
            Err(inner) => inner.as_slice().to_vec(),
        }
    }

    /// True when no number is less than the one ahead of it. Read once, however often it is requested.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.inner.facts.with(|facts| *facts.is_sorted.get_or_insert_with(|| (**self).is_sorted()))
    }

    /// A hash of all bits (xxh3). They are read once, however often it is requested.
    #[must_use]
    pub fn hash(&self) -> u128 {
        self.inner.facts.with(|facts| *facts.hash.get_or_insert_with(|| xxh3_128(bytemuck::cast_slice(self))))
    }

    /// Numbers for one reader: they are sent as bytes, however many there are.
    pub(crate) fn sent(own: Vec<T>) -> Self {
        Self::from_parts(Numbers::Own(own), Facts { is_sorted: None, hash: None, transfer: Some(Transfer::AsBytes) })
    }

    /// Whether they are large and [`Samples::share`] was not called yet.
    pub(crate) fn is_to_share(&self) -> bool {
        self.inner.is_large() && self.inner.facts.with(|facts| facts.transfer.is_none())
    }

    /// Copies them into shared memory, unless they are few or there is no such memory: then they are sent as bytes.
    /// Sending them does it too.
    pub(crate) fn share(&self) {
        self.inner.shared();
    }

    fn from_parts(numbers: Numbers<T>, facts: Facts<T>) -> Self {
        Self { inner: Arc::new(Inner { numbers, facts: Synchronized::new(facts) }) }
    }
}

impl<T: Number> Inner<T> {
    fn as_slice(&self) -> &[T] {
        match &self.numbers {
            Numbers::Own(own) => own,
            Numbers::Mapped(slice) => slice,
        }
    }

    fn is_large(&self) -> bool {
        size_of_val(self.as_slice()) >= WORTH_SHARING
    }

    /// The shared memory with the numbers, if they are sent that way. Made under the lock, so only once.
    fn shared(&self) -> Option<SharedSlice<T>> {
        self.facts.with(|facts| match facts.transfer.get_or_insert_with(|| self.choose_transfer()) {
            Transfer::AsBytes => None,
            Transfer::Shared(slice) => Some(slice.clone()),
        })
    }

    fn choose_transfer(&self) -> Transfer<T> {
        match &self.numbers {
            Numbers::Mapped(slice) => Transfer::new(slice.clone()),
            // One too many, because two threads read the counter at once, does no harm.
            Numbers::Own(own) if self.is_large() && N_SHARED.value() < MOST_SHARED => {
                SharedSlice::copy_of(own).map_or(Transfer::AsBytes, Transfer::new)
            }
            Numbers::Own(_) => Transfer::AsBytes,
        }
    }
}

impl<T: Number> Transfer<T> {
    fn new(slice: SharedSlice<T>) -> Self {
        N_SHARED.increment();
        Self::Shared(slice)
    }
}

impl<T: Number> Drop for Transfer<T> {
    fn drop(&mut self) {
        if matches!(self, Self::Shared(_)) {
            N_SHARED.decrement();
        }
    }
}

impl<T: Number> Deref for Samples<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.inner.as_slice()
    }
}

impl<T: Number> From<Vec<T>> for Samples<T> {
    fn from(own: Vec<T>) -> Self {
        Self::from_parts(Numbers::Own(own), Facts { is_sorted: None, hash: None, transfer: None })
    }
}

impl<T: Number> FromIterator<T> for Samples<T> {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        Vec::from_iter(numbers).into()
    }
}

impl<'a, T: Number> IntoIterator for &'a Samples<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Number> Clone for Samples<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T: Number> Default for Samples<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Number> fmt::Debug for Samples<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Number, N: AsRef<[T]> + ?Sized> PartialEq<N> for Samples<T> {
    fn eq(&self, other: &N) -> bool {
        **self == *other.as_ref()
    }
}

impl<T: Number> AsRef<[T]> for Samples<T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Number> Serialize for Samples<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return (**self).serialize(serializer);
        }
        match self.inner.shared() {
            Some(slice) => {
                let (is_sorted, hash) = self.inner.facts.with(|facts| (facts.is_sorted, facts.hash));
                Encoded::Shared { slice, is_sorted, hash }
            }
            None => Encoded::Inline(Bytes(bytemuck::cast_slice(self))),
        }
        .serialize(serializer)
    }
}

impl<'de, T: Number> Deserialize<'de> for Samples<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Vec::deserialize(deserializer).map(Self::from);
        }
        match Encoded::deserialize(deserializer)? {
            // Written again, they are bytes again: what is read back must be written as it was.
            Encoded::Inline(Copied(numbers)) => Ok(Self::sent(numbers)),
            Encoded::Shared { slice, is_sorted, hash } => {
                let transfer = Some(Transfer::new(SharedSlice::clone(&slice)));
                Ok(Self::from_parts(Numbers::Mapped(slice), Facts { is_sorted, hash, transfer }))
            }
        }
    }
}

/// Numbers in a format for machines: as bytes, which is several times as fast as one by one, or as a descriptor of shared memory.
#[derive(Serialize, Deserialize)]
enum Encoded<Numbers, Slice> {
    Inline(Numbers),
    Shared { slice: Slice, is_sorted: Option<bool>, hash: Option<u128> },
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Copied<T>(Vec<T>);

impl<'de, T: Number> Deserialize<'de> for Copied<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Copying(std::marker::PhantomData)).map(Self)
    }
}

struct Copying<T>(std::marker::PhantomData<T>);

impl<T: Number> Visitor<'_> for Copying<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of whole numbers")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let mut numbers = vec![T::zeroed(); bytes.len() / size_of::<T>()];
        bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few() -> Samples {
        vec![1.5, f64::NAN, -0.0].into()
    }

    fn many() -> Samples<i64> {
        (0..WORTH_SHARING as i64).collect()
    }

    fn bits(samples: &[f64]) -> Vec<u64> {
        samples.iter().map(|sample| sample.to_bits()).collect()
    }

    #[test]
    fn few_and_many_come_out_of_a_message_as_they_went_in() {
        let message = postcard::to_stdvec(&(few(), many())).unwrap();
        let (two, three): (Samples, Samples<i64>) = postcard::from_bytes(&message).unwrap();
        assert_eq!(bits(&two), bits(&few()));
        assert_eq!(three, many());
        assert_eq!((three.len(), three.clone().into_vec()), (WORTH_SHARING, many().into_vec()));
    }

    #[test]
    fn what_came_as_bytes_is_written_as_the_same_bytes() {
        let message = postcard::to_stdvec(&Samples::sent(many().into_vec())).unwrap();
        let read: Samples<i64> = postcard::from_bytes(&message).unwrap();
        assert!(postcard::to_stdvec(&read).unwrap() == message);
    }

    #[test]
    fn json_has_a_list_whether_they_were_sent_before_or_not() {
        let samples: Samples = vec![0.5; WORTH_SHARING].into();
        let before = serde_json::to_string(&samples).unwrap();
        assert!(before.starts_with("[0.5,0.5,"));
        postcard::to_stdvec(&samples).unwrap();
        assert_eq!(serde_json::to_string(&samples).unwrap(), before);
        assert_eq!(serde_json::from_str::<Samples>(&before).unwrap(), samples);
    }

    #[test]
    fn many_are_shared_once_however_often_they_are_sent() {
        let samples = many();
        assert!(samples.is_to_share() && !few().is_to_share());
        postcard::to_stdvec(&samples.clone()).unwrap();
        let place = samples.inner.shared().unwrap();
        postcard::to_stdvec(&samples).unwrap();
        assert!(!samples.is_to_share());
        assert_eq!(samples.inner.shared().unwrap().as_ptr(), place.as_ptr());
        assert_eq!(*place, *samples);
    }

    #[test]
    fn facts_are_sent_with_them() {
        let falling: Samples<i64> = (0..WORTH_SHARING as i64).rev().collect();
        for samples in [many(), falling, vec![3, 1, 2].into()] {
            let unread: Samples<i64> = postcard::from_bytes(&postcard::to_stdvec(&samples).unwrap()).unwrap();
            assert_eq!((unread.is_sorted(), unread.hash()), (samples.is_sorted(), samples.hash()));
            let read: Samples<i64> = postcard::from_bytes(&postcard::to_stdvec(&samples).unwrap()).unwrap();
            assert_eq!((read.is_sorted(), read.hash()), (samples.is_sorted(), samples.hash()));
            assert_eq!(samples.is_sorted(), samples == many());
            assert_ne!(samples.hash(), samples[1..].iter().copied().collect::<Samples<i64>>().hash());
        }
    }

    #[test]
    fn unshared_samples_become_a_list_without_a_copy() {
        let samples = few();
        let place = samples.as_ptr();
        let copied = samples.clone().into_vec();
        let own = samples.into_vec();
        assert_ne!(copied.as_ptr(), place);
        assert_eq!(own.as_ptr(), place);
        assert!(Samples::<f64>::default().into_vec().is_empty());
    }

    #[test]
    fn half_a_number_is_refused() {
        let message = postcard::to_stdvec(&Encoded::<_, ()>::Inline(Bytes(&[1, 2, 3]))).unwrap();
        assert!(postcard::from_bytes::<Samples>(&message).is_err());
    }
}
