//! The shape of a type, as a text that is the same in each run of a program and differs when the type's fields do.
//!
//! The text has the type's name without the names of modules, and what the type's `Deserialize` asks for: kinds of
//! numbers, names and order of fields, names and order of variants. For that a deserializer gives made-up values, and
//! each variant of an enum in turn: `made_up.rs` has the values, and `variants.rs` chooses the variants.
//!
//! | type | text |
//! |---|---|
//! | `f64` | `f64` |
//! | `struct Band { low: f64, high: f64 }` | `Band = Band{low:f64,high:f64}` |
//! | `Option<Stage>` with two variants | `Option<Stage> = ?Stage[Wake,Rem]Wake`, and then the same with `Rem` |
//! | `struct Band { name: Name, low: f64 }` whose name refuses each text | `Band = Band{name:String,low}` |
//!
//! A `Deserialize` that refuses a value is asked again with other ones. Where it refuses all of them, what is asked for
//! ends there; the names of the fields that follow are part of the text all the same, and their kinds are not.
//!
//! What it does not see: the fields behind `flatten`, `untagged` and `tag`, the kinds of what follows a field that refuses
//! all made-up values, what is nested deeper than [`DEEPEST`], and what comes after [`MOST_VALUES`]. There the names decide.

mod made_up;
mod variants;

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::encoding::problem::Problem;
use crate::encoding::type_shape::made_up::{Choices, Next};
use crate::encoding::type_shape::variants::{Enum, Variants};
use crate::panics::catch_quietly;

/// From this depth on, options are absent and lists empty.
const DEEPEST: usize = 12;
/// The type is asked for at most this many values, in all and each time that it is asked.
const MOST_VALUES: usize = 1 << 20;
const MOST_VALUES_AT_ONCE: usize = 1 << 14;
/// It is asked at most this often with other made-up values.
const MOST_TRIES: usize = 1 << 9;
/// It is asked at most this often without a variant that is new.
const MOST_STALLED: usize = 4;
/// Of a longer text, the begin and a number are kept.
const LONGEST: usize = 8192;

/// The text of a type.
///
/// Costs some microseconds for a type of some fields, and at most a tenth of a second. Runs the type's `Deserialize` with
/// values that it may never have seen: what it prints, or does outside of itself, happens. A panic of it is caught, and is
/// not shown.
pub(crate) fn type_shape<V: DeserializeOwned>() -> String {
    let name = without_modules(type_name::<V>());
    let tracer = Tracer::default();
    let mut rounds = Rounds::default();
    let mut n_stalled = 0;
    while tracer.n_values.get() < MOST_VALUES && n_stalled < MOST_STALLED {
        let n_given = tracer.variants.borrow().n_given();
        ask::<V>(&tracer, &mut rounds);
        let variants = tracer.variants.borrow();
        if !variants.has_more() {
            break;
        }
        // One that ended early may be another one next time.
        n_stalled = if variants.n_given() == n_given { n_stalled + 1 } else { 0 };
    }
    rounds.named(name)
}

/// Asks the type once, and again with other made-up values as long as it refuses some.
///
/// The variants are the same each time: those that were given to a value that was refused count as not given.
fn ask<V: DeserializeOwned>(tracer: &Tracer, rounds: &mut Rounds) {
    tracer.choices.borrow_mut().begin();
    let before = tracer.variants.borrow().clone();
    let mut furthest = Refused::default();
    loop {
        tracer.begin_try();
        // An error of its own and a panic are refusals alike.
        let is_read = catch_quietly(|| V::deserialize(Tracing::root(tracer)).map(drop).is_ok()).unwrap_or(false);
        let text = tracer.text.take();
        if is_read || !tracer.can_try() {
            furthest.replaced(&text, rounds);
            return rounds.add(&text);
        }
        match tracer.choices.borrow_mut().next(tracer.way.take()) {
            Some(Next::Further) => {
                furthest.replaced(&text, rounds);
                let n_asked = tracer.n_asked.get().unwrap_or(text.len());
                furthest = Refused { text, n_asked };
            }
            Some(Next::Another) => {}
            None => return rounds.add(&furthest.text),
        }
        *tracer.variants.borrow_mut() = before.clone();
    }
}

