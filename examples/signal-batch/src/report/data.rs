//! What a report is made of: a table of measurements, and how it is to be read.

use consumer_support::page::{Fact, Link, Warning};

use crate::Table;
use crate::stats::OutlierMethod;

/// A table and all that its report needs to know. Give it to [`Report::new`](super::Report::new).
///
/// ```
/// use signal_batch::report::ReportData;
/// use signal_batch::{NumberColumn, Table};
///
/// let rms = NumberColumn { name: "rms".into(), values: vec![0.5, 0.51] };
/// let data = ReportData { group: Some("batch".into()), ..ReportData::new("Night run", Table::new(vec![], vec![rms])?) };
/// assert_eq!(data.threshold, 3.0);
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReportData {
    /// Above everything.
    pub title: String,
    /// What was done, in one line; may be empty.
    pub subtitle: String,
    /// A row for each capture. The first column of texts names the rows. These columns of texts are understood where they exist:
    /// `captured_at` (a time stamp, which gives the order of control charts), `unit` (of the samples), `error` (why a capture failed;
    /// empty where it did not) and `version` (of the program that measured).
    pub table: Table,
    /// The columns of numbers that are reported; none means all of them but `n_samples` and `rate_hz`.
    pub metrics: Option<Vec<String>>,
    /// The column of texts by which outliers are judged and batches compared.
    pub group: Option<String>,
    /// The rule for outliers.
    pub method: OutlierMethod,
    /// Its threshold, such as 3 for the interquartile range rule.
    pub threshold: f64,
    /// Mode, workers, device, wall time and the like, shown as they are.
    pub facts: Vec<Fact>,
    /// What was left out, beside the captures whose row has an `error`.
    pub notes: Vec<Warning>,
    /// Files beside the page.
    pub files: Vec<Link>,
}

impl ReportData {
    /// A report of all metrics, without groups, with outliers by the interquartile range at threshold 3.
    #[must_use]
    pub fn new(title: impl Into<String>, table: Table) -> Self {
        Self {
            title: title.into(),
            subtitle: String::new(),
            table,
            metrics: None,
            group: None,
            method: OutlierMethod::Iqr,
            threshold: 3.0,
            facts: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
        }
    }
}
