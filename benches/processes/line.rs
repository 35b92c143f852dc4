//! The figures of one measurement, as a JSON object on a line of its own.

use std::fmt::{self, Write as _};

/// Keys and values in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Line(String);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a number or a truth.
    pub(crate) fn with(self, key: &str, value: impl Plain) -> Self {
        self.with_text_of(key, &value)
    }

    /// Adds a text.
    pub(crate) fn with_text(self, key: &str, value: &str) -> Self {
        let quoted = quoted(value);
        self.with_text_of(key, &quoted)
    }

    fn with_text_of(mut self, key: &str, value: &dyn fmt::Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { ", " };
        write!(self.0, "{comma}{}: {value}", quoted(key)).expect("a string takes every write");
        self
    }

    /// These pairs, then those of an object that was written as a line.
    pub(crate) fn followed_by(mut self, object: &str) -> Self {
        let pairs = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !pairs.is_empty() {
            self.0 += ", ";
            self.0 += pairs;
        }
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.0)
    }
}

/// Values whose text is JSON.
pub(crate) trait Plain: fmt::Display {}

impl Plain for bool {}
impl Plain for f64 {}
impl Plain for i32 {}
impl Plain for usize {}

fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                write!(quoted, "\\u{:04x}", u32::from(letter)).expect("a string takes every write");
            }
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}
