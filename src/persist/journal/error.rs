//! The errors of a journal, and what to do about each. Plain data.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::safe_text::Printable;

/// An error of a journal. Its message names the file or the item, and what to do.
///
/// `source()` gives the error of the system or of SQLite, where there is one. Two errors are equal when they are of the
/// same kind and have the same message.
///
/// ```
/// use manyhands::journal::{JournalError, JournalReader};
///
/// let error = JournalReader::open("no such journal").unwrap_err();
/// assert!(matches!(error, JournalError::NotFound { .. }));
/// assert!(error.to_string().ends_with("no such journal does not exist; check the path"));
/// ```
///
/// | when | errors |
/// |---|---|
/// | the run begins | `Locked`, `NotFound`, `Foreign`, `Newer`, `Older`, `Corrupt`, `ReadOnly`, `Full`, `NoKeys`, `Configuration`, `Io`, and `Changed` for the version, the configuration or the type of the results |
/// | an item is looked up | `DuplicateKey`, and `Changed` for a fingerprint |
/// | a recorded result cannot be read, as a warning of the outcome | `Value`; the item is computed again |
/// | a result is recorded, as a warning of the outcome | `Unwritable`, `Interrupted`, `Displaced`, and `Corrupt` |
///
/// A slice is looked up before its first item runs, a stream while it is read.
///
/// ```
/// use manyhands::journal::JournalError;
/// use manyhands::{Job, Journal};
///
/// let folder = tempfile::tempdir()?;
/// let journal = Journal::at(folder.path().join("a.journal")).key(|_: &u64| "the same".to_owned());
/// let error = Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal).run().unwrap_err();
/// assert!(matches!(error.journal_error(), Some(JournalError::DuplicateKey { first: 0, second: 1, .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum JournalError {
    /// Another run writes this journal.
    Locked {
        /// The journal.
        path: PathBuf,
        /// The process that writes it, and since when.
        holder: String,
    },
    /// The file or its folder does not exist.
    NotFound {
        /// The missing file or folder.
        path: PathBuf,
    },
    /// The file is no journal.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The journal was written by a later version of this crate.
    Newer {
        /// The journal.
        path: PathBuf,
        /// The version of its tables.
        found: u32,
        /// The latest version that is known here.
        known: u32,
    },
    /// The journal was written by an earlier version of this crate, whose tables are no longer read.
    Older {
        /// The journal.
        path: PathBuf,
        /// The version of its tables.
        found: u32,
        /// The version that is written here.
        known: u32,
    },
    /// The journal is damaged, or its tables are not those that this crate makes.
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// What is damaged.
        detail: String,
        /// The error of SQLite, if it found the damage.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The file or its folder is not writable.
    ReadOnly {
        /// The journal.
        path: PathBuf,
        /// The error of the system or of SQLite, if one was reported.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The journal cannot grow: the disk or a quota is full, or the file has its largest size.
    Full {
        /// The journal.
        path: PathBuf,
        /// The error of the system or of SQLite.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// The version, the configuration, the type of the results or a fingerprint differs from the recorded one.
    Changed {
        /// What differs: the version, the configuration or one of its fields, the type, or the fingerprint of an item.
        what: String,
        /// The recorded one.
        recorded: String,
        /// The one of this run.
        now: String,
    },
    /// Two items have the same key.
    DuplicateKey {
        /// The key.
        key: String,
        /// The index of the first item with it.
        first: usize,
        /// The index of the second.
        second: usize,
    },
    /// Neither the journal nor the job has a key function.
    NoKeys,
    /// The configuration cannot be written as JSON.
    Configuration(String),
    /// A recorded value cannot be read as the type that the function returns now.
    Value {
        /// The item's key.
        key: String,
        /// The type.
        kind: &'static str,
        /// Why it cannot be read.
        why: String,
    },
    /// A value or its row cannot be recorded, so the next run will compute the item again. Other rows are not affected.
    Unwritable {
        /// The item's key.
        key: String,
        /// The error of its `Serialize`, what it reads back as, or the error of SQLite where the row is too large.
        why: String,
    },
    /// The journal could not be written for a time while the run went on.
    Interrupted {
        /// What kept it from being written, the last time.
        error: Box<JournalError>,
        /// How many times it began.
        times: u32,
        /// How long it lasted, in all.
        lasted: Duration,
        /// Number of rows that waited in memory for the end of it.
        rows: u64,
        /// Number of those and of later rows that are not in the file at the end of the run: there was no room for them
        /// in memory, or the file could not be written to the end.
        lost: u64,
        /// The keys of the first rows that were not written; [`lost`](Self::Interrupted::lost) counts all.
        lost_keys: Vec<String>,
    },
    /// The journal was moved, removed or replaced while the run wrote it.
    Displaced {
        /// Where it was.
        path: PathBuf,
        /// What happened, as far as it can be seen.
        what: String,
    },
    /// Another error of the system or of SQLite.
    Io {
        /// The journal.
        path: PathBuf,
        /// Its message.
        detail: String,
        /// The error, if it is one of the system or of SQLite.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
}

/// Control characters are escaped: names and texts may come from a file that another program wrote.
impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(&mut Printable(f))
    }
}

