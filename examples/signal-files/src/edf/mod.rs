//! Reads EDF and EDF+ recordings: the channels, their samples in physical units, and the annotations.
//!
//! Promises: exact integer timestamps that do not drift; a cut file gives its whole records and says what is missing; for any
//! bytes, the result is a value or a [`SleepError`] of the file, within the memory that [`EdfFile::read_channels`] states.
//! Leaves to others: unit conversion, filters, one grid for all channels (alignment), sleep stages (hypnogram), BDF's 24-bit samples.
//!
//! Why not a crate, tried on a real file: `edf-rs` 0.2.0 refuses its patient field; `edfplus` 0.1.0 reads EDF+C only, trusts the record
//! count and panics on a negative sample count; `edf-reader` 0.6.0 panics on any bad number; `edflib` 0.0.2 binds a C library.
//!
//! Source of the format: Kemp et al. 1992 (EDF) and Kemp and Olivan 2003 (EDF+), at <https://www.edfplus.info/specs/>.

use std::collections::{BTreeMap, HashMap, HashSet, btree_map};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, InputError, OverBudget, open_regular, require, reserved};

use crate::{Column, Samples, Signal, SleepError, SleepResult};

/// The name of the one column of each signal that comes from an EDF channel.
pub const EDF_COLUMN: &str = "value";

/// How the records of a file follow each other in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdfKind {
    /// Plain EDF: each record begins where the one ahead of it ends.
    Plain,
    /// EDF+C: as plain EDF, with annotations and a start to the fraction of a second.
    Continuous,
    /// EDF+D: each record states its own time, so there may be gaps.
    Discontinuous,
}

/// One channel as the header describes it. Annotation channels are not listed: their content is [`Recording::annotations`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EdfChannel {
    /// A name that no other channel of the file has: the label, or for its second appearance the label with `#2`, and so on.
    pub name: String,
    /// The label in the file, such as `EEG C3-M2`. Text that is not UTF-8 is taken as Latin-1.
    pub label: String,
    /// What the electrode or sensor is.
    pub transducer: String,
    /// The unit of the samples (the header's "physical dimension"), such as `uV`; nothing is converted.
    pub unit: String,
    /// The filters that the recorder applied.
    pub prefilter: String,
    /// Samples per second.
    pub rate_hz: f64,
    /// Samples in each record.
    pub samples_per_record: usize,
    /// The values, in [`EdfChannel::unit`], at the two ends of `digital_range`; NaN where the header is unreadable.
    pub physical_range: [f64; 2],
    /// The stored numbers at the two ends of `physical_range`; NaN where the header is unreadable.
    pub digital_range: [f64; 2],
    /// Why this channel cannot be read, and the way out; `None` when it can.
    pub refused: Option<String>,
    /// Where the channel's samples begin within a record.
    offset: u64,
}

/// A remark that the recorder or a scorer put at a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// When it begins, nanoseconds since 1970-01-01 UTC.
    pub onset_ns: i64,
    /// How long it lasts in nanoseconds, where the file says so.
    pub duration_ns: Option<i64>,
    /// What it says.
    pub text: String,
}

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

/// An EDF file whose header is read and checked against the file's length.
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
    /// [`SleepError::File`] when the file cannot be read, is no regular file or no EDF file, has a header number that leaves the layout or the time of the
    /// records unknown (named with its channel and byte), or promises records and holds not one whole record.
    /// [`SleepError::FileOverBudget`] when it has more than 256 MiB of annotations.
    pub fn open(path: impl AsRef<Path>) -> SleepResult<Self> {
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

    /// Reads the channels of these names, and all annotations, in one pass over the file; an empty list gives annotations alone.
    ///
    /// Values are `physical_min + (stored - digital_min) * gain`; stored numbers outside of the digital range are scaled like the others.
    ///
    /// Memory: 16 bytes per sample (8 times its two bytes in the file), at most 40 times the bytes of the annotation channels, 16 bytes per
    /// record, and a fixed 64 KiB; of the other channels at most the stretches between the chosen ones are read, nothing is kept.
    ///
    /// # Errors
    /// [`SleepError::File`] when no channel has such a name, the channel is refused, or the file cannot be read or has shrunk meanwhile;
    /// [`SleepError::FileOverBudget`] for more than 2^30 values or 4 million annotations; [`SleepError::Config`] when a name is requested
    /// twice.
    pub fn read_channels(&self, names: &[&str]) -> SleepResult<Recording> {
        let by_name: HashMap<&str, &EdfChannel> =
            self.channels().iter().map(|channel| (channel.name.as_str(), channel)).collect();
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
        let (readable, refused): (Vec<_>, Vec<_>) =
            self.channels().iter().partition(|channel| channel.refused.is_none());
        let mut recording = self.read(&readable)?;
        recording.missing.extend(refused.iter().filter_map(|channel| channel.refused.clone()));
        Ok(recording)
    }
}

/// A value, or what is wrong and the way out; the path is added where the file is known.
type Checked<T> = Result<T, String>;

/// What is wrong with a file, before its path is added.
enum Fault {
    Reason(String),
    Input(InputError),
}

