//! Quantiles and medians without sorting everything.
//!
//! Promises: exactly the values that a sorted copy has at the two positions of each quantile. Leaves to others: missing values.
//!
//! Long columns are not copied: a sorted sample brackets each quantile, one pass counts what lies below each bracket and collects what lies
//! within, and only that is searched. Source: R. W. Floyd, R. L. Rivest, "Expected time bounds for selection", Commun. ACM 18 (1975).

use crate::wide_registers::in_wide_registers;

/// Columns up to this length are copied and partitioned.
const SHORT: usize = 1 << 15;
/// Values of the sample.
const SAMPLE: usize = 1 << 13;
/// Half the width of a bracket, in places of the sample: more than four standard deviations of the place of a median.
const MARGIN: usize = 200;
/// Values that are counted and collected together, so that they are read from memory once.
const BLOCK: usize = 2048;

/// The lower quartile, the median and the upper quartile; NaN of no values.
///
/// Quantile p lies at `h = (n - 1) p` of the sorted values, interpolated linearly between its neighbours (type 7 of R. J. Hyndman, Y. Fan, The
/// American Statistician 50 (1996)).
pub(super) fn quartiles(values: &[f64]) -> [f64; 3] {
    quantiles(values, [0.25, 0.5, 0.75])
}

/// The median; NaN of no values.
pub(super) fn median(values: &[f64]) -> f64 {
    let [median] = quantiles(values, [0.5]);
    median
}

fn quantiles<const N: usize>(values: &[f64], p: [f64; N]) -> [f64; N] {
    if values.is_empty() {
        return [f64::NAN; N];
    }
    let places = p.map(|p| Place::of(p, values.len()));
    let bracketed = if values.len() > SHORT { quantiles_by_sample(values, places) } else { None };
    bracketed.unwrap_or_else(|| {
        let mut copied = values.to_vec();
        places.map(|place| place.select(&mut copied))
    })
}

/// Where a quantile lies: between the value of this rank and the next one, at this share of the way.
#[derive(Debug, Clone, Copy)]
struct Place {
    rank: usize,
    share: f64,
}

impl Place {
    fn of(p: f64, n_values: usize) -> Self {
        let h = (n_values - 1) as f64 * p;
        Self { rank: h.floor() as usize, share: h - h.floor() }
    }

    /// The quantile of these values, which it reorders.
    fn select(self, values: &mut [f64]) -> f64 {
        let (_, &mut lower, above) = values.select_nth_unstable_by(self.rank, f64::total_cmp);
        if self.share == 0.0 {
            return lower;
        }
        interpolated(lower, above.iter().copied().fold(f64::INFINITY, f64::min), self.share)
    }
}

/// `lower + share * (upper - lower)`, also where the difference is not a number or infinite.
fn interpolated(lower: f64, upper: f64, share: f64) -> f64 {
    let difference = upper - lower;
    if lower == upper {
        lower
    } else if difference.is_finite() {
        lower + share * difference
    } else if lower.is_infinite() || upper.is_infinite() {
        lower + upper
    } else {
        // In quarters, which do not overflow.
        4.0 * (lower / 4.0 + share * (upper / 4.0 - lower / 4.0))
    }
}

/// The quantiles, or none where the sample was misleading, as with values that repeat in the rhythm in which it was taken.
fn quantiles_by_sample<const N: usize>(values: &[f64], places: [Place; N]) -> Option<[f64; N]> {
    let sample = sorted_sample(values);
    let mut brackets = places.map(|place| Bracket::around(place, &sample, values.len()));
    for block in values.chunks(BLOCK) {
        for bracket in &mut brackets {
            bracket.take(block)?;
        }
    }
    let mut found = [0.0; N];
    for ((bracket, place), found) in brackets.iter_mut().zip(places).zip(&mut found) {
        *found = bracket.quantile(values, place)?;
    }
    Some(found)
}

/// Every so-manyth value, at places that vary within each stretch.
fn sorted_sample(values: &[f64]) -> Vec<f64> {
    let stretch = values.len() / SAMPLE;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let taken = values.chunks_exact(stretch).map(|stretch| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        stretch[(state >> 33) as usize % stretch.len()]
    });
    let mut sample: Vec<f64> = taken.collect();
    sample.sort_unstable_by(f64::total_cmp);
    sample
}

/// What one pass finds of a bracket: how many values are not above its lower end, and the values between its ends.
///
/// The ends are not collected, so that many equal values need no room.
#[derive(Debug)]
struct Bracket {
    low: f64,
    high: f64,
    n_up_to_low: usize,
    between: Vec<f64>,
    n_between: usize,
}

impl Bracket {
    fn around(place: Place, sample: &[f64], n_values: usize) -> Self {
        let at = (place.rank as f64 / n_values as f64 * sample.len() as f64) as usize;
        let low = sample[at.saturating_sub(MARGIN)];
        let high = sample[(at + MARGIN).min(sample.len() - 1)];
        // Twice what is expected.
        let room = n_values / sample.len() * MARGIN * 4 + BLOCK;
        Self { low, high, n_up_to_low: 0, between: vec![0.0; room], n_between: 0 }
    }

