//! Are the features and the alignment of a whole night faster than what a user of numpy, scipy or polars would run? What do
//! processes cost beside threads?
//!
//! Uses mimalloc, as the program does. Its twin `workloads_system` asks what the system's allocator costs.

#[path = "support/cases.rs"]
mod cases;
#[path = "../../../benches/support/choice.rs"]
mod choice;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/nights.rs"]
mod nights;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/processes.rs"]
mod processes;
#[path = "../../../benches/support/report.rs"]
mod report;
#[path = "../../../benches/support/rounds.rs"]
mod rounds;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    manyhands::init();
    cases::run("mimalloc");
}
