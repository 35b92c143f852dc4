//! Admits one writer at a time: a file beside the journal, which the writer locks and which names the writer.
//!
//! The system releases the lock when its holder dies, so no lock is left behind. A lock file may be left behind, and
//! has no meaning without its lock. What is in the journal does not matter here.
//!
//! The journal's own lock would not do: SQLite releases it between transactions, and two runs that take turns would
//! record the same items twice. The lock is advisory and works between processes, and between two runs in one process.
//! Whether it works between machines depends on the file system that they share.
//!
//! The lock belongs to the place to which all names of a journal lead, so a journal with a link has one. It is removed
//! only where the file of that name is still the one that is locked.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use crate::persist::journal::error::JournalError;
use crate::persist::place::{Place, regular};
use crate::safe_text::printable_text;
use crate::sync::{Arc, Condvar, Mutex, ProcessMark, SystemTime};

/// Number of tries for a lock that is taken, and the pause between them: a program that only asks for the writer's name
/// ([`holder`]) takes it for a moment too.
///
/// So a journal that is really taken costs a tenth of a second until the error.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);
/// What a lock file's text begins with. A file with another text is no lock file, and is left alone.
const OPENING: &str = "process ";

/// The right to write a journal, until it is dropped.
///
/// Belongs to the store, which drops it after its writer has closed the file.
#[derive(Debug)]
pub(crate) struct WriterLock {
    /// Locked as long as it is open.
    file: File,
    name: OsString,
    journal: Arc<Place>,
    /// The process that took it. A forked child has the same open file, and the lock is still its parent's.
    process: ProcessMark,
}

