//! Reading EDF whatever the bytes: a result or a typed error, soon, in memory bounded by the file's length.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sleep_analysis::{EdfFile, SleepError, SleepResult};

use crate::edf::real_night;
use crate::edf_writer::{ChannelToWrite, FileToWrite, OnDisk};

/// A made file with everything in it: three rates, a label that appears twice, annotations in two channels, a gap.
fn everything() -> Vec<u8> {
    let eeg: Vec<i16> = (0..64).collect();
    FileToWrite::new(
        "EDF+D",
        "1",
        vec![
            ChannelToWrite::samples("EEG", 16, &eeg),
            ChannelToWrite::annotations(&["+0@@|+0^30@Sleep stage W@", "+1@@", "+60.5@@a@b@", "+61.5@@"]),
            ChannelToWrite::samples("EEG", 5, &eeg[..20]),
            ChannelToWrite::annotations(&["+0.5@x@", "", "+2^1@y@", "junk"]),
            ChannelToWrite::samples("SpO2", 1, &eeg[..4]),
        ],
    )
    .bytes()
}

/// Opens and reads everything; what is read must hold together.
fn read(file: &OnDisk) -> SleepResult<usize> {
    let edf = EdfFile::open(&file.path)?;
    let recording = edf.read_all()?;
    for signal in &recording.signals {
        assert!(signal.columns()[0].values.iter().all(|value| value.is_finite()));
    }
    Ok(recording.signals.iter().map(|signal| signal.len()).sum())
}

/// Reads within the bound on memory and a generous one on time: the most bytes alive at once are at most 40 times those of the file (the
/// bound for annotations; samples take 8 times theirs), and 100 KiB for the read buffer and the fixed parts.
fn check(bytes: &[u8]) -> SleepResult<usize> {
    let file = OnDisk::new(bytes);
    let begun = Instant::now();
    let mut result = None;
    let used = allocation_counter::measure(|| result = Some(read(&file)));
    let bound = 40 * bytes.len() as u64 + 100 * 1024;
    assert!(used.bytes_max <= bound, "{} bytes were alive at once for a file of {}", used.bytes_max, bytes.len());
    assert!(begun.elapsed() < Duration::from_secs(20));
    let result = result.unwrap();
    assert!(result.as_ref().err().is_none_or(|error| matches!(error, SleepError::File { .. })), "{result:?}");
    result
}

/// A change to a file's bytes; positions are taken modulo the length.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Field(usize, &'static str),
    Copy(usize, usize, usize),
    Truncate(usize),
    Extend(Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let n_bytes = bytes.len().max(1);
        match self {
            Self::Set(at, value) => bytes.iter_mut().skip(at % n_bytes).take(1).for_each(|byte| *byte = *value),
            Self::Field(at, text) => {
                let field = text.bytes().chain(std::iter::repeat(b' ')).take(8);
                bytes.iter_mut().skip(at % n_bytes / 8 * 8).zip(field).for_each(|(byte, new)| *byte = new);
            }
            Self::Copy(from, to, n_copied) => {
                let copied: Vec<_> = bytes.iter().skip(from % n_bytes).take(*n_copied).copied().collect();
                bytes.iter_mut().skip(to % n_bytes).zip(copied).for_each(|(byte, new)| *byte = new);
            }
            Self::Truncate(at) => bytes.truncate(at % n_bytes),
            Self::Extend(tail) => bytes.extend(tail),
        }
    }
}

const NUMBERS: &[&str] =
    &["99999999", "-9999999", "-1", "0", "1", "1e308", "-1e308", "nan", "inf", "9223372.", "0.000001", "+", "", "2"];

