//! `verify`: reads every array of a run back, and names what is damaged, missing, or not of this run.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use consumer_support::{ExitStatus, Output, RunFolder};
use landmark_extraction::sample::{Extracted, array_path};
use manyhands::journal::JournalReader;
use serde_json::json;

use super::args::VerifyArgs;
use super::extract::{begun_splits, require_whole};
use super::{Refusal, text};

/// What was found, as sentences.
#[derive(Debug, Default)]
struct Findings {
    n_whole: usize,
    bad: Vec<String>,
    failed: Vec<String>,
    foreign: Vec<String>,
}

/// Reads all arrays back.
///
/// # Errors
/// A message where no run was begun, or a journal cannot be read.
pub(super) fn verify(args: &VerifyArgs, output: &Output) -> Result<ExitStatus, Refusal> {
    let mut findings = Findings::default();
    for folder in begun_splits(&args.dir)? {
        verify_split(&folder, &mut findings)?;
    }
    let Findings { n_whole, bad, failed, foreign } = findings;
    bad.iter().chain(&foreign).for_each(|sentence| output.error(sentence));
    failed.iter().for_each(|sentence| output.warning(sentence));
    output.result(&format!(
        "{n_whole} arrays are whole, {} are damaged or missing, {} files are not of this run; {} samples failed",
        bad.len(),
        foreign.len(),
        failed.len()
    ));
    let summary = json!({
        "operation": "verify",
        "whole": n_whole,
        "damaged_or_missing": bad,
        "foreign": foreign,
        "failed": failed,
    });
    output.json(&summary.to_string());
    let is_good = bad.is_empty() && foreign.is_empty() && failed.is_empty();
    Ok(if is_good { ExitStatus::Done } else { ExitStatus::Incomplete })
}

fn verify_split(folder: &Path, findings: &mut Findings) -> Result<(), Refusal> {
    let journal = JournalReader::open(RunFolder::in_results(folder).journal()).map_err(text)?;
    let split = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut known = HashSet::new();
    for entry in journal.entries().map_err(text)? {
        let name = format!("{split}/{}", entry.key);
        if let Some(failure) = &entry.failure {
            findings.failed.push(format!("{name} failed: {}", failure.message));
            continue;
        }
        let path = array_path(folder, &entry.key);
        let recorded: Option<Extracted> = entry.value().map_err(text)?;
        match recorded.map(|recorded| require_whole(&path, &recorded)) {
            Some(Ok(())) => findings.n_whole += 1,
            Some(Err(why)) => {
                findings.bad.push(format!("{name}: {why}; extract it again with the command that made it"))
            }
            None => {}
        }
        known.insert(path);
    }
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut foreign = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|ending| ending == "npy") && !known.contains(&path) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            foreign.push(format!("{split}/{name} has no record: it is of another run, or was not finished"));
        }
    }
    foreign.sort_unstable();
    findings.foreign.extend(foreign);
    Ok(())
}
