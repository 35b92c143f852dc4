//! Real recordings, beside what MNE 1.13.2 and pyedflib 0.1.42 read of them.

use std::io::Write as _;
use std::path::PathBuf;

use signal_files::{FileFormat, SignalFile, stim_value};

use crate::made::{descriptions, read_all};

/// A shared file, or `None` after saying so loudly. With `MANYHANDS_REQUIRE_SHARED` set, absence is a failure.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("MANYHANDS_REQUIRE_SHARED").is_none(), "{} is required and absent", path.display());
    // Not `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "SKIPPED: {} is not there, so no real recording was read", path.display())
        .expect("the terminal takes a line");
    None
}

/// First and last value and the sum, by name of the channel.
fn assert_values(file: &SignalFile, expected: &[(&str, [f64; 3])], tolerance: f64) {
    for (name, [first, last, sum]) in expected {
        let idx = file.channels().iter().position(|channel| channel.name == *name).unwrap();
        let values = file.read_channel(idx).unwrap();
        let found = [values[0], values[values.len() - 1], values.iter().sum()];
        // Theirs is added up in another order.
        let allowed = [tolerance, tolerance, tolerance * values.len() as f64 + 1e-12 * sum.abs()];
        for ((ours, theirs), allowed) in found.into_iter().zip([first, last, sum]).zip(allowed) {
            assert!((ours - theirs).abs() <= allowed, "{name}: {ours} is not {theirs}");
        }
    }
}

/// Reading all channels in one pass gives what reading each alone does.
fn assert_one_pass(file: &SignalFile) {
    for (idx, values) in read_all(file).unwrap().iter().enumerate() {
        assert_eq!(values.len(), file.channels()[idx].n_samples);
        assert_eq!(*values, file.read_channel(idx).unwrap());
    }
}

#[test]
fn an_edf_plus_file_of_140_signals_has_its_samples_and_annotations() {
    let Some(path) = shared("eeg/test.edf") else { return };
    let file = SignalFile::open(path).unwrap();
    assert_eq!((file.format(), file.channels().len()), (FileFormat::EdfPlusContinuous, 139));
    assert_eq!((file.start_ns(), file.patient()), (1_398_809_984_000_000_000, "X X X X"));
    assert!(
        file.channels().iter().all(|each| (each.rate_hz, each.n_samples) == (512.0, 3072) && each.refused.is_none())
    );
    let expected =
        [("A1", [-15.0, -30.0, -7386.0]), ("A2", [-9.0, -18.0, 17910.0]), ("Status", [4352.0, 0.0, 57624.0])];
    assert_values(&file, &expected, 1e-12);
    let annotations = [
        (0.0, None, "start"),
        (0.1344, Some(0.256), "type A"),
        (0.3904, Some(1.0), "type A"),
        (2.0, None, "type B"),
        (2.5, Some(2.5), "type A"),
    ];
    assert_eq!(descriptions(&file), annotations.map(|(onset, duration, text)| (onset, duration, text.to_owned())));
    assert_one_pass(&file);
}

#[test]
fn the_triggers_of_a_status_channel_are_those_that_mne_reads() {
    let Some(path) = shared("eeg/test_stim_channel.edf") else { return };
    let file = SignalFile::open(path).unwrap();
    assert_values(&file, &[("tRigGer", [6.862030511927335, 6.862030511927335, 1200815209.224817])], 1e-9);
    let values = file.read_channel(1).unwrap();
    let triggers: Vec<i64> = values.iter().map(|value| stim_value(*value)).collect();
    assert_eq!(triggers.iter().sum::<i64>(), 99_708_000);
    assert_eq!((triggers[98], triggers[99]), (6, 82496));
    assert_eq!(triggers.windows(2).filter(|pair| pair[0] < pair[1]).count(), 1200);
}

#[test]
fn channels_of_unlike_rates_keep_their_own() {
    let Some(path) = shared("eeg/test_uneven_samp.edf") else { return };
    let file = SignalFile::open(path).unwrap();
    let rates: Vec<_> = file.channels().iter().map(|channel| (channel.rate_hz, channel.n_samples)).collect();
    assert_eq!((file.format(), rates), (FileFormat::Edf, vec![(100.0, 11000), (12.8, 1408)]));
    let expected = [("3Hz +5/-5 V", [0.0, -0.9326171875, 26.318359375]), ("0.2Hz Blk 1/0uV", [1.0, 0.0, 704.0])];
    assert_values(&file, &expected, 1e-12);
    assert_one_pass(&file);
}

