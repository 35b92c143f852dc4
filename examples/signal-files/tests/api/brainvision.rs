//! BrainVision files made for the test: each form of the samples, cut files, and what the header says of others.

use signal_files::{BrainVisionChannel, BrainVisionHeader, BrainVisionWriter, FileError, SignalFile};

use crate::made::{Folder, VMRK, descriptions, read_all, vhdr};

fn folder_of(header: &str, markers: &str, samples: &[u8]) -> Folder {
    let folder = Folder::new();
    folder.write("a.vhdr", header);
    folder.write("a.vmrk", markers);
    folder.write("a.eeg", samples);
    folder
}

/// A recording, and the folder that it is read from.
fn open(header: &str, markers: &str, samples: &[u8]) -> (SignalFile, Folder) {
    let folder = folder_of(header, markers, samples);
    (SignalFile::open(folder.path("a.vhdr")).unwrap(), folder)
}

fn refusal(header: &str, samples: &[u8]) -> String {
    let folder = folder_of(header, VMRK, samples);
    SignalFile::open(folder.path("a.vhdr")).unwrap_err().to_string()
}

fn int16(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

#[test]
fn each_order_and_kind_of_number_gives_the_same_values() {
    let float = |samples: &[f32]| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>();
    let unsigned = |samples: &[u16]| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>();
    for (orientation, format, samples) in [
        ("MULTIPLEXED", "INT_16", int16(&[2, 10, 4, 20, 6, 30])),
        ("VECTORIZED", "INT_16", int16(&[2, 4, 6, 10, 20, 30])),
        ("MULTIPLEXED", "UINT_16", unsigned(&[2, 10, 4, 20, 6, 30])),
        ("MULTIPLEXED", "IEEE_FLOAT_32", float(&[2.0, 10.0, 4.0, 20.0, 6.0, 30.0])),
        ("VECTORIZED", "IEEE_FLOAT_32", float(&[2.0, 4.0, 6.0, 10.0, 20.0, 30.0])),
    ] {
        let (file, _folder) = open(&vhdr(orientation, format, ""), VMRK, &samples);
        assert_eq!(read_all(&file).unwrap(), [[1.0, 2.0, 3.0], [20.0, 40.0, 60.0]], "{orientation} {format}");
        assert_eq!((file.channels()[0].name.as_str(), file.channels()[0].rate_hz), ("C,z", 500.0));
        assert_eq!((file.missing().len(), file.warnings().len()), (0, 0), "{:?} {:?}", file.missing(), file.warnings());
    }
}

#[test]
fn numbers_below_zero_are_those_of_signed_formats_alone() {
    let samples = int16(&[-2, -1]);
    let (signed, _folder) = open(&vhdr("MULTIPLEXED", "INT_16", ""), VMRK, &samples);
    assert_eq!(read_all(&signed).unwrap(), [[-1.0], [-2.0]]);
    let (unsigned, _folder) = open(&vhdr("MULTIPLEXED", "UINT_16", ""), VMRK, &samples);
    assert_eq!(read_all(&unsigned).unwrap(), [[32767.0], [131_070.0]]);
}

#[test]
fn markers_are_on_the_time_axis_of_the_samples() {
    let (file, _folder) = open(&vhdr("MULTIPLEXED", "INT_16", ""), VMRK, &int16(&[0; 8]));
    let expected = [(0.0, Some(0.002), "New Segment/".to_owned()), (0.004, Some(0.002), "Stimulus/S  1".to_owned())];
    assert_eq!(descriptions(&file), expected);
    assert_eq!(file.start_ns(), crate::made::START_NS);
}

#[test]
fn a_cut_multiplexed_file_gives_its_whole_samples_and_says_what_is_missing() {
    let (file, _folder) = open(&vhdr("MULTIPLEXED", "INT_16", "DataPoints=5"), VMRK, &int16(&[1, 2, 3, 4, 5]));
    assert_eq!(read_all(&file).unwrap(), [[0.5, 1.5], [4.0, 8.0]]);
    assert!(file.missing()[0].contains("after 2 of its 4 bytes"), "{:?}", file.missing());
    assert!(file.missing()[1].contains("the last 3 of 5 samples"), "{:?}", file.missing());
}

#[test]
fn markers_behind_the_last_sample_show_that_a_file_is_cut_between_two_samples() {
    let header = vhdr("MULTIPLEXED", "INT_16", "");
    let (cut, _folder) = open(&header, VMRK, &int16(&[1, 2]));
    assert!(cut.missing()[0].contains("1 markers behind the last sample"), "{:?}", cut.missing());
    for whole in [[0; 4].as_slice(), &[0; 6]] {
        let (file, _folder) = open(&header, VMRK, &int16(whole));
        assert_eq!(file.missing(), Vec::<String>::new());
    }
}

#[test]
fn a_file_of_the_writer_that_is_cut_between_two_samples_says_what_is_missing() {
    let folder = Folder::new();
    let channels = vec![BrainVisionChannel::new("Cz", "µV")];
    let header = BrainVisionHeader { rate_hz: 500.0, channels, ..BrainVisionHeader::default() };
    let mut writer = BrainVisionWriter::create(folder.path("a.vhdr"), &header).unwrap();
    writer.write_rows(&[&[1.0, 2.0, 3.0]]).unwrap();
    assert_eq!(writer.finish().unwrap().n_samples, 3);
    let samples = std::fs::read(folder.path("a.eeg")).unwrap();
    folder.write("a.eeg", &samples[..samples.len() / 3 * 2]);
    let file = SignalFile::open(folder.path("a.vhdr")).unwrap();
    assert!(file.missing()[0].contains("the last 1 of 3 samples"), "{:?}", file.missing());
}

#[test]
fn a_cut_vectorized_file_gives_its_whole_channels_where_the_header_says_how_long_they_are() {
    let (file, _folder) = open(&vhdr("VECTORIZED", "INT_16", "DataPoints=3"), VMRK, &int16(&[1, 2, 3, 4, 5]));
    assert_eq!(read_all(&file).unwrap(), [[0.5, 1.0, 1.5]]);
    let refused = file.channels()[1].refused.as_deref().unwrap();
    assert!(refused.contains("\"Temp\" cannot be read"), "{refused}");
    assert!(matches!(file.read_channel(1), Err(FileError::File { .. })));
    let unknown = refusal(&vhdr("VECTORIZED", "INT_16", ""), &int16(&[1, 2, 3, 4, 5]));
    assert!(unknown.contains("2 more than whole samples"), "{unknown}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = folder_of(&vhdr("MULTIPLEXED", "INT_16", ""), VMRK, &int16(&[0; 8]));
    std::fs::remove_file(folder.path("a.vmrk")).unwrap();
    let file = SignalFile::open(folder.path("a.vhdr")).unwrap();
    assert_eq!(file.annotations().unwrap().len(), 0);
    assert!(file.missing()[0].contains("all markers") && file.missing()[0].contains("a.vmrk"), "{:?}", file.missing());
    std::fs::remove_file(folder.path("a.eeg")).unwrap();
    let error = SignalFile::open(folder.path("a.vhdr")).unwrap_err().to_string();
    assert!(error.contains("a.eeg: cannot be opened"), "{error}");
    std::fs::remove_file(folder.path("a.vhdr")).unwrap();
    folder.write("a.eeg", [1, 2, 3]);
    let error = SignalFile::open(folder.path("a.eeg")).unwrap_err().to_string();
    assert!(error.contains("the header \"a.vhdr\" is not beside it"), "{error}");
}

#[test]
fn forms_that_are_not_read_and_numbers_that_are_none_are_named_with_their_line() {
    let good = vhdr("MULTIPLEXED", "INT_16", "");
    for (from, to, expected) in [
        ("DataFormat=BINARY", "DataFormat=ASCII", "DataFormat (line 7) is \"ASCII\" where BINARY is needed"),
        ("BinaryFormat=INT_16", "BinaryFormat=INT_32", "\"INT_32\" where INT_16, UINT_16 or IEEE_FLOAT_32"),
        ("BinaryFormat=INT_16", "BinaryFormat=INT_16\nUseBigEndianOrder=YES", "UseBigEndianOrder"),
        ("MULTIPLEXED", "DIAGONAL", "MULTIPLEXED or VECTORIZED"),
        ("NumberOfChannels=2", "NumberOfChannels=0", "NumberOfChannels is missing or 0"),
        ("NumberOfChannels=2", "NumberOfChannels=-2", "is \"-2\" where a whole number"),
        ("NumberOfChannels=2", "NumberOfChannels=99999999", "99999999 channels where at most 16384"),
        ("SamplingInterval=2000", "SamplingInterval=0", "SamplingInterval (line 10) is \"0\""),
        ("SamplingInterval=2000", "SamplingInterval=nan", "SamplingInterval (line 10) is \"nan\""),
        ("SamplingInterval=2000", "", "SamplingInterval is missing"),
        ("DataFile=$b.eeg", "DataFile=", "DataFile is missing"),
        ("NumberOfChannels=2", "NumberOfChannels=3000", "NumberOfChannels is 3000, and 2 channels are described"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = refusal(&good.replacen(from, to, 1), &int16(&[0; 8]));
        assert!(error.contains(expected), "{to}: {error}");
    }
    let short = refusal(&good, &[0; 3]);
    assert!(short.contains("holds no whole sample: one of 2 channels needs 4 bytes, and there are 3"), "{short}");
}

#[test]
fn a_channel_without_a_usable_line_is_refused_alone() {
    let header = vhdr("MULTIPLEXED", "INT_16", "")
        .replace("0.5,µV", "zero,µV")
        .replace("NumberOfChannels=2", "NumberOfChannels=4");
    let header = header.replace("[Comment]", "Ch4=Temp\n[Comment]");
    let (file, _folder) = open(&header, VMRK, &int16(&[1, 2, 3, 4].repeat(3)));
    let names: Vec<_> = file.channels().iter().map(|channel| channel.name.as_str()).collect();
    assert_eq!(names, ["C,z", "Temp", "channel 3", "Temp#2"]);
    let refused: Vec<_> = file.channels().iter().map(|channel| channel.refused.is_some()).collect();
    assert_eq!(refused, [true, false, true, false]);
    assert_eq!(read_all(&file).unwrap(), [[4.0; 3], [4.0; 3]]);
    assert!(file.missing()[0].contains("resolution (line 16) is \"zero\""), "{:?}", file.missing());
}

#[test]
fn a_header_leads_to_files_beside_it_alone() {
    let header = vhdr("MULTIPLEXED", "INT_16", "").replace("DataFile=$b.eeg", "DataFile=C:\\data\\..\\a.eeg");
    let (file, _folder) = open(&header, VMRK, &int16(&[1, 2]));
    assert_eq!(file.read_channel(0).unwrap(), [0.5]);
    assert!(file.warnings()[0].contains("beside the header is read"), "{:?}", file.warnings());
}

#[test]
fn markers_without_a_position_are_counted_and_a_start_without_a_date_is_said() {
    let markers = "[Marker Infos]\nMk1=Stimulus,S  1,x,1,0\nMk2=Stimulus\nMk3=Stimulus,S  2,2,1,0\n";
    let (file, _folder) = open(&vhdr("MULTIPLEXED", "INT_16", ""), markers, &int16(&[0; 8]));
    assert_eq!(descriptions(&file), [(0.002, Some(0.002), "Stimulus/S  2".to_owned())]);
    assert_eq!(
        file.missing(),
        ["2 markers have no readable position and are left out (the first is on line 2 of a.vmrk)"]
    );
    assert!(file.warnings()[0].contains("no marker of a segment states a date"), "{:?}", file.warnings());
}
