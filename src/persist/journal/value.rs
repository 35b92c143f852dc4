//! Encodes values as bytes and configurations as text, equal in each run for equal values. Pure.
//!
//! Values are in the format of the run that wrote them; `encoding` knows the formats. Bytes that are left over and bytes
//! that are missing are errors; that the type is the one that was written, the store compares. Configurations are JSON,
//! because their difference must be named to a person and a row must be readable with any SQLite tool.

use std::mem::{forget, needs_drop};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::encoding::{self, Format, ReadBack, Shapes, drop_copy};
use crate::persist::journal::error::JournalError;
use crate::sync::{HintWord, Ordering};

/// Copies of values up to this many bytes are leaked, not dropped, and so many bytes of them in a process.
const LEAKED: usize = 4 << 10;
const MOST_LEAKED: u64 = 1 << 20;

/// The length in bytes of the copies that this process has leaked. A forked child has its parent's copies, too.
static N_LEAKED: HintWord = HintWord::new(0);

/// What a run remembers of the values that it has written to its journal.
#[derive(Debug, Default)]
pub(crate) struct WrittenValues {
    /// The shapes of values that were read back.
    shapes: Shapes,
}

/// A copy of a value was compared, in the process of the caller.
///
/// The destructor of a copy does what that of the value does: one that removes a file would remove that of a result
/// which the outcome still holds. So a small copy that stands for others of its shape is leaked. A large one is plain data as
/// a rule, and of a type whose values are all read back there would be too many: they are dropped.
fn done<R>(copy: R, n_bytes: usize, read_back: ReadBack) {
    let size = n_bytes.max(size_of::<R>()) as u64;
    let is_one_of_few = n_bytes <= LEAKED && read_back == ReadBack::OncePerShape;
    if needs_drop::<R>() && is_one_of_few && N_LEAKED.fetch_add(size, Ordering::Relaxed) < MOST_LEAKED {
        return forget(copy);
    }
    drop_copy(copy);
}

/// A value's bytes for the journal, which are read back where the value's shape was not seen before in this run.
///
/// Costs one allocation, which grows with the value. The calling thread of the run encodes, before the row is queued.
///
/// # Errors
/// The message of the value's `Serialize`, or of the format for what it cannot write, such as a sequence of unknown
/// length; and what a value reads back as that does not read back as itself. The run goes on: the caller makes it a
/// warning.
pub(crate) fn encode_value<R>(format: Format, value: &R, written: &WrittenValues) -> Result<Vec<u8>, String>
where
    R: Serialize + DeserializeOwned,
{
    let (mut bytes, shapes) = (Vec::new(), &written.shapes);
    encoding::write(format, value, &mut bytes, shapes)?;
    if shapes.has_new() {
        match encoding::read_back(format, value, &bytes, |copy, read_back| done(copy, bytes.len(), read_back)) {
            Ok(later) => shapes.accept_new(later),
            Err(reason) => {
                shapes.take_new();
                return Err(reason);
            }
        }
    }
    Ok(bytes)
}

/// The value of these bytes. Bytes that are left over are an error.
///
/// The key is only for the error. Called for each resumed item of a run, and by a reader for each value that it wants.
///
/// # Errors
/// [`JournalError::Value`] with the name of `R`.
pub(crate) fn decode_value<R: DeserializeOwned>(key: &str, format: Format, bytes: &[u8]) -> Result<R, JournalError> {
    let refused = |why: String| JournalError::Value { key: key.to_owned(), kind: std::any::type_name::<R>(), why };
    encoding::read(format, bytes).map_err(refused)
}

/// JSON text in which names are sorted, so that equal configurations are equal texts.
///
/// An integer and a float of the same value are different texts: `1` and `1.0`. The builder calls it, once for each
/// configuration that is set.
pub(crate) fn sorted_json(value: Value) -> String {
    sorted(value).to_string()
}

/// Sorts at every depth. The order of a list is kept, because it has a meaning.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            // Serde_json keeps names sorted or as they came, depending on what else is in the build: inserted in order, they
            // are sorted either way.
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

