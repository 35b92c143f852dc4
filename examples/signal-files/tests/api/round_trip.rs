//! What is written comes back, and what a format cannot hold is said.

use proptest::prelude::*;
use signal_files::{
    BrainVisionChannel, BrainVisionFormat, BrainVisionHeader, BrainVisionWriter, EdfHeader, EdfWriter,
    EdfWriterChannel, FileAnnotation, FileError, FileFormat, SignalFile,
};

use crate::made::{Folder, START_NS, descriptions, gap, read_all};

fn edf_header(channels: Vec<EdfWriterChannel>) -> EdfHeader {
    EdfHeader { channels, start_ns: START_NS, ..EdfHeader::default() }
}

fn one_channel(physical_range: [f64; 2]) -> EdfHeader {
    edf_header(vec![EdfWriterChannel::new("Cz", "uV", 10.0, physical_range)])
}

/// Writes one channel, and gives what is read and what was said.
fn written(header: &EdfHeader, values: &[f64]) -> (Vec<f64>, Vec<String>) {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let mut writer = EdfWriter::create(&path, header).unwrap();
    writer.write_rows(&[values]).unwrap();
    let warnings = writer.finish().unwrap().warnings;
    (SignalFile::open(&path).unwrap().read_channel(0).unwrap(), warnings)
}

#[test]
fn a_value_comes_back_within_half_a_step_and_a_stored_one_exactly() {
    let range = [-3276.8, 1234.5678];
    let step = (range[1] - range[0]) / 65535.0;
    let values: Vec<f64> = (0..1000).map(|idx| range[0] + idx as f64 * 4.51).collect();
    let (read, warnings) = written(&one_channel(range), &values);
    assert_eq!(warnings, Vec::<String>::new());
    for (value, read) in values.iter().zip(&read) {
        assert!((value - read).abs() <= step * 0.501, "{value} {read}");
    }
    assert_eq!(written(&one_channel(range), &read).0, read);
}

proptest! {
    #![proptest_config(manyhands_test_support::property::config(40))]

    #[test]
    fn every_stored_number_of_any_range_is_written_again_as_itself(low in -5e6..5e6, length in 1e-3..4e6) {
        let header = one_channel([low, low + length]);
        let values: Vec<f64> = (0..=650).map(|idx| low + length * idx as f64 / 650.0).collect();
        let (read, _) = written(&header, &values);
        let (again, warnings) = written(&header, &read);
        prop_assert_eq!(again, read);
        // A padded last record is the only loss, except where eight characters make a range coarse.
        prop_assert!(warnings.iter().all(|warning| warning.contains("not full") || warning.contains("coarse")), "{:?}", warnings);
    }
}

#[test]
fn channels_of_unlike_rates_are_written_in_blocks_of_any_length() {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let channel = |label: &str, rate_hz| EdfWriterChannel::new(label, "uV", rate_hz, [-32768.0, 32767.0]);
    let header = EdfHeader { record_seconds: 5.0, ..edf_header(vec![channel("fast", 100.0), channel("slow", 12.8)]) };
    let fast: Vec<f64> = (0..1500).map(f64::from).collect();
    let slow: Vec<f64> = (0..192).map(f64::from).collect();
    let mut writer = EdfWriter::create(&path, &header).unwrap();
    for [fast, slow] in
        [[0..125, 0..16], [125..1375, 16..176], [1375..1500, 176..192]].map(|[a, b]| [&fast[a], &slow[b]])
    {
        writer.write_rows(&[fast, slow]).unwrap();
    }
    assert_eq!(folder.names(), Vec::<String>::new());
    assert_eq!(writer.finish().unwrap().n_records, 3);
    assert_eq!(folder.names(), ["a.edf"]);
    assert_eq!(read_all(&SignalFile::open(&path).unwrap()).unwrap(), [fast, slow]);
}

#[test]
fn annotations_come_back_to_the_nanosecond_from_the_first_sample() {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let annotations: Vec<_> = (0..500)
        .map(|idx| {
            FileAnnotation::new(
                2.0 + f64::from(idx) / 512.0,
                (idx % 2 == 0).then_some(0.125),
                format!("Stimulus/S {idx}"),
            )
        })
        .chain([
            FileAnnotation::new(-0.5, None, "ahead"),
            FileAnnotation::new(1000.25, Some(0.0), "behind, é\nnext line"),
        ])
        .collect();
    let header =
        EdfHeader { annotations: annotations.clone(), start_ns: START_NS + 123_456_789, ..one_channel([-1.0, 1.0]) };
    let mut writer = EdfWriter::create(&path, &header).unwrap();
    writer.write_rows(&[&[0.5; 100]]).unwrap();
    assert_eq!(writer.finish().unwrap().warnings, Vec::<String>::new());
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.start_ns(), file.format()), (START_NS + 123_456_789, FileFormat::EdfPlusContinuous));
    let mut expected = annotations;
    expected.sort_by_key(|annotation| annotation.onset_ns);
    assert_eq!(file.annotations().unwrap(), expected);
    assert_eq!((file.missing().len(), file.warnings().len()), (0, 0), "{:?} {:?}", file.missing(), file.warnings());
}

