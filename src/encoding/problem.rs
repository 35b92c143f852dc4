//! The one error of writing and reading a value: a text. Serde code of users and of formats alike makes it.

use std::fmt::{self, Display};

/// Why a value cannot be written or read.
///
/// A pointer wide, so that the results of serde code, one for each number of a value, stay small.
#[derive(Debug)]
pub(crate) struct Problem(Box<Text>);

#[derive(Debug)]
struct Text(String);

impl Problem {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Box::new(Text(text.into())))
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

impl std::error::Error for Problem {}

impl serde::ser::Error for Problem {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

impl serde::de::Error for Problem {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
