//! One file per command. Each gets its arguments, an engine that computes and an output to print to, and returns its exit status.

mod analysis;
mod args;
mod channels;
mod cost;
mod csv_signals;
mod demo;
mod feature_choice;
mod findings;
mod help;
mod night;
mod run;
mod signal_files;
mod study;
mod text_table;

use consumer_support::{ExitStatus, Output};
use sleep_analysis::SleepResult;

use analysis::CliContext;
use args::{Cli, Command};

/// Reads the arguments and runs the command.
pub(crate) fn main() -> ExitStatus {
    let cli = Cli::checked(); // exits with 2 and a hint when the arguments are invalid
    let output = Output::new(cli.common.quiet, cli.common.json);
    let exit_status = run_command(&cli, &output).unwrap_or_else(|error| {
        output.error(&error);
        ExitStatus::CouldNotRun
    });
    output.exit_status(exit_status)
}

/// Runs the command that these words are, for the fuzz target `job`, which has the source of this module.
#[cfg(fuzzing)]
pub(crate) fn of_words(words: &[&std::ffi::OsStr]) -> SleepResult<ExitStatus> {
    use clap::Parser;
    run_command(&Cli::parse_from(words), &Output::new(true, false))
}

fn run_command(cli: &Cli, output: &Output) -> SleepResult<ExitStatus> {
    if cli.licences {
        output.result(&consumer_support::licences::FONTS);
        return Ok(ExitStatus::Done);
    }
    let engine = cli.common.engine(output);
    let context = CliContext { common: &cli.common, engine: &engine, output };
    match &cli.command {
        None => demo::demo(&cli.demo, &context),
        Some(Command::Run(args)) => run::run(args, &context),
        Some(Command::Night(args)) => night::night(args, &context),
        Some(Command::Study(args)) => study::study(args, &context),
        Some(Command::Features(args)) => csv_signals::features(args, &context),
        Some(Command::Align(args)) => csv_signals::align(args, &context),
    }
}
