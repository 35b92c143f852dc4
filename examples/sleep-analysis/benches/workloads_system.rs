//! What would the workloads cost with the system's allocator, which gives large results back to the system each time?

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

fn main() {
    manyhands::init();
    cases::run("the system's allocator");
}
