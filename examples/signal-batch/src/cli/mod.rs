//! The commands, one file or folder each, and how they end.

mod aggregate;
mod args;
mod compare;
mod demo;
mod measure;
mod metrics;
mod results;
mod run;
mod tour;
mod validate;

use std::ffi::{OsStr, OsString};

use clap::Parser as _;
use consumer_support::{CliContext, ExitStatus, Output};

use args::{Cli, Command, Common};

/// Why nothing could be done, as a message.
type Refusal = String;

/// Reads the arguments and runs the command.
pub(crate) fn main() -> ExitStatus {
    let cli = Cli::checked(); // exits with 2 and a hint when the arguments are invalid
    let output = Output::new(cli.common.quiet, cli.common.json);
    let exit_status = run_command(&cli, &output).unwrap_or_else(|refusal| {
        output.error(&refusal);
        ExitStatus::CouldNotRun
    });
    output.exit_status(exit_status)
}

fn run_command(cli: &Cli, output: &Output) -> Result<ExitStatus, Refusal> {
    let Common { mode, workers, .. } = cli.common;
    let context = CliContext { mode, workers, chunk_size: None, output };
    match &cli.command {
        Some(command) => run_named(command, &context),
        None => tour::tour(&cli.tour, &context),
    }
}

/// Runs a command of these words, as if they had been typed, with the context that is there.
fn typed(words: &[OsString], context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    let words = std::iter::once(OsStr::new("signal-batch")).chain(words.iter().map(OsString::as_os_str));
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    cli.command.map_or(Ok(ExitStatus::Done), |command| run_named(&command, context))
}

fn run_named(command: &Command, context: &CliContext<'_>) -> Result<ExitStatus, Refusal> {
    match command {
        Command::Aggregate(args) => aggregate::aggregate(args, context),
        Command::Compare(args) => compare::compare(args, context),
        Command::Demo(args) => demo::demo(args, context),
        Command::Measure(args) => measure::measure(args, context),
        Command::Metrics => Ok(metrics::metrics(context)),
        Command::Run(args) => run::run(args, context),
        Command::Validate(args) => validate::validate(args, context),
    }
}
