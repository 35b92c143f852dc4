//! Limits of metrics, read from a file in TOML: what a value may be, and how far a batch may move.
//!
//! Promises: a file that is read has at least one limit, each of its names and numbers makes sense, and what does not is refused with
//! its line. Leaves to others: judging units ([`judge`](Limits::judge), in `judge.rs`), and comparing batches, which reads `max_change`
//! and `worse`.

mod change;
mod judge;
mod reason;

use std::collections::BTreeMap;
use std::path::Path;

use consumer_support::input::{Budget, read_whole};
use serde::Deserialize;
use toml::Spanned;

use crate::{BatchError, BatchResult};

pub use change::{MaxChange, Worse};
pub use judge::{BatchYield, Judgement, MetricYield, Verdict};
pub use reason::Reason;

/// The limits of some metrics, in the order of their file.
///
/// ```
/// # use signal_batch::limits::Limits;
/// let limits = Limits::from_toml("[metrics.rms]\nmin = 0.2\nmax = 0.5\n")?;
/// assert_eq!((limits.metrics()[0].metric.as_str(), limits.metrics()[0].max), ("rms", Some(0.5)));
/// let refused = Limits::from_toml("[metrics.rms]\nmin = 2\nmax = 0.5\n").unwrap_err();
/// assert!(refused.to_string().contains("line 1: the limits of \"rms\": min = 2 is above max = 0.5"));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    metrics: Vec<MetricLimits>,
}

/// What one metric may be.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricLimits {
    /// The name of its column.
    pub metric: String,
    /// The line of the file where its limits begin.
    pub line: usize,
    /// The smallest value that passes.
    pub min: Option<f64>,
    /// The largest value that passes.
    pub max: Option<f64>,
    /// By how much its mean may move between two batches.
    pub max_change: Option<MaxChange>,
    /// Which direction is the worse one.
    pub worse: Worse,
}

/// The file, as TOML has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    metrics: BTreeMap<Spanned<String>, MetricEntry>,
}

/// One of its tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricEntry {
    min: Option<f64>,
    max: Option<f64>,
    max_change: Option<MaxChange>,
    worse: Option<Worse>,
}

impl Limits {
    /// Reads a file of limits.
    ///
    /// # Errors
    /// [`BatchError::File`] when it cannot be read or says what makes no sense, with the line.
    pub fn read(path: &Path) -> BatchResult<Self> {
        let refuse = |reason: String| BatchError::File { path: path.to_owned(), reason };
        let bytes = read_whole(path, Budget::STANDARD.description_bytes).map_err(|error| refuse(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| refuse(format!("{error}; save it as UTF-8")))?;
        parse(&text).map_err(refuse)
    }

    /// The limits that a text in TOML has.
    ///
    /// # Errors
    /// [`BatchError::Setting`] when it says what makes no sense, with the line.
    pub fn from_toml(text: &str) -> BatchResult<Self> {
        let refuse = |reason| BatchError::Setting { setting: "limits".to_owned(), value: "TOML".to_owned(), reason };
        parse(text).map_err(refuse)
    }

    /// The limits of each metric, in the order of the file.
    #[must_use]
    pub fn metrics(&self) -> &[MetricLimits] {
        &self.metrics
    }

    /// Refuses limits of what a table does not have.
    ///
    /// # Errors
    /// [`BatchError::Setting`] with the line and the nearest of the names that are known.
    pub fn require_known<'a>(&self, known: impl IntoIterator<Item = &'a str> + Clone) -> BatchResult<()> {
        let is_known = |limits: &&MetricLimits| known.clone().into_iter().any(|name| name == limits.metric);
        let Some(stray) = self.metrics.iter().find(|limits| !is_known(limits)) else { return Ok(()) };
        Err(BatchError::Setting {
            setting: "limits".to_owned(),
            value: format!("[metrics.{}]", stray.metric),
            reason: format!("line {}: {}", stray.line, BatchError::unknown("metric", &stray.metric, known)),
        })
    }
}

