//! Files by their names in a folder that is opened once.
//!
//! Promise: a folder that is renamed, or a program that changes its current folder, leads no later use of a name
//! elsewhere; and no temporary name can be foreseen, so none can be planted. Where a path leads is decided in
//! `place.rs`; what is written, by the users of both: journal, lock, report, and files that are replaced as a whole.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// An open folder.
///
/// On Linux its names are looked up through the open descriptor, as `/proc/self/fd/N/name`. Elsewhere, and without
/// `/proc`, through the path that it was opened with.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// What names are appended to.
    base: PathBuf,
    #[cfg(unix)]
    file: File,
}

/// Which file it is, whatever its name. Two files that exist at one time have different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Other systems do not say it, so all files count as the same one.
    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Self {
        Self {}
    }
}

impl Folder {
    /// Costs some three system calls.
    ///
    /// # Errors
    /// A folder that is missing or may not be read, and a path that is no folder.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // A pipe would keep the opening waiting for its other end.
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        #[cfg(unix)]
        let file = File::open(path)?;
        Ok(Self {
            #[cfg(unix)]
            base: base_of(&file).unwrap_or_else(|| path.to_owned()),
            #[cfg(not(unix))]
            base: path.to_owned(),
            path: path.to_owned(),
            #[cfg(unix)]
            file,
        })
    }

    /// The path that it was opened with.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's path now, where the system says it: after a rename it is another one.
    pub(crate) fn present_path(&self) -> PathBuf {
        fs::read_link(&self.base).unwrap_or_else(|_| self.path.clone())
    }

    /// The file of this name; `None` where there is none. Not what a link leads to, but the link.
    pub(crate) fn metadata(&self, name: &OsStr) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(self.base.join(name)) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the open file is the one of this name.
    pub(crate) fn is_at(&self, file: &File, name: &OsStr) -> bool {
        match (file.metadata(), self.metadata(name)) {
            (Ok(ours), Ok(Some(there))) => FileId::of(&ours) == FileId::of(&there),
            _ => false,
        }
    }

    pub(crate) fn open_with(&self, name: &OsStr, options: &OpenOptions) -> io::Result<File> {
        options.open(self.base.join(name))
    }

    /// A new file under a name that no other program can know before: a random number of 64 bits. A file of that name
    /// would not be opened, but another number tried.
    ///
    /// `is_private` lets its owner alone read it from its making on.
    pub(crate) fn create_temporary(&self, is_private: bool) -> io::Result<(OsString, File)> {
        let random = || RandomState::new().hash_one(std::process::id());
        self.create_first(std::iter::repeat_with(random).take(100), is_private)
    }

    fn create_first(&self, numbers: impl Iterator<Item = u64>, is_private: bool) -> io::Result<(OsString, File)> {
        let options = new_file(is_private);
        for number in numbers {
            // Without the target's name, which may be as long as a name can be.
            let name = OsString::from(format!(".manyhands-{number:016x}.tmp"));
            match self.open_with(&name, &options) {
                Ok(file) => return Ok((name, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(crate) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.base.join(from), self.base.join(to))
    }

    pub(crate) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.base.join(name))
    }

    /// Writes the folder's names to the disk. Other systems cannot do so, and the rename alone must do.
    #[cfg_attr(not(unix), expect(clippy::unused_self, reason = "only Unix can sync a folder"))]
    pub(crate) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        match self.file.sync_all() {
            // Some network file systems cannot sync a folder and return these errors.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
        #[cfg(not(unix))]
        Ok(())
    }
}

/// The open folder by way of `/proc`; `None` where that does not lead to it.
#[cfg(target_os = "linux")]
fn base_of(file: &File) -> Option<PathBuf> {
    use std::os::fd::AsRawFd as _;
    let base = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let (there, ours) = (fs::metadata(&base).ok()?, file.metadata().ok()?);
    (FileId::of(&there) == FileId::of(&ours)).then_some(base)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn base_of(_: &File) -> Option<PathBuf> {
    None
}

/// Never opens a file that exists, not even through a link.
fn new_file(is_private: bool) -> OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_private { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = is_private;
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_neither_opened_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "theirs").unwrap();
        let planted = |number: u64| folder.path().join(format!(".manyhands-{number:016x}.tmp"));
        fs::write(planted(1), "left").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&victim, planted(2)).unwrap();
        #[cfg(not(unix))]
        fs::write(planted(2), "left").unwrap();
        let open = Folder::open(folder.path()).unwrap();
        let (name, _) = open.create_first(1..4, true).unwrap();
        assert_eq!(name, planted(3).file_name().unwrap());
        assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
        assert_eq!(open.create_first(1..4, true).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn temporary_names_cannot_be_told_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let open = Folder::open(folder.path()).unwrap();
        let mut numbers: Vec<u64> = (0..50)
            .map(|_| {
                let (name, _) = open.create_temporary(false).unwrap();
                let name = name.into_string().unwrap();
                u64::from_str_radix(name.strip_prefix(".manyhands-").unwrap().strip_suffix(".tmp").unwrap(), 16)
                    .unwrap()
            })
            .collect();
        numbers.sort_unstable();
        assert!(
            numbers.windows(2).all(|pair| pair[1] - pair[0] > 1 << 16),
            "they are close to each other: {numbers:x?}"
        );
        assert!(numbers[0] < 1 << 62 && numbers[49] > 3 << 62, "they are not from the whole range: {numbers:x?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_that_is_renamed_is_still_the_same_one() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old"), root.path().join("new"));
        fs::create_dir(&old).unwrap();
        let open = Folder::open(&old).unwrap();
        fs::rename(&old, &new).unwrap();
        fs::create_dir(&old).unwrap();
        let (name, file) = open.create_temporary(false).unwrap();
        assert!(open.is_at(&file, &name) && new.join(&name).exists());
        assert_eq!(open.present_path(), new.canonicalize().unwrap());
        open.rename(&name, OsStr::new("a")).unwrap();
        assert!(new.join("a").exists() && open.metadata(OsStr::new("a")).unwrap().is_some());
        open.remove(OsStr::new("a")).unwrap();
        assert_eq!((fs::read_dir(&new).unwrap().count(), fs::read_dir(&old).unwrap().count()), (0, 0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_folder_is_an_error_and_keeps_nothing_waiting() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(Folder::open(&pipe).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert_eq!(Folder::open(&root.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
