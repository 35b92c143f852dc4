//! The journal's file: opens it, adds rows, reads them. The only file that names SQLite; it decides nothing about a
//! run.
//!
//! What opening a file for writing does, in this order:
//!
//! 1. `open`: refuses what is no regular file, and a file of one byte, which SQLite would overwrite. Trusts nothing in the
//!    file: no view and no trigger of it runs.
//! 2. `kind`: reads the id and the version. Foreign files and those of other versions end here, unchanged.
//! 3. `check_tables`: compares the tables, views, triggers and indexes with ours, before any of them is read.
//! 4. `check`: moves a left log into the file, compares its size, and runs SQLite's quick check, which reads all of it.
//! 5. `choose_log`: a write-ahead log, or a rollback journal where the file system has no shared memory.
//! 6. `make_tables`: in a new file only, all in one transaction.
//!
//! So opening costs one pass over the file, `newest` one more, and each transaction after that costs the same however
//! long the file is. Opening for reading does 1 to 3 alone, and each row that is read has its own checksum.
//!
//! SQLite opens its own files beside the journal, `-wal`, `-shm` and `-journal`, and follows no link to them. The journal's
//! own descriptor must be SQLite's alone: closing another one of the same file would release the locks of this process.
//! So this file looks at names and never opens them.

#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;

use std::io;
use std::path::Path;
use std::time::Duration;

use foldhash::HashSet;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{
    Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension, Row as Found, Statement, params, params_from_iter,
};

use crate::encoding::Format;
use crate::persist::folder::FileId;
use crate::persist::journal::error::JournalError;
use crate::persist::journal::keys::Keys;
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::schema;
use crate::persist::place::{Place, regular};
use crate::record::{Amount, FailureKind, ItemRecord, RecordedFailure};
use crate::sync::{Arc, SystemTime};

/// The longest wait for another program that has the file locked: a backup, or a reader where readers and writer
/// exclude each other.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest wait of a writer while its run goes on: it tries again later.
const WRITER_BUSY_TIMEOUT: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 2000 });
/// What SQLite appends to the journal's name.
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The columns of an entry in the order in which they are written and read.
///
/// `recorded_item` reads them by number and `Row::columns` gives them. `checksum` is last, and of all the others.
const COLUMNS: &str = "run, place, key, fingerprint, failure, message, attempts, started_ns, elapsed_ns, cpu_ns, worker, \
                       peak_memory, amounts, value, checksum";

/// The format of a row's value. The rows of a run are together, so SQLite has the row of the run at hand.
const FORMAT_OF_RUN: &str = "(SELECT its.format FROM run AS its WHERE its.id = run) AS format";

/// A journal's file, open.
///
/// One thread at a time uses the connection, so SQLite's own mutex is switched off.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    place: Arc<Place>,
    /// The file that was opened.
    id: FileId,
    #[cfg(test)]
    pub(crate) faults: faults::Faults,
}

/// What all values of a run depend on.
///
/// Equal when the texts are equal, which is how SQLite compares them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) version: String,
    pub(crate) configuration: String,
    /// The type of the results.
    pub(crate) value_type: String,
}

/// One row to be written.
///
/// Borrows everything from the buffers of the queue, so adding a row copies texts only into SQLite.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) place: usize,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: Option<&'a str>,
    pub(crate) failure: Option<(FailureKind, &'a str)>,
    pub(crate) attempts: u32,
    pub(crate) started: SystemTime,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<Duration>,
    pub(crate) worker: Option<u32>,
    pub(crate) peak_memory: Option<u64>,
    /// As JSON.
    pub(crate) amounts: Option<&'a str>,
    pub(crate) value: Option<&'a [u8]>,
}

/// The kinds of files that can become a journal.
///
/// Other files are errors of `kind`: foreign, newer, or damaged.
enum DatabaseKind {
    Empty,
    Journal,
}

/// Counts over all rows, for a reader.
///
/// `succeeded` and `failed` count keys, the newest row of each, under the last setup. `rows` and `runs` count
/// everything, and `first` and `last` are of the counted keys alone.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) rows: u64,
    pub(crate) runs: u64,
    pub(crate) first: Option<SystemTime>,
    pub(crate) last: Option<SystemTime>,
}

/// Whether commits go to a write-ahead log, so that readers and the writer do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    Ahead,
    /// The file system has no shared memory for it. SQLite's rollback journal is as safe and slower, and a commit
    /// excludes readers.
    Rollback,
}

impl Database {
    /// Opens or creates the journal. The caller holds the lock.
    ///
    /// # Errors
    /// `Foreign`, `Newer`, `Corrupt`, `ReadOnly` and `Full` by their causes, and `Io` for all else. None of them has
    /// changed the tables.
    pub(crate) fn for_writing(place: &Arc<Place>) -> Result<(Self, Log), JournalError> {
        Self::for_writing_on(place, None)
    }

