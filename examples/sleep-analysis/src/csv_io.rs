//! Signals and tables as CSV: comma, one header line, whole nanoseconds first, floats with 17 significant digits.
//!
//! A column whose name begins like a spreadsheet's formula is written with an apostrophe in front ([`manyhands::report::csv_text`]).
//! An empty field is NaN. Reading holds one row besides the result, and keeps rows in file order, repeated and unsorted times
//! included: who needs order asks `order.rs`. Splitting of lines and quotes is the `csv` crate's. Every error names the file,
//! the line and the column.

use crate::number_text::{append_display, append_float};
use crate::whole_file::{file_error, write_whole_file};
use crate::{AlignedSignal, AlignedTable, Column, FeatureTable, Signal, SleepError, SleepResult};
use consumer_support::input::{Budget, InputError, RecordLimit, open_regular, require};
use csv::ByteRecord;
use manyhands::report::csv_text;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::num::IntErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const TIMESTAMP: &str = "timestamp_ns";
const EPOCH_START: &str = "epoch_start_ns";
const EEG_HEADER: [&str; 3] = ["epoch", "sample", "uv"];
const BUFFER_BYTES: usize = 1 << 16;

/// Text in a message is cut to this many characters.
const QUOTED_CHARS: usize = 40;

/// Reads a signal: the column `timestamp_ns` first, then one or more columns of samples.
///
/// A byte order mark, CRLF, quoted fields and a missing last line end are fine; a file with nothing but a header is a signal
/// without samples. Memory is that of the signal and one row.
///
/// # Errors
/// [`SleepError::FileOverBudget`] for a row of more than 16 MiB, more than 16 384 columns, and more than 2^30 values.
/// [`SleepError::File`] when the file cannot be read, is no regular file or is empty, its header is not as above or names a column twice, a row
/// has too few or too many fields, or a field is no number; it names the line, counted from 1, and the column.
///
/// ```
/// let path = std::env::temp_dir().join("sleep-analysis-read-signal.csv");
/// std::fs::write(&path, "timestamp_ns,x,y\n10,1.5,\n20,-inf,2\n").unwrap();
/// let signal = sleep_analysis::read_signal("acc", &path)?;
/// assert_eq!(signal.timestamps_ns(), [10, 20]);
/// assert_eq!(signal.column("x"), Some(&[1.5, f64::NEG_INFINITY][..]));
/// assert!(signal.column("y").unwrap()[0].is_nan());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn read_signal(name: &str, path: &Path) -> SleepResult<Signal> {
    let mut rows = Rows::open(path, "timestamp_ns,<column>,...")?;
    rows.require_signal_header()?;
    let mut timestamps_ns = Vec::new();
    let mut samples = vec![Vec::new(); rows.header.len() - 1];
    while rows.advance()? {
        rows.require_values((timestamps_ns.len() as u64 + 1).saturating_mul(rows.header.len() as u64))?;
        timestamps_ns.push(rows.whole(0)?);
        for (idx, column) in samples.iter_mut().enumerate() {
            column.push(rows.float(idx + 1)?);
        }
    }
    let names = rows.header.into_iter().skip(1);
    let columns = names.zip(samples).map(|(name, values)| Column::new(name, values)).collect();
    Signal::new(name, timestamps_ns, columns)
}

/// EEG cut into epochs of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct EegEpochs {
    samples_per_epoch: usize,
    microvolts: Vec<f64>,
}

impl EegEpochs {
    /// The samples in each epoch, at least 1 unless there is no epoch.
    #[must_use]
    pub fn samples_per_epoch(&self) -> usize {
        self.samples_per_epoch
    }

    /// All samples, one epoch behind the other, in microvolts; NaN where a sample is missing.
    #[must_use]
    pub fn microvolts(&self) -> &[f64] {
        &self.microvolts
    }

    /// The epochs in order, each with its samples in microvolts.
    pub fn epochs(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.microvolts.chunks_exact(self.samples_per_epoch.max(1))
    }
}

