//! One row in a file: scratch of one run on one machine, so numbers are in this machine's own order of bytes.
//!
//! A head of six numbers of 64 bits (a mark, and the lengths of what follows), then samples, noise, carried numbers and findings.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::{ChannelData, Finding};
use crate::{EegError, EegResult};

/// Begins every file of a row.
const MARK: u64 = 0x5745_4547_524F_5701;
/// The length of what is not there.
const ABSENT: u64 = u64::MAX;
const HEAD_BYTES: usize = 6 * 8;

/// Writes a row under a temporary name, and renames it.
pub(super) fn write_row(path: &Path, data: &ChannelData) -> EegResult<()> {
    let part = path.with_extension("part");
    let written = write_parts(&part, data).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| EegError::file(path, error))
}

fn write_parts(part: &Path, data: &ChannelData) -> io::Result<()> {
    let findings = postcard::to_stdvec(&data.findings).map_err(io::Error::other)?;
    let length = |list: &Option<Vec<f64>>| list.as_ref().map_or(ABSENT, |list| list.len() as u64);
    let head = [MARK, data.samples.len() as u64, length(&data.noise), length(&data.carried), findings.len() as u64, 0];
    let mut file = File::create(part)?;
    file.write_all(bytemuck::cast_slice(&head))?;
    for list in [Some(&data.samples), data.noise.as_ref(), data.carried.as_ref()].into_iter().flatten() {
        file.write_all(bytemuck::cast_slice(list))?;
    }
    file.write_all(&findings)
}

/// Reads a row.
pub(super) fn read_row(path: &Path) -> EegResult<ChannelData> {
    read_parts(path).map_err(|error| EegError::file(path, error))
}

/// Reads a part of the samples of a row.
pub(super) fn read_samples(path: &Path, range: Range<usize>) -> EegResult<Vec<f64>> {
    let read = || {
        let mut file = File::open(path)?;
        let mut samples = vec![0.0; range.len()];
        file.seek(SeekFrom::Start((HEAD_BYTES + range.start * 8) as u64))?;
        file.read_exact(bytemuck::cast_slice_mut(&mut samples))?;
        Ok(samples)
    };
    read().map_err(|error: io::Error| EegError::file(path, error))
}

/// Reads what steps found out, and no samples.
pub(super) fn read_findings(path: &Path) -> EegResult<Vec<Finding>> {
    let read = || {
        let mut file = File::open(path)?;
        let mut head = [0_u64; HEAD_BYTES / 8];
        file.read_exact(bytemuck::cast_slice_mut(&mut head))?;
        let n_bytes = head[4].min(file.metadata()?.len());
        file.seek(SeekFrom::End(-i64::try_from(n_bytes).map_err(io::Error::other)?))?;
        let mut findings = Vec::new();
        file.read_to_end(&mut findings)?;
        postcard::from_bytes(&findings).map_err(io::Error::other)
    };
    read().map_err(|error: io::Error| EegError::file(path, error))
}

fn read_parts(path: &Path) -> io::Result<ChannelData> {
    let mut file = File::open(path)?;
    let mut head = [0_u64; HEAD_BYTES / 8];
    file.read_exact(bytemuck::cast_slice_mut(&mut head))?;
    let [mark, n_samples, n_noise, n_carried, n_findings, _] = head;
    let lengths = [n_samples, n_noise, n_carried].map(|length| if length == ABSENT { 0 } else { length });
    let n_numbers = lengths.iter().try_fold(0_u64, |sum, length| sum.checked_add(*length));
    let n_bytes = n_numbers
        .and_then(|numbers| numbers.checked_mul(8))
        .and_then(|bytes| bytes.checked_add(n_findings)?.checked_add(HEAD_BYTES as u64));
    if mark != MARK || n_bytes != Some(file.metadata()?.len()) {
        return Err(io::Error::other("it is no whole file of a row; remove the folder and begin anew"));
    }
    let mut numbers = |length: u64| -> io::Result<Option<Vec<f64>>> {
        if length == ABSENT {
            return Ok(None);
        }
        let mut list = vec![0.0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact(bytemuck::cast_slice_mut(&mut list))?;
        Ok(Some(list))
    };
    let (samples, noise, carried) = (numbers(n_samples)?, numbers(n_noise)?, numbers(n_carried)?);
    let mut findings = Vec::new();
    file.read_to_end(&mut findings)?;
    let findings = postcard::from_bytes(&findings).map_err(io::Error::other)?;
    Ok(ChannelData { samples: samples.unwrap_or_default(), noise, carried, findings })
}

/// A row that grows block by block.
#[derive(Debug)]
pub(super) struct RowAppender {
    path: PathBuf,
    n_samples: u64,
}

impl RowAppender {
    /// An empty row.
    pub(super) fn create(path: &Path) -> EegResult<Self> {
        write_row(path, &ChannelData::default())?;
        let file = OpenOptions::new().write(true).open(path);
        file.and_then(|file| file.set_len(HEAD_BYTES as u64)).map_err(|error| EegError::file(path, error))?;
        Ok(Self { path: path.to_owned(), n_samples: 0 })
    }

    /// Adds samples. No file stays open: a recording may have more channels than a process may have open files.
    pub(super) fn append(&mut self, samples: &[f64]) -> EegResult<()> {
        let file = OpenOptions::new().append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(bytemuck::cast_slice(samples)));
        written.map_err(|error| EegError::file(&self.path, error))?;
        self.n_samples += samples.len() as u64;
        Ok(())
    }

    /// Writes the head.
    pub(super) fn finish(self) -> EegResult<()> {
        let findings: Vec<u8> = postcard::to_stdvec(&Vec::<Finding>::new()).unwrap_or_default();
        let head = [MARK, self.n_samples, ABSENT, ABSENT, findings.len() as u64, 0];
        let written = OpenOptions::new().write(true).open(&self.path).and_then(|mut file| {
            file.write_all(bytemuck::cast_slice(&head))?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(&findings)
        });
        written.map_err(|error| EegError::file(&self.path, error))
    }
}
