//! What a run over many files achieved: counts, times, throughput, errors; unrounded, and rounded for reading.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::describe::describe;
use crate::{BatchError, BatchResult};

/// How a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// It was measured.
    Success,
    /// It could not be measured.
    Error,
    /// It was left out.
    Skipped,
}

/// What one file took and gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its name.
    pub file: String,
    /// How it ended.
    pub status: FileStatus,
    /// Seconds that it took.
    pub duration: f64,
    /// Samples that it has.
    pub samples: u64,
    /// Measurements that were made of it.
    pub measurements: u64,
    /// The kind of its error, where it has one.
    #[serde(default)]
    pub error_type: Option<String>,
}

/// What a run achieved, unrounded. Times are seconds of successes that took more than none; all 0 when there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchMetrics {
    /// Files altogether.
    pub total_files: usize,
    /// Files that were measured.
    pub processed_count: usize,
    /// Files with errors.
    pub error_count: usize,
    /// Files left out.
    pub skip_count: usize,
    /// Seconds of the whole run.
    pub wall_seconds: f64,
    /// The mean time of a file.
    pub average: f64,
    /// The shortest time.
    pub min: f64,
    /// The longest time.
    pub max: f64,
    /// The median time.
    pub median: f64,
    /// The deviation of the sample of times; 0 of one.
    pub stddev: f64,
    /// Successes per second of the run; 0 when it took none.
    pub files_per_second: f64,
    /// Their samples per second.
    pub samples_per_second: f64,
    /// Their measurements per second.
    pub measurements_per_second: f64,
    /// Files with errors over all files; 0 of none.
    pub error_rate: f64,
    /// How many errors have which kind; those without a kind are not here.
    pub errors_by_type: BTreeMap<String, usize>,
}

/// Sums up the records of a run that took this many seconds.
///
/// ```
/// # use signal_batch::stats::{FileRecord, FileStatus, batch_metrics};
/// let record = |duration, status| FileRecord { file: "a".into(), status, duration, samples: 10, measurements: 2, error_type: None };
/// let metrics = batch_metrics(&[record(0.5, FileStatus::Success), record(0.1, FileStatus::Error)], 2.0);
/// assert_eq!((metrics.average, metrics.samples_per_second, metrics.error_rate), (0.5, 5.0, 0.5));
/// ```
#[must_use]
pub fn batch_metrics(records: &[FileRecord], wall_seconds: f64) -> BatchMetrics {
    let count = |status| records.iter().filter(|record| record.status == status).count();
    let successes: Vec<&FileRecord> = records.iter().filter(|record| record.status == FileStatus::Success).collect();
    let durations: Vec<f64> =
        successes.iter().map(|record| record.duration).filter(|&duration| duration > 0.0).collect();
    let times = describe(&durations);
    let or_zero = |value: f64| if value.is_nan() { 0.0 } else { value };
    let per_second = |total: u64| if wall_seconds > 0.0 { total as f64 / wall_seconds } else { 0.0 };
    BatchMetrics {
        total_files: records.len(),
        processed_count: successes.len(),
        error_count: count(FileStatus::Error),
        skip_count: count(FileStatus::Skipped),
        wall_seconds,
        average: or_zero(times.mean),
        min: or_zero(times.min),
        max: or_zero(times.max),
        median: or_zero(times.median),
        stddev: or_zero(times.std),
        files_per_second: per_second(successes.len() as u64),
        samples_per_second: per_second(sum(&successes, |record| record.samples)),
        measurements_per_second: per_second(sum(&successes, |record| record.measurements)),
        error_rate: share(count(FileStatus::Error), records.len()),
        errors_by_type: errors_by_type(records),
    }
}

fn sum(records: &[&FileRecord], count: impl Fn(&FileRecord) -> u64) -> u64 {
    records.iter().fold(0, |sum, record| sum.saturating_add(count(record)))
}

fn share(part: usize, total: usize) -> f64 {
    if total == 0 { 0.0 } else { part as f64 / total as f64 }
}

fn errors_by_type(records: &[FileRecord]) -> BTreeMap<String, usize> {
    let mut by_type = BTreeMap::new();
    let errors = records.iter().filter(|record| record.status == FileStatus::Error);
    for kind in errors.filter_map(|record| record.error_type.as_ref()) {
        *by_type.entry(kind.clone()).or_insert(0) += 1;
    }
    by_type
}

