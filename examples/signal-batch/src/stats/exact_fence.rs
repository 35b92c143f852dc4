//! Which values lie beyond so many deviations from the mean, decided without rounding.

use super::big::Big;
use super::exact_sum::{ExactSum, parts};

/// The fence of a column, exact.
///
/// With the sum S and the sum of squares Q of n values, `|x - S/n| > t √(Q/n - S²/n²)` holds exactly when `(n x - S)² > t² (n Q - S²)`, and all of
/// these are integers of a power of two.
#[derive(Debug)]
pub(super) struct ExactFence {
    /// The largest value below the mean that is an outlier, and the smallest above, among those that were asked about.
    low: f64,
    high: f64,
}

impl ExactFence {
    /// The fence of these values, good for the `asked` ones alone.
    pub(super) fn new(values: &[f64], threshold: f64, asked: impl Iterator<Item = f64>) -> Self {
        let rule = Rule::new(values, threshold);
        let mut asked: Vec<f64> = asked.collect();
        asked.sort_unstable_by(f64::total_cmp);
        asked.dedup();
        // Outliers stand at both ends, so their borders are found by halving.
        let middle = asked.partition_point(|&value| rule.is_below_mean(value));
        let (below, above) = asked.split_at(middle);
        let n_low = below.partition_point(|&value| rule.is_beyond(value));
        let n_inside = above.partition_point(|&value| !rule.is_beyond(value));
        let low = n_low.checked_sub(1).map_or(f64::NEG_INFINITY, |last| below[last]);
        Self { low, high: above.get(n_inside).copied().unwrap_or(f64::INFINITY) }
    }

    /// Whether one of the values that were asked about is an outlier.
    pub(super) fn is_beyond(&self, value: f64) -> bool {
        value <= self.low || value >= self.high
    }
}

/// What is compared, in units of 2^-1074 and their squares.
#[derive(Debug)]
struct Rule {
    count: Big,
    sum: Big,
    /// `n Q - S²` times the square of the threshold's integer.
    limit: Big,
    /// The threshold is its integer times two to this power, the places of which are given to the smaller side.
    threshold_place: i32,
}

impl Rule {
    fn new(values: &[f64], threshold: f64) -> Self {
        let count = Big::of_u64(values.len() as u64);
        let sum = ExactSum::of(values).to_big();
        let spread = ExactSum::of_squares(values).to_big().times(&count).minus(&sum.times(&sum));
        let (mantissa, place) = parts(threshold);
        let mantissa = Big::of_u64(mantissa);
        let limit = spread.times(&mantissa).times(&mantissa);
        Self { count, sum, limit, threshold_place: place as i32 - 1074 }
    }

    /// `n x - S`.
    fn difference(&self, value: f64) -> Big {
        Big::of_f64(value, -1074).times(&self.count).minus(&self.sum)
    }

    fn is_below_mean(&self, value: f64) -> bool {
        self.difference(value).is_negative()
    }

    fn is_beyond(&self, value: f64) -> bool {
        let difference = self.difference(value);
        let square = difference.times(&difference);
        let places = 2 * self.threshold_place.unsigned_abs();
        let order = match self.threshold_place < 0 {
            true => square.shifted(places).compare_absolute(&self.limit),
            false => square.compare_absolute(&self.limit.shifted(places)),
        };
        order.is_gt()
    }
}
