//! High-pass, averaged artifact subtraction and low-pass beside FACETpy and MNE: how fast on one core, what two workers are worth, how
//! much memory it takes, and what is left of the artifact.
//!
//! The usual recording has 32 channels of 10 minutes at 5 kHz, with a volume each 2 s. Each side is a process of its own in each round; it
//! reads the recording, says so, waits for the word, and times its work alone. The sides take turns, and the output is compared before
//! anything is timed. The peers' environments are made with pip below `target`; without them a line begins with `SKIPPED:`.
//!
//!     cargo bench -p eeg-artifact --bench pipeline -- [speed] [workers] [memory] [files] [quality] [profile]
//!         [--rounds N] [--minutes N] [--channels N] [--files N] [--without-peers]
//!
//! Without a section named, all are done. Bars that are missed are marked; wrong output ends the bench.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

mod files;
mod made;
mod memory;
mod numbers;
mod options;
mod ours;
mod peers;
mod quality;
mod side;
mod spec;
mod speed;
mod watched;
mod workers;

use options::Options;

fn main() {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    if let Some(spec) = ours::asked_for() {
        ours::run(&spec);
        return;
    }
    let options = Options::from_arguments();
    println!("{}", manyhands_test_support::figures::machine());
    let sections: [(&str, fn(&Options)); 6] = [
        ("profile", speed::profile),
        ("speed", speed::compare),
        ("workers", workers::compare),
        ("memory", memory::measure),
        ("files", files::measure),
        ("quality", quality::compare),
    ];
    for (name, section) in sections {
        if options.wants(name) {
            println!("\n## {name}\n");
            section(&options);
        }
    }
}
