//! Ranges that can be drawn, and the horizontal axis of a picture. Pure.

use std::ops::RangeInclusive;

use consumer_support::picture::{Scale, TextStyle, extremes, is_drawable};

use super::text::width_of;

/// The room at each end of a range, as a share of the range.
const ROOM: f64 = 0.06;

/// The mean distance in pixels at which marks can still be told apart.
const MARK_SPACING: f64 = 3.0;

/// The horizontal axis that panels below each other share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    left: f64,
    right: f64,
}

impl Axis {
    /// None where the ends cannot be placed or do not lie apart, such as for a recording without samples.
    pub(super) fn new(range: RangeInclusive<f64>, left: f64, right: f64) -> Option<Self> {
        let (from, to) = range.into_inner();
        let apart = is_drawable(from) && is_drawable(to) && to - from > 1e-12 * from.abs().max(to.abs());
        apart.then_some(Self { from, to, left, right })
    }

    /// The horizontal pixel of a value, never outside of the panel.
    pub(super) fn x(&self, value: f64) -> f64 {
        self.scale().y(value)
    }

    /// Whether a value lies within the axis.
    fn contains(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    /// How many pixels the axis is long.
    pub(super) fn length(&self) -> f64 {
        self.right - self.left
    }

    /// How many pixels one unit takes.
    pub(super) fn pixels_per_unit(&self) -> f64 {
        self.length() / (self.to - self.from)
    }

    /// The pixels of those values that lie within the axis; none where they would be too close to be told apart.
    pub(super) fn marks(&self, values: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
        let pixels: Vec<f64> = values.filter(|value| self.contains(*value)).map(|value| self.x(value)).collect();
        (pixels.len() as f64 * MARK_SPACING <= self.length()).then_some(pixels)
    }

    /// Round values with their pixels and labels, as many as stand clear of each other.
    pub(super) fn ticks(&self, spacing: f64) -> Vec<(f64, String)> {
        let most = (self.length() / spacing).max(1.0);
        (1..=most as usize).rev().map(|count| self.labels(count)).find(|labels| stand_clear(labels)).unwrap_or_default()
    }

    fn labels(&self, count: usize) -> Vec<(f64, String)> {
        self.scale().ticks(count).into_iter().map(|(value, label)| (self.x(value), label)).collect()
    }

    /// A scale draws larger values at smaller pixels of its span, so the ends change places.
    fn scale(&self) -> Scale {
        Scale::new(self.from..=self.to, self.right, self.left)
    }
}

fn stand_clear(labels: &[(f64, String)]) -> bool {
    let half = |label: &str| width_of(label, TextStyle::TICK) / 2.0 + 3.0;
    labels.windows(2).all(|pair| pair[1].0 - pair[0].0 >= half(&pair[0].1) + half(&pair[1].1))
}

/// The range of the drawable values with a little room at both ends, wider around values that hardly differ; none without any value.
pub(super) fn value_range(values: impl Iterator<Item = f64>) -> Option<RangeInclusive<f64>> {
    let (low, high) = extremes(values)?;
    let spare = (high - low) * ROOM;
    if high - low > 1e-9 * low.abs().max(high.abs()).max(1.0) {
        return Some(low - spare..=high + spare);
    }
    let middle = f64::midpoint(low, high);
    let half = if middle.abs() < 1e-6 { 1.0 } else { middle.abs() * 0.1 };
    Some(middle - half..=middle + half)
}

/// From zero to the largest drawable value and a little room; none without a value above zero.
pub(super) fn range_from_zero(values: impl Iterator<Item = f64>) -> Option<RangeInclusive<f64>> {
    let (_, high) = extremes(values)?;
    (high > 0.0).then_some(0.0..=high * (1.0 + ROOM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_runs_from_left_to_right_and_its_labels_stand_clear() {
        let axis = Axis::new(3600.0..=3600.4, 50.0, 350.0).unwrap();
        assert_eq!([3600.0, 3600.2, 3600.4, 9999.0].map(|value| axis.x(value).round()), [50.0, 200.0, 350.0, 350.0]);
        let ticks = axis.ticks(30.0);
        assert!(ticks.len() >= 2 && stand_clear(&ticks), "{ticks:?}");
    }

    #[test]
    fn marks_that_cannot_be_told_apart_are_left_out() {
        let axis = Axis::new(0.0..=10.0, 0.0, 30.0).unwrap();
        assert_eq!(axis.marks([-1.0, 2.0, 99.0].into_iter()), Some(vec![6.0]));
        assert_eq!(axis.marks((0..11).map(f64::from)), None);
    }

    #[test]
    fn an_axis_needs_two_ends_that_lie_apart() {
        for range in [0.0..=0.0, 1.0..=0.0, f64::NAN..=1.0, 0.0..=f64::INFINITY, 1e20..=1e20 + 1.0] {
            assert!(Axis::new(range.clone(), 0.0, 100.0).is_none(), "{range:?}");
        }
    }

    #[test]
    fn a_range_of_values_has_a_length() {
        let cases = [[0.0, 0.0], [5e-324, 0.0], [7.0, 7.0], [1e12, 1e12 + 1e-3], [-1e140, 1e140], [1e-20, -1e-20]];
        for values in cases {
            let range = value_range(values.into_iter()).unwrap();
            assert!(range.end() > range.start(), "{values:?}: {range:?}");
            assert!(values.iter().all(|value| range.contains(value)), "{values:?}: {range:?}");
        }
        assert_eq!(value_range([f64::NAN, f64::INFINITY].into_iter()), None);
        assert_eq!(range_from_zero([0.0, -1.0, f64::NAN].into_iter()), None);
        assert_eq!(range_from_zero([100.0].into_iter()), Some(0.0..=106.0));
    }
}