    /// [`for_writing`](Self::for_writing) on one of SQLite's file systems, some of which lack what others have.
    fn for_writing_on(place: &Arc<Place>, file_system: Option<&str>) -> Result<(Self, Log), JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut database = Self::open(place, flags, file_system)?;
        if let Err(refused @ JournalError::Io { .. }) = database.kind() {
            // A killed run may have left a write-ahead log, which this file system cannot have.
            database = Self::open(place, flags, file_system)?;
            database.ask(leave_log_ahead).map_err(|_| refused)?;
        }
        let kind = database.kind()?;
        if database.ask(|connection| connection.is_readonly(MAIN_DB))? {
            return Err(JournalError::ReadOnly { path: place.path.clone(), source: None });
        }
        // Before any change, so that a damaged file stays as it is.
        if let DatabaseKind::Journal = kind {
            database.check_tables()?;
            database.check()?;
        }
        let log = database.ask(choose_log)?;
        if let DatabaseKind::Empty = kind {
            database.ask(make_tables)?;
        }
        Ok((database, log))
    }

    /// Opens an existing journal and never changes it.
    ///
    /// SQLite recovers the write-ahead log of a killed writer in shared memory, which leaves the journal's own bytes as
    /// they are; `query_only` refuses every statement that would write, and the last connection to close does not move
    /// the log into the file. A file that is empty or not there gives `NotFound`, so that a reader can poll for a run
    /// that is about to begin.
    pub(crate) fn for_reading(place: &Arc<Place>) -> Result<Self, JournalError> {
        if place.regular().map_err(|error| JournalError::of_io(&place.path, error))?.is_none() {
            return Err(JournalError::NotFound { path: place.path.clone() });
        }
        // Not opened as read-only, because SQLite must recover the log of a killed writer before it can read. Where the file is not
        // writable, SQLite opens it as read-only by itself.
        let database = Self::open(place, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
        database.ask(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.pragma_update(None, "query_only", true)
        })?;
        match database.kind()? {
            DatabaseKind::Journal => database.check_tables()?,
            // A run that was killed as it began left it empty, and the next run treats it as a new file.
            DatabaseKind::Empty => return Err(JournalError::NotFound { path: place.path.clone() }),
        }
        Ok(database)
    }

    /// Costs a few looks at files besides SQLite's own open. Does not read the file yet: errors of its contents come with
    /// the first question.
    fn open(place: &Arc<Place>, flags: OpenFlags, file_system: Option<&str>) -> Result<Self, JournalError> {
        let refused = |error| JournalError::of_io(&place.path, error);
        // SQLite treats a file of one byte as empty, and would overwrite it.
        if place.regular().map_err(refused)?.is_some_and(|about| about.len() == 1) {
            return Err(JournalError::Foreign { path: place.path.clone() });
        }
        check_side_files(place).map_err(refused)?;
        // SQLite gives `:memory:`, `file:..` and an empty path another meaning; this one is absolute.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let opened = match file_system {
            Some(name) => Connection::open_with_flags_and_vfs(&place.path, flags, name),
            None => Connection::open_with_flags(&place.path, flags),
        };
        let connection = opened.map_err(|error| journal_error(&place.path, None, error))?;
        let database = Self {
            connection,
            place: Arc::clone(place),
            id: id_of_opened(place).map_err(refused)?,
            #[cfg(test)]
            faults: faults::Faults::default(),
        };
        database.ask(trust_nothing)?;
        Ok(database)
    }

    /// Every use of the connection goes through it, so that each error of SQLite becomes one of the journal with its
    /// path.
    fn ask<'d, T>(&'d self, question: impl FnOnce(&'d Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        question(&self.connection).map_err(|error| self.error(error))
    }

    /// [`ask`](Self::ask) for what a run writes.
    fn ask_writing<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.ask(|connection| self.with_faults(|| question(connection)))
    }

    /// The place at which tests let SQLite fail.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests plan faults")]
    fn with_faults<T>(&self, act: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        act()
    }

    #[cfg(test)]
    fn with_faults<T>(&self, act: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.faults.apply(act)
    }

    /// The error for a failed statement. Must run before the connection is used again, as the system's error number is
    /// that of its last operation.
    fn error(&self, error: rusqlite::Error) -> JournalError {
        journal_error(&self.place.path, Some(&self.connection), error)
    }

    fn corrupt(&self, detail: impl Into<String>) -> JournalError {
        JournalError::Corrupt { path: self.place.path.clone(), detail: detail.into(), source: None }
    }

    /// Costs two small questions, and a third for a file with neither id nor version: an empty database is a new
    /// journal, and one with tables belongs to another program.
    fn kind(&self) -> Result<DatabaseKind, JournalError> {
        let (application, version) =
            self.ask(|connection| Ok((number(connection, "application_id")?, number(connection, "user_version")?)))?;
        match (application, u32::try_from(version)) {
            (schema::APPLICATION_ID, Ok(schema::VERSION)) => Ok(DatabaseKind::Journal),
            (schema::APPLICATION_ID, Ok(found)) if found > schema::VERSION => {
                Err(JournalError::Newer { path: self.place.path.clone(), found, known: schema::VERSION })
            }
            (schema::APPLICATION_ID, Ok(found @ 1..)) => {
                Err(JournalError::Older { path: self.place.path.clone(), found, known: schema::VERSION })
            }
            (schema::APPLICATION_ID, _) => Err(self.corrupt(format!("its tables are of version {version}"))),
            (0, Ok(0)) if self.has_no_tables()? => Ok(DatabaseKind::Empty),
            _ => Err(JournalError::Foreign { path: self.place.path.clone() }),
        }
    }

    fn has_no_tables(&self) -> Result<bool, JournalError> {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0))
        };
        Ok(self.ask(count)? == 0)
    }

    /// Compares the tables with ours, text by text. A view, trigger or index of another program could do more than it
    /// says, never end, or change what is written.
    ///
    /// Costs the making of the same tables in memory, some 0.2 ms.
    ///
    /// # Errors
    /// `Corrupt` with the name of the first object that differs.
    fn check_tables(&self) -> Result<(), JournalError> {
        let ours = Connection::open_in_memory().and_then(|ours| {
            ours.execute_batch(schema::TABLES)?;
            objects(&ours)
        });
        let ours = ours.map_err(|error| self.error(error))?;
        let found = self.ask(objects)?;
        let strange = found.iter().find(|object| !ours.contains(object));
        let missing = ours.iter().find(|object| !found.contains(object));
        match strange.or(missing) {
            Some(Object { kind, name, .. }) => {
                let why = if strange.is_some() { "is not one that this crate makes" } else { "is missing" };
                Err(self.corrupt(format!("its {kind} {name:?} {why}")))
            }
            None => Ok(()),
        }
    }

    /// Looks for damage before the file is read or changed.
    ///
    /// Costs one pass over the file; a resumed run reads the rows after it anyway.
    ///
    /// # Errors
    /// `Corrupt` with the first problem that is found.
    fn check(&self) -> Result<(), JournalError> {
        // Moves the log into the file first, so that the file's size can be checked. A reader or a full disk can prevent that;
        // then only SQLite checks.
        let folded = self.ask(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(!row.get::<_, bool>(0)?))
        });
        let is_folded = match folded {
            Err(JournalError::Full { .. }) => false,
            folded => folded?,
        };
        if is_folded {
            self.check_size()?;
        }
        let found: String =
            self.ask(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if found == "ok" { Ok(()) } else { Err(self.corrupt(found)) }
    }

    /// SQLite reads a truncated last page as if it ended with zeros, and its own check does not notice.
    ///
    /// A copy that was cut off, or a disk that lost the end of a file, is what it finds. A file that is longer than its
    /// pages is no damage.
    fn check_size(&self) -> Result<(), JournalError> {
        let (pages, page_size) =
            self.ask(|connection| Ok((number(connection, "page_count")?, number(connection, "page_size")?)))?;
        let expected = u64::from(pages.unsigned_abs()) * u64::from(page_size.unsigned_abs());
        let found = self.place.regular().map_err(|error| JournalError::of_io(&self.place.path, error))?;
        let found = found.map_or(0, |about| about.len());
        if found < expected {
            return Err(self.corrupt(format!("{found} bytes are left of {expected}")));
        }
        Ok(())
    }

    /// The setup of the last run; `None` before the first.
    ///
    /// Reads one row by its number, whatever the file's length. Runs that were refused left no row, so they do not
    /// count.
    pub(crate) fn last_setup(&self) -> Result<Option<Setup>, JournalError> {
        self.ask(|connection| {
            let select = "SELECT version, configuration, value_type FROM run ORDER BY id DESC LIMIT 1";
            let setup = |row: &Found<'_>| {
                Ok(Setup { version: row.get(0)?, configuration: row.get(1)?, value_type: row.get(2)? })
            };
            connection.query_row(select, [], setup).optional()
        })
    }

    /// Records that a run begins, and gives its number.
    ///
    /// A transaction of its own. The number goes into each row of `entry` that the run adds.
    pub(crate) fn begin_run(
        &self,
        setup: &Setup,
        format: Format,
        writer: &str,
        begun: SystemTime,
    ) -> Result<i64, JournalError> {
        self.ask(|connection| {
            let Setup { version, configuration, value_type } = setup;
            let (format, begun) = (format.to_string(), nanoseconds(begun));
            let insert = "INSERT INTO run (version, configuration, writer, begun_ns, value_type, format) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            connection.execute(insert, params![version, configuration, writer, begun, value_type, format])?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// The newest row of each key that was recorded under this setup, in the order in which the keys first came.
    ///
    /// One pass over the table. Memory: one item for each key, with its value; a key that was recorded five times is
    /// decoded five times, and its earlier items are dropped as the later ones come.
    ///
    /// # Errors
    /// `Corrupt` for a row that does not match its checksum, or with a column that this crate does not write so.
    pub(crate) fn newest(&self, setup: &Setup) -> Result<Vec<RecordedItem>, JournalError> {
        let (mut newest, mut keys): (Vec<RecordedItem>, _) = (Vec::new(), Keys::default());
        self.each_item(setup, |item| match newest.get_mut(keys.number(&item.record.key)) {
            Some(earlier) => *earlier = item,
            None => newest.push(item),
        })?;
        Ok(newest)
    }

    /// Calls this with each item that was recorded under the setup, in the order of the file.
    fn each_item(&self, setup: &Setup, mut take: impl FnMut(RecordedItem)) -> Result<(), JournalError> {
        let select = format!(
            "SELECT {COLUMNS}, {FORMAT_OF_RUN} FROM entry \
             WHERE run IN (SELECT id FROM run WHERE version = ?1 AND configuration = ?2 AND value_type = ?3) ORDER BY id"
        );
        self.ask(|connection| {
            let mut statement = connection.prepare(&select)?;
            let mut rows = statement.query(params![setup.version, setup.configuration, setup.value_type])?;
            while let Some(row) = rows.next()? {
                take(recorded_item(row)?);
            }
            Ok(())
        })
    }

    /// The newest row of each key under the last setup, in the order in which those rows were written.
    ///
    /// The checksum of each row is compared. Memory: all of them, and for failures alone those.
    pub(crate) fn shown(&self, which: Shown) -> Result<Vec<RecordedItem>, JournalError> {
        let moment = self.ask(Connection::unchecked_transaction)?;
        let Some(setup) = self.last_setup()? else { return Ok(Vec::new()) };
        let (mut newest, mut keys): (Vec<(usize, Option<RecordedItem>)>, _) = (Vec::new(), Keys::default());
        let mut n_rows = 0;
        self.each_item(&setup, |item| {
            n_rows += 1;
            let number = keys.number(&item.record.key);
            let is_shown = matches!(which, Shown::All) || item.record.failure.is_some();
            let item = (n_rows, is_shown.then_some(item));
            match newest.get_mut(number) {
                Some(earlier) => *earlier = item,
                None => newest.push(item),
            }
        })?;
        moment.commit().map_err(|error| self.error(error))?;
        newest.sort_unstable_by_key(|(row_number, _)| *row_number);
        Ok(newest.into_iter().filter_map(|(_, item)| item).collect())
    }

    /// The setup of the last run and the counts, both at one moment.
    pub(crate) fn status(&self) -> Result<(Option<Setup>, Counts), JournalError> {
        let moment = self.ask(Connection::unchecked_transaction)?;
        let setup = self.last_setup()?;
        let counts = self.counts(setup.as_ref())?;
        moment.commit().map_err(|error| self.error(error))?;
        Ok((setup, counts))
    }

    /// One pass over the table, and one over the runs. A sort by key, as the view has it, would cost several times as much.
    ///
    /// A run writes one row for each key, so where one run alone has recorded rows, SQLite counts them by itself, which
    /// costs a third of a look at each key.
    fn counts(&self, setup: Option<&Setup>) -> Result<Counts, JournalError> {
        self.ask(|connection| {
            let (n_runs, runs) = runs_of(connection, setup)?;
            if let Some(counts) = counts_of_one_run(connection, n_runs, &runs)? {
                return Ok(counts);
            }
            let mut statement = connection
                .prepare("SELECT run, key, failure IS NULL, started_ns, elapsed_ns FROM entry ORDER BY id")?;
            let mut rows = statement.query([])?;
            let (mut n_rows, mut newest, mut keys) = (0, Vec::new(), Keys::default());
            while let Some(row) = rows.next()? {
                n_rows += 1;
                if !runs.contains(&row.get(0)?) {
                    continue;
                }
                let key = row.get_ref(1)?.as_str().map_err(|error| unreadable(1, error))?;
                let (started, elapsed) = (row.get::<_, i64>(3)?, row.get::<_, i64>(4)?);
                let counted = Counted { is_success: row.get(2)?, started, finished: started.saturating_add(elapsed) };
                match newest.get_mut(keys.number(key)) {
                    Some(earlier) => *earlier = counted,
                    None => newest.push(counted),
                }
            }
            Ok(Counts::of(&newest, n_rows, n_runs))
        })
    }

    /// Prepares to add rows to this run.
    ///
    /// Prepares the statement once, so that a row costs the binding of 15 values and no parsing of SQL. From here on, a
    /// lock of another program is waited for a shorter time: the writer tries again.
    pub(crate) fn writing(&self, run: i64) -> Result<Writing<'_>, JournalError> {
        self.ask(|connection| connection.busy_timeout(WRITER_BUSY_TIMEOUT))?;
        let marks = ["?"; 15].join(", ");
        let insert = format!("INSERT INTO entry ({COLUMNS}) VALUES ({marks})");
        let statement = self.ask(|connection| connection.prepare(&insert))?;
        Ok(Writing { database: self, run, statement, n_added: 0, last_before: 0 })
    }

    /// For each of the run's last three tries: a backup that is about to end must not cost its rows.
    pub(crate) fn wait_for_locks_at_the_end(&self) -> Result<(), JournalError> {
        self.ask(|connection| connection.busy_timeout(BUSY_TIMEOUT / 3))
    }

    /// Moves the write-ahead log into the file where that can be done without a wait, so that the log begins anew: on a disk
    /// that was full, the two together must not grow more than they need.
    pub(crate) fn fold_log(&self) {
        // It may fail without harm: the rows are in the log then.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }

    /// What happened to the journal's path, where it leads to another file than the one that is open.
    pub(crate) fn displaced(&self) -> Option<JournalError> {
        let there = std::fs::symlink_metadata(&self.place.path).ok();
        if there.as_ref().is_some_and(|there| FileId::of(there) == self.id) {
            return None;
        }
        let in_folder = self.place.folder.metadata(&self.place.name).ok().flatten();
        let what = if in_folder.is_some_and(|found| FileId::of(&found) == self.id) {
            format!("its folder is {} now, and the journal goes on there", self.place.folder.present_path().display())
        } else if there.is_some() {
            "another file is in its place; that one is left alone, and what this run records is not in it".to_owned()
        } else {
            "it was removed or moved away, and what this run records goes with it".to_owned()
        };
        Some(JournalError::Displaced { path: self.place.path.clone(), what })
    }

    /// Closes the file after its last row. Without a reader, the journal becomes one plain file again, which can be
    /// copied and read anywhere.
    ///
    /// The timeout is set to zero first: a reader that holds the file must not delay the end of a run by half a minute.
    pub(crate) fn close(self) {
        // All of it may fail without harm: the next run that opens the journal does it.
        let connection = &self.connection;
        let _ = connection.busy_timeout(Duration::ZERO);
        if self.displaced().is_none() {
            let _ = connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()));
        } else {
            // SQLite removes its files by their paths, at which those of another run may be by now.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        let _ = self.connection.close();
    }
}

/// Errors of SQLite that tests plan, for statements that write.
#[cfg(test)]
pub(crate) mod faults {
    use std::collections::VecDeque;

    use rusqlite::ffi;

    use crate::sync::{Arc, Mutex};

    /// What becomes of one statement.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Fault {
        None,
        /// It fails, with this code of SQLite, before it does anything.
        Before(i32),
        /// It is done, and fails all the same.
        After(i32),
    }

    /// One for each statement that is still to come. Shared with the test that plans them.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Faults(pub(crate) Arc<Mutex<VecDeque<Fault>>>);

    impl Faults {
        pub(super) fn apply<T>(&self, act: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
            let failed = |code| Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
            let planned = self.0.lock().pop_front().unwrap_or(Fault::None);
            match planned {
                Fault::None => act(),
                Fault::Before(code) => failed(code),
                Fault::After(code) => act().and_then(|_| failed(code)),
            }
        }
    }
}

