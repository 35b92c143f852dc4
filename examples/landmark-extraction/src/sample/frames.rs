//! The frames of a sample's folder: which files they are, in which order, and what changes when they change.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::SampleError;
use super::order::{Slot, natural_order, slots};

/// Files whose names end so are JPEG frames, where a folder has no PNG.
const JPEG_ENDINGS: [&str; 2] = [".jpg", ".jpeg"];

/// A file that is a frame.
#[derive(Debug, Clone)]
struct FrameFile {
    name: OsString,
    bytes: u64,
    /// Nanoseconds since 1970, 0 where the system does not say.
    modified: i128,
}

/// The frames of a folder in natural order, with the missing ones between them.
///
/// Frames are the regular files directly in the folder whose names end in `.png`, in any case, and do not start with a dot. Only
/// where there is none, those that end in `.jpg` or `.jpeg` are.
#[derive(Debug, Clone)]
pub struct FrameSet {
    folder: PathBuf,
    files: Vec<FrameFile>,
    slots: Vec<Slot>,
    n_jpeg_beside: usize,
}

/// A row of the array before its frame is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameSlot {
    /// The file; none where the number has no file.
    pub path: Option<PathBuf>,
    /// The number in its name, where the names are numbered.
    pub number: Option<u64>,
}

impl FrameSet {
    /// Looks at a folder. Opens no frame; one system call for each file.
    ///
    /// # Errors
    /// [`SampleError::FolderMissing`], [`SampleError::NoFrames`], and [`SampleError::Unreadable`] for what is no folder or cannot be
    /// read.
    pub fn read(folder: &Path) -> Result<Self, SampleError> {
        let entries = fs::read_dir(folder).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SampleError::FolderMissing,
            _ => SampleError::unreadable(folder, &error),
        })?;
        let (mut png, mut jpeg) = (Vec::new(), Vec::new());
        for entry in entries {
            let name = entry.map_err(|error| SampleError::unreadable(folder, &error))?.file_name();
            let frames = match ending(&name) {
                Some(Ending::Png) => &mut png,
                Some(Ending::Jpeg) => &mut jpeg,
                None => continue,
            };
            frames.extend(frame_file(folder, name)?);
        }
        let n_jpeg_beside = if png.is_empty() { 0 } else { jpeg.len() };
        let mut files = if png.is_empty() { jpeg } else { png };
        if files.is_empty() {
            return Err(SampleError::NoFrames);
        }
        files.sort_by(|a, b| natural_order(a.name.as_encoded_bytes(), b.name.as_encoded_bytes()));
        let names: Vec<&[u8]> = files.iter().map(|file| file.name.as_encoded_bytes()).collect();
        let slots = slots(&names);
        Ok(Self { folder: folder.to_owned(), files, slots, n_jpeg_beside })
    }

    /// Rows: files and missing frames.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.slots.len()
    }

    /// JPEG files that are no frames, as there are PNG files beside them.
    #[must_use]
    pub fn n_jpeg_beside(&self) -> usize {
        self.n_jpeg_beside
    }

    /// Rows 0, `stride`, 2 `stride` and so on, missing ones counted. A stride of 0 counts as 1.
    pub fn rows(&self, stride: usize) -> impl Iterator<Item = FrameSlot> {
        self.slots.iter().step_by(stride.max(1)).map(|slot| {
            let file = slot.name_idx.and_then(|name_idx| self.files.get(name_idx));
            FrameSlot { path: file.map(|file| self.folder.join(&file.name)), number: slot.number }
        })
    }

    /// Changes when a frame is added, removed, renamed, or written anew: a checksum of names, sizes and times. Content is not read.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        let mut hash = Xxh3::new();
        for file in &self.files {
            hash.update(&(file.name.len() as u64).to_le_bytes());
            hash.update(file.name.as_encoded_bytes());
            hash.update(&file.bytes.to_le_bytes());
            hash.update(&file.modified.to_le_bytes());
        }
        hash.digest128()
    }

    /// What decides the bytes of the array: the fingerprint of the frames, the stride, and a number for all other settings.
    #[must_use]
    pub fn key(&self, stride: usize, settings_key: u128) -> u128 {
        let parts = [self.fingerprint(), stride.max(1) as u128, settings_key];
        xxh3_128(&parts.map(u128::to_le_bytes).concat())
    }
}

