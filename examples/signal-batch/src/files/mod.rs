//! Captures from files and into files: CSV, NPY and WAV.
//!
//! Promises: no bytes make a reader panic, wait, or reserve memory for what is not there; a file that says one thing and holds another is
//! refused, and each refusal names the file and the way out. Leaves to others: which metrics are measured, and runs over many files.
//!
//! The readers are of this crate. The crate `hound` for WAV has had no release since 2023; `npyz` for NPY reads any Python literal, where three
//! known keys are allowed.

mod csv_text;
mod csv_times;
mod npy;
mod npy_header;
mod paths;
mod settings;
mod wav;
mod wav_format;
mod write;

use std::path::Path;
use std::time::SystemTime;

use consumer_support::input::{Budget, InputError, read_whole, require, reserved};
use jiff::{Timestamp, TimestampRound, Unit};

pub use paths::{CaptureFile, capture_paths};
pub use settings::{FileKind, ReadSettings};
pub use wav_format::WavFormat;
pub use write::{write_csv, write_npy, write_wav, write_wav_as};

use crate::{BatchError, BatchResult, Capture};

/// The most samples of one capture: 512 MiB of them in memory.
const MAX_SAMPLES: usize = 1 << 26;

/// Why bytes are no capture: what is wrong, and the way out. The file's name is put in front where it is known.
type Refusal = String;

/// What a reader finds.
#[derive(Debug)]
struct Content {
    samples: Vec<f64>,
    /// Samples per second, where the file says.
    rate_hz: Option<f64>,
    unit: Option<String>,
}

/// Reads a capture: CSV (`.csv`, `.tsv`, `.txt`), NPY or WAV, by the ending of its name.
///
/// Its name is that of the file, it belongs to no batch, and it was taken when the file was last changed, cut to microseconds. Memory is that
/// of the file, which has at most 512 MiB, and of its samples.
///
/// # Errors
/// [`BatchError::File`] when it cannot be read, is no regular file, has another ending, is not what its ending says, is not whole, or has no
/// samples, one that is no number, or no rate; [`BatchError::Setting`] for settings that no file can have.
///
/// ```
/// use signal_batch::files::{ReadSettings, read_capture};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("unit_7.csv");
/// std::fs::write(&path, "time (ms),CH1 (mV)\n0,1.5\n0.5,2\n1.0,2.5\n")?;
/// let capture = read_capture(&path, &ReadSettings::default())?;
/// assert_eq!((capture.rate_hz(), capture.unit.as_str(), capture.samples()), (2000.0, "mV", &[1.5, 2.0, 2.5][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_capture(path: &Path, settings: &ReadSettings) -> BatchResult<Capture> {
    let of_file = |reason: Refusal| BatchError::File { path: path.to_owned(), reason };
    let kind = FileKind::of(path).ok_or_else(|| of_file(FileKind::unknown(path)))?;
    let bytes = read_whole(path, Budget::STANDARD.whole_file_bytes).map_err(|error| of_file(error.to_string()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut capture = parse_capture(&name, kind, &bytes, settings).map_err(|error| match error {
        BatchError::File { reason, .. } => of_file(reason),
        other => other,
    })?;
    capture.captured_at = changed_at(path);
    Ok(capture)
}

/// The capture that these bytes are, as [`read_capture`] reads a file of that kind; it does not say when it was taken.
///
/// # Errors
/// As [`read_capture`], with the name as the path.
///
/// ```
/// use signal_batch::files::{FileKind, ReadSettings, parse_capture};
///
/// let settings = ReadSettings { rate_hz: Some(10.0), ..ReadSettings::default() };
/// assert_eq!(parse_capture("a", FileKind::Csv, b"1\n2\n", &settings)?.samples(), [1.0, 2.0]);
/// let refused = parse_capture("b", FileKind::Wav, b"RIFF", &settings).unwrap_err();
/// assert!(refused.to_string().starts_with("b: "));
/// # Ok::<(), signal_batch::BatchError>(())
/// ```
pub fn parse_capture(name: &str, kind: FileKind, bytes: &[u8], settings: &ReadSettings) -> BatchResult<Capture> {
    settings.require_valid()?;
    let capture = content(kind, bytes, settings).and_then(|content| capture_of(name, content, settings));
    capture.map_err(|reason| BatchError::File { path: name.into(), reason })
}

fn content(kind: FileKind, bytes: &[u8], settings: &ReadSettings) -> Result<Content, Refusal> {
    if bytes.is_empty() {
        return Err("is empty; export it again".to_owned());
    }
    match kind {
        FileKind::Csv => csv_text::read(bytes, settings),
        FileKind::Npy => npy::read(bytes, settings),
        FileKind::Wav => wav::read(bytes, settings),
    }
}

fn capture_of(name: &str, content: Content, settings: &ReadSettings) -> Result<Capture, Refusal> {
    if content.samples.is_empty() {
        return Err("has no samples; export it again".to_owned());
    }
    let no_rate = || "does not say how many samples it has per second; give the rate with --rate".to_owned();
    let rate_hz = settings.rate_hz.or(content.rate_hz).ok_or_else(no_rate)?;
    let mut capture = Capture::new(name, rate_hz, content.samples).map_err(|error| match error {
        BatchError::Capture(reason) => reason,
        other => other.to_string(),
    })?;
    capture.overruled_rate_hz = content.rate_hz.filter(|stated| is_other_rate(*stated, rate_hz));
    if let Some(unit) = settings.unit.clone().or(content.unit) {
        capture.unit = unit;
    }
    Ok(capture)
}

/// Whether a file states a rate, and one that differs by more than times of few digits do.
fn is_other_rate(stated: f64, given: f64) -> bool {
    const NEAR: f64 = 1e-3;
    stated > 0.0 && (stated - given).abs() > NEAR * given
}

/// When the file was last changed; none where the system does not know, or for a year that a time stamp cannot have.
fn changed_at(path: &Path) -> Option<Timestamp> {
    let changed: SystemTime = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    let cut = TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor);
    Timestamp::try_from(changed).ok()?.round(cut).ok()
}

/// Room for so many samples, unless they are too many.
fn room_for(n_samples: usize) -> Result<Vec<f64>, Refusal> {
    require_samples(n_samples)?;
    reserved(n_samples).map_err(|error: InputError| error.to_string())
}

fn require_samples(n_samples: usize) -> Result<(), Refusal> {
    let way_out = "cut the capture into shorter ones";
    require(n_samples as u64, MAX_SAMPLES as u64, || "samples", way_out).map_err(|over| over.to_string())
}

/// Which of `n_channels` is read, counted from 0: the chosen one, or the only one.
fn chosen_channel(n_channels: usize, settings: &ReadSettings) -> Result<usize, Refusal> {
    if let Some(column) = &settings.column {
        return Err(format!("has no named columns, so none is {column:?}; choose with --channel instead of --column"));
    }
    match settings.channel {
        Some(channel) if (1..=n_channels).contains(&channel) => Ok(channel - 1),
        Some(channel) => Err(format!("has no channel {channel}; it has {n_channels}, counted from 1")),
        None if n_channels == 1 => Ok(0),
        None => Err(format!("has {n_channels} channels; choose one with --channel, counted from 1")),
    }
}
