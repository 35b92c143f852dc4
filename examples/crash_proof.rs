//! Files that a program cannot survive: one aborts it, one never ends, one needs all the memory there is. Each fails by name,
//! and the others have their results.
//!
//! `cargo run --release --example crash_proof`

#![expect(clippy::print_stdout, reason = "the result is for the terminal")]

use std::time::Duration;

use manyhands::{Job, OnFailure, Processes};

/// What a careless reader does with a file.
#[expect(clippy::ptr_arg, reason = "items are Strings, and a function over them takes one unchanged")]
fn n_samples(name: &String) -> usize {
    match name.as_str() {
        "torn.edf" => std::process::abort(),
        "endless.edf" => loop {
            std::hint::spin_loop();
        },
        "bomb.edf" => std::hint::black_box(vec![1_u8; 1 << 40]).len(),
        _ => name.len() * 1000,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // First of all: a worker is a copy of this program, and here it becomes one.
    manyhands::init();

    let files: Vec<String> =
        ["one.edf", "torn.edf", "two.edf", "endless.edf", "bomb.edf", "three.edf"].map(String::from).into();
    let outcome = Job::new(&files)
        .mode(Processes::new().time_limit(Duration::from_secs(1)).memory_limit(1 << 30))
        .workers(2)
        .key(|name| name.clone())
        .on_failure(OnFailure::Continue)
        .run(n_samples)?;

    for (idx, samples) in outcome.iter() {
        println!("{}: {samples} samples", files[idx]);
    }
    for failure in outcome.failures() {
        println!("{failure}");
    }
    let tally = outcome.tally();
    println!("{} workers died, {} of {} files have a result", tally.lost_workers, tally.succeeded, tally.items);
    assert_eq!((tally.succeeded, tally.failed), (3, 3));
    Ok(())
}
