//! The rows of a sample that is not finished: appended to a hidden file one by one, so that a sample of thousands of frames loses
//! frames to a kill, not hours.
//!
//! Promises: what is read back is what was written, in order, up to the first record that is not whole; a file of another sample,
//! other frames or other settings counts as none. A kill loses nothing that was appended; a loss of power may lose the end. Leaves to
//! others: what a record says. The file is removed once the array is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use consumer_support::input::open_regular;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::row::ROW;

/// What every such file begins with; another layout has another mark.
const MARK: &[u8; 8] = b"LMROWS 1";

/// The mark and the key.
const START_BYTES: usize = MARK.len() + 16;

/// Its length in front, and its checksum behind.
const RECORD_FRAME_BYTES: usize = 4 + 8;

/// No record is longer: a row, and a reason of some words.
const MOST_RECORD_BYTES: usize = 4 * ROW + (1 << 12);

/// A reason is cut to so many bytes.
const MOST_REASON_BYTES: usize = 1 << 10;

/// What a frame gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum RowRecord {
    /// A row of 1662 numbers.
    Read {
        /// The numbers as the array has them, four bytes each.
        row: Vec<u8>,
        found: FoundParts,
    },
    /// The file is torn, and why.
    Torn(String),
    /// There is no file.
    Missing,
}

/// What was found in a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FoundParts {
    pub(super) pose: bool,
    pub(super) left_hand: bool,
    pub(super) right_hand: bool,
    pub(super) face: bool,
    pub(super) hands_dropped: usize,
}

/// A record, and how long its frame took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TimedRecord {
    pub(super) record: RowRecord,
    pub(super) seconds: f64,
}

/// The file of an unfinished sample, open for more records.
#[derive(Debug)]
pub(super) struct PartialFile {
    path: PathBuf,
    file: File,
}

impl PartialFile {
    /// Where the unfinished rows of a sample are.
    pub(super) fn path(folder: &Path, sample_id: &str) -> PathBuf {
        folder.join(format!(".{sample_id}.rows"))
    }

