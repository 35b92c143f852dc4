//! What is written of one cleaned recording: the file, `report.json`, and the page with its pictures.
//!
//! Nothing in them depends on when, where and by how many workers they were made.

mod page;
mod report;
mod shown;

use std::path::Path;

use eeg_artifact::files::{FileKind, write_recording};
use eeg_artifact::{Recording, Step};
use manyhands::report::write_atomically;
use signal_files::SignalFile;

pub(super) use report::Report;
pub(super) use shown::{Before, SHOWN_CHANNELS};

/// The name of the page.
const PAGE: &str = "index.html";
/// The name of the report.
pub(super) const REPORT: &str = "report.json";

/// What the results are made from.
pub(super) struct Cleaned<'a> {
    /// The recording's name, for the page.
    pub(super) title: &'a str,
    pub(super) steps: &'a [Step],
    /// Some channels as they were read.
    pub(super) before: Before,
    pub(super) recording: Recording,
    /// The file that it was read from, for the texts of its header.
    pub(super) source: Option<&'a SignalFile>,
    pub(super) format: FileKind,
}

impl Cleaned<'_> {
    /// Writes all files, the report last: where it is, the others are.
    ///
    /// # Errors
    /// A message when a file cannot be written.
    pub(super) fn write(mut self, folder: &Path) -> Result<Report, String> {
        let written = write_recording(&folder.join("cleaned"), self.format, &self.recording, self.source);
        self.recording.info_mut().warnings.extend(written.map_err(|error| error.to_string())?);
        let shown = self.before.compare(self.steps, &self.recording)?;
        let report = Report::of(self.title, self.steps, &self.recording, &shown)?;
        let html = page::html(&report, &self.recording, &shown, self.format)?;
        write_file(&folder.join(PAGE), html.as_bytes())?;
        let report = report.without_drawings();
        let json = serde_json::to_string(&report).map_err(|error| error.to_string())?;
        write_file(&folder.join(REPORT), format!("{json}\n").as_bytes())?;
        Ok(report)
    }
}

/// Removes the unfinished files that a killed run has left in a folder of results.
///
/// # Errors
/// A message when the folder cannot be read or a file not be removed.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(".manyhands-") && name.ends_with(".tmp") {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Writes a file whole or not at all.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), String> {
    write_atomically(path, |file| file.write_all(bytes)).map_err(|why| why.to_string())
}
