//! Replaces a file as a whole or not at all: writes it under another name, syncs it, then renames it. The report uses
//! it, and so can a program.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::sync::{HintWord, Ordering, ProcessMark};

/// Writes a file so that readers find the old file or the new file as a whole, also after a crash or a loss of power.
///
/// The closure writes to a temporary file in the same folder. Then that file is synced and renamed, and the folder is
/// synced. After an error, and after an error or a panic of the closure, the temporary file is removed and the old file
/// is unchanged. A failed write is an error even when the closure ignored it, as a buffered writer does when it is
/// dropped.
///
/// The new file has the permission bits of the old one; owner, access lists and extended attributes are those of a new
/// file. A symbolic link is followed, and stays; a broken link is replaced. Of two simultaneous writers, the one that
/// ends last wins. A process that is killed leaves its temporary file behind, named `.manyhands-*.tmp`.
///
/// When each item writes its own output this way, an existing file is a finished item, and a later run can skip it (see
/// [`Job::done_if`](crate::Job::done_if)).
///
/// # Cost
/// Two syncs: some milliseconds on most disks, besides the write itself.
///
/// ```
/// use manyhands::report::write_atomically;
/// use manyhands::{parallel_map, Threads};
/// use std::io::Write as _;
///
/// let folder = tempfile::tempdir()?;
/// let output = |night: &i32| folder.path().join(format!("night {night}.csv"));
/// let to_do: Vec<i32> = (0..3).filter(|night| !output(night).exists()).collect();
/// let written = parallel_map(Threads, &to_do, |night| {
///     write_atomically(output(night), |file| writeln!(file, "epoch,power\n0,{night}"))
/// })?;
/// assert!(written.iter().all(Result::is_ok));
/// assert_eq!(std::fs::read_to_string(output(&2))?, "epoch,power\n0,2\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The closure's error; and, with the path, a folder that is missing or read-only, a full disk, and a target that is a
/// folder or a device. When only the last sync of the folder failed, the new file exists and the message says so.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = path.as_ref();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{} was not written: {error}", path.display()));

    let target = Target::find(path).map_err(named)?;
    let folder = Folder::open(&target.folder).map_err(named)?;
    let (temporary, file) = Temporary::create(&target).map_err(named)?;
    let mut writer = Watched { file: BufWriter::new(file), failure: None };
    let written = write(&mut writer);
    let whole = writer.finish().map_err(named)?;
    written?;
    whole.sync_all().map_err(named)?;
    drop(whole);
    temporary.rename(&target.path).map_err(named)?;
    folder.sync().map_err(|error| {
        let message = format!("{} is written, but a loss of power may undo it: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

/// Checks that the folder is writable: creates a file in it and removes it.
///
/// Permission bits alone do not show it: a file system may be mounted read-only. The file is created and removed like
/// any temporary one.
#[cfg(feature = "reports")]
pub(crate) fn check_folder(folder: &Path) -> io::Result<()> {
    let target = Target { path: folder.to_owned(), folder: folder.to_owned(), permissions: None };
    Temporary::create(&target).map(drop)
}

/// The file to replace or create.
struct Target {
    path: PathBuf,
    folder: PathBuf,
    /// `None` when the file does not exist yet.
    permissions: Option<fs::Permissions>,
}

impl Target {
    /// Follows links, so that the rename replaces the file and not the link. A path that does not exist, or a broken
    /// link, is taken as it is.
    fn find(path: &Path) -> io::Result<Self> {
        let (path, permissions) = match fs::canonicalize(path) {
            Ok(path) => {
                let metadata = fs::metadata(&path)?;
                if !metadata.is_file() {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is there, and no regular file"));
                }
                (path, Some(metadata.permissions()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(error),
        };
        let folder = match (path.file_name(), path.parent()) {
            (None, _) | (_, None) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path ends with no file name"));
            }
            (_, Some(folder)) if folder.as_os_str().is_empty() => PathBuf::from("."),
            (_, Some(folder)) => folder.to_owned(),
        };
        Ok(Self { path, folder, permissions })
    }
}

/// A temporary file, removed on drop unless it was renamed.
struct Temporary {
    /// `None` once it was renamed: then another machine may use the temporary name in a shared folder.
    path: Option<PathBuf>,
    /// The process that created it; a forked child's copy of this value removes nothing.
    process: ProcessMark,
}

/// The next number to try. Creating the file shows whether its name is free.
static NEXT: HintWord = HintWord::new(0);

impl Temporary {
    /// In the folder of the target, because a rename works within one file system only. Ends at the first free number.
    fn create(target: &Target) -> io::Result<(Self, File)> {
        loop {
            // Relaxed: of two threads with one number, only one can create the file.
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            // Without the target's name, which may be as long as a name can be.
            let path = target.folder.join(format!(".manyhands-{}-{number}.tmp", std::process::id()));
            match new_file(target.permissions.as_ref()).open(&path) {
                Ok(file) => {
                    let temporary = Self { path: Some(path), process: ProcessMark::current() };
                    give_permissions(&file, target.permissions.as_ref())?;
                    return Ok((temporary, file));
                }
                // A killed process with this process id left it behind.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, target)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && self.process.is_current()
        {
            // A file that cannot be removed stays; the error that led here matters more.
            let _ = fs::remove_file(path);
        }
    }
}

/// Sets the permission bits that the process's mask removed.
fn give_permissions(file: &File, wanted: Option<&fs::Permissions>) -> io::Result<()> {
    match wanted {
        // Only where it changes anything: file systems without permissions refuse the call.
        Some(wanted) if file.metadata()?.permissions() != *wanted => file.set_permissions(wanted.clone()),
        _ => Ok(()),
    }
}

/// Creates the file with its permissions, so that a secret is never readable by all.
#[cfg(unix)]
fn new_file(permissions: Option<&fs::Permissions>) -> OpenOptions {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let mut options = File::options();
    options.write(true).create_new(true).mode(permissions.map_or(0o666, |permissions| permissions.mode() & 0o777));
    options
}

#[cfg(not(unix))]
fn new_file(_: Option<&fs::Permissions>) -> OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    options
}

/// Remembers the first write that failed.
///
/// The closure may ignore an error, and a file without those bytes must not replace the old one.
struct Watched {
    file: BufWriter<File>,
    failure: Option<io::Error>,
}

impl Watched {
    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            // The caller retries an interrupted write.
            if error.kind() == io::ErrorKind::Interrupted || self.failure.is_some() {
                return error;
            }
            let same = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            self.failure = Some(error);
            same
        })
    }

    /// Writes the last buffer and gives the file for its sync, or the first error of any write.
    fn finish(self) -> io::Result<File> {
        if let Some(failure) = self.failure {
            // Taken apart, because a dropped buffer would write once more.
            drop(self.file.into_parts());
            return Err(failure);
        }
        self.file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.file.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.flush();
        self.remember(result)
    }
}

/// A folder, opened before anything is written, so that a missing folder is the first error.
#[cfg(unix)]
struct Folder(File);

#[cfg(unix)]
impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    fn sync(&self) -> io::Result<()> {
        match self.0.sync_all() {
            // Some network file systems cannot sync a folder and return these errors.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }
}

/// Other systems cannot open a folder as a file, so the rename alone must do.
#[cfg(not(unix))]
struct Folder;

#[cfg(not(unix))]
impl Folder {
    fn open(_: &Path) -> io::Result<Self> {
        Ok(Self)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Writes this text as a file.
    fn write_text(path: &Path, text: &str) -> io::Result<()> {
        write_atomically(path, |file| file.write_all(text.as_bytes()))
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    /// Names in a folder, the temporary ones included.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_made_and_then_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_text(&path, "first and longer").unwrap();
        assert_eq!(read(&path), "first and longer");
        write_text(&path, "second").unwrap();
        assert_eq!((read(&path), names(folder.path())), ("second".to_string(), vec!["table.csv".to_string()]));
    }

    #[test]
    fn the_old_file_is_there_while_the_new_one_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_text(&path, "old").unwrap();
        let mut old = File::open(&path).unwrap();
        write_atomically(&path, |file| {
            file.write_all(&[b'n'; 100_000])?;
            file.flush()?;
            assert_eq!(read(&path), "old");
            Ok(())
        })
        .unwrap();
        let mut text = String::new();
        old.read_to_string(&mut text).unwrap();
        assert_eq!((text, read(&path).len()), ("old".to_string(), 100_000), "an open handle reads the old file");
    }

    #[test]
    fn an_error_of_the_closure_comes_back_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_text(&path, "old").unwrap();
        let error = write_atomically(&path, |file| {
            file.write_all(&[b'n'; 100_000])?;
            Err(io::Error::other("no samples"))
        });
        assert_eq!(error.unwrap_err().to_string(), "no samples");
        assert_eq!((read(&path), names(folder.path()).len()), ("old".to_string(), 1));
    }

    #[test]
    fn a_panic_of_the_closure_goes_on_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        write_text(&path, "old").unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            write_atomically(&path, |file| {
                file.write_all(&[b'n'; 100_000])?;
                std::panic::resume_unwind(Box::new("the closure's own"))
            })
        }));
        assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"the closure's own"));
        assert_eq!((read(&path), names(folder.path()).len()), ("old".to_string(), 1));
    }

    #[test]
    fn a_folder_that_is_missing_is_named_before_the_closure_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("table.csv");
        let error = write_atomically(&path, |_| panic!("called")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("table.csv was not written"), "{error}");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("taken")).unwrap();
        let mut refused = vec![folder.path().join("taken"), folder.path().join(".."), PathBuf::from("/"), "".into()];
        if cfg!(unix) {
            refused.push("/dev/null".into());
        }
        for path in refused {
            let error = write_atomically(&path, |_| panic!("called")).unwrap_err();
            let is_named = error.to_string().starts_with(&format!("{} was not written", path.display()));
            assert!(is_named && error.kind() == io::ErrorKind::InvalidInput, "{path:?}: {error}");
        }
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_name_without_a_folder_is_one_in_the_current_folder() {
        let target = Target::find(Path::new("a-file-that-does-not-exist.csv")).unwrap();
        assert_eq!((target.folder, target.path), (".".into(), "a-file-that-does-not-exist.csv".into()));
    }

    #[test]
    fn a_name_may_be_as_long_as_a_name_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write_text(&path, "long").unwrap();
        assert_eq!(read(&path), "long");
    }

    #[test]
    fn files_of_a_killed_process_do_not_hinder_a_write() {
        let folder = tempfile::tempdir().unwrap();
        // The numbers that come next: other tests may take some of them meanwhile.
        let next = NEXT.load(Ordering::Relaxed);
        for number in next..next + 100 {
            let left = folder.path().join(format!(".manyhands-{}-{number}.tmp", std::process::id()));
            fs::write(left, "left").unwrap();
        }
        let path = folder.path().join("table.csv");
        write_text(&path, "new").unwrap();
        assert_eq!((read(&path), names(folder.path()).len()), ("new".to_string(), 101));
    }

    #[test]
    fn of_many_writers_at_a_time_one_wins_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::thread::scope(|scope| {
            for letter in ["a", "b", "c", "d"] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..5 {
                        write_text(path, &letter.repeat(50_000)).unwrap();
                        let text = read(path);
                        assert_eq!((text.len(), text.matches(&text[..1]).count()), (50_000, 50_000));
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["table.csv"]);
    }

    #[cfg(feature = "reports")]
    #[test]
    fn a_folder_is_tried_without_leaving_anything() {
        let folder = tempfile::tempdir().unwrap();
        check_folder(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
        assert!(check_folder(&folder.path().join("missing")).is_err());
    }

    /// What this gives while nothing can be written in the folder. Root may write anywhere, so a thread gives that
    /// right up; one of its own, since it does not come back.
    #[cfg(all(target_os = "linux", feature = "reports"))]
    pub(crate) fn in_read_only<R: Send>(folder: &Path, act: impl FnOnce() -> R + Send) -> R {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
        use std::os::unix::fs::PermissionsExt as _;

        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        let result = std::thread::scope(|scope| {
            let unprivileged = scope.spawn(|| {
                let mut rights = capabilities(None).unwrap();
                rights.effective.remove(CapabilitySet::DAC_OVERRIDE);
                set_capabilities(None, rights).unwrap();
                act()
            });
            unprivileged.join().unwrap()
        });
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        result
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        use std::process::Command;

        use super::*;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        #[test]
        fn the_permissions_of_the_old_file_stay() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.csv");
            write_text(&path, "made").unwrap();
            assert_eq!(mode(&path) & 0o600, 0o600);
            // More and fewer than a mask would leave, and one that its owner may not write to.
            for permissions in [0o600, 0o666, 0o444, 0o777] {
                fs::set_permissions(&path, fs::Permissions::from_mode(permissions)).unwrap();
                write_text(&path, "replaced").unwrap();
                assert_eq!(mode(&path), permissions, "{permissions:o}");
            }
        }

        #[test]
        fn a_secret_is_readable_by_its_owner_alone_while_it_is_written() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("key");
            fs::write(&path, "old").unwrap();
            let private = fs::Permissions::from_mode(0o600);
            fs::set_permissions(&path, private.clone()).unwrap();
            let new = folder.path().join("new");
            new_file(Some(&private)).open(&new).unwrap();
            assert_eq!(mode(&new) & 0o077, 0, "from its making on");
            write_atomically(&path, |_| {
                let all = names(folder.path());
                let temporary = all.iter().find(|name| name.ends_with(".tmp")).unwrap();
                assert_eq!(mode(&folder.path().join(temporary)), 0o600);
                Ok(())
            })
            .unwrap();
        }

        #[test]
        fn a_link_is_followed_and_stays() {
            let folder = tempfile::tempdir().unwrap();
            let (elsewhere, path) = (tempfile::tempdir().unwrap(), folder.path().join("latest.csv"));
            let target = elsewhere.path().join("table.csv");
            fs::write(&target, "old").unwrap();
            symlink(&target, &path).unwrap();
            write_text(&path, "new").unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert_eq!((read(&target), names(elsewhere.path()).len()), ("new".to_string(), 1));
        }

        #[cfg(all(target_os = "linux", feature = "reports"))]
        #[test]
        fn a_folder_that_is_read_only_is_named_and_left_as_it_is() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.csv");
            write_text(&path, "old").unwrap();
            let error = in_read_only(folder.path(), || write_atomically(&path, |_| panic!("called")).unwrap_err());
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("table.csv was not written"), "{error}");
            assert_eq!((read(&path), names(folder.path()).len()), ("old".to_string(), 1));
        }

        /// Where the copy of this program that may write small files only is to write.
        const SMALL_FILES_IN: &str = "SMALL_FILES_IN";

        /// A limit on the size of files stands in for a full disk; it is the whole process's, so another one has it.
        #[test]
        fn a_full_disk_fails_the_write_and_leaves_the_old_file() {
            if let Some(folder) = std::env::var_os(SMALL_FILES_IN) {
                return fill(Path::new(&folder));
            }
            let folder = tempfile::tempdir().unwrap();
            let module = module_path!().split_once("::").expect("a module of the crate").1;
            let this_test = format!("{module}::a_full_disk_fails_the_write_and_leaves_the_old_file");
            let copy = Command::new("sh")
                .args(["-c", r#"ulimit -f 8; trap "" XFSZ; exec "$0" "$@""#])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", &this_test])
                .env(SMALL_FILES_IN, folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&copy.stdout);
            assert!(copy.status.success() && said.contains("1 passed"), "{said}");
            assert_eq!(names(folder.path()), ["table.csv"]);
        }

        fn fill(folder: &Path) {
            let path = folder.join("table.csv");
            write_text(&path, "old").unwrap();
            type Attempt = fn(&mut dyn Write) -> io::Result<()>;
            let attempts: [(&str, Attempt); 4] = [
                ("at once", |file| file.write_all(&[b'n'; 100_000])),
                ("in small pieces", |file| (0..10_000).try_for_each(|_| file.write_all(b"ten bytes\n"))),
                ("unnoticed", |file| {
                    let _ = file.write_all(&[b'n'; 100_000]);
                    Ok(())
                }),
                ("by a buffer that is dropped", |file| {
                    let mut buffer = BufWriter::with_capacity(200_000, file);
                    buffer.write_all(&[b'n'; 100_000])
                }),
            ];
            for (how, attempt) in attempts {
                let error = write_atomically(&path, attempt).unwrap_err();
                // The second on a disk that is full indeed.
                let is_expected = matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::StorageFull);
                assert!(is_expected, "{how}: {error:?}");
                assert!(error.to_string().contains("table.csv was not written: "), "{how}: {error}");
                assert_eq!((read(&path), names(folder).len()), ("old".to_string(), 1), "{how}");
            }
            // The last bytes fill no buffer, so that they are only written when all has been said.
            let late = write_atomically(&path, |file| {
                (0..4).try_for_each(|_| file.write_all(&[b'n'; 1000]))?;
                file.write_all(&[b'n'; 7000])
            });
            assert!(late.is_err() && read(&path) == "old");
        }
    }
}
