//! Reading EDF and EDF+: a real night, and made files for what that night does not show.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use sleep_analysis::{EDF_COLUMN, EdfFile, EdfKind, Recording, Signal, SleepError, SleepStage, stages_of_epochs};

use crate::edf_writer::{ChannelToWrite, FileToWrite, OnDisk, START_NS};

const SECOND: i64 = 1_000_000_000;

/// The real night, or `None` after saying so loudly.
pub(crate) fn real_night() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/psg_nox_2min.edf"));
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_none(), "{} is required and absent", path.display());
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: {} is not there, so no real recording was read", path.display())
        .expect("the terminal takes a line");
    None
}

fn signal<'a>(recording: &'a Recording, name: &str) -> &'a Signal {
    recording.signals.iter().find(|signal| signal.name() == name).unwrap()
}

fn values(signal: &Signal) -> &[f64] {
    signal.column(EDF_COLUMN).unwrap()
}

fn two_channels() -> FileToWrite {
    let fast = ChannelToWrite::samples("EEG C3", 4, &[0, 10, 20, 30, 40, 50, 60, -1000]);
    let slow = ChannelToWrite::samples("SpO2", 1, &[970, 1000]);
    FileToWrite::new("", "2", vec![fast, slow])
}

fn read_all(file: &FileToWrite) -> Recording {
    file.on_disk().open().read_all().unwrap()
}

// ---- The real night ----

#[test]
fn every_channel_of_a_real_night_is_read() {
    let Some(path) = real_night() else { return };
    let night = EdfFile::open(path).unwrap();
    assert_eq!((night.kind(), night.n_records(), night.record_duration_ns()), (EdfKind::Continuous, 12, 10 * SECOND));
    let mut n_channels = BTreeMap::new();
    for channel in night.channels() {
        *n_channels.entry(channel.rate_hz as i64).or_insert(0) += 1;
        assert_eq!(channel.rate_hz.fract(), 0.0);
    }
    // 89 channels: the 90th of the header is the annotations.
    assert_eq!(n_channels, BTreeMap::from([(1, 28), (3, 4), (5, 1), (20, 6), (25, 11), (75, 3), (100, 5), (200, 31)]));

    let read = night.read_all().unwrap();
    assert_eq!(read.signals.len(), 89);
    for (channel, signal) in night.channels().iter().zip(&read.signals) {
        assert_eq!((signal.name(), signal.len()), (channel.name.as_str(), 12 * channel.samples_per_record));
        assert!(values(signal).iter().all(|value| value.is_finite()), "{}", signal.name());
        assert!(signal.is_sorted());
        // The last sample is one period before the end of the two minutes, cut to the nanosecond.
        let samples = channel.samples_per_record as i64;
        let last = START_NS + 110 * SECOND + (samples - 1) * 10 * SECOND / samples;
        assert_eq!((signal.timestamps_ns()[0], *signal.timestamps_ns().last().unwrap()), (START_NS, last));
    }
    assert_eq!((read.start_ns, read.annotations.len()), (START_NS, 0));
    assert_eq!(read.missing, Vec::<String>::new());
    // Both inductance channels reach from "-0.00000" to "0.000009": their header lost the digits.
    assert_eq!(read.warnings.len(), 2, "{:?}", read.warnings);
    assert!(read.warnings.iter().all(|warning| warning.contains("Inductance")));
}

#[test]
fn non_ascii_labels_and_units_of_a_real_night_are_read() {
    let Some(path) = real_night() else { return };
    let night = EdfFile::open(path).unwrap();
    let label = |idx: usize| night.channels()[idx].label.as_str();
    assert_eq!((label(0), label(1), label(15), label(88)), ("1", "1 Impédance", "C3", "Audio Volume dB"));
    let degrees: Vec<_> = night.channels().iter().filter(|channel| channel.unit == "°").map(|c| &c.label).collect();
    assert_eq!(degrees, ["RIP-Phase", "PosAngle", "PWA"]);
    let read = night.read_channels(&["O2 Impédance", "1 Impédance"]).unwrap();
    assert_eq!(read.signals.iter().map(Signal::name).collect::<Vec<_>>(), ["O2 Impédance", "1 Impédance"]);
    assert_eq!(values(&read.signals[1])[0], 2735.125431073946);
}