impl Fault {
    fn of(self, path: &Path) -> SleepError {
        match self {
            Self::Reason(reason) => SleepError::File { path: path.to_path_buf(), reason },
            Self::Input(error) => SleepError::input(path, error),
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<InputError> for Fault {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<OverBudget> for Fault {
    fn from(over: OverBudget) -> Self {
        Self::Input(over.into())
    }
}

const NS_PER_SECOND: i64 = 1_000_000_000;
const FIXED_BYTES: usize = 256;
const BYTES_PER_CHANNEL: usize = 256;
const BYTES_PER_SAMPLE: u64 = 2;
const ANNOTATION_LABEL: &str = "EDF Annotations";

/// What the header says, with each number checked for itself.
#[derive(Debug, Clone, PartialEq)]
struct Header {
    kind: EdfKind,
    patient: String,
    recording: String,
    /// The header's date and time: the zero of all onsets.
    clock_ns: i64,
    n_bytes: u64,
    /// The number of records as written; -1 while a recorder is at work.
    promised_records: i64,
    record_ns: i64,
    record_bytes: u64,
    channels: Vec<EdfChannel>,
    annotation_channels: Vec<AnnotationBytes>,
    warnings: Vec<String>,
}

/// Where an annotation channel lies within each record.
#[derive(Debug, Clone, Copy, PartialEq)]
struct AnnotationBytes {
    offset: u64,
    n_bytes: u64,
}

/// How many whole records are read, and what that leaves out.
struct Records {
    n_read: usize,
    missing: Option<String>,
    warning: Option<String>,
}

impl EdfFile {
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

    fn readable_channel<'a>(&self, name: &str, found: Option<&'a EdfChannel>) -> SleepResult<&'a EdfChannel> {
        let refuse = |reason| Err(SleepError::File { path: self.path.clone(), reason });
        match found {
            None => refuse(format!("no channel is named {name:?}; there are {}", self.some_names())),
            Some(EdfChannel { refused: Some(reason), .. }) => refuse(reason.clone()),
            Some(channel) => Ok(channel),
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

// ---- The header ----

/// A field of the header: its name in the specification, where it begins, and its width in bytes.
/// For a field of a channel, `at` counts from the channel part and means one channel: n channels follow each other.
struct Field {
    name: &'static str,
    at: usize,
    width: usize,
}

const fn field(name: &'static str, at: usize, width: usize) -> Field {
    Field { name, at, width }
}

const VERSION: Field = field("version", 0, 8);
const PATIENT: Field = field("patient", 8, 80);
const RECORDING: Field = field("recording", 88, 80);
const START_DATE: Field = field("start date", 168, 8);
const START_TIME: Field = field("start time", 176, 8);
const HEADER_BYTES: Field = field("number of header bytes", 184, 8);
const RESERVED: Field = field("reserved", 192, 44);
const N_RECORDS: Field = field("number of records", 236, 8);
const RECORD_DURATION: Field = field("record duration", 244, 8);
const N_SIGNALS: Field = field("number of signals", 252, 4);

const LABEL: Field = field("label", 0, 16);
const TRANSDUCER: Field = field("transducer", 16, 80);
const UNIT: Field = field("physical dimension", 96, 8);
const PHYSICAL_MIN: Field = field("physical minimum", 104, 8);
const PHYSICAL_MAX: Field = field("physical maximum", 112, 8);
const DIGITAL_MIN: Field = field("digital minimum", 120, 8);
const DIGITAL_MAX: Field = field("digital maximum", 128, 8);
const PREFILTER: Field = field("prefilter", 136, 80);
const SAMPLES: Field = field("samples per record", 216, 8);

/// A field's bytes, and enough to name them in a message.
struct Entry<'a> {
    name: &'static str,
    channel: Option<&'a str>,
    at: usize,
    bytes: &'a [u8],
}

impl Entry<'_> {
    fn text(&self) -> String {
        decoded(self.bytes)
    }

    fn integer(&self, allowed: std::ops::RangeInclusive<i64>) -> Checked<i64> {
        let number = ascii(self.bytes).and_then(|text| text.parse().ok()).filter(|number| allowed.contains(number));
        number.ok_or_else(|| self.refuse(&format!("a whole number from {} to {}", allowed.start(), allowed.end())))
    }

    fn real(&self) -> Checked<f64> {
        // Some recorders write the decimal comma of their country.
        let number = ascii(self.bytes).and_then(|text| text.replace(',', ".").parse::<f64>().ok());
        number.filter(|number| number.is_finite()).ok_or_else(|| self.refuse("a number"))
    }

    fn refuse(&self, wanted: &str) -> String {
        let whose = self.channel.map_or_else(String::new, |channel| format!(" of channel {channel:?}"));
        format!(
            "{}{whose} (byte {}) is {:?} where {wanted} is needed; correct the header or export the recording again",
            self.name,
            self.at,
            self.text()
        )
    }
}

/// The header's bytes: all of them, and no more than the file has.
struct HeaderBytes {
    bytes: Vec<u8>,
    n_signals: usize,
}

impl HeaderBytes {
    fn read(file: &mut File, n_bytes: u64) -> Checked<Self> {
        let too_short = |needed: usize| {
            format!(
                "has {n_bytes} bytes where the header alone needs {needed}; the file is empty or cut, so copy or export it again"
            )
        };
        if n_bytes < FIXED_BYTES as u64 {
            return Err(too_short(FIXED_BYTES));
        }
        let mut bytes = vec![0; FIXED_BYTES];
        file.read_exact(&mut bytes).map_err(|error| unreadable(&error))?;
        check_format(&bytes)?;
        let fixed = Self { bytes, n_signals: 0 };
        let n_signals = fixed.fixed(&N_SIGNALS).integer(1..=9999)? as usize;
        let needed = FIXED_BYTES + n_signals * BYTES_PER_CHANNEL;
        if n_bytes < needed as u64 {
            return Err(too_short(needed));
        }
        let mut bytes = fixed.bytes;
        bytes.resize(needed, 0);
        file.read_exact(&mut bytes[FIXED_BYTES..]).map_err(|error| unreadable(&error))?;
        Ok(Self { bytes, n_signals })
    }

    fn fixed(&self, field: &Field) -> Entry<'_> {
        Entry { name: field.name, channel: None, at: field.at, bytes: &self.bytes[field.at..field.at + field.width] }
    }

    fn of_channel<'a>(&'a self, field: &Field, idx: usize, channel: Option<&'a str>) -> Entry<'a> {
        let at = FIXED_BYTES + self.n_signals * field.at + idx * field.width;
        Entry { name: field.name, channel, at, bytes: &self.bytes[at..at + field.width] }
    }
}

fn check_format(fixed: &[u8]) -> Checked<()> {
    if fixed.starts_with(b"\xffBIOSEMI") {
        return Err("is a BDF file (24-bit samples); export it as EDF or EDF+".to_string());
    }
    match ascii(&fixed[VERSION.at..VERSION.width]) {
        Some("0") => Ok(()),
        _ => Err("does not begin with the version 0 of an EDF header; check that it is an EDF file and not compressed"
            .to_string()),
    }
}

impl Header {
    fn read(file: &mut File, n_bytes: u64) -> Checked<Self> {
        let bytes = HeaderBytes::read(file, n_bytes)?;
        let stated = bytes.fixed(&HEADER_BYTES);
        if stated.integer(0..=99_999_999)? as usize != bytes.bytes.len() {
            return Err(stated.refuse(&format!("{} (for {} signals)", bytes.bytes.len(), bytes.n_signals)));
        }
        let mut header = Self::without_channels(&bytes)?;
        header.add_channels(&bytes)?;
        header.check_layout(&bytes)?;
        header.warn_of_lost_digits();
        Ok(header)
    }

    fn without_channels(bytes: &HeaderBytes) -> Checked<Self> {
        let recording = bytes.fixed(&RECORDING).text();
        let mut warnings = Vec::new();
        let duration = bytes.fixed(&RECORD_DURATION);
        let record_ns = ascii(duration.bytes).and_then(nanoseconds).filter(|ns| *ns >= 0);
        Ok(Self {
            kind: kind_of(&bytes.fixed(&RESERVED).text()),
            patient: bytes.fixed(&PATIENT).text(),
            clock_ns: clock(
                &bytes.fixed(&START_DATE).text(),
                &bytes.fixed(&START_TIME).text(),
                &recording,
                &mut warnings,
            ),
            recording,
            n_bytes: bytes.bytes.len() as u64,
            promised_records: bytes.fixed(&N_RECORDS).integer(-1..=99_999_999)?,
            record_ns: record_ns
                .ok_or_else(|| duration.refuse("a number of seconds of 0 or more, such as 30 or 0.5,"))?,
            record_bytes: 0,
            channels: Vec::new(),
            annotation_channels: Vec::new(),
            warnings,
        })
    }

    fn add_channels(&mut self, bytes: &HeaderBytes) -> Checked<()> {
        let labels: Vec<_> = (0..bytes.n_signals).map(|idx| bytes.of_channel(&LABEL, idx, None).text()).collect();
        let is_annotation = |label: &String| label == ANNOTATION_LABEL;
        let own = labels.iter().enumerate().filter(|(_, label)| !is_annotation(label)).map(label_or_place);
        let mut names = distinct_names(&own.collect::<Vec<_>>(), &mut self.warnings).into_iter();
        for (idx, label) in labels.iter().enumerate() {
            let offset = self.record_bytes;
            let samples_per_record = bytes.of_channel(&SAMPLES, idx, Some(label)).integer(0..=99_999_999)? as u64;
            self.record_bytes += samples_per_record * BYTES_PER_SAMPLE;
            if is_annotation(label) {
                self.annotation_channels
                    .push(AnnotationBytes { offset, n_bytes: samples_per_record * BYTES_PER_SAMPLE });
            } else {
                let name = names.next().expect("one name was made for each label that is not of annotations");
                let place = ChannelPlace { idx, offset, samples_per_record: samples_per_record as usize };
                self.channels.push(EdfChannel::read(bytes, name, label, &place, self.record_ns));
            }
        }
        Ok(())
    }

    fn check_layout(&self, bytes: &HeaderBytes) -> Checked<()> {
        if self.record_ns == 0 && !self.channels.is_empty() {
            return Err(bytes.fixed(&RECORD_DURATION).refuse("more than 0 s"));
        }
        if self.kind == EdfKind::Discontinuous && self.annotation_channels.is_empty() {
            return Err(format!(
                "is marked EDF+D (byte {}) but has no {ANNOTATION_LABEL:?} channel, so \
                 the time of no record is known; mark it EDF+C if it has no gaps",
                RESERVED.at
            ));
        }
        Ok(())
    }

    /// A minimum such as `-0.00000` once had further digits: the eight bytes of the field were too few for them.
    fn warn_of_lost_digits(&mut self) {
        for channel in &self.channels {
            let lost = channel.physical_range.iter().any(|end| *end == 0.0 && end.is_sign_negative());
            if lost {
                self.warnings.push(format!(
                    "channel {:?}: an end of its physical range is written as -0, so its \
                     digits were lost to the header's eight bytes and its values are shifted; export it in a smaller unit",
                    channel.name
                ));
            }
        }
    }
}

/// Where a channel is in the header and in each record.
struct ChannelPlace {
    idx: usize,
    offset: u64,
    samples_per_record: usize,
}

impl EdfChannel {
    fn read(bytes: &HeaderBytes, name: String, label: &str, place: &ChannelPlace, record_ns: i64) -> Self {
        let entry = |field| bytes.of_channel(field, place.idx, Some(&name));
        let ends = [&PHYSICAL_MIN, &PHYSICAL_MAX, &DIGITAL_MIN, &DIGITAL_MAX].map(|end| entry(end).real());
        let [physical_min, physical_max, digital_min, digital_max] = ends.clone().map(|end| end.unwrap_or(f64::NAN));
        let mut channel = Self {
            label: label.to_string(),
            transducer: entry(&TRANSDUCER).text(),
            unit: entry(&UNIT).text(),
            prefilter: entry(&PREFILTER).text(),
            rate_hz: place.samples_per_record as f64 * NS_PER_SECOND as f64 / record_ns as f64,
            samples_per_record: place.samples_per_record,
            physical_range: [physical_min, physical_max],
            digital_range: [digital_min, digital_max],
            refused: ends.into_iter().find_map(Result::err),
            offset: place.offset,
            name: String::new(),
        };
        channel.refused = channel.refused.take().or_else(|| channel.unusable(&name));
        channel.name = name;
        channel
    }

    /// Why the numbers, each readable, still give no samples.
    fn unusable(&self, name: &str) -> Option<String> {
        let [physical_min, physical_max] = self.physical_range;
        let [digital_min, digital_max] = self.digital_range;
        let reason = if self.samples_per_record == 0 {
            "it has 0 samples per record".to_string()
        } else if digital_min == digital_max {
            format!("digital minimum and maximum are both {digital_min}, so its values have no scale")
        } else if physical_min == physical_max {
            format!("physical minimum and maximum are both {physical_min}, so its values have no scale")
        } else if [i16::MIN, i16::MAX].iter().any(|stored| !self.physical(*stored).is_finite()) {
            "its physical and digital ranges give values beyond any number".to_string()
        } else {
            return None;
        };
        Some(format!("channel {name:?} cannot be read: {reason}; leave it out or correct the header"))
    }

    /// A stored number in physical units.
    fn physical(&self, stored: i16) -> f64 {
        self.physical_range[0] + (f64::from(stored) - self.digital_range[0]) * self.gain()
    }

    fn gain(&self) -> f64 {
        (self.physical_range[1] - self.physical_range[0]) / (self.digital_range[1] - self.digital_range[0])
    }

    fn n_bytes(&self) -> u64 {
        self.samples_per_record as u64 * BYTES_PER_SAMPLE
    }
}

/// One name per label: the first of a label keeps it, a later one gets the first free `#2`, `#3`, ...
fn distinct_names(labels: &[String], warnings: &mut Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = labels.iter().cloned().collect();
    let mut next_number: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::with_capacity(labels.len());
    for label in labels {
        let Some(number) = next_number.get_mut(label.as_str()) else {
            next_number.insert(label, 2);
            names.push(label.clone());
            continue;
        };
        let free = (*number..).find(|number| taken.insert(format!("{label}#{number}"))).expect("some number is free");
        *number = free + 1;
        let name = format!("{label}#{free}");
        warnings.push(format!("label {label:?} appears more than once; a later channel of it is named {name:?}"));
        names.push(name);
    }
    names
}

/// What a channel is called by itself: its label, or its place in the file when the label is empty.
fn label_or_place((idx, label): (usize, &String)) -> String {
    if label.is_empty() { format!("channel {}", idx + 1) } else { label.clone() }
}

fn kind_of(reserved: &str) -> EdfKind {
    match reserved {
        text if text.starts_with("EDF+D") => EdfKind::Discontinuous,
        text if text.starts_with("EDF+") => EdfKind::Continuous,
        _ => EdfKind::Plain,
    }
}

impl Records {
    /// Compares the promised number of records with the file's length, which decides; -1 and 0 promise nothing.
    fn count(header: &Header, n_bytes: u64) -> Checked<Self> {
        let data_bytes = n_bytes - header.n_bytes;
        // When all channels have 0 samples a record has 0 bytes, and there is nothing to read however many are promised.
        let n_whole = data_bytes.checked_div(header.record_bytes).unwrap_or(0);
        let rest = data_bytes - n_whole * header.record_bytes;
        if n_whole == 0 && header.promised_records != 0 {
            return Err(no_record(header, data_bytes));
        }
        match u64::try_from(header.promised_records).ok().filter(|promised| *promised > 0) {
            None => Self::of_unclosed(header, n_whole, rest),
            Some(promised) => Self::of_promised(header, promised, n_whole, rest),
        }
    }

    fn of_unclosed(header: &Header, n_whole: u64, rest: u64) -> Checked<Self> {
        let missing = format!("the last record is cut after {rest} of {} bytes and dropped", header.record_bytes);
        let stated = header.promised_records;
        let warning =
            format!("the number of records is {stated}, so the recording was not closed; {n_whole} were found");
        Ok(Self { n_read: to_usize(n_whole)?, missing: (rest > 0).then_some(missing), warning: Some(warning) })
    }

    fn of_promised(header: &Header, promised: u64, n_whole: u64, rest: u64) -> Checked<Self> {
        let n_left = n_whole.saturating_sub(promised) * header.record_bytes + rest;
        let missing = if promised > n_whole {
            Some(cut_short(header, promised, n_whole, rest))
        } else if n_left > 0 {
            Some(format!(
                "{n_left} bytes follow the {promised} records that the header promises and are not read; \
                 write -1 as the number of records (byte {}) to read them",
                N_RECORDS.at
            ))
        } else {
            None
        };
        Ok(Self { n_read: to_usize(promised.min(n_whole))?, missing, warning: None })
    }
}

fn no_record(header: &Header, data_bytes: u64) -> String {
    format!(
        "holds no whole record: one needs {} bytes by the samples per record in the header, and {data_bytes} bytes \
         follow the header; the file is cut or the header wrong, so copy or export it again",
        header.record_bytes
    )
}

fn cut_short(header: &Header, promised: u64, n_whole: u64, rest: u64) -> String {
    let lost_seconds = (promised - n_whole) as f64 * (header.record_ns as f64 / NS_PER_SECOND as f64);
    format!(
        "the last {} of {promised} records ({lost_seconds} s): the file ends after {n_whole} whole records \
         and {rest} bytes of another, which are dropped; copy it again if the original is longer",
        promised - n_whole
    )
}

// ---- The samples ----

/// A channel that is read: where it lies in each record, and what was read so far.
struct Track<'a> {
    offset: u64,
    n_bytes: usize,
    content: Content<'a>,
}

enum Content<'a> {
    Samples { idx: usize, channel: &'a EdfChannel, values: Vec<f64> },
    Annotations(Vec<u8>),
}

impl Track<'_> {
    fn take(&mut self, bytes: &[u8]) {
        match &mut self.content {
            Content::Annotations(lists) => lists.extend_from_slice(bytes),
            Content::Samples { channel, values, .. } => {
                let ([minimum, _], [origin, _], gain) = (channel.physical_range, channel.digital_range, channel.gain());
                let stored = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
                values.extend(stored.map(|stored| minimum + (f64::from(stored) - origin) * gain));
            }
        }
    }
}

