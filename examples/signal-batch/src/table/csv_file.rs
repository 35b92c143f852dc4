//! Tables as CSV: a header line, and a row for each capture.
//!
//! Promises: what is written is read back as the same table, numbers to the last bit, where columns of texts hold at least one cell that is
//! no number, or have one of the names that `measure` writes. What is no table is refused with its line. Memory is that of the file and
//! of the table.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use consumer_support::input::{Budget, open_regular, read_whole, require};
use csv::{ByteRecord, ReaderBuilder};
use manyhands::report::{csv_text, write_atomically};

use super::number::{number_in, number_text};
use super::{NumberColumn, Place, Table, TextColumn};
use crate::{BatchError, BatchResult, Metric};

/// Columns of these names are texts whatever they hold: batches may be called 1 and 2.
const ALWAYS_TEXTS: [&str; 6] = ["file", "batch", "captured_at", "unit", "error", "version"];

/// What separates cells: the one of these that is most frequent in the header line.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What some programs write in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Where only the header line is asked for, no more is read.
const MOST_HEADER_BYTES: u64 = 1 << 20;

impl Table {
    /// Reads a table from a file in CSV: see [`Table::from_csv`].
    ///
    /// # Errors
    /// [`BatchError::File`] when the file cannot be read, is larger than 512 MiB, or is no table.
    pub fn read_csv(path: impl AsRef<Path>) -> BatchResult<Self> {
        Self::read_csv_with_texts(path, &[])
    }

    /// As [`Table::read_csv`]; the columns of these names are texts whatever they hold, such as labels of groups that are numbers.
    ///
    /// # Errors
    /// As [`Table::read_csv`].
    pub fn read_csv_with_texts(path: impl AsRef<Path>, texts: &[&str]) -> BatchResult<Self> {
        let path = path.as_ref();
        let refuse = |reason: String| BatchError::File { path: path.to_owned(), reason };
        let bytes = read_whole(path, Budget::STANDARD.whole_file_bytes).map_err(|error| refuse(error.to_string()))?;
        parse(&bytes, texts).map_err(refuse)
    }

    /// The names of the columns of a file in CSV; no row is read.
    ///
    /// # Errors
    /// [`BatchError::File`] when the file cannot be read, or has no header line.
    pub fn csv_column_names(path: impl AsRef<Path>) -> BatchResult<Vec<String>> {
        let path = path.as_ref();
        let refuse = |reason: String| BatchError::File { path: path.to_owned(), reason };
        let (file, _) = open_regular(path).map_err(|error| refuse(error.to_string()))?;
        let mut bytes = Vec::new();
        file.take(MOST_HEADER_BYTES).read_to_end(&mut bytes).map_err(|error| refuse(error.to_string()))?;
        column_names(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes)).map_err(refuse)
    }

    /// The table that a text in CSV has.
    ///
    /// The first line has the names of columns; one without a name is called `column N`, from 1. Cells are separated by commas, semicolons or
    /// tabs, whichever the header line has most of. A column is one of numbers when every cell is a number, empty, or `nan`, `na`, `n/a` or
    /// `null`, which stand for NaN. Columns that are called `file`, `batch`, `captured_at`, `unit`, `error` and `version` are texts in any
    /// case. Lines without any character are no rows.
    ///
    /// # Errors
    /// [`BatchError::Table`] with the line, for rows of unlike length, names that occur twice, text that is not UTF-8, and a cell of a
    /// [metric](Metric) that is no number.
    ///
    /// ```
    /// # use signal_batch::Table;
    /// let table = Table::from_csv("file;rms;peak\na.csv;0.5;1\nb.csv;;inf\n")?;
    /// assert_eq!(table.text("file").unwrap(), ["a.csv", "b.csv"]);
    /// assert!(table.number("rms").unwrap()[1].is_nan());
    /// # Ok::<(), signal_batch::BatchError>(())
    /// ```
    pub fn from_csv(csv: impl AsRef<[u8]>) -> BatchResult<Self> {
        parse(csv.as_ref(), &[]).map_err(BatchError::Table)
    }

    /// Writes the table to a file in CSV, whole or not at all. Numbers are read back to the last bit; NaN is an empty cell. A text that a
    /// spreadsheet would compute gets an apostrophe in front, which reading removes.
    ///
    /// # Errors
    /// [`BatchError::File`] when the file cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> BatchResult<()> {
        let path = path.as_ref();
        let refuse = |error: &dyn fmt::Display| BatchError::File {
            path: path.to_owned(),
            reason: format!("cannot be written: {error}; choose another place"),
        };
        write_atomically(path, |file| self.to_csv(file)).map_err(|error| refuse(&error))
    }

    /// As [`Table::write_csv`], to a writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn to_csv(&self, writer: &mut dyn io::Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(writer);
        csv.write_record(self.column_names().map(|name| csv_text(name).into_owned()))?;
        for row in 0..self.n_rows {
            for place in &self.order {
                match *place {
                    Place::Text(at) => csv.write_field(csv_text(&self.texts[at].values[row]).as_ref())?,
                    Place::Number(at) => csv.write_field(number_text(self.numbers[at].values[row]).as_ref())?,
                }
            }
            csv.write_record(None::<&[u8]>)?;
        }
        csv.flush()
    }
}

