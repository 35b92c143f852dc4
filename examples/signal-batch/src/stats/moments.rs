//! Mean and deviation of a column, whatever its size, its offset and what cancels in it.
//!
//! Promises: the mean is the exact one, rounded (to the nearest number, or once in 2^40 times to its neighbour); deviations are within
//! 2^-50 of the exact ones, relatively. Columns are scaled by a power of two where their squares would overflow or vanish. Leaves to
//! others: missing values.
//!
//! Source of the error-free sum: D. E. Knuth, The Art of Computer Programming 2, 4.2.2, theorem B; of the sum with its rounding errors kept:
//! T. Ogita, S. M. Rump, S. Oishi, "Accurate sum and dot product", SIAM J. Sci. Comput. 26 (2005). The corrected two-pass form of the
//! variance: T. F. Chan, G. H. Golub, R. J. LeVeque, The American Statistician 37 (1983).

use super::big::scaled_by_two;
use super::exact_sum::{ExactSum, LOWEST, parts};
use crate::wide_registers::in_wide_registers;

/// How many partial sums run side by side, for vector instructions.
const LANES: usize = 8;
/// Values of a partial sum: it bounds the rounding errors of the rounding errors.
const BLOCK: usize = 4096;
/// Squares are above zero: so many are added up before the sum takes them with its errors.
const SQUARE_ROWS: usize = 4;
/// A sum below this part of what was added is summed again without rounding.
const CANCELLED: f64 = 1.0 / (1_u64 << 36) as f64;
/// Columns whose largest value lies within 2^-400..2^400 need no scaling: neither their squares nor those of their digits leave the range.
const UNSCALED: i32 = 400;

/// Mean, spread and range of a column without missing values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    /// How many values there are.
    pub(super) count: usize,
    /// The smallest; NaN of none.
    pub(super) min: f64,
    /// The largest; NaN of none.
    pub(super) max: f64,
    /// The mean, and what is missing to the exact one.
    mean: (f64, f64),
    /// Values times `factor`, which is 2^-`exponent`, are what `centre` and `square_sum` are about.
    exponent: i32,
    factor: f64,
    /// The mean and what is missing, scaled.
    centre: (f64, f64),
    /// The sum of the squared differences from the mean, scaled.
    square_sum: f64,
}

impl Moments {
    /// Reads the values twice; a third time, and slower, when nearly all of their sum cancels.
    ///
    /// Of an infinite value the mean is infinite, of two that differ NaN, as IEEE 754 has it, and the deviation NaN.
    pub(super) fn of(values: &[f64]) -> Self {
        Self::within(values, range(values))
    }

    /// The same for values whose least and largest are known.
    pub(super) fn within(values: &[f64], (min, max): (f64, f64)) -> Self {
        let count = values.len();
        let exponent = scale_exponent(min, max);
        let factor = scaled_by_two(1.0, -exponent);
        let moments = Self {
            count,
            min,
            max,
            mean: (f64::NAN, 0.0),
            exponent,
            factor,
            centre: (f64::NAN, 0.0),
            square_sum: f64::NAN,
        };
        match (count, min.is_finite() && max.is_finite()) {
            (0, _) => moments,
            (_, false) => Self { mean: (values.iter().sum(), 0.0), ..moments },
            (_, true) => moments.of_finite(values),
        }
    }

    fn of_finite(self, values: &[f64]) -> Self {
        let total = self.total(values);
        let (mean, rest) = mean_of(total.high, total.low, self.count as f64);
        let at =
            |exponent| (scaled_by_two(mean, total.exponent - exponent), scaled_by_two(rest, total.exponent - exponent));
        let (centre, rest) = at(self.exponent);
        let squares = square_sum(values, self.factor, centre);
        // The corrected two-pass form: the centre is the mean rounded, and `rest` is the rounding.
        let square_sum = (squares - self.count as f64 * rest * rest).max(0.0);
        let is_constant = self.min == self.max;
        Self { mean: at(0), centre: (centre, rest), square_sum: if is_constant { 0.0 } else { square_sum }, ..self }
    }