impl EdfFile {
    fn read(&self, chosen: &[&EdfChannel]) -> SleepResult<Recording> {
        self.read_checked(chosen).map_err(|fault| fault.of(&self.path))
    }

    fn read_checked(&self, chosen: &[&EdfChannel]) -> Result<Recording, Fault> {
        let mut tracks = self.tracks(chosen)?;
        self.stream(&mut tracks)?;
        let mut samples = Vec::with_capacity(chosen.len());
        let mut lists = Vec::new();
        for track in tracks {
            match track.content {
                Content::Samples { idx, channel, values } => samples.push((idx, channel, values)),
                Content::Annotations(bytes) => lists.push((track.n_bytes, bytes)),
            }
        }
        samples.sort_by_key(|(idx, ..)| *idx);
        let timeline = Timeline::new(self, &lists)?;
        // Channels of one rate have the same timestamps.
        let mut timestamps: BTreeMap<usize, Samples<i64>> = BTreeMap::new();
        let signals = samples
            .into_iter()
            .map(|(_, channel, values)| {
                let timestamps_ns = match timestamps.entry(channel.samples_per_record) {
                    btree_map::Entry::Occupied(known) => known.into_mut(),
                    btree_map::Entry::Vacant(free) => {
                        free.insert(timeline.timestamps(self.header.record_ns, channel.samples_per_record)?)
                    }
                };
                Ok(timeline.signal(channel, timestamps_ns, values))
            })
            .collect::<Result<_, InputError>>()?;
        Ok(Recording {
            patient: self.header.patient.clone(),
            start_ns: self.start_ns,
            signals,
            annotations: timeline.annotations,
            missing: self.missing.iter().cloned().chain(timeline.missing).collect(),
            warnings: self.warnings.iter().cloned().chain(timeline.warnings).collect(),
        })
    }

