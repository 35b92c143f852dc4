//! The commands, one file or folder each, and how they end.

mod args;
mod clean;
mod context;
mod demo;
mod memory;
mod pipeline_args;
mod results;
mod run;
mod scaling;
mod steps;
mod thresholds;

use consumer_support::{ExitStatus, Output};

use args::{Cli, Command};
use context::CliContext;

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
    let context = CliContext { common: &cli.common, output };
    match &cli.command {
        Some(Command::Clean(args)) => clean::clean(args, &context),
        Some(Command::Run(args)) => run::run(args, &context),
        Some(Command::Scaling(args)) => scaling::scaling(args, &context),
        Some(Command::Steps) => steps::steps(output),
        None => demo::demo(&cli.demo, &context),
    }
}
