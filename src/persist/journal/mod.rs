//! A file that remembers what is finished, so that a run can be resumed: what a program says about it.
//!
//! `schema.rs` is the tables and their version, `database.rs` reads and writes them (the only file that names SQLite),
//! `store.rs` gives rows to a thread that writes them, `lock.rs` admits one writer, `pending.rs` subtracts what is recorded
//! from the items, `keys.rs` finds keys among many, and `reader.rs` is for other programs.

mod database;
mod keys;
mod lock;
mod pending;
mod problem;
mod reader;
mod schema;
mod store;
mod value;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::run::input::Key;
use crate::sync::SystemTime;

pub(crate) use pending::{ItemState, Recorded, RecordedItem};
pub use problem::JournalError;
pub use reader::{JournalEntry, JournalReader, JournalStatus};
pub(crate) use store::Store;
pub(crate) use value::{decode_value, encode_value};

/// What a resumed run does when the version, the configuration or an item's fingerprint is another than recorded.
///
/// ```
/// assert_eq!(manyhands::OnChange::default(), manyhands::OnChange::Refuse);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnChange {
    /// It does not begin, and says what changed.
    #[default]
    Refuse,
    /// It computes again what the change concerns: after another version or configuration everything, after another
    /// fingerprint that item. What was recorded under the earlier version stays in the file, and counts again for a run that
    /// goes back to it.
    Recompute,
}

/// Which recorded items a resumed run does again. Items that were never finished are always done.
///
/// ```
/// assert_eq!(manyhands::RetryRecorded::default(), manyhands::RetryRecorded::Failed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RetryRecorded {
    /// Those that failed.
    #[default]
    Failed,
    /// All of them.
    All,
    /// None: failures come back as they were recorded.
    Nothing,
}

/// A file that remembers each finished item, so that the next run of the same call begins where this one ended.
///
/// Each item has a key, its name in the file: the key is how a later run finds it again, so it must be the same in each run
/// and different for each item. What else decides whether an answer still holds is the program's to say: a version, a
/// configuration, a fingerprint of each input. Which build of the program ran is no part of it.
///
/// The file is an SQLite database, which any tool for those can read, also while a run writes it; [`JournalReader`] does so
/// in Rust. While a run writes, `-wal` and `-shm` files stand beside it and belong to it, and a `.lock` file names the writer.
///
/// # What survives
/// Killed at any moment, the program loses what was running and what had finished within about one commit interval (50 ms).
/// A machine that loses power may lose some seconds more. What is left is whole in either case. It is the calling thread that hands
/// answers to the journal, a chunk before each chunk's calls of a `for_each` callback: what ends while that takes long waits for it.
/// So does what ends while an iterator takes long to give the next item, or while nobody takes the answers of a stream: at most a
/// [`window`](crate::Job::window). When the file takes nothing more, say as the disk is full, an event of `tracing` at level error says
/// so at once, the run goes on, and its outcome has it among its [troubles](crate::Outcome::troubles).
///
/// # Memory
/// What is recorded is read as the run begins: values and all, until their items come; each key stays in memory to the end, so that
/// none comes twice.
///
/// ```
/// use manyhands::{Journal, OnChange};
///
/// let journal = Journal::at("night.journal")
///     .key(|subject: &(u32, &str)| subject.1.to_owned())
///     .version("3")
///     .configuration(&[("low", 0.3), ("high", 35.0)])
///     .on_change(OnChange::Recompute);
/// assert!(format!("{journal:?}").contains("night.journal"));
/// ```
#[must_use = "a journal is written by the job that it is given to"]
pub struct Journal<'a, T> {
    pub(crate) settings: JournalSettings,
    /// How to tell an item's name, unless the job has a way to.
    pub(crate) key: Option<Box<Key<'a, T>>>,
    pub(crate) fingerprint: Option<Box<Key<'a, T>>>,
}

/// What a journal was told, besides the closures over its items.
#[derive(Debug, Clone)]
pub(crate) struct JournalSettings {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
    /// As JSON with sorted names; or why it cannot be had.
    pub(crate) configuration: Result<String, String>,
    pub(crate) on_change: OnChange,
    pub(crate) retry: RetryRecorded,
    pub(crate) commit_every: Duration,
}

