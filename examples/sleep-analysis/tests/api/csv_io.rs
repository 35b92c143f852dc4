//! Reading and writing CSV: what is accepted, what is refused and in which words, and that golden files survive a round trip.

use crate::align::shared;
use sleep_analysis::{
    Column, SleepError, read_eeg_epochs, read_signal, require_increasing, require_sorted, write_signal,
    write_whole_file,
};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join("input.csv");
        fs::write(&path, content).unwrap();
        path
    }
}

fn reason(error: SleepError) -> String {
    match error {
        SleepError::File { path, reason } => {
            assert!(path.ends_with("input.csv"));
            reason
        }
        other => panic!("{other} names no file"),
    }
}

fn refusal(content: impl AsRef<[u8]>) -> String {
    reason(read_signal("s", &Folder::new().file(content)).unwrap_err())
}

fn eeg_refusal(content: &str) -> String {
    reason(read_eeg_epochs(&Folder::new().file(content)).unwrap_err())
}

#[test]
fn a_file_from_another_system_reads_the_same() {
    let plain = "timestamp_ns,x,y\n10,1.5,-inf\n20,,3\n";
    let expected = read_signal("s", &Folder::new().file(plain)).unwrap();
    let quoted = "timestamp_ns,\"x\",y\n10,\"1.5\",-inf\n20,\"\",3\n".to_owned();
    let variants = [plain.replace('\n', "\r\n"), plain.trim_end().to_owned(), format!("\u{feff}{plain}"), quoted];
    for content in variants {
        let signal = read_signal("s", &Folder::new().file(&content)).unwrap();
        assert_eq!(signal.timestamps_ns(), expected.timestamps_ns(), "{content:?}");
        for (column, expected) in signal.columns().iter().zip(expected.columns()) {
            assert_eq!((&column.name, bits(column)), (&expected.name, bits(expected)), "{content:?}");
        }
    }
}

