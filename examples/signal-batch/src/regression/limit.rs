//! What is borne of one metric: how far its mean may move, and in which direction.

use serde::Serialize;

use crate::limits::{Limits, MaxChange, Worse};

/// What is borne of one metric.
///
/// ```
/// # use signal_batch::limits::{MaxChange, Worse};
/// # use signal_batch::regression::ChangeLimit;
/// let limit = ChangeLimit { max_change: Some(MaxChange::Percent(2.0)), worse: Worse::Lower };
/// assert!(limit.is_within(50.0, -1.0) && !limit.is_within(50.0, -1.1));
/// assert!(limit.is_improvement(1.1) && !ChangeLimit::default().is_improvement(1.1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ChangeLimit {
    /// The largest change that is borne, itself included; without it every significant change counts.
    pub max_change: Option<MaxChange>,
    /// Which direction counts.
    pub worse: Worse,
}

impl ChangeLimit {
    /// Whether a limit is given, and a change from `mean_a` by `mean_diff` is not larger. A share of a mean of 0 bears no change.
    #[must_use]
    pub fn is_within(&self, mean_a: f64, mean_diff: f64) -> bool {
        self.max_change.is_some_and(|most| mean_diff.abs() <= most.from_mean(mean_a))
    }

    /// Whether a change is in the direction that is not worse.
    #[must_use]
    pub fn is_improvement(&self, mean_diff: f64) -> bool {
        match self.worse {
            Worse::Higher => mean_diff < 0.0,
            Worse::Lower => mean_diff > 0.0,
            Worse::Either => false,
        }
    }

    /// Those of a file, by the name of the metric; limits of values alone are none of a change.
    pub fn of_file(limits: &Limits) -> impl Iterator<Item = (String, Self)> {
        let of_change = limits.metrics().iter().filter(|one| one.max_change.is_some() || one.worse != Worse::Either);
        of_change.map(|one| (one.metric.clone(), Self { max_change: one.max_change, worse: one.worse }))
    }
}
