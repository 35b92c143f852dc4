//! The commands, one file or folder each, and how they end.

mod args;
mod clean;
mod demo;
mod memory;
mod pipeline_args;
mod results;
mod run;
mod scaling;
mod steps;
mod thresholds;

use consumer_support::{CliContext, ExitStatus, Output};
use eeg_artifact::JobExecutor;
use manyhands::CancelToken;

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
    let Common { mode, workers, chunk_size, .. } = cli.common;
    let context = CliContext { mode, workers, chunk_size, output };
    match &cli.command {
        Some(Command::Clean(args)) => clean::clean(args, &context),
        Some(Command::Run(args)) => run::run(args, &context),
        Some(Command::Scaling(args)) => scaling::scaling(args, &context),
        Some(Command::Steps) => steps::steps(output),
        None => demo::demo(&cli.demo, &context),
    }
}

/// Processes channels as the flags say.
fn executor(context: &CliContext<'_>, stop: &CancelToken) -> JobExecutor {
    JobExecutor::new(context.mode).workers(context.workers).chunk_size(context.chunk_size).cancel_token(stop)
}
