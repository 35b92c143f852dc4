//! The command line of transit-search: reads light curves, analyses them in parallel, writes the results.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
