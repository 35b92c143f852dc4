//! Values of every shape of serde, over both formats: each reads back, or is refused.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::de::{self, IgnoredAny};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::json;

use super::*;
use crate::encoding::bounds::LEVELS;

const FORMATS: [Format; 2] = [Format::Compact, Format::SelfDescribing];

/// Writes a value as a process or a journal does.
fn written<V: Serialize + DeserializeOwned>(format: Format, value: &V, shapes: &Shapes) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    write(format, value, &mut bytes, shapes)?;
    if shapes.has_new() {
        match read_back(format, value, &bytes, |copy, _| drop_copy(copy)) {
            Ok(later) => shapes.accept_new(later),
            Err(reason) => {
                shapes.take_new();
                return Err(reason);
            }
        }
    }
    Ok(bytes)
}

fn round_trip<V: Serialize + DeserializeOwned>(format: Format, value: &V) -> Result<V, String> {
    read(format, &written(format, value, &Shapes::default())?)
}

/// The value reads back in both formats.
fn reads_back<V: Serialize + DeserializeOwned + PartialEq + Debug>(value: V) {
    for format in FORMATS {
        assert_eq!(round_trip(format, &value).as_ref(), Ok(&value), "{format}");
    }
}

/// The compact format refuses the value with a text that names the way out, and the other reads it back.
fn is_refused_and_reads_back<V: Serialize + DeserializeOwned + PartialEq + Debug>(value: V) {
    let refusal = round_trip(Format::Compact, &value).unwrap_err();
    assert!(refusal.contains("SelfDescribing") || refusal.contains("length"), "{value:?}: {refusal}");
    assert_eq!(round_trip(Format::SelfDescribing, &value).as_ref(), Ok(&value));
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Stage {
    #[serde(skip)]
    Unknown,
    Wake,
    Light,
    Deep,
    Rem,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
struct Night {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
    epochs: u32,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
    Pair { a: u8, b: Vec<u16> },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind")]
enum Tagged {
    Empty,
    Filled { width: f64 },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind", content = "body")]
enum Adjacent {
    Empty,
    One(u8),
    Both { a: char, b: Option<i8> },
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Flat {
    id: u64,
    #[serde(flatten)]
    night: Night,
    #[serde(flatten)]
    more: BTreeMap<String, f32>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Unit;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Wrapped(u128, i128);

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Mixed {
    Unit,
    One(Option<Box<Mixed>>),
    Two(u8, String),
    Named { list: Vec<Mixed>, letter: char },
}

#[test]
fn what_is_written_in_full_reads_back_in_both_formats() {
    reads_back((true, -1_i8, i16::MIN, i32::MAX, i64::MIN, u64::MAX, 'ß', "text".to_owned()));
    reads_back(Wrapped(u128::MAX, i128::MIN));
    reads_back((Unit, (), [0_u8; 4], Some(Unit), None::<u8>, Ok::<u8, String>(3)));
    reads_back((0..1000).map(|n| (n, n.to_string())).collect::<HashMap<u32, String>>());
    reads_back((0..1000).collect::<HashSet<i64>>());
    reads_back(BTreeMap::from([((1, 'a'), vec![Unit; 3])]));
    reads_back(Mixed::Named {
        list: vec![
            Mixed::Unit,
            Mixed::One(None),
            Mixed::Two(1, "b".to_owned()),
            Mixed::One(Some(Box::new(Mixed::Unit))),
        ],
        letter: '\u{10ffff}',
    });
    reads_back(vec![(); 1000]);
    reads_back((std::path::PathBuf::from("night/one.edf"), Duration::from_nanos(1), std::net::Ipv4Addr::LOCALHOST));
}

#[test]
fn floats_read_back_to_the_last_bit() {
    let doubles = [0x7ff8_0000_0000_0001_u64, 0xfff0_0000_0000_0001, 0x8000_0000_0000_0000, 0x7ff0_0000_0000_0000, 1];
    for format in FORMATS {
        let list: Vec<f64> = doubles.iter().map(|&bits| f64::from_bits(bits)).collect();
        let back = round_trip(format, &list).unwrap();
        assert!(back.iter().zip(doubles).all(|(value, bits)| value.to_bits() == bits), "{format}: {back:?}");
        let single = f32::from_bits(0x7fc0_0001);
        assert_eq!(round_trip(format, &single).unwrap().to_bits(), 0x7fc0_0001, "{format}");
    }
}

#[test]
fn bytes_read_back() {
    #[derive(PartialEq, Debug)]
    struct Bytes(Vec<u8>);
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }
    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct OfBytes;
            impl de::Visitor<'_> for OfBytes {
                type Value = Bytes;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }
            }
            deserializer.deserialize_byte_buf(OfBytes)
        }
    }
    reads_back(Bytes((0..=255).collect()));
}

#[test]
fn a_variant_behind_a_skipped_one_is_never_another() {
    let names = Shapes::default();
    for format in FORMATS {
        for (stage, other) in [(Stage::Wake, "Light"), (Stage::Light, "Deep"), (Stage::Deep, "Rem"), (Stage::Rem, "")] {
            match format {
                Format::Compact => {
                    let refusal = written(format, &stage, &names).unwrap_err();
                    assert!(refusal.contains(other) && refusal.contains("SelfDescribing"), "{refusal}");
                }
                Format::SelfDescribing => assert_eq!(round_trip(format, &stage), Ok(stage)),
            }
        }
        assert!(round_trip(format, &Stage::Unknown).is_err());
    }
}

#[test]
fn a_new_shape_is_read_back_also_after_others_were_written() {
    let shapes = Shapes::default();
    let night = |note: Option<&str>| Night { note: note.map(str::to_owned), epochs: 3 };
    for _ in 0..3 {
        written(Format::Compact, &night(Some("calm")), &shapes).unwrap();
        written(Format::Compact, &night(None), &shapes).unwrap_err();
    }
    assert!(round_trip(Format::SelfDescribing, &night(None)).is_ok());

    let shapes = Shapes::default();
    written(Format::Compact, &Vec::<Untagged>::new(), &shapes).unwrap();
    written(Format::Compact, &vec![Untagged::Number(1.0)], &shapes).unwrap_err();
    written(Format::Compact, &Vec::<Untagged>::new(), &shapes).unwrap();
}

/// Reads back unless it is the default of its type.
struct NotDefault<T>(T);

impl<T: Serialize> Serialize for NotDefault<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Default + PartialEq> Deserialize<'de> for NotDefault<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        if value == T::default() { Err(de::Error::custom("no default is read")) } else { Ok(Self(value)) }
    }
}

