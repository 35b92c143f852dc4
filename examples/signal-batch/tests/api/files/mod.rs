//! Captures in files: what is read, what reads back with the same bits, and what is refused, with its name and the way out.

mod changed;
mod npy;
mod numpy;
mod paths;
mod wav;

use std::fs;
use std::path::Path;

use manyhands_test_support::rng::Rng;
use signal_batch::files::{
    FileKind, ReadSettings, capture_paths, parse_capture, read_capture, write_csv, write_npy, write_wav,
};
use signal_batch::{BatchError, Capture};

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

#[test]
fn a_file_that_states_another_rate_than_the_given_one_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    write_wav(&Capture::new("a", 8000.0, vec![0.5, -0.5, 0.25]).unwrap(), &path).unwrap();
    let of_wav = |settings| read_capture(&path, &settings).unwrap();
    let other = of_wav(rate(1000.0));
    assert_eq!((other.rate_hz(), other.overruled_rate_hz), (1000.0, Some(8000.0)));
    assert_eq!(of_wav(rate(8000.0)).overruled_rate_hz, None);
    assert_eq!(of_wav(ReadSettings::default()).overruled_rate_hz, None);
    let of_csv = |text| {
        let capture = read(FileKind::Csv, text, &rate(1000.0));
        (capture.rate_hz(), capture.overruled_rate_hz)
    };
    assert_eq!(of_csv("time (ms),CH1\n0,1.5\n0.5,2\n1.0,2.5\n"), (1000.0, Some(2000.0)));
    for says_no_other in [
        "time (ms),CH1\n0,1.5\n1.0001,2\n2,2.5\n",
        "time (ms),CH1\n0,1.5\n7,2\n9,2.5\n",
        "time (ms),CH1\n0,1.5\nlater,2\n9,2.5\n",
        "time (weeks),CH1\n0,1.5\n1,2\n2,2.5\n",
        "CH1\n1.5\n2\n",
    ] {
        assert_eq!(of_csv(says_no_other), (1000.0, None), "{says_no_other}");
    }
}
