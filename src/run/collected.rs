//! Collects delivered results until they become an outcome. Used by `Work::run` where results travel, and by
//! [`JobHandle`](crate::stream::JobHandle).
//!
//! It is for consumers that keep all results. A result may arrive at any time and for any index, so a value's place is
//! found by its index and not by its turn.

use crate::backend::contract::Dropped;
use crate::failure::ItemFailure;
use crate::outcome::{Outcome, Values};
use crate::panics::OneByOne;
use crate::run::drop_panics::DropPanics;
use crate::run::end::RunReport;
use crate::tally::Tally;

/// Values by index, and failures in the order of delivery.
///
/// Memory: one `Option` for each index up to the largest that has a value, and the failures. It does not need to know
/// the number of items, which is unknown for a stream.
///
/// They are dropped one by one where no outcome is made of them: a consumer has left, an error ends the run, or a
/// closure of the caller panics.
pub(crate) struct Collected<R, E> {
    values: OneByOne<Option<R>>,
    failures: OneByOne<ItemFailure<E>>,
}

impl<R, E> Default for Collected<R, E> {
    fn default() -> Self {
        Self { values: OneByOne::default(), failures: OneByOne::default() }
    }
}

impl<R, E> Collected<R, E> {
    /// Adds the result of the item with this index.
    ///
    /// Each index is added once. Constant time on average: the vector doubles as it grows.
    pub(crate) fn add(&mut self, index: usize, result: Result<R, ItemFailure<E>>) {
        match result {
            Ok(value) => {
                self.lengthen_to(index + 1);
                self.values[index] = Some(value);
            }
            Err(failure) => self.failures.push(failure),
        }
    }

    /// The number of results.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.values.iter().flatten().count() + self.failures.len()
    }

    /// The results one by one, in input order.
    ///
    /// Needs the memory of all results once more, since values and failures are merged into one list.
    pub(crate) fn into_results(self) -> impl Iterator<Item = (usize, Result<R, ItemFailure<E>>)> {
        let values = self.values.into_iter().enumerate().filter_map(|(index, value)| Some((index, Ok(value?))));
        let failures = self.failures.into_iter().map(|failure| (failure.index, Err(failure)));
        let mut results: Vec<_> = values.chain(failures).collect();
        results.sort_by_key(|(index, _)| *index); // few runs that are sorted already: linear
        results.into_iter()
    }

    /// Removes the results of these sorted indices, which a serial run would not have.
    ///
    /// `mod.rs` calls it with the indices beyond the fence. Results of earlier runs have no position, so they are never
    /// among them. Returns the panics of their destructors.
    pub(crate) fn remove(&mut self, beyond: &[usize]) -> DropPanics {
        let mut panics = DropPanics::default();
        for &index in beyond {
            if let Some(value) = self.values.get_mut(index) {
                panics.drop_caught(Dropped::Value(index), value.take());
            }
        }
        for failure in self.failures.extract_if(.., |failure| beyond.binary_search(&failure.index).is_ok()) {
            panics.drop_caught(Dropped::Error(failure.index), failure);
        }
        panics
    }

    /// The outcome of a run with this report. Values, failures and unfinished items are recounted.
    ///
    /// They are recounted because the report counts delivered results, and [`Collected::remove`] may have taken some of
    /// them away: an item that ran beyond the fence is cancelled, as if it had not run.
    ///
    /// The vector is as long as the number of items, also where the last ones have no value. With a value for each
    /// item, the `Option`s are taken off; otherwise the vector is passed on as it is.
    pub(crate) fn into_outcome(mut self, report: RunReport) -> Outcome<R, E> {
        let RunReport { tally, past, warnings } = report;
        self.failures.sort_unstable_by_key(|failure| failure.index);
        let past_the_last_failure = self.failures.last().map_or(0, |failure| failure.index + 1);
        self.lengthen_to(tally.items.max(past_the_last_failure));
        let succeeded = self.values.iter().filter(|value| value.is_some()).count();
        let failed = self.failures.len();
        let cancelled = tally.items.saturating_sub(succeeded + failed + tally.done_before);
        let tally = Tally { succeeded, failed, cancelled, ..tally };
        let values = if succeeded == self.values.len() {
            Values::All(self.values.into_vec().into_iter().flatten().collect::<Vec<_>>().into())
        } else {
            Values::Some(self.values)
        };
        Outcome::new(values, self.failures, tally).with_past(past).with_warnings(warnings)
    }

    fn lengthen_to(&mut self, n_items: usize) {
        if self.values.len() < n_items {
            self.values.resize_with(n_items, || None);
        }
    }
}
