//! [`ConfigError`]: an invalid setting, found before a call starts.

use std::fmt::{self, Write as _};

use crate::safe_text::Printable;

/// An invalid setting or argument. The message names the value and a valid alternative.
///
/// It converts into [`Error<E>`](crate::Error) for every `E`, so `?` works in a function that returns the error of a
/// call, and into `Box<dyn std::error::Error>`.
///
/// ```
/// use manyhands::{Error, LocalMode, try_parallel_map};
///
/// fn lengths(mode: &str, texts: &[&str]) -> Result<Vec<u32>, Error<std::num::ParseIntError>> {
///     let mode: LocalMode = mode.parse()?; // a ConfigError
///     try_parallel_map(mode, texts, |text| text.parse::<u32>())
/// }
/// assert_eq!(lengths("serial", &["1", "2"]).unwrap(), [1, 2]);
/// let error = lengths("gpu", &["1"]).unwrap_err();
/// assert!(error.is_config());
/// assert_eq!(error.to_string(), r#"mode "gpu" is not known; use one of serial, threads, io"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
}

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(f).write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