#[cfg(test)]
impl Database {
    /// Limits the size of a row, which is a billion bytes by default.
    pub(crate) fn limit_row(&self, bytes: i32) {
        // SAFETY: the handle belongs to an open connection that is borrowed meanwhile; the call sets a number in it.
        unsafe { rusqlite::ffi::sqlite3_limit(self.connection.handle(), rusqlite::ffi::SQLITE_LIMIT_LENGTH, bytes) };
    }

    /// Limits the file's size, as a full disk does.
    pub(crate) fn limit_pages(&self, pages: u32) {
        let limit =
            |connection: &Connection| connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        self.ask(limit).unwrap();
    }

    /// What a program without this crate would write: one statement, one thread, a commit when the interval is over.
    pub(crate) fn insert_bare(&self, records: impl Iterator<Item = (ItemRecord, [u8; 8])>, interval: Duration) {
        let connection = &self.connection;
        let marks = ["?"; 14].join(", ");
        let mut statement = connection.prepare(&format!("INSERT INTO entry ({COLUMNS}) VALUES (1, {marks})")).unwrap();
        let none = None::<i64>;
        connection.execute_batch("BEGIN").unwrap();
        let mut begun = std::time::Instant::now();
        for (record, value) in records {
            let (started, elapsed) = (nanoseconds(record.started), integer(record.elapsed.as_nanos()));
            let (key, attempts) = (&record.key, record.attempts);
            let index = integer(record.index);
            let row = params![
                index,
                key,
                none,
                none,
                none,
                attempts,
                started,
                elapsed,
                none,
                none,
                none,
                none,
                value,
                0x7fff_ffff_ffff_i64
            ];
            statement.execute(row).unwrap();
            if begun.elapsed() >= interval {
                connection.execute_batch("COMMIT; BEGIN").unwrap();
                begun = std::time::Instant::now();
            }
        }
        connection.execute_batch("COMMIT").unwrap();
        drop(statement);
        connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).unwrap();
    }
}

