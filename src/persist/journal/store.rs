//! The write side of a journal: takes finished items from the run's thread and hands them to a writer thread.
//!
//! The run does not wait for the disk, except when the queue reaches its limit of rows or bytes. A write error does not
//! end the run: the store keeps it and drops later rows, and the run's own results are unaffected. `database.rs` knows
//! the file.
//!
//! A row's way: `append` copies it into the queue's buffers and wakes the writer for the first row and for row 512. The
//! writer exchanges its own empty buffers for the full ones, begins a transaction, adds the rows, and commits when the
//! interval since that begin is over. With 50 ms and items that take 1 ms on 8 workers, a transaction has some 400
//! rows.
//!
//! | moment | what a kill costs |
//! |---|---|
//! | the item runs | the item |
//! | its row is queued, or added and not committed | the item: at most about an interval of items |
//! | its row is committed | nothing |
//!
//! The order of locks is simple: there is one, the queue's, and neither side holds it while it reads or writes the
//! file.

use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use crate::persist::journal::database::{Database, Log, Row, Setup, Writing};
use crate::persist::journal::error::JournalError;
use crate::persist::journal::lock::{self, WriterLock};
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::settings::{JournalSettings, OnChange};
use crate::persist::journal::value::first_difference;
use crate::record::{FailureKind, ItemRecord};
use crate::sync::{Arc, Condvar, JoinHandle, Mutex, ProcessMark, StackSize, SystemTime, WallClock, spawn_owned};

/// This many rows wake the writer before its interval is over.
///
/// So a fast run neither fills the queue during an interval nor wakes the writer for each row.
const WAKE_ROWS: usize = 512;
/// The limits of the queue; at one of them, the run waits for the writer.
///
/// Rows, and bytes of texts and values together. The last row may go over the bytes by its own size. Twice this may be
/// in memory: the queue, and the rows that the writer took before.
const MOST_ROWS: usize = 1 << 16;
const MOST_BYTES: usize = 64 << 20;
/// A year. Longer intervals are cut to it, so that the end of an interval is a valid time.
const LONGEST_INTERVAL: Duration = Duration::from_secs(31_536_000);
/// A buffer that grew beyond this is freed after its rows are written.
///
/// One large value would otherwise keep its memory to the end of the run.
const KEPT_BYTES: usize = 4 << 20;

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

/// Rows on their way from the run to the writer.
///
/// Two users: the run's calling thread appends, the writer fetches.
#[derive(Debug, Default)]
struct WriteQueue {
    state: Mutex<State>,
    /// Notified when the writer has work.
    filled: Condvar,
    /// Notified when the queue has room again, or writing has failed.
    emptied: Condvar,
}

/// Once there is a write error, it stays and the queue takes no row.
#[derive(Debug, Default)]
struct State {
    rows: Rows,
    is_closed: bool,
    /// The run ended with an error before its first item.
    is_refused: bool,
    write_error: Option<JournalError>,
}

/// Rows on their way, one after the other in two buffers, so that a row costs no allocation of its own.
#[derive(Debug, Default)]
struct Rows {
    heads: Vec<Head>,
    texts: String,
    values: Vec<u8>,
}

/// A row without its texts and value: where they are.
///
/// Ranges and not references, because the buffers grow and move while rows are added.
#[derive(Debug)]
struct Head {
    place: usize,
    key: Range<usize>,
    fingerprint: Option<Range<usize>>,
    failure: Option<(FailureKind, Range<usize>)>,
    attempts: u32,
    started: SystemTime,
    elapsed: Duration,
    cpu: Option<Duration>,
    worker: Option<u32>,
    peak_memory: Option<u64>,
    amounts: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

/// What the writer does next.
///
/// `Add`: add the fetched rows. `Commit`: add them, then commit, as the interval is over. `End`: the same, and end the
/// run.
#[derive(Debug, PartialEq, Eq)]
enum WriterStep {
    Add,
    Commit,
    End,
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
        let database = match Database::for_reading(&settings.path) {
            Err(JournalError::NotFound { .. }) => return Ok(Vec::new()),
            database => database?,
        };
        admit(&database, settings, &setup)?;
        database.newest(&setup)
    }

