//! Any columns as rows of a journal, for the fuzz target `journal_rows`: a hostile file whose checksums are right.
//!
//! Promises: each question of a reader has an answer or an error that a terminal can show; the answers agree with each other, but for
//! the counts of keys that one run has twice, which no run of this crate writes.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::persist::journal::JournalReader;
use crate::persist::journal::database::{COLUMNS, Database, N_SUMMED, checksum};
use crate::persist::journal::error::JournalError;
use crate::persist::place::Place;
use crate::sync::Arc;

/// What columns of an entry usually hold, in the order of [`COLUMNS`].
const USUAL: [Usual; N_SUMMED] = [
    Usual::Run,
    Usual::Number,
    Usual::Text,
    Usual::Text,
    Usual::Failure,
    Usual::Text,
    Usual::Number,
    Usual::Number,
    Usual::Number,
    Usual::Number,
    Usual::Number,
    Usual::Number,
    Usual::Amounts,
    Usual::Bytes,
];

#[derive(Clone, Copy)]
enum Usual {
    Run,
    Number,
    Text,
    Failure,
    Amounts,
    Bytes,
}

/// A value of a column, with texts that need not be UTF-8.
enum Column {
    Plain(Value),
    Text(Vec<u8>),
}

/// The bytes that are left; zeros when none is.
struct Source<'b>(&'b [u8]);

/// Writes the bytes into the journal at this path as rows, in place of those that it had, and asks a reader all it answers.
///
/// # Panics
/// Where a reader breaks what it promises, and where the file cannot be written.
pub fn read_rows(path: &Path, bytes: &[u8]) {
    write_rows(path, &mut Source(bytes)).expect("the journal is one of ours");
    let reader = JournalReader::open(path).expect("the journal is one of ours");
    let (status, entries, failures) = (reader.status(), reader.entries(), reader.failures());
    for error in [status.as_ref().err(), entries.as_ref().err(), failures.as_ref().err()].into_iter().flatten() {
        assert_is_shown_safely(error);
    }
    let Ok(entries) = entries else { return };
    for entry in &entries {
        let read = [
            entry.value::<(u32, String)>().err(),
            entry.value::<Vec<Option<f64>>>().err(),
            entry.value::<BTreeMap<String, i64>>().err(),
        ];
        read.iter().flatten().for_each(assert_is_shown_safely);
    }
    if let Ok(status) = status {
        // Of one run alone, rows are counted without a look at their keys: a run writes a row for each, and a hostile file may have more.
        let counted = status.succeeded + status.failed;
        assert!((entries.len() as u64..=status.rows).contains(&counted), "{} entries: {status:?}", entries.len());
    }
    let failed: Vec<_> = entries.into_iter().filter(|entry| entry.failure.is_some()).collect();
    assert_eq!(failures.expect("the same rows"), failed);
}

fn assert_is_shown_safely(error: &JournalError) {
    let text = error.to_string();
    let is_obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    assert!(!text.contains(is_obeyed), "{text:?}");
}

fn write_rows(path: &Path, source: &mut Source<'_>) -> Result<(), JournalError> {
    let place = Place::of(path).map(Arc::new).map_err(|error| JournalError::of_io(path, error))?;
    let (database, _) = Database::for_writing(&place)?;
    database.ask(|connection| {
        connection.execute_batch("PRAGMA synchronous = OFF; BEGIN; DELETE FROM entry; DELETE FROM run;")?;
        for number in 1..=1 + i64::from(source.byte() % 3) {
            add_run(connection, number, source)?;
        }
        while !source.0.is_empty() {
            add_entry(connection, source)?;
        }
        connection.execute_batch("COMMIT")
    })
}

/// A run of the setup that a program has which sets nothing, or of any other.
fn add_run(connection: &Connection, number: i64, source: &mut Source<'_>) -> rusqlite::Result<()> {
    let mut text = |usual: &str| match source.byte() {
        0..128 => Column::Plain(Value::Text(usual.to_owned())),
        _ => source.column(Usual::Text),
    };
    let columns = [text("1"), text("null"), text("1:host"), text("u64"), text("compact")];
    let insert = "INSERT INTO run (version, configuration, writer, value_type, format, begun_ns, id) \
                  VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)";
    let number = Column::Plain(Value::Integer(number));
    let values = columns.iter().chain([&number]).map(|column| ToSqlOutput::Borrowed(column.as_ref()));
    refusal_is_none(connection.execute(insert, params_from_iter(values)))
}

fn add_entry(connection: &Connection, source: &mut Source<'_>) -> rusqlite::Result<()> {
    let columns = USUAL.map(|usual| source.column(usual));
    let mut summed = [ValueRef::Null; N_SUMMED];
    summed.iter_mut().zip(&columns).for_each(|(value, column)| *value = column.as_ref());
    let checksum = ToSqlOutput::Owned(Value::Integer(checksum(summed)));
    let marks = ["?"; N_SUMMED + 1].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO entry ({COLUMNS}) VALUES ({marks})"))?;
    refusal_is_none(insert.execute(params_from_iter(summed.map(ToSqlOutput::Borrowed).into_iter().chain([checksum]))))
}

/// A row that the table does not take, such as one without a key, is in no journal.
fn refusal_is_none(added: rusqlite::Result<usize>) -> rusqlite::Result<()> {
    match added {
        Err(error) if error.sqlite_error_code() != Some(rusqlite::ErrorCode::ConstraintViolation) => Err(error),
        _ => Ok(()),
    }
}

impl Column {
    fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Plain(value) => value.into(),
            Self::Text(bytes) => ValueRef::Text(bytes),
        }
    }
}

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        self.word::<1>()[0]
    }

    fn word<const N: usize>(&mut self) -> [u8; N] {
        let mut word = [0; N];
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        word[..taken.len()].copy_from_slice(taken);
        self.0 = rest;
        word
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte());
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    /// Of any kind, or what the column usually holds.
    fn column(&mut self, usual: Usual) -> Column {
        Column::Plain(match self.byte() % 16 {
            0 => Value::Null,
            1 => Value::Integer(i64::from_le_bytes(self.word())),
            2 => Value::Real(f64::from_le_bytes(self.word())),
            3 => return Column::Text(self.bytes()),
            4 => Value::Blob(self.bytes()),
            _ => match usual {
                Usual::Run => Value::Integer(1 + i64::from(self.byte() % 3)),
                Usual::Number => Value::Integer(self.byte().into()),
                Usual::Text | Usual::Amounts => return Column::Text(self.bytes()),
                Usual::Bytes => Value::Blob(self.bytes()),
                Usual::Failure => match self.byte() % 4 {
                    0 => Value::Text("error".to_owned()),
                    1 => Value::Text("lost".to_owned()),
                    _ => Value::Null,
                },
            },
        })
    }
}
