//! The commands, one file or folder each, and how they end.

mod args;
mod extract;
mod made;
mod models;
mod run;
mod verify;

use std::path::Path;

use consumer_support::{CliContext, ExitStatus, Output};

use args::{Cli, Command, Common, ModelsCommand};

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
    let workers = workers.unwrap_or_else(|| args::usual_workers(manyhands::config::usable_cores().get()));
    let context = CliContext { mode, workers: Some(workers), chunk_size: Some(1), output };
    match &cli.command {
        None => made::made(&cli.made, &context),
        Some(Command::Extract(args)) => extract::extract(args, &context),
        Some(Command::Verify(args)) => verify::verify(args, output),
        Some(Command::Models(args)) => match &args.command {
            ModelsCommand::Unpack(args) => models::unpack(args, output),
        },
        Some(Command::Run(args)) => run::run(args, &context),
    }
}

/// Refuses a path that cannot be sent to worker processes, or be part of a table.
fn require_utf8(what: &str, path: &Path) -> Result<(), Refusal> {
    match path.to_str() {
        Some(_) => Ok(()),
        None => Err(format!("the path of {what} is not UTF-8: {}; rename it, or give a link to it", path.display())),
    }
}

/// The text of an error.
fn text(error: impl ToString) -> String {
    error.to_string()
}
