//! Without a command: everything once, on made captures.

use std::path::PathBuf;

use clap::Args;
use consumer_support::{CliContext, ExitStatus};

use super::Refusal;

/// Where the tour writes.
#[derive(Debug, Args)]
pub(super) struct TourArgs {
    /// Where the results go.
    #[arg(long, default_value = "signal-out", value_name = "DIR")]
    pub(super) out: PathBuf,
}

/// Measures, aggregates, compares and judges made captures.
///
/// # Errors
/// A message when nothing could be done.
pub(super) fn tour(args: &TourArgs, _context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    Err(format!("nothing was written to {}; give a command, see --help", args.out.display()))
}
