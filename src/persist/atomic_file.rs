//! Replaces a file as a whole or not at all: writes it under another name, syncs it, then renames it. The report uses
//! it, and so can a program. `place.rs` says which file it is, `folder.rs` makes the other name.

use std::ffi::{OsStr, OsString};
#[cfg(unix)]
use std::fs;
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::persist::folder::Folder;
use crate::persist::place::{Place, regular};
use crate::persist::size_signal::SizeSignal;
use crate::sync::ProcessMark;

/// Writes a file so that readers find the old file or the new file as a whole, also after a crash or a loss of power.
///
/// The closure writes to a temporary file in the same folder. Then that file is synced and renamed, and the folder is
/// synced. After an error, and after an error or a panic of the closure, the temporary file is removed and the old file
/// is unchanged. A failed write is an error even when the closure ignored it, as a buffered writer does when it is
/// dropped.
///
/// Where the path leads is decided as the call begins: it is made absolute, and a symbolic link at its end is followed,
/// also a broken one, and stays. A link that another user made is not followed but refused, since it could lead to a
/// file that only you may write; one that root made is. Afterwards neither a changed current folder nor a renamed
/// folder loses the file.
///
/// The new file has the permission bits of the old one, and its owner and group where the system allows that; while it
/// is written, its owner alone may read it. Without the group, the group's bits are at most those of all others. Access
/// lists and extended attributes are those of a new file. Of two simultaneous writers, the one that ends last wins. A
/// process that is killed leaves its temporary file behind, named `.manyhands-*.tmp` with a random number.
///
/// When each item writes its own output this way, an existing file is a finished item, and a later run can skip it (see
/// [`Job::done_if`](crate::Job::done_if)).
///
/// Where a limit on the size of files (`ulimit -f`) leaves no room, that is an error, and the signal that comes with it ends
/// no program: it is held back in this thread, also while the closure runs.
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
/// The closure's error; and, with the path, a folder that is missing or read-only, a full disk, a target that is a
/// folder, a pipe or a device, and a link of another user. When only the last sync of the folder failed, the new file
/// exists and the message says so.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = path.as_ref();
    let place = Place::of(path).map_err(|error| named(path, error))?;
    replace(&place.folder, &place.name, path, write)
}

/// Writes a file of this name in an open folder, as [`write_atomically`] does. A link of that name is not followed but
/// replaced.
#[cfg(feature = "reports")]
pub(crate) fn write_in(
    folder: &Folder,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let name = OsStr::new(name);
    replace(folder, name, &folder.path().join(name), write)
}

/// Checks that the folder is writable: creates a file in it and removes it.
///
/// Permission bits alone do not show it: a file system may be mounted read-only. The file is created and removed like
/// any temporary one.
#[cfg(feature = "reports")]
pub(crate) fn check_folder(folder: &Folder) -> io::Result<()> {
    Temporary::create(folder, false).map(drop)
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{} was not written: {error}", path.display()))
}

fn replace(
    folder: &Folder,
    name: &OsStr,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let named = |error| named(path, error);
    let _no_signal = SizeSignal::hold_back();
    let old = replaced(folder, name).map_err(named)?;
    let (temporary, file) = Temporary::create(folder, old.is_some()).map_err(named)?;
    let mut writer = Watched { file: BufWriter::new(file), failure: None };
    let written = write(&mut writer);
    let whole = writer.finish().map_err(named)?;
    written?;
    old.map_or(Ok(()), |old| give_owner_and_permissions(&whole, &old)).map_err(named)?;
    whole.sync_all().map_err(named)?;
    temporary.rename(whole, name).map_err(named)?;
    folder.sync().map_err(|error| {
        let message = format!("{} is written, but a loss of power may undo it: {error}", path.display());
        io::Error::new(error.kind(), message)
    })
}

/// The regular file of this name; `None` for none, and for a link.
fn replaced(folder: &Folder, name: &OsStr) -> io::Result<Option<Metadata>> {
    match folder.metadata(name)? {
        Some(found) if found.is_symlink() => Ok(None),
        _ => regular(folder, name),
    }
}

/// A temporary file, removed on drop unless it was renamed.
struct Temporary<'f> {
    folder: &'f Folder,
    /// `None` once it was renamed: then another machine may use the temporary name in a shared folder.
    name: Option<OsString>,
    /// The process that created it; a forked child's copy of this value removes nothing.
    process: ProcessMark,
}

impl<'f> Temporary<'f> {
    /// In the folder of the target, because a rename works within one file system only.
    fn create(folder: &'f Folder, is_private: bool) -> io::Result<(Self, File)> {
        let (name, file) = folder.create_temporary(is_private)?;
        Ok((Self { folder, name: Some(name), process: ProcessMark::current() }, file))
    }

    /// Not where the name leads to another file by now: that one would get the target's name.
    fn rename(mut self, file: File, target: &OsStr) -> io::Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        if !self.folder.is_at(&file, name) {
            self.name = None;
            return Err(io::Error::other("another program removed or replaced its temporary file"));
        }
        // Other systems cannot rename an open file.
        drop(file);
        self.folder.rename(name, target)?;
        self.name = None;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name
            && self.process.is_current()
        {
            // A file that cannot be removed stays; the error that led here matters more.
            let _ = self.folder.remove(name);
        }
    }
}

