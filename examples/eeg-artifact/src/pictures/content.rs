//! What there is to say of a row of values in words. Pure.

use consumer_support::picture::{is_drawable, short_number};

use super::text::count;

/// The values of a row in short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Content {
    /// The smallest and the largest drawable value; none without any.
    extremes: Option<(f64, f64)>,
    n_gaps: usize,
}

impl Content {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut content = Self { extremes: None, n_gaps: 0 };
        for value in values {
            if is_drawable(value) {
                let (low, high) = content.extremes.unwrap_or((value, value));
                content.extremes = Some((low.min(value), high.max(value)));
            } else {
                content.n_gaps += 1;
            }
        }
        content
    }

    /// Such as `−20 to 31 µV, 12 samples without a value`; `noun` is what a value belongs to.
    pub(super) fn describe(&self, unit: &str, noun: &str) -> String {
        let gaps =
            if self.n_gaps == 0 { String::new() } else { format!(", {} without a value", count(self.n_gaps, noun)) };
        match self.extremes {
            None if self.n_gaps == 0 => "no data".to_owned(),
            None => format!("no data: no {noun} has a value"),
            Some((low, high)) if low == high => format!("constant, {} {unit}{gaps}", signed(low)),
            Some((low, high)) => format!("{} to {} {unit}{gaps}", signed(low), signed(high)),
        }
    }
}

/// A short number with the minus sign.
pub(super) fn signed(value: f64) -> String {
    short_number(value).replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_constants_and_from_nothing() {
        let told = |values: &[f64]| Content::of(values.iter().copied()).describe("Hz", "sample");
        assert_eq!(told(&[1.5, f64::NAN, -2.0]), "\u{2212}2 to 1.5 Hz, 1 sample without a value");
        assert_eq!(told(&[3.0, 3.0]), "constant, 3 Hz");
        assert_eq!(told(&[]), "no data");
        assert_eq!(told(&[f64::NAN, f64::INFINITY]), "no data: no sample has a value");
    }
}
