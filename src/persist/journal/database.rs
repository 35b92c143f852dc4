//! The journal's file: opens it, adds rows, reads them. The only file that names SQLite; it decides nothing about a
//! run.
//!
//! What opening a file for writing does, in this order:
//!
//! 1. `open`: refuses a file of one byte, which SQLite would overwrite, and sets the wait for locks.
//! 2. `kind`: reads the id and the version. Foreign files and those of later versions end here, unchanged.
//! 3. `check`: moves a left log into the file, compares its size, and runs SQLite's quick check, which reads all of it.
//! 4. `choose_log`: a write-ahead log, or a rollback journal where the file system has no shared memory.
//! 5. `make_tables`: in a new file only, all in one transaction.
//!
//! So opening costs one pass over the file, `newest` one more, and each transaction after that costs the same however
//! long the file is. Opening for reading does 1 and 2 alone, and each row that is read has its own checksum.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, OptionalExtension, Row as Found, Statement, params};

use crate::encoding::Format;
use crate::persist::journal::error::JournalError;
use crate::persist::journal::keys::Keys;
use crate::persist::journal::pending::RecordedItem;
use crate::persist::journal::schema;
use crate::record::{Amount, FailureKind, ItemRecord, RecordedFailure};
use crate::sync::SystemTime;

/// The longest wait for another program that has the file locked: a backup, or a reader where readers and writer
/// exclude each other.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The columns of an entry in the order in which they are written and read.
///
/// `recorded_item` reads them by number and `Writing::add` binds them from number 2 on, after the run. `checksum` is
/// last.
const COLUMNS: &str = "place, key, fingerprint, failure, message, attempts, started_ns, elapsed_ns, cpu_ns, worker, \
                       peak_memory, amounts, value, checksum";

/// The format of a row's value. The rows of a run are together, so SQLite has the row of the run at hand.
const FORMAT_OF_RUN: &str = "(SELECT its.format FROM run AS its WHERE its.id = run) AS format";

