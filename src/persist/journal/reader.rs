//! Reads a journal, also while a run writes it: for programs that show progress or look up results. Never changes the
//! file.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::encoding::Format;
use crate::persist::journal::database::{Database, Shown};
use crate::persist::journal::error::JournalError;
use crate::persist::journal::lock;
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::value::decode_value;
use crate::persist::place::Place;
use crate::persist::size_signal::SizeSignal;
use crate::record::RecordedFailure;
use crate::sync::{Arc, SystemTime};

/// A journal, open for reading: finished items, failures, and the process that writes it.
///
/// When an item was recorded more than once, the newest record counts. After a change of version or configuration, only
/// later records count.
///
/// # Cost
/// [`entries`](Self::entries) and [`failures`](Self::failures) read the file once and hold all entries in memory.
///
/// # Concurrency
/// A reader runs beside a writer, of this program or another, and sees its commits. Each call sees the journal at one
/// moment. Where the file system has no write-ahead log, reader and writer wait for each other, for up to half a
/// minute.
///
/// ```
/// use manyhands::journal::JournalReader;
/// use manyhands::{Job, Journal};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("squares.journal");
/// Job::new(&[1_u64, 2, 3]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string).version("1")).run()?;
///
/// let reader = JournalReader::open(&path)?;
/// let status = reader.status()?;
/// assert_eq!((status.succeeded, status.failed, status.version.as_str()), (3, 0, "1"));
/// for entry in reader.entries()? {
///     println!("{} was item {}: {:?}", entry.key, entry.index, entry.value::<u64>()?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JournalReader {
    database: Database,
    place: Arc<Place>,
}

/// The counts of a journal, from [`JournalReader::status`].
///
/// ```
/// use manyhands::journal::JournalReader;
/// use manyhands::{Job, Journal};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("squares.journal");
/// for _ in 0..2 {
///     Job::new(&[1_u64, 2]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string)).run()?;
/// }
/// let status = JournalReader::open(&path)?.status()?;
/// assert_eq!((status.succeeded, status.runs, status.writer), (2, 2, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalStatus {
    /// Items with a value.
    pub succeeded: u64,
    /// Items whose last attempt failed.
    pub failed: u64,
    /// All rows, including those that no longer count.
    pub rows: u64,
    /// All runs that recorded items or looked them up. A run that was refused because a setting changed does not count.
    pub runs: u64,
    /// The [version](crate::Journal::version) of the last run.
    pub version: String,
    /// The [configuration](crate::Journal::configuration) of the last run as JSON; `null` without one.
    pub configuration: String,
    /// When the first item started.
    pub first_started: Option<SystemTime>,
    /// When the last item was finished.
    pub last_finished: Option<SystemTime>,
    /// The process that writes it now, if there is one.
    pub writer: Option<String>,
}

/// One recorded item, from [`JournalReader::entries`].
///
/// ```
/// use manyhands::journal::JournalReader;
/// use manyhands::{Job, Journal, OnFailure, Serial};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("numbers.journal");
/// let journal = Journal::at(&path).key(|text: &&str| text.to_string());
/// let job = Job::new(&["60", "sixty"]).mode(Serial).on_failure(OnFailure::Continue);
/// job.try_map(|text| text.parse::<u32>()).journal(journal).run()?;
///
/// let entries = JournalReader::open(&path)?.entries()?;
/// assert_eq!((entries[0].key.as_str(), entries[0].value::<u32>()?), ("60", Some(60)));
/// assert_eq!(entries[1].failure.as_ref().unwrap().message, "invalid digit found in string");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The item's key.
    pub key: String,
    /// Its index in the input of the run that recorded it.
    pub index: usize,
    /// Why it has no value; `None` when it succeeded.
    pub failure: Option<RecordedFailure>,
    /// Number of attempts.
    pub attempts: u32,
    /// When its last attempt started.
    pub started: SystemTime,
    /// How long its last attempt took.
    pub elapsed: Duration,
    /// The [fingerprint](crate::Journal::fingerprint) of its input, if there is one.
    pub fingerprint: Option<String>,
    value: Option<Vec<u8>>,
    format: Format,
}

