//! `run`: runs a job description and writes its outputs and `result.json`.
//!
//! Every run that can be done is done, even if others fail, and `result.json` reports each. What a job may hold is in `job.rs`; what
//! each part does, in the file of its name.

mod fir;
mod job;
mod raw;
mod runs;
mod trigger_cases;

use std::time::Instant;

use consumer_support::{CliContext, ExitStatus, OutFolder, Usage, notice};
use manyhands::report::write_atomically;
use serde_json::{Map, Value, json};

use super::Refusal;
use super::args::RunArgs;
use job::Job;

const RESULT: &str = "result.json";

/// Runs the job.
///
/// # Errors
/// A message when nothing could be done: an unreadable job, a recording that does not fit it, no place to write.
pub(super) fn run(args: &RunArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let (started, begin) = (Instant::now(), Usage::now());
    let job = Job::read(&args.job)?;
    let mut out = OutFolder::new(&args.out, [args.job.as_path()]);
    let claim = |error: consumer_support::OutFolderError| error.to_string();
    out.claim(RESULT).map_err(claim)?;
    let interruption = context.listen("the running channels".to_owned())?;
    let mut result = Map::new();
    let mut failed = Vec::new();
    if let Some(filters) = &job.fir {
        let designs = fir::run(filters, &mut out)?;
        failed.extend(designs.failed);
        result.insert("fir".to_owned(), designs.entries);
    }
    if let Some(cases) = &job.trigger_cases {
        let found = trigger_cases::run(cases);
        failed.extend(found.failed);
        result.insert("trigger_cases".to_owned(), found.entries);
    }
    if job.recording.is_some() || job.runs.is_some() {
        let runs = runs::run(&job, &mut out, interruption.token(), context)?;
        failed.extend(runs.failed);
        result.insert("runs".to_owned(), runs.entries);
    }
    if let Some(interrupted) = interruption.interrupted().filter(|_| interruption.token().is_cancelled()) {
        notice(&format!("ended by {}: {RESULT} is not written", interrupted.signal));
        return Ok(ExitStatus::Interrupted(interrupted.exit_code));
    }
    out.create().map_err(claim)?;
    let text = format!("{:#}\n", Value::Object(result.clone()));
    write_atomically(args.out.join(RESULT), |file| file.write_all(text.as_bytes())).map_err(|why| why.to_string())?;
    for failure in &failed {
        context.output.error(failure);
    }
    result.insert("operation".to_owned(), json!("run"));
    result.insert("mode".to_owned(), json!(context.mode.to_string()));
    result.insert("workers".to_owned(), json!(context.n_workers()));
    result.insert("seconds".to_owned(), json!(started.elapsed().as_secs_f64()));
    context.output.json(&Value::Object(result).to_string());
    let usage = Usage::now().since(&begin);
    context.output.result(&format!(
        "written to {} in {:.2} s; {} failed; mode {}, {usage}",
        args.out.display(),
        usage.wall.as_secs_f64(),
        failed.len(),
        context.mode,
    ));
    Ok(if failed.is_empty() { ExitStatus::Done } else { ExitStatus::Incomplete })
}
