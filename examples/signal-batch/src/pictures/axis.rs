//! From values to pixels along a panel, and text that fits. Pure.

use std::ops::RangeInclusive;

use consumer_support::picture::{Scale, TextStyle, extremes};

use crate::shown_number::significant;

/// The horizontal axis of a panel: larger values lie further to the right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    scale: Scale,
    left: f64,
    right: f64,
}

impl Axis {
    /// `range` has a positive length.
    pub(super) fn new(range: RangeInclusive<f64>, left: f64, right: f64) -> Self {
        // A scale draws larger values at smaller pixels, so the ends change places.
        Self { scale: Scale::new(range, right, left), left, right }
    }

    /// The horizontal pixel of a value, never outside of the panel.
    pub(super) fn x(&self, value: f64) -> f64 {
        self.scale.y(value)
    }

    /// Round values with their pixels and labels that stand clear of each other, within the panel.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let most = ((self.right - self.left) / 44.0).max(1.0) as usize;
        let labels =
            |count| tick_labels(&self.scale, count).into_iter().map(|(value, label)| (self.x(value), label)).collect();
        (1..=most).rev().map(labels).find(|labels: &Vec<(f64, String)>| stand_clear(labels)).unwrap_or_default()
    }
}

/// Round values with labels that differ: huge and tiny ones get as many digits as that takes.
pub(super) fn tick_labels(scale: &Scale, count: usize) -> Vec<(f64, String)> {
    let ticks = scale.ticks(count);
    let differ = |labels: &[(f64, String)]| labels.windows(2).all(|pair| pair[0].1 != pair[1].1);
    let with_digits = |digits| -> Vec<(f64, String)> {
        ticks.iter().map(|(value, _)| (*value, significant(*value, digits).replace('-', "\u{2212}"))).collect()
    };
    if differ(&ticks) {
        return ticks;
    }
    (2..12).map(with_digits).find(|labels| differ(labels)).unwrap_or_default()
}

fn stand_clear(labels: &[(f64, String)]) -> bool {
    let half = |label: &str| width_of(label, TextStyle::TICK) / 2.0 + 4.0;
    labels.windows(2).all(|pair| pair[1].0 - pair[0].0 >= half(&pair[0].1) + half(&pair[1].1))
}

/// The range of all drawable values with a little room, wider around values that hardly differ; none without any.
pub(super) fn value_range(values: impl Iterator<Item = f64>) -> Option<RangeInclusive<f64>> {
    let (low, high) = extremes(values)?;
    let magnitude = low.abs().max(high.abs());
    if high - low > 1e-9 * magnitude {
        let room = (high - low) * 0.05;
        return Some(low - room..=high + room);
    }
    // Too close for labels to differ, or all the same.
    let half = if magnitude < 1e-200 { 1.0 } else { magnitude * 0.1 };
    Some(low - half..=high + half)
}

/// About how wide a text is, in pixels; letters of East Asian scripts take nearly twice the width.
pub(super) fn width_of(text: &str, style: TextStyle) -> f64 {
    let n_broad =
        text.chars().filter(|letter| *letter >= '\u{1100}' && !('\u{2000}'..'\u{2600}').contains(letter)).count();
    style.width_of(text) + n_broad as f64 * style.size * 0.5
}

/// The text, or its beginning where it is too wide.
pub(super) fn fitting(text: &str, style: TextStyle, width: f64) -> String {
    if width_of(text, style) <= width {
        return text.to_owned();
    }
    let mut kept: String = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if width_of(&kept, style) + style.size * 0.6 > width {
            kept.pop();
            break;
        }
    }
    kept + "\u{2026}"
}

/// The end of a text where it is too wide: file names differ at their ends.
pub(super) fn fitting_end(text: &str, style: TextStyle, width: f64) -> String {
    if width_of(text, style) <= width {
        return text.to_owned();
    }
    let backwards: String = text.chars().rev().collect();
    fitting(&backwards, style, width).chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_a_length_and_holds_its_values() {
        for values in [[0.0, 0.0], [5e-324, 0.0], [7.0, 7.0], [1e12, 1e12 + 1e-3], [-1e140, 1e140], [1e-20, -1e-20]] {
            let range = value_range(values.into_iter()).unwrap();
            assert!(range.end() > range.start(), "{values:?}: {range:?}");
            assert!(values.iter().all(|value| range.contains(value)), "{values:?}: {range:?}");
        }
        assert_eq!(value_range([f64::NAN, f64::INFINITY].into_iter()), None);
    }

    #[test]
    fn ticks_run_to_the_right_and_stand_clear() {
        let axis = Axis::new(0.001..=0.0034, 50.0, 350.0);
        let ticks = axis.ticks();
        assert!(ticks.len() >= 2 && stand_clear(&ticks) && ticks.is_sorted_by(|a, b| a.0 < b.0), "{ticks:?}");
    }

    #[test]
    fn labels_of_huge_values_that_hardly_differ_are_not_all_the_same() {
        let labels = tick_labels(&Scale::new(3.57e7..=3.62e7, 0.0, 100.0), 4);
        let labels: Vec<&str> = labels.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["3.58e7", "3.6e7", "3.62e7"]);
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let short = fitting_end("a/very/long/path/of/unit_0042.csv", TextStyle::LABEL, 90.0);
        assert!(short.starts_with('\u{2026}') && short.ends_with("0042.csv"), "{short}");
        assert!(width_of(&short, TextStyle::LABEL) <= 90.0 + 8.0);
    }
}