impl WriterLock {
    /// Costs about two dozen system calls where the lock is free, among them two looks at the file, for
    /// [`is_at`](crate::persist::folder::Folder::is_at), and those that write the name. The second of two writers waits for
    /// at most [`TRIES`] pauses.
    ///
    /// # Errors
    /// `Locked` with the holder's name; the system's errors; and a lock file that is a link, no regular file, or another
    /// program's.
    pub(crate) fn take(journal: &Arc<Place>) -> Result<Self, JournalError> {
        let name = lock_name(journal);
        let refused = |error| JournalError::of_io(&journal.path, error);
        for _ in 0..TRIES {
            let file = open(journal, &name).map_err(refused)?;
            match file.try_lock() {
                // The last holder may have removed the file between the two calls, and a removed file protects nothing.
                Ok(()) if journal.folder.is_at(&file, &name) => {
                    check_text(&file, &name).map_err(refused)?;
                    let lock = Self { file, name, journal: Arc::clone(journal), process: ProcessMark::current() };
                    return lock.named().map_err(refused);
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => pause(PAUSE),
                Err(TryLockError::Error(error)) => return Err(refused(error)),
            }
        }
        let holder = name_in(journal, &name);
        let is_ours = holder.starts_with(&this_process());
        let holder = if is_ours { format!("another run of this program, {holder}") } else { holder };
        Err(JournalError::Locked { path: journal.path.clone(), holder })
    }

    /// Writes the holder's name into the file. What an earlier holder left there is removed first.
    fn named(mut self) -> io::Result<Self> {
        self.file.set_len(0)?;
        writeln!(self.file, "{} since {}", this_process(), utc(SystemTime::now()))?;
        Ok(self)
    }
}

/// A file with the text of something else is no lock file: it is neither written to nor removed. Leaves the file at its start.
fn check_text(mut file: &File, name: &OsStr) -> io::Result<()> {
    let mut opening = Vec::new();
    file.take(OPENING.len() as u64).read_to_end(&mut opening)?;
    if !(opening.is_empty() || opening == OPENING.as_bytes()) {
        return Err(no_lock_file(name, "has another text than one"));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(())
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Another run's lock may be at this place by now, if this file was removed or its folder exchanged.
        let is_ours = self.process.is_current() && self.journal.folder.is_at(&self.file, &self.name);
        // Removed while it is still locked, so that it cannot be the next holder's file. Other systems cannot remove a locked
        // file; it stays, and does no harm.
        if cfg!(unix) && is_ours {
            let _ = self.journal.folder.remove(&self.name);
        }
    }
}

/// The writer of this journal, if it has one now.
///
/// Takes a shared lock for a moment and releases it with the file; [`TRIES`] makes up for that. Any failure counts as
/// no writer: the answer is for a person to read, and no decision depends on it.
pub(crate) fn holder(journal: &Place) -> Option<String> {
    let name = lock_name(journal);
    let file = open_existing(journal, &name).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(name_in(journal, &name)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Names this process by number and machine.
///
/// For example `process 4711 on node12`. It is in the lock file and in the run's row, so both can be compared.
pub(crate) fn this_process() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::env::var("HOSTNAME"))
        .or_else(|_| std::env::var("COMPUTERNAME"));
    let machine = machine.as_deref().map_or("this machine", str::trim);
    format!("process {} on {machine}", std::process::id())
}

/// `a.journal` has `a.journal.lock`.
fn lock_name(journal: &Place) -> OsString {
    journal.beside(".lock")
}

/// Neither emptied nor replaced: until it is locked, it is another writer's file.
fn open(journal: &Place, name: &OsStr) -> io::Result<File> {
    open_with(journal, name, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

fn open_existing(journal: &Place, name: &OsStr) -> io::Result<File> {
    open_with(journal, name, OpenOptions::new().read(true))
}

/// Opens neither a link, a pipe nor a file that has a second name: each could be a trap that another user has set in a
/// folder to which both may write.
///
/// Looks before and after: the first look keeps the opening from waiting for the other end of a pipe, the second one
/// sees what was opened indeed.
fn open_with(journal: &Place, name: &OsStr, options: &mut OpenOptions) -> io::Result<File> {
    regular(&journal.folder, name).map_err(|_| no_lock_file(name, "is no regular file"))?;
    follow_no_link(options);
    let file = journal.folder.open_with(name, options)?;
    let found = file.metadata()?;
    match found.is_file() && has_one_name(&found) {
        true => Ok(file),
        false => Err(no_lock_file(name, "is no regular file of one name")),
    }
}

#[cfg(target_os = "linux")]
fn follow_no_link(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
}

/// Elsewhere only the look before and the look after keep links away.
#[cfg(not(target_os = "linux"))]
fn follow_no_link(_: &mut OpenOptions) {}

/// None is one that was removed after it was opened, which `is_at` finds.
#[cfg(unix)]
fn has_one_name(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) <= 1
}

#[cfg(not(unix))]
fn has_one_name(_: &std::fs::Metadata) -> bool {
    true
}

fn no_lock_file(name: &OsStr, what: &str) -> io::Error {
    let message = format!("{} beside it {what}; move it away", name.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The text of the lock file. It is empty for a moment, and some systems do not let others read a locked file.
///
/// Reads at most 500 bytes, so that any file of this name gives a message of a bearable length. Its text may be of any
/// program, so what a terminal would take for a command is escaped.
fn name_in(journal: &Place, name: &OsStr) -> String {
    let mut text = Vec::new();
    let read = open_existing(journal, name).and_then(|file| file.take(500).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    match text.trim() {
        "" => "another process".to_owned(),
        _ if read.is_err() => "another process".to_owned(),
        name => printable_text(name).into_owned(),
    }
}

/// Sleeps by a condition that is never notified, built from names of `sync` alone.
fn pause(time: Duration) {
    let (mutex, never_notified) = (Mutex::new(()), Condvar::new());
    never_notified.wait_for(&mut mutex.lock(), time);
}

/// A moment as `2026-01-31T12:00:00Z`.
fn utc(moment: SystemTime) -> String {
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (day, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(day);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// The date of a day since 1970, by Howard Hinnant's `civil_from_days`: years begin in March, so that a leap day comes
/// last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since the first of March of year 0
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn place(journal: &Path) -> Arc<Place> {
        Arc::new(Place::of(journal).unwrap())
    }

    #[test]
    fn the_second_of_two_writers_gets_the_name_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let journal = place(&folder.path().join("a.journal"));
        assert_eq!(holder(&journal), None);
        let first = WriterLock::take(&journal).unwrap();
        let name = holder(&journal).unwrap();
        assert!(name.starts_with(&format!("process {} on ", std::process::id())), "{name}");
        let error = WriterLock::take(&journal).unwrap_err();
        let ours = format!("another run of this program, {name}");
        assert_eq!(error, JournalError::Locked { path: journal.path.clone(), holder: ours });
        drop(first);
        assert_eq!(holder(&journal), None);
        drop(WriterLock::take(&journal).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left behind");
    }

    #[test]
    fn a_lock_file_that_is_left_behind_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = place(&folder.path().join("a.journal"));
        std::fs::write(folder.path().join("a.journal.lock"), "process 1 on a machine of old").unwrap();
        assert_eq!(holder(&journal), None);
        let _lock = WriterLock::take(&journal).unwrap();
        assert!(holder(&journal).unwrap().starts_with(&this_process()));
    }

    #[test]
    fn only_one_of_many_writers_writes_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let journal = place(&folder.path().join("a.journal"));
        let writers = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(lock) = WriterLock::take(&journal) else { continue };
                        assert_eq!(writers.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        writers.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lock_goes_along_with_its_folder_and_leaves_the_next_one_alone() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old"), root.path().join("new"));
        std::fs::create_dir(&old).unwrap();
        let first = WriterLock::take(&place(&old.join("a.journal"))).unwrap();
        std::fs::rename(&old, &new).unwrap();
        std::fs::create_dir(&old).unwrap();
        let second = WriterLock::take(&place(&old.join("a.journal"))).unwrap();
        drop(first);
        assert_eq!(std::fs::read_dir(&new).unwrap().count(), 0, "its own file is gone");
        assert!(matches!(WriterLock::take(&place(&old.join("a.journal"))), Err(JournalError::Locked { .. })));
        drop(second);
    }

    #[test]
    fn a_lock_whose_file_was_exchanged_leaves_the_new_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, file) = (place(&folder.path().join("a.journal")), folder.path().join("a.journal.lock"));
        let first = WriterLock::take(&journal).unwrap();
        std::fs::rename(&file, folder.path().join("moved")).unwrap();
        let _second = WriterLock::take(&journal).unwrap();
        drop(first);
        assert!(file.exists(), "the file of the second holder");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_lock_file_that_was_planted_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, file) = (place(&folder.path().join("a.journal")), folder.path().join("a.journal.lock"));
        let victim = folder.path().join("victim");
        let make_pipe = || assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let plants: [(&str, &dyn Fn()); 5] = [
            ("a link", &|| std::os::unix::fs::symlink(&victim, &file).unwrap()),
            ("a broken link", &|| std::os::unix::fs::symlink("nowhere", &file).unwrap()),
            ("a second name", &|| std::fs::hard_link(&victim, &file).unwrap()),
            ("a pipe", &make_pipe),
            ("another text", &|| std::fs::write(&file, "years of work").unwrap()),
        ];
        for (what, plant) in plants {
            std::fs::write(&victim, "years of work").unwrap();
            plant();
            assert_eq!(holder(&journal), None, "{what}");
            let error = WriterLock::take(&journal).expect_err(what);
            assert!(matches!(&error, JournalError::Io { .. }), "{what}: {error:?}");
            assert!(error.to_string().contains("a.journal.lock beside it "), "{what}: {error}");
            assert_eq!(std::fs::read_to_string(&victim).unwrap(), "years of work", "{what}");
            assert!(std::fs::symlink_metadata(&file).is_ok() && !folder.path().join("nowhere").exists(), "{what}");
            std::fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_holder_whose_name_is_a_command_for_a_terminal_is_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, file) = (place(&folder.path().join("a.journal")), folder.path().join("a.journal.lock"));
        let _lock = WriterLock::take(&journal).unwrap();
        std::fs::write(&file, b"process \x1b]0;title\x07 \xff\r\nhidden").unwrap();
        assert_eq!(holder(&journal).unwrap(), "process \\u{1b}]0;title\\u{7} \u{fffd}\\r\\nhidden");
    }

    #[test]
    fn moments_read_as_in_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
