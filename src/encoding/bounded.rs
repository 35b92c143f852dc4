//! Reads a value through the deserializer of a format that describes itself, and refuses lists that claim more elements
//! than the bytes can hold, and values that are nested too deep. Changes nothing else. The compact format has a reader
//! of its own, which refuses the same.
//!
//! Promise: the time, the memory and the stack that a value takes to read are bounded by the length of its bytes,
//! whatever they are, and by [`MOST_EMPTY`] and [`LEVELS`].
//!
//! How: each list and each map is charged its claimed length before its first element is read. Elements of one byte or
//! more, at whatever depth, are together no more than the bytes; what goes beyond that has a bound of its own.
//!
//! It also keeps the text of an error that the user's `Deserialize` makes, which a format may drop.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::encoding::bounds::{LEVELS, MOST_EMPTY, claims_too_many, too_deep};
use crate::encoding::problem::Problem;

/// What is left to read of one value.
pub(super) struct Budget {
    /// How many more elements the lists and maps may claim.
    left: Cell<usize>,
    /// How many more levels there may be below the one that is read.
    levels: Cell<u16>,
    /// Whether its type asks what comes, and so may choose by the value.
    asks_what_comes: Cell<bool>,
    /// Why the value cannot be read, while the error is on its way through a format that has no room for a text.
    problem: Cell<Option<Problem>>,
}

impl Budget {
    /// For a value of this many bytes.
    pub(super) fn of(n_bytes: usize) -> Self {
        Self {
            left: Cell::new(n_bytes.saturating_add(MOST_EMPTY)),
            levels: Cell::new(LEVELS),
            asks_what_comes: Cell::new(false),
            problem: Cell::default(),
        }
    }

    /// Whether the type of what was read asks what comes: an `untagged` enum, one with a `tag`, or what it is put together of.
    pub(super) fn was_asked_what_comes(&self) -> bool {
        self.asks_what_comes.get()
    }

    /// Reads what is a level deeper.
    fn deeper<A, E: de::Error>(&self, read: impl FnOnce() -> Result<A, Problem>) -> Result<A, E> {
        let Some(levels) = self.levels.get().checked_sub(1) else { return Err(self.hide(too_deep())) };
        self.levels.set(levels);
        let value = read();
        self.levels.set(levels + 1);
        value.map_err(|problem| self.hide(problem))
    }

    #[inline]
    fn charge(&self, claimed: Option<usize>) -> Result<(), Problem> {
        let claimed = claimed.unwrap_or(0);
        match self.left.get().checked_sub(claimed) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(claims_too_many(claimed, self.left.get())),
        }
    }

    #[cold]
    fn hide<E: de::Error>(&self, problem: Problem) -> E {
        self.problem.set(Some(problem));
        E::custom("")
    }

    #[cold]
    fn show(&self, error: impl fmt::Display) -> Problem {
        self.problem.take().unwrap_or_else(|| Problem::new(error.to_string()))
    }
}

/// A deserializer within a budget.
pub(super) struct Bounded<'b, D> {
    inner: D,
    budget: &'b Budget,
}

impl<'b, D> Bounded<'b, D> {
    pub(super) fn new(inner: D, budget: &'b Budget) -> Self {
        Self { inner, budget }
    }
}

/// Whether the length of a list comes from the bytes, or from the type that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Claimed,
    Fixed,
}

