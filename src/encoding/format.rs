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
/// is each later value with a form that none before it had: another variant, an absent or a present option, a skipped
/// field, another kind of number. A value that does not read back fails by name: in worker processes its item fails with
/// `Cause::Encoding`, in a journal it is a warning of the run.
///
/// Each value is read back, and so takes a multiple of the time, where one value says nothing of the next: in
/// `SelfDescribing` for types whose reader asks what comes (`untagged`, `tag`, `flatten`, `serde_json::Value`), in
/// `Compact` for types whose reader asks for another kind of number than was written.
///
/// What is compared is what the two values write: what they write alike is one value. So these are not noticed: a field
/// that is never written (`skip`, `skip_serializing`), which comes back as its default; an `untagged` variant that writes
/// what an earlier one writes, as that one; what a `with` drops before it writes; a `Deserialize` that changes only some
/// values of one form (it clamps numbers, trims texts, makes NaN a `None`), where the value that was read back was none of them. The order of the lists of the standard
/// library is compared, that of sets and maps is not, nor that of a list which a `Serialize` of your own writes element by
/// element.
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
            Self::Compact => {
                "set manyhands::process::Format::SelfDescribing by Processes::format or Journal::format, or let a Serialize \
                              and Deserialize of your own agree"
            }
            Self::SelfDescribing => {
                "let its Serialize and Deserialize agree; write 128-bit integers beside `tag` or `flatten` as texts, and for \
                                     Option<Option<_>> use Format::Compact or an enum"
            }
        }
    }
}