/// Reads EEG epochs from the columns `epoch`, `sample` and `uv` (microvolts); both counts start at 0 and leave nothing out.
///
/// # Errors
/// [`SleepError::File`] as for [`read_signal`], and when a count leaps or the epochs differ in length.
///
/// ```
/// let path = std::env::temp_dir().join("sleep-analysis-read-eeg.csv");
/// std::fs::write(&path, "epoch,sample,uv\n0,0,1.5\n0,1,\n1,0,3\n1,1,4\n").unwrap();
/// let eeg = sleep_analysis::read_eeg_epochs(&path)?;
/// assert_eq!(eeg.samples_per_epoch(), 2);
/// assert_eq!(eeg.epochs().nth(1), Some(&[3.0, 4.0][..]));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn read_eeg_epochs(path: &Path) -> SleepResult<EegEpochs> {
    let mut rows = Rows::open(path, &EEG_HEADER.join(","))?;
    rows.require_header(&EEG_HEADER)?;
    let mut microvolts = Vec::new();
    let mut ends = EpochEnds::default();
    while rows.advance()? {
        ends.count(rows.whole(0)?, rows.whole(1)?).map_err(|reason| rows.line_error(&reason))?;
        rows.require_values(microvolts.len() as u64 + 1)?;
        microvolts.push(rows.float(2)?);
    }
    let samples_per_epoch = ends.samples_per_epoch().map_err(|reason| rows.line_error(&reason))?;
    Ok(EegEpochs { samples_per_epoch, microvolts })
}

/// Follows the counts of epochs and samples, and holds all epochs to the length of the first.
#[derive(Default)]
struct EpochEnds {
    epoch: i64,
    n_samples: i64,
    n_samples_of_first: Option<i64>,
}

impl EpochEnds {
    fn count(&mut self, epoch: i64, sample: i64) -> Result<(), String> {
        let starts_next = self.n_samples > 0 && epoch == self.epoch + 1 && sample == 0;
        if starts_next {
            self.end_epoch()?;
        }
        if (epoch, sample) != (self.epoch, self.n_samples) {
            return Err(format!(
                "epoch {epoch}, sample {sample} where epoch {}, sample {} is due; count both from 0 and leave none out",
                self.epoch, self.n_samples
            ));
        }
        self.n_samples += 1;
        Ok(())
    }

    fn end_epoch(&mut self) -> Result<(), String> {
        let n_samples = self.n_samples;
        let n_samples_of_first = *self.n_samples_of_first.get_or_insert(n_samples);
        if n_samples != n_samples_of_first {
            return Err(format!(
                "epoch {} ends after {n_samples} samples, the first one had {n_samples_of_first}; make all epochs alike, \
                 with an empty field for a missing sample",
                self.epoch
            ));
        }
        self.epoch += 1;
        self.n_samples = 0;
        Ok(())
    }

    fn samples_per_epoch(mut self) -> Result<usize, String> {
        self.end_epoch()?;
        Ok(self.n_samples_of_first.unwrap_or_default() as usize)
    }
}

/// The rows of a file, one at a time in a buffer that is used again.
struct Rows {
    path: PathBuf,
    reader: csv::Reader<RecordLimit<File>>,
    header: Vec<String>,
    row: ByteRecord,
}

impl Rows {
    fn open(path: &Path, expected_header: &str) -> SleepResult<Self> {
        let (file, _) = open_regular(path).map_err(|error| SleepError::input(path, error))?;
        let file = RecordLimit::new(file, Budget::STANDARD.record_bytes);
        let reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(file);
        let mut rows = Self { path: path.to_owned(), reader, header: Vec::new(), row: ByteRecord::new() };
        if !rows.read_row()? {
            return Err(file_error(path, format!("is empty; it must start with the header line {expected_header}")));
        }
        let (n_columns, way_out) = (rows.row.len() as u64, "split the table into several files");
        let checked = require(n_columns, Budget::STANDARD.columns, || "columns", way_out);
        checked.map_err(|over| SleepError::input(path, over.into()))?;
        rows.header = rows.row.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        Ok(rows)
    }

