//! Writes a value through the serializer of a format that describes itself, and notes its shape on the way. Adds no
//! byte. The compact format has a writer of its own, which notes the same.
//!
//! It also keeps the text of an error that the user's `Serialize` makes, which a format may drop.

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::encoding::kinds;
use crate::encoding::problem::Problem;
use crate::encoding::shapes::{LAST_PLACE, Shapes, Site};

/// A value, or a part of one, that notes its shape while it is written.
///
/// The kinds of numbers and texts are shapes too, as the reader of such a format takes whichever kind comes.
pub(super) struct Noted<'s, 'v, V: ?Sized> {
    value: &'v V,
    shapes: &'s Shapes,
    site: Site,
}

impl<'s, 'v, V: ?Sized> Noted<'s, 'v, V> {
    /// A whole value.
    #[inline]
    pub(super) fn new(value: &'v V, shapes: &'s Shapes) -> Self {
        shapes.note(Site::ROOT, kinds::VALUE);
        Self { value, shapes, site: Site::ROOT }
    }
}

impl<V: Serialize + ?Sized> Serialize for Noted<'_, '_, V> {
    #[inline(always)]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let noting = Noting { inner: serializer, shapes: self.shapes, site: self.site };
        self.value.serialize(noting).map_err(|problem| self.shapes.hide(problem))
    }
}

/// A serializer that notes what it is asked for.
struct Noting<'s, S> {
    inner: S,
    shapes: &'s Shapes,
    site: Site,
}

impl<'s, S: Serializer> Noting<'s, S> {
    #[inline]
    fn note(&self, what: u64) {
        self.shapes.note(self.site, what);
    }

    #[inline]
    fn part<'v, V: ?Sized>(&self, number: u64, value: &'v V) -> Result<Noted<'s, 'v, V>, Problem> {
        Ok(Noted { value, shapes: self.shapes, site: self.site.deeper()?.part(number) })
    }

    #[inline]
    fn compound<C>(shapes: &'s Shapes, site: Site, begun: Result<C, S::Error>) -> Result<Compound<'s, C>, Problem> {
        let site = site.deeper()?;
        let inner = begun.map_err(|error| shapes.show(error))?;
        Ok(Compound { inner, shapes, site, next: 0 })
    }
}

/// Methods that write a plain value of a kind.
macro_rules! plain {
    ($($method:ident($type:ty) = $kind:ident),* $(,)?) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<S::Ok, Problem> {
            self.note(kinds::$kind);
            self.inner.$method(value).map_err(|error| self.shapes.show(error))
        }
    )*};
}

impl<'s, S: Serializer> Serializer for Noting<'s, S> {
    type Ok = S::Ok;
    type Error = Problem;
    type SerializeSeq = Compound<'s, S::SerializeSeq>;
    type SerializeTuple = Compound<'s, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'s, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'s, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'s, S::SerializeMap>;
    type SerializeStruct = Compound<'s, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'s, S::SerializeStructVariant>;

    plain! {
        serialize_bool(bool) = BOOL, serialize_i8(i8) = I8, serialize_i16(i16) = I16, serialize_i32(i32) = I32,
        serialize_i64(i64) = I64, serialize_i128(i128) = I128, serialize_u8(u8) = U8, serialize_u16(u16) = U16,
        serialize_u32(u32) = U32, serialize_u64(u64) = U64, serialize_u128(u128) = U128, serialize_f32(f32) = F32,
        serialize_f64(f64) = F64, serialize_char(char) = CHAR, serialize_str(&str) = STR, serialize_bytes(&[u8]) = BYTES,
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, Problem> {
        self.note(kinds::OPTION);
        self.inner.serialize_none().map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, Problem> {
        self.note(kinds::SOME);
        let value = self.part(0, value)?;
        self.inner.serialize_some(&value).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, Problem> {
        self.note(kinds::UNIT);
        self.inner.serialize_unit().map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, Problem> {
        self.note(kinds::of_name(name) << 8 | kinds::UNIT);
        self.inner.serialize_unit_struct(name).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, Problem> {
        self.note(kinds::of_variant(name, index, variant));
        self.site.deeper()?;
        self.inner.serialize_unit_variant(name, index, variant).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, Problem> {
        let value = self.part(0, value)?;
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
        self.note(kinds::of_variant(name, index, variant));
        let value = self.part(u64::from(index), value)?;
        self.inner.serialize_newtype_variant(name, index, variant, &value).map_err(|error| self.shapes.show(error))
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, Problem> {
        self.note(kinds::of_count(kinds::SEQ, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_seq(length))
    }

    #[inline]
    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, Problem> {
        self.note(kinds::of_length(kinds::TUPLE, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_tuple(length))
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeTupleStruct, Problem> {
        self.note(kinds::of_length(kinds::STRUCT, length));
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
        self.note(kinds::of_variant(name, index, variant) ^ kinds::of_length(0, length));
        let site = self.site.deeper()?.part(u64::from(index));
        Self::compound(self.shapes, site, self.inner.serialize_tuple_variant(name, index, variant, length))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, Problem> {
        self.note(kinds::of_count(kinds::MAP, length));
        Self::compound(self.shapes, self.site, self.inner.serialize_map(length))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, Problem> {
        self.note(kinds::of_name(name) ^ kinds::of_length(kinds::STRUCT, length));
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
        self.note(kinds::of_variant(name, index, variant) ^ kinds::of_length(0, length));
        let site = self.site.deeper()?.part(u64::from(index));
        Self::compound(self.shapes, site, self.inner.serialize_struct_variant(name, index, variant, length))
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, Problem> {
        self.note(kinds::STR);
        self.inner.collect_str(value).map_err(|error| self.shapes.show(error))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The parts of a list, a map, a tuple, a struct or a variant.
pub(super) struct Compound<'s, C> {
    inner: C,
    shapes: &'s Shapes,
    /// Its own place, or the variant's.
    site: Site,
    /// The number of the next field.
    next: u64,
}

/// The parts of a map beside its keys, which are those of a list.
const VALUES: u64 = 1;

impl<'s, C> Compound<'s, C> {
    #[inline]
    fn part<'v, V: ?Sized>(&self, number: u64, value: &'v V) -> Noted<'s, 'v, V> {
        Noted { value, shapes: self.shapes, site: self.site.part(number) }
    }

    #[inline]
    fn field<'v, V: ?Sized>(&mut self, value: &'v V) -> Noted<'s, 'v, V> {
        let field = self.part(self.next, value);
        self.next += 1;
        field
    }

    #[inline]
    fn skip(&mut self) {
        self.shapes.note(self.site.part(self.next), kinds::SKIPPED);
        self.next += 1;
    }

    #[inline]
    fn shown<T, E: ser::Error>(shapes: &'s Shapes, result: Result<T, E>) -> Result<T, Problem> {
        result.map_err(|error| shapes.show(error))
    }
}

impl<C: SerializeSeq> SerializeSeq for Compound<'_, C> {
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

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
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

impl<C: SerializeTuple> SerializeTuple for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = Problem;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let value = self.part(self.next.min(LAST_PLACE), value);
        self.next += 1;
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
        impl<C: $trait> $trait for Compound<'_, C> {
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
        impl<C: $trait> $trait for Compound<'_, C> {
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
