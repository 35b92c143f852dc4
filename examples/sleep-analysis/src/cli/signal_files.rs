//! Signals of a command: read from their files, each failing alone, and remembered with where they came from.
//!
//! Leaves to others: what is done with them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consumer_support::input::Budget;
use sleep_analysis::{AlignmentGrid, Signal, SignalTiming, SleepError, SleepResult, read_signal, require_sorted};

use super::findings::Findings;

/// A signal's name, and the file that holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignalFile {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The signals that could be read, in the order given.
#[derive(Debug)]
pub(crate) struct SignalSet {
    pub(crate) signals: Arc<[Signal]>,
    files: Vec<SignalFile>,
}

impl SignalSet {
    /// Reads all files. One that cannot be read is reported and affects no other signal.
    ///
    /// # Errors
    /// [`SleepError::Config`] when a name appears twice, before anything is read; what is wrong with the files when none of
    /// them can be read.
    pub(crate) fn read(files: Vec<SignalFile>, findings: &mut Findings) -> SleepResult<Self> {
        Self::require_distinct_names(&files)?;
        let mut signals = Vec::with_capacity(files.len());
        let mut errors = Vec::new();
        for file in &files {
            match read_signal(&file.name, &file.path) {
                Ok(signal) => signals.push(signal),
                Err(error) => {
                    findings.failed(&file.name, Some(&file.path), &error);
                    errors.push(error);
                }
            }
        }
        if signals.is_empty() && !errors.is_empty() {
            return Err(none_readable(errors));
        }
        let set = Self { signals: signals.into(), files };
        set.note_empty_ones(findings);
        Ok(set)
    }

    /// # Errors
    /// [`SleepError::Config`] when two files have one name.
    pub(crate) fn require_distinct_names(files: &[SignalFile]) -> SleepResult<()> {
        let mut known: HashMap<&str, &SignalFile> = HashMap::new();
        for file in files {
            if let Some(earlier) = known.insert(&file.name, file) {
                return Err(SleepError::Config(format!(
                    "signal {:?} appears twice, as {} and {}; rename one",
                    file.name,
                    earlier.path.display(),
                    file.path.display()
                )));
            }
        }
        Ok(())
    }

    /// The file of the signal with this name.
    pub(crate) fn file_of(&self, name: &str) -> Option<&Path> {
        self.files.iter().find(|file| file.name == name).map(|file| file.path.as_path())
    }

    /// The signals whose rows are in the order of time, as features need them; the others are reported as failed.
    pub(crate) fn sorted(&self, findings: &mut Findings) -> Arc<[Signal]> {
        if self.signals.iter().all(Signal::is_sorted) {
            return Arc::clone(&self.signals);
        }
        let mut sorted = Vec::new();
        for signal in &*self.signals {
            match require_sorted(signal) {
                Ok(()) => sorted.push(signal.clone()),
                Err(error) => findings.failed(signal.name(), self.file_of(signal.name()), &error),
            }
        }
        sorted.into()
    }

    /// The timings of the signals that have samples, with their names.
    pub(crate) fn timings(&self) -> (Vec<&str>, Vec<SignalTiming>) {
        let timing = |signal: &Signal| SignalTiming::from_timestamps(signal.timestamps_ns());
        self.signals.iter().filter_map(|signal| Some((signal.name(), timing(signal)?))).unzip()
    }

    fn note_empty_ones(&self, findings: &mut Findings) {
        for signal in &*self.signals {
            let file = self.file_of(signal.name()).unwrap_or(Path::new("")).display();
            if signal.is_empty() {
                findings.note(format!("signal {:?} ({file}) has no samples", signal.name()));
            } else if signal.columns().iter().all(|column| column.values.iter().all(|value| value.is_nan())) {
                findings.note(format!(
                    "signal {:?} ({file}) has no number in any of its {} rows, so its values are empty everywhere",
                    signal.name(),
                    signal.len()
                ));
            }
        }
    }
}

/// The one error, or all of them in one.
fn none_readable(mut errors: Vec<SleepError>) -> SleepError {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
    SleepError::Config(format!("no signal can be read: {}", reasons.join("; ")))
}

/// Adds a warning when the requested rate is that of no signal: the grid then invents or drops samples for every one of them.
pub(crate) fn note_foreign_rate(names: &[&str], timings: &[SignalTiming], rate_hz: f64, findings: &mut Findings) {
    // Timestamps are whole nanoseconds, so a signal at 30 Hz shows a rate that is a little off.
    let is_rate = |timing: &SignalTiming| timing.rate_hz.is_some_and(|rate| (rate / rate_hz - 1.0).abs() < 1e-3);
    if timings.iter().any(is_rate) {
        return;
    }
    let found = names.iter().zip(timings).map(|(name, timing)| match timing.rate_hz {
        Some(rate) => format!("{name} {} Hz", (rate * 1000.0).round() / 1000.0),
        None => format!("{name} irregular"),
    });
    findings.note(format!("no signal has a rate of {rate_hz} Hz; there are {}", found.collect::<Vec<_>>().join(", ")));
}

/// Refuses to fill a table that the samples do not justify, as a single stray timestamp makes one; `signals` are those that come into it.
///
/// # Errors
/// [`SleepError::GridOverBudget`].
pub(crate) fn require_fitting_table<'a>(
    grid: &AlignmentGrid,
    signals: impl IntoIterator<Item = &'a Signal>,
) -> SleepResult<()> {
    let (mut n_columns, mut n_stored) = (0_u64, 0_u64);
    for signal in signals {
        let columns = signal.columns().len() as u64;
        n_columns += columns;
        n_stored = n_stored.saturating_add(columns.saturating_mul(signal.len() as u64));
    }
    let n_values = n_columns.saturating_mul(grid.count() as u64);
    let checked = Budget::STANDARD.require_grid_values(n_values, n_stored);
    checked.map_err(|over| SleepError::GridOverBudget { first_ns: grid.reference_ns(), last_ns: grid.last_ns(), over })
}