impl JournalError {
    fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Locked { path, holder } => {
                write!(f, "{} is being written by {holder}; wait for its end, or use another path", path.display())
            }
            Self::NotFound { path } => {
                match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
                    Some(folder) => {
                        write!(
                            f,
                            "{} does not exist: there is no folder {}; make it first",
                            path.display(),
                            folder.display()
                        )
                    }
                    None => write!(f, "{} does not exist; check the path", path.display()),
                }
            }
            Self::Foreign { path } => write!(f, "{} is no journal; use another path", path.display()),
            Self::Newer { path, found, known } => write!(
                f,
                "{} has tables of version {found}, and this program knows those up to {known}; use a newer program, or \
                 another path",
                path.display()
            ),
            Self::Older { path, found, known } => write!(
                f,
                "{} has tables of version {found}, and this program reads version {known} alone; use the program that \
                 wrote it, or another path",
                path.display()
            ),
            Self::Corrupt { path, detail, .. } => write!(
                f,
                "{} is damaged ({detail}); move it away to begin anew, or restore a copy of it",
                path.display()
            ),
            Self::ReadOnly { path, .. } => {
                write!(f, "{} or its folder may not be written to; allow it, or use another path", path.display())
            }
            Self::Full { path, .. } => {
                write!(f, "no room is left to write {}; make some, and run again to resume", path.display())
            }
            Self::Changed { what, recorded, now } => write!(
                f,
                "{what} is {now} and was {recorded} when the journal was written; set it back, use another path, or allow \
                 OnChange::Recompute, which computes all items again"
            ),
            Self::DuplicateKey { key, first, second } => {
                write!(f, "items {first} and {second} have the same key {key:?}; give each its own")
            }
            Self::NoKeys => f.write_str("a journal needs a key for each item; use Journal::key or Job::key"),
            Self::Configuration(why) => {
                write!(f, "the journal's configuration has no JSON ({why}); give it plain fields")
            }
            Self::Value { key, kind, why } => write!(
                f,
                "the recorded value of {key:?} is no {kind}: {why}; give the journal another version, or let the function \
                 return what it did"
            ),
            Self::Unwritable { key, why } => {
                write!(f, "the value of {key:?} cannot be written down: {why}; the next run computes it again")
            }
            Self::Interrupted { error, times, lasted, rows, lost, lost_keys } => {
                error.describe(f)?;
                let times = if *times == 1 { String::new() } else { format!(" in {times} parts") };
                write!(f, "; it lasted {:.1} s{times}, {rows} rows waited for it in memory, ", lasted.as_secs_f64())?;
                describe_lost(f, *lost, lost_keys)
            }
            Self::Displaced { path, what } => write!(
                f,
                "{} is no longer the journal that this run writes: {what}; what the run records stays out of that path. If \
                 it was moved, it has this run's rows where it is now: move it back before the next run; if it was removed, keep the \
                 run's own results",
                path.display()
            ),
            Self::Io { path, detail, .. } => write!(f, "{} cannot be used: {detail}", path.display()),
        }
    }
}

fn describe_lost(f: &mut impl fmt::Write, lost: u64, keys: &[String]) -> fmt::Result {
    if lost == 0 {
        return f.write_str("and all are written now");
    }
    write!(f, "and {lost} rows are not written, of {keys:?}")?;
    let unnamed = lost.saturating_sub(keys.len() as u64);
    let more = if unnamed == 0 { String::new() } else { format!(" and {unnamed} more") };
    write!(f, "{more}; the next run computes them again")
}