/// The owner first, because a change of it may take permission bits away.
#[cfg(unix)]
fn give_owner_and_permissions(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let new = file.metadata()?;
    let (mut has_owner, mut has_group) = (new.uid() == old.uid(), new.gid() == old.gid());
    // Only where it changes anything: file systems without owners and permissions refuse the calls.
    if !(has_owner && has_group) {
        let is_given = fchown(file, Some(old.uid()), Some(old.gid())).is_ok();
        has_owner |= is_given;
        has_group |= is_given || fchown(file, None, Some(old.gid())).is_ok();
    }
    let wanted = kept_mode(old.permissions().mode(), has_owner, has_group);
    match file.metadata()?.permissions().mode() & 0o7777 == wanted {
        true => Ok(()),
        false => file.set_permissions(fs::Permissions::from_mode(wanted)),
    }
}

/// The permission bits of a file that has, or has not, the owner and the group of the one that it replaces.
///
/// Another group gets no right that all others have not. The bits that let a program run as its owner stay only with
/// both.
#[cfg(unix)]
fn kept_mode(old: u32, has_owner: bool, has_group: bool) -> u32 {
    let mode = if has_owner && has_group { old & 0o7777 } else { old & 0o777 };
    if has_group { mode } else { mode & (0o7707 | (mode & 0o007) << 3) }
}

#[cfg(not(unix))]
fn give_owner_and_permissions(file: &File, old: &Metadata) -> io::Result<()> {
    match file.metadata()?.permissions() == old.permissions() {
        true => Ok(()),
        false => file.set_permissions(old.permissions()),
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::PathBuf;

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
    fn a_name_may_be_as_long_as_a_name_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write_text(&path, "long").unwrap();
        assert_eq!(read(&path), "long");
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
        check_folder(&Folder::open(folder.path()).unwrap()).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
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
        fn what_replaces_a_file_is_readable_by_its_owner_alone_while_it_is_written() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("key");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
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

        #[test]
        fn a_broken_link_is_followed_and_stays() {
            let folder = tempfile::tempdir().unwrap();
            symlink("run 7.csv", folder.path().join("latest.csv")).unwrap();
            write_text(&folder.path().join("latest.csv"), "new").unwrap();
            assert_eq!(names(folder.path()), ["latest.csv", "run 7.csv"]);
            assert!(!fs::symlink_metadata(folder.path().join("run 7.csv")).unwrap().is_symlink());
        }

        #[cfg(feature = "reports")]
        #[test]
        fn in_an_open_folder_a_link_is_replaced() {
            let folder = tempfile::tempdir().unwrap();
            let (victim, path) = (folder.path().join("victim"), folder.path().join("metrics.csv"));
            fs::write(&victim, "theirs").unwrap();
            symlink(&victim, &path).unwrap();
            write_in(&Folder::open(folder.path()).unwrap(), "metrics.csv", |file| file.write_all(b"ours")).unwrap();
            assert_eq!((read(&victim), read(&path)), ("theirs".to_owned(), "ours".to_owned()));
            assert!(fs::symlink_metadata(&path).unwrap().is_file());
        }

        #[test]
        fn a_pipe_is_refused_and_keeps_nothing_waiting() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            assert_eq!(write_text(&path, "new").unwrap_err().kind(), io::ErrorKind::InvalidInput);
            assert_eq!(names(folder.path()), ["pipe"]);
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn a_folder_that_is_renamed_while_its_file_is_written_gets_it() {
            let root = tempfile::tempdir().unwrap();
            let (old, new) = (root.path().join("old"), root.path().join("new"));
            fs::create_dir(&old).unwrap();
            write_atomically(old.join("table.csv"), |file| {
                fs::rename(&old, &new).unwrap();
                fs::create_dir(&old).unwrap();
                file.write_all(b"whole")
            })
            .unwrap();
            assert_eq!(
                (read(&new.join("table.csv")), names(&new), names(&old).len()),
                ("whole".into(), vec!["table.csv".into()], 0)
            );
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn a_temporary_file_that_was_exchanged_does_not_become_the_target() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.csv");
            fs::write(&path, "old").unwrap();
            let error = write_atomically(&path, |file| {
                let temporary = names(folder.path()).into_iter().find(|name| name.ends_with(".tmp")).unwrap();
                fs::remove_file(folder.path().join(&temporary)).unwrap();
                fs::write(folder.path().join(temporary), "planted").unwrap();
                file.write_all(b"new")
            });
            assert!(error.unwrap_err().to_string().ends_with("removed or replaced its temporary file"));
            assert_eq!(read(&path), "old");
        }

        #[test]
        fn the_owner_and_the_group_of_the_old_file_stay_where_they_can() {
            use std::os::unix::fs::{MetadataExt as _, chown};
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("table.csv");
            write_text(&path, "old").unwrap();
            if chown(&path, Some(65_533), Some(65_534)).is_err() {
                return io::stderr().write_all(b"SKIPPED: only root can give a file away\n").unwrap();
            }
            write_text(&path, "new").unwrap();
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.uid(), found.gid(), read(&path)), (65_533, 65_534, "new".to_owned()));
        }

        #[test]
        fn another_group_gets_no_right_that_all_others_have_not() {
            assert_eq!(kept_mode(0o100_660, true, false), 0o600);
            assert_eq!(kept_mode(0o664, true, false), 0o644);
            assert_eq!(kept_mode(0o4775, true, false), 0o755);
            assert_eq!(kept_mode(0o4755, true, true), 0o4755);
            assert_eq!(kept_mode(0o6750, false, true), 0o750);
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
                .args(["-c", r#"ulimit -f 8; exec "$0" "$@""#])
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
