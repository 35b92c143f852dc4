//! Ctrl+C and SIGTERM in an extraction: the first one lets the samples in hand finish, so that nothing is computed twice.

use manyhands::CancelToken;
#[cfg(unix)]
use manyhands::Interrupts;

use super::Refusal;
#[cfg(unix)]
use super::tell_error;

/// Listens while it is there.
#[derive(Debug)]
pub(super) struct Interruption {
    #[cfg(unix)]
    interrupts: Interrupts,
    #[cfg(not(unix))]
    token: CancelToken,
}

/// What ended an extraction before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokenOff {
    pub(super) signal: String,
    pub(super) exit_code: u8,
}

#[cfg(unix)]
impl Interruption {
    /// Listens from now on.
    pub(super) fn listen() -> Result<Self, Refusal> {
        let interrupts = Interrupts::listen(|signal| {
            tell_error(&format!("{signal}: finishing the samples in hand; again to end at once"));
        });
        let interrupts = interrupts.map_err(|error| format!("signals cannot be listened to: {error}"))?;
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
    pub(super) fn listen() -> Result<Self, Refusal> {
        Ok(Self { token: CancelToken::new() })
    }

    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    pub(super) fn broken_off(&self) -> Option<BrokenOff> {
        None
    }
}
