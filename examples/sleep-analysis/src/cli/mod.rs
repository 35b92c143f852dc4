//! One file per command. Each gets its arguments, an engine that computes and an output to print to, and returns its exit status.

mod analysis;
mod args;
mod channels;
mod cost;
mod csv_signals;
mod demo;
mod feature_choice;
mod findings;
mod night;
mod out_folder;
mod run;
mod signal_files;
mod study;
mod text_table;

use consumer_support::{ExitStatus, Output};

use analysis::CliContext;
use args::{Cli, Command};

/// Reads the arguments and runs the command.
pub(crate) fn main() -> ExitStatus {
    let cli = Cli::checked(); // exits with 2 and a hint when the arguments are invalid
    let output = Output::new(cli.common.quiet, cli.common.json);
    if cli.licences {
        output.result(&consumer_support::licences::FONTS);
        return output.exit_status(ExitStatus::Done);
    }
    let engine = cli.common.engine(&output);
    let context = CliContext { common: &cli.common, engine: &engine, output: &output };
    let result = match &cli.command {
        None => demo::demo(&cli.demo, &context),
        Some(Command::Run(args)) => run::run(args, &context),
        Some(Command::Night(args)) => night::night(args, &context),
        Some(Command::Study(args)) => study::study(args, &context),
        Some(Command::Features(args)) => csv_signals::features(args, &context),
        Some(Command::Align(args)) => csv_signals::align(args, &context),
    };
    let exit_status = result.unwrap_or_else(|error| {
        output.error(&error);
        ExitStatus::CouldNotRun
    });
    output.exit_status(exit_status)
}
