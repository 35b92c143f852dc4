//! `sleep-analysis run`: carries a job description out and writes its tables and `result.json`.
//!
//! Promises: every run that can be done is done, whatever becomes of the others, and `result.json` tells of each. Which
//! job files there are is in `run/job.rs`; what each operation does with its job, in the file of its name.

mod alignment;
mod eeg;
mod features;
mod grids;
mod job;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use sleep_analysis::parallel::Hands;
use sleep_analysis::{AlignMethod, SleepResult, write_whole_file};

use super::Ending;
use super::args::{Common, RunArgs};
use super::effort::Effort;
use super::out_folder::OutFolder;
use super::text_table::TextTable;
use super::voice::Voice;
use job::{JobFile, JobKind};

const RESULT: &str = "result.json";

/// What an operation has to say for itself.
struct Answer {
    /// For `result.json`: an object.
    result: Value,
    /// For the terminal.
    table: TextTable,
    ending: Ending,
}

/// Carries the job out.
///
/// # Errors
/// [`SleepError`](sleep_analysis::SleepError) when nothing could be done: an unreadable job, no input, no place to write.
pub(crate) fn run(args: &RunArgs, common: &Common, hands: &Hands, voice: &Voice) -> SleepResult<Ending> {
    let started = Instant::now();
    let job = JobFile::read(&args.job)?;
    let (operation, kind) = job.operation()?;
    let out = |inputs: &[PathBuf]| out_folder(&args.out, &job, inputs);
    let answer = match kind {
        JobKind::EpochGrids => grids::epoch_grids(&job),
        JobKind::AlignmentGrids => grids::alignment_grids(&job),
        JobKind::Features(kind) => features::run(&job, kind, out, hands, voice),
        JobKind::Alignment => alignment::run(&job, None, out, hands, voice),
        JobKind::AsOf => alignment::run(&job, Some(AlignMethod::AsOf), out, hands, voice),
        JobKind::Eeg => eeg::run(&job, out, hands, voice),
    };
    let Answer { mut result, table, ending } = answer?;
    result["operation"] = operation.into();
    add(&mut result, &Effort::since(started, common, hands));
    out(&[])?.create()?;
    let place = args.out.join(RESULT);
    write_whole_file(&place, |out| writeln!(out, "{result:#}"))?;
    voice.tell(&table);
    voice.tell(&format!("written to {}", args.out.display()));
    voice.tell_json(&result.to_string());
    Ok(ending)
}

/// The folder, with the name of the result taken, and the inputs out of reach.
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
