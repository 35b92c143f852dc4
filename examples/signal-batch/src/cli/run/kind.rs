//! The kinds of cases: their short names, and what files of cases call them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is asked of each case of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    DescribeOutliers,
    AggregateTables,
    CompareBatches,
    MultipleTests,
    Quality,
    BatchMetrics,
    Workload,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::DescribeOutliers,
        Self::AggregateTables,
        Self::CompareBatches,
        Self::MultipleTests,
        Self::Quality,
        Self::BatchMetrics,
        Self::Workload,
    ];

    /// Its short name.
    pub(super) fn stem(self) -> &'static str {
        match self {
            Self::DescribeOutliers => "describe_outliers",
            Self::AggregateTables => "aggregate_tables",
            Self::CompareBatches => "compare_batches",
            Self::MultipleTests => "multiple_tests",
            Self::Quality => "quality",
            Self::BatchMetrics => "batch_metrics",
            Self::Workload => "workload",
        }
    }

    /// Its name in words.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::DescribeOutliers => "descriptive statistics and outlier rules",
            Self::AggregateTables => "per-metric aggregation of a table, pooled and by group",
            Self::CompareBatches => "comparison of two samples of one metric",
            Self::MultipleTests => "Holm and Benjamini-Hochberg adjusted p values",
            Self::Quality => "quality metrics",
            Self::BatchMetrics => "batch metrics summary",
            Self::Workload => "the two demo workloads, measured",
        }
    }
}

/// No kind has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownKind(String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let known = Self::ALL.into_iter().find(|kind| name == kind.stem() || name == kind.text());
        known.ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = Kind::ALL.iter().map(|kind| kind.stem()).collect();
        write!(f, "there is no kind {:?}; use one of {}", self.0, all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_both_of_its_names_and_another_word_gets_the_list() {
        for kind in Kind::ALL {
            assert_eq!((kind.stem().parse(), kind.text().parse()), (Ok(kind), Ok(kind)));
        }
        let message = "describe".parse::<Kind>().unwrap_err().to_string();
        assert!(Kind::ALL.iter().all(|kind| message.contains(kind.stem())), "{message}");
    }
}
