//! Is the cache as fast to read as the best peer, does it compute each missing key once, and does it keep what is used again?
//!
//! The sections, each with its word for the command line: heap per entry (`memory`), look-ups and overwrites (`read`, `mix`,
//! or a part of a case's name such as `hot`, `1k`, `1M`), one missing key that many want (`flights`), look-ups beside a long
//! computation (`stalls`), and hits of a bounded cache (`ratio`, or a part of a trace's name).

#[path = "../support/bursts.rs"]
mod bursts;
#[path = "../support/choice.rs"]
mod choice;
#[path = "../support/report.rs"]
mod report;
#[path = "../support/spin.rs"]
mod spin;

mod designs;
mod flights;
mod keys;
mod memory;
mod peers;
mod policies;
mod ratios;
mod reads;
mod stalls;
mod traces;

use choice::Choice;

fn main() {
    let choice = Choice::from_command_line();
    // First, while no other section has left anything on the heap.
    memory::section(&choice);
    reads::section(&choice);
    flights::section(&choice);
    stalls::section(&choice);
    ratios::section(&choice);
    report::foot();
}
