//! `aggregate`: a table of measurements, described: all rows together, or each group for itself.

use std::path::PathBuf;

use clap::Args;
use consumer_support::{CliContext, ExitStatus};

use super::Refusal;

/// A table to describe.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AggregateArgs {
    /// The table: results.csv of `measure`, or any other CSV with a header line and a row for each capture.
    pub(super) table: PathBuf,
    /// Describe each group for itself: the rows that share a text in this column, such as batch.
    #[arg(long, value_name = "COLUMN")]
    pub(super) group: Option<String>,
    /// From where on a value is an outlier: in deviations for z; for iqr, 3 stands for 1.5 interquartile ranges beyond the quartiles.
    #[arg(long, value_name = "T", default_value_t = 3.0, allow_negative_numbers = true)]
    pub(super) threshold: f64,
    /// Only these columns, separated by commas; without it, all columns of numbers.
    #[arg(long, value_delimiter = ',', value_name = "NAME,..")]
    pub(super) metrics: Option<Vec<String>>,
    /// Where summary.json, summary.csv and index.html go; without it, nothing is written.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  signal-batch aggregate measured/results.csv
  signal-batch aggregate measured/results.csv --group batch --out aggregated

Exit code 0: all done, 1: something was left out, 2: could not run.";

/// Describes the table.
///
/// # Errors
/// A message when the table cannot be read, or the results cannot be written.
pub(super) fn aggregate(args: &AggregateArgs, _context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    Err(format!("{} is not read yet", args.table.display()))
}