/// Header fields are at multiples of 8 from byte 168 on (but for the last), so a `Field` often hits one squarely.
fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Change::Set(at, value)),
        4 => (0usize..2000, proptest::sample::select(NUMBERS)).prop_map(|(at, text)| Change::Field(at, text)),
        2 => (any::<usize>(), any::<usize>(), 1usize..80).prop_map(|(from, to, n)| Change::Copy(from, to, n)),
        1 => any::<usize>().prop_map(Change::Truncate),
        1 => proptest::collection::vec(any::<u8>(), 0..600).prop_map(Change::Extend),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_give_an_answer_or_a_typed_error(changes in proptest::collection::vec(change(), 1..6)) {
        let mut bytes = everything();
        changes.iter().for_each(|change| change.apply(&mut bytes));
        let _ = check(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_version_give_an_answer_or_a_typed_error(tail in proptest::collection::vec(any::<u8>(), 0..1500)) {
        let _ = check(&[b"0       ".as_slice(), &tail].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_real_header_with_changed_bytes_gives_an_answer_or_a_typed_error(
        positions in proptest::collection::vec((0usize..23_296, any::<u8>()), 1..4),
        numbers in proptest::collection::vec((0usize..23_296, proptest::sample::select(&["99999999", "-1", "0", "30000"][..])), 0..3),
    ) {
        let Some(path) = real_night() else { return Ok(()) };
        // Two of the twelve records are enough, and faster.
        let mut bytes = std::fs::read(path).unwrap();
        bytes.truncate(23_296 + 2 * 147_320);
        positions.iter().for_each(|(at, value)| bytes[*at] = *value);
        numbers.iter().for_each(|(at, text)| Change::Field(*at, text).apply(&mut bytes));
        let _ = check(&bytes);
    }
}

#[test]
fn the_unchanged_files_pass_the_same_checks() {
    assert_eq!(check(&everything()), Ok(64 + 20 + 4));
    if let Some(path) = real_night() {
        assert_eq!(check(&std::fs::read(path).unwrap()), Ok(883_800));
    }
}

#[test]
fn sizes_that_the_header_invents_reserve_no_memory() {
    let mut file = FileToWrite::new("", "1", vec![ChannelToWrite::samples("EEG", 16, &[0; 64])]);
    for (n_records, samples_per_record) in
        [("99999999", "16"), ("-1", "99999999"), ("99999999", "99999999"), ("1", "99999999")]
    {
        file.n_records = n_records.to_string();
        file.channels[0].samples_per_record = samples_per_record.to_string();
        let result = check(&file.bytes());
        assert_eq!(result.is_ok(), samples_per_record == "16", "{result:?}");
    }
    let mut bytes = file.bytes();
    bytes[252..256].copy_from_slice(b"9999");
    assert!(check(&bytes).unwrap_err().to_string().contains("needs 2560000"));
}

#[test]
fn samples_take_eight_times_their_bytes() {
    let file = FileToWrite::new("", "1", vec![ChannelToWrite::samples("EEG", 1000, &vec![5; 1_000_000])]).on_disk();
    let used = allocation_counter::measure(|| drop(file.open().read_all().unwrap()));
    let bound = 8 * 2_000_000 + 8 * 1000 + 100 * 1024;
    assert!(used.bytes_max <= bound, "{} bytes were alive at once", used.bytes_max);
}

#[test]
fn the_densest_annotations_stay_within_forty_times_their_bytes() {
    // One letter per text is the most annotations that a number of bytes can hold.
    let texts = format!("+0@@{}", "a@".repeat(38));
    let file = FileToWrite::new("EDF+C", "1", vec![ChannelToWrite::annotations(&[texts.as_str(); 2000])]).on_disk();
    let mut n_annotations = 0;
    let used = allocation_counter::measure(|| n_annotations = file.open().read_all().unwrap().annotations.len());
    assert_eq!(n_annotations, 38 * 2000);
    assert!(used.bytes_max <= 40 * 80 * 2000 + 100 * 1024, "{} bytes were alive at once", used.bytes_max);
}

#[test]
fn a_few_channels_of_many_are_read_without_the_memory_of_the_others() {
    let Some(path) = real_night() else { return };
    let night = EdfFile::open(path).unwrap();
    let used = allocation_counter::measure(|| drop(night.read_channels(&["Heart Rate"]).unwrap()));
    assert!(used.bytes_max < 100 * 1024, "{} bytes were alive at once", used.bytes_max);
}
