//! `validate`: each unit of a table, passed or failed by a file of limits.

use std::path::PathBuf;

use clap::Args;
use consumer_support::{CliContext, ExitStatus};

use super::Refusal;

/// Units to judge.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ValidateArgs {
    /// A table of measurements (.csv of `measure`), or captures, which are measured first.
    pub(super) inputs: Vec<PathBuf>,
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
  signal-batch validate measured/results.csv --limits limits.toml --out verdicts

Exit code 0: every unit passed, 1: a unit failed, 2: could not run.";

/// Judges the units.
///
/// # Errors
/// A message when the limits or the units cannot be read, or the results cannot be written.
pub(super) fn validate(args: &ValidateArgs, _context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    Err(format!("{} is not read yet", args.limits.display()))
}
