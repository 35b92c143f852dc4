//! What can be wrong with a capture, a table, a limit or a setting: each error names the value and what to do.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A result whose error is a [`BatchError`].
pub type BatchResult<T> = Result<T, BatchError>;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A capture cannot be measured: no samples, a sample that is not a number, a rate that is not above zero.
    #[error("the capture cannot be measured: {0}")]
    Capture(String),
    /// A file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        reason: String,
    },
    /// A table lacks a column, or has one of unlike length or a repeated name.
    #[error("the table cannot be used: {0}")]
    Table(String),
    /// A name that is not known, such as that of a metric in a file of limits.
    #[error("there is no {what} {name:?}; {way_out}")]
    Unknown {
        /// What it should be, such as `metric`.
        what: String,
        /// What was given.
        name: String,
        /// The nearest name, or all of them.
        way_out: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{setting} = {value}: {reason}")]
    Setting {
        /// Its name, such as `threshold`.
        setting: String,
        /// Its value, as text.
        value: String,
        /// Why not, and the way out.
        reason: String,
    },
}

impl BatchError {
    /// That there is no such name, with the nearest of those that are known, or with all of them.
    ///
    /// ```
    /// # use signal_batch::BatchError;
    /// let error = BatchError::unknown("metric", "rsm", ["rms", "peak"]);
    /// assert_eq!(error.to_string(), "there is no metric \"rsm\"; did you mean \"rms\"?");
    /// ```
    #[must_use]
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let mut seen = HashSet::new();
        let known: Vec<&str> = known.into_iter().filter(|name| seen.insert(*name)).collect();
        Self::Unknown { what: what.to_owned(), name: name.to_owned(), way_out: way_out(name, &known) }
    }
}

/// The name that is most alike, or all names where none is alike.
fn way_out(name: &str, known: &[&str]) -> String {
    const ALIKE: f64 = 0.6;
    let scored = known.iter().map(|&candidate| (likeness(name, candidate), candidate));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "there are none at all".to_owned(),
        Some((likeness, nearest)) if likeness >= ALIKE => format!("did you mean {nearest:?}?"),
        Some(_) => format!("there are {}", known.join(", ")),
    }
}

/// 0 to 1: by the letters that must be changed, or as long as one is a part of the other.
fn likeness(name: &str, candidate: &str) -> f64 {
    const PART: f64 = 0.7;
    const FEWEST_LETTERS: usize = 3;
    let (name, candidate) = (name.to_lowercase(), candidate.to_lowercase());
    let is_part = name.len() >= FEWEST_LETTERS && candidate.contains(&name);
    let changed = strsim::normalized_damerau_levenshtein(&name, &candidate);
    if is_part { changed.max(PART) } else { changed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_known_twice_are_listed_once() {
        let error = BatchError::unknown("metric", "voltage", ["rms", "peak", "rms", "peak"]);
        assert_eq!(error.to_string(), "there is no metric \"voltage\"; there are rms, peak");
    }
}
