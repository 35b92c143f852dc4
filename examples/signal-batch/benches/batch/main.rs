//! Measurements, statistics and comparisons beside the routes of numpy, scipy and pandas, on one core; and what two workers are worth.
//!
//! A peer is a process that has read its input and waits; ours and the peer take turns, round by round, and the numbers of both are compared
//! before anything is timed. The peer's environment is made with pip below `target`; without it a line begins with `SKIPPED:`.
//!
//!     cargo bench -p signal-batch --bench batch -- [measure] [statistics] [comparison] [workers] [--rounds N] [--without-peers]
//!
//! Without a section named, all are done. Bars that are missed are marked; wrong numbers end the bench.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

mod comparison;
mod measure;
mod options;
mod peer;
mod statistics;
mod workers;

use manyhands_test_support::figures::machine;
use options::Options;

fn main() {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    if let Some(copy) = workers::asked_for() {
        workers::run_copy(copy);
        return;
    }
    let options = Options::from_arguments();
    println!("{}", machine());
    let sections: [(&str, fn(&Options)); 4] = [
        ("measure", measure::compare),
        ("statistics", statistics::compare),
        ("comparison", comparison::compare),
        ("workers", workers::compare),
    ];
    for (name, section) in sections {
        if options.wants(name) {
            println!("\n## {name}\n");
            section(&options);
        }
    }
}
