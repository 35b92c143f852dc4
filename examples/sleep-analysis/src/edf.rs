//! EDF, EDF+ and BDF recordings as signals on the time axis of the night.
//!
//! Promises: exact integer timestamps that do not drift; a cut file gives its whole records and says what is missing; for any
//! bytes, the result is a value or a [`SleepError`] of the file, within the memory that [`EdfFile::read_channels`] states.
//! Leaves to others: the format (the crate `signal-files`), unit conversion, filters, one grid for all channels (alignment), sleep stages
//! (hypnogram).

use std::collections::{BTreeMap, HashMap, HashSet, btree_map};
use std::path::Path;

use consumer_support::input::{Budget, InputError, require, reserved};
use signal_files::{EdfTimeline, FileError};

pub use signal_files::{EdfAnnotation as Annotation, EdfChannel, EdfKind};

use crate::{Column, Samples, Signal, SleepError, SleepResult};

/// The name of the one column of each signal that comes from an EDF channel.
pub const EDF_COLUMN: &str = "value";

/// What was read from a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// The header's text about the patient.
    pub patient: String,
    /// The time of the first sample, nanoseconds since 1970-01-01, with the header's clock taken as UTC.
    pub start_ns: i64,
    /// The channels requested, in the order requested, each with one column named [`EDF_COLUMN`].
    pub signals: Vec<Signal>,
    /// The annotations of the whole file in order of onset.
    pub annotations: Vec<Annotation>,
    /// What the file should hold and these values lack: lost records, refused channels, unreadable annotations.
    pub missing: Vec<String>,
    /// What was read but looks doubtful.
    pub warnings: Vec<String>,
}

/// An EDF or BDF file whose header is read and checked against the file's length.
///
/// It is plain data and holds no open file: workers may share one and each read channels of their own.
///
/// The header has no time zone, so its clock is taken as UTC.
///
/// ```
/// use sleep_analysis::{EDF_COLUMN, EdfFile};
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
/// let read = night.read_channels(&["EEG C3"])?;
/// assert_eq!(read.signals[0].column(EDF_COLUMN), Some([50.0, -50.0].as_slice()));
/// assert_eq!(read.signals[0].timestamps_ns(), [1_517_881_010_000_000_000, 1_517_881_010_500_000_000]);
/// assert!(read.missing.is_empty() && read.warnings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct EdfFile {
    file: signal_files::EdfFile,
}

impl EdfFile {
    /// Reads and checks the header; of the samples nothing yet.
    ///
    /// # Errors
    /// [`SleepError::File`] when the file cannot be read, is no regular file or neither EDF nor BDF, has a header number that leaves the
    /// layout or the time of the records unknown (named with its channel and byte), or promises records and holds not one whole record.
    /// [`SleepError::FileOverBudget`] when it has more than 256 MiB of annotations.
    pub fn open(path: impl AsRef<Path>) -> SleepResult<Self> {
        Ok(Self { file: signal_files::EdfFile::open(path)? })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// How the records follow each other in time.
    #[must_use]
    pub fn kind(&self) -> EdfKind {
        self.file.kind()
    }

    /// The header's text about the patient.
    #[must_use]
    pub fn patient(&self) -> &str {
        self.file.patient()
    }

    /// The header's text about the recording.
    #[must_use]
    pub fn recording(&self) -> &str {
        self.file.recording()
    }

    /// The time of the first sample, nanoseconds since 1970-01-01, with the header's clock taken as UTC.
    #[must_use]
    pub fn start_ns(&self) -> i64 {
        self.file.start_ns()
    }

    /// The duration of one record in nanoseconds.
    #[must_use]
    pub fn record_duration_ns(&self) -> i64 {
        self.file.record_duration_ns()
    }

    /// The number of whole records that will be read.
    #[must_use]
    pub fn n_records(&self) -> usize {
        self.file.n_records()
    }

    /// The channels in file order, those that cannot be read included (see [`EdfChannel::refused`]).
    #[must_use]
    pub fn channels(&self) -> &[EdfChannel] {
        self.file.channels()
    }

    /// What the file should hold and does not, as far as header and length show.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        self.file.missing()
    }

