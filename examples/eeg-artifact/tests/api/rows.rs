//! Rows in files: taken and put back as often as a worker needs, replaced once, and gone with the recording.

use std::fs;

use eeg_artifact::{ChannelData, RowStore, RowStoreBuilder};

fn whole_row() -> ChannelData {
    let mut data = ChannelData::of(vec![1.0, -0.0, f64::NAN, f64::INFINITY]);
    data.noise = Some(vec![0.5; 4]);
    data.carried = Some(vec![7.0]);
    data.note("step", "what", vec![3.0]);
    data
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn what_is_put_back_counts_once_it_replaces_the_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = RowStore::in_memory(vec![vec![0.0; 3], vec![1.0; 3]]);
    rows.move_to_folder(&folder.path().join("rows")).unwrap();
    for _ in 0..2 {
        assert_eq!(rows.take(1).unwrap().samples, [1.0; 3], "a row can be taken again after its worker has died");
        rows.put(1, whole_row()).unwrap();
    }
    rows.replace(&[1]).unwrap();
    let found = rows.take(1).unwrap();
    assert_eq!(bits(&found.samples), bits(&whole_row().samples));
    assert_eq!(
        (found.noise, found.carried, found.findings),
        (whole_row().noise, whole_row().carried, whole_row().findings)
    );
    assert_eq!(bits(&rows.samples(1, 1..3).unwrap()), bits(&[-0.0, f64::NAN]));
    assert!(rows.replace(&[0]).is_err(), "a row that was not put back is not replaced");
    assert_eq!(rows.samples(0, 0..3).unwrap(), [0.0; 3]);
}

#[test]
fn blocks_make_the_same_rows_in_memory_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = RowStoreBuilder::in_folder(&folder.path().join("rows"), 2).unwrap();
    for mut builder in [RowStoreBuilder::in_memory(2, 5), in_folder] {
        for block in [&[1.0, 2.0][..], &[], &[3.0, 4.0, 5.0]] {
            builder.append(0, block).unwrap();
            builder.append(1, &vec![-1.0; block.len()]).unwrap();
        }
        let mut rows = builder.finish().unwrap();
        assert_eq!(rows.take(0).unwrap(), ChannelData::of(vec![1.0, 2.0, 3.0, 4.0, 5.0]));
        rows.put(0, ChannelData::of(vec![9.0])).unwrap();
        rows.replace(&[0]).unwrap();
        rows.keep(&[1]).unwrap();
        rows.move_to_memory().unwrap();
        assert_eq!((rows.len(), rows.take(0).unwrap().samples), (1, vec![-1.0; 5]));
    }
    assert!(!folder.path().join("rows").exists(), "files end with the store");
}

#[test]
fn a_torn_row_is_named_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let rows_folder = folder.path().join("rows");
    let mut rows = RowStore::in_memory(vec![vec![1.0; 100]]);
    rows.move_to_folder(&rows_folder).unwrap();
    let file = fs::read_dir(&rows_folder).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(&file).unwrap();
    for n_bytes in [0, 7, 48, bytes.len() - 1] {
        fs::write(&file, &bytes[..n_bytes]).unwrap();
        let error = rows.take(0).unwrap_err().to_string();
        assert!(error.contains("row00000"), "{n_bytes} bytes: {error}");
    }
    let mut huge = bytes.clone();
    huge[8..16].copy_from_slice(&(u64::MAX - 1).to_ne_bytes());
    fs::write(&file, huge).unwrap();
    assert!(rows.take(0).is_err(), "lengths beyond the file take no memory");
    drop(rows);
    assert!(!rows_folder.exists());
}
