//! What failed, what was left out, which stretches have no data, and what else to know.
//!
//! Promises: every loss is named. A gap in the recording is no failure: it is named too, but nothing
//! that could be computed is missing.

use consumer_support::ExitStatus;
use serde::{Deserialize, Serialize};
use sleep_analysis::Signal;
use sleep_analysis::features::{EpochFailure, FailureReason};

use super::Channel;

/// A subject and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remark {
    pub(crate) subject: String,
    pub(crate) reason: String,
}

/// Epochs of a signal for which an operation has no result, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EpochsWithoutResult {
    pub(crate) signal: String,
    pub(crate) operation: &'static str,
    pub(crate) reason: String,
    pub(crate) epochs: Vec<usize>,
}

/// All remarks of one night.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remarks {
    /// Epochs whose computation failed.
    pub(crate) failed_epochs: Vec<EpochsWithoutResult>,
    /// Epochs in which the recording has a gap.
    pub(crate) gaps: Vec<EpochsWithoutResult>,
    /// What should be in the output and is not.
    pub(crate) left_out: Vec<Remark>,
    /// What is in the output and needs a second look.
    pub(crate) warnings: Vec<Remark>,
}

impl Remarks {
    pub(crate) fn left_out(&mut self, subject: &str, reason: impl ToString) {
        self.left_out.push(Remark { subject: subject.to_owned(), reason: reason.to_string() });
    }

    pub(crate) fn warn(&mut self, subject: &str, reason: impl ToString) {
        self.warnings.push(Remark { subject: subject.to_owned(), reason: reason.to_string() });
    }

    /// Epochs without a result, grouped by signal and reason.
    pub(crate) fn add_failures(&mut self, operation: &'static str, failures: &[EpochFailure]) {
        for failure in failures {
            let (reason, is_gap) = reason_and_gap(&failure.reason);
            let list = if is_gap { &mut self.gaps } else { &mut self.failed_epochs };
            add_epoch(list, &failure.signal, operation, &reason, failure.epoch);
        }
    }

    /// An epoch of a signal without a single number.
    pub(crate) fn add_gap(&mut self, operation: &'static str, signal: &str, epoch: usize) {
        add_epoch(&mut self.gaps, signal, operation, "no number in the epoch", epoch);
    }

    /// The signals that have samples; the others are removed, with their channels, and named as left out.
    pub(crate) fn without_empty(&mut self, signals: Vec<Signal>, channels: &mut Vec<Channel>) -> Vec<Signal> {
        let mut has_samples = signals.iter().map(|signal| !signal.is_empty());
        channels.retain(|_| has_samples.next().unwrap_or(false));
        for empty in signals.iter().filter(|signal| signal.is_empty()) {
            self.left_out(empty.name(), "it has no samples");
        }
        signals.into_iter().filter(|signal| !signal.is_empty()).collect()
    }

    /// All that is missing and should be there, one line each.
    pub(crate) fn lost(&self) -> impl Iterator<Item = Remark> {
        let failed = self.failed_epochs.iter().map(|one| one.remark("failed"));
        failed.chain(self.left_out.iter().map(|one| one.prefixed("left out")))
    }

    /// All that is worth knowing and loses nothing, one line each.
    pub(crate) fn noted(&self) -> impl Iterator<Item = Remark> {
        let gaps = self.gaps.iter().map(|one| one.remark("a gap in the recording"));
        self.warnings.iter().map(|one| one.prefixed("note")).chain(gaps)
    }

    pub(crate) fn exit_status(&self) -> ExitStatus {
        if self.failed_epochs.is_empty() && self.left_out.is_empty() {
            ExitStatus::Done
        } else {
            ExitStatus::Incomplete
        }
    }

    /// How many epochs of signals failed.
    pub(crate) fn n_failed_epochs(&self) -> usize {
        self.failed_epochs.iter().map(|failed| failed.epochs.len()).sum()
    }
}

impl Remark {
    fn prefixed(&self, what: &str) -> Self {
        Self { subject: self.subject.clone(), reason: format!("{what}: {}", self.reason) }
    }
}

