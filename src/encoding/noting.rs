//! Writes a value through a serializer of any format, and notes its shape on the way. Adds no byte.
//!
//! It also keeps the text of an error that the user's `Serialize` makes, which postcard would drop.

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::encoding::problem::Problem;
use crate::encoding::shapes::{Shapes, Site};

/// A value, or a part of one, that notes its shape while it is written.
///
/// With `PLAIN` the kinds of numbers and texts are shapes too, for a format whose reader takes whichever kind comes. In a
/// format without names the reader asks for one kind, the same one each time that it comes to a place, so a first value
/// of that place shows whether it is the right one; that spares the notes of the most frequent parts.
pub(super) struct Noted<'s, 'v, V: ?Sized, const PLAIN: bool> {
    value: &'v V,
    shapes: &'s Shapes,
    site: Site,
}

impl<'s, 'v, V: ?Sized, const PLAIN: bool> Noted<'s, 'v, V, PLAIN> {
    /// A whole value.
    #[inline]
    pub(super) fn new(value: &'v V, shapes: &'s Shapes) -> Self {
        shapes.note(Site::ROOT, kind::VALUE);
        Self { value, shapes, site: Site::ROOT }
    }
}

impl<V: Serialize + ?Sized, const PLAIN: bool> Serialize for Noted<'_, '_, V, PLAIN> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let noting = Noting::<S, PLAIN> { inner: serializer, shapes: self.shapes, site: self.site };
        self.value.serialize(noting).map_err(|problem| self.shapes.hide(problem))
    }
}

/// A serializer that notes what it is asked for.
struct Noting<'s, S, const PLAIN: bool> {
    inner: S,
    shapes: &'s Shapes,
    site: Site,
}

/// What was noted, as a number. The lowest byte is the kind.
mod kind {
    pub(super) const VALUE: u64 = 31;
    pub(super) const OPTION: u64 = 32;
    pub(super) const UNIT: u64 = 34;
    pub(super) const STRUCT: u64 = 35;
    pub(super) const VARIANT: u64 = 36;
    pub(super) const SEQ: u64 = 37;
    pub(super) const TUPLE: u64 = 38;
    pub(super) const MAP: u64 = 39;
    pub(super) const SKIPPED: u64 = 40;
}

/// A number of a name that the compiler knows beforehand: its length, its first letter and its last one. Names that agree
/// in them are told apart by their places; at one place, a type has one name.
#[inline]
fn of_name(name: &'static str) -> u64 {
    let bytes = name.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(&first), Some(&last)) => (bytes.len() as u64) << 16 | u64::from(first) << 8 | u64::from(last),
        _ => 0,
    }
}

/// Two variants of an enum have two indices.
#[inline]
fn of_variant(name: &'static str, index: u32, variant: &'static str) -> u64 {
    (u64::from(index) << 40 | of_name(name) << 8) ^ of_name(variant) << 20 | kind::VARIANT
}

#[inline]
fn of_length(kind: u64, length: usize) -> u64 {
    (length as u64) << 8 | kind
}

/// Whether a list has elements, and whether their number is known beforehand.
#[inline]
fn of_count(kind: u64, count: Option<usize>) -> u64 {
    kind | count.map_or(2, |count| u64::from(count > 0)) << 8
}

impl<'s, S: Serializer, const PLAIN: bool> Noting<'s, S, PLAIN> {
    #[inline]
    fn note(&self, what: u64) {
        self.shapes.note(self.site, what);
    }

    #[inline]
    fn part<'v, V: ?Sized>(&self, number: u64, value: &'v V) -> Noted<'s, 'v, V, PLAIN> {
        Noted { value, shapes: self.shapes, site: self.site.part(number) }
    }

    #[inline]
    fn compound<C>(
        shapes: &'s Shapes,
        site: Site,
        begun: Result<C, S::Error>,
    ) -> Result<Compound<'s, C, PLAIN>, Problem> {
        let inner = begun.map_err(|error| shapes.show(error))?;
        Ok(Compound { inner, shapes, site, next: 0 })
    }
}

/// Methods that write a plain value of a kind.
macro_rules! plain {
    ($($method:ident($type:ty) = $kind:literal),* $(,)?) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<S::Ok, Problem> {
            if PLAIN {
                self.note($kind);
            }
            self.inner.$method(value).map_err(|error| self.shapes.show(error))
        }
    )*};
}

impl<'s, S: Serializer, const PLAIN: bool> Serializer for Noting<'s, S, PLAIN> {
    type Ok = S::Ok;
    type Error = Problem;
    type SerializeSeq = Compound<'s, S::SerializeSeq, PLAIN>;
    type SerializeTuple = Compound<'s, S::SerializeTuple, PLAIN>;
    type SerializeTupleStruct = Compound<'s, S::SerializeTupleStruct, PLAIN>;
    type SerializeTupleVariant = Compound<'s, S::SerializeTupleVariant, PLAIN>;
    type SerializeMap = Compound<'s, S::SerializeMap, PLAIN>;
    type SerializeStruct = Compound<'s, S::SerializeStruct, PLAIN>;
    type SerializeStructVariant = Compound<'s, S::SerializeStructVariant, PLAIN>;

