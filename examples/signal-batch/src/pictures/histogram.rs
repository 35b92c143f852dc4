//! The bins of a histogram. Pure.

use consumer_support::picture::{extremes, is_drawable, sorted};

/// More bins than this cannot be told apart in a panel.
const MOST_BINS: usize = 40;
/// Fewer bins than this hide the shape.
const FEWEST_BINS: usize = 5;

/// Bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The lower end of the first bin.
    pub low: f64,
    /// The upper end of the last bin.
    pub high: f64,
    /// How many values each bin holds.
    pub counts: Vec<usize>,
}

/// Counts the drawable values in bins; none without any. A constant has one bin, around it.
///
/// The width of a bin is 2·IQR/∛n, after Freedman and Diaconis (1981), within 5 to 40 bins; where the middle half of the values is one
/// value, the count of bins is that of Sturges, 1 + log2 n. Sorts a copy.
///
/// ```
/// let histogram = signal_batch::pictures::histogram(&[1.0, 2.0, 2.0, 3.0, f64::NAN]).unwrap();
/// assert_eq!((histogram.low, histogram.high), (1.0, 3.0));
/// assert_eq!(histogram.counts.iter().sum::<usize>(), 4);
/// ```
#[must_use]
pub fn histogram(values: &[f64]) -> Option<Histogram> {
    let drawable = || values.iter().copied().filter(|value| is_drawable(*value));
    let (low, high) = extremes(drawable())?;
    if high - low <= 1e-9 * low.abs().max(high.abs()) {
        let half = if high == 0.0 { 0.5 } else { high.abs() * 0.01 };
        return Some(Histogram { low: low - half, high: high + half, counts: vec![drawable().count()] });
    }
    let mut counts = vec![0; n_bins(&sorted(drawable()), high - low)];
    let last = counts.len() - 1;
    for value in drawable() {
        let share = (value - low) / (high - low);
        counts[((share * (last + 1) as f64) as usize).min(last)] += 1;
    }
    Some(Histogram { low, high, counts })
}

fn n_bins(sorted: &[f64], span: f64) -> usize {
    let n = sorted.len();
    let iqr = sorted[n * 3 / 4] - sorted[n / 4];
    let wanted = if iqr > 0.0 { span * (n as f64).cbrt() / (2.0 * iqr) } else { 1.0 + (n as f64).log2() };
    (wanted.ceil() as usize).clamp(FEWEST_BINS, MOST_BINS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bin_and_a_far_one_makes_no_more_bins_than_can_be_drawn() {
        let values: Vec<f64> = (0..1000).map(|idx| f64::from(idx % 100)).chain([1e9]).collect();
        let histogram = histogram(&values).unwrap();
        assert_eq!(histogram.counts.iter().sum::<usize>(), 1001);
        assert_eq!((histogram.counts.len(), histogram.counts[39]), (MOST_BINS, 1));
    }

    #[test]
    fn a_constant_has_one_bin_and_nothing_has_none() {
        let constant = histogram(&[2.0; 7]).unwrap();
        assert!(constant.counts == [7] && constant.low < 2.0 && constant.high > 2.0, "{constant:?}");
        assert_eq!(histogram(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(histogram(&[0.0, 0.0]).unwrap().counts, [2]);
    }
}