#[test]
fn an_absent_option_and_an_empty_list_or_map_are_read_back_after_full_ones() {
    fn check<T: Serialize + DeserializeOwned + Default + PartialEq>(full: fn() -> T) {
        for format in FORMATS {
            let shapes = Shapes::default();
            for _ in 0..2 {
                assert!(written(format, &vec![(1_u8, NotDefault(full()))], &shapes).is_ok());
                let refusal = written(format, &vec![(1_u8, NotDefault(T::default()))], &shapes).unwrap_err();
                assert!(refusal.contains("no default is read"), "{format}: {refusal}");
            }
        }
    }
    check(|| Some(1_u8));
    check(|| vec![1_u8]);
    check(|| BTreeMap::from([(1_u8, 1_u8)]));
}

#[test]
fn values_that_must_describe_themselves_are_refused_or_read_back() {
    is_refused_and_reads_back(Untagged::Number(1.5));
    is_refused_and_reads_back(Untagged::Text("a".to_owned()));
    is_refused_and_reads_back(Untagged::Pair { a: 1, b: vec![2, 3] });
    is_refused_and_reads_back(Tagged::Filled { width: -0.0 });
    is_refused_and_reads_back(Tagged::Empty);
    is_refused_and_reads_back(Flat { id: 7, night: Night::default(), more: BTreeMap::from([("x".to_owned(), 0.5)]) });
    is_refused_and_reads_back(json!({"a": [1, -2, 0.5, null, true, "text"], "b": {}}));
    for adjacent in [Adjacent::Empty, Adjacent::One(1), Adjacent::Both { a: 'a', b: None }] {
        assert_eq!(round_trip(Format::SelfDescribing, &adjacent), Ok(adjacent));
    }
}

#[test]
fn an_option_that_a_format_cannot_tell_apart_is_refused() {
    assert_eq!(round_trip(Format::Compact, &Some(None::<u8>)), Ok(Some(None)));
    assert_eq!(round_trip(Format::Compact, &Some(())), Ok(Some(())));
    assert!(round_trip(Format::SelfDescribing, &Some(None::<u8>)).is_err());
    assert!(round_trip(Format::SelfDescribing, &Some(())).is_err());
    assert_eq!(round_trip(Format::SelfDescribing, &Some(Some(1_u8))), Ok(Some(Some(1))));
}