    /// The chosen channels and all annotation channels, in the order of their bytes.
    fn tracks<'a>(&self, chosen: &[&'a EdfChannel]) -> Result<Vec<Track<'a>>, Fault> {
        let per_record: u64 = chosen.iter().map(|channel| channel.samples_per_record as u64).sum();
        let n_values = per_record.saturating_mul(self.n_records as u64);
        require(n_values, Budget::STANDARD.values, || "samples", "choose fewer channels, or cut the recording")?;
        let mut tracks = Vec::with_capacity(chosen.len() + self.header.annotation_channels.len());
        for (idx, channel) in chosen.iter().enumerate() {
            // The whole records were counted by the file's length, so no capacity here exceeds what the file holds.
            let values = reserved(self.n_records * channel.samples_per_record)?;
            let content = Content::Samples { idx, channel, values };
            tracks.push(Track { offset: channel.offset, n_bytes: to_usize(channel.n_bytes())?, content });
        }
        for place in &self.header.annotation_channels {
            let n_bytes = to_usize(place.n_bytes)?;
            let content = Content::Annotations(reserved(self.n_records * n_bytes)?);
            tracks.push(Track { offset: place.offset, n_bytes, content });
        }
        // A channel of no bytes lies where the next one begins, and must come ahead of it.
        tracks.sort_by_key(|track| (track.offset, track.n_bytes));
        Ok(tracks)
    }

    /// Reads record by record, skipping what no track needs.
    fn stream(&self, tracks: &mut [Track<'_>]) -> Result<(), Fault> {
        if self.n_records == 0 {
            return Ok(());
        }
        let (file, n_bytes) = open_regular(&self.path)?;
        if n_bytes < self.n_bytes {
            return Err("has shrunk since its header was read; open it again".to_string().into());
        }
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let mut buffer = vec![0; tracks.iter().map(|track| track.n_bytes).max().unwrap_or(0)];
        let mut to_skip = self.header.n_bytes;
        for _ in 0..self.n_records {
            let mut at = 0;
            for track in &mut *tracks {
                let bytes = &mut buffer[..track.n_bytes];
                skip(&mut reader, to_skip + track.offset - at)
                    .and_then(|()| reader.read_exact(bytes))
                    .map_err(|error| unreadable(&error))?;
                track.take(bytes);
                (at, to_skip) = (track.offset + track.n_bytes as u64, 0);
            }
            to_skip += self.header.record_bytes - at;
        }
        Ok(())
    }
}

