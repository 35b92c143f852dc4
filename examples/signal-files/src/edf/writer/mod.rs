//! Writes EDF+C, and EDF+D where there are gaps, with annotations.
//!
//! Promises: the file is there whole or not at all; memory is that of one record and the annotations; what the format cannot hold (a value
//! outside of the range, a number that is none, a letter beyond ASCII, a record that is not full) is written as near as it can be and said
//! in [`EdfWritten::warnings`]. Leaves to others: the choice of range and unit.
//!
//! Source of the format: as for the reader.

mod encoder;
mod fields;
mod range;
mod tal;

use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use crate::annotation::FileAnnotation;
use crate::clock::{NS_PER_SECOND, days_since_1970, nanoseconds};
use crate::error::FileError;
use crate::gap::Gap;
use crate::staging::Staging;

use encoder::Encoder;
use fields::HeaderFields;
use tal::{RecordTimes, annotation_lists};

/// What is known of a recording before its samples are written.
#[derive(Debug, Clone, PartialEq)]
pub struct EdfHeader {
    /// The patient: the four parts of EDF+ (code, sex, date of birth, name), or any text, which is then written as the name.
    pub patient: String,
    /// The recording: EDF+'s text that begins with `Startdate`, or any text, which is then written as the equipment. The date is made from
    /// `start_ns`.
    pub recording: String,
    /// The time of the first sample, nanoseconds since 1970-01-01 UTC, from the year 1900 to 2199; to the nanosecond.
    pub start_ns: i64,
    /// The duration of one record in seconds: each channel has a whole number of samples in it. See [`record_seconds_for`].
    pub record_seconds: f64,
    /// The channels, in file order.
    pub channels: Vec<EdfWriterChannel>,
    /// The annotations, in any order; onsets count from the first sample.
    pub annotations: Vec<FileAnnotation>,
    /// Where time jumps. With any, the file is EDF+D. Of each, `record` and `duration_ns` count.
    pub gaps: Vec<Gap>,
}

impl Default for EdfHeader {
    /// No channels, records of one second, and the start that EDF+ prescribes for anonymous recordings, 1985-01-01.
    fn default() -> Self {
        Self {
            patient: String::new(),
            recording: String::new(),
            start_ns: days_since_1970(1985, 1, 1) * 86_400 * NS_PER_SECOND,
            record_seconds: 1.0,
            channels: Vec::new(),
            annotations: Vec::new(),
            gaps: Vec::new(),
        }
    }
}

/// A channel to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct EdfWriterChannel {
    /// At most 16 letters of ASCII are kept.
    pub label: String,
    /// At most 8 letters of ASCII are kept; the signs for micro become `u`.
    pub unit: String,
    /// Samples per second.
    pub rate_hz: f64,
    /// The smallest and the largest value, in `unit`. The header has eight characters for each, so the range that is written may be a
    /// little wider; of equal ends, the upper one is raised by 1.
    pub physical_range: [f64; 2],
    /// What the electrode or sensor is.
    pub transducer: String,
    /// The filters that were applied.
    pub prefilter: String,
}

impl EdfWriterChannel {
    /// A channel without words on its sensor and filters.
    #[must_use]
    pub fn new(label: impl Into<String>, unit: impl Into<String>, rate_hz: f64, physical_range: [f64; 2]) -> Self {
        Self {
            label: label.into(),
            unit: unit.into(),
            rate_hz,
            physical_range,
            transducer: String::new(),
            prefilter: String::new(),
        }
    }
}

/// The shortest duration of a record, in seconds, in which each of the rates has a whole number of samples; a whole number of seconds
/// where there is one up to 60, else a part of a second. `None` when none is found.
///
/// ```
/// use signal_files::record_seconds_for;
///
/// assert_eq!(record_seconds_for(&[5000.0, 1.0]), Some(1.0));
/// assert_eq!(record_seconds_for(&[100.0, 12.8]), Some(5.0));
/// assert_eq!(record_seconds_for(&[std::f64::consts::PI]), None);
/// ```
#[must_use]
pub fn record_seconds_for(rates_hz: &[f64]) -> Option<f64> {
    let whole = (1..=60).map(f64::from);
    let parts = [0.5, 0.25, 0.2, 0.1, 0.05, 0.04, 0.02, 0.01, 0.001];
    let fits = |seconds: &f64| rates_hz.iter().all(|rate_hz| samples_in_record(*rate_hz, *seconds).is_some());
    whole.chain(parts).find(fits)
}