/// First, middle and last value, and the sum, as edfio 0.4.18 reads them; mne 1.13.2 gives the same values within 1e-12.
#[test]
fn values_of_a_real_night_are_those_of_other_readers() {
    let Some(path) = real_night() else { return };
    let expected = [
        ("C3", [-5.902987762077726e-05, -6.102761925107604e-05, -4.8142185735648935e-05], -0.35482918610187714),
        ("X Axis", [-0.7996269420453499, -0.8056086596270633, -0.7919361622974328], -1908.8615188915664),
        ("Heart Rate", [69.76531266212959, 70.5893124179815, 70.5893124179815], 24405.377361369676),
        ("ECG", [0.0037496126133001705, 0.0037808635517443366, 0.004093372936186001], 93.30973988760523),
        ("Pulse Waveform", [5756.587847529527, 1109.516937772759, 340.50520340586564], 24891464.888073366),
    ];
    let night = EdfFile::open(path).unwrap();
    for (name, three, sum) in expected {
        let read = night.read_channels(&[name]).unwrap();
        let read = values(&read.signals[0]);
        // Each reader rounds the scale differently; the error is relative to the range, not to the value.
        let channel = night.channels().iter().find(|channel| channel.name == name).unwrap();
        let tolerance = 1e-14 * (channel.physical_range[1] - channel.physical_range[0]);
        for (ours, theirs) in [read[0], read[read.len() / 2], read[read.len() - 1]].into_iter().zip(three) {
            assert!((ours - theirs).abs() <= tolerance, "{name}: {ours} is not {theirs}");
        }
        assert!((read.iter().sum::<f64>() - sum).abs() <= tolerance * read.len() as f64, "{name}");
    }
}

// ---- Times ----

#[test]
fn samples_are_scaled_and_timed_per_channel() {
    let read = read_all(&two_channels());
    assert_eq!(values(signal(&read, "EEG C3")), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -100.0]);
    assert_eq!(values(signal(&read, "SpO2")), [97.0, 100.0]);
    let half_seconds: Vec<_> = (0..8).map(|idx| START_NS + idx * SECOND / 2).collect();
    assert_eq!(signal(&read, "EEG C3").timestamps_ns(), half_seconds);
    assert_eq!(signal(&read, "SpO2").timestamps_ns(), [START_NS, START_NS + 2 * SECOND]);
    assert_eq!((read.missing.len(), read.warnings.len()), (0, 0));
    assert_eq!(read.patient, "patient ü");
}

#[test]
fn the_header_of_a_channel_is_listed() {
    let file = two_channels().on_disk().open();
    let channel = &file.channels()[1];
    let texts = [&channel.name, &channel.label, &channel.unit, &channel.transducer, &channel.prefilter];
    assert_eq!(texts, ["SpO2", "SpO2", "uV", "AgAgCl", "HP:0.3Hz"]);
    assert_eq!((channel.rate_hz, channel.samples_per_record), (0.5, 1));
    assert_eq!((channel.physical_range, channel.digital_range), ([-100.0, 100.0], [-1000.0, 1000.0]));
}

#[test]
fn a_rate_without_whole_nanoseconds_does_not_drift() {
    // Of six samples in a record, the fourth is on a whole nanosecond again.
    for (duration, duration_ns, n_samples) in [("0.7", 700_000_000, 3), ("1", SECOND, 6)] {
        let channel = ChannelToWrite::samples("HR", n_samples, &vec![7; n_samples * 5000]);
        let read = read_all(&FileToWrite::new("", duration, vec![channel]));
        let n_samples = n_samples as i64;
        for (idx, timestamp) in read.signals[0].timestamps_ns().iter().enumerate() {
            let (record, sample) = (idx as i64 / n_samples, idx as i64 % n_samples);
            assert_eq!(*timestamp, START_NS + record * duration_ns + sample * duration_ns / n_samples);
        }
    }
}

#[test]
fn a_record_that_would_end_after_the_last_64_bit_time_is_left_out() {
    let lists = ChannelToWrite::annotations(&["+0@@", "+7705491025@@", "+7705491026@@"]);
    let read = read_all(&FileToWrite::new("EDF+D", "1", vec![ChannelToWrite::samples("EEG", 1, &[10, 20, 30]), lists]));
    assert_eq!(read.signals[0].timestamps_ns(), [START_NS, 9_223_372_035 * SECOND]);
    assert_eq!(values(&read.signals[0]), [1.0, 2.0]);
    assert!(read.missing[0].contains("the first is record 2"), "{:?}", read.missing);
}

