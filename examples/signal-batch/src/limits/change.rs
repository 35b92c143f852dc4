//! By how much a metric may move from one batch to another, and which direction is the worse one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// By how much a mean may move: in the unit of the metric, or in percent of the earlier mean.
///
/// ```
/// # use signal_batch::limits::MaxChange;
/// assert_eq!("2%".parse(), Ok(MaxChange::Percent(2.0)));
/// assert_eq!("0.5".parse(), Ok(MaxChange::Absolute(0.5)));
/// assert!("-1".parse::<MaxChange>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxChange {
    /// In the unit of the metric; 0 or more.
    Absolute(f64),
    /// In percent of the mean before, without its sign; 0 or more.
    Percent(f64),
}

/// Which direction of a change is a regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// A higher mean.
    Higher,
    /// A lower mean.
    Lower,
    /// Both.
    #[default]
    Either,
}

impl MaxChange {
    /// The largest change that is allowed from a mean, in the unit of the metric.
    ///
    /// ```
    /// # use signal_batch::limits::MaxChange;
    /// assert_eq!(MaxChange::Percent(2.0).from_mean(-50.0), 1.0);
    /// ```
    #[must_use]
    pub fn from_mean(self, mean: f64) -> f64 {
        match self {
            Self::Absolute(change) => change,
            Self::Percent(percent) => mean.abs() * percent / 100.0,
        }
    }
}

impl FromStr for MaxChange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("{text:?} is no largest change; give a number such as 0.5, or a share such as 2%");
        let (number, make): (&str, fn(f64) -> Self) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent, Self::Percent),
            None => (text, Self::Absolute),
        };
        let number: f64 = number.trim().parse().map_err(|_| refuse())?;
        if number.is_finite() && number >= 0.0 { Ok(make(number)) } else { Err(refuse()) }
    }
}

impl fmt::Display for MaxChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(change) => write!(f, "{change}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// As it is read: a number, or a text such as `2%`.
impl Serialize for MaxChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absolute(change) => serializer.serialize_f64(*change),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

/// A number, or a text as for [`FromStr`].
impl<'de> Deserialize<'de> for MaxChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number such as 0.5, or a share such as \"2%\"")]
        enum Entry {
            Number(f64),
            Text(String),
        }
        let text = match Entry::deserialize(deserializer)? {
            Entry::Number(number) => number.to_string(),
            Entry::Text(text) => text,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}
