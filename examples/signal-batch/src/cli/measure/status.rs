//! `measure --status` and `measure --failed`: what the journal of a run holds, while it runs or afterwards.

use std::path::{Path, PathBuf};

use consumer_support::command_line::shell_quoted;
use consumer_support::input::read_whole;
use consumer_support::{ExitStatus, Output, RunFolder};
use manyhands::job::RecordedFailure;
use manyhands::journal::JournalReader;
use manyhands::report::write_atomically;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::Refusal;

/// A note is a few bytes; what is longer is none.
const MOST_NOTE_BYTES: u64 = 1 << 10;

/// Prints how far the run is.
///
/// # Errors
/// A message where no run was begun, or its journal cannot be read.
pub(super) fn print_status(out: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let status = open(out)?.status().map_err(|error| error.to_string())?;
    let state = status.writer.as_ref().map_or_else(|| "not running".to_owned(), |writer| format!("running: {writer}"));
    let n_captures = RunNote::read(out).map(|note| note.captures);
    let of = n_captures.map(|n| format!(" of {n}")).unwrap_or_default();
    output.result(&format!(
        "{state}\n{}{of} measured, {} failed; begun or resumed {}{}",
        status.succeeded,
        status.failed,
        status.runs,
        if status.runs == 1 { " time" } else { " times" }
    ));
    let printed = json!({
        "operation": "measure --status",
        "writer": status.writer,
        "captures": n_captures,
        "succeeded": status.succeeded,
        "failed": status.failed,
        "runs": status.runs,
        "version": status.version,
    });
    output.json(&printed.to_string());
    Ok(ExitStatus::Done)
}

/// Prints which captures failed at their last attempt, and why.
///
/// # Errors
/// As [`print_status`].
pub(super) fn print_failed(out: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let failures = open(out)?.failures().map_err(|error| error.to_string())?;
    let mut failed: Vec<_> = failures.into_iter().filter_map(|entry| Some((entry.key, entry.failure?))).collect();
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    failed.iter().for_each(|(key, failure)| output.result(&format!("{key} failed: {}", failure.message)));
    if failed.is_empty() {
        output.result(&"no capture failed");
    }
    let entry = |(key, failure): &(String, RecordedFailure)| json!({ "file": key, "kind": failure.kind.as_str(), "message": failure.message });
    let failed: Vec<Value> = failed.iter().map(entry).collect();
    output.json(&json!({ "operation": "measure --failed", "failed": failed }).to_string());
    Ok(ExitStatus::Done)
}

/// What is noted of a run, beside its journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunNote {
    /// How many captures it has, for `--status`.
    pub(super) captures: usize,
    /// Whether a graphics processor measures what it can, so that a resumed run does the same.
    pub(super) on_device: bool,
}

impl RunNote {
    /// Writes the note.
    ///
    /// # Errors
    /// A message when it cannot be written.
    pub(super) fn write(&self, out: &Path) -> Result<(), Refusal> {
        let note = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        write_atomically(note_path(out), |file| file.write_all(&note)).map_err(|error| error.to_string())
    }

    /// What was noted; none where the note is gone or not ours.
    pub(super) fn read(out: &Path) -> Option<Self> {
        serde_json::from_slice(&read_whole(note_path(out), MOST_NOTE_BYTES).ok()?).ok()
    }
}

fn note_path(out: &Path) -> PathBuf {
    RunFolder::in_results(out).path().join("captures.json")
}

fn open(out: &Path) -> Result<JournalReader, Refusal> {
    let run_folder = RunFolder::in_results(out);
    if !run_folder.has_journal() {
        let begin = shell_quoted(out);
        return Err(format!(
            "no run was begun in {}; begin one: signal-batch measure CAPTURES --out {begin}",
            out.display()
        ));
    }
    JournalReader::open(run_folder.journal()).map_err(|error| error.to_string())
}