// ---- Times and annotations ----

const TIME_TOO_FAR: &str = "start, record duration and number of records reach beyond the year \
     2262, where 64-bit nanoseconds end; correct the header";

/// When each record begins, and what the annotation channels say.
struct Timeline {
    /// `None` where an EDF+D record states no usable onset: its samples have no time and are left out.
    onsets_ns: Vec<Option<i64>>,
    annotations: Vec<Annotation>,
    missing: Vec<String>,
    warnings: Vec<String>,
}

impl Timeline {
    /// `lists` holds each annotation channel: its bytes per record, and the bytes of all records.
    fn new(file: &EdfFile, lists: &[(usize, Vec<u8>)]) -> Result<Self, InputError> {
        let mut timeline = Self {
            onsets_ns: reserved(file.n_records())?,
            annotations: Vec::new(),
            missing: Vec::new(),
            warnings: Vec::new(),
        };
        let record_ns = file.header.record_ns;
        let on_time = (0..file.n_records() as i64).map(|idx| Some(file.start_ns + idx * record_ns));
        timeline.onsets_ns.extend(on_time);
        if let (true, Some((n_bytes, bytes))) = (file.kind() != EdfKind::Plain, lists.first()) {
            let clock_ns = file.header.clock_ns;
            // The end of each record must fit 64 bits too, for the timestamps count up to it.
            let fits = |onset: &i64| onset.checked_add(record_ns).is_some();
            let stated = records_of(bytes, *n_bytes)
                .map(|record| record_onset(record).and_then(|onset| onset.checked_add(clock_ns)).filter(fits));
            match file.kind() {
                EdfKind::Discontinuous => timeline.follow(stated, record_ns),
                _ if file.channels().is_empty() => {}
                _ => timeline.compare(stated),
            }
        }
        timeline.collect_annotations(file.header.clock_ns, lists)?;
        Ok(timeline)
    }

