//! Writes a value in the compact format, and notes its shape on the way.
//!
//! The kinds of numbers and texts are no shapes here: the reader of a place asks for one kind, the same one each time,
//! so a first value of that place shows whether it is the right one. That spares the notes of the most frequent parts.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::encoding::kinds;
use crate::encoding::problem::Problem;
use crate::encoding::shapes::{Shapes, Site};
use crate::encoding::sink::Sink;

/// What all parts of a value are written with.
pub(in crate::encoding) struct Common<'c, S> {
    pub(in crate::encoding) sink: &'c mut S,
    pub(in crate::encoding) shapes: &'c Shapes,
}

/// Writes one value, or a part of one. Two words, which travel in registers.
pub(in crate::encoding) struct Writer<'w, 'c, S> {
    common: &'w mut Common<'c, S>,
    site: Site,
}

impl<'w, 'c, S: Sink> Writer<'w, 'c, S> {
    /// For a whole value.
    #[inline]
    pub(in crate::encoding) fn new(common: &'w mut Common<'c, S>) -> Self {
        common.shapes.note(Site::ROOT, kinds::VALUE);
        Self { common, site: Site::ROOT }
    }

    #[inline]
    fn note(&self, what: u64) {
        self.common.shapes.note(self.site, what);
    }

    #[inline]
    fn put(self, bytes: &[u8]) -> Result<(), Problem> {
        self.common.sink.append(bytes);
        Ok(())
    }

    /// The one part of a value.
    #[inline]
    fn part(self, number: u64) -> Result<Self, Problem> {
        Ok(Self { site: self.site.deeper()?.part(number), ..self })
    }

    /// So many parts of a value, which are a level deeper.
    #[inline]
    fn parts(self, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        Ok(Parts { common: self.common, site: self.site.deeper()?, next: 0, left: length })
    }

    #[inline]
    fn counted(self, kind: u64, length: Option<usize>) -> Result<Parts<'w, 'c, S>, Problem> {
        self.note(kinds::of_count(kind, length));
        let length = length.ok_or_else(no_length)?;
        put_integer(self.common.sink, length as u64);
        self.parts(length)
    }

    #[inline]
    fn variant(
        self,
        (name, index, variant): (&'static str, u32, &'static str),
        length: usize,
    ) -> Result<Parts<'w, 'c, S>, Problem> {
        self.note(kinds::of_variant(name, index, variant) ^ kinds::of_length(0, length));
        put_integer(self.common.sink, u64::from(index));
        self.part(u64::from(index))?.parts(length)
    }
}

#[cold]
fn no_length() -> Problem {
    Problem::new("the length of a list or map is not known before its elements, and is written first")
}

/// An integer of 16 to 64 bits.
#[inline]
fn put_integer<S: Sink>(sink: &mut S, value: u64) {
    if value < 0x80 {
        sink.append(&[low_bits(value)]);
    } else {
        put_long_integer(sink, value);
    }
}

#[inline]
fn put_long_integer<S: Sink>(sink: &mut S, mut value: u64) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = low_bits(value) | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = low_bits(value);
    sink.append(&bytes[..=length]);
}

fn put_wide_integer<S: Sink>(sink: &mut S, mut value: u128) {
    while value >= 0x80 {
        sink.append(&[low_bits(value as u64) | 0x80]);
        value >>= 7;
    }
    sink.append(&[low_bits(value as u64)]);
}

