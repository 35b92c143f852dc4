//! `validate`: each unit, passed or failed by a file of limits.
//!
//! Units are the rows of a table, or captures, which are measured first. `units.rs` gets the table, `files.rs` writes what was found,
//! `terminal.rs` prints it; judging is the library's.

mod files;
mod page;
mod rows;
mod terminal;
mod units;

use std::path::PathBuf;

use clap::Args;
use consumer_support::{CliContext, ExitStatus};
use signal_batch::limits::Limits;

use super::Refusal;
use super::measure::CaptureArgs;
use super::results::require_no_run;

/// Units to judge.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) captures: CaptureArgs,
    /// The limits, as TOML; see the example below.
    #[arg(long, value_name = "FILE")]
    pub(super) limits: PathBuf,
    /// Where verdicts.csv, validation.json and index.html go; without it, nothing is written.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch validate measured/results.csv --limits limits.toml
  signal-batch validate captures --limits limits.toml --rate 1e6 --out verdicts
  signal-batch validate --made 50 --limits limits.toml

Units are the rows of a table of measurements: results.csv of `measure`, or a
folder that holds it. Captures are measured first, as far as there are limits;
their flags are those of `measure`.

limits.toml has a table for each metric that is judged, with the smallest and
the largest value that pass, or one of them. `signal-batch metrics` lists the
names. The keys max_change and worse are for `compare`, and change nothing
here:
  [metrics.rms]
  min = 0.40
  max = 0.45
  [metrics.snr_db]
  min = 10
  max_change = \"2%\"
  worse = \"lower\"

A unit passes when each of these metrics has a value within its limits. It
fails with each metric that lies outside, or that is missing, or because its
capture could not be measured.

Score of a unit, 0 to 100: the mean over the limited metrics of 100 * max(0, 1
- e/w). e is how far the value lies outside, 0 within; w is max - min, or the
limit without its sign where there is one. A missing value counts 0. A unit
that passes has 100, and one that was not measured 0. The score of a batch is the mean of its units.

Writes with --out: verdicts.csv (a row for each unit), validation.json and
index.html.

Exit code 0: every unit passed, 1: a unit failed, 2: could not run, 130: ended
by Ctrl+C, 143: by SIGTERM.";

/// Judges the units.
///
/// # Errors
/// A message when the limits or the units cannot be read, or the results cannot be written.
pub(super) fn validate(args: &ValidateArgs, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let limits = Limits::read(&args.limits).map_err(|error| error.to_string())?;
    if !limits.metrics().iter().any(|one| one.min.is_some() || one.max.is_some()) {
        return Err(format!("{} has no limits to judge by; give a metric min or max", args.limits.display()));
    }
    args.out.as_deref().map_or(Ok(()), require_no_run)?;
    let units = match units::of(args, &limits, context)? {
        Ok(units) => units,
        Err(interrupted) => return Ok(ExitStatus::Interrupted(interrupted.exit_code)),
    };
    let in_file = |error: signal_batch::BatchError| format!("{}: {error}", args.limits.display());
    let judgement = limits.judge(&units.table).map_err(in_file)?;
    if judgement.units.is_empty() {
        return Err(format!("{} has no rows, so there is nothing to judge", units.source));
    }
    let written = args.out.as_ref().map(|out| files::write(out, &units, &limits, &judgement)).transpose()?;
    context.output.result(&terminal::lines(&judgement, &units).trim_end());
    context.output.json(&files::summary(&units, &limits, &judgement).to_string());
    if let Some(page) = written {
        context.output.result(&format!("look at {page}"));
    }
    Ok(if judgement.n_passed() == judgement.units.len() && !units.lacks_some {
        ExitStatus::Done
    } else {
        ExitStatus::Incomplete
    })
}