    /// Opens the journal for one run and gives the recorded items: the newest row of each key.
    ///
    /// After a change of version or configuration there are none, or the change is an error, as the settings say.
    ///
    /// The order matters: the lock before the file, so that two runs cannot both make the tables; the settings' refusal
    /// before `begin_run`, so that a refused run leaves no row; and the recorded items before the writer starts, since
    /// the connection then moves to the writer's thread.
    ///
    /// # Errors
    /// A configuration without JSON, another writer, and all errors of the file. The lock is released then.
    pub(crate) fn open(settings: &JournalSettings) -> Result<(Self, Vec<RecordedItem>), JournalError> {
        let setup = Setup::of(settings)?;
        let lock = WriterLock::take(&settings.path)?;
        let (database, log) = Database::for_writing(&settings.path)?;
        if log == Log::Rollback {
            tracing::warn!(
                journal = %settings.path.display(),
                "the file system has no write-ahead log for the journal: its commits take longer, and readers wait for them"
            );
        }
        admit(&database, settings, &setup)?;
        let recorded = database.newest(&setup)?;
        let run = database.begin_run(&setup, &lock::this_process(), SystemTime::now())?;
        let queue = Arc::new(WriteQueue::default());
        let writer = start_writer(Arc::clone(&queue), database, run, settings)?;
        Ok((Self { process: ProcessMark::current(), queue, writer: Some(writer), lock: Some(lock) }, recorded))
    }

    /// Queues an item, which the writer commits within about one interval. Waits only while the queue is full.
    ///
    /// Costs a lock and a copy of each text and of the value; amounts cost a JSON text besides. After a write error it
    /// returns at once.
    pub(crate) fn append(&mut self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&[u8]>) {
        let mut state = self.queue.state.lock();
        while state.rows.are_too_many() && state.write_error.is_none() {
            self.queue.filled.notify_one();
            self.queue.emptied.wait(&mut state);
        }
        if state.write_error.is_some() {
            return;
        }
        state.rows.push(record, fingerprint, value);
        let waiting = state.rows.heads.len();
        drop(state);
        if waiting == 1 || waiting == WAKE_ROWS {
            self.queue.filled.notify_one();
        }
    }

    /// The first write error of this run; no row was written after it.
    ///
    /// Cloned under the lock. `finish` calls it once the writer has ended, so no later error can be missed.
    pub(crate) fn write_error(&self) -> Option<JournalError> {
        self.queue.state.lock().write_error.clone()
    }

    /// Waits until all rows are written, and releases the journal. A drop does the same without the result and, if no
    /// row was appended, removes the run from the file: the journal was not written under its setup.
    pub(crate) fn finish(mut self) -> Result<(), JournalError> {
        self.close(false);
        self.write_error().map_or(Ok(()), Err)
    }

    /// Does nothing the second time: `finish` closes, and the drop at its end finds no writer. The lock goes last,
    /// after the writer has closed the file.
    fn close(&mut self, is_refused: bool) {
        let Some(writer) = self.writer.take() else { return };
        if !self.process.is_current() {
            std::mem::forget(writer); // it is in the parent, as are the rows, the file and its lock
            return;
        }
        let mut state = self.queue.state.lock();
        (state.is_closed, state.is_refused) = (true, is_refused);
        drop(state);
        self.queue.filled.notify_one();
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
        Ok(Self { version: settings.version.clone(), configuration })
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
    Ok(())
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
    let (interval, path) = (settings.commit_every, settings.path.clone());
    let body = move || {
        // A panic would be a defect of this module. It still ends every wait for space in the queue.
        let writing = || database.writing(run).and_then(|writing| write(&queue, writing, interval));
        match catch_unwind(AssertUnwindSafe(writing)) {
            Ok(Ok(())) => {}
            Ok(Err(write_error)) => queue.fail_remaining(&path, write_error),
            Err(_) => queue.fail_remaining(
                &path,
                JournalError::Io { path: path.clone(), detail: "its writer panicked".to_owned(), source: None },
            ),
        }
        database.close();
    };
    spawn_owned("manyhands-journal".to_owned(), StackSize::Usual, body)
        .map_err(|error| JournalError::of_io(&settings.path, error))
}

/// The writer's life: adds rows as they come, and commits an interval after the first that is not committed.
///
/// A transaction stays open between fetches until it is due, so rows of several fetches share a commit. Without rows
/// there is no transaction, and the thread sleeps without a time limit.
///
/// # Errors
/// The first error of the file; uncommitted rows are lost then, and the caller makes the queue refuse the rest.
fn write(queue: &WriteQueue, mut writing: Writing<'_>, interval: Duration) -> Result<(), JournalError> {
    let mut rows = Rows::default();
    let (mut due, mut is_empty) = (None, true);
    loop {
        let next = queue.fetch(&mut rows, due);
        is_empty &= rows.heads.is_empty();
        for (row_idx, row) in rows.iter().enumerate() {
            if due.is_none() {
                writing.begin()?;
                due = Some(WallClock::now() + interval.min(LONGEST_INTERVAL));
            }
            writing.add(&row)?;
            // A run that floods the journal hands over so many rows at once that they take several intervals.
            if row_idx % 64 == 63 && due.is_some_and(|due| WallClock::now() >= due) {
                writing.commit()?;
                due = None;
            }
        }
        rows.clear();
        match next {
            WriterStep::Add => {}
            WriterStep::Commit => {
                if due.take().is_some() {
                    writing.commit()?;
                }
            }
            WriterStep::End => {
                if due.is_none() {
                    writing.begin()?;
                }
                match is_empty && queue.state.lock().is_refused {
                    true => writing.forget_run()?,
                    false => writing.end_run(SystemTime::now())?,
                }
                return writing.commit();
            }
        }
    }
}

impl WriteQueue {
    /// Waits for rows and exchanges the given ones, which are empty, for them. With a commit due, waits no longer than
    /// that.
    ///
    /// A close comes first: a closed queue gives `End` with all rows that are left. An exchange costs no copy, and the
    /// run gets back buffers that already have room.
    fn fetch(&self, empty: &mut Rows, due: Option<WallClock>) -> WriterStep {
        let mut state = self.state.lock();
        let next = loop {
            if state.is_closed {
                break WriterStep::End;
            }
            match due {
                None if !state.rows.heads.is_empty() => break WriterStep::Add,
                None => self.filled.wait(&mut state),
                Some(due) => {
                    let left = due.saturating_duration_since(WallClock::now());
                    if left.is_zero() {
                        break WriterStep::Commit;
                    }
                    if state.rows.heads.len() >= WAKE_ROWS || state.rows.are_too_many() {
                        break WriterStep::Add;
                    }
                    self.filled.wait_for(&mut state, left);
                }
            }
        };
        mem::swap(&mut state.rows, empty);
        drop(state);
        self.emptied.notify_all();
        next
    }

