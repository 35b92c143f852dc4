//! The test, the correction for many tests, the level, and the limits.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::ChangeLimit;
use crate::stats::{self, Comparison};
use crate::{BatchError, BatchResult};

/// The test that gives the p value of a metric.
///
/// ```
/// # use signal_batch::regression::Test;
/// assert_eq!("mann-whitney".parse(), Ok(Test::MannWhitney));
/// assert!("t".parse::<Test>().unwrap_err().to_string().contains("welch"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Welch's t test of the means.
    #[default]
    Welch,
    /// The Mann-Whitney U test of the ranks, by its normal approximation.
    MannWhitney,
    /// The Kolmogorov-Smirnov test of the distributions, by its limiting law.
    Ks,
}

/// How p values of many tests are corrected.
///
/// ```
/// # use signal_batch::regression::Correction;
/// assert_eq!(Correction::Holm.adjusted(&[0.01, 0.04]), [0.02, 0.04]);
/// assert_eq!("none".parse::<Correction>().unwrap().adjusted(&[0.01, 0.04]), [0.01, 0.04]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// Holm's: the chance of any false alarm is at most the level.
    #[default]
    Holm,
    /// Benjamini and Hochberg's: the expected share of false ones among the alarms is at most the level.
    Bh,
    /// None: each test has the chance of a false alarm of the level.
    None,
}

/// How two batches are compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegressionSettings {
    /// The test.
    pub test: Test,
    /// The correction for many tests.
    pub correction: Correction,
    /// A change is significant when its adjusted p value is below this level, between 0 and 1.
    pub alpha: f64,
    /// The metrics to compare; none means all columns of numbers but `n_samples` and `rate_hz`.
    pub metrics: Option<Vec<String>>,
    /// What is borne of a metric, by its name.
    pub limits: BTreeMap<String, ChangeLimit>,
}

/// Welch, Holm, a level of 0.01, all metrics, no limits.
///
/// ```
/// # use signal_batch::regression::{RegressionSettings, Test};
/// assert_eq!(RegressionSettings::default().test, Test::Welch);
/// ```
impl Default for RegressionSettings {
    fn default() -> Self {
        let (test, correction) = (Test::default(), Correction::default());
        Self { test, correction, alpha: 0.01, metrics: None, limits: BTreeMap::new() }
    }
}

impl RegressionSettings {
    /// Refuses a level that is none.
    pub(super) fn require_level(&self) -> BatchResult<()> {
        if self.alpha > 0.0 && self.alpha < 1.0 {
            return Ok(());
        }
        let reason = "give a number between 0 and 1, such as 0.01".to_owned();
        Err(BatchError::Setting { setting: "alpha".to_owned(), value: self.alpha.to_string(), reason })
    }
}

impl Test {
    /// The p value of this test, where it is defined.
    pub(super) fn p(self, comparison: &Comparison) -> Option<f64> {
        match self {
            Self::Welch => comparison.welch.as_ref().map(|welch| welch.p),
            Self::MannWhitney => comparison.mann_whitney.as_ref().map(|ranks| ranks.p),
            Self::Ks => comparison.ks.as_ref().map(|ks| ks.p_limit),
        }
    }

    /// The smallest p value that any two samples of these sizes can have; 0 where there is no such bound, or it is far below any level.
    pub(super) fn least_p(self, n_a: usize, n_b: usize) -> f64 {
        const ENOUGH: usize = 40;
        if self == Self::Welch || n_a.min(n_b) > ENOUGH {
            return 0.0;
        }
        // Two samples that do not overlap; beyond the bound the smaller one decides.
        let (n_a, n_b) = (n_a.min(10 * ENOUGH), n_b.min(10 * ENOUGH));
        let values: Vec<f64> = (0..n_a + n_b).map(|idx| idx as f64).collect();
        self.p(&stats::compare(&values[..n_a], &values[n_a..])).unwrap_or(0.0)
    }
}

impl Correction {
    /// The adjusted p values, in the order of `p`.
    #[must_use]
    pub fn adjusted(self, p: &[f64]) -> Vec<f64> {
        match self {
            Self::Holm => stats::holm(p),
            Self::Bh => stats::benjamini_hochberg(p),
            Self::None => p.to_vec(),
        }
    }
}

const TESTS: [(&str, Test); 3] = [("welch", Test::Welch), ("mann-whitney", Test::MannWhitney), ("ks", Test::Ks)];
const CORRECTIONS: [(&str, Correction); 3] =
    [("holm", Correction::Holm), ("bh", Correction::Bh), ("none", Correction::None)];

impl FromStr for Test {
    type Err = BatchError;

    fn from_str(text: &str) -> BatchResult<Self> {
        of_name(&TESTS, "test", text)
    }
}

impl FromStr for Correction {
    type Err = BatchError;

    fn from_str(text: &str) -> BatchResult<Self> {
        of_name(&CORRECTIONS, "correction", text)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Welch => "Welch",
            Self::MannWhitney => "Mann-Whitney",
            Self::Ks => "Kolmogorov-Smirnov",
        })
    }
}

impl fmt::Display for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holm => "corrected after Holm",
            Self::Bh => "corrected after Benjamini and Hochberg",
            Self::None => "not corrected",
        })
    }
}

fn of_name<T: Copy>(all: &[(&str, T)], what: &str, text: &str) -> BatchResult<T> {
    let found = all.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    found.ok_or_else(|| BatchError::unknown(what, text, all.iter().map(|(name, _)| *name)))
}