/// A journal's file, open.
///
/// The path is for messages. One thread at a time uses the connection, so SQLite's own mutex is switched off.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
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
    pub(crate) fn for_writing(path: &Path) -> Result<(Self, Log), JournalError> {
        Self::for_writing_on(path, None)
    }

    /// [`for_writing`](Self::for_writing) on one of SQLite's file systems, some of which lack what others have.
    fn for_writing_on(path: &Path, file_system: Option<&str>) -> Result<(Self, Log), JournalError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut database = Self::open(path, flags, file_system)?;
        if let Err(refused @ JournalError::Io { .. }) = database.kind() {
            // A killed run may have left a write-ahead log, which this file system cannot have.
            database = Self::open(path, flags, file_system)?;
            database.ask(leave_log_ahead).map_err(|_| refused)?;
        }
        let kind = database.kind()?;
        if database.ask(|connection| connection.is_readonly(MAIN_DB))? {
            return Err(JournalError::ReadOnly { path: path.to_owned(), source: None });
        }
        // Before any change, so that a damaged file stays as it is.
        if let DatabaseKind::Journal = kind {
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
    pub(crate) fn for_reading(path: &Path) -> Result<Self, JournalError> {
        if !path.try_exists().map_err(|error| JournalError::of_io(path, error))? {
            return Err(JournalError::NotFound { path: path.to_owned() });
        }
        // Not opened as read-only, because SQLite must recover the log of a killed writer before it can read. Where the file is not
        // writable, SQLite opens it as read-only by itself.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let database = Self::open(path, flags, None)?;
        database.ask(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.pragma_update(None, "query_only", true)
        })?;
        match database.kind()? {
            DatabaseKind::Journal => Ok(database),
            // A run that was killed as it began left it empty, and the next run treats it as a new file.
            DatabaseKind::Empty => Err(JournalError::NotFound { path: path.to_owned() }),
        }
    }

    /// Costs a look at the file's length besides SQLite's own open. Does not read the file yet: errors of its contents
    /// come with the first question.
    fn open(path: &Path, flags: OpenFlags, file_system: Option<&str>) -> Result<Self, JournalError> {
        // The full path, because SQLite gives `:memory:`, `file:..` and an empty path another meaning.
        let full = std::path::absolute(path).map_err(|error| JournalError::of_io(path, error))?;
        // SQLite treats a file of one byte as empty, and would overwrite it.
        if std::fs::metadata(&full).is_ok_and(|about| about.len() == 1) {
            return Err(JournalError::Foreign { path: path.to_owned() });
        }
        let opened = match file_system {
            Some(name) => Connection::open_with_flags_and_vfs(full, flags, name),
            None => Connection::open_with_flags(full, flags),
        };
        let connection = opened.map_err(|error| journal_error(path, None, error))?;
        let database = Self { connection, path: path.to_owned() };
        database.ask(|connection| connection.busy_timeout(BUSY_TIMEOUT))?;
        Ok(database)
    }

    /// Every use of the connection goes through it, so that each error of SQLite becomes one of the journal with its
    /// path.
    fn ask<'d, T>(&'d self, question: impl FnOnce(&'d Connection) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        question(&self.connection).map_err(|error| self.error(error))
    }

    /// The error for a failed statement. Must run before the connection is used again, as the system's error number is
    /// that of its last operation.
    fn error(&self, error: rusqlite::Error) -> JournalError {
        journal_error(&self.path, Some(&self.connection), error)
    }

    fn corrupt(&self, detail: impl Into<String>) -> JournalError {
        JournalError::Corrupt { path: self.path.clone(), detail: detail.into(), source: None }
    }

    /// Costs two small questions, and a third for a file with neither id nor version: an empty database is a new
    /// journal, and one with tables belongs to another program.
    fn kind(&self) -> Result<DatabaseKind, JournalError> {
        let (application, version) =
            self.ask(|connection| Ok((number(connection, "application_id")?, number(connection, "user_version")?)))?;
        match (application, u32::try_from(version)) {
            (schema::APPLICATION_ID, Ok(schema::VERSION)) => Ok(DatabaseKind::Journal),
            (schema::APPLICATION_ID, Ok(found)) if found > schema::VERSION => {
                Err(JournalError::Newer { path: self.path.clone(), found, known: schema::VERSION })
            }
            (schema::APPLICATION_ID, _) => Err(self.corrupt(format!("its tables are of version {version}"))),
            (0, Ok(0)) if self.has_no_tables()? => Ok(DatabaseKind::Empty),
            _ => Err(JournalError::Foreign { path: self.path.clone() }),
        }
    }

    fn has_no_tables(&self) -> Result<bool, JournalError> {
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, u32>(0))
        };
        Ok(self.ask(count)? == 0)
    }

    /// Looks for damage before the file is read or changed.
    ///
    /// Costs one pass over the file; a resumed run reads the rows after it anyway.
    ///
    /// # Errors
    /// `Corrupt` with the first problem that is found.
    fn check(&self) -> Result<(), JournalError> {
        // Moves the log into the file first, so that the file's size can be checked. A reader can prevent that; then only SQLite
        // checks.
        let is_busy: bool =
            self.ask(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)))?;
        if !is_busy {
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
        let found = std::fs::metadata(&self.path).map_err(|error| JournalError::of_io(&self.path, error))?.len();
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
        let select = format!(
            "SELECT {COLUMNS}, {FORMAT_OF_RUN} FROM entry \
             WHERE run IN (SELECT id FROM run WHERE version = ?1 AND configuration = ?2 AND value_type = ?3) ORDER BY id"
        );
        let (mut newest, mut keys): (Vec<RecordedItem>, _) = (Vec::new(), Keys::default());
        self.ask(|connection| {
            let mut statement = connection.prepare(&select)?;
            let mut rows = statement.query(params![setup.version, setup.configuration, setup.value_type])?;
            while let Some(row) = rows.next()? {
                let item = recorded_item(row)?;
                match newest.get_mut(keys.number(&item.record.key)) {
                    Some(earlier) => *earlier = item,
                    None => newest.push(item),
                }
            }
            Ok(())
        })?;
        Ok(newest)
    }

    /// Rows of the view `newest`.
    ///
    /// In the order of the view, and with the checksum of each row compared.
    pub(crate) fn shown(&self, which: Shown) -> Result<Vec<RecordedItem>, JournalError> {
        let condition = match which {
            Shown::All => "",
            Shown::Failed => "WHERE failure IS NOT NULL",
        };
        self.ask(|connection| {
            let mut statement =
                connection.prepare(&format!("SELECT {COLUMNS}, {FORMAT_OF_RUN} FROM newest {condition}"))?;
            statement.query_map([], recorded_item)?.collect()
        })
    }

    /// The setup of the last run and the counts, both at one moment.
    pub(crate) fn status(&self) -> Result<(Option<Setup>, Counts), JournalError> {
        let moment = self.ask(Connection::unchecked_transaction)?;
        let status = (self.last_setup()?, self.counts()?);
        moment.commit().map_err(|error| self.error(error))?;
        Ok(status)
    }

    /// One statement with six parts, four of which go through the view.
    fn counts(&self) -> Result<Counts, JournalError> {
        let select = "SELECT (SELECT count(*) FROM newest WHERE failure IS NULL), \
                             (SELECT count(*) FROM newest WHERE failure IS NOT NULL), \
                             (SELECT count(*) FROM entry), (SELECT count(*) FROM run), \
                             (SELECT min(started_ns) FROM newest), (SELECT max(started_ns + elapsed_ns) FROM newest)";
        self.ask(|connection| {
            connection.query_row(select, [], |row| {
                Ok(Counts {
                    succeeded: row.get::<_, i64>(0)?.unsigned_abs(),
                    failed: row.get::<_, i64>(1)?.unsigned_abs(),
                    rows: row.get::<_, i64>(2)?.unsigned_abs(),
                    runs: row.get::<_, i64>(3)?.unsigned_abs(),
                    first: row.get::<_, Option<i64>>(4)?.map(moment),
                    last: row.get::<_, Option<i64>>(5)?.map(moment),
                })
            })
        })
    }

    /// Prepares to add rows to this run.
    ///
    /// Prepares the statement once, so that a row costs the binding of 15 values and no parsing of SQL.
    pub(crate) fn writing(&self, run: i64) -> Result<Writing<'_>, JournalError> {
        let insert = format!(
            "INSERT INTO entry (run, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
             ?15)"
        );
        let statement = self.ask(|connection| connection.prepare(&insert))?;
        Ok(Writing { database: self, run, statement })
    }

    /// Closes the file after its last row. Without a reader, the journal becomes one plain file again, which can be
    /// copied and read anywhere.
    ///
    /// The timeout is set to zero first: a reader that holds the file must not delay the end of a run by half a minute.
    pub(crate) fn close(self) {
        // Both may fail without harm: the next run that opens the journal does it.
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let _ = self.connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()));
        let _ = self.connection.close();
    }
}

