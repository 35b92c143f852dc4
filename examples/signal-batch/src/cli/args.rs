//! The arguments that all commands share; those of a command stand in its own file.

use clap::{Args, Parser, Subcommand};
use consumer_support::flag_values::at_least_one;
use manyhands::AnyMode;

/// Measures, aggregates, compares and judges batches of signal captures.
#[derive(Debug, Parser)]
#[command(name = "signal-batch", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
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
    /// List every measurement and its unit.
    Metrics,
}

impl Cli {
    /// The arguments of this process; ends it with a hint and code 2 when they are invalid.
    pub(super) fn checked() -> Self {
        Self::parse()
    }
}
