//! Files that are there whole or not at all: written beside their place under another name, then moved onto it.
//!
//! A reader never sees half a file, and a failed write leaves what was there before. The file is not synced to the disk: the results
//! of long work are written by [`manyhands::write_atomically`], which does that.

use crate::{SleepError, SleepResult};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 1 << 18;

/// Writes a file through `write` and puts it at `path`, in place of a file that was there.
///
/// # Errors
/// [`SleepError::File`] naming `path` when the folder is missing or not writable, the disk is full, or `write` fails.
///
/// ```
/// let path = std::env::temp_dir().join("sleep-analysis-write-whole-file.txt");
/// sleep_analysis::write_whole_file(&path, |out| out.write_all(b"done"))?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"done");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
pub fn write_whole_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> SleepResult<()> {
    let place = name_beside(path)?;
    let written = write_at(&place, write).and_then(|()| fs::rename(&place, path));
    written.map_err(|error| {
        // Whether or not the remains can be removed, the first error is the one to report.
        let _ = fs::remove_file(&place);
        file_error(path, format!("cannot be written: {error}; check the folder, its permissions and the free space"))
    })
}

fn write_at(place: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(place)?);
    write(&mut out)?;
    out.flush()
}

/// A name in the same folder, as only there a move is a mere change of name; of this process, so that two runs do not meet.
fn name_beside(path: &Path) -> SleepResult<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(file_error(path, "cannot be written: the path names no file; give a file name".to_owned()));
    };
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.part", std::process::id()));
    Ok(path.with_file_name(beside))
}

pub(crate) fn file_error(path: &Path, reason: String) -> SleepError {
    SleepError::File { path: path.to_owned(), reason }
}
