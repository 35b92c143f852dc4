//! The functions that encode results for a journal and a report. `job/work.rs` chooses them where the types and their
//! traits are known, so that the run itself needs no serde bounds.
//!
//! The functions are plain `fn` pointers, one pair per run: a call through them costs an indirect jump per result, and
//! only where something is written down.

use std::fmt;

#[cfg(feature = "journal")]
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "journal")]
use crate::encoding::Format;
use crate::failure::{ErrorSources, ErrorText, WithCauses};
#[cfg(feature = "journal")]
use crate::persist::journal::{JournalError, WrittenValues, decode_value, encode_value};

/// How results are encoded; empty where nothing is written down.
pub(crate) struct Codec<R, E> {
    /// Present where the job has a journal. Without it a journal's rows would have no value, and a report needs none.
    #[cfg(feature = "journal")]
    pub(crate) values: Option<ValueCodec<R>>,
    #[cfg(not(feature = "journal"))]
    pub(crate) values: std::marker::PhantomData<fn() -> R>,
    /// An error as text, with the chain of its causes.
    ///
    /// `None` where neither a journal nor a report is kept: then no failure is written down.
    pub(crate) error_text: Option<fn(&E, ErrorSources<E>) -> String>,
}

/// How values are written and read back.
#[cfg(feature = "journal")]
pub(crate) struct ValueCodec<R> {
    /// The bytes of a value, in an allocation of their own; or why it cannot be encoded or does not read back.
    pub(crate) write: fn(Format, &R, &WrittenValues) -> Result<Vec<u8>, String>,
    /// The value of these bytes, for the item with this key. The error names the key and the type; bytes that are left
    /// over are an error too.
    pub(crate) read: fn(&str, Format, &[u8]) -> Result<R, JournalError>,
}

#[cfg(feature = "journal")]
impl<R: Serialize + DeserializeOwned> ValueCodec<R> {
    pub(crate) fn new() -> Self {
        Self { write: encode_value::<R>, read: decode_value::<R> }
    }
}

impl<R, E> Default for Codec<R, E> {
    fn default() -> Self {
        Self { values: Default::default(), error_text: None }
    }
}

/// An error as text, with the chain of its causes.
pub(crate) fn error_text<E: ErrorText>(error: &E, sources: ErrorSources<E>) -> String {
    format!("{:#}", WithCauses::new(error, sources))
}

impl<R, E> fmt::Debug for Codec<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}
