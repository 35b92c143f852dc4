//! Captures in files: what is read, what reads back with the same bits, and what is refused, with its name and the way out.

use std::fs;
use std::path::{Path, PathBuf};

use manyhands_test_support::property::config;
use manyhands_test_support::python;
use manyhands_test_support::rng::Rng;
use proptest::prelude::*;
use signal_batch::files::{
    FileKind, ReadSettings, WavFormat, capture_paths, parse_capture, read_capture, write_csv, write_npy, write_wav,
    write_wav_as,
};
use signal_batch::{BatchError, Capture, workload};
use tempfile::TempDir;

/// What the reference of the formats is: also that of the benches, so that there is one environment.
const PACKAGES: [&str; 1] = ["numpy==2.4.6"];

fn rate(rate_hz: f64) -> ReadSettings {
    ReadSettings { rate_hz: Some(rate_hz), ..ReadSettings::default() }
}

fn channel(channel: usize) -> ReadSettings {
    ReadSettings { channel: Some(channel), ..rate(1.0) }
}

fn column(column: &str) -> ReadSettings {
    ReadSettings { column: Some(column.to_owned()), ..ReadSettings::default() }
}

fn read(kind: FileKind, bytes: impl AsRef<[u8]>, settings: &ReadSettings) -> Capture {
    parse_capture("made", kind, bytes.as_ref(), settings).unwrap()
}

fn refusal(kind: FileKind, bytes: impl AsRef<[u8]>, settings: &ReadSettings) -> String {
    let refused = parse_capture("made", kind, bytes.as_ref(), settings).unwrap_err().to_string();
    assert!(refused.contains("made: "), "{refused}");
    refused
}

/// Samples of every size, -0 and the smallest ones among them.
fn wild_capture() -> Capture {
    let mut rng = Rng::for_test("wild capture");
    let mut samples: Vec<f64> = (0..1000).map(|_| f64::from_bits(rng.next_u64())).collect();
    samples.iter_mut().filter(|sample| !sample.is_finite()).for_each(|sample| *sample = -0.0);
    samples.extend([0.0, -0.0, 5e-324, f64::MAX, -f64::MAX, 0.1]);
    Capture::new("wild", 48_000.0, samples).unwrap()
}

fn bits(samples: &[f64]) -> Vec<u64> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn a_capture_that_was_written_reads_back_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let capture = wild_capture();
    type Write = fn(&Capture, &Path) -> Result<(), BatchError>;
    let ways: [(&str, Write, ReadSettings); 3] = [
        ("a.csv", write_csv, ReadSettings::default()),
        ("a.npy", write_npy, rate(48_000.0)),
        ("a.wav", write_wav, ReadSettings::default()),
    ];
    for (name, write, settings) in ways {
        let path = folder.path().join(name);
        write(&capture, &path).unwrap();
        let found = read_capture(&path, &settings).unwrap();
        assert_eq!(bits(found.samples()), bits(capture.samples()), "{name}");
        assert_eq!((found.name.as_str(), found.rate_hz()), (name, 48_000.0));
        let taken = found.captured_at.unwrap();
        assert_eq!(taken.subsec_nanosecond() % 1000, 0, "{taken}");
    }
}

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

#[test]
fn csv_is_read_with_and_without_header_times_comments_and_any_separator() {
    let csv = FileKind::Csv;
    assert_eq!(read(csv, "1\n2\n3", &rate(10.0)).samples(), [1.0, 2.0, 3.0]);
    assert_eq!(read(csv, "\u{feff}volts\r\n 1.5 \r\n\r\n-2e3\r\n", &rate(10.0)).samples(), [1.5, -2000.0]);
    let timed = read(csv, "# of unit 7\n0,5\n0.5,6\n# break\n1.0,7\n", &ReadSettings::default());
    assert_eq!((timed.rate_hz(), timed.samples()), (2.0, &[5.0, 6.0, 7.0][..]));
    let german = read(csv, "Time (ms);U [mV]\n0,0;1,5\n0,5;2,5\n", &ReadSettings::default());
    assert_eq!((german.rate_hz(), german.samples(), german.unit.as_str()), (2000.0, &[1.5, 2.5][..], "mV"));
    let several = "time\ta\tb\n0\t1\t10\n1\t2\t20\n";
    assert_eq!(read(csv, several, &column("b")).samples(), [10.0, 20.0]);
    assert_eq!(read(csv, several, &column("2")).samples(), [1.0, 2.0]);
    assert_eq!(read(csv, several, &channel(2)).samples(), [10.0, 20.0]);
    assert_eq!(read(csv, "0,1,10\n1,2,20\n", &column("3")).samples(), [10.0, 20.0]);
    assert_eq!(read(csv, "\"time\",\"a\"\n0,1\n2,1\n", &ReadSettings::default()).rate_hz(), 0.5);
    let given = ReadSettings { unit: Some("A".to_owned()), ..rate(7.0) };
    let uneven = read(csv, "time (days),i (mA)\n0,1\n5,2\n6,3\n", &given);
    assert_eq!((uneven.rate_hz(), uneven.unit.as_str()), (7.0, "A"), "what is given counts");
}

