//! The recordings of a run: files, and what folders hold.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::Refusal;

/// The endings of recordings, in lower case. A BrainVision recording is its header.
const ENDINGS: [&str; 3] = ["edf", "bdf", "vhdr"];

/// A recording to clean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordingFile {
    /// The name of its folder of results: the file's name without its ending.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The memory that it needs, as far as its header tells; 0 where it cannot be read.
    pub(super) bytes: u64,
}

/// The recordings that files and folders hold, in order of their names, and what the folders hold besides.
///
/// # Errors
/// A message when a folder cannot be read, there are no recordings, or two would have one folder of results.
pub(super) fn recordings(inputs: &[PathBuf]) -> Result<(Vec<RecordingFile>, Vec<String>), Refusal> {
    let (mut paths, mut set_aside) = (Vec::new(), Vec::new());
    for input in inputs {
        if input.is_dir() {
            in_folder(input, &mut paths, &mut set_aside)?;
        } else {
            paths.push(input.clone());
        }
    }
    if paths.is_empty() {
        let named: Vec<String> = inputs.iter().map(|input| input.display().to_string()).collect();
        return Err(format!("{} holds no recordings: files that end in .edf, .bdf or .vhdr", named.join(", ")));
    }
    let mut files: Vec<RecordingFile> =
        paths.into_iter().map(|path| RecordingFile { name: name(&path), path, bytes: 0 }).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    require_own_names(&files)?;
    set_aside.sort_unstable();
    Ok((files, set_aside))
}

fn in_folder(folder: &Path, paths: &mut Vec<PathBuf>, set_aside: &mut Vec<String>) -> Result<(), Refusal> {
    let unreadable = |why: std::io::Error| format!("{} cannot be read: {why}", folder.display());
    let mut companions = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let shown = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match ending.as_str() {
            _ if shown.starts_with('.') => {}
            _ if path.is_dir() => {
                set_aside.push(format!("{shown} is set aside: it is a folder; name it beside this one"))
            }
            ending if ENDINGS.contains(&ending) => paths.push(path),
            "vmrk" | "eeg" => companions.push(path),
            _ => set_aside.push(format!("{shown} is set aside: its name does not end in .edf, .bdf or .vhdr")),
        }
    }
    let lone = companions.into_iter().filter(|path| !path.with_extension("vhdr").exists());
    set_aside
        .extend(lone.map(|path| format!("{} is set aside: its .vhdr file is not beside it", name_with_ending(&path))));
    Ok(())
}

fn require_own_names(files: &[RecordingFile]) -> Result<(), Refusal> {
    let mut seen: HashMap<String, &Path> = HashMap::new();
    for file in files {
        // Some systems take names that differ in case alone for one.
        if let Some(other) = seen.insert(file.name.to_lowercase(), &file.path) {
            return Err(format!(
                "{} and {} would write to one folder; clean them into two with --out, or rename one",
                other.display(),
                file.path.display()
            ));
        }
    }
    Ok(())
}

/// `run` and the page are names of the whole run, on some systems in any case; the stems of `..edf` and `...edf` lead elsewhere.
fn name(path: &Path) -> String {
    const TAKEN: [&str; 4] = ["run", "index.html", ".", ".."];
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if TAKEN.contains(&stem.to_lowercase().as_str()) { name_with_ending(path) } else { stem }
}

fn name_with_ending(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_recording_has_a_folder_of_results_that_is_the_whole_runs_or_outside() {
        for (file, folder) in [
            ("scans/a.edf", "a"),
            ("run.edf", "run.edf"),
            ("Run.edf", "Run.edf"),
            ("index.html.edf", "index.html.edf"),
            ("..edf", "..edf"),
            ("...edf", "...edf"),
            (".edf", ".edf"),
            ("....edf", "..."),
        ] {
            assert_eq!(name(Path::new(file)), folder, "{file}");
        }
    }
}
