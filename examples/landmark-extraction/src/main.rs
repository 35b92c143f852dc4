//! The command line of landmark-extraction: folders of frames in, arrays of landmarks out.

mod cli;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