#[cfg(test)]
impl Database {
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
        let mut statement =
            connection.prepare(&format!("INSERT INTO entry (run, {COLUMNS}) VALUES (1, {marks})")).unwrap();
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
/// before the last `commit`. Only the writer thread has one.
pub(crate) struct Writing<'d> {
    database: &'d Database,
    run: i64,
    statement: Statement<'d>,
}

impl Writing<'_> {
    /// `IMMEDIATE` takes the write lock now, so that a busy file is an error here, after half a minute, and not in the
    /// middle of a transaction.
    pub(crate) fn begin(&self) -> Result<(), JournalError> {
        self.database.ask(|connection| connection.execute_batch("BEGIN IMMEDIATE"))
    }

    /// No system call as a rule: the row goes into SQLite's page cache, and to the disk with the commit.
    pub(crate) fn add(&mut self, row: &Row<'_>) -> Result<(), JournalError> {
        let added = self.statement.execute(params![
            self.run,
            integer(row.place),
            row.key,
            row.fingerprint,
            row.failure.map(|(kind, _)| kind.as_str()),
            row.failure.map(|(_, message)| message),
            row.attempts,
            nanoseconds(row.started),
            integer(row.elapsed.as_nanos()),
            row.cpu.map(|time| integer(time.as_nanos())),
            row.worker,
            row.peak_memory.map(integer),
            row.amounts,
            row.value,
            row.checksum(),
        ]);
        added.map(drop).map_err(|error| self.database.error(error))
    }

    /// Makes the rows since `begin` visible to readers, all of them at once.
    pub(crate) fn commit(&self) -> Result<(), JournalError> {
        self.database.ask(|connection| connection.execute_batch("COMMIT"))
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
        index: usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX),
        key: row.get(1)?,
        failure: match row.get::<_, Option<String>>(3)? {
            Some(kind) => Some(recorded_failure(&kind, row.get::<_, Option<String>>(4)?)?),
            None => None,
        },
        is_resumed: true,
        attempts: row.get(5)?,
        started: moment(row.get(6)?),
        elapsed: duration(row.get(7)?),
        cpu: row.get::<_, Option<i64>>(8)?.map(duration),
        worker: row.get(9)?,
        peak_memory: row.get::<_, Option<i64>>(10)?.map(i64::unsigned_abs),
        amounts: match row.get_ref(11)?.as_str_or_null().map_err(|error| unreadable(11, error))? {
            Some(json) => serde_json::from_str::<Vec<Amount>>(json).map_err(|error| unreadable(11, error))?,
            None => Vec::new(),
        },
    };
    let format = row.get_ref("format")?.as_str()?;
    let format = format.parse::<Format>().map_err(|error| unreadable(14, error))?;
    let item = RecordedItem { record, fingerprint: row.get(2)?, value: row.get(12)?, format };
    if row.get::<_, i64>(13)? != checksum_of(&item) {
        return Err(unreadable(13, format!("the row of {:?} is another than was written", item.record.key)));
    }
    Ok(item)
}

