//! Files that are there whole or not at all, with errors that name them.
//!
//! Every output of the program goes through [`manyhands::report::write_atomically`], here or directly: it writes beside the place, under
//! a name that no one can guess, syncs and renames. A reader never sees half a file, and a failed write leaves what was there before.

use crate::{SleepError, SleepResult};
use manyhands::report::write_atomically;
use std::io::{self, Write};
use std::path::Path;

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
    if path.file_name().is_none() {
        return Err(file_error(path, "cannot be written: the path names no file; give a file name".to_owned()));
    }
    write_atomically(path, write).map_err(|error| {
        // The function's own errors name the path in front, as does this one.
        let message = error.to_string();
        let reason = message.strip_prefix(&format!("{} was not written: ", path.display())).unwrap_or(&message);
        file_error(path, format!("cannot be written: {reason}; check the folder, its permissions and the free space"))
    })
}

pub(crate) fn file_error(path: &Path, reason: String) -> SleepError {
    SleepError::File { path: path.to_owned(), reason }
}