/// Writes its numbers in one order and reads them in the other.
#[derive(Debug)]
struct Swapped(u8, u8);

impl Serialize for Swapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.1, self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Swapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(|(a, b)| Self(a, b))
    }
}

#[test]
fn fields_that_are_written_in_another_order_than_they_are_read_are_refused() {
    for format in FORMATS {
        let refusal = round_trip(format, &Swapped(1, 2)).unwrap_err();
        assert!(refusal.contains("(2, 1)") && refusal.contains("(1, 2)"), "{refusal}");
    }
}

#[test]
fn a_value_that_is_written_differently_each_time_is_not_refused() {
    struct Since(Instant);
    impl Serialize for Since {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX).serialize(serializer)
        }
    }
    impl<'de> Deserialize<'de> for Since {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let ago = Duration::from_nanos(Deserialize::deserialize(deserializer)?);
            Ok(Self(Instant::now() - ago))
        }
    }
    for format in FORMATS {
        assert!(round_trip(format, &Since(Instant::now())).is_ok());
    }
}

/// Fails and panics as its fields say.
struct Faulty(&'static str);

impl Serialize for Faulty {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != "panic", "no panic is lost");
        Err(serde::ser::Error::custom(format!("no {} is lost", self.0)))
    }
}

impl<'de> Deserialize<'de> for Faulty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer)?;
        Err(de::Error::custom("this reason is not lost"))
    }
}

#[test]
fn the_reason_of_the_users_code_is_kept_at_every_depth() {
    for format in FORMATS {
        for what in ["panic", "reason"] {
            let write = |value: &dyn Fn(&mut Vec<u8>) -> Result<(), String>| value(&mut Vec::new()).unwrap_err();
            let shapes = Shapes::default();
            let flat = write(&|bytes| super::write(format, &Faulty(what), bytes, &shapes));
            let deep = write(&|bytes| super::write(format, &vec![(1, Some(Faulty(what)))], bytes, &shapes));
            let map = write(&|bytes| super::write(format, &BTreeMap::from([(1, Faulty(what))]), bytes, &shapes));
            for reason in [flat, deep, map] {
                assert!(reason.contains(&format!("no {what} is lost")), "{format}: {reason}");
            }
        }
        let bytes = written(format, &vec![(1_u8, Some(2_u8))], &Shapes::default()).unwrap();
        let reason = read::<Vec<(u8, Option<Faulty>)>>(format, &bytes).err().unwrap();
        assert!(reason.contains("this reason is not lost"), "{format}: {reason}");
    }
}