/// The text of a try that was refused, and how much of it was asked for: the names after that were only noted.
#[derive(Default)]
struct Refused {
    text: String,
    n_asked: usize,
}

impl Refused {
    /// A try got further. Its text begins with this one as a rule; where an option or a list was left out instead, it
    /// does not.
    fn replaced(&self, further: &str, rounds: &mut Rounds) {
        if !further.starts_with(&self.text[..self.n_asked]) {
            rounds.add(&self.text);
        }
    }
}

/// The texts of all rounds, each once.
struct Rounds {
    /// Their begin.
    text: String,
    /// A number of all of them.
    hash: u64,
    is_cut: bool,
    known: HashSet<u64>,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { text: String::new(), hash: hash_of(""), is_cut: false, known: HashSet::new() }
    }
}

impl Rounds {
    fn add(&mut self, round: &str) {
        let hash = hash_of(round);
        if !self.known.insert(hash) {
            return;
        }
        self.hash = go_on(self.hash, &hash.to_le_bytes());
        if !self.text.is_empty() {
            self.put("; ");
        }
        self.put(round);
    }

    fn put(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.len());
        let end = (0..=room.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        self.text.push_str(&text[..end]);
        self.is_cut |= end < text.len();
    }

    /// With the name of the type. A long text is its begin and the number of all of it.
    fn named(self, name: String) -> String {
        let Self { text, hash, is_cut, .. } = self;
        match is_cut {
            true => format!("{name} = {text}.. {hash:016x}"),
            false if text == name => name,
            false => format!("{name} = {text}"),
        }
    }
}

fn hash_of(text: &str) -> u64 {
    go_on(0xcbf2_9ce4_8422_2325, text.as_bytes())
}

fn go_on(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
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
    /// In this try.
    text: RefCell<String>,
    /// The length of the text when the first value was refused.
    n_asked: Cell<Option<usize>>,
    /// How many values this try has asked for, and all of them.
    n_values_at_once: Cell<usize>,
    n_values: Cell<usize>,
    n_tries: Cell<usize>,
    /// The numbers of the parts that the value at hand is within, the outermost first. After a refusal, where it was.
    way: RefCell<Vec<usize>>,
    /// Whether this try ended at a limit, which other made-up values do not move.
    has_ended: Cell<bool>,
    variants: RefCell<Variants>,
    choices: RefCell<Choices>,
}

impl Tracer {
    fn begin_try(&self) {
        self.n_values_at_once.set(0);
        self.has_ended.set(false);
        self.n_asked.set(None);
        self.way.take();
        self.variants.borrow_mut().begin_try();
        self.choices.borrow_mut().begin_try();
    }

    fn can_try(&self) -> bool {
        self.n_tries.set(self.n_tries.get() + 1);
        !self.has_ended.get() && self.n_tries.get() < MOST_TRIES && self.n_values.get() < MOST_VALUES
    }

    fn put(&self, text: &str) {
        self.text.borrow_mut().push_str(text);
    }

    /// A value is asked for.
    ///
    /// # Errors
    /// When there were enough of them.
    fn count(&self) -> Result<(), Problem> {
        let n_at_once = self.n_values_at_once.get() + 1;
        self.n_values_at_once.set(n_at_once);
        self.n_values.set(self.n_values.get() + 1);
        if n_at_once > MOST_VALUES_AT_ONCE { Err(self.end("it has values enough")) } else { Ok(()) }
    }

    fn end(&self, why: &str) -> Problem {
        self.has_ended.set(true);
        Problem::new(why)
    }
}

/// A deserializer that notes what it is asked for, and gives made-up values.
#[derive(Clone, Copy)]
struct Tracing<'t> {
    tracer: &'t Tracer,
    depth: usize,
    /// The way to the value, as a number. All elements of a list are at one place.
    place: u64,
}

