//! EDF+D and BDF made for the test, and the requests of callers.

use signal_files::{FileError, FileFormat, SignalFile, stim_value};

use crate::made::{Folder, START_NS, bdf, descriptions, edf_with_gap, read_all};

#[test]
fn gaps_are_listed_and_not_filled() {
    let folder = Folder::new();
    let path = folder.path("gap.edf");
    edf_with_gap(&path);
    let file = SignalFile::open(&path).unwrap();
    assert_eq!((file.format(), file.start_ns()), (FileFormat::EdfPlusDiscontinuous, START_NS + 250_000_000));
    let gaps = file.gaps().unwrap();
    assert_eq!((gaps.len(), gaps[0].record, gaps[0].onset_s(), gaps[0].duration_s()), (1, 2, 2.0, 59.0));
    let first_behind: Vec<_> = file.channels().iter().map(|channel| gaps[0].sample_index(channel)).collect();
    assert_eq!(first_behind, [32, 10]);
    assert_eq!(read_all(&file).unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [48, 15]);
    let expected = [(0.5, Some(1.25), "eyes closed".to_owned()), (61.5, None, "é, end".to_owned())];
    assert_eq!(descriptions(&file), expected);
}

#[test]
fn a_continuous_file_has_no_gaps_whatever_its_records_state() {
    let folder = Folder::new();
    let path = folder.path("gap.edf");
    edf_with_gap(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[192..197].copy_from_slice(b"EDF+C");
    let file = SignalFile::open(folder.write("c.edf", &bytes)).unwrap();
    assert_eq!((file.format(), file.gaps().unwrap().len()), (FileFormat::EdfPlusContinuous, 0));
    assert!(file.warnings()[0].contains("marked continuous"), "{:?}", file.warnings());
}

#[test]
fn a_record_without_a_time_is_named_and_its_samples_are_read() {
    let folder = Folder::new();
    let path = folder.path("gap.edf");
    edf_with_gap(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    let stamp = bytes.windows(6).position(|window| window == b"+1.25\x14").unwrap();
    bytes[stamp..stamp + 5].copy_from_slice(b"+x.xx");
    let file = SignalFile::open(folder.write("lost.edf", &bytes)).unwrap();
    assert!(
        file.missing()[0].contains("1 of 3 records state no onset (the first is record 1)"),
        "{:?}",
        file.missing()
    );
    assert_eq!((file.read_channel(0).unwrap().len(), file.gaps().unwrap().len()), (48, 1));
}

#[test]
fn samples_of_24_bits_have_their_sign_and_status_has_none() {
    let folder = Folder::new();
    let bytes = bdf([[-8_388_608, -1, 8_388_607], [-1, 0x1_0080, 0x80_0000]]);
    let file = SignalFile::open(folder.write("made.bdf", bytes)).unwrap();
    assert_eq!((file.format(), file.start_ns()), (FileFormat::Bdf, START_NS));
    let values = read_all(&file).unwrap();
    assert_eq!((values[0][0], values[0][2]), (-262_144.0, 262_143.0));
    assert!((values[0][1] + 0.5 - 0.03125 / 2.0).abs() < 0.03125, "{}", values[0][1]);
    assert_eq!(values[1], [16_777_215.0, 65_664.0, 8_388_608.0]);
    assert_eq!([0, 1, 2].map(|idx| stim_value(values[1][idx])), [0x1_ffff, 0x1_0080, 0]);
}

#[test]
fn a_request_that_cannot_be_met_says_what_there_is() {
    let folder = Folder::new();
    let file = SignalFile::open(folder.write("made.bdf", bdf([[0; 3]; 2]))).unwrap();
    let refuse = |channels: &[usize]| match file.read_blocks(channels, &mut |_, _| Ok(())).unwrap_err() {
        FileError::Request(reason) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refuse(&[2]).contains("has 2, counted from 0"), "{}", refuse(&[2]));
    assert!(refuse(&[1, 0, 1]).contains("\"Status\" is asked for twice"), "{}", refuse(&[1, 0, 1]));
    let stopped = file.read_blocks(&[0], &mut |_, _| Err(FileError::Taker("enough".to_owned())));
    assert_eq!(stopped, Err(FileError::Taker("enough".to_owned())));
}

#[test]
fn channels_come_in_the_order_of_the_request() {
    let folder = Folder::new();
    let file = SignalFile::open(folder.write("made.bdf", bdf([[1, 2, 3], [4, 5, 6]]))).unwrap();
    let mut values = vec![Vec::new(); 2];
    let mut take = |position: usize, block: &[f64]| {
        values[position].extend_from_slice(block);
        Ok(())
    };
    file.read_blocks(&[1, 0], &mut take).unwrap();
    assert_eq!((values[0].as_slice(), values[1].clone()), ([4.0, 5.0, 6.0].as_slice(), file.read_channel(0).unwrap()));
}

#[test]
fn a_record_as_long_as_the_file_is_read_in_blocks_of_bounded_memory() {
    let folder = Folder::new();
    let mut bytes = bdf([[0; 3]; 2]);
    let header = bytes.len() - 18;
    bytes.truncate(header);
    let n_samples = 400_000;
    let samples = 256 + 2 * (16 + 80 + 8 * 5 + 80);
    bytes[samples..samples + 16].copy_from_slice(format!("{n_samples:<8}{n_samples:<8}").as_bytes());
    bytes.extend((0..2 * n_samples).flat_map(|idx: i32| idx.to_le_bytes().into_iter().take(3)));
    let file = SignalFile::open(folder.write("long.bdf", bytes)).unwrap();
    let (mut n_read, mut longest) = (0, 0);
    let used = allocation_counter::measure(|| {
        let mut take = |_: usize, block: &[f64]| {
            (n_read, longest) = (n_read + block.len(), longest.max(block.len()));
            Ok(())
        };
        file.read_blocks(&[0, 1], &mut take).unwrap();
    });
    assert_eq!((n_read, longest), (2 * n_samples as usize, 2048));
    assert!(used.bytes_max < 128 * 1024, "{} bytes were alive at once", used.bytes_max);
}
