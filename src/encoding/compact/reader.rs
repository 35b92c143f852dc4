//! Reads a value in the compact format, whatever the bytes are.
//!
//! Promise: the time, the memory and the stack that a value takes to read are bounded by the length of its bytes, and by
//! [`MOST_EMPTY`] and [`LEVELS`]. `()` takes no bytes, so a list of 2^60 of them is nine bytes long, and reading it would
//! take years; a list of a list of a list, one byte for each, would need as much stack as it has bytes.
//!
//! How: each list and each map is charged its claimed length before its first element is read. Elements of one byte or
//! more, at whatever depth, are together no more than the bytes; what goes beyond that, elements without bytes, has a
//! bound of its own.

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::encoding::bounds::{LEVELS, MOST_EMPTY, claims_too_many, too_deep};
use crate::encoding::kinds;
use crate::encoding::problem::Problem;
use crate::encoding::shapes::mix;

/// Reads one value. If it is `TRACED`, it keeps account of what it is asked for.
pub(in crate::encoding) struct Reader<'de, const TRACED: bool> {
    /// Those that were not read yet.
    bytes: &'de [u8],
    /// How many more elements the lists and maps may claim.
    left: usize,
    /// How many more levels there may be below this one.
    levels: u16,
    /// The kinds that it was asked for, in their order, as one number.
    kinds: u64,
}

#[cold]
fn ends_early() -> Problem {
    Problem::new("its bytes end before it does")
}

#[cold]
fn is_none_of(what: &'static str) -> Problem {
    Problem::new(format!("its bytes are no {what}"))
}

/// For what only a format can answer that says what comes next.
#[cold]
fn says_not_what_comes() -> Problem {
    Problem::new("its type asks what comes next, and the compact format does not write that")
}