    /// What looks doubtful in the header.
    pub fn warnings(&self) -> &[String] {
        self.file.warnings()
    }

    /// Reads the channels of these names, and all annotations, in one pass over the file; an empty list gives annotations alone.
    ///
    /// Values are `physical_min + (stored - digital_min) * gain`; stored numbers outside of the digital range are scaled like the others.
    ///
    /// Memory: 16 bytes per sample (8 times its two bytes in an EDF file), at most 40 times the bytes of the annotation channels, 16 bytes per
    /// record, and a fixed 96 KiB; of the other channels at most the stretches between the chosen ones are read, nothing is kept.
    ///
    /// # Errors
    /// [`SleepError::File`] when no channel has such a name, the channel is refused, or the file cannot be read or has shrunk meanwhile;
    /// [`SleepError::FileOverBudget`] for more than 2^30 values or 4 million annotations; [`SleepError::Config`] when a name is requested
    /// twice.
    pub fn read_channels(&self, names: &[&str]) -> SleepResult<Recording> {
        let by_name: HashMap<&str, (usize, &EdfChannel)> =
            self.channels().iter().enumerate().map(|each| (each.1.name.as_str(), each)).collect();
        let readable = |name: &&str| self.readable_channel(name, by_name.get(name).copied());
        let chosen = names.iter().map(readable).collect::<SleepResult<Vec<_>>>()?;
        let mut seen = HashSet::new();
        if let Some(name) = names.iter().find(|name| !seen.insert(**name)) {
            return Err(SleepError::Config(format!("channel {name:?} is asked for twice; name it once")));
        }
        self.read(&chosen)
    }

    /// Reads every channel that can be read; the others are named in [`Recording::missing`].
    ///
    /// # Errors
    /// [`SleepError::File`] when the file cannot be read or has shrunk meanwhile, [`SleepError::FileOverBudget`] as for
    /// [`EdfFile::read_channels`].
    pub fn read_all(&self) -> SleepResult<Recording> {
        let is_readable = |idx: &usize| self.channels()[*idx].refused.is_none();
        let readable: Vec<usize> = (0..self.channels().len()).filter(is_readable).collect();
        let mut recording = self.read(&readable)?;
        recording.missing.extend(self.channels().iter().filter_map(|channel| channel.refused.clone()));
        Ok(recording)
    }
}

impl EdfFile {
    fn readable_channel(&self, name: &str, found: Option<(usize, &EdfChannel)>) -> SleepResult<usize> {
        let refuse = |reason| Err(SleepError::File { path: self.path().to_path_buf(), reason });
        match found {
            None => refuse(format!("no channel is named {name:?}; there are {}", self.some_names())),
            Some((_, EdfChannel { refused: Some(reason), .. })) => refuse(reason.clone()),
            Some((idx, _)) => Ok(idx),
        }
    }

    /// The names to choose from, cut to what a message can hold.
    fn some_names(&self) -> String {
        const SHOWN: usize = 100;
        let shown: Vec<_> = self.channels().iter().take(SHOWN).map(|channel| format!("{:?}", channel.name)).collect();
        match self.channels().len().saturating_sub(SHOWN) {
            0 if shown.is_empty() => "only annotations".to_string(),
            0 => shown.join(", "),
            n_more => format!("{} and {n_more} more", shown.join(", ")),
        }
    }
}

impl EdfFile {
    /// The channels at these positions, and all annotations, in one pass.
    fn read(&self, chosen: &[usize]) -> SleepResult<Recording> {
        let channels: Vec<_> = chosen.iter().map(|idx| &self.channels()[*idx]).collect();
        let mut values = self.room_for(&channels).map_err(|error| SleepError::input(self.path(), error))?;
        let timeline = self.file.read(chosen, &mut |position, block| {
            values[position].extend_from_slice(block);
            Ok(())
        })?;
        self.recording_of(&channels, values, timeline).map_err(|error| SleepError::input(self.path(), error))
    }

