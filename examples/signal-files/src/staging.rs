//! Samples on their way to a file whose header is known only when all of them are there.
//!
//! Promises: the samples wait in a file without a name in the folder of the result, which the system removes whatever happens; the result
//! is written as [`manyhands::report::write_atomically`] does, so it is there whole or not at all. Leaves to others: the formats.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use manyhands::report::write_atomically;

use crate::error::FileError;

const BUFFER_BYTES: usize = 256 * 1024;

/// The samples written so far.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Staging {
    /// `path` is that of the result.
    pub(crate) fn beside(path: &Path) -> Result<Self, FileError> {
        if path.file_name().is_none() {
            return Err(FileError::file(path, "cannot be written: the path names no file; give a file name"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::tempfile_in(folder).map_err(|error| FileError::unwritten(path, &error))?;
        Ok(Self { path: path.to_path_buf(), file: BufWriter::with_capacity(BUFFER_BYTES, file) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(|error| FileError::unwritten(&self.path, &error))
    }

    /// Writes the result: `write` gets the samples from their beginning, and where to write.
    pub(crate) fn finish(
        self,
        write: impl FnOnce(&mut BufReader<File>, &mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), FileError> {
        let Self { path, file } = self;
        let from_start = || {
            let mut file = file.into_inner().map_err(|error| error.into_error())?;
            file.seek(SeekFrom::Start(0))?;
            let mut samples = BufReader::with_capacity(BUFFER_BYTES, file);
            write_atomically(&path, |out| {
                let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
                write(&mut samples, &mut out)?;
                out.flush()
            })
        };
        from_start().map_err(|error| FileError::unwritten(&path, &error))
    }
}