/// The first difference of two JSON texts: the path of the field, and both values. The whole texts when one of them is
/// no JSON.
///
/// Worked cases:
///
/// | recorded | now | result |
/// |---|---|---|
/// | `{"filter":{"low":0.3}}` | `{"filter":{"low":0.5}}` | `filter.low`, `0.3`, `0.5` |
/// | `{"a":1}` | `{"a":1,"b":[2]}` | `b`, `not there`, `[2]` |
/// | `{"a":[1,{"b":2}]}` | `{"a":[1,{"b":3}]}` | `a[1].b`, `2`, `3` |
/// | `[1]` | `[1,2]` | an empty path, `[1]`, `[1,2]` |
pub(crate) fn first_difference(recorded: &str, now: &str) -> (String, String, String) {
    match (serde_json::from_str(recorded), serde_json::from_str(now)) {
        (Ok(recorded), Ok(now)) => differing_field(String::new(), &recorded, &now),
        _ => (String::new(), recorded.to_owned(), now.to_owned()),
    }
}

/// Goes down while both sides have the same shape. Lists of different lengths are shown as a whole: which element was
/// added or removed is not known.
fn differing_field(way: String, recorded: &Value, now: &Value) -> (String, String, String) {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => differing_name(way, recorded, now),
        (Value::Array(recorded), Value::Array(now)) if recorded.len() == now.len() => {
            let differs = recorded.iter().zip(now).enumerate().find(|(_, (recorded, now))| recorded != now);
            match differs {
                Some((place, (recorded, now))) => differing_field(format!("{way}[{place}]"), recorded, now),
                None => (way, String::new(), String::new()),
            }
        }
        _ => (way, recorded.to_string(), now.to_string()),
    }
}

/// Names of the recorded side come first, then those of the other; within a side they are sorted.
fn differing_name(way: String, recorded: &Map<String, Value>, now: &Map<String, Value>) -> (String, String, String) {
    let names = recorded.keys().chain(now.keys());
    let Some(name) = names.into_iter().find(|&name| recorded.get(name) != now.get(name)) else {
        return (way, String::new(), String::new());
    };
    let dot = if way.is_empty() { "" } else { "." };
    let way = format!("{way}{dot}{name}");
    match (recorded.get(name), now.get(name)) {
        (Some(recorded), Some(now)) => differing_field(way, recorded, now),
        (recorded, now) => {
            let text = |value: Option<&Value>| value.map_or("not there".to_owned(), Value::to_string);
            (way, text(recorded), text(now))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_configurations_are_equal_texts_in_whatever_order_their_names_come() {
        let one: Value = serde_json::from_str(r#"{"b": [{"y": 1, "x": 2}], "a": 0.1}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a": 0.1, "b": [{"x": 2, "y": 1}]}"#).unwrap();
        assert_eq!(sorted_json(one), r#"{"a":0.1,"b":[{"x":2,"y":1}]}"#);
        assert_eq!(sorted_json(other), r#"{"a":0.1,"b":[{"x":2,"y":1}]}"#);
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let cases = [
            (json!({"filter": {"low": 0.3}}), json!({"filter": {"low": 0.5}}), ("filter.low", "0.3", "0.5")),
            (json!({"a": 1}), json!({"a": 1, "b": [2]}), ("b", "not there", "[2]")),
            (json!({"a": 1, "b": 2}), json!({"a": 1}), ("b", "2", "not there")),
            (json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]}), ("a[1].b", "2", "3")),
            (json!([1]), json!([1, 2]), ("", "[1]", "[1,2]")),
            (json!(null), json!({"a": 1}), ("", "null", r#"{"a":1}"#)),
        ];
        for (recorded, now, (way, before, after)) in cases {
            let expected = (way.to_owned(), before.to_owned(), after.to_owned());
            assert_eq!(first_difference(&recorded.to_string(), &now.to_string()), expected);
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name() {
        let compact = Format::Compact;
        let bytes = encode_value(compact, &(1_u8, 2_u8), &WrittenValues::default()).unwrap();
        assert_eq!(decode_value::<(u8, u8)>("a", compact, &bytes), Ok((1, 2)));
        let message = decode_value::<u8>("a", compact, &bytes).unwrap_err().to_string();
        assert!(message.starts_with(r#"the recorded value of "a" is no u8: 1 bytes of it were not read"#), "{message}");
        assert!(message.ends_with("give the journal another version, or let the function return what it did"));
        assert!(decode_value::<[u64; 3]>("a", compact, &bytes).is_err());
    }
}
