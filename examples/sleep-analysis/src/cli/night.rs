//! The command.
use sleep_analysis::parallel::Hands;
use sleep_analysis::{SleepError, SleepResult};

use super::Ending;
use super::args::NightArgs;
use super::voice::Voice;

pub(crate) fn night(_args: &NightArgs, _hands: &Hands, _voice: &Voice) -> SleepResult<Ending> {
    Err(SleepError::Config(String::new()))
}
