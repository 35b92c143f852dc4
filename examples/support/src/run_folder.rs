//! The folder `run/` beside a run's results: its journal and its reports.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder `run/` in that of the results.
///
/// ```
/// use std::path::Path;
/// use consumer_support::RunFolder;
///
/// let folder = RunFolder::in_results(Path::new("out"));
/// assert_eq!(folder.journal(), Path::new("out/run/journal.sqlite"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The run folder that belongs to this folder of results. Touches no file.
    #[must_use]
    pub fn in_results(results: &Path) -> Self {
        Self { path: results.join("run") }
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.sqlite")
    }

    /// Whether a run was started here: then there is a journal.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.journal().exists()
    }

    /// Creates the folder, and the ones above it, where they are missing.
    ///
    /// # Errors
    /// The error of the system.
    pub fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_journal_once_a_run_has_started_one() {
        let results = tempfile::tempdir().unwrap();
        let folder = RunFolder::in_results(&results.path().join("new/out"));
        folder.create().unwrap();
        assert!(folder.path().is_dir() && !folder.has_journal());
        fs::write(folder.journal(), b"").unwrap();
        assert!(folder.has_journal());
    }
}
