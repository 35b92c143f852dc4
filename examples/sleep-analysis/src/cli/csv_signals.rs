//! The commands over CSV signals.
use sleep_analysis::parallel::Hands;
use sleep_analysis::{SleepError, SleepResult};

use super::Ending;
use super::args::{AlignArgs, FeaturesArgs};
use super::voice::Voice;

pub(crate) fn features(_args: &FeaturesArgs, _hands: &Hands, _voice: &Voice) -> SleepResult<Ending> {
    Err(SleepError::Config(String::new()))
}

pub(crate) fn align(_args: &AlignArgs, _hands: &Hands, _voice: &Voice) -> SleepResult<Ending> {
    Err(SleepError::Config(String::new()))
}
