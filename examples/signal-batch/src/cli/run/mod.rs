//! `run`: a file of cases, one kind of question about many inputs; the answers go into `result.json`.
//!
//! A case is an item of a job, so cases run in any mode, and one that is broken, or panics, fails by name and costs no other. What a
//! file may hold is in `cases.rs`, how a case is read in `case.rs`, and the answers in `answers/`.

mod answers;
mod case;
mod cases;
mod kind;

use std::path::PathBuf;

use clap::Args;
use consumer_support::input::Budget;
use consumer_support::{CliContext, ExitStatus, OutFolder, Usage, notice};
use manyhands::report::write_atomically;
use manyhands::{CancelToken, Cause, ItemFailure, Job, OnFailure, Outcome, Progress};
use serde_json::{Value, json};

use super::Refusal;
use cases::{Cases, Question};

const RESULT: &str = "result.json";

/// A file of cases.
#[derive(Debug, Args)]
#[command(after_help = FORMAT)]
pub(super) struct RunArgs {
    /// The cases, such as cases.json.
    pub(super) cases: PathBuf,
    /// Where result.json goes.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// Answers all cases that can be answered.
///
/// # Errors
/// A message when the file cannot be read, its kind is not known, or there is no place to write.
pub(super) fn run(args: &RunArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let begin = Usage::now();
    let cases = Cases::read(&args.cases, Budget::STANDARD.description_bytes)?;
    let mut out = OutFolder::new(&args.out, [args.cases.as_path()]);
    let place = out.claim(RESULT).map_err(|error| error.to_string())?;
    out.create().map_err(|error| error.to_string())?;
    let interruption = context.listen("the running cases".to_owned())?;
    let answered = answer_all(&cases.questions, context, interruption.token());
    if let Some(interrupted) = interruption.interrupted() {
        notice(&format!("ended by {}: {RESULT} is not written", interrupted.signal));
        return Ok(ExitStatus::Interrupted(interrupted.exit_code));
    }
    let (entries, failed) = entries(&cases, answered?);
    let result = json!({ "kind": cases.kind.text(), "cases": entries });
    write_atomically(&place, |file| writeln!(file, "{result:#}")).map_err(|why| format!("{RESULT}: {why}"))?;
    for failure in &failed {
        context.output.error(failure);
    }
    let usage = Usage::now().since(&begin);
    let n_answered = cases.questions.len() - failed.len();
    context.output.result(&format!(
        "{n_answered} of {} cases answered in {:.2} s; written to {}",
        cases.questions.len(),
        usage.wall.as_secs_f64(),
        place.display()
    ));
    context.output.json(&summary(&result, &failed, context, &usage).to_string());
    Ok(if failed.is_empty() { ExitStatus::Done } else { ExitStatus::Incomplete })
}

/// What stands in `result.json`, and how it came about.
fn summary(result: &Value, failed: &[String], context: &CliContext<'_>, usage: &consumer_support::UsageSince) -> Value {
    json!({
        "operation": "run",
        "kind": result["kind"],
        "cases": result["cases"],
        "failed": failed,
        "mode": context.mode.to_string(),
        "workers": context.n_workers(),
        "seconds": usage.wall.as_secs_f64(),
    })
}

/// An answer as JSON text for each question that has one.
fn answer_all(
    questions: &[Question],
    context: &CliContext<'_>,
    stop: &CancelToken,
) -> Result<Outcome<String, String>, Refusal> {
    let progress = if context.output.shows_progress() { Progress::auto("cases") } else { Progress::off() };
    Job::new(questions)
        .mode(context.mode)
        .workers(context.n_workers())
        .key(|question| question.name.clone())
        .on_failure(OnFailure::Continue)
        .cancel_token(stop)
        .progress(progress)
        .try_run(answers::answer)
        .map_err(|error| error.to_string())
}

/// An entry per case, in order, and a sentence for each case that has no answer.
fn entries(cases: &Cases, answered: Outcome<String, String>) -> (Vec<Value>, Vec<String>) {
    let mut failed = Vec::new();
    let results = cases.questions.iter().zip(answered.into_results());
    let entries = results.map(|(question, result)| {
        let answer = match result {
            Ok(text) => serde_json::from_str(&text).expect("an answer is written as JSON"),
            Err(failure) => {
                let why = reason(&failure);
                failed.push(format!("case {}: {why}", question.name));
                json!({ "error": why })
            }
        };
        with_id(answer, &question.id)
    });
    (entries.collect(), failed)
}

fn reason(failure: &ItemFailure<String>) -> String {
    match &failure.cause {
        Cause::Error(why) => why.clone(),
        Cause::Panic(message) => format!("it panicked: {message}"),
        _ => failure.to_string(),
    }
}

fn with_id(mut answer: Value, id: &Value) -> Value {
    answer["id"] = id.clone();
    answer
}

const FORMAT: &str = "\
Example:
  signal-batch run cases.json --out results

cases.json:
  {\"kind\": \"describe_outliers\",
   \"cases\": [{\"id\": \"first\", \"input\": [1.0, 1.1, null, 0.9, 7.5], \"iqr_thresholds\": [3.0]}]}

null in the place of a number is a missing value, \"inf\" and \"-inf\" are infinities; answers write
them in the same way. What a kind asks for, beside id:
  describe_outliers  input; optional: iqr_thresholds (2, 2.5, 3, 4.5, 6), z_thresholds (2, 2.5, 3)
  aggregate_tables   rows: a list of objects with file, batch and numbers; optional: threshold (3),
                     group (batch)
  compare_batches    a, b
  multiple_tests     p
  quality            amplitude, snr_db
  batch_metrics      records: a list of {file, status, duration, samples, measurements, error_type};
                     wall_seconds; optional: start_epoch (seconds since 1970)
  workload           id alone: trace_007 or signal_007; or i beside it

Writes results/result.json: {\"kind\", \"cases\": [{\"id\", and the answers, or error}]}, the same
bytes whatever the mode and the workers.

Exit code 0: all answered, 1: a case failed, by name, 2: could not run, 130: ended by Ctrl+C.";