fn parse(bytes: &[u8], texts: &[&str]) -> Result<Table, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; save it as CSV in UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let names = column_names(bytes)?;
    let mut columns: Vec<Column> = names.iter().map(|name| Column::called(name, texts)).collect();
    read_rows(bytes, &mut columns)?;
    // A column that turned out to be texts half-way is read again: a text is kept as it is written.
    if columns.iter().any(|column| column.cells == Cells::Mixed) {
        let again = |column: &Column| {
            let is_text = !matches!(column.cells, Cells::Numbers(_));
            Column {
                cells: if is_text { Cells::Texts(Vec::new()) } else { Cells::Numbers(Vec::new()) },
                ..column.clone()
            }
        };
        columns = columns.iter().map(again).collect();
        read_rows(bytes, &mut columns)?;
    }
    table(columns, &names).map_err(|error| match error {
        BatchError::Table(why) => why,
        other => other.to_string(),
    })
}

/// The names in the header line.
fn column_names(bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut header = ByteRecord::new();
    let is_there = reader(bytes).read_byte_record(&mut header).map_err(|error| reason(bytes, &error))?;
    if !is_there {
        return Err("is empty; give a header line with the names of columns, and a row for each capture".to_owned());
    }
    let too_many = require(header.len() as u64, Budget::STANDARD.columns, || "columns", "remove some");
    too_many.map_err(|over| over.to_string())?;
    let name = |(at, cell): (usize, &[u8])| match text_in(cell).ok_or("line 1 is not UTF-8; save it as CSV in UTF-8")? {
        name if name.trim().is_empty() => Ok(format!("column {}", at + 1)),
        name => Ok(name.trim().to_owned()),
    };
    header.iter().enumerate().map(name).collect()
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).delimiter(separator(bytes)).from_reader(bytes)
}

/// The separator of the header line; a comma where there is none.
fn separator(bytes: &[u8]) -> u8 {
    let mut counts = [0_usize; SEPARATORS.len()];
    let mut is_quoted = false;
    for &byte in bytes.iter().skip_while(|byte| matches!(byte, b'\n' | b'\r')) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            _ if is_quoted => {}
            _ => SEPARATORS.iter().zip(&mut counts).filter(|(one, _)| **one == byte).for_each(|(_, count)| *count += 1),
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    SEPARATORS.into_iter().zip(counts).find(|(_, count)| *count == most).map_or(b',', |(separator, _)| separator)
}

/// Takes every row behind the header line.
fn read_rows(bytes: &[u8], columns: &mut [Column]) -> Result<(), String> {
    let mut reader = reader(bytes);
    let (mut record, mut last) = (ByteRecord::new(), ByteRecord::new());
    let mut n_cells = 0;
    reader.read_byte_record(&mut last).map_err(|error| reason(bytes, &error))?;
    while reader.read_byte_record(&mut record).map_err(|error| reason(bytes, &error))? {
        let line = line(bytes, record.position());
        n_cells += record.len() as u64;
        require(n_cells, Budget::STANDARD.grid_values_of_any_input, || "cells", "cut the table into smaller ones")
            .map_err(|over| over.to_string())?;
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.take(cell).map_err(|why| format!("line {line}, column {:?}: {why}", column.name))?;
        }
        std::mem::swap(&mut record, &mut last);
    }
    require_closed_quote(&last, bytes)
}

