//! The text of every file that git tracks, read once, so that a rule is a function from text to violations.
//!
//! Untracked files are left out. A file that is not UTF-8 is listed with an empty text.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// Paths from the project's root, written with `/`, and the text of each file.
#[derive(Debug, Default)]
pub(crate) struct Files {
    texts: BTreeMap<String, String>,
}

impl Files {
    /// Reads what git tracks under `root`.
    ///
    /// # Errors
    ///
    /// When git cannot list the files or one of them cannot be read.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut files = Self::default();
        for path in listed(root)? {
            match std::fs::read(root.join(&path)) {
                Ok(bytes) => files.texts.insert(path, String::from_utf8(bytes).unwrap_or_default()),
                // Deleted from the folder and still in git's index.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
        }
        Ok(files)
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// All files, by path.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files whose paths end with `end`.
    pub(crate) fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.iter().filter(move |(path, _)| path.ends_with(end))
    }

    /// Whether there is such a file, or a folder with files in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        self.texts.contains_key(path) || self.texts.keys().any(|file| file.starts_with(&folder))
    }
}

/// Files written in a test of a rule.
#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Files {
    fn from(files: [(&str, &str); N]) -> Self {
        files.into_iter().collect()
    }
}

#[cfg(test)]
impl<'a> FromIterator<(&'a str, &'a str)> for Files {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(files: I) -> Self {
        Self { texts: files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect() }
    }
}

/// The paths that git tracks under `root`.
pub(crate) fn listed(root: &Path) -> io::Result<Vec<String>> {
    // NUL separates the names, because git quotes unusual names when line ends do.
    let arguments = ["ls-files", "-z", "--cached"];
    let mut git = Command::new("git");
    // Inside a hook these variables name the hook's repository; here the one that contains `root` counts.
    git.args(arguments)
        .current_dir(root)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    let answer = git.output()?;
    if !answer.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&answer.stderr).trim().to_owned()));
    }
    let names = String::from_utf8_lossy(&answer.stdout);
    Ok(names.split_terminator('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_itself_can_be_read() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = Files::read(root).unwrap();
        assert!(files.text("xtask/src/files.rs").unwrap().contains("the_project_itself_can_be_read"));
        assert!(!files.has("target") && !files.has(".git"));
    }

    #[test]
    fn a_folder_without_git_is_an_error() {
        assert!(listed(Path::new("/")).is_err());
    }

    #[test]
    fn folders_are_known_by_their_files() {
        let files = Files::from([("docs/pages/one.md", "")]);
        assert!(files.has("docs/pages") && files.has("docs/pages/one.md"));
        assert!(!files.has("docs/pag"));
    }
}
