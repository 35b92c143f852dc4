//! What a run gives back: values in input order, failures by name, and what it cost. Plain data.

use crate::error::Error;
use crate::failure::ItemFailure;
use crate::never::Never;
use crate::tally::Tally;

/// Values in input order, failures by name, and the tally.
///
/// ```
/// use manyhands::{Job, OnFailure};
///
/// let outcome = Job::new(&["1", "x", "3"]).on_failure(OnFailure::Continue).try_run(|text| text.parse::<i32>())?;
/// assert_eq!(outcome.get(2), Some(&3));
/// assert_eq!(outcome.failures().len(), 1);
/// assert_eq!(outcome.into_options(), [Some(1), None, Some(3)]);
/// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an outcome may hold failures: look at them, or turn it into values with into_result"]
pub struct Outcome<R, E = Never> {
    values: Values<R>,
    failures: Vec<ItemFailure<E>>,
    tally: Tally,
    past: Past,
    warnings: Vec<Error>,
}

/// What of an outcome is older than the run, by index, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Past {
    /// An earlier run's journal had these.
    pub(crate) resumed: Vec<usize>,
    /// These were done, and have no value here.
    pub(crate) done_before: Vec<usize>,
}

/// The usual run has a value for every item and pays nothing for the chance of a hole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values<R> {
    All(Vec<R>),
    Some(Vec<Option<R>>),
}

impl<R, E> Outcome<R, E> {
    /// `failures` are in the order of their indices.
    pub(crate) fn new(values: Values<R>, failures: Vec<ItemFailure<E>>, tally: Tally) -> Self {
        Self { values, failures, tally, past: Past::default(), warnings: Vec::new() }
    }

    pub(crate) fn with_past(self, past: Past) -> Self {
        Self { past, ..self }
    }

    pub(crate) fn with_warnings(self, warnings: Vec<Error>) -> Self {
        Self { warnings, ..self }
    }

    /// The number of items of the call, with or without a value.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::All(values) => values.len(),
            Values::Some(values) => values.len(),
        }
    }

    /// True when the call had no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when every item has a value, and all items have come.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.tally.succeeded + self.tally.done_before == self.len() && !self.tally.is_cut_short
    }

    /// The value of the item at this place of the input; `None` when it failed, was not finished, or does not exist.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&R> {
        match &self.values {
            Values::All(values) => values.get(index),
            Values::Some(values) => values.get(index)?.as_ref(),
        }
    }

    /// The values that are there, each with its item's index, in input order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &R)> {
        (0..self.len()).filter_map(|index| self.get(index).map(|value| (index, value)))
    }

    /// The items whose function failed, in input order.
    ///
    /// Items that were never finished are not among them, since a stop can leave millions: see [`Outcome::unfinished`].
    #[must_use]
    pub fn failures(&self) -> &[ItemFailure<E>] {
        &self.failures
    }

    /// The indices of the items that were never finished because the run was cancelled or stopped, in input order; of those
    /// that came, where [`Tally::is_cut_short`] says that more may have been to come.
    pub fn unfinished(&self) -> impl Iterator<Item = usize> {
        let mut failed = self.failures.iter().map(|failure| failure.index).peekable();
        let mut done_before = self.past.done_before.iter().copied().peekable();
        (0..self.len()).filter(move |&index| {
            let has_failed = failed.next_if_eq(&index).is_some();
            let was_done = done_before.next_if_eq(&index).is_some();
            !has_failed && !was_done && self.get(index).is_none()
        })
    }

    /// The indices of the items that an earlier run had finished, whose values or failures came from its
    /// [`Journal`](crate::Journal), in input order.
    pub fn resumed(&self) -> impl Iterator<Item = usize> {
        self.past.resumed.iter().copied()
    }

    /// What went wrong beside the items: a journal that could not be written to its end, or a report that could not be
    /// written at all. Values and failures are whole nonetheless. A program that counts on either looks here.
    #[must_use]
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// What the run did and what it cost.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All values in input order, or the failure with the lowest index.
    ///
    /// Costs nothing when every item has a value.
    ///
    /// # Errors
    /// The first failed item; where none failed and the run was cancelled, the first item that was not finished, be it one that
    /// never came.
    pub fn into_result(mut self) -> Result<Vec<R>, Error<E>> {
        if !self.failures.is_empty() {
            return Err(Error::item(self.failures.swap_remove(0)));
        }
        match self.values {
            Values::All(values) if self.tally.is_cut_short => Err(Error::item(ItemFailure::cancelled(values.len()))),
            Values::All(values) => Ok(values),
            Values::Some(values) => {
                let first_hole = values.iter().position(Option::is_none);
                match first_hole {
                    Some(index) => Err(Error::item(self.past.hole(index))),
                    None => Ok(values.into_iter().flatten().collect()),
                }
            }
        }
    }

    /// One option per item, in input order: `None` where the item has no value.
    #[must_use]
    pub fn into_options(self) -> Vec<Option<R>> {
        match self.values {
            Values::All(values) => values.into_iter().map(Some).collect(),
            Values::Some(values) => values,
        }
    }

    /// One result per item, in input order; an item that was not finished is a failure with [`Cause::Cancelled`].
    #[must_use]
    pub fn into_results(self) -> Vec<Result<R, ItemFailure<E>>> {
        let mut failures = self.failures.into_iter().peekable();
        let options = match self.values {
            Values::All(values) => return values.into_iter().map(Ok).collect(),
            Values::Some(values) => values,
        };
        let past = self.past;
        let to_result = |(index, value): (usize, Option<R>)| match value {
            Some(value) => Ok(value),
            None => Err(failures.next_if(|failure| failure.index == index).unwrap_or_else(|| past.hole(index))),
        };
        options.into_iter().enumerate().map(to_result).collect()
    }
}

impl Past {
    /// Why the item at this index has neither a value nor a failure.
    fn hole<E>(&self, index: usize) -> ItemFailure<E> {
        match self.done_before.binary_search(&index) {
            Ok(_) => ItemFailure::done_before(index),
            Err(_) => ItemFailure::cancelled(index),
        }
    }
}
