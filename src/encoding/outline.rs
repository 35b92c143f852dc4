//! A value as one number, and as a text for a person: to compare what was written with what was read.
//!
//! Promise: a value has the number of its copy. Maps and sets are compared without their order, since a copy of a hash
//! map has another; the lists of std, tuples, structs and variants with it. Floats are compared by their bits. Two values
//! that differ have the same number by chance alone, once in 2^64.
//!
//! A `Serialize` of the user's own that writes a list element by element does not say whether it is a list or a set, so
//! there the order is not compared.
//!
//! Used for the first values of a shape, not for each value, so it is written to be short and not to be quick.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::fmt::{self, Display};
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use serde::ser::{self, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use crate::encoding::kinds;
use crate::encoding::problem::Problem;
use crate::encoding::shapes::mix;

/// A value as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Digest {
    /// The number of the value.
    pub(crate) value: u64,
    /// The kinds of what it writes in the compact format, in their order. A reader that asks for others may read one value
    /// back and not the next.
    pub(crate) kinds: u64,
}

/// A text ends about here.
const LONGEST_TEXT: usize = 16 * 1024;

/// The number of a value.
///
/// # Errors
/// When its `Serialize` fails.
pub(super) fn digest<V: Serialize + ?Sized>(value: &V) -> Result<Digest, Problem> {
    let kinds = Cell::new(0);
    let value = value.serialize(Outline { text: None, kinds: &kinds })?;
    Ok(Digest { value, kinds: kinds.get() })
}

/// The value as a text, from its start.
pub(super) fn text<V: Serialize + ?Sized>(value: &V) -> String {
    let text = RefCell::new(String::new());
    let outlined = value.serialize(Outline { text: Some(&text), kinds: &Cell::new(0) });
    let mut text = text.into_inner();
    if let Err(problem) = outlined {
        text.push_str(&format!(".. ({problem})"));
    }
    text
}

/// Whether this is a list of std, by its name: what has another name is compared without its order.
fn has_order<I>() -> bool {
    let lists = ["&[", "&alloc::vec::Vec<", "&alloc::collections::vec_deque::", "&alloc::collections::linked_list::"];
    lists.iter().any(|list| type_name::<I>().starts_with(list))
}

/// A serializer that gives a number.
#[derive(Clone, Copy)]
struct Outline<'t> {
    text: Option<&'t RefCell<String>>,
    kinds: &'t Cell<u64>,
}

impl Outline<'_> {
    fn put(self, text: impl Display) {
        if let Some(out) = self.text {
            let mut out = out.borrow_mut();
            if out.len() < LONGEST_TEXT {
                let _ = fmt::Write::write_fmt(&mut *out, format_args!("{text}"));
            }
        }
    }

    fn note(self, kind: u64) {
        self.kinds.set(mix(self.kinds.get(), kind));
    }

    fn plain(self, kind: u64, bits: u64, text: impl Display) -> Result<u64, Problem> {
        self.put(text);
        Ok(mix(mix(0, kind), bits))
    }

    fn begin(
        self,
        seed: u64,
        name: impl Display,
        open: &'static str,
        close: &'static str,
    ) -> Result<Parts<Self>, Problem> {
        self.put(name);
        self.put(open);
        Ok(Parts { outline: self, digest: mix(seed, 1), n_parts: 0, key: 0, close })
    }
}

/// Methods for plain values of a kind, with their bits.
macro_rules! plain {
    ($($method:ident($type:ty) = $kind:ident, |$value:ident| $bits:expr;)*) => {$(
        fn $method(self, $value: $type) -> Result<u64, Problem> {
            self.note(kinds::$kind);
            self.plain(kinds::$kind, $bits, format_args!("{:?}", $value))
        }
    )*};
}

fn of_bytes(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}

fn of_wide(value: u128) -> u64 {
    of_bytes(&value.to_ne_bytes())
}

impl<'t> Serializer for Outline<'t> {
    type Ok = u64;
    type Error = Problem;
    type SerializeSeq = Parts<Self>;
    type SerializeTuple = Parts<Self>;
    type SerializeTupleStruct = Parts<Self>;
    type SerializeTupleVariant = Parts<Self>;
    type SerializeMap = Parts<Self>;
    type SerializeStruct = Parts<Self>;
    type SerializeStructVariant = Parts<Self>;

    plain! {
        serialize_bool(bool) = BOOL, |value| u64::from(value);
        serialize_i8(i8) = I8, |value| i64::from(value).cast_unsigned();
        serialize_i16(i16) = I16, |value| i64::from(value).cast_unsigned();
        serialize_i32(i32) = I32, |value| i64::from(value).cast_unsigned();
        serialize_i64(i64) = I64, |value| value.cast_unsigned();
        serialize_i128(i128) = I128, |value| of_wide(value.cast_unsigned());
        serialize_u8(u8) = U8, |value| u64::from(value);
        serialize_u16(u16) = U16, |value| u64::from(value);
        serialize_u32(u32) = U32, |value| u64::from(value);
        serialize_u64(u64) = U64, |value| value;
        serialize_u128(u128) = U128, |value| of_wide(value);
        serialize_f32(f32) = F32, |value| u64::from(value.to_bits());
        serialize_f64(f64) = F64, |value| value.to_bits();
        serialize_char(char) = CHAR, |value| u64::from(u32::from(value));
        serialize_str(&str) = STR, |value| of_bytes(value.as_bytes());
        serialize_bytes(&[u8]) = BYTES, |value| of_bytes(value);
    }