impl JournalReader {
    /// Opens a journal and changes nothing in it. The path is made absolute and its links are followed now.
    ///
    /// The file may be of another user: its tables must be exactly those that this crate makes, no view or trigger of it
    /// runs, and each row has a checksum. Where it is a pipe or a device, it is refused and not opened.
    ///
    /// ```
    /// use manyhands::journal::{JournalError, JournalReader};
    ///
    /// let error = JournalReader::open("no such journal").unwrap_err();
    /// assert!(matches!(error, JournalError::NotFound { .. }));
    /// ```
    ///
    /// # Errors
    /// When the file does not exist, is no regular file, is no journal, is damaged, or was written by another version of
    /// this crate.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        let _no_signal = SizeSignal::hold_back(); // SQLite makes room for its shared index
        let place = Place::of(path).map(Arc::new).map_err(|error| match error.kind() {
            ErrorKind::NotFound => JournalError::NotFound { path: path.to_owned() },
            _ => JournalError::of_place(path, error),
        })?;
        Ok(Self { database: Database::for_reading(&place)?, place })
    }

    /// Counts the items, rows and runs. Costs one pass over the file, 0.2 to 0.3 µs for each row; and where several runs
    /// recorded rows, memory for each of them: that of its key and 50 bytes. [`JournalStatus`] has an example.
    ///
    /// ```
    /// use manyhands::journal::JournalReader;
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("squares.journal");
    /// Job::new(&[1_u64, 2, 3]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string).version("1")).run()?;
    ///
    /// let status = JournalReader::open(&path)?.status()?;
    /// assert_eq!((status.succeeded, status.failed, status.rows, status.runs), (3, 0, 3, 1));
    /// assert_eq!((status.version.as_str(), status.configuration.as_str()), ("1", "null"));
    /// assert!(status.first_started <= status.last_finished);
    /// assert_eq!(status.writer, None, "the run has ended");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status(&self) -> Result<JournalStatus, JournalError> {
        let (setup, counts) = self.database.status()?;
        let (version, configuration) = match setup {
            Some(setup) => (setup.version, setup.configuration),
            None => (String::new(), "null".to_owned()),
        };
        Ok(JournalStatus {
            succeeded: counts.succeeded,
            failed: counts.failed,
            rows: counts.rows,
            runs: counts.runs,
            version,
            configuration,
            first_started: counts.first,
            last_finished: counts.last,
            writer: lock::holder(&self.place),
        })
    }

    /// All items, in the order in which they were recorded, which is about that in which they
    /// finished. [`JournalEntry`] has an example.
    ///
    /// ```
    /// use manyhands::journal::JournalReader;
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("squares.journal");
    /// Job::new(&[1_u64, 2, 3]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string).version("1")).run()?;
    ///
    /// let entries = JournalReader::open(&path)?.entries()?;
    /// assert_eq!(entries.len(), 3);
    /// assert!(entries.iter().all(|entry| entry.failure.is_none()));
    /// let two = entries.iter().find(|entry| entry.key == "2").unwrap();
    /// assert_eq!((two.index, two.attempts, two.value::<u64>()?), (1, 1, Some(4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.shown(Shown::All)
    }

    /// The items whose last attempt failed, in the order in which they were recorded.
    ///
    /// ```
    /// use manyhands::journal::JournalReader;
    /// use manyhands::{Job, Journal, OnFailure};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("numbers.journal");
    /// let journal = Journal::at(&path).key(|text: &&str| text.to_string());
    /// Job::new(&["60", "sixty"]).on_failure(OnFailure::Continue).try_map(|text| text.parse::<u32>()).journal(journal).run()?;
    /// let failures = JournalReader::open(&path)?.failures()?;
    /// assert_eq!((failures.len(), failures[0].key.as_str()), (1, "sixty"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn failures(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.shown(Shown::Failed)
    }

    /// Both lists are in the order of the newest row of each key: an item that was recorded again moves to the end. The
    /// item's time on the CPU, its worker, its memory and its amounts are in the file and are dropped here, because no
    /// field of [`JournalEntry`] shows them.
    fn shown(&self, which: Shown) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.database.shown(which)?.into_iter().map(JournalEntry::of).collect())
    }
}

impl JournalEntry {
    fn of(item: RecordedItem) -> Self {
        let RecordedItem { record, fingerprint, value, format } = item;
        Self {
            key: record.key,
            index: record.index,
            failure: record.failure,
            attempts: record.attempts,
            started: record.started,
            elapsed: record.elapsed,
            fingerprint,
            value,
            format,
        }
    }

    /// Decodes the item's value; `None` when it failed. [`JournalReader`] has an example.
    ///
    /// ```
    /// use manyhands::journal::{JournalError, JournalReader};
    /// use manyhands::{Job, Journal};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("squares.journal");
    /// Job::new(&[3_u64]).map(|n| n * n).journal(Journal::at(&path).key(u64::to_string).version("1")).run()?;
    ///
    /// let entries = JournalReader::open(&path)?.entries()?;
    /// assert_eq!(entries[0].value::<u64>()?, Some(9));
    /// let error = entries[0].value::<(u64, u64)>().unwrap_err(); // the bytes of one number are not those of two
    /// assert!(matches!(error, JournalError::Value { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Limits
    /// The bytes carry no type: another type whose bytes look the same is decoded without an error, except by a run,
    /// which compares the types first. Each call decodes again.
    ///
    /// # Errors
    /// [`JournalError::Value`] when the recorded bytes are no `R`: the type must be the one that the run's function returned.
    pub fn value<R: DeserializeOwned>(&self) -> Result<Option<R>, JournalError> {
        self.value.as_deref().map(|bytes| decode_value(&self.key, self.format, bytes)).transpose()
    }
}
