//! `run`: the cases of a file, in any mode; one that fails is named, and the others go on.

use std::path::{Path, PathBuf};

use consumer_support::{CliContext, ExitStatus};
use landmark_extraction::cases::{Case, CaseResult, CaseRunner, CasesFile};
use landmark_extraction::models::ModelSource;
use manyhands::process::Format;
use manyhands::{AnyMode, Job, OnFailure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::RunArgs;
use super::{Refusal, require_utf8, text};

/// What all cases share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RunSettings {
    file: PathBuf,
    out: PathBuf,
    models: ModelSource,
}

/// Runs all cases of a file.
///
/// # Errors
/// A message when the file, the models or the folder cannot be used at all.
pub(super) fn run(args: &RunArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let file = CasesFile::read(&args.file).map_err(text)?;
    let settings = RunSettings {
        file: absolute(&args.file)?,
        out: absolute(&args.out)?,
        models: ModelSource::Folder(absolute(&args.models)?),
    };
    for (what, path) in [("the cases", &args.file), ("--out", &args.out), ("--models", &args.models)] {
        require_utf8(what, path)?;
    }
    let interruption = context.listen(format!("the cases at work, {} at most", context.n_workers()))?;
    let cases = file.cases();
    let mode = match context.mode {
        AnyMode::Processes(processes) => AnyMode::Processes(processes.format(Format::SelfDescribing)),
        mode => mode,
    };
    let outcome = Job::new(&cases)
        .mode(mode)
        .workers(context.n_workers())
        .chunk_size(1)
        .on_failure(OnFailure::Continue)
        .cancel_token(interruption.token())
        .key(|case: &Case| case.id().to_owned())
        .shared(&settings)
        .try_worker_state(runner)
        .map(|runner: &mut CaseRunner, case: &Case| runner.run(case))
        .run()
        .map_err(text)?;
    let failed = |case: &Case, why: String| CaseResult { id: case.id().to_owned(), outcome: Err(why) };
    let results = outcome.into_results().into_iter().zip(&cases);
    let results = results.map(|(result, case)| result.unwrap_or_else(|lost| failed(case, lost.to_string()))).collect();
    let report = file.write_results(&args.out, results).map_err(text)?;
    report.failed.iter().for_each(|(id, why)| context.output.error(&format!("{id} failed: {why}")));
    context.output.result(&format!(
        "{} of {} cases answered; {}",
        report.succeeded,
        cases.len(),
        report.results.display()
    ));
    let summary = json!({
        "operation": "run",
        "cases": cases.len(),
        "succeeded": report.succeeded,
        "failed": report.failed.iter().map(|(id, error)| json!({ "id": id, "error": error })).collect::<Vec<_>>(),
    });
    context.output.json(&summary.to_string());
    if let Some(interrupted) = interruption.interrupted() {
        return Ok(ExitStatus::Interrupted(interrupted.exit_code));
    }
    Ok(match (report.succeeded, report.failed.len()) {
        (_, 0) => ExitStatus::Done,
        (0, _) => ExitStatus::CouldNotRun,
        _ => ExitStatus::Incomplete,
    })
}

fn runner(settings: &RunSettings) -> Result<CaseRunner, String> {
    let file = CasesFile::read(&settings.file).map_err(text)?;
    CaseRunner::new(&file, &settings.out, &settings.models).map_err(text)
}

/// A worker process may begin elsewhere.
fn absolute(path: &Path) -> Result<PathBuf, Refusal> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}