impl Error for JournalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Corrupt { source, .. }
            | Self::ReadOnly { source, .. }
            | Self::Full { source, .. }
            | Self::Io { source, .. } => source.as_deref().map(|source| source as &(dyn Error + 'static)),
            Self::Interrupted { error, .. } => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl PartialEq for JournalError {
    fn eq(&self, other: &Self) -> bool {
        mem::discriminant(self) == mem::discriminant(other) && self.to_string() == other.to_string()
    }
}

impl Eq for JournalError {}

impl JournalError {
    /// The error for a success that was recorded without its value.
    ///
    /// This crate writes no such row: a run with a journal has a codec for values. So the row is of another program.
    pub(crate) fn no_value<R>(key: &str) -> Self {
        Self::Value { key: key.to_owned(), kind: std::any::type_name::<R>(), why: "none was kept".to_owned() }
    }

    /// The journal's error for a path that leads to no folder. A missing folder is named itself, since the file would be
    /// created in a folder that exists.
    pub(crate) fn of_place(path: &Path, error: io::Error) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match (error.kind(), folder) {
            (ErrorKind::NotFound, Some(folder)) => Self::NotFound { path: folder.to_owned() },
            _ => Self::of_io(path, error),
        }
    }

    /// Whether trying again later can help: the file is what it should be, and something else is in the way.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Full { .. }
                | Self::ReadOnly { .. }
                | Self::NotFound { .. }
                | Self::Io { .. }
                | Self::Displaced { .. }
        )
    }

    /// The journal's error for an error of the system.
    ///
    /// `NotFound` keeps no source, since its message says all. The path is of the journal, also where the error came
    /// from its lock file.
    pub(crate) fn of_io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => {
                Self::Full { path, source: Some(Arc::new(error)) }
            }
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                Self::ReadOnly { path, source: Some(Arc::new(error)) }
            }
            ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::Io { path, detail: error.to_string(), source: Some(Arc::new(error)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_the_source() {
        let full = JournalError::of_io(Path::new("a.journal"), ErrorKind::StorageFull.into());
        let source = full.source().and_then(<dyn Error>::downcast_ref::<io::Error>).expect("the system reported it");
        assert_eq!(source.kind(), ErrorKind::StorageFull);
        assert!(matches!(full, JournalError::Full { .. }));
        let missing = JournalError::of_io(Path::new("a.journal"), ErrorKind::NotFound.into());
        assert!(missing.source().is_none(), "its message says all");
    }

    #[test]
    fn no_text_of_a_file_commands_a_terminal() {
        let texts = ["\u{1b}]0;owned\u{7}", "\u{9b}2J", "a\nb\r"].map(str::to_owned);
        for text in texts {
            let holder = JournalError::Locked { path: "a\u{1b}[2J".into(), holder: text.clone() };
            let corrupt = JournalError::Corrupt { path: "a".into(), detail: text.clone(), source: None };
            for error in [holder, corrupt] {
                let commands = |symbol: char| symbol.is_control() && symbol != '\n'; // a text may have several lines
                assert!(!error.to_string().contains(commands), "{:?}", error.to_string());
            }
        }
    }

    #[test]
    fn an_interruption_says_how_long_it_was_and_what_it_cost() {
        let error = |lost, lost_keys: &[&str]| JournalError::Interrupted {
            error: Box::new(JournalError::Full { path: "a.journal".into(), source: None }),
            times: 1,
            lasted: Duration::from_millis(730),
            rows: 61,
            lost,
            lost_keys: lost_keys.iter().map(|&key| key.to_owned()).collect(),
        };
        let full = "no room is left to write a.journal; make some, and run again to resume; it lasted 0.7 s, 61 rows waited \
                    for it in memory, and ";
        assert_eq!(error(0, &[]).to_string(), format!("{full}all are written now"));
        let expected = r#"12 rows are not written, of ["a", "b"] and 10 more; the next run computes them again"#;
        assert_eq!(error(12, &["a", "b"]).to_string(), format!("{full}{expected}"));
    }

    #[test]
    fn errors_of_one_kind_and_message_are_equal() {
        let [io, other] = ["a", "b"].map(|path| JournalError::of_io(Path::new(path), ErrorKind::StorageFull.into()));
        assert_eq!(io, JournalError::Full { path: "a".into(), source: None });
        assert_ne!(io, other);
    }
}
