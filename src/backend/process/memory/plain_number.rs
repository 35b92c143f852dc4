//! The types that may lie in shared memory: they hold no address, and any bytes are a value of them.

/// A type that a [`SharedSlice`](crate::SharedSlice) may hold: an integer, a float, or an array of these.
///
/// It is implemented for all of them, and cannot be implemented for other types, whose bytes may hold addresses or
/// padding.
///
/// ```
/// use manyhands::{Error, SharedSlice};
///
/// let positions = SharedSlice::copy_of(&[[0.0_f32, 1.0, 2.0], [3.0, 4.0, 5.0]])?;
/// assert_eq!(positions[1], [3.0, 4.0, 5.0]);
/// # Ok::<(), Error>(())
/// ```
///
/// ```compile_fail,E0277
/// manyhands::SharedSlice::copy_of(&["text".to_owned()]); // holds an address, which means nothing to another process
/// ```
///
/// A function for every such type names the trait as its bound:
///
/// ```
/// use manyhands::{SharedSlice, process::PlainNumber};
///
/// fn middle<T: PlainNumber>(numbers: &SharedSlice<T>) -> Option<T> {
///     numbers.get(numbers.len() / 2).copied()
/// }
/// let numbers = SharedSlice::copy_of(&[3_u8, 5, 9])?;
/// assert_eq!(middle(&numbers), Some(5));
/// # Ok::<(), manyhands::Error>(())
/// ```
///
/// `bool` and `char` are not among them, since not all bytes are one; store them as `u8` and `u32`:
///
/// ```compile_fail,E0277
/// let _ = manyhands::SharedSlice::copy_of(&[true, false]);
/// ```
///
/// `usize` and `isize` may be shared because a worker is a copy of the same program, so they are equally long there;
/// where a slice is written in another format and read on another machine, use a type of fixed length.
pub trait PlainNumber: Copy + Send + Sync + 'static + sealed::Plain {}

mod sealed {
    /// What the crate itself knows of such a type.
    #[expect(unnameable_types, reason = "a seal: no other crate adds a type of numbers")]
    pub trait Plain: bytemuck::Pod {}
}

macro_rules! plain_numbers {
    ($($number:ty)*) => {
        $(
            impl sealed::Plain for $number {}
            impl PlainNumber for $number {}
        )*
    };
}

plain_numbers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

impl<T: PlainNumber, const N: usize> sealed::Plain for [T; N] {}
impl<T: PlainNumber, const N: usize> PlainNumber for [T; N] {}
