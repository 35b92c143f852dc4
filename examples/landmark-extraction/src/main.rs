//! The command line of landmark-extraction: folders of frames in, arrays of landmarks out.

mod cli;

use std::process::ExitCode;

// The system's allocator: mimalloc keeps what loading the models freed, so a worker took 87 MB with it and 50 MB without.
fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