#[test]
fn a_bdf_file_has_24_bits_and_a_status_channel_that_is_not_scaled() {
    let Some(path) = shared("eeg/test.bdf") else { return };
    let file = SignalFile::open(path).unwrap();
    assert_eq!((file.format(), file.channels().len()), (FileFormat::Bdf, 73));
    let expected = [
        ("Fp1", [14660.582285021678, 14639.51982393979, 30049661.88016992]),
        ("EXG8", [-259406.4425583149, -259405.4738101049, -531267374.9476717]),
    ];
    assert_values(&file, &expected, 1e-9);
    let status = file.read_channel(72).unwrap();
    assert!(status.iter().all(|value| (0.0..16_777_216.0).contains(value) && value.fract() == 0.0));
    let triggers: Vec<i64> = status.iter().map(|value| stim_value(*value)).collect();
    assert_eq!((triggers[588], triggers[589], triggers.iter().sum::<i64>()), (0, 128, 2688));
    assert_one_pass(&file);
}

#[test]
fn a_multiplexed_brainvision_file_has_its_samples_units_and_markers() {
    let Some(path) = shared("eeg/test.vhdr") else { return };
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.format(), file.channels().len()), (FileFormat::BrainVision, 32));
    assert_eq!(file.start_ns(), 1_384_359_243_794_232_000);
    assert!(file.channels().iter().all(|each| (each.rate_hz, each.n_samples) == (1000.0, 7900)));
    let units: Vec<_> = [0, 1, 2, 26, 27, 31].map(|idx| file.channels()[idx].unit.as_str()).to_vec();
    assert_eq!(units, ["µV", "µV", "µV", "BS", "µS", "C"]);
    let expected = [
        ("FP1", [-23.5, 25.5, 919.5]),
        ("FP2", [-18.0, 31.5, 48143.5]),
        ("Vb", [-24.0, 25.0, 800.0]),
        ("ReRef", [171.5, 221.5, 1545295.0]),
    ];
    assert_values(&file, &expected, 0.0);
    let markers = descriptions(&file);
    assert_eq!(markers.len(), 14);
    let some = [
        (0, (0.0, 0.001, "New Segment/")),
        (1, (0.486, 0.0, "Stimulus/S253")),
        (3, (1.769, 0.001, "Event/254")),
        (9, (5.999, 0.001, "Response/R255")),
        (12, (7.629, 0.001, "SyncStatus/Sync On")),
        (13, (7.699, 0.001, "Optic/O  1")),
    ];
    for (idx, (onset, duration, text)) in some {
        assert_eq!(markers[idx], (onset, Some(duration), text.to_owned()));
    }
    assert_eq!((file.missing().len(), file.warnings().len()), (0, 0));
    assert_one_pass(&file);
    let by_samples = SignalFile::open(path.with_extension("eeg")).unwrap();
    assert_eq!((by_samples.path(), by_samples.channels()), (path.as_path(), file.channels()));
}

#[test]
fn a_vectorized_brainvision_file_with_an_old_header_in_latin_1_is_read() {
    let Some(path) = shared("eeg/test_old_layout_latin1_software_filter.vhdr") else { return };
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.channels().len(), file.channels()[0].n_samples, file.channels()[0].rate_hz), (29, 251, 250.0));
    assert_eq!(file.channels()[0].unit, "µV");
    let expected = [
        ("F7", [5.220000076293945, -4.070000076293945, -499.5800005063415]),
        ("HEOGli", [9.269999694824218, -5.1, -511.6900003135205]),
        ("HEOGre", [-7.359999847412109, 4.309999847412109, 419.8499988079071]),
    ];
    assert_values(&file, &expected, 1e-12);
    let markers = descriptions(&file);
    assert_eq!(markers.iter().map(|marker| marker.0).collect::<Vec<_>>(), [0.0, 0.004]);
    assert_eq!(file.start_ns(), 1_184_588_560_937_454_000);
    assert_one_pass(&file);
}
