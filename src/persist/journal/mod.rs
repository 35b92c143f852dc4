//! A file that records finished items, so that a later run resumes: the builder that a program uses.
//!
//! `settings.rs` has the settings, `schema.rs` the tables and their version, `database.rs` reads and writes them (the
//! only file that names SQLite), `store.rs` hands rows to a thread that writes them (`queue.rs` and `rows.rs` are between,
//! `writer.rs` is that thread), `lock.rs` admits one writer, `pending.rs` subtracts recorded items from the input,
//! `keys.rs` numbers keys, `newest_rows.rs` finds the newest row of each, `value.rs` encodes values, `error.rs` has the errors, and `reader.rs` is for other programs. The
//! run decides what it records; nothing here knows runs or jobs.

mod database;
mod error;
mod keys;
mod lock;
mod newest_rows;
mod pending;
mod queue;
mod reader;
mod row_warnings;
mod rows;
mod schema;
mod settings;
mod store;
mod value;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::encoding::Format;
use crate::sync::SystemTime;

#[cfg(any(test, fuzzing))]
pub use database::fuzzed::read_rows;
pub use error::JournalError;
pub(crate) use pending::{ItemState, Recorded, RecordedItem};
pub use reader::{JournalEntry, JournalReader, JournalStatus};
pub(crate) use row_warnings::RowWarnings;
pub(crate) use settings::JournalSettings;
pub use settings::{OnChange, RetryRecorded, UnknownSetting};
pub(crate) use store::Store;
pub(crate) use value::{WrittenValues, decode_value, encode_value};