#[test]
fn an_edf_plus_file_starts_at_the_fraction_of_a_second_that_it_states() {
    let lists = ChannelToWrite::annotations(&["+0.25@@", "+1.25@@"]);
    let file = FileToWrite::new("EDF+C", "1", vec![ChannelToWrite::samples("EEG", 2, &[1, 2, 3, 4]), lists]);
    let read = read_all(&file);
    let start = START_NS + SECOND / 4;
    assert_eq!(read.start_ns, start);
    assert_eq!(read.signals[0].timestamps_ns(), [start, start + SECOND / 2, start + SECOND, start + SECOND * 3 / 2]);
    assert_eq!((read.annotations.len(), read.warnings.len()), (0, 0));
}

#[test]
fn records_of_a_discontinuous_file_keep_their_gaps() {
    let lists = ChannelToWrite::annotations(&["+0@@", "+1@@", "+3600.5@@"]);
    let eeg = ChannelToWrite::samples("EEG", 2, &[1, 2, 3, 4, 5, 6]);
    let read = read_all(&FileToWrite::new("EDF+D", "1", vec![lists, eeg]));
    let after_gap = START_NS + 3600 * SECOND + SECOND / 2;
    assert_eq!(read.signals[0].timestamps_ns()[3..], [START_NS + SECOND * 3 / 2, after_gap, after_gap + SECOND / 2]);
    assert_eq!((read.missing.len(), read.warnings.len()), (0, 0));
}

#[test]
fn a_discontinuous_record_without_a_time_is_left_out_and_named() {
    let lists = ChannelToWrite::annotations(&["+0@@", "+7@Sleep stage W@", "+20@@"]);
    let eeg = ChannelToWrite::samples("EEG", 2, &[10, 20, 30, 40, 50, 60]);
    let read = read_all(&FileToWrite::new("EDF+D", "1", vec![eeg, lists]));
    assert_eq!(values(&read.signals[0]), [1.0, 2.0, 5.0, 6.0]);
    assert_eq!(read.signals[0].timestamps_ns()[2], START_NS + 20 * SECOND);
    assert!(read.missing[0].starts_with("1 of 3 records state no onset (the first is record 1)"), "{:?}", read.missing);
    assert_eq!(read.annotations.len(), 1);
}

#[test]
fn a_gap_in_a_file_marked_continuous_is_a_warning() {
    let lists = ChannelToWrite::annotations(&["+0@@", "+1@@", "+9@@"]);
    let eeg = ChannelToWrite::samples("EEG", 1, &[10, 20, 30]);
    let read = read_all(&FileToWrite::new("EDF+C", "1", vec![eeg, lists]));
    assert_eq!(read.signals[0].timestamps_ns()[2], START_NS + 2 * SECOND);
    assert!(read.warnings[0].contains("1 records state another time"), "{:?}", read.warnings);
}

#[test]
fn records_that_overlap_are_a_warning() {
    let lists = ChannelToWrite::annotations(&["+5@@", "+0@@"]);
    let read = read_all(&FileToWrite::new("EDF+D", "1", vec![ChannelToWrite::samples("EEG", 1, &[1, 2]), lists]));
    assert!(read.warnings[0].starts_with("1 records begin before"), "{:?}", read.warnings);
    assert!(!read.signals[0].is_sorted());
}

#[test]
fn an_unusable_date_becomes_the_anonymous_one_with_a_warning() {
    let mut file = two_channels();
    file.start = ["XX.XX.XX", "01.36.50"];
    let read = read_all(&file);
    assert_eq!(read.start_ns, 473_385_600 * SECOND + 5810 * SECOND);
    assert!(read.warnings[0].contains("\"XX.XX.XX\""), "{:?}", read.warnings);
}

#[test]
fn years_follow_the_rules_of_edf_and_edf_plus() {
    for (date, recording, seconds) in [
        ("01.01.85", "X", 473_385_600),
        ("31.12.84", "X", 3_629_059_200),
        ("29.02.00", "X", 951_782_400),
        ("02.03.85", "Startdate 02-MAR-2085 X", 3_634_329_600),
        // A long year that contradicts the short one is no better than it.
        ("01.01.85", "Startdate 01-JAN-2018 X", 473_385_600),
    ] {
        let mut file = two_channels();
        (file.start, file.recording) = ([date, "00.00.00"], recording.to_string());
        assert_eq!(read_all(&file).start_ns, seconds * SECOND, "{date} {recording}");
    }
}