/// Which rows to show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shown {
    All,
    Failed,
}

/// Adds rows to a run. A drop loses uncommitted rows.
///
/// The order of calls is `begin`, `add` any number of times, `commit`, and so on; `end_run` or `forget_run` comes
/// before the last `commit`, and `roll_back` after any error. Only the writer thread has one.
pub(crate) struct Writing<'d> {
    database: &'d Database,
    run: i64,
    statement: Statement<'d>,
    /// Rows since `begin`.
    n_added: i64,
    /// The number of the table's last row at `begin`.
    last_before: i64,
}

/// Why a row was not added.
#[derive(Debug)]
pub(crate) enum AddError {
    /// The row itself: it is too large, or not what the table takes. Other rows are not affected.
    OfRow(String),
    OfJournal(JournalError),
}

impl Writing<'_> {
    /// `IMMEDIATE` takes the write lock now, so that a busy file is an error here, after the wait for it, and not in the
    /// middle of a transaction.
    pub(crate) fn begin(&mut self) -> Result<(), JournalError> {
        self.database.ask_writing(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        (self.n_added, self.last_before) = (0, self.last_row()?);
        Ok(())
    }

    /// No system call as a rule: the row goes into SQLite's page cache, and to the disk with the commit.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), AddError> {
        let columns = row.columns(self.run);
        let checksum = ToSqlOutput::Owned(Value::Integer(checksum(columns)));
        let values = columns.map(ToSqlOutput::Borrowed).into_iter().chain([checksum]);
        let statement = &mut self.statement;
        match self.database.with_faults(|| statement.execute(params_from_iter(values))) {
            Ok(_) => self.n_added += 1,
            Err(error) if is_of_row(&error) => return Err(AddError::OfRow(error.to_string())),
            Err(error) => return Err(AddError::OfJournal(self.database.error(error))),
        }
        Ok(())
    }

    /// Makes the rows since `begin` visible to readers, all of them at once.
    pub(crate) fn commit(&self) -> Result<(), JournalError> {
        self.database.ask_writing(|connection| connection.execute_batch("COMMIT"))
    }

    /// Ends the transaction after an error. Gives whether its rows are in the file all the same: an error may come after
    /// the commit itself.
    pub(crate) fn roll_back(&mut self) -> bool {
        let connection = &self.database.connection;
        if !connection.is_autocommit() {
            // SQLite may have rolled it back by itself, and a file that cannot be written has nothing to take back.
            let _ = connection.execute_batch("ROLLBACK");
        }
        let n_added = std::mem::take(&mut self.n_added);
        n_added > 0 && self.last_row().is_ok_and(|last| last == self.last_before + n_added)
    }

    /// One look at the end of the table, however long it is. 0 without a row.
    fn last_row(&self) -> Result<i64, JournalError> {
        let select = "SELECT ifnull(max(id), 0) FROM entry";
        self.database.ask(|connection| connection.query_row(select, [], |row| row.get(0)))
    }

    /// Records that the run has ended.
    pub(crate) fn end_run(&self, ended: SystemTime) -> Result<(), JournalError> {
        let update = "UPDATE run SET ended_ns = ?1 WHERE id = ?2";
        self.database.ask(|connection| connection.execute(update, params![nanoseconds(ended), self.run]))?;
        Ok(())
    }

    /// Removes the run.
    ///
    /// Otherwise the next run would compare its setup with that of a run that never recorded anything.
    pub(crate) fn forget_run(&self) -> Result<(), JournalError> {
        self.database.ask(|connection| connection.execute("DELETE FROM run WHERE id = ?1", [self.run]))?;
        Ok(())
    }
}