/// A file that records each finished item, so that the next run of the same call resumes where this one ended.
///
/// Needs the feature `journal`, and goes into [`Work::journal`](crate::Work::journal). Each item has a key, its name in
/// the file. A later run finds the item by its key, so the key must be the same in each run and different for each
/// item. The program says what else decides whether a recorded value still holds: a version, a configuration, a
/// fingerprint of each input. A rebuilt program with the same version resumes.
///
/// The file is an SQLite database, which any tool for those can read, even while a run writes it; [`JournalReader`]
/// reads it in Rust. While a run writes, `-wal` and `-shm` files stand beside it and belong to it, and a `.lock` file
/// names the writer.
///
/// # What is kept of a result
/// A result is written with serde, in the [`format`](Self::format) of the journal. What is written must read back: the
/// first result, and each that takes a form which none before it had, another variant for instance, is read back and
/// compared as it is written. One that would come back as another value is not recorded: an event of `tracing` says so at
/// once, the run goes on with the result in memory, its outcome has the error among its
/// [warnings](crate::Outcome::warnings), and the next run computes the item again. So it is with a recorded result that
/// cannot be read. Sixteen results of each kind have a warning with their key, and the last of these counts the others.
///
/// The copy that was read back is leaked where it stands for other results and has at most 4 KiB, up to 1 MiB of such copies
/// in a process, so that a destructor which does something outside of the program, such as removing a file, does not do it
/// for a result that the outcome still holds. A larger copy is dropped, and so are those of a type whose values are all read
/// back, as [`Format`] says: results of such a type must not own anything outside of the program.
///
/// The file also keeps the name and the shape of the results' type: the kinds of its numbers, the names and the order of
/// its fields and variants. A run whose type differs is treated as one of another version: see
/// [`on_change`](Self::on_change). To find the shape, a run that opens its journal reads made-up values as that type:
/// numbers, texts, lists. A `Deserialize` that refuses one, or panics, is asked again with others; such a panic is shown
/// by no hook that was set before, and where panics end the program, it does. [`version`](Self::version) must say what
/// changed where the shape is not seen:
///
/// - fields behind `flatten`, `untagged` and `tag`; variants of an enum that its `Deserialize` chooses by itself;
/// - the kinds, not the names, of the fields that follow one whose `Deserialize` refuses all made-up values;
/// - what is nested more than twelve levels deep, or comes after a million values;
/// - a meaning: another unit, or another scale behind the same `f64`.
///
/// # What survives a crash
/// A program that is killed loses the items that were running and those that finished within about one commit interval
/// (50 ms) before. A loss of power may cost some seconds more. The file is valid in either case.
///
/// The calling thread passes the values of a chunk to the journal before it calls a `for_each` callback for them. So a slow
/// callback delays records, and so do an iterator that takes long to give the next item and a stream whose values are
/// not taken: by a [`window`](crate::Job::window) of items at most.
///
/// # When the file cannot be written
/// A full disk, an error of the disk, or another program that has the file locked for more than two seconds: an event of
/// `tracing` at level error says so at once, and the run goes on. Rows wait in memory, and are tried again after 0.1 s,
/// 0.2 s and so on to every 5 s, and at the end of the run. Each is written once. Up to 65 536 rows or 64 MiB wait, or
/// three times as many; further ones are dropped, and the next run computes those items again. The outcome has a
/// [warning](crate::Outcome::warnings), [`Interrupted`](crate::journal::JournalError::Interrupted), that says how long it
/// lasted, how many rows waited, and how many are not written, with the keys of the first. A row that the file does not
/// take, such as one of more than a billion bytes, is left out alone, and named by a warning.
///
/// After each commit the run looks whether the path still leads to its file. Where the file was moved, removed or
/// replaced, an event and the warning [`Displaced`](crate::journal::JournalError::Displaced) say so. The run goes on in
/// the file that it opened, creates no other, and leaves alone what has taken its place. Where the file system has no
/// write-ahead log, SQLite does not write to a file that is not at its path: rows wait in memory as for a full disk until
/// it is back, and those that are left at the end are lost and named.
///
/// # Paths and foreign files
/// The path is made absolute and its links are followed once, when the run begins. So a program or an item that changes
/// the current folder changes nothing, a folder that is renamed takes the journal and its lock along, and all links to a
/// journal lead to one lock. A link that another user than root made is refused, and so are pipes, devices, and a lock
/// file that is a link or has a second name. A file whose tables are not exactly those that this crate makes is refused
/// too, and no view or trigger of a file ever runs.
///
/// # Cost
/// Some 10 µs of CPU time for each item, most of it in the one writer thread of the run. A run reads the recorded items
/// when it begins and holds their values until their items come. Keys stay in memory to the end, to find duplicates.
///
/// ```
/// use manyhands::{Job, Journal};
///
/// let folder = tempfile::tempdir()?;
/// let journal = || Journal::at(folder.path().join("squares.journal")).key(u64::to_string).version("1");
/// for resumed in [0, 3] {
///     let outcome = Job::new(&[1_u64, 2, 3]).map(|n| n * n).journal(journal()).run()?;
///     assert_eq!(outcome.resumed().count(), resumed);
///     assert_eq!(outcome.into_options(), [Some(1), Some(4), Some(9)]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a journal is written by the job that it is given to"]
pub struct Journal<'a, T> {
    pub(crate) settings: JournalSettings,
    /// Gives an item's key; `None` to use the job's key function.
    pub(crate) key: Option<ItemText<'a, T>>,
    pub(crate) fingerprint: Option<ItemText<'a, T>>,
    /// The job drops a journal that is off, so no other code has to ask.
    is_off: bool,
}

/// A function of the program that describes an item by a text.
///
/// Called in the thread that reads the items, never in a worker, so it need not be `Sync`.
type ItemText<'a, T> = Box<dyn Fn(&T) -> String + Send + 'a>;