    /// EDF+D: the times are those that the records state.
    fn follow(&mut self, stated: impl Iterator<Item = Option<i64>>, record_ns: i64) {
        // A channel of 0 bytes states nothing, so the counted onsets go first.
        self.onsets_ns.fill(None);
        for (onset, stated) in self.onsets_ns.iter_mut().zip(stated) {
            *onset = stated;
        }
        let lost = tally(self.onsets_ns.iter().map(Option::is_none));
        if let Some((first, n_lost)) = lost {
            self.missing.push(format!(
                "{n_lost} of {} records state no onset (the first is record {first}), so their samples have no time and \
                 are left out",
                self.onsets_ns.len()
            ));
        }
        let mut end_ns = i64::MIN;
        let is_early = |onset: &i64| *onset < std::mem::replace(&mut end_ns, *onset + record_ns);
        let n_early = self.onsets_ns.iter().flatten().copied().filter(is_early).count();
        if n_early > 0 {
            self.warnings.push(format!(
                "{n_early} records begin before the record ahead of them ends; sort the signals or check the \
                 recorder's clock"
            ));
        }
    }

    /// EDF+C: the times follow the count of records; what the records state is only a check.
    fn compare(&mut self, stated: impl Iterator<Item = Option<i64>>) {
        const TOLERANCE_NS: u64 = 1_000_000;
        let differs = |(counted, stated): (&Option<i64>, Option<i64>)| match (counted, stated) {
            (Some(counted), Some(stated)) => counted.abs_diff(stated) > TOLERANCE_NS,
            _ => false,
        };
        if let Some((first, n_different)) = tally(self.onsets_ns.iter().zip(stated).map(differs)) {
            self.warnings.push(format!(
                "marked continuous, but {n_different} records state another time than their count gives (the first is \
                 record {first}); times follow the count, so mark the file EDF+D if it has gaps"
            ));
        }
    }