/// SQLite must not have other files than regular ones at the names of its own. A link to them it does not follow, but it
/// would wait for the other end of a pipe.
fn check_side_files(place: &Place) -> io::Result<()> {
    for ending in SIDE_FILES {
        let name = place.beside(ending);
        regular(&place.folder, &name).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{} beside it: {error}; move it away", name.display()))
        })?;
    }
    Ok(())
}

/// The file that SQLite opened, by its path and in the folder that was opened before.
///
/// # Errors
/// When the two differ: the folder was exchanged between the two.
fn id_of_opened(place: &Place) -> io::Result<FileId> {
    let there = FileId::of(&std::fs::symlink_metadata(&place.path)?);
    match place.regular()? {
        Some(found) if FileId::of(&found) == there => Ok(there),
        _ => Err(io::Error::other("its folder was exchanged while it was opened")),
    }
}

/// The file may be of any program: nothing in it may run, and no statement may change its head or its own tables.
fn trust_nothing(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// A table, view, trigger or index of a file.
#[derive(Debug, PartialEq, Eq)]
struct Object {
    kind: String,
    name: String,
    of_table: String,
    sql: Option<String>,
}

/// At most some more than ours, so that a file with millions of them costs no memory.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 100")?;
    let object =
        |row: &Found<'_>| Ok(Object { kind: row.get(0)?, name: row.get(1)?, of_table: row.get(2)?, sql: row.get(3)? });
    statement.query_map([], object)?.collect()
}

