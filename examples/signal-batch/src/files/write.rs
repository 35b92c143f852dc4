//! Writes captures, for tests, demonstrations and other programs: a file is there whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use manyhands::report::{csv_text, write_atomically};

use super::wav_format::WavFormat;
use crate::{BatchError, BatchResult, Capture};

/// Writes times in seconds and samples as CSV, each number with as many digits as it needs to read back as itself.
///
/// # Errors
/// [`BatchError::File`] when the file cannot be written.
///
/// ```
/// use signal_batch::files::{ReadSettings, read_capture, write_csv};
/// use signal_batch::workload::signal;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.csv");
/// write_csv(&signal(3), &path)?;
/// let capture = read_capture(&path, &ReadSettings::default())?;
/// assert_eq!((capture.samples(), capture.rate_hz()), (signal(3).samples(), 1e6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_csv(capture: &Capture, path: &Path) -> BatchResult<()> {
    written(path, |out| {
        let mut header = csv::Writer::from_writer(&mut *out);
        header.write_record(["time (s)", &csv_text(&format!("value ({})", capture.unit))])?;
        header.flush()?;
        drop(header);
        for (at, sample) in capture.samples().iter().enumerate() {
            writeln!(out, "{},{sample}", at as f64 / capture.rate_hz())?;
        }
        Ok(())
    })
}

/// Writes the samples as an array of `f8` of one dimension. NPY has no place for the rate and the unit.
///
/// # Errors
/// [`BatchError::File`] when the file cannot be written.
pub fn write_npy(capture: &Capture, path: &Path) -> BatchResult<()> {
    let header = npy_header(capture.samples().len());
    written(path, |out| {
        out.write_all(&header)?;
        capture.samples().iter().try_for_each(|sample| out.write_all(&sample.to_le_bytes()))
    })
}

/// Filled up with spaces, so that the values begin at a multiple of 64 bytes.
fn npy_header(n_samples: usize) -> Vec<u8> {
    const N_BYTES: usize = 128;
    const LENGTH_OF_TEXT: u8 = 118;
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({n_samples},), }}");
    let mut header = [b"\x93NUMPY\x01\x00", &[LENGTH_OF_TEXT, 0][..], text.as_bytes()].concat();
    header.resize(N_BYTES - 1, b' ');
    header.push(b'\n');
    header
}

/// Writes the samples as WAV of 64-bit floats, which keep their bits. WAV has no place for the unit.
///
/// # Errors
/// [`BatchError::File`] when the file cannot be written, and for a rate that is no whole number of samples per second below 2^32.
pub fn write_wav(capture: &Capture, path: &Path) -> BatchResult<()> {
    write_wav_as(capture, WavFormat::Float64, path)
}

/// Writes the samples as WAV of this format; integers are rounded to the nearest step.
///
/// # Errors
/// As [`write_wav`], and for a sample that the format cannot hold: integers go from -1 to just below 1.
pub fn write_wav_as(capture: &Capture, format: WavFormat, path: &Path) -> BatchResult<()> {
    let refused = |reason: String| BatchError::File { path: path.to_owned(), reason };
    let bytes = wav_bytes(capture, format).map_err(refused)?;
    written(path, |out| out.write_all(&bytes))
}

fn wav_bytes(capture: &Capture, format: WavFormat) -> Result<Vec<u8>, String> {
    let rate_hz = capture.rate_hz();
    if rate_hz.fract() != 0.0 || rate_hz > f64::from(u32::MAX) {
        return Err(format!("WAV has no rate of {rate_hz} samples per second; write NPY or CSV"));
    }
    let rate = rate_hz as u32;
    let mut data = Vec::new();
    for (at, &sample) in capture.samples().iter().enumerate() {
        let refused = || format!("sample {} is {sample}, which {format:?} cannot hold; write floats", at + 1);
        format.encode(sample, &mut data).ok_or_else(refused)?;
    }
    let too_long = |_| format!("{} samples are too many for WAV; write NPY", capture.samples().len());
    let n_bytes = u32::try_from(data.len()).map_err(too_long)?;
    let n_frame = format.n_bytes() as u32;
    let mut bytes = Vec::with_capacity(data.len() + 64);
    // The whole, without its own head: WAVE, the format of 16 bytes with its head, and the samples with theirs and a byte to make them even.
    let n_whole = (4 + 24 + 8_u32)
        .checked_add(n_bytes.next_multiple_of(2))
        .ok_or("the samples are too many for WAV; write NPY")?;
    bytes.extend(b"RIFF");
    bytes.extend(n_whole.to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend(format.tag().to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.saturating_mul(n_frame).to_le_bytes());
    bytes.extend((n_frame as u16).to_le_bytes());
    bytes.extend((8 * n_frame as u16).to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(n_bytes.to_le_bytes());
    bytes.extend(&data);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    Ok(bytes)
}

fn written(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> BatchResult<()> {
    write_atomically(path, |out| {
        let mut buffered = io::BufWriter::new(out);
        write(&mut buffered)?;
        buffered.flush()
    })
    .map_err(|error| {
        // The function's own errors name the path in front, as does this one.
        let message = error.to_string();
        let reason = message.strip_prefix(&format!("{} was not written: ", path.display())).unwrap_or(&message);
        BatchError::File {
            path: path.to_owned(),
            reason: format!("cannot be written: {reason}; check the folder and the free space"),
        }
    })
}
