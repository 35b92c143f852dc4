//! A temporary file for results until the output is written, so that memory holds none of them.
//!
//! The file has no name and lies in the folder of the results; the system removes it when the process ends in any way. What is small
//! stays in memory: the number of epochs, the names of columns, why a subject failed.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sleep_analysis::{SleepError, SleepResult};

use super::subject::{SubjectResult, SubjectTable, SubjectText};

/// Results by subject.
#[derive(Debug)]
pub(super) struct SpillFile {
    folder: PathBuf,
    file: File,
    end: u64,
    places: Vec<Place>,
    /// Lists of column names that differ; subjects mostly share one.
    layouts: Vec<Vec<String>>,
    n_epochs: usize,
}

/// Where the result of one subject is.
#[derive(Debug, Clone)]
enum Place {
    /// No result has come.
    Empty,
    At {
        start: u64,
        text_len: usize,
        table_len: usize,
        layout: usize,
    },
    Failed(String),
}

impl SpillFile {
    /// An empty file for this many subjects.
    ///
    /// # Errors
    /// [`SleepError::File`] when the folder cannot be written to.
    pub(super) fn new(folder: &Path, n_subjects: usize) -> SleepResult<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| write_error(folder, &error))?;
        let places = vec![Place::Empty; n_subjects];
        Ok(Self { folder: folder.to_owned(), file, end: 0, places, layouts: Vec::new(), n_epochs: 0 })
    }

    /// Stores the result or the failure of a subject.
    ///
    /// # Errors
    /// [`SleepError::File`] when the disk is full.
    pub(super) fn put(&mut self, idx: usize, result: Result<SubjectResult, String>) -> SleepResult<()> {
        self.places[idx] = match result {
            Ok(result) => self.append(&result)?,
            Err(reason) => Place::Failed(reason),
        };
        Ok(())
    }

    fn append(&mut self, result: &SubjectResult) -> SleepResult<Place> {
        let text = bytes(&result.text);
        let table = bytes(&result.table);
        let start = self.end;
        let place = self.file.seek(SeekFrom::Start(start));
        let written = place.and_then(|_| self.file.write_all(&text)).and_then(|()| self.file.write_all(&table));
        written.map_err(|error| write_error(&self.folder, &error))?;
        self.end += (text.len() + table.len()) as u64;
        self.n_epochs += result.table.epoch_starts_ns.len();
        Ok(Place::At { start, text_len: text.len(), table_len: table.len(), layout: self.layout(&result.table) })
    }

    fn layout(&mut self, table: &SubjectTable) -> usize {
        let is_same = |known: &Vec<String>| known.iter().eq(table.columns.iter().map(|column| &column.name));
        self.layouts.iter().position(is_same).unwrap_or_else(|| {
            self.layouts.push(table.columns.iter().map(|column| column.name.clone()).collect());
            self.layouts.len() - 1
        })
    }

    /// The part for the page; empty for a subject without a result.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(super) fn text(&self, idx: usize) -> io::Result<SubjectText> {
        match self.places[idx] {
            Place::At { start, text_len, .. } => self.read(start, text_len),
            Place::Empty | Place::Failed(_) => Ok(SubjectText::default()),
        }
    }

    /// The part for the table; empty for a subject without a result. Several threads may read at once.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(super) fn table(&self, idx: usize) -> io::Result<SubjectTable> {
        match self.places[idx] {
            Place::At { start, text_len, table_len, .. } => self.read(start + text_len as u64, table_len),
            Place::Empty | Place::Failed(_) => Ok(SubjectTable::default()),
        }
    }

    fn read<T: DeserializeOwned>(&self, start: u64, len: usize) -> io::Result<T> {
        let mut bytes = vec![0; len];
        read_at(&self.file, &mut bytes, start)?;
        postcard::from_bytes(&bytes).map_err(io::Error::other)
    }

    /// The subjects with results, in the order of the study.
    pub(super) fn with_results(&self) -> impl Iterator<Item = usize> {
        (0..self.places.len()).filter(|&idx| matches!(self.places[idx], Place::At { .. }))
    }

    /// The names of all columns, in the order in which they first appear when subjects are taken in the order of the study.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut is_seen = vec![false; self.layouts.len()];
        let mut known = std::collections::HashSet::new();
        let mut columns = Vec::new();
        for place in &self.places {
            let Place::At { layout, .. } = place else { continue };
            if !std::mem::replace(&mut is_seen[*layout], true) {
                columns.extend(self.layouts[*layout].iter().map(String::as_str).filter(|&name| known.insert(name)));
            }
        }
        columns
    }

    /// The failed subjects and why, in the order of the study.
    pub(super) fn failures(&self) -> impl Iterator<Item = (usize, String)> {
        self.places.iter().enumerate().filter_map(|(idx, place)| match place {
            Place::Failed(reason) => Some((idx, reason.clone())),
            Place::Empty | Place::At { .. } => None,
        })
    }

    pub(super) fn n_results(&self) -> usize {
        self.with_results().count()
    }

    pub(super) fn n_epochs(&self) -> usize {
        self.n_epochs
    }
}

fn bytes(part: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(part).expect("a result is numbers, names and lists of them")
}

fn write_error(folder: &Path, error: &io::Error) -> SleepError {
    let reason = format!("cannot store results: {error}; check its permissions and the free space");
    SleepError::File { path: folder.to_owned(), reason }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

/// On Windows this moves the file's own position, which no other code uses.
#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => (bytes, start) = (&mut bytes[n..], start + n as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::subject::FeatureColumn;
    use super::*;

    fn subject_result(names: &[&str], n_epochs: usize) -> Result<SubjectResult, String> {
        let column = |name: &&str| FeatureColumn { name: (*name).to_owned(), values: vec![f64::NAN; n_epochs] };
        Ok(SubjectResult {
            text: SubjectText { about: names.concat(), ..SubjectText::default() },
            table: SubjectTable { epoch_starts_ns: vec![7; n_epochs], columns: names.iter().map(column).collect() },
        })
    }

    #[test]
    fn results_are_read_back_in_any_order_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill_file = SpillFile::new(folder.path(), 5).unwrap();
        spill_file.put(3, subject_result(&["a", "c"], 2)).unwrap();
        spill_file.put(1, Err("torn".to_owned())).unwrap();
        spill_file.put(0, subject_result(&["a", "b"], 1)).unwrap();
        spill_file.put(2, subject_result(&["a", "c"], 4)).unwrap();
        assert_eq!(spill_file.with_results().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(spill_file.failures().collect::<Vec<_>>(), [(1, "torn".to_owned())]);
        assert_eq!((spill_file.n_results(), spill_file.n_epochs()), (3, 7));
        assert_eq!(spill_file.columns(), ["a", "b", "c"]);
        assert_eq!(spill_file.table(2).unwrap().epoch_starts_ns, [7; 4]);
        assert_eq!(spill_file.text(0).unwrap().about, "ab");
        assert!(spill_file.table(1).unwrap().columns.is_empty() && spill_file.text(4).unwrap().about.is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