/// The lowest seven bits.
#[inline]
fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// 0, -1, 1, -2 as 0, 1, 2, 3.
#[inline]
fn folded(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

impl<'w, 'c, S: Sink> Serializer for Writer<'w, 'c, S> {
    type Ok = ();
    type Error = Problem;
    type SerializeSeq = Parts<'w, 'c, S>;
    type SerializeTuple = Parts<'w, 'c, S>;
    type SerializeTupleStruct = Parts<'w, 'c, S>;
    type SerializeTupleVariant = Parts<'w, 'c, S>;
    type SerializeMap = Parts<'w, 'c, S>;
    type SerializeStruct = Parts<'w, 'c, S>;
    type SerializeStructVariant = Parts<'w, 'c, S>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Problem> {
        self.put(&[u8::from(value)])
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), Problem> {
        self.put(&value.to_le_bytes())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), Problem> {
        self.serialize_i64(i64::from(value))
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), Problem> {
        self.serialize_i64(i64::from(value))
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Problem> {
        self.serialize_u64(folded(value))
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<(), Problem> {
        self.serialize_u128(((value << 1) ^ (value >> 127)).cast_unsigned())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), Problem> {
        self.put(&[value])
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), Problem> {
        self.serialize_u64(u64::from(value))
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), Problem> {
        self.serialize_u64(u64::from(value))
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), Problem> {
        put_integer(self.common.sink, value);
        Ok(())
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<(), Problem> {
        put_wide_integer(self.common.sink, value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), Problem> {
        self.put(&value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Problem> {
        self.put(&value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), Problem> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Problem> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Problem> {
        put_integer(self.common.sink, value.len() as u64);
        self.put(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Problem> {
        self.note(kinds::OPTION);
        self.put(&[0])
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Problem> {
        self.note(kinds::SOME);
        self.common.sink.append(&[1]);
        value.serialize(self.part(0)?)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Problem> {
        self.note(kinds::UNIT);
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Problem> {
        self.note(kinds::of_name(name) << 8 | kinds::UNIT);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<(), Problem> {
        self.note(kinds::of_variant(name, index, variant));
        self.part(u64::from(index))?.serialize_u32(index)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Problem> {
        value.serialize(self.part(0)?)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Problem> {
        self.note(kinds::of_variant(name, index, variant));
        put_integer(self.common.sink, u64::from(index));
        value.serialize(self.part(u64::from(index))?)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'w, 'c, S>, Problem> {
        self.counted(kinds::SEQ, length)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        self.note(kinds::of_length(kinds::TUPLE, length));
        self.parts(length)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        self.note(kinds::of_length(kinds::STRUCT, length));
        self.parts(length)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'w, 'c, S>, Problem> {
        self.variant((name, index, variant), length)
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'w, 'c, S>, Problem> {
        self.counted(kinds::MAP, length)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        self.note(kinds::of_name(name) ^ kinds::of_length(kinds::STRUCT, length));
        self.parts(length)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'w, 'c, S>, Problem> {
        self.variant((name, index, variant), length)
    }

    /// Into a text of its own first, as its length is written before it.
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Problem> {
        let mut text = String::new();
        write!(text, "{value}").map_err(|_| Problem::new("its Display fails"))?;
        self.serialize_str(&text)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a list, a map, a tuple, a struct or a variant.
pub(in crate::encoding) struct Parts<'w, 'c, S> {
    common: &'w mut Common<'c, S>,
    /// Its own place, or the variant's.
    site: Site,
    /// The number of the next field.
    next: u64,
    /// How many are still to be written, of those that were said at the beginning.
    left: usize,
}

/// The values of a map; its keys have the place of the elements of a list.
const VALUES: u64 = 1;

impl<'c, S: Sink> Parts<'_, 'c, S> {
    #[inline]
    fn part(&mut self, number: u64) -> Writer<'_, 'c, S> {
        Writer { common: self.common, site: self.site.part(number) }
    }

    /// One of the parts that were said at the beginning.
    #[inline]
    fn counted_part(&mut self, number: u64) -> Writer<'_, 'c, S> {
        self.left = self.left.wrapping_sub(1); // one too many is noticed at the end
        self.part(number)
    }

    #[inline]
    fn field(&mut self) -> Writer<'_, 'c, S> {
        self.next += 1;
        self.counted_part(self.next - 1)
    }

    /// A reader takes as many parts as were said, and would read others in the place of those that are missing.
    #[inline]
    fn finish(self) -> Result<(), Problem> {
        if self.left == 0 { Ok(()) } else { Err(wrong_length()) }
    }
}

#[cold]
fn wrong_length() -> Problem {
    Problem::new("its Serialize says another number of elements or fields than it writes")
}

impl<S: Sink> SerializeSeq for Parts<'_, '_, S> {
    type Ok = ();
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        value.serialize(self.counted_part(0))
    }

    #[inline]
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}

impl<S: Sink> SerializeMap for Parts<'_, '_, S> {
    type Ok = ();
    type Error = Problem;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        key.serialize(self.counted_part(0))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        value.serialize(self.part(VALUES))
    }

    #[inline]
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}

impl<S: Sink> SerializeTuple for Parts<'_, '_, S> {
    type Ok = ();
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        value.serialize(self.field())
    }

    #[inline]
    fn end(self) -> Result<(), Problem> {
        self.finish()
    }
}

/// Structs and variants with unnamed fields.
macro_rules! unnamed_fields {
    ($($trait:ident),*) => {$(
        impl<S: Sink> $trait for Parts<'_, '_, S> {
            type Ok = ();
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                value.serialize(self.field())
            }

            #[inline]
            fn end(self) -> Result<(), Problem> {
                self.finish()
            }
        }
    )*};
}

unnamed_fields!(SerializeTupleStruct, SerializeTupleVariant);

/// Structs and variants with named fields, which can be skipped.
macro_rules! named_fields {
    ($($trait:ident),*) => {$(
        impl<S: Sink> $trait for Parts<'_, '_, S> {
            type Ok = ();
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Problem> {
                value.serialize(self.field())
            }

            #[inline]
            fn skip_field(&mut self, _: &'static str) -> Result<(), Problem> {
                self.next += 1;
                self.part(self.next - 1).note(kinds::SKIPPED);
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<(), Problem> {
                self.finish()
            }
        }
    )*};
}

named_fields!(SerializeStruct, SerializeStructVariant);
