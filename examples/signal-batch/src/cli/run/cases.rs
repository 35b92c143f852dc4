//! Files of cases: their kind, and a question for each case. What a case must hold is for its kind to say, in `answers/`.

use std::collections::HashSet;
use std::path::Path;

use consumer_support::input::read_whole;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::Kind;
use crate::cli::Refusal;

/// A file of cases.
#[derive(Debug)]
pub(super) struct Cases {
    pub(super) kind: Kind,
    pub(super) questions: Vec<Question>,
}

/// One case, as workers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) kind: Kind,
    /// For messages: the id, or the position where it has none.
    pub(super) name: String,
    /// The id as the file has it; null where it has none.
    #[serde(with = "as_text")]
    pub(super) id: Value,
    /// The case as JSON text: worker processes are sent bytes whose types are known, and a case may hold anything.
    pub(super) case: String,
    /// Why it cannot be asked, where that shows before.
    pub(super) refusal: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    cases: Vec<Value>,
}

impl Cases {
    /// Reads the file, of at most so many bytes.
    ///
    /// # Errors
    /// A message when it cannot be read, is no file of cases, has none, or has a kind that is not known.
    pub(super) fn read(path: &Path, most_bytes: u64) -> Result<Self, Refusal> {
        let refuse = |why: String| format!("{}: {why}", path.display());
        let bytes = read_whole(path, most_bytes).map_err(|error| refuse(error.to_string()))?;
        let json = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes); // some editors begin UTF-8 with a mark
        let file: File = serde_json::from_slice(json).map_err(|error| refuse(error.to_string()))?;
        let kind: Kind = file.kind.parse().map_err(|unknown: super::kind::UnknownKind| refuse(unknown.to_string()))?;
        if file.cases.is_empty() {
            return Err(refuse("it asks for nothing; give it cases".to_owned()));
        }
        let mut ids = HashSet::new();
        let question = |(idx, case): (usize, &Value)| Question::new(kind, idx, case, &mut ids);
        Ok(Self { kind, questions: file.cases.iter().enumerate().map(question).collect() })
    }
}

impl Question {
    fn new(kind: Kind, idx: usize, case: &Value, ids: &mut HashSet<String>) -> Self {
        let id = case.get("id").cloned().unwrap_or(Value::Null);
        let (name, refusal) = match &id {
            Value::String(text) if !ids.insert(text.clone()) => {
                (format!("{text:?}"), Some("an earlier case has this id; give each its own".to_owned()))
            }
            Value::String(text) => (format!("{text:?}"), None),
            _ if case.is_object() => (format!("number {}", idx + 1), Some("it has no id; give it a text".to_owned())),
            _ => (format!("number {}", idx + 1), Some("it is no object; write it as {\"id\": .., ..}".to_owned())),
        };
        Self { kind, name, id, case: case.to_string(), refusal }
    }
}

/// A JSON value as its text, for encodings that must know each type.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&value.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map_err(de::Error::custom)
    }
}
