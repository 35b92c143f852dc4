//! Answers that wait for the files: as they come they are put on the disk, so that memory holds none of them.
//!
//! The shelf is a nameless file in the folder of the results; it is gone with the process, however that ends. What is small
//! stays in memory: how many epochs, which names of columns, why a subject failed.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sleep_analysis::{SleepError, SleepResult};

use super::subject::{SubjectResult, SubjectTable, SubjectText};

/// Answers by subject.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    file: File,
    end: u64,
    places: Vec<Place>,
    /// Lists of column names that differ; subjects mostly share one.
    layouts: Vec<Vec<String>>,
    n_epochs: usize,
}

/// What is known of one subject.
#[derive(Debug, Clone)]
enum Place {
    /// No answer has come.
    Empty,
    At {
        start: u64,
        text_len: usize,
        table_len: usize,
        layout: usize,
    },
    Failed(String),
}

impl Shelf {
    /// An empty shelf for so many subjects.
    ///
    /// # Errors
    /// [`SleepError::File`] when the folder cannot be written to.
    pub(super) fn new(folder: &Path, n_subjects: usize) -> SleepResult<Self> {
        let file = tempfile::tempfile_in(folder).map_err(|error| trouble(folder, &error))?;
        let places = vec![Place::Empty; n_subjects];
        Ok(Self { folder: folder.to_owned(), file, end: 0, places, layouts: Vec::new(), n_epochs: 0 })
    }

    /// Takes what became of a subject.
    ///
    /// # Errors
    /// [`SleepError::File`] when the disk is full.
    pub(super) fn put(&mut self, idx: usize, answer: Result<SubjectResult, String>) -> SleepResult<()> {
        self.places[idx] = match answer {
            Ok(answer) => self.keep(&answer)?,
            Err(reason) => Place::Failed(reason),
        };
        Ok(())
    }

    fn keep(&mut self, answer: &SubjectResult) -> SleepResult<Place> {
        let text = bytes(&answer.text);
        let table = bytes(&answer.table);
        let start = self.end;
        let place = self.file.seek(SeekFrom::Start(start));
        let written = place.and_then(|_| self.file.write_all(&text)).and_then(|()| self.file.write_all(&table));
        written.map_err(|error| trouble(&self.folder, &error))?;
        self.end += (text.len() + table.len()) as u64;
        self.n_epochs += answer.table.epoch_starts_ns.len();
        Ok(Place::At { start, text_len: text.len(), table_len: table.len(), layout: self.layout(&answer.table) })
    }

    fn layout(&mut self, table: &SubjectTable) -> usize {
        let is_same = |known: &Vec<String>| known.iter().eq(table.columns.iter().map(|column| &column.name));
        self.layouts.iter().position(is_same).unwrap_or_else(|| {
            self.layouts.push(table.columns.iter().map(|column| column.name.clone()).collect());
            self.layouts.len() - 1
        })
    }

    /// What the page needs of a subject; nothing of one without an answer.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(super) fn text(&self, idx: usize) -> io::Result<SubjectText> {
        match self.places[idx] {
            Place::At { start, text_len, .. } => self.read(start, text_len),
            Place::Empty | Place::Failed(_) => Ok(SubjectText::default()),
        }
    }

    /// What the table needs of a subject; nothing of one without an answer. Several threads may ask at once.
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

    /// The subjects with answers, in the order of the study.
    pub(super) fn with_answers(&self) -> impl Iterator<Item = usize> {
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

    pub(super) fn n_answers(&self) -> usize {
        self.with_answers().count()
    }

    pub(super) fn n_epochs(&self) -> usize {
        self.n_epochs
    }
}

fn bytes(part: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(part).expect("an answer is numbers, names and lists of them")
}

fn trouble(folder: &Path, error: &io::Error) -> SleepError {
    let reason = format!("cannot keep answers: {error}; check its permissions and the free space");
    SleepError::File { path: folder.to_owned(), reason }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

/// There the file's own position moves along, which nobody relies on.
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

    fn answer(names: &[&str], n_epochs: usize) -> Result<SubjectResult, String> {
        let column = |name: &&str| FeatureColumn { name: (*name).to_owned(), values: vec![f64::NAN; n_epochs] };
        Ok(SubjectResult {
            text: SubjectText { about: names.concat(), ..SubjectText::default() },
            table: SubjectTable { epoch_starts_ns: vec![7; n_epochs], columns: names.iter().map(column).collect() },
        })
    }

    #[test]
    fn answers_come_back_whatever_the_order_in_which_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(folder.path(), 5).unwrap();
        shelf.put(3, answer(&["a", "c"], 2)).unwrap();
        shelf.put(1, Err("torn".to_owned())).unwrap();
        shelf.put(0, answer(&["a", "b"], 1)).unwrap();
        shelf.put(2, answer(&["a", "c"], 4)).unwrap();
        assert_eq!(shelf.with_answers().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(shelf.failures().collect::<Vec<_>>(), [(1, "torn".to_owned())]);
        assert_eq!((shelf.n_answers(), shelf.n_epochs()), (3, 7));
        assert_eq!(shelf.columns(), ["a", "b", "c"]);
        assert_eq!(shelf.table(2).unwrap().epoch_starts_ns, [7; 4]);
        assert_eq!(shelf.text(0).unwrap().about, "ab");
        assert!(shelf.table(1).unwrap().columns.is_empty() && shelf.text(4).unwrap().about.is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
