//! What `study` does with its folder, given its flags and an earlier run there: the one place that interprets the flags about earlier
//! runs.

use std::path::Path;

use consumer_support::RunFolder;
use consumer_support::command_line::{command_with, command_without, resume_command, shell_quoted};
use manyhands::journal::{JournalError, OnChange, RetryRecorded};
use sleep_analysis::{SleepError, SleepResult};

use crate::cli::args::StudyArgs;

/// What the flags ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StudyCommand {
    /// Compute all subjects, in a folder without an earlier run.
    Begin,
    /// Compute what an earlier run did not finish, or everything where there is none.
    Resume,
    /// Print how far the study is, whether it runs now or not.
    Status,
    /// Print which subjects failed, and why.
    Failed,
}

impl StudyCommand {
    pub(super) fn of(args: &StudyArgs) -> Self {
        match (args.status, args.failed, args.resume) {
            (true, _, _) => Self::Status,
            (_, true, _) => Self::Failed,
            (_, _, true) => Self::Resume,
            _ => Self::Begin,
        }
    }

    /// Refuses to begin in the folder of another study, so that no finished work is lost by a forgotten flag.
    ///
    /// # Errors
    /// [`SleepError::Config`] naming the commands to resume and to start again.
    pub(super) fn require_fitting_folder(self, out: &Path) -> SleepResult<()> {
        let run_folder = RunFolder::in_results(out);
        if self == Self::Resume || !run_folder.has_journal() {
            return Ok(());
        }
        Err(SleepError::Config(format!(
            "{} holds a study that was begun; to go on with it: {}; to begin anew: rm -r {} && {}",
            out.display(),
            resume_command(),
            shell_quoted(run_folder.path()),
            command_without("--resume"),
        )))
    }
}

/// Which recorded subjects are computed again: the failed ones, or none.
pub(super) fn retry_recorded(args: &StudyArgs) -> RetryRecorded {
    if args.keep_failed { RetryRecorded::Nothing } else { RetryRecorded::Failed }
}

/// What to do with results whose subject, settings or program have changed since.
pub(super) fn on_change(args: &StudyArgs) -> OnChange {
    if args.redo_changed { OnChange::Recompute } else { OnChange::Refuse }
}

/// Why a run was refused, with the command that helps.
pub(super) fn refused(problem: Option<&JournalError>, message: String) -> SleepError {
    let Some(JournalError::Changed { what, recorded, now }) = problem else { return SleepError::Config(message) };
    SleepError::Config(format!(
        "{what} is {now} and was {recorded} when the journal was written; set it back, choose another --out, or work again on \
         what that concerns: {}",
        command_with(&["--resume", "--redo-changed"])
    ))
}

/// Refuses to report on a study where there is none.
///
/// # Errors
/// [`SleepError::Config`] where no study was begun.
pub(super) fn require_journal(out: &Path) -> SleepResult<()> {
    if RunFolder::in_results(out).has_journal() {
        return Ok(());
    }
    let reason = format!("no study was begun in {}; begin one without --status and --failed", out.display());
    Err(SleepError::Config(reason))
}
