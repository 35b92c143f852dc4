//! Job descriptions: which operation, on which inputs, with which parameters.
//!
//! Promises: only inputs are read. The results that such a file may also hold (counts, grids, rates, errors, rows) are
//! ignored, except for the names of the files that the tables go to. A mistake is reported with file, line and column.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, InputError, read_whole};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sleep_analysis::{SleepError, SleepResult, parse_duration_ns, parse_time_ns};

use crate::cli::feature_choice::{FeatureKind, Parameters};
use crate::cli::signal_files::SignalFile;

/// The length in nanoseconds where none is given.
const NOT_GIVEN: i64 = i64::MIN;

/// A job description as a file.
#[derive(Debug)]
pub(crate) struct JobFile {
    path: PathBuf,
    text: String,
}

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobKind {
    EpochGrids,
    AlignmentGrids,
    Features(FeatureKind),
    /// Each run brings the signals to the grid by its own method.
    Alignment,
    /// Every grid point takes its nearest sample.
    AsOf,
    Eeg,
}

const KINDS: [(&str, JobKind); 9] = [
    ("generate_epoch_grid", JobKind::EpochGrids),
    ("generate_alignment_grid", JobKind::AlignmentGrids),
    ("feature_statistics", JobKind::Features(FeatureKind::Statistics)),
    ("compute_hrv_features", JobKind::Features(FeatureKind::Hrv)),
    ("compute_movement_features", JobKind::Features(FeatureKind::Movement)),
    ("compute_correlation_features", JobKind::Features(FeatureKind::Correlation)),
    ("apply_grid_alignment", JobKind::Alignment),
    ("align_and_combine", JobKind::AsOf),
    ("eeg_epoch_features", JobKind::Eeg),
];

impl JobFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`SleepError::File`] when there is none, or it is no text; [`SleepError::FileOverBudget`] when it is longer than 64 MiB.
    pub(crate) fn read(path: &Path) -> SleepResult<Self> {
        let refuse = |reason| SleepError::File { path: path.to_owned(), reason };
        let bytes = read_whole(path, Budget::STANDARD.description_bytes).map_err(|error| match error {
            InputError::OverBudget(over) => SleepError::FileOverBudget { path: path.to_owned(), over },
            error => refuse(format!("{error}; give a job description such as case.json")),
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|error| refuse(format!("cannot be read: {error}; give a job description in JSON")))?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The operation's name, without the remark in brackets that may follow it, and what it means.
    ///
    /// # Errors
    /// [`SleepError::File`] when it is missing or unknown, or the file is no JSON.
    pub(crate) fn operation(&self) -> SleepResult<(&'static str, JobKind)> {
        #[derive(Deserialize)]
        struct Header {
            operation: String,
        }
        let Header { operation } = self.parse()?;
        let name = operation.split('(').next().unwrap_or_default().trim();
        KINDS.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            self.error(format!("unknown operation {operation:?}; use one of {}", known.join(", ")))
        })
    }

    /// The description as a job of its kind.
    ///
    /// # Errors
    /// [`SleepError::File`] with line and column when a part is missing or of another kind than it should be.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> SleepResult<T> {
        serde_json::from_str(&self.text).map_err(|error| {
            // The message ends with line and column; they come first here, as for tables.
            let message = error.to_string();
            let reason = message.split(" at line ").next().unwrap_or_default();
            self.error(format!(
                "line {}, column {}: {reason}; it must be a job description in JSON",
                error.line(),
                error.column()
            ))
        })
    }

    /// A file that the job names, in the job's folder unless its path says otherwise.
    pub(crate) fn beside(&self, file: &str) -> PathBuf {
        self.path.with_file_name(file)
    }

    /// The files of the job's signals.
    pub(crate) fn signal_files(&self, signals: &[SignalEntry]) -> Vec<SignalFile> {
        let file = |signal: &SignalEntry| SignalFile { name: signal.name.clone(), path: self.beside(&signal.file) };
        signals.iter().map(file).collect()
    }

    fn error(&self, reason: String) -> SleepError {
        SleepError::File { path: self.path.clone(), reason }
    }
}

/// A signal of a job, and the file that holds it.
#[derive(Debug, Deserialize)]
pub(crate) struct SignalEntry {
    pub(crate) name: String,
    pub(crate) file: String,
}

/// Features of signals, in one or more runs.
#[derive(Debug, Deserialize)]
pub(crate) struct FeatureJob {
    pub(crate) signals: Vec<SignalEntry>,
    window_length: Option<String>,
    window_ns: Option<i64>,
    step_size: Option<String>,
    step_ns: Option<i64>,
    grid_start_override: Option<String>,
    grid_end_override: Option<String>,
    pub(crate) runs: Option<Vec<FeatureRunEntry>>,
}

