//! The commands, one file or folder each, and how they end.

mod aggregate;
mod args;
mod compare;
mod measure;
mod metrics;
mod results;
mod tour;
mod validate;

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
        Some(Command::Aggregate(args)) => aggregate::aggregate(args, &context),
        Some(Command::Compare(args)) => compare::compare(args, &context),
        Some(Command::Measure(args)) => measure::measure(args, &context),
        Some(Command::Metrics) => Ok(metrics::metrics(&context)),
        Some(Command::Validate(args)) => validate::validate(args, &context),
        None => tour::tour(&cli.tour, &context),
    }
}
