//! Where the rows of a recording are: in memory, or each in a file of its own.
//!
//! A row is taken out, processed, and put back, by whichever worker has it; no two work on one row. In a folder, what is put back is a
//! new file beside the one that was taken, and replaces it when the whole stage has ended: a worker that dies between the two costs
//! nothing, and the row can be taken once more.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::row_file::{RowAppender, read_findings, read_row, read_samples, write_row};
use super::scratch::ScratchFolder;
use super::{ChannelData, Finding};
use crate::{EegError, EegResult};

/// The rows of a recording, one per channel.
#[derive(Debug)]
pub struct RowStore {
    place: Place,
    /// The folder that the rows are in, where it is nothing but theirs.
    scratch: Option<ScratchFolder>,
}

#[derive(Debug)]
enum Place {
    /// A row that is being processed, or was lost with its work, is none.
    Memory(Vec<Mutex<Option<ChannelData>>>),
    Folder(RowFolder),
}

/// The rows as files: plain data that any process can use which sees the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowFolder {
    folder: PathBuf,
    rows: Vec<RowName>,
}

/// The file of a row: its number in the folder, and how often it has been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct RowName {
    number: usize,
    generation: u32,
}

impl RowStore {
    /// Rows in memory.
    #[must_use]
    pub fn in_memory(rows: Vec<Vec<f64>>) -> Self {
        let rows = rows.into_iter().map(|samples| Mutex::new(Some(ChannelData::of(samples))));
        Self { place: Place::Memory(rows.collect()), scratch: None }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.place {
            Place::Memory(rows) => rows.len(),
            Place::Folder(folder) => folder.rows.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows as files, where they are in a folder.
    #[must_use]
    pub fn folder(&self) -> Option<&RowFolder> {
        match &self.place {
            Place::Memory(_) => None,
            Place::Folder(folder) => Some(folder),
        }
    }

    /// Takes a row out, to process it.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be read, [`EegError::Recording`] when it was taken and not put back.
    pub fn take(&self, row: usize) -> EegResult<ChannelData> {
        match &self.place {
            Place::Memory(rows) => lock(&rows[row]).take().ok_or_else(|| lost(row)),
            Place::Folder(folder) => folder.take(row),
        }
    }

    /// Puts a row back. In a folder, it counts from [`RowStore::replace`] on.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be written.
    pub fn put(&self, row: usize, data: ChannelData) -> EegResult<()> {
        match &self.place {
            Place::Memory(rows) => {
                *lock(&rows[row]) = Some(data);
                Ok(())
            }
            Place::Folder(folder) => folder.put(row, &data),
        }
    }

    /// Calls a function with a row that stays where it is.
    ///
    /// # Errors
    /// As for [`RowStore::take`].
    pub fn with<R>(&self, row: usize, look: impl FnOnce(&ChannelData) -> R) -> EegResult<R> {
        match &self.place {
            Place::Memory(rows) => {
                let rows = rows.get(row).ok_or_else(|| lost(row))?;
                lock(rows).as_ref().map(look).ok_or_else(|| lost(row))
            }
            Place::Folder(folder) => Ok(look(&folder.take(row)?)),
        }
    }

    /// A copy of a part of a row's samples. Cost: the part, wherever the rows are.
    ///
    /// # Errors
    /// As for [`RowStore::take`]; [`EegError::Recording`] for a part that the row does not have.
    pub fn samples(&self, row: usize, range: Range<usize>) -> EegResult<Vec<f64>> {
        match &self.place {
            Place::Memory(_) => {
                let part = self.with(row, |data| data.samples.get(range.clone()).map(<[f64]>::to_vec))?;
                let reason = || format!("channel {row} has no samples {} to {}", range.start, range.end);
                part.ok_or_else(|| EegError::Recording(reason()))
            }
            Place::Folder(folder) => {
                let name = folder.rows.get(row).ok_or_else(|| lost(row))?;
                read_samples(&folder.path(row, name.generation), range)
            }
        }
    }

    /// Makes those that were put back the rows of the recording, and removes their older files.
    ///
    /// # Errors
    /// [`EegError::File`] when a row was not put back.
    pub fn replace(&mut self, rows: &[usize]) -> EegResult<()> {
        match &mut self.place {
            Place::Memory(_) => Ok(()),
            Place::Folder(folder) => rows.iter().try_for_each(|row| folder.replace(*row)),
        }
    }

    /// Drops all rows but these, in this order.
    ///
    /// # Errors
    /// [`EegError::Recording`] for a row that was lost, or that is named twice.
    pub fn keep(&mut self, rows: &[usize]) -> EegResult<()> {
        match &mut self.place {
            Place::Memory(all) => {
                let kept = rows.iter().map(|row| lock(&all[*row]).take().ok_or_else(|| lost(*row)));
                let kept = kept.collect::<EegResult<Vec<_>>>()?;
                *all = kept.into_iter().map(|data| Mutex::new(Some(data))).collect();
                Ok(())
            }
            Place::Folder(folder) => folder.keep(rows),
        }
    }

    /// Moves all rows into files of this folder.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be written.
    pub fn move_to_folder(&mut self, folder: &Path) -> EegResult<()> {
        if self.folder().is_some() {
            return Ok(());
        }
        let moved = RowFolder::new(folder, self.len())?;
        for row in 0..self.len() {
            write_row(&moved.path(row, 0), &self.take(row)?)?;
        }
        self.place = Place::Folder(moved);
        Ok(())
    }

    /// Moves all rows into files of a temporary folder, which is removed when they are moved back, or dropped.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be written.
    pub(crate) fn move_to_scratch(&mut self) -> EegResult<()> {
        if self.folder().is_some() {
            return Ok(());
        }
        let scratch = ScratchFolder::new()?;
        self.move_to_folder(scratch.path())?;
        self.scratch = Some(scratch);
        Ok(())
    }

    /// Moves all rows into memory, and removes their files.
    ///
    /// # Errors
    /// [`EegError::File`] when one cannot be read.
    pub fn move_to_memory(&mut self) -> EegResult<()> {
        let Place::Folder(folder) = &self.place else { return Ok(()) };
        let rows = (0..folder.rows.len()).map(|row| Ok(Mutex::new(Some(folder.take(row)?))));
        let rows = rows.collect::<EegResult<Vec<_>>>()?;
        folder.remove();
        self.place = Place::Memory(rows);
        self.scratch = None;
        Ok(())
    }

    /// What steps found out about a channel.
    ///
    /// # Errors
    /// As for [`RowStore::take`].
    pub fn findings(&self, row: usize) -> EegResult<Vec<Finding>> {
        match &self.place {
            Place::Memory(_) => self.with(row, |data| data.findings.clone()),
            Place::Folder(folder) => {
                let name = folder.rows.get(row).ok_or_else(|| lost(row))?;
                read_findings(&folder.path(row, name.generation))
            }
        }
    }
}

/// The files are scratch: they end with the recording.
impl Drop for RowStore {
    fn drop(&mut self) {
        if let Place::Folder(folder) = &self.place {
            folder.remove();
        }
    }
}

impl RowFolder {
    fn new(folder: &Path, n_rows: usize) -> EegResult<Self> {
        std::fs::create_dir_all(folder).map_err(|error| EegError::file(folder, error))?;
        let rows = (0..n_rows).map(|number| RowName { number, generation: 0 }).collect();
        Ok(Self { folder: folder.to_owned(), rows })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be read.
    pub fn take(&self, row: usize) -> EegResult<ChannelData> {
        let name = self.rows.get(row).ok_or_else(|| lost(row))?;
        read_row(&self.path(row, name.generation))
    }

    /// Writes what becomes the row when the stage ends.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be written.
    pub fn put(&self, row: usize, data: &ChannelData) -> EegResult<()> {
        let name = self.rows.get(row).ok_or_else(|| lost(row))?;
        write_row(&self.path(row, name.generation + 1), data)
    }

    fn path(&self, row: usize, generation: u32) -> PathBuf {
        self.folder.join(format!("row{:05}.{generation}", self.rows[row].number))
    }

    fn replace(&mut self, row: usize) -> EegResult<()> {
        let generation = self.rows[row].generation;
        let (old, new) = (self.path(row, generation), self.path(row, generation + 1));
        if !new.is_file() {
            return Err(EegError::file(new, "the processed row is missing"));
        }
        self.rows[row].generation = generation + 1;
        // Whatever hinders the removal costs room on the disk, and no result.
        let _ = std::fs::remove_file(old);
        Ok(())
    }

    fn keep(&mut self, rows: &[usize]) -> EegResult<()> {
        let twice = rows.iter().enumerate().find(|(idx, row)| rows[..*idx].contains(row));
        if let Some((_, row)) = twice {
            return Err(lost(*row));
        }
        let dropped = (0..self.rows.len()).filter(|row| !rows.contains(row));
        dropped.for_each(|row| self.remove_row(row));
        self.rows = rows.iter().map(|row| self.rows[*row]).collect();
        Ok(())
    }

    fn remove_row(&self, row: usize) {
        for generation in [self.rows[row].generation, self.rows[row].generation + 1] {
            let _ = std::fs::remove_file(self.path(row, generation));
        }
    }

    /// Removes the files, and the folder when nothing else is in it.
    fn remove(&self) {
        (0..self.rows.len()).for_each(|row| self.remove_row(row));
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// Rows that come block by block, as a reader has them.
#[derive(Debug)]
pub struct RowStoreBuilder {
    place: Building,
}

#[derive(Debug)]
enum Building {
    Memory(Vec<Vec<f64>>),
    Folder(RowFolder, Vec<RowAppender>),
}

impl RowStoreBuilder {
    /// Rows in memory, each of about `n_samples`.
    #[must_use]
    pub fn in_memory(n_rows: usize, n_samples: usize) -> Self {
        Self { place: Building::Memory((0..n_rows).map(|_| Vec::with_capacity(n_samples)).collect()) }
    }

    /// Rows in files of this folder.
    ///
    /// # Errors
    /// [`EegError::File`] when it cannot be written.
    pub fn in_folder(folder: &Path, n_rows: usize) -> EegResult<Self> {
        let rows = RowFolder::new(folder, n_rows)?;
        let appenders = (0..n_rows).map(|row| RowAppender::create(&rows.path(row, 0))).collect::<EegResult<_>>()?;
        Ok(Self { place: Building::Folder(rows, appenders) })
    }

    /// Adds samples to the end of a row.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be written.
    pub fn append(&mut self, row: usize, samples: &[f64]) -> EegResult<()> {
        match &mut self.place {
            Building::Memory(rows) => {
                rows[row].extend_from_slice(samples);
                Ok(())
            }
            Building::Folder(_, appenders) => appenders[row].append(samples),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// [`EegError::File`] when a file cannot be written.
    pub fn finish(self) -> EegResult<RowStore> {
        match self.place {
            Building::Memory(rows) => Ok(RowStore::in_memory(rows)),
            Building::Folder(folder, appenders) => {
                appenders.into_iter().try_for_each(RowAppender::finish)?;
                Ok(RowStore { place: Place::Folder(folder), scratch: None })
            }
        }
    }
}

/// A panic while a row was locked leaves it as it is: there is one assignment.
fn lock(row: &Mutex<Option<ChannelData>>) -> std::sync::MutexGuard<'_, Option<ChannelData>> {
    row.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lost(row: usize) -> EegError {
    EegError::Recording(format!("the samples of channel {row} are not there: earlier work on them was lost"))
}
