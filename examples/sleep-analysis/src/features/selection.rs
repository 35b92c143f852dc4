//! Choosing features by name: what is known, and what is not and has to be reported.

use crate::{SleepError, SleepResult};

/// What a list of names requested: the known ones in the order asked, each once, and the unknown names.
///
/// Whether an unknown name is a warning or an error is the caller's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<T> {
    /// The features requested.
    pub known: Vec<T>,
    /// The names that are none of the features.
    pub unknown: Vec<String>,
}

impl<T> Selection<T> {
    /// The features, where every name must be known.
    ///
    /// # Errors
    /// [`SleepError::Config`] that lists the unknown names.
    ///
    /// ```
    /// # use sleep_analysis::features::Aggregation;
    /// assert!(Aggregation::select(["mean", "median"]).all_known().is_ok());
    /// assert!(Aggregation::select(["mean", "mode"]).all_known().is_err());
    /// ```
    pub fn all_known(self) -> SleepResult<Vec<T>> {
        if self.unknown.is_empty() {
            return Ok(self.known);
        }
        Err(SleepError::Config(format!("unknown feature names {:?}; leave them out or correct them", self.unknown)))
    }
}

/// Looks each name up among `all`.
pub(crate) fn select<T: Copy + PartialEq>(
    all: &[T],
    name_of: impl Fn(T) -> &'static str,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Selection<T> {
    let mut selection = Selection { known: Vec::new(), unknown: Vec::new() };
    for name in names {
        let name = name.as_ref();
        match all.iter().find(|&&one| name_of(one) == name) {
            Some(one) if selection.known.contains(one) => {}
            Some(&one) => selection.known.push(one),
            None => selection.unknown.push(name.to_owned()),
        }
    }
    selection
}

/// Refuses a list of features that is empty or names one twice.
pub(crate) fn check_chosen<T: PartialEq + std::fmt::Debug>(what: &str, chosen: &[T]) -> SleepResult<()> {
    if chosen.is_empty() {
        return Err(SleepError::Config(format!("no {what} is asked for; name at least one")));
    }
    match chosen.iter().enumerate().find(|(idx, one)| chosen[..*idx].contains(one)) {
        Some((_, twice)) => Err(SleepError::Config(format!("{what} {twice:?} is asked for twice; name it once"))),
        None => Ok(()),
    }
}
