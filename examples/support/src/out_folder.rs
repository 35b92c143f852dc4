//! The folder that a command writes to: which names are allowed there, and that no two tables share one.
//!
//! Promises: no name leads out of the folder, none is given twice, and none is that of an input file. Names are claimed
//! before any work, so that a bad one costs nothing. Leaves to others: the writing.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Why a file or the folder cannot be used, with the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutFolderError(String);

impl fmt::Display for OutFolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OutFolderError {}

/// A folder and the names in it that are taken.
///
/// ```
/// use std::path::Path;
/// use consumer_support::OutFolder;
///
/// let mut out = OutFolder::new(Path::new("out"), []);
/// assert_eq!(out.claim("rows.csv")?, Path::new("out/rows.csv"));
/// assert!(out.claim("../rows.csv").is_err() && out.claim("rows.csv").is_err());
/// # Ok::<(), consumer_support::OutFolderError>(())
/// ```
#[derive(Debug)]
pub struct OutFolder {
    folder: PathBuf,
    claimed: BTreeSet<String>,
    inputs: Vec<PathBuf>,
}

impl OutFolder {
    /// A folder that may not exist yet, and the files that must not be written over.
    #[must_use]
    pub fn new<'a>(folder: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Self {
        // An input that is not there cannot be written over.
        let inputs = inputs.into_iter().filter_map(|input| fs::canonicalize(input).ok()).collect();
        Self { folder: folder.to_owned(), claimed: BTreeSet::new(), inputs }
    }

    /// Takes a name for one file.
    ///
    /// # Errors
    /// [`OutFolderError`] for a name that is more than a plain file name, is taken, or is that of an input.
    pub fn claim(&mut self, name: &str) -> Result<PathBuf, OutFolderError> {
        if !is_plain(name) {
            return Err(OutFolderError(format!(
                "output file {name:?} would leave the folder {}; give a plain file name, without a folder",
                self.folder.display()
            )));
        }
        let path = self.folder.join(name);
        if self.is_input(name) {
            return Err(OutFolderError(format!(
                "output file {} is an input too; choose another folder for --out",
                path.display()
            )));
        }
        if !self.claimed.insert(name.to_owned()) {
            return Err(OutFolderError(format!("two outputs would be written to {name:?}; give each its own name")));
        }
        Ok(path)
    }

    /// Takes `<stem>.csv`, with other characters replaced, or the first of `<stem>_2.csv`, `<stem>_3.csv`, ... that is free.
    ///
    /// # Errors
    /// [`OutFolderError`] when the stem makes no file name.
    pub fn claim_free(&mut self, stem: &str) -> Result<PathBuf, OutFolderError> {
        let stem: String = stem.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
        let numbered = (2..).map(|number: usize| format!("{stem}_{number}.csv"));
        let first = format!("{stem}.csv");
        let mut names = std::iter::once(first.clone()).chain(numbered);
        // Numbers do not run out.
        let free = names.find(|name| !self.claimed.contains(name) && !self.is_input(name)).unwrap_or(first);
        self.claim(&free)
    }

    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// [`OutFolderError`] when it cannot be made.
    pub fn create(&self) -> Result<(), OutFolderError> {
        fs::create_dir_all(&self.folder).map_err(|error| {
            let folder = self.folder.display();
            OutFolderError(format!("{folder}: cannot be made or used as a folder: {error}; choose another for --out"))
        })
    }

    fn is_input(&self, name: &str) -> bool {
        fs::canonicalize(self.folder.join(name)).is_ok_and(|path| self.inputs.contains(&path))
    }
}

fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let is_one = matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none();
    // Separators and drives of any system: a job may come from another one.
    is_one && !name.contains(['/', '\\', ':', '\0'])
}

fn is_safe(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_stays_in_the_folder() {
        let mut out = OutFolder::new(Path::new("out"), []);
        for name in
            ["../x.csv", "/x.csv", "a/b.csv", "a/../../x.csv", "..", ".", "", "a\\b.csv", "c:x.csv", "./x.csv", "x\0"]
        {
            assert!(
                matches!(out.claim(name), Err(OutFolderError(reason)) if reason.contains("plain file name")),
                "{name}"
            );
        }
        assert_eq!(out.claim("..x.csv").unwrap(), Path::new("out").join("..x.csv"));
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut out = OutFolder::new(Path::new("out"), []);
        out.claim("pad_hr.csv").unwrap();
        assert!(out.claim("pad_hr.csv").unwrap_err().to_string().contains("own name"));
        assert_eq!(out.claim_free("pad_hr").unwrap(), Path::new("out/pad_hr_2.csv"));
        assert_eq!(out.claim_free("pad_hr").unwrap(), Path::new("out/pad_hr_3.csv"));
        assert_eq!(out.claim_free("../EEG C3/A2").unwrap(), Path::new("out/.._EEG_C3_A2.csv"));
    }

    #[test]
    fn an_input_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("input.csv");
        fs::write(&input, "timestamp_ns,v\n").unwrap();
        let mut out = OutFolder::new(folder.path(), [input.as_path()]);
        assert!(out.claim("input.csv").unwrap_err().to_string().contains("an input too"));
        assert_eq!(out.claim_free("input").unwrap(), folder.path().join("input_2.csv"));
        assert!(out.claim("output.csv").is_ok());
    }
}
