//! Writes a value in the compact format, and notes its shape on the way.
//!
//! The kind of a number or a text is what writing it gives, and is noted with the shape of the value that it is a part
//! of: a struct has the kinds of its fields in its shape, a list those of all its elements. For code that serde derives,
//! the compiler knows these numbers beforehand, so the kinds cost no instruction; a `Serialize` that writes another kind
//! for another value has another shape then. So it is with the names of fields: one that writes them in another order for
//! another value is noticed.

use std::fmt::{Display, Write as _};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::encoding::bounds::{MOST_EMPTY, claims_too_many};
use crate::encoding::kinds;
use crate::encoding::problem::Problem;
use crate::encoding::shapes::{LAST_PLACE, Shapes, Site};
use crate::encoding::sink::Sink;

/// What all parts of a value are written with.
pub(in crate::encoding) struct Common<'c, S> {
    pub(in crate::encoding) sink: &'c mut S,
    pub(in crate::encoding) shapes: &'c Shapes,
    /// How many elements the lists and maps have so far.
    pub(in crate::encoding) n_elements: usize,
}

/// The kind of a number or a text that was written; 0 for what has noted its shape already.
#[derive(Clone, Copy)]
pub(in crate::encoding) struct Kind(u64);

impl Kind {
    const NOTED: Self = Self(0);

    /// The kind of a part, within the shape of a value with one part.
    #[inline]
    fn of_the_part(self) -> u64 {
        self.0 << 16
    }
}

/// Writes one value, or a part of one. Two words, which travel in registers.
pub(in crate::encoding) struct Writer<'w, 'c, S> {
    common: &'w mut Common<'c, S>,
    site: Site,
}

impl<'w, 'c, S: Sink> Writer<'w, 'c, S> {
    /// Writes a whole value.
    #[inline]
    pub(in crate::encoding) fn write<V: Serialize + ?Sized>(
        value: &V,
        common: &'w mut Common<'c, S>,
    ) -> Result<(), Problem> {
        let start = common.sink.len();
        let kind = value.serialize(Writer { common: &mut *common, site: Site::ROOT })?;
        common.shapes.note(Site::ROOT, kinds::VALUE ^ kind.of_the_part());
        let most = (common.sink.len() - start).saturating_add(MOST_EMPTY);
        if common.n_elements > most { Err(claims_too_many(common.n_elements, most)) } else { Ok(()) }
    }

    #[inline]
    fn note(&self, what: u64) {
        self.common.shapes.note(self.site, what);
    }

    #[inline]
    fn put(self, kind: u64, bytes: &[u8]) -> Result<Kind, Problem> {
        self.common.sink.append(bytes);
        Ok(Kind(kind))
    }

    #[inline]
    fn put_integer(self, kind: u64, value: u64) -> Result<Kind, Problem> {
        put_integer(self.common.sink, value);
        Ok(Kind(kind))
    }

    /// Text or bytes, with their length before them.
    #[inline]
    fn put_run(self, kind: u64, bytes: &[u8]) -> Result<Kind, Problem> {
        put_integer(self.common.sink, bytes.len() as u64);
        self.put(kind, bytes)
    }

    /// The one part of a value, whose shape is `what` and the kind of this part.
    #[inline]
    fn part<T: Serialize + ?Sized>(self, number: u64, what: u64, value: &T) -> Result<Kind, Problem> {
        let Self { common, site } = self;
        let kind = value.serialize(Writer { common: &mut *common, site: site.deeper()?.part(number) })?;
        common.shapes.note(site, what ^ kind.of_the_part());
        Ok(Kind::NOTED)
    }

    /// So many parts of a value, which are a level deeper.
    #[inline]
    fn parts(self, what: u64, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        Ok(Parts { common: self.common, site: self.site.deeper()?, what, next: 0, left: length })
    }

    #[inline]
    fn counted(self, kind: u64, length: Option<usize>) -> Result<Parts<'w, 'c, S>, Problem> {
        let what = kinds::of_count(kind, length);
        let length = length.ok_or_else(no_length)?;
        put_integer(self.common.sink, length as u64);
        self.common.n_elements = self.common.n_elements.saturating_add(length);
        self.parts(what, length)
    }

    #[inline]
    fn variant(
        self,
        (name, index, variant): (&'static str, u32, &'static str),
        length: usize,
    ) -> Result<Parts<'w, 'c, S>, Problem> {
        let what = kinds::of_variant(name, index, variant) ^ kinds::of_length(0, length);
        put_integer(self.common.sink, u64::from(index));
        let site = self.site.deeper()?.part(u64::from(index));
        Writer { common: self.common, site }.parts(what, length)
    }
}

