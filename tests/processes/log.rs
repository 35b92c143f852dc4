//! A file that several processes write lines to: how they record what they did, and wait for what others did.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// Its path; travels to workers as a shared value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// A log in a folder that ends with the guard.
    pub(crate) fn new() -> (Self, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Self { path: folder.path().join("log") }, folder)
    }

    pub(crate) fn at(path: &str) -> Self {
        Self { path: path.into() }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Adds a line, whole: writes of some bytes at the end of a file do not mix.
    pub(crate) fn add(&self, line: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// True for the first to ask for this mark, whichever process asks.
    pub(crate) fn is_first(&self, mark: &str) -> bool {
        OpenOptions::new().write(true).create_new(true).open(self.path.with_extension(mark)).is_ok()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub(crate) fn has(&self, line: &str) -> bool {
        self.lines().iter().any(|found| found == line)
    }

    /// The rest of each line that begins with this word, sorted.
    pub(crate) fn after(&self, word: &str) -> Vec<usize> {
        let lines = self.lines();
        let mut rests: Vec<usize> =
            lines.iter().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect();
        rests.sort_unstable();
        rests
    }

    /// Waits until a line that is so is there; says whether it came in time.
    pub(crate) fn wait_for(&self, patience: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        let ends = Instant::now() + patience;
        while Instant::now() < ends {
            if is_so(self) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1)); // Leaves the core to the process that is waited for.
        }
        false
    }
}
