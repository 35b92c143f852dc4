//! The samples of a data set: which splits there are, and which folders in them are samples.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use consumer_support::command_line::shell_quoted;
use landmark_extraction::sample::FrameSet;
use serde::{Deserialize, Serialize};

use crate::cli::Refusal;

/// The usual splits, in the order in which they are extracted.
pub(super) const USUAL_SPLITS: [&str; 3] = ["train", "dev", "test"];

/// The word for all of them.
const ALL: &str = "all";

/// A sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct SampleItem {
    /// The name of its folder.
    pub(in crate::cli) id: String,
    /// The folder above it.
    pub(in crate::cli) split: String,
    /// The folder of its frames.
    pub(in crate::cli) folder: PathBuf,
    /// Rows of its array, for the order of work; 0 where they cannot be counted.
    pub(in crate::cli) n_rows: usize,
    /// A number that changes when its frames or the settings do; empty where its frames cannot be listed.
    pub(in crate::cli) fingerprint: String,
}

/// A split and its samples, in natural order.
#[derive(Debug, Clone)]
pub(in crate::cli) struct SplitSamples {
    pub(in crate::cli) split: String,
    pub(in crate::cli) samples: Vec<SampleItem>,
    /// What is in the folder besides samples, as sentences.
    pub(in crate::cli) set_aside: Vec<String>,
    /// How many of those are folders whose names are no text, so that they cannot be samples.
    pub(in crate::cli) n_left_out: usize,
}

/// The splits that the flag chooses, and a sentence for each folder that `all` leaves out.
///
/// # Errors
/// A message: the folder cannot be read, it has no split folders, or not this one.
pub(in crate::cli) fn chosen_splits(data: &Path, split: &str) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let (names, odd) = folders(data)?;
    let shown = data.display();
    if split != ALL {
        let is_plain = Path::new(split).components().eq([std::path::Component::Normal(split.as_ref())]);
        if is_plain && data.join(split).is_dir() {
            return Ok((vec![split.to_owned()], Vec::new()));
        }
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(format!("{shown} has no split {split:?}; there are: {there}; or --split {ALL}"));
    }
    let usual: Vec<String> =
        USUAL_SPLITS.into_iter().filter(|usual| data.join(usual).is_dir()).map(str::to_owned).collect();
    if usual.is_empty() {
        return Err(no_splits(data, &names));
    }
    let others = names.iter().filter(|name| !usual.contains(name));
    let sentence =
        |name: &String| format!("{name} is left out: it is none of train, dev, test; --split {name} takes it");
    let odd = odd.iter().map(|name| format!("{name} is left out: its name is not UTF-8; rename it"));
    let left_out = others.map(sentence).chain(odd).collect();
    Ok((usual, left_out))
}

fn no_splits(data: &Path, names: &[String]) -> Refusal {
    let shown = data.display();
    let layout = "landmarks are extracted from DATA/<split>/<sample>/<frame>.png";
    let holds_frames = |folder: &Path| FrameSet::read(folder).is_ok();
    if names.is_empty() {
        return if holds_frames(data) {
            format!("{shown} holds frames itself; {layout}, so give the folder two levels above the frames")
        } else {
            format!("{shown} holds no folders; {layout}")
        };
    }
    if names.iter().any(|name| holds_frames(&data.join(name))) {
        let above = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        if let (Some(parent), Some(own)) = (above.parent(), above.file_name()) {
            return format!(
                "{shown} holds samples itself, and no folders train, dev or test; {layout}, so give the folder above: {} --split {}",
                shell_quoted(parent),
                shell_quoted(Path::new(own))
            );
        }
    }
    format!("{shown} has no folders train, dev or test; choose with --split one of: {}", names.join(", "))
}

/// The names of the folders in a folder, without hidden ones; and those that are no text, as far as they can be shown.
fn folders(data: &Path) -> Result<(Vec<String>, Vec<String>), Refusal> {
    let unreadable =
        |error: io::Error| format!("{} cannot be read: {error}; give the folder above the splits", data.display());
    let (mut names, mut odd) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(data).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_hidden && data.join(&name).is_dir() {
            match name.into_string() {
                Ok(name) => names.push(name),
                Err(name) => odd.push(name.to_string_lossy().into_owned()),
            }
        }
    }
    names.sort_unstable();
    Ok((names, odd))
}

/// The samples of a split. Looks at each frame's size and time, and opens none.
///
/// # Errors
/// A message when the folder cannot be read.
pub(in crate::cli) fn samples_of(
    data: &Path,
    split: &str,
    (settings_key, stride): (u128, usize),
) -> Result<SplitSamples, Refusal> {
    let folder = data.join(split);
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
    let (mut samples, mut set_aside, mut n_left_out) = (Vec::new(), Vec::new(), 0);
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let shown = format!("{split}/{}", entry.file_name().to_string_lossy());
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // What cannot be looked at fails by name when it is its turn.
        if fs::metadata(&path).is_ok_and(|about| !about.is_dir()) {
            set_aside.push(format!("{shown} is set aside: it is no folder"));
            continue;
        }
        match (entry.file_name().into_string(), path.to_str()) {
            (Ok(id), Some(_)) => samples.push(sample(id, split, path, settings_key, stride)),
            _ => {
                set_aside.push(format!("{shown} is set aside: its path is not UTF-8; rename it"));
                n_left_out += 1;
            }
        }
    }
    samples.sort_by(|a, b| landmark_extraction::sample::natural_order(a.id.as_bytes(), b.id.as_bytes()));
    set_aside.sort_unstable();
    Ok(SplitSamples { split: split.to_owned(), samples, set_aside, n_left_out })
}

fn sample(id: String, split: &str, folder: PathBuf, settings_key: u128, stride: usize) -> SampleItem {
    let frames = FrameSet::read(&folder).ok();
    SampleItem {
        id,
        split: split.to_owned(),
        n_rows: frames.as_ref().map_or(0, |frames| frames.n_rows().div_ceil(stride)),
        fingerprint: frames.map_or_else(String::new, |frames| format!("{:032x}", frames.key(stride, settings_key))),
        folder,
    }
}

/// The order of work: a sample of usual length first, as one is measured alone, then the longest first, so that no worker is left
/// alone with one at the end.
pub(super) fn order_for_work(samples: &mut [SampleItem]) {
    samples.sort_by_key(|sample| std::cmp::Reverse(sample.n_rows));
    let usual = samples.len() / 2;
    if let Some(first) = samples.get_mut(..=usual) {
        first.rotate_right(1);
    }
}