    fn serialize_none(self) -> Result<u64, Problem> {
        self.note(kinds::OPTION);
        self.plain(17, 0, "None")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Problem> {
        self.note(kinds::OPTION);
        self.put("Some(");
        let inner = value.serialize(self)?;
        self.put(")");
        Ok(mix(18, inner))
    }

    fn serialize_unit(self) -> Result<u64, Problem> {
        self.plain(19, 0, "()")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<u64, Problem> {
        self.plain(20, 0, name)
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<u64, Problem> {
        self.note(kinds::VARIANT);
        self.plain(21, mix(u64::from(index), of_bytes(variant.as_bytes())), format_args!("{name}::{variant}"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<u64, Problem> {
        self.put(format_args!("{name}("));
        let inner = value.serialize(self)?;
        self.put(")");
        Ok(mix(22, inner))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<u64, Problem> {
        self.note(kinds::VARIANT);
        self.put(format_args!("{name}::{variant}("));
        let inner = value.serialize(self)?;
        self.put(")");
        Ok(mix(mix(23, mix(u64::from(index), of_bytes(variant.as_bytes()))), inner))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts<Self>, Problem> {
        self.note(kinds::SEQ);
        self.begin(24, "", "[", "]")
    }

    /// As serde writes its lists and sets.
    fn collect_seq<I: IntoIterator<Item: Serialize>>(self, list: I) -> Result<u64, Problem> {
        let mut parts = self.serialize_seq(None)?;
        for element in list {
            if has_order::<I>() { parts.add_in_order("", &element)? } else { parts.serialize_element(&element)? }
        }
        parts.ended()
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts<Self>, Problem> {
        self.begin(25, "", "(", ")")
    }

    fn serialize_tuple_struct(self, name: &'static str, _length: usize) -> Result<Parts<Self>, Problem> {
        self.begin(26, name, "(", ")")
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<Self>, Problem> {
        self.note(kinds::VARIANT);
        let seed = mix(27, mix(u64::from(index), of_bytes(variant.as_bytes())));
        self.begin(seed, format_args!("{name}::{variant}"), "(", ")")
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Parts<Self>, Problem> {
        self.note(kinds::SEQ); // a map is written as the list of its entries
        self.begin(28, "", "{", "}")
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Parts<Self>, Problem> {
        self.begin(29, name, " { ", " }")
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts<Self>, Problem> {
        self.note(kinds::VARIANT);
        let seed = mix(30, mix(u64::from(index), of_bytes(variant.as_bytes())));
        self.begin(seed, format_args!("{name}::{variant}"), " { ", " }")
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a value, which add up to its number.
struct Parts<O> {
    outline: O,
    digest: u64,
    n_parts: u64,
    /// The number of the key whose value comes next.
    key: u64,
    /// Ends the text.
    close: &'static str,
}

impl Parts<Outline<'_>> {
    fn separate(&mut self) {
        if self.n_parts > 0 {
            self.outline.put(", ");
        }
        self.n_parts += 1;
    }

    /// A part whose place counts.
    fn add_in_order<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Problem> {
        self.separate();
        if !name.is_empty() {
            self.outline.put(format_args!("{name}: "));
        }
        self.digest = name.bytes().fold(self.digest, |digest, byte| mix(digest, byte.into()));
        self.digest = mix(self.digest, value.serialize(self.outline)?);
        Ok(())
    }

    /// A part that is in the number whatever its place.
    fn add_in_any_order(&mut self, part: u64) {
        self.digest = self.digest.wrapping_add(mix(31, part));
    }

    fn ended(self) -> Result<u64, Problem> {
        self.outline.put(self.close);
        Ok(mix(self.digest, self.n_parts))
    }
}

impl ser::SerializeSeq for Parts<Outline<'_>> {
    type Ok = u64;
    type Error = Problem;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.separate();
        let part = value.serialize(self.outline)?;
        self.add_in_any_order(part);
        Ok(())
    }

    fn end(self) -> Result<u64, Problem> {
        self.ended()
    }
}

impl ser::SerializeMap for Parts<Outline<'_>> {
    type Ok = u64;
    type Error = Problem;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Problem> {
        self.separate();
        self.key = key.serialize(self.outline)?;
        self.outline.put(": ");
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        let value = value.serialize(self.outline)?;
        self.add_in_any_order(mix(self.key, value));
        Ok(())
    }

    fn end(self) -> Result<u64, Problem> {
        self.ended()
    }
}

impl ser::SerializeTuple for Parts<Outline<'_>> {
    type Ok = u64;
    type Error = Problem;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
        self.add_in_order("", value)
    }

    fn end(self) -> Result<u64, Problem> {
        self.ended()
    }
}

/// Structs and variants with unnamed fields.
macro_rules! unnamed_fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Parts<Outline<'_>> {
            type Ok = u64;
            type Error = Problem;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Problem> {
                self.add_in_order("", value)
            }

            fn end(self) -> Result<u64, Problem> {
                self.ended()
            }
        }
    )*};
}

unnamed_fields!(SerializeTupleStruct, SerializeTupleVariant);

/// Structs and variants with named fields. A skipped field has a number of its own.
macro_rules! named_fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Parts<Outline<'_>> {
            type Ok = u64;
            type Error = Problem;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Problem> {
                self.add_in_order(name, value)
            }

            fn skip_field(&mut self, _name: &'static str) -> Result<(), Problem> {
                self.digest = mix(self.digest, 32);
                Ok(())
            }

            fn end(self) -> Result<u64, Problem> {
                self.ended()
            }
        }
    )*};
}

named_fields!(SerializeStruct, SerializeStructVariant);