impl<'t> Tracing<'t> {
    fn root(tracer: &'t Tracer) -> Self {
        Self { tracer, depth: 0, place: hash_of("") }
    }

    /// # Errors
    /// When a value without an end was reached.
    fn deeper(self, part: usize) -> Result<Self, Problem> {
        if self.depth > 2 * DEEPEST {
            return Err(self.tracer.end("it is deep enough"));
        }
        Ok(Self { depth: self.depth + 1, place: go_on(self.place, &part.to_le_bytes()), ..self })
    }

    /// # Errors
    /// When there were enough values.
    fn begin(&self, text: &str) -> Result<(), Problem> {
        self.tracer.count()?;
        self.tracer.put(text);
        Ok(())
    }

    /// Which of so many made-up values is given here.
    fn choice(&self, n_choices: usize) -> usize {
        self.tracer.choices.borrow_mut().at(self.place, n_choices)
    }

    /// One of these lengths for a list; 0 deep within.
    fn length(&self) -> usize {
        if self.depth < DEEPEST { made_up::LENGTHS[self.choice(made_up::LENGTHS.len())] } else { 0 }
    }

    /// The names of fields that were not asked for are noted afterwards, whatever has ended it.
    fn parts<'de, V: Visitor<'de>>(self, names: Names, length: usize, visitor: V) -> Result<V::Value, Problem> {
        let next = Cell::new(0);
        let _end = EndOfParts { tracer: self.tracer, names, length, next: &next };
        visitor.visit_seq(Parts { tracing: self, names, length, next: &next, before: 0 })
    }
}

