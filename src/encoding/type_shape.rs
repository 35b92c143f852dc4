//! The shape of a type, as a text that is the same in each run of a program and differs when the type's fields do.
//!
//! The text has the type's name without the names of modules, and what the type's `Deserialize` asks for: kinds of
//! numbers, names and order of fields, names and order of variants. For that a deserializer gives made-up values: 1, the
//! letter `a`, an empty text, lists of one element, and each variant of an enum in turn.
//!
//! | type | text |
//! |---|---|
//! | `f64` | `f64` |
//! | `struct Band { low: f64, high: f64 }` | `Band = Band{low:f64,high:f64}` |
//! | `Option<Stage>` with two variants | `Option<Stage> = ?Stage[Wake,Rem]Wake`, and then the same with `Rem` |
//!
//! What it does not see: the fields behind `flatten`, `untagged` and `tag`, what follows a field whose `Deserialize`
//! refuses the made-up value, and what is nested deeper than [`DEEPEST`]. There the name alone decides.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::encoding::problem::Problem;

/// From this depth on, options are absent and lists empty.
const DEEPEST: usize = 12;
/// The type is asked at most this often, each time for other variants.
const MOST_ROUNDS: usize = 64;
/// A round ends when its text is this long.
const LONGEST_ROUND: usize = 4096;
/// Of a longer text, the begin and a number are kept.
const LONGEST: usize = 8192;

/// The text of a type.
pub(crate) fn type_shape<V: DeserializeOwned>() -> String {
    let name = without_modules(type_name::<V>());
    let tracer = Tracer::default();
    let mut rounds: Vec<String> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        // Whether it succeeds does not matter: what was asked for before a refusal is known.
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            V::deserialize(Tracing { tracer: &tracer, depth: 0 }).map(drop)
        }));
        if let Err(payload) = asked {
            crate::panics::into_message(payload);
        }
        let round = tracer.text.take();
        if !rounds.contains(&round) {
            rounds.push(round);
        }
        if !tracer.has_more.take() {
            break;
        }
    }
    let shape = rounds.join("; ");
    shortened(if shape == name { shape } else { format!("{name} = {shape}") })
}

/// A long text becomes its begin and a number of all of it.
fn shortened(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}.. {hash:016x}", &text[..end])
}

/// `a::b::Vec<c::D>` as `Vec<D>`.
fn without_modules(name: &str) -> String {
    let mut short = String::new();
    let mut word = 0; // where the last word of `short` begins
    for letter in name.chars() {
        match letter {
            ':' => short.truncate(word),
            _ if letter.is_alphanumeric() || letter == '_' => short.push(letter),
            _ => {
                short.push(letter);
                word = short.len();
            }
        }
    }
    short
}

/// What was asked for so far.
#[derive(Default)]
struct Tracer {
    /// In this round.
    text: RefCell<String>,
    /// For each enum by its name, the variant that it is given next.
    next_variant: RefCell<HashMap<&'static str, usize>>,
    /// Whether an enum has variants that it was not given.
    has_more: Cell<bool>,
}

impl Tracer {
    /// # Errors
    /// When the round is long enough.
    fn put(&self, text: &str) -> Result<(), Problem> {
        let mut all = self.text.borrow_mut();
        if all.len() > LONGEST_ROUND {
            return Err(Problem::new("it is long enough"));
        }
        all.push_str(text);
        Ok(())
    }

    /// The variant of this enum for its next value.
    fn variant(&self, name: &'static str, n_variants: usize) -> usize {
        let mut next = self.next_variant.borrow_mut();
        let next = next.entry(name).or_insert(0);
        let variant = (*next).min(n_variants - 1);
        *next += 1;
        if *next < n_variants {
            self.has_more.set(true);
        }
        // Later values of an enum whose variants are all known get the first, so that a tree ends somewhere.
        if *next > n_variants { 0 } else { variant }
    }
}

/// A deserializer that notes what it is asked for, and gives made-up values.
#[derive(Clone, Copy)]
struct Tracing<'t> {
    tracer: &'t Tracer,
    depth: usize,
}