impl Row<'_> {
    fn checksum(&self) -> i64 {
        let failure = self.failure.map(|(kind, message)| (kind.as_str(), message));
        checksum(self.key, self.fingerprint, failure, self.value)
    }
}

fn checksum_of(item: &RecordedItem) -> i64 {
    let failure = item.record.failure.as_ref().map(|failure| (failure.kind.as_str(), failure.message.as_str()));
    checksum(&item.record.key, item.fingerprint.as_deref(), failure, item.value.as_deref())
}

/// A checksum of the parts that a resumed run uses: SQLite's file has none, so a damaged number would go unnoticed.
/// FNV-1a in 64 bits, which is the same on each machine and in each version, over each part and its length.
fn checksum(key: &str, fingerprint: Option<&str>, failure: Option<(&str, &str)>, value: Option<&[u8]>) -> i64 {
    let (kind, message) = failure.unzip();
    let texts = [Some(key), fingerprint, kind, message].map(|text| text.map(str::as_bytes));
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    for part in texts.into_iter().chain([value]) {
        // A missing part differs from an empty one.
        let length = part.map_or(u64::MAX, |part| integer(part.len()).unsigned_abs());
        add(&length.to_le_bytes());
        add(part.unwrap_or_default());
    }
    hash.cast_signed()
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
/// | corrupt; a read that was short; a corrupt file system | `Corrupt` |
/// | full | `Full` |
/// | read-only | `ReadOnly` |
/// | failed I/O, cannot open | that of the system's error number where it concerns this file, else `Io` |
/// | all else, such as busy after half a minute | `Io` |
fn journal_error(path: &Path, connection: Option<&Connection>, error: rusqlite::Error) -> JournalError {
    use rusqlite::ffi::{SQLITE_IOERR_CORRUPTFS, SQLITE_IOERR_SHORT_READ};
    let (path, detail, found) = (path.to_owned(), error.to_string(), error.sqlite_error().copied());
    let source = Some(Arc::new(error) as Arc<dyn std::error::Error + Send + Sync>);
    let Some(found) = found else {
        // A column that holds something else than this crate writes.
        return JournalError::Corrupt { path, detail, source };
    };
    match (found.code, found.extended_code) {
        (ErrorCode::NotADatabase, _) => JournalError::Foreign { path },
        (ErrorCode::DatabaseCorrupt, _) | (_, SQLITE_IOERR_SHORT_READ | SQLITE_IOERR_CORRUPTFS) => {
            JournalError::Corrupt { path, detail, source }
        }
        (ErrorCode::DiskFull, _) => JournalError::Full { path, source },
        (ErrorCode::ReadOnly, _) => JournalError::ReadOnly { path, source },
        (ErrorCode::SystemIoFailure | ErrorCode::CannotOpen, _) => {
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
            let (database, log) = Database::for_writing_on(&path, PLAIN).unwrap();
            assert_eq!(log, Log::Rollback);
            add(&database, expected.last().unwrap());
            assert_eq!(keys(&database), expected);
        }
        let (database, log) = Database::for_writing(&path).unwrap();
        assert_eq!((keys(&database), log), (vec!["a".to_owned(), "b".to_owned()], Log::Ahead));
    }

    #[test]
    fn a_log_left_by_a_killed_run_is_read_where_there_can_be_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("a.journal"), folder.path().join("b.journal"));
        let (database, _) = Database::for_writing(&path).unwrap();
        add(&database, "a");
        // What a kill at this moment leaves: the row is in the log alone.
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(folder.path().join("a.journal-wal"), folder.path().join("b.journal-wal")).unwrap();
        let (database, log) = Database::for_writing_on(&copy, PLAIN).unwrap();
        assert_eq!((keys(&database), log), (vec!["a".to_owned()], Log::Rollback));
        assert!(!folder.path().join("b.journal-wal").exists());
        add(&database, "b");
        assert_eq!(keys(&database), ["a", "b"]);
    }

    #[test]
    fn moments_before_1970_come_back_as_they_were() {
        for moved in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(86_400 * 365 * 50)] {
            assert_eq!(moment(nanoseconds(SystemTime::UNIX_EPOCH + moved)), SystemTime::UNIX_EPOCH + moved);
            assert_eq!(moment(nanoseconds(SystemTime::UNIX_EPOCH - moved)), SystemTime::UNIX_EPOCH - moved);
        }
    }
}