/// Methods that ask for a plain value.
macro_rules! plain {
    ($($method:ident = $name:literal, $visit:ident($values:expr);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.begin($name)?;
            let values = $values;
            visitor.$visit(values[self.choice(values.len())].into())
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracing<'_> {
    type Error = Problem;

    plain! {
        deserialize_bool = "bool", visit_bool([true, false]);
        deserialize_i8 = "i8", visit_i8(made_up::SMALL);
        deserialize_i16 = "i16", visit_i16(made_up::SMALL);
        deserialize_i32 = "i32", visit_i32(made_up::NUMBERS);
        deserialize_i64 = "i64", visit_i64(made_up::NUMBERS);
        deserialize_i128 = "i128", visit_i128(made_up::NUMBERS);
        deserialize_u8 = "u8", visit_u8(made_up::POSITIVE);
        deserialize_u16 = "u16", visit_u16(made_up::POSITIVE);
        deserialize_u32 = "u32", visit_u32(made_up::POSITIVE);
        deserialize_u64 = "u64", visit_u64(made_up::POSITIVE);
        deserialize_u128 = "u128", visit_u128(made_up::POSITIVE);
        deserialize_f32 = "f32", visit_f32(made_up::FRACTIONS);
        deserialize_f64 = "f64", visit_f64(made_up::FRACTIONS);
        deserialize_char = "char", visit_char(['a', 'A', '1']);
        deserialize_str = "str", visit_str(made_up::TEXTS);
        deserialize_string = "String", visit_string(made_up::TEXTS);
        deserialize_bytes = "bytes", visit_bytes(made_up::BYTES);
        deserialize_byte_buf = "bytes", visit_byte_buf(made_up::BYTES);
        deserialize_identifier = "name", visit_str([""]);
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("any")?;
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("ignored")?;
        visitor.visit_unit()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("()")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        self.begin(name)?;
        visitor.visit_unit()
    }

    /// Absent where what is in it refuses all made-up values.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("?")?;
        if self.depth >= DEEPEST || self.choice(2) == 1 {
            visitor.visit_none()
        } else {
            visitor.visit_some(self.deeper(0)?)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        self.begin(name)?;
        self.tracer.put("(");
        let value = visitor.visit_newtype_struct(self.deeper(0)?)?;
        self.tracer.put(")");
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("[")?;
        self.parts(Names::List, self.length(), visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Problem> {
        self.begin("(")?;
        self.parts(Names::None, length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.tracer.put(name);
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.begin("map{")?;
        let length = self.length();
        let value =
            visitor.visit_map(Parts { tracing: self, names: Names::List, length, next: &Cell::new(0), before: 0 })?;
        self.tracer.put("}");
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.begin(name)?;
        self.tracer.put("{");
        self.parts(Names::Fields(fields), fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.begin(name)?;
        self.tracer.put(&format!("[{}]", variants.join(",")));
        if variants.is_empty() {
            return Err(self.tracer.end("it has no values"));
        }
        let what = Enum { name, visitor: type_name::<V>(), n_variants: variants.len() };
        let index = self.tracer.variants.borrow_mut().enter(what, self.depth >= DEEPEST);
        self.tracer.put(variants[index]);
        let n_before = self.tracer.n_values_at_once.get();
        let value = visitor.visit_enum(Variant { tracing: self.deeper(index)?, index });
        let size = value.is_ok().then(|| self.tracer.n_values_at_once.get() - n_before);
        self.tracer.variants.borrow_mut().leave(size);
        value
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

    /// The number of a part in its place.
    fn part(self, number: usize) -> usize {
        if let Self::List = self { 0 } else { number }
    }
}

/// Ends the text of some parts, also where a panic ends them.
struct EndOfParts<'t> {
    tracer: &'t Tracer,
    names: Names,
    length: usize,
    next: &'t Cell<usize>,
}

impl Drop for EndOfParts<'_> {
    fn drop(&mut self) {
        let n_asked = self.tracer.n_asked.get();
        if self.next.get() < self.length && n_asked.is_none() {
            self.tracer.n_asked.set(Some(self.tracer.text.borrow().len()));
        }
        if let Names::Fields(fields) = self.names {
            let names = &fields[self.next.get()..];
            names.iter().for_each(|name| [",", *name].into_iter().for_each(|text| self.tracer.put(text)));
        }
        self.tracer.put(self.names.close());
    }
}

/// The parts of a list, a tuple, a struct or a map.
struct Parts<'t> {
    tracing: Tracing<'t>,
    names: Names,
    length: usize,
    next: &'t Cell<usize>,
    /// The length of the text before an entry of a map.
    before: usize,
}

impl<'t> Parts<'t> {
    /// The number of the next part; `None` behind the last one.
    fn step(&self) -> Option<usize> {
        let number = self.next.get();
        self.next.set((number + 1).min(self.length));
        (number < self.length).then_some(number)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Problem;

    /// All elements of a list have the text of the first one.
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some(number) = self.step() else { return Ok(None) };
        let (tracer, is_repeated) = (self.tracing.tracer, matches!(self.names, Names::List) && number > 0);
        let before = tracer.text.borrow().len();
        if number > 0 {
            tracer.put(",");
        }
        if let Names::Fields(names) = self.names {
            tracer.put(names[number]);
            tracer.put(":");
        }
        tracer.way.borrow_mut().push(number);
        let part = seed.deserialize(self.tracing.deeper(self.names.part(number))?)?;
        tracer.way.borrow_mut().pop();
        if is_repeated {
            tracer.text.borrow_mut().truncate(before);
        }
        Ok(Some(part))
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some(number) = self.step() else { return Ok(None) };
        self.before = self.tracing.tracer.text.borrow().len();
        if number > 0 {
            self.tracing.tracer.put(",");
        }
        seed.deserialize(self.tracing.deeper(0)?).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Problem> {
        let tracer = self.tracing.tracer;
        tracer.put(":");
        let value = seed.deserialize(self.tracing.deeper(1)?)?;
        if self.next.get() > 1 {
            tracer.text.borrow_mut().truncate(self.before);
        }
        Ok(value)
    }
}

/// A variant of an enum.
struct Variant<'t> {
    tracing: Tracing<'t>,
    index: usize,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Problem> {
        let index = u32::try_from(self.index).map_err(|_| self.tracing.tracer.end("it has too many variants"))?;
        let index: de::value::U32Deserializer<Problem> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        self.tracing.tracer.put("(");
        let value = seed.deserialize(self.tracing)?;
        self.tracing.tracer.put(")");
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
mod tests;
