//! Runs that leave a report, on a disk that may be full.

use std::fs;

use manyhands::{Job, Report};

use crate::call::Call;
use crate::disk::Full;
use crate::fault::Fault;
use crate::items::perform;
use crate::judge::{self, Verdict};

pub(crate) fn report(call: &mut Call) -> Verdict {
    let items = call.items();
    let folder = call.folder.join("run");
    let mode = call.any_mode();
    let disturbance = call.disturb();
    let full = call.is(Fault::Disk).then(|| {
        fs::create_dir(&folder).unwrap();
        Full::fill(&call.folder)
    });
    let job = call.settings(Job::new(&items).mode(mode)).cancel_token(disturbance.token());
    let outcome = job.try_map(perform).report(Report::at(&folder)).run();
    let injected = disturbance.end();
    drop(full);
    let verdict = match outcome {
        Ok(outcome) if call.is(Fault::Disk) => judge::outcome_with_warnings(&items, injected, outcome),
        Ok(outcome) => says(&folder, outcome.tally().succeeded).and(judge::outcome(&items, injected, outcome)),
        Err(error) if call.is(Fault::Disk) && error.is_report() => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    let names: Vec<String> = names_in(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let is_known = |name: &String| ["summary.json", "metrics.csv", "failed.jsonl"].contains(&name.as_str());
    match names.iter().find(|name| !is_known(name)) {
        Some(name) => verdict.and(Err(format!("{name} is left in the report's folder"))),
        None => verdict,
    }
}

/// Whether the summary says what the outcome says.
fn says(folder: &std::path::Path, n_succeeded: usize) -> Verdict {
    let text = fs::read_to_string(folder.join("summary.json")).map_err(|error| format!("no summary: {error}"))?;
    let summary: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let said = find(&summary, "succeeded").and_then(serde_json::Value::as_u64);
    if said == Some(n_succeeded as u64) { Ok(()) } else { Err(format!("{n_succeeded} succeeded, but {text}")) }
}

/// The first value with this name, at any depth.
fn find<'v>(value: &'v serde_json::Value, name: &str) -> Option<&'v serde_json::Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| fields.values().find_map(|inner| find(inner, name)))
}

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
