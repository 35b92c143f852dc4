//! Writes BrainVision recordings: 32-bit floats or 16-bit integers, multiplexed, with UTF-8 headers.
//!
//! Promises: each of the three files is there whole or not at all, the header last, so a header that is there names files that are; memory
//! is that of one block and the annotations; values that the format cannot hold are said in [`BrainVisionWritten::warnings`]. Leaves to
//! others: the choice of unit and resolution.

use std::io;
use std::path::{Path, PathBuf};

use manyhands::report::write_atomically;

use crate::annotation::FileAnnotation;
use crate::clock::{NS_PER_SECOND, date_of_days};
use crate::error::FileError;
use crate::staging::Staging;

/// How samples are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BrainVisionFormat {
    /// 32-bit floating-point numbers: seven digits of any size.
    #[default]
    Float32,
    /// 16-bit integers, in steps of each channel's resolution.
    Int16,
}

/// A channel to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct BrainVisionChannel {
    /// The name.
    pub name: String,
    /// The name of the reference channel; empty for the common one.
    pub reference: String,
    /// The unit of the values, such as `µV`.
    pub unit: String,
    /// One step of a stored number, in `unit`: the stored number is the value divided by it.
    pub resolution: f64,
}

impl BrainVisionChannel {
    /// A channel of the common reference and the resolution 1.
    #[must_use]
    pub fn new(name: impl Into<String>, unit: impl Into<String>) -> Self {
        Self { name: name.into(), reference: String::new(), unit: unit.into(), resolution: 1.0 }
    }
}

/// What is known of a recording before its samples are written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BrainVisionHeader {
    /// The time of the first sample, nanoseconds since 1970-01-01 UTC, written to the microsecond.
    pub start_ns: i64,
    /// Samples per second, of all channels.
    pub rate_hz: f64,
    /// How samples are stored.
    pub format: BrainVisionFormat,
    /// The channels, in file order.
    pub channels: Vec<BrainVisionChannel>,
    /// The markers, in any order. The part of a description ahead of its first slash is the type, `Comment` where there is none; onset and
    /// duration are rounded to samples.
    pub annotations: Vec<FileAnnotation>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "the warnings say what the file does not hold as it was given"]
#[non_exhaustive]
pub struct BrainVisionWritten {
    /// Samples of each channel.
    pub n_samples: usize,
    /// What the format could not hold as it was given.
    pub warnings: Vec<String>,
}

/// Writes a recording in blocks. Nothing is at the path until [`BrainVisionWriter::finish`].
///
/// Cost: samples are written twice, the first time into a file without a name beside the path. Memory: 4096 samples of all channels, the
/// annotations, and 1 MiB.
///
/// ```
/// use signal_files::{BrainVisionChannel, BrainVisionHeader, BrainVisionWriter, FileAnnotation, SignalFile};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("one.vhdr");
/// let header = BrainVisionHeader {
///     rate_hz: 5000.0,
///     channels: vec![BrainVisionChannel::new("Cz", "µV")],
///     annotations: vec![FileAnnotation::new(0.0002, None, "Stimulus/S  1")],
///     ..BrainVisionHeader::default()
/// };
/// let mut writer = BrainVisionWriter::create(&path, &header)?;
/// writer.write_rows(&[&[1.5, -2.5]])?;
/// assert!(writer.finish()?.warnings.is_empty());
///
/// let file = SignalFile::open(&path)?;
/// assert_eq!(file.read_channel(0)?, [1.5, -2.5]);
/// assert_eq!(file.annotations()?[1].description, "Stimulus/S  1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BrainVisionWriter {
    path: PathBuf,
    base: String,
    staging: Staging,
    header: BrainVisionHeader,
    n_samples: usize,
    bytes: Vec<u8>,
    losses: Vec<Losses>,
}

/// Values of one channel that were not stored as they were given.
#[derive(Debug, Clone, Default)]
struct Losses {
    n_outside: u64,
    n_not_finite: u64,
}

/// Samples of all channels that are turned into bytes at once.
const ROWS_AT_ONCE: usize = 4096;

impl BrainVisionWriter {
    /// Checks the header and makes room for the samples, in a file without a name in the folder of `path`, which is that of the header
    /// and ends with `.vhdr`; markers and samples are written beside it.
    ///
    /// # Errors
    /// [`FileError::Request`] when there is no channel, the rate or a resolution is no number above 0, or the name does not end with
    /// `.vhdr`; [`FileError::File`] when the folder cannot be written to.
    pub fn create(path: impl AsRef<Path>, header: &BrainVisionHeader) -> Result<Self, FileError> {
        let path = path.as_ref();
        let base = base_name(path)?;
        check(header)?;
        Ok(Self {
            path: path.to_path_buf(),
            base,
            staging: Staging::beside(&path.with_extension("eeg"))?,
            header: header.clone(),
            n_samples: 0,
            bytes: Vec::new(),
            losses: vec![Losses::default(); header.channels.len()],
        })
    }

