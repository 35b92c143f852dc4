//! The commands, their flags and how they end.

mod args;
mod bls;
mod chart;
mod device;
mod extract;
mod page;
mod samples;
mod trial;
mod worker;

use clap::Parser;
use consumer_support::{ExitStatus, Output};

use args::{Arguments, Command};

/// Why nothing could be done, as a message.
type Refusal = String;

/// Reads the arguments and runs the command.
pub(crate) fn main() -> ExitStatus {
    let arguments = Arguments::parse();
    let is_json = matches!(&arguments.command, Command::Extract(args) if args.json);
    let output = Output::new(false, is_json);
    let result = match &arguments.command {
        Command::Extract(args) => extract::extract(args, &output),
        Command::Bls(args) => bls::bls(args, &output),
    };
    let exit_status = result.unwrap_or_else(|refusal| {
        output.error(&refusal);
        ExitStatus::CouldNotRun
    });
    output.exit_status(exit_status)
}
