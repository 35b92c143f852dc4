//! How much a metric may change, and which direction is worse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BatchError, BatchResult};

/// The largest change of a mean that is borne.
///
/// ```
/// # use signal_batch::regression::ChangeLimit;
/// assert_eq!("2%".parse(), Ok(ChangeLimit::Percent(2.0)));
/// assert_eq!("0.5".parse(), Ok(ChangeLimit::Absolute(0.5)));
/// assert!("2 percent".parse::<ChangeLimit>().is_err() && "-1".parse::<ChangeLimit>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ChangeLimit {
    /// In the unit of the metric.
    Absolute(f64),
    /// Of the magnitude of the mean of `a`; any change of a mean of 0 is larger.
    Percent(f64),
}

impl ChangeLimit {
    /// Whether a change from `mean_a` by `mean_diff` is larger.
    ///
    /// ```
    /// # use signal_batch::regression::ChangeLimit;
    /// assert!(ChangeLimit::Percent(2.0).is_exceeded(-0.5, 0.011));
    /// assert!(!ChangeLimit::Percent(2.0).is_exceeded(100.0, 2.0));
    /// ```
    #[must_use]
    pub fn is_exceeded(self, mean_a: f64, mean_diff: f64) -> bool {
        match self {
            Self::Absolute(most) => mean_diff.abs() > most,
            Self::Percent(most) => mean_diff.abs() > most / 100.0 * mean_a.abs(),
        }
    }
}

impl FromStr for ChangeLimit {
    type Err = BatchError;

    fn from_str(text: &str) -> BatchResult<Self> {
        let trimmed = text.trim();
        let (number, make): (&str, fn(f64) -> Self) = match trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), Self::Percent),
            None => (trimmed, Self::Absolute),
        };
        match number.parse::<f64>() {
            Ok(most) if most.is_finite() && most >= 0.0 => Ok(make(most)),
            _ => Err(BatchError::Setting {
                setting: "max_change".to_owned(),
                value: text.to_owned(),
                reason: "give 0 or more, as a number in the unit of the metric or with % behind it".to_owned(),
            }),
        }
    }
}

impl fmt::Display for ChangeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(most) => write!(f, "{most}"),
            Self::Percent(most) => write!(f, "{most}%"),
        }
    }
}

/// A number, or a text such as `2%`.
impl<'de> Deserialize<'de> for ChangeLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, or a text such as \"2%\"")]
        enum Written {
            Number(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ChangeLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absolute(most) => serializer.serialize_f64(*most),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

/// Which direction of a change is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// A larger mean, as of a distortion.
    Higher,
    /// A smaller mean, as of a signal to noise ratio.
    Lower,
    /// Any change.
    #[default]
    Either,
}

/// What is borne of one metric.
///
/// ```
/// # use signal_batch::regression::{ChangeLimit, MetricLimit, Worse};
/// let limit = MetricLimit { max_change: Some(ChangeLimit::Percent(2.0)), worse: Worse::Lower };
/// assert!(MetricLimit::default().max_change.is_none() && limit.worse != Worse::Either);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricLimit {
    /// The largest change that is borne; without it every significant change counts.
    pub max_change: Option<ChangeLimit>,
    /// Which direction counts.
    pub worse: Worse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_toml_as_numbers_or_percentages() {
        let read = |text: &str| toml::from_str::<MetricLimit>(text);
        assert_eq!(read("max_change = 0.5").unwrap().max_change, Some(ChangeLimit::Absolute(0.5)));
        assert_eq!(read("max_change = 1").unwrap().max_change, Some(ChangeLimit::Absolute(1.0)));
        let both = MetricLimit { max_change: Some(ChangeLimit::Percent(2.0)), worse: Worse::Lower };
        assert_eq!(read("max_change = \"2 %\"\nworse = \"lower\"").unwrap(), both);
        assert!(read("max_change = nan").is_err() && read("worse = \"up\"").is_err());
    }

    #[test]
    fn a_change_as_large_as_its_limit_is_borne_and_any_change_of_zero_is_larger_than_a_share_of_it() {
        assert!(!ChangeLimit::Absolute(0.5).is_exceeded(9.0, -0.5));
        assert!(ChangeLimit::Absolute(0.5).is_exceeded(9.0, -0.500_001));
        assert!(ChangeLimit::Percent(50.0).is_exceeded(0.0, 1e-300));
    }
}