impl<'de, const TRACED: bool> Reader<'de, TRACED> {
    #[inline]
    pub(in crate::encoding) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, left: bytes.len().saturating_add(MOST_EMPTY), levels: LEVELS, kinds: 0 }
    }

    /// How many bytes were not read.
    #[inline]
    pub(in crate::encoding) fn n_left(&self) -> usize {
        self.bytes.len()
    }

    /// The kinds that were asked for, as `outline.rs` gives those that were written.
    pub(in crate::encoding) fn kinds(&self) -> u64 {
        self.kinds
    }

    /// Is asked for a value of this kind.
    #[inline(always)]
    fn note(&mut self, kind: u64) {
        if TRACED {
            self.kinds = mix(self.kinds, kind);
        }
    }

    #[inline(always)]
    fn byte(&mut self) -> Result<u8, Problem> {
        let (&first, rest) = self.bytes.split_first().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(first)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (&first, rest) = self.bytes.split_first_chunk().ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(first)
    }

    /// An integer of this many bits, 64 at most.
    #[inline(always)]
    fn integer(&mut self, bits: u32) -> Result<u64, Problem> {
        match self.byte()? {
            only @ ..0x80 => Ok(u64::from(only)),
            first => self.long_integer(bits, u64::from(first & 0x7f)),
        }
    }

    /// An integer with these lowest seven bits, from its second byte on.
    #[inline(never)] // so that what calls it stays small enough to be inlined
    fn long_integer(&mut self, bits: u32, mut value: u64) -> Result<u64, Problem> {
        let mut shift = 7;
        while shift < bits {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            // The last byte has room for fewer bits than it could hold.
            if bits - shift < 7 && low >> (bits - shift) != 0 {
                break;
            }
            value |= low << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
        Err(is_none_of("integer of its type"))
    }

    fn wide_integer(&mut self) -> Result<u128, Problem> {
        let mut value = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let low = u128::from(byte & 0x7f);
            if u128::BITS - shift < 7 && low >> (u128::BITS - shift) != 0 {
                break;
            }
            value |= low << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(is_none_of("integer of its type"))
    }

    #[inline(always)]
    fn signed(&mut self, bits: u32) -> Result<i64, Problem> {
        let folded = self.integer(bits)?;
        Ok((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    #[inline(always)]
    fn length(&mut self) -> Result<usize, Problem> {
        usize::try_from(self.integer(usize::BITS)?).map_err(|_| is_none_of("length"))
    }

    #[inline]
    fn run_of_bytes(&mut self) -> Result<&'de [u8], Problem> {
        let length = self.length()?;
        let (taken, rest) =
            self.bytes.split_at_checked(length).ok_or_else(|| claims_too_many(length, self.n_left()))?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str, Problem> {
        std::str::from_utf8(self.run_of_bytes()?).map_err(|_| is_none_of("text"))
    }

    /// The number of elements of a list or a map.
    #[inline(always)]
    fn count(&mut self) -> Result<usize, Problem> {
        let claimed = self.length()?;
        self.left = self.left.checked_sub(claimed).ok_or_else(|| claims_too_many(claimed, self.left))?;
        Ok(claimed)
    }

    /// Reads what is a level deeper.
    #[inline]
    fn deeper<A>(&mut self, read: impl FnOnce(&mut Self) -> Result<A, Problem>) -> Result<A, Problem> {
        self.levels = self.levels.checked_sub(1).ok_or_else(too_deep)?;
        let value = read(self);
        self.levels += 1;
        value
    }
}

/// Methods for integers of up to 64 bits.
macro_rules! integers {
    ($($method:ident = $visit:ident($type:ty, $kind:ident) by $read:ident),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.note(kinds::$kind);
            let value = self.$read(<$type>::BITS)?;
            visitor.$visit(<$type>::try_from(value).map_err(|_| is_none_of("integer of its type"))?)
        }
    )*};
}

/// Methods for what the format does not write.
macro_rules! unknown {
    ($($method:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Problem> {
            Err(says_not_what_comes())
        }
    )*};
}

impl<'de, const TRACED: bool> Deserializer<'de> for &mut Reader<'de, TRACED> {
    type Error = Problem;

    integers! {
        deserialize_u16 = visit_u16(u16, U16) by integer, deserialize_u32 = visit_u32(u32, U32) by integer,
        deserialize_u64 = visit_u64(u64, U64) by integer, deserialize_i16 = visit_i16(i16, I16) by signed,
        deserialize_i32 = visit_i32(i32, I32) by signed, deserialize_i64 = visit_i64(i64, I64) by signed,
    }

    unknown! { deserialize_any, deserialize_identifier, deserialize_ignored_any }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::BOOL);
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(is_none_of("bool")),
        }
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::U8);
        visitor.visit_u8(self.byte()?)
    }

    #[inline]
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::I8);
        visitor.visit_i8(self.byte()?.cast_signed())
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::U128);
        visitor.visit_u128(self.wide_integer()?)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::I128);
        let folded = self.wide_integer()?;
        visitor.visit_i128((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::F32);
        visitor.visit_f32(f32::from_bits(u32::from_le_bytes(self.array()?)))
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::F64);
        visitor.visit_f64(f64::from_bits(u64::from_le_bytes(self.array()?)))
    }

    #[inline]
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::CHAR);
        let mut letters = self.text()?.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => visitor.visit_char(letter),
            _ => Err(is_none_of("single letter")),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::STR);
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::BYTES);
        visitor.visit_borrowed_bytes(self.run_of_bytes()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::OPTION);
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.deeper(|reader| visitor.visit_some(reader)),
            _ => Err(is_none_of("option")),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        self.deeper(|reader| visitor.visit_newtype_struct(reader))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::SEQ);
        let count = self.count()?;
        self.deeper(|reader| visitor.visit_seq(Parts { reader, count }))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deeper(|reader| visitor.visit_seq(Parts { reader, count: length }))
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.note(kinds::SEQ);
        let count = self.count()?;
        self.deeper(|reader| visitor.visit_map(Parts { reader, count }))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.note(kinds::VARIANT);
        self.deeper(|reader| visitor.visit_enum(reader))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a list, a map, a tuple or a struct.
struct Parts<'r, 'de, const TRACED: bool> {
    reader: &'r mut Reader<'de, TRACED>,
    /// How many come.
    count: usize,
}

impl<const TRACED: bool> Parts<'_, '_, TRACED> {
    /// What a reader may make room for beforehand: more elements than there are bytes only while they come.
    #[inline]
    fn hint(&self) -> Option<usize> {
        (self.count <= self.reader.n_left()).then_some(self.count)
    }

    #[inline]
    fn take(&mut self) -> bool {
        let has_more = self.count > 0;
        self.count = self.count.saturating_sub(1);
        has_more
    }
}

impl<'de, const TRACED: bool> SeqAccess<'de> for Parts<'_, 'de, TRACED> {
    type Error = Problem;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if self.take() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de, const TRACED: bool> MapAccess<'de> for Parts<'_, 'de, TRACED> {
    type Error = Problem;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        if self.take() { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de, const TRACED: bool> EnumAccess<'de> for &mut Reader<'de, TRACED> {
    type Error = Problem;
    type Variant = Self;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Problem> {
        let index = u32::try_from(self.integer(u32::BITS)?).map_err(|_| is_none_of("variant"))?;
        let index: U32Deserializer<Problem> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de, const TRACED: bool> VariantAccess<'de> for &mut Reader<'de, TRACED> {
    type Error = Problem;

    #[inline]
    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_tuple(fields.len(), visitor)
    }
}