    /// The sum, with twice the digits of a number.
    fn total(&self, values: &[f64]) -> Total {
        let (high, low) = sum(values, self.factor);
        // Errors so far are below 2^-90 of the sum of all magnitudes, which is not above this.
        let magnitudes = values.len() as f64 * self.scaled_largest();
        if (high + low).abs() >= magnitudes * CANCELLED {
            return Total { high, low, exponent: self.exponent };
        }
        let sum = ExactSum::of(values).to_big();
        let exponent = sum.exponent() + LOWEST;
        let (high, low) = sum.to_twofold(LOWEST - exponent);
        Total { high, low, exponent }
    }

    /// The mean; NaN of no values.
    pub(super) fn mean(&self) -> f64 {
        self.mean.0
    }

    /// The deviation of the sample, with n - 1; NaN of fewer than two values.
    pub(super) fn std(&self) -> f64 {
        scaled_by_two(self.variance_at(self.exponent).sqrt(), self.exponent)
    }

    /// The deviation of the population, with n; 0 of one value, NaN of none.
    pub(super) fn std_pop(&self) -> f64 {
        scaled_by_two(self.scaled_std_pop(), self.exponent)
    }

    /// The deviation of the population, scaled.
    pub(super) fn scaled_std_pop(&self) -> f64 {
        (self.square_sum / self.count as f64).sqrt()
    }

    /// The difference of a value from the mean, scaled.
    pub(super) fn scaled_difference(&self, value: f64) -> f64 {
        (value * self.factor - self.centre.0) - self.centre.1
    }

    /// The largest absolute value, scaled.
    pub(super) fn scaled_largest(&self) -> f64 {
        self.min.abs().max(self.max.abs()) * self.factor
    }

    /// The exponent of a scale that suits both columns: that of the larger values.
    pub(super) fn exponent_beside(&self, other: &Self) -> i32 {
        scale_exponent(self.min.min(other.min), self.max.max(other.max))
    }

    /// The mean and what is missing to it, in another scale.
    pub(super) fn mean_at(&self, exponent: i32) -> (f64, f64) {
        (scaled_by_two(self.mean.0, -exponent), scaled_by_two(self.mean.1, -exponent))
    }

    /// The variance of the sample in another scale; NaN of fewer than two values.
    pub(super) fn variance_at(&self, exponent: i32) -> f64 {
        let by = self.exponent - exponent;
        match self.count {
            0 | 1 => f64::NAN,
            count => scaled_by_two(self.square_sum / (count - 1) as f64, by.saturating_mul(2)),
        }
    }
}

/// The smallest and the largest number; both NaN where there is none.
fn range(values: &[f64]) -> (f64, f64) {
    range_and_missing(values).0
}

/// The smallest and the largest number, both NaN where there is none, and how many values are missing.
pub(super) fn range_and_missing(values: &[f64]) -> ((f64, f64), usize) {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let (min, max, missing) = range_of_lanes(chunks);
    let is_missing = |value: &&f64| value.is_nan();
    let n_missing = missing.iter().sum::<u64>() as usize + rest.iter().filter(is_missing).count();
    if n_missing == values.len() {
        return ((f64::NAN, f64::NAN), n_missing);
    }
    let range = (
        rest.iter().chain(&min).copied().fold(f64::INFINITY, f64::min),
        rest.iter().chain(&max).copied().fold(f64::NEG_INFINITY, f64::max),
    );
    (range, n_missing)
}

/// The smallest and the largest number of each lane, and how many of its values are missing.
type LaneRanges = ([f64; LANES], [f64; LANES], [u64; LANES]);

/// Apart from what reads the lanes one by one: seeing both, the compiler makes vectors across the arrays, which takes ten times as long.
#[inline(never)]
fn range_of_lanes(chunks: &[[f64; LANES]]) -> LaneRanges {
    in_wide_registers!(range_of_each_lane(chunks: &[[f64; LANES]]) -> LaneRanges)
}

#[inline(always)]
fn range_of_each_lane(chunks: &[[f64; LANES]]) -> LaneRanges {
    let (mut min, mut max, mut n_missing) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0_u64; LANES]);
    for chunk in chunks {
        for lane in 0..LANES {
            let value = chunk[lane];
            min[lane] = if value < min[lane] { value } else { min[lane] };
            max[lane] = if value > max[lane] { value } else { max[lane] };
            n_missing[lane] += u64::from(value.is_nan());
        }
    }
    (min, max, n_missing)
}

