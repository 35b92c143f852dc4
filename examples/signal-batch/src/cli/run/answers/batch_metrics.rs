//! What a batch run cost: counts, times per file, throughput, errors; unrounded, and rounded as reports show it.

use jiff::Timestamp;
use serde_json::{Value, json};
use signal_batch::stats::{self, BatchMetrics, FileRecord, FileStatus};

use super::super::case::{Case, number};

/// `expect_raw` and `expect_rounded`. A case without `start_epoch` has no `start_time` and no `end_time`.
///
/// # Errors
/// A message that names the field, or the record and its field.
pub(super) fn batch_metrics(case: &Case) -> Result<Value, String> {
    let wall_seconds = seconds(case, "wall_seconds")?;
    let records = case.list("records")?.iter().enumerate();
    let records = records.map(|(idx, entry)| {
        let place = format!("records[{idx}]");
        Case::of(entry, &place).and_then(|entry| record(&entry).map_err(|why| format!("{place}: {why}")))
    });
    let metrics = stats::batch_metrics(&records.collect::<Result<Vec<FileRecord>, String>>()?, wall_seconds);
    let start = if case.optional("start_epoch").is_some() { Some(start(case.number("start_epoch")?)?) } else { None };
    Ok(json!({ "expect_raw": raw(&metrics), "expect_rounded": rounded(&metrics, start)? }))
}

/// A number of seconds of at least 0.
fn seconds(case: &Case, name: &str) -> Result<f64, String> {
    let value = case.number(name)?;
    let is_time = value.is_finite() && value >= 0.0;
    if is_time { Ok(value) } else { Err(format!("{name} is {}; give seconds of at least 0", number(value))) }
}

fn record(entry: &Case) -> Result<FileRecord, String> {
    let status = match entry.text("status")? {
        "success" => FileStatus::Success,
        "error" => FileStatus::Error,
        "skipped" => FileStatus::Skipped,
        other => return Err(format!("status is {other:?}; give success, error or skipped")),
    };
    let error_type = match entry.optional("error_type") {
        None => None,
        Some(_) => Some(entry.text("error_type")?.to_owned()),
    };
    // One that is null is not known, as of a file that was skipped, and counts in no time per file.
    let duration = if entry.field("duration")?.is_null() { f64::NAN } else { seconds(entry, "duration")? };
    Ok(FileRecord {
        file: entry.text("file")?.to_owned(),
        status,
        duration,
        samples: entry.whole("samples")?,
        measurements: entry.whole("measurements")?,
        error_type,
    })
}

/// Seconds since 1970 as a time, to the microsecond.
fn start(seconds: f64) -> Result<Timestamp, String> {
    let microseconds = (seconds * 1e6).round_ties_even();
    let time = (microseconds.abs() < 9e18).then(|| Timestamp::from_microsecond(microseconds as i64).ok()).flatten();
    time.ok_or_else(|| format!("start_epoch is {}; give seconds since 1970", number(seconds)))
}

fn raw(metrics: &BatchMetrics) -> Value {
    let BatchMetrics { average, min, max, median, stddev, error_rate, .. } = *metrics;
    json!({
        "average": number(average), "min": number(min), "max": number(max), "median": number(median),
        "stddev": number(stddev), "error_rate": number(error_rate),
        "files_per_second": number(metrics.files_per_second),
        "samples_per_second": number(metrics.samples_per_second),
        "measurements_per_second": number(metrics.measurements_per_second),
    })
}

/// As reports show it.
fn rounded(metrics: &BatchMetrics, start: Option<Timestamp>) -> Result<Value, String> {
    let rounded = metrics.rounded(start.unwrap_or(Timestamp::UNIX_EPOCH)).map_err(|why| why.to_string())?;
    let mut object = serde_json::to_value(&rounded).map_err(|why| why.to_string())?;
    if let (None, Some(fields)) = (start, object.as_object_mut()) {
        fields.remove("start_time");
        fields.remove("end_time");
    }
    Ok(object)
}