// ---- Annotations and stages ----

#[test]
fn annotations_keep_onset_duration_and_text() {
    let lists = ChannelToWrite::annotations(&[
        "+0@@|+1.5^30@Sleep stage N2@Müdigkeit@|-2@before@",
        "+1@@lights off@|+0.000000001@µ@",
    ]);
    let read = read_all(&FileToWrite::new("EDF+C", "1", vec![ChannelToWrite::samples("EEG", 1, &[1, 2]), lists]));
    let read: Vec<_> =
        read.annotations.iter().map(|each| (each.onset_ns - START_NS, each.duration_ns, each.text.as_str())).collect();
    assert_eq!(
        read,
        [
            (-2 * SECOND, None, "before"),
            (1, None, "µ"),
            (SECOND, None, "lights off"),
            (SECOND * 3 / 2, Some(30 * SECOND), "Sleep stage N2"),
            (SECOND * 3 / 2, Some(30 * SECOND), "Müdigkeit"),
        ]
    );
}

#[test]
fn an_annotation_without_a_readable_time_is_counted() {
    let lists = ChannelToWrite::annotations(&["+0@@|soon@arousal@|+2^long@apnea@|+3@seen@|+9^-1@x@"]);
    let read = read_all(&FileToWrite::new("EDF+C", "1", vec![lists]));
    assert_eq!(read.annotations.iter().map(|each| each.text.as_str()).collect::<Vec<_>>(), ["seen"]);
    assert_eq!(read.missing, ["3 annotations have no readable time and are left out"]);
}

#[test]
fn a_scoring_file_gives_the_hypnogram() {
    let lists = ChannelToWrite::annotations(&[
        "+0@@|+0^60@Sleep stage W@|+60^30@Sleep stage 1@|+90^30@Sleep stage ?@",
        "+0@@|+120@sleep-n3@|+150@SLEEP-REM@|+70^1@Arousal@",
    ]);
    let file = FileToWrite::new("EDF+C", "0", vec![lists]).on_disk();
    let read = file.open().read_channels(&[]).unwrap();
    assert_eq!((read.signals.len(), read.warnings.len()), (0, 0));
    let starts: Vec<_> = (-1..8).map(|epoch| START_NS + epoch * 30 * SECOND).collect();
    let stages = stages_of_epochs(&read.annotations, &starts, 30 * SECOND).unwrap();
    let (wake, n1, n3, rem) = (SleepStage::Wake, SleepStage::N1, SleepStage::N3, SleepStage::Rem);
    assert_eq!(stages, [None, Some(wake), Some(wake), Some(n1), None, Some(n3), Some(rem), None, None]);
    assert!(matches!(stages_of_epochs(&read.annotations, &starts, 0), Err(SleepError::Config(_))));
}

// ---- Labels and names ----

#[test]
fn labels_are_utf8_or_latin_1_and_a_cut_letter_is_dropped() {
    for (bytes, label) in [
        (b"1 Imp\xc3\xa9dance".as_slice(), "1 Impédance"),
        (b"1 Imp\xe9dance", "1 Impédance"),
        (b"Imp\xc3\xa9dance long\xc3", "Impédance long"),
        (b"Jambe gauche Im\xe9", "Jambe gauche Imé"),
        (b"tab\tesc\x1b", "tab\u{fffd}esc\u{fffd}"),
        (b"nul\0\0", "nul"),
        (b"", "channel 1"),
    ] {
        let mut file = two_channels();
        file.channels[0].label = bytes.to_vec();
        file.channels[0].unit = b"\xb5V".to_vec();
        let file = file.on_disk().open();
        assert_eq!((file.channels()[0].name.as_str(), file.channels()[0].unit.as_str()), (label, "µV"));
    }
}

