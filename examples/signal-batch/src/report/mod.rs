//! The report of a table of measurements: a page, a table for the terminal, and a summary with every number.
//!
//! [`Report::new`] computes all numbers once; [`Report::page`], [`Report::terminal`] and [`Report::summary`] only write them down. The
//! same data give the same bytes. Reading tables and writing files is left to the caller. [`ComparisonPage`] is the page of a
//! comparison of two batches.

mod comparison;
mod content;
mod control;
mod data;
mod html_table;
mod page;
mod terminal;
mod text_table;

use consumer_support::page::{Fact, Warning};

use crate::BatchResult;
use content::Content;

pub use comparison::{ComparisonPage, comparison_terminal};
pub use control::ControlChart;
pub use data::ReportData;

/// All numbers of a report.
///
/// ```
/// use signal_batch::report::{Report, ReportData};
/// use signal_batch::{NumberColumn, Table, TextColumn};
///
/// let file = TextColumn { name: "file".into(), values: (0..9).map(|idx| format!("unit_{idx}")).collect() };
/// let rms = NumberColumn { name: "rms".into(), values: vec![1.0, 1.1, 1.0, 0.9, 1.0, 9.0, 1.1, 0.9, f64::NAN] };
/// let report = Report::new(ReportData::new("Nine units", Table::new(vec![file], vec![rms])?))?;
/// assert!(report.terminal(80).contains("unit_5: rms"));
/// assert_eq!(report.summary()["metrics"][0]["outliers"][0]["name"], "unit_5");
/// assert!(report.page().contains("<h1>Nine units</h1>"));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Report {
    data: ReportData,
    content: Content,
}

impl Report {
    /// Computes all numbers of a report.
    ///
    /// # Errors
    /// [`BatchError::Unknown`](crate::BatchError::Unknown) when the table lacks a metric or the group column that the data name, and
    /// [`BatchError::Setting`](crate::BatchError::Setting) for a threshold that is none.
    pub fn new(data: ReportData) -> BatchResult<Self> {
        let content = Content::of(&data)?;
        Ok(Self { data, content })
    }

    /// `index.html`: one file that needs nothing else.
    #[must_use]
    pub fn page(&self) -> String {
        page::page(&self.data, &self.content)
    }

    /// The report for a terminal of so many columns; 80 is usual. What does not fit is shortened, never broken.
    #[must_use]
    pub fn terminal(&self, width: usize) -> String {
        terminal::report(&self.content, width)
    }

    /// `summary.json`: every number; NaN is null.
    ///
    /// # Panics
    /// Never: it is plain data.
    #[must_use]
    pub fn summary(&self) -> serde_json::Value {
        let mut summary = serde_json::to_value(&self.content).expect("plain data become JSON");
        let facts = self.data.facts.iter().map(|fact| (fact.name.clone(), fact.value.clone().into()));
        summary["facts"] = serde_json::Value::Object(facts.collect());
        summary
    }

    /// 100 times the share of captures that were measured and are an outlier in no metric; none without captures.
    #[must_use]
    pub fn quality_score(&self) -> Option<f64> {
        self.content.quality_score
    }
}

/// A fact of a page.
fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact { name: name.to_owned(), value: value.into() }
}

/// A remark of a page.
fn warning(subject: &str, reason: impl Into<String>) -> Warning {
    Warning { subject: subject.to_owned(), reason: reason.into() }
}
