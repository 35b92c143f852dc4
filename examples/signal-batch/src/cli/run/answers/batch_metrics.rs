//! What a batch run cost: counts, times per file, throughput, errors; unrounded, and rounded as reports show it.

use jiff::Timestamp;
use serde_json::{Value, json};
use signal_batch::stats::{self, BatchMetrics, FileRecord, FileStatus};

use super::super::case::{Case, number};

/// `expect_raw` and `expect_rounded`.
///
/// # Errors
/// A message that names the field, or the record and its field.
pub(super) fn batch_metrics(case: &Case) -> Result<Value, String> {
    let wall_seconds = case.number("wall_seconds")?;
    if !(wall_seconds.is_finite() && wall_seconds >= 0.0) {
        return Err(format!("wall_seconds is {}; give a number of at least 0", number(wall_seconds)));
    }
    let records = case.list("records")?.iter().enumerate();
    let records: Vec<FileRecord> = records.map(|(idx, entry)| record(idx, entry)).collect::<Result<_, _>>()?;
    let metrics = stats::batch_metrics(&records, wall_seconds);
    let mut rounded = rounded(&metrics);
    if case.get("start_epoch").is_some() {
        let start = case.number("start_epoch")?;
        rounded["start_time"] = stamp(start)?.into();
        rounded["end_time"] = stamp(start + wall_seconds)?.into();
    }
    Ok(json!({ "expect_raw": raw(&metrics), "expect_rounded": rounded }))
}

/// A number for each file: seconds, files, samples and measurements per second, and the share of errors.
fn raw(metrics: &BatchMetrics) -> Value {
    json!({
        "average": number(metrics.average),
    })
}