impl<'a, T> Journal<'a, T> {
    /// A journal in this file, which is made if it is not there; its folder must exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let settings = JournalSettings {
            path: path.into(),
            version: String::new(),
            configuration: Ok("null".to_owned()),
            on_change: OnChange::default(),
            retry: RetryRecorded::default(),
            commit_every: Duration::from_millis(50),
        };
        Self { settings, key: None, fingerprint: None }
    }

    /// How to tell an item's name; without this, the job's own key is used. Two items of one name are an error.
    pub fn key(mut self, key: impl Fn(&T) -> String + Send + 'a) -> Self {
        self.key = Some(Box::new(key));
        self
    }

    /// The version of what is computed: give another one when the function changes so that earlier answers do not hold.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// What else all answers depend on, such as the settings of a filter. It is kept as JSON; when it changes, the message
    /// names the first field that did.
    ///
    /// A value that has no JSON, such as a map with keys that are no text, is an error of the run.
    pub fn configuration(mut self, configuration: &impl Serialize) -> Self {
        self.settings.configuration =
            serde_json::to_value(configuration).map(value::sorted_json).map_err(|error| error.to_string());
        self
    }

    /// What an item's answer depends on besides its name, in short, such as [`file_fingerprint`] of its file. It is asked for
    /// once per item and run, before the item is handled, recorded or not.
    pub fn fingerprint(mut self, fingerprint: impl Fn(&T) -> String + Send + 'a) -> Self {
        self.fingerprint = Some(Box::new(fingerprint));
        self
    }

    /// What to do when version, configuration or a fingerprint is another than recorded; without this, refuse.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.settings.on_change = on_change;
        self
    }

    /// Which recorded items to do again; without this, those that failed.
    pub fn retry_recorded(mut self, retry: RetryRecorded) -> Self {
        self.settings.retry = retry;
        self
    }

    /// How long a finished item may wait until it is written down, 50 ms without this: a shorter time loses less to a kill,
    /// and costs more. Zero writes each item down as soon as it can be.
    pub fn commit_every(mut self, interval: Duration) -> Self {
        self.settings.commit_every = interval;
        self
    }
}

impl<T> fmt::Debug for Journal<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A file's size and the time of its last change, as one short text for [`Journal::fingerprint`].
///
/// It reads no content: a change that keeps the size and sets the time back is not seen, and a copied or touched file counts as
/// changed. Where that will not do, hash the content.
///
/// ```
/// let first = manyhands::file_fingerprint("Cargo.toml")?;
/// assert_eq!(manyhands::file_fingerprint("Cargo.toml")?, first);
/// assert!(manyhands::file_fingerprint("no such file").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the file is not there or cannot be asked about.
pub fn file_fingerprint(path: impl AsRef<Path>) -> io::Result<String> {
    let about = std::fs::metadata(path)?;
    let modified = about.modified()?;
    // A time before 1970 is told apart by its sign.
    let nanoseconds = match modified.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_nanos().to_string(),
        Err(before) => format!("-{}", before.duration().as_nanos()),
    };
    Ok(format!("{} bytes, modified at {nanoseconds} ns", about.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_that_grows_or_is_touched_has_another_fingerprint() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"12345").unwrap();
        let first = file_fingerprint(file.path()).unwrap();
        assert!(first.starts_with("5 bytes, modified at "), "{first}");
        file.as_file().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(file_fingerprint(file.path()).unwrap(), "5 bytes, modified at 0 ns");
        file.write_all(b"6").unwrap();
        assert!(file_fingerprint(file.path()).unwrap().starts_with("6 bytes"));
    }

    #[test]
    fn a_configuration_without_json_is_kept_as_the_reason() {
        let by_pair = std::collections::HashMap::from([((1, 2), 3)]);
        let journal = Journal::<u8>::at("a").configuration(&by_pair);
        assert_eq!(journal.settings.configuration, Err("key must be a string".to_owned()));
    }
}
