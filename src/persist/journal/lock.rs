//! Admits one writer at a time: a file beside the journal, which the writer locks and which names the writer.
//!
//! The system releases the lock when its holder dies, so no lock is left behind. A lock file may be left behind, and
//! has no meaning without its lock. What is in the journal does not matter here.
//!
//! The journal's own lock would not do: SQLite releases it between transactions, and two runs that take turns would
//! record the same items twice. The lock is advisory and works between processes, and between two runs in one process.
//! Whether it works between machines depends on the file system that they share.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::persist::journal::error::JournalError;
use crate::sync::{Condvar, Mutex, ProcessMark, SystemTime};

/// Number of tries for a lock that is taken, and the pause between them: a program that only asks for the writer's name
/// ([`holder`]) takes it for a moment too.
///
/// So a journal that is really taken costs a tenth of a second until the error.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// The right to write a journal, until it is dropped.
///
/// Belongs to the store, which drops it after its writer has closed the file.
#[derive(Debug)]
pub(crate) struct WriterLock {
    /// The process that took it.
    process: ProcessMark,
    /// Locked as long as it is open.
    _file: File,
    path: PathBuf,
}

impl WriterLock {
    /// Costs about a dozen system calls where the lock is free, among them two looks at the file, for
    /// [`is_at`], and those that write the name. The second of two writers waits for at most [`TRIES`] pauses.
    ///
    /// # Errors
    /// `Locked` with the holder's name, `NotFound` with the folder where that is missing, and the system's errors.
    pub(crate) fn take(journal: &Path) -> Result<Self, JournalError> {
        let path = lock_path(journal);
        for _ in 0..TRIES {
            let file = open(&path).map_err(|error| refused(journal, error))?;
            match file.try_lock() {
                // The last holder may have removed the file between the two calls, and a removed file protects nothing.
                Ok(()) if is_at(&file, &path) => return Self::named(file, path).map_err(|e| refused(journal, e)),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => pause(PAUSE),
                Err(TryLockError::Error(error)) => return Err(refused(journal, error)),
            }
        }
        let holder = name_in(&path);
        Err(JournalError::Locked { path: journal.to_owned(), holder })
    }

    /// Writes the holder's name into the file. What an earlier holder left there is removed first.
    fn named(mut file: File, path: PathBuf) -> io::Result<Self> {
        file.set_len(0)?;
        writeln!(file, "{} since {}", this_process(), utc(SystemTime::now()))?;
        Ok(Self { process: ProcessMark::current(), _file: file, path })
    }
}

impl Drop for WriterLock {
    fn drop(&mut self) {
        // Removed while it is still locked, so that it cannot be the next holder's file. Other systems cannot remove a locked
        // file; it stays, and does no harm.
        // A forked child has a copy of this value; the lock is still its parent's.
        if cfg!(unix) && self.process.is_current() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The writer of this journal, if it has one now.
///
/// Takes a shared lock for a moment and releases it with the file; [`TRIES`] makes up for that. Any failure counts as
/// no writer: the answer is for a person to read, and no decision depends on it.
pub(crate) fn holder(journal: &Path) -> Option<String> {
    let path = lock_path(journal);
    match File::open(&path).ok()?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(name_in(&path)),
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

/// `a.journal` has `a.journal.lock`: appended and not exchanged, so two journals that differ in their extension have
/// different locks.
fn lock_path(journal: &Path) -> PathBuf {
    let mut path = OsString::from(journal);
    path.push(".lock");
    path.into()
}

/// Neither emptied nor replaced: until it is locked, it is another writer's file.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// A missing folder is named itself, since the file would be created in a folder that exists.
fn refused(journal: &Path, error: io::Error) -> JournalError {
    let folder = journal.parent().unwrap_or(journal);
    if error.kind() == io::ErrorKind::NotFound {
        return JournalError::NotFound { path: folder.to_owned() };
    }
    JournalError::of_io(journal, error)
}

/// Whether the open file is the one with this path now. The case that goes wrong otherwise: A opens the file, its
/// holder removes it, B creates and locks a new one, and A locks the removed one: two writers.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The text of the lock file. It is empty for a moment, and some systems do not let others read a locked file.
///
/// Reads at most 500 bytes, so that any file of this name gives a message of a bearable length.
fn name_in(path: &Path) -> String {
    let mut name = String::new();
    let read = File::open(path).and_then(|file| file.take(500).read_to_string(&mut name));
    match name.trim() {
        "" => "another process".to_owned(),
        _ if read.is_err() => "another process".to_owned(),
        name => name.to_owned(),
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
    use super::*;

    #[test]
    fn the_second_of_two_writers_gets_the_name_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a.journal");
        assert_eq!(holder(&journal), None);
        let first = WriterLock::take(&journal).unwrap();
        let name = holder(&journal).unwrap();
        assert!(name.starts_with(&format!("process {} on ", std::process::id())), "{name}");
        let error = WriterLock::take(&journal).unwrap_err();
        assert_eq!(error, JournalError::Locked { path: journal.clone(), holder: name });
        drop(first);
        assert_eq!(holder(&journal), None);
        drop(WriterLock::take(&journal).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left behind");
    }

    #[test]
    fn a_lock_file_that_is_left_behind_locks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a.journal");
        std::fs::write(lock_path(&journal), "process 1 on a machine of old").unwrap();
        assert_eq!(holder(&journal), None);
        let _lock = WriterLock::take(&journal).unwrap();
        assert!(holder(&journal).unwrap().starts_with(&this_process()));
    }

    #[test]
    fn only_one_of_many_writers_writes_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("a.journal");
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

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let error = WriterLock::take(&missing.join("a.journal")).unwrap_err();
        assert_eq!(error, JournalError::NotFound { path: missing });
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
