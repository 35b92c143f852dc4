//! The command line of sleep-analysis: reads, hands the work to many hands, writes what comes back.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main().into()
}