/// Refuses a table whose last cell begins with a quote that nothing closes: it holds all rows behind it.
fn require_closed_quote(last: &ByteRecord, bytes: &[u8]) -> Result<(), String> {
    let has_line_end = last.iter().next_back().is_some_and(|cell| cell.contains(&b'\n'));
    if has_line_end && !bytes.trim_ascii_end().ends_with(b"\"") {
        let line = line(bytes, last.position());
        return Err(format!("line {line} has a quote that is not closed; close it"));
    }
    Ok(())
}

fn reason(bytes: &[u8], error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = line(bytes, pos.as_ref());
            format!("line {line} has {len} cells where the header line has {expected_len}; correct or remove it")
        }
        _ => error.to_string(),
    }
}

/// The line in which a record begins: behind lines without any character, which its position has in front of it.
fn line(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte()).ok().and_then(|start| bytes.get(start..)).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).filter(|byte| **byte == b'\n').count();
    position.line() + empty as u64
}

/// A column while it is read.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    is_metric: bool,
    cells: Cells,
}

/// The cells so far.
#[derive(Debug, Clone, PartialEq)]
enum Cells {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    /// Texts behind numbers, which must be read again.
    Mixed,
}

impl Column {
    fn called(name: &str, texts: &[&str]) -> Self {
        let is_text = ALWAYS_TEXTS.contains(&name) || texts.contains(&name);
        let cells = if is_text { Cells::Texts(Vec::new()) } else { Cells::Numbers(Vec::new()) };
        Self { name: name.to_owned(), is_metric: !is_text && Metric::of_name(name).is_some(), cells }
    }

    fn take(&mut self, cell: &[u8]) -> Result<(), String> {
        match &mut self.cells {
            Cells::Mixed => {}
            Cells::Texts(texts) => texts.push(text_in(cell).ok_or("is not UTF-8; save it as CSV in UTF-8")?),
            Cells::Numbers(numbers) => match number_in(cell) {
                Some(number) => numbers.push(number),
                None if self.is_metric => {
                    let cell = String::from_utf8_lossy(cell);
                    return Err(format!("{cell:?} is no number; correct it, or leave the cell empty"));
                }
                None => self.cells = Cells::Mixed,
            },
        }
        Ok(())
    }
}

/// The text in a cell, without the apostrophe that keeps a spreadsheet from computing it.
fn text_in(cell: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(cell).ok()?;
    if !text.contains('\'') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    for (at, symbol) in text.char_indices() {
        let next = text[at + symbol.len_utf8()..].chars().next();
        if symbol != '\'' || !next.is_some_and(|next| is_guarded(at, next)) {
            plain.push(symbol);
        }
    }
    // An apostrophe that writing would not have put there is part of the text.
    Some(if csv_text(&plain) == text { plain } else { text.to_owned() })
}

/// Whether writing puts an apostrophe in front of this character, if it stands behind another one, or at the beginning.
fn is_guarded(at: usize, symbol: char) -> bool {
    let is_only_guarded_in_front = matches!(symbol, '\t' | '\r' | '\n');
    symbol != '\''
        && (at == 0 || !is_only_guarded_in_front)
        && csv_text(symbol.encode_utf8(&mut [0; 4])).starts_with('\'')
}

fn table(columns: Vec<Column>, names: &[String]) -> BatchResult<Table> {
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for Column { name, cells, .. } in columns {
        match cells {
            Cells::Numbers(values) => numbers.push(NumberColumn { name, values }),
            Cells::Texts(values) => texts.push(TextColumn { name, values }),
            Cells::Mixed => unreachable!("a column that was mixed is read again as texts"),
        }
    }
    Table::new(texts, numbers)?.in_order(names)
}
