//! Which metrics are wanted: a small set that can be copied, named on a command line, and kept in a journal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Metric;
use crate::{BatchError, BatchResult};

/// A set of metrics. As text it is `all`, `basic`, or names with commas; [`FromStr`] reads what [`fmt::Display`] writes.
///
/// ```
/// # use signal_batch::Metric;
/// # use signal_batch::measure::MetricSet;
/// let wanted: MetricSet = "rms, peak".parse()?;
/// assert!(wanted.contains(Metric::Peak) && !wanted.contains(Metric::Mean));
/// let refused = "rsm".parse::<MetricSet>().unwrap_err();
/// assert_eq!(refused.to_string(), "there is no metric \"rsm\"; did you mean \"rms\"?");
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MetricSet(u16);

/// What takes one transform and no search for edges.
const BASIC: [Metric; 7] = [
    Metric::Rms,
    Metric::Peak,
    Metric::Mean,
    Metric::Std,
    Metric::CrestFactor,
    Metric::DominantFrequency,
    Metric::TotalPower,
];

impl MetricSet {
    /// Every metric.
    #[must_use]
    pub const fn all() -> Self {
        Self((1 << Metric::ALL.len()) - 1)
    }

    /// Rms, peak, mean, deviation, crest factor, dominant frequency and total power.
    #[must_use]
    pub fn basic() -> Self {
        BASIC.into_iter().collect()
    }

    /// Whether the metric is in it.
    #[must_use]
    pub fn contains(self, metric: Metric) -> bool {
        self.0 & Self::bit(metric) != 0
    }

    /// Whether one of these metrics is in it.
    #[must_use]
    pub fn contains_any(self, metrics: &[Metric]) -> bool {
        metrics.iter().any(|&metric| self.contains(metric))
    }

    /// Its metrics, in the order of columns.
    pub fn iter(self) -> impl Iterator<Item = Metric> {
        Metric::ALL.into_iter().filter(move |&metric| self.contains(metric))
    }

    fn bit(metric: Metric) -> u16 {
        1 << metric as u16
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<I: IntoIterator<Item = Metric>>(metrics: I) -> Self {
        Self(metrics.into_iter().fold(0, |bits, metric| bits | Self::bit(metric)))
    }
}

impl fmt::Display for MetricSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            all if all == Self::all() => f.write_str("all"),
            basic if basic == Self::basic() => f.write_str("basic"),
            some => f.write_str(&some.iter().map(Metric::name).collect::<Vec<_>>().join(",")),
        }
    }
}

impl FromStr for MetricSet {
    type Err = BatchError;

    /// # Errors
    /// [`BatchError::Unknown`] for a name that no metric has, with the nearest one, and for no name at all.
    fn from_str(text: &str) -> BatchResult<Self> {
        match text.trim() {
            "all" => Ok(Self::all()),
            "basic" => Ok(Self::basic()),
            names => names.split(',').map(|name| named(name.trim())).collect(),
        }
    }
}

fn named(name: &str) -> BatchResult<Metric> {
    Metric::of_name(name).ok_or_else(|| BatchError::Unknown {
        what: "metric".to_owned(),
        name: name.to_owned(),
        way_out: nearest(name)
            .map_or_else(|| format!("there are {}", all_names()), |near| format!("did you mean {near:?}?")),
    })
}

/// The name that is most like it, where one is alike at all.
fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.5;
    let alike = |metric: Metric| (strsim::normalized_damerau_levenshtein(name, metric.name()), metric.name());
    let (likeness, near) = Metric::ALL.map(alike).into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > ALIKE).then_some(near)
}

fn all_names() -> String {
    Metric::ALL.map(Metric::name).join(", ")
}

impl From<MetricSet> for String {
    fn from(set: MetricSet) -> Self {
        set.to_string()
    }
}

impl TryFrom<String> for MetricSet {
    type Error = BatchError;

    fn try_from(text: String) -> BatchResult<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_text() {
        for text in ["all", "basic", "rms", "mean,snr_db,period_jitter"] {
            assert_eq!(text.parse::<MetricSet>().unwrap().to_string(), text);
        }
        assert_eq!(" basic ".parse::<MetricSet>().unwrap().iter().collect::<Vec<_>>(), BASIC);
        assert_eq!(MetricSet::all().iter().count(), Metric::ALL.len());
    }

    #[test]
    fn a_name_unlike_all_others_is_refused_with_a_list() {
        for text in ["", "rms,,peak", "colour"] {
            let refused = text.parse::<MetricSet>().unwrap_err().to_string();
            assert!(refused.contains("there are rms, peak"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_set_in_json_is_its_text() {
        let json = serde_json::to_string(&MetricSet::basic()).unwrap();
        assert_eq!(json, "\"basic\"");
        assert_eq!(serde_json::from_str::<MetricSet>(&json).unwrap(), MetricSet::basic());
        assert!(serde_json::from_str::<MetricSet>("\"rsm\"").is_err());
    }
}
