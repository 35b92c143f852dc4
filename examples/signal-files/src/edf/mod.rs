//! Reads EDF, EDF+, BDF and BDF+ recordings: the channels, their samples in physical units, and the annotations.
//!
//! Promises: exact integer times that do not drift; a cut file gives its whole records and says what is missing; for any bytes, the
//! result is a value or a [`FileError`] of the file, within the memory that [`EdfFile::read`] states.
//! Leaves to others: unit conversion, filters, one grid for all channels.
//!
//! Why not a crate, tried on a real file: `edf-rs` 0.2.0 refuses its patient field; `edfplus` 0.1.0 reads EDF+C only, trusts the record
//! count and panics on a negative sample count; `edf-reader` 0.6.0 panics on any bad number; `edflib` 0.0.2 binds a C library.
//!
//! Sources of the formats: Kemp et al. 1992 (EDF) and Kemp and Olivan 2003 (EDF+), at <https://www.edfplus.info/specs/>; BioSemi's BDF,
//! at <https://www.biosemi.com/faq/file_format.htm>.

mod annotations;
mod channel;
mod fields;
mod header;
mod records;
mod samples;
mod timeline;
mod writer;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, OverBudget, open_regular, require};

use crate::Taker;
use crate::error::{Checked, Fault, FileError, to_usize, unreadable};

pub use channel::EdfChannel;
pub use timeline::EdfTimeline;
pub use writer::{EdfHeader, EdfWriter, EdfWriterChannel, EdfWritten, record_seconds_for};

use annotations::record_onset;
use fields::SampleWidth;
use header::Header;
use records::Records;
use samples::{Lists, refuse_repeated, skip};

/// How the records of a file follow each other in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdfKind {
    /// Plain EDF or BDF: each record begins where the one ahead of it ends.
    Plain,
    /// EDF+C or BDF+C: as plain EDF, with annotations and a start to the fraction of a second.
    Continuous,
    /// EDF+D or BDF+D: each record states its own time, so there may be gaps.
    Discontinuous,
}

/// A remark that the recorder or a scorer put at a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdfAnnotation {
    /// When it begins, nanoseconds since 1970-01-01 UTC.
    pub onset_ns: i64,
    /// How long it lasts in nanoseconds, where the file says so.
    pub duration_ns: Option<i64>,
    /// What it says.
    pub text: String,
}

/// An EDF or BDF file whose header is read and checked against the file's length.
///
/// It is plain data and holds no open file: workers may share one and each read channels of their own. [`SignalFile`](crate::SignalFile)
/// is the same over all formats; this type has the records and times of this one.
///
/// The header has no time zone, so its clock is taken as UTC.
///
/// ```
/// use signal_files::EdfFile;
///
/// let recording = format!(
///     "{:<8}{:<80}{:<80}{:<8}{:<8}{:<8}{:<44}{:<8}{:<8}{:<4}",
///     "0", "patient", "recording", "06.02.18", "01.36.50", 512, "", 1, 1, 1
/// );
/// let channel = format!(
///     "{:<16}{:<80}{:<8}{:<8}{:<8}{:<8}{:<8}{:<80}{:<8}{:<32}",
///     "EEG C3", "", "uV", -100, 100, -1000, 1000, "", 2, ""
/// );
/// let samples = [500i16, -500].map(i16::to_le_bytes).concat();
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("night.edf");
/// std::fs::write(&path, [recording.as_bytes(), channel.as_bytes(), &samples].concat())?;
///
/// let night = EdfFile::open(&path)?;
/// assert_eq!((night.channels()[0].name.as_str(), night.channels()[0].rate_hz), ("EEG C3", 2.0));
///
/// let mut values = Vec::new();
/// let timeline = night.read(&[0], &mut |_, block| Ok(values.extend_from_slice(block)))?;
/// assert_eq!(values, [50.0, -50.0]);
/// assert_eq!(timeline.onsets_ns, [Some(1_517_881_010_000_000_000)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EdfFile {
    path: PathBuf,
    n_bytes: u64,
    header: Header,
    n_records: usize,
    /// The time of the first sample: the header's clock plus the first record's onset.
    start_ns: i64,
    missing: Vec<String>,
    warnings: Vec<String>,
}

impl EdfFile {
    /// Reads and checks the header; of the samples nothing yet.
    ///
    /// # Errors
    /// [`FileError::File`] when the file cannot be read, is no regular file or no EDF or BDF file, has a header number that leaves the
    /// layout or the time of the records unknown (named with its channel and byte), or promises records and holds not one whole record.
    /// [`FileError::OverBudget`] when it has more than 256 MiB of annotations.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref();
        Self::open_checked(path).map_err(|fault| fault.of(path))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the records follow each other in time.
    #[must_use]
    pub fn kind(&self) -> EdfKind {
        self.header.kind
    }

    /// Whether the samples are those of BDF, of 24 bits, and not those of EDF, of 16.
    #[must_use]
    pub fn is_bdf(&self) -> bool {
        self.header.width == SampleWidth::Bdf
    }

    /// The header's text about the patient.
    #[must_use]
    pub fn patient(&self) -> &str {
        &self.header.patient
    }

    /// The header's text about the recording.
    #[must_use]
    pub fn recording(&self) -> &str {
        &self.header.recording
    }

    /// The time of the first sample, nanoseconds since 1970-01-01, with the header's clock taken as UTC.
    #[must_use]
    pub fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// The duration of one record in nanoseconds.
    #[must_use]
    pub fn record_duration_ns(&self) -> i64 {
        self.header.record_ns
    }

