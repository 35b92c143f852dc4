//! Without a command: the tour. It makes captures of two production lines, with planted faults, and then runs the usual commands on
//! them, one after the other, as a user would type them.
//!
//! Promises: what it prints as a command is what it ran, and works when it is typed again; a second tour goes on with what is there.
//! The faults are planted, so it ends with 0 when exactly these are found.

mod found;
mod steps;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use consumer_support::command_line::shell_quoted;
use consumer_support::{CliContext, ExitStatus, Output, Usage};
use manyhands::report::write_atomically;
use serde_json::json;

use super::{Refusal, typed};
use crate::demos::{N_UNITS, Unit};
use steps::{Step, as_words, steps, typed_text};

/// Where the tour writes.
#[derive(Debug, Args)]
pub(super) struct TourArgs {
    /// Where the results go.
    #[arg(long, default_value = "signal-out", value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// What a unit must keep to.
const LIMITS: &str = "\
# What a unit must keep to: signal-batch validate RESULTS --limits limits.toml
[metrics.snr_db]
min = 35
[metrics.thd_percent]
max = 2
[metrics.peak]
max = 2.2
";

/// Measures, aggregates, compares and judges made captures.
///
/// # Errors
/// A message when a step could not run.
pub(super) fn tour(args: &TourArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let begin = Usage::now();
    make(&args.out)?;
    let captures = shell_quoted(&args.out.join("captures"));
    context.output.result(&format!("{N_UNITS} made captures of two lines, five with planted faults: {captures}"));
    // The commands say nothing but errors; the tour tells what they found.
    let silent = Output::new(true, false);
    let inner = CliContext { output: &silent, ..*context };
    let mut unplanned = Vec::new();
    for step in steps(&args.out) {
        context.output.result(&format!("\n{}\n{}", step.title, typed_text(&step.words)));
        let status = typed(&step.words, &inner)?;
        match status {
            ExitStatus::Interrupted(_) => return Ok(status),
            _ if status == step.planned => {}
            _ => unplanned.push(surprise(&step, status)),
        }
        for line in (step.found)(&args.out)? {
            context.output.result(&format!("   {line}"));
        }
    }
    for surprise in &unplanned {
        context.output.error(surprise);
    }
    print_end(args, context, &unplanned, &begin);
    Ok(if unplanned.is_empty() { ExitStatus::Done } else { ExitStatus::Incomplete })
}

fn surprise(step: &Step, status: ExitStatus) -> String {
    let command = step.words.join(OsStr::new(" "));
    format!("{} ended with {} where {} is planned", command.display(), status.code(), step.planned.code())
}

fn print_end(args: &TourArgs, context: &CliContext<'_>, unplanned: &[String], begin: &Usage) {
    let seconds = Usage::now().since(begin).wall.as_secs_f64();
    let at = |name: &str| args.out.join(name).into_os_string();
    let results = at("measured/results.csv");
    let next: [&[&dyn AsRef<OsStr>]; 4] = [
        &[&"aggregate", &results, &"--metrics", &"rms,snr_db"],
        &[&"compare", &results, &"--group", &"batch"],
        &[&"measure", &"--made", &"50", &"--out", &at("made"), &"--resume"],
        &[&"demo", &"all", &"--out", &args.out],
    ];
    let next: Vec<String> = next.iter().map(|words| typed_text(&as_words(words))).collect();
    context.output.result(&format!(
        "\nAll of that took {seconds:.1} s. Open {}\n\n{}:\n{}",
        shell_quoted(&args.out.join("index.html")),
        try_next(std::env::var_os("CARGO").is_some()),
        next.join("\n")
    ));
    let summary = json!({
        "operation": "tour",
        "page": args.out.join("index.html"),
        "results": args.out.join("measured/results.csv"),
        "unplanned": unplanned,
        "seconds": seconds,
    });
    context.output.json(&summary.to_string());
}

/// What stands before the commands. A program that cargo runs is in no search path, so its name alone starts nothing.
fn try_next(runs_by_cargo: bool) -> &'static str {
    if runs_by_cargo {
        "Try next (signal-batch is short for cargo run --release -p signal-batch --)"
    } else {
        "Try next"
    }
}

/// Writes the captures and the limits. What is there already stays as it is, so that measurements of it stay valid.
fn make(out: &Path) -> Result<(), Refusal> {
    for unit in (0..N_UNITS).map(Unit::new) {
        let folder = out.join("captures").join(unit.line());
        fs::create_dir_all(&folder).map_err(|error| refuse(&folder, &error))?;
        write_new(&folder.join(unit.name()).with_extension("csv"), &csv(unit))?;
    }
    write_new(&out.join("limits.toml"), LIMITS)
}

/// A capture as its instrument would export it; a lost sample is `nan`.
fn csv(unit: Unit) -> String {
    let line = |(j, sample): (usize, f64)| {
        let sample = if sample.is_nan() { "nan".to_owned() } else { sample.to_string() };
        format!("{},{sample}\n", j as f64 / Unit::rate_hz())
    };
    "time_s,V\n".to_owned() + &unit.samples().into_iter().enumerate().map(line).collect::<String>()
}

fn write_new(path: &Path, content: &str) -> Result<(), Refusal> {
    if fs::read(path).is_ok_and(|there| there == content.as_bytes()) {
        return Ok(());
    }
    write_atomically(path, |file| file.write_all(content.as_bytes())).map_err(|error| refuse(path, &error))
}

fn refuse(path: &Path, error: &std::io::Error) -> Refusal {
    format!("{}: {error}; choose another place with --out", path.display())
}