    fn collect_annotations(&mut self, clock_ns: i64, lists: &[(usize, Vec<u8>)]) -> Result<(), InputError> {
        let all_lists =
            || lists.iter().flat_map(|(n_bytes, bytes)| records_of(bytes, *n_bytes)).flat_map(stamped_lists);
        // Counted first: growing by doubling would take several times the memory.
        let n_texts: usize = all_lists().flatten().map(|list| list.texts().count()).sum();
        let way_out = "export the recording with fewer annotations";
        require(n_texts as u64, Budget::STANDARD.annotations, || "annotations", way_out)?;
        self.annotations = reserved(n_texts)?;
        let mut n_unreadable = 0;
        for list in all_lists() {
            match list.and_then(|list| Some((list, list.onset_ns.checked_add(clock_ns)?))) {
                Some((list, onset_ns)) => self.annotations.extend(list.texts().map(|text| Annotation {
                    onset_ns,
                    duration_ns: list.duration_ns,
                    text: decoded_text(text),
                })),
                None => n_unreadable += 1,
            }
        }
        if n_unreadable > 0 {
            self.missing.push(format!("{n_unreadable} annotations have no readable time and are left out"));
        }
        // Keeps the file's order of equal onsets, as `sort_by_key` would, with less memory.
        self.annotations.sort_by_cached_key(|annotation| annotation.onset_ns);
        Ok(())
    }

    /// Those of a channel with this many samples per record.
    fn timestamps(&self, record_ns: i64, n_samples: usize) -> Result<Samples<i64>, InputError> {
        let onsets_ns = || self.onsets_ns.iter().copied().flatten();
        let timestamps_ns = reserved(onsets_ns().count() * n_samples)?;
        Ok(timestamps(onsets_ns(), timestamps_ns, record_ns, n_samples as i64).into())
    }

    fn signal(&self, channel: &EdfChannel, timestamps_ns: &Samples<i64>, mut values: Vec<f64>) -> Signal {
        let n_samples = channel.samples_per_record;
        let mut idx = 0;
        values.retain(|_| {
            idx += 1;
            self.onsets_ns[(idx - 1) / n_samples].is_some()
        });
        Signal::new(&channel.name, timestamps_ns.clone(), vec![Column::new(EDF_COLUMN, values)])
            .expect("each record gives one timestamp per sample, and there is one column")
    }
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

/// The bytes of one annotation channel, record by record; a channel of 0 bytes has none.
fn records_of(bytes: &[u8], n_bytes: usize) -> impl Iterator<Item = &[u8]> + Clone {
    bytes.chunks_exact(n_bytes.max(1))
}

/// A time-stamped annotation list (TAL): one onset, and texts that each end with byte 20.
#[derive(Debug, Clone, Copy)]
struct StampedList<'a> {
    onset_ns: i64,
    duration_ns: Option<i64>,
    texts: &'a [u8],
}

impl<'a> StampedList<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == 20)?;
        let (stamp, texts) = (&bytes[..end], &bytes[end + 1..]);
        let (onset, duration) = match stamp.iter().position(|byte| *byte == 21) {
            Some(split) => (&stamp[..split], Some(&stamp[split + 1..])),
            None => (stamp, None),
        };
        let onset_ns = nanoseconds(ascii(onset)?)?;
        let duration_ns = match duration {
            Some(duration) => Some(nanoseconds(ascii(duration)?).filter(|ns| *ns >= 0)?),
            None => None,
        };
        Some(Self { onset_ns, duration_ns, texts })
    }

    /// The texts that say something; the empty first text of a record's own time stamp says nothing.
    fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        self.texts.split(|byte| *byte == 20).filter(|text| !text.is_empty())
    }

    /// A record's own time stamp has an empty text ahead of any other.
    fn keeps_time(self) -> bool {
        self.texts.first() == Some(&20)
    }
}

/// The lists of one record in one annotation channel; `None` for one that cannot be read.
fn stamped_lists(record: &[u8]) -> impl Iterator<Item = Option<StampedList<'_>>> {
    record.split(|byte| *byte == 0).filter(|list| !list.is_empty()).map(StampedList::parse)
}

/// When the record of these lists begins, from the zero of the header's clock.
fn record_onset(record: &[u8]) -> Option<i64> {
    stamped_lists(record).next()?.filter(|list| list.keeps_time()).map(|list| list.onset_ns)
}

/// The header's date and time. An anonymised or unreadable date becomes 1985-01-01, as EDF+ prescribes for anonymous recordings.
fn clock(date: &str, time: &str, recording: &str, warnings: &mut Vec<String>) -> i64 {
    let days = days_of_date(date, recording).unwrap_or_else(|| {
        warnings.push(format!(
            "start date (byte {}) is {date:?} where day.month.year is needed; taken as 01.01.85",
            START_DATE.at
        ));
        days_since_1970(1985, 1, 1)
    });
    let seconds = match numbers(time) {
        Some([hour @ 0..=23, minute @ 0..=59, second @ 0..=59]) => (hour * 60 + minute) * 60 + second,
        _ => {
            warnings.push(format!(
                "start time (byte {}) is {time:?} where hour.minute.second is needed; taken as 0",
                START_TIME.at
            ));
            0
        }
    };
    (days * 86_400 + seconds) * NS_PER_SECOND
}

