//! One folder of frames becomes one array: frame by frame, resumed where an earlier attempt ended.
//!
//! Promises: the bytes of the array depend on the frames and the settings alone, not on when, where, or in how many attempts they
//! were made. Leaves to others: what a row of a frame is (`row_of`), and which samples there are.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use consumer_support::input::InputError;
use serde::{Deserialize, Serialize};

use super::array_file::write_array;
use super::figures::{SampleFigures, SampleStatus};
use super::frames::{FrameSet, FrameSlot};
use super::partial::{FoundParts, PartialFile, RowRecord, TimedRecord, short_reason};
use super::{SampleError, memory};
use crate::picture::{Picture, PictureError};
use crate::row::{ROW, RowFigures};

/// A sample to extract.
#[derive(Debug, Clone, Copy)]
pub struct SampleTask<'a> {
    /// The name of its folder.
    pub sample_id: &'a str,
    /// The folder above it.
    pub split: &'a str,
    /// The folder of its frames.
    pub folder: &'a Path,
    /// The folder of its array, which must be there.
    pub out: &'a Path,
    /// Every how many rows one is taken; 1 for all.
    pub stride: usize,
    /// What else decides the numbers: models, settings, version. Rows of an unfinished attempt with other ones are not taken.
    pub settings_key: u128,
}

impl SampleTask<'_> {
    /// Where its array goes.
    #[must_use]
    pub fn array_path(&self) -> PathBuf {
        array_path(self.out, self.sample_id)
    }
}

/// Where the array of a sample is, in the folder of its split.
#[must_use]
pub fn array_path(folder: &Path, sample_id: &str) -> PathBuf {
    folder.join(format!("{sample_id}.npy"))
}

/// What is wrong with one row.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// Its file is not whole.
    TornFrame,
    /// Its number has no file.
    MissingFrame,
}

/// A row of NaN, and why.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct FrameWarning {
    /// What is wrong.
    pub kind: WarningKind,
    /// The row in the array.
    pub row: usize,
    /// The name of the file; none where it is missing.
    pub file: Option<String>,
    /// The number in the name, where the names are numbered.
    pub number: Option<u64>,
    /// What is wrong with the file; empty where it is missing.
    pub reason: String,
}

/// A sample whose array is written.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Extracted {
    /// Its figures.
    pub figures: SampleFigures,
    /// Rows of NaN, by name.
    pub warnings: Vec<FrameWarning>,
    /// What else a reader should know.
    pub notes: Vec<String>,
    /// The checksum of the array's file, as 32 hexadecimal digits.
    pub checksum: String,
    /// Rows that an earlier attempt had computed.
    pub rows_resumed: usize,
    /// The part of `processing_time` that these rows took in earlier attempts.
    pub seconds_resumed: f64,
    /// Resident memory of the process at the end, in bytes; 0 where the system does not say.
    pub memory_bytes: u64,
}

/// A sample that has no array.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct SampleFailure {
    /// Its figures; `error` says why it failed.
    pub figures: SampleFigures,
    /// Torn and missing frames, by name.
    pub warnings: Vec<FrameWarning>,
}

impl Display for SampleFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.figures.error)
    }
}

/// Makes the array of a sample and writes it. `row_of` gives the row of a picture.
///
/// Rows that an earlier attempt at the same frames with the same settings had computed are taken as they are. A torn frame and a
/// missing one have a row of NaN, and a warning. Memory: the rows, 6.6 kB each, and one picture.
///
/// # Errors
/// A [`SampleFailure`], with a text of [`SampleError`]. An array that was there before is removed then.
pub fn extract_sample<E: Display>(
    task: &SampleTask<'_>,
    row_of: impl FnMut(&Picture) -> Result<(Vec<f32>, RowFigures), E>,
) -> Result<Extracted, Box<SampleFailure>> {
    let begin = (Instant::now(), memory::resident_bytes());
    let mut rows = Rows::default();
    let made = make(task, row_of, &mut rows);
    let mut figures = rows.figures;
    figures.sample_id = task.sample_id.to_owned();
    figures.split = task.split.to_owned();
    figures.processing_time = rows.earlier_seconds + begin.0.elapsed().as_secs_f64();
    let memory_bytes = memory::resident_bytes();
    figures.memory_used_mb = (memory_bytes as f64 - begin.1 as f64) / f64::from(1 << 20);
    match made {
        Ok(checksum) => {
            figures.fps = rate(figures.num_frames, figures.processing_time);
            Ok(Extracted {
                figures,
                warnings: rows.warnings,
                notes: rows.notes,
                checksum: format!("{checksum:032x}"),
                rows_resumed: rows.n_resumed,
                seconds_resumed: rows.earlier_seconds,
                memory_bytes,
            })
        }
        Err(error) => {
            // What is there is of other frames or settings. One that cannot be removed has no record, so it never counts as done.
            let _ = fs::remove_file(task.array_path());
            figures.status = SampleStatus::Failed;
            figures.num_frames = 0;
            figures.error = error.to_string();
            Err(Box::new(SampleFailure { figures, warnings: rows.warnings }))
        }
    }
}

/// Frames per second; 0 at 0 s.
pub(super) fn rate(n_frames: usize, seconds: f64) -> f64 {
    if seconds > 0.0 { n_frames as f64 / seconds } else { 0.0 }
}

/// The rows so far, and what is known of them.
#[derive(Default)]
struct Rows {
    numbers: Vec<f32>,
    figures: SampleFigures,
    warnings: Vec<FrameWarning>,
    notes: Vec<String>,
    n_resumed: usize,
    earlier_seconds: f64,
}