#[test]
fn a_list_that_claims_more_elements_than_its_bytes_is_refused_at_once() {
    let begun = Instant::now();
    // 2^60 as postcard writes a length.
    let claim = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    let refused = |refusal: Option<String>| assert!(refusal.unwrap().contains("claims"), "it names the reason");
    refused(read::<Vec<()>>(Format::Compact, &claim).err());
    refused(read::<Vec<[u8; 0]>>(Format::Compact, &claim).err());
    refused(read::<HashSet<Unit>>(Format::Compact, &claim).err());
    refused(read::<BTreeMap<(), ()>>(Format::Compact, &claim).err());
    refused(read::<(u8, Option<Vec<Vec<()>>>)>(Format::Compact, &[&[7, 1, 1], &claim[..]].concat()).err());
    refused(read::<Vec<u8>>(Format::Compact, &claim).err());
    // 2^32 - 1 as MessagePack writes the length of a list, and of a map.
    for head in [0xdd, 0xdf] {
        let claim = [head, 0xff, 0xff, 0xff, 0xff];
        assert!(read::<Vec<()>>(Format::SelfDescribing, &claim).is_err());
        assert!(read::<serde_json::Value>(Format::SelfDescribing, &claim).is_err());
        assert!(read::<IgnoredAny>(Format::SelfDescribing, &claim).is_err());
    }
    // Many lists within one, each of which claims what a single one may.
    let many: Vec<u8> = std::iter::once(100).chain((0..100).flat_map(|_| [0xff, 0xff, 0x3f])).collect();
    refused(read::<Vec<Vec<()>>>(Format::Compact, &many).err());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Link {
    next: Option<Box<Link>>,
}

/// A chain of so many links, of two levels each.
fn chain(n_links: usize) -> Link {
    (1..n_links).fold(Link { next: None }, |link, _| Link { next: Some(Box::new(link)) })
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Nested {
    End,
    List(Vec<Nested>),
    Fields { inner: Box<Nested> },
    Wrapped(Box<(Nested,)>),
    Map(HashMap<u8, Nested>),
}

#[test]
fn a_value_is_nested_as_deep_in_both_directions_and_no_deeper() {
    let deepest = usize::from(LEVELS) / 2;
    for format in FORMATS {
        assert_eq!(round_trip(format, &chain(deepest)), Ok(chain(deepest)), "{format}");
        let shapes = Shapes::default();
        written(format, &chain(deepest), &shapes).unwrap();
        for n_links in [deepest + 1, 2 * deepest] {
            let refusal = written(format, &chain(n_links), &shapes).unwrap_err();
            assert!(refusal.contains("nested deeper than 256 levels"), "{format}: {refusal}");
        }
    }
    let kinds: [fn(Nested) -> Nested; 4] = [
        |inner| Nested::List(vec![inner]),
        |inner| Nested::Fields { inner: Box::new(inner) },
        |inner| Nested::Wrapped(Box::new((inner,))),
        |inner| Nested::Map(HashMap::from([(1, inner)])),
    ];
    for (format, kind) in FORMATS.into_iter().flat_map(|format| kinds.map(|kind| (format, kind))) {
        // Whatever can be written can be read: the two directions count the same.
        let mut value = Nested::End;
        let mut n_levels = 0;
        while let Ok(bytes) = written(format, &value, &Shapes::default()) {
            assert_eq!(read::<Nested>(format, &bytes), Ok(value.clone()), "{format}");
            (value, n_levels) = (kind(value), n_levels + 1);
        }
        assert!((125..=130).contains(&n_levels), "{format}: {n_levels}");
    }
}

#[test]
fn bytes_that_claim_a_long_chain_are_refused_and_need_no_more_stack_than_a_short_one() {
    let refused = |refusal: Option<String>| {
        let refusal = refusal.unwrap();
        assert!(refusal.contains("nested deeper than 256 levels"), "{refusal}");
    };
    let long = |bytes: &[u8]| bytes.repeat(1_000_000);
    refused(read::<Link>(Format::Compact, &long(&[1])).err());
    refused(read::<Nested>(Format::Compact, &long(&[1, 1])).err());
    refused(read::<Nested>(Format::Compact, &long(&[2])).err());
    refused(read::<Nested>(Format::Compact, &long(&[3])).err());
    refused(read::<Nested>(Format::Compact, &long(&[4, 1, 7])).err());
    // As MessagePack: lists of one element; maps with one key; and structs whose field is their only one.
    refused(read::<serde_json::Value>(Format::SelfDescribing, &long(&[0x91])).err());
    refused(read::<serde_json::Value>(Format::SelfDescribing, &long(&[0x81, 0xa1, b'a'])).err());
    refused(read::<Link>(Format::SelfDescribing, &long(b"\x81\xa4next")).err());
    refused(read::<Link>(Format::SelfDescribing, &long(&[0x91])).err());
    refused(read::<Nested>(Format::SelfDescribing, &long(b"\x81\xa4List\x91")).err());
    refused(read::<Untagged>(Format::SelfDescribing, &long(&[0x91])).err());
    refused(read::<IgnoredAny>(Format::SelfDescribing, &long(&[0x91])).err());
}

#[test]
fn integers_that_are_too_long_for_their_type_are_refused() {
    for bytes in [&[0x80, 0x80, 0x04][..], &[0xff, 0xff, 0xff, 0x00], &[0x80; 3]] {
        assert!(read::<u16>(Format::Compact, bytes).is_err(), "{bytes:?}");
    }
    assert!(read::<u64>(Format::Compact, &[&[0xff; 9][..], &[2]].concat()).is_err());
    assert!(read::<u128>(Format::Compact, &[&[0xff; 18][..], &[4]].concat()).is_err());
    assert_eq!(read(Format::Compact, &[0xff, 0xff, 0x03]), Ok(u16::MAX));
    assert_eq!(read(Format::Compact, &[0xff, 0xff, 0x03]), Ok(i16::MIN));
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in FORMATS {
            let _ = read::<Vec<(String, Option<f64>, Vec<()>)>>(format, &bytes);
            let _ = read::<Mixed>(format, &bytes);
            let _ = read::<serde_json::Value>(format, &bytes);
            let _ = read::<HashMap<u8, Wrapped>>(format, &bytes);
        }
    }

    #[test]
    fn values_read_back_whatever_they_are(
        list in proptest::collection::vec((any::<u64>(), any::<Option<String>>(), any::<char>()), 0..30),
        map in proptest::collection::hash_map(any::<i32>(), any::<(u128, bool)>(), 0..30),
        wide in any::<(i8, i16, u32, i128)>(),
    ) {
        for format in FORMATS {
            let value = (list.clone(), map.clone(), wide);
            prop_assert_eq!(round_trip(format, &value), Ok(value));
        }
    }

    #[test]
    fn the_compact_bytes_are_those_of_postcard(
        list in any::<Vec<(u64, Option<String>, f32, (i8, u128), char, Result<u16, bool>)>>(),
        map in any::<BTreeMap<i128, ((), f64, i16, u32)>>(),
        plain in any::<(i32, i64, u8, [u16; 3], Option<()>)>(),
    ) {
        let mixed = Mixed::Named { list: vec![Mixed::Two(1, "b".to_owned()), Mixed::Unit], letter: 'c' };
        let value = (list, map, plain, mixed, std::net::Ipv4Addr::LOCALHOST, Wrapped(1, -1), Unit);
        let bytes = written(Format::Compact, &value, &Shapes::default()).unwrap();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&value).unwrap());
    }
}