    /// Counts and collects, without a branch for each value. None when there is no more room.
    fn take(&mut self, block: &[f64]) -> Option<()> {
        let (low, high) = (self.low, self.high);
        self.n_up_to_low += count_up_to(block, low);
        let room = self.between.get_mut(self.n_between..self.n_between + block.len())?;
        let mut n_between = 0;
        for &value in block {
            room[n_between] = value; // overwritten by the next unless it counts
            n_between += usize::from((value > low) & (value < high));
        }
        self.n_between += n_between;
        Some(())
    }

    /// The quantile, when both of its values lie within.
    fn quantile(&mut self, values: &[f64], place: Place) -> Option<f64> {
        let lower = self.value_of(values, place.rank)?;
        if place.share == 0.0 {
            return Some(lower);
        }
        Some(interpolated(lower, self.value_of(values, place.rank + 1)?, place.share))
    }

    /// The value of this rank, when it lies within. At the ends, which only many equal values reach, they are counted.
    fn value_of(&mut self, values: &[f64], rank: usize) -> Option<f64> {
        let Some(among) = rank.checked_sub(self.n_up_to_low) else {
            return (rank >= count(values, |value| value < self.low)).then_some(self.low);
        };
        if among < self.n_between {
            let between = &mut self.between[..self.n_between];
            return Some(*between.select_nth_unstable_by(among, f64::total_cmp).1);
        }
        (among - self.n_between < count(values, |value| value == self.high)).then_some(self.high)
    }
}

/// How many values are not above this one.
fn count_up_to(values: &[f64], low: f64) -> usize {
    in_wide_registers!(number_up_to(values: &[f64], low: f64) -> usize)
}

#[inline(always)]
fn number_up_to(values: &[f64], low: f64) -> usize {
    let mut n_up_to_low = 0_u64;
    for &value in values {
        n_up_to_low += u64::from(value <= low);
    }
    n_up_to_low as usize
}

/// How many values are so.
fn count(values: &[f64], is_counted: impl Fn(f64) -> bool) -> usize {
    values.iter().map(|&value| usize::from(is_counted(value))).sum()
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;

    /// The definition.
    fn by_sorting(values: &[f64]) -> [f64; 3] {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        [0.25, 0.5, 0.75].map(|p| {
            let h = (sorted.len() - 1) as f64 * p;
            let rank = h as usize;
            match h.fract() {
                0.0 => sorted[rank],
                share => sorted[rank] + share * (sorted[rank + 1] - sorted[rank]),
            }
        })
    }

    #[test]
    fn quartiles_are_those_of_the_sorted_values() {
        let mut rng = Rng::for_test("quartiles_are_those_of_the_sorted_values");
        for n in (1..40).chain([SHORT + 1, SHORT + 2, 50_003]) {
            let wide: Vec<f64> = (0..n).map(|_| (rng.fraction() - 0.5) * 10f64.powi((rng.below(9)) as i32)).collect();
            assert_eq!(quartiles(&wide), by_sorting(&wide), "{n} values");
            let ties: Vec<f64> = (0..n).map(|_| rng.below(4) as f64).collect();
            assert_eq!(quartiles(&ties), by_sorting(&ties), "{n} values with ties");
            let rising: Vec<f64> = (0..n).map(|idx| idx as f64).collect();
            assert_eq!(quartiles(&rising), by_sorting(&rising), "{n} rising values");
        }
    }

    #[test]
    fn a_long_column_is_searched_by_its_sample() {
        let mut rng = Rng::for_test("a_long_column_is_searched_by_its_sample");
        let values: Vec<f64> = (0..100_000).map(|_| rng.fraction()).collect();
        let places = [0.25, 0.5, 0.75].map(|p| Place::of(p, values.len()));
        assert_eq!(quantiles_by_sample(&values, places), Some(by_sorting(&values)));
        assert_eq!(quantiles_by_sample(&vec![1.0; 100_000], places), Some([1.0; 3]));
        let few: Vec<f64> = values.iter().map(|value| (value * 5.0).floor()).collect();
        assert_eq!(quantiles_by_sample(&few, places), Some(by_sorting(&few)));
    }

    #[test]
    fn a_sample_that_misleads_gives_no_quantile() {
        let place = Place { rank: 5, share: 0.0 };
        let mut bracket = Bracket::around(place, &[0.0, 1.0], 2 * BLOCK);
        let all_between = vec![0.5; BLOCK];
        let mut n_taken = 0;
        while bracket.take(&all_between).is_some() {
            n_taken += BLOCK;
        }
        assert_eq!(n_taken, bracket.between.len() / BLOCK * BLOCK, "there is no more room");
        let mut beside = Bracket::around(place, &[7.0; 9], 2 * BLOCK);
        beside.take(&all_between).unwrap();
        assert_eq!(beside.quantile(&all_between, place), None, "all values are smaller");
    }

    #[test]
    fn a_difference_that_overflows_is_interpolated_all_the_same() {
        let halves = quartiles(&[-f64::MAX, f64::MAX]).map(|value| value / f64::MAX);
        assert!((halves[0] + 0.5).abs() < 1e-15 && halves[1] == 0.0 && (halves[2] - 0.5).abs() < 1e-15, "{halves:?}");
        assert_eq!(
            quartiles(&[f64::NEG_INFINITY, f64::NEG_INFINITY, 1.0]),
            [f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY]
        );
        assert_eq!(quartiles(&[1.0, f64::INFINITY]), [f64::INFINITY; 3]);
        assert!(median(&[]).is_nan());
    }
}