#[cold]
fn no_length() -> Problem {
    Problem::new(
        "the length of a list or map is not known before its elements, and is written first; give Serialize the length, or \
                  use manyhands::process::Format::SelfDescribing (`flatten` needs it)",
    )
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
    type Ok = Kind;
    type Error = Problem;
    type SerializeSeq = Parts<'w, 'c, S>;
    type SerializeTuple = Parts<'w, 'c, S>;
    type SerializeTupleStruct = Parts<'w, 'c, S>;
    type SerializeTupleVariant = Parts<'w, 'c, S>;
    type SerializeMap = Parts<'w, 'c, S>;
    type SerializeStruct = Parts<'w, 'c, S>;
    type SerializeStructVariant = Parts<'w, 'c, S>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<Kind, Problem> {
        self.put(kinds::BOOL, &[u8::from(value)])
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<Kind, Problem> {
        self.put(kinds::I8, &value.to_le_bytes())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<Kind, Problem> {
        self.put_integer(kinds::I16, folded(i64::from(value)))
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<Kind, Problem> {
        self.put_integer(kinds::I32, folded(i64::from(value)))
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<Kind, Problem> {
        self.put_integer(kinds::I64, folded(value))
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<Kind, Problem> {
        put_wide_integer(self.common.sink, ((value << 1) ^ (value >> 127)).cast_unsigned());
        Ok(Kind(kinds::I128))
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<Kind, Problem> {
        self.put(kinds::U8, &[value])
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<Kind, Problem> {
        self.put_integer(kinds::U16, u64::from(value))
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<Kind, Problem> {
        self.put_integer(kinds::U32, u64::from(value))
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<Kind, Problem> {
        self.put_integer(kinds::U64, value)
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<Kind, Problem> {
        put_wide_integer(self.common.sink, value);
        Ok(Kind(kinds::U128))
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<Kind, Problem> {
        self.put(kinds::F32, &value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<Kind, Problem> {
        self.put(kinds::F64, &value.to_bits().to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<Kind, Problem> {
        self.put_run(kinds::CHAR, value.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<Kind, Problem> {
        self.put_run(kinds::STR, value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<Kind, Problem> {
        self.put_run(kinds::BYTES, value)
    }

    #[inline]
    fn serialize_none(self) -> Result<Kind, Problem> {
        self.note(kinds::OPTION);
        self.put(Kind::NOTED.0, &[0])
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Kind, Problem> {
        self.common.sink.append(&[1]);
        self.part(0, kinds::SOME, value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<Kind, Problem> {
        self.note(kinds::UNIT);
        Ok(Kind::NOTED)
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<Kind, Problem> {
        self.note(kinds::of_name(name) << 8 | kinds::UNIT);
        Ok(Kind::NOTED)
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<Kind, Problem> {
        self.note(kinds::of_variant(name, index, variant));
        self.site.deeper()?;
        self.put_integer(Kind::NOTED.0, u64::from(index))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Kind, Problem> {
        value.serialize(Self { site: self.site.deeper()?.part(0), ..self })
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Kind, Problem> {
        put_integer(self.common.sink, u64::from(index));
        self.part(u64::from(index), kinds::of_variant(name, index, variant), value)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'w, 'c, S>, Problem> {
        self.counted(kinds::SEQ, length)
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        self.parts(kinds::of_length(kinds::TUPLE, length), length)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'w, 'c, S>, Problem> {
        self.parts(kinds::of_length(kinds::STRUCT, length), length)
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
        self.parts(kinds::of_name(name) ^ kinds::of_length(kinds::STRUCT, length), length)
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
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Kind, Problem> {
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
    /// Its shape, as far as it was written.
    what: u64,
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

    /// An element of a list, or a key. A shape has the kinds of all, whatever their number and order.
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.left = self.left.wrapping_sub(1); // one too many is noticed at the end
        let kind = value.serialize(self.part(0))?;
        self.what |= 1 << (16 + kind.0);
        Ok(())
    }

    /// A part whose position counts, at this place.
    #[inline]
    fn field_at<T: Serialize + ?Sized>(&mut self, place: u64, value: &T) -> Result<(), Problem> {
        self.next += 1;
        self.left = self.left.wrapping_sub(1);
        let kind = value.serialize(self.part(place))?;
        self.what = self.what.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(kind.0);
        Ok(())
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.field_at(self.next, value)
    }

    /// A reader takes as many parts as were said, and would read others in the place of those that are missing.
    #[inline]
    fn finish(self) -> Result<Kind, Problem> {
        self.common.shapes.note(self.site, self.what);
        if self.left == 0 { Ok(Kind::NOTED) } else { Err(wrong_length()) }
    }
}

#[cold]
fn wrong_length() -> Problem {
    Problem::new("its Serialize says another number of elements or fields than it writes")
}

impl<S: Sink> SerializeSeq for Parts<'_, '_, S> {
    type Ok = Kind;
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.element(value)
    }

    #[inline]
    fn end(self) -> Result<Kind, Problem> {
        self.finish()
    }
}

impl<S: Sink> SerializeMap for Parts<'_, '_, S> {
    type Ok = Kind;
    type Error = Problem;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        self.element(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let kind = value.serialize(self.part(VALUES))?;
        self.what |= 1 << (40 + kind.0);
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<Kind, Problem> {
        self.finish()
    }
}

impl<S: Sink> SerializeTuple for Parts<'_, '_, S> {
    type Ok = Kind;
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.field_at(self.next.min(LAST_PLACE), value)
    }

    #[inline]
    fn end(self) -> Result<Kind, Problem> {
        self.finish()
    }
}

/// Structs and variants with unnamed fields.
macro_rules! unnamed_fields {
    ($($trait:ident),*) => {$(
        impl<S: Sink> $trait for Parts<'_, '_, S> {
            type Ok = Kind;
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                self.field(value)
            }

            #[inline]
            fn end(self) -> Result<Kind, Problem> {
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
            type Ok = Kind;
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
                // Two names have two addresses. A name that has two is read back twice.
                self.what ^= name.as_ptr().addr() as u64;
                self.field(value)
            }

            #[inline]
            fn skip_field(&mut self, _: &'static str) -> Result<(), Problem> {
                self.next += 1;
                self.part(self.next - 1).note(kinds::SKIPPED);
                Ok(())
            }

            #[inline]
            fn end(self) -> Result<Kind, Problem> {
                self.finish()
            }
        }
    )*};
}

named_fields!(SerializeStruct, SerializeStructVariant);
