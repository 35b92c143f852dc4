//! The program, and what it writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use landmark_extraction::made;
use manyhands_test_support::signals::{INT, restore_default};

pub(crate) fn program(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landmark-extraction"));
    command.args(arguments);
    command
}

/// Starts the program; what it prints is not read. It ends by Ctrl+C, also where this test runs in the background of a shell.
pub(crate) fn start(arguments: &[&str]) -> Child {
    restore_default(INT);
    command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Requires an exit code, and gives what stands on standard error.
#[track_caller]
pub(crate) fn require_code(output: &Output, code: i32) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    err.into_owned()
}

/// A data set of drawn frames, with a place for results.
pub(crate) struct Set {
    folder: tempfile::TempDir,
}

impl Set {
    pub(crate) fn drawn(n_samples: usize, frames: usize) -> Self {
        let set = Self { folder: tempfile::tempdir().unwrap() };
        made::write_set(&set.data(), n_samples, frames).unwrap();
        set
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The words that extract this set into the folder of this name.
    pub(crate) fn words(&self, out: &str, more: &[&str]) -> Vec<String> {
        let mut words = vec!["extract".to_owned(), self.data().display().to_string(), "--out".to_owned()];
        words.push(self.path(out).display().to_string());
        if !more.contains(&"--models") {
            words.extend(["--models", "made"].map(str::to_owned));
        }
        words.extend(more.iter().map(|&word| word.to_owned()));
        words
    }

    pub(crate) fn extract(&self, out: &str, more: &[&str]) -> Output {
        let words = self.words(out, more);
        program(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub(crate) fn start(&self, out: &str, more: &[&str]) -> Child {
        let words = self.words(out, more);
        start(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Makes a sample of so many frames of an existing picture, each a link to it.
    pub(crate) fn add_long_sample(&self, split: &str, id: &str, frames: usize) {
        let first = self.data().join("train/made_0001/frame_0001.png");
        let folder = self.data().join(split).join(id);
        fs::create_dir_all(&folder).unwrap();
        (0..frames).for_each(|n| fs::hard_link(&first, folder.join(format!("f{n:06}.png"))).unwrap());
    }
}

/// The bytes of all arrays below a folder, by their path in it.
pub(crate) fn arrays(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in
        fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir())
    {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|ending| ending == "npy") {
                found.insert(path.strip_prefix(out).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[track_caller]
pub(crate) fn assert_same_arrays(found: &Path, expected: &Path) {
    let (found, expected) = (arrays(found), arrays(expected));
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &found {
        assert!(bytes == &expected[name], "{} differs", name.display());
    }
}

/// The names of hidden files in a folder: what was not finished.
pub(crate) fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

pub(crate) fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

/// The rows of a table, each by the names of its columns.
pub(crate) fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}
