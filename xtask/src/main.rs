//! Every check of the workspace as one program: `cargo xtask <command>`.
//!
//! A command stops at its first failing stage, exits with the code of that stage, and ends with a table of times. The program
//! depends on serde and serde_json alone, so it builds in seconds on a fresh clone. Cargo, its tools and the rules in
//! `tidy` do the checking.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its terminal")]

mod bench_processes;
mod command;
mod deps;
mod features;
mod files;
mod first_run;
mod fuzz;
mod markdown;
mod models;
mod mutants;
mod rust_code;
mod soak;
mod stage;
mod stress;
mod tidy;
mod tools;
mod tsan;
mod vulkan;

use command::Request;
use stage::Stages;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code after unknown arguments, the same as in most command line programs.
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

/// Cargo sets a variable with the folder of the manifest; a program started by hand uses the folder of its build.
fn project_root() -> PathBuf {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&manifest).parent().expect("xtask lies one folder below the project's root").to_path_buf()
}
