//! The arguments that all commands share; those of a command stand in its own file.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use consumer_support::flag_values::at_least_one;
use manyhands::AnyMode;

use super::aggregate::AggregateArgs;
use super::compare::CompareArgs;
use super::demo::DemoArgs;
use super::measure::MeasureArgs;
use super::run::RunArgs;
use super::tour::TourArgs;
use super::validate::ValidateArgs;

/// Measures, aggregates, compares and judges batches of signal captures.
///
/// Without a command: the tour, on 50 made captures, into signal-out/.
#[derive(Debug, Parser)]
#[command(name = "signal-batch", version, max_term_width = 100, after_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) tour: TourArgs,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// How the work runs: serial, threads (for computing), io (for waiting) or processes.
    #[arg(long, global = true, help_heading = "Options of every command", default_value = "threads")]
    pub(super) mode: AnyMode,
    /// How many workers; without it, as many as the machine has cores to spare.
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "N", value_parser = at_least_one)]
    pub(super) workers: Option<usize>,
    /// Say nothing but errors.
    #[arg(long, short, global = true, help_heading = "Options of every command")]
    pub(super) quiet: bool,
    /// Print the summary as JSON instead of lines.
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(super) json: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Describe a table of measurements: means, deviations, outliers, quality, for all rows or for each batch.
    Aggregate(AggregateArgs),
    /// Compare two batches, the groups of one, or a batch with a baseline.
    Compare(CompareArgs),
    /// Show how it is done: four demonstrations, each a file to read.
    Demo(DemoArgs),
    /// Measure captures: CSV, NPY, WAV or made ones, one or many.
    Measure(MeasureArgs),
    /// List every measurement and its unit.
    Metrics,
    /// Answer a file of cases: statistics, outliers, comparisons, and other arithmetic, one answer per case.
    Run(RunArgs),
    /// Pass or fail each unit by a file of limits.
    Validate(ValidateArgs),
}

const EXAMPLES: &str = "\
Examples:
  signal-batch                                 the tour: everything once, into signal-out/
  signal-batch measure captures --out measured
  signal-batch aggregate measured/results.csv --group batch
  signal-batch compare --baseline monday/results.csv tuesday/results.csv
  signal-batch validate measured/results.csv --limits limits.toml
  signal-batch demo all                        four demonstrations, a minute at most
  signal-batch run cases.json --out results    arithmetic, case by case
  signal-batch metrics                         every measurement and its unit

Exit code 0: all done, 1: something failed or was left out, 2: could not run.";

/// The arguments of the command-less call. A command has its own, and would ignore these.
const TOUR_FLAGS: [&str; 1] = ["out"];

impl Cli {
    /// The arguments of this process; ends it with a hint and code 2 when they are invalid.
    pub(super) fn checked() -> Self {
        let matches = Self::command().get_matches();
        if let Some(stray) = stray_argument(&matches) {
            let hint = format!("--{stray} in front of a command belongs to none; write it behind the command");
            Self::command().error(ErrorKind::ArgumentConflict, hint).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

fn stray_argument(matches: &ArgMatches) -> Option<&'static str> {
    matches.subcommand_name()?;
    TOUR_FLAGS.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}
