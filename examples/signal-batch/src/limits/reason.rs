//! Why a unit fails, as data and as a sentence.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::{number_text, short_number_text};

/// Why a unit fails.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Its capture could not be measured.
    NotMeasured {
        /// Why not.
        error: String,
    },
    /// A value that has limits is not there.
    Missing {
        /// The metric.
        metric: String,
    },
    /// A value is below the smallest that passes.
    Below {
        /// The metric.
        metric: String,
        /// Its value.
        value: f64,
        /// The limit.
        limit: f64,
        /// The unit of both; empty for a ratio, and where it is not known.
        unit: String,
    },
    /// A value is above the largest that passes.
    Above {
        /// The metric.
        metric: String,
        /// Its value.
        value: f64,
        /// The limit.
        limit: f64,
        /// The unit of both; empty for a ratio, and where it is not known.
        unit: String,
    },
}

/// A sentence without its end.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMeasured { error } => write!(f, "not measured: {error}"),
            Self::Missing { metric } => write!(f, "{metric} is missing, and has a limit"),
            Self::Below { metric, value, limit, unit } => beyond(f, (metric, *value), ("below", *limit), unit),
            Self::Above { metric, value, limit, unit } => beyond(f, (metric, *value), ("above", *limit), unit),
        }
    }
}

fn beyond(
    f: &mut fmt::Formatter<'_>,
    (metric, value): (&str, f64),
    (side, limit): (&str, f64),
    unit: &str,
) -> fmt::Result {
    let space = if unit.is_empty() { "" } else { " " };
    let (value, limit) = (readable(value, limit), number_text(limit));
    write!(f, "{metric} is {value}{space}{unit}, {side} the limit {limit}{space}{unit}")
}

/// The value with few digits, or with all where few would not show on which side of the limit it is.
fn readable(value: f64, limit: f64) -> Cow<'static, str> {
    let short = short_number_text(value);
    let is_on_its_side =
        short.parse().is_ok_and(|rounded: f64| rounded.partial_cmp(&limit) == value.partial_cmp(&limit));
    if is_on_its_side { short } else { number_text(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_just_beyond_its_limit_is_shown_with_all_its_digits() {
        let above =
            |value| Reason::Above { metric: "rms".to_owned(), value, limit: 0.5, unit: "V".to_owned() }.to_string();
        assert_eq!(above(0.512_345_678), "rms is 0.512346 V, above the limit 0.5 V");
        assert_eq!(above(0.500_000_000_1), "rms is 0.5000000001 V, above the limit 0.5 V");
    }
}