    /// An empty list for the samples of each channel, with the memory that they need.
    fn room_for(&self, channels: &[&EdfChannel]) -> Result<Vec<Vec<f64>>, InputError> {
        let per_record: u64 = channels.iter().map(|channel| channel.samples_per_record as u64).sum();
        let n_values = per_record.saturating_mul(self.n_records() as u64);
        require(n_values, Budget::STANDARD.values, || "samples", "choose fewer channels, or cut the recording")?;
        // The whole records were counted by the file's length, so no capacity here exceeds what the file holds.
        channels.iter().map(|channel| reserved(self.n_records() * channel.samples_per_record)).collect()
    }

    fn recording_of(
        &self,
        channels: &[&EdfChannel],
        values: Vec<Vec<f64>>,
        timeline: EdfTimeline,
    ) -> Result<Recording, InputError> {
        // Channels of one rate have the same timestamps.
        let mut timestamps: BTreeMap<usize, Samples<i64>> = BTreeMap::new();
        let signals = channels
            .iter()
            .zip(values)
            .map(|(channel, values)| {
                let timestamps_ns = match timestamps.entry(channel.samples_per_record) {
                    btree_map::Entry::Occupied(known) => known.into_mut(),
                    btree_map::Entry::Vacant(free) => free.insert(timestamps_of(
                        &timeline.onsets_ns,
                        self.record_duration_ns(),
                        channel.samples_per_record,
                    )?),
                };
                Ok(signal(channel, &timeline.onsets_ns, timestamps_ns, values))
            })
            .collect::<Result<_, InputError>>()?;
        Ok(Recording {
            patient: self.patient().to_owned(),
            start_ns: self.start_ns(),
            signals,
            annotations: timeline.annotations,
            missing: self.missing().iter().cloned().chain(timeline.missing).collect(),
            warnings: self.warnings().iter().cloned().chain(timeline.warnings).collect(),
        })
    }
}

impl From<FileError> for SleepError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::File { path, reason } => Self::File { path, reason },
            FileError::OverBudget { path, over } => Self::FileOverBudget { path, over },
            other => Self::Config(other.to_string()),
        }
    }
}

/// Those of a channel with this many samples per record.
fn timestamps_of(onsets_ns: &[Option<i64>], record_ns: i64, n_samples: usize) -> Result<Samples<i64>, InputError> {
    let onsets_ns = || onsets_ns.iter().copied().flatten();
    let timestamps_ns = reserved(onsets_ns().count() * n_samples)?;
    Ok(timestamps(onsets_ns(), timestamps_ns, record_ns, n_samples as i64).into())
}

/// Samples of a record without an onset have no time and are left out.
fn signal(
    channel: &EdfChannel,
    onsets_ns: &[Option<i64>],
    timestamps_ns: &Samples<i64>,
    mut values: Vec<f64>,
) -> Signal {
    let n_samples = channel.samples_per_record;
    let mut idx = 0;
    values.retain(|_| {
        idx += 1;
        onsets_ns[(idx - 1) / n_samples].is_some()
    });
    Signal::new(&channel.name, timestamps_ns.clone(), vec![Column::new(EDF_COLUMN, values)])
        .expect("each record gives one timestamp per sample, and there is one column")
}

/// Sample `i` of a record is at its onset plus `floor(i * record_ns / n_samples)`: exact, so no drift over the night.
/// `timestamps` is empty, with room for all of them.
fn timestamps(
    onsets_ns: impl Iterator<Item = i64>,
    mut timestamps: Vec<i64>,
    record_ns: i64,
    n_samples: i64,
) -> Vec<i64> {
    let (step, rest) = (record_ns / n_samples, record_ns % n_samples);
    for onset in onsets_ns {
        // The fraction of a nanosecond is carried in units of 1 / n_samples, which saves a wide division per sample.
        let (mut at, mut carry) = (onset, 0);
        for _ in 0..n_samples {
            timestamps.push(at);
            (at, carry) = (at + step, carry + rest);
            if carry >= n_samples {
                (at, carry) = (at + 1, carry - n_samples);
            }
        }
    }
    timestamps
}
