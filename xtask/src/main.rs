//! Every check of the workspace as one program: `cargo xtask <command>`.
//!
//! It promises that a command stops at its first failing stage, hands that stage's exit code on, and ends with a table
//! of what took how long. Beside the standard library it depends on serde_json alone, so it builds in seconds on a fresh
//! clone. What the checks find out is left to cargo, to its tools and to the rules in `tidy`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its terminal")]

mod bench_processes;
mod command;
mod deps;
mod features;
mod files;
mod first_run;
mod markdown;
mod models;
mod mutants;
mod rust_code;
mod stage;
mod stress;
mod tidy;
mod tools;
mod tsan;

use command::Request;
use stage::Stages;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code of a request that xtask does not know, as most command line programs have it.
const UNKNOWN_REQUEST: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match command::parse(&words) {
        Ok(Request::Help) => {
            print!("{}", command::help());
            ExitCode::SUCCESS
        }
        Ok(Request::Run { command, rest }) => perform(command, rest),
        Err(hint) => {
            eprintln!("{hint}");
            ExitCode::from(UNKNOWN_REQUEST)
        }
    }
}

fn perform(command: &command::Command, rest: &[String]) -> ExitCode {
    let mut stages = Stages::at(project_root());
    let done = (command.perform)(&mut stages, rest);
    println!("\n{}", stages.table());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => ExitCode::from(failed.exit_code),
    }
}

/// Cargo tells a running program where its manifest is; a program started by hand falls back to where it was built.
fn project_root() -> PathBuf {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&manifest).parent().expect("xtask lies one folder below the project's root").to_path_buf()
}
