//! Files that are not what they say: a result or a typed error, soon, in memory bounded by the file's length.

use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use signal_files::{FileError, SignalFile, stim_value};

use crate::made::{Folder, VMRK, bdf, edf_with_gap, read_all, vhdr};

/// Opens and reads all; what is read must hold together.
fn read(path: &Path) -> Result<(), FileError> {
    let file = SignalFile::open(path)?;
    let values = read_all(&file)?;
    let readable = file.channels().iter().filter(|channel| channel.refused.is_none());
    for (channel, values) in readable.zip(&values) {
        assert_eq!(values.len(), channel.n_samples);
        assert!(channel.rate_hz > 0.0 && channel.rate_hz.is_finite(), "{channel:?}");
        assert!(channel.physical_range.is_none() || values.iter().all(|value| value.is_finite()), "{channel:?}");
        values.iter().for_each(|value| assert!((0..1 << 17).contains(&stim_value(*value))));
    }
    for gap in file.gaps()? {
        file.channels().iter().for_each(|channel| assert!(gap.sample_index(channel) <= channel.n_samples));
    }
    assert!(file.annotations()?.is_sorted_by_key(|annotation| annotation.onset_ns));
    Ok(())
}

fn check(path: &Path, n_bytes: usize) -> Result<(), FileError> {
    let begun = Instant::now();
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(read(path)));
    assert!(used.bytes_max <= 64 * n_bytes as u64 + (1 << 20), "{} bytes for a file of {n_bytes}", used.bytes_max);
    assert!(begun.elapsed() < Duration::from_secs(20));
    let result = result.unwrap();
    assert!(!matches!(result, Err(FileError::Request(_) | FileError::Taker(_))), "{result:?}");
    result
}

/// A change to a file's bytes; positions are taken modulo the length.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Field(usize, &'static str),
    Copy(usize, usize, usize),
    Truncate(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let n_bytes = bytes.len().max(1);
        match *self {
            Self::Set(at, value) => bytes.iter_mut().skip(at % n_bytes).take(1).for_each(|byte| *byte = value),
            Self::Field(at, text) => {
                bytes
                    .iter_mut()
                    .skip(at % n_bytes / 8 * 8)
                    .zip(text.bytes().chain([b' '; 8]).take(8))
                    .for_each(|(byte, new)| *byte = new);
            }
            Self::Copy(from, to, length) => {
                let copied: Vec<u8> = bytes.iter().skip(from % n_bytes).take(length).copied().collect();
                bytes.iter_mut().skip(to % n_bytes).zip(copied).for_each(|(byte, new)| *byte = new);
            }
            Self::Truncate(length) => bytes.truncate(length % n_bytes),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let numbers =
        ["99999999", "-1", "0", "1e300", "-1e300", "nan", "99999999999999999999", "0.000001", ",", "=", "[Comment]"];
    let change = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Change::Set(at, value)),
        (any::<usize>(), proptest::sample::select(numbers.to_vec())).prop_map(|(at, text)| Change::Field(at, text)),
        (any::<usize>(), any::<usize>(), 0..64_usize).prop_map(|(from, to, length)| Change::Copy(from, to, length)),
        any::<usize>().prop_map(Change::Truncate),
    ];
    proptest::collection::vec(change, 0..6)
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    changes.iter().for_each(|change| change.apply(&mut bytes));
    bytes
}

fn edf_bytes() -> Vec<u8> {
    let folder = Folder::new();
    edf_with_gap(&folder.path("a.edf"));
    std::fs::read(folder.path("a.edf")).unwrap()
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(300))]

    #[test]
    fn a_changed_edf_or_bdf_file_gives_an_answer_or_a_typed_error(changes in changes()) {
        for bytes in [edf_bytes(), bdf([[1, -2, 3], [4, 5, 6]])] {
            let folder = Folder::new();
            let bytes = changed(&bytes, &changes);
            let _ = check(&folder.write("a.edf", &bytes), bytes.len());
        }
    }

    #[test]
    fn a_changed_brainvision_recording_gives_an_answer_or_a_typed_error(
        header in changes(), markers in changes(), samples in changes(), is_vectorized: bool, is_float: bool,
    ) {
        let folder = Folder::new();
        let orientation = if is_vectorized { "VECTORIZED" } else { "MULTIPLEXED" };
        let format = if is_float { "IEEE_FLOAT_32" } else { "INT_16" };
        let texts = [vhdr(orientation, format, "DataPoints=8"), VMRK.to_owned()];
        let header = changed(texts[0].as_bytes(), &header);
        let markers = changed(texts[1].as_bytes(), &markers);
        let samples = changed(&[7; 64], &samples);
        folder.write("a.vmrk", &markers);
        folder.write("a.eeg", &samples);
        let n_bytes = header.len() + markers.len() + samples.len();
        let _ = check(&folder.write("a.vhdr", &header), n_bytes);
    }
}