/// Two digits of a year mean 1985 to 2084, unless EDF+'s recording text (`Startdate 02-MAR-2085`) has all four for the same day.
fn days_of_date(date: &str, recording: &str) -> Option<i64> {
    let [day, month, short_year] = numbers(date)?;
    let length = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !((1..=12).contains(&month) && (1..=length).contains(&day) && (0..=99).contains(&short_year)) {
        return None;
    }
    let year = if short_year >= 85 { 1900 + short_year } else { 2000 + short_year };
    let long_year = long_year(recording).filter(|long| long % 100 == short_year && (1900..2200).contains(long));
    Some(days_since_1970(long_year.unwrap_or(year), month, day))
}

fn long_year(recording: &str) -> Option<i64> {
    let date = recording.strip_prefix("Startdate ")?.split(' ').next()?;
    date.split('-').nth(2)?.parse().ok()
}

/// Days of the Gregorian calendar: years counted from March, so that a leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_ahead_of_month = (153 * month + 2) / 5;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 1970-01-01 has the number 719468 when 0000-03-01 has the number 0.
    365 * year + leap_days + days_ahead_of_month + day - 1 - 719_468
}

/// Three numbers with anything but digits between them.
fn numbers(text: &str) -> Option<[i64; 3]> {
    let mut parts = text.split(|letter: char| !letter.is_ascii_digit()).map(|part| part.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Decimal seconds as nanoseconds, exactly; further digits than nine are cut. `None` for what is no such number, or too large.
fn nanoseconds(seconds: &str) -> Option<i64> {
    let (sign, digits) = match seconds.as_bytes().first()? {
        b'-' => (-1, &seconds[1..]),
        b'+' => (1, &seconds[1..]),
        _ => (1, seconds),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let is_number =
        !(whole.is_empty() && fraction.is_empty()) && [whole, fraction].iter().all(|part| only_digits(part));
    let whole: i64 = if is_number && whole.is_empty() { 0 } else { whole.parse().ok().filter(|_| is_number)? };
    let whole_ns = whole.checked_mul(NS_PER_SECOND)?;
    let fraction_ns = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(sign * whole_ns.checked_add(fraction_ns)?)
}

fn only_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

// ---- Text and bytes ----

/// The text of a number's field without its padding; `None` when it is not ASCII.
fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(|text| text.trim_matches([' ', '\0']))
}

/// A header field as text, without its padding: UTF-8, else Latin-1. Control characters, which a terminal would obey, are replaced.
fn decoded(field: &[u8]) -> String {
    let utf8 = match std::str::from_utf8(field) {
        Ok(text) => Some(text),
        Err(error) => cut_utf8(field, error),
    };
    let visible =
        |letter: char| if letter.is_control() && letter != '\0' { char::REPLACEMENT_CHARACTER } else { letter };
    let text: String = match utf8 {
        Some(text) => text.chars().map(visible).collect(),
        None => field.iter().map(|byte| visible(char::from(*byte))).collect(),
    };
    text.trim_matches([' ', '\0']).to_string()
}

/// The text of a full field that lost the end of its last letter. A lone odd byte at the end is Latin-1, unless UTF-8 came before it.
fn cut_utf8(field: &[u8], error: std::str::Utf8Error) -> Option<&str> {
    let (text, cut) = field.split_at(error.valid_up_to());
    let text = std::str::from_utf8(text).ok()?;
    let is_cut = error.error_len().is_none() && (cut.len() > 1 || !text.is_ascii());
    is_cut.then_some(text)
}

/// An annotation's text: as a header field, but line breaks and tabs are allowed there.
fn decoded_text(text: &[u8]) -> String {
    let visible = |letter: char| {
        if letter.is_control() && !"\n\r\t".contains(letter) { char::REPLACEMENT_CHARACTER } else { letter }
    };
    let mut shown = match std::str::from_utf8(text) {
        Ok(text) => text.chars().map(visible).collect::<String>(),
        Err(_) => text.iter().map(|byte| visible(char::from(*byte))).collect(),
    };
    shown.shrink_to_fit();
    shown
}

/// Where the first `true` is, and how many there are; `None` when there are none.
fn tally(claims: impl Iterator<Item = bool>) -> Option<(usize, usize)> {
    let mut positions = claims.enumerate().filter(|(_, claim)| *claim).map(|(idx, _)| idx);
    let first = positions.next()?;
    Some((first, 1 + positions.count()))
}

fn add_times(a_ns: i64, b_ns: i64) -> Checked<i64> {
    a_ns.checked_add(b_ns).ok_or_else(|| TIME_TOO_FAR.to_string())
}

fn to_usize(size: u64) -> Checked<usize> {
    usize::try_from(size).map_err(|_| format!("needs {size} bytes at once, beyond what this machine can address"))
}

fn skip(reader: &mut impl Seek, n_bytes: u64) -> std::io::Result<()> {
    reader.seek_relative(i64::try_from(n_bytes).map_err(std::io::Error::other)?)
}

fn unreadable(error: &std::io::Error) -> String {
    format!("cannot be read: {error}; check the disk and the rights, or copy the file again")
}
