//! Mean, spread and order statistics of the samples of an epoch, NaN samples skipped.
//!
//! Variance takes two passes, so that a large offset costs no digits. Infinities are samples like any other: they may
//! make a mean infinite or NaN, and a variance NaN.

use serde::{Deserialize, Serialize};

use super::selection::{Selection, select};
use super::sums::{keep_numbers, largest, mean_of, sample_variance, smallest};

/// One number that summarises the samples of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Aggregation {
    /// The arithmetic mean.
    Mean,
    /// The standard deviation with n - 1 in the denominator; NaN below two samples.
    Std,
    /// The smallest sample.
    Min,
    /// The largest sample.
    Max,
    /// The middle sample, or the mean of the two in the middle.
    Median,
    /// The variance with n - 1 in the denominator; NaN below two samples.
    Var,
}

impl Aggregation {
    /// Every aggregation.
    pub const ALL: [Self; 6] = [Self::Mean, Self::Std, Self::Min, Self::Max, Self::Median, Self::Var];

    /// What is computed when nothing is requested.
    pub const DEFAULT: [Self; 2] = [Self::Mean, Self::Std];

    /// The name in job files and column names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Std => "std",
            Self::Min => "min",
            Self::Max => "max",
            Self::Median => "median",
            Self::Var => "var",
        }
    }

    /// Looks names up.
    ///
    /// ```
    /// # use sleep_analysis::features::Aggregation;
    /// let selection = Aggregation::select(["max", "bogus"]);
    /// assert_eq!(selection.known, [Aggregation::Max]);
    /// assert_eq!(selection.unknown, ["bogus"]);
    /// ```
    pub fn select(names: impl IntoIterator<Item = impl AsRef<str>>) -> Selection<Self> {
        select(&Self::ALL, Self::name, names)
    }
}

/// All aggregations of a slice of samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// See [`Aggregation::Mean`].
    pub mean: f64,
    /// See [`Aggregation::Std`].
    pub std: f64,
    /// See [`Aggregation::Min`].
    pub min: f64,
    /// See [`Aggregation::Max`].
    pub max: f64,
    /// See [`Aggregation::Median`].
    pub median: f64,
    /// See [`Aggregation::Var`].
    pub var: f64,
}

impl Statistics {
    /// One of them.
    #[must_use]
    pub fn get(&self, aggregation: Aggregation) -> f64 {
        match aggregation {
            Aggregation::Mean => self.mean,
            Aggregation::Std => self.std,
            Aggregation::Min => self.min,
            Aggregation::Max => self.max,
            Aggregation::Median => self.median,
            Aggregation::Var => self.var,
        }
    }
}

/// The statistics of the samples that are not NaN; all NaN when there is none. The cost is linear in the samples.
///
/// ```
/// # use sleep_analysis::features::statistics;
/// let hr = statistics(&[60.0, f64::NAN, 62.0, 70.0]);
/// assert_eq!((hr.mean, hr.median, hr.max, hr.var), (64.0, 62.0, 70.0, 28.0));
/// ```
#[must_use]
pub fn statistics(samples: &[f64]) -> Statistics {
    statistics_with(samples, MedianNeed::Wanted, &mut Vec::new())
}

/// Whether the median, by far the dearest of the six, is worth its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MedianNeed {
    Wanted,
    Unwanted,
}

impl MedianNeed {
    pub(crate) fn of(aggregations: &[Aggregation]) -> Self {
        if aggregations.contains(&Aggregation::Median) { Self::Wanted } else { Self::Unwanted }
    }
}

/// As [`statistics`], in a buffer that is used again; the median stays NaN when it is not wanted.
pub(crate) fn statistics_with(samples: &[f64], median: MedianNeed, numbers: &mut Vec<f64>) -> Statistics {
    keep_numbers(samples, numbers);
    if numbers.is_empty() {
        let none = f64::NAN;
        return Statistics { mean: none, std: none, min: none, max: none, median: none, var: none };
    }
    let mean = mean_of(numbers);
    let var = sample_variance(numbers, mean);
    let (min, max) = (smallest(numbers), largest(numbers));
    let median = if median == MedianNeed::Wanted { median_of(numbers) } else { f64::NAN };
    Statistics { mean, std: var.sqrt(), min, max, median, var }
}

/// The median of at least one number, none of them NaN; their order is lost.
fn median_of(numbers: &mut [f64]) -> f64 {
    let middle = numbers.len() / 2;
    let is_even = numbers.len().is_multiple_of(2);
    let (below, &mut upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even { (largest(below) + upper) / 2.0 } else { upper }
}
