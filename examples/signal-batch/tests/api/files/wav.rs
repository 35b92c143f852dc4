//! WAV: every format, several channels, long headers, and those that lie.

use std::fs;

use signal_batch::files::{FileKind, ReadSettings, WavFormat, read_capture, write_wav, write_wav_as};
use signal_batch::{Capture, workload};

use super::{channel, read, refusal};

#[test]
fn integers_of_wav_read_back_at_their_resolution() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let capture = workload::trace(0);
    for (format, resolution) in [
        (WavFormat::Pcm8, 2_f64.powi(-7)),
        (WavFormat::Pcm16, 2_f64.powi(-15)),
        (WavFormat::Pcm24, 2_f64.powi(-23)),
        (WavFormat::Pcm32, 2_f64.powi(-31)),
        (WavFormat::Float32, 2_f64.powi(-24)),
    ] {
        write_wav_as(&capture, format, &path).unwrap();
        let found = read_capture(&path, &ReadSettings::default()).unwrap();
        assert_eq!(found.samples().len(), capture.samples().len());
        for (found, expected) in found.samples().iter().zip(capture.samples()) {
            assert!((found - expected).abs() <= 0.5 * resolution, "{format:?}: {found} {expected}");
        }
        let again = folder.path().join("again.wav");
        write_wav_as(&found, format, &again).unwrap();
        assert_eq!(fs::read(&again).unwrap(), fs::read(&path).unwrap(), "{format:?}");
    }
}

#[test]
fn what_wav_cannot_hold_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let loud = Capture::new("loud", 8000.0, vec![0.0, 1.5]).unwrap();
    let refused = write_wav_as(&loud, WavFormat::Pcm16, &path).unwrap_err().to_string();
    assert!(refused.contains("sample 2 is 1.5"), "{refused}");
    let odd = Capture::new("odd", 0.5, vec![0.0]).unwrap();
    assert!(write_wav(&odd, &path).unwrap_err().to_string().contains("no rate of 0.5"));
    assert!(!path.exists());
}

/// A WAV file of 16-bit samples, with everything that its header says.
pub(super) struct Wav {
    pub(super) tag: u16,
    pub(super) n_channels: u16,
    pub(super) rate_hz: u32,
    pub(super) n_frame_bytes: u16,
    pub(super) n_bits: u16,
    pub(super) extension: Vec<u8>,
    pub(super) claimed: Option<u32>,
    pub(super) data: Vec<u8>,
}

impl Default for Wav {
    fn default() -> Self {
        let data = [1_i16, -1, 2, -2].iter().flat_map(|sample| sample.to_le_bytes()).collect();
        Self {
            tag: 1,
            n_channels: 2,
            rate_hz: 8000,
            n_frame_bytes: 4,
            n_bits: 16,
            extension: Vec::new(),
            claimed: None,
            data,
        }
    }
}

impl Wav {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut format = [self.tag.to_le_bytes(), self.n_channels.to_le_bytes()].concat();
        format.extend(self.rate_hz.to_le_bytes());
        format.extend(0_u32.to_le_bytes());
        format.extend([self.n_frame_bytes.to_le_bytes(), self.n_bits.to_le_bytes()].concat());
        format.extend(&self.extension);
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt ".to_vec();
        bytes.extend((format.len() as u32).to_le_bytes());
        bytes.extend(&format);
        bytes.extend(b"data");
        bytes.extend(self.claimed.unwrap_or(self.data.len() as u32).to_le_bytes());
        bytes.extend(&self.data);
        bytes
    }
}

pub(super) fn subformat(tag: u16) -> Vec<u8> {
    let identifier = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
    [&[22, 0, 16, 0, 3, 0, 0, 0][..], &tag.to_le_bytes(), &identifier].concat()
}

#[test]
fn a_channel_of_wav_is_read_behind_other_chunks_and_with_a_long_header() {
    let step = 2_f64.powi(-15);
    let wav = Wav::default();
    let first = read(FileKind::Wav, wav.bytes(), &ReadSettings { channel: Some(1), ..ReadSettings::default() });
    assert_eq!((first.samples(), first.rate_hz(), first.unit.as_str()), (&[step, 2.0 * step][..], 8000.0, "FS"));
    assert_eq!(read(FileKind::Wav, wav.bytes(), &channel(2)).samples(), [-step, -2.0 * step]);
    let long = Wav { tag: 0xfffe, extension: subformat(1), ..Wav::default() };
    assert_eq!(read(FileKind::Wav, long.bytes(), &channel(1)).samples(), first.samples());
    let floats = Wav {
        tag: 0xfffe,
        extension: subformat(3),
        n_channels: 1,
        n_frame_bytes: 4,
        n_bits: 32,
        data: 0.75_f32.to_le_bytes().to_vec(),
        ..Wav::default()
    };
    assert_eq!(read(FileKind::Wav, floats.bytes(), &ReadSettings::default()).samples(), [0.75]);
    assert_eq!(read(FileKind::Wav, Wav { rate_hz: 0, ..Wav::default() }.bytes(), &channel(1)).rate_hz(), 1.0);
}

#[test]
fn wav_that_lies_or_lacks_something_is_refused() {
    let first = ReadSettings { channel: Some(1), ..ReadSettings::default() };
    for (wav, part) in [
        (Wav { n_channels: 0, n_frame_bytes: 0, ..Wav::default() }, "0 channels"),
        (Wav { rate_hz: 0, ..Wav::default() }, "0 samples per second; give the rate with --rate"),
        (Wav { n_frame_bytes: 3, ..Wav::default() }, "says 3 bytes for 2 samples, which are 4"),
        (Wav { n_bits: 12, ..Wav::default() }, "format 1 with 12 bits"),
        (Wav { n_bits: 0, ..Wav::default() }, "format 1 with 0 bits"),
        (Wav { tag: 0x55, ..Wav::default() }, "format 85"),
        (Wav { tag: 0xfffe, ..Wav::default() }, "format chunk that is cut off"),
        (Wav { tag: 0xfffe, extension: vec![0; 24], ..Wav::default() }, "format without a number"),
        (Wav { claimed: Some(0x8000_0000), ..Wav::default() }, "claims 2147483648 bytes of \"data\" where 8 are left"),
        (Wav { data: vec![0; 6], ..Wav::default() }, "within a frame"),
        (Wav { data: Vec::new(), ..Wav::default() }, "no samples"),
        (Wav { n_channels: u16::MAX, n_frame_bytes: u16::MAX, ..Wav::default() }, "which are 131070"),
    ] {
        let refused = refusal(FileKind::Wav, wav.bytes(), &first);
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = refusal(FileKind::Wav, Wav::default().bytes(), &ReadSettings::default());
    assert!(refused.contains("2 channels; choose one with --channel"), "{refused}");
    let whole = Wav::default().bytes();
    for length in 1..whole.len() {
        refusal(FileKind::Wav, &whole[..length], &first);
    }
    assert!(refusal(FileKind::Wav, b"RF64\0\0\0\0WAVE", &first).contains("shorter files"));
}
