//! `extract --status` and `verify`'s list of splits: what the journals of a run hold, while it runs or afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use consumer_support::command_line::shell_quoted;
use consumer_support::input::read_whole;
use consumer_support::{ExitStatus, Output, RunFolder};
use landmark_extraction::sample::unfinished_rows;
use manyhands::journal::JournalReader;
use manyhands::report::write_atomically;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::samples::USUAL_SPLITS;
use crate::cli::{Refusal, text};

/// A note is a few bytes; what is longer is none.
const MOST_NOTE_BYTES: u64 = 1 << 10;

/// What is noted of a split beside its journal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct SplitNote {
    /// How many samples it has.
    pub(super) samples: usize,
}

impl SplitNote {
    /// Writes the note.
    ///
    /// # Errors
    /// A message when it cannot be written.
    pub(super) fn write(self, folder: &Path) -> Result<(), Refusal> {
        let note = serde_json::to_vec(&self).map_err(text)?;
        write_atomically(note_path(folder), |file| file.write_all(&note)).map_err(text)
    }

    fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&read_whole(note_path(folder), MOST_NOTE_BYTES).ok()?).ok()
    }
}

fn note_path(folder: &Path) -> PathBuf {
    RunFolder::in_results(folder).path().join("samples.json")
}

/// The folders of the splits that were begun here.
///
/// # Errors
/// A message when the folder cannot be read, or no run was begun in it.
pub(in crate::cli) fn begun_splits(out: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let unreadable =
        |error: std::io::Error| format!("{} cannot be read: {error}; give the folder of a run", out.display());
    let mut folders = Vec::new();
    for entry in fs::read_dir(out).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if RunFolder::in_results(&path).has_journal() {
            folders.push(path);
        }
    }
    folders.sort_unstable_by_key(|folder| (place(folder), folder.clone()));
    if folders.is_empty() {
        return Err(format!(
            "no run was begun in {}; begin one: landmark-extraction extract DATA --out {}",
            out.display(),
            shell_quoted(out)
        ));
    }
    Ok(folders)
}

/// Splits are named in the order in which they run; others come after those that are usual.
fn place(folder: &Path) -> usize {
    let is_it = |split: &&str| folder.ends_with(split);
    USUAL_SPLITS.iter().position(is_it).unwrap_or(USUAL_SPLITS.len())
}

/// Prints how far the run is, split by split.
///
/// # Errors
/// A message where no run was begun, or a journal cannot be read.
pub(super) fn print_status(out: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let mut splits = Vec::new();
    for folder in begun_splits(out)? {
        let split = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let journal = JournalReader::open(RunFolder::in_results(&folder).journal()).map_err(text)?;
        let status = journal.status().map_err(text)?;
        let failures = if status.failed > 0 { failures(&journal)? } else { Vec::new() };
        let n_samples = SplitNote::read(&folder).map(|note| note.samples);
        let of = n_samples.map(|n| format!(" of {n}")).unwrap_or_default();
        let state =
            status.writer.as_ref().map_or_else(|| "not running".to_owned(), |writer| format!("running: {writer}"));
        let at_work = samples_with_rows(&folder);
        output
            .result(&format!("{split}: {}{of} samples extracted, {} failed; {state}", status.succeeded, status.failed));
        super::name_some(&failures.iter().map(|why| format!("{split}/{why}")).collect::<Vec<_>>(), "failed", output);
        at_work.iter().for_each(|(id, n_rows)| output.result(&format!("  {id}: {n_rows} rows so far")));
        splits.push(json!({
            "split": split,
            "samples": n_samples,
            "succeeded": status.succeeded,
            "failed": status.failed,
            "writer": status.writer,
            "runs": status.runs,
            "unfinished": at_work.iter().map(|(id, rows)| json!({ "sample_id": id, "rows": rows })).collect::<Vec<Value>>(),
        }));
    }
    output.json(&json!({ "operation": "extract --status", "splits": splits }).to_string());
    Ok(ExitStatus::Done)
}

/// The samples without an array, each with the reason.
fn failures(journal: &JournalReader) -> Result<Vec<String>, Refusal> {
    let entries = journal.entries().map_err(text)?;
    let failure = |entry: &manyhands::journal::JournalEntry| {
        Some(format!("{} failed: {}", entry.key, entry.failure.as_ref()?.message))
    };
    Ok(entries.iter().filter_map(failure).collect())
}

/// Samples that are not finished, with their rows so far, by name.
fn samples_with_rows(folder: &Path) -> Vec<(String, usize)> {
    let names =
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let of = |name: String| {
        let id = name.strip_prefix('.')?.strip_suffix(".rows")?;
        Some((id.to_owned(), unfinished_rows(folder, id)?))
    };
    let mut found: Vec<(String, usize)> = names.filter_map(of).collect();
    found.sort_unstable();
    found
}