fn parse(text: &str) -> Result<Limits, String> {
    let file: LimitsFile =
        toml::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string().trim_end().to_owned())?;
    let mut entries: Vec<(Spanned<String>, MetricEntry)> = file.metrics.into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    if entries.is_empty() {
        return Err("it has no limits; add a table such as [metrics.rms] with min or max".to_owned());
    }
    let metrics =
        entries.into_iter().map(|(name, entry)| metric_limits(text, name, entry)).collect::<Result<_, _>>()?;
    Ok(Limits { metrics })
}

fn metric_limits(text: &str, name: Spanned<String>, entry: MetricEntry) -> Result<MetricLimits, String> {
    let line = text.get(..name.span().start).map_or(1, |before| before.matches('\n').count() + 1);
    let name = name.into_inner();
    let MetricEntry { min, max, max_change, worse } = entry;
    let refuse = |why: String| Err(format!("line {line}: the limits of {name:?}: {why}"));
    for (key, limit) in [("min", min), ("max", max)] {
        if let Some(limit) = limit.filter(|limit| !limit.is_finite()) {
            return refuse(format!("{key} = {limit} limits nothing; give a number, or leave it out"));
        }
    }
    match (min, max) {
        (None, None) if max_change.is_none() => refuse("there are none; give min, max or max_change".to_owned()),
        (Some(min), Some(max)) if min > max => refuse(format!("min = {min} is above max = {max}; swap them")),
        _ => Ok(MetricLimits { metric: name, line, min, max, max_change, worse: worse.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_in_the_order_of_the_file_with_their_lines() {
        let text = "# ours\n[metrics.snr_db]\nmin = 20\n\n[metrics.rms]\nmax_change = \"2%\"\nworse = \"higher\"\n";
        let limits = Limits::from_toml(text).unwrap();
        let found: Vec<(&str, usize)> = limits.metrics().iter().map(|one| (one.metric.as_str(), one.line)).collect();
        assert_eq!(found, [("snr_db", 2), ("rms", 5)]);
        assert_eq!(limits.metrics()[1].max_change, Some(MaxChange::Percent(2.0)));
        assert_eq!(limits.metrics()[1].worse, Worse::Higher);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        for (text, named) in [
            ("", "missing field `metrics`"),
            ("[metrics]\n", "it has no limits"),
            ("[metrics.rms]\n", "line 1: the limits of \"rms\": there are none"),
            ("\n[metrics.rms]\nmin = nan\n", "line 2: the limits of \"rms\": min = NaN limits nothing"),
            ("[metrics.rms]\nmin = 1\nmax = 0\n", "min = 1 is above max = 0"),
            ("[metrics.rms]\n\nmxa = 1\n", "line 3"),
            ("[metrics.rms]\n\nmxa = 1\n", "expected one of `min`, `max`"),
            ("[metrics.rms]\nmin = \"low\"\n", "line 2"),
            ("[limits.rms]\nmin = 1\n", "unknown field `limits`"),
            ("[metrics.rms]\nmin = 1\n[metrics.rms]\nmax = 2\n", "line 3"),
            ("[metrics.rms]\nmax_change = \"-2%\"\n", "-2%"),
            ("[metrics.rms]\nmax_change = 1\nworse = \"up\"\n", "higher"),
        ] {
            let refused = Limits::from_toml(text).unwrap_err().to_string();
            assert!(refused.contains(named), "{text:?}: {refused}");
        }
    }

    #[test]
    fn a_name_that_no_column_has_is_refused_with_its_line_and_the_nearest() {
        let limits = Limits::from_toml("[metrics.rms]\nmin = 0\n[metrics.snr]\nmin = 20\n").unwrap();
        let refused = limits.require_known(["rms", "snr_db"]).unwrap_err().to_string();
        assert!(refused.contains("line 3") && refused.contains("did you mean \"snr_db\"?"), "{refused}");
        assert_eq!(limits.require_known(["snr", "rms"]), Ok(()));
    }
}
