//! Statistics of measurements: description, outliers, aggregation, quality, comparison of two batches, correction for many tests, and what a run
//! achieved.
//!
//! Promises: missing values (NaN) are left out and counted by no one; results are exact to about the last digit whatever the offset and the size
//! of the values; the order of the values does not matter beyond that; nothing here panics, whatever the numbers. Leaves to others: files,
//! tables and workers.
//!
//! Rules, formulas and their sources stand at each function.

mod aggregate;
mod batch_metrics;
mod big;
mod compare;
mod describe;
mod distributions;
mod exact_fence;
mod exact_sum;
mod moments;
mod multiple;
mod order;
mod outliers;
mod quality;
mod ranks;

pub use aggregate::{ColumnSummary, Outlier, aggregate, aggregate_by};
pub use batch_metrics::{
    BatchMetrics, FileRecord, FileStatus, RoundedErrors, RoundedMetrics, RoundedThroughput, RoundedTiming,
    batch_metrics, rounded,
};
pub use compare::{Comparison, KolmogorovSmirnov, MannWhitney, Welch, compare};
pub use describe::{Description, describe};
pub use multiple::{benjamini_hochberg, holm};
pub use outliers::{OutlierMethod, check_threshold, iqr_outliers, mad, modified_z_outliers, z_outliers};
pub use quality::{Quality, quality};
