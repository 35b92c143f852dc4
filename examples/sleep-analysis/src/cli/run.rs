//! The command.
use sleep_analysis::parallel::Hands;
use sleep_analysis::{SleepError, SleepResult};

use super::Ending;
use super::args::RunArgs;
use super::voice::Voice;

pub(crate) fn run(_args: &RunArgs, _hands: &Hands, _voice: &Voice) -> SleepResult<Ending> {
    Err(SleepError::Config(String::new()))
}
