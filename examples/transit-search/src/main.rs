//! The command line of transit-search: reads light curves, hands them to many hands, writes what comes back.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    manyhands::init(); // first: a copy of this program that is to work ends here
    cli::main()
}
