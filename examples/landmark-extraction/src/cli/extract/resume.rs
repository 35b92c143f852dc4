//! Which samples of a split an earlier run has finished: those with a record in the journal, of the same frames and settings, whose
//! array reads back whole with the recorded checksum. All others are done again, each with its reason.

use std::collections::HashMap;
use std::path::Path;

use consumer_support::RunFolder;
use consumer_support::command_line::{command_with, shell_quoted};
use landmark_extraction::sample::{Extracted, array_path, read_back};
use manyhands::journal::{JournalEntry, JournalReader};
use serde_json::Value;

use super::samples::SampleItem;
use super::settings::{Science, version};
use crate::cli::Refusal;

/// What an earlier run has left of a split.
#[derive(Debug, Default)]
pub(super) struct EarlierRun {
    /// Finished samples, by id.
    pub(super) done: HashMap<String, Extracted>,
    /// Why samples are done again that an earlier run had finished, or that have a file nevertheless, as sentences.
    pub(super) done_again: Vec<String>,
}

/// Looks at the journal and reads each array back.
///
/// # Errors
/// A message for a run of other settings, and for a journal that cannot be read.
pub(super) fn earlier_run(
    folder: &Path,
    samples: &[SampleItem],
    science: &Science,
    redo_changed: bool,
) -> Result<EarlierRun, Refusal> {
    let run_folder = RunFolder::in_results(folder);
    let mut earlier = EarlierRun::default();
    let mut recorded = HashMap::new();
    if run_folder.has_journal() {
        let journal = JournalReader::open(run_folder.journal()).map_err(|error| unreadable(folder, &error))?;
        let status = journal.status().map_err(|error| unreadable(folder, &error))?;
        match changed(&status.version, &status.configuration, science) {
            Some(_) if status.rows == 0 => {}
            Some(what) if redo_changed => {
                earlier.done_again.push(format!("everything in {}: {what}", folder.display()))
            }
            Some(what) => return Err(refusal(folder, &what)),
            None => {
                let entries = journal.entries().map_err(|error| unreadable(folder, &error))?;
                recorded = entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
            }
        }
    }
    for sample in samples {
        match finished(folder, sample, recorded.remove(&sample.id)) {
            Ok(Some(extracted)) => {
                earlier.done.insert(sample.id.clone(), extracted);
            }
            Ok(None) => {}
            Err(why) => earlier.done_again.push(format!("{}/{}: {why}", sample.split, sample.id)),
        }
    }
    Ok(earlier)
}

/// What an earlier run recorded of a sample that is finished; none for one that has neither a record nor a file.
///
/// # Errors
/// Why it is done again although it has one.
fn finished(folder: &Path, sample: &SampleItem, recorded: Option<JournalEntry>) -> Result<Option<Extracted>, String> {
    let path = array_path(folder, &sample.id);
    let Some(entry) = recorded.filter(|entry| entry.failure.is_none()) else {
        let has_file = std::fs::symlink_metadata(&path).is_ok();
        return if has_file { Err("its array has no record".to_owned()) } else { Ok(None) };
    };
    let extracted: Option<Extracted> = entry.value().map_err(|error| format!("its record cannot be read: {error}"))?;
    let Some(extracted) = extracted else { return Ok(None) };
    if entry.fingerprint.as_deref() != Some(&sample.fingerprint) {
        return Err("its frames or the settings have changed since".to_owned());
    }
    require_whole(&path, &extracted).map(|()| Some(extracted))
}

/// Reads an array back.
///
/// # Errors
/// What is wrong with it.
pub(in crate::cli) fn require_whole(path: &Path, recorded: &Extracted) -> Result<(), String> {
    let whole = read_back(path).map_err(|error| format!("its array is not whole: {error}"))?;
    if whole.n_rows != recorded.figures.num_frames {
        return Err(format!("its array has {} rows where {} were written", whole.n_rows, recorded.figures.num_frames));
    }
    if format!("{:032x}", whole.checksum) != recorded.checksum {
        return Err("its array has other bytes than were written".to_owned());
    }
    Ok(())
}

/// What differs from the run that is recorded.
fn changed(recorded_version: &str, recorded_configuration: &str, science: &Science) -> Option<String> {
    if recorded_version != version() {
        return Some(format!("the version was {recorded_version:?} and is {:?}", version()));
    }
    let recorded: Value = serde_json::from_str(recorded_configuration).unwrap_or_default();
    let now = serde_json::to_value(science).unwrap_or_default();
    if recorded == now {
        return None;
    }
    let names = now.as_object().into_iter().flatten().map(|(name, _)| name);
    let differs = |name: &&String| recorded.get(name.as_str()) != now.get(name.as_str());
    let sentence = |name: &String| format!("{name} was {} and is {}", shown(recorded.get(name)), shown(now.get(name)));
    let sentences: Vec<String> = names.filter(differs).map(sentence).collect();
    Some(if sentences.is_empty() { "the settings differ".to_owned() } else { sentences.join(", ") })
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "not there".to_owned(), ToString::to_string)
}

fn refusal(folder: &Path, what: &str) -> Refusal {
    format!(
        "{} holds a run with other settings: {what}\nset it back, choose another --out, or extract everything again: {}",
        folder.display(),
        command_with(&["--redo-changed"])
    )
}

fn unreadable(folder: &Path, error: &dyn std::fmt::Display) -> Refusal {
    let run = RunFolder::in_results(folder);
    format!(
        "{error}\nto begin this split anew, remove {}; its samples are extracted again then",
        shell_quoted(run.path())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_named() {
        let science = |stride| Science { models: "made".to_owned(), stride, mirrored: false };
        let recorded = serde_json::to_string(&science(1)).unwrap();
        assert_eq!(changed(&version(), &recorded, &science(1)), None);
        assert_eq!(changed(&version(), &recorded, &science(2)).unwrap(), "stride was 1 and is 2");
        assert!(changed("0.0.1", &recorded, &science(1)).unwrap().contains("version"));
        assert!(changed(&version(), "null", &science(1)).unwrap().contains("models was not there"));
    }
}
