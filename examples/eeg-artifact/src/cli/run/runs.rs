//! The runs of a job: each begins with the recording as it was read, passes it through its steps, and writes its channels.

use std::path::PathBuf;

use consumer_support::{CliContext, OutFolder};
use eeg_artifact::{Info, Pipeline, Processor, Recording, SerialExecutor, Step};
use manyhands::CancelToken;
use serde_json::{Value, json};

use super::job::{Job, RecordingEntry, RunEntry};
use super::raw;
use crate::cli::memory::{bytes_in_memory, mebibytes};
use crate::cli::{Refusal, executor};

/// What became of the runs.
#[derive(Debug)]
pub(super) struct RunResults {
    /// An entry per run, in order.
    pub(super) entries: Value,
    /// The runs that failed, by name, and why.
    pub(super) failed: Vec<String>,
}

/// Does all runs, one after the other.
///
/// # Errors
/// A message when the job names no recording or no runs, the recording cannot be read, or two runs would write to one file.
pub(super) fn run(
    job: &Job,
    out: &mut OutFolder,
    stop: &CancelToken,
    context: &CliContext<'_>,
) -> Result<RunResults, Refusal> {
    let (Some(entry), Some(runs)) = (&job.recording, &job.runs) else {
        return Err("a job needs both recording and runs".to_owned());
    };
    let places = runs.iter().map(|run| place(run, out)).collect::<Result<Vec<_>, _>>()?;
    context.output.result(&needed(job, &raw::info(entry)?, runs, context));
    let _heartbeat = context.heartbeat();
    let (_, no_triggers) = read(job, entry)?; // a recording that does not fit is refused before any run
    out.create().map_err(|error| error.to_string())?;
    let (mut entries, mut failed) = (Vec::new(), Vec::new());
    failed.extend(no_triggers.map(|why| format!("the recording has no triggers: {why}")));
    for (run, place) in runs.iter().zip(places) {
        let entry = match read(job, entry).and_then(|read| one(job, run, read, &place, stop, context)) {
            Ok(recording) => {
                let warnings = recording.info().warnings.iter();
                warnings.for_each(|warning| context.output.warning(&format!("run {:?}: {warning}", run.name)));
                result(run, &recording)
            }
            Err(error) => {
                failed.push(format!("run {:?} failed: {error}", run.name));
                json!({ "name": run.name, "triggers": null, "artifact_length": null, "volume_gaps": null, "error": error })
            }
        };
        entries.push(entry);
    }
    Ok(RunResults { entries: Value::Array(entries), failed })
}

/// The memory that the largest of the runs needs, for the terminal.
fn needed(job: &Job, info: &Info, runs: &[RunEntry], context: &CliContext<'_>) -> String {
    // Triggers are known only once the recording is read; a run whose steps are wrong fails by name.
    let pipelines = runs.iter().filter_map(|run| Some(Pipeline::new(job.steps(run).ok()?)));
    let bytes = pipelines.map(|pipeline| bytes_in_memory(&pipeline, info, context.n_workers(), 0)).max();
    let (n_channels, n_samples, mib) = (info.channels.len(), info.n_samples, mebibytes(bytes.unwrap_or_default()));
    format!("{n_channels} channels of {n_samples} samples need about {mib} MiB, in one run after the other")
}

fn place(run: &RunEntry, out: &mut OutFolder) -> Result<PathBuf, Refusal> {
    let named = run.output.clone().unwrap_or_else(|| format!("out_{}.f64", run.name));
    out.claim(&named).map_err(|error| error.to_string())
}

/// The recording as it was read, with its triggers. A regex that finds none by an error leaves it without: steps that need triggers
/// then fail, others do not.
fn read(job: &Job, entry: &RecordingEntry) -> Result<(Recording, Option<String>), String> {
    let mut recording = raw::read(&job.beside(&entry.file), entry)?;
    let Some(triggers) = &job.triggers else { return Ok((recording, None)) };
    let mut no_triggers = None;
    if let Some(regex) = &triggers.regex {
        let step = Step::from_json("triggers", &json!({ "regex": regex })).map_err(|error| error.to_string())?;
        let found = Pipeline::new([step]).run(&mut recording, &SerialExecutor);
        no_triggers = found.err().map(|error| error.to_string());
    }
    raw::set_triggers(recording.info_mut(), triggers)?;
    Ok((recording, no_triggers))
}

fn one(
    job: &Job,
    run: &RunEntry,
    (mut recording, no_triggers): (Recording, Option<String>),
    place: &std::path::Path,
    stop: &CancelToken,
    context: &CliContext<'_>,
) -> Result<Recording, String> {
    let steps = job.steps(run)?;
    if let Some(why) = no_triggers.filter(|_| steps.iter().any(|step| step.needs().triggers)) {
        return Err(why);
    }
    let pipeline = Pipeline::new(steps);
    pipeline.run(&mut recording, &executor(context, stop)).map_err(|error| error.to_string())?;
    raw::write(place, &recording)?;
    Ok(recording)
}

fn result(run: &RunEntry, recording: &Recording) -> Value {
    let triggers = recording.info().triggers.as_ref();
    json!({
        "name": run.name,
        "triggers": triggers.map(|triggers| &triggers.samples),
        "artifact_length": triggers.and_then(|triggers| triggers.artifact_length),
        "volume_gaps": triggers.map(|triggers| triggers.volume_gaps),
        "warnings": recording.info().warnings,
    })
}
