//! The tables of a journal and their version. Text only.
//!
//! Rows are only ever added, so that an item costs the same at the start and at the end of a long run: the newest row
//! of a key is the one that counts, and the view `newest` shows those alone, to a person with an SQLite tool; this crate
//! runs no view of a file. There is no index, since a run reads the
//! table once, from end to end; an index would double the cost of each row.
//!
//! What a run writes, in order: one row of `run` when it begins, one row of `entry` per finished item, and `ended_ns`
//! of its `run` row at its end. A killed run leaves `ended_ns` null. Nothing else is updated; the one row that is ever
//! deleted is the `run` row of a run that was refused before it recorded an item.
//!
//! A row counts for a resumed run when its run has the version, the configuration and the type of results of that run.
//! So rows of an earlier version stay in the file, and count again when the program goes back to that version. The view
//! asks the same question for the newest run, so it shows a person what a run with the last setup would find. The format
//! of results does not count: rows of both are read.

/// Marks an SQLite file as a journal of this crate: `mhnd`.
///
/// SQLite stores it in the head of the file. A file with tables and another id is refused as foreign before anything is
/// written to it, so a wrong path cannot damage the database of another program.
pub(crate) const APPLICATION_ID: i32 = 0x6d68_6e64;

/// The version of what is below. Another one is refused by name: of version 1, whose rows have checksums of fewer columns,
/// nothing was published.
///
/// SQLite stores it as `user_version`, in the same transaction that makes the tables: a file has both or neither.
pub(crate) const VERSION: u32 = 2;

/// Times are nanoseconds, since 1970 in UTC where they are moments. Null means that it is not known, or not there.
pub(crate) const TABLES: &str = "
CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    version       TEXT    NOT NULL, -- of what is computed, as the program says
    configuration TEXT    NOT NULL, -- JSON with sorted names
    writer        TEXT    NOT NULL, -- the process and its machine
    begun_ns      INTEGER NOT NULL,
    ended_ns      INTEGER,          -- null while it runs, and for ever when it was killed
    value_type    TEXT    NOT NULL, -- the name of the results' type and its shape; empty: not known
    format        TEXT    NOT NULL  -- of the results: compact (postcard) or self-describing (MessagePack)
);
CREATE TABLE entry (
    id          INTEGER PRIMARY KEY, -- in the order of writing
    run         INTEGER NOT NULL,    -- run.id
    place       INTEGER NOT NULL,    -- of the item in that run's input, from 0
    key         TEXT    NOT NULL,
    fingerprint TEXT,
    failure     TEXT,                -- error, panic, lost, time_limit, memory_limit, encoding; null: it succeeded
    message     TEXT,                -- what the failure said
    attempts    INTEGER NOT NULL,
    started_ns  INTEGER NOT NULL,
    elapsed_ns  INTEGER NOT NULL,
    cpu_ns      INTEGER,
    worker      INTEGER,             -- the number of the thread or the id of the process
    peak_memory INTEGER,             -- bytes
    amounts     TEXT,                -- JSON: [{\"name\": .., \"value\": ..}, ..], texts for what is not finite
    value       BLOB,                -- the result in the format of its run
    checksum    INTEGER NOT NULL     -- of all columns but the id: see database.rs
);
CREATE VIEW newest AS
    SELECT entry.*,
           CASE WHEN failure IS NULL THEN 'succeeded' ELSE 'failed' END AS status,
           strftime('%Y-%m-%dT%H:%M:%fZ', started_ns / 1e9, 'unixepoch') AS started,
           elapsed_ns / 1e9 AS seconds
    FROM entry
    WHERE id IN (
        SELECT max(entry.id) FROM entry JOIN run ON run.id = entry.run
        WHERE (run.version, run.configuration, run.value_type) =
              (SELECT version, configuration, value_type FROM run ORDER BY id DESC LIMIT 1)
        GROUP BY entry.key
    )
    ORDER BY id;
";