/// How many runs there are, and the numbers of those with this setup.
fn runs_of(connection: &Connection, setup: Option<&Setup>) -> rusqlite::Result<(u64, HashSet<i64>)> {
    let mut statement =
        connection.prepare("SELECT id, version = ?1 AND configuration = ?2 AND value_type = ?3 FROM run")?;
    let (mut n_runs, mut runs) = (0, HashSet::default());
    let mut rows = match setup {
        Some(Setup { version, configuration, value_type }) => {
            statement.query(params![version, configuration, value_type])
        }
        None => statement.query(params![None::<i64>, None::<i64>, None::<i64>]),
    }?;
    while let Some(row) = rows.next()? {
        n_runs += 1;
        if row.get::<_, Option<bool>>(1)? == Some(true) {
            runs.insert(row.get(0)?);
        }
    }
    Ok((n_runs, runs))
}

/// The counts where all rows are of one run, which has the setup; else `None`.
///
/// Also `None` without a row, and where a column or a sum is no whole number: texts come after all numbers, and a sum that
/// is too large is no whole number any more. The other way names or cuts them.
fn counts_of_one_run(connection: &Connection, n_runs: u64, runs: &HashSet<i64>) -> rusqlite::Result<Option<Counts>> {
    let select = "SELECT count(*), count(failure), min(run), max(run), min(started_ns), max(started_ns), \
                         max(elapsed_ns), max(started_ns + elapsed_ns) FROM entry";
    connection.query_row(select, [], |row| {
        let (rows, failed) = (row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs());
        let numbers = (2..8).map(|column| row.get::<_, i64>(column)).collect::<Result<Vec<i64>, _>>();
        let Ok([first_run, last_run, first, .., last]) = numbers.as_deref() else { return Ok(None) };
        if first_run != last_run || !runs.contains(first_run) {
            return Ok(None);
        }
        let (first, last) = (Some(moment(*first)), Some(moment(*last)));
        Ok(Some(Counts { succeeded: rows - failed, failed, rows, runs: n_runs, first, last }))
    })
}

/// What `status` needs of the newest row of a key. Times as in the file.
struct Counted {
    is_success: bool,
    started: i64,
    finished: i64,
}

impl Counts {
    fn of(newest: &[Counted], rows: u64, runs: u64) -> Self {
        let succeeded = newest.iter().filter(|counted| counted.is_success).count() as u64;
        Self {
            succeeded,
            failed: newest.len() as u64 - succeeded,
            rows,
            runs,
            first: newest.iter().map(|counted| counted.started).min().map(moment),
            last: newest.iter().map(|counted| counted.finished).max().map(moment),
        }
    }
}

/// Whether another row could be added.
fn is_of_row(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch),
        // A value that cannot be passed to SQLite at all.
        None => true,
    }
}

/// Costs a few small statements, and in a new file the creation of the log.
fn choose_log(connection: &Connection) -> rusqlite::Result<Log> {
    let set =
        |mode: &str| connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0));
    // A refusal is another mode in the result, or an error of the shared memory that readers and writer need.
    let log = match set("wal") {
        Ok(mode) if mode == "wal" => Log::Ahead,
        Ok(_) | Err(_) => {
            set("delete")?;
            Log::Rollback
        }
    };
    // Safe from a kill in both modes. From a loss of power, too, with the rollback journal; with the log, the file stays whole
    // and the last commits may be gone, which costs a resumed run some repeats and spares each commit a wait for the disk.
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(log)
}

/// Moves a write-ahead log into the file, without the shared memory that several users of the log need.
fn leave_log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let set = |pragma: &str, mode: &str| connection.pragma_update_and_check(None, pragma, mode, |_| Ok(()));
    set("locking_mode", "exclusive")?;
    set("journal_mode", "delete")?;
    set("locking_mode", "normal")
}

/// The id and the version are set in the same transaction as the tables.
fn make_tables(connection: &Connection) -> rusqlite::Result<()> {
    // All or nothing, so that a run that is killed here leaves a file that the next run treats as new.
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
        schema::TABLES,
        schema::APPLICATION_ID,
        schema::VERSION,
    ))
}

