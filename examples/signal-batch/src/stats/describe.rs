//! The description of a column: count, mean, deviation, range and quartiles.

use std::borrow::Cow;

use serde::Serialize;

use super::moments::{Moments, range_and_missing};
use super::order::quartiles;
use super::outliers::{outliers_beside_deviation, outliers_beside_quartiles, z_outliers};

/// What a column looks like. Missing values are not counted. What is not defined is NaN, which JSON writes as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Description {
    /// How many values there are.
    pub count: usize,
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the sample, with n - 1; not defined for fewer than two values.
    pub std: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The median.
    pub median: f64,
    /// The lower quartile.
    pub q25: f64,
    /// The upper quartile.
    pub q75: f64,
    /// The standard deviation of the population, with n; 0 for one value.
    pub std_pop: f64,
}

/// Describes the values that are numbers; NaN is a missing value.
///
/// The mean is the exact mean rounded, whatever cancels, and deviations are exact to about one unit of their last digit, for columns with
/// any offset and of any size that `f64` has. The quantile p lies at `h = (n - 1) p` of the sorted values, and between two of them it is
/// interpolated linearly: `x[⌊h⌋] + (h - ⌊h⌋) (x[⌊h⌋ + 1] - x[⌊h⌋])`, type 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical
/// packages", The American Statistician 50 (1996). An infinite value makes the mean infinite or NaN, and the deviations NaN.
///
/// Cost: four passes over the values, some 5 ms for a million; no sorting.
///
/// ```
/// # use signal_batch::stats::describe;
/// let described = describe(&[1.0, f64::NAN, 3.0, 4.0]);
/// assert_eq!((described.count, described.median, described.q75), (3, 3.0, 3.5));
/// assert!(describe(&[]).mean.is_nan());
/// ```
#[must_use]
pub fn describe(values: &[f64]) -> Description {
    let (range, n_missing) = range_and_missing(values);
    let values = without_missing(values, n_missing);
    let moments = Moments::within(&values, range);
    let [q25, median, q75] = quartiles(&values);
    Description {
        count: values.len(),
        mean: moments.mean(),
        std: moments.std(),
        min: moments.min,
        max: moments.max,
        median,
        q25,
        q75,
        std_pop: moments.std_pop(),
    }
}

impl Description {
    /// What [`iqr_outliers`](super::iqr_outliers) finds in the values that this describes, without looking for their quartiles again.
    ///
    /// Of other values: those beyond the fences of the described ones, as when a new batch is judged by a reference.
    ///
    /// ```
    /// # use signal_batch::stats::{describe, iqr_outliers};
    /// let values = [1.0, 2.0, f64::NAN, 3.0, 4.0, -1000.0];
    /// let described = describe(&values);
    /// assert_eq!(described.iqr_outliers(&values, 3.0), [5]);
    /// assert_eq!(described.iqr_outliers(&values, 3.0), iqr_outliers(&values, 3.0));
    /// ```
    #[must_use]
    pub fn iqr_outliers(&self, values: &[f64], threshold: f64) -> Vec<usize> {
        outliers_beside_quartiles(values, self.count, [self.q25, self.q75], threshold)
    }

    /// What [`z_outliers`](super::z_outliers) finds in the values that this describes, without computing their mean and deviation again; where
    /// a value is so close to a fence that these decide nothing, it is called. Give it the described values.
    ///
    /// ```
    /// # use signal_batch::stats::{describe, z_outliers};
    /// let mut values = vec![1.0; 20];
    /// values[7] = 9.0;
    /// assert_eq!(describe(&values).z_outliers(&values, 3.0), [7]);
    /// assert_eq!(z_outliers(&values, 3.0), [7]);
    /// ```
    #[must_use]
    pub fn z_outliers(&self, values: &[f64], threshold: f64) -> Vec<usize> {
        let found = outliers_beside_deviation(values, (self.mean, self.std_pop), threshold);
        found.unwrap_or_else(|| z_outliers(values, threshold))
    }
}

/// The values that are not missing; copied only when one is.
pub(super) fn present(values: &[f64]) -> Cow<'_, [f64]> {
    // Counted rather than searched for: the count of a block becomes vector instructions.
    without_missing(values, values.iter().map(|value| usize::from(value.is_nan())).sum())
}

fn without_missing(values: &[f64], n_missing: usize) -> Cow<'_, [f64]> {
    match n_missing {
        0 => Cow::Borrowed(values),
        _ => Cow::Owned(values.iter().copied().filter(|value| !value.is_nan()).collect()),
    }
}