#[test]
fn several_gaps_come_back_with_the_annotations_between_them() {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let header = EdfHeader {
        gaps: vec![gap(4, -0.5), gap(1, 10.0), gap(3, 0.25)],
        annotations: vec![FileAnnotation::new(11.5, None, "x")],
        ..one_channel([-1.0, 1.0])
    };
    let mut writer = EdfWriter::create(&path, &header).unwrap();
    writer.write_rows(&[&[0.5; 50]]).unwrap();
    let _ = writer.finish().unwrap();
    let file = SignalFile::open(&path).unwrap();
    let gaps: Vec<_> = file.gaps().unwrap().iter().map(|gap| (gap.record, gap.onset_s(), gap.duration_s())).collect();
    assert_eq!(gaps, [(1, 1.0, 10.0), (3, 13.0, 0.25), (4, 14.25, -0.5)]);
    assert_eq!(descriptions(&file), [(11.5, None, "x".to_owned())]);
}

#[test]
fn a_last_record_that_is_not_full_is_filled_and_marked() {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let mut writer = EdfWriter::create(&path, &one_channel([-32768.0, 32767.0])).unwrap();
    writer.write_rows(&[&[7.0; 14]]).unwrap();
    let written = writer.finish().unwrap();
    assert!(written.n_records == 2 && written.warnings[0].contains("its last 0.6 s"), "{written:?}");
    let file = SignalFile::open(&path).unwrap();
    assert_eq!(file.read_channel(0).unwrap(), [7.0; 20]);
    assert_eq!(descriptions(&file), [(1.4, Some(0.6), "BAD_ACQ_SKIP".to_owned())]);
}

#[test]
fn values_that_have_no_room_are_written_as_the_nearest_and_counted() {
    let (read, warnings) = written(
        &one_channel([-100.0, 50.0]),
        &[f64::NAN, f64::INFINITY, -1e300, 51.0, 0.0, -100.0, 50.0, 0.0, 0.0, 0.0],
    );
    let near_zero = 150.0 / 65535.0;
    assert!(read[0].abs() <= near_zero && read[1] == read[0], "{read:?}");
    assert_eq!((read[2], read[3]), (-100.0, 50.0));
    assert!(
        warnings.iter().any(|text| text.contains("2 values are outside of its range from -100 to 50")),
        "{warnings:?}"
    );
    assert!(warnings.iter().any(|text| text.contains("2 values are no finite numbers")), "{warnings:?}");
}

#[test]
fn a_flat_channel_keeps_its_value_and_a_range_in_volts_is_called_coarse() {
    for value in [0.0, -7.0, 12345.0] {
        assert_eq!(written(&one_channel([value; 2]), &[value; 10]), (vec![value; 10], Vec::new()));
    }
    let (_, warnings) = written(&one_channel([-2e-7, 2e-7]), &[0.0; 10]);
    assert!(warnings[0].contains("use a smaller unit"), "{warnings:?}");
}

#[test]
fn texts_beyond_ascii_or_too_long_are_fitted_and_said() {
    let mut header = one_channel([-1.0, 1.0]);
    header.channels[0].label = "Impédance of electrode Cz".to_owned();
    header.channels[0].unit = "µV".to_owned();
    header.patient = "subject 7".to_owned();
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let mut writer = EdfWriter::create(&path, &header).unwrap();
    writer.write_rows(&[&[0.0; 10]]).unwrap();
    let warnings = writer.finish().unwrap().warnings;
    assert!(warnings.len() == 1 && warnings[0].contains("its label"), "{warnings:?}");
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.channels()[0].label.as_str(), file.channels()[0].unit.as_str()), ("Imp_dance of ele", "uV"));
    assert_eq!((file.patient(), file.recording()), ("X X X subject_7", "Startdate 06-FEB-2018 X X X"));
}