impl EpochsWithoutResult {
    fn remark(&self, what: &str) -> Remark {
        Remark {
            subject: format!("{} ({})", self.signal, self.operation),
            reason: format!("{what} in {}: {}", self.epoch_list(), self.reason),
        }
    }

    /// How many and which, such as `5 epochs (0-2, 7, 9)`.
    pub(crate) fn epoch_list(&self) -> String {
        let plural = if self.epochs.len() == 1 { "" } else { "s" };
        format!("{} epoch{plural} ({})", self.epochs.len(), ranges(&self.epochs))
    }
}

/// The reason without what differs from epoch to epoch, and whether the recording is the cause.
fn reason_and_gap(reason: &FailureReason) -> (String, bool) {
    match reason {
        FailureReason::Uneven { .. } => ("a gap or an early end, so too few evenly spaced samples".into(), true),
        FailureReason::NotANumber { .. } => ("samples without a number".into(), true),
        other => (other.to_string(), false),
    }
}

fn add_epoch(list: &mut Vec<EpochsWithoutResult>, signal: &str, operation: &'static str, reason: &str, epoch: usize) {
    let is_same =
        |one: &&mut EpochsWithoutResult| one.signal == signal && one.operation == operation && one.reason == reason;
    match list.iter_mut().rev().find(is_same) {
        Some(known) => known.epochs.push(epoch),
        None => list.push(EpochsWithoutResult {
            signal: signal.to_owned(),
            operation,
            reason: reason.to_owned(),
            epochs: vec![epoch],
        }),
    }
}

/// No more ranges than this are printed; the summary lists every epoch.
const MOST_RANGES: usize = 6;

fn ranges(epochs: &[usize]) -> String {
    let runs: Vec<&[usize]> = epochs.chunk_by(|one, next| one + 1 == *next).collect();
    let text = |run: &&[usize]| match run {
        [only] => only.to_string(),
        run => format!("{}-{}", run[0], run[run.len() - 1]),
    };
    let mut texts: Vec<String> = runs.iter().take(MOST_RANGES).map(text).collect();
    if runs.len() > MOST_RANGES {
        texts.push("\u{2026}".to_owned());
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(epoch: usize, reason: FailureReason) -> EpochFailure {
        EpochFailure { epoch, signal: "C3".into(), reason }
    }

    #[test]
    fn a_gap_in_the_recording_is_named_and_is_no_failure() {
        let mut remarks = Remarks::default();
        let gap = |found| FailureReason::Uneven { found, needed: 3000 };
        remarks.add_failures("eeg", &[failure(3, gap(7)), failure(4, gap(8)), failure(9, gap(9))]);
        remarks.add_gap("statistics", "hr", 3);
        assert_eq!(remarks.gaps.len(), 2);
        assert_eq!(remarks.gaps[0].epoch_list(), "3 epochs (3-4, 9)");
        assert_eq!(remarks.gaps[1].epoch_list(), "1 epoch (3)");
        assert_eq!(remarks.exit_status(), ExitStatus::Done);
    }

    #[test]
    fn what_is_lost_or_left_out_makes_the_night_incomplete() {
        let mut remarks = Remarks::default();
        remarks.warn("alignment", "a rate that no signal has");
        assert_eq!(remarks.exit_status(), ExitStatus::Done);
        remarks.add_failures("eeg", &[failure(3, FailureReason::Lost { reason: "it panicked".into() })]);
        assert_eq!((remarks.exit_status(), remarks.n_failed_epochs()), (ExitStatus::Incomplete, 1));
        let mut remarks = Remarks::default();
        remarks.left_out("SpO2", "it has no samples");
        assert_eq!(remarks.exit_status(), ExitStatus::Incomplete);
    }

    #[test]
    fn many_ranges_are_cut() {
        assert_eq!(ranges(&[0, 2, 4, 6, 8, 10, 12]), "0, 2, 4, 6, 8, 10, \u{2026}");
    }
}