/// The summary for reading: seconds and files per second to three digits, samples and measurements per second to none, percentages to two.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundedMetrics {
    /// Files altogether.
    pub total_files: usize,
    /// Files that were measured.
    pub processed_count: usize,
    /// Files with errors.
    pub error_count: usize,
    /// Files left out.
    pub skip_count: usize,
    /// Files that were measured, in percent of all; 0 of none.
    pub success_rate_percent: f64,
    /// Seconds.
    pub timing: RoundedTiming,
    /// Per second.
    pub throughput: RoundedThroughput,
    /// Errors.
    pub errors: RoundedErrors,
    /// When the run began: UTC with microseconds.
    pub start_time: String,
    /// When it ended.
    pub end_time: String,
}

/// Seconds, to three digits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundedTiming {
    /// Of the whole run.
    pub total_duration_seconds: f64,
    /// The mean of a file.
    pub average_per_file_seconds: f64,
    /// The shortest.
    pub min_per_file_seconds: f64,
    /// The longest.
    pub max_per_file_seconds: f64,
    /// The median.
    pub median_per_file_seconds: f64,
    /// The deviation of the sample.
    pub stddev_per_file_seconds: f64,
}

/// What was done per second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundedThroughput {
    /// Files, to three digits.
    pub files_per_second: f64,
    /// Samples, whole.
    pub samples_per_second: f64,
    /// Measurements, whole.
    pub measurements_per_second: f64,
    /// Always 0: records do not tell the sizes of files.
    pub bytes_per_second: f64,
}

/// The errors of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundedErrors {
    /// How many have which kind.
    pub by_type: BTreeMap<String, usize>,
    /// All, those without a kind included.
    pub total: usize,
    /// In percent of all files, to two digits.
    pub rate_percent: f64,
}

impl BatchMetrics {
    /// The summary for reading, of a run that began at this time.
    ///
    /// # Errors
    /// [`BatchError::Setting`] when the end lies beyond the times that can be written.
    ///
    /// ```
    /// # use signal_batch::stats::batch_metrics;
    /// let rounded = batch_metrics(&[], 33.87400007).rounded("2026-01-01T00:00:00Z".parse().unwrap())?;
    /// assert_eq!((rounded.timing.total_duration_seconds, rounded.end_time.as_str()), (33.874, "2026-01-01T00:00:33.874000Z"));
    /// # Ok::<(), signal_batch::BatchError>(())
    /// ```
    pub fn rounded(&self, start: Timestamp) -> BatchResult<RoundedMetrics> {
        Ok(RoundedMetrics {
            total_files: self.total_files,
            processed_count: self.processed_count,
            error_count: self.error_count,
            skip_count: self.skip_count,
            success_rate_percent: rounded(100.0 * share(self.processed_count, self.total_files), 2),
            timing: self.timing(),
            throughput: RoundedThroughput {
                files_per_second: rounded(self.files_per_second, 3),
                samples_per_second: rounded(self.samples_per_second, 0),
                measurements_per_second: rounded(self.measurements_per_second, 0),
                bytes_per_second: 0.0,
            },
            errors: RoundedErrors {
                by_type: self.errors_by_type.clone(),
                total: self.error_count,
                rate_percent: rounded(100.0 * self.error_rate, 2),
            },
            start_time: time_text(start),
            end_time: time_text(end(start, self.wall_seconds)?),
        })
    }

    fn timing(&self) -> RoundedTiming {
        RoundedTiming {
            total_duration_seconds: rounded(self.wall_seconds, 3),
            average_per_file_seconds: rounded(self.average, 3),
            min_per_file_seconds: rounded(self.min, 3),
            max_per_file_seconds: rounded(self.max, 3),
            median_per_file_seconds: rounded(self.median, 3),
            stddev_per_file_seconds: rounded(self.stddev, 3),
        }
    }
}

/// The decimal number of so many digits after the point that is nearest to the exact value, and the even one when two are.
///
/// ```
/// # use signal_batch::stats::rounded;
/// assert_eq!((rounded(2.5, 0), rounded(0.125, 2), rounded(59.6, 0)), (2.0, 0.12, 60.0));
/// ```
#[must_use]
pub fn rounded(value: f64, digits: usize) -> f64 {
    // Formatting works on the exact value of the number, and what it writes can always be read.
    format!("{value:.digits$}").parse().unwrap_or(value)
}

fn end(start: Timestamp, wall_seconds: f64) -> BatchResult<Timestamp> {
    let microseconds = wall_seconds * 1e6;
    let is_time = microseconds.abs() < 9e18;
    let end = is_time.then(|| start.checked_add((microseconds.round_ties_even() as i64).microseconds()).ok()).flatten();
    end.ok_or_else(|| BatchError::Setting {
        setting: "wall_seconds".to_owned(),
        value: wall_seconds.to_string(),
        reason: "the run would end at no time that can be written; give seconds".to_owned(),
    })
}

fn time_text(time: Timestamp) -> String {
    format!("{time:.6}")
}
