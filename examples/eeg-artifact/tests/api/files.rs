//! What recordings are read as, and written as.

use eeg_artifact::ChannelKind;
use eeg_artifact::files::{FileKind, OpenRecording, ReadSettings, write_recording};
use signal_files::{EdfHeader, EdfWriter, EdfWriterChannel, SignalFile};

#[test]
fn a_channel_that_is_no_voltage_or_not_for_correction_keeps_its_numbers_and_its_unit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.edf");
    let channel = |label, unit| EdfWriterChannel::new(label, unit, 100.0, [-320.0, 320.0]);
    let channels = vec![channel("Cz", "uV"), channel("CWL1", "uV"), channel("SpO2", "%"), channel("ECG", "mV")];
    let mut writer = EdfWriter::create(&path, &EdfHeader { channels, ..EdfHeader::default() }).unwrap();
    let row: Vec<f64> = (0..200).map(|n| f64::from(n % 100) - 50.0).collect();
    writer.write_rows(&[row.as_slice(); 4]).unwrap();
    assert_eq!(writer.finish().unwrap().warnings, [""; 0]);
    let open = OpenRecording::open(&path, &ReadSettings::default()).unwrap();
    let recording = open.read(None).unwrap();
    let kinds: Vec<ChannelKind> = recording.info().channels.iter().map(|channel| channel.kind).collect();
    assert_eq!(kinds, [ChannelKind::Eeg, ChannelKind::Misc, ChannelKind::Misc, ChannelKind::Ecg]);
    for (kind, ecg, micro) in [(FileKind::Edf, 1000.0, "uV"), (FileKind::BrainVision, 1000.0, "\u{b5}V")] {
        let stem = folder.path().join("written");
        write_recording(&stem, kind, &recording, Some(open.file())).unwrap();
        let written = SignalFile::open(kind.path(&stem)).unwrap();
        for (idx, (scale, unit)) in [(1.0, micro), (1.0, "uV"), (1.0, "%"), (ecg, micro)].into_iter().enumerate() {
            let found = written.read_channel(idx).unwrap();
            let is_near = |(found, sample): (&f64, &f64)| (found - scale * sample).abs() < 0.01 * scale;
            assert!(found.iter().zip(&row).all(is_near), "{kind}, channel {idx}: {:?}", &found[..5]);
            assert_eq!(written.channels()[idx].unit, unit, "{kind}, channel {idx}");
        }
    }
}

#[test]
fn a_kind_in_volts_needs_a_unit_that_is_a_voltage_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.edf");
    let channel = |label, unit| EdfWriterChannel::new(label, unit, 100.0, [-320.0, 320.0]);
    let channels = vec![channel("Cz", ""), channel("ECG rate", "bpm")];
    let mut writer = EdfWriter::create(&path, &EdfHeader { channels, ..EdfHeader::default() }).unwrap();
    writer.write_rows(&[&[100.0; 200], &[60.0; 200]]).unwrap();
    let _ = writer.finish().unwrap();
    let open = |name: &str, kind| {
        let kinds = vec![(name.to_owned(), kind)];
        OpenRecording::open(&path, &ReadSettings { kinds, ..ReadSettings::default() })
    };
    let taken = open("Cz", ChannelKind::Eeg).unwrap();
    assert!(taken.info().warnings[0].contains("microvolts"), "{:?}", taken.info().warnings);
    assert_eq!(taken.info().channels[1].kind, ChannelKind::Misc, "no voltage, whatever the label says");
    let samples = taken.read(None).unwrap().samples(0).unwrap();
    assert!((samples[0] - 100e-6).abs() < 0.01e-6, "{}", samples[0]);
    let error = open("ECG rate", ChannelKind::Ecg).unwrap_err().to_string();
    assert!(error.contains("bpm") && error.contains("ECG rate"), "{error}");
}

#[test]
fn a_channel_that_cannot_be_read_costs_itself_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.edf");
    let channels = ["Cz", "Pz"].map(|label| EdfWriterChannel::new(label, "uV", 100.0, [-320.0, 320.0]));
    let mut writer =
        EdfWriter::create(&path, &EdfHeader { channels: channels.to_vec(), ..EdfHeader::default() }).unwrap();
    writer.write_rows(&[&[1.0; 200], &[2.0; 200]]).unwrap();
    let _ = writer.finish().unwrap();
    // The second channel's least and greatest value become the same: three channels with the annotations, 8 bytes each.
    let mut bytes = std::fs::read(&path).unwrap();
    let (least, greatest) = (256 + 3 * (16 + 80 + 8) + 8, 256 + 3 * (16 + 80 + 8 + 8) + 8);
    bytes.copy_within(least..least + 8, greatest);
    std::fs::write(&path, bytes).unwrap();
    let open = OpenRecording::open(&path, &ReadSettings::default()).unwrap();
    let names =
        |open: &OpenRecording| open.info().channels.iter().map(|channel| channel.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&open), ["Cz"]);
    assert!(open.info().left_out.len() == 1 && open.info().left_out[0].contains("Pz"), "{:?}", open.info().left_out);
    let chosen = |name: &str| ReadSettings { channels: Some(vec![name.to_owned()]), ..ReadSettings::default() };
    assert_eq!(OpenRecording::open(&path, &chosen("Cz")).unwrap().info().left_out, [""; 0]);
    let refused = OpenRecording::open(&path, &chosen("Pz")).and_then(|open| open.read(None)).unwrap_err();
    assert!(refused.to_string().contains("Pz"), "{refused}");
}
