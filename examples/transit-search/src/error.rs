//! What can be wrong with a light curve or a search: each error names the value and what to do.

use std::path::{Path, PathBuf};

use consumer_support::input::{InputError, OverBudget};

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransitError {
    /// A file cannot be read.
    #[error("{} cannot be read: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said, or that it is no regular file.
        why: String,
    },
    /// A file does not have the columns or fields that it should have.
    #[error("{} is not laid out as it should be: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong, and on which line.
        why: String,
    },
    /// A file holds, claims or unpacks to more than is read.
    #[error("{}: {over}", path.display())]
    OverBudget {
        /// The file.
        path: PathBuf,
        /// What there is too much of, and the way out.
        over: OverBudget,
    },
    /// Too little is left of a light curve.
    #[error(
        "only {kept} of {read} rows can be used, and {needed} are needed: {without_numbers} have no finite time, flux or error, \
         {without_error} have an error of zero or below"
    )]
    TooFewPoints {
        /// Rows that were read.
        read: usize,
        /// Rows that can be used.
        kept: usize,
        /// How many are needed.
        needed: usize,
        /// Rows with a number that is missing or not finite.
        without_numbers: usize,
        /// Rows whose error is not above zero.
        without_error: usize,
    },
    /// Time does not go on from one row to the next.
    #[error("time goes back from {before} to {time} days at usable row {row}: sort the rows by time")]
    NotAscending {
        /// The row, counted from 0, among those that can be used.
        row: usize,
        /// The time before it.
        before: f64,
        /// Its own.
        time: f64,
    },
    /// All fluxes are the same.
    #[error("the flux is {flux} in all {points} points: there is nothing to search")]
    ConstantFlux {
        /// That flux.
        flux: f64,
        /// How many points.
        points: usize,
    },
    /// A search is requested without durations.
    #[error("a search needs at least one duration")]
    NoDurations,
    /// A search is requested without periods.
    #[error("a search needs at least one trial period")]
    NoPeriods,
    /// A duration or a period cannot be used.
    #[error("the {what} {value} is not a number of days above zero")]
    NotPositive {
        /// What it should have been.
        what: &'static str,
        /// What it was.
        value: f64,
    },
    /// A box does not fit into a period.
    #[error("the shortest period {period} must be longer than the longest duration {duration}")]
    DurationBeyondPeriod {
        /// The shortest trial period, days.
        period: f64,
        /// The longest duration, days.
        duration: f64,
    },
    /// Each bin holds a part of the shortest duration, at least the whole of it.
    #[error("an oversampling of {0} was asked for, and 1 is the least")]
    NoOversampling(usize),
    /// A period grid reaches beyond what the data can show.
    #[error("periods up to {longest} days were asked for, but the light curve spans {span}: no transit would repeat")]
    GridBeyondSpan {
        /// The longest trial period, days.
        longest: f64,
        /// From the first point to the last, days.
        span: f64,
    },
    /// A period grid would have more periods than any memory holds.
    #[error(
        "a grid from {shortest} to {longest} days would have {periods:e} periods: narrow it, or widen the durations"
    )]
    GridTooFine {
        /// The shortest period, days.
        shortest: f64,
        /// The longest period, days.
        longest: f64,
        /// How many there would be.
        periods: f64,
    },
}

impl TransitError {
    /// What is wrong with a file that is read.
    pub(crate) fn input(path: &Path, error: InputError) -> Self {
        let path = path.to_owned();
        match error {
            InputError::OverBudget(over) => Self::OverBudget { path, over },
            InputError::Opening(why) | InputError::Io(why) => Self::Unreadable { path, why: why.to_string() },
            other => Self::Unreadable { path, why: format!("it {other}") },
        }
    }
}