/// The largest absolute value that is finite; 0 of none.
pub(super) fn largest_finite(values: &[f64]) -> f64 {
    let (min, max) = range(values);
    let largest = min.abs().max(max.abs());
    if largest.is_finite() {
        return largest;
    }
    values.iter().map(|value| value.abs()).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// The exponent of the largest absolute value, or 0 where no scaling is needed.
fn scale_exponent(min: f64, max: f64) -> i32 {
    let largest = min.abs().max(max.abs());
    if !largest.is_finite() || largest == 0.0 {
        return 0;
    }
    let (mantissa, place) = parts(largest);
    let exponent = place as i32 - 1074 + 63 - mantissa.leading_zeros() as i32;
    if exponent.abs() < UNSCALED { 0 } else { exponent.clamp(-1000, 1000) }
}

/// The sum of a column is `high + low` times 2^`exponent`.
#[derive(Debug)]
struct Total {
    high: f64,
    low: f64,
    exponent: i32,
}

/// The sum of the scaled values, with its rounding errors beside it.
fn sum(values: &[f64], factor: f64) -> (f64, f64) {
    compensated::<1>(values, |value| value * factor, |block| sums_of_lanes(block, factor))
}

/// The sum of the squared differences of the scaled values from the centre. All terms are above zero, so that their sum is off by no more than
/// each of them, 2^-51 of itself, and the few plain additions, 2^-53 each.
fn square_sum(values: &[f64], factor: f64, centre: f64) -> f64 {
    let term = |value| squared_difference(value, factor, centre);
    let (high, low) = compensated::<SQUARE_ROWS>(values, term, |block| square_sums_of_lanes(block, factor, centre));
    high + low
}

#[inline(always)]
fn squared_difference(value: f64, factor: f64, centre: f64) -> f64 {
    let difference = value * factor - centre;
    difference * difference
}

/// Sums of lanes, and their rounding errors.
type Lanes = ([f64; LANES], [f64; LANES]);

/// The sum of all terms, with the rounding errors of every addition added up beside it; `lanes` sums up the terms of a block of whole rows.
fn compensated<const ROWS: usize>(
    values: &[f64],
    term: impl Fn(f64) -> f64,
    lanes: impl Fn(&[f64]) -> Lanes,
) -> (f64, f64) {
    let mut sum = (0.0, 0.0);
    for block in values.chunks(BLOCK) {
        let (rows, rest) = block.split_at(block.len() - block.len() % (LANES * ROWS));
        let (high, low) = lanes(rows);
        let of_rows = high.into_iter().zip(low).fold((0.0, 0.0), twofold_sum);
        let of_block = rest.iter().fold(of_rows, |sum, &value| twofold_sum(sum, (term(value), 0.0)));
        sum = twofold_sum(sum, of_block);
    }
    sum
}

/// Apart from what reads the lanes one by one, as [`range_of_lanes`].
#[inline(never)]
fn sums_of_lanes(block: &[f64], factor: f64) -> Lanes {
    in_wide_registers!(sums_of_each_lane(block: &[f64], factor: f64) -> Lanes)
}

#[inline(always)]
fn sums_of_each_lane(block: &[f64], factor: f64) -> Lanes {
    compensated_lanes::<1>(block, |value| value * factor)
}

/// Apart from what reads the lanes one by one, as [`range_of_lanes`].
#[inline(never)]
fn square_sums_of_lanes(block: &[f64], factor: f64, centre: f64) -> Lanes {
    in_wide_registers!(square_sums_of_each_lane(block: &[f64], factor: f64, centre: f64) -> Lanes)
}

#[inline(always)]
fn square_sums_of_each_lane(block: &[f64], factor: f64, centre: f64) -> Lanes {
    compensated_lanes::<SQUARE_ROWS>(block, |value| squared_difference(value, factor, centre))
}

/// `ROWS` terms of a lane are added up plainly before the sum takes them with its errors.
#[inline(always)]
fn compensated_lanes<const ROWS: usize>(block: &[f64], term: impl Fn(f64) -> f64) -> Lanes {
    let (mut high, mut low) = ([0.0; LANES], [0.0; LANES]);
    for chunk in block.chunks_exact(LANES * ROWS) {
        let mut rows = [0.0; LANES];
        for lane in 0..LANES {
            rows[lane] = term(chunk[lane]);
        }
        for row in 1..ROWS {
            for lane in 0..LANES {
                rows[lane] += term(chunk[row * LANES + lane]);
            }
        }
        for lane in 0..LANES {
            let (sum, error) = two_sum(high[lane], rows[lane]);
            high[lane] = sum;
            low[lane] += error;
        }
    }
    (high, low)
}

/// The sum and its rounding error, exactly.
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let from_b = sum - a;
    (sum, (a - (sum - from_b)) + (b - from_b))
}

