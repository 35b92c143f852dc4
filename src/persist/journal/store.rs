//! The write side of a journal: takes finished items from the run's thread and hands them to a writer thread.
//!
//! The run does not wait for the disk, except when the queue reaches its limit of rows or bytes. `writer.rs` writes the
//! rows, and tries again where it cannot; `queue.rs` is between the two; `rows.rs` is the buffer that rows wait in;
//! `database.rs` knows the file.
//!
//! A row's way: `append` copies it into the queue's buffers and wakes the writer for the first row and for row 512. The
//! writer takes the full buffers, begins a transaction, adds the rows, and commits when the interval since that begin is
//! over. With 50 ms and items that take 1 ms on 8 workers, a transaction has some 400 rows.
//!
//! | moment | what a kill costs |
//! |---|---|
//! | the item runs | the item |
//! | its row is queued, or added and not committed | the item: at most about an interval of items |
//! | its row is committed | nothing |
//!
//! While the file cannot be written, the writer's rows and the queue's wait, each up to the limits of a buffer. The run
//! does not wait then: a disk may stay full for days. Rows beyond the limits are dropped, counted, and the first of them
//! named in the run's warnings.
//!
//! The order of locks is simple: there is one, the queue's, and neither side holds it while it reads or writes the
//! file.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::encoding::show_difference;
use crate::persist::journal::database::{Database, Log, Setup};
use crate::persist::journal::error::JournalError;
use crate::persist::journal::lock::{self, WriterLock};
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::queue::WriteQueue;
use crate::persist::journal::settings::{JournalSettings, OnChange};
use crate::persist::journal::value::first_difference;
use crate::persist::journal::writer::Writer;
use crate::persist::place::Place;
use crate::persist::size_signal::SizeSignal;
use crate::record::ItemRecord;
use crate::sync::{Arc, JoinHandle, ProcessMark, StackSize, SystemTime, spawn_owned};

/// A journal, open for one run.
///
/// `finish` is the good end. A drop without it is the end of a run that an error stopped.
#[derive(Debug)]
pub(crate) struct Store {
    /// The process of the run, and of the writer's thread.
    process: ProcessMark,
    queue: Arc<WriteQueue>,
    writer: Option<JoinHandle<()>>,
    /// Released when the writer is done, so that no other run begins before that.
    lock: Option<WriterLock>,
}

impl Store {
    /// The recorded items, as [`open`](Store::open) would give them now, without a lock or a change.
    ///
    /// For a dry run. A journal that does not exist has no items.
    ///
    /// # Errors
    /// As `open`, except those of the lock and of writing.
    pub(crate) fn peek(settings: &JournalSettings) -> Result<Vec<RecordedItem>, JournalError> {
        let setup = Setup::of(settings)?;
        let database = match find(settings).and_then(|place| Database::for_reading(&place)) {
            Err(JournalError::NotFound { .. }) => return Ok(Vec::new()),
            database => database?,
        };
        admit(&database, settings, &setup)?;
        database.newest(&setup)
    }

    /// Opens the journal for one run and gives the recorded items: the newest row of each key.
    ///
    /// After a change of version, configuration or type there are none, or the change is an error, as the settings say.
    ///
    /// The order matters: the lock before the file, so that two runs cannot both make the tables; the settings' refusal
    /// before `begin_run`, so that a refused run leaves no row; and the recorded items before the writer starts, since
    /// the connection then moves to the writer's thread.
    ///
    /// # Errors
    /// A configuration without JSON, another writer, and all errors of the file. The lock is released then.
    pub(crate) fn open(settings: &JournalSettings) -> Result<(Self, Vec<RecordedItem>), JournalError> {
        let setup = Setup::of(settings)?;
        let _no_signal = SizeSignal::hold_back();
        let place = find(settings)?;
        place.regular().map_err(|error| JournalError::of_io(&place.path, error))?;
        let lock = WriterLock::take(&place)?;
        let (database, log) = Database::for_writing(&place)?;
        if log == Log::Rollback {
            tracing::warn!(
                journal = %place.path.display(),
                "the file system has no write-ahead log for the journal: its commits take longer, and readers wait for them"
            );
        }
        admit(&database, settings, &setup)?;
        let recorded = database.newest(&setup)?;
        let run = database.begin_run(&setup, settings.format, &lock::this_process(), SystemTime::now())?;
        let queue = Arc::new(WriteQueue::default());
        let writer = start_writer(Arc::clone(&queue), database, run, settings)?;
        Ok((Self { process: ProcessMark::current(), queue, writer: Some(writer), lock: Some(lock) }, recorded))
    }

