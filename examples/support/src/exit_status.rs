//! How a command ends, and the exit code that says so.

use std::process::ExitCode;

/// How a command ends, from good to bad: the larger of two is the status of both together.
///
/// ```
/// use consumer_support::ExitStatus;
///
/// assert_eq!(ExitStatus::Done.max(ExitStatus::Incomplete).code(), 1);
/// assert_eq!(ExitStatus::Interrupted(130).code(), 130);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitStatus {
    /// Everything that was requested is there. Exit code 0.
    Done,
    /// Some items failed or something was left out; the output names it. Exit code 1.
    Incomplete,
    /// Nothing could be done. Exit code 2.
    CouldNotRun,
    /// A signal ended the command; what was finished is saved. Its exit code is 128 plus the signal's number.
    Interrupted(u8),
}

impl ExitStatus {
    /// The exit code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Incomplete => 1,
            Self::CouldNotRun => 2,
            Self::Interrupted(code) => code,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