    /// Opens the file of this key and gives the records that are there; a file that is not of this key, or not whole from its start,
    /// is begun anew. What follows the last whole record is cut off.
    ///
    /// # Errors
    /// The system's: a folder that cannot be written, for instance.
    pub(super) fn open(path: PathBuf, key: u128) -> io::Result<(Self, Vec<TimedRecord>)> {
        // A link would lead elsewhere.
        if fs::symlink_metadata(&path).is_ok_and(|about| !about.is_file()) {
            return Err(io::Error::other(format!("{} is no regular file; remove it", path.display())));
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let (records, whole_bytes) = read_records(&mut file, key)?;
        file.set_len(whole_bytes)?;
        file.seek(SeekFrom::Start(whole_bytes))?;
        if whole_bytes == 0 {
            file.write_all(&[&MARK[..], &key.to_le_bytes()].concat())?;
        }
        Ok((Self { path, file }, records))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn append(&mut self, record: &TimedRecord) -> io::Result<()> {
        let payload = postcard::to_stdvec(record).map_err(io::Error::other)?;
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        self.file.write_all(&[&length.to_le_bytes(), payload.as_slice(), &xxh3_64(&payload).to_le_bytes()].concat())
    }

    /// Removes the file.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// How many rows the file of an unfinished sample holds, whatever its key; none where there is no such file.
#[must_use]
pub fn unfinished_rows(folder: &Path, sample_id: &str) -> Option<usize> {
    let (mut file, _) = open_regular(PartialFile::path(folder, sample_id)).ok()?; // A pipe would wait for a writer.
    let mut start = [0; START_BYTES];
    file.read_exact(&mut start).ok()?;
    let key = u128::from_le_bytes(start[MARK.len()..].try_into().ok()?);
    file.rewind().ok()?;
    read_records(&mut file, key).ok().map(|(records, _)| records.len())
}

/// The text, short enough for a record.
pub(super) fn short_reason(reason: &str) -> String {
    let end = (0..=MOST_REASON_BYTES.min(reason.len())).rev().find(|&end| reason.is_char_boundary(end));
    reason[..end.unwrap_or(0)].to_owned()
}

/// The whole records from the start, and the bytes that they take with the start; no bytes for a file of another key.
fn read_records(file: &mut File, key: u128) -> io::Result<(Vec<TimedRecord>, u64)> {
    let mut reader = io::BufReader::new(file);
    let mut start = [0; START_BYTES];
    let is_ours = read_whole(&mut reader, &mut start)?
        && start[..MARK.len()] == MARK[..]
        && start[MARK.len()..] == key.to_le_bytes();
    if !is_ours {
        return Ok((Vec::new(), 0));
    }
    let (mut records, mut whole_bytes) = (Vec::new(), START_BYTES as u64);
    while let Some((record, length)) = next_record(&mut reader)? {
        records.push(record);
        whole_bytes += length as u64;
    }
    Ok((records, whole_bytes))
}

/// The next record and its bytes; none at the end, and for one that is not whole.
fn next_record(reader: &mut impl Read) -> io::Result<Option<(TimedRecord, usize)>> {
    let mut length = [0; 4];
    if !read_whole(reader, &mut length)? {
        return Ok(None);
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_RECORD_BYTES {
        return Ok(None);
    }
    let mut rest = vec![0; length + 8];
    if !read_whole(reader, &mut rest)? {
        return Ok(None);
    }
    let (payload, checksum) = rest.split_at(length);
    if xxh3_64(payload).to_le_bytes() != checksum {
        return Ok(None);
    }
    let record: Option<TimedRecord> = postcard::from_bytes(payload).ok();
    let is_row = |record: &TimedRecord| !matches!(&record.record, RowRecord::Read { row, .. } if row.len() != 4 * ROW);
    Ok(record.filter(is_row).map(|record| (record, length + RECORD_FRAME_BYTES)))
}

/// False where the file ends before.
fn read_whole(reader: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u32) -> TimedRecord {
        let record = match n % 3 {
            0 => RowRecord::Missing,
            1 => RowRecord::Torn("cut off".to_owned()),
            _ => RowRecord::Read {
                row: (0..ROW as u32).flat_map(|idx| (f32::NAN.to_bits() ^ n ^ idx).to_le_bytes()).collect(),
                found: FoundParts { face: true, hands_dropped: n as usize, ..FoundParts::default() },
            },
        };
        TimedRecord { record, seconds: f64::from(n) }
    }

    fn written(path: &Path, key: u128, n_records: u32) -> Vec<u8> {
        let (mut file, there) = PartialFile::open(path.to_owned(), key).unwrap();
        for n in there.len() as u32..n_records {
            file.append(&record(n)).unwrap();
        }
        fs::read(path).unwrap()
    }

    #[test]
    fn a_file_that_is_cut_anywhere_gives_the_whole_records_before_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = PartialFile::path(folder.path(), "a");
        let whole = written(&path, 7, 6);
        assert_eq!(unfinished_rows(folder.path(), "a"), Some(6));
        for length in (0..whole.len()).step_by(101).chain([whole.len() - 1]) {
            fs::write(&path, &whole[..length]).unwrap();
            let (_, records) = PartialFile::open(path.clone(), 7).unwrap();
            let expected: Vec<TimedRecord> = (0..records.len() as u32).map(record).collect();
            assert!(records == expected && records.len() < 6, "{length} bytes");
            assert_eq!(written(&path, 7, 6), whole, "{length} bytes");
        }
    }

    #[test]
    fn a_byte_that_changed_ends_what_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = PartialFile::path(folder.path(), "a");
        let whole = written(&path, 7, 6);
        for at in (0..whole.len()).step_by(61) {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            fs::write(&path, &changed).unwrap();
            let (_, records) = PartialFile::open(path.clone(), 7).unwrap();
            let expected: Vec<TimedRecord> = (0..records.len() as u32).map(record).collect();
            assert!(records == expected && records.len() < 6, "byte {at}");
        }
    }

    #[test]
    fn rows_of_other_frames_or_settings_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = PartialFile::path(folder.path(), "a");
        written(&path, 7, 3);
        let (file, records) = PartialFile::open(path.clone(), 8).unwrap();
        assert!(records.is_empty());
        file.remove().unwrap();
        assert_eq!(unfinished_rows(folder.path(), "a"), None);
        fs::create_dir(&path).unwrap();
        assert!(PartialFile::open(path, 8).unwrap_err().to_string().contains("no regular file"));
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(short_reason("torn"), "torn");
        let long = "é".repeat(2000);
        assert_eq!(short_reason(&long).len(), MOST_REASON_BYTES);
        assert_eq!(short_reason(&format!("x{long}")).len(), MOST_REASON_BYTES - 1);
    }
}
