//! How values are written: the setting that users choose. Plain data.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How values are written for a worker process or a journal. As text: `compact`, `self-describing`.
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
/// Whatever the format, a value is compared with what reads back from its bytes when its type is first written, and
/// again for each variant, each absent or present option and each skipped field that was not seen before. What does not
/// read back fails by name and is never passed on as another value: an item with
/// [`Cause::Encoding`](crate::Cause::Encoding), a value of a journal as a warning of the run.
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
    /// The shortest and quickest. Reader and writer must be of the same type, which writes all of its fields in the same
    /// order each time.
    #[default]
    Compact,
    /// For types that write what their reader must look at to know what it is. Each value has the names of its fields in
    /// it, so it is longer, and takes more time to write and to read.
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
