//! Ctrl+C and SIGTERM in a study: the first one lets the subjects in hand finish, so that nothing is computed twice.

use manyhands::CancelToken;
#[cfg(unix)]
use manyhands::Interrupts;
use sleep_analysis::{SleepError, SleepResult};

use crate::cli::voice::{Voice, notice};

/// Listens while it is there.
#[derive(Debug)]
pub(super) struct Interruption {
    #[cfg(unix)]
    interrupts: Interrupts,
    #[cfg(not(unix))]
    token: CancelToken,
}

/// What ended a study before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenOff {
    pub(super) signal: String,
    pub(super) exit_code: u8,
}

#[cfg(unix)]
impl Interruption {
    /// Listens from now on; begin before anything else does.
    ///
    /// # Errors
    /// [`SleepError::Config`] when the system has no thread to give.
    pub(super) fn listen(n_workers: usize, voice: &Voice) -> SleepResult<Self> {
        let says_so = voice.is_talkative();
        let interrupts = Interrupts::listen(move |signal| {
            if says_so {
                let in_hand = if n_workers == 1 { "subject" } else { "subjects" };
                notice(&format!(
                    "{signal}: finishing the {in_hand} in hand, {n_workers} at most; again to end at once"
                ));
            }
        });
        let interrupts =
            interrupts.map_err(|error| SleepError::Config(format!("cannot listen to signals: {error}")))?;
        Ok(Self { interrupts })
    }

    /// Cancelled by the first signal.
    pub(super) fn token(&self) -> &CancelToken {
        self.interrupts.token()
    }

    /// The first signal, once it has come.
    pub(super) fn broken_off(&self) -> Option<BrokenOff> {
        let signal = self.interrupts.signal()?;
        Some(BrokenOff { signal: signal.to_string(), exit_code: u8::try_from(signal.exit_code()).unwrap_or(u8::MAX) })
    }
}

/// Elsewhere Ctrl+C ends the program at once; what is finished is in the journal all the same.
#[cfg(not(unix))]
impl Interruption {
    pub(super) fn listen(_n_workers: usize, _voice: &Voice) -> SleepResult<Self> {
        Ok(Self { token: CancelToken::new() })
    }

    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    pub(super) fn broken_off(&self) -> Option<BrokenOff> {
        None
    }
}