#[test]
fn channels_of_one_label_get_names_of_their_own() {
    let labels = ["EEG", "EEG#2", "EEG", "EMG", "EEG"];
    let channel = |(idx, label): (usize, &&str)| ChannelToWrite::samples(label, 1, &[idx as i16 * 10]);
    let on_disk = FileToWrite::new("", "1", labels.iter().enumerate().map(channel).collect()).on_disk();
    let file = on_disk.open();
    let names: Vec<_> = file.channels().iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["EEG", "EEG#2", "EEG#3", "EMG", "EEG#4"]);
    assert_eq!(file.channels()[2].label, "EEG");
    assert_eq!(file.warnings().len(), 2);
    let read = file.read_channels(&["EEG#4", "EEG"]).unwrap();
    assert_eq!((values(&read.signals[0]), values(&read.signals[1])), ([4.0].as_slice(), [0.0].as_slice()));
}

#[test]
fn an_unknown_or_repeated_name_is_an_error_that_lists_the_names() {
    let file = two_channels().on_disk();
    let open = file.open();
    let unknown = open.read_channels(&["EEG C3", "eeg c4"]).unwrap_err().to_string();
    assert!(unknown.contains("no channel is named \"eeg c4\"; there are \"EEG C3\", \"SpO2\""), "{unknown}");
    assert!(unknown.contains("night.edf"), "{unknown}");
    assert!(matches!(open.read_channels(&["SpO2", "SpO2"]), Err(SleepError::Config(_))));
}

// ---- What is incomplete or wrong ----

