//! The compact format: values without names, each in the fewest bytes. Byte for byte that of postcard.
//!
//! | value | bytes |
//! |---|---|
//! | `bool`, `u8`, `i8` | 1 |
//! | a longer integer | 7 bits in each byte, the lowest first; the highest bit says that another byte follows. Signed ones are folded first: 0, -1, 1, -2 are written as 0, 1, 2, 3 |
//! | `f32`, `f64` | 4 and 8, the lowest first |
//! | text, bytes, `char` | their length as such an integer, and then they |
//! | list, map | the number of elements, and then they |
//! | `Option` | 0, or 1 and the value |
//! | a variant | its index as such an integer, and then its fields |
//! | struct, tuple | their fields |
//! | `()`, a unit struct | none |
//!
//! It is here, and not called through postcard, for the costs: what is checked per value (shapes, lengths, levels) and
//! the texts of errors would need a wrapper around each of postcard's calls, which made a tiny item a tenth slower. Here
//! they are a few instructions within the calls.

mod reader;
mod writer;

pub(super) use reader::Reader;
pub(super) use writer::{Common, Writer};
