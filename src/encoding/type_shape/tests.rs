//! What the texts of types show, and that types which differ have different ones.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::Error as _;

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

/// Reads a text that it then refuses, whatever it is.
#[derive(Debug)]
struct Refusing;

impl<'de> Deserialize<'de> for Refusing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?;
        Err(D::Error::custom("no text is right"))
    }
}

/// Panics with each number.
#[derive(Deserialize)]
#[serde(from = "u8")]
struct Panicking;

impl From<u8> for Panicking {
    fn from(number: u8) -> Self {
        panic!("{number} is not right")
    }
}

/// A text that is no empty one, as most types that check their texts have it.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Name;

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.is_empty() { Err("a name has letters") } else { Ok(Self) }
    }
}

/// Two numbers, the first of which is smaller.
#[derive(Deserialize)]
#[serde(from = "Vec<f64>")]
struct Limits;

impl From<Vec<f64>> for Limits {
    fn from(numbers: Vec<f64>) -> Self {
        assert_eq!(numbers.len(), 2, "two limits");
        Self
    }
}

/// A struct of one name, in a module of its own.
macro_rules! measured {
    ($module:ident { $($field:ident: $kind:ty),* }) => {
        mod $module {
            use super::*;

            #[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape is asked for")]
            pub(super) struct Measured {
                $($field: $kind),*
            }
        }
    };
}

measured!(refused { what: Refusing, low: f64, high: f64 });
measured!(refused_swapped { what: Refusing, high: f64, low: f64 });
measured!(panicking { what: Panicking, low: f64, high: f64 });
measured!(checked { what: Name, limits: Limits, parts: [Option<Name>; 2], low: f64 });
measured!(checked_other { what: Name, limits: Limits, parts: [Option<Name>; 2], low: i64 });
measured!(optional { what: Option<Refusing>, list: Vec<Refusing>, low: f64 });
measured!(optional_other { what: Option<Refusing>, list: Vec<Refusing>, low: i64 });

#[test]
fn what_follows_a_field_that_refuses_values_is_seen() {
    let texts = [
        (type_shape::<refused::Measured>(), "Measured = Measured{what:String,low,high}"),
        (type_shape::<refused_swapped::Measured>(), "Measured = Measured{what:String,high,low}"),
        (type_shape::<panicking::Measured>(), "Measured = Measured{what:u8,low,high}"),
        (
            type_shape::<checked::Measured>(),
            "Measured = Measured{what:String,limits:[f64],parts:(?String,?String),low:f64}",
        ),
        (
            type_shape::<checked_other::Measured>(),
            "Measured = Measured{what:String,limits:[f64],parts:(?String,?String),low:i64}",
        ),
    ];
    for (text, expected) in texts {
        assert_eq!(text, expected);
    }
    for (kind, text) in [("f64", type_shape::<optional::Measured>()), ("i64", type_shape::<optional_other::Measured>())]
    {
        let tries = ["what:?String,list,low", "what:?,list:[String],low", &format!("what:?,list:[],low:{kind}")];
        let expected = tries.map(|fields| format!("Measured{{{fields}}}")).join("; ");
        assert_eq!(text, format!("Measured = {expected}"), "what was refused is part of it, too");
    }
}

/// A struct of many fields, and an enum of many variants, in a module of their own.
macro_rules! wide {
    ($module:ident, $n_fields:expr, $swapped:expr, $last:ty) => {
        mod $module {
            use super::*;

            #[expect(dead_code, reason = "only its shape is asked for")]
            pub(super) struct Table(f64);

            impl<'de> Deserialize<'de> for Table {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let mut names: Vec<&str> =
                        (0..$n_fields).map(|n| &*format!("feature_of_band_{n:03}").leak()).collect();
                    names.swap($swapped, $swapped + 1);
                    deserializer.deserialize_struct("Table", names.leak(), Sum($n_fields)).map(Self)
                }
            }

            pub(super) struct Many;

            impl<'de> Deserialize<'de> for Many {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let names: Vec<&str> = (0..200).map(|n| &*format!("V{n}").leak()).collect();
                    deserializer.deserialize_enum("Many", names.leak(), Last)
                }
            }

            struct Last;

            impl<'de> Visitor<'de> for Last {
                type Value = Many;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a variant")
                }

                fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Many, A::Error> {
                    let (number, variant) = data.variant::<u32>()?;
                    if number == 199 {
                        variant.newtype_variant::<$last>().map(drop)?
                    } else {
                        variant.unit_variant()?
                    }
                    Ok(Many)
                }
            }
        }
    };
}

/// Reads so many numbers.
struct Sum(usize);

impl<'de> Visitor<'de> for Sum {
    type Value = f64;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<f64, A::Error> {
        let mut sum = 0.0;
        for _ in 0..self.0 {
            sum += numbers.next_element::<f64>()?.unwrap_or_default();
        }
        Ok(sum)
    }
}

wide!(first, 1000, 0, u8);
wide!(first_again, 1000, 0, u8);
wide!(last, 1000, 998, u16);

#[test]
fn the_end_of_a_long_struct_and_the_last_of_many_variants_are_seen() {
    let tables = [type_shape::<first::Table>(), type_shape::<first_again::Table>(), type_shape::<last::Table>()];
    let enums = [type_shape::<first::Many>(), type_shape::<first_again::Many>(), type_shape::<last::Many>()];
    for [one, again, other] in [tables, enums] {
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert!(one.len() < LONGEST + 32, "{}", one.len());
    }
}

/// An enum of one name in a module of its own, with the same variants.
macro_rules! stage {
    ($module:ident, $first:ty, $second:ty) => {
        mod $module {
            use super::*;

            #[derive(Deserialize)]
            #[expect(dead_code, reason = "only its shape is asked for")]
            pub(super) enum Stage {
                First($first),
                Second($second),
            }
        }
    };
}

stage!(old, u8, u16);
stage!(new, i8, i16);
stage!(newer, i8, i32);

#[derive(Deserialize)]
enum Within<A, B> {
    None,
    Both(A, B),
}

#[test]
fn all_variants_of_two_enums_of_one_name_are_seen_also_within_a_third() {
    let text = type_shape::<(old::Stage, new::Stage)>();
    for kind in ["u8", "u16", "i8", "i16"] {
        assert!(text.contains(&format!("({kind})")), "{kind} in {text}");
    }
    let [one, other] = [type_shape::<(old::Stage, new::Stage)>(), type_shape::<(old::Stage, newer::Stage)>()];
    assert_ne!(one, other);
    let within = [type_shape::<Within<old::Stage, new::Stage>>(), type_shape::<Within<old::Stage, newer::Stage>>()];
    assert_ne!(within[0], within[1]);
}

#[test]
fn a_long_text_is_cut_and_still_another_for_another_type() {
    let [one, other] = ["a", "b"].map(|last| {
        let mut rounds = Rounds::default();
        rounds.add(&("x".repeat(LONGEST) + last));
        rounds.named(String::new())
    });
    assert!(one.len() < LONGEST + 32);
    assert_ne!(one, other);
}