enum Ending {
    Png,
    Jpeg,
}

/// None for a name that is no frame's.
fn ending(name: &OsStr) -> Option<Ending> {
    let name = name.as_encoded_bytes();
    let ends_in = |ending: &str| {
        name.len().checked_sub(ending.len()).is_some_and(|at| name[at..].eq_ignore_ascii_case(ending.as_bytes()))
    };
    match name.first()? {
        b'.' => None,
        _ if ends_in(".png") => Some(Ending::Png),
        _ if JPEG_ENDINGS.into_iter().any(ends_in) => Some(Ending::Jpeg),
        _ => None,
    }
}

/// None for what is no regular file; links are followed.
fn frame_file(folder: &Path, name: OsString) -> Result<Option<FrameFile>, SampleError> {
    let path = folder.join(&name);
    match fs::metadata(&path) {
        Ok(about) if about.is_file() => Ok(Some(FrameFile { name, bytes: about.len(), modified: modified(&about) })),
        Ok(_) => Ok(None),
        Err(error) => Err(SampleError::unreadable(&path, &error)),
    }
}

fn modified(about: &Metadata) -> i128 {
    let Ok(time) = about.modified() else { return 0 };
    let nanos = |duration: std::time::Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), name).unwrap();
        }
        folder
    }

    fn names(set: &FrameSet, stride: usize) -> Vec<String> {
        let name = |slot: FrameSlot| {
            slot.path.map_or_else(|| "-".to_owned(), |path| path.file_name().unwrap().to_string_lossy().into_owned())
        };
        set.rows(stride).map(name).collect()
    }

    #[test]
    fn frames_are_regular_png_files_and_jpeg_files_only_without_any() {
        let folder = folder(&["f10.png", "f9.png", ".f8.png", "notes.txt", "f7.jpg", "png", "f6.png~"]);
        fs::create_dir(folder.path().join("f5.png")).unwrap();
        let set = FrameSet::read(folder.path()).unwrap();
        assert_eq!((names(&set, 1), set.n_jpeg_beside()), (vec!["f9.png".to_owned(), "f10.png".to_owned()], 1));
        fs::remove_file(folder.path().join("f9.png")).unwrap();
        fs::remove_file(folder.path().join("f10.png")).unwrap();
        fs::write(folder.path().join("f8.JPEG"), "").unwrap();
        let set = FrameSet::read(folder.path()).unwrap();
        assert_eq!((names(&set, 1), set.n_jpeg_beside()), (vec!["f7.jpg".to_owned(), "f8.JPEG".to_owned()], 0));
    }

    #[test]
    fn a_stride_counts_missing_rows() {
        let folder = folder(&["f1.png", "f2.png", "f4.png", "f5.png", "f6.png"]);
        let set = FrameSet::read(folder.path()).unwrap();
        assert_eq!(names(&set, 2), ["f1.png", "-", "f5.png"]);
        assert_eq!(names(&set, 100), ["f1.png"]);
        assert_eq!(names(&set, 0).len(), 6);
    }

    #[test]
    fn what_holds_no_frames_says_so() {
        let folder = folder(&["notes.txt"]);
        assert_eq!(FrameSet::read(folder.path()).unwrap_err().to_string(), "no frames");
        assert_eq!(FrameSet::read(&folder.path().join("absent")).unwrap_err().to_string(), "folder missing");
        let error = FrameSet::read(&folder.path().join("notes.txt")).unwrap_err();
        assert!(error.to_string().contains("notes.txt cannot be read"), "{error}");
    }

    #[test]
    fn a_fingerprint_changes_with_names_sizes_and_times() {
        let folder = folder(&["f1.png", "f2.png"]);
        let fingerprint = || FrameSet::read(folder.path()).unwrap().fingerprint();
        let mut seen = vec![fingerprint()];
        fs::write(folder.path().join("f2.png"), "longer than before").unwrap();
        seen.push(fingerprint());
        let file = fs::File::options().write(true).open(folder.path().join("f2.png")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        seen.push(fingerprint());
        fs::rename(folder.path().join("f2.png"), folder.path().join("f3.png")).unwrap();
        seen.push(fingerprint());
        fs::remove_file(folder.path().join("f3.png")).unwrap();
        seen.push(fingerprint());
        assert_eq!(fingerprint(), *seen.last().unwrap());
        let n_seen = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), n_seen);
    }
}