impl Tracing<'_> {
    /// # Errors
    /// When a value without an end was reached.
    fn deeper(self) -> Result<Self, Problem> {
        if self.depth > 2 * DEEPEST {
            return Err(Problem::new("it is deep enough"));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn parts<'de, V: Visitor<'de>>(self, names: Names, length: usize, visitor: V) -> Result<V::Value, Problem> {
        let value = visitor.visit_seq(Parts { tracing: self.deeper()?, names, length, next: 0 })?;
        self.tracer.put(names.close())?;
        Ok(value)
    }
}

/// Methods that ask for a plain value.
macro_rules! plain {
    ($($method:ident = $name:literal, $visit:ident($value:expr);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.tracer.put($name)?;
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracing<'_> {
    type Error = Problem;

    plain! {
        deserialize_bool = "bool", visit_bool(true);
        deserialize_i8 = "i8", visit_i8(1);
        deserialize_i16 = "i16", visit_i16(1);
        deserialize_i32 = "i32", visit_i32(1);
        deserialize_i64 = "i64", visit_i64(1);
        deserialize_i128 = "i128", visit_i128(1);
        deserialize_u8 = "u8", visit_u8(1);
        deserialize_u16 = "u16", visit_u16(1);
        deserialize_u32 = "u32", visit_u32(1);
        deserialize_u64 = "u64", visit_u64(1);
        deserialize_u128 = "u128", visit_u128(1);
        deserialize_f32 = "f32", visit_f32(1.0);
        deserialize_f64 = "f64", visit_f64(1.0);
        deserialize_char = "char", visit_char('a');
        deserialize_str = "str", visit_str("");
        deserialize_string = "String", visit_string(String::new());
        deserialize_bytes = "bytes", visit_bytes(&[]);
        deserialize_byte_buf = "bytes", visit_byte_buf(Vec::new());
        deserialize_identifier = "name", visit_str("");
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("any")?;
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("ignored")?;
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("()")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put(name)?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("?")?;
        if self.depth >= DEEPEST { visitor.visit_none() } else { visitor.visit_some(self.deeper()?) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put(name)?;
        self.tracer.put("(")?;
        let value = visitor.visit_newtype_struct(self.deeper()?)?;
        self.tracer.put(")")?;
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("[")?;
        self.parts(Names::List, usize::from(self.depth < DEEPEST), visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("(")?;
        self.parts(Names::None, length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.tracer.put(name)?;
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.tracer.put("map{")?;
        let length = usize::from(self.depth < DEEPEST);
        let value = visitor.visit_map(Parts { tracing: self.deeper()?, names: Names::List, length, next: 0 })?;
        self.tracer.put("}")?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.tracer.put(name)?;
        self.tracer.put("{")?;
        self.parts(Names::Fields(fields), fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.tracer.put(&format!("{name}[{}]", variants.join(",")))?;
        if variants.is_empty() {
            return Err(Problem::new("it has no values"));
        }
        let index = self.tracer.variant(name, variants.len());
        self.tracer.put(variants[index])?;
        visitor.visit_enum(Variant { tracing: self.deeper()?, index: u32::try_from(index).unwrap_or(0) })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// How the parts of a value are named.
#[derive(Clone, Copy)]
enum Names {
    List,
    None,
    Fields(&'static [&'static str]),
}

impl Names {
    fn close(self) -> &'static str {
        match self {
            Self::List => "]",
            Self::None => ")",
            Self::Fields(_) => "}",
        }
    }
}

/// The parts of a list, a tuple, a struct or a map.
struct Parts<'t> {
    tracing: Tracing<'t>,
    names: Names,
    length: usize,
    next: usize,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        if self.next == self.length {
            return Ok(None);
        }
        let tracer = self.tracing.tracer;
        if self.next > 0 {
            tracer.put(",")?;
        }
        if let Names::Fields(names) = self.names {
            tracer.put(names[self.next])?;
            tracer.put(":")?;
        }
        self.next += 1;
        seed.deserialize(self.tracing).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        if self.next == self.length {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(self.tracing).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        self.tracing.tracer.put(":")?;
        seed.deserialize(self.tracing)
    }
}

/// A variant of an enum.
struct Variant<'t> {
    tracing: Tracing<'t>,
    index: u32,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Problem> {
        let index: de::value::U32Deserializer<Problem> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        self.tracing.tracer.put("(")?;
        let value = seed.deserialize(self.tracing)?;
        self.tracing.tracer.put(")")?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        self.tracing.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.tracing.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Band {
        low: f64,
        high: f64,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    enum Stage {
        Wake,
        Rem(u8),
        Other { name: String, bands: Vec<Band> },
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    enum Tree {
        Node(Vec<Tree>, Box<Tree>),
        Leaf(Option<Box<Tree>>),
    }

    mod swapped {
        #[derive(serde::Deserialize)]
        #[expect(dead_code, reason = "only its shape is asked for")]
        pub(super) struct Band {
            high: f64,
            low: f64,
        }
    }

    #[test]
    fn types_that_write_alike_have_other_texts() {
        let texts = [
            (type_shape::<f64>(), "f64"),
            (type_shape::<u64>(), "u64"),
            (type_shape::<i64>(), "i64"),
            (type_shape::<Vec<Option<i8>>>(), "Vec<Option<i8>> = [?i8]"),
            (type_shape::<Band>(), "Band = Band{low:f64,high:f64}"),
            (type_shape::<swapped::Band>(), "Band = Band{high:f64,low:f64}"),
            (type_shape::<HashMap<String, (u8, char)>>(), "HashMap<String, (u8, char)> = map{String:(u8,char)}"),
            (
                type_shape::<Stage>(),
                "Stage = Stage[Wake,Rem,Other]Wake; Stage[Wake,Rem,Other]Rem(u8); \
                 Stage[Wake,Rem,Other]Other{name:String,bands:[Band{low:f64,high:f64}]}",
            ),
            (type_shape::<serde_json::Value>(), "Value = any"),
        ];
        for (text, expected) in texts {
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_type_within_itself_has_a_text_too() {
        let text = type_shape::<Tree>();
        assert!(text.starts_with("Tree = Tree[Node,Leaf]Node([Tree[Node,Leaf]"), "{text}");
        assert!(text.len() <= LONGEST + 32);
        assert_eq!(text, type_shape::<Tree>());
    }

    #[test]
    fn names_have_no_modules() {
        assert_eq!(without_modules("alloc::vec::Vec<(a::B, c::d::E<f64>)>"), "Vec<(B, E<f64>)>");
    }

    #[test]
    fn a_long_text_is_cut_and_still_another_for_another_type() {
        let [one, other] = ["a", "b"].map(|last| shortened("x".repeat(LONGEST) + last));
        assert!(one.len() < LONGEST + 32);
        assert_ne!(one, other);
    }
}
