//! What failed, what was left out, and what else to know: collected for the summary, printed on standard error.
//!
//! Promises: every loss is named. Leaves to others: what a command does after a loss.

use std::path::{Path, PathBuf};

use consumer_support::{ExitStatus, Output};
use serde::Serialize;
use sleep_analysis::SleepError;
use sleep_analysis::features::EpochFailure;

/// No more failures than this are printed one by one; the file names them all.
const MOST_FAILURES_PRINTED: usize = 10;

/// What one run, or one command, could not do, and what else to know of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// The names of the signals with a failure, each once.
    failed: Vec<String>,
    failures: Vec<Failure>,
    left_out: Vec<LeftOut>,
    warnings: Vec<String>,
    #[serde(skip)]
    n_failures_printed: usize,
    #[serde(skip)]
    n_warnings_printed: usize,
}

/// A signal that failed, as a whole or in some epochs.
#[derive(Debug, PartialEq, Serialize)]
struct Failure {
    signal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<Vec<usize>>,
}

/// Something requested that was left out.
#[derive(Debug, PartialEq, Serialize)]
struct LeftOut {
    name: String,
    reason: String,
}

impl Findings {
    /// A signal that failed as a whole. An error of the signal itself is reported with its file.
    pub(crate) fn failed(&mut self, signal: &str, file: Option<&Path>, error: &SleepError) {
        let (file, reason) = match error {
            SleepError::Signal { reason, .. } => (file.map(Path::to_owned), reason.clone()),
            other => (None, other.to_string()), // an error of a file names it
        };
        self.push_failure(Failure { signal: signal.to_owned(), file, reason, epochs: None });
    }

    /// Epochs without a result, grouped by signal and reason.
    pub(crate) fn failed_epochs(&mut self, failures: &[EpochFailure]) {
        let first_new = self.failures.len();
        for failure in failures {
            let reason = failure.reason.to_string();
            let is_same = |known: &&mut Failure| known.signal == failure.signal && known.reason == reason;
            // The newest first: neighbours mostly share their reason.
            match self.failures[first_new..].iter_mut().rev().find(is_same) {
                Some(known) => known.epochs.get_or_insert_default().push(failure.epoch),
                None => {
                    let epochs = Some(vec![failure.epoch]);
                    self.push_failure(Failure { signal: failure.signal.clone(), file: None, reason, epochs });
                }
            }
        }
    }

    /// Something requested by name that is left out.
    pub(crate) fn left_out(&mut self, name: &str, reason: &str) {
        self.left_out.push(LeftOut { name: name.to_owned(), reason: reason.to_owned() });
        self.warnings.push(format!("{name:?} is left out: {reason}"));
    }

    /// Something to know that loses no result.
    pub(crate) fn note(&mut self, text: String) {
        self.warnings.push(text);
    }

    /// The exit status of a command with these findings.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        if self.failures.is_empty() && self.left_out.is_empty() { ExitStatus::Done } else { ExitStatus::Incomplete }
    }

    /// The losses in a few words, none when there are none.
    pub(crate) fn in_short(&self) -> String {
        let named = |what: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")));
        let whole = self.failures.iter().filter(|failure| failure.epochs.is_none());
        let failed = named("failed", whole.map(|failure| failure.signal.as_str()).collect());
        let n_epochs: usize = self.failures.iter().filter_map(|failure| failure.epochs.as_ref().map(Vec::len)).sum();
        let epochs = (n_epochs > 0).then(|| format!("epochs failed: {n_epochs}"));
        let left_out = named("left out", self.left_out.iter().map(|one| one.name.as_str()).collect());
        [failed, epochs, left_out].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The names of the signals with a failure.
    pub(crate) fn failed_names(&self) -> &[String] {
        &self.failed
    }

    /// Prints on standard error what was not printed before; `scope` says what it belongs to.
    pub(crate) fn report(&mut self, output: &Output, scope: &str) {
        let new_failures = &self.failures[self.n_failures_printed..];
        for failure in new_failures.iter().take(MOST_FAILURES_PRINTED) {
            output.warning(&format!("{scope}{}", failure.description()));
        }
        if let Some(more @ 1..) = new_failures.len().checked_sub(MOST_FAILURES_PRINTED) {
            output.warning(&format!("{scope}{more} more failures; the file with the summary names them all"));
        }
        for warning in &self.warnings[self.n_warnings_printed..] {
            output.warning(&format!("{scope}{warning}"));
        }
        self.n_failures_printed = self.failures.len();
        self.n_warnings_printed = self.warnings.len();
    }

    fn push_failure(&mut self, failure: Failure) {
        if !self.failed.contains(&failure.signal) {
            self.failed.push(failure.signal.clone());
        }
        self.failures.push(failure);
    }
}

impl Failure {
    fn description(&self) -> String {
        let Self { signal, file, reason, epochs } = self;
        let file = file.as_ref().map(|file| format!(" ({})", file.display())).unwrap_or_default();
        let epochs = match epochs.as_deref() {
            None => String::new(),
            Some([epoch]) => format!(", epoch {epoch}"),
            Some(epochs) => format!(", {} epochs from {} on", epochs.len(), epochs[0]),
        };
        format!("signal {signal:?}{file}{epochs}: {reason}")
    }
}
