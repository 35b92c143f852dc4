//! Outliers of a column by three rules, as positions in it.
//!
//! Promises: missing values (NaN) are no outliers and move no rule; positions rise; the z rule is decided in exact arithmetic. A threshold
//! that is negative or NaN finds nothing here; [`check_threshold`] refuses it where a user sets one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::describe::present;
use super::exact_fence::ExactFence;
use super::moments::{Moments, largest_finite};
use super::order::{median, quartiles};
use crate::wide_registers::in_wide_registers;
use crate::{BatchError, BatchResult};

/// The normal quantile at 0.75, as the rule of Iglewicz and Hoaglin rounds it.
const NORMAL_QUARTILE: f64 = 0.6745;
/// Values that are looked at together; most blocks have no outlier.
const BLOCK: usize = 64;
/// Relative to both sides, many times the error of a comparison in `f64`.
const MARGIN: f64 = 1e-12;
/// Relative to the largest value, many times the error of a difference from the mean.
const DIGITS_OF_LARGEST: f64 = 1e-24;

/// How outliers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutlierMethod {
    /// Distance from the quartiles, in widths between them; the usual threshold is 3.
    #[default]
    Iqr,
    /// Distance from the mean, in deviations; the usual threshold is 3.
    Z,
    /// Distance from the median, in median distances; the usual threshold is 3.5.
    ModifiedZ,
}

impl OutlierMethod {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Iqr, Self::Z, Self::ModifiedZ];

    /// The positions of the outliers.
    ///
    /// ```
    /// # use signal_batch::stats::OutlierMethod;
    /// let values = [1.0, 2.0, 3.0, 2.0, 90.0];
    /// assert_eq!(OutlierMethod::Iqr.outliers(&values, 3.0), [4]);
    /// assert!(OutlierMethod::Z.outliers(&values, 3.0).is_empty(), "five values never lie three deviations apart");
    /// ```
    #[must_use]
    pub fn outliers(self, values: &[f64], threshold: f64) -> Vec<usize> {
        match self {
            Self::Iqr => iqr_outliers(values, threshold),
            Self::Z => z_outliers(values, threshold),
            Self::ModifiedZ => modified_z_outliers(values, threshold),
        }
    }

    /// Its name, as the command line takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Iqr => "iqr",
            Self::Z => "z",
            Self::ModifiedZ => "modified-z",
        }
    }
}

impl fmt::Display for OutlierMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for OutlierMethod {
    type Err = BatchError;

    fn from_str(name: &str) -> BatchResult<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| BatchError::Unknown {
            what: "outlier method".to_owned(),
            name: name.to_owned(),
            way_out: "use iqr, z or modified-z".to_owned(),
        })
    }
}

/// Refuses a threshold that no rule can use.
///
/// # Errors
/// [`BatchError::Setting`] when it is negative or not a number.
pub fn check_threshold(threshold: f64) -> BatchResult<()> {
    if threshold >= 0.0 {
        return Ok(());
    }
    Err(BatchError::Setting {
        setting: "threshold".to_owned(),
        value: threshold.to_string(),
        reason: "no distance is below zero; give a number such as 3".to_owned(),
    })
}

/// The positions of values beyond `q25 - k IQR` or `q75 + k IQR`, with `k = threshold / 2`, so that the usual 3 gives the 1.5 of J. W. Tukey,
/// Exploratory Data Analysis (1977).
///
/// Up to three values have no outliers. Where both quartiles are equal, all that differs from them is one.
///
/// ```
/// # use signal_batch::stats::iqr_outliers;
/// assert_eq!(iqr_outliers(&[1.0, 2.0, f64::NAN, 3.0, 4.0, -1000.0], 3.0), [5]);
/// ```
#[must_use]
pub fn iqr_outliers(values: &[f64], threshold: f64) -> Vec<usize> {
    let used = present(values);
    let [q25, _, q75] = quartiles(&used);
    outliers_beside_quartiles(values, used.len(), [q25, q75], threshold)
}

/// The same for a column whose quartiles are known, and how many of its values are not missing.
pub(super) fn outliers_beside_quartiles(
    values: &[f64],
    count: usize,
    [q25, q75]: [f64; 2],
    threshold: f64,
) -> Vec<usize> {
    if count <= 3 || !is_usable(threshold) {
        return Vec::new();
    }
    let k = threshold / 2.0;
    // A smaller scale where the fences would overflow. Small values lose digits then, and lie far within.
    let scale = if fences(q25, q75, k).iter().all(|fence| fence.is_finite()) { 1.0 } else { 2f64.powi(-64) };
    let [low, high] = fences(q25 * scale, q75 * scale, k);
    positions_beyond(values, scale, low, high)
}

fn fences(q25: f64, q75: f64, k: f64) -> [f64; 2] {
    let distance = k * (q75 - q25);
    [q25 - distance, q75 + distance]
}

