//! From values to pixels: a linear scale with round ticks, and the range that values span. Pure.

use std::ops::RangeInclusive;

/// A linear map from values to vertical pixels: the larger the value, the higher it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
}

impl Scale {
    /// `range` must have a positive length.
    #[must_use]
    pub fn new(range: RangeInclusive<f64>, top: f64, bottom: f64) -> Self {
        Self { low: *range.start(), high: *range.end(), top, bottom }
    }

    /// The vertical pixel of a value, never outside the panel.
    #[must_use]
    pub fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }

    /// Round values inside the range, about `count` of them, with their labels.
    #[must_use]
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = round_step((self.high - self.low) / count as f64);
        let first = (self.low / step - 1e-9).ceil();
        let n_ticks = ((self.high / step + 1e-9).floor() - first).clamp(0.0, 20.0) as usize + 1;
        (0..n_ticks).map(|idx| (first + idx as f64) * step).map(|value| (value, tick_text(value, step))).collect()
    }
}

/// The values that a picture can place; NaN and infinities are gaps, and so is what would overflow the arithmetic of a scale.
#[must_use]
pub fn is_drawable(value: f64) -> bool {
    value.abs() < 1e150
}

/// The range of the drawable values, widened to round ends; `None` without any.
#[must_use]
pub fn round_range(values: impl Iterator<Item = f64>) -> Option<RangeInclusive<f64>> {
    let (low, high) = extremes(values)?;
    let (low, high) = if low < high { (low, high) } else { (low - spare(low), high + spare(high)) };
    let step = round_step((high - low) / 4.0);
    Some((low / step + 1e-9).floor() * step..=(high / step - 1e-9).ceil() * step)
}

/// The smallest and the largest drawable value.
#[must_use]
pub fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let widen = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
    values
        .filter(|value| is_drawable(*value))
        .map(|value| (value, value))
        .reduce(|range, (value, _)| widen(range, value))
}

/// The middle one of the drawable values (mean of two for an even count). Sorts a copy.
#[must_use]
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let sorted = sorted(values);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(lower + (upper - lower) / 2.0)
}

/// The drawable values in ascending order.
#[must_use]
pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.filter(|value| is_drawable(*value)).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A number in short: four significant digits at most, no trailing zeros, powers of ten where it is huge or tiny.
#[must_use]
pub fn short_number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e6).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let decimals = [100.0, 10.0, 1.0].into_iter().filter(|bound| magnitude < *bound).count();
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Half a scale for values that are all the same.
fn spare(value: f64) -> f64 {
    if value == 0.0 { 1.0 } else { value.abs() * 0.1 }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0]
        .map(|digit| digit * power)
        .into_iter()
        .find(|round| *round >= step * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn tick_text(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&step) || value.abs() >= 1e6 {
        return format!("{value:.1e}");
    }
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick_labels(range: RangeInclusive<f64>) -> Vec<String> {
        Scale::new(range, 0.0, 100.0).ticks(4).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_inside_the_range() {
        assert_eq!(tick_labels(47.0..=92.0), ["60", "80"]);
        assert_eq!(tick_labels(0.0..=1.0), ["0", "0.5", "1.0"]);
        assert_eq!(tick_labels(-20.0..=20.0), ["\u{2212}20", "\u{2212}10", "0", "10", "20"]);
    }

    #[test]
    fn larger_values_stand_higher_and_none_leaves_the_panel() {
        let scale = Scale::new(0.0..=10.0, 20.0, 120.0);
        assert_eq!([0.0, 5.0, 10.0, 99.0, -99.0].map(|value| scale.y(value)), [120.0, 70.0, 20.0, 20.0, 120.0]);
    }

    #[test]
    fn ranges_ignore_gaps_and_widen_equal_values() {
        assert_eq!(round_range([f64::NAN, 51.0, 68.0, f64::INFINITY].into_iter()), Some(50.0..=70.0));
        assert_eq!(round_range([f64::NAN, f64::INFINITY].into_iter()), None);
        let same = round_range([7.0, 7.0].into_iter()).unwrap();
        assert!(*same.start() < 7.0 && *same.end() > 7.0);
    }

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        assert_eq!(median([4.0, f64::NAN, 1.0, 3.0, 2.0].into_iter()), Some(2.5));
        assert_eq!(median([f64::NAN].into_iter()), None);
    }

    #[test]
    fn short_numbers_keep_what_a_reader_needs() {
        let texts = [0.0, 57.84, 0.6123, 1234.4, 2.5e-7, -3.5].map(short_number);
        assert_eq!(texts, ["0", "57.8", "0.612", "1234", "2.50e-7", "-3.5"]);
    }
}
