//! What `run/` holds of a study beside the journal and the reports: a note of what `--status` needs to know.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use consumer_support::RunFolder;
use consumer_support::input::{Budget, read_whole};
use manyhands::journal::JournalReader;
use manyhands::report::write_atomically;
use serde::{Deserialize, Serialize};
use sleep_analysis::{SleepError, SleepResult};

/// What a run records when it starts: the journal holds what is finished, and not what is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunNote {
    pub(super) title: String,
    pub(super) subjects: usize,
    /// When this run started.
    #[serde(rename = "begun_ns")]
    pub(super) started_ns: i64,
    /// Rows that earlier runs had written into the journal by then.
    pub(super) rows_before: u64,
}

/// How many results, failures and rows in all the journal had before this run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Earlier {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) rows: u64,
}

impl Earlier {
    /// Zeros for a journal that is missing or cannot be read: opening it for writing reports the error.
    pub(super) fn in_journal(out: &Path) -> Self {
        let status = JournalReader::open(RunFolder::in_results(out).journal()).and_then(|journal| journal.status());
        status.map_or_else(
            |_| Self::default(),
            |status| Self { succeeded: status.succeeded, failed: status.failed, rows: status.rows },
        )
    }
}

impl RunNote {
    fn place(out: &Path) -> PathBuf {
        RunFolder::in_results(out).path().join("study.json")
    }

    /// The note of the latest run, if it can be read.
    pub(super) fn read(out: &Path) -> Option<Self> {
        serde_json::from_slice(&read_whole(Self::place(out), Budget::STANDARD.description_bytes).ok()?).ok()
    }

    /// Writes the note, and returns the one that it replaces, to be put back should the run be refused.
    ///
    /// # Errors
    /// [`SleepError::File`] when the folder cannot be made or written to.
    pub(super) fn write(&self, out: &Path) -> SleepResult<Replaced> {
        let folder = RunFolder::in_results(out);
        folder.create().map_err(|error| {
            let reason = format!("cannot be made or used as a folder: {error}; choose another with --out");
            SleepError::File { path: folder.path().to_owned(), reason }
        })?;
        let place = Self::place(out);
        let earlier = read_whole(&place, Budget::STANDARD.description_bytes).ok();
        let text = serde_json::to_vec_pretty(self).expect("names and numbers have JSON");
        written(&place, write_atomically(&place, |file| file.write_all(&text)))?;
        Ok(Replaced { place, earlier })
    }
}

/// A note that was replaced by another one.
#[derive(Debug)]
pub(super) struct Replaced {
    place: PathBuf,
    earlier: Option<Vec<u8>>,
}

impl Replaced {
    /// Puts the earlier note back. Where that fails, `--status` shows a run that was refused, and nothing else is wrong.
    pub(super) fn put_back(self) {
        let _ = match self.earlier {
            Some(text) => write_atomically(&self.place, |file| file.write_all(&text)),
            None => fs::remove_file(&self.place),
        };
    }
}

/// The result of writing a file; an error names the file once.
pub(super) fn written(path: &Path, written: io::Result<()>) -> SleepResult<()> {
    written.map_err(|error| {
        let message = error.to_string();
        let reason = message.strip_prefix(&format!("{} was not written: ", path.display())).unwrap_or(&message);
        let reason = format!("cannot be written: {reason}; check the folder, its permissions and the free space");
        SleepError::File { path: path.to_owned(), reason }
    })
}