    /// Nothing is written from here on, which is said at once: the run may go on for days.
    fn fail_remaining(&self, path: &Path, write_error: JournalError) {
        tracing::error!(
            journal = %path.display(),
            error = %write_error,
            "the journal takes nothing more in this run: what is finished from now on is in the run's own results alone"
        );
        let mut state = self.state.lock();
        state.rows = Rows::default();
        state.write_error.get_or_insert(write_error);
        drop(state);
        self.emptied.notify_all();
    }
}

impl Rows {
    fn are_too_many(&self) -> bool {
        self.heads.len() >= MOST_ROWS || self.texts.len() + self.values.len() >= MOST_BYTES
    }

    /// Copies the key, the fingerprint, the failure's message and the amounts into `texts`, and the value into
    /// `values`.
    fn push(&mut self, record: &ItemRecord, fingerprint: Option<&str>, value: Option<&[u8]>) {
        let amounts = (!record.amounts.is_empty())
            .then(|| serde_json::to_string(&record.amounts).expect("names and numbers have JSON"));
        let texts = &mut self.texts;
        let head = Head {
            place: record.index,
            key: add_text(texts, &record.key),
            fingerprint: fingerprint.map(|fingerprint| add_text(texts, fingerprint)),
            failure: record.failure.as_ref().map(|failure| (failure.kind, add_text(texts, &failure.message))),
            attempts: record.attempts,
            started: record.started,
            elapsed: record.elapsed,
            cpu: record.cpu,
            worker: record.worker,
            peak_memory: record.peak_memory,
            amounts: amounts.map(|amounts| add_text(texts, &amounts)),
            value: value.map(|value| {
                let start = self.values.len();
                self.values.extend_from_slice(value);
                start..self.values.len()
            }),
        };
        self.heads.push(head);
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.heads.iter().map(|head| Row {
            place: head.place,
            key: &self.texts[head.key.clone()],
            fingerprint: head.fingerprint.clone().map(|range| &self.texts[range]),
            failure: head.failure.clone().map(|(kind, range)| (kind, &self.texts[range])),
            attempts: head.attempts,
            started: head.started,
            elapsed: head.elapsed,
            cpu: head.cpu,
            worker: head.worker,
            peak_memory: head.peak_memory,
            amounts: head.amounts.clone().map(|range| &self.texts[range]),
            value: head.value.clone().map(|range| &self.values[range]),
        })
    }

    /// Keeps the room for the next exchange, up to [`KEPT_BYTES`].
    fn clear(&mut self) {
        if self.texts.capacity() + self.values.capacity() > KEPT_BYTES {
            *self = Self::default();
        }
        self.heads.clear();
        self.texts.clear();
        self.values.clear();
    }
}

/// Appends the text and gives its range in bytes.
fn add_text(texts: &mut String, text: &str) -> Range<usize> {
    let start = texts.len();
    texts.push_str(text);
    start..texts.len()
}

#[cfg(test)]
mod cost;
#[cfg(test)]
mod damage;
#[cfg(test)]
pub(crate) mod tests;