/// The value of one of SQLite's settings that is an integer, such as `page_size`.
fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// An index, a duration or a memory size that is out of range is cut rather than refused, since those are for reports
/// alone. What must be understood, such as the kind of a failure, the number of attempts and the amounts, is an error.
fn recorded_item(row: &Found<'_>) -> rusqlite::Result<RecordedItem> {
    let duration = |nanoseconds: i64| Duration::from_nanos(nanoseconds.unsigned_abs());
    let record = ItemRecord {
        index: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
        key: row.get(2)?,
        failure: match row.get::<_, Option<String>>(4)? {
            Some(kind) => Some(recorded_failure(&kind, row.get::<_, Option<String>>(5)?)?),
            None => None,
        },
        is_resumed: true,
        attempts: row.get(6)?,
        started: moment(row.get(7)?),
        elapsed: duration(row.get(8)?),
        cpu: row.get::<_, Option<i64>>(9)?.map(duration),
        worker: row.get(10)?,
        peak_memory: row.get::<_, Option<i64>>(11)?.map(i64::unsigned_abs),
        amounts: match row.get_ref(12)?.as_str_or_null().map_err(|error| unreadable(12, error))? {
            Some(json) => serde_json::from_str::<Vec<Amount>>(json).map_err(|error| unreadable(12, error))?,
            None => Vec::new(),
        },
    };
    let format = row.get_ref("format")?.as_str()?;
    let format = format.parse::<Format>().map_err(|error| unreadable(N_SUMMED + 1, error))?;
    let item = RecordedItem { record, fingerprint: row.get(3)?, value: row.get(13)?, format };
    let mut columns = [ValueRef::Null; N_SUMMED];
    for (number, column) in columns.iter_mut().enumerate() {
        *column = row.get_ref(number)?;
    }
    if row.get::<_, i64>(N_SUMMED)? != checksum(columns) {
        return Err(unreadable(N_SUMMED, format!("the row of {:?} is another than was written", item.record.key)));
    }
    Ok(item)
}

impl<'a> Row<'a> {
    /// The columns of the table in the order of [`COLUMNS`], without the checksum.
    fn columns(&self, run: i64) -> [ValueRef<'a>; N_SUMMED] {
        let text = |text: Option<&'a str>| text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()));
        let number = |number: Option<i64>| number.map_or(ValueRef::Null, ValueRef::Integer);
        [
            ValueRef::Integer(run),
            ValueRef::Integer(integer(self.place)),
            text(Some(self.key)),
            text(self.fingerprint),
            text(self.failure.map(|(kind, _)| kind.as_str())),
            text(self.failure.map(|(_, message)| message)),
            ValueRef::Integer(self.attempts.into()),
            ValueRef::Integer(nanoseconds(self.started)),
            ValueRef::Integer(integer(self.elapsed.as_nanos())),
            number(self.cpu.map(|time| integer(time.as_nanos()))),
            number(self.worker.map(i64::from)),
            number(self.peak_memory.map(integer)),
            text(self.amounts),
            self.value.map_or(ValueRef::Null, ValueRef::Blob),
        ]
    }
}

/// The number of columns that the checksum is of.
const N_SUMMED: usize = 14;

/// A checksum of the columns of a row: SQLite's file has none, so a damaged number would go unnoticed.
///
/// The same on each machine and in each version. A column is its kind, for a text or bytes their length, and what it holds,
/// in words of eight bytes. Each word goes in by steps that are reversible, so no change of one word goes unnoticed; the
/// shift lets each bit reach all others, so that two changes do not cancel out.
fn checksum(columns: [ValueRef<'_>; N_SUMMED]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for column in columns {
        match column {
            ValueRef::Null => add_word(&mut hash, 0),
            ValueRef::Integer(number) => [1, number.cast_unsigned()].iter().for_each(|&word| add_word(&mut hash, word)),
            ValueRef::Real(number) => [2, number.to_bits()].iter().for_each(|&word| add_word(&mut hash, word)),
            ValueRef::Text(bytes) => add_bytes(&mut hash, 3, bytes),
            ValueRef::Blob(bytes) => add_bytes(&mut hash, 4, bytes),
        }
    }
    hash.cast_signed()
}

fn add_word(hash: &mut u64, word: u64) {
    *hash = (*hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    *hash = (*hash ^ *hash >> 32).wrapping_mul(0xbf58_476d_1ce4_e5b9);
}

/// The last word is filled up with zeros; the length tells it from one that ends with them.
fn add_bytes(hash: &mut u64, kind: u64, bytes: &[u8]) {
    add_word(hash, kind);
    add_word(hash, integer(bytes.len()).cast_unsigned());
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| add_word(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    add_word(hash, u64::from_le_bytes(last));
}

fn recorded_failure(kind: &str, message: Option<String>) -> rusqlite::Result<RecordedFailure> {
    let known = kind.parse::<FailureKind>().ok();
    let kind = known.ok_or_else(|| unreadable(3, format!("no kind of failure is named {kind:?}")))?;
    Ok(RecordedFailure::new(kind, message.unwrap_or_default()))
}

/// An error without a code of SQLite, which `journal_error` makes a `Corrupt`.
fn unreadable(column: usize, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, why.into())
}

/// SQLite's integers are signed. A larger number becomes the largest.
fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Negative before 1970. An `i64` reaches the year 2262; a later moment becomes the last one.
fn nanoseconds(moment: SystemTime) -> i64 {
    match moment.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => integer(since.as_nanos()),
        Err(before) => -integer(before.duration().as_nanos()),
    }
}