    /// Appends the next samples of each channel: `rows[c]` are those of channel `c`, as many for each.
    ///
    /// # Errors
    /// [`FileError::Request`] when there are not as many lists as channels, or they are not of one length; [`FileError::File`] when the
    /// disk takes no more.
    pub fn write_rows(&mut self, rows: &[&[f64]]) -> Result<(), FileError> {
        let (n_lists, n_channels) = (rows.len(), self.header.channels.len());
        let n_rows = rows.first().map_or(0, |row| row.len());
        if n_lists != n_channels || rows.iter().any(|row| row.len() != n_rows) {
            let lengths: Vec<_> = rows.iter().map(|row| row.len()).take(20).collect();
            return Err(FileError::Request(format!(
                "{n_lists} lists of samples, of the lengths {lengths:?}, are given for {n_channels} channels; give one for each, \
                 all of one length"
            )));
        }
        for begin in (0..n_rows).step_by(ROWS_AT_ONCE) {
            self.append(rows, begin..n_rows.min(begin + ROWS_AT_ONCE))?;
        }
        self.n_samples += n_rows;
        Ok(())
    }

    /// Completes the files and puts them at their paths, in place of files that were there.
    ///
    /// # Errors
    /// [`FileError::Request`] when nothing was written; [`FileError::File`] when the disk or the folder refuses a file.
    pub fn finish(self) -> Result<BrainVisionWritten, FileError> {
        let Self { path, base, staging, header, n_samples, losses, .. } = self;
        if n_samples == 0 {
            return Err(FileError::Request(format!(
                "{}: no sample was given, and a file without any is none; write rows first",
                path.display()
            )));
        }
        staging.finish(|samples, out| io::copy(samples, out).map(drop))?;
        let write = |path: &Path, text: String| {
            write_atomically(path, |out| out.write_all(text.as_bytes()))
                .map_err(|error| FileError::unwritten(path, &error))
        };
        write(&path.with_extension("vmrk"), marker_text(&header, &base))?;
        write(&path, header_text(&header, &base, n_samples))?;
        let warnings = header.channels.iter().zip(&losses).flat_map(|(channel, losses)| losses.texts(channel));
        Ok(BrainVisionWritten { n_samples, warnings: warnings.collect() })
    }

    fn append(&mut self, rows: &[&[f64]], range: std::ops::Range<usize>) -> Result<(), FileError> {
        let Self { header, bytes, losses, .. } = self;
        let width = if header.format == BrainVisionFormat::Int16 { 2 } else { 4 };
        let frame_bytes = width * rows.len();
        bytes.clear();
        bytes.resize(range.len() * frame_bytes, 0);
        for (idx, (channel, losses)) in header.channels.iter().zip(losses).enumerate() {
            let places = bytes.chunks_exact_mut(frame_bytes).map(|frame| &mut frame[idx * width..(idx + 1) * width]);
            for (place, value) in places.zip(&rows[idx][range.clone()]) {
                match header.format {
                    BrainVisionFormat::Int16 => {
                        place.copy_from_slice(&losses.int16(value / channel.resolution).to_le_bytes())
                    }
                    BrainVisionFormat::Float32 => {
                        place.copy_from_slice(&losses.float32(value / channel.resolution).to_le_bytes());
                    }
                }
            }
        }
        self.staging.append(&self.bytes)
    }
}

impl Losses {
    fn int16(&mut self, stored: f64) -> i16 {
        if !stored.is_finite() {
            self.n_not_finite += 1;
            return 0;
        }
        let nearest = stored.round();
        self.n_outside += u64::from(!(-32768.0..=32767.0).contains(&nearest));
        nearest as i16
    }

    fn float32(&mut self, stored: f64) -> f32 {
        self.n_not_finite += u64::from(!stored.is_finite());
        let nearest = stored as f32;
        self.n_outside += u64::from(stored.is_finite() && !nearest.is_finite());
        nearest
    }

    fn texts(&self, channel: &BrainVisionChannel) -> Vec<String> {
        let BrainVisionChannel { name, resolution, unit, .. } = channel;
        let mut texts = Vec::new();
        if self.n_outside > 0 {
            texts.push(format!(
                "channel {name:?}: {} values are beyond what a stored number holds in steps of {resolution} {unit}, and were \
                 written as its end; use a larger resolution",
                self.n_outside
            ));
        }
        if self.n_not_finite > 0 {
            texts.push(format!(
                "channel {name:?}: {} values are no finite numbers; integers hold 0 for them, floating-point numbers hold them",
                self.n_not_finite
            ));
        }
        texts
    }
}

