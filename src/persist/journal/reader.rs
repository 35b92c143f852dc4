//! A journal as other programs see it, also while a run writes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::persist::journal::database::{Database, Shown};
use crate::persist::journal::error::JournalError;
use crate::persist::journal::lock;
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::value::decode_value;
use crate::record::RecordedFailure;
use crate::sync::SystemTime;

/// A journal, open for reading: what is finished, what failed, and who writes it.
///
/// Of items that were recorded more than once the newest record counts, and after a change of version or configuration only what
/// was recorded since.
///
/// # Concurrency
/// Reads beside a writer, of this program or another, and sees what it has committed. Each call sees one moment. Where the file
/// system has no write-ahead log, reader and writer wait for each other, for up to half a minute.
///
/// ```
/// use manyhands::{JournalProblem, JournalReader};
///
/// fn status_line(path: &str) -> Result<String, JournalProblem> {
///     let status = JournalReader::open(path)?.status()?;
///     Ok(format!("{} done, {} failed", status.succeeded, status.failed))
/// }
/// assert_eq!(status_line("no such journal").unwrap_err().to_string(), "no such journal does not exist");
/// ```
#[derive(Debug)]
pub struct JournalReader {
    database: Database,
    path: PathBuf,
}

/// What is in a journal, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalStatus {
    /// Items that have a value.
    pub succeeded: u64,
    /// Items that failed at their last attempt.
    pub failed: u64,
    /// All rows, those that no longer count included.
    pub rows: u64,
    /// Runs that were begun, those that were refused when they had looked at their items included.
    pub runs: u64,
    /// What the last run gave as [`Journal::version`](crate::Journal::version).
    pub version: String,
    /// What the last run gave as [`Journal::configuration`](crate::Journal::configuration): JSON, `null` if nothing.
    pub configuration: String,
    /// When the first item was begun.
    pub first_started: Option<SystemTime>,
    /// When the last item was finished.
    pub last_finished: Option<SystemTime>,
    /// Who writes it now, if anybody does.
    pub writer: Option<String>,
}

/// One recorded item.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// The item's name.
    pub key: String,
    /// Its place in the input of the run that recorded it.
    pub index: usize,
    /// Why it has no value; none when it succeeded.
    pub failure: Option<RecordedFailure>,
    /// How often it was begun.
    pub attempts: u32,
    /// When its last attempt began.
    pub started: SystemTime,
    /// How long its last attempt took.
    pub elapsed: Duration,
    /// What its answer depends on, as it was recorded.
    pub fingerprint: Option<String>,
    value: Option<Vec<u8>>,
}

impl JournalReader {
    /// Opens a journal and changes nothing in it.
    ///
    /// # Errors
    /// When the file is not there, is no journal, is damaged, or was written by a later version of this crate.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        Ok(Self { database: Database::for_reading(&path)?, path })
    }

    /// What is in it, counted now.
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
            writer: lock::holder(&self.path),
        })
    }

    /// All items, in the order in which they were recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.shown(Shown::All)
    }

    /// The items that failed at their last attempt, in the order in which they were recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn failures(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.shown(Shown::Failed)
    }

    fn shown(&self, which: Shown) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(self.database.shown(which)?.into_iter().map(JournalEntry::of).collect())
    }
}

impl JournalEntry {
    fn of(item: RecordedItem) -> Self {
        let RecordedItem { record, fingerprint, value } = item;
        Self {
            key: record.key,
            index: record.index,
            failure: record.failure,
            attempts: record.attempts,
            started: record.started,
            elapsed: record.elapsed,
            fingerprint,
            value,
        }
    }

    /// The item's value; none when it failed, or when its run kept no values.
    ///
    /// # Errors
    /// [`JournalError::Value`] when what is recorded is no `R`: the type must be the one that the run's function returned.
    pub fn value<R: DeserializeOwned>(&self) -> Result<Option<R>, JournalError> {
        self.value.as_deref().map(|bytes| decode_value(&self.key, bytes)).transpose()
    }
}
