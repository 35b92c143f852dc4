//! The networks beside tract's own operations, the whole way from a picture to its landmarks beside MediaPipe in Python, and what two
//! workers are worth. All of it on one core, but for two workers.
//!
//! Sides take turns, round by round. What counts is the time that the processor worked; the wall time stands beside it. The peer's
//! environment is made with pip below `target`; without it, or without the models and frames, a line begins with `SKIPPED:`.
//!
//!     cargo bench -p landmark-extraction --bench landmarks -- [networks] [profile] [pipeline] [workers] [--rounds N] [--without-peers]
//!
//! Without a section named, all are done. Bars that are missed are marked; wrong numbers end the bench.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

mod networks;
mod options;
mod peer;
mod pipeline;
mod workers;

use manyhands_test_support::figures::machine;
use options::Options;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    manyhands::init(); // first: in a worker process this call does the work and does not return
    if workers::is_copy() || pipeline::is_copy() {
        return;
    }
    let options = Options::from_arguments();
    println!("{}", machine());
    if !options.models().is_dir() || !options.frames().is_dir() {
        println!("SKIPPED: the models or the frames are absent, so nothing was measured");
        return;
    }
    let sections: [(&str, fn(&Options)); 4] = [
        ("networks", networks::compare),
        ("profile", networks::profile),
        ("pipeline", pipeline::compare),
        ("workers", workers::compare),
    ];
    for (name, section) in sections {
        if options.wants(name) {
            println!("\n## {name}\n");
            section(&options);
        }
    }
}