impl<'a, T> Journal<'a, T> {
    /// A journal in this file. A run creates the file if it does not exist; its folder must exist.
    ///
    /// ```
    /// use manyhands::Journal;
    ///
    /// let journal = Journal::at("night.journal").key(|night: &u32| format!("night {night}"));
    /// assert!(format!("{journal:?}").contains("night.journal"));
    /// ```
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let settings = JournalSettings {
            path: path.into(),
            version: String::new(),
            configuration: Ok("null".to_owned()),
            value_type: String::new,
            format: Format::default(),
            on_change: OnChange::default(),
            retry: RetryRecorded::default(),
            commit_every: Duration::from_millis(50),
        };
        Self { settings, key: None, fingerprint: None, is_off: false }
    }

    /// A journal that records nothing, for programs that switch the journal by an option. A job with it runs as without
    /// a journal.
    ///
    /// ```
    /// use manyhands::{Job, Journal};
    ///
    /// let is_dry = true;
    /// let journal = if is_dry { Journal::off() } else { Journal::at("squares.journal") };
    /// let outcome = Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal.key(u64::to_string)).run()?;
    /// assert_eq!(outcome.resumed().count(), 0);
    /// assert!(!std::path::Path::new("squares.journal").exists());
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn off() -> Self {
        Self { is_off: true, ..Self::at("") }
    }

    /// Whether this is a journal that records nothing.
    pub(crate) fn is_off(&self) -> bool {
        self.is_off
    }

    /// Sets how to get an item's key. Without it, the job's own key is used. Two items with the same key are an error
    /// of the run.
    ///
    /// A key that contains the index, or a place in a list, breaks the resumption when items are added in front: each
    /// item then gets the record of another.
    ///
    /// ```
    /// use manyhands::Journal;
    ///
    /// struct Subject {
    ///     id: u32,
    /// }
    /// let journal = Journal::at("study.journal").key(|subject: &Subject| format!("subject {:04}", subject.id));
    /// # let _ = journal;
    /// ```
    pub fn key(mut self, key: impl Fn(&T) -> String + Send + 'a) -> Self {
        self.key = Some(Box::new(key));
        self
    }

    /// Sets the version of the computation. Change it when the function changes so that recorded values no longer hold.
    ///
    /// An empty text is the version of a journal that sets none.
    ///
    /// ```
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let run = |version: &str| {
    ///     let journal = Journal::at(folder.path().join("a.journal")).key(u64::to_string).version(version);
    ///     Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal).run()
    /// };
    /// run("1")?;
    /// let message = run("2").unwrap_err().to_string();
    /// assert!(message.contains(r#"the version is "2" and was "1" when the journal was written"#), "{message}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// Sets a value that all results depend on, such as the settings of a filter. It is recorded as JSON. When it
    /// changes, the error names the first field that differs.
    ///
    /// A value that has no JSON, such as a map with keys that are no text, is an error of the run.
    ///
    /// ```
    /// use manyhands::{Job, Journal};
    /// use std::collections::BTreeMap;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let run = |low: f64| {
    ///     let filter = BTreeMap::from([("low", low), ("high", 35.0)]);
    ///     let journal = Journal::at(folder.path().join("a.journal")).key(u64::to_string).configuration(&filter);
    ///     Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal).run()
    /// };
    /// run(0.3)?;
    /// let message = run(0.5).unwrap_err().to_string();
    /// assert!(message.contains("the configuration's low is 0.5 and was 0.3"), "{message}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn configuration(mut self, configuration: &impl Serialize) -> Self {
        self.settings.configuration =
            serde_json::to_value(configuration).map(value::sorted_json).map_err(|error| error.to_string());
        self
    }

    /// Sets what an item's value depends on besides its key, as a short text, such as the [`file_fingerprint`] of its
    /// file. It is called once per item and run, in the calling thread, before the item is computed or resumed.
    ///
    /// Costs the call for each item of each run, also for items that are resumed; they would not be noticed to have
    /// changed otherwise. A run without a fingerprint resumes whatever fingerprint is recorded.
    ///
    /// ```
    /// use manyhands::journal::file_fingerprint;
    /// use manyhands::Journal;
    /// use std::path::PathBuf;
    ///
    /// let journal = Journal::at("a.journal")
    ///     .key(|file: &PathBuf| file.display().to_string())
    ///     .fingerprint(|file| file_fingerprint(file).unwrap_or_else(|error| error.to_string()));
    /// # let _ = journal;
    /// ```
    pub fn fingerprint(mut self, fingerprint: impl Fn(&T) -> String + Send + 'a) -> Self {
        self.fingerprint = Some(Box::new(fingerprint));
        self
    }

    /// Sets what to do when the version, the configuration, the type of the results or a fingerprint differs from the
    /// recorded one. The default is [`OnChange::Refuse`].
    ///
    /// ```
    /// use manyhands::journal::OnChange;
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let run = |version: &str| {
    ///     let journal = Journal::at(folder.path().join("a.journal")).key(u64::to_string).version(version);
    ///     Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal.on_change(OnChange::Recompute)).run()
    /// };
    /// run("1")?;
    /// assert_eq!(run("2")?.resumed().count(), 0); // all computed again
    /// assert_eq!(run("1")?.resumed().count(), 2); // the first records hold again
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.settings.on_change = on_change;
        self
    }

    /// Sets how results are written. The default is [`Format::Compact`].
    ///
    /// [`Format::SelfDescribing`] is for results whose serde attributes the compact format cannot serve; their rows are
    /// longer, by the names of their fields. A journal may hold rows of both formats, and a run in one of them resumes those
    /// of the other. In either format, a result that does not read back is not recorded, and is a warning of the run.
    ///
    /// ```
    /// use manyhands::journal::Format;
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let run = |format: Format| {
    ///     let path = folder.path().join(format!("{format}.journal"));
    ///     let journal = Journal::at(path).key(u64::to_string).format(format);
    ///     Job::new(&[1_u64, 2]).map(|n| serde_json::json!({ "square": n * n })).journal(journal).run()
    /// };
    /// let outcome = run(Format::Compact)?; // a value that only its own text describes
    /// assert!(outcome.warnings()[0].to_string().contains("Format::SelfDescribing"));
    /// assert!(run(Format::SelfDescribing)?.warnings().is_empty());
    /// assert_eq!(run(Format::SelfDescribing)?.resumed().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn format(mut self, format: Format) -> Self {
        self.settings.format = format;
        self
    }

    /// Sets which recorded items to compute again. The default is [`RetryRecorded::Failed`].
    ///
    /// ```
    /// use manyhands::journal::RetryRecorded;
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let run = |retry| {
    ///     let journal = Journal::at(folder.path().join("a.journal")).key(u64::to_string).retry_recorded(retry);
    ///     Job::new(&[1_u64, 2]).map(|n| n * n).journal(journal).run()
    /// };
    /// run(RetryRecorded::Failed)?;
    /// assert_eq!(run(RetryRecorded::Failed)?.resumed().count(), 2);
    /// assert_eq!(run(RetryRecorded::All)?.resumed().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retry_recorded(mut self, retry: RetryRecorded) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Sets how long a finished item may wait before it is written. The default is 50 ms. A kill loses less with a
    /// shorter time, and commits cost more. Zero writes each item as soon as possible.
    ///
    /// One transaction is written per interval in which items finish, whatever their number. Intervals longer than a
    /// year are cut to a year.
    ///
    /// ```
    /// use manyhands::Journal;
    /// use std::time::Duration;
    ///
    /// let journal = Journal::at("a.journal").key(u64::to_string).commit_every(Duration::from_secs(1));
    /// # let _ = journal;
    /// ```
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

/// A file's size and modification time, as one short text for [`Journal::fingerprint`].
///
/// Costs one system call and reads no content: a change that keeps the size and sets the time back goes unnoticed, and
/// a copied or touched file counts as changed. Hash the content where that matters.
///
/// ```
/// let first = manyhands::journal::file_fingerprint("Cargo.toml")?;
/// assert_eq!(manyhands::journal::file_fingerprint("Cargo.toml")?, first);
/// assert!(manyhands::journal::file_fingerprint("no such file").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the file does not exist or the system does not give its metadata.
pub fn file_fingerprint(path: impl AsRef<Path>) -> io::Result<String> {
    let about = std::fs::metadata(path)?;
    let modified = about.modified()?;
    // A time before 1970 has a sign.
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
    fn only_a_journal_that_is_switched_off_is_off() {
        assert!(Journal::<u8>::off().key(u8::to_string).version("2").is_off());
        assert!(!Journal::<u8>::at("night.journal").is_off());
    }

    #[test]
    fn a_configuration_without_json_is_kept_as_the_reason() {
        let by_pair = std::collections::HashMap::from([((1, 2), 3)]);
        let journal = Journal::<u8>::at("a").configuration(&by_pair);
        assert_eq!(journal.settings.configuration, Err("key must be a string".to_owned()));
    }
}