#[test]
fn a_cut_file_gives_its_whole_records_and_says_what_is_missing() {
    let bytes = two_channels().bytes();
    let read = OnDisk::new(&bytes[..bytes.len() - 1]).open().read_all().unwrap();
    assert_eq!(values(signal(&read, "EEG C3")), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(values(signal(&read, "SpO2")), [97.0]);
    assert!(
        read.missing[0].starts_with("the last 1 of 2 records (2 s): the file ends after 1 whole records and 9 bytes")
    );
}

#[test]
fn an_unclosed_recording_is_read_to_its_end() {
    for n_records in ["-1", "0"] {
        let mut file = two_channels();
        file.n_records = n_records.to_string();
        let read = read_all(&file);
        assert_eq!((read.signals[0].len(), read.missing.len(), read.warnings.len()), (8, 0, 1));
        let bytes = file.bytes();
        let read = OnDisk::new(&bytes[..bytes.len() - 4]).open().read_all().unwrap();
        assert_eq!((read.signals[0].len(), read.missing.len()), (4, 1));
        assert!(read.missing[0].contains("cut after 6 of 10 bytes"), "{:?}", read.missing);
    }
}

#[test]
fn bytes_behind_the_promised_records_are_not_read_and_named() {
    let mut file = two_channels();
    file.n_records = "1".to_string();
    let read = read_all(&file);
    assert_eq!(read.signals[0].len(), 4);
    assert!(read.missing[0].starts_with("10 bytes follow the 1 records"), "{:?}", read.missing);
}

#[test]
fn a_bad_header_number_is_named_with_its_channel_and_byte() {
    type Change = fn(&mut FileToWrite);
    let cases: [(Change, &str); 9] = [
        (
            |file| file.channels[1].samples_per_record = "many".into(),
            "samples per record of channel \"SpO2\" (byte 696)",
        ),
        (
            |file| file.channels[0].samples_per_record = "-4".into(),
            "samples per record of channel \"EEG C3\" (byte 688)",
        ),
        (|file| file.n_records = "-2".into(), "number of records (byte 236) is \"-2\""),
        (|file| file.record_duration = "ten".into(), "record duration (byte 244) is \"ten\""),
        (|file| file.record_duration = "-1".into(), "record duration (byte 244) is \"-1\""),
        (|file| file.record_duration = "0".into(), "record duration (byte 244) is \"0\""),
        (|file| file.header_bytes = Some("512"), "number of header bytes (byte 184) is \"512\" where 768"),
        (|file| file.record_duration = "99999999".into(), "year 2262"),
        (|file| file.reserved = "EDF+D", "marked EDF+D (byte 192) but has no \"EDF Annotations\" channel"),
    ];
    for (change, expected) in cases {
        let mut file = two_channels();
        if expected == "year 2262" {
            file.channels = vec![ChannelToWrite::samples("EEG", 1, &[0; 100])];
            file.n_records = "100".to_string();
        }
        change(&mut file);
        let refusal = file.on_disk().refusal();
        assert!(refusal.contains(expected) && refusal.contains("night.edf"), "{refusal}");
    }
}

#[test]
fn a_channel_without_a_scale_is_refused_by_name_and_the_others_are_read() {
    for (ranges, expected) in [
        (["-100", "100", "5", "5"], "channel \"EEG C3\" cannot be read: digital minimum and maximum are both 5"),
        (["1", "1.0", "-5", "5"], "channel \"EEG C3\" cannot be read: physical minimum and maximum are both 1"),
        (["-1e308", "1e308", "0", "1"], "values beyond any number"),
        (["-100", "top", "-5", "5"], "physical maximum of channel \"EEG C3\" (byte 480) is \"top\""),
        (["nan", "100", "-5", "5"], "physical minimum of channel \"EEG C3\" (byte 464) is \"nan\""),
    ] {
        let mut file = two_channels();
        file.channels[0].ranges = ranges;
        let on_disk = file.on_disk();
        let file = on_disk.open();
        let read = file.read_all().unwrap();
        assert_eq!((read.signals.len(), values(&read.signals[0])), (1, [97.0, 100.0].as_slice()));
        assert!(read.missing[0].contains(expected), "{:?}", read.missing);
        assert!(file.read_channels(&["EEG C3"]).unwrap_err().to_string().contains(expected));
        assert_eq!(file.read_channels(&["SpO2"]).unwrap().missing.len(), 0);
    }
}

#[test]
fn a_channel_of_no_samples_is_refused_and_moves_no_other() {
    let mut file = two_channels();
    file.channels.insert(1, ChannelToWrite::samples("off", 0, &[]));
    let read = read_all(&file);
    assert_eq!(values(signal(&read, "EEG C3"))[3..5], [3.0, 4.0]);
    assert_eq!(values(signal(&read, "SpO2")), [97.0, 100.0]);
    assert!(read.missing[0].contains("channel \"off\" cannot be read: it has 0 samples"), "{:?}", read.missing);
}

#[test]
fn an_annotation_channel_of_no_bytes_moves_no_channel() {
    let mut file = two_channels();
    file.channels.insert(1, ChannelToWrite::samples("EDF Annotations", 0, &[]));
    assert_eq!(values(signal(&read_all(&file), "SpO2")), [97.0, 100.0]);
}

#[test]
fn a_range_end_that_lost_its_digits_is_a_warning() {
    let mut file = two_channels();
    file.channels[1].ranges = ["-0.00000", "0.000009", "-5", "5"];
    let warnings = read_all(&file).warnings;
    assert!(warnings[0].contains("\"SpO2\"") && warnings[0].contains("digits were lost"), "{warnings:?}");
}

#[test]
fn what_is_no_edf_file_is_refused_with_the_way_out() {
    let whole = two_channels().bytes();
    let mut other = whole.clone();
    other[..2].copy_from_slice(b"\x1f\x8b");
    for (bytes, expected) in [
        (&[][..], "has 0 bytes where the header alone needs 256"),
        (&whole[..255], "has 255 bytes where the header alone needs 256"),
        (&whole[..700], "has 700 bytes where the header alone needs 768"),
        (&whole[..768], "holds no whole record: one needs 10 bytes"),
        (&other, "not compressed"),
    ] {
        let refusal = OnDisk::new(bytes).refusal();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let absent = EdfFile::open("absent/night.edf").unwrap_err().to_string();
    assert!(absent.contains("cannot be opened") && absent.contains("absent/night.edf"), "{absent}");
}

#[test]
fn a_bdf_file_is_read_as_an_edf_file_is() {
    let file = EdfFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/edf/gap.bdf")).unwrap();
    let read = file.read_all().unwrap();
    assert_eq!(
        (file.kind(), values(signal(&read, "Status"))),
        (EdfKind::Discontinuous, [65_664.0, 0.0, 8_388_608.0, 7.0, 8.0, 9.0].as_slice())
    );
    assert_eq!(signal(&read, "Cz").timestamps_ns()[3], START_NS + 63 * SECOND / 2);
    assert_eq!((read.annotations.len(), read.missing.len(), read.warnings.len()), (1, 0, 0));
}

#[test]
fn a_file_that_shrinks_after_its_header_was_read_is_an_error() {
    let file = two_channels().on_disk();
    let open = file.open();
    std::fs::write(&file.path, &two_channels().bytes()[..770]).unwrap();
    assert!(open.read_all().unwrap_err().to_string().contains("has shrunk"));
}
