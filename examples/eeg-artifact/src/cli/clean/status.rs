//! `clean --status` and `clean --failed`: what the journal of a run holds, while it runs or afterwards.

use std::path::{Path, PathBuf};

use consumer_support::command_line::shell_quoted;
use consumer_support::input::read_whole;
use consumer_support::{ExitStatus, Output, RunFolder};
use manyhands::journal::JournalReader;
use manyhands::report::write_atomically;
use serde_json::{Value, json};

use crate::cli::Refusal;

/// A note is a few bytes; what is longer is none.
const MOST_NOTE_BYTES: u64 = 1 << 10;

/// Prints how far the run is.
///
/// # Errors
/// A message where no run was begun, or its journal cannot be read.
pub(super) fn print_status(out: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let status = open(out)?.status().map_err(text)?;
    let state = status.writer.as_ref().map_or_else(|| "not running".to_owned(), |writer| format!("running: {writer}"));
    let n_recordings = noted_recordings(out);
    let of = n_recordings.map(|n| format!(" of {n}")).unwrap_or_default();
    let (cleaned, failed) = (status.succeeded, status.failed);
    output.result(&format!("{state}\n{cleaned}{of} cleaned, {failed} failed; begun or resumed {} times", status.runs));
    let printed = json!({
        "operation": "clean --status",
        "writer": status.writer,
        "recordings": n_recordings,
        "succeeded": status.succeeded,
        "failed": status.failed,
        "runs": status.runs,
        "version": status.version,
    });
    output.json(&printed.to_string());
    Ok(ExitStatus::Done)
}

/// Notes how many recordings the run has, for `--status`.
///
/// # Errors
/// A message when it cannot be written.
pub(super) fn note_recordings(out: &Path, n_recordings: usize) -> Result<(), Refusal> {
    let note = json!({ "recordings": n_recordings }).to_string();
    write_atomically(note_path(out), |file| file.write_all(note.as_bytes())).map_err(text)
}

/// What was noted; none where the note is gone or not ours.
fn noted_recordings(out: &Path) -> Option<u64> {
    let note: Value = serde_json::from_slice(&read_whole(note_path(out), MOST_NOTE_BYTES).ok()?).ok()?;
    note.get("recordings")?.as_u64()
}

fn note_path(out: &Path) -> PathBuf {
    RunFolder::in_results(out).path().join("recordings.json")
}

/// Prints which recordings failed at their last attempt, and why.
///
/// # Errors
/// As [`print_status`].
pub(super) fn print_failed(out: &Path, output: &Output) -> Result<ExitStatus, Refusal> {
    let failures = open(out)?.failures().map_err(text)?;
    let failed = failures.into_iter().filter_map(|entry| Some((entry.key, entry.failure?)));
    let failed: Vec<Value> = failed
        .map(|(key, failure)| json!({ "name": key, "kind": failure.kind.as_str(), "message": failure.message }))
        .collect();
    for one in &failed {
        output.result(&format!(
            "{} failed: {}",
            one["name"].as_str().unwrap_or(""),
            one["message"].as_str().unwrap_or("")
        ));
    }
    if failed.is_empty() {
        output.result(&"no recording failed");
    }
    output.json(&json!({ "operation": "clean --failed", "failed": failed }).to_string());
    Ok(ExitStatus::Done)
}

fn open(out: &Path) -> Result<JournalReader, Refusal> {
    let run_folder = RunFolder::in_results(out);
    if !run_folder.has_journal() {
        let begin = shell_quoted(out);
        return Err(format!(
            "no run was begun in {}; begin one: eeg-artifact clean FILES --out {begin}",
            out.display()
        ));
    }
    JournalReader::open(run_folder.journal()).map_err(text)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
