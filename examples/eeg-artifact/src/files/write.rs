//! Writes a recording block by block, as EDF+ or BrainVision, with its annotations and triggers.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use signal_files::{
    BrainVisionChannel, BrainVisionHeader, BrainVisionWriter, EdfHeader, EdfWriter, EdfWriterChannel, FileAnnotation,
    FileChannel, FileError, SignalFile, record_seconds_for,
};

use crate::{Channel, ChannelKind, EegError, EegResult, Info, Recording};

/// How many samples of each channel are written at a time.
const BLOCK: usize = 1 << 14;

/// What annotations of triggers say.
const TRIGGER: &str = "artifact";

/// The kind of file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// EDF+: 65 536 steps between the least and the greatest value of each channel.
    #[default]
    Edf,
    /// BrainVision: numbers of 32 bits, seven digits each.
    BrainVision,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edf => "edf",
            Self::BrainVision => "brainvision",
        })
    }
}

impl FromStr for FileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "edf" => Ok(Self::Edf),
            "brainvision" => Ok(Self::BrainVision),
            _ => Err(format!("no kind of file is called {text:?}; use edf or brainvision")),
        }
    }
}

impl FileKind {
    /// The file that is opened to read a recording of this name again.
    #[must_use]
    pub fn path(self, stem: &Path) -> PathBuf {
        stem.with_extension(match self {
            Self::Edf => "edf",
            Self::BrainVision => "vhdr",
        })
    }
}

/// Writes a recording to `stem` with the ending of its kind: EEG, EOG, ECG and EMG in µV, the annotations, and the triggers as annotations `artifact`.
/// Texts of the header are those of `source`, the file that the recording was read from. Returns what the format could not hold.
///
/// # Errors
/// [`EegError::File`] when a file cannot be written, or the format cannot hold the recording at all.
pub fn write_recording(
    stem: &Path,
    kind: FileKind,
    recording: &Recording,
    source: Option<&SignalFile>,
) -> EegResult<Vec<String>> {
    let path = kind.path(stem);
    let of_file = |error: FileError| EegError::file(&path, error);
    match kind {
        FileKind::Edf => {
            let mut writer = EdfWriter::create(&path, &edf_header(recording, source, &path)?).map_err(of_file)?;
            write_blocks(recording, |rows| writer.write_rows(rows).map_err(of_file))?;
            Ok(writer.finish().map_err(of_file)?.warnings)
        }
        FileKind::BrainVision => {
            let header = brainvision_header(recording.info(), source);
            let mut writer = BrainVisionWriter::create(&path, &header).map_err(of_file)?;
            write_blocks(recording, |rows| writer.write_rows(rows).map_err(of_file))?;
            Ok(writer.finish().map_err(of_file)?.warnings)
        }
    }
}

/// Gives `write` all channels, block by block, in the units of the file.
fn write_blocks(recording: &Recording, mut write: impl FnMut(&[&[f64]]) -> EegResult<()>) -> EegResult<()> {
    for block in blocks(recording.info().n_samples) {
        let channels = recording.info().channels.iter().enumerate();
        let rows = channels.map(|(idx, channel)| in_file_units(recording, idx, channel, block.clone()));
        let rows = rows.collect::<EegResult<Vec<_>>>()?;
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        write(&rows)?;
    }
    Ok(())
}

fn blocks(n_samples: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n_samples).step_by(BLOCK).map(move |start| start..n_samples.min(start + BLOCK))
}

/// µV for what is a voltage, and the numbers as they are else.
fn in_file_units(recording: &Recording, idx: usize, channel: &Channel, block: Range<usize>) -> EegResult<Vec<f64>> {
    let mut samples = recording.rows().samples(idx, block)?;
    if channel.kind.is_in_volts() {
        samples.iter_mut().for_each(|sample| *sample *= 1e6);
    }
    Ok(samples)
}

/// The unit of a channel in the file: `micro` for what is a voltage, and for anything else but codes that of the source.
fn unit<'a>(channel: &Channel, source: Option<&'a SignalFile>, micro: &'a str) -> &'a str {
    match channel.kind {
        ChannelKind::Stim => "",
        _ if channel.kind.is_in_volts() => micro,
        _ => of_source(channel, source).map_or("", |of_source| of_source.unit.as_str()),
    }
}

