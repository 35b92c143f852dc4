//! What does a call in processes of their own cost, beside procspawn, Python's pools, and what the machine allows?
//!
//! Prints one JSON object per line: `{"peer": .., "case": .., "rep": .., figures}`, with the keys of the peers'
//! script `../shared/peers/process_pool_bench.py`, so that both can be run in turns; `cargo xtask bench-processes`
//! does that and holds the figures against the bars. Each measurement is a fresh process of this program, and
//! repetitions are the outer loop. Ends with an error when manyhands or a limit gave a wrong answer or none, never
//! for a slow one.
//!
//! Peers are `manyhands`, `procspawn`, and `raw`: what no pool can beat, such as a byte's way through a socket and
//! back, a copy in memory, or two threads of one process.
//!
//! `--rounds N` and parts of case names choose, `--which` chooses peers; the sizes have the names that they have in
//! the script: `--workers`, `--n`, `--n_lat`, `--payload_items`, `--shared_f64`, `--million`, `--child_timeout`.
//! `--first_rep` numbers the repetitions for a caller that runs one at a time.

#[path = "../support/memory.rs"]
mod memory;
#[path = "../support/report.rs"]
#[expect(dead_code, reason = "lines of JSON need no tables")]
mod report;

mod cases;
mod drills;
mod line;
mod measurement;
mod options;
mod ours;
mod proc_files;
mod raw;
mod shared;
mod spawned;
mod tasks;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    manyhands::init();
    procspawn::init();
    let options = Options::from_command_line();
    match &options.child {
        Some(child) => cases::play(child, &options),
        None => measurement::take_all(&options),
    }
}