#[test]
fn what_cannot_be_written_is_refused_with_the_way_out() {
    let folder = Folder::new();
    let refuse = |header: &EdfHeader| match EdfWriter::create(folder.path("a.edf"), header).unwrap_err() {
        FileError::Request(reason) => reason,
        other => panic!("{other:?}"),
    };
    let with_rate = |rate_hz| edf_header(vec![EdfWriterChannel::new("Cz", "uV", rate_hz, [-1.0, 1.0])]);
    for (header, expected) in [
        (edf_header(Vec::new()), "without channels"),
        (one_channel([f64::NAN, 1.0]), "give two finite numbers"),
        (one_channel([1.0, -1.0]), "the smaller one first"),
        (one_channel([-1e9, 1e9]), "use a larger unit"),
        (with_rate(12.8), "use records of 5 s"),
        (with_rate(0.0), "resample"),
        (with_rate(f64::INFINITY), "resample"),
        (EdfHeader { record_seconds: 1.0 / 3.0, ..one_channel([-1.0, 1.0]) }, "at most eight characters"),
        (EdfHeader { record_seconds: -1.0, ..one_channel([-1.0, 1.0]) }, "above 0"),
        (EdfHeader { start_ns: i64::MAX, ..one_channel([-1.0, 1.0]) }, "the years 1900 to 2199"),
    ] {
        let reason = refuse(&header);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    let absent = EdfWriter::create(folder.path("absent/a.edf"), &one_channel([-1.0, 1.0])).unwrap_err();
    assert!(matches!(&absent, FileError::File { reason, .. } if reason.contains("check the folder")), "{absent}");
    let empty = EdfWriter::create(folder.path("a.edf"), &one_channel([-1.0, 1.0])).unwrap().finish().unwrap_err();
    assert!(empty.to_string().contains("write rows first"), "{empty}");
}

#[test]
fn blocks_of_the_wrong_shape_are_refused_and_leave_the_old_file() {
    let folder = Folder::new();
    let path = folder.write("a.edf", "old");
    let channel = |label: &str, rate_hz| EdfWriterChannel::new(label, "uV", rate_hz, [-1.0, 1.0]);
    let mut writer = EdfWriter::create(&path, &edf_header(vec![channel("a", 10.0), channel("b", 5.0)])).unwrap();
    let one = writer.write_rows(&[&[0.0; 10]]).unwrap_err().to_string();
    assert!(one.contains("1 lists of samples are given for 2 channels"), "{one}");
    let shape = writer.write_rows(&[&[0.0; 10], &[0.0; 10]]).unwrap_err().to_string();
    assert!(shape.contains("10 samples of channel \"b\"") && shape.contains("there are 5 and 10"), "{shape}");
    drop(writer);
    assert_eq!((std::fs::read(&path).unwrap(), folder.names()), (b"old".to_vec(), vec!["a.edf".to_owned()]));
}

#[test]
fn a_gap_that_is_between_no_records_is_refused() {
    for record in [0, 2, usize::MAX] {
        let folder = Folder::new();
        let header = EdfHeader { gaps: vec![gap(record, 1.0)], ..one_channel([-1.0, 1.0]) };
        let mut writer = EdfWriter::create(folder.path("a.edf"), &header).unwrap();
        writer.write_rows(&[&[0.0; 20]]).unwrap();
        let error = writer.finish().unwrap_err().to_string();
        assert!(error.contains("there are records 0 to 1"), "{error}");
    }
}

#[test]
fn times_beyond_all_numbers_end_no_program() {
    let folder = Folder::new();
    let path = folder.path("a.edf");
    let years = |seconds: f64| seconds * 290.0 * 365.0 * 86_400.0;
    let annotations =
        [f64::NAN, f64::INFINITY, 1e300, -1e300].map(|onset_s| FileAnnotation::new(onset_s, Some(-onset_s), "x"));
    let header = EdfHeader {
        gaps: vec![gap(1, years(1.0)), gap(2, -years(1.0))],
        annotations: annotations.to_vec(),
        start_ns: 0,
        ..one_channel([-1.0, 1.0])
    };
    let mut writer = EdfWriter::create(&path, &header).unwrap();
    writer.write_rows(&[&[0.5; 40]]).unwrap();
    assert_eq!(writer.finish().unwrap().n_records, 4);
    assert_eq!(SignalFile::open(&path).unwrap().read_channel(0).unwrap().len(), 40);
    let far = EdfHeader { gaps: vec![gap(1, years(1.0)), gap(2, years(1.0))], ..header };
    let mut writer = EdfWriter::create(&path, &far).unwrap();
    writer.write_rows(&[&[0.5; 40]]).unwrap();
    assert!(writer.finish().unwrap_err().to_string().contains("beyond the year 2262"));
}

#[test]
fn writing_takes_no_more_memory_for_a_longer_recording() {
    let most = |n_blocks: usize| {
        let folder = Folder::new();
        let block = vec![0.5; 2000];
        let used = allocation_counter::measure(|| {
            let header = edf_header(vec![EdfWriterChannel::new("Cz", "uV", 2000.0, [-1.0, 1.0])]);
            let mut writer = EdfWriter::create(folder.path("a.edf"), &header).unwrap();
            for _ in 0..n_blocks {
                writer.write_rows(&[&block]).unwrap();
            }
            let _ = writer.finish().unwrap();
        });
        used.bytes_max
    };
    let (short, long) = (most(2), most(500));
    assert!(long < short + 32 * 1024 && long < 2 << 20, "{short} {long}");
}

fn brainvision(format: BrainVisionFormat, resolution: f64) -> BrainVisionHeader {
    let channel = |name: &str| BrainVisionChannel { resolution, ..BrainVisionChannel::new(name, "µV") };
    BrainVisionHeader {
        start_ns: START_NS + 123_456_000,
        rate_hz: 5000.0,
        format,
        channels: vec![channel("C,z"), channel("Pz")],
        annotations: vec![
            FileAnnotation::new(0.0, Some(0.0002), "New Segment/"),
            FileAnnotation::new(0.0010, Some(0.0), "Response/R, 2"),
            FileAnnotation::new(0.0004, None, "spoke"),
        ],
    }
}

#[test]
fn a_brainvision_recording_comes_back_with_its_markers() {
    let folder = Folder::new();
    let path = folder.path("a.vhdr");
    let rows: [Vec<f64>; 2] = [0.5, -0.25].map(|step| (0..9000).map(|idx| f64::from(idx - 4000) * step).collect());
    for (format, resolution) in [(BrainVisionFormat::Float32, 1.0), (BrainVisionFormat::Int16, 0.25)] {
        let mut writer = BrainVisionWriter::create(&path, &brainvision(format, resolution)).unwrap();
        for range in [0..1, 1..5000, 5000..9000] {
            writer.write_rows(&[&rows[0][range.clone()], &rows[1][range]]).unwrap();
        }
        let written = writer.finish().unwrap();
        assert_eq!((written.n_samples, written.warnings.len()), (9000, 0));
        let file = SignalFile::open(&path).unwrap();
        assert_eq!(read_all(&file).unwrap(), rows);
        assert_eq!((file.start_ns(), file.channels()[0].name.as_str()), (START_NS + 123_456_000, "C,z"));
        assert_eq!((file.missing().len(), file.warnings().len()), (0, 0));
        let expected = [
            (0.0, Some(0.0002), "New Segment/".to_owned()),
            (0.0004, Some(0.0002), "Comment/spoke".to_owned()),
            (0.001, Some(0.0), "Response/R, 2".to_owned()),
        ];
        assert_eq!(descriptions(&file), expected);
    }
    assert_eq!(folder.names(), ["a.eeg", "a.vhdr", "a.vmrk"]);
}

#[test]
fn what_brainvision_cannot_hold_is_counted_or_refused() {
    let folder = Folder::new();
    let path = folder.path("a.vhdr");
    let mut writer = BrainVisionWriter::create(&path, &brainvision(BrainVisionFormat::Int16, 0.5)).unwrap();
    writer.write_rows(&[&[f64::NAN, 1e9], &[0.0, 0.0]]).unwrap();
    let shape = writer.write_rows(&[&[0.0], &[]]).unwrap_err().to_string();
    assert!(shape.contains("[1, 0]"), "{shape}");
    let warnings = writer.finish().unwrap().warnings;
    assert!(warnings.len() == 2 && warnings.iter().all(|text| text.contains("\"C,z\": 1 values")), "{warnings:?}");
    assert_eq!(SignalFile::open(&path).unwrap().read_channel(0).unwrap(), [0.0, 16383.5]);
    let refuse = |name: &str, header: &BrainVisionHeader| {
        BrainVisionWriter::create(folder.path(name), header).unwrap_err().to_string()
    };
    let good = brainvision(BrainVisionFormat::Float32, 1.0);
    assert!(refuse("a.eeg", &good).contains("ends with .vhdr"));
    assert!(refuse("a.vhdr", &brainvision(BrainVisionFormat::Int16, 0.0)).contains("resolution 0"));
    assert!(refuse("a.vhdr", &BrainVisionHeader { rate_hz: 0.0, ..good }).contains("a rate of 0 Hz"));
    assert!(
        refuse("a.vhdr", &BrainVisionHeader { rate_hz: 1.0, ..BrainVisionHeader::default() })
            .contains("without channels")
    );
}
