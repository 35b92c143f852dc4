//! The command line of signal-batch: measures captures in parallel, aggregates, compares and judges them.

mod cli;
mod demos;

use std::process::ExitCode;

fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
