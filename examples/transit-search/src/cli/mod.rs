//! The commands, their flags and how they end.

mod args;
mod bls;
mod chart;
mod extract;
mod interruption;
mod page;
mod samples;
mod trial;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    /// Something failed, or was left out.
    Incomplete,
    /// A signal ended it; what is finished is saved.
    BrokenOff(u8),
}

/// Why nothing could be done, in words.
type Refusal = String;

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match &arguments.command {
        Command::Extract(args) => extract::extract(args),
        Command::Bls(args) => bls::bls(args),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Incomplete) => ExitCode::from(1),
        Ok(Ending::BrokenOff(code)) => ExitCode::from(code),
        Err(refusal) => {
            tell_error(&format!("error: {refusal}"));
            ExitCode::from(2)
        }
    }
}

/// A line for people.
#[expect(clippy::print_stdout, reason = "what a command says")]
fn tell(line: &str) {
    println!("{line}");
}

/// A line about what is wrong.
#[expect(clippy::print_stderr, reason = "what a command says")]
fn tell_error(line: &str) {
    eprintln!("{line}");
}
