//! Warnings of one kind, each of one row: the first ones name their rows, the others are counted. Pure.
//!
//! A run of a million items whose values cannot be written has sixteen warnings and a number, and not a million.

use std::mem;

use crate::persist::journal::error::JournalError;

/// So many rows are named.
pub(crate) const MOST_NAMED: usize = 16;

/// Warnings that are all [`JournalError::Unwritable`], or all [`JournalError::Value`].
#[derive(Debug, Default)]
pub(crate) struct RowWarnings {
    named: Vec<JournalError>,
    n_unnamed: u64,
}

impl RowWarnings {
    /// Names the row, or counts it.
    pub(crate) fn add(&mut self, warning: JournalError) {
        if self.named.len() < MOST_NAMED {
            self.named.push(warning);
        } else {
            self.n_unnamed += 1;
        }
    }

    /// Whether no row was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The warnings, of which the last one says how many more rows there were.
    pub(crate) fn take(&mut self) -> Vec<JournalError> {
        let n_unnamed = mem::take(&mut self.n_unnamed);
        if let (Some(JournalError::Unwritable { why, .. } | JournalError::Value { why, .. }), 1..) =
            (self.named.last_mut(), n_unnamed)
        {
            let more = if n_unnamed == 1 { "one more value".to_owned() } else { format!("{n_unnamed} more values") };
            why.push_str(&format!(" (and {more})"));
        }
        mem::take(&mut self.named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rows_are_named_and_the_others_counted() {
        for (n_rows, end) in [(1, ""), (16, ""), (17, " (and one more value)"), (1000, " (and 984 more values)")] {
            let mut warnings = RowWarnings::default();
            assert!(warnings.is_empty());
            for row in 0..n_rows {
                warnings.add(JournalError::Unwritable { key: row.to_string(), why: "too long".to_owned() });
            }
            let taken = warnings.take();
            assert_eq!(taken.len(), n_rows.min(MOST_NAMED));
            let expected = |(row, warning): (usize, &JournalError)| {
                let why = if row + 1 == taken.len() { format!("too long{end}") } else { "too long".to_owned() };
                *warning == JournalError::Unwritable { key: row.to_string(), why }
            };
            assert!(taken.iter().enumerate().all(expected), "{taken:?}");
            assert!(warnings.is_empty());
        }
    }
}