#[test]
fn csv_that_is_no_capture_is_refused_with_the_place_and_the_way_out() {
    let none = ReadSettings::default();
    for (text, settings, parts) in [
        ("", &none, &["is empty"][..]),
        ("# nothing\n\n", &none, &["no line with samples"]),
        ("volts\n", &rate(1.0), &["no samples"]),
        ("1\n2\n", &none, &["--rate"]),
        ("0,1\n", &none, &["one time", "--rate"]),
        ("0,1\n1,2\n3,3\n4,4\n", &none, &["uneven times", "3 follows 1", "--rate"]),
        ("1,1\n0,2\n", &none, &["from 1 to 0", "--rate"]),
        ("1\nx\n", &rate(1.0), &["line 2, column 1", "\"x\"", "no number"]),
        ("0,1\n1\n", &rate(1.0), &["line 2 has 1 fields where column 2"]),
        ("1\nNaN\n", &rate(1.0), &["sample 2 is NaN"]),
        ("1\n-inf\n", &rate(1.0), &["sample 2 is -inf"]),
        ("t,a,b\n0,1,2\n1,2,3\n", &none, &["2 columns", "--column", "\"a\", \"b\""]),
        ("t,a\n0,1\n1,2\n", &column("c"), &["no column \"c\"", "\"a\""]),
        ("t,a\n0,1\n1,2\n", &column("t"), &["no column \"t\" of samples"]),
        ("t\n0\n1\n", &none, &["times and no samples"]),
        ("0,1,2\n", &channel(3), &["no channel 3", "columns 2 to 3"]),
    ] {
        let refused = refusal(FileKind::Csv, text, settings);
        assert!(parts.iter().all(|part| refused.contains(part)), "{text:?}: {refused}");
    }
    let garbage: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    refusal(FileKind::Csv, garbage, &rate(1.0));
    let endless = [b"1\n\"".as_slice(), &vec![b'x'; 17 << 20]].concat();
    assert!(refusal(FileKind::Csv, endless, &rate(1.0)).contains("never closed"));
}

/// An NPY file of version 1 to 3 with this header and these values.
fn npy(version: u8, header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    [&bytes, header.as_bytes(), values].concat()
}

fn npy_of(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy(1, &format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), values)
}

#[test]
fn npy_of_every_version_type_and_order_is_read() {
    let kind = FileKind::Npy;
    for version in 1..=3 {
        let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
        assert_eq!(read(kind, npy(version, header, &[1, 0, 0xff, 0xff]), &rate(1.0)).samples(), [1.0, -1.0]);
    }
    for (descr, bytes, expected) in [
        ("<f8", 0.1_f64.to_le_bytes().to_vec(), 0.1),
        (">f8", 0.1_f64.to_be_bytes().to_vec(), 0.1),
        ("<f4", 0.1_f32.to_le_bytes().to_vec(), f64::from(0.1_f32)),
        (">f4", 0.1_f32.to_be_bytes().to_vec(), f64::from(0.1_f32)),
        ("|i1", vec![0x80], -128.0),
        ("|u1", vec![0x80], 128.0),
        (">i2", (-2_i16).to_be_bytes().to_vec(), -2.0),
        ("<u2", 65_535_u16.to_le_bytes().to_vec(), 65_535.0),
        (">u4", u32::MAX.to_be_bytes().to_vec(), 4_294_967_295.0),
        ("<i4", i32::MIN.to_le_bytes().to_vec(), -2_147_483_648.0),
        ("<i8", i64::MIN.to_le_bytes().to_vec(), -9_223_372_036_854_775_808.0),
        (">i8", (-3_i64).to_be_bytes().to_vec(), -3.0),
        ("<u8", u64::MAX.to_le_bytes().to_vec(), 18_446_744_073_709_551_616.0),
    ] {
        assert_eq!(read(kind, npy_of(descr, "(1,)", &bytes), &rate(1.0)).samples(), [expected], "{descr}");
    }
}

