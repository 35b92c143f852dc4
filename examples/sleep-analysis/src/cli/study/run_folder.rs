//! The folder `run/` in that of the results: where the journal and the reports are, and what else `--status` needs to know.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use manyhands::{JournalReader, write_atomically};
use serde::{Deserialize, Serialize};
use sleep_analysis::{SleepError, SleepResult};

/// Where a run keeps its journal and its reports.
pub(super) fn run_folder(out: &Path) -> PathBuf {
    out.join("run")
}

/// The journal of the study in this folder.
pub(super) fn journal_in(out: &Path) -> PathBuf {
    run_folder(out).join("journal.sqlite")
}

/// What a run says of itself when it begins: the journal knows what is finished, and not what is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunNote {
    pub(super) title: String,
    pub(super) subjects: usize,
    /// How to go on with it.
    pub(super) resume: String,
    /// When this run began.
    pub(super) begun_ns: i64,
    /// What earlier runs had written into the journal by then.
    pub(super) rows_before: u64,
}

/// How many subjects the journal has answers of, how many failures, and how many rows in all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Earlier {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) rows: u64,
}

impl Earlier {
    /// Nothing of a journal that is not there, or cannot be read: whoever writes to it will tell.
    pub(super) fn in_journal(out: &Path) -> Self {
        let status = JournalReader::open(journal_in(out)).and_then(|journal| journal.status());
        status.map_or_else(
            |_| Self::default(),
            |status| Self { succeeded: status.succeeded, failed: status.failed, rows: status.rows },
        )
    }
}

impl RunNote {
    fn place(out: &Path) -> PathBuf {
        run_folder(out).join("study.json")
    }

    /// The note of the run that began last, if it can be read.
    pub(super) fn read(out: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::place(out)).ok()?).ok()
    }

    /// Leaves the note, and gives what stood there, to be put back should the run be refused.
    ///
    /// # Errors
    /// [`SleepError::File`] when the folder cannot be made or written to.
    pub(super) fn leave(&self, out: &Path) -> SleepResult<Replaced> {
        let folder = run_folder(out);
        fs::create_dir_all(&folder).map_err(|error| {
            let reason = format!("cannot be made or used as a folder: {error}; choose another with --out");
            SleepError::File { path: folder, reason }
        })?;
        let place = Self::place(out);
        let earlier = fs::read(&place).ok();
        let text = serde_json::to_vec_pretty(self).expect("names and numbers have JSON");
        written(&place, write_atomically(&place, |file| file.write_all(&text)))?;
        Ok(Replaced { place, earlier })
    }
}

/// A note that another one stands in the place of.
#[derive(Debug)]
pub(super) struct Replaced {
    place: PathBuf,
    earlier: Option<Vec<u8>>,
}

impl Replaced {
    /// Puts the earlier note back. Where that cannot be, `--status` tells of a run that never was, and of nothing wrong.
    pub(super) fn put_back(self) {
        let _ = match self.earlier {
            Some(text) => write_atomically(&self.place, |file| file.write_all(&text)),
            None => fs::remove_file(&self.place),
        };
    }
}

/// A file that was written, or why it was not, with its name said once.
pub(super) fn written(path: &Path, written: io::Result<()>) -> SleepResult<()> {
    written.map_err(|error| {
        let told = error.to_string();
        let reason = told.strip_prefix(&format!("{} was not written: ", path.display())).unwrap_or(&told);
        let reason = format!("cannot be written: {reason}; check the folder, its permissions and the free space");
        SleepError::File { path: path.to_owned(), reason }
    })
}
