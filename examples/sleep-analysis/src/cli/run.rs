//! `sleep-analysis run`: runs a job description and writes its tables and `result.json`.
//!
//! Promises: every run that can be done is done, even if others fail, and `result.json` reports each. The kinds of
//! job files are in `run/job.rs`; what each operation does with its job, in the file of its name.

mod alignment;
mod eeg;
mod features;
mod grids;
mod job;

use std::path::{Path, PathBuf};
use std::time::Instant;

use consumer_support::ExitStatus;
use serde::Serialize;
use serde_json::Value;
use sleep_analysis::{AlignMethod, SleepResult, write_whole_file};

use super::analysis::CliContext;
use super::args::RunArgs;
use super::cost::Cost;
use super::text_table::TextTable;
use consumer_support::OutFolder;
use job::{JobFile, JobKind};

const RESULT: &str = "result.json";

/// The result of an operation.
struct OperationResult {
    /// For `result.json`: an object.
    result: Value,
    /// For the terminal.
    table: TextTable,
    exit_status: ExitStatus,
}

/// Runs the job.
///
/// # Errors
/// [`SleepError`](sleep_analysis::SleepError) when nothing could be done: an unreadable job, no input, no place to write.
pub(crate) fn run(args: &RunArgs, context: &CliContext<'_>) -> SleepResult<ExitStatus> {
    let CliContext { engine, output, .. } = *context;
    let started = Instant::now();
    let job = JobFile::read(&args.job)?;
    let (operation, kind) = job.operation()?;
    let out = |inputs: &[PathBuf]| out_folder(&args.out, &job, inputs);
    let operation_result = match kind {
        JobKind::EpochGrids => grids::epoch_grids(&job),
        JobKind::AlignmentGrids => grids::alignment_grids(&job),
        JobKind::Features(kind) => features::run(&job, kind, out, engine, output),
        JobKind::Alignment => alignment::run(&job, None, out, engine, output),
        JobKind::AsOf => alignment::run(&job, Some(AlignMethod::AsOf), out, engine, output),
        JobKind::Eeg => eeg::run(&job, out, engine, output),
    };
    let OperationResult { mut result, table, exit_status } = operation_result?;
    result["operation"] = operation.into();
    add(&mut result, &Cost::since(started, context));
    out(&[])?.create()?;
    let place = args.out.join(RESULT);
    write_whole_file(&place, |out| writeln!(out, "{result:#}"))?;
    output.result(&table);
    output.result(&format!("written to {}", args.out.display()));
    output.json(&result.to_string());
    Ok(exit_status)
}

/// The folder, with the name of the result reserved, and the inputs protected.
fn out_folder(folder: &Path, job: &JobFile, inputs: &[PathBuf]) -> SleepResult<OutFolder> {
    let inputs = inputs.iter().map(PathBuf::as_path).chain([job.path()]);
    let mut out = OutFolder::new(folder, inputs);
    out.claim(RESULT)?;
    Ok(out)
}

/// Puts the fields of a part beside those of the whole.
fn add(whole: &mut Value, part: &impl Serialize) {
    let part = serde_json::to_value(part).expect("plain data with text for keys is always JSON");
    if let (Value::Object(whole), Value::Object(part)) = (whole, part) {
        whole.extend(part);
    }
}

fn file_name(place: &Path) -> String {
    place.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
