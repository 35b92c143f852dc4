//! The command.
use sleep_analysis::parallel::Hands;
use sleep_analysis::{SleepError, SleepResult};

use super::Ending;
use super::args::MadeNightArgs;
use super::voice::Voice;

pub(crate) fn main_job(_args: &MadeNightArgs, _hands: &Hands, _voice: &Voice) -> SleepResult<Ending> {
    Err(SleepError::Config(String::new()))
}