/// A hash map that is written as one text, in whatever order its entries come.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MapAsText(#[serde(with = "as_text")] HashMap<String, u32>);

mod as_text {
    use std::collections::HashMap;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(map: &HashMap<String, u32>, serializer: S) -> Result<S::Ok, S::Error> {
        let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
        serializer.serialize_str(&entries.join(","))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashMap<String, u32>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let entry =
            |entry: &str| entry.split_once('=').and_then(|(key, value)| Some((key.to_owned(), value.parse().ok()?)));
        text.split(',').map(|part| entry(part).ok_or_else(|| serde::de::Error::custom("no entry"))).collect()
    }
}

#[test]
fn a_map_that_is_written_in_any_order_as_one_text_reads_back() {
    let map = MapAsText((0..20).map(|n| (format!("key {n}"), n)).collect());
    for format in FORMATS {
        let mut bytes = Vec::new();
        write(format, &map, &mut bytes, &Shapes::default()).unwrap();
        assert!(read_back(format, &map, &bytes, |copy, _| drop_copy(copy)).is_ok());
    }
}

/// Leaves out some elements, but says how many there are in all.
#[derive(Debug, Serialize)]
struct Sparse(#[serde(serialize_with = "without_nines")] Vec<u8>);

fn without_nines<S: serde::Serializer>(list: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeSeq;
    let mut elements = serializer.serialize_seq(Some(list.len()))?;
    list.iter().filter(|&&element| element != 9).try_for_each(|element| elements.serialize_element(element))?;
    elements.end()
}

#[test]
fn a_list_of_fewer_elements_than_it_says_is_refused() {
    let write = |list: &[u8]| write(Format::Compact, &Sparse(list.to_vec()), &mut Vec::new(), &Shapes::default());
    assert_eq!(write(&[1, 2]), Ok(()));
    let refused = write(&[1, 9]).unwrap_err();
    assert!(refused.contains("another number of elements"), "{refused}");
}

/// A number that is written as one of two kinds and read as one, as numbers of JSON are.
#[derive(Debug, PartialEq)]
struct Count(i64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(self.0) {
            Ok(count) => serializer.serialize_u64(count),
            Err(_) => serializer.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

/// Each value is read back as itself, or refused; gives the numbers of those that are refused.
fn refused<V: Serialize + DeserializeOwned + PartialEq + Debug>(format: Format, values: &[V]) -> Vec<usize> {
    let shapes = Shapes::default();
    let is_refused = |value: &V| match written(format, value, &shapes) {
        Ok(bytes) => {
            assert_eq!(read::<V>(format, &bytes).as_ref(), Ok(value), "{format}");
            false
        }
        Err(_) => true,
    };
    (0..values.len()).filter(|&number| is_refused(&values[number])).collect()
}

#[test]
fn a_number_that_is_written_as_another_kind_than_it_is_read_is_never_another_number() {
    // 0 is written alike in both kinds, so it says nothing of 4.
    assert_eq!(refused(Format::Compact, &[0, -3, 4, 0, 4, -4].map(Count)), [2, 4]);
    assert_eq!(refused(Format::Compact, &[-3, 4].map(Count)), [1]);
    assert_eq!(refused(Format::Compact, &[-3, 4].map(|n| (1_u8, Some(Count(n))))), [1]);
    assert_eq!(refused(Format::Compact, &[-3, 4].map(|n| vec![Count(-1), Count(n)])), [1]);
    assert_eq!(refused(Format::Compact, &[-3, 4].map(|n| BTreeMap::from([(1_u8, Count(n))]))), [1]);
    assert_eq!(refused(Format::Compact, &[-3, 4].map(|n| Ok::<_, ()>(Count(n)))), [1]);
    assert_eq!(refused(Format::SelfDescribing, &[0, -3, 4, 0, 4, -4].map(Count)), [0; 0]);
}

/// Two numbers, of which the smaller one is written first.
#[derive(Deserialize, Debug, PartialEq)]
struct Ends {
    end_1_of: f64,
    end_2_of: f64,
}

impl Serialize for Ends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Ends", 2)?;
        if self.end_1_of <= self.end_2_of {
            fields.serialize_field("end_1_of", &self.end_1_of)?;
            fields.serialize_field("end_2_of", &self.end_2_of)?;
        } else {
            fields.serialize_field("end_2_of", &self.end_2_of)?;
            fields.serialize_field("end_1_of", &self.end_1_of)?;
        }
        fields.end()
    }
}

#[test]
fn fields_that_are_written_in_another_order_are_never_in_the_places_of_each_other() {
    let ends = [(1.0, 2.0), (2.0, 3.0), (3.0, 2.0), (2.0, 2.0)].map(|(end_1_of, end_2_of)| Ends { end_1_of, end_2_of });
    assert_eq!(refused(Format::Compact, &ends), [2]);
    assert_eq!(refused(Format::SelfDescribing, &ends), [0; 0]);
}

/// A number for which a text stands where it is missing.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Marked {
    before: u8,
    #[serde(serialize_with = "text_where_missing")]
    width: f64,
    after: String,
}

