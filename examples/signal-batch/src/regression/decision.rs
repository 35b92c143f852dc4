//! The verdict on one metric: from two samples, an adjusted p value and a limit. Pure.

use std::fmt;

use serde::Serialize;

use super::{ChangeLimit, Test};
use crate::stats::{self, Comparison};

/// A metric of two batches, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricComparison {
    /// The metric.
    pub metric: String,
    /// Its unit; empty for a ratio, or where it is not known.
    pub unit: String,
    /// What `a` is.
    pub a: String,
    /// What `b` is.
    pub b: String,
    /// All statistics of the two samples.
    pub comparison: Comparison,
    /// The change of the mean in percent of the magnitude of the mean of `a`; none where that is 0.
    pub change_percent: Option<f64>,
    /// The p value of the chosen test; none where it is not tested.
    pub p: Option<f64>,
    /// The same, corrected for all metrics that were tested.
    pub p_adjusted: Option<f64>,
    /// What is borne.
    pub limit: ChangeLimit,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why it was not tested; empty where it was.
    pub reason: String,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No significant change.
    Unchanged,
    /// A significant change that is not larger than the limit.
    WithinLimit,
    /// A significant change, larger than the limit, in the direction that is not worse.
    Improved,
    /// A significant change, larger than the limit: a regression.
    Moved,
    /// There are too few values, or none that can be compared.
    NotTested,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unchanged => "unchanged",
            Self::WithinLimit => "within limit",
            Self::Improved => "improved",
            Self::Moved => "moved",
            Self::NotTested => "not tested",
        })
    }
}

/// Two samples of one metric, and what they are called.
#[derive(Debug, Clone)]
pub(super) struct Pair<'a> {
    pub(super) metric: &'a str,
    pub(super) unit: String,
    pub(super) a: &'a str,
    pub(super) b: &'a str,
    pub(super) a_values: Vec<f64>,
    pub(super) b_values: Vec<f64>,
    pub(super) limit: ChangeLimit,
    /// Why the samples must not be compared, such as different units.
    pub(super) obstacle: Option<String>,
}

impl Pair<'_> {
    /// Statistics and the p value; the verdict is still to come.
    pub(super) fn compare(&self, test: Test, alpha: f64) -> MetricComparison {
        let comparison = stats::compare(&self.a_values, &self.b_values);
        let tested = self.p(&comparison, test, alpha);
        let mean_a = comparison.mean_a;
        let change_percent = (mean_a != 0.0).then(|| 100.0 * comparison.mean_diff / mean_a.abs());
        MetricComparison {
            metric: self.metric.to_owned(),
            unit: self.unit.clone(),
            a: self.a.to_owned(),
            b: self.b.to_owned(),
            change_percent: change_percent.filter(|change| change.is_finite()),
            comparison,
            p: tested.as_ref().ok().copied(),
            p_adjusted: None,
            limit: self.limit,
            verdict: Verdict::NotTested,
            reason: tested.err().unwrap_or_default(),
        }
    }

    /// The p value, or why there is none.
    fn p(&self, comparison: &Comparison, test: Test, alpha: f64) -> Result<f64, String> {
        let (n_a, n_b) = (comparison.n_a, comparison.n_b);
        if let Some(obstacle) = &self.obstacle {
            return Err(obstacle.clone());
        }
        if n_a < 2 || n_b < 2 {
            return Err(format!("{n_a} and {n_b} values; 2 and 2 are needed"));
        }
        if let (Some(a), Some(b)) = (constant(&self.a_values), constant(&self.b_values))
            && test == Test::Welch
        {
            return Ok(if a == b { 1.0 } else { 0.0 });
        }
        let p = test.p(comparison).filter(|p| p.is_finite());
        let p = p.ok_or_else(|| "the test is not defined for these values; infinite ones have no mean".to_owned())?;
        let least = test.least_p(n_a, n_b);
        if least >= alpha {
            return Err(format!(
                "{n_a} and {n_b} values cannot give a p below {least:.2} in this test; measure more, or use Welch"
            ));
        }
        Ok(p)
    }
}

impl MetricComparison {
    /// Sets the adjusted p value, and the verdict that follows.
    pub(super) fn decide(&mut self, p_adjusted: f64, alpha: f64) {
        self.p_adjusted = Some(p_adjusted);
        let (mean_a, change) = (self.comparison.mean_a, self.comparison.mean_diff);
        self.verdict = if p_adjusted >= alpha {
            Verdict::Unchanged
        } else if self.limit.is_within(mean_a, change) {
            Verdict::WithinLimit
        } else if self.limit.is_improvement(change) {
            Verdict::Improved
        } else {
            Verdict::Moved
        };
    }

    /// Whether its mean changed by more than a stated limit, and not in the better direction, although the test finds that it may be chance.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        let (mean_a, change) = (self.comparison.mean_a, self.comparison.mean_diff);
        let is_beyond = self.limit.max_change.is_some() && !self.limit.is_within(mean_a, change);
        self.verdict == Verdict::Unchanged && is_beyond && !self.limit.is_improvement(change)
    }

    /// Whether it is a regression: a significant change, larger than its limit, and not in the better direction.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        self.verdict == Verdict::Moved
    }
}

/// The value that all numbers have; none where they differ or there are none.
fn constant(values: &[f64]) -> Option<f64> {
    let mut numbers = values.iter().copied().filter(|value| !value.is_nan());
    let first = numbers.next()?;
    numbers.all(|value| value == first).then_some(first)
}
