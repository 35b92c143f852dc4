//! The command line of sleep-analysis: reads, hands the work to many hands, writes what comes back.

mod cli;

use std::process::ExitCode;

/// Every aligned column is a fresh block of megabytes. The system's allocator gives such blocks back to the kernel and
/// takes them anew, page by page; those page faults were measured at two to three times the alignment itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    manyhands::init(); // first: a copy of this program that is to work ends here
    cli::main().into()
}