    /// Queues an item, which the writer commits within about one interval. Waits only while the queue is full and the
    /// file can be written.
    ///
    /// Costs a lock and a copy of each text and of the value; amounts cost a JSON text besides. Where the queue is full
    /// and the file cannot be written, the row is dropped and counted.
    pub(crate) fn append(&mut self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&[u8]>) {
        self.queue.append(record, fingerprint, value);
    }

    /// Waits until all rows are written, and releases the journal. Gives what was not as it should be; an empty list says
    /// that each row is in the journal.
    ///
    /// A drop does the same without the list and, if no row was appended, removes the run from the file: the journal was
    /// not written under its setup.
    pub(crate) fn finish(mut self) -> Vec<JournalError> {
        self.close(false);
        self.queue.take_warnings()
    }

    /// Does nothing the second time: `finish` closes, and the drop at its end finds no writer. The lock goes last,
    /// after the writer has closed the file.
    fn close(&mut self, is_refused: bool) {
        let Some(writer) = self.writer.take() else { return };
        if !self.process.is_current() {
            std::mem::forget(writer); // it is in the parent, as are the rows, the file and its lock
            return;
        }
        self.queue.close(is_refused);
        let _ = writer.join();
        self.lock = None;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close(true);
    }
}

impl Setup {
    fn of(settings: &JournalSettings) -> Result<Self, JournalError> {
        let configuration = settings.configuration.clone().map_err(JournalError::Configuration)?;
        Ok(Self { version: settings.version.clone(), configuration, value_type: (settings.value_type)() })
    }
}

/// Refuses a journal that was written under another setup, if the settings say so.
///
/// Compares with the newest run alone. With [`OnChange::Recompute`] nothing is refused, and `newest` selects the rows
/// of the setup that is used now.
fn admit(database: &Database, settings: &JournalSettings, setup: &Setup) -> Result<(), JournalError> {
    match (settings.on_change, database.last_setup()?) {
        (OnChange::Refuse, Some(recorded)) => refuse_change(&recorded, setup),
        _ => Ok(()),
    }
}

/// The version is compared first, since a new version often comes with new fields of the configuration.
fn refuse_change(recorded: &Setup, now: &Setup) -> Result<(), JournalError> {
    if recorded.version != now.version {
        return Err(JournalError::Changed {
            what: "the version".to_owned(),
            recorded: format!("{:?}", recorded.version),
            now: format!("{:?}", now.version),
        });
    }
    if recorded.configuration != now.configuration {
        let (field, recorded, now) = first_difference(&recorded.configuration, &now.configuration);
        let what =
            if field.is_empty() { "the configuration".to_owned() } else { format!("the configuration's {field}") };
        return Err(JournalError::Changed { what, recorded, now });
    }
    if recorded.value_type != now.value_type {
        let (recorded, now) = show_difference(&recorded.value_type, &now.value_type);
        return Err(JournalError::Changed { what: "the type of the results".to_owned(), recorded, now });
    }
    Ok(())
}

fn find(settings: &JournalSettings) -> Result<Arc<Place>, JournalError> {
    Place::of(&settings.path).map(Arc::new).map_err(|error| JournalError::of_place(&settings.path, error))
}

/// The connection moves into the thread and is closed there, also after an error.
///
/// # Errors
/// When the system starts no thread.
fn start_writer(
    queue: Arc<WriteQueue>,
    database: Database,
    run: i64,
    settings: &JournalSettings,
) -> Result<JoinHandle<()>, JournalError> {
    let interval = settings.commit_every;
    let path = settings.path.clone();
    let body = move || {
        let _no_signal = SizeSignal::hold_back();
        // A panic would be a defect of this module. It still ends every wait for space in the queue.
        let write = || Writer::new(&queue, &database, run, interval).map(Writer::write_all);
        match catch_unwind(AssertUnwindSafe(write)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => queue.end(Some(error)),
            Err(_) => {
                queue.end(Some(JournalError::Io { path, detail: "its writer panicked".to_owned(), source: None }))
            }
        }
        database.close();
    };
    spawn_owned("manyhands-journal".to_owned(), StackSize::Usual, body)
        .map_err(|error| JournalError::of_io(&settings.path, error))
}

#[cfg(test)]
impl Store {
    /// Whether the file cannot be written now.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.queue.is_interrupted()
    }
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod interruptions;
#[cfg(test)]
pub(crate) mod tests;