/// The sum of two numbers of twice the digits.
fn twofold_sum(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let (sum, error) = two_sum(a.0, b.0);
    two_sum(sum, error + (a.1 + b.1))
}

/// The sum over the count: the nearest number, and what is missing.
fn mean_of(high: f64, low: f64, count: f64) -> (f64, f64) {
    let quotient = high / count;
    let missing = (remainder(high, quotient, count) + low) / count;
    let (mean, error) = two_sum(quotient, missing);
    (mean, error)
}

/// `high - quotient * count`, without the rounding of the product (T. J. Dekker, Numer. Math. 18 (1971)).
fn remainder(high: f64, quotient: f64, count: f64) -> f64 {
    let product = quotient * count;
    let ((a, b), (c, d)) = (split(quotient), split(count));
    let error = ((a * c - product) + a * d + b * c) + b * d;
    (high - product) - error
}

/// The upper 26 bits and the lower ones.
fn split(value: f64) -> (f64, f64) {
    let scaled = value * f64::from((1 << 27) + 1);
    let upper = scaled - (scaled - value);
    (upper, value - upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_leaves_the_exact_mean() {
        let moments = Moments::of(&[1e300, 1e-10, -1e300]);
        assert_eq!(moments.mean(), 1e-10 / 3.0);
        let mixed: Vec<f64> = (0..10_000).flat_map(|idx| [f64::from(idx) + 0.1, -0.1 - f64::from(idx)]).collect();
        assert_eq!(Moments::of(&mixed).mean(), 0.0);
    }

    #[test]
    fn the_largest_numbers_overflow_nothing() {
        let moments = Moments::of(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX]);
        assert_eq!((moments.mean(), moments.std_pop()), (0.0, f64::MAX));
        assert_eq!(Moments::of(&[f64::MAX; 3]).mean(), f64::MAX);
    }

    #[test]
    fn the_smallest_numbers_vanish_not() {
        let moments = Moments::of(&[5e-324, 15e-324]);
        assert_eq!((moments.mean(), moments.std_pop()), (10e-324, 5e-324));
    }

    #[test]
    fn an_offset_takes_no_digits_from_the_deviation() {
        let ones: Vec<f64> = (0..1000).map(|idx| 1e15 + f64::from(idx % 2)).collect();
        let moments = Moments::of(&ones);
        assert_eq!((moments.mean(), moments.std_pop()), (1e15 + 0.5, 0.5));
        // The mean lies between two numbers: 0.25 of the distance above the lower.
        let next = 1.0 + f64::EPSILON;
        let moments = Moments::of(&[1.0, 1.0, 1.0, next]);
        let expected = f64::EPSILON * (0.25 * 0.75_f64).sqrt();
        assert!((moments.std_pop() / expected - 1.0).abs() < 1e-15);
    }

    #[test]
    fn infinite_values_have_the_mean_of_ieee_and_no_deviation() {
        let moments = Moments::of(&[1.0, f64::INFINITY]);
        assert!(moments.mean() == f64::INFINITY && moments.std().is_nan() && moments.std_pop().is_nan());
        assert!(Moments::of(&[f64::NEG_INFINITY, f64::INFINITY]).mean().is_nan());
    }

    #[test]
    fn no_value_has_no_mean_and_one_value_has_no_deviation() {
        let none = Moments::of(&[]);
        assert!(none.mean().is_nan() && none.std_pop().is_nan() && none.min.is_nan());
        let one = Moments::of(&[5.0]);
        assert!(one.std().is_nan());
        assert_eq!((one.mean(), one.std_pop()), (5.0, 0.0));
    }
}
