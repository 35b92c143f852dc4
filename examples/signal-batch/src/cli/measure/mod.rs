//! `measure`: the measurements of many captures, in one table.

use std::path::PathBuf;

use clap::Args;
use consumer_support::flag_values::memory_size;
use consumer_support::{CliContext, ExitStatus};

use super::Refusal;

/// Captures to measure.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MeasureArgs {
    /// Captures, and folders of captures (.csv, .npy, .wav; hidden files are not looked at).
    #[arg(required_unless_present_any = ["made", "status", "failed"])]
    pub(super) inputs: Vec<PathBuf>,
    /// Make this many captures instead of reading some.
    #[arg(long, value_name = "N", conflicts_with = "inputs")]
    pub(super) made: Option<u64>,
    /// Where the results go: results.csv, summary.json, index.html, and run/ with the journal.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// The memory that all captures at work may take together, such as 4G or 800M.
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub(super) memory: Option<u64>,
    /// Go on with what is in --out, trying failed captures again; begin where there is nothing yet.
    #[arg(long)]
    pub(super) resume: bool,
    /// With --resume: leave failed captures as they are.
    #[arg(long, requires = "resume")]
    pub(super) keep_failed: bool,
    /// With --resume: measure again what has changed since, and everything after another setting or version.
    #[arg(long, requires = "resume")]
    pub(super) redo_changed: bool,
    /// Only print how far the run in --out is, running or not.
    #[arg(long, conflicts_with_all = ["resume", "failed", "inputs"])]
    pub(super) status: bool,
    /// Only print which captures of the run in --out failed, and why.
    #[arg(long, conflicts_with_all = ["resume", "inputs"])]
    pub(super) failed: bool,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch measure captures --out measured
  signal-batch measure --made 50 --out measured --mode processes
  signal-batch measure captures --out measured --resume   after a break
  signal-batch measure --out measured --status            how far a run is, from another terminal

Exit code 0: all done, 1: some captures failed, 2: no capture could be measured, 130: ended by Ctrl+C,
143: by SIGTERM.";

/// Measures the captures, or reports on a run, as the flags say.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn measure(args: &MeasureArgs, _context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    Err(format!("nothing is written to {} yet", args.out.display()))
}