fn make<E: Display>(
    task: &SampleTask<'_>,
    mut row_of: impl FnMut(&Picture) -> Result<(Vec<f32>, RowFigures), E>,
    rows: &mut Rows,
) -> Result<u128, SampleError> {
    let frames = FrameSet::read(task.folder)?;
    rows.note_jpeg_beside(frames.n_jpeg_beside());
    let slots: Vec<FrameSlot> = frames.rows(task.stride).collect();
    let (mut partial, earlier) = rows.open_partial(task, frames.key(task.stride, task.settings_key));
    for (slot, earlier) in slots.iter().zip(&earlier) {
        rows.take(slot, &earlier.record);
        rows.earlier_seconds += earlier.seconds;
    }
    rows.n_resumed = earlier.len().min(slots.len());
    for slot in &slots[rows.n_resumed..] {
        let begin = Instant::now();
        let record = record_of(slot, &mut row_of)?;
        rows.take(slot, &record);
        let timed = TimedRecord { record, seconds: begin.elapsed().as_secs_f64() };
        let appended = partial.as_mut().map_or(Ok(()), |partial| partial.append(&timed));
        if let Err(error) = appended {
            rows.note_no_partial(&error);
            remove(partial.take()); // On a full disk it gives room to the array.
        }
    }
    if rows.figures.frames_ok == 0 {
        remove(partial);
        return Err(SampleError::NoReadableFrame);
    }
    let path = task.array_path();
    let written = match write_array(&path, &rows.numbers) {
        Err(error) if is_full(&error) && partial.is_some() => {
            remove(partial.take());
            write_array(&path, &rows.numbers)
        }
        written => written,
    };
    // Where the array cannot be written for another reason, the rows stay for the next run.
    let checksum = written.map_err(SampleError::Output)?;
    remove(partial);
    Ok(checksum)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A file that stays is of this key, and is taken or begun anew by the next attempt.
fn remove(partial: Option<PartialFile>) {
    let _ = partial.map(PartialFile::remove);
}

fn record_of<E: Display>(
    slot: &FrameSlot,
    row_of: &mut impl FnMut(&Picture) -> Result<(Vec<f32>, RowFigures), E>,
) -> Result<RowRecord, SampleError> {
    let Some(path) = &slot.path else { return Ok(RowRecord::Missing) };
    let picture = match Picture::read(path) {
        Ok(picture) => picture,
        // That says nothing about the frame, so a row of NaN would lose it for good.
        Err(PictureError::Io(error)) if !matches!(error, InputError::OverBudget(_)) => {
            return Err(SampleError::unreadable(path, &error));
        }
        Err(torn) => return Ok(RowRecord::Torn(short_reason(&torn.to_string()))),
    };
    let refused = |reason: String| SampleError::Network { path: path.clone(), reason };
    let (row, found) = row_of(&picture).map_err(|error| refused(error.to_string()))?;
    if row.len() != ROW {
        return Err(refused(format!("a row of {} numbers where {ROW} are expected", row.len())));
    }
    let row = row.iter().flat_map(|number| number.to_le_bytes()).collect();
    let found = FoundParts {
        pose: found.has_pose,
        left_hand: found.has_left_hand,
        right_hand: found.has_right_hand,
        face: found.has_face,
        hands_dropped: found.hands_dropped,
    };
    Ok(RowRecord::Read { row, found })
}

impl Rows {
    /// The file for rows as they are computed, and those of an earlier attempt. Without one, where it cannot be made, a kill costs the
    /// sample's rows; a note says so.
    fn open_partial(&mut self, task: &SampleTask<'_>, key: u128) -> (Option<PartialFile>, Vec<TimedRecord>) {
        match PartialFile::open(PartialFile::path(task.out, task.sample_id), key) {
            Ok((file, earlier)) => (Some(file), earlier),
            Err(error) => {
                self.note_no_partial(&error);
                (None, Vec::new())
            }
        }
    }

    fn note_no_partial(&mut self, error: &io::Error) {
        self.notes.push(format!("rows were not saved one by one, so a kill would have cost them all: {error}"));
    }

    fn note_jpeg_beside(&mut self, n_jpeg: usize) {
        if n_jpeg > 0 {
            let files = if n_jpeg == 1 { "1 JPEG file is" } else { &format!("{n_jpeg} JPEG files are") };
            self.notes.push(format!("{files} not used, as there are PNG frames beside"));
        }
    }

    fn take(&mut self, slot: &FrameSlot, record: &RowRecord) {
        let figures = &mut self.figures;
        match record {
            RowRecord::Read { row, found } => {
                let number = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                self.numbers.extend(row.chunks_exact(4).map(number));
                figures.frames_ok += 1;
                figures.frames_with_pose += usize::from(found.pose);
                figures.frames_with_left_hand += usize::from(found.left_hand);
                figures.frames_with_right_hand += usize::from(found.right_hand);
                figures.frames_with_hand += usize::from(found.left_hand || found.right_hand);
                figures.frames_with_face += usize::from(found.face);
                figures.hands_dropped += found.hands_dropped;
            }
            RowRecord::Torn(reason) => {
                figures.frames_torn += 1;
                self.take_no_row(slot, WarningKind::TornFrame, reason);
            }
            RowRecord::Missing => {
                figures.frames_missing += 1;
                self.take_no_row(slot, WarningKind::MissingFrame, "");
            }
        }
        self.figures.num_frames += 1;
    }

    fn take_no_row(&mut self, slot: &FrameSlot, kind: WarningKind, reason: &str) {
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.warnings.push(FrameWarning {
            kind,
            row: self.figures.num_frames,
            file: slot.path.as_ref().map(name),
            number: slot.number,
            reason: reason.to_owned(),
        });
        self.numbers.extend(std::iter::repeat_n(f32::NAN, ROW));
    }
}
