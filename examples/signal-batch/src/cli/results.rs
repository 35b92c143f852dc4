//! The table of measurements, as `measure` writes it: a row for each capture, whether it could be measured or not.

use std::path::{Path, PathBuf};

use consumer_support::RunFolder;
use signal_batch::{BatchResult, Metric, NumberColumn, Table, TextColumn};

use super::Refusal;
use super::measure::{CaptureItem, Measured};

/// The columns that say what a capture is, and are no measurements.
pub(super) const INFORMATION: [&str; 8] =
    ["file", "batch", "captured_at", "n_samples", "rate_hz", "unit", "error", "version"];

/// The name of the table in a folder of results.
pub(super) const RESULTS: &str = "results.csv";

/// The table that a path leads to: results.csv where it is a folder.
pub(super) fn table_at(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(RESULTS) } else { path.to_owned() }
}

/// Refuses a folder for results that holds a run of `measure`, whose page would be written over.
///
/// # Errors
/// A message with the way out.
pub(super) fn require_no_run(out: &Path) -> Result<(), Refusal> {
    if RunFolder::in_results(out).has_journal() {
        return Err(format!("{} holds a run of measure; choose another folder for --out", out.display()));
    }
    Ok(())
}

/// The table of these captures, in their order.
///
/// Its columns are file, batch, captured_at, n_samples, rate_hz, all metrics, unit, error, version. What was not measured, and all of a capture
/// that failed, is NaN.
///
/// # Errors
/// [`BatchError::Table`](signal_batch::BatchError::Table), which two columns of one name would make.
pub(super) fn results_table(items: &[CaptureItem], results: &[Result<Measured, String>]) -> BatchResult<Table> {
    let text = |name: &str, value: &dyn Fn(&CaptureItem, &Result<Measured, String>) -> String| TextColumn {
        name: name.to_owned(),
        values: items.iter().zip(results).map(|(item, result)| value(item, result)).collect(),
    };
    let measured = |result: &Result<Measured, String>, value: fn(&Measured) -> &str| {
        result.as_ref().map(|measured| value(measured).to_owned()).unwrap_or_default()
    };
    let texts = vec![
        text("file", &|item, _| item.name.clone()),
        text("batch", &|item, _| item.batch.clone()),
        text("captured_at", &|_, result| measured(result, |measured| &measured.captured_at)),
        text("unit", &|_, result| measured(result, |measured| &measured.unit)),
        text("error", &|_, result| result.as_ref().err().cloned().unwrap_or_default()),
        text("version", &|_, _| env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let number = |name: &str, value: &dyn Fn(&Measured) -> f64| NumberColumn {
        name: name.to_owned(),
        values: results.iter().map(|result| result.as_ref().map_or(f64::NAN, value)).collect(),
    };
    let mut numbers = vec![
        number("n_samples", &|measured| measured.n_samples as f64),
        number("rate_hz", &|measured| measured.rate_hz),
    ];
    numbers.extend(Metric::ALL.map(|metric| number(metric.name(), &|measured| measured.values[metric])));
    let order: Vec<&str> = ["file", "batch", "captured_at", "n_samples", "rate_hz"]
        .into_iter()
        .chain(Metric::ALL.map(Metric::name))
        .chain(["unit", "error", "version"])
        .collect();
    Table::new(texts, numbers)?.in_order(&order)
}