    /// The number of whole records that will be read.
    #[must_use]
    pub fn n_records(&self) -> usize {
        self.n_records
    }

    /// The channels in file order, those that cannot be read included (see [`EdfChannel::refused`]).
    #[must_use]
    pub fn channels(&self) -> &[EdfChannel] {
        &self.header.channels
    }

    /// What the file should hold and does not, as far as header and length show.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What looks doubtful in the header.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Reads the chosen channels, given as positions in [`EdfFile::channels`], and all annotations, in one pass over the file; no
    /// positions give the annotations alone.
    ///
    /// `take` gets blocks of at most 3072 samples: the position in `channels`, and the values in the unit of the channel. The blocks of
    /// one channel come in the order of time of the file's records; those of several come in turns.
    ///
    /// Values are `physical_min + (stored - digital_min) * gain`; stored numbers outside of the digital range are scaled like the
    /// others. The channel `Status` of a BDF file is not scaled: its values are the lower 24 bits, from 0 to 16777215.
    ///
    /// Memory: at most 40 times the bytes of the annotation channels, 16 bytes per record, and a fixed 96 KiB; of the other channels at
    /// most the stretches between the chosen ones are read, nothing is kept.
    ///
    /// # Errors
    /// [`FileError::File`] when a channel is refused or the file cannot be read or has shrunk meanwhile; [`FileError::OverBudget`] for
    /// more than 4 million annotations; [`FileError::Request`] when there is no such position or one is repeated; what `take` returns.
    pub fn read(&self, channels: &[usize], take: Taker<'_>) -> Result<EdfTimeline, FileError> {
        let chosen = self.chosen(channels)?;
        let lists = self.stream(&chosen, Lists::Collect, take).map_err(|fault| fault.of(&self.path))?;
        EdfTimeline::new(self, &lists).map_err(|error| FileError::input(&self.path, error))
    }

    /// Reads the chosen channels as [`EdfFile::read`] does, and no annotations.
    ///
    /// # Errors
    /// As [`EdfFile::read`].
    pub fn read_samples(&self, channels: &[usize], take: Taker<'_>) -> Result<(), FileError> {
        let chosen = self.chosen(channels)?;
        self.stream(&chosen, Lists::Skip, take).map_err(|fault| fault.of(&self.path))?;
        Ok(())
    }

    fn chosen(&self, channels: &[usize]) -> Result<Vec<&EdfChannel>, FileError> {
        let find = |idx: &usize| match self.channels().get(*idx) {
            None => Err(FileError::Request(format!(
                "channel {idx} is asked for, where {} has {}, counted from 0",
                self.path.display(),
                self.channels().len()
            ))),
            Some(EdfChannel { refused: Some(reason), .. }) => Err(FileError::file(&self.path, reason.as_str())),
            Some(channel) => Ok(channel),
        };
        let chosen = channels.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        refuse_repeated(&chosen)?;
        Ok(chosen)
    }

    fn open_checked(path: &Path) -> Result<Self, Fault> {
        let (mut file, n_bytes) = open_regular(path)?;
        let mut header = Header::read(&mut file, n_bytes)?;
        let records = Records::count(&header, n_bytes)?;
        let mut edf = Self {
            path: path.to_path_buf(),
            n_bytes,
            start_ns: header.clock_ns,
            n_records: records.n_read,
            missing: records.missing.into_iter().collect(),
            warnings: std::mem::take(&mut header.warnings).into_iter().chain(records.warning).collect(),
            header,
        };
        edf.require_few_annotations()?;
        edf.set_start(&mut file)?;
        Ok(edf)
    }

    /// Moves the start to the first record's onset, and makes sure that every later sum of times fits 64 bits.
    fn set_start(&mut self, file: &mut File) -> Checked<()> {
        let has_onsets = self.header.kind != EdfKind::Plain;
        if let (true, true, Some(place)) = (has_onsets, self.n_records > 0, self.header.annotation_channels.first()) {
            let mut lists = vec![0; to_usize(place.n_bytes)?];
            skip(file, place.offset).and_then(|()| file.read_exact(&mut lists)).map_err(|error| unreadable(&error))?;
            match record_onset(&lists) {
                Some(onset) => self.start_ns = add_times(self.start_ns, onset)?,
                None => self.warnings.push(
                    "the first record states no onset; the recording is taken to start on the header's full second"
                        .to_string(),
                ),
            }
        }
        let length_ns = self.header.record_ns.checked_mul(self.n_records as i64);
        add_times(self.start_ns, length_ns.ok_or(TIME_TOO_FAR)?)?;
        Ok(())
    }

    /// All annotations are in memory at once.
    fn require_few_annotations(&self) -> Result<(), OverBudget> {
        let per_record: u64 = self.header.annotation_channels.iter().map(|place| place.n_bytes).sum();
        let n_bytes = per_record.saturating_mul(self.n_records as u64);
        let way_out = "export the recording with smaller annotation channels";
        require(n_bytes, Budget::STANDARD.annotation_bytes, || "bytes of annotations", way_out)
    }
}

const TIME_TOO_FAR: &str = "start, record duration and number of records reach beyond the year \
     2262, where 64-bit nanoseconds end; correct the header";

fn add_times(a_ns: i64, b_ns: i64) -> Checked<i64> {
    a_ns.checked_add(b_ns).ok_or_else(|| TIME_TOO_FAR.to_string())
}