fn text_where_missing<S: Serializer>(width: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if width.is_finite() { serializer.serialize_f64(*width) } else { serializer.serialize_str("missing") }
}

/// As it, with a `Serialize` of its own for the whole struct.
#[derive(Deserialize, Debug, PartialEq)]
struct MarkedByHand(u8, f64, String);

impl Serialize for MarkedByHand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTupleStruct;
        let mut fields = serializer.serialize_tuple_struct("MarkedByHand", 3)?;
        fields.serialize_field(&self.0)?;
        if self.1.is_finite() {
            fields.serialize_field(&self.1)?
        } else {
            fields.serialize_field("missing")?
        }
        fields.serialize_field(&self.2)?;
        fields.end()
    }
}

#[test]
fn a_text_in_the_place_of_a_number_is_never_read_as_one() {
    let width = [1.0, 2.0, f64::INFINITY];
    let after = || "some text that follows".to_owned();
    assert_eq!(refused(Format::Compact, &width.map(|width| Marked { before: 1, width, after: after() })), [2]);
    assert_eq!(refused(Format::Compact, &width.map(|width| MarkedByHand(1, width, after()))), [2]);
}

#[test]
fn a_variant_that_the_value_and_not_the_shape_decides_is_never_another() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    enum Number {
        Int(i64),
        Big(u64),
        Float(f64),
    }
    let numbers = [Number::Big(u64::MAX), Number::Float(0.5), Number::Int(3), Number::Big(5), Number::Big(u64::MAX)];
    assert_eq!(refused(Format::SelfDescribing, &numbers), [3]);

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(tag = "t")]
    enum Named {
        A {
            v: f64,
        },
        #[serde(rename(serialize = "x", deserialize = "y"))]
        B {
            v: f64,
        },
    }
    assert_eq!(refused(Format::SelfDescribing, &[Named::A { v: 1.0 }, Named::B { v: 1.0 }, Named::A { v: 2.0 }]), [1]);
}