/// How many samples are in a record, when that is a whole number from 1 to 99 999 999.
fn samples_in_record(rate_hz: f64, seconds: f64) -> Option<usize> {
    let n_samples = rate_hz * seconds;
    let nearest = n_samples.round();
    let is_whole = (n_samples - nearest).abs() <= 1e-9 * nearest;
    (is_whole && (1.0..=99_999_999.0).contains(&nearest)).then_some(nearest as usize)
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "the warnings say what the file does not hold as it was given"]
#[non_exhaustive]
pub struct EdfWritten {
    /// Records in the file.
    pub n_records: usize,
    /// What the format could not hold as it was given.
    pub warnings: Vec<String>,
}

/// Writes a recording in blocks. Nothing is at the path until [`EdfWriter::finish`].
///
/// Cost: samples are written twice, since the header's number of records and the room for annotations are known at the end; until then they
/// take their place on the disk, two bytes each, in a file without a name beside the path. Memory: one record, the annotations, and 1 MiB.
///
/// ```
/// use signal_files::{EdfHeader, EdfWriter, EdfWriterChannel, FileAnnotation, SignalFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("one.edf");
/// let header = EdfHeader {
///     channels: vec![EdfWriterChannel::new("Cz", "uV", 100.0, [-200.0, 200.0])],
///     annotations: vec![FileAnnotation::new(0.25, None, "blink")],
///     ..EdfHeader::default()
/// };
/// let mut writer = EdfWriter::create(&path, &header)?;
/// for _ in 0..30 {
///     writer.write_rows(&[&[1.5; 10]])?;
/// }
/// assert_eq!(writer.finish()?.n_records, 3);
///
/// let file = SignalFile::open(&path)?;
/// assert!((file.read_channel(0)?[299] - 1.5).abs() < 400.0 / 65535.0 / 2.0);
/// assert_eq!(file.annotations()?[0].description, "blink");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EdfWriter {
    staging: Staging,
    header: EdfHeader,
    record_ns: i64,
    encoders: Vec<Encoder>,
    n_records: usize,
    bytes: Vec<u8>,
    warnings: Vec<String>,
}

impl EdfWriter {
    /// Checks the header and makes room for the samples, in a file without a name in the folder of `path`.
    ///
    /// # Errors
    /// [`FileError::Request`] when there is no channel, a rate gives no whole number of samples in a record, a range is no range, a
    /// number has no room in its field, or the start is outside of the years 1900 to 2199; [`FileError::File`] when the folder cannot be
    /// written to.
    pub fn create(path: impl AsRef<Path>, header: &EdfHeader) -> Result<Self, FileError> {
        let mut warnings = Vec::new();
        let record_ns = record_ns(header.record_seconds)?;
        if header.channels.is_empty() {
            return Err(FileError::Request(
                "a recording without channels is to be written; give one or more".to_owned(),
            ));
        }
        let encoder = |channel| Encoder::new(channel, header.record_seconds, &mut warnings);
        let encoders = header.channels.iter().map(encoder).collect::<Result<Vec<_>, _>>()?;
        HeaderFields::new(header, &encoders)?;
        Ok(Self {
            staging: Staging::beside(path.as_ref())?,
            header: header.clone(),
            record_ns,
            encoders,
            n_records: 0,
            bytes: Vec::new(),
            warnings,
        })
    }

    /// Appends the next samples of each channel: `rows[c]` are those of channel `c`, all over the same time, of any length.
    ///
    /// # Errors
    /// [`FileError::Request`] when there are not as many lists as channels, or their lengths are not in proportion to the rates;
    /// [`FileError::File`] when the disk takes no more.
    pub fn write_rows(&mut self, rows: &[&[f64]]) -> Result<(), FileError> {
        self.require_same_time(rows)?;
        let mut rows = rows.to_vec();
        while rows.iter().any(|row| !row.is_empty()) {
            for (encoder, row) in self.encoders.iter_mut().zip(&mut rows) {
                *row = encoder.fill_record(row);
            }
            if self.encoders.iter().all(Encoder::is_full) {
                self.append_record()?;
            }
        }
        Ok(())
    }