/// Methods that ask for a value of a kind.
macro_rules! ask {
    ($($method:ident = $length:ident),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::$length };
            self.inner.$method(visitor).map_err(|error| self.budget.show(error))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = Problem;

    ask! {
        deserialize_bool = Fixed, deserialize_i8 = Fixed, deserialize_i16 = Fixed,
        deserialize_i32 = Fixed, deserialize_i64 = Fixed, deserialize_i128 = Fixed, deserialize_u8 = Fixed,
        deserialize_u16 = Fixed, deserialize_u32 = Fixed, deserialize_u64 = Fixed, deserialize_u128 = Fixed,
        deserialize_f32 = Fixed, deserialize_f64 = Fixed, deserialize_char = Fixed, deserialize_str = Fixed,
        deserialize_string = Fixed, deserialize_bytes = Claimed, deserialize_byte_buf = Claimed,
        deserialize_option = Claimed, deserialize_unit = Fixed, deserialize_seq = Claimed, deserialize_map = Claimed,
        deserialize_identifier = Fixed, deserialize_ignored_any = Claimed,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.budget.asks_what_comes.set(true);
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Claimed };
        self.inner.deserialize_any(visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.deserialize_unit_struct(name, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Claimed };
        self.inner.deserialize_newtype_struct(name, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.deserialize_tuple(length, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.deserialize_tuple_struct(name, length, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.deserialize_struct(name, fields, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.deserialize_enum(name, variants, visitor).map_err(|error| self.budget.show(error))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// A visitor within a budget.
struct Bounding<'b, V> {
    inner: V,
    budget: &'b Budget,
    length: Length,
}

/// Methods that take a plain value.
macro_rules! take {
    ($($method:ident($type:ty)),* $(,)?) => {$(
        #[inline]
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value).map_err(|problem: Problem| self.budget.hide(problem))
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounding<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    take! {
        visit_bool(bool), visit_i8(i8), visit_i16(i16), visit_i32(i32), visit_i64(i64), visit_i128(i128), visit_u8(u8),
        visit_u16(u16), visit_u32(u32), visit_u64(u64), visit_u128(u128), visit_f32(f32), visit_f64(f64),
        visit_char(char), visit_str(&str), visit_borrowed_str(&'de str), visit_string(String), visit_bytes(&[u8]),
        visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

    #[inline]
    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none().map_err(|problem: Problem| self.budget.hide(problem))
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit().map_err(|problem: Problem| self.budget.hide(problem))
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let bounded = Bounded { inner: deserializer, budget: self.budget };
        self.budget.deeper(|| self.inner.visit_some(bounded))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let bounded = Bounded { inner: deserializer, budget: self.budget };
        self.budget.deeper(|| self.inner.visit_newtype_struct(bounded))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        if self.length == Length::Claimed {
            self.budget.charge(seq.size_hint()).map_err(|problem| self.budget.hide(problem))?;
        }
        let access = Access { inner: seq, budget: self.budget };
        self.budget.deeper(|| self.inner.visit_seq(access))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        if self.length == Length::Claimed {
            self.budget.charge(map.size_hint()).map_err(|problem| self.budget.hide(problem))?;
        }
        let access = Access { inner: map, budget: self.budget };
        self.budget.deeper(|| self.inner.visit_map(access))
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        let access = Access { inner: data, budget: self.budget };
        self.budget.deeper(|| self.inner.visit_enum(access))
    }
}

/// The parts of a list, a map or a variant, within a budget.
struct Access<'b, A> {
    inner: A,
    budget: &'b Budget,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Access<'_, A> {
    type Error = Problem;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let seed = Seed { inner: seed, budget: self.budget };
        self.inner.next_element_seed(seed).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Access<'_, A> {
    type Error = Problem;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let seed = Seed { inner: seed, budget: self.budget };
        self.inner.next_key_seed(seed).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        let seed = Seed { inner: seed, budget: self.budget };
        self.inner.next_value_seed(seed).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Access<'b, A> {
    type Error = Problem;
    type Variant = Access<'b, A::Variant>;

    #[inline]
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self::Variant), Problem> {
        let budget = self.budget;
        let (value, inner) =
            self.inner.variant_seed(Seed { inner: seed, budget }).map_err(|error| budget.show(error))?;
        Ok((value, Access { inner, budget }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Access<'_, A> {
    type Error = Problem;

    #[inline]
    fn unit_variant(self) -> Result<(), Problem> {
        self.inner.unit_variant().map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        let seed = Seed { inner: seed, budget: self.budget };
        self.inner.newtype_variant_seed(seed).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.tuple_variant(length, visitor).map_err(|error| self.budget.show(error))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        let visitor = Bounding { inner: visitor, budget: self.budget, length: Length::Fixed };
        self.inner.struct_variant(fields, visitor).map_err(|error| self.budget.show(error))
    }
}

/// What an element is read with, within a budget.
struct Seed<'b, S> {
    inner: S,
    budget: &'b Budget,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Seed<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let bounded = Bounded { inner: deserializer, budget: self.budget };
        self.inner.deserialize(bounded).map_err(|problem| self.budget.hide(problem))
    }
}
