//! Whether a batch has moved: each metric of two tables is compared, all p values are corrected together, and a change counts when it is
//! significant and larger than its limit.
//!
//! - [`compare_tables`]: a baseline and a new batch. [`compare_groups`]: the groups of one table.
//! - [`RegressionSettings`]: the test, the correction, the level, and the limits.
//! - [`Baseline`]: the raw values of a batch in a file, to compare later ones with.
//!
//! All directions are `b` relative to `a`. Which test is right: Welch compares means and needs no equal variances; Mann-Whitney
//! compares ranks and bears wild values; Kolmogorov-Smirnov also sees a change of the spread alone. Statistics come from
//! [`stats`](crate::stats).

mod baseline;
mod choice;
mod compare;
mod decision;
mod limit;
mod settings;

pub use baseline::Baseline;
pub use compare::{Comparisons, MOST_COMPARED_GROUPS, compare_groups, compare_tables};
pub use decision::{MetricComparison, Verdict};
pub use limit::ChangeLimit;
pub use settings::{Correction, RegressionSettings, Test};

pub(crate) use choice::{NOT_METRICS, chosen_metrics, require_known};
pub(crate) use compare::{depends_on_unit, distinct, group_labels, sample_unit, unit_of, units};