    /// Completes the file and puts it at its path, in place of a file that was there. A last record that is not full is filled with the
    /// last value of each channel, and the annotation `BAD_ACQ_SKIP` says where.
    ///
    /// # Errors
    /// [`FileError::Request`] when nothing was written, or a gap is behind the last record; [`FileError::File`] when the disk or the
    /// folder refuses the file.
    pub fn finish(mut self) -> Result<EdfWritten, FileError> {
        self.fill_last_record()?;
        if self.n_records == 0 {
            return Err(FileError::Request(format!(
                "{}: no sample was given, and a file without any is none; write rows first",
                self.staging.path().display()
            )));
        }
        let Self { staging, header, record_ns, encoders, n_records, mut warnings, .. } = self;
        warnings.extend(encoders.iter().flat_map(Encoder::warnings));
        let times = RecordTimes::new(&header, record_ns, n_records)?;
        let lists = annotation_lists(&header.annotations, &times, &mut warnings);
        let mut fields = HeaderFields::new(&header, &encoders)?;
        warnings.append(&mut fields.warnings);
        let head = fields.bytes(n_records, lists.bytes_per_record)?;
        let data_bytes = encoders.iter().map(|encoder| 2 * encoder.samples_per_record()).sum();
        staging.finish(|samples, out| {
            out.write_all(&head)?;
            for record in 0..n_records {
                copy(samples, out, data_bytes)?;
                out.write_all(&lists.of_record(record, &times))?;
            }
            Ok(())
        })?;
        Ok(EdfWritten { n_records, warnings })
    }

    fn require_same_time(&self, rows: &[&[f64]]) -> Result<(), FileError> {
        if rows.len() != self.encoders.len() {
            let (n_lists, n_channels) = (rows.len(), self.encoders.len());
            return Err(FileError::Request(format!(
                "{n_lists} lists of samples are given for {n_channels} channels; give one for each"
            )));
        }
        let (n_first, per_record) = (rows[0].len(), self.encoders[0].samples_per_record());
        for (row, encoder) in rows.iter().zip(&self.encoders) {
            if row.len() * per_record != n_first * encoder.samples_per_record() {
                return Err(FileError::Request(format!(
                    "{} samples of channel {:?} are given with {n_first} of the first; of one record there are {} and {per_record}, \
                     so give them in that proportion",
                    row.len(),
                    encoder.label(),
                    encoder.samples_per_record()
                )));
            }
        }
        Ok(())
    }

    fn append_record(&mut self) -> Result<(), FileError> {
        self.bytes.clear();
        for encoder in &mut self.encoders {
            encoder.take_record(&mut self.bytes);
        }
        self.n_records += 1;
        self.staging.append(&self.bytes)
    }

    fn fill_last_record(&mut self) -> Result<(), FileError> {
        let first = &self.encoders[0];
        let n_filled = first.n_filled();
        if n_filled == 0 {
            return Ok(());
        }
        let share = n_filled as f64 / first.samples_per_record() as f64;
        let record_s = self.record_ns as f64 / NS_PER_SECOND as f64;
        let (onset_s, rest_s) = ((self.n_records as f64 + share) * record_s, (1.0 - share) * record_s);
        let gaps_s: f64 = self.header.gaps.iter().map(Gap::duration_s).sum();
        self.header.annotations.push(FileAnnotation::new(onset_s + gaps_s, Some(rest_s), "BAD_ACQ_SKIP"));
        self.warnings.push(format!(
            "the last record is not full: its last {rest_s} s hold the last values again, under the annotation BAD_ACQ_SKIP"
        ));
        self.encoders.iter_mut().for_each(Encoder::repeat_last);
        self.append_record()
    }
}

/// The duration of a record as the header's eight characters hold it.
fn record_ns(seconds: f64) -> Result<i64, FileError> {
    let text = seconds.to_string();
    let record_ns = nanoseconds(&text).filter(|record_ns| *record_ns > 0 && text.len() <= 8);
    record_ns.ok_or_else(|| {
        FileError::Request(format!(
            "records of {seconds} s are to be written; use a duration above 0 of at most eight characters, such as 1 or 0.5"
        ))
    })
}

fn copy(samples: &mut BufReader<std::fs::File>, out: &mut dyn Write, n_bytes: usize) -> io::Result<()> {
    let copied = io::copy(&mut samples.take(n_bytes as u64), out)?;
    if copied == n_bytes as u64 { Ok(()) } else { Err(io::Error::other("the samples that wait beside it were cut")) }
}