    fn require_signal_header(&self) -> SleepResult<()> {
        if self.header[0] != TIMESTAMP {
            return self
                .refuse_header(&format!("the first column is {}, not {TIMESTAMP}", quoted(self.header[0].as_bytes())));
        }
        if self.header.len() < 2 {
            return self.refuse_header("there is no column of samples");
        }
        let mut names = HashSet::new();
        for (idx, name) in self.header.iter().enumerate() {
            if name.is_empty() {
                return self.refuse_header(&format!("column {} has no name", idx + 1));
            }
            if !names.insert(name) {
                return self.refuse_header(&format!("column {} appears twice", quoted(name.as_bytes())));
            }
        }
        Ok(())
    }

    fn require_header(&self, expected: &[&str]) -> SleepResult<()> {
        if self.header == expected {
            return Ok(());
        }
        self.refuse_header(&format!(
            "the columns are {}, not {}",
            quoted(self.header.join(",").as_bytes()),
            expected.join(",")
        ))
    }

    fn refuse_header(&self, reason: &str) -> SleepResult<()> {
        Err(file_error(&self.path, format!("line 1: {reason}; mend the header line")))
    }

    /// Moves on to the next row and checks its number of fields; false at the end of the file.
    fn advance(&mut self) -> SleepResult<bool> {
        if !self.read_row()? {
            return Ok(false);
        }
        if self.row.len() != self.header.len() {
            let (found, due) = (self.row.len(), self.header.len());
            return Err(
                self.line_error(&format!("{found} fields where the header has {due}; leave a missing value empty"))
            );
        }
        Ok(true)
    }

    fn read_row(&mut self) -> SleepResult<bool> {
        self.reader.get_mut().next_record();
        self.reader.read_byte_record(&mut self.row).map_err(|error| SleepError::input(&self.path, csv_error(error)))
    }

    fn require_values(&self, n_values: u64) -> SleepResult<()> {
        let checked = require(n_values, Budget::STANDARD.values, || "values", "cut the file into shorter ones");
        checked.map_err(|over| SleepError::input(&self.path, over.into()))
    }

    fn whole(&self, column: usize) -> SleepResult<i64> {
        let parsed = std::str::from_utf8(&self.row[column]).map(i64::from_str);
        match parsed {
            Ok(Ok(number)) => Ok(number),
            Ok(Err(error)) if matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => {
                Err(self.field_error(
                    column,
                    "does not fit 64 bits; nanoseconds since 1970 reach from the year 1678 to 2262",
                ))
            }
            _ => {
                Err(self.field_error(column, "is no whole number; write digits only, times as nanoseconds since 1970"))
            }
        }
    }

    fn float(&self, column: usize) -> SleepResult<f64> {
        let field = &self.row[column];
        if field.is_empty() {
            return Ok(f64::NAN);
        }
        let parsed = std::str::from_utf8(field).ok().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| {
            self.field_error(column, "is no number; write 1.5, inf or -inf, and leave a missing value empty")
        })
    }

    fn field_error(&self, column: usize, reason: &str) -> SleepError {
        self.line_error(&format!("column {:?}: {} {reason}", self.header[column], quoted(&self.row[column])))
    }

    fn line_error(&self, reason: &str) -> SleepError {
        let line = self.row.position().map_or(1, csv::Position::line);
        file_error(&self.path, format!("line {line}: {reason}"))
    }
}

/// The error of the file below the parser; the parser itself has none for bytes without a fixed number of fields.
fn csv_error(error: csv::Error) -> InputError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => InputError::Io(io::Error::other(format!("{other:?}"))),
    }
}

/// Text of a file as a message may show it: in quotes, escaped, cut when long.
fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let is_long = text.chars().nth(QUOTED_CHARS).is_some();
    let shown: String = text.chars().take(QUOTED_CHARS).collect();
    format!("{shown:?}{}", if is_long { "..." } else { "" })
}

/// One column of a table to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CsvColumn<'a> {
    /// The header.
    pub name: &'a str,
    /// The values below it.
    pub values: CsvValues<'a>,
}