/// The header's name without its ending, which the other files have too and the texts name.
fn base_name(path: &Path) -> Result<String, FileError> {
    let is_header = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("vhdr"));
    let base = path.file_stem().and_then(|base| base.to_str());
    let base =
        base.filter(|base| is_header && !base.contains(|letter: char| letter.is_control()) && !base.contains("$b"));
    base.map(str::to_owned).ok_or_else(|| {
        FileError::Request(format!(
            "{:?} is to be the header of a recording; give a name of plain text that ends with .vhdr",
            path.display().to_string()
        ))
    })
}

fn check(header: &BrainVisionHeader) -> Result<(), FileError> {
    let refuse = |reason: String| Err(FileError::Request(reason));
    if header.channels.is_empty() {
        return refuse("a recording without channels is to be written; give one or more".to_owned());
    }
    let interval_us = 1e6 / header.rate_hz;
    if !(1e-3..=8.64e10).contains(&interval_us) {
        return refuse(format!(
            "a rate of {} Hz is to be written; give one from 0.00002 to 1000000000",
            header.rate_hz
        ));
    }
    match header.channels.iter().find(|channel| !(channel.resolution > 0.0 && channel.resolution < 1e200)) {
        Some(BrainVisionChannel { name, resolution, .. }) => {
            refuse(format!("channel {name:?} has the resolution {resolution}; give a finite number above 0"))
        }
        None => Ok(()),
    }
}

/// It states the number of samples, so that a reader sees when the file of samples is cut.
fn header_text(header: &BrainVisionHeader, base: &str, n_samples: usize) -> String {
    let format = match header.format {
        BrainVisionFormat::Float32 => "IEEE_FLOAT_32",
        BrainVisionFormat::Int16 => "INT_16",
    };
    let mut text = format!(
        "Brain Vision Data Exchange Header File Version 1.0\r\n\r\n[Common Infos]\r\nCodepage=UTF-8\r\nDataFile={base}.eeg\r\n\
         MarkerFile={base}.vmrk\r\nDataFormat=BINARY\r\nDataOrientation=MULTIPLEXED\r\nNumberOfChannels={}\r\n\
         DataPoints={n_samples}\r\n\
         ; in microseconds\r\nSamplingInterval={}\r\n\r\n[Binary Infos]\r\nBinaryFormat={format}\r\n\r\n[Channel Infos]\r\n\
         ; Ch<number>=<name>,<reference>,<resolution>,<unit>\r\n",
        header.channels.len(),
        1e6 / header.rate_hz
    );
    for (idx, channel) in header.channels.iter().enumerate() {
        let [name, reference, unit] = [&channel.name, &channel.reference, &channel.unit].map(|text| field(text));
        text.push_str(&format!("Ch{}={name},{reference},{},{unit}\r\n", idx + 1, channel.resolution));
    }
    text
}

fn marker_text(header: &BrainVisionHeader, base: &str) -> String {
    let mut text = format!(
        "Brain Vision Data Exchange Marker File, Version 1.0\r\n\r\n[Common Infos]\r\nCodepage=UTF-8\r\nDataFile={base}.eeg\r\n\r\n\
         [Marker Infos]\r\n; Mk<number>=<type>,<description>,<position>,<size>,<channel>,<date>\r\n\
         Mk1=New Segment,,1,1,0,{}\r\n",
        date_text(header.start_ns)
    );
    let mut sorted: Vec<_> = header.annotations.iter().filter(|each| !is_first_segment(each)).collect();
    sorted.sort_by_key(|annotation| annotation.onset_ns);
    for (idx, annotation) in sorted.into_iter().enumerate() {
        let (kind, description) =
            annotation.description.split_once('/').unwrap_or(("Comment", &annotation.description));
        let samples = |ns: i64| (ns as f64 / NS_PER_SECOND as f64 * header.rate_hz).round() as i64;
        let size = annotation.duration_ns.map_or(1, |ns| samples(ns).max(0));
        let position = samples(annotation.onset_ns).saturating_add(1);
        text.push_str(&format!("Mk{}={},{},{position},{size},0\r\n", idx + 2, field(kind), field(description)));
    }
    text
}

/// The marker that the file has anyway.
fn is_first_segment(annotation: &FileAnnotation) -> bool {
    annotation.onset_ns == 0 && annotation.description == "New Segment/"
}

/// A comma would end the field, and a line's end the line.
fn field(text: &str) -> String {
    let visible = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(visible).collect::<String>().replace(',', "\\1")
}

/// `YYYYMMDDhhmmssuuuuuu`.
fn date_text(ns: i64) -> String {
    let (seconds, of_second) = (ns.div_euclid(NS_PER_SECOND), ns.rem_euclid(NS_PER_SECOND));
    let ((year, month, day), of_day) = (date_of_days(seconds.div_euclid(86_400)), seconds.rem_euclid(86_400));
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}{:06}", of_second / 1000)
}
