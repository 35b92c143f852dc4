//! The tables that are compared: from a table, from a folder that holds one, or from a baseline.

use std::fmt;
use std::path::{Path, PathBuf};

use consumer_support::input::{Budget, read_whole};
use signal_batch::Table;
use signal_batch::regression::Baseline;

use super::super::Refusal;

/// The table that `measure` writes.
const RESULTS: &str = "results.csv";

/// One side of a comparison.
#[derive(Debug)]
pub(super) struct Batch {
    /// `a`, `b`, or `table` where its groups are compared.
    pub(super) side: &'static str,
    pub(super) path: PathBuf,
    pub(super) table: Table,
    /// The versions of the program that measured it.
    pub(super) versions: Vec<String>,
    /// When it was saved, for a baseline.
    pub(super) saved_at: Option<String>,
}

/// A line of a report.
impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let saved = self.saved_at.as_ref().map_or(String::new(), |at| format!(", saved {at}"));
        write!(f, "{}: {}, {} rows{saved}", self.side, self.path.display(), self.table.n_rows())
    }
}

impl Batch {
    /// Reads a table; `texts` names columns that are texts whatever they hold.
    pub(super) fn read(side: &'static str, path: &Path, texts: &[&str]) -> Result<Self, Refusal> {
        let (path, table) = read_table(path, texts)?;
        let mut versions: Vec<String> = table.text("version").unwrap_or_default().to_vec();
        versions.sort_unstable();
        versions.dedup();
        versions.retain(|version| !version.is_empty());
        Ok(Self { side, path, table, versions, saved_at: None })
    }

    /// Reads a baseline, or a table in its place.
    pub(super) fn read_baseline(path: &Path) -> Result<Self, Refusal> {
        if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("json")) {
            return Self::read("a", path, &[]);
        }
        let refuse = |reason: String| format!("{}: {reason}", path.display());
        let bytes = read_whole(path, Budget::STANDARD.whole_file_bytes).map_err(|error| refuse(error.to_string()))?;
        let json = String::from_utf8(bytes).map_err(|error| refuse(format!("{error}; it is no baseline")))?;
        let baseline = Baseline::from_json(&json).map_err(|error| refuse(error.to_string()))?;
        let table = baseline.table().map_err(|error| refuse(error.to_string()))?;
        let Baseline { versions, saved_at, .. } = baseline;
        Ok(Self { side: "a", path: path.to_owned(), table, versions, saved_at })
    }
}

/// The table in a file, or in the `results.csv` of a folder, and its path.
pub(super) fn read_table(path: &Path, texts: &[&str]) -> Result<(PathBuf, Table), Refusal> {
    let path = if path.is_dir() { path.join(RESULTS) } else { path.to_owned() };
    let table = Table::read_csv_with_texts(&path, texts).map_err(|error| error.to_string())?;
    Ok((path, table))
}
