//! What a job keeps of its items beyond the run, as a type: it decides what is asked of answers and errors.

#[cfg(any(feature = "journal", feature = "reports"))]
use std::fmt::Display;

#[cfg(feature = "journal")]
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "journal")]
use crate::persist::journal::{JournalError, decode_value, encode_value};

/// What a job keeps of its items beyond the run. Sealed: [`Forget`] asks for nothing, a report for errors that can be shown,
/// a journal for answers that are serde types too.
pub trait Keeps<R, E>: sealed::Sealed {
    /// How answers and errors are written down.
    #[doc(hidden)]
    fn codec() -> Codec<R, E>;
}

pub(crate) mod sealed {
    pub trait Sealed {
        /// Whether anything is kept.
        const KEEPS: bool;
    }
}

/// Nothing is kept.
#[derive(Debug, Clone, Copy)]
pub enum Forget {}

/// How each item went is reported: see [`Job::report`](crate::Job::report).
#[cfg(feature = "reports")]
#[derive(Debug, Clone, Copy)]
pub enum Reported {}

/// Finished items are journalled: see [`Job::journal`](crate::Job::journal). A report may be written too.
#[cfg(feature = "journal")]
#[derive(Debug, Clone, Copy)]
pub enum Journaled {}

impl sealed::Sealed for Forget {
    const KEEPS: bool = false;
}

#[cfg(feature = "reports")]
impl sealed::Sealed for Reported {
    const KEEPS: bool = true;
}

#[cfg(feature = "journal")]
impl sealed::Sealed for Journaled {
    const KEEPS: bool = true;
}

/// How answers and errors are written down, as far as they are.
#[derive(Debug)]
pub struct Codec<R, E> {
    #[cfg(feature = "journal")]
    pub(crate) values: Option<ValueCodec<R>>,
    #[cfg(not(feature = "journal"))]
    pub(crate) values: std::marker::PhantomData<fn() -> R>,
    pub(crate) tell: Option<fn(&E) -> String>,
}

/// How values are written down and read back.
#[cfg(feature = "journal")]
#[derive(Debug)]
pub(crate) struct ValueCodec<R> {
    pub(crate) write: fn(&R) -> Result<Vec<u8>, String>,
    pub(crate) read: fn(&str, &[u8]) -> Result<R, JournalError>,
}

impl<R, E> Keeps<R, E> for Forget {
    fn codec() -> Codec<R, E> {
        Codec { values: Default::default(), tell: None }
    }
}

#[cfg(feature = "reports")]
impl<R, E: Display> Keeps<R, E> for Reported {
    fn codec() -> Codec<R, E> {
        Codec { values: Default::default(), tell: Some(E::to_string) }
    }
}

#[cfg(feature = "journal")]
impl<R: Serialize + DeserializeOwned, E: Display> Keeps<R, E> for Journaled {
    fn codec() -> Codec<R, E> {
        let values = ValueCodec { write: encode_value::<R>, read: decode_value::<R> };
        Codec { values: Some(values), tell: Some(E::to_string) }
    }
}

/// What keeps a report besides what is kept anyway.
#[cfg(feature = "reports")]
pub trait AndReported: sealed::Sealed {
    /// Both.
    type Both;
}

#[cfg(feature = "reports")]
impl AndReported for Forget {
    type Both = Reported;
}

#[cfg(feature = "reports")]
impl AndReported for Reported {
    type Both = Self;
}

#[cfg(all(feature = "reports", feature = "journal"))]
impl AndReported for Journaled {
    type Both = Self;
}