#[test]
fn a_channel_of_npy_is_a_row_or_a_column_in_either_order() {
    let values = [0, 1, 2, 10, 11, 12];
    let stored = |shape: &str, order: &str| {
        npy(1, &format!("{{'descr': '|u1', 'fortran_order': {order}, 'shape': {shape}}}"), &values)
    };
    for (shape, order, first, second) in [
        ("(2, 3)", "False", [0.0, 1.0, 2.0], [10.0, 11.0, 12.0]),
        ("(3, 2)", "True", [0.0, 1.0, 2.0], [10.0, 11.0, 12.0]),
        ("(3, 2)", "False", [0.0, 2.0, 11.0], [1.0, 10.0, 12.0]),
        ("(2, 3)", "True", [0.0, 2.0, 11.0], [1.0, 10.0, 12.0]),
    ] {
        let bytes = stored(shape, order);
        assert_eq!(read(FileKind::Npy, &bytes, &channel(1)).samples(), first, "{shape} {order}");
        assert_eq!(read(FileKind::Npy, &bytes, &channel(2)).samples(), second, "{shape} {order}");
        assert!(refusal(FileKind::Npy, &bytes, &rate(1.0)).contains("2 channels; choose one with --channel"));
        assert!(refusal(FileKind::Npy, &bytes, &channel(3)).contains("no channel 3"));
    }
    assert_eq!(read(FileKind::Npy, stored("(6, 1)", "False"), &rate(1.0)).samples().len(), 6);
    assert_eq!(read(FileKind::Npy, stored("(1, 6)", "False"), &rate(1.0)).samples().len(), 6);
}