    plain! {
        serialize_bool(bool) = 1, serialize_i8(i8) = 2, serialize_i16(i16) = 3, serialize_i32(i32) = 4,
        serialize_i64(i64) = 5, serialize_i128(i128) = 6, serialize_u8(u8) = 7, serialize_u16(u16) = 8,
        serialize_u32(u32) = 9, serialize_u64(u64) = 10, serialize_u128(u128) = 11, serialize_f32(f32) = 12,
        serialize_f64(f64) = 13, serialize_char(char) = 14, serialize_str(&str) = 15, serialize_bytes(&[u8]) = 16,
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, Problem> {
        self.note(kind::OPTION);
        self.inner.serialize_none().map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, Problem> {
        self.note(kind::OPTION | 1 << 8);
        let value = self.part(0, value);
        self.inner.serialize_some(&value).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, Problem> {
        self.note(kind::UNIT);
        self.inner.serialize_unit().map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, Problem> {
        self.note(of_name(name) << 8 | kind::UNIT);
        self.inner.serialize_unit_struct(name).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, Problem> {
        self.note(of_variant(name, index, variant));
        self.inner.serialize_unit_variant(name, index, variant).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, Problem> {
        let value = self.part(0, value);
        self.inner.serialize_newtype_struct(name, &value).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, Problem> {
        self.note(of_variant(name, index, variant));
        let value = self.part(u64::from(index), value);
        self.inner.serialize_newtype_variant(name, index, variant, &value).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, Problem> {
        self.note(of_count(kind::SEQ, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_seq(length))
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, Problem> {
        self.note(of_length(kind::TUPLE, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_tuple(length))
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeTupleStruct, Problem> {
        self.note(of_length(kind::STRUCT, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_tuple_struct(name, length))
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, Problem> {
        self.note(of_variant(name, index, variant) ^ of_length(0, length));
        let site = self.site.part(u64::from(index));
        Self::compound(self.shapes, site, self.inner.serialize_tuple_variant(name, index, variant, length))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, Problem> {
        self.note(of_count(kind::MAP, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_map(length))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, Problem> {
        self.note(of_name(name) ^ of_length(kind::STRUCT, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_struct(name, length))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, Problem> {
        self.note(of_variant(name, index, variant) ^ of_length(0, length));
        let site = self.site.part(u64::from(index));
        Self::compound(self.shapes, site, self.inner.serialize_struct_variant(name, index, variant, length))
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, Problem> {
        if PLAIN {
            self.note(15);
        }
        self.inner.collect_str(value).map_err(|error| self.shapes.show(error))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The parts of a list, a map, a tuple, a struct or a variant.
pub(super) struct Compound<'s, C, const PLAIN: bool> {
    inner: C,
    shapes: &'s Shapes,
    /// Its own place, or the variant's.
    site: Site,
    /// The number of the next field.
    next: u64,
}

/// The parts of a map beside its keys, which are those of a list.
const VALUES: u64 = 1;

impl<'s, C, const PLAIN: bool> Compound<'s, C, PLAIN> {
    #[inline]
    fn part<'v, V: ?Sized>(&self, number: u64, value: &'v V) -> Noted<'s, 'v, V, PLAIN> {
        Noted { value, shapes: self.shapes, site: self.site.part(number) }
    }

    #[inline]
    fn field<'v, V: ?Sized>(&mut self, value: &'v V) -> Noted<'s, 'v, V, PLAIN> {
        let field = self.part(self.next, value);
        self.next += 1;
        field
    }

    #[inline]
    fn skip(&mut self) {
        self.shapes.note(self.site.part(self.next), kind::SKIPPED);
        self.next += 1;
    }

    #[inline]
    fn shown<T, E: ser::Error>(shapes: &'s Shapes, result: Result<T, E>) -> Result<T, Problem> {
        result.map_err(|error| shapes.show(error))
    }
}

impl<C: SerializeSeq, const PLAIN: bool> SerializeSeq for Compound<'_, C, PLAIN> {
    type Ok = C::Ok;
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let value = self.part(0, value);
        Self::shown(self.shapes, self.inner.serialize_element(&value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, Problem> {
        Self::shown(self.shapes, self.inner.end())
    }
}

impl<C: SerializeMap, const PLAIN: bool> SerializeMap for Compound<'_, C, PLAIN> {
    type Ok = C::Ok;
    type Error = Problem;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        let key = self.part(0, key);
        Self::shown(self.shapes, self.inner.serialize_key(&key))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let value = self.part(VALUES, value);
        Self::shown(self.shapes, self.inner.serialize_value(&value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, Problem> {
        Self::shown(self.shapes, self.inner.end())
    }
}

impl<C: SerializeTuple, const PLAIN: bool> SerializeTuple for Compound<'_, C, PLAIN> {
    type Ok = C::Ok;
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let value = self.field(value);
        Self::shown(self.shapes, self.inner.serialize_element(&value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, Problem> {
        Self::shown(self.shapes, self.inner.end())
    }
}

/// Structs and variants with unnamed fields.
macro_rules! unnamed_fields {
    ($($trait:ident),*) => {$(
        impl<C: $trait, const PLAIN: bool> $trait for Compound<'_, C, PLAIN> {
            type Ok = C::Ok;
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                let value = self.field(value);
                Self::shown(self.shapes, self.inner.serialize_field(&value))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, Problem> {
                Self::shown(self.shapes, self.inner.end())
            }
        }
    )*};
}

unnamed_fields!(SerializeTupleStruct, SerializeTupleVariant);

/// Structs and variants with named fields, which can be skipped.
macro_rules! named_fields {
    ($($trait:ident),*) => {$(
        impl<C: $trait, const PLAIN: bool> $trait for Compound<'_, C, PLAIN> {
            type Ok = C::Ok;
            type Error = Problem;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
                let value = self.field(value);
                Self::shown(self.shapes, self.inner.serialize_field(name, &value))
            }

            #[inline]
            fn skip_field(&mut self, name: &'static str) -> Result<(), Problem> {
                self.skip();
                Self::shown(self.shapes, self.inner.skip_field(name))
            }

            #[inline]
            fn end(self) -> Result<C::Ok, Problem> {
                Self::shown(self.shapes, self.inner.end())
            }
        }
    )*};
}

named_fields!(SerializeStruct, SerializeStructVariant);
