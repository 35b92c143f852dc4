//! The arguments, and the help that teaches them.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use manyhands::AnyMode;

/// Removes the artifacts of a scanner from EEG.
///
/// Without a command: makes a recording whose truth is known, cleans it, and shows how well, in eeg-out/.
#[derive(Debug, Parser)]
#[command(name = "eeg-artifact", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
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
    /// How many channels, or files, a worker takes at a time; without it, by measured time.
    #[arg(long, global = true, help_heading = "Options of every command", value_name = "N", value_parser = at_least_one)]
    pub(super) chunk_size: Option<usize>,
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
    /// Run a job description: recordings as raw numbers, steps, and what they must give.
    Run(RunArgs),
    /// List every step, its parameters, and whether its channels are processed in parallel.
    Steps,
}

/// A job description to run.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The job description, such as job.json.
    pub(super) job: PathBuf,
    /// Where the outputs and result.json go.
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("give a whole number, 1 or more".to_owned()),
    }
}

/// The arguments of the command-less call. A command has its own, and would ignore these.
const DEMO_FLAGS: [&str; 0] = [];

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
    DEMO_FLAGS.into_iter().find(|name| matches.value_source(name) == Some(ValueSource::CommandLine))
}
