//! [`Outcome`]: the result of a run. Values in input order, failures, and the tally. Plain data.
//!
//! `run/gatherer.rs` and `run/collected.rs` make it.

use std::iter::FusedIterator;
use std::ops::Range;
use std::vec;

use crate::error::Error;
use crate::failure::ItemFailure;
use crate::never::Never;
use crate::panics::OneByOne;
use crate::tally::Tally;

/// The result of a run: values in input order, failures, and the tally.
///
/// [`Job::run`](crate::Job::run) returns it. [`into_result`](Outcome::into_result) is the short way to all values or the first
/// failure. `for result in outcome` iterates over one result per item, `for (index, value) in &outcome` over the
/// values.
///
/// Values and failures that are dropped with an outcome, or that [`into_result`](Outcome::into_result) leaves behind,
/// are dropped one by one: a [destructor that panics](crate::job#destructors-that-panic) takes no other value with it.
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
#[must_use = "an outcome may hold failures: check them, or get the values with into_result"]
pub struct Outcome<R, E = Never> {
    values: Values<R>,
    failures: OneByOne<ItemFailure<E>>,
    tally: Tally,
    past: Past,
    warnings: Vec<Error>,
}

/// The items of an outcome that were finished before the run, by index, sorted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Past {
    /// Items whose results came from a journal.
    pub(crate) resumed: Vec<usize>,
    /// Items that were done before and have no value.
    pub(crate) done_before: Vec<usize>,
}

/// Values by index. A run in which every item has a value pays nothing for the others. Dropped one by one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values<R> {
    All(OneByOne<R>),
    Some(OneByOne<Option<R>>),
}

impl<R> Values<R> {
    /// The value of the item with this index.
    fn get(&self, index: usize) -> Option<&R> {
        match self {
            Self::All(values) => values.get(index),
            Self::Some(values) => values.get(index)?.as_ref(),
        }
    }
}

impl<R, E> Outcome<R, E> {
    /// An outcome. `failures` are sorted by index.
    pub(crate) fn new(values: Values<R>, failures: OneByOne<ItemFailure<E>>, tally: Tally) -> Self {
        Self { values, failures, tally, past: Past::default(), warnings: Vec::new() }
    }

    pub(crate) fn with_past(self, past: Past) -> Self {
        Self { past, ..self }
    }

    pub(crate) fn with_warnings(self, warnings: Vec<Error>) -> Self {
        Self { warnings, ..self }
    }

    pub(crate) fn with_more_warnings(mut self, warnings: impl IntoIterator<Item = Error>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// The number of items of the call, with or without a value.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?;
    /// assert_eq!((outcome.len(), outcome.iter().count()), (2, 1));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::All(values) => values.len(),
            Values::Some(values) => values.len(),
        }
    }

    /// True when the call had no items.
    ///
    /// ```
    /// assert!(manyhands::Job::new(&[] as &[u8]).run(|n| n + 1)?.is_empty());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when every item has a value or was done before, and all items of a stream were read.
    ///
    /// ```
    /// assert!(manyhands::Job::new(&[1, 2]).run(|n| 6 / n)?.is_complete());
    /// assert!(!manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?.is_complete());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.tally.succeeded + self.tally.done_before == self.len() && !self.tally.is_cut_short
    }

    /// The value of the item with this index; `None` when it failed, was not finished, or does not exist.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?;
    /// assert_eq!((outcome.get(0), outcome.get(1), outcome.get(2)), (Some(&6), None, None));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&R> {
        self.values.get(index)
    }

    /// The values, each with its item's index, in input order. Items without a value are skipped.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2]).run(|n| n * 10)?;
    /// assert_eq!(outcome.iter().collect::<Vec<_>>(), [(0, &10), (1, &20)]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn iter(&self) -> OutcomeIter<'_, R> {
        OutcomeIter { values: &self.values, indices: 0..self.len() }
    }

    /// The failed items, sorted by index.
    ///
    /// Items that were never finished are not included, since a stop can leave millions: see [`Outcome::unfinished`].
    ///
    /// ```
    /// use manyhands::{Job, OnFailure};
    /// let outcome = Job::new(&[0, 1, 0]).on_failure(OnFailure::Continue).run(|n| 6 / n)?;
    /// assert_eq!(outcome.failures().iter().map(|failure| failure.index).collect::<Vec<_>>(), [0, 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn failures(&self) -> &[ItemFailure<E>] {
        &self.failures
    }

    /// The indices of the items that were never finished because the run was cancelled or stopped, sorted. Items of a
    /// stream that were never read are not included: [`Tally::is_cut_short`] says whether there may be some.
    ///
    /// ```
    /// use manyhands::{Job, Serial};
    /// let outcome = Job::new(&[1, 0, 2]).mode(Serial).run(|n| 6 / n)?; // stops at the first failure
    /// assert_eq!(outcome.unfinished().collect::<Vec<_>>(), [2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn unfinished(&self) -> impl Iterator<Item = usize> {
        let mut failed = self.failures.iter().map(|failure| failure.index).peekable();
        let mut done_before = self.past.done_before.iter().copied().peekable();
        (0..self.len()).filter(move |&index| {
            let has_failed = failed.next_if_eq(&index).is_some();
            let was_done = done_before.next_if_eq(&index).is_some();
            !has_failed && !was_done && self.get(index).is_none()
        })
    }

    /// The indices of the items whose values or failures an earlier run recorded in its [`Journal`](crate::Journal),
    /// sorted.
    ///
    /// ```
    /// assert_eq!(manyhands::Job::new(&[1]).run(|n| n + 1)?.resumed().count(), 0); // without a journal
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn resumed(&self) -> impl Iterator<Item = usize> {
        self.past.resumed.iter().copied()
    }

    /// Errors that did not affect values and failures: a journal that could not be written for a time or was moved, a
    /// result that it does not hold or could not read, a report that could not be written, a [destructor that
    /// panicked](crate::job#destructors-that-panic). A program that depends on any of these must check this.
    ///
    /// ```
    /// assert!(manyhands::Job::new(&[1]).run(|n| n + 1)?.warnings().is_empty());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// The counts and times of the run.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 2, 3]).run(|n| n + 1)?;
    /// assert_eq!((outcome.tally().items, outcome.tally().succeeded), (3, 3));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All values in input order, or the failure with the lowest index. Costs nothing when every item has a value.
    ///
    /// # Errors
    /// The failed item with the lowest index. Where none failed and the run was cancelled, the first unfinished item,
    /// which may be one that was never read. An item that [`Job::done_if`](crate::Job::done_if) skipped has no value
    /// and is an error too.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&["1", "x"]).try_run(|text| text.parse::<u8>())?;
    /// assert_eq!(outcome.into_result().unwrap_err().to_string(), "item 1 failed: invalid digit found in string");
    /// # Ok::<(), manyhands::Error<std::num::ParseIntError>>(())
    /// ```
    pub fn into_result(mut self) -> Result<Vec<R>, Error<E>> {
        if !self.failures.is_empty() {
            return Err(Error::item(self.failures.swap_remove(0)));
        }
        match self.values {
            Values::All(values) if self.tally.is_cut_short => Err(Error::item(ItemFailure::cancelled(values.len()))),
            Values::All(values) => Ok(values.into_vec()),
            Values::Some(values) => {
                let first_missing = values.iter().position(Option::is_none);
                match first_missing {
                    Some(index) => Err(Error::item(self.past.missing(index))),
                    None => Ok(values.into_vec().into_iter().flatten().collect()),
                }
            }
        }
    }

    /// One option per item, in input order: `None` where the item has no value.
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?;
    /// assert_eq!(outcome.into_options(), [Some(6), None]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn into_options(self) -> Vec<Option<R>> {
        match self.values {
            Values::All(values) => values.into_vec().into_iter().map(Some).collect(),
            Values::Some(values) => values.into_vec(),
        }
    }

    /// One result per item, in input order. An unfinished item is a failure with
    /// [`Cause::Cancelled`](crate::Cause::Cancelled).
    ///
    /// ```
    /// let outcome = manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?;
    /// let results = outcome.into_results();
    /// assert_eq!(results[0].as_ref().unwrap(), &6);
    /// assert!(results[1].as_ref().unwrap_err().is_panic());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn into_results(self) -> Vec<Result<R, ItemFailure<E>>> {
        let mut failures = self.failures.into_iter();
        let options = match self.values {
            Values::All(values) => return values.into_vec().into_iter().map(Ok).collect(),
            Values::Some(values) => values,
        };
        let past = self.past;
        let to_result = |(index, value): (usize, Option<R>)| match value {
            Some(value) => Ok(value),
            None => Err(failures.next_if(|failure| failure.index == index).unwrap_or_else(|| past.missing(index))),
        };
        options.into_iter().enumerate().map(to_result).collect()
    }
}

