//! Folders for temporary files: each has one owner, and what killed programs leave is removed by the next one.
//!
//! A folder is its owner's as long as the owner holds the lock of a file in it. The system gives the lock up when the owner ends, in
//! whatever way, so that a folder whose lock is free belongs to no running program.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{EegError, EegResult};

const PREFIX: &str = "eeg-artifact-";
const LOCK: &str = "lock";
/// Names that others have taken are passed over, but not without end.
const MOST_ATTEMPTS: u64 = 1000;

/// A folder for temporary files, removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    path: PathBuf,
    _lock: File,
}

impl ScratchFolder {
    /// A new folder among the system's temporary files, which its user alone may look into. Folders of the same user that killed programs
    /// have left there are removed.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be made.
    pub(crate) fn new() -> EegResult<Self> {
        Self::inside(&std::env::temp_dir())
    }

    fn inside(parent: &Path) -> EegResult<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..MOST_ATTEMPTS {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed); // a number for a name only
            match Self::at(parent.join(format!("{PREFIX}{}-{number}", std::process::id()))) {
                Ok(folder) => {
                    folder.remove_abandoned(parent);
                    return Ok(folder);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(EegError::file(parent, error)),
            }
        }
        Err(EegError::file(parent, last))
    }

    /// Takes a folder that is not there yet: one that is there may be another user's, or lead elsewhere.
    fn at(path: PathBuf) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let lock = File::create(path.join(LOCK)).and_then(|lock| lock.try_lock().map(|()| lock).map_err(Into::into));
        match lock {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            // Another program has taken it for abandoned in this moment, or there is no room.
            Err(error) => {
                let _ = fs::remove_dir_all(&path);
                let is_taken = error.kind() == io::ErrorKind::WouldBlock;
                Err(if is_taken { io::ErrorKind::AlreadyExists.into() } else { error })
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folders of the same user whose lock is free. What cannot be removed costs room on the disk, and no result.
    fn remove_abandoned(&self, parent: &Path) {
        let Ok(own) = fs::symlink_metadata(&self.path) else { return };
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_named_so = entry.file_name().to_string_lossy().starts_with(PREFIX);
            let is_own = || {
                let found = fs::symlink_metadata(&path);
                found.is_ok_and(|found| found.is_dir() && is_of_the_same_user(&found, &own))
            };
            if is_named_so && path != self.path && is_own() && is_abandoned(&path) {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

#[cfg(unix)]
fn is_of_the_same_user(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.uid() == other.uid()
}

/// Elsewhere temporary folders are each user's own.
#[cfg(not(unix))]
fn is_of_the_same_user(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Whether there is a lock that is held by no program.
fn is_abandoned(folder: &Path) -> bool {
    let path = folder.join(LOCK);
    let is_file = fs::symlink_metadata(&path).is_ok_and(|lock| lock.is_file());
    is_file && File::open(path).is_ok_and(|lock| lock.try_lock().is_ok())
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_what_another_one_uses_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let used = ScratchFolder::inside(parent.path()).unwrap();
        let left = parent.path().join("eeg-artifact-1-0");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("row00000.0"), "samples").unwrap();
        for other in ["eeg-artifact-without-a-lock", "another-program"] {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        std::os::unix::fs::symlink(&left, parent.path().join("eeg-artifact-link")).unwrap();
        let second = ScratchFolder::inside(parent.path()).unwrap();
        assert!(used.path().is_dir() && second.path().is_dir() && used.path() != second.path());
        assert!(!left.exists());
        drop((used, second));
        assert_eq!(names(parent.path()), ["another-program", "eeg-artifact-link", "eeg-artifact-without-a-lock"]);
    }

    #[test]
    fn a_folder_that_is_there_already_is_not_taken() {
        let parent = tempfile::tempdir().unwrap();
        let error = ScratchFolder::at(parent.path().to_owned()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert!(parent.path().is_dir());
    }
}
