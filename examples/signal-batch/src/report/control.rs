//! The control chart for individual values: mean, limits from the moving range, and the points outside. Pure.
//!
//! Source: D. C. Montgomery, Introduction to Statistical Quality Control, "The Shewhart control chart for individual measurements"; D. J.
//! Wheeler, Understanding Variation. The limits are three deviations away, where the deviation is the mean moving range of two successive
//! values over d2 = 1.128: 3/1.128 = 2.66 mean moving ranges. They follow the short-term noise, so a slow drift or a step shows.

use serde::Serialize;

use crate::stats;

/// Three over d2 for two values.
const THREE_SIGMA: f64 = 2.66;

/// The control chart of one metric.
///
/// ```
/// use signal_batch::report::ControlChart;
///
/// let chart = ControlChart::of([10.0, 11.0, 10.0, 11.0, 10.0, 20.0]).unwrap();
/// assert_eq!((chart.mean, chart.mean_moving_range), (12.0, 2.8));
/// assert_eq!(chart.outside, [5]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlChart {
    /// The centre line: the mean.
    pub mean: f64,
    /// The mean distance of successive values.
    pub mean_moving_range: f64,
    /// The mean less 2.66 mean moving ranges.
    pub lower: f64,
    /// The mean and 2.66 mean moving ranges.
    pub upper: f64,
    /// The positions of the values outside the limits, in the order that was given.
    pub outside: Vec<usize>,
}

impl ControlChart {
    /// The chart of values in the order of time. What is not finite has no place on it. None when there are fewer than two values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let points: Vec<(usize, f64)> = values.into_iter().enumerate().filter(|(_, value)| value.is_finite()).collect();
        if points.len() < 2 {
            return None;
        }
        let mean_of = |values: Vec<f64>| stats::describe(&values).mean;
        let mean = mean_of(points.iter().map(|(_, value)| *value).collect());
        let mean_moving_range = mean_of(points.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).collect());
        let (lower, upper) = (mean - THREE_SIGMA * mean_moving_range, mean + THREE_SIGMA * mean_moving_range);
        // A constant is its own mean but for rounding.
        let spare = 1e-12 * mean.abs();
        let is_outside = |value: f64| value < lower - spare || value > upper + spare;
        let outside = points.iter().filter(|(_, value)| is_outside(*value)).map(|(at, _)| *at).collect();
        Some(Self { mean, mean_moving_range, lower, upper, outside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_outside_of_limits_that_follow_the_short_term_noise() {
        let values = (0..40).map(|idx| f64::from(idx % 2) * 0.1 + if idx < 20 { 0.0 } else { 5.0 });
        let chart = ControlChart::of(values).unwrap();
        assert_eq!(chart.outside.len(), 40, "{chart:?}");
    }

    #[test]
    fn gaps_are_bridged_and_a_constant_is_in_control() {
        let chart = ControlChart::of([f64::NAN, 1.0, f64::INFINITY, 3.0]).unwrap();
        assert_eq!((chart.mean, chart.mean_moving_range), (2.0, 2.0));
        assert_eq!(ControlChart::of([f64::NAN, 1.0]), None);
        assert!(ControlChart::of([0.1; 30]).unwrap().outside.is_empty());
    }
}
