//! One run at a time in the folder of a split: taken before anything there is looked at, and held to the end.
//!
//! The journal has a lock of its own, which comes too late: unfinished files are removed before, and those of a run that lives are not
//! leftovers. The system lets go of the lock when its holder ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use consumer_support::RunFolder;
use manyhands::journal::JournalReader;

use crate::cli::Refusal;

/// The lock of a split's folder. Dropping it lets go.
#[derive(Debug)]
pub(super) struct SplitLock {
    /// None where the file system knows no locks.
    file: Option<File>,
}

impl SplitLock {
    /// Takes the lock; the run's folder must be there.
    ///
    /// # Errors
    /// A message when another run holds it, or its file cannot be opened.
    pub(super) fn take(folder: &Path) -> Result<Self, Refusal> {
        let path = RunFolder::in_results(folder).path().join("lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| format!("{} cannot be opened: {error}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(refusal(folder)),
            Err(TryLockError::Error(_)) => Ok(Self { file: None }),
        }
    }

    /// Whether it is sure that no other run is at work here.
    pub(super) fn is_exclusive(&self) -> bool {
        self.file.is_some()
    }
}

fn refusal(folder: &Path) -> Refusal {
    let status = JournalReader::open(RunFolder::in_results(folder).journal()).and_then(|journal| journal.status());
    let writer = status.ok().and_then(|status| status.writer).unwrap_or_else(|| "another run".to_owned());
    format!(
        "{} is being written by {writer}; wait for its end, or choose another --out\nhow far it is: add --status and leave the \
         data out",
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        RunFolder::in_results(folder.path()).create().unwrap();
        let first = SplitLock::take(folder.path()).unwrap();
        assert!(first.is_exclusive());
        let refused = SplitLock::take(folder.path()).unwrap_err();
        assert!(refused.contains("is being written by another run") && refused.contains("--status"), "{refused}");
        drop(first);
        assert!(SplitLock::take(folder.path()).is_ok());
    }
}