impl Past {
    /// Why the item at this index has neither a value nor a failure.
    fn missing<E>(&self, index: usize) -> ItemFailure<E> {
        match self.done_before.binary_search(&index) {
            Ok(_) => ItemFailure::done_before(index),
            Err(_) => ItemFailure::cancelled(index),
        }
    }
}

/// The values of an [`Outcome`], each with its item's index: the iterator of [`Outcome::iter`].
///
/// ```
/// let outcome = manyhands::Job::new(&[1, 2]).run(|n| n * 10)?;
/// let mut values: manyhands::job::OutcomeIter<'_, i32> = outcome.iter();
/// assert_eq!(values.next_back(), Some((1, &20)));
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug)]
pub struct OutcomeIter<'o, R> {
    values: &'o Values<R>,
    indices: Range<usize>,
}

impl<R> Clone for OutcomeIter<'_, R> {
    fn clone(&self) -> Self {
        Self { values: self.values, indices: self.indices.clone() }
    }
}

impl<'o, R> Iterator for OutcomeIter<'o, R> {
    type Item = (usize, &'o R);

    fn next(&mut self) -> Option<Self::Item> {
        let Self { values, indices } = self;
        indices.find_map(|index| Some((index, values.get(index)?)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.indices.len()))
    }
}

impl<R> DoubleEndedIterator for OutcomeIter<'_, R> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let Self { values, indices } = self;
        indices.by_ref().rev().find_map(|index| Some((index, values.get(index)?)))
    }
}

impl<R> FusedIterator for OutcomeIter<'_, R> {}

/// The values, each with its item's index: [`Outcome::iter`].
///
/// ```
/// let outcome = manyhands::Job::new(&[1, 2]).run(|n| n * 10)?;
/// for (index, value) in &outcome {
///     assert_eq!(*value, 10 * (index as i32 + 1));
/// }
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<'o, R, E> IntoIterator for &'o Outcome<R, E> {
    type Item = (usize, &'o R);
    type IntoIter = OutcomeIter<'o, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One result per item, in input order: [`Outcome::into_results`].
///
/// ```
/// let outcome = manyhands::Job::new(&[1, 0]).run(|n| 6 / n)?;
/// let succeeded = outcome.into_iter().filter(Result::is_ok).count();
/// assert_eq!(succeeded, 1);
/// # Ok::<(), manyhands::Error>(())
/// ```
impl<R, E> IntoIterator for Outcome<R, E> {
    type Item = Result<R, ItemFailure<E>>;
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_results().into_iter()
    }
}