/// The positions of values with `|x - mean| > threshold * std`, with the deviation of the population. None where it is zero or not defined.
///
/// Decided in exact arithmetic: a value on the fence is no outlier, and one beyond it is, whatever the rounding of the mean. Since `|z|` never
/// exceeds `√(n - 1)`, a threshold of 3 finds nothing among ten values or fewer (R. Shiffler, The American Statistician 42 (1988)).
///
/// Cost: like [`describe`](crate::stats::describe) without quantiles; twice that when values lie within 1e-12 of the fence.
///
/// ```
/// # use signal_batch::stats::z_outliers;
/// let mut values = vec![1.0, -1.0].repeat(20);
/// assert!(z_outliers(&values, 1.0).is_empty(), "all lie on the fence");
/// values[7] = 9.0;
/// assert_eq!(z_outliers(&values, 3.0), [7]);
/// ```
#[must_use]
pub fn z_outliers(values: &[f64], threshold: f64) -> Vec<usize> {
    let used = present(values);
    let moments = Moments::of(&used);
    let std = moments.scaled_std_pop();
    let has_spread = std > 0.0;
    if !is_usable(threshold) || threshold.is_infinite() || !has_spread {
        return Vec::new();
    }
    let fence = threshold * std;
    let margin = fence * MARGIN + DIGITS_OF_LARGEST * moments.scaled_largest();
    let distance = |value: f64| moments.scaled_difference(value).abs();
    let is_close = |value: f64| (distance(value) - fence).abs() <= margin;
    if !any(&used, is_close) {
        return positions(values, |value| distance(value) > fence);
    }
    let exact = ExactFence::new(&used, threshold, used.iter().copied().filter(|&value| is_close(value)));
    positions(values, |value| if is_close(value) { exact.is_beyond(value) } else { distance(value) > fence })
}

/// Deviations of which squares stay in the range of `f64`.
const USUAL_DEVIATIONS: std::ops::RangeInclusive<f64> = 1e-140..=1e140;

/// The outliers by z of a column whose mean and population deviation are known, each rounded; none where rounding could turn a decision.
pub(super) fn outliers_beside_deviation(values: &[f64], (mean, std): (f64, f64), threshold: f64) -> Option<Vec<usize>> {
    if !USUAL_DEVIATIONS.contains(&std) || !mean.is_finite() || !is_usable(threshold) || threshold.is_infinite() {
        return None;
    }
    let fence = threshold * std;
    // The mean is off by up to 2^-53 of it, and so are the limits here: many times that.
    let margin = fence * MARGIN + 8.0 * f64::EPSILON * mean.abs();
    let near = fence - margin;
    let found = positions_beyond(values, 1.0, mean - near, mean + near);
    let is_certain = |&at: &usize| (values[at] - mean).abs() > fence + margin;
    found.iter().all(is_certain).then_some(found)
}

/// The median of the absolute differences from the median; NaN of no values.
///
/// ```
/// # use signal_batch::stats::mad;
/// assert_eq!(mad(&[1.0, 2.0, 3.0, 1000.0]), 1.0);
/// ```
#[must_use]
pub fn mad(values: &[f64]) -> f64 {
    let used = present(values);
    let middle = median(&used);
    median_distance(&used, middle)
}

fn median_distance(values: &[f64], middle: f64) -> f64 {
    // Two equal infinities lie at the same place.
    let distance = |value: f64| if value == middle { 0.0 } else { (value - middle).abs() };
    let distances: Vec<f64> = values.iter().map(|&value| distance(value)).collect();
    median(&distances)
}

/// The positions of values with `0.6745 |x - median| / MAD > cutoff`; the usual cutoff is 3.5. None where the median distance is zero.
///
/// Source: B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers (1993).
///
/// ```
/// # use signal_batch::stats::modified_z_outliers;
/// assert_eq!(modified_z_outliers(&[1.0, 2.0, 3.0, 1000.0], 3.5), [3]);
/// ```
#[must_use]
pub fn modified_z_outliers(values: &[f64], cutoff: f64) -> Vec<usize> {
    let used = present(values);
    if !is_usable(cutoff) {
        return Vec::new();
    }
    let factor = factor_for_differences(&used);
    let scaled = |value: f64| value * factor;
    let in_scale = match factor {
        1.0 => used,
        _ => used.iter().map(|&value| scaled(value)).collect(),
    };
    let middle = median(&in_scale);
    let mad = median_distance(&in_scale, middle);
    if mad == 0.0 {
        return Vec::new();
    }
    positions(values, |value| NORMAL_QUARTILE * (scaled(value) - middle).abs() / mad > cutoff)
}

/// A power of two that makes of all values some whose differences neither overflow nor vanish.
fn factor_for_differences(values: &[f64]) -> f64 {
    match largest_finite(values) {
        largest if largest > f64::MAX / 4.0 => 0.25,
        largest if largest < 1e-200 => 2f64.powi(600),
        _ => 1.0,
    }
}

fn is_usable(threshold: f64) -> bool {
    threshold >= 0.0
}

/// The positions of values that, times a scale, are below or above these; NaN is neither.
fn positions_beyond(values: &[f64], scale: f64, low: f64, high: f64) -> Vec<usize> {
    in_wide_registers!(positions_outside(values: &[f64], scale: f64, low: f64, high: f64) -> Vec<usize>)
}

#[inline(always)]
fn positions_outside(values: &[f64], scale: f64, low: f64, high: f64) -> Vec<usize> {
    positions(values, |value| (value * scale < low) | (value * scale > high))
}

/// The positions of values that are outliers by this rule; NaN never is.
#[inline(always)]
fn positions(values: &[f64], is_outlier: impl Fn(f64) -> bool) -> Vec<usize> {
    let mut found = Vec::new();
    for (block_idx, block) in values.chunks(BLOCK).enumerate() {
        if any(block, &is_outlier) {
            let within = (0..block.len()).filter(|&idx| is_outlier(block[idx]));
            found.extend(within.map(|idx| block_idx * BLOCK + idx));
        }
    }
    found
}

/// Whether one is so. Looks at all of them, which becomes vector instructions.
#[inline(always)]
fn any(values: &[f64], is_so: impl Fn(f64) -> bool) -> bool {
    let mut any = false;
    for &value in values {
        any |= is_so(value);
    }
    any
}