/// The values of a column to be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CsvValues<'a> {
    /// Integers: timestamps and counts.
    Whole(&'a [i64]),
    /// Floats as `%.17g`; NaN is an empty field.
    Float(&'a [f64]),
}

impl CsvValues<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }

    fn append(&self, line: &mut Vec<u8>, row: usize) {
        match self {
            Self::Whole(values) => append_display(line, format_args!("{}", values[row])),
            Self::Float(values) if values[row].is_nan() => {}
            Self::Float(values) => append_float(line, values[row]),
        }
    }
}

/// Writes columns of one length as a CSV file, whole or not at all.
///
/// # Errors
/// [`SleepError::File`] when the file cannot be written; see [`write_whole_file`].
///
/// # Panics
/// When the columns differ in length.
///
/// ```
/// use sleep_analysis::{CsvColumn, CsvValues, write_csv};
///
/// let path = std::env::temp_dir().join("sleep-analysis-write-csv.csv");
/// let frequencies = CsvColumn { name: "freq_hz", values: CsvValues::Float(&[0.0, 0.25]) };
/// let powers = CsvColumn { name: "epoch_0", values: CsvValues::Float(&[1e-7, f64::NAN]) };
/// write_csv(&path, &[frequencies, powers])?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"freq_hz,epoch_0\n0,9.9999999999999995e-08\n0.25,\n");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn write_csv(path: &Path, columns: &[CsvColumn<'_>]) -> SleepResult<()> {
    let n_rows = columns.first().map_or(0, |column| column.values.len());
    for column in columns {
        assert_eq!(column.values.len(), n_rows, "column {:?} differs in length from the first", column.name);
    }
    write_whole_file(path, |out| write_rows(out, columns, n_rows))
}

fn write_rows(out: &mut dyn Write, columns: &[CsvColumn<'_>], n_rows: usize) -> io::Result<()> {
    let mut header = csv::Writer::from_writer(&mut *out);
    header.write_record(columns.iter().map(|column| csv_text(column.name).into_owned()))?;
    header.flush()?;
    drop(header);
    let mut line = Vec::new();
    for row in 0..n_rows {
        line.clear();
        for column in columns {
            column.values.append(&mut line, row);
            line.push(b',');
        }
        // The comma behind the last field ends the line instead.
        line.pop();
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// Writes a signal in the format that [`read_signal`] reads.
///
/// # Errors
/// [`SleepError::File`] when the file cannot be written.
pub fn write_signal(path: &Path, signal: &Signal) -> SleepResult<()> {
    write_timed(path, TIMESTAMP, signal.timestamps_ns(), signal.columns())
}

/// Writes the rows of an aligned signal: `timestamp_ns` and the signal's columns.
///
/// # Errors
/// [`SleepError::File`] when the file cannot be written.
pub fn write_aligned_signal(path: &Path, signal: &AlignedSignal) -> SleepResult<()> {
    let timestamps_ns: Vec<i64> = signal.timestamps_ns().collect();
    write_timed(path, TIMESTAMP, &timestamps_ns, signal.columns())
}

/// Writes a common table: `timestamp_ns` for all points of the grid, then the columns `<signal>|<column>`.
///
/// # Errors
/// [`SleepError::File`] when the file cannot be written.
pub fn write_aligned_table(path: &Path, table: &AlignedTable) -> SleepResult<()> {
    let timestamps_ns: Vec<i64> = table.grid.points_ns().collect();
    write_timed(path, TIMESTAMP, &timestamps_ns, &table.columns)
}

/// Writes features: `epoch_start_ns`, then the columns `<signal>|<feature>`.
///
/// # Errors
/// [`SleepError::File`] when the file cannot be written.
pub fn write_feature_table(path: &Path, table: &FeatureTable) -> SleepResult<()> {
    write_timed(path, EPOCH_START, &table.epoch_starts_ns, &table.columns)
}

fn write_timed(path: &Path, time_name: &str, times_ns: &[i64], columns: &[Column]) -> SleepResult<()> {
    let time = CsvColumn { name: time_name, values: CsvValues::Whole(times_ns) };
    let samples =
        columns.iter().map(|column| CsvColumn { name: &column.name, values: CsvValues::Float(&column.values) });
    write_csv(path, &std::iter::once(time).chain(samples).collect::<Vec<_>>())
}
