//! Where a path leads: made absolute and its links followed once, to a name in an open folder.
//!
//! All later uses of the file go through that name, so neither a changed current folder, a renamed folder nor a link
//! that is changed meanwhile leads them elsewhere, and a file with several names has one place.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::persist::folder::Folder;

/// The system's own limit.
const MOST_LINKS: usize = 40;

/// A file that may not exist yet: a name in an open folder. The name was no link when it was resolved.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: Folder,
    pub(crate) name: OsString,
    /// Absolute and without links, as the system gave it when the path was resolved. For messages, and for SQLite.
    pub(crate) path: PathBuf,
}

impl Place {
    /// Follows the links that the path ends with, also where the last one leads to no file yet.
    ///
    /// A link of another user is not followed, except one of the system's own user: in a folder that several users may
    /// write to, it could lead to a file that only this user may write. Links in the middle of a path lead through
    /// folders, and are followed.
    ///
    /// # Errors
    /// A missing folder, also the current one; a path that ends with no name; a link that may not be followed.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let mut path = absolute(path)?;
        for _ in 0..MOST_LINKS {
            let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
                return Err(invalid("the path ends with no file name"));
            };
            let folder = fs::canonicalize(folder)?;
            let full = folder.join(name);
            match fs::symlink_metadata(&full) {
                Ok(found) if found.is_symlink() => {
                    check_link(&full, &found)?;
                    path = folder.join(fs::read_link(&full)?);
                }
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(_) | Err(_) => {
                    return Ok(Self { folder: Folder::open(&folder)?, name: name.to_owned(), path: full });
                }
            }
        }
        Err(invalid("it leads through too many links"))
    }

    /// A file beside this one: the same name with something appended. So two files that differ in their extension have
    /// different ones.
    #[cfg(feature = "journal")]
    pub(crate) fn beside(&self, ending: &str) -> OsString {
        let mut name = self.name.clone();
        name.push(ending);
        name
    }

    /// The file, if it is there and regular.
    ///
    /// # Errors
    /// A folder, a pipe, a device, a link.
    pub(crate) fn regular(&self) -> io::Result<Option<Metadata>> {
        regular(&self.folder, &self.name)
    }
}

/// The file of this name, if it is there and regular. Looks and does not open, so a pipe keeps nothing waiting.
pub(crate) fn regular(folder: &Folder, name: &OsStr) -> io::Result<Option<Metadata>> {
    let found = folder.metadata(name)?;
    match found {
        Some(found) if !found.is_file() => Err(invalid("it is there, and no regular file")),
        found => Ok(found),
    }
}

/// The path from the root. It is asked for when a call begins: a thread of the call may resolve it later.
///
/// # Errors
/// An empty path; a relative one where the current folder was removed.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            invalid("the program's current folder does not exist any more; use an absolute path")
        }
        _ if path.as_os_str().is_empty() => invalid("the path ends with no file name"),
        _ => error,
    })
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.into())
}

#[cfg(target_os = "linux")]
fn check_link(link: &Path, found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    match may_follow(found.uid(), effective_user()) {
        true => Ok(()),
        false => Err(invalid(format!(
            "{} is a link that user {} made, and is not followed; use the path that it leads to",
            link.display(),
            found.uid()
        ))),
    }
}

/// Other systems do not say without a library which user the program runs as.
#[cfg(not(target_os = "linux"))]
fn check_link(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Root can write anywhere without a link, so its links are no trap.
#[cfg(target_os = "linux")]
fn may_follow(owner: u32, user: Option<u32>) -> bool {
    owner == 0 || Some(owner) == user
}

/// The user whose rights the program has now.
#[cfg(all(target_os = "linux", any(feature = "journal", feature = "processes", feature = "reports")))]
fn effective_user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// The user whose rights the program has now; `None` without `/proc`.
#[cfg(all(target_os = "linux", not(any(feature = "journal", feature = "processes", feature = "reports"))))]
fn effective_user() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    users.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_one_place_also_where_nothing_is_yet() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().join("sub");
        fs::create_dir(&real).unwrap();
        symlink("sub/there", folder.path().join("one")).unwrap();
        symlink(folder.path().join("one"), folder.path().join("two")).unwrap();
        symlink("sub", folder.path().join("other sub")).unwrap();
        for path in ["sub/there", "one", "two", "other sub/there", "sub/../sub/./there"] {
            for is_there in [false, true] {
                if is_there {
                    fs::write(real.join("there"), "").unwrap();
                }
                let place = Place::of(&folder.path().join(path)).unwrap();
                assert_eq!((place.path.clone(), place.folder.path()), (real.join("there"), real.as_path()), "{path}");
                assert_eq!(place.regular().unwrap().is_some(), is_there);
            }
            fs::remove_file(real.join("there")).unwrap();
        }
    }

    #[test]
    fn a_circle_of_links_and_a_path_without_a_name_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("circle", folder.path().join("circle")).unwrap();
        for path in [folder.path().join("circle"), folder.path().join(".."), "/".into(), "".into()] {
            assert_eq!(Place::of(&path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
        assert_eq!(Place::of(&folder.path().join("none/a")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_link_of_another_user_is_not_followed() {
        use std::os::unix::fs::{MetadataExt as _, lchown};
        assert!(may_follow(7, Some(7)) && may_follow(0, Some(7)) && may_follow(0, None));
        assert!(!may_follow(8, Some(7)) && !may_follow(7, Some(0)) && !may_follow(7, None));

        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        assert_eq!(effective_user(), Some(fs::metadata(folder.path()).unwrap().uid()), "it made the folder");
        symlink("victim", &link).unwrap();
        if lchown(&link, Some(65_534), None).is_err() {
            return std::io::Write::write_all(
                &mut std::io::stderr(),
                b"SKIPPED: only root can make a link of another user\n",
            )
            .unwrap();
        }
        let error = Place::of(&link).unwrap_err();
        let expected =
            format!("{} is a link that user 65534 made", folder.path().canonicalize().unwrap().join("link").display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}