fn of_source<'a>(channel: &Channel, source: Option<&'a SignalFile>) -> Option<&'a FileChannel> {
    source.and_then(|source| source.channels().iter().find(|one| one.name == channel.name))
}

fn edf_header(recording: &Recording, source: Option<&SignalFile>, path: &Path) -> EegResult<EdfHeader> {
    let info = recording.info();
    let mut header = EdfHeader { annotations: annotations(info), ..EdfHeader::default() };
    header.record_seconds = record_seconds(info).ok_or_else(|| {
        let reason = format!("EDF has no duration of records for {} Hz; use --format brainvision", info.sfreq_hz);
        EegError::file(path, reason)
    })?;
    if let Some(source) = source {
        source.patient().clone_into(&mut header.patient);
        source.recording().clone_into(&mut header.recording);
        header.start_ns = start_ns(info, source);
    }
    for (idx, channel) in info.channels.iter().enumerate() {
        let range = range(recording, idx, channel)?;
        let mut described = EdfWriterChannel::new(&channel.name, unit(channel, source, "uV"), info.sfreq_hz, range);
        if let Some(of_source) = of_source(channel, source) {
            described.transducer.clone_from(&of_source.transducer);
            described.prefilter.clone_from(&of_source.prefilter);
        }
        header.channels.push(described);
    }
    Ok(header)
}

/// A duration of records that the recording fills without a rest where there is one, as close to a second as can be.
fn record_seconds(info: &Info) -> Option<f64> {
    let usual = record_seconds_for(&[info.sfreq_hz])?;
    let parts = [1.0, 2.0, 0.5, 0.25, 0.2, 0.1, 4.0, 5.0, 10.0, 0.05, 0.04, 0.02];
    let fills = |seconds: &f64| {
        let n_record = info.sfreq_hz * seconds;
        n_record >= 1.0 && n_record.fract() == 0.0 && info.n_samples.is_multiple_of(n_record as usize)
    };
    parts.into_iter().find(fills).or(Some(usual))
}

/// The least and the greatest value. Trigger codes get a range in which each step is one.
fn range(recording: &Recording, idx: usize, channel: &Channel) -> EegResult<[f64; 2]> {
    const CODES: [f64; 2] = [-32768.0, 32767.0];
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for block in blocks(recording.info().n_samples) {
        for sample in in_file_units(recording, idx, channel, block)?.into_iter().filter(|sample| sample.is_finite()) {
            (least, greatest) = (least.min(sample), greatest.max(sample));
        }
    }
    let fits_codes = least >= CODES[0] && greatest <= CODES[1];
    match channel.kind {
        ChannelKind::Stim if fits_codes => Ok(CODES),
        _ if least > greatest => Ok(CODES),
        _ => Ok([least, greatest]),
    }
}

fn brainvision_header(info: &Info, source: Option<&SignalFile>) -> BrainVisionHeader {
    let channel = |channel: &Channel| BrainVisionChannel::new(&channel.name, unit(channel, source, "\u{b5}V"));
    BrainVisionHeader {
        start_ns: source.map_or_else(|| EdfHeader::default().start_ns, |source| start_ns(info, source)),
        rate_hz: info.sfreq_hz,
        channels: info.channels.iter().map(channel).collect(),
        annotations: annotations(info),
        ..BrainVisionHeader::default()
    }
}

/// When the first sample was recorded, without what was cropped.
fn start_ns(info: &Info, source: &SignalFile) -> i64 {
    source.start_ns().saturating_add((info.start_s * 1e9).round() as i64)
}

/// The annotations of the recording, and one for each trigger.
fn annotations(info: &Info) -> Vec<FileAnnotation> {
    let of_recording = info.annotations.iter().map(|annotation| {
        let duration_s = (annotation.duration_s > 0.0).then_some(annotation.duration_s);
        FileAnnotation::new(annotation.onset_s, duration_s, &annotation.description)
    });
    let within = 0..info.n_samples as i64;
    let triggers = info.triggers.iter().flat_map(|triggers| &triggers.samples);
    let triggers = triggers
        .filter(|sample| within.contains(*sample))
        .map(|sample| FileAnnotation::new(*sample as f64 / info.sfreq_hz, None, TRIGGER));
    of_recording.chain(triggers).collect()
}