#[test]
fn the_unchanged_files_pass_the_same_checks() {
    let folder = Folder::new();
    for (name, bytes) in [("a.edf", edf_bytes()), ("a.bdf", bdf([[1, -2, 3], [4, 5, 6]]))] {
        check(&folder.write(name, &bytes), bytes.len()).unwrap();
    }
    folder.write("b.vmrk", VMRK);
    folder.write("b.eeg", [7; 64]);
    check(&folder.write("b.vhdr", vhdr("VECTORIZED", "INT_16", "")), 1000).unwrap();
}

#[test]
fn every_torn_length_of_each_format_gives_an_answer_or_a_typed_error() {
    let folder = Folder::new();
    for bytes in [edf_bytes(), bdf([[1, -2, 3], [4, 5, 6]])] {
        for length in (0..bytes.len()).step_by(7) {
            let _ = check(&folder.write("a.edf", &bytes[..length]), length);
        }
    }
    let header = vhdr("MULTIPLEXED", "INT_16", "");
    folder.write("b.vmrk", VMRK);
    folder.write("b.eeg", [7; 64]);
    for length in 0..header.len() {
        let _ = check(&folder.write("b.vhdr", &header.as_bytes()[..length]), header.len());
    }
}

#[test]
fn what_a_header_of_bdf_says_of_itself_is_checked_and_named() {
    let good = bdf([[1, -2, 3], [4, 5, 6]]);
    let samples = 256 + 2 * (16 + 80 + 8 * 5 + 80);
    for (at, text, expected) in [
        (184, "512", "number of header bytes (byte 184) is \"512\" where 768 (for 2 signals)"),
        (252, "0   ", "number of signals (byte 252) is \"0\""),
        (244, "0", "record duration (byte 244) is \"0\" where more than 0 s"),
        (244, "-1", "record duration (byte 244)"),
        (236, "many", "number of records (byte 236) is \"many\""),
        (samples, "-3", "samples per record of channel \"Cz\""),
        (samples, "99999999", "holds no whole record: one needs 300000006 bytes"),
        (192, "BDF+D", "marked BDF+D (byte 192) but has no \"BDF Annotations\" channel"),
    ] {
        let mut bytes = good.clone();
        let width = if at == 252 { 4 } else { 8 };
        bytes[at..at + width].copy_from_slice(format!("{text:<width$}").as_bytes());
        let folder = Folder::new();
        let error = check(&folder.write("a.bdf", &bytes), bytes.len()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn what_is_no_recording_is_refused_by_its_first_bytes() {
    let folder = Folder::new();
    for (name, bytes, expected) in [
        ("a.edf", b"\x1f\x8b\x08".as_slice(), "neither EDF, nor BDF, nor a BrainVision header"),
        ("b.txt", b"hello", "neither EDF, nor BDF, nor a BrainVision header"),
        ("c.edf", b"", "has 0 bytes where the header alone needs 256"),
        ("d.edf", b"0", "has 1 bytes where the header alone needs 256"),
        ("e.vmrk", VMRK.as_bytes(), "is a BrainVision marker file, and the header \"e.vhdr\" is not beside it"),
    ] {
        let error = SignalFile::open(folder.write(name, bytes)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let folder_error = SignalFile::open(folder.path("")).unwrap_err().to_string();
    assert!(folder_error.contains("is a folder where a regular file is needed"), "{folder_error}");
}

#[test]
fn the_inputs_that_the_fuzzers_begin_with_are_recordings() {
    let corpus = |target: &str| Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus")).join(target);
    let inputs = |target: &str| {
        let entries = std::fs::read_dir(corpus(target)).unwrap();
        entries.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect::<Vec<_>>()
    };
    let folder = Folder::new();
    for bytes in inputs("edf") {
        check(&folder.write("a.edf", &bytes), bytes.len()).unwrap();
    }
    for bytes in inputs("brainvision") {
        // As the target splits them.
        let parts: Vec<_> = bytes.splitn(3, |byte| *byte == 0x1e).collect();
        ["vmrk", "eeg"]
            .iter()
            .zip(&parts[1..])
            .for_each(|(ending, part)| drop(folder.write(&format!("a.{ending}"), part)));
        check(&folder.write("a.vhdr", parts[0]), bytes.len()).unwrap();
        let file = SignalFile::open(folder.path("a.vhdr")).unwrap();
        assert_eq!((file.annotations().unwrap().len(), file.missing().len(), file.warnings().len()), (3, 0, 0));
    }
}