fn bits(column: &Column) -> Vec<u64> {
    column.values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_header_alone_is_a_signal_without_samples() {
    let signal = read_signal("s", &Folder::new().file("timestamp_ns,v\n")).unwrap();
    assert!(signal.is_empty());
    assert_eq!(signal.columns()[0].name, "v");
}

#[test]
fn rows_stay_as_they_are_and_a_check_names_the_first_at_fault() {
    let signal = read_signal("s", &Folder::new().file("timestamp_ns,v\n10,1\n20,2\n20,3\n5,4\n")).unwrap();
    assert_eq!(signal.timestamps_ns(), [10, 20, 20, 5]);
    assert!(require_increasing(&signal).unwrap_err().to_string().contains("row 3 (20 ns) repeats"));
    assert!(require_sorted(&signal).unwrap_err().to_string().contains("row 4 (5 ns) lies before"));
}

#[test]
fn a_missing_file_is_named() {
    let error = read_signal("s", Path::new("no-such-folder/input.csv")).unwrap_err();
    assert!(error.to_string().starts_with("no-such-folder/input.csv: cannot be opened"), "{error}");
}

#[test]
fn an_empty_file_is_refused_with_what_it_lacks() {
    assert!(refusal("").starts_with("is empty; it must start with the header line timestamp_ns,"));
    assert!(refusal("\n\n").starts_with("is empty"));
}

#[test]
fn a_wrong_header_is_refused_with_its_fault() {
    assert!(refusal("time,v\n1,2\n").contains("line 1: the first column is \"time\", not timestamp_ns"));
    assert!(refusal("timestamp_ns\n1\n").contains("no column of samples"));
    assert!(refusal("timestamp_ns,v,v\n").contains("column \"v\" appears twice"));
    assert!(refusal("timestamp_ns,v,\n").contains("column 3 has no name"));
}

#[test]
fn a_wrong_field_is_named_by_line_and_column() {
    assert!(refusal("timestamp_ns,v\n1,2\n2,abc\n").starts_with("line 3: column \"v\": \"abc\" is no number"));
    assert!(refusal("timestamp_ns,v\nx,2\n").starts_with("line 2: column \"timestamp_ns\": \"x\" is no whole number"));
    assert!(refusal("timestamp_ns,v\n,2\n").contains("\"\" is no whole number"));
    assert!(refusal("timestamp_ns,v\n9223372036854775808,2\n").contains("does not fit 64 bits"));
    assert!(refusal("timestamp_ns,v\n1,2\n2\n").starts_with("line 3: 1 fields where the header has 2"));
    assert!(refusal("timestamp_ns,v\n1,2,3\n").starts_with("line 2: 3 fields where the header has 2"));
    assert!(refusal(b"timestamp_ns,v\n1,\xff\n").contains("is no number"));
}

#[test]
fn a_huge_field_does_not_fill_the_message() {
    let content = format!("timestamp_ns,v\n1,{}\n", "z".repeat(1_000_000));
    assert!(refusal(content).len() < 200);
}

#[test]
fn eeg_epochs_must_be_whole_and_alike() {
    let eeg = read_eeg_epochs(&Folder::new().file("epoch,sample,uv\n0,0,1\n0,1,2\n1,0,3\n1,1,4\n")).unwrap();
    assert_eq!(eeg.epochs().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(read_eeg_epochs(&Folder::new().file("epoch,sample,uv\n")).unwrap().epochs().len(), 0);
    assert!(
        eeg_refusal("epoch,sample,uv\n0,0,1\n0,2,2\n").starts_with("line 3: epoch 0, sample 2 where epoch 0, sample 1")
    );
    assert!(eeg_refusal("epoch,sample,uv\n0,0,1\n2,0,2\n").contains("epoch 2, sample 0 where epoch 0, sample 1"));
    assert!(eeg_refusal("epoch,sample,uv\n1,0,1\n").contains("where epoch 0, sample 0 is due"));
    assert!(eeg_refusal("epoch,sample,uv\n0,0,1\n0,1,2\n1,0,3\n2,0,4\n").contains("epoch 1 ends after 1 samples"));
    assert!(eeg_refusal("epoch,sample,uv\n0,0,1\n0,1,2\n1,0,3\n").contains("epoch 1 ends after 1 samples"));
    assert!(eeg_refusal("epoch,uv\n0,1\n").contains("not epoch,sample,uv"));
}

#[test]
fn a_failed_write_leaves_what_was_there_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.file("old");
    let full = || std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left");
    let error = write_whole_file(&path, |out| out.write_all(b"half").and_then(|()| Err(full()))).unwrap_err();
    assert!(reason(error).starts_with("cannot be written: no space left"));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

#[test]
fn a_write_that_cannot_start_names_its_file() {
    let folder = Folder::new();
    let path = folder.0.path().join("no-such-folder").join("input.csv");
    assert!(reason(write_whole_file(&path, |_| Ok(())).unwrap_err()).starts_with("cannot be written"));
    let path = folder.0.path().join("input.csv");
    fs::create_dir(&path).unwrap();
    assert!(reason(write_whole_file(&path, |_| Ok(())).unwrap_err()).starts_with("cannot be written"));
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

#[test]
fn a_column_name_with_a_comma_survives() {
    let folder = Folder::new();
    let path = folder.file("timestamp_ns,\"a,b\",\"say \"\"hi\"\"\"\n1,2,3\n");
    let signal = read_signal("s", &path).unwrap();
    assert_eq!(signal.columns()[0].name, "a,b");
    write_signal(&path, &signal).unwrap();
    assert_eq!(read_signal("s", &path).unwrap(), signal);
}

/// The golden files were written by C's `%.17g`, so the same bytes show that our floats are written as C writes them.
#[test]
fn golden_signals_are_written_back_byte_by_byte() {
    let Some(shared) = shared() else { return };
    let folder = Folder::new();
    let written = folder.0.path().join("input.csv");
    let mut n_files = 0;
    for case in fs::read_dir(shared.join("golden/sleep")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = fs::read_dir(&case) else { continue };
        for path in files.map(|entry| entry.unwrap().path()) {
            let content = fs::read(&path).unwrap();
            let is_signal = content.starts_with(b"timestamp_ns,") && path.extension().is_some_and(|end| end == "csv");
            if is_signal {
                write_signal(&written, &read_signal("s", &path).unwrap()).unwrap();
                assert!(fs::read(&written).unwrap() == content, "{} changed", path.display());
                n_files += 1;
            }
        }
    }
    assert!(n_files > 50, "only {n_files} golden signals found");
}
