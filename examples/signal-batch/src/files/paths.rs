//! Which files are captures: named ones, and all of a folder.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use consumer_support::input::kind_if_not_regular;
use serde::{Deserialize, Serialize};

use super::{FileKind, ReadSettings, read_capture};
use crate::{BatchError, BatchResult, Capture};

/// A file that holds a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in tables: unlike that of any other file of the run.
    pub name: String,
    /// The batch that it belongs to: the folder that holds it.
    pub batch: String,
}

impl CaptureFile {
    /// Reads it, with its name and its batch.
    ///
    /// # Errors
    /// As [`read_capture`].
    pub fn read(&self, settings: &ReadSettings) -> BatchResult<Capture> {
        let mut capture = read_capture(&self.path, settings)?;
        capture.name.clone_from(&self.name);
        capture.batch.clone_from(&self.batch);
        Ok(capture)
    }
}

/// The captures among these files and in these folders, sorted by name, and a sentence for each file or folder that is set aside.
///
/// Folders are walked to the bottom. Set aside are links to folders, links to files that are captures of the run already, hidden names, and what
/// has another ending or is no regular file. The name of a file is its path from the folder that was named, its batch the folder that holds it, from there too; of a file in that folder
/// itself, and of a file that was named, the batch is the folder's own name. Where several inputs are named, a folder's own name comes in front
/// of both.
///
/// # Errors
/// [`BatchError::File`] for an input that is not there, and for two files of one name.
///
/// ```
/// use signal_batch::files::capture_paths;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("lot_1"))?;
/// for name in ["lot_1/b.npy", "lot_1/a.csv", "notes.md"] {
///     std::fs::write(folder.path().join(name), "1")?;
/// }
/// let (files, set_aside) = capture_paths(&[folder.path().to_owned()])?;
/// assert_eq!(files.iter().map(|file| &file.name[..]).collect::<Vec<_>>(), ["lot_1/a.csv", "lot_1/b.npy"]);
/// assert_eq!(files[0].batch, "lot_1");
/// assert!(set_aside[0].contains("notes.md ends in .md"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn capture_paths(inputs: &[PathBuf]) -> BatchResult<(Vec<CaptureFile>, Vec<String>)> {
    let mut found = Found::default();
    for input in inputs {
        let metadata = fs::metadata(input).map_err(|error| BatchError::File {
            path: input.clone(),
            reason: format!("cannot be looked at: {error}; check the path"),
        })?;
        if metadata.is_dir() {
            let prefix = if inputs.len() > 1 { own_name(input) } else { String::new() };
            found.walk(input, &prefix);
        } else {
            let parent = input.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = found.capture_file(input.clone(), last_name(input), own_name(parent));
            found.files.extend(file);
        }
    }
    found.set_repeated_links_aside();
    found.files.sort_by(|a, b| a.name.cmp(&b.name));
    require_unlike_names(&found.files)?;
    found.set_aside.sort();
    Ok((found.files, found.set_aside))
}

#[derive(Default)]
struct Found {
    files: Vec<CaptureFile>,
    /// Links to files in folders, which were not named themselves.
    links: Vec<CaptureFile>,
    set_aside: Vec<String>,
}

impl Found {
    /// All captures below a folder, whose names begin with `prefix`.
    fn walk(&mut self, input: &Path, prefix: &str) {
        let own = own_name(input);
        let mut folders = vec![(input.to_owned(), prefix.to_owned())];
        while let Some((folder, name)) = folders.pop() {
            let batch = if name.is_empty() { &own } else { &name };
            for path in self.entries(&folder) {
                let file_name = last_name(&path);
                let entry_name = if name.is_empty() { file_name.clone() } else { format!("{name}/{file_name}") };
                if file_name.starts_with('.') {
                    self.leave(&path, "is hidden");
                } else if !path.is_dir() {
                    let is_link = path.is_symlink();
                    let file = self.capture_file(path, entry_name, batch.clone());
                    if is_link { &mut self.links } else { &mut self.files }.extend(file);
                } else if path.is_symlink() {
                    self.leave(&path, "is a link to a folder; name that folder");
                } else {
                    folders.push((path, entry_name));
                }
            }
        }
    }

    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed = fs::read_dir(folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>());
        listed.unwrap_or_else(|error| {
            self.leave(folder, &format!("cannot be listed: {error}"));
            Vec::new()
        })
    }

    /// The file as a capture; None where it can be none, which is noted.
    fn capture_file(&mut self, path: PathBuf, name: String, batch: String) -> Option<CaptureFile> {
        if let Some(what) = kind_if_not_regular(&path) {
            self.leave(&path, &format!("is {what}"));
        } else if FileKind::of(&path).is_none() {
            self.leave(&path, &FileKind::unknown(&path));
        } else {
            return Some(CaptureFile { path, name, batch });
        }
        None
    }

    /// Keeps of the links in folders those to files that are not captures of the run already, such as a `latest.csv` would be.
    fn set_repeated_links_aside(&mut self) {
        let mut places: HashMap<PathBuf, PathBuf> =
            self.files.iter().map(|file| (place(&file.path), file.path.clone())).collect();
        let mut links = std::mem::take(&mut self.links);
        links.sort_by(|a, b| a.name.cmp(&b.name));
        for link in links {
            match places.entry(place(&link.path)) {
                Entry::Occupied(taken) => {
                    let reason = format!("is a link to {}, which is measured itself", taken.get().display());
                    self.leave(&link.path, &reason);
                }
                Entry::Vacant(free) => {
                    free.insert(link.path.clone());
                    self.files.push(link);
                }
            }
        }
    }

    fn leave(&mut self, path: &Path, reason: &str) {
        self.set_aside.push(format!("{} {reason}", path.display()));
    }
}

/// The last part of the path, also of one such as `.`.
fn own_name(folder: &Path) -> String {
    last_name(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))
}

/// The last part of the path. Bytes that are no UTF-8 are written as `\xff`, so that two names that differ in them stay two.
fn last_name(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.file_name().unwrap_or_default().as_encoded_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        name.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    name
}

/// The file that a path leads to, through all links.
fn place(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// `files` are sorted by name.
fn require_unlike_names(files: &[CaptureFile]) -> BatchResult<()> {
    let twice = files.windows(2).find(|pair| pair[0].name == pair[1].name).map(|pair| (&pair[0], &pair[1]));
    let mut places = HashMap::new();
    let mut named_twice =
        || files.iter().find_map(|file| places.insert(place(&file.path), file).map(|other| (other, file)));
    let Some((one, other)) = named_twice().or(twice) else { return Ok(()) };
    let reason = match place(&one.path) == place(&other.path) {
        true => format!("is {} too; name it once", one.path.display()),
        false => format!(
            "is called {:?}, as is {}; rename one, or name the folders that hold them",
            other.name,
            one.path.display()
        ),
    };
    Err(BatchError::File { path: other.path.clone(), reason })
}