impl FeatureJob {
    pub(crate) fn epochs(&self) -> SleepResult<sleep_analysis::EpochGridSettings> {
        Ok(sleep_analysis::EpochGridSettings {
            window_ns: length_ns("window", self.window_ns, self.window_length.as_deref())?,
            step_ns: length_ns("step", self.step_ns, self.step_size.as_deref())?,
            start_ns: self.grid_start_override.as_deref().map(parse_time_ns).transpose()?,
            end_ns: self.grid_end_override.as_deref().map(parse_time_ns).transpose()?,
        })
    }
}

/// One run of a feature job.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FeatureRunEntry {
    pub(crate) name: Option<String>,
    pub(crate) parameters: Option<Parameters>,
    pub(crate) expected: Option<String>,
}

/// Signals brought to a common grid, in one or more runs.
#[derive(Debug, Deserialize)]
pub(crate) struct AlignmentJob {
    pub(crate) signals: Vec<SignalEntry>,
    pub(crate) user_rate_hz: Option<f64>,
    pub(crate) runs: Option<Vec<AlignmentRunEntry>>,
    /// For a job that is a single run of its own.
    pub(crate) expected: Option<BTreeMap<String, String>>,
}

/// One run of an alignment job.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AlignmentRunEntry {
    pub(crate) method: Option<String>,
    pub(crate) signals_to_align: Option<Vec<String>>,
    pub(crate) expected: Option<BTreeMap<String, String>>,
}

/// EEG that is already cut into epochs.
#[derive(Debug, Deserialize)]
pub(crate) struct EegJob {
    pub(crate) file: Option<String>,
    pub(crate) fs_hz: Option<f64>,
    pub(crate) epoch_s: Option<f64>,
    pub(crate) bands: Option<Vec<(f64, f64, String)>>,
    pub(crate) welch: Option<WelchEntry>,
    pub(crate) expected: Option<EegFiles>,
}

/// The requested method for spectra; read only to warn where another one is used.
#[derive(Debug, Deserialize)]
pub(crate) struct WelchEntry {
    pub(crate) nperseg: Option<usize>,
}

/// Where the two tables of an EEG job go.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct EegFiles {
    pub(crate) features: Option<String>,
    pub(crate) psd: Option<String>,
}

/// Cases of one operation, each on its own.
#[derive(Debug, Deserialize)]
pub(crate) struct Cases<T> {
    pub(crate) cases: Vec<T>,
}

/// An epoch grid to be laid over spans.
#[derive(Debug, Deserialize)]
pub(crate) struct EpochGridCase {
    pub(crate) name: Option<String>,
    /// First and last time of each signal; empty or null for one without samples.
    pub(crate) signal_spans_ns: Vec<Option<Vec<i64>>>,
    window_length: Option<String>,
    window_ns: Option<i64>,
    step_size: Option<String>,
    step_ns: Option<i64>,
    start_override: Option<String>,
    start_override_ns: Option<i64>,
    end_override: Option<String>,
    end_override_ns: Option<i64>,
}

impl EpochGridCase {
    pub(crate) fn epochs(&self) -> SleepResult<sleep_analysis::EpochGridSettings> {
        Ok(sleep_analysis::EpochGridSettings {
            window_ns: length_ns("window", self.window_ns, self.window_length.as_deref())?,
            step_ns: length_ns("step", self.step_ns, self.step_size.as_deref())?,
            start_ns: time_ns(self.start_override.as_deref(), self.start_override_ns)?,
            end_ns: time_ns(self.end_override.as_deref(), self.end_override_ns)?,
        })
    }
}

/// A grid to be laid over signals of which only the times matter.
#[derive(Debug, Deserialize)]
pub(crate) struct AlignmentGridCase {
    pub(crate) name: Option<String>,
    pub(crate) user_rate_hz: Option<f64>,
    pub(crate) signals: Vec<TimesEntry>,
}

/// The times of a signal: listed, or regular from first, last and count.
#[derive(Debug, Deserialize)]
pub(crate) struct TimesEntry {
    pub(crate) timestamps_ns: Option<Vec<i64>>,
    pub(crate) first_ns: Option<i64>,
    pub(crate) last_ns: Option<i64>,
    pub(crate) count: Option<usize>,
}

/// A length as whole nanoseconds, or as text.
fn length_ns(what: &str, length_ns: Option<i64>, text: Option<&str>) -> SleepResult<i64> {
    match (length_ns.filter(|&length| length != NOT_GIVEN), text) {
        (Some(length), _) => Ok(length),
        (None, Some(text)) => parse_duration_ns(text),
        (None, None) => Err(SleepError::Config(format!("there is no {what}; give one, such as 30s"))),
    }
}

/// A time as text, or as whole nanoseconds.
fn time_ns(text: Option<&str>, time_ns: Option<i64>) -> SleepResult<Option<i64>> {
    text.map(parse_time_ns).transpose().map(|time| time.or(time_ns))
}
