//! The command line of eeg-artifact: reads recordings, cleans them in parallel, writes the results.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