#[test]
fn npy_that_lies_or_lacks_something_is_refused() {
    let kind = FileKind::Npy;
    for (bytes, settings, part) in [
        (npy_of("<f8", "(1,)", &[0; 8]), &ReadSettings::default(), "--rate"),
        (npy_of("<f8", "(268435456,)", &[0; 8]), &rate(1.0), "8 bytes of values where its header claims 2147483648"),
        (npy_of("<f8", "(4611686018427387904,)", &[0; 8]), &rate(1.0), "claims more than can be"),
        (npy_of("<f8", "(4611686018427387904, 4611686018427387904)", &[]), &channel(1), "more values than"),
        (npy_of("<f8", "(1,)", &[0; 16]), &rate(1.0), "16 bytes of values where its header claims 8"),
        (npy_of("<f8", "(0,)", &[]), &rate(1.0), "no samples"),
        (npy_of("<f8", "(0, 5)", &[]), &rate(1.0), "no samples"),
        (npy_of("<f8", "()", &[0; 8]), &rate(1.0), "0 dimensions"),
        (npy_of("<f8", "(1, 1, 1)", &[0; 8]), &rate(1.0), "3 dimensions"),
        (npy_of("|O", "(1,)", &[0; 8]), &rate(1.0), "astype"),
        (npy_of("<f8", "(1,)", &f64::NAN.to_le_bytes()), &rate(1.0), "sample 1 is NaN"),
        (npy_of("<f8", "(1,)", &[0; 8]), &ReadSettings { rate_hz: Some(1.0), ..column("a") }, "--channel"),
        (npy(4, "{}", &[]), &rate(1.0), "version 4"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), &rate(1.0), "cut off within its header"),
        (b"\x93NUMPY\x01".to_vec(), &rate(1.0), "cut off within its header"),
        (b"PK\x03\x04".to_vec(), &rate(1.0), "no NPY file"),
    ] {
        let refused = refusal(kind, &bytes, settings);
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

/// A WAV file of 16-bit samples, with everything that its header says.
struct Wav {
    tag: u16,
    n_channels: u16,
    rate_hz: u32,
    n_frame_bytes: u16,
    n_bits: u16,
    extension: Vec<u8>,
    claimed: Option<u32>,
    data: Vec<u8>,
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
    fn bytes(&self) -> Vec<u8> {
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

fn subformat(tag: u16) -> Vec<u8> {
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

#[test]
fn settings_that_no_file_can_have_are_refused() {
    for (settings, part) in [
        (rate(0.0), "rate = 0"),
        (rate(f64::NAN), "rate = NaN"),
        (channel(0), "counted from 1"),
        (ReadSettings { column: Some("a".to_owned()), ..channel(1) }, "leave one of them out"),
    ] {
        let refused = parse_capture("made", FileKind::Csv, b"1\n", &settings).unwrap_err();
        assert!(matches!(refused, BatchError::Setting { .. }) && refused.to_string().contains(part), "{refused}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("a.xyz"), "1").unwrap();
    fs::create_dir(place("b.csv")).unwrap();
    fs::File::create(place("hole.npy")).unwrap().set_len(1 << 31).unwrap();
    for (name, part) in [
        ("a.xyz", "ends in .xyz; captures end in .csv"),
        ("b.csv", "is a folder"),
        ("absent.wav", "cannot be opened"),
        ("hole.npy", "2147483648 bytes where at most 536870912 are read"),
    ] {
        let refused = read_capture(&place(name), &rate(1.0)).unwrap_err();
        assert!(matches!(&refused, BatchError::File { path, .. } if *path == place(name)), "{refused}");
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo.csv");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(read_capture(&path, &rate(1.0)).unwrap_err().to_string().contains("is a FIFO"));
    let (files, set_aside) = capture_paths(&[folder.path().to_owned()]).unwrap();
    assert!(files.is_empty() && set_aside[0].contains("fifo.csv is a FIFO"), "{set_aside:?}");
}

/// A folder with these files, each of which holds one number.
fn tree(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "1\n").unwrap();
    }
    folder
}

fn names_and_batches(inputs: &[PathBuf]) -> Vec<(String, String)> {
    let (files, _) = capture_paths(inputs).unwrap();
    files.into_iter().map(|file| (file.name, file.batch)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, batch)| ((*name).to_owned(), (*batch).to_owned())).collect()
}

#[test]
fn captures_of_a_folder_are_sorted_and_belong_to_the_folders_that_hold_them() {
    let folder = tree(&["in/b.csv", "in/lot/x/a.WAV", "in/lot/c.npy", "in/.hidden.csv", "in/notes.md", "in/plain"]);
    let input = folder.path().join("in");
    let expected = pairs(&[("b.csv", "in"), ("lot/c.npy", "lot"), ("lot/x/a.WAV", "lot/x")]);
    assert_eq!(names_and_batches(std::slice::from_ref(&input)), expected);
    let (files, set_aside) = capture_paths(&[input]).unwrap();
    assert_eq!(set_aside.len(), 3, "{set_aside:?}");
    for part in [".hidden.csv is hidden", "notes.md ends in .md", "plain has no ending"] {
        assert!(set_aside.iter().any(|sentence| sentence.contains(part)), "{part}: {set_aside:?}");
    }
    let capture = files[1].read(&rate(1.0));
    assert!(capture.unwrap_err().to_string().contains("no NPY file"));
    let capture = files[0].read(&rate(1.0)).unwrap();
    assert_eq!((capture.name.as_str(), capture.batch.as_str()), ("b.csv", "in"));
}

#[test]
fn captures_of_several_inputs_keep_apart_by_the_names_of_these() {
    let folder = tree(&["a/1.csv", "a/lot/1.csv", "b/1.csv", "2.csv"]);
    let place = |name: &str| folder.path().join(name);
    let own = folder.path().file_name().unwrap().to_str().unwrap();
    let found = names_and_batches(&[place("b"), place("a"), place("2.csv")]);
    assert_eq!(found, pairs(&[("2.csv", own), ("a/1.csv", "a"), ("a/lot/1.csv", "a/lot"), ("b/1.csv", "b")]));
}

#[test]
fn two_captures_of_one_name_and_one_that_is_named_twice_are_refused() {
    let folder = tree(&["a/1.csv", "b/1.csv"]);
    let place = |name: &str| folder.path().join(name);
    let refused = |inputs: &[PathBuf]| capture_paths(inputs).unwrap_err().to_string();
    let same_name = refused(&[place("a/1.csv"), place("b/1.csv")]);
    assert!(same_name.contains("is called \"1.csv\"") && same_name.contains("rename one"), "{same_name}");
    assert!(refused(&[place("a"), place("a/1.csv")]).contains("name it once"));
    assert!(refused(&[place("absent")]).contains("cannot be looked at"));
}

#[test]
fn numpy_and_wave_read_what_is_written_and_what_they_write_is_read() {
    let Some(python) = python::environment(&PACKAGES) else { return };
    let folder = tempfile::tempdir().unwrap();
    let capture = workload::trace(3);
    write_npy(&capture, &folder.path().join("a.npy")).unwrap();
    for (name, format) in
        [("8", WavFormat::Pcm8), ("16", WavFormat::Pcm16), ("24", WavFormat::Pcm24), ("32", WavFormat::Pcm32)]
    {
        write_wav_as(&capture, format, &folder.path().join(name).with_extension("wav")).unwrap();
    }
    let script = r#"
import sys, wave, pathlib, numpy
folder = pathlib.Path(sys.argv[1])
samples = numpy.load(folder / "a.npy")
numpy.save(folder / "big.npy", numpy.stack([samples, -samples]).astype(">f8"))
numpy.save(folder / "fortran.npy", numpy.asfortranarray(numpy.stack([samples, -samples], axis=1)))
numpy.savetxt(folder / "a.csv", numpy.stack([numpy.arange(len(samples)) / 1e6, samples], axis=1), delimiter=",", fmt="%.17g")
for bits in (8, 16, 24, 32):
    with wave.open(str(folder / f"{bits}.wav"), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth() * 8, file.getframerate()) == (1, bits, 1000000)
        frames = file.readframes(file.getnframes())
    with wave.open(str(folder / f"again{bits}.wav"), "wb") as file:
        file.setparams((1, bits // 8, 1000000, 0, "NONE", "not compressed"))
        file.writeframes(frames)
"#;
    python::run(&python, script, &[folder.path()]);
    let read = |name: &str, settings: &ReadSettings| read_capture(&folder.path().join(name), settings).unwrap();
    let first = ReadSettings { channel: Some(1), ..rate(1e6) };
    for (name, settings) in [("big.npy", &first), ("fortran.npy", &first), ("a.csv", &ReadSettings::default())] {
        let found = read(name, settings);
        assert_eq!(bits(found.samples()), bits(capture.samples()), "{name}");
        assert_eq!(found.rate_hz(), 1e6, "{name}");
    }
    for name in ["8.wav", "16.wav", "24.wav", "32.wav"] {
        let (written, again) = (read(name, &rate(1e6)), read(&format!("again{name}"), &rate(1e6)));
        assert_eq!(bits(written.samples()), bits(again.samples()), "{name}");
    }
}

/// A valid file of each kind, short.
fn seeds() -> Vec<(FileKind, Vec<u8>)> {
    vec![
        (FileKind::Csv, b"# c\ntime (ms);a;b [V]\n0,0;1;2\n0,5;2;\"3\"\n1,0;3;4\n".to_vec()),
        (FileKind::Csv, b"1\n2.5\n-3e4\n".to_vec()),
        (FileKind::Npy, npy_of(">i2", "(2, 3)", &[1; 12])),
        (FileKind::Npy, npy_of("<f8", "(2,)", &[0; 16])),
        (FileKind::Wav, Wav::default().bytes()),
        (FileKind::Wav, Wav { tag: 0xfffe, extension: subformat(1), ..Wav::default() }.bytes()),
    ]
}

/// One change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Repeat(at, times) => {
                let tail = bytes[at.index(bytes.len())..].repeat(*times);
                bytes.extend(tail);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let special = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(b','), Just(b'\n'), Just(b'"'), Just(b'(')];
    let change = prop_oneof![
        4 => (at(), special).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (at(), 1..4_usize).prop_map(|(at, times)| Change::Repeat(at, times)),
    ];
    prop::collection::vec(change, 0..6)
}

proptest! {
    #![proptest_config(config(4096))]

    /// Valid files with some bytes changed are captures that hold together, or refused with a reason; nothing panics.
    #[test]
    fn changed_files_are_captures_or_refused(seed in 0..6_usize, changes in changes(), chosen in 0..3_usize) {
        let (kind, mut bytes) = seeds().swap_remove(seed);
        changes.iter().for_each(|change| change.apply(&mut bytes));
        let settings = match chosen {
            0 => ReadSettings::default(),
            n => channel(n),
        };
        match parse_capture("changed", kind, &bytes, &settings) {
            Ok(capture) => {
                prop_assert!(capture.rate_hz() > 0.0 && !capture.samples().is_empty());
                prop_assert!(capture.samples().len() <= bytes.len());
            }
            Err(refused) => prop_assert!(refused.to_string().len() > "changed: ".len()),
        }
    }
}
