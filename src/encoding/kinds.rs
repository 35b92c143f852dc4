//! What a value's serde code does at one place, as a number: the part of a shape beside its place.

pub(super) const BOOL: u64 = 1;
pub(super) const I8: u64 = 2;
pub(super) const I16: u64 = 3;
pub(super) const I32: u64 = 4;
pub(super) const I64: u64 = 5;
pub(super) const I128: u64 = 6;
pub(super) const U8: u64 = 7;
pub(super) const U16: u64 = 8;
pub(super) const U32: u64 = 9;
pub(super) const U64: u64 = 10;
pub(super) const U128: u64 = 11;
pub(super) const F32: u64 = 12;
pub(super) const F64: u64 = 13;
pub(super) const CHAR: u64 = 14;
pub(super) const STR: u64 = 15;
pub(super) const BYTES: u64 = 16;

pub(super) const VALUE: u64 = 31;
pub(super) const OPTION: u64 = 32;
pub(super) const UNIT: u64 = 34;
pub(super) const STRUCT: u64 = 35;
pub(super) const VARIANT: u64 = 36;
pub(super) const SEQ: u64 = 37;
pub(super) const TUPLE: u64 = 38;
pub(super) const MAP: u64 = 39;
pub(super) const SKIPPED: u64 = 40;

/// An option with a value; the kind alone is one without.
pub(super) const SOME: u64 = OPTION | 1 << 8;

/// A number of a name that the compiler knows beforehand: its length, its first letter and its last one. Names that agree
/// in them are told apart by their places; at one place, a type has one name.
#[inline]
pub(super) fn of_name(name: &'static str) -> u64 {
    let bytes = name.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => (bytes.len() as u64) << 16 | u64::from(first) << 8 | u64::from(last),
        _ => 0,
    }
}

/// Two variants of an enum have two indices.
#[inline]
pub(super) fn of_variant(name: &'static str, index: u32, variant: &'static str) -> u64 {
    (u64::from(index) << 40 | of_name(name) << 8) ^ of_name(variant) << 20 | VARIANT
}

#[inline]
pub(super) fn of_length(kind: u64, length: usize) -> u64 {
    (length as u64) << 8 | kind
}

/// Whether a list has elements, and whether their number is known beforehand.
#[inline]
pub(super) fn of_count(kind: u64, count: Option<usize>) -> u64 {
    kind | count.map_or(2, |count| u64::from(count > 0)) << 8
}
