//! What `study` is asked to do with its folder, and what is already there: the one place where the flags about earlier runs have
//! their meaning.

use std::path::Path;

use manyhands::{JournalProblem, OnChange, RetryRecorded};
use sleep_analysis::{SleepError, SleepResult};

use super::resume_command::{command_anew, command_with, in_quotes, resume_command};
use super::run_folder::{journal_in, run_folder};
use crate::cli::args::StudyArgs;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Work on all subjects, in a folder where no study was begun.
    Begin,
    /// Work on what an earlier run did not finish, or on all where there is nothing yet.
    Resume,
    /// Tell how far the study is, whether it runs now or not.
    Status,
    /// Tell which subjects failed, and why.
    Failed,
}

impl Errand {
    pub(super) fn of(args: &StudyArgs) -> Self {
        match (args.status, args.failed, args.resume) {
            (true, _, _) => Self::Status,
            (_, true, _) => Self::Failed,
            (_, _, true) => Self::Resume,
            _ => Self::Begin,
        }
    }

    /// Refuses to begin where another study was begun, so that no finished work is lost by a forgotten flag.
    ///
    /// # Errors
    /// [`SleepError::Config`] naming both ways on.
    pub(super) fn require_fitting_folder(self, out: &Path) -> SleepResult<()> {
        if self == Self::Resume || !journal_in(out).exists() {
            return Ok(());
        }
        Err(SleepError::Config(format!(
            "{} holds a study that was begun; to go on with it: {}; to begin anew: rm -r {} && {}",
            out.display(),
            resume_command(),
            in_quotes(&run_folder(out)),
            command_anew(),
        )))
    }
}

/// What becomes of the failures that are in the journal.
pub(super) fn retry_recorded(args: &StudyArgs) -> RetryRecorded {
    if args.keep_failed { RetryRecorded::Nothing } else { RetryRecorded::Failed }
}

/// What becomes of answers whose subject, settings or program have changed since.
pub(super) fn on_change(args: &StudyArgs) -> OnChange {
    if args.redo_changed { OnChange::Recompute } else { OnChange::Refuse }
}

/// Why a run was refused, with the way out as this program has it.
pub(super) fn refused(problem: Option<&JournalProblem>, told: String) -> SleepError {
    let Some(JournalProblem::Changed { what, recorded, now }) = problem else { return SleepError::Config(told) };
    SleepError::Config(format!(
        "{what} is {now} and was {recorded} when the journal was written; set it back, choose another --out, or work again on \
         what that concerns: {}",
        command_with(&["--resume", "--redo-changed"])
    ))
}

/// Refuses to tell of a study where there is none.
///
/// # Errors
/// [`SleepError::Config`] where no study was begun.
pub(super) fn require_journal(out: &Path) -> SleepResult<()> {
    if journal_in(out).exists() {
        return Ok(());
    }
    let reason = format!("no study was begun in {}; begin one without --status and --failed", out.display());
    Err(SleepError::Config(reason))
}