/// The inverse of `nanoseconds`. A moment that the system's clock cannot hold becomes 1970.
fn moment(nanoseconds: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    let moment = if nanoseconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    moment.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The journal's error for an error of SQLite. `connection` is the one that it came from.
///
/// | SQLite | the journal's error |
/// |---|---|
/// | no code: a value that cannot be converted | `Corrupt` |
/// | not a database | `Foreign` |
/// | corrupt | `Corrupt` |
/// | full | `Full` |
/// | read-only | `ReadOnly` |
/// | failed I/O, cannot open | that of the system's error number where it concerns this file, else `Io` |
/// | all else, such as busy after half a minute | `Io` |
fn journal_error(path: &Path, connection: Option<&Connection>, error: rusqlite::Error) -> JournalError {
    let (path, detail, found) = (path.to_owned(), error.to_string(), error.sqlite_error().copied());
    let source = Some(std::sync::Arc::new(error) as std::sync::Arc<dyn std::error::Error + Send + Sync>);
    let Some(found) = found else {
        // A column that holds something else than this crate writes.
        return JournalError::Corrupt { path, detail, source };
    };
    // No failure of the disk or the system says that the file is damaged: it may be whole, and readable a moment later.
    match found.code {
        ErrorCode::NotADatabase => JournalError::Foreign { path },
        ErrorCode::DatabaseCorrupt => JournalError::Corrupt { path, detail, source },
        ErrorCode::DiskFull => JournalError::Full { path, source },
        ErrorCode::ReadOnly => JournalError::ReadOnly { path, source },
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
            // The last error of the system may concern another file, where SQLite itself refused.
            let is_about_it = |error: &io::Error| {
                error.raw_os_error() != Some(0) && (error.kind() != io::ErrorKind::NotFound || !path.exists())
            };
            match connection.map(system_error).filter(is_about_it) {
                Some(error) => JournalError::of_io(&path, error),
                None => JournalError::Io { path, detail, source },
            }
        }
        _ => JournalError::Io { path, detail, source },
    }
}

/// The system's error when SQLite last failed to open, read or write.
fn system_error(connection: &Connection) -> io::Error {
    // SAFETY: the handle belongs to an open connection that is borrowed meanwhile; the call only reads a number from it.
    let code = unsafe { rusqlite::ffi::sqlite3_system_errno(connection.handle()) };
    io::Error::from_raw_os_error(code)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    /// A file system that SQLite has for those without locks: it has no shared memory, and so no write-ahead log.
    const PLAIN: Option<&str> = Some("unix-none");

    fn place(path: &Path) -> Arc<Place> {
        Arc::new(Place::of(path).unwrap())
    }

    fn setup() -> Setup {
        Setup { version: String::new(), configuration: "null".to_owned(), value_type: String::new() }
    }

    fn add(database: &Database, key: &str) {
        let run = database.begin_run(&setup(), Format::Compact, "a test", SystemTime::UNIX_EPOCH).unwrap();
        let mut writing = database.writing(run).unwrap();
        writing.begin().unwrap();
        let row = Row {
            place: 0,
            key,
            fingerprint: None,
            failure: None,
            attempts: 1,
            started: SystemTime::UNIX_EPOCH,
            elapsed: Duration::ZERO,
            cpu: None,
            worker: None,
            peak_memory: None,
            amounts: None,
            value: None,
        };
        writing.add(&row).unwrap();
        writing.commit().unwrap();
    }

    fn keys(database: &Database) -> Vec<String> {
        database.newest(&setup()).unwrap().into_iter().map(|item| item.record.key).collect()
    }

    #[test]
    fn without_a_write_ahead_log_the_rollback_journal_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        for expected in [vec!["a"], vec!["a", "b"]] {
            let (database, log) = Database::for_writing_on(&place(&path), PLAIN).unwrap();
            assert_eq!(log, Log::Rollback);
            add(&database, expected.last().unwrap());
            assert_eq!(keys(&database), expected);
        }
        let (database, log) = Database::for_writing(&place(&path)).unwrap();
        assert_eq!((keys(&database), log), (vec!["a".to_owned(), "b".to_owned()], Log::Ahead));
    }

    #[test]
    fn a_log_left_by_a_killed_run_is_read_where_there_can_be_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("a.journal"), folder.path().join("b.journal"));
        let (database, _) = Database::for_writing(&place(&path)).unwrap();
        add(&database, "a");
        // What a kill at this moment leaves: the row is in the log alone.
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(folder.path().join("a.journal-wal"), folder.path().join("b.journal-wal")).unwrap();
        let (database, log) = Database::for_writing_on(&place(&copy), PLAIN).unwrap();
        assert_eq!((keys(&database), log), (vec!["a".to_owned()], Log::Rollback));
        assert!(!folder.path().join("b.journal-wal").exists());
        add(&database, "b");
        assert_eq!(keys(&database), ["a", "b"]);
    }

    #[test]
    fn a_checksum_tells_each_change_of_bytes_and_pairs_of_changes() {
        let sum = |bytes: &[u8]| {
            let mut columns = [ValueRef::Null; N_SUMMED];
            columns[3] = ValueRef::Blob(bytes);
            checksum(columns)
        };
        let bytes: Vec<u8> = (0..37).collect();
        let mut sums = vec![sum(&bytes)];
        for first in 0..bytes.len() * 8 {
            for second in first..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[first / 8] ^= 1 << (first % 8);
                // With itself, a pair is a single change.
                changed[second / 8] ^= if second == first { 0 } else { 1 << (second % 8) };
                sums.push(sum(&changed));
            }
        }
        (0..bytes.len()).for_each(|len| sums.push(sum(&bytes[..len])));
        let n_sums = sums.len();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), n_sums);
        assert_ne!(sum(&[0]), sum(&[0, 0]));
    }

    #[test]
    fn moments_before_1970_come_back_as_they_were() {
        for moved in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(86_400 * 365 * 50)] {
            assert_eq!(moment(nanoseconds(SystemTime::UNIX_EPOCH + moved)), SystemTime::UNIX_EPOCH + moved);
            assert_eq!(moment(nanoseconds(SystemTime::UNIX_EPOCH - moved)), SystemTime::UNIX_EPOCH - moved);
        }
    }
}
