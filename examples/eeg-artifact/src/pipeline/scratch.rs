//! A folder for temporary files of one run, which ends with the run, or, after a run that was killed, with the next one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{EegError, EegResult};

/// How the names of all such folders begin.
const PREFIX: &str = "eeg-artifact-";
/// The file that is locked as long as its folder is in use.
const IN_USE: &str = "in-use";

/// A folder that no other run has. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    /// Locked; the system ends that with the process, however the process ends.
    _in_use: File,
}

impl Scratch {
    /// A new folder in the system's folder for temporary files. Removes those that runs left which were killed.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be made.
    pub(super) fn new() -> EegResult<Self> {
        Self::within(&std::env::temp_dir())
    }

    fn within(place: &Path) -> EegResult<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        remove_abandoned(place);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed); // a number for a name only
        let folder = place.join(format!("{PREFIX}{}-{number}", std::process::id()));
        let made = fs::create_dir_all(&folder).and_then(|()| lock_new(&folder));
        let in_use = made.map_err(|error| EegError::file(&folder, error))?;
        Ok(Self { folder, _in_use: in_use })
    }

    /// Where rows go.
    pub(super) fn rows(&self) -> PathBuf {
        self.folder.join("rows")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever hinders the removal costs room on the disk until the next run, and no result.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The file gets its name once it is locked: no other process sees it unlocked.
fn lock_new(folder: &Path) -> std::io::Result<File> {
    let unnamed = folder.join("new");
    let file = File::create(&unnamed)?;
    file.lock()?;
    fs::rename(unnamed, folder.join(IN_USE))?;
    Ok(file)
}

fn remove_abandoned(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_scratch = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_scratch && is_abandoned(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A folder without the file is not ours, or not ready.
fn is_abandoned(folder: &Path) -> bool {
    File::open(folder.join(IN_USE)).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_is_in_use_is_not() {
        let place = tempfile::tempdir().unwrap();
        let abandoned = place.path().join("eeg-artifact-1-0");
        fs::create_dir_all(abandoned.join("rows")).unwrap();
        fs::write(abandoned.join(IN_USE), "").unwrap();
        let other = place.path().join("eeg-artifact-notes");
        fs::create_dir(&other).unwrap();
        let first = Scratch::within(place.path()).unwrap();
        let second = Scratch::within(place.path()).unwrap();
        assert!(!abandoned.exists() && other.exists() && first.folder.exists() && first.folder != second.folder);
        let folder = second.folder.clone();
        drop(second);
        assert!(!folder.exists() && first.folder.exists());
    }
}
