//! The command line of sleep-analysis: reads signals, computes in parallel, writes the results.

mod cli;

use std::process::ExitCode;

/// Every aligned column is a fresh block of megabytes. The system's allocator gives such blocks back to the kernel and
/// takes them anew, page by page; those page faults were measured at two to three times the alignment itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    cli::main().into()
}
