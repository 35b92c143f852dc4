//! One file per command. Each gets its arguments, hands to work with and a voice to speak with, and says how it ended.

mod analysis;
mod args;
mod channels;
mod csv_signals;
mod effort;
mod feature_choice;
mod findings;
mod main_job;
mod night;
mod out_folder;
mod run;
mod signal_files;
mod study;
mod text_table;
mod voice;

use std::process::ExitCode;

use analysis::Crew;
use args::{Cli, Command};
use voice::Voice;

/// How a command ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// All that was asked for is there.
    Done,
    /// Some items failed or something was left out: named in the output.
    Incomplete,
    /// Nothing could be done.
    CouldNotRun,
    /// A signal ended it in good order; with its exit code.
    BrokenOff(u8),
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(match ending {
            Ending::Done => 0,
            Ending::Incomplete => 1,
            Ending::CouldNotRun => 2,
            Ending::BrokenOff(code) => code,
        })
    }
}

/// Reads the arguments and carries the command out.
pub(crate) fn main() -> Ending {
    let cli = Cli::checked(); // exits with 2 and a hint when the arguments make no sense
    let voice = Voice::new(&cli.common);
    let hands = cli.common.hands(&voice);
    let crew = Crew { common: &cli.common, hands: &hands, voice: &voice };
    let ended = match &cli.command {
        None => main_job::main_job(&cli.made_night, &crew),
        Some(Command::Run(args)) => run::run(args, &cli.common, &hands, &voice),
        Some(Command::Night(args)) => night::night(args, &crew),
        Some(Command::Study(args)) => study::study(args, &crew),
        Some(Command::Features(args)) => csv_signals::features(args, &cli.common, &hands, &voice),
        Some(Command::Align(args)) => csv_signals::align(args, &cli.common, &hands, &voice),
    };
    let ending = ended.unwrap_or_else(|error| {
        voice.error(&error);
        Ending::CouldNotRun
    });
    if voice.has_lost_a_result() { ending.max(Ending::Incomplete) } else { ending }
}
