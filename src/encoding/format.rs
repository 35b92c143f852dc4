//! How values are written: the setting that users choose. Plain data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How values are written for a worker process or a journal: the argument of `Processes::format` and `Journal::format`. As
/// text: `compact`, `self-describing`.
///
/// | | `Compact` | `SelfDescribing` |
/// |---|---|---|
/// | format | postcard | MessagePack |
/// | names of fields and variants | not written | written with each value |
/// | `#[serde(skip)]` of a variant before others, `skip_serializing_if` | refused | read back |
/// | `#[serde(untagged)]`, `tag`, `content`, `flatten`, `serde_json::Value` | refused | read back |
/// | `Option<Option<_>>`, `Option<()>` | read back | `Some(None)` and `Some(())` are refused |
/// | 128-bit integers beside `untagged`, `tag` or `flatten` | refused | refused |
/// | a number, a text of `n` bytes | 1 to 10 bytes, `n + 1` | 1 to 9 bytes, `n + 1` to `n + 5` |
///
/// Values within values have 256 levels at most in either format: structs, tuples, lists, maps, options with a value,
/// and variants count. So bytes that claim to be a long chain, in a damaged journal for instance, are an error and no
/// overflow of the stack; a value that goes deeper is refused as it is written.
///
/// In either format, what is written must read back. The first value of a call or a run is read back and compared, and so
/// is each later value with a variant, an absent or a present option, or a skipped field that none before it had. A value
/// that does not read back fails by name: in worker processes its item fails with `Cause::Encoding`, in a journal it is a
/// warning of the run.
///
/// What is compared is what the values write, and a form that read back once is not read again. So these are not noticed: a
/// `Serialize` that picks another kind of number by the value, an `untagged` variant that reads as an earlier one, a list
/// that comes back in another order, and fields that are never written.
///
/// ```
#[cfg_attr(feature = "journal", doc = "use manyhands::journal::Format;")]
#[cfg_attr(not(feature = "journal"), doc = "use manyhands::process::Format;")]
///
/// assert_eq!(Format::default(), Format::Compact);
/// assert_eq!("self-describing".parse(), Ok(Format::SelfDescribing));
/// assert_eq!(Format::Compact.to_string(), "compact");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Format {
    /// The shortest and the quickest. The type must write all of its fields each time, in the order in which it reads them.
    #[default]
    Compact,
    /// For types whose reader must see from the bytes what comes. Each value has the names of its fields in it, so it is
    /// longer, and takes more time to write and to read: about twice as much for a small struct.
    SelfDescribing,
}

/// A text that names no [`Format`].
///
/// ```
#[cfg_attr(feature = "journal", doc = "use manyhands::journal::Format;")]
#[cfg_attr(not(feature = "journal"), doc = "use manyhands::process::Format;")]
///
/// let error = "xml".parse::<Format>().unwrap_err();
/// assert_eq!(error.to_string(), r#""xml" is none of compact, self-describing"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFormat(String);

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of compact, self-describing", self.0)
    }
}

impl std::error::Error for UnknownFormat {}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compact => "compact",
            Self::SelfDescribing => "self-describing",
        })
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = [Self::Compact, Self::SelfDescribing].into_iter().find(|format| format.to_string() == text);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

impl Format {
    /// What a person can do about a value that does not read back.
    pub(crate) fn way_out(self) -> &'static str {
        match self {
            Self::Compact => "let its Serialize and Deserialize agree, or set .format(Format::SelfDescribing)",
            Self::SelfDescribing => "let its Serialize and Deserialize agree",
        }
    }
}