#[test]
fn one_value_of_a_shape_is_read_back_where_the_reader_asks_for_what_was_written() {
    fn once<V: Serialize + DeserializeOwned>(format: Format, value: &V) -> ReadBack {
        let mut bytes = Vec::new();
        write(format, value, &mut bytes, &Shapes::default()).unwrap();
        read_back(format, value, &bytes, |copy, _| drop_copy(copy)).unwrap()
    }
    for format in FORMATS {
        let integers = (true, -1_i8, -1_i16, -1_i32, -1_i64, 1_u8, 1_u16, 1_u32, 1_u64, 1_usize);
        assert_eq!(once(format, &integers), ReadBack::OncePerShape);
        let others = (1_f32, 1_f64, 'a', "b".to_owned(), (), [Some(1_u8), None], std::path::PathBuf::from("c"));
        assert_eq!(once(format, &others), ReadBack::OncePerShape);
        assert_eq!(once(format, &Wrapped(1, -1)), ReadBack::OncePerShape);
        assert_eq!(
            once(format, &HashMap::from([(1, Ok::<u8, String>(2)), (3, Err("d".to_owned()))])),
            ReadBack::OncePerShape
        );
        assert_eq!(
            once(format, &Mixed::Named { list: vec![Mixed::Two(1, "e".to_owned())], letter: 'f' }),
            ReadBack::OncePerShape
        );
        assert_eq!(once(format, &(Duration::from_nanos(1), std::net::Ipv6Addr::LOCALHOST)), ReadBack::OncePerShape);
    }
    assert_eq!(once(Format::Compact, &Count(0)), ReadBack::Always);
    assert_eq!(once(Format::SelfDescribing, &Count(0)), ReadBack::OncePerShape);
    assert_eq!(once(Format::SelfDescribing, &Untagged::Number(1.0)), ReadBack::Always);
    assert_eq!(once(Format::SelfDescribing, &json!(1)), ReadBack::Always);
}

#[test]
fn a_list_that_is_read_in_another_order_is_refused_and_a_set_is_not() {
    fn sorting<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i32>, D::Error> {
        let mut list = Vec::<i32>::deserialize(deserializer)?;
        list.sort_unstable();
        Ok(list)
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Sorted(#[serde(deserialize_with = "sorting")] Vec<i32>);
    for format in FORMATS {
        assert!(round_trip(format, &Sorted(vec![1, 2, 3])).is_ok());
        let refusal = round_trip(format, &Sorted(vec![3, 1, 2])).unwrap_err();
        assert!(refusal.contains("[3, 1, 2]") && refusal.contains("[1, 2, 3]"), "{refusal}");
        for n in [2, 3, 100] {
            // By capacity, the orders of a set and its copy differ also where its hashes are the same in each.
            let mut set = HashSet::with_capacity_and_hasher(1000, foldhash::fast::FixedState::default());
            set.extend(0..n);
            assert_eq!(round_trip(format, &set).as_ref(), Ok(&set));
            assert_eq!(round_trip(format, &(0..n).collect::<HashSet<i32>>()).map(|set| set.len()), Ok(n as usize));
        }
        let lists = (std::collections::VecDeque::from([3, 1]), std::collections::LinkedList::from([3, 1]));
        assert_eq!(round_trip(format, &lists).as_ref(), Ok(&lists));
    }
}

#[test]
fn a_list_of_more_empty_elements_than_can_be_read_is_refused_as_it_is_written() {
    use crate::encoding::bounds::MOST_EMPTY;
    let shapes = Shapes::default();
    assert!(written(Format::Compact, &vec![(); 2], &shapes).is_ok());
    assert!(written(Format::Compact, &vec![(); MOST_EMPTY], &shapes).is_ok());
    let lists = [vec![vec![(); MOST_EMPTY + 8]], vec![vec![(); MOST_EMPTY / 2 + 8]; 2]];
    for list in lists {
        // Before it is read back: as of the second list of a run.
        let refusal = write(Format::Compact, &list, &mut Vec::new(), &shapes).unwrap_err();
        assert!(refusal.contains("elements, and its bytes hold"), "{refusal}");
    }
}

#[test]
fn the_elements_of_a_long_array_have_few_places() {
    let rows = [[Some(0.5); 32]; 32];
    for format in FORMATS {
        let shapes = Shapes::default();
        let mut bytes = Vec::new();
        write(format, &rows, &mut bytes, &shapes).unwrap();
        assert!(shapes.take_new().len() < 1000, "{format}");
    }
}
