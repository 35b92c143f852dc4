//! The array of a sample as a NumPy file: written whole or not at all, and read back.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use manyhands::report::write_atomically;
use xxhash_rust::xxh3::Xxh3;

use crate::row::ROW;

/// What all headers begin with: the format's mark and version 1.0.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// The data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// No header for rows of this width is longer, however many there are.
const MOST_HEADER_BYTES: usize = 2 * ALIGNMENT;

/// Bytes of a row.
const ROW_BYTES: u64 = 4 * ROW as u64;

/// An array that is whole on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeArray {
    /// Its rows, of 1662 numbers each.
    pub n_rows: usize,
    /// A checksum over all bytes of the file.
    pub checksum: u128,
}

/// Why a file is no whole array.
#[derive(Debug, thiserror::Error)]
pub enum NotWhole {
    /// There is no such file.
    #[error("there is no file")]
    Missing,
    /// The system refuses to read it.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// It does not begin as an array of landmarks does.
    #[error("its header is not that of rows of {ROW} numbers")]
    Header,
    /// It is shorter or longer than its header says.
    #[error("it has {found} bytes where its header says {expected}")]
    Length {
        /// By its header.
        expected: u64,
        /// Its bytes.
        found: u64,
    },
}

/// The header of so many rows; the data follows.
fn header(n_rows: usize) -> Vec<u8> {
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {ROW}), }}");
    let unpadded = MAGIC.len() + 2 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    text.push('\n');
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX); // a hundred or so
    [MAGIC, &length.to_le_bytes(), text.as_bytes()].concat()
}

/// Writes rows of 1662 numbers, one behind the other, as a NumPy file: to a temporary name in the same folder, synced, renamed. Gives
/// the checksum of its bytes.
///
/// Numbers that do not fill a row are left out.
///
/// # Errors
/// The system's, with the path; the file that was there before is unchanged then.
pub fn write_array(path: &Path, rows: &[f32]) -> io::Result<u128> {
    let mut hash = Xxh3::new();
    write_atomically(path, |file| {
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            file.write_all(bytes)
        };
        put(&header(rows.len() / ROW))?;
        let mut bytes = Vec::with_capacity(4 * ROW);
        rows.chunks_exact(ROW).try_for_each(|row| {
            bytes.clear();
            bytes.extend(row.iter().flat_map(|number| number.to_le_bytes()));
            put(&bytes)
        })
    })?;
    Ok(hash.digest128())
}

/// Reads a file back: whether it is exactly such an array, how many rows it has, and its checksum. Reads it once, in pieces.
///
/// # Errors
/// [`NotWhole`] for every other file.
///
/// ```
/// use landmark_extraction::sample::{NotWhole, read_back, write_array};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.npy");
/// let checksum = write_array(&path, &[0.5; 2 * 1662])?;
/// let whole = read_back(&path).unwrap();
/// assert_eq!((whole.n_rows, whole.checksum), (2, checksum));
/// std::fs::write(&path, &std::fs::read(&path)?[..5000])?;
/// assert!(matches!(read_back(&path), Err(NotWhole::Length { found: 5000, .. })));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_back(path: &Path) -> Result<WholeArray, NotWhole> {
    let (mut file, found) = open(path)?;
    let mut start = Vec::with_capacity(MOST_HEADER_BYTES);
    file.by_ref().take(MOST_HEADER_BYTES as u64).read_to_end(&mut start).map_err(NotWhole::Unreadable)?;
    let n_rows = claimed_rows(&start).ok_or(NotWhole::Header)?;
    let header = header(n_rows);
    if !start.starts_with(&header) {
        return Err(NotWhole::Header);
    }
    let expected = (n_rows as u64).saturating_mul(ROW_BYTES).saturating_add(header.len() as u64);
    if expected != found {
        return Err(NotWhole::Length { expected, found });
    }
    let (mut hash, mut n_bytes, mut piece) = (Xxh3::new(), start.len() as u64, vec![0; 1 << 16]);
    hash.update(&start);
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => {
                hash.update(&piece[..n]);
                n_bytes += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(NotWhole::Unreadable(error)),
        }
    }
    if n_bytes != expected {
        return Err(NotWhole::Length { expected, found: n_bytes });
    }
    Ok(WholeArray { n_rows, checksum: hash.digest128() })
}

/// The numbers of an array, row by row.
///
/// # Errors
/// As [`read_back`].
pub fn read_array(path: &Path) -> Result<Vec<f32>, NotWhole> {
    let n_rows = read_back(path)?.n_rows;
    let bytes = fs::read(path).map_err(NotWhole::Unreadable)?;
    let data = bytes.get(header(n_rows).len()..).unwrap_or_default();
    Ok(data.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
}

fn open(path: &Path) -> Result<(File, u64), NotWhole> {
    consumer_support::input::open_regular(path).map_err(|error| match fs::symlink_metadata(path) {
        Err(absent) if absent.kind() == io::ErrorKind::NotFound => NotWhole::Missing,
        _ => NotWhole::Unreadable(io::Error::other(error.to_string())),
    })
}

/// The first number behind `'shape': (`.
fn claimed_rows(start: &[u8]) -> Option<usize> {
    const BEFORE: &[u8] = b"'shape': (";
    let at = start.windows(BEFORE.len()).position(|window| window == BEFORE)? + BEFORE.len();
    let digits = start[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&start[at..at + digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_numpy() {
        for n_rows in [0, 1, 9, 10, 4667, 1_000_000_000] {
            let header = header(n_rows);
            assert_eq!(header.len(), 128);
            assert_eq!(header[8..10], 118_u16.to_le_bytes());
            assert_eq!(header.last(), Some(&b'\n'));
            assert_eq!(claimed_rows(&header), Some(n_rows));
        }
        let text = String::from_utf8_lossy(&header(3)[10..]).into_owned();
        assert_eq!(text.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1662), }");
    }

    #[test]
    fn only_a_whole_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        assert!(matches!(read_back(&path), Err(NotWhole::Missing)));
        let rows: Vec<f32> = (0..3 * ROW).map(|n| if n % 7 == 0 { f32::NAN } else { n as f32 }).collect();
        let checksum = write_array(&path, &rows).unwrap();
        assert_eq!(read_back(&path).unwrap(), WholeArray { n_rows: 3, checksum });
        let read: Vec<u32> = read_array(&path).unwrap().iter().map(|number| number.to_bits()).collect();
        assert_eq!(read, rows.iter().map(|number| number.to_bits()).collect::<Vec<_>>());
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), 128 + 3 * 4 * ROW);
        for length in (0..whole.len()).step_by(997).chain([10, 127, 128, whole.len() - 1]) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read_back(&path).is_err(), "{length} bytes");
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(matches!(read_back(&path), Err(NotWhole::Length { .. })));
        for at in (0..128).chain([128, 9999]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            let same = read_back(&path).is_ok_and(|whole| whole.checksum == checksum);
            assert!(!same, "byte {at} is another one");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_back(folder.path()), Err(NotWhole::Unreadable(_))));
    }
}
